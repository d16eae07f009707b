//! The events a session receives: put on record one upload after the other, and acknowledged once they are.

use super::push::Act;
use crate::server::settings::Settings;
use crate::wire::{DeviceId, EventUpload, Hello, MAX_UPLOADS_OPEN, Message};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Uploads {
    device: DeviceId,
    /// In the order they came; the first may be on its way.
    waiting: VecDeque<Waiting>,
    ask_at: Duration,
    answers: VecDeque<Message>,
    retry: Duration,
}

#[derive(Debug)]
struct Waiting {
    upload: Arc<EventUpload>,
    /// The device waits for the answer.
    owed: bool,
}

impl Uploads {
    /// A ring that was opened in place of another is put on record first, should the device's report be lost.
    pub(super) fn new(hello: &Hello, settings: &Settings) -> Self {
        let opened = hello.ring.and_then(|span| {
            let upload = EventUpload::NewRing { ring: span.ring, replaces: span.replaces? };
            Some(Waiting { upload: Arc::new(upload), owed: false })
        });
        Self {
            device: hello.info.device_id,
            waiting: opened.into_iter().collect(),
            ask_at: Duration::ZERO,
            answers: VecDeque::new(),
            retry: settings.report_retry,
        }
    }

    /// `false` if the device does not wait for the answers it is owed.
    pub(super) fn handle_upload(&mut self, upload: EventUpload) -> bool {
        if self.waiting.iter().filter(|waiting| waiting.owed).count() >= MAX_UPLOADS_OPEN {
            return false;
        }
        self.waiting.push_back(Waiting { upload: Arc::new(upload), owed: true });
        true
    }

    /// What the directory holds now; nothing if it could not write.
    pub(super) fn handle_stored(&mut self, watermark: Option<u64>, now: Duration) {
        let Some(watermark) = watermark else {
            self.ask_at = now + self.retry;
            return;
        };
        if let Some(Waiting { upload, owed: true }) = self.waiting.pop_front() {
            self.answers.push_back(Message::EventsStored { ring: upload.ring(), watermark });
        }
    }

    pub(super) fn next(&mut self, now: Duration, free: bool) -> Option<Act> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(Act::Send(Box::new(answer)));
        }
        let first = self.waiting.front().filter(|_| free && now >= self.ask_at)?;
        Some(Act::Store(self.device, Arc::clone(&first.upload)))
    }

    pub(super) fn deadline(&self, free: bool) -> Option<Duration> {
        (free && !self.waiting.is_empty()).then_some(self.ask_at)
    }
}
