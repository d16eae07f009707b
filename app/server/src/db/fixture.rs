//! What tests do to a database from outside, on either engine: PostgreSQL where `PORTAL_TEST_POSTGRES` names the folder of
//! its socket, else files.

use super::{DATABASE_FILE, Home, Store, Transaction, begin};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Another program that holds the database's write lock until it is dropped.
pub(crate) struct DatabaseLock(#[expect(dead_code, reason = "held, never read")] Transaction);

fn server() -> Option<String> {
    std::env::var("PORTAL_TEST_POSTGRES").ok().filter(|folder| !folder.is_empty())
}

fn address(server: &str, database: &str) -> String {
    format!("postgres://portal@localhost/{database}?host={server}")
}

/// Each folder's database has a database of its own.
fn database_of(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_owned()
}

/// Opens what a server that writes has in `folder`.
pub(crate) async fn open_store(folder: &Path) -> Store {
    let Some(server) = server() else { return Store::open(folder).await.unwrap() };
    let name = database_of(folder);
    let mut connection = PgConnection::connect(&address(&server, "postgres")).await.unwrap();
    let known: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
        .bind(&name)
        .fetch_optional(&mut connection)
        .await
        .unwrap();
    if known.is_none() {
        run(&mut connection, &format!("create database \"{name}\"")).await;
    }
    Store::open_postgres(folder, &address(&server, &name), false).await.unwrap()
}

async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.unwrap();
}

/// Takes the write lock of the database in `folder`.
pub(crate) async fn lock_database(folder: &Path) -> DatabaseLock {
    let home = match server() {
        Some(server) => Home::Server(Box::new(address(&server, &database_of(folder)).parse().unwrap())),
        None => Home::own(folder),
    };
    DatabaseLock(begin(&home.open(false).await.unwrap()).await.unwrap())
}

/// Copies the database of one data folder to another that nobody uses, in place of the one that is there.
pub(crate) async fn copy_database(from: &Path, to: &Path) {
    if let Some(server) = server() {
        return copy_server_database(&server, &database_of(from), &database_of(to)).await;
    }
    for suffix in ["", "-wal", "-shm"] {
        let file = to.join(format!("{DATABASE_FILE}{suffix}"));
        assert!(std::fs::remove_file(&file).is_ok() || !file.exists());
    }
    let mut connection = SqliteConnection::connect(&from.join(DATABASE_FILE).display().to_string()).await.unwrap();
    let file = to.join(DATABASE_FILE).display().to_string();
    sqlx::query("vacuum into $1").bind(file).execute(&mut connection).await.unwrap();
}

async fn copy_server_database(server: &str, from: &str, to: &str) {
    let mut connection = PgConnection::connect(&address(server, "postgres")).await.unwrap();
    run(&mut connection, &format!("drop database if exists \"{to}\" with (force)")).await;
    run(&mut connection, &format!("create database \"{to}\"")).await;
    let programs = std::env::var("PG_BIN").expect("PG_BIN names the folder of PostgreSQL's programs");
    let mut dump = Command::new(format!("{programs}/pg_dump"))
        .args(["--dbname", &address(server, from)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let restored = Command::new(format!("{programs}/psql"))
        .args(["--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", &address(server, to)])
        .stdin(dump.stdout.take().unwrap())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(dump.wait().unwrap().success() && restored.success());
}
