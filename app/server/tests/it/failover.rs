//! Real devices and two whole servers, one of which is killed.

use crate::{
    device::{DEVICE, QuickDevice, list, shown_at},
    pair::{Pair, change, confirm_newcomers, first, folder, has, join_string, second, until},
};
use model::{DeviceStatus, PushState};
use server::{
    config::Config,
    db::LOCAL_FILE,
    start::{Running, start},
};
use sqlx::{Connection as _, SqliteConnection};
use std::{
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    runtime::Runtime,
};

/// A server that can be killed: all its tasks end where they are, nothing is said to anybody.
pub(crate) struct Mortal {
    runtime: Runtime,
    pub(crate) running: Running,
}

impl Mortal {
    pub(crate) async fn start(config: Config) -> Self {
        let runtime = runtime();
        let running = runtime.spawn(start(config)).await.unwrap().unwrap();
        Self { runtime, running }
    }

    /// Starts a server that was killed, as soon as its ports and its folder are free.
    pub(crate) async fn again(config: Config) -> Self {
        let begun = Instant::now();
        loop {
            let runtime = runtime();
            match runtime.spawn(start(config.clone())).await.unwrap() {
                Ok(running) => return Self { runtime, running },
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "it does not start: {error}"),
            }
            runtime.shutdown_background();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn kill(self) {
        self.runtime.shutdown_background();
        drop(self.running);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn quick(data: &Path) -> Config {
    Config { stability: Duration::from_millis(300), ..Config::on_loopback(data) }
}

#[tokio::test]
async fn when_the_first_server_is_killed_a_device_stays_on_the_second() {
    let (one_data, two_data) = (folder(), folder());
    let mortal = Mortal::start(quick(one_data.path())).await;
    let one = &mortal.running;
    let string = join_string(one).await;
    let two = start(Config { join: Some(string), ..quick(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(one).await;
    list(one, &[one.gateway_addr, two.gateway_addr]).await;
    let (one_id, two_id) = (one.service().identity().server_id.clone(), two.service().identity().server_id.clone());
    until("the second shows it on the first", async || shown_at(two.service(), &one_id).await).await;
    let ports = Config { gateway: one.gateway_addr, peers: one.peers_addr, ..quick(one_data.path()) };

    mortal.kill();
    let took = until("it registers on the second", async || shown_at(two.service(), &two_id).await).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    until("the second counts it", async || {
        two.service().list_servers().await.unwrap().iter().map(|server| server.devices).collect::<Vec<_>>() == [0, 1]
    })
    .await;

    until("how it went is on record", async || {
        let outages = two.service().list_outages().await.unwrap();
        outages.first().is_some_and(|outage| {
            assert_eq!((&*outage.server, outage.devices, outage.active_ms), (&*one_id, 1, None));
            outage.moved == 1 && outage.last_ms.is_some_and(|ms| ms < 10_000)
        })
    })
    .await;

    // The second is a standby: the device has looked around for the active server, and found it gone.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let one = start(ports).await.unwrap();
    until("that is over", async || two.service().list_outages().await.unwrap()[0].heard_at.is_some()).await;
    let took = until("the first shows it on the second", async || shown_at(one.service(), &two_id).await).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    let shown = one.service().find_device(DEVICE).await.unwrap();
    assert_eq!(shown.status, DeviceStatus::Connected);
    assert_eq!(shown.servers.connected.unwrap().server_name, "BioStar Server #2");
    assert_eq!(one.service().list_servers().await.unwrap()[1].devices, 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(shown_at(one.service(), &two_id).await, "it stays where it is");

    // An edit on the first does not reach it before it is back there, and then it does.
    two.stop().await;
    until("it comes back", async || shown_at(one.service(), &one_id).await).await;
    list(&one, &[one.gateway_addr]).await;
}

#[tokio::test]
async fn a_list_confirmed_at_the_second_server_is_noted_at_the_first() {
    let (one_data, two_data) = (folder(), folder());
    let one = start(quick(one_data.path())).await.unwrap();
    let two = start(Config { join: Some(join_string(&one).await), ..quick(two_data.path()) }).await.unwrap();
    let _door = QuickDevice::at(&one).await;
    list(&one, &[two.gateway_addr]).await;
    let two_id = two.service().identity().server_id.clone();
    for server in [&one, &two] {
        until("shown on the second", async || shown_at(server.service(), &two_id).await).await;
    }
    let local = two_data.path().join(LOCAL_FILE).display().to_string();
    let mut local = SqliteConnection::connect(&local).await.unwrap();
    let query = "select count(*), count(noted_at) from outcomes";
    until("nothing is left to tell", async || {
        sqlx::query_as::<_, (i64, i64)>(query).fetch_one(&mut local).await.unwrap() == (1, 1)
    })
    .await;
    until("the outcome is in the second's copy", async || {
        two.service().find_servers(DEVICE).await.unwrap().push.unwrap().state == PushState::Committed
    })
    .await;
}

/// `portal run` as a process of its own.
pub(crate) struct Process {
    child: Child,
    /// Where its pages are.
    pub(crate) pages: SocketAddr,
}

impl Process {
    /// Starts the server of `data` and waits until it says that it answers.
    pub(crate) async fn run(data: &Path, peers: &str, more: &[&str]) -> Self {
        Self::try_run(data, peers, more).await.unwrap_or_else(|status| panic!("it did not start: {status}"))
    }

    /// The same of one that may end instead.
    pub(crate) async fn try_run(data: &Path, peers: &str, more: &[&str]) -> Result<Self, ExitStatus> {
        let mut child = Command::new(crate::harness::program())
            .arg("run")
            .arg("--data")
            .arg(data)
            .args(["--http", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--peers", peers])
            .args(more)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, address)) = line.split_once(" answers on http://") {
                return Ok(Self { child, pages: address.trim_end_matches('/').parse().unwrap() });
            }
        }
        Err(child.wait().await.unwrap())
    }

    /// Stops it in the middle of whatever it does, without an end.
    pub(crate) async fn freeze(&self) {
        self.signal("-STOP").await;
    }

    /// It goes on.
    pub(crate) async fn thaw(&self) {
        self.signal("-CONT").await;
    }

    /// Stops it in good order.
    pub(crate) async fn stop(mut self) {
        self.signal("-TERM").await;
        self.child.wait().await.unwrap();
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
    }
}

#[tokio::test]
async fn a_standby_killed_again_and_again_always_has_a_database() {
    let (one_data, two_data) = (folder(), folder());
    let one = Arc::new(first(one_data.path()).await);
    let first_change = change(&one).await;
    let string = join_string(&one).await;
    let writer = tokio::spawn({
        let one = one.clone();
        async move {
            loop {
                change(&one).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let mut more = vec!["--join", &string];
    for round in 0..5_u64 {
        let two = Process::run(two_data.path(), "127.0.0.1:0", &more).await;
        more.clear();
        // Some rounds end in the middle of a copy, some between two.
        tokio::time::sleep(Duration::from_millis(700 + 230 * round)).await;
        two.kill().await;
    }
    writer.abort();
    let last = change(&one).await;
    let two = start(Config::on_loopback(two_data.path())).await.unwrap();
    assert!(has(&two, &first_change).await);
    until("the copies go on", async || has(&two, &last).await).await;
}

#[tokio::test]
async fn a_first_server_that_is_killed_loses_nothing_it_answered() {
    let Pair { one, two, one_data, two_data: _kept } = Pair::start().await;
    let peers = one.peers_addr.to_string();
    one.stop().await;
    let process = Process::run(one_data.path(), &peers, &[]).await;
    let made = Command::new(crate::harness::program())
        .args(["join-string", "--data"])
        .arg(one_data.path())
        .output()
        .await
        .unwrap();
    process.kill().await;
    let string = String::from_utf8(made.stdout).unwrap();
    assert!(string.starts_with("BSJ1-"), "{string}{}", String::from_utf8_lossy(&made.stderr));
    let one = start(Config { peers: peers.parse().unwrap(), ..Config::on_loopback(one_data.path()) }).await.unwrap();
    confirm_newcomers(&one);
    let third = folder();
    drop(second(third.path(), string.trim()).await.expect("the string outlived the kill"));
    let id = change(&one).await;
    until("the second follows the first again", async || has(&two, &id).await).await;
}
