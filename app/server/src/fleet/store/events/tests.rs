//! Taken in once, in order, whatever comes twice, late or from elsewhere.

use super::*;
use crate::{
    db::fixture::{copy_database, open_store},
    fleet::store::{EventFilter, EventNews},
};
use gateway::wire::{Event, SERVER_CONNECTED};

const DEVICE: u32 = 547_846_001;
const RING: RingId = RingId([7; 16]);
const AT: &str = "2026-01-01T00:00:00.000Z";

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path()).await;
    (folder, store)
}

fn arrival(upload: EventUpload) -> EventArrival {
    EventArrival { device: DEVICE, upload: Arc::new(upload), at: AT.to_owned(), server_id: "one".to_owned() }
}

/// Events whose time is their id in milliseconds.
fn events(first_id: u64, count: u64) -> EventArrival {
    let event = |id| Event { time_unix_ms: id, code: SERVER_CONNECTED, user_id: String::new(), detail: String::new() };
    arrival(EventUpload::Events { ring: RING, first_id, events: (first_id..first_id + count).map(event).collect() })
}

fn gap(first_id: u64, last_id: u64) -> EventArrival {
    arrival(EventUpload::Gap { ring: RING, first_id, last_id })
}

async fn take_in(store: &Store, place: EventPlace, arrivals: &[EventArrival]) -> Vec<u64> {
    store.store_events(place, arrivals).await.unwrap()
}

async fn ids(store: &Store) -> Vec<u64> {
    store.list_events(&EventFilter::default(), 10_000).await.unwrap().into_iter().rev().map(|row| row.id).collect()
}

async fn watermark(store: &Store, place: EventPlace) -> u64 {
    store.event_watermark(place, DEVICE, RING).await.unwrap()
}

#[tokio::test]
async fn only_what_goes_on_counts() {
    let (_folder, store) = store().await;
    let arrivals = [events(2, 3), events(1, 5), events(1, 5), events(4, 4), gap(8, 10), events(12, 1), events(11, 2)];
    assert_eq!(take_in(&store, EventPlace::Database, &arrivals).await, [0, 5, 5, 7, 10, 10, 12]);
    assert_eq!(watermark(&store, EventPlace::Database).await, 12);
    assert_eq!(ids(&store).await, [1, 2, 3, 4, 5, 6, 7, 11, 12]);
    assert_eq!(store.event_watermark(EventPlace::Database, DEVICE + 1, RING).await.unwrap(), 0);
    assert_eq!(store.count_events(&EventFilter::default()).await.unwrap(), 9);
}

#[tokio::test]
async fn a_failure_in_the_middle_takes_nothing_in() {
    let (_folder, store) = store().await;
    // The second upload fails.
    sql::query("drop table event_gaps").execute(&store.database()).await.unwrap();
    assert!(store.store_events(EventPlace::Database, &[events(1, 100), gap(101, 200)]).await.is_err());
    assert_eq!((watermark(&store, EventPlace::Database).await, ids(&store).await), (0, vec![]));
}

#[tokio::test]
async fn what_came_over_another_server_is_joined_without_a_hole() {
    let (_one, active) = store().await;
    take_in(&active, EventPlace::Database, &[events(1, 40)]).await;
    let news = |from: u64, to: u64| {
        let rows = rows_of(&events(from, to + 1 - from), 0);
        EventNews { events: rows, ..EventNews::default() }
    };
    // The active server lost 41 to 60; what follows is kept but does not count yet.
    active.merge_events(&news(61, 80), AT).await.unwrap();
    assert_eq!(watermark(&active, EventPlace::Database).await, 40);
    active.merge_events(&news(61, 80), AT).await.unwrap();
    assert_eq!(take_in(&active, EventPlace::Database, &[events(41, 10)]).await, [50]);
    assert_eq!(take_in(&active, EventPlace::Database, &[events(51, 10)]).await, [80], "it goes on over what is there");
    assert_eq!(ids(&active).await, (1..=80).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_standby_goes_on_from_its_copy_and_tells_new_events_once() {
    let (one, active) = store().await;
    take_in(&active, EventPlace::Database, &[events(1, 40)]).await;
    let two = tempfile::tempdir().unwrap();
    copy_database(one.path(), two.path()).await;
    let standby = open_store(two.path()).await;
    assert_eq!(watermark(&standby, EventPlace::Local).await, 40);
    let given = [events(41, 60), gap(101, 110), events(111, 5)];
    assert_eq!(take_in(&standby, EventPlace::Local, &given).await, [100, 110, 115]);
    let replaced = EventUpload::NewRing { ring: RingId([8; 16]), replaces: RING };
    assert_eq!(take_in(&standby, EventPlace::Local, &[arrival(replaced)]).await, [0]);
    assert_eq!(watermark(&standby, EventPlace::Local).await, 115);
    assert_eq!(ids(&standby).await.len(), 105, "database and local database are one list");

    let news = standby.list_event_news().await.unwrap();
    assert_eq!((news.events.len(), news.gaps.len(), news.rings.len()), (65, 1, 1));
    active.merge_events(&news, AT).await.unwrap();
    active.merge_events(&news, AT).await.unwrap();
    assert_eq!(watermark(&active, EventPlace::Database).await, 115);
    assert_eq!(ids(&active).await, ids(&standby).await);
    standby.mark_events_forwarded(&news, AT).await.unwrap();
    assert!(standby.list_event_news().await.unwrap().is_empty());
    assert!(store_rings(&active).await.contains(&Some(RING.to_string())));
}

async fn store_rings(store: &Store) -> Vec<Option<String>> {
    sql::query_scalar("select replaces from event_rings").fetch_all(&store.database()).await.unwrap()
}

#[tokio::test]
async fn events_back_in_the_copy_leave_the_local_database_and_count() {
    let (one, active) = store().await;
    let two = tempfile::tempdir().unwrap();
    let standby = open_store(two.path()).await;
    take_in(&standby, EventPlace::Local, &[events(1, 30)]).await;
    let news = standby.list_event_news().await.unwrap();
    active.merge_events(&news, AT).await.unwrap();
    standby.mark_events_forwarded(&news, AT).await.unwrap();
    standby.prune_forwarded_events().await.unwrap();
    assert_eq!(ids(&standby).await.len(), 30, "nothing goes before the copy has it");
    take_in(&standby, EventPlace::Local, &[events(31, 5)]).await;
    standby.close().await;
    copy_database(one.path(), two.path()).await;
    let standby = open_store(two.path()).await;
    standby.prune_forwarded_events().await.unwrap();
    let left: Vec<i64> =
        sql::query_scalar("select id from events order by id").fetch_all(standby.local()).await.unwrap();
    assert_eq!(left, [31, 32, 33, 34, 35], "what is not forwarded stays");
    assert_eq!((watermark(&standby, EventPlace::Local).await, ids(&standby).await.len()), (35, 35));

    // Without that copy they are gone from here, and are asked for again.
    let (empty, _) = store().await;
    standby.close().await;
    copy_database(empty.path(), two.path()).await;
    let standby = open_store(two.path()).await;
    assert_eq!(watermark(&standby, EventPlace::Local).await, 0);
}

#[tokio::test]
async fn with_an_older_copy_a_standby_asks_for_missing_events_again() {
    let (one, active) = store().await;
    let early = tempfile::tempdir().unwrap();
    take_in(&active, EventPlace::Database, &[events(1, 10)]).await;
    copy_database(one.path(), early.path()).await;
    take_in(&active, EventPlace::Database, &[events(11, 30)]).await;
    let two = tempfile::tempdir().unwrap();
    copy_database(one.path(), two.path()).await;
    let standby = open_store(two.path()).await;
    assert_eq!(take_in(&standby, EventPlace::Local, &[events(41, 10)]).await, [50]);
    standby.close().await;
    copy_database(early.path(), two.path()).await;
    let standby = open_store(two.path()).await;
    assert_eq!(watermark(&standby, EventPlace::Local).await, 10);
    assert_eq!(take_in(&standby, EventPlace::Local, &[events(11, 20)]).await, [30]);
    assert_eq!(take_in(&standby, EventPlace::Local, &[events(31, 10)]).await, [50]);
    assert_eq!(ids(&standby).await, (1..=50).collect::<Vec<_>>());
}
