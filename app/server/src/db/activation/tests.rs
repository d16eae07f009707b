//! What is in force whatever moment a change of hands is cut off at.

use super::*;
use crate::{
    db::{
        Installation, Manifest,
        copy::{CopyFlaw, adopt},
    },
    fleet::store::{EventArrival, EventPlace},
};
use gateway::wire::{Event, EventUpload, RingId, SERVER_CONNECTED};
use std::sync::Arc;
use tempfile::TempDir;

const AT: &str = "2026-01-01T00:00:00.000Z";
const DEVICE: u32 = 547_846_001;

fn entry(subject: &str) -> AuditEntry {
    AuditEntry {
        at: AT.to_owned(),
        operator: "admin".to_owned(),
        peer: None,
        action: "test.change",
        subject: subject.to_owned(),
        before: None,
        after: None,
    }
}

fn promotion(number: u64, server: &str) -> Promotion {
    let epoch = EpochToken { number, server_id: server.to_owned(), seal: "00".to_owned() };
    Promotion { epoch, kind: PromotionKind::Takeover, stopped: Some("pulled".to_owned()), audit: entry("promotion") }
}

/// An active server's store with one change.
async fn active() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let installation =
        Installation { id: "site".to_owned(), epoch: 1, active_server: "one".to_owned(), created_at: AT.to_owned() };
    store.insert_installation(&installation).await.unwrap();
    store.append_audit(&entry("first")).await.unwrap();
    (folder, store)
}

/// Brings a copy of `store` to the folder of another server.
async fn ship(store: &Store, to: &Path, generation: u64) {
    let copies = Copies::of(to);
    let file = copies.incoming().unwrap();
    let content = store.snapshot_database(&file).await.unwrap();
    let sha256 = format!("{generation:064x}");
    let manifest = Manifest { sha256, size: 0, taken_at: AT.to_owned(), generation, content };
    adopt(&copies, &manifest, None).await.unwrap().close().await;
}

async fn standby_of(store: &Store) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    ship(store, folder.path(), 1).await;
    let standby = Store::open_standby(folder.path()).await.unwrap().unwrap();
    (folder, standby)
}

async fn epoch(store: &Store) -> u64 {
    store.find_installation().await.unwrap().unwrap().epoch
}

fn events(first_id: u64, count: u64) -> EventArrival {
    let event = |id| Event { time_unix_ms: id, code: SERVER_CONNECTED, user_id: String::new(), detail: String::new() };
    let events = (first_id..first_id + count).map(event).collect();
    let upload = EventUpload::Events { ring: RingId([7; 16]), first_id, events };
    EventArrival { device: DEVICE, upload: Arc::new(upload), at: AT.to_owned(), server_id: "one".to_owned() }
}

#[tokio::test]
async fn a_promoted_standby_writes_and_takes_no_copy_any_more() {
    let (_one, active) = active().await;
    let (folder, standby) = standby_of(&active).await;
    assert!(standby.append_audit(&entry("too early")).await.is_err());
    standby.promote_database(&promotion(2, "two")).await.unwrap();
    standby.append_audit(&entry("second")).await.unwrap();
    assert_eq!((epoch(&standby).await, standby.newest_change().await.unwrap(), standby.copy()), (2, 3, None));
    let timeline = standby.list_epochs().await.unwrap();
    assert_eq!((timeline[0].number, timeline[0].stopped.as_deref()), (2, Some("pulled")));
    let manifest = Manifest::default();
    assert!(matches!(standby.activate_copy(&manifest, 1).await, Err(CopyFlaw::Active)));
    // A start as active server finds the same database.
    standby.close().await;
    assert_eq!(epoch(&Store::open(folder.path()).await.unwrap()).await, 2);
}

#[tokio::test]
async fn a_promotion_that_was_cut_off_leaves_a_standby() {
    let (_one, active) = active().await;
    let (folder, standby) = standby_of(&active).await;
    standby.promote_database(&promotion(2, "two")).await.unwrap();
    standby.close().await;
    // The role was not on record yet: the server starts as standby, and the unused database is out of the way.
    let standby = Store::open_standby(folder.path()).await.unwrap().unwrap();
    assert_eq!((epoch(&standby).await, folder.path().join(DATABASE_FILE).exists()), (1, false));
    standby.promote_database(&promotion(2, "two")).await.unwrap();
    assert_eq!(epoch(&standby).await, 2);
}

#[tokio::test]
async fn an_epoch_only_rises() {
    let (_one, active) = active().await;
    let (_two, standby) = standby_of(&active).await;
    assert!(standby.promote_database(&promotion(1, "two")).await.is_err());
    assert!(standby.copy().is_some(), "it is a standby as before");
    assert_eq!(epoch(&standby).await, 1);
    standby.promote_database(&promotion(7, "two")).await.unwrap();
    assert_eq!(epoch(&standby).await, 7);
}

#[tokio::test]
async fn a_frozen_database_is_read_copied_and_not_written() {
    let (_one, active) = active().await;
    active.freeze_database().await.unwrap();
    assert!(active.append_audit(&entry("late")).await.is_err());
    assert_eq!(active.newest_change().await.unwrap(), 1);
    let (_two, standby) = standby_of(&active).await;
    assert_eq!(standby.newest_change().await.unwrap(), 1);
    active.thaw_database().await.unwrap();
    active.append_audit(&entry("again")).await.unwrap();
    assert_eq!(active.newest_change().await.unwrap(), 2);
}

#[tokio::test]
async fn what_only_an_overtaken_database_holds_is_kept() {
    let (folder, one) = active().await;
    one.store_events(EventPlace::Database, &[events(1, 3)]).await.unwrap();
    let (_two, two) = standby_of(&one).await;
    two.promote_database(&promotion(2, "two")).await.unwrap();
    two.append_audit(&entry("of the second")).await.unwrap();
    // Nobody told the first.
    one.append_audit(&entry("alone")).await.unwrap();
    one.store_events(EventPlace::Database, &[events(4, 2)]).await.unwrap();
    one.freeze_database().await.unwrap();

    ship(&two, folder.path(), 9).await;
    // Cut off after the comparison, it is done again.
    for _ in 0..2 {
        assert_eq!(one.keep_divergent_changes(AT).await.unwrap(), 1);
    }
    let archive = one.demote_database().await.unwrap().unwrap();
    let lone = one.list_divergent_changes().await.unwrap();
    assert_eq!(lone.iter().map(|write| write.subject.as_str()).collect::<Vec<_>>(), ["alone"]);
    assert_eq!((epoch(&one).await, one.newest_change().await.unwrap()), (2, 3));
    let news = one.list_event_news().await.unwrap();
    assert_eq!(news.events.iter().map(|event| event.id).collect::<Vec<_>>(), [4, 5]);
    two.merge_events(&news, AT).await.unwrap();
    assert_eq!(two.event_watermark(EventPlace::Database, DEVICE, RingId([7; 16])).await.unwrap(), 5);
    let archived = open_private(&archive).await.unwrap();
    let count: i64 = sqlx::query_scalar("select count(*) from audit").fetch_one(&archived).await.unwrap();
    assert_eq!(count, 2, "whole, with what only its log held");
}

#[tokio::test]
async fn acts_a_standby_told_an_overtaken_database_are_not_divergent() {
    let (folder, one) = active().await;
    let (_two, two) = standby_of(&one).await;
    two.append_own_act(&entry("at the standby")).await.unwrap();
    let told = two.list_operator_records("one").await.unwrap();
    one.keep_operator_records("two", &told).await.unwrap();
    one.append_audit(&entry("alone")).await.unwrap();
    two.promote_database(&promotion(2, "two")).await.unwrap();
    two.adopt_own_acts("two").await.unwrap();
    one.freeze_database().await.unwrap();
    ship(&two, folder.path(), 9).await;
    assert_eq!(one.keep_divergent_changes(AT).await.unwrap(), 1);
    assert_eq!(one.list_divergent_changes().await.unwrap()[0].subject, "alone");
    // Where no copy arrives.
    assert_eq!(one.keep_divergent_changes_since(&two.list_forks().await.unwrap(), false, AT).await.unwrap(), 1);
    // With the schema of an older program.
    sql::query("delete from _sqlx_migrations where version >= 14")
        .execute(&one.home.open(false).await.unwrap())
        .await
        .unwrap();
    assert_eq!(one.keep_divergent_changes_since(&two.list_forks().await.unwrap(), false, AT).await.unwrap(), 2);
}

#[tokio::test]
async fn a_restore_test_says_if_the_copy_would_serve_and_cleans_up() {
    let (_one, active) = active().await;
    let (folder, standby) = standby_of(&active).await;
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    standby.run_restore_test().await.unwrap();
    assert_eq!((epoch(&standby).await, files()), (1, before));
    // A disk that forgot something in the middle of the file.
    let (_, copy) = Copies::of(folder.path()).current().unwrap().unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&copy, bytes).unwrap();
    assert!(standby.run_restore_test().await.is_err());
    assert_eq!(files(), before);
}
