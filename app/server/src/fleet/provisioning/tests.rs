//! Provisioning strings on a real store.

use super::*;
use crate::fixture::{FIRST, Room, admin, entry};
use gateway::server::EnrolDecision;

fn input(addresses: &[&str]) -> ProvisioningInput {
    ProvisioningInput {
        uses: 2,
        expires_in_seconds: 3600,
        addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
    }
}

async fn fields(room: &Room, input: ProvisioningInput) -> Vec<String> {
    match room.service.create_provisioning_string(&admin(), input).await {
        Err(Fault::Invalid { errors }) => errors.into_iter().map(|e| e.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_string_is_shown_whole_once() {
    let room = Room::active().await;
    let made = room.service.create_provisioning_string(&admin(), input(&[])).await.unwrap();
    assert_eq!(made.addresses, ["192.0.2.1:51213"], "this server's own");
    let string: provisioning::ProvisioningString = made.string.clone().unwrap().parse().unwrap();
    assert_eq!((string.id, string.installation_id.as_str()), (made.id.clone(), "site"));
    assert_eq!(string.authority_fingerprint, room.service.keys.authority().fingerprint());
    let listed = room.service.list_provisioning_strings().await.unwrap();
    assert_eq!(listed, [ProvisioningString { string: None, ..made }]);
}

#[tokio::test]
async fn a_device_starts_with_the_addresses_in_their_order() {
    let room = Room::active().await;
    let asked = input(&["server.example:51213", " ", "[2001:db8::5]:51313"]);
    let made = room.service.create_provisioning_string(&admin(), asked).await.unwrap();
    assert_eq!(made.addresses, ["server.example:51213", "[2001:db8::5]:51313"]);
    let mut newcomer = room.newcomer(FIRST).await;
    newcomer.string = made.string.unwrap().parse().unwrap();
    assert_eq!(room.enrol(&newcomer).await, EnrolDecision::Waiting);
    room.service.accept_waiting(&admin(), &newcomer.key()).await.unwrap();
    let servers = room.service.find_servers(FIRST).await.unwrap();
    let second = ServerEntry { port: 51313, ..entry(2, "2001:db8::5") };
    assert_eq!(servers.entries, [entry(1, "server.example"), second]);
}

#[tokio::test]
async fn bad_input_is_told_at_its_field() {
    let room = Room::active().await;
    let all = ProvisioningInput { uses: 0, expires_in_seconds: 59, ..input(&["10.0.0.999:51213"]) };
    assert_eq!(fields(&room, all).await, ["uses", "expires_in_seconds", "addresses[0]"]);
    assert_eq!(fields(&room, ProvisioningInput { uses: 10_001, ..input(&[]) }).await, ["uses"]);
    assert_eq!(fields(&room, input(&["", "10.0.0.5"])).await, ["addresses[1]"]);
    assert_eq!(fields(&room, input(&["10.0.0.5:51213", "10.0.0.5:51213"])).await, ["addresses[1]"]);
    assert_eq!(fields(&room, input(&["10.0.0.5:51213"; 9])).await, ["addresses"]);
}

#[tokio::test]
async fn a_standby_makes_none() {
    let room = Room::active().await.standby().await;
    let made = room.service.create_provisioning_string(&admin(), input(&[])).await;
    assert!(matches!(made, Err(Fault::NotActive { .. })));
}
