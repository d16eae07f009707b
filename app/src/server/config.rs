//! What a server is started with.

use super::clock::Clock;
use gateway::wire::{Address, AddressError};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The name of a first server that was given none.
pub const FIRST_SERVER_NAME: &str = "BioStar Server #1";
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
    /// For HTTPS.
    pub http_tls: Option<HttpTls>,
    /// Plain HTTP may leave this machine.
    pub allow_plain_http: bool,
    /// Where devices connect.
    pub gateway: SocketAddr,
    /// Where the other server connects.
    pub sites: SocketAddr,
    /// The host that devices and the other server are told to connect to.
    pub advertise: Option<String>,
    /// The folder with the browser's half.
    pub site_root: PathBuf,
    /// A join string of the first server; counts at the first start.
    pub join: Option<String>,
    /// How long a session must hold before it proves the list it came through.
    pub stability: Duration,
    /// The first operator's password; counts at the first start.
    pub admin_password: Option<String>,
    /// The time of day.
    pub clock: Clock,
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
    /// Passwords would cross the network in the clear.
    #[error(
        "plain HTTP on {0} would send passwords over the network in the clear: give --http-cert and --http-key, \
         listen on 127.0.0.1, or say --allow-plain-http"
    )]
    PlainHttp(SocketAddr),
    /// The host to advertise is none.
    #[error("--advertise {0}: {1}")]
    Advertise(String, #[source] AddressError),
    /// Listening on all addresses says nothing about where to connect to.
    #[error(
        "listening on {0} does not say where devices reach this server: add --advertise with a host name or address"
    )]
    AdvertiseMissing(SocketAddr),
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
            http_tls: None,
            allow_plain_http: false,
            gateway: any,
            sites: any,
            advertise: None,
            site_root: PathBuf::from("target/site"),
            join: None,
            stability: gateway::server::Settings::default().stability,
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
        if self.http_tls.is_none() && !self.http.ip().is_loopback() && !self.allow_plain_http {
            return Err(ConfigError::PlainHttp(self.http));
        }
        if let Some(name) = &self.name {
            let length = name.trim().chars().count();
            if length == 0 || length > MAX_NAME_CHARACTERS || name.chars().any(char::is_control) {
                return Err(ConfigError::Name);
            }
        }
        self.advertised_host().map(|_| ())
    }

    /// The host that devices and the other server are told to connect to.
    ///
    /// # Errors
    ///
    /// None was given and the gateway listens on all addresses, or the one given is none.
    pub fn advertised_host(&self) -> Result<Address, ConfigError> {
        match &self.advertise {
            Some(host) => host.parse().map_err(|error| ConfigError::Advertise(host.clone(), error)),
            None if self.gateway.ip().is_unspecified() => Err(ConfigError::AdvertiseMissing(self.gateway)),
            None => Ok(Address::Ip(self.gateway.ip())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_unless_asked_for() {
        let mut config = Config::on_loopback("data");
        assert_eq!(config.check(), Ok(()));
        config.http = SocketAddr::from(([0, 0, 0, 0], 3000));
        assert_eq!(config.check(), Err(ConfigError::PlainHttp(config.http)));
        config.allow_plain_http = true;
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn devices_are_told_an_address_they_can_reach() {
        let mut config = Config::on_loopback("data");
        assert_eq!(config.advertised_host().map(|host| host.to_string()), Ok("127.0.0.1".to_owned()));
        config.gateway = SocketAddr::from(([0, 0, 0, 0], 51213));
        assert_eq!(config.check(), Err(ConfigError::AdvertiseMissing(config.gateway)));
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
