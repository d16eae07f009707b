//! One letter for a connection: look again, do this, or end. A later letter lies on the earlier; only orders queue up,
//! and few of them.

use super::orders::{Order, OrderId, OrderReply};
use crate::wire::Reason;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Orders that may lie here at once; whoever comes with another is told at once that it cannot be.
const ORDERS_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    notify: Notify,
    letter: Mutex<Letter>,
}

#[derive(Debug, Default)]
pub(super) struct Letter {
    /// Something about the device changed.
    pub(super) wake: bool,
    /// End; the first one stands.
    pub(super) close: Option<Farewell>,
    /// To be given to the device, each with who waits for its answer.
    pub(super) orders: Vec<(OrderId, Order, oneshot::Sender<OrderReply>)>,
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

impl Inbox {
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

    /// What comes of the order; nothing, once the connection is over.
    pub(super) fn order(&self, order: Order) -> oneshot::Receiver<OrderReply> {
        let (sender, receiver) = oneshot::channel();
        self.put(|letter| {
            if letter.orders.len() < ORDERS_MAX {
                letter.orders.push((OrderId::random(), order, sender));
            }
        });
        receiver
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
