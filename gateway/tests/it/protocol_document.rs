//! The worked examples of PROTOCOL.md are what the code computes.

use gateway::enrolment::proof_of;
use gateway::provisioning::ProvisioningString;
use gateway::wire::{
    DayWindow, DeviceSettings, Entries, Epoch, Failback, FrameCodec, Message, ProbeAnswer, RingId, Role, ServerList,
};
use tokio_util::codec::Encoder as _;

const DOCUMENT: &str = include_str!("../../PROTOCOL.md");

fn documented(value: &str) {
    assert!(DOCUMENT.contains(value), "PROTOCOL.md does not say {value}");
}

fn first_list() -> ServerList {
    let entries = Entries::parse([(1, "192.0.2.10", 51_213), (2, "portal.example", 51_213)]).unwrap();
    ServerList::new(1, 1, None, entries)
}

#[test]
fn the_canonical_form_of_a_list() {
    documented(&first_list().version().hash.to_string());
    let entries = Entries::parse([(5, "2001:DB8:0::1", 51_213)]).unwrap();
    let second = ServerList::new(1, 2, Some(first_list().version().hash), entries);
    documented(&second.version().hash.to_string());
    let window = Failback::Window(DayWindow::new(60, 300).unwrap());
    let settings = DeviceSettings { failback: window, attempts_per_entry: 3, ..DeviceSettings::default() };
    documented(&second.with_settings(settings).version().hash.to_string());
    settings.to_string().lines().for_each(documented);
}

#[test]
fn every_setting_with_its_default_and_range() {
    for (name, default, range) in DeviceSettings::default().numbers() {
        let row = DOCUMENT.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let expected = format!("| {default} | {} to {} |", range.start(), range.end());
        assert!(row.is_some_and(|row| row.ends_with(&expected)), "{name}: {expected}");
    }
}

#[test]
fn an_answer_to_a_probe() {
    let answer = ProbeAnswer {
        installation_id: "site".into(),
        server_id: "s1".into(),
        server_name: "One".into(),
        role: Role::Active,
        epoch: Epoch { number: 3, server_id: "s1".into(), seal: Vec::new() },
    };
    let mut bytes = bytes::BytesMut::new();
    FrameCodec.encode(Message::ProbeAnswer(answer), &mut bytes).unwrap();
    documented(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
}

#[test]
fn a_frame() {
    let mut bytes = bytes::BytesMut::new();
    FrameCodec.encode(Message::Ping { nonce: 300 }, &mut bytes).unwrap();
    documented(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
}

#[test]
fn an_acknowledgement_of_events() {
    let mut bytes = bytes::BytesMut::new();
    let stored = Message::EventsStored { ring: RingId([7; 16]), watermark: 140 };
    FrameCodec.encode(stored, &mut bytes).unwrap();
    documented(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
}

#[test]
fn a_renewal() {
    let mut bytes = bytes::BytesMut::new();
    FrameCodec.encode(Message::RenewCertificate { request: b"request".to_vec() }, &mut bytes).unwrap();
    documented(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
}

#[test]
fn a_proof() {
    let mut binding = [0; 32];
    (0..32).zip(&mut binding).for_each(|(value, byte)| *byte = value);
    documented(&hex::encode(proof_of(&[0x11; 32], &binding, b"request")));
}

#[test]
fn a_provisioning_string() {
    let string = ProvisioningString {
        id: "p-1".into(),
        installation_id: "site".into(),
        authority_fingerprint: [0x22; 32],
        addresses: vec![("192.0.2.10".parse().unwrap(), 51_213), ("portal.example".parse().unwrap(), 51_213)],
        secret: [0x11; 32],
    };
    documented(&string.to_string());
}
