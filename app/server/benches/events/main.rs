//! `make bench`: how many events a second this server puts on record and acknowledges, beside what SQLite itself takes on
//! the same disk in the same sitting, in durable batches of 100.
//!
//! Each device hands over 100 events and waits for its acknowledgement, which comes after the commit, before it hands over
//! more: the way from a device's session to the disk, without the network before it. SQLite's own figure is rows that it
//! makes itself, in the same table with the same indices.

use clap::Parser;
use gateway::wire::{Event, EventUpload, RingId};
use model::Role;
use server::clock::Clock;
use server::db::{DATABASE_FILE, Installation, Store};
use server::keys::Keys;
use server::{Service, identity::Identity};
use server::{cluster::roles::RoleRecord, epoch::EpochToken};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Anything that ends a run; its text is for the developer who started it.
type Failure = Box<dyn Error + Send + Sync>;

/// Events in one upload, and rows in one of SQLite's batches.
const BATCH: u64 = 100;
/// How long each side works before it is the other's turn.
const TURN: Duration = Duration::from_secs(2);
/// Turns of each side; the ratio is the median of theirs.
const TURNS: usize = 5;
/// What this server is meant to reach of what SQLite does.
const AIM: f64 = 0.5;

#[derive(Parser)]
struct Arguments {
    /// Devices that hand over events at the same time.
    #[arg(long, env = "BENCH_EVENT_DEVICES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    devices: u32,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(arguments.devices))
}

async fn run(devices: u32) -> Result<(), Failure> {
    let (ours, bare) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let service = serve(ours.path()).await?;
    let mut sqlite = open(bare.path()).await?;
    let mut next = 1;
    let mut figures = Vec::new();
    for turn in 0..TURNS {
        let bare = fill(&mut sqlite, devices, &mut next).await?;
        let ours = hand_over(&service, devices, turn).await?;
        figures.push((ours / bare, ours, bare));
    }
    figures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, ours, bare) = figures[TURNS / 2];
    let verdict = if ratio >= AIM { "met" } else { "MISSED" };
    println!("\nevents acknowledged after commit, {devices} devices, median of {TURNS} turns\n");
    println!("{:<44} {bare:>12.0}", "SQLite in durable batches of 100, a second");
    println!("{:<44} {ours:>12.0}", "acknowledged events, a second");
    println!("{:<44} {ratio:>12.2}  ratio >= {AIM} {verdict}", "ratio");
    Ok(())
}

/// An active server's rules on an empty database.
async fn serve(folder: &Path) -> Result<Arc<Service>, Failure> {
    let (now, server_id) = (OffsetDateTime::now_utc(), "one".to_owned());
    let store = Store::open(folder).await?;
    let clock = Clock::system();
    let (id, created_at) = ("bench".to_owned(), clock.now_text());
    store.insert_installation(&Installation { id, epoch: 1, active_server: server_id.clone(), created_at }).await?;
    let keys = Keys::create("bench", &server_id, now)?;
    let role = RoleRecord::new(Role::Active, EpochToken::seal(&keys, 1, &server_id)?);
    let server = Identity { installation_id: "bench".to_owned(), server_name: server_id.clone(), server_id };
    Ok(Service::new(store, keys, server, role, clock))
}

/// Acknowledged events a second.
async fn hand_over(service: &Arc<Service>, devices: u32, turn: usize) -> Result<f64, Failure> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for device in 1..=devices {
        let service = Arc::clone(service);
        // A ring of its own in each turn, so that each begins with its first event.
        let ring = RingId([u8::try_from(turn)?; 16]);
        tasks.spawn(async move {
            let mut first_id = 1;
            while begun.elapsed() < TURN {
                let upload =
                    EventUpload::Events { ring, first_id, events: (first_id..first_id + BATCH).map(event).collect() };
                let last_id = upload.last_id();
                let watermark = service.store_events(device, Arc::new(upload)).await;
                if watermark != Some(last_id) {
                    return Err(format!("device {device} handed over {last_id} and was told {watermark:?}"));
                }
                first_id = last_id + 1;
            }
            Ok(first_id - 1)
        });
    }
    let mut events = 0;
    while let Some(told) = tasks.join_next().await {
        events += told??;
    }
    a_second(events, begun)
}

/// All devices are busy at the same time: one event every ten seconds.
fn event(id: u64) -> Event {
    let time_unix_ms = 1_790_000_000_000 + id * 10_000;
    Event { time_unix_ms, code: 4867, user_id: "10293".to_owned(), detail: "door 3, face".to_owned() }
}

/// A database as this server has it, without this server.
async fn open(folder: &Path) -> Result<SqliteConnection, Failure> {
    Store::open(folder).await?.close().await;
    let options = SqliteConnectOptions::new()
        .filename(folder.join(DATABASE_FILE))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok(options.connect().await?)
}

/// Rows a second that SQLite makes and commits by itself.
async fn fill(sqlite: &mut SqliteConnection, devices: u32, next: &mut u64) -> Result<f64, Failure> {
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < TURN {
        for device in 1..=devices {
            let mut transaction = sqlite.begin().await?;
            sqlx::query(
                "insert into events (device_id, ring, id, at, code, user_id, detail, received_at, received_by)
                 with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < $1)
                 select $2, $3, $4 + n, $5, 4867, '10293', 'door 3, face', $5, 'one' from numbers",
            )
            .bind(i64::try_from(BATCH)?)
            .bind(device)
            .bind("07070707070707070707070707070707")
            .bind(i64::try_from(*next)?)
            .bind("2026-11-01T08:00:00.000Z")
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            rows += BATCH;
        }
        *next += BATCH;
    }
    a_second(rows, begun)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn a_second(count: u64, begun: Instant) -> Result<f64, Failure> {
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
