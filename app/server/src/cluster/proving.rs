//! Whether a change is safe before it is answered: with automatic promotion another server may have taken over that does not
//! know of it.

use super::quorum::QuorumKeeper;
use crate::{Service, changes::Change};
use model::Role;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// How long an answer waits for the proof.
const PROOF_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked whom to ask meanwhile.
const ASK_PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// The newest change in the database; `None` where changes need no proof.
    pub(crate) async fn newest_to_prove(&self) -> Option<u64> {
        let on = self.role() == Role::Active && self.quorum.get().is_some_and(QuorumKeeper::is_on);
        if on { self.store.newest_change().await.ok() } else { None }
    }

    /// Whether anything was changed after `newest` that is on this server alone, as far as is known after a short wait.
    pub(crate) async fn is_alone_since(self: &Arc<Self>, newest: u64) -> bool {
        let Some(quorum) = self.quorum.get() else { return false };
        if self.store.newest_change().await.is_ok_and(|now| now <= newest) {
            return false;
        }
        quorum.wrote(self.clock.now_text());
        let mark = quorum.mark();
        let proven = async {
            tokio::select! {
                () = quorum.until_safe(&mark) => {}
                never = self.keep_asking(quorum) => match never {},
            }
        };
        if timeout(PROOF_LIMIT, proven).await.is_ok() {
            return false;
        }
        // Pages say so from now on.
        self.changed(Change::Server);
        true
    }

    async fn keep_asking(self: &Arc<Self>, quorum: &QuorumKeeper) -> Infallible {
        loop {
            self.ask_electors(quorum);
            sleep(ASK_PAUSE).await;
        }
    }
}
