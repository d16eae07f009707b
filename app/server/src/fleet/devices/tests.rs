//! The device list and the Device Setting page on a real store.

use super::*;
use crate::fixture::{FIRST, Room, admin, entry, reported, row, rows};
use model::{DeviceStatus, EntryInput, Role};

fn query() -> DeviceQuery {
    DeviceQuery::default()
}

async fn ids(room: &Room, query: DeviceQuery) -> Vec<u32> {
    room.service.list_devices(query).await.unwrap().items.into_iter().map(|device| device.id).collect()
}

async fn setting(room: &Room, name: &str, revision: u64, entries: Vec<EntryInput>) -> Result<Device, Fault> {
    let input = DeviceSettingInput { name: name.to_owned(), revision, entries, ..DeviceSettingInput::default() };
    room.service.save_device_setting(&admin(), FIRST, input).await
}

#[tokio::test]
async fn devices_come_by_name_in_pages_that_miss_none() {
    let room = Room::active().await;
    for n in [4, 2, 3, 1, 0] {
        room.device(FIRST + n).await;
    }
    room.service.rename_device(&admin(), FIRST + 4, "attic").await.unwrap();
    let first = room.service.list_devices(DeviceQuery { limit: Some(2), ..query() }).await.unwrap();
    assert_eq!(first.total, 5);
    assert_eq!(first.items.iter().map(|d| d.id).collect::<Vec<_>>(), [FIRST + 4, FIRST]);
    // A device that comes in between neither repeats nor hides another.
    room.device(FIRST + 9).await;
    let mut rest = Vec::new();
    let mut cursor = first.next_cursor;
    while let Some(at) = cursor {
        let page =
            room.service.list_devices(DeviceQuery { limit: Some(2), cursor: Some(at), ..query() }).await.unwrap();
        rest.extend(page.items.iter().map(|d| d.id));
        cursor = page.next_cursor;
    }
    assert_eq!(rest, [FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 9]);
}

#[tokio::test]
async fn a_bad_limit_or_cursor_is_told_at_its_field() {
    let room = Room::active().await;
    for limit in [0, 201] {
        let fault = room.service.list_devices(DeviceQuery { limit: Some(limit), ..query() }).await.unwrap_err();
        assert!(matches!(fault, Fault::Invalid { errors } if errors[0].field == "limit"));
    }
    let fault = room.service.list_devices(DeviceQuery { cursor: Some("?".to_owned()), ..query() }).await.unwrap_err();
    assert!(matches!(fault, Fault::Invalid { errors } if errors[0].field == "cursor"));
}

#[tokio::test]
async fn devices_are_found_by_name_id_address_status_and_server() {
    let room = Room::active().await;
    let enrolled = room.device(FIRST).await;
    room.device(FIRST + 1).await;
    room.service.rename_device(&admin(), FIRST, "Main Entrance").await.unwrap();
    room.register(FIRST, reported(enrolled.list.version())).await;
    let by_text = |q: &str| DeviceQuery { q: Some(q.to_owned()), ..query() };
    assert_eq!(ids(&room, by_text("entrance")).await, [FIRST]);
    assert_eq!(ids(&room, by_text("547846002")).await, [FIRST + 1]);
    assert_eq!(ids(&room, by_text(&format!("10.0.0.{}", FIRST % 250))).await, [FIRST]);
    assert_eq!(ids(&room, by_text("nothing")).await, [0; 0]);
    let by_status = |status| DeviceQuery { status: Some(status), ..query() };
    assert_eq!(ids(&room, by_status(DeviceStatus::Connected)).await, [FIRST]);
    assert_eq!(ids(&room, by_status(DeviceStatus::Disconnected)).await, [FIRST + 1]);
    let by_server = |server: &str| DeviceQuery { server: Some(server.to_owned()), ..query() };
    assert_eq!(ids(&room, by_server("one")).await, [FIRST]);
    assert_eq!(ids(&room, by_server("two")).await, [0; 0]);
}

#[tokio::test]
async fn name_and_servers_are_saved_together_or_not_at_all() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let bad = setting(&room, "", 1, vec![EntryInput::default(), row("1", "10.0.0.999", "51213")]).await;
    let Err(Fault::Invalid { errors }) = bad else { panic!("{bad:?}") };
    let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
    assert_eq!(fields, ["name", "entries[1].address"]);
    let saved = setting(&room, " Gate ", 1, rows(&["10.0.0.6"])).await.unwrap();
    assert_eq!((saved.name.as_str(), saved.servers.revision), ("Gate", 2));
    let stale = setting(&room, "Attic", 1, rows(&["10.0.0.7"])).await;
    assert_eq!(stale, Err(Fault::Conflict { revision: 2, by: "admin".to_owned() }));
    let device = room.service.find_device(FIRST).await.unwrap();
    assert_eq!((device.name.as_str(), device.servers.entries.as_slice()), ("Gate", [entry(1, "10.0.0.6")].as_slice()));
}

#[tokio::test]
async fn what_did_not_change_makes_no_revision() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let mut same = rows(&["192.0.2.1"]);
    same.resize(8, EntryInput::default());
    let saved = setting(&room, "Gate", 1, same.clone()).await.unwrap();
    assert_eq!((saved.name.as_str(), saved.servers.revision, saved.servers.push), ("Gate", 1, None));
    let mut changes = room.service.changes().listen();
    setting(&room, "Gate", 1, same).await.unwrap();
    assert!(changes.try_recv().is_err(), "nothing happened");
}

#[tokio::test]
async fn a_standby_saves_nothing() {
    let active = Room::active().await;
    active.device(FIRST).await;
    let standby = active.standby().await;
    assert_eq!(standby.service.role(), Role::Standby);
    assert!(matches!(setting(&standby, "Gate", 1, rows(&["10.0.0.6"])).await, Err(Fault::NotActive { .. })));
    let rename = standby.service.rename_device(&admin(), FIRST, "Gate").await;
    assert!(matches!(rename, Err(Fault::NotActive { .. })));
    assert_eq!(standby.service.find_device(FIRST).await.unwrap().servers.revision, 1);
}
