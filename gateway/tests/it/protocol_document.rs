//! The worked examples of PROTOCOL.md are what the code computes.

use bytes::BytesMut;
use gateway::enrolment::proof_of;
use gateway::provisioning::ProvisioningString;
use gateway::wire::{
    DayWindow, DeviceId, DeviceInfo, DeviceSettings, Enrol, Enrolled, Entries, Epoch, Failback, FrameCodec, Hello,
    IpConfig, Message, ProbeAnswer, Registered, RingId, RingSpan, Role, SerialConfig, ServerList,
};
use tokio_util::codec::{Decoder as _, Encoder as _};

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

/// This frame's bytes stand there, however they are broken into lines.
fn documented_frame(message: Message) {
    let mut bytes = BytesMut::new();
    FrameCodec.encode(message, &mut bytes).unwrap();
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let document = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(document.contains(&hex), "PROTOCOL.md does not say {hex}");
}

fn info() -> DeviceInfo {
    DeviceInfo {
        device_id: DeviceId(7),
        device_type: 3,
        product_name: "BioLite Net".into(),
        firmware_version: "2.3.3".into(),
        kernel_version: String::new(),
        hardware_version: String::new(),
        ip_config: IpConfig::default(),
        serial_config: SerialConfig::default(),
    }
}

fn epoch() -> Epoch {
    Epoch { number: 3, server_id: "s1".into(), seal: Vec::new() }
}

#[test]
fn an_enrolment() {
    documented_frame(Message::Enrol(Enrol {
        protocol_version: 1,
        info: info(),
        provisioning_id: "p-1".into(),
        proof: vec![0x33; 32],
        certificate_request: b"request".to_vec(),
    }));
    documented_frame(Message::EnrolWaiting { keep_alive_s: 10 });
    documented_frame(Message::Enrolled(Enrolled {
        certificate: b"device".to_vec(),
        authority_certificate: b"authority".to_vec(),
        installation_id: "site".into(),
        list: first_list(),
        server_time_unix_ms: 1_790_000_000_000,
    }));
}

#[test]
fn a_registration() {
    documented_frame(Message::Hello(Hello {
        protocol_version: 1,
        capabilities: 0,
        info: info(),
        boot_id: 5,
        connection_sequence: 8,
        dialled: first_list().entries().as_slice()[0].clone(),
        committed: first_list().version(),
        trial: None,
        rollback: None,
        epoch: Some(epoch()),
        move_failure: None,
        starts: Vec::new(),
        ring: Some(RingSpan { ring: RingId([7; 16]), replaces: None, oldest: 1, newest: 250 }),
    }));
    documented_frame(Message::Registered(Registered {
        connection_sequence: 9,
        installation_id: "site".into(),
        server_id: "s1".into(),
        server_name: "One".into(),
        role: Role::Active,
        epoch: epoch(),
        server_time_unix_ms: 1_790_000_000_000,
        keep_alive_s: 10,
        silence_limit_s: 30,
        reconnect_spread_s: 2,
        start: None,
        event_watermark: 40,
    }));
}

#[test]
fn a_staged_list() {
    documented_frame(Message::StageList(first_list()));
}

/// A field of protobuf that holds others.
fn field(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(body.len()).unwrap()][..], body].concat()
}

#[test]
fn what_else_an_entry_says_changes_nothing() {
    let staged = |more: &[u8]| {
        let hash = hex::decode(first_list().version().hash.to_string()).unwrap();
        let version = [&[0x08, 1, 0x10, 1][..], &field(0x1a, &hash)].concat();
        let entry = |priority, address: &str| {
            let port = [0x18, 0x8d, 0x90, 0x03];
            [&[0x08, priority][..], &field(0x12, address.as_bytes()), &port, more].concat()
        };
        let (first, second) = (entry(1, "192.0.2.10"), entry(2, "portal.example"));
        let list = [field(0x0a, &version), field(0x1a, &first), field(0x1a, &second)].concat();
        let frame = field(0x5a, &field(0x0a, &list));
        let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
        let mut bytes = BytesMut::from(&[&length[..], &frame].concat()[..]);
        FrameCodec.decode(&mut bytes).unwrap()
    };
    let list = Some(Message::StageList(first_list()));
    assert_eq!(staged(&[]), list);
    let plain = [0x20, 1];
    let authority = field(0x2a, b"other");
    for more in [&plain[..], &authority] {
        assert_eq!(staged(more), list);
    }
}

#[test]
fn an_answer_to_a_probe() {
    documented_frame(Message::ProbeAnswer(ProbeAnswer {
        installation_id: "site".into(),
        server_id: "s1".into(),
        server_name: "One".into(),
        role: Role::Active,
        epoch: epoch(),
    }));
}

#[test]
fn a_frame() {
    documented_frame(Message::Ping { nonce: 300 });
}

#[test]
fn an_acknowledgement_of_events() {
    documented_frame(Message::EventsStored { ring: RingId([7; 16]), watermark: 140 });
}

#[test]
fn a_renewal() {
    documented_frame(Message::RenewCertificate { request: b"request".to_vec() });
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
