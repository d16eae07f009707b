//! Starting and stopping one whole server.
//!
//! Everything binds before anything serves, so that a port that is taken is told at once and nothing is half up.

mod error;
mod first;
mod https;
mod on_server;
mod shared;

pub use error::StartError;

use crate::{
    Service,
    cluster::{
        lease, lease::Keeper, peers_file, portals, quorum::QuorumKeeper, roles::RoleRecord, starts::Starts,
        vm_generation,
    },
    config::{Config, HttpSecurity, PlainPort},
    data_folder::{DataFolder, console_socket},
    db::Store,
    fleet::rollout_driver,
    identity::Identity,
    interfaces::{app_state::AppState, devices::Link, metrics, peers, plain_listener::PlainListener, router, serving},
    keys::Keys,
};
use axum::Router;
use gateway::{
    server::Settings,
    tls::{self, Clock, Tickets},
    wire::{ALPN, Address},
};
use model::Role;
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Connections that may wait to be accepted, of people and of the other server.
const BACKLOG: u32 = 1024;
/// How long all parts together may take to stop.
const STOP_LIMIT: Duration = Duration::from_millis(2800);

/// A server that runs.
pub struct Running {
    /// Where browsers and programs connect.
    pub http_addr: SocketAddr,
    /// Where devices connect.
    pub gateway_addr: SocketAddr,
    /// Where devices without TLS connect, if anywhere.
    pub plain_addr: Option<SocketAddr>,
    /// Where the other server connects.
    pub peers_addr: SocketAddr,
    /// Where Prometheus reads what is measured; `None` if the port was not to be had.
    pub metrics_addr: Option<SocketAddr>,
    /// The host at which devices and the other server are told to connect.
    pub advertised: Address,
    /// The first operator's password if this start generated it: to be shown once.
    pub generated_password: Option<String>,
    service: Arc<Service>,
    parts: JoinSet<()>,
    stop: CancellationToken,
    /// The lease on a shared database: given back when the database is closed.
    keeper: Option<Arc<Keeper>>,
    /// Given back when everything else has ended.
    folder: DataFolder,
}

/// The sockets of a server.
struct Listeners {
    http: TcpListener,
    gateway: TcpListener,
    /// For devices without TLS.
    plain: Option<TcpListener>,
    peers: TcpListener,
    /// A server that cannot be measured still serves.
    metrics: io::Result<TcpListener>,
}

/// Starts a server without pages; on its first start makes it.
///
/// # Errors
///
/// What is wrong, in words for the administrator. Then nothing runs.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_with(config, Router::new()).await
}

/// Starts a server with these pages.
///
/// # Errors
///
/// As [`start`].
pub async fn start_with(config: Config, pages: Router) -> Result<Running, StartError> {
    config.check()?;
    let given = match config.http_security() {
        HttpSecurity::Given(files) => Some(https::given(&files)?),
        HttpSecurity::Plain | HttpSecurity::Own => None,
    };
    let folder = DataFolder::open(&config.data)?;
    let listeners = Listeners::bind(&config)?;
    let host = config.advertised_host()?;
    let peers_endpoint = endpoint(&host, listeners.peers.local_addr()?.port());
    let (identity, keys, role) = first::find_or_make(&config, &folder, &peers_endpoint).await?;
    let (store, role, keeper) = open_store(&config, &folder, &identity, &keys, role).await?;
    let service = Service::new(store, keys, identity, role, config.clock.clone());
    begin(&service, &folder, keeper.clone(), config.promotion_hold)?;
    let generated_password = match service.role() {
        Role::Active => service.ensure_first_operator(config.admin_password.as_deref()).await?,
        Role::Standby | Role::ReadOnly => None,
    };
    service.hold_role_back(peers_file::knows_others(folder.path()), config.start_hold).await?;
    let tls = match (config.http_security(), given) {
        (HttpSecurity::Own, _) => Some(own_https(&service, &host, &listeners)?),
        (HttpSecurity::Given(_) | HttpSecurity::Plain, given) => given,
    };
    if config.is_exposed() {
        service.warn("This portal answers plain HTTP: passwords cross the network in the clear.".to_owned());
    }
    let stop = CancellationToken::new();
    let (http_addr, gateway_addr, peers_addr, metrics_addr) = listeners.addresses()?;
    let state = AppState::new(service.clone(), pages, &config.web_root, tls.is_some(), stop.clone());
    let console = bind_console(folder.path())?;
    let mut parts = JoinSet::new();
    service.advertise(host.clone(), gateway_addr.port());
    let (stability, capacity_per_s) = (config.stability, config.capacity_per_s);
    let settings = Settings { stability, capacity_per_s, ..Settings::default() };
    let devices = start_gateway(&service, listeners.gateway, settings, &stop).await?;
    parts.spawn(async move { ended("device gateway", devices.await) });
    let plain_addr = match (listeners.plain, &config.plain) {
        (Some(listener), Some(port)) => {
            Some(open_plain_listener(&mut parts, listener, port, (&service, gateway_addr, &host), &stop)?)
        }
        (None, _) | (_, None) => None,
    };
    let peers =
        peers::start(&service, listeners.peers, vec![peers_endpoint], config.copy_schedule.clone(), stop.clone())?;
    parts.spawn(async move { ended("link to the other server", peers.await) });
    if let Some(keeper) = keeper.clone() {
        parts.spawn(lease::keep(service.clone(), keeper, stop.clone()));
    }
    parts.spawn(vm_generation::watch(service.clone(), config.start_hold, stop.clone()));
    parts.spawn(portals::run(service.clone(), stop.clone()));
    parts.spawn(rollout_driver::drive(service.clone(), stop.clone()));
    parts.spawn(metrics::serve(listeners.metrics, service.clone(), stop.clone()));
    parts.spawn(serving::serve_console(console, router::console(state.clone()), stop.clone()));
    parts.spawn(serving::serve_tcp(listeners.http, tls, router::portal(state), stop.clone()));
    Ok(Running {
        http_addr,
        gateway_addr,
        plain_addr,
        peers_addr,
        metrics_addr,
        advertised: host,
        generated_password,
        service,
        parts,
        stop,
        keeper,
        folder,
    })
}

impl Running {
    /// The rules of this server.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Stops within 3 seconds: devices are told goodbye, answers under way end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.parts.join_next().await.is_some() {} };
        if timeout(STOP_LIMIT, all).await.is_err() {
            tracing::warn!("some connections did not end in time");
            self.parts.shutdown().await;
        }
        // A socket that nobody serves would look like a server that hangs.
        let _ = fs::remove_file(console_socket(self.folder.path()));
        self.service.close_store().await;
        if let Some(keeper) = &self.keeper {
            keeper.release();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Listeners {
    fn bind(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            http: bind("--http", config.http, BACKLOG)?,
            // No more than can be served while a device waits.
            gateway: bind("--gateway", config.gateway, Settings::default().backlog())?,
            plain: config.plain.as_ref().map(|plain| bind("--plain-gateway", plain.address, BACKLOG)).transpose()?,
            peers: bind("--peers", config.peers, BACKLOG)?,
            metrics: gateway::server::bind(config.metrics, BACKLOG),
        })
    }

    /// Of browsers, devices, the other server, and Prometheus.
    fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr, SocketAddr, Option<SocketAddr>)> {
        let metrics = self.metrics.as_ref().ok().and_then(|listener| listener.local_addr().ok());
        Ok((self.http.local_addr()?, self.gateway.local_addr()?, self.peers.local_addr()?, metrics))
    }
}

/// Opens the databases where the configuration says, with the role that this server can have there.
async fn open_store(
    config: &Config,
    folder: &DataFolder,
    identity: &Identity,
    keys: &Keys,
    role: RoleRecord,
) -> Result<(Store, RoleRecord, Option<Arc<Keeper>>), StartError> {
    if let Some(shared) = &config.shared {
        let (store, role, keeper) = shared::open(shared, folder, identity, keys, role, &config.clock).await?;
        return Ok((store, role, Some(keeper)));
    }
    if let Some(address) = &config.database {
        let (store, role) = on_server::open(address, folder, identity, keys, role, &config.clock).await?;
        return Ok((store, role, None));
    }
    Ok((first::open_store(folder, identity, keys, &role, config).await?, role, None))
}

fn bind(option: &'static str, address: SocketAddr, backlog: u32) -> Result<TcpListener, StartError> {
    let bound = match gateway::server::bind(address, backlog) {
        // All addresses of a machine without IPv6.
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && is_missing_family(&error) => {
            gateway::server::bind((Ipv4Addr::UNSPECIFIED, address.port()).into(), backlog)
        }
        bound => bound,
    };
    bound.map_err(|error| StartError::Bind { option, address, error })
}

fn is_missing_family(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

/// The console's socket, for this user alone. What a killed server left behind is replaced.
fn bind_console(folder: &Path) -> Result<UnixListener, StartError> {
    let path = console_socket(folder);
    let failed = |error| StartError::Console(path.clone(), error);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    // The folder is closed to others, so nobody can connect before the mode is set.
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// HTTPS with a certificate of the installation's own authority.
fn own_https(
    service: &Service,
    host: &Address,
    listeners: &Listeners,
) -> Result<Arc<rustls::ServerConfig>, StartError> {
    let hosts = vec![host.clone(), Address::Ip(listeners.http.local_addr()?.ip())];
    https::own(service.keys.clone(), hosts, service.clock.clone())
}

async fn start_gateway(
    service: &Arc<Service>,
    listener: TcpListener,
    settings: Settings,
    stop: &CancellationToken,
) -> Result<tokio::task::JoinHandle<()>, StartError> {
    // The token key is every server's, so that a device resumes its TLS session wherever it lands.
    let tickets = Tickets::of_installation(service.keys.token_secret(), Clock::system());
    let tls = tls::server_config_with(&service.keys.server_credentials()?, &[ALPN], tickets)?;
    let link = Link::open(service.clone()).await?;
    let (handle, ended) = gateway::server::start(listener, tls, link, settings, stop.clone());
    service.attach_gateway(handle);
    Ok(ended)
}

/// One more start of this server, and what decides over its role: the lease on a shared database, or its devices.
fn begin(
    service: &Service,
    folder: &DataFolder,
    keeper: Option<Arc<Keeper>>,
    promotion_hold: Duration,
) -> Result<(), StartError> {
    let starts = Starts::next(folder.path())?;
    let start = starts.now().clone();
    service.begin_start(starts);
    if let Some(keeper) = keeper {
        service.attach_lease(keeper);
    } else {
        let (own, record) = (&service.identity().server_id, service.roles.now());
        service.attach_quorum(QuorumKeeper::open(folder.path(), own, &record, &start, promotion_hold)?);
    }
    Ok(())
}

/// The port for devices without TLS, told on every page.
fn open_plain_listener(
    parts: &mut JoinSet<()>,
    listener: TcpListener,
    port: &PlainPort,
    (service, gateway, host): (&Arc<Service>, SocketAddr, &Address),
    stop: &CancellationToken,
) -> io::Result<SocketAddr> {
    let own = listener.local_addr()?;
    let devices: Vec<String> = port.devices.iter().map(u32::to_string).collect();
    let warning = format!(
        "The plain device port {own} is open: what is said there can be read on the way, and whoever reaches it can pretend to be one of \
         these devices: {}. It is for closed lab networks alone.",
        devices.join(", ")
    );
    tracing::warn!("{warning}");
    service.warn(warning);
    service.let_in_plainly(port.devices.clone());
    let speaker = PlainListener::new(service.clone(), gateway, endpoint(host, own.port()), port.devices.clone());
    parts.spawn(speaker.serve(listener, stop.clone()));
    Ok(own)
}

fn endpoint(host: &Address, port: u16) -> String {
    match host {
        Address::Ip(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        Address::Ip(IpAddr::V4(ip)) => format!("{ip}:{port}"),
        Address::Name(name) => format!("{name}:{port}"),
    }
}

fn ended(part: &'static str, result: Result<(), tokio::task::JoinError>) {
    if let Err(error) = result {
        tracing::error!(part, %error, "a part of the server failed");
    }
}
