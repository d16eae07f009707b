//! Rollouts on a real store, with devices that report what they are told to.

use super::*;
use crate::{
    fixture::{FIRST, Room, admin, entry, reported, rows},
    fleet::Report,
};
use model::{
    PushState,
    RolloutDeviceState::{Cancelled, Committed, Failed, Offline, Superseded, UnderWay, Waiting},
    RolloutVerb,
};

const NEW: &[&str] = &["10.0.0.6", "192.0.2.1"];

/// An active server with so many connected devices.
async fn room(devices: u32) -> Room {
    let room = Room::active().await;
    for id in FIRST..FIRST + devices {
        let enrolled = room.device(id).await;
        room.register(id, reported(enrolled.list.version())).await;
    }
    room
}

fn input(selector: Selector) -> RolloutInput {
    RolloutInput { selector, entries: rows(NEW) }
}

async fn roll_out(room: &Room, selector: Selector) -> Rollout {
    room.service.create_rollout(&admin(), input(selector), false).await.unwrap()
}

async fn look(room: &Room, id: u64) -> Vec<RolloutDeviceState> {
    room.service.advance_rollouts().await.unwrap();
    let devices = room.service.list_rollout_devices(id, RolloutDeviceQuery::default()).await.unwrap();
    devices.items.into_iter().map(|device| device.state).collect()
}

async fn state(room: &Room, id: u64) -> RolloutState {
    room.service.find_rollout(id).await.unwrap().state
}

async fn act(room: &Room, id: u64, verb: RolloutVerb) -> Result<Rollout, Fault> {
    room.service.act_on_rollout(&admin(), id, verb).await
}

/// The device takes the wanted list, and registers with it; the answer is the list's revision.
async fn commit(room: &Room, device: u32) -> u64 {
    let list = room.push(device).await;
    room.register(device, list.clone()).await;
    list.number
}

/// The device tries the wanted list and goes back.
async fn fail(room: &Room, device: u32) {
    let list = room.wanted(device).await.expect("a list is wanted");
    room.report(device, &list, &Report::Trial).await;
    let report = Report::GivenUp { reason: "refused".to_owned(), failures: Vec::new() };
    room.report(device, &list, &report).await;
}

fn fields(refused: Result<Rollout, Fault>) -> Vec<String> {
    let Err(Fault::Invalid { errors }) = refused else { panic!("{refused:?}") };
    errors.into_iter().map(|error| error.field).collect()
}

#[tokio::test]
async fn a_rollout_goes_wave_by_wave_and_finishes() {
    let room = room(3).await;
    let made = roll_out(&room, Selector::All { all: true }).await;
    assert_eq!((made.id, made.state, made.counts.waiting, made.waves.len()), (1, RolloutState::Running, 3, 3));
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting, Waiting]);
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting, Waiting], "looking again begins nothing");
    assert_eq!(commit(&room, FIRST).await, 2);
    assert_eq!(look(&room, 1).await, [Committed, UnderWay, Waiting]);
    commit(&room, FIRST + 1).await;
    look(&room, 1).await;
    commit(&room, FIRST + 2).await;
    assert_eq!(look(&room, 1).await, [Committed; 3]);
    let ended = room.service.find_rollout(1).await.unwrap();
    assert_eq!((ended.state, ended.moved_by.as_str()), (RolloutState::Finished, "system"));
    assert!(ended.ended_at.is_some());
    let history = room.service.list_revisions(FIRST, Default::default()).await.unwrap();
    assert_eq!((history.items[0].rollout, history.items[0].by.as_str()), (Some(1), "admin"));
}

#[tokio::test]
async fn what_is_wrong_with_a_rollout_is_told_at_its_fields() {
    let room = room(1).await;
    let create = async |selector| room.service.create_rollout(&admin(), input(selector), false).await;
    assert_eq!(fields(create(Selector::Devices { devices: vec![] }).await), ["selector.devices"]);
    let unknown = Selector::Devices { devices: vec![FIRST, 7, 8] };
    assert_eq!(fields(create(unknown).await), ["selector.devices[1]", "selector.devices[2]"]);
    assert_eq!(fields(create(Selector::Query { query: " ".into() }).await), ["selector.query"]);
    assert_eq!(fields(create(Selector::Query { query: "nobody".into() }).await), ["selector.query"]);
    let both = RolloutInput { selector: Selector::Devices { devices: vec![7] }, entries: rows(&["300.1.1.1"]) };
    let refused = room.service.create_rollout(&admin(), both, false).await;
    assert_eq!(fields(refused), ["entries[0].address", "selector.devices[0]"]);
    assert_eq!(room.service.list_rollouts(RolloutQuery::default()).await.unwrap().total, 0);
    let standby = room.standby().await;
    let refused = standby.service.create_rollout(&admin(), input(Selector::All { all: true }), false).await;
    assert!(matches!(refused, Err(Fault::NotActive { .. })), "{refused:?}");
}

#[tokio::test]
async fn who_is_connected_comes_first_and_who_is_not_blocks_nobody() {
    let room = Room::active().await;
    room.device(FIRST).await;
    let enrolled = room.device(FIRST + 1).await;
    room.register(FIRST + 1, reported(enrolled.list.version())).await;
    let preview = room.service.preview_rollout(Selector::All { all: true }).await.unwrap();
    assert_eq!(preview.devices.iter().map(|device| device.id).collect::<Vec<_>>(), [FIRST + 1, FIRST]);
    assert_eq!((preview.waves, preview.failure_limit), (vec![1, 1], 1));
    roll_out(&room, Selector::All { all: true }).await;
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting]);
    commit(&room, FIRST + 1).await;
    assert_eq!(look(&room, 1).await, [Committed, Offline]);
    assert_eq!(state(&room, 1).await, RolloutState::Running, "it waits for the one that is away");
    fail(&room, FIRST).await;
    assert_eq!(look(&room, 1).await, [Committed, Failed]);
    assert_eq!(state(&room, 1).await, RolloutState::Stopped, "its failure counts when it is back");
}

#[tokio::test]
async fn a_device_that_leaves_counts_as_offline_only_after_a_minute() {
    let room = room(2).await;
    let enrolled = room.service.find_servers(FIRST).await.unwrap();
    let list = crate::fleet::store::ReportedList { epoch: 1, number: 1, hash: enrolled.hash };
    let session = room.register(FIRST, list).await;
    roll_out(&room, Selector::All { all: true }).await;
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting]);
    let at = room.service.clock.now_text();
    room.service.end_session(session, FIRST, "cable", &at).await.unwrap();
    room.advance(time::Duration::seconds(55));
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting]);
    room.advance(time::Duration::seconds(6));
    assert_eq!(look(&room, 1).await, [Offline, UnderWay]);
}

#[tokio::test]
async fn it_stops_at_the_limit_and_an_operator_may_let_it_go_on() {
    let room = room(3).await;
    roll_out(&room, Selector::All { all: true }).await;
    look(&room, 1).await;
    fail(&room, FIRST).await;
    assert_eq!(look(&room, 1).await, [Failed, Waiting, Waiting]);
    let stopped = room.service.find_rollout(1).await.unwrap();
    assert_eq!(stopped.state, RolloutState::Stopped);
    assert_eq!(stopped.reason.as_deref(), Some("1 device failed; with 3 devices a rollout stops at 1."));
    for untouched in [FIRST + 1, FIRST + 2] {
        assert_eq!(room.service.find_servers(untouched).await.unwrap().revision, 1);
    }
    let resumed = act(&room, 1, RolloutVerb::Resume).await.unwrap();
    assert_eq!((resumed.state, resumed.forgiven, resumed.reason), (RolloutState::Running, 1, None));
    assert_eq!(look(&room, 1).await, [Failed, UnderWay, Waiting]);
    commit(&room, FIRST + 1).await;
    look(&room, 1).await;
    fail(&room, FIRST + 2).await;
    look(&room, 1).await;
    assert_eq!(state(&room, 1).await, RolloutState::Stopped, "one more is one too many again");
}

#[tokio::test]
async fn after_a_pause_it_goes_on_where_it_was() {
    let room = room(2).await;
    roll_out(&room, Selector::All { all: true }).await;
    look(&room, 1).await;
    assert_eq!(act(&room, 1, RolloutVerb::Pause).await.unwrap().state, RolloutState::Paused);
    assert!(matches!(act(&room, 1, RolloutVerb::Pause).await, Err(Fault::WrongState(_))));
    commit(&room, FIRST).await;
    assert_eq!(look(&room, 1).await, [Committed, Waiting]);
    act(&room, 1, RolloutVerb::Resume).await.unwrap();
    assert!(matches!(act(&room, 1, RolloutVerb::Resume).await, Err(Fault::WrongState(_))));
    assert!(matches!(act(&room, 9, RolloutVerb::Resume).await, Err(Fault::NotFound(_))));
    assert_eq!(look(&room, 1).await, [Committed, UnderWay]);
}

#[tokio::test]
async fn an_aborted_rollout_withdraws_what_no_device_has_fetched() {
    let room = room(3).await;
    roll_out(&room, Selector::All { all: true }).await;
    look(&room, 1).await;
    commit(&room, FIRST).await;
    look(&room, 1).await;
    let aborted = act(&room, 1, RolloutVerb::Abort).await.unwrap();
    assert_eq!((aborted.state, aborted.counts.cancelled), (RolloutState::Aborted, 1));
    assert!(aborted.ended_at.is_some());
    assert_eq!(look(&room, 1).await, [Committed, Cancelled, Waiting]);
    let servers = room.service.find_servers(FIRST + 1).await.unwrap();
    assert_eq!((servers.revision, servers.entries), (3, vec![entry(1, "192.0.2.1")]));
    assert_eq!(room.wanted(FIRST + 1).await, None);
    for verb in [RolloutVerb::Pause, RolloutVerb::Resume, RolloutVerb::Abort] {
        assert!(matches!(act(&room, 1, verb).await, Err(Fault::WrongState(_))), "{verb:?}");
    }
}

#[tokio::test]
async fn an_edit_in_between_stays() {
    let room = room(2).await;
    roll_out(&room, Selector::All { all: true }).await;
    look(&room, 1).await;
    room.edit(FIRST, &["10.0.0.9", "192.0.2.1"]).await;
    assert_eq!(look(&room, 1).await, [Superseded, UnderWay]);
    assert_eq!(room.service.find_servers(FIRST).await.unwrap().entries[0], entry(1, "10.0.0.9"));
}

#[tokio::test]
async fn a_rollout_is_taken_back_except_where_somebody_edited_since() {
    let room = room(3).await;
    roll_out(&room, Selector::All { all: true }).await;
    assert!(matches!(act(&room, 1, RolloutVerb::Rollback).await, Err(Fault::WrongState(_))), "it runs");
    for device in FIRST..FIRST + 3 {
        look(&room, 1).await;
        commit(&room, device).await;
    }
    look(&room, 1).await;
    let back = act(&room, 1, RolloutVerb::Rollback).await.unwrap();
    assert_eq!((back.id, back.rolls_back, back.counts.devices, back.entries), (2, Some(1), 3, None));
    assert!(matches!(act(&room, 1, RolloutVerb::Rollback).await, Err(Fault::WrongState(_))), "it is under way");
    room.edit(FIRST + 1, &["10.0.0.9", "192.0.2.1"]).await;
    look(&room, 2).await;
    commit(&room, FIRST).await;
    assert_eq!(look(&room, 2).await, [Committed, Superseded, UnderWay]);
    commit(&room, FIRST + 2).await;
    look(&room, 2).await;
    assert_eq!(state(&room, 2).await, RolloutState::Finished);
    let entries = async |device| room.service.find_servers(device).await.unwrap().entries;
    assert_eq!(entries(FIRST).await, [entry(1, "192.0.2.1")]);
    assert_eq!(entries(FIRST + 1).await[0], entry(1, "10.0.0.9"));
    assert_eq!(room.service.find_rollout(1).await.unwrap().rolled_back_by, Some(2));
    assert!(matches!(act(&room, 1, RolloutVerb::Rollback).await, Err(Fault::WrongState(_))), "nothing is left");
}

#[tokio::test]
async fn a_later_rollout_is_not_overwritten_by_an_earlier_one() {
    let room = room(2).await;
    let second = Selector::Devices { devices: vec![FIRST + 1, FIRST + 1] };
    roll_out(&room, Selector::All { all: true }).await;
    assert_eq!(roll_out(&room, second).await.counts.devices, 1);
    assert_eq!(look(&room, 1).await, [UnderWay, Waiting]);
    commit(&room, FIRST + 1).await;
    commit(&room, FIRST).await;
    assert_eq!(look(&room, 1).await, [Committed, Superseded]);
    assert_eq!(state(&room, 1).await, RolloutState::Finished);
    assert_eq!(state(&room, 2).await, RolloutState::Finished);
}

#[tokio::test]
async fn an_earlier_revision_is_restored_as_a_new_one() {
    let room = room(1).await;
    room.edit(FIRST, &["10.0.0.6", "192.0.2.1"]).await;
    commit(&room, FIRST).await;
    let restore = async |base, number| room.service.restore_revision(&admin(), FIRST, base, number).await;
    assert!(matches!(restore(2, 9).await, Err(Fault::NotFound(_))));
    assert!(matches!(restore(1, 1).await, Err(Fault::Conflict { revision: 2, .. })));
    let servers = restore(2, 1).await.unwrap();
    assert_eq!((servers.revision, servers.entries), (3, vec![entry(1, "192.0.2.1")]));
    assert_eq!(servers.push.unwrap().state, PushState::Pending);
    let query = |cursor: Option<String>| model::RevisionQuery { limit: Some(2), cursor };
    let newest = room.service.list_revisions(FIRST, query(None)).await.unwrap();
    assert_eq!((newest.total, newest.next_cursor.as_deref()), (3, Some("2")));
    assert_eq!(newest.items.iter().map(|item| item.changes.len()).collect::<Vec<_>>(), [2, 2]);
    let oldest = room.service.list_revisions(FIRST, query(newest.next_cursor)).await.unwrap();
    assert_eq!((oldest.items[0].number, oldest.items[0].push.as_ref(), oldest.next_cursor), (1, None, None));
}
