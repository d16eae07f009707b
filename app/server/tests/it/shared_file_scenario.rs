//! Two servers on one database file, and whatever may happen to them, step by step from one seed: kills, starts, machines that
//! stand still, orderly stops, handovers. All the time somebody tries to edit on both. The lease alone decides: whoever answers
//! `/health/active` is the one that it names, no two answer edits in one epoch, and what was answered is in the file.

use crate::{
    failover::{Process, quick},
    pair::{folder, join_string, until},
    scenarios::live_all,
    shared_file::sharing,
};
use futures::FutureExt as _;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use server::{config::Config, start::start};
use sqlx::{Connection as _, SqliteConnection};
use std::{
    collections::BTreeSet,
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::JoinSet,
    time::{sleep, timeout},
};

const SEEDS: u64 = 3;
const STEPS: usize = 12;
/// Whoever stands still answers nobody.
const PATIENCE: Duration = Duration::from_secs(2);

/// One of the two, on a machine of its own.
struct Machine {
    id: String,
    name: String,
    data: TempDir,
    peers: String,
    process: Option<Process>,
    frozen: bool,
}

/// An edit that was answered.
#[derive(Clone, Debug)]
struct Edit {
    begun: Instant,
    ended: Instant,
    server: usize,
    epoch: u64,
    made: String,
}

struct World {
    seed: u64,
    rng: StdRng,
    _disk: TempDir,
    database: PathBuf,
    machines: Vec<Machine>,
    edits: Arc<Mutex<Vec<Edit>>>,
    _writers: JoinSet<()>,
    told: Vec<String>,
}

/// What a server says: over its console's socket, or where its pages are.
async fn ask<S>(stream: S, request: Request<Full<Bytes>>, patience: Duration) -> Option<(StatusCode, Value)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asking = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    };
    timeout(patience, asking).await.ok().flatten()
}

async fn console(data: &Path, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
    console_within(PATIENCE, data, method, path, body).await
}

/// What the portal of a data folder says over its console's socket.
pub(crate) async fn console_within(
    patience: Duration,
    data: &Path,
    method: Method,
    path: &str,
    body: &Value,
) -> Option<(StatusCode, Value)> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::HOST, "console")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    ask(UnixStream::connect(data.join("control.sock")).await.ok()?, request, patience).await
}

/// The epoch on a server's own disk.
fn epoch_at(data: &Path) -> Option<u64> {
    let role: Value = serde_json::from_slice(&fs::read(data.join("role.json")).ok()?).ok()?;
    role["epoch"]["number"].as_u64()
}

/// Somebody who tries to edit on one server, for ever.
async fn write(server: usize, data: PathBuf, edits: Arc<Mutex<Vec<Edit>>>) {
    loop {
        let (begun, epoch) = (Instant::now(), epoch_at(&data));
        let answer = console(&data, Method::POST, "/provisioning", &json!({ "uses": 3 })).await;
        if let Some((status, made)) = answer
            && status.is_success()
            && let (Some(made), Some(epoch)) =
                (made["id"].as_str(), epoch.filter(|epoch| epoch_at(&data) == Some(*epoch)))
        {
            let edit = Edit { begun, ended: Instant::now(), server, epoch, made: made.to_owned() };
            edits.lock().unwrap().push(edit);
        }
        sleep(Duration::from_millis(40)).await;
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let (disk, folders) = (folder(), [folder(), folder()]);
        let database = disk.path().join("biostar2.db");
        let one = start(sharing(&database, quick(folders[0].path()))).await.unwrap();
        let joining = Config { join: Some(join_string(&one).await), ..quick(folders[1].path()) };
        let two = start(sharing(&database, joining)).await.unwrap();
        let known = [&one, &two].map(|server| {
            let identity = server.service().identity();
            (identity.server_id.clone(), identity.server_name.clone(), server.peers_addr.to_string())
        });
        two.stop().await;
        one.stop().await;
        let machine = |((id, name, peers), data)| Machine { id, name, data, peers, process: None, frozen: false };
        let machines: Vec<Machine> = known.into_iter().zip(folders).map(machine).collect();
        let edits = Arc::new(Mutex::new(Vec::new()));
        let mut writers = JoinSet::new();
        for (server, machine) in machines.iter().enumerate() {
            writers.spawn(write(server, machine.data.path().to_owned(), Arc::clone(&edits)));
        }
        let rng = StdRng::seed_from_u64(seed);
        let mut world = Self { seed, rng, _disk: disk, database, machines, edits, _writers: writers, told: Vec::new() };
        for server in 0..2 {
            world.start(server).await;
        }
        world
    }

    fn tell(&mut self, text: String) {
        self.told.push(text);
    }

    async fn start(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        let shared = ["--shared", self.database.to_str().unwrap()];
        machine.process = Some(Process::run(machine.data.path(), &machine.peers, &shared).await);
        self.tell(format!("{server} is started"));
    }

    async fn thaw(&mut self, server: usize) {
        let machine = &mut self.machines[server];
        if let (true, Some(process)) = (std::mem::take(&mut machine.frozen), &machine.process) {
            process.thaw().await;
            self.tell(format!("{server} goes on"));
        }
    }

    async fn step(&mut self) {
        let server = self.rng.random_range(0..2);
        match self.rng.random_range(0..10) {
            _ if self.machines[server].process.is_none() => self.start(server).await,
            0..3 => {
                self.thaw(server).await;
                self.machines[server].process.take().unwrap().kill().await;
                self.tell(format!("{server} is killed"));
            }
            3 => {
                self.thaw(server).await;
                self.machines[server].process.take().unwrap().stop().await;
                self.tell(format!("{server} is stopped"));
            }
            4 | 5 if !self.machines[server].frozen => {
                self.machines[server].process.as_ref().unwrap().freeze().await;
                self.machines[server].frozen = true;
                self.tell(format!("{server} stands still"));
            }
            6 | 7 => self.hand_over_to(server).await,
            _ => self.thaw(server).await,
        }
        let pause = self.rng.random_range(0..3000);
        sleep(Duration::from_millis(pause)).await;
        self.check().await;
    }

    /// Somebody wants it to be the active one.
    async fn hand_over_to(&mut self, server: usize) {
        let machine = &self.machines[server];
        let wish = json!({ "confirm": machine.name, "stopped": "it hangs" });
        let path = format!("/servers/{}/promote", machine.id);
        let answer = console(machine.data.path(), Method::POST, &path, &wish).await;
        self.tell(format!("{server} is to be active: {:?}", answer.map(|(status, _)| status)));
    }

    /// Who has the lease, by the lease itself.
    fn holder(&self) -> Option<String> {
        let lease: Value = serde_json::from_slice(&fs::read(self.database.with_extension("db.lease")).ok()?).ok()?;
        lease["server_id"].as_str().map(str::to_owned)
    }

    /// Whether that server says that it is the active one.
    async fn says_active(&self, server: usize) -> bool {
        let Some(process) = &self.machines[server].process else { return false };
        let request = Request::get("/health/active").header(header::HOST, "pages").body(Full::default()).unwrap();
        let Ok(stream) = TcpStream::connect(process.pages).await else { return false };
        ask(stream, request, PATIENCE).await.is_some_and(|(status, _)| status == StatusCode::OK)
    }

    async fn check(&mut self) {
        for server in 0..2 {
            let before = self.holder();
            let active = self.says_active(server).await;
            if active && before == self.holder() {
                assert_eq!(before.as_ref(), Some(&self.machines[server].id), "{server} is active without the lease");
            }
        }
        let mut edits = self.edits.lock().unwrap().clone();
        edits.sort_by_key(|edit| edit.ended);
        for (place, edit) in edits.iter().enumerate() {
            for other in edits[..place].iter().filter(|other| other.server != edit.server) {
                assert_ne!(other.epoch, edit.epoch, "both wrote in one epoch: {other:?} {edit:?}");
                let later = edit.begun < other.ended || edit.epoch > other.epoch;
                assert!(later, "an earlier epoch was written in after a later one: {other:?} {edit:?}");
            }
        }
    }

    /// All is well again: one is active, and the file has everything.
    async fn end(mut self) {
        for server in 0..2 {
            self.thaw(server).await;
        }
        for server in 0..2 {
            if self.machines[server].process.is_none() {
                self.start(server).await;
            }
        }
        let (answered, begun) = (self.edits.lock().unwrap().len(), Instant::now());
        until("somebody answers edits", async || self.edits.lock().unwrap().len() > answered + 5).await;
        println!("seed {}: {} edits were answered, the last after {:?}", self.seed, answered, begun.elapsed());
        self.check().await;
        for machine in &mut self.machines {
            machine.process.take().unwrap().stop().await;
        }
        let edits = self.edits.lock().unwrap().clone();
        let mut file = SqliteConnection::connect(&self.database.display().to_string()).await.unwrap();
        let ids: Vec<String> =
            sqlx::query_scalar("select id from provisioning_strings").fetch_all(&mut file).await.unwrap();
        let ids: BTreeSet<_> = ids.into_iter().collect();
        let lost: Vec<_> = edits.iter().filter(|edit| !ids.contains(&edit.made)).collect();
        assert!(lost.is_empty(), "answered, and not in the file: {lost:?}");
        let whole: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut file).await.unwrap();
        assert_eq!(whole, "ok");
    }
}

async fn live(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        if AssertUnwindSafe(world.step()).catch_unwind().await.is_err() {
            panic!("seed {seed}: {:#?}", world.told);
        }
    }
    let told = world.told.clone();
    if AssertUnwindSafe(world.end()).catch_unwind().await.is_err() {
        panic!("seed {seed}, at its end: {told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_on_one_file_the_lease_alone_decides() {
    live_all("two servers with one file", SEEDS, live).await;
}
