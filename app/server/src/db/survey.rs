//! A look at the databases from outside, beside a server that runs or without one; nothing is changed.

use super::{
    Copies, DATABASE_FILE, Database, LOCAL_FILE, LOCAL_MIGRATIONS, SQLITE_MIGRATIONS, StoreError, columns::number, sql,
};
use model::ServerEntry;
use sqlx::{Connection as _, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a look waits for a writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every device shall have.
const LISTS: &str = "select devices.id, revisions.entries from devices
     join revisions on revisions.device_id = devices.id and revisions.number = devices.wanted_revision
     order by devices.id";

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// The database, or the copy that counts, and the local database.
    pub files: Vec<SurveyedFile>,
    /// Bytes of all of them, with their logs.
    pub bytes: u64,
    /// Accepted devices.
    pub devices: u64,
    /// Those whose wanted list names one address alone, by Device ID.
    pub single_server_devices: Vec<u32>,
    /// Events in the local database that the active server has not taken over.
    pub events_kept_back: u64,
}

/// One database file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What SQLite finds wrong with it.
    pub damage: Option<String>,
    /// Its schema beside this program's.
    pub schema: Schema,
}

/// The version of a database's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The newest that this program knows.
    Current(i64),
    /// Brought up to date by the next start.
    Older(i64),
    /// Of a newer program.
    Newer(i64),
}

/// Where a server's database is while it writes it.
#[derive(Clone, Copy, Debug)]
pub enum DatabasePlace<'a> {
    /// In its data folder.
    Own,
    /// In a file that it shares with the other server.
    Shared(&'a Path),
    /// On the database server at this address.
    Server(&'a str),
}

/// Looks at the databases in `folder`, at a database elsewhere there, on a standby at the copy that counts; `None` if there are
/// none.
///
/// # Errors
///
/// A file cannot be opened or read at all, or the database server does not answer.
pub async fn survey(folder: &Path, place: DatabasePlace<'_>, standby: bool) -> Result<Option<Surveyed>, StoreError> {
    let database = match place {
        DatabasePlace::Server(address) => return survey_server(folder, address, standby).await.map(Some),
        _ if standby => Copies::of(folder).current().map_err(sqlx::Error::Io)?.map(|(_, file)| file),
        DatabasePlace::Own => Some(folder.join(DATABASE_FILE)).filter(|file| file.exists()),
        DatabasePlace::Shared(file) => Some(file.to_owned()).filter(|file| file.exists()),
    };
    let Some(database) = database else { return Ok(None) };
    let local = folder.join(LOCAL_FILE);
    let mut surveyed = Surveyed { bytes: bytes_of(&database) + bytes_of(&local), ..Surveyed::default() };
    // Nobody writes to a copy, nor keeps a log beside it.
    let mut connection = open(&database, standby).await?;
    let (file, whole) = examine(&mut connection, &database, &SQLITE_MIGRATIONS).await?;
    surveyed.files.push(file);
    if whole {
        let rows: Vec<(i64, String)> = sqlx::query_as(LISTS).fetch_all(&mut connection).await?;
        (surveyed.devices, surveyed.single_server_devices) = devices(&rows)?;
    }
    connection.close().await?;
    look_at_local_database(&local, standby, &mut surveyed).await?;
    Ok(Some(surveyed))
}

async fn survey_server(folder: &Path, address: &str, standby: bool) -> Result<Surveyed, StoreError> {
    let local = folder.join(LOCAL_FILE);
    let mut surveyed = Surveyed { bytes: bytes_of(&local), ..Surveyed::default() };
    let database = Database::connect(&address.parse().map_err(StoreError::Address)?, true).await?;
    let known: bool = sql::query_scalar("select to_regclass('devices') is not null").fetch_one(&database).await?;
    if known {
        let rows = sql::query_as(LISTS).fetch_all(&database).await?;
        (surveyed.devices, surveyed.single_server_devices) = devices(&rows)?;
    }
    database.close().await;
    look_at_local_database(&local, standby, &mut surveyed).await?;
    Ok(surveyed)
}

async fn look_at_local_database(local: &Path, standby: bool, surveyed: &mut Surveyed) -> Result<(), StoreError> {
    if !local.exists() {
        return Ok(());
    }
    let mut connection = open(local, false).await?;
    let (file, whole) = examine(&mut connection, local, &LOCAL_MIGRATIONS).await?;
    surveyed.files.push(file);
    if whole && standby {
        let kept: i64 = sqlx::query_scalar("select count(*) from events where forwarded_at is null")
            .fetch_one(&mut connection)
            .await?;
        surveyed.events_kept_back = kept.unsigned_abs();
    }
    Ok(connection.close().await?)
}

/// Writes one consistent state of a database to the new file `into`, whoever writes to it meanwhile.
///
/// # Errors
///
/// It cannot be read, or the file cannot be written.
pub async fn snapshot(database: &Path, into: &Path) -> Result<(), StoreError> {
    let Some(name) = into.to_str() else {
        return Err(StoreError::inconsistent("backup", "its path is not UTF-8"));
    };
    let mut connection = open(database, false).await?;
    sqlx::query("vacuum into $1").bind(name).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn open(file: &Path, immutable: bool) -> Result<SqliteConnection, StoreError> {
    let options =
        SqliteConnectOptions::new().filename(file).read_only(true).immutable(immutable).busy_timeout(PATIENCE);
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// The file's state, and whether its tables can be asked.
async fn examine(
    connection: &mut SqliteConnection,
    file: &Path,
    migrations: &Migrator,
) -> Result<(SurveyedFile, bool), StoreError> {
    let damage = match sqlx::query_scalar::<_, String>("pragma quick_check(1)").fetch_one(&mut *connection).await {
        Ok(verdict) => (verdict != "ok").then_some(verdict),
        Err(error) => Some(error.to_string()),
    };
    let version: Result<Option<i64>, _> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(connection).await;
    let (damage, version) = match (damage, version) {
        (None, Err(_)) => (Some("it is no database of a portal".to_owned()), 0),
        (damage, version) => (damage, version.ok().flatten().unwrap_or_default()),
    };
    let newest = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    let schema = match version {
        newer if newer > newest => Schema::Newer(newer),
        older if older < newest => Schema::Older(older),
        current => Schema::Current(current),
    };
    let whole = damage.is_none() && matches!(schema, Schema::Current(_));
    Ok((SurveyedFile { path: file.to_owned(), damage, schema }, whole))
}

/// How many devices there are, and those whose list names one address alone.
fn devices(rows: &[(i64, String)]) -> Result<(u64, Vec<u32>), StoreError> {
    let mut single = Vec::new();
    for (id, entries) in rows {
        let entries: Vec<ServerEntry> = super::columns::from_json("revisions", entries)?;
        if entries.len() < 2 {
            single.push(number("devices", *id)?);
        }
    }
    Ok((rows.len() as u64, single))
}

fn bytes_of(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file, Path::new(&log)].into_iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum()
}
