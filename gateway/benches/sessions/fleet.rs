//! Many devices in one process: the real protocol on the wire, but none of a device's rules.

use crate::Failure;
use crate::lists::{Answers, committed, hello, pushed};
use bytes::{Bytes, BytesMut};
use gateway::tls::server_name;
use rustls::{ClientConfig, HandshakeKind};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Devices that dial at once while a ramp is climbed.
const PARALLEL: usize = 64;
/// A failed device tries again after 100 to 300 ms.
const RETRY_MS: std::ops::Range<u64> = 100..300;

/// What all devices are to do now.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many of them are to be connected, the first first.
    pub(crate) online: u32,
    /// Only so many at a time.
    pub(crate) orderly: bool,
    /// How long an attempt may take, from TCP to the registration.
    pub(crate) patience: Duration,
    /// Between two pings of a device.
    pub(crate) ping: Option<Duration>,
    /// What a push is answered with.
    pub(crate) answers: Answers,
}

/// What has happened since the last [`Fleet::forget`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    since: Mutex<Option<Instant>>,
    registered: Mutex<Vec<Duration>>,
    timeouts: AtomicUsize,
    resumed: AtomicUsize,
    pongs: AtomicUsize,
    news: Notify,
}

pub(crate) struct Fleet {
    plan: watch::Sender<Plan>,
    tally: Arc<Tally>,
    count: u32,
    _devices: JoinSet<()>,
}

impl Fleet {
    /// Devices that do nothing yet.
    pub(crate) fn start(configs: Vec<Arc<ClientConfig>>, address: SocketAddr) -> Result<Self, Failure> {
        let answers = Answers::to(&pushed(1)?)?;
        let plan = Plan { online: 0, orderly: true, patience: Duration::from_secs(30), ping: None, answers };
        let plan = watch::Sender::new(plan);
        let (tally, gate, committed) = (Arc::<Tally>::default(), Arc::new(Semaphore::new(PARALLEL)), committed()?);
        let mut devices = JoinSet::new();
        let mut count = 0;
        for (number, config) in (1..).zip(configs) {
            count = number;
            let (plan, tally, gate) = (plan.subscribe(), Arc::clone(&tally), Arc::clone(&gate));
            let hello = hello(number, &committed)?;
            devices.spawn(Device { number, address, config, hello, plan, tally, gate }.run());
        }
        Ok(Self { plan, tally, count, _devices: devices })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Changes what the devices do.
    pub(crate) fn plan(&self, change: impl FnOnce(&mut Plan)) {
        self.plan.send_modify(change);
    }

    /// Begins to count anew.
    pub(crate) fn forget(&self) {
        *lock(&self.tally.since) = Some(Instant::now());
        lock(&self.tally.registered).clear();
        for counter in [&self.tally.timeouts, &self.tally.resumed, &self.tally.pongs] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Waits until so many have registered, or the time is over; when each of them did, in order.
    pub(crate) async fn registered(&self, count: u32, limit: Duration) -> Vec<Duration> {
        let enough = async {
            while lock(&self.tally.registered).len() < count as usize {
                self.tally.news.notified().await;
            }
        };
        // Who is missing shows in the answer.
        let _ = timeout(limit, enough).await;
        let mut times = lock(&self.tally.registered).clone();
        times.sort();
        times
    }

    /// Attempts that took too long.
    pub(crate) fn timeouts(&self) -> usize {
        self.tally.timeouts.load(Ordering::Relaxed)
    }

    /// Registrations over a resumed TLS session.
    pub(crate) fn resumed(&self) -> usize {
        self.tally.resumed.load(Ordering::Relaxed)
    }

    /// Pongs that came.
    pub(crate) fn pongs(&self) -> usize {
        self.tally.pongs.load(Ordering::Relaxed)
    }
}

struct Device {
    number: u32,
    address: SocketAddr,
    config: Arc<ClientConfig>,
    hello: Bytes,
    plan: watch::Receiver<Plan>,
    tally: Arc<Tally>,
    gate: Arc<Semaphore>,
}

impl Device {
    async fn run(mut self) {
        loop {
            let (online, orderly, patience) = {
                let plan = self.plan.borrow_and_update();
                (self.number <= plan.online, plan.orderly, plan.patience)
            };
            if !online {
                if self.plan.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let permit = if orderly { self.gate.acquire().await.ok() } else { None };
            let outcome = timeout(patience, self.register()).await;
            drop(permit);
            match outcome {
                Ok(Ok(line)) => {
                    let since = lock(&self.tally.since).map_or(Duration::ZERO, |since| since.elapsed());
                    lock(&self.tally.registered).push(since);
                    self.tally.news.notify_one();
                    // A session that is lost is dialled again at once, one that fails after a while.
                    let _ = self.live(line).await;
                    continue;
                }
                Ok(Err(_)) => {}
                Err(_) => {
                    self.tally.timeouts.fetch_add(1, Ordering::Relaxed);
                }
            }
            sleep(Duration::from_millis(rand::random_range(RETRY_MS))).await;
        }
    }

    async fn register(&self) -> io::Result<Line> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(server_name(), stream).await?;
        let mut line = Line { stream, incoming: BytesMut::new() };
        line.stream.write_all(&self.hello).await?;
        match line.frame().await? {
            5 => {}
            number => return Err(io::Error::other(format!("not registered but answered with message {number}"))),
        }
        if line.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
            self.tally.resumed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line)
    }

    /// Holds a session until it ends or the plan does.
    async fn live(&mut self, mut line: Line) -> io::Result<()> {
        let mut ping = None;
        loop {
            let (online, every) = {
                let plan = self.plan.borrow_and_update();
                (self.number <= plan.online, plan.ping)
            };
            if !online {
                return Ok(());
            }
            if ping.as_ref().map(|(every, _)| *every) != every {
                // Spread over the interval from the start.
                let start = |every: Duration| Instant::now() + every.mul_f64(rand::random());
                ping = every.map(|every| (every, interval_at(start(every), every)));
            }
            tokio::select! {
                number = line.frame() => self.take(&mut line, number?).await?,
                changed = self.plan.changed() => changed.map_err(io::Error::other)?,
                () = tick(&mut ping) => line.stream.write_all(&PING).await?,
            }
        }
    }

    async fn take(&self, line: &mut Line, number: u8) -> io::Result<()> {
        let answers = || self.plan.borrow().answers.clone();
        match number {
            7 => return Err(io::Error::other("goodbye")),
            9 => {
                self.tally.pongs.fetch_add(1, Ordering::Relaxed);
            }
            11 => line.stream.write_all(&answers().staged).await?,
            // Neither the probe of the list nor its trial is part of this.
            14 | 21 => line.stream.write_all(&answers().refused).await?,
            _ => {}
        }
        Ok(())
    }
}

/// A ping with nonce 5.
const PING: [u8; 8] = [0, 0, 0, 4, 8 << 3 | 2, 2, 8, 5];

async fn tick(ping: &mut Option<(Duration, tokio::time::Interval)>) {
    match ping {
        Some((_, interval)) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

struct Line {
    stream: TlsStream<TcpStream>,
    incoming: BytesMut,
}

impl Line {
    /// Takes a whole frame; its message's number. Loses nothing when dropped.
    async fn frame(&mut self) -> io::Result<u8> {
        loop {
            if let Some(header) = self.incoming.first_chunk::<4>() {
                let length = u32::from_be_bytes(*header) as usize + 4;
                if self.incoming.len() >= length {
                    let frame = self.incoming.split_to(length);
                    return Ok(frame.get(4).map_or(0, |byte| byte >> 3));
                }
            } else if self.incoming.is_empty() {
                self.incoming = BytesMut::new();
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
