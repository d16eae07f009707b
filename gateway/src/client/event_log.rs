//! The way into a running device's ring, for whoever makes events happen.

use crate::wire::{DETAIL_BYTES_MAX, Event, USER_ID_BYTES_MAX, event_text};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, oneshot};

/// Takes events for one device. Clones lead to the same device.
#[derive(Clone, Debug, Default)]
pub struct EventLog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<VecDeque<Entry>>,
    news: Notify,
}

/// Events to be logged, and who waits until they are.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) events: Vec<Event>,
    pub(super) done: oneshot::Sender<bool>,
}

impl EventLog {
    /// Returns once the events are in the device's ring, on disk; `false` if they are not. Waits while the device does
    /// not run.
    pub async fn write(&self, events: Vec<Event>) -> bool {
        let (done, written) = oneshot::channel();
        self.push(Entry { events, done });
        self.0.news.notify_one();
        written.await.unwrap_or(false)
    }

    fn push(&self, entry: Entry) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever gave up waiting wants nothing written.
        waiting.retain(|entry| !entry.done.is_closed());
        waiting.push_back(entry);
    }

    /// The next entry; can be dropped at any time without losing one.
    pub(super) async fn next(&self) -> Entry {
        loop {
            let entry = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match entry {
                Some(entry) if entry.done.is_closed() => {}
                Some(entry) => return entry,
                None => self.0.news.notified().await,
            }
        }
    }
}

/// An event that happens now.
#[must_use]
pub fn event_now(code: u32, user_id: &str, detail: &str) -> Event {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Event {
        time_unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        code,
        user_id: event_text(user_id, USER_ID_BYTES_MAX),
        detail: event_text(detail, DETAIL_BYTES_MAX),
    }
}
