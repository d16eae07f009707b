//! The fleet's control socket: one line of JSON in, one line of JSON out, over a Unix socket that only its owner can open.

use super::{DeviceState, Fault, Fleet, FleetError, Happened};
use crate::wire::DeviceId;
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A line longer than this is no request.
const MAX_LINE_BYTES: u64 = 4096;

/// What is asked of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// What state is each device in?
    List,
    /// Let something happen to a device.
    Fault {
        /// Which device.
        device_id: u32,
        /// What happens to it.
        fault: Fault,
    },
    /// Let a device log events.
    Event {
        /// Which device.
        device_id: u32,
        /// What it logs.
        #[serde(flatten)]
        happened: Happened,
    },
}

/// What a fleet answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It happened.
    Done,
    /// All devices, by id.
    Devices {
        /// Their states.
        devices: Vec<DeviceState>,
    },
    /// It could not be done.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

/// Serves the fleet's socket until the token is cancelled; then the socket is gone.
///
/// # Errors
///
/// The path cannot be bound: another fleet answers there, or the folder does not exist.
pub async fn serve(fleet: Arc<Fleet>, path: &Path, stop: CancellationToken) -> io::Result<()> {
    let listener = bind(path).await?;
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (fleet, stop) = (Arc::clone(&fleet), stop.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        served = converse(&fleet, stream) => {
                            if let Err(error) = served {
                                tracing::debug!(%error, "a control connection ended");
                            }
                        }
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "a control connection could not be accepted"),
        }
    }
    connections.close();
    connections.wait().await;
    std::fs::remove_file(path)
}

/// A socket left by a fleet that was killed is replaced; one that answers is not.
async fn bind(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another fleet answers on this socket"));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn converse(fleet: &Fleet, stream: UnixStream) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let Some(line) = read_line(&mut reading).await? else { return Ok(()) };
        let answer = match serde_json::from_str(&line) {
            Ok(Request::List) => Answer::Devices { devices: fleet.states() },
            Ok(Request::Fault { device_id, fault }) => done(fleet.inflict(DeviceId(device_id), fault).await),
            Ok(Request::Event { device_id, happened }) => done(fleet.log(DeviceId(device_id), &happened).await),
            Err(error) => Answer::Refused { reason: format!("not a request: {error}") },
        };
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        writing.write_all(&line).await?;
    }
}

fn done(outcome: Result<(), FleetError>) -> Answer {
    match outcome {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Refused { reason: error.to_string() },
    }
}

async fn read_line<R: tokio::io::AsyncBufRead + Unpin>(reading: &mut R) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = tokio::io::AsyncReadExt::take(reading, MAX_LINE_BYTES).read_line(&mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if line.ends_with('\n') { Ok(Some(line)) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Asks a running fleet.
///
/// # Errors
///
/// Nobody answers on that socket, or not what was expected.
pub async fn ask(path: &Path, request: Request) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path).await?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the fleet ended before it answered"));
    }
    Ok(serde_json::from_str(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_plain_json() {
        let request = Request::Fault { device_id: 547_846_001, fault: Fault::CutPower };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(text, r#"{"ask":"fault","device_id":547846001,"fault":"cut-power"}"#);
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
        assert_eq!(serde_json::to_string(&Request::List).unwrap(), r#"{"ask":"list"}"#);
    }
}
