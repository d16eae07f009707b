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
    /// End; the first one stands.
    pub(super) close: Option<Farewell>,
}

/// How a session is to end.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) reason: Reason,
    /// For people.
    pub(super) text: String,
    /// Over how many seconds those who leave together come back, if they are fewer than all.
    pub(super) spread_s: Option<u32>,
}

impl Mailbox {
    pub(super) fn wake(&self) {
        self.put(|letter| letter.wake = true);
    }

    pub(super) fn close(&self, reason: Reason, text: &str) {
        self.dismiss(Farewell { reason, text: text.to_owned(), spread_s: None });
    }

    pub(super) fn dismiss(&self, farewell: Farewell) {
        self.put(|letter| {
            letter.close.get_or_insert(farewell);
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
