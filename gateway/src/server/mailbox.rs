//! One letter for a connection: look again, or end. A later letter lies on the earlier; nothing queues up.

use crate::wire::Reason;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    notify: Notify,
    letter: Mutex<Letter>,
}

#[derive(Debug, Default)]
pub(super) struct Letter {
    /// Something about the device changed.
    pub(super) wake: bool,
    /// End with this reason and text; the first one stands.
    pub(super) close: Option<(Reason, String)>,
}

impl Mailbox {
    pub(super) fn wake(&self) {
        self.put(|letter| letter.wake = true);
    }

    pub(super) fn close(&self, reason: Reason, text: &str) {
        self.put(|letter| {
            letter.close.get_or_insert_with(|| (reason, text.to_owned()));
        });
    }

    /// Waits for a letter and takes it.
    pub(super) async fn letter(&self) -> Letter {
        self.notify.notified().await;
        std::mem::take(&mut *self.letter.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, write: impl FnOnce(&mut Letter)) {
        write(&mut self.letter.lock().unwrap_or_else(PoisonError::into_inner));
        self.notify.notify_one();
    }
}
