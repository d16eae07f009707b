//! Two keepers that write to each other; devices that answer.

use super::*;
use crate::epoch::EpochToken;

const HOLD: Duration = Duration::from_secs(30);

fn token(number: u64, server_id: &str) -> EpochToken {
    EpochToken { number, server_id: server_id.to_owned(), seal: "00".to_owned() }
}

fn open(folder: &Path, id: &str, record: &RoleRecord) -> QuorumKeeper {
    let start = Start { number: 1, incarnation: "0011223344556677".to_owned() };
    QuorumKeeper::open(folder, id, record, &start, HOLD).unwrap()
}

/// Three rounds: each hears the other twice.
fn correspond(a: &QuorumKeeper, b: &QuorumKeeper) {
    for _ in 0..3 {
        let asked = b.write_letter("a").unwrap();
        a.read_letter("b", &asked);
        let answer = a.write_letter("b").unwrap().for_reader_of(Some(&asked));
        // As it travels.
        let answer: Letter = serde_json::from_slice(&serde_json::to_vec(&answer).unwrap()).unwrap();
        b.read_letter("a", &answer);
    }
}

fn pair(folders: &[tempfile::TempDir; 2]) -> (QuorumKeeper, QuorumKeeper) {
    let active = open(folders[0].path(), "a", &RoleRecord::new(Role::Active, token(1, "a")));
    let standby = open(folders[1].path(), "b", &RoleRecord::new(Role::Standby, token(1, "a")));
    active.know_peers(&["b"]);
    standby.know_peers(&["a"]);
    (active, standby)
}

fn folders() -> [tempfile::TempDir; 2] {
    [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()]
}

#[test]
fn it_is_in_force_once_the_other_server_stored_the_electors() {
    let folders = folders();
    let (active, standby) = pair(&folders);
    let members: BTreeSet<u32> = [1, 2, 3].into();
    active.propose(&members, true);
    assert!(!active.view().in_force && active.view().refused.is_some(), "nobody has said yet that it still is active");
    correspond(&active, &standby);
    active.propose(&members, true);
    assert_eq!((active.view().in_force, active.view().refused), (true, None));
    assert!(!standby.view().in_force);
    correspond(&active, &standby);
    assert_eq!((standby.view().in_force, standby.view().electors), (true, 3));
    assert_eq!(active.objection_now(), None, "it holds the other server");
    // Another start finds what was on disk.
    let again = open(folders[1].path(), "b", &RoleRecord::new(Role::Standby, token(1, "a")));
    assert_eq!((again.view().in_force, again.view().electors), (true, 3));
    // Too few devices, or times that differ, switch it off.
    active.propose(&[1, 2].into(), true);
    correspond(&active, &standby);
    assert!(!active.view().in_force && !standby.view().in_force);
}

#[test]
fn a_restarted_active_server_objects_until_somebody_answers() {
    let folders = folders();
    let (active, standby) = pair(&folders);
    correspond(&active, &standby);
    active.propose(&[1, 2, 3].into(), true);
    correspond(&active, &standby);
    let again = open(folders[0].path(), "a", &RoleRecord::new(Role::Active, token(1, "a")));
    assert_eq!(again.objection_now(), Some(Standing::Starting));
    for device in [1, 2] {
        let (session, nonce, ()) = again.ask(device, || Some((7, ()))).unwrap();
        again.answered(device, session, nonce, Some(&token(1, "a").on_the_wire()));
    }
    assert_eq!(again.objection_now(), None, "two of three");
    assert_eq!(again.view().held, 2);
    again.gone(1, 7);
    assert_eq!((again.view().held, again.objection_now()), (1, Some(Standing::Lone)));
}

#[test]
fn only_an_automatic_promotion_is_unproven_even_after_a_restart() {
    let folders = folders();
    let (_, standby) = pair(&folders);
    let unproven = RoleRecord { pause: Some(Pause::Unproven), ..RoleRecord::new(Role::ReadOnly, token(2, "b")) };
    standby.follow(&unproven);
    assert_eq!(standby.objection_now(), Some(Standing::Unproven));
    let again = open(folders[1].path(), "b", &unproven);
    assert_eq!(again.objection_now(), Some(Standing::Unproven));
    again.follow(&RoleRecord::new(Role::Active, token(3, "b")));
    assert_eq!(again.objection_now(), None, "nobody else takes over by itself now");
    // What was read before says nothing any more.
    again.follow(&RoleRecord::new(Role::Standby, token(2, "b")));
    assert_eq!(again.objection_now(), None);
}

#[test]
fn a_server_whose_times_differ_is_noticed() {
    let folders = folders();
    let (active, _) = pair(&folders);
    let start = Start { number: 1, incarnation: "01".to_owned() };
    let record = RoleRecord::new(Role::Standby, token(1, "a"));
    let hasty = QuorumKeeper::open(folders[1].path(), "b", &record, &start, Duration::from_secs(1)).unwrap();
    hasty.know_peers(&["a"]);
    correspond(&active, &hasty);
    assert!(active.view().odd_peer);
    active.propose(&[1, 2, 3].into(), true);
    assert!(!active.view().in_force);
}

#[test]
fn with_several_other_servers_there_are_no_letters() {
    let folders = folders();
    let active = open(folders[0].path(), "a", &RoleRecord::new(Role::Active, token(1, "a")));
    active.know_peers(&["b", "c"]);
    assert_eq!(active.write_letter("b"), None);
    active.know_peers(&["b"]);
    assert!(active.write_letter("b").is_some());
    assert_eq!(active.write_letter("c"), None);
}

fn ask(keeper: &QuorumKeeper, device: u32) -> u64 {
    let (_, nonce, ()) = keeper.ask(device, || Some((7, ()))).unwrap();
    nonce
}

fn answer(keeper: &QuorumKeeper, device: u32, nonce: u64) {
    keeper.answered(device, 7, nonce, Some(&token(1, "a").on_the_wire()));
}

async fn is_safe(keeper: &QuorumKeeper, mark: &gateway::quorum::Mark) -> bool {
    tokio::time::timeout(Duration::from_millis(20), keeper.until_safe(mark)).await.is_ok()
}

#[tokio::test]
async fn a_write_is_safe_once_a_question_asked_after_it_is_answered() {
    let folders = folders();
    let (active, standby) = pair(&folders);
    assert!(is_safe(&active, &active.mark()).await, "nobody takes over by itself");
    correspond(&active, &standby);
    active.propose(&[1, 2, 3].into(), true);
    correspond(&active, &standby);

    let early = [1, 2].map(|device| (device, ask(&active, device)));
    let mark = active.mark();
    assert_eq!(active.due(), [3], "a moment later nobody is asked again");
    early.into_iter().for_each(|(device, nonce)| answer(&active, device, nonce));
    assert!(!is_safe(&active, &mark).await, "they were asked before");
    tokio::time::sleep(ASK_PAUSE).await;
    assert_eq!(active.due(), [1, 2, 3]);
    let late = [1, 2].map(|device| (device, ask(&active, device)));
    let wakes = async { late.into_iter().for_each(|(device, nonce)| answer(&active, device, nonce)) };
    tokio::join!(active.until_safe(&mark), wakes);

    let mark = active.mark();
    assert!(!is_safe(&active, &mark).await, "nobody has answered since");
    correspond(&active, &standby);
    assert!(is_safe(&active, &mark).await, "the other server has");
}

#[test]
fn each_write_is_proven_by_what_came_back_after_it() {
    let folders = folders();
    let (active, standby) = pair(&folders);
    correspond(&active, &standby);
    active.propose(&[1, 2, 3].into(), true);
    correspond(&active, &standby);
    let unproven = |now: Duration| active.lock().proof.alone_since(now).map(str::to_owned);
    let later = Duration::from_secs(60);
    active.wrote("first".to_owned());
    active.wrote("second".to_owned());
    assert_eq!((unproven(Duration::ZERO), unproven(later).as_deref()), (None, Some("first")));
    let nonces = [1, 2].map(|device| (device, ask(&active, device)));
    active.wrote("third".to_owned());
    nonces.into_iter().for_each(|(device, nonce)| answer(&active, device, nonce));
    active.tick();
    assert_eq!(unproven(later).as_deref(), Some("second"), "the third came too late for these answers");
    correspond(&active, &standby);
    active.tick();
    assert_eq!(unproven(later), None);
}
