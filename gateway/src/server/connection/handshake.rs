//! The TLS handshake and the permit it works under.

use crate::server::line::{Acceptor, Opened};
use crate::server::settings::Settings;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// How long a handshake holds its permit while its device keeps the server waiting and no room is left among those who do.
const PERMIT_TIME: Duration = Duration::from_millis(250);

/// Shakes hands. The permit is for work, most of which is the answer to what the device says first. While it is the
/// device's turn the permit serves another: how far away the devices are must not decide how many are served.
pub(super) async fn shake(
    stream: TcpStream,
    tls: &Acceptor,
    permit: OwnedSemaphorePermit,
    settings: &Settings,
    stalled: &Semaphore,
) -> io::Result<Opened> {
    stream.set_nodelay(true)?;
    let mut place = Place { permit: Some(permit), stalled, aside: None };
    let end = Instant::now() + settings.handshake_timeout;
    // Boxed, so that the handshake's state is not kept for the life of the session.
    let answered = place.hold(Box::pin(tls.answer(stream)), end).await?;
    place.step_aside();
    place.hold(Box::pin(answered.end()), end).await
}

/// Where a handshake stands: at work, or in the crowd of limited size that waits for its devices.
struct Place<'a> {
    permit: Option<OwnedSemaphorePermit>,
    stalled: &'a Semaphore,
    aside: Option<SemaphorePermit<'a>>,
}

impl Place<'_> {
    /// Waits for a step of the handshake, which steps aside if that takes long.
    async fn hold<T>(&mut self, step: impl Future<Output = io::Result<T>>, end: Instant) -> io::Result<T> {
        let mut step = pin!(step);
        if self.permit.is_some() {
            if let Ok(done) = timeout_at(end.min(Instant::now() + PERMIT_TIME), &mut step).await {
                return done;
            }
            if !self.step_aside() {
                return Err(io::Error::other("too many handshakes are waited for"));
            }
        }
        timeout_at(end, step).await?
    }

    /// Gives the permit back, if there is room in the crowd.
    fn step_aside(&mut self) -> bool {
        if self.permit.is_some() {
            self.aside = self.stalled.try_acquire().ok();
            if self.aside.is_some() {
                self.permit = None;
            }
        }
        self.permit.is_none()
    }
}
