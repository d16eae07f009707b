//! Listing, and many devices in one commit.

use super::*;
use crate::{
    db::PromotionKind,
    fixture::{FIRST, Room, admin},
};
use gateway::wire::Event as Logged;
use std::collections::BTreeSet;

fn upload(ring: u8, first_id: u64, codes: &[u32]) -> Arc<EventUpload> {
    let event = |(code, id): (&u32, u64)| Logged {
        time_unix_ms: 1_790_000_000_000 + id * 1000,
        code: *code,
        user_id: "7".to_owned(),
        detail: String::new(),
    };
    let events = codes.iter().zip(first_id..).map(event).collect();
    Arc::new(EventUpload::Events { ring: RingId([ring; 16]), first_id, events })
}

async fn ids(room: &Room, query: EventQuery) -> Vec<(u32, u64)> {
    let page = room.service.list_events(query).await.unwrap();
    page.items.iter().map(|event| (event.device_id, event.id)).collect()
}

#[tokio::test]
async fn events_are_listed_newest_first_and_narrowed() {
    let room = Room::active().await;
    assert_eq!(room.service.store_events(FIRST, upload(1, 1, &[0x3B00, 0x1300, 0x3C00])).await, Some(3));
    assert_eq!(room.service.store_events(9, upload(2, 1, &[0x1300])).await, Some(1));
    let all = room.service.list_events(EventQuery::default()).await.unwrap();
    assert_eq!(all.total, 4);
    let shown: Vec<_> = all.items.iter().map(|event| (event.device_id, event.id, event.name.as_str())).collect();
    let name = "1:N authentication succeeded";
    assert_eq!(
        shown,
        [(FIRST, 3, "BioStar 2 disconnected"), (FIRST, 2, name), (FIRST, 1, "BioStar 2 connected"), (9, 1, name)]
    );
    assert_eq!(all.items[0].time, "2026-09-21T14:13:23.000Z");
    assert_eq!((all.items[0].server.as_str(), all.items[3].device_name.as_str()), ("one", "device 9"));
    let of = |device| EventQuery { device: Some(device), ..EventQuery::default() };
    assert_eq!(ids(&room, of(9)).await, [(9, 1)]);
    assert_eq!(ids(&room, EventQuery { code: Some(0x1300), ..of(FIRST) }).await, [(FIRST, 2)]);
    let since = Some("2026-09-21T16:13:22+02:00".to_owned());
    assert_eq!(ids(&room, EventQuery { since, ..of(FIRST) }).await, [(FIRST, 3), (FIRST, 2)]);
}

#[tokio::test]
async fn pages_follow_each_other_while_events_come_in() {
    let room = Room::active().await;
    room.service.store_events(FIRST, upload(1, 1, &[1; 10])).await;
    let ask = |cursor| EventQuery { limit: Some(4), cursor, ..EventQuery::default() };
    let (mut cursor, mut seen) = (None, Vec::new());
    for page in 0..3 {
        let answer = room.service.list_events(ask(cursor)).await.unwrap();
        seen.extend(answer.items.iter().map(|event| event.id));
        cursor = answer.next_cursor;
        assert_eq!(cursor.is_some(), page < 2);
        room.service.store_events(FIRST, upload(1, 11 + page, &[1])).await;
    }
    assert_eq!(seen, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn a_promoted_standby_has_the_events_from_before_and_after() {
    let standby = Room::active().await.standby().await;
    assert_eq!(standby.service.store_events(FIRST, upload(1, 1, &[1; 3])).await, Some(3));
    let stopped = Some("pulled".to_owned());
    standby.service.become_active(&admin(), PromotionKind::Takeover, stopped, None).await.unwrap();
    assert_eq!(standby.service.store_events(FIRST, upload(1, 4, &[1; 2])).await, Some(5));
    assert_eq!(standby.service.event_watermark(FIRST, RingId([1; 16])).await.unwrap(), 5);
    assert_eq!(standby.service.list_events(EventQuery::default()).await.unwrap().total, 5);
}

#[tokio::test]
async fn bad_questions_are_refused_at_their_fields() {
    let room = Room::active().await;
    for (query, field) in [
        (EventQuery { limit: Some(0), ..EventQuery::default() }, "limit"),
        (EventQuery { limit: Some(201), ..EventQuery::default() }, "limit"),
        (EventQuery { since: Some("yesterday".into()), ..EventQuery::default() }, "since"),
        (EventQuery { cursor: Some("?".into()), ..EventQuery::default() }, "cursor"),
        (EventQuery { cursor: Some("YSBiIGMgZA".into()), ..EventQuery::default() }, "cursor"),
    ] {
        let Err(Fault::Invalid { errors }) = room.service.list_events(query).await else { panic!("{field}") };
        assert_eq!(errors[0].field, field);
    }
}

#[tokio::test]
async fn many_devices_at_once_each_get_their_own_answer() {
    let room = Room::active().await;
    let mut changes = room.service.changes().listen();
    let devices = 1..=500_u32;
    let writes = devices.clone().map(|device| {
        let service = Arc::clone(&room.service);
        tokio::spawn(async move {
            let first = service.store_events(device, upload(1, 1, &[device; 3])).await;
            let second = service.store_events(device, upload(1, 4, &[device; 2])).await;
            (first, second)
        })
    });
    for write in writes.collect::<Vec<_>>() {
        assert_eq!(write.await.unwrap(), (Some(3), Some(5)));
    }
    let mut commits = 0;
    while changes.try_recv().is_ok() {
        commits += 1;
    }
    assert!(commits < 500, "{commits} commits for 1000 uploads");
    for device in [1, 250, 500] {
        let query = EventQuery { device: Some(device), ..EventQuery::default() };
        let page = room.service.list_events(query).await.unwrap();
        let codes: BTreeSet<u32> = page.items.iter().map(|event| event.code).collect();
        assert_eq!((page.items.len(), codes), (5, BTreeSet::from([device])));
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_answered_for() {
    let room = Room::active().await;
    assert_eq!(room.service.store_events(FIRST, upload(1, 1, &[1; 3])).await, Some(3));
    room.service.close_store().await;
    assert_eq!(room.service.store_events(FIRST, upload(1, 4, &[1; 3])).await, None);
}

#[tokio::test]
async fn a_standby_keeps_its_own_and_the_active_takes_them_over() {
    let one = Room::active().await;
    one.service.store_events(FIRST, upload(1, 1, &[1; 3])).await;
    let two = one.standby().await;
    assert_eq!(two.service.event_watermark(FIRST, RingId([1; 16])).await, Ok(3));
    assert_eq!(two.service.store_events(FIRST, upload(1, 4, &[1; 3])).await, Some(6));
    assert!(one.service.event_news().await.unwrap().is_empty());
    let news = two.service.event_news().await.unwrap();
    assert_eq!(two.service.note_events(&news).await, Ok(false), "a standby takes nothing into its copy");
    assert_eq!(one.service.note_events(&news).await, Ok(true));
    let all = [6, 5, 4, 3, 2, 1].map(|id| (FIRST, id));
    assert_eq!(ids(&one, EventQuery::default()).await, all);
    assert_eq!(ids(&two, EventQuery::default()).await, all);
}

#[tokio::test]
async fn events_given_to_a_standby_are_in_the_database_once_active() {
    let one = Room::active().await;
    one.service.store_events(FIRST, upload(1, 1, &[1; 3])).await;
    let two = one.standby().await;
    assert_eq!(two.service.store_events(FIRST, upload(1, 4, &[1; 90])).await, Some(93));
    two.service.adopt_own_events().await.unwrap();
    assert_eq!(two.service.event_news().await.unwrap().events.len(), 90, "not while it is standby");
    two.service.close_store().await;

    let two = Room::on(two.folder, Role::Active, "two").await;
    two.service.adopt_own_events().await.unwrap();
    assert_eq!(two.service.event_watermark(FIRST, RingId([1; 16])).await, Ok(93));
    assert_eq!(two.service.list_events(EventQuery::default()).await.unwrap().total, 93, "and only there");
    assert_eq!(two.service.store_events(FIRST, upload(1, 94, &[1; 2])).await, Some(95));
}
