//! A device over real sockets: drives [`Device`](crate::device::Device) over TCP, TLS and a state folder.
//!
//! [`run`] enrols the device if its folder holds no certificate, then registers and follows the device's rules until it
//! is stopped. All decisions are the core's; this shell only carries them out.

mod connection;
mod dial;
mod disk;
mod drive;
mod enrol;
mod event_log;
mod failure;
mod logbook;
mod probing;
mod record;
mod renewal;
mod resolve;
mod ring;
mod server_time;
mod slot;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use disk::fuzz_state_slots;
#[cfg(test)]
pub(crate) use disk::fuzz_state_slots_seeds;
pub use event_log::{EventLog, event_now};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use ring::fuzz_ring_files;
#[cfg(test)]
pub(crate) use ring::fuzz_ring_files_seeds;

use crate::{
    device::Config,
    provisioning::ProvisioningString,
    tls::TlsError,
    wire::{DeviceInfo, ServerEntry},
};
use logbook::Logbook;
use std::{fmt, path::PathBuf};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What one device is and where it keeps what it knows.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The device's own folder; made if missing.
    pub state_dir: PathBuf,
    /// What it says it is.
    pub info: DeviceInfo,
    /// Needed until the device is enrolled.
    pub provisioning: Option<ProvisioningString>,
    /// The numbers it runs by.
    pub config: Config,
    /// Makes its random choices repeatable.
    pub seed: Option<u64>,
    /// Whether its network is there; always, if not given.
    pub network: Option<watch::Receiver<bool>>,
    /// Lets events happen to it.
    pub events: Option<EventLog>,
    /// Told what the device is doing.
    pub status: Option<watch::Sender<Status>>,
}

/// What a device is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It has not begun.
    #[default]
    Starting,
    /// It looks for a server to enrol with; the text says how the last try went.
    Enrolling(String),
    /// An operator has to accept it.
    Waiting,
    /// It looks for a server; the text says how the last try went.
    Dialling(String),
    /// A server has registered it.
    Connected {
        /// The entry of the list the session runs over.
        entry: ServerEntry,
        /// The server.
        server_id: String,
        /// Its name, for people.
        server_name: String,
    },
    /// It was stopped.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starts"),
            Self::Enrolling(last) => write!(f, "enrols: {last}"),
            Self::Waiting => f.write_str("waits until an operator accepts it"),
            Self::Dialling(last) => write!(f, "looks for a server: {last}"),
            Self::Connected { entry, server_name, .. } => {
                write!(f, "connected to {server_name} at {}", entry.endpoint())
            }
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// Why a device cannot run at all. Servers that do not answer are no reason.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The state folder cannot be read or written.
    #[error("{path} cannot be {verb}: {source}")]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A state file holds what no device writes.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Not enrolled, and nothing to enrol with.
    #[error("the device belongs to no installation yet; give it a provisioning string")]
    NoProvisioning,
    /// Another run has the folder.
    #[error("{} is used by another run of this device; stop that one first", .0.display())]
    InUse(PathBuf),
    /// The folder belongs to another device.
    #[error("the certificate in {path} is not device {device}'s")]
    OtherDevice {
        /// The certificate's file.
        path: PathBuf,
        /// The device asked for.
        device: u32,
    },
    /// Key or certificate cannot be used.
    #[error("the device's key or certificate cannot be used: {0}")]
    Credentials(String),
    /// TLS refuses them.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Runs one device until `stop` is cancelled; it then says goodbye and its state is on disk. Dropping the future is a
/// power cut.
///
/// # Errors
///
/// The folder cannot be used, or the device is not enrolled and has no provisioning string.
pub async fn run(settings: ClientSettings, stop: CancellationToken) -> Result<(), ClientError> {
    let disk = disk::Disk::open(&settings.state_dir).await?;
    let teller = Teller(settings.status.clone());
    let capacity = settings.config.ring_capacity;
    let mut logbook = Logbook::open(&disk, settings.info.device_id, capacity, settings.events.clone()).await?;
    let enrolled = match disk.load_enrolled(settings.info.device_id)? {
        Some(enrolled) => enrolled,
        None => {
            let provisioning = settings.provisioning.clone().ok_or(ClientError::NoProvisioning)?;
            let enrolling = enrol::Enrolling::new(&settings, &disk, provisioning, &teller)?;
            let mut accepted = std::pin::pin!(enrolling.until_accepted());
            loop {
                tokio::select! {
                    enrolled = &mut accepted => break enrolled?,
                    () = stop.cancelled() => {
                        teller.tell(Status::Stopped);
                        return Ok(());
                    }
                    entry = logbook.next_entry() => {
                        logbook.enter(entry).await;
                    }
                }
            }
        }
    };
    drive::Drive::new(settings, disk, logbook, enrolled, teller.clone())?.until(stop).await?;
    teller.tell(Status::Stopped);
    Ok(())
}

/// Passes on what the device is doing, if anybody asked.
#[derive(Clone, Debug)]
struct Teller(Option<watch::Sender<Status>>);

impl Teller {
    fn tell(&self, status: Status) {
        if let Some(sender) = &self.0 {
            sender.send_if_modified(|shown| {
                let news = *shown != status;
                *shown = status;
                news
            });
        }
    }
}
