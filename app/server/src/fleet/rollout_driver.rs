//! Drives rollouts while this server is active: woken by what changes, and now and then by the clock.
//!
//! It keeps nothing: whatever it missed, also while the server was down, it finds in the database.

use crate::{Service, changes::Change};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Changes that come within this time are one look.
const GATHERING: Duration = Duration::from_millis(200);
/// A look without a change: devices go offline by the passing of time.
const TICK: Duration = Duration::from_secs(5);

/// Advances rollouts until `stop`.
pub(crate) async fn drive(service: Arc<Service>, stop: CancellationToken) {
    let mut changes = service.changes().listen();
    let work = async {
        loop {
            // What failed was logged where it was met; the next look tries again.
            let _ = service.advance_rollouts().await;
            sleep(GATHERING).await;
            if timeout(TICK, concerning(&mut changes)).await == Ok(Heard::Closed) {
                return;
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Something,
    Closed,
}

/// Waits for a change that a rollout may depend on; what came before it is heard with it.
async fn concerning(changes: &mut Receiver<Change>) -> Heard {
    loop {
        match changes.recv().await {
            Ok(Change::Device { .. } | Change::Rollout) | Err(RecvError::Lagged(_)) => {
                *changes = changes.resubscribe();
                return Heard::Something;
            }
            Ok(Change::WaitingDevice | Change::Event | Change::Server | Change::Database) => {}
            Err(RecvError::Closed) => return Heard::Closed,
        }
    }
}
