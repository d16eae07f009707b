//! Probes, moves and settings over the wire.

use super::*;
use crate::wire::{DayWindow, DeviceSettings, EntryProbe, Failback, MoveFailure, ProbeAnswer, RevokedServer};

fn answers() -> impl Strategy<Value = ProbeAnswer> {
    (texts(), texts(), roles(), epochs()).prop_map(|(installation_id, server_id, role, epoch)| ProbeAnswer {
        installation_id,
        server_name: server_id.clone(),
        server_id,
        role,
        epoch,
    })
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Active), Just(Role::Standby), Just(Role::ReadOnly)]
}

fn rows() -> impl Strategy<Value = EntryProbe> {
    let milliseconds = || proptest::option::of(any::<u32>());
    let outcome = prop_oneof![
        answers().prop_map(Ok),
        texts().prop_map(|text| Err((FailureKind::Refused, text))),
        texts().prop_map(|text| Err((FailureKind::Unknown, text))),
    ];
    let resolved = proptest::option::of(any::<std::net::IpAddr>());
    (entries(), resolved, milliseconds(), milliseconds(), milliseconds(), outcome).prop_map(
        |(entry, resolved, tcp_ms, tls_ms, answer_ms, outcome)| EntryProbe {
            entry,
            resolved: resolved.map(|address| address.to_string()),
            tcp_ms,
            tls_ms,
            answer_ms,
            outcome,
        },
    )
}

pub(super) fn settings() -> impl Strategy<Value = DeviceSettings> {
    let window = (0..1440_u32, 0..1440_u32).prop_filter_map("empty", |(from, to)| DayWindow::new(from, to));
    let failback = prop_oneof![
        Just(Failback::Auto),
        Just(Failback::Sticky),
        Just(Failback::Manual),
        window.prop_map(Failback::Window),
    ];
    (failback, 10..=3600_u32, 1..=5_u32, 60..=86_400_u32).prop_map(
        |(failback, hold_down_s, attempts_per_entry, previous_list_after_s)| DeviceSettings {
            failback,
            hold_down_s,
            attempts_per_entry,
            previous_list_after_s,
            ..DeviceSettings::default()
        },
    )
}

pub(super) fn move_failures() -> impl Strategy<Value = MoveFailure> {
    (any::<u64>(), entries(), texts()).prop_map(|(request, entry, text)| MoveFailure {
        request,
        failure: EntryFailure { entry, kind: FailureKind::TimedOut, text },
    })
}

pub(super) fn messages() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<u32>(), 1..=u32::MAX)
            .prop_map(|(protocol_version, id)| Message::Probe { protocol_version, device: DeviceId(id) }),
        answers().prop_map(Message::ProbeAnswer),
        (any::<u64>(), entry_sets()).prop_map(|(request, entries)| Message::ProbeList { request, entries }),
        (any::<u64>(), proptest::collection::vec(rows(), 0..=8))
            .prop_map(|(request, rows)| Message::ProbeTable { request, rows }),
        (any::<u64>(), entries(), any::<u32>()).prop_map(|(request, entry, ttl_s)| Message::Move {
            request,
            entry,
            ttl_s
        }),
        (any::<u64>(), texts()).prop_map(|(request, refused)| Message::MoveAnswer { request, refused }),
        proptest::collection::vec((texts(), proptest::collection::vec(any::<u8>(), 0..=128)), 0..=3).prop_map(
            |servers| {
                let revoked = |(server_id, seal)| RevokedServer { server_id, seal };
                Message::RevokedServers(servers.into_iter().map(revoked).collect())
            }
        ),
        any::<u64>().prop_map(|request| Message::AskEpoch { request }),
        any::<u64>().prop_map(|request| Message::AskList { request }),
        (any::<u64>(), lists()).prop_map(|(request, list)| Message::ListAnswer { request, list: Box::new(list) }),
        (any::<u64>(), proptest::option::of(epochs()))
            .prop_map(|(request, epoch)| Message::EpochAnswer { request, epoch }),
        (roles(), epochs()).prop_map(|(role, epoch)| Message::ServerChanged { role, epoch }),
        any::<Vec<u8>>().prop_map(|request| Message::RenewCertificate { request }),
        any::<Vec<u8>>().prop_map(|certificate| Message::CertificateRenewed { certificate }),
        texts().prop_map(|text| Message::RenewalRefused { text }),
    ]
}

#[test]
fn settings_out_of_range_are_refused_by_their_name() {
    let entries = Entries::parse([(1, "192.0.2.1", 51_213)]).unwrap();
    let list = ServerList::new(1, 1, None, entries);
    let why = refusal(Message::StageList(list), |message| {
        if let generated::frame::Message::StageList(stage) = message {
            let wild = generated::DeviceSettings { backoff_max_seconds: Some(86_400), ..Default::default() };
            stage.list.as_mut().unwrap().settings = Some(wild);
        }
    });
    assert_eq!(why, "settings: backoff_max_seconds is 86400, not 2 to 60");
}
