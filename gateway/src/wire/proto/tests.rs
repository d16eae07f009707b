//! Every message survives the wire, and what breaks a rule is refused by its name.

mod events;
mod probes;

use super::*;
use crate::wire::{
    DeviceId, DeviceInfo, Enrol, Enrolled, Entries, EntryFailure, Epoch, FailureKind, Goodbye, Hello, IpConfig,
    ListHash, ListVersion, Message, Reason, Registered, Role, Rollback, RollbackCause, SerialConfig, ServerEntry,
    ServerList, ServerStart,
};
use proptest::prelude::*;
use prost::Message as _;

fn texts() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 .:äß字-]{0,40}"
}

fn versions() -> impl Strategy<Value = ListVersion> {
    (any::<u64>(), any::<u64>(), any::<[u8; 32]>()).prop_map(|(epoch, number, hash)| ListVersion {
        epoch,
        number,
        hash: ListHash(hash),
    })
}

fn addresses() -> impl Strategy<Value = String> {
    let name = "[a-z]{1,10}(\\.[a-z][a-z0-9-]{0,8}[a-z]){0,3}";
    prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
        name,
    ]
}

fn entry_sets() -> impl Strategy<Value = Entries> {
    let entry = (1..=255_i64, addresses(), 1..=65_535_i64);
    proptest::collection::vec(entry, 1..=8).prop_filter_map("duplicates", |raw| {
        Entries::parse(raw.iter().map(|(priority, address, port)| (*priority, address.as_str(), *port))).ok()
    })
}

fn lists() -> impl Strategy<Value = ServerList> {
    (any::<u64>(), any::<u64>(), proptest::option::of(any::<[u8; 32]>()), entry_sets())
        .prop_map(|(epoch, number, base, entries)| {
            let seal = base.map(|hash| hash.to_vec()).unwrap_or_default();
            ServerList::new(epoch, number, base.map(ListHash), entries).with_seal(seal)
        })
        .prop_flat_map(|list| probes::settings().prop_map(move |settings| list.clone().with_settings(settings)))
}

fn entries() -> impl Strategy<Value = ServerEntry> {
    entry_sets().prop_map(|entries| entries.as_slice()[0].clone())
}

fn infos() -> impl Strategy<Value = DeviceInfo> {
    (1..=u32::MAX, any::<u32>(), texts(), any::<u16>(), any::<bool>(), texts()).prop_map(
        |(device_id, number, text, port, flag, address)| DeviceInfo {
            device_id: DeviceId(device_id),
            device_type: number,
            product_name: text.clone(),
            firmware_version: text.clone(),
            kernel_version: address.clone(),
            hardware_version: text.clone(),
            ip_config: IpConfig {
                use_dhcp: flag,
                ip_addr: address.clone(),
                subnet_mask: text.clone(),
                gateway: address,
                port,
                dns_server: text,
                mtu_size: number,
                base_band_100: !flag,
            },
            serial_config: SerialConfig { rs485_mode: number, baud_rate: u32::from(port) },
        },
    )
}

fn epochs() -> impl Strategy<Value = Epoch> {
    (any::<u64>(), texts(), proptest::collection::vec(any::<u8>(), 0..=128))
        .prop_map(|(number, server_id, seal)| Epoch { number, server_id, seal })
}

fn rollbacks() -> impl Strategy<Value = Rollback> {
    let cause = prop_oneof![
        Just(RollbackCause::Unknown),
        Just(RollbackCause::TimedOut),
        Just(RollbackCause::Restarted),
        Just(RollbackCause::FormerFailed)
    ];
    let kind = prop_oneof![
        Just(FailureKind::Unknown),
        Just(FailureKind::NotTried),
        Just(FailureKind::NameNotFound),
        Just(FailureKind::Refused),
        Just(FailureKind::TimedOut),
        Just(FailureKind::Unreachable),
        Just(FailureKind::Tls),
        Just(FailureKind::ForeignInstallation),
        Just(FailureKind::NotAdmitted),
        Just(FailureKind::Busy),
        Just(FailureKind::Closed)
    ];
    let failure = (entries(), kind, texts()).prop_map(|(entry, kind, text)| EntryFailure { entry, kind, text });
    (versions(), cause, proptest::collection::vec(failure, 0..9)).prop_map(|(version, cause, failures)| Rollback {
        version,
        cause,
        failures,
    })
}

fn goodbyes() -> impl Strategy<Value = Message> {
    let reasons = [
        Reason::Unknown,
        Reason::ShuttingDown,
        Reason::Draining,
        Reason::Malformed,
        Reason::Oversized,
        Reason::UnsupportedVersion,
        Reason::UnexpectedMessage,
        Reason::TimedOut,
        Reason::Replaced,
        Reason::NotEnrolled,
        Reason::Revoked,
        Reason::WrongIdentity,
        Reason::Rejected,
        Reason::BadProvisioning,
        Reason::TryingList,
        Reason::Storage,
        Reason::Removed,
    ];
    (0..reasons.len(), texts(), any::<u32>()).prop_map(move |(index, text, reconnect_spread_s)| {
        Message::Goodbye(Goodbye { reason: reasons[index], text, reconnect_spread_s })
    })
}

fn hellos() -> impl Strategy<Value = Message> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u64>());
    let known = (proptest::option::of(versions()), proptest::option::of(rollbacks()));
    let told = (proptest::option::of(epochs()), proptest::option::of(probes::move_failures()));
    let met = proptest::collection::vec(starts(), 0..=crate::wire::MAX_STARTS);
    let options = (known, told, met, proptest::option::of(events::spans()));
    (numbers, infos(), entries(), versions(), options).prop_map(
        |((protocol_version, capabilities, boot_id, connection_sequence), info, dialled, committed, options)| {
            let ((trial, rollback), (epoch, move_failure), starts, ring) = options;
            Message::Hello(Hello {
                protocol_version,
                capabilities,
                info,
                boot_id,
                connection_sequence,
                dialled,
                committed,
                trial,
                rollback,
                epoch,
                move_failure,
                starts,
                ring,
            })
        },
    )
}

fn starts() -> impl Strategy<Value = ServerStart> {
    let token = proptest::collection::vec(any::<u8>(), 0..=crate::wire::MAX_START_TOKEN_BYTES);
    (texts(), any::<u64>(), token).prop_map(|(server_id, number, token)| ServerStart { server_id, number, token })
}

fn registrations() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::Active), Just(Role::Standby), Just(Role::ReadOnly)];
    let started = proptest::option::of(starts());
    (any::<u64>(), texts(), texts(), role, epochs(), any::<u32>(), started).prop_map(
        |(number, server_id, server_name, role, epoch, seconds, start)| {
            Message::Registered(Registered {
                connection_sequence: number,
                installation_id: server_id.clone(),
                server_id,
                server_name,
                role,
                epoch,
                server_time_unix_ms: number,
                keep_alive_s: seconds,
                silence_limit_s: seconds / 2,
                reconnect_spread_s: seconds / 3,
                start,
                event_watermark: number / 2,
            })
        },
    )
}

fn enrolments() -> impl Strategy<Value = Message> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let asked = (any::<u32>(), infos(), texts(), bytes(), bytes()).prop_map(
        |(version, info, provisioning_id, proof, request)| {
            Message::Enrol(Enrol {
                protocol_version: version,
                info,
                provisioning_id,
                proof,
                certificate_request: request,
            })
        },
    );
    let answered = (bytes(), bytes(), texts(), lists(), any::<u64>()).prop_map(
        |(certificate, authority_certificate, installation_id, list, server_time_unix_ms)| {
            Message::Enrolled(Enrolled {
                certificate,
                authority_certificate,
                installation_id,
                list,
                server_time_unix_ms,
            })
        },
    );
    prop_oneof![asked, answered]
}

fn messages() -> impl Strategy<Value = Message> {
    prop_oneof![
        enrolments(),
        hellos(),
        registrations(),
        goodbyes(),
        any::<u32>().prop_map(|keep_alive_s| Message::EnrolWaiting { keep_alive_s }),
        any::<u32>().prop_map(|retry_after_s| Message::Busy { retry_after_s }),
        any::<u64>().prop_map(|nonce| Message::Ping { nonce }),
        any::<u64>().prop_map(|nonce| Message::Pong { nonce }),
        any::<u32>().prop_map(|message| Message::Unsupported { message }),
        lists().prop_map(Message::StageList),
        versions().prop_map(Message::ListStaged),
        (versions(), texts()).prop_map(|(version, text)| Message::StageRefused { version, text }),
        (versions(), any::<u32>()).prop_map(|(version, timeout_s)| Message::StartTrial { version, timeout_s }),
        versions().prop_map(Message::TrialStarted),
        versions().prop_map(Message::ConfirmTrial),
        versions().prop_map(Message::ListCommitted),
        versions().prop_map(Message::RollbackNoted),
        events::uploads().prop_map(Message::Upload),
        probes::messages(),
        (events::rings(), any::<u64>()).prop_map(|(ring, watermark)| Message::EventsStored { ring, watermark }),
    ]
}

proptest! {
    #[test]
    fn a_message_that_goes_over_the_wire_is_the_same(message in messages()) {
        let bytes = frame_of(message.clone()).encode_to_vec();
        prop_assert!(bytes.len() <= crate::wire::MAX_FRAME_BYTES);
        prop_assert_eq!(message_of(Frame::decode(&bytes[..]).unwrap()), Ok(message));
    }

    #[test]
    fn a_damaged_message_is_another_or_none_but_no_panic(
        message in messages(),
        place: proptest::sample::Index,
        byte: u8,
    ) {
        let mut bytes = frame_of(message).encode_to_vec();
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(frame) = Frame::decode(&bytes[..]) {
            let _ = message_of(frame);
        }
    }
}

/// How the message is refused after `change`.
fn refusal(message: Message, change: impl FnOnce(&mut generated::frame::Message)) -> String {
    let mut frame = frame_of(message);
    change(frame.message.as_mut().unwrap());
    message_of(frame).unwrap_err()
}

#[test]
fn a_list_whose_hash_is_not_its_own_is_refused() {
    let entries = Entries::parse([(1, "192.0.2.1", 51_213)]).unwrap();
    let list = ServerList::new(1, 1, None, entries);
    let why = refusal(Message::StageList(list), |message| {
        if let generated::frame::Message::StageList(stage) = message {
            stage.list.as_mut().unwrap().entries[0].ssl_server_port = 51_214;
        }
    });
    assert!(why.contains("hash"), "{why}");
}

#[test]
fn a_refusal_names_the_field() {
    let version = ListVersion { epoch: 1, number: 1, hash: ListHash([0; 32]) };
    let why = refusal(Message::ConfirmTrial(version), |message| {
        if let generated::frame::Message::ConfirmTrial(confirm) = message {
            confirm.version.as_mut().unwrap().hash.pop();
        }
    });
    assert!(why.starts_with("confirm_trial.version"), "{why}");
    let goodbye = Goodbye { reason: Reason::Storage, text: "line\nbreak".into(), reconnect_spread_s: 0 };
    let why = refusal(Message::Goodbye(goodbye), |_| {});
    assert!(why.starts_with("goodbye.text"), "{why}");
}

#[test]
fn numbers_from_a_newer_protocol_have_a_meaning() {
    let goodbye = Message::Goodbye(Goodbye { reason: Reason::Storage, text: String::new(), reconnect_spread_s: 0 });
    let mut frame = frame_of(goodbye);
    if let Some(generated::frame::Message::Goodbye(goodbye)) = &mut frame.message {
        goodbye.reason = 999;
    }
    let Ok(Message::Goodbye(goodbye)) = message_of(frame) else { panic!("a goodbye") };
    assert_eq!(goodbye.reason, Reason::Unknown);
}
