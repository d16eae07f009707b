//! The tables of timers and counts in PROTOCOL.md are the numbers that the code runs by.

use gateway::device::Config;
use gateway::server::Settings;
use gateway::wire::{Entries, ServerList};
use std::time::Duration;

const DOCUMENT: &str = include_str!("../../PROTOCOL.md");

/// In the tables, but numbers of one place in the code each.
const ELSEWHERE: [&str; 7] = [
    "`Busy`",
    "wait between two rounds while enrolling",
    "bytes that the other side does not take end the session, device; server",
    "a session ticket opens for",
    "trial",
    "answer to `Move`, and to another order of an operator",
    "`AskEpoch`, about every",
];

fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let (_, tables) = DOCUMENT.split_once("## 19. All timers").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| set by |"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0], cells[1], cells[2])
    })
    .collect()
}

fn s(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

fn of_attempts(config: &Config) -> Vec<(&'static str, String)> {
    said("`Busy`", &format!("1 to {}", s(config.busy_max)), "");
    said("wait after a loss, or when the network is back", "", &format!("at most {};", s(config.spread_max)));
    let names = format!("{}; {}", s(config.name_limit), s(config.name_memory));
    let waits = format!("{} doubling to {}, half of it random", s(config.backoff_first), s(config.backoff_max));
    vec![
        ("name resolution; the last good answer serves on failure", names),
        ("names of the list asked for again in a session", format!("{}, a fifth more or less", s(config.name_refresh))),
        ("between two addresses of one name", s(config.race_delay)),
        ("TCP and TLS of an attempt", s(config.connect_limit)),
        ("answer to a hello or probe", s(config.registration_limit)),
        ("whole attempt", s(config.attempt_limit)),
        ("attempt on the entry just lost", s(config.lost_entry_limit)),
        ("between two attempts of a pass", s(config.attempt_pause)),
        ("wait after a loss, or when the network is back", format!("share of {}", s(config.spread))),
        ("wait after a pass, and after a second short session in a row", waits),
        ("penalty after a refusal", s(config.penalty)),
        ("previous list tried too", s(config.previous_list_after)),
        ("attempt on the server moved to", s(config.move_limit)),
        ("attempts on each entry in a pass", config.attempts_per_entry.to_string()),
        ("`Busy` in a row before the next entry", config.busy_in_a_row.to_string()),
    ]
}

fn of_sessions(config: &Config) -> Vec<(&'static str, String)> {
    said("ping", "", &format!("at most {}", s(config.silence_max / 2)));
    said("silence that ends a session, device", "", &format!("at most {}", s(config.silence_max)));
    said("trial", "", &format!("at most {}", s(config.trial_max)));
    let holds = [config.hold_down, config.hold_down_max, config.steady_after].map(s).join("; ");
    let look = format!("{} doubling to {}, a fifth more or less", s(config.look_again), s(config.probe_interval));
    let renewal = format!("share of {}; {}", s(config.renewal_spread), s(config.renewal_retry));
    vec![
        ("a session is no longer short, and the waits start anew, after", s(config.stable_after)),
        ("ping", s(config.keep_alive)),
        ("silence that ends a session, device", s(config.silence_limit)),
        ("pause before a server that lost events is tried again", s(config.event_pause)),
        ("probe of better servers", format!("{}, a fifth more or less", s(config.probe_interval))),
        ("the active server is looked for again", look),
        ("hold-down; its limit; a return that lasted", holds),
        ("spread of returns", format!("share of {}", s(config.failback_spread))),
        ("renewal of the certificate: asked for within; asked for again after", renewal),
        ("probes in a row that a better server answers", config.probe_successes.to_string()),
        ("events that the ring keeps", config.ring_capacity.to_string()),
    ]
}

fn of_servers() -> Vec<(&'static str, String)> {
    let settings = Settings::default();
    let (device, server) = (Config::default(), &settings);
    let told = (u64::from(server.keep_alive_s), u64::from(server.device_silence_limit_s));
    assert_eq!(told, (device.keep_alive.as_secs(), device.silence_limit.as_secs()));
    assert_eq!(server.device_patience, device.connect_limit);
    let spread = format!("{} to {}", server.spread_of(0), server.spread_of(usize::MAX / 4));
    let trial_min = (server.trial_timeout)(&one_entry());
    said("trial", &format!("a full pass + {}, at least {}", s(server.stability), s(trial_min)), "");
    vec![
        ("spread that a server tells", spread),
        ("silence that ends a session, server", s(server.evict_after)),
        (
            "first frame after TLS; TLS handshake, server",
            format!("{}; {}", s(server.first_message_timeout), s(server.handshake_timeout)),
        ),
        ("between two waves of a server that drains", s(server.waves().pause)),
        ("session that confirms a trial", s(server.stability)),
        (
            "answer to a command about lists; to `ProbeList`",
            format!("{}; {}", s(server.answer_timeout), s(server.probe_timeout)),
        ),
        ("events that cannot be put on record are tried again", s(server.report_retry)),
        ("connections a second for which a server counts", server.capacity_per_s.to_string()),
    ]
}

fn one_entry() -> ServerList {
    ServerList::new(1, 1, None, Entries::parse([(1, "192.0.2.10", 51_213)]).unwrap())
}

/// The row of that name has this number, and this in what sets it.
fn said(name: &str, number: &str, set_by: &str) {
    let row = rows().into_iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("no row {name:?}"));
    assert!(row.1.starts_with(number), "{name}: {} is not {number}", row.1);
    assert!(row.2.contains(set_by), "{name}: {} is not {set_by}", row.2);
}

#[test]
fn every_timer_and_count() {
    let config = Config::default();
    let fields = format!("{config:#?}").lines().count() - 2;
    assert_eq!(fields, 36, "a number that came or went concerns the tables, and this test");
    let known: Vec<_> = [of_attempts(&config), of_sessions(&config), of_servers()].concat();
    for (name, number) in &known {
        let row = rows().into_iter().find(|row| row.0 == *name);
        assert_eq!(row.map(|row| row.1), Some(number.as_str()), "{name}");
    }
    for (name, ..) in rows() {
        let accounted = ELSEWHERE.contains(&name) || known.iter().any(|(known, _)| *known == name);
        assert!(accounted, "nothing tells the number of {name:?}");
    }
}
