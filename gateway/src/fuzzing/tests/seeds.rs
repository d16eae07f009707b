//! What the fuzzer begins with: one good input of each kind, from which it makes bad ones.

use crate::{
    authority::{Authority, request_for},
    client::{fuzz_ring_files_seeds, fuzz_state_slots_seeds},
    provisioning::ProvisioningString,
    wire::{
        DeviceId, Entries, Epoch, Event, EventUpload, FrameCodec, Goodbye, Message, Reason, Registered, RingId, Role,
        ServerList,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::BytesMut;
use rcgen::KeyPair;
use time::OffsetDateTime;
use tokio_util::codec::Encoder as _;

type Seeds = Vec<(&'static str, Vec<u8>)>;

/// A target's seeds with their names.
pub(super) fn of(target: &str) -> Seeds {
    match target {
        "frames" => {
            vec![("session", [vec![3], messages().into_iter().flat_map(|(_, frame)| frame).collect()].concat())]
        }
        "messages" => messages().into_iter().map(|(title, frame)| (title, frame[4..].to_vec())).collect(),
        "lists" => vec![
            ("addresses", b"1 192.0.2.10 51213\n2 portal.example 51213\n9 2001:db8::1 51213".to_vec()),
            ("pair", "1 B\u{fc}cher.example. 443\n\n1 bucher.example 443".as_bytes().to_vec()),
        ],
        "certificates" => certificates(),
        "certificate_names" => vec![
            ("device", b"bln://site/device/538745678".to_vec()),
            ("server", b"bln://site/server/srv-1".to_vec()),
            ("device-with-leading-zero", b"bln://site/device/07".to_vec()),
            ("device-with-sign", b"bln://site/device/+7".to_vec()),
        ],
        "provisioning" => provisioning(),
        "state_slots" => fuzz_state_slots_seeds(),
        "ring_files" => fuzz_ring_files_seeds(),
        other => panic!("no seeds for {other}"),
    }
}

fn list() -> ServerList {
    let entries = [(1, "192.0.2.10", 51_213), (2, "portal.example", 51_213), (3, "2001:db8::1", 51_213)];
    ServerList::new(1, 2, None, Entries::parse(entries).unwrap())
}

fn messages() -> Seeds {
    let registered = Registered {
        connection_sequence: 3,
        installation_id: "site".to_owned(),
        server_id: "srv-1".to_owned(),
        server_name: "Server 1".to_owned(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "srv-1".to_owned(), seal: Vec::new() },
        server_time_unix_ms: 1_700_000_000_000,
        keep_alive_s: 10,
        silence_limit_s: 30,
        reconnect_spread_s: 2,
        start: None,
        event_watermark: 0,
    };
    let event = Event { time_unix_ms: 1, code: 4865, user_id: "7".to_owned(), detail: "door 1".to_owned() };
    let upload = EventUpload::Events { ring: RingId([7; 16]), first_id: 1, events: vec![event] };
    let goodbye = Goodbye { reason: Reason::Draining, text: "see you".to_owned(), reconnect_spread_s: 4 };
    let messages = [
        ("registered", Message::Registered(registered)),
        ("stage-list", Message::StageList(list())),
        ("start-trial", Message::StartTrial { version: list().version(), timeout_s: 60 }),
        ("list-committed", Message::ListCommitted(list().version())),
        ("goodbye", Message::Goodbye(goodbye)),
        ("ping", Message::Ping { nonce: 300 }),
        ("upload", Message::Upload(upload)),
        ("events-stored", Message::EventsStored { ring: RingId([7; 16]), watermark: 5 }),
    ];
    messages.map(|(title, message)| (title, frame_of(message))).into()
}

fn frame_of(message: Message) -> Vec<u8> {
    let mut frame = BytesMut::new();
    FrameCodec.encode(message, &mut frame).unwrap();
    frame.to_vec()
}

fn certificates() -> Seeds {
    let authority = Authority::create("site", OffsetDateTime::UNIX_EPOCH).unwrap();
    let request = request_for(&KeyPair::generate().unwrap()).unwrap();
    let device = authority.issue_device(&request, DeviceId(7), OffsetDateTime::UNIX_EPOCH).unwrap();
    vec![("authority", authority.certificate_der().to_vec()), ("device", device.der), ("request", request)]
}

fn provisioning() -> Seeds {
    let string = ProvisioningString {
        id: "p-1".to_owned(),
        installation_id: "site".to_owned(),
        authority_fingerprint: [7; 32],
        addresses: ["192.0.2.1", "2001:db8::1", "portal.example"].map(|a| (a.parse().unwrap(), 51_213)).to_vec(),
        secret: [9; 32],
    };
    let text = string.to_string();
    let mut content = URL_SAFE_NO_PAD.decode(&text["BLN1-".len()..]).unwrap();
    content.truncate(content.len() - 4);
    vec![("pasted", text.into_bytes()), ("inside", content)]
}
