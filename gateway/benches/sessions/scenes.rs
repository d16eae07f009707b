//! What is measured, in order, for one kind of server after the other.

use crate::child::ServerProcess;
use crate::fleet::Fleet;
use crate::lists::{Answers, pushed};
use crate::tickets::TicketSwitch;
use crate::{Failure, Kind, keys, ms};
use gateway::authority::Authority;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

/// A device that waits for its turn.
const PATIENT: Duration = Duration::from_secs(30);
/// A device that gives up quickly, which is what makes storms.
const IMPATIENT: Duration = Duration::from_secs(2);
/// A ramp or a storm is given up after so long.
const SCENE_LIMIT: Duration = Duration::from_secs(45);
/// Time for a server to come to rest before it is measured.
const REST: Duration = Duration::from_millis(700);
/// How long pings are counted.
const PING_TIME: Duration = Duration::from_secs(5);
const PUSHES: u64 = 5;

/// What one kind of server did.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Kilobytes resident per idle session, at a fifth of the devices and at all of them.
    pub(crate) memory_kb: [f64; 2],
    /// Milliseconds of the server's processor for a new session, TLS in full and resumed.
    pub(crate) session_cpu_ms: [f64; 2],
    /// The share of the latter that did resume.
    pub(crate) resumed: f64,
    /// New sessions a second, TLS in full.
    pub(crate) sessions_per_s: f64,
    /// Milliseconds until the last device had acknowledged one push, median.
    pub(crate) push_ms: f64,
    /// Microseconds of the server's processor for a ping.
    pub(crate) ping_cpu_us: f64,
    pub(crate) resuming: Recovery,
    pub(crate) recovery: Recovery,
    pub(crate) storm: Recovery,
}

/// After a power cut of the server, counted from the start of the next.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// Seconds until half of the devices, and 99.9 % of them, were back; `None` if never within the limit.
    pub(crate) seconds: [Option<f64>; 2],
    /// The share that was back in the end.
    pub(crate) back: f64,
    /// Attempts that took too long.
    pub(crate) timeouts: usize,
    /// Milliseconds of the new server's processor for each session that came back.
    pub(crate) session_cpu_ms: f64,
}

/// Runs everything; the bare server's figures, then ours.
pub(crate) async fn run(devices: u32) -> Result<[Figures; 2], Failure> {
    let authority = Authority::create(keys::INSTALLATION, OffsetDateTime::now_utc())?;
    let folder = tempfile::tempdir()?;
    keys::save(&authority, folder.path())?;
    let switch = TicketSwitch::default();
    eprintln!("making {devices} devices");
    let mut figures = Vec::new();
    for kind in [Kind::Bare, Kind::Ours] {
        let address = free_address()?;
        let fleet = Fleet::start(keys::devices(&authority, devices, &switch)?, address)?;
        let stage = Stage { kind, keys: folder.path(), address, fleet, switch: switch.clone() };
        figures.push(stage.run().await?);
    }
    <[Figures; 2]>::try_from(figures).map_err(|_| "not two kinds".into())
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

struct Stage<'a> {
    kind: Kind,
    keys: &'a Path,
    address: SocketAddr,
    fleet: Fleet,
    switch: TicketSwitch,
}

impl Stage<'_> {
    async fn run(self) -> Result<Figures, Failure> {
        let mut figures = Figures::default();
        let mut server = self.start(PATIENT).await?;
        self.say("new sessions");
        self.climb(&mut server, &mut figures).await?;
        self.say("pings");
        figures.ping_cpu_us = self.pings(&server).await?;
        self.say("resumed sessions");
        self.resume(&mut server, &mut figures).await?;
        self.say("pushes");
        figures.push_ms = self.pushes(&mut server).await?;
        self.say("power cut, patient devices with tickets");
        let server = self.cut(server, PATIENT, &mut figures.resuming).await?;
        self.switch.set(false);
        self.say("power cut, patient devices");
        let server = self.cut(server, PATIENT, &mut figures.recovery).await?;
        self.say("power cut, devices that give up after 2 s");
        let server = self.cut(server, IMPATIENT, &mut figures.storm).await?;
        self.fleet.plan(|plan| plan.online = 0);
        server.kill().await?;
        Ok(figures)
    }

    fn say(&self, what: &str) {
        eprintln!("{}: {what}", format!("{:?}", self.kind).to_lowercase());
    }

    async fn start(&self, patience: Duration) -> Result<ServerProcess, Failure> {
        ServerProcess::start(self.kind, self.keys, self.address, patience).await
    }

    async fn climb(&self, server: &mut ServerProcess, figures: &mut Figures) -> Result<(), Failure> {
        sleep(REST).await;
        let (memory, cpu) = (server.memory()?, server.cpu()?);
        let mut spent = Duration::ZERO;
        for (online, kilobytes) in [self.fleet.count() / 5, self.fleet.count()].into_iter().zip(&mut figures.memory_kb)
        {
            self.fleet.forget();
            let before = u32::try_from(server.sessions().await?)?;
            self.fleet.plan(|plan| plan.online = online);
            let times = self.fleet.registered(online - before, SCENE_LIMIT).await;
            spent += *times.last().ok_or("nobody registered")?;
            sleep(REST).await;
            self.expect(server, online).await?;
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let grown = server.memory()?.saturating_sub(memory) as f64;
            *kilobytes = grown / 1024.0 / f64::from(online);
        }
        let all = f64::from(self.fleet.count());
        figures.session_cpu_ms[0] = ms(server.cpu()?.saturating_sub(cpu)) / all;
        figures.sessions_per_s = all / spent.as_secs_f64();
        Ok(())
    }

    async fn pings(&self, server: &ServerProcess) -> Result<f64, Failure> {
        // A thousand a second, whatever the number of devices.
        let every = Duration::from_millis(self.fleet.count().into());
        self.fleet.plan(|plan| plan.ping = Some(every));
        sleep(every.min(Duration::from_secs(2))).await;
        self.fleet.forget();
        let cpu = server.cpu()?;
        sleep(PING_TIME).await;
        let (spent, pongs) = (server.cpu()?.saturating_sub(cpu), self.fleet.pongs());
        self.fleet.plan(|plan| plan.ping = None);
        Ok(ms(spent) * 1000.0 / f64::from(u32::try_from(pongs.max(1))?))
    }

    async fn pushes(&self, server: &mut ServerProcess) -> Result<f64, Failure> {
        let mut times = Vec::new();
        for nth in 1..=PUSHES {
            let answers = Answers::to(&pushed(nth)?)?;
            sleep(REST).await;
            self.fleet.plan(|plan| plan.answers = answers);
            let (ms, answered) = server.push(nth).await?;
            if answered < self.fleet.count() as usize {
                return Err(format!("only {answered} devices answered the push").into());
            }
            times.push(ms);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    async fn resume(&self, server: &mut ServerProcess, figures: &mut Figures) -> Result<(), Failure> {
        self.fleet.plan(|plan| plan.online = 0);
        self.expect(server, 0).await?;
        self.switch.set(true);
        sleep(REST).await;
        let cpu = server.cpu()?;
        self.fleet.forget();
        let all = self.fleet.count();
        self.fleet.plan(|plan| plan.online = all);
        self.fleet.registered(all, SCENE_LIMIT).await;
        self.expect(server, all).await?;
        figures.session_cpu_ms[1] = ms(server.cpu()?.saturating_sub(cpu)) / f64::from(all);
        figures.resumed = f64::from(u32::try_from(self.fleet.resumed())?) / f64::from(all);
        Ok(())
    }

    /// Kills the server, starts another in its place, and watches the devices come back.
    async fn cut(
        &self,
        server: ServerProcess,
        patience: Duration,
        recovery: &mut Recovery,
    ) -> Result<ServerProcess, Failure> {
        self.fleet.plan(|plan| (plan.orderly, plan.patience) = (false, patience));
        server.kill().await?;
        sleep(REST).await;
        self.fleet.forget();
        let server = self.start(patience).await?;
        let cpu = server.cpu()?;
        let times = self.fleet.registered(self.fleet.count(), SCENE_LIMIT).await;
        let all = self.fleet.count() as usize;
        let nth = |place: usize| times.get(place.min(all) - 1).map(Duration::as_secs_f64);
        recovery.seconds = [nth(all.div_ceil(2)), nth((all * 999).div_ceil(1000))];
        recovery.back = f64::from(u32::try_from(times.len().min(all))?) / f64::from(self.fleet.count());
        recovery.timeouts = self.fleet.timeouts();
        recovery.session_cpu_ms = ms(server.cpu()?.saturating_sub(cpu)) / f64::from(self.fleet.count());
        Ok(server)
    }

    /// Waits until the server has so many sessions.
    async fn expect(&self, server: &mut ServerProcess, count: u32) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let sessions = server.sessions().await?;
            if sessions == count as usize {
                return Ok(());
            }
            if begun.elapsed() > SCENE_LIMIT {
                return Err(format!("the server has {sessions} sessions, not {count}").into());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
