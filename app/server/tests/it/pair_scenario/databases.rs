//! The databases of a server, read from outside.

use super::machine::Machine;
use server::db::{DATABASE_FILE, LOCAL_FILE, Manifest};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{fs, path::Path};

/// What both servers must hold alike in the end.
pub(super) const SHARED: [&str; 14] = [
    "installation",
    "epochs",
    "servers",
    "operators",
    "devices",
    "revisions",
    "pushes",
    "audit",
    "revocations",
    "provisioning_strings",
    "join_strings",
    "events",
    "event_rings",
    "event_gaps",
];

/// A row of the audit trail.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Change {
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) after: Option<String>,
}

impl Machine {
    /// The database that this server writes, whatever it is now.
    pub(super) async fn own_database(&self) -> SqliteConnection {
        open(&self.data().join(DATABASE_FILE)).await
    }

    /// The copy that it works with as standby; `None` while one takes another's place.
    pub(super) async fn copy(&self) -> Option<SqliteConnection> {
        let folder = self.data().join("copies");
        let manifest: Manifest = serde_json::from_slice(&fs::read(folder.join("current.json")).ok()?).ok()?;
        let file = folder.join(format!("{}-{}.db", manifest.generation, manifest.sha256.get(..16)?));
        let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
        SqliteConnection::connect_with(&options).await.ok()
    }

    pub(super) async fn local(&self) -> SqliteConnection {
        open(&self.data().join(LOCAL_FILE)).await
    }
}

async fn open(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

pub(super) async fn changes(database: &mut SqliteConnection) -> Vec<Change> {
    sqlx::query_as("select action, subject, after from audit order by id").fetch_all(database).await.unwrap()
}

/// Every row of a table, in words that can be compared.
pub(super) async fn rows(database: &mut SqliteConnection, table: &str) -> Vec<String> {
    let columns =
        format!("select group_concat('quote(\"' || name || '\")', ' || '' '' || ') from pragma_table_info('{table}')");
    let columns: String = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_one(&mut *database).await.unwrap();
    let rows = format!("select {columns} as line from \"{table}\" order by line");
    sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(database).await.unwrap()
}

/// The devices whose certificates a database knows to be no longer good.
pub(super) async fn revoked(database: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("select distinct subject from revocations where kind = 'device'")
        .fetch_all(database)
        .await
        .unwrap()
}
