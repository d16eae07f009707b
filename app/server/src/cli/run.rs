//! `portal run`

mod http_security;

use super::{CliError, logging::LogFormat};
use crate::{
    clock::Clock,
    cluster::{copy_schedule::Schedule, lease::SharedFile},
    config::{Config, HttpSecurity, PlainPort, START_HOLD},
    start::start_with,
};
use axum::Router;
use clap::builder::RangedU64ValueParser;
use gateway::enrolment::KeyFingerprint;
use model::grouped;
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

pub(super) use http_security::HttpSecurityError;

/// Every option that is no hidden one is also a key of the configuration file.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) data: super::DataArgument,
    /// The server's name, at its first start; "BioStar Server #1" if none is given
    #[arg(long, env = "PORTAL_NAME")]
    name: Option<String>,
    /// Where browsers and programs connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000", env = "PORTAL_HTTP")]
    http: SocketAddr,
    /// HTTPS: PEM file with the certificate and those that lead to its root
    #[arg(long, value_name = "FILE", env = "PORTAL_HTTP_CERT")]
    http_cert: Option<PathBuf>,
    /// HTTPS: PEM file with the private key
    #[arg(long, value_name = "FILE", env = "PORTAL_HTTP_KEY")]
    http_key: Option<PathBuf>,
    /// HTTPS with a certificate of the installation's authority, also on 127.0.0.1; elsewhere this is so by itself
    #[arg(long, conflicts_with_all = ["http_cert", "allow_plain_http"], env = "PORTAL_HTTPS")]
    https: bool,
    /// Plain HTTP also on addresses that other machines reach: passwords cross the network in the clear
    #[arg(long, conflicts_with = "http_cert", env = "PORTAL_ALLOW_PLAIN_HTTP")]
    allow_plain_http: bool,
    /// Where devices connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:51213", env = "PORTAL_GATEWAY")]
    gateway: SocketAddr,
    /// Where devices without TLS connect, for closed lab networks alone: everything there is said in the clear, and whoever
    /// reaches this port can pretend to be any of the plain-devices. Usually port 51212; shut if none is given
    #[arg(long, value_name = "ADDRESS:PORT", requires = "plain_devices", env = "PORTAL_PLAIN_GATEWAY")]
    plain_gateway: Option<SocketAddr>,
    /// Device IDs of the devices without TLS, like 547846001,547846002
    #[arg(long, value_name = "DEVICE_IDS", requires = "plain_gateway", env = "PORTAL_PLAIN_DEVICES")]
    plain_devices: Option<DeviceIds>,
    /// Where the other server connects
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:51215", env = "PORTAL_PEERS")]
    peers: SocketAddr,
    /// Where Prometheus reads what is measured
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464", env = "PORTAL_METRICS")]
    metrics: SocketAddr,
    /// The host name or address at which devices and the other server reach this one; found out if none is given
    #[arg(long, value_name = "HOST", env = "PORTAL_ADVERTISE")]
    advertise: Option<String>,
    /// When the other server gets a copy of the database: "changes" for soon after every change, an interval like 60s or 4h,
    /// or a cron line like "30 2 * * *"
    #[arg(long, value_name = "WHEN", default_value = "changes", env = "PORTAL_COPY")]
    copy: Schedule,
    /// A database on a PostgreSQL server, like postgres://user:password@host/name, instead of a file in the data folder; on
    /// the second server a replica of the first one's
    #[arg(long, value_name = "ADDRESS", conflicts_with = "shared", env = "PORTAL_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// A database file on a disk that both servers reach: whoever holds the lease on it is active (no copy is needed then)
    #[arg(long, value_name = "FILE", env = "PORTAL_SHARED")]
    shared: Option<PathBuf>,
    /// A command that switches the other server off and ends with 0 if it is; needed on network file systems
    #[arg(long, value_name = "COMMAND", requires = "shared", env = "PORTAL_SHARED_FENCE")]
    shared_fence: Option<String>,
    /// The address that a cluster manager moves to the active server; without it for 10 seconds this server steps down
    #[arg(long, value_name = "ADDRESS", requires = "shared", env = "PORTAL_FLOATING_IP")]
    floating_ip: Option<IpAddr>,
    /// A command that is run after each change of role, with BIOSTAR_ROLE and BIOSTAR_EPOCH in its environment
    #[arg(long, value_name = "COMMAND", requires = "shared", env = "PORTAL_ROLE_HOOK")]
    role_hook: Option<String>,
    /// The folder with the browser's half of the portal
    #[arg(long, value_name = "DIR", default_value = "target/web", env = "PORTAL_WEB_ROOT")]
    web_root: PathBuf,
    /// Join the installation of the server that printed this string; counts at the first start
    #[arg(long, value_name = "STRING", env = "PORTAL_JOIN", hide_env_values = true)]
    join: Option<String>,
    /// How long a device's session must hold before it proves a new server list
    #[arg(long, value_name = "SECONDS", default_value_t = 20, hide = true, env = "PORTAL_STABILITY_SECONDS",
          value_parser = RangedU64ValueParser::<u64>::new().range(1..=600))]
    stability_seconds: u64,
    /// New device sessions a second that this server can take; `make bench` measures it. Beyond it devices are told when
    /// to come back
    #[arg(long, value_name = "SESSIONS", default_value_t = 250, env = "PORTAL_CAPACITY",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    capacity: u32,
    /// How long an answer of a device, or of the other server, counts for an automatic promotion; a standby waits three times as
    /// long before it takes over. The same on both servers
    #[arg(long, value_name = "SECONDS", default_value_t = 30, env = "PORTAL_PROMOTION_HOLD",
          value_parser = RangedU64ValueParser::<u64>::new().range(3..=600))]
    promotion_hold: u64,
    /// After a start, a server without another one changes nothing until half of the devices that it had last are back, but
    /// no longer than this: an old image of it is noticed so. 0 switches that off
    #[arg(long, value_name = "SECONDS", default_value_t = START_HOLD.as_secs(), env = "PORTAL_START_HOLD",
          value_parser = RangedU64ValueParser::<u64>::new().range(0..=3600))]
    start_hold: u64,
    /// What is logged: error, warn, info, debug or trace, also for single parts of the program as in `info,sqlx=warn`; `info`
    /// if neither this nor RUST_LOG says
    #[arg(long, value_name = "FILTER", env = "PORTAL_LOG")]
    pub(super) log: Option<String>,
    /// How it is logged: `text` for people, or `json`, one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "PORTAL_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
    /// The password of the first operator, at the first start; generated and printed if none is given
    #[arg(skip = std::env::var("PORTAL_ADMIN_PASSWORD").ok().filter(|password| !password.is_empty()))]
    admin_password: Option<String>,
}

/// Device IDs with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DeviceIds(BTreeSet<u32>);

impl FromStr for DeviceIds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = |text: &str| {
            text.trim().parse().ok().filter(|id| *id > 0).ok_or_else(|| format!("{text:?} is no Device ID"))
        };
        text.split(',').map(id).collect::<Result<_, _>>().map(Self)
    }
}

/// The same for a server that joins another one.
#[derive(clap::Args)]
pub(super) struct JoinArguments {
    /// The string that `portal join-string` printed at the other server; counts at the first start
    #[arg(value_name = "STRING")]
    string: String,
    #[command(flatten)]
    pub(super) run: Arguments,
}

impl From<JoinArguments> for Arguments {
    fn from(arguments: JoinArguments) -> Self {
        Self { join: Some(arguments.string), ..arguments.run }
    }
}

impl TryFrom<Arguments> for Config {
    type Error = HttpSecurityError;

    fn try_from(arguments: Arguments) -> Result<Self, HttpSecurityError> {
        let (cert, key) = (arguments.http_cert, arguments.http_key);
        let http_security = http_security::choose(cert, key, arguments.https, arguments.allow_plain_http)?;
        let shared = arguments.shared.map(|database| SharedFile {
            database,
            fence: arguments.shared_fence,
            role_hook: arguments.role_hook,
            floating_ip: arguments.floating_ip,
        });
        Ok(Self {
            data: arguments.data.data,
            name: arguments.name,
            http: arguments.http,
            http_security,
            gateway: arguments.gateway,
            plain: arguments.plain_gateway.map(|address| PlainPort {
                address,
                devices: arguments.plain_devices.map(|named| named.0).unwrap_or_default(),
            }),
            peers: arguments.peers,
            metrics: arguments.metrics,
            advertise: arguments.advertise,
            copy_schedule: arguments.copy,
            database: arguments.database,
            shared,
            web_root: arguments.web_root,
            join: arguments.join,
            tell_fingerprint: ask_for_confirmation,
            stability: Duration::from_secs(arguments.stability_seconds),
            promotion_hold: Duration::from_secs(arguments.promotion_hold),
            start_hold: Duration::from_secs(arguments.start_hold),
            capacity_per_s: arguments.capacity,
            admin_password: arguments.admin_password,
            clock: Clock::system(),
        })
    }
}

/// Tells whoever started a server that joins what to do at the other one. It waits meanwhile.
fn ask_for_confirmation(server: &str, fingerprint: KeyFingerprint) {
    let text = format!(
        "{server} has to let this server in. Compare the fingerprint of this server's key there, on the page Servers or \
         with `portal newcomers`, and confirm it:\nfingerprint: {}\n",
        grouped(&fingerprint.to_string())
    );
    let mut out = io::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, %fingerprint, "the fingerprint to confirm could not be printed");
    }
}

pub(super) async fn perform(arguments: Arguments, pages: fn() -> Router) -> Result<(), CliError> {
    let config = Config::try_from(arguments)?;
    let scheme = if config.http_security() == HttpSecurity::Plain { "http" } else { "https" };
    let exposed = config.is_exposed();
    // Before the start, so that a signal during it is not lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = tokio::select! {
        running = start_with(config, pages()) => running?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let identity = running.service().identity();
    let mut greeting = format!("{} answers on {scheme}://{}\n", identity.server_name, running.http_addr);
    greeting += &format!("devices: {}, other server: {}\n", running.gateway_addr, running.peers_addr);
    if let Some(metrics) = running.metrics_addr {
        greeting += &format!("metrics: http://{metrics}/metrics\n");
    }
    greeting += &format!("devices and the other server are told to connect to {}\n", running.advertised);
    if let Some(password) = &running.generated_password {
        greeting += "Sign in as admin. This is shown once and must be changed at the first sign-in:\n";
        greeting += &format!("password: {password}\n");
    }
    // A server runs whether or not somebody reads what it prints.
    let mut out = io::stdout();
    if let Err(error) = out.write_all(greeting.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "the greeting could not be printed; `portal user reset` gives a new password");
    }
    if exposed {
        tracing::warn!("plain HTTP: passwords cross the network in the clear");
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids_are_numbers_with_commas_between_them() {
        let ids = |text: &str| text.parse::<DeviceIds>().map(|ids| ids.0.into_iter().collect::<Vec<_>>());
        assert_eq!(ids("547846002, 547846001"), Ok(vec![547_846_001, 547_846_002]));
        for bad in ["", "0", "1,,2", "x", "-1", "1;2", "4294967296"] {
            assert!(ids(bad).is_err(), "{bad:?}");
        }
    }
}
