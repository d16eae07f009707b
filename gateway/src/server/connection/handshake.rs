//! The TLS handshake and the permit it works under.

use crate::server::line::{Acceptor, Opened};
use crate::server::settings::Settings;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a handshake holds its permit: the work in it takes a fraction of this, the rest is waiting.
const PERMIT_TIME: Duration = Duration::from_millis(250);

/// Shakes hands. The permit is for work: a device that keeps the server waiting gives it up, and waits in a crowd of
/// limited size for as long as a handshake may take.
pub(super) async fn shake(
    stream: TcpStream,
    tls: &Acceptor,
    permit: OwnedSemaphorePermit,
    settings: &Settings,
    stalled: &Semaphore,
) -> io::Result<Opened> {
    stream.set_nodelay(true)?;
    // Boxed, so that the handshake's state is not kept for the life of the session.
    let mut handshake = Box::pin(timeout(settings.handshake_timeout, tls.accept(stream)));
    if let Ok(shaken) = timeout(PERMIT_TIME, &mut handshake).await {
        return shaken?;
    }
    let _stalled = stalled.try_acquire().map_err(|_| io::Error::other("too many handshakes are waited for"))?;
    drop(permit);
    handshake.await?
}
