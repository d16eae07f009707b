//! Which copies a standby puts to use, and what is left when it does not.

use super::*;
use crate::{cluster::store::Revocation, db::Installation};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// An active server's store.
async fn active_store(installation: &str, epoch: u64) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let installation = Installation {
        id: installation.to_owned(),
        epoch,
        active_server: "one".to_owned(),
        created_at: "2026-01-01T00:00:00.000Z".to_owned(),
    };
    store.insert_installation(&installation).await.unwrap();
    (folder, store)
}

async fn name_server(store: &Store, name: &str) {
    sql::query(
        "insert into servers (id, name, number, certificate_serial, joined_at) values ('one', $1, 1, '', '')
         on conflict (id) do update set name = $1",
    )
    .bind(name)
    .execute(&store.database())
    .await
    .unwrap();
}

async fn names(store: &Store) -> Vec<String> {
    store.servers().await.unwrap().into_iter().map(|server| server.name).collect()
}

/// Puts a snapshot of `store` where a standby's copies arrive.
async fn send(store: &Store, standby: &Path, generation: u64) -> Manifest {
    let file = Copies::of(standby).incoming().unwrap();
    let content = store.snapshot_database(&file).await.unwrap();
    Manifest {
        sha256: format!("{generation:064x}"),
        size: file.metadata().unwrap().len(),
        taken_at: "2026-01-01T00:00:00.000Z".to_owned(),
        generation,
        content,
    }
}

/// A standby that works with a copy of `store`.
async fn standby_of(store: &Store) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = send(store, folder.path(), 1).await;
    adopt(&Copies::of(folder.path()), &manifest, Some(("site", 0))).await.unwrap().close().await;
    let standby = Store::open_standby(folder.path()).await.unwrap().unwrap();
    (folder, standby)
}

fn database_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(Copies::of(folder).folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "json"))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_standby_without_a_copy_has_no_store() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Store::open_standby(folder.path()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_newer_copy_is_seen_at_once_and_after_the_next_start() {
    let (_database, active) = active_store("site", 1).await;
    name_server(&active, "before").await;
    let (folder, standby) = standby_of(&active).await;
    assert_eq!(names(&standby).await, ["before"]);
    let under_way = standby.database();
    name_server(&active, "after").await;
    let manifest = send(&active, folder.path(), 2).await;
    standby.activate_copy(&manifest, 1).await.unwrap();
    assert_eq!(names(&standby).await, ["after"]);
    assert_eq!(standby.copy(), Some(manifest.clone()));
    let old: String = sql::query_scalar("select name from servers").fetch_one(&under_way).await.unwrap();
    assert_eq!(old, "before", "what began on the old copy ends on it");
    let again = Store::open_standby(folder.path()).await.unwrap().unwrap();
    assert_eq!((names(&again).await, again.copy()), (vec!["after".to_owned()], Some(manifest)));
    assert_eq!(database_files(folder.path()).len(), 1, "the start removes what is past");
}

#[tokio::test]
async fn a_revoked_certificate_stays_revoked_under_a_copy_without_it() {
    let (_database, active) = active_store("site", 1).await;
    let revocation = Revocation {
        serial: "0a".to_owned(),
        kind: "device".to_owned(),
        subject: "7".to_owned(),
        reason: "the device was removed".to_owned(),
        revoked_by: "admin".to_owned(),
        revoked_at: "2026-01-01T00:00:00.000Z".to_owned(),
    };
    active.adopt_revocations(std::slice::from_ref(&revocation)).await.unwrap();
    let (folder, standby) = standby_of(&active).await;
    // An old image of the active server goes on.
    let (_image, image) = active_store("site", 1).await;
    let manifest = send(&image, folder.path(), 2).await;
    standby.activate_copy(&manifest, 1).await.unwrap();
    assert_eq!(standby.list_revocations().await.unwrap(), [revocation]);
}

#[tokio::test]
async fn a_standby_cannot_write_to_its_database() {
    let (_database, active) = active_store("site", 1).await;
    let (_folder, standby) = standby_of(&active).await;
    let refused = sql::query("delete from installation").execute(&standby.database()).await.unwrap_err();
    assert!(matches!(StoreError::from(refused), StoreError::ReadOnly(_)));
}

#[tokio::test]
async fn another_files_write_ahead_log_is_never_read() {
    let (_database, active) = active_store("site", 1).await;
    name_server(&active, "right").await;
    let (folder, standby) = standby_of(&active).await;
    standby.database().close().await;
    drop(standby);
    // The log of a database that was written to and whose server was killed.
    let (other_folder, other) = active_store("site", 1).await;
    name_server(&other, "wrong").await;
    let [file] = &*database_files(folder.path()) else { panic!("one copy") };
    for end in ["-wal", "-shm"] {
        let mut beside = file.clone().into_os_string();
        beside.push(end);
        fs::copy(other_folder.path().join(format!("biostar2.db{end}")), beside).unwrap();
    }
    let again = Store::open_standby(folder.path()).await.unwrap().unwrap();
    assert_eq!(names(&again).await, ["right"]);
}

#[tokio::test]
async fn a_copy_that_is_wrong_is_refused_and_the_old_one_stays() {
    let (_database, active) = active_store("site", 2).await;
    name_server(&active, "kept").await;
    let (folder, standby) = standby_of(&active).await;
    let kept = standby.copy();

    let (_other, foreign) = active_store("elsewhere", 2).await;
    let manifest = send(&foreign, folder.path(), 2).await;
    let flaw = standby.activate_copy(&manifest, 1).await.unwrap_err();
    assert!(matches!(flaw, CopyFlaw::Foreign(id) if id == "elsewhere"));

    let (_other, old) = active_store("site", 1).await;
    let manifest = send(&old, folder.path(), 2).await;
    let flaw = standby.activate_copy(&manifest, 1).await.unwrap_err();
    assert!(matches!(flaw, CopyFlaw::Older { copy: 1, known: 2 }));

    let manifest = send(&active, folder.path(), 2).await;
    let flaw = standby.activate_copy(&manifest, 3).await.unwrap_err();
    assert!(matches!(flaw, CopyFlaw::Older { copy: 2, known: 3 }), "the role has moved since: {flaw}");

    let (_other, newer) = active_store("site", 2).await;
    sql::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'tomorrow', 1, x'00', 0)",
    )
    .execute(&newer.database())
    .await
    .unwrap();
    let manifest = send(&newer, folder.path(), 2).await;
    assert!(matches!(standby.activate_copy(&manifest, 1).await, Err(CopyFlaw::NewerSchema(9999))));

    let manifest = send(&active, folder.path(), 2).await;
    let file = Copies::of(folder.path()).folder().join("incoming.part");
    let bytes = fs::read(&file).unwrap();
    for damage in [&bytes[..bytes.len() / 2], b"no database at all", b""] {
        fs::write(&file, damage).unwrap();
        let flaw = standby.activate_copy(&manifest, 1).await.unwrap_err();
        assert!(matches!(flaw, CopyFlaw::Damaged(_)), "{flaw:?}");
    }

    assert_eq!((names(&standby).await, standby.copy()), (vec!["kept".to_owned()], kept));
    assert_eq!(database_files(folder.path()).len(), 1, "nothing that was refused lies around");
}

#[tokio::test]
async fn an_active_server_takes_no_copy() {
    let (folder, active) = active_store("site", 1).await;
    let manifest = send(&active, folder.path(), 1).await;
    assert!(matches!(active.activate_copy(&manifest, 1).await, Err(CopyFlaw::Active)));
}

#[tokio::test]
async fn the_watch_sees_every_commit_and_nothing_else() {
    let (_folder, store) = active_store("site", 1).await;
    let mut watch = store.watch_commits().await.unwrap();
    let before = watch.version().await.unwrap();
    let snapshots = tempfile::tempdir().unwrap();
    store.snapshot_database(&snapshots.path().join("a.db")).await.unwrap();
    store.next_generation().await.unwrap();
    assert_eq!(watch.version().await.unwrap(), before);
    name_server(&store, "changed").await;
    assert_ne!(watch.version().await.unwrap(), before);
}
