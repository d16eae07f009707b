//! Told once, however often they are sent and whoever was set back.

use super::*;
use crate::db::{LOCAL_FILE, fixture::open_store};
use std::{fs, path::Path};
use tempfile::TempDir;

/// The standby's store, and the active server's.
struct Two {
    standby: Store,
    standby_folder: TempDir,
    active: Store,
    active_folder: TempDir,
}

fn at(second: u32) -> String {
    format!("2026-01-01T00:00:{second:02}.000Z")
}

fn act(second: u32, subject: &str) -> AuditEntry {
    AuditEntry {
        at: at(second),
        operator: "admin".to_owned(),
        peer: Some("198.51.100.1".to_owned()),
        action: "server.drain",
        subject: subject.to_owned(),
        before: None,
        after: Some(serde_json::json!({ "draining": true })),
    }
}

impl Two {
    async fn new() -> Self {
        let (standby_folder, active_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (standby, active) = (open_store(standby_folder.path()).await, open_store(active_folder.path()).await);
        Self { standby, standby_folder, active, active_folder }
    }

    async fn sign_in(&self, second: u32, login: &str) {
        self.standby.insert_sign_in(&at(second), login, false, None).await.unwrap();
    }

    async fn act(&self, second: u32, subject: &str) {
        self.standby.append_own_act(&act(second, subject)).await.unwrap();
    }

    /// Whether there is more to tell.
    async fn tell(&self) -> bool {
        let told = self.standby.list_operator_records("one").await.unwrap();
        let held = self.active.keep_operator_records("two", &told).await.unwrap();
        self.standby.note_records_told("one", &told, held).await.unwrap()
    }

    async fn tell_all(&self) {
        while self.tell().await {}
        assert!(self.standby.list_operator_records("one").await.unwrap().is_empty());
    }

    /// The active server's: of sign-ins the logins, of what was done the subjects.
    async fn held(&self) -> (Vec<String>, Vec<String>) {
        let sign_ins = self.active.list_sign_ins("one", None, 1000).await.unwrap();
        assert!(sign_ins.iter().all(|((_, server, _), _)| server == "two"));
        let logins = sign_ins.into_iter().rev().map(|(_, row)| row.login).collect();
        (logins, subjects(&self.active).await)
    }
}

async fn subjects(store: &Store) -> Vec<String> {
    let rows: Vec<(String,)> =
        sql::query_as("select subject from audit order by id").fetch_all(&store.database()).await.unwrap();
    rows.into_iter().map(|(subject,)| subject).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The local database as a backup would have it.
async fn backup(store: &Store, folder: &Path) -> Vec<u8> {
    let file = folder.join("backup.db");
    crate::db::snapshot(&folder.join(LOCAL_FILE), &file).await.unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(file).unwrap();
    store.ping().await.unwrap();
    bytes
}

async fn restored(store: Store, folder: &Path, backup: &[u8]) -> Store {
    store.close().await;
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("{LOCAL_FILE}{suffix}")));
    }
    fs::write(folder.join(LOCAL_FILE), backup).unwrap();
    open_store(folder).await
}

#[tokio::test]
async fn what_is_told_twice_is_there_once() {
    let two = Two::new().await;
    two.sign_in(1, "eva").await;
    two.act(2, "first").await;
    two.act(3, "second").await;
    let told = two.standby.list_operator_records("one").await.unwrap();
    let held = two.active.keep_operator_records("two", &told).await.unwrap();
    assert_eq!(held, HeldRecords { sign_ins: 1, audit: 2 });
    // The answer was lost.
    two.sign_in(4, "otto").await;
    two.tell_all().await;
    assert_eq!(two.held().await, (texts(&["eva", "otto"]), texts(&["first", "second"])));
    assert_eq!(two.active.newest_change().await.unwrap(), 2, "no number is used up");
    let row: (String, Option<String>, Option<String>, String, i64) =
        sql::query_as("select at, peer, after, server_id, number from audit where subject = 'second'")
            .fetch_one(&two.active.database())
            .await
            .unwrap();
    let peer = Some("198.51.100.1".to_owned());
    assert_eq!(row, (at(3), peer, Some("{\"draining\":true}".to_owned()), "two".to_owned(), 2));
}

#[tokio::test]
async fn many_are_told_in_several_calls() {
    let two = Two::new().await;
    for _ in 0..450 {
        two.sign_in(1, "eva").await;
    }
    let mut calls = 1;
    while two.tell().await {
        calls += 1;
    }
    assert_eq!(calls, 3);
    assert_eq!(two.held().await.0.len(), 450);
    assert_eq!(two.active.count_sign_ins().await.unwrap(), 450);
}

#[tokio::test]
async fn a_restored_standbys_new_records_are_kept_and_none_twice() {
    let mut two = Two::new().await;
    two.sign_in(1, "before").await;
    two.act(1, "before").await;
    let backup = backup(&two.standby, two.standby_folder.path()).await;
    two.sign_in(2, "after").await;
    two.act(2, "after").await;
    two.tell_all().await;

    two.standby = restored(two.standby, two.standby_folder.path(), &backup).await;
    // Under the same numbers.
    two.sign_in(3, "again").await;
    two.act(3, "again").await;
    two.tell_all().await;
    let all = texts(&["before", "after", "again"]);
    assert_eq!(two.held().await, (all.clone(), all));
}

#[tokio::test]
async fn a_listener_that_was_set_back_is_told_again() {
    let mut two = Two::new().await;
    two.sign_in(1, "eva").await;
    two.tell_all().await;
    let backup = backup(&two.active, two.active_folder.path()).await;
    two.sign_in(2, "otto").await;
    two.act(2, "first").await;
    two.tell_all().await;

    two.active = restored(two.active, two.active_folder.path(), &backup).await;
    sql::query("delete from audit").execute(&two.active.database()).await.unwrap();
    assert!(two.tell().await, "there is more than it seemed");
    two.tell_all().await;
    assert_eq!(two.held().await, (texts(&["eva", "otto"]), texts(&["first"])));
}

#[tokio::test]
async fn each_active_server_is_told_all() {
    let two = Two::new().await;
    two.act(1, "first").await;
    two.tell_all().await;
    let next = two.standby.list_operator_records("three").await.unwrap();
    assert_eq!(next.audit.len(), 1);
}

#[tokio::test]
async fn what_was_done_here_is_in_the_database_once() {
    let two = Two::new().await;
    two.act(1, "first").await;
    two.act(1, "second").await;
    for _ in 0..2 {
        two.standby.adopt_own_acts("two").await.unwrap();
        assert_eq!(subjects(&two.standby).await, ["first", "second"]);
    }
    two.act(2, "third").await;
    two.standby.adopt_own_acts("two").await.unwrap();
    assert_eq!(subjects(&two.standby).await, ["first", "second", "third"]);
}
