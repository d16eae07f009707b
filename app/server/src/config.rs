//! What a server is started with.

use crate::{
    clock::Clock,
    cluster::{copy_schedule::Schedule, lease::SharedFile},
};
use gateway::{
    enrolment::KeyFingerprint,
    wire::{Address, AddressError},
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

/// The name of a first server that was given none.
pub const FIRST_SERVER_NAME: &str = "BioStar Server #1";
/// How long a server without another one waits at most for its devices after a start.
pub const START_HOLD: Duration = Duration::from_secs(120);
/// The longest name of a server, in characters.
const MAX_NAME_CHARACTERS: usize = 48;

/// Everything a server is started with. Port 0 takes any free port.
#[derive(Clone)]
pub struct Config {
    /// The folder of everything the server keeps.
    pub data: PathBuf,
    /// The server's name; counts at its first start.
    pub name: Option<String>,
    /// Where browsers and programs connect.
    pub http: SocketAddr,
    /// How browsers and programs are spoken to; by its address if `None`: plainly on this machine, else by HTTPS.
    pub http_security: Option<HttpSecurity>,
    /// Where devices connect.
    pub gateway: SocketAddr,
    /// Where devices without TLS connect, if anywhere, and which.
    pub plain: Option<PlainPort>,
    /// Where the other server connects.
    pub peers: SocketAddr,
    /// Where Prometheus reads what is measured.
    pub metrics: SocketAddr,
    /// The host that devices and the other server are told to connect to.
    pub advertise: Option<String>,
    /// When the other server gets a copy of the database, while this one is active.
    pub copy_schedule: Schedule,
    /// The address of a database on a PostgreSQL server, instead of one in the data folder.
    pub database: Option<String>,
    /// A database that is shared with the other server, instead of one of this server's own.
    pub shared: Option<SharedFile>,
    /// The folder with the browser's half.
    pub web_root: PathBuf,
    /// A join string of the first server; counts at the first start.
    pub join: Option<String>,
    /// Told when this server waits to be let in: the name of the server whose operator decides, and the fingerprint of
    /// this server's key, which that operator has to compare.
    pub tell_fingerprint: fn(&str, KeyFingerprint),
    /// How long a session must hold before it proves the list it came through.
    pub stability: Duration,
    /// How long an answer of a device or of the other server counts for an automatic promotion.
    pub promotion_hold: Duration,
    /// How long a server without another one waits at most, after a start, for half of the devices it had last.
    pub start_hold: Duration,
    /// New device sessions a second that this server can take.
    pub capacity_per_s: u32,
    /// The first operator's password; counts at the first start.
    pub admin_password: Option<String>,
    /// The time of day.
    pub clock: Clock,
}

/// The port for devices without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPort {
    /// Where it listens.
    pub address: SocketAddr,
    /// The Device IDs that are let in.
    pub devices: BTreeSet<u32>,
}

/// How browsers and programs are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpSecurity {
    /// In the clear; passwords can be read on the way.
    Plain,
    /// HTTPS with a certificate of the installation's authority.
    Own,
    /// HTTPS with a certificate that was given.
    Given(HttpTls),
}

/// A certificate that browsers trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTls {
    /// PEM: the certificate, then those that lead to its root.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The host to advertise is none.
    #[error("--advertise {0}: {1}")]
    Advertise(String, #[source] AddressError),
    /// Listening on all addresses says nothing about where to connect to, and no network says it either.
    #[error(
        "listening on {0} does not say where devices reach this server, and this machine has no network to tell it by: \
         add --advertise with a host name or address"
    )]
    AdvertiseMissing(SocketAddr),
    /// Only one of them can be.
    #[error("--database and --shared name two different places for one database: choose one")]
    DatabaseAlone,
    /// The name is unusable.
    #[error("a server's name has 1 to {MAX_NAME_CHARACTERS} characters, none of them control characters")]
    Name,
}

impl Config {
    /// A server in `data` that listens on free ports of this machine.
    #[must_use]
    pub fn on_loopback(data: impl Into<PathBuf>) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            data: data.into(),
            name: None,
            http: any,
            http_security: None,
            gateway: any,
            plain: None,
            peers: any,
            metrics: any,
            advertise: None,
            copy_schedule: Schedule::default(),
            database: None,
            shared: None,
            web_root: PathBuf::from("target/web"),
            join: None,
            tell_fingerprint: |_, _| {},
            stability: gateway::server::Settings::default().stability,
            promotion_hold: gateway::quorum::Config::default().hold,
            start_hold: START_HOLD,
            capacity_per_s: gateway::server::Settings::default().capacity_per_s,
            admin_password: None,
            clock: Clock::system(),
        }
    }

    /// Refuses what would be unsafe or could not work.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(name) = &self.name {
            let length = name.trim().chars().count();
            if length == 0 || length > MAX_NAME_CHARACTERS || name.chars().any(char::is_control) {
                return Err(ConfigError::Name);
            }
        }
        if self.database.is_some() && self.shared.is_some() {
            return Err(ConfigError::DatabaseAlone);
        }
        self.advertised_host().map(|_| ())
    }

    /// How browsers and programs are spoken to.
    #[must_use]
    pub fn http_security(&self) -> HttpSecurity {
        match &self.http_security {
            Some(security) => security.clone(),
            None if self.http.ip().is_loopback() => HttpSecurity::Plain,
            None => HttpSecurity::Own,
        }
    }

    /// Whether passwords cross the network in the clear.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.http_security() == HttpSecurity::Plain && !self.http.ip().is_loopback()
    }

    /// The host that devices and the other server are told to connect to: the one given, else the one listened on, else
    /// the address by which this machine reaches others.
    ///
    /// # Errors
    ///
    /// The one given is none, or none was given, the gateway listens on all addresses and there is no network.
    pub fn advertised_host(&self) -> Result<Address, ConfigError> {
        match &self.advertise {
            Some(host) => host.parse().map_err(|error| ConfigError::Advertise(host.clone(), error)),
            None if self.gateway.ip().is_unspecified() => {
                outward_address().map(Address::Ip).ok_or(ConfigError::AdvertiseMissing(self.gateway))
            }
            None => Ok(Address::Ip(self.gateway.ip())),
        }
    }
}

/// This machine's address on the way to the rest of the world. Nothing is sent: the two are addresses for examples.
fn outward_address() -> Option<IpAddr> {
    let toward = |own: &str, other: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(other).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    toward("0.0.0.0:0", "192.0.2.1:9").or_else(|| toward("[::]:0", "[2001:db8::1]:9"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_asked_for() {
        let mut config = Config::on_loopback("data");
        assert_eq!(config.http_security(), HttpSecurity::Plain);
        assert!(!config.is_exposed());
        config.http = SocketAddr::from(([0, 0, 0, 0], 3000));
        assert_eq!(config.http_security(), HttpSecurity::Own);
        config.http_security = Some(HttpSecurity::Plain);
        assert!(config.is_exposed());
    }

    #[test]
    fn devices_are_told_an_address_they_can_reach() {
        let mut config = Config::on_loopback("data");
        assert_eq!(config.advertised_host().map(|host| host.to_string()), Ok("127.0.0.1".to_owned()));
        config.gateway = SocketAddr::from(([0, 0, 0, 0], 51213));
        // A machine without a network has no such address, and says so.
        match config.advertised_host() {
            Ok(Address::Ip(ip)) => assert!(!ip.is_unspecified(), "{ip}"),
            other => assert_eq!(other, Err(ConfigError::AdvertiseMissing(config.gateway))),
        }
        config.advertise = Some("biostar.example".to_owned());
        assert_eq!(config.check(), Ok(()));
        config.advertise = Some("not a host".to_owned());
        assert!(matches!(config.check(), Err(ConfigError::Advertise(..))));
    }

    #[test]
    fn a_name_can_be_shown() {
        let mut config = Config::on_loopback("data");
        for bad in ["", "  ", "a\nb", &"x".repeat(49)] {
            config.name = Some(bad.to_owned());
            assert_eq!(config.check(), Err(ConfigError::Name), "{bad:?}");
        }
    }
}
