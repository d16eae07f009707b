//! The events a session receives: put on record one upload after the other, and acknowledged once they are.

use super::push::Act;
use crate::server::settings::Settings;
use crate::wire::{DeviceId, EventUpload, MAX_UPLOADS_OPEN, Message};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Uploads {
    device: DeviceId,
    /// In the order they came; the first may be on its way.
    waiting: VecDeque<Arc<EventUpload>>,
    ask_at: Duration,
    answers: VecDeque<Message>,
    retry: Duration,
}

impl Uploads {
    pub(super) fn new(device: DeviceId, settings: &Settings) -> Self {
        Self {
            device,
            waiting: VecDeque::new(),
            ask_at: Duration::ZERO,
            answers: VecDeque::new(),
            retry: settings.report_retry,
        }
    }

    /// `false` if the device does not wait for the answers it is owed.
    pub(super) fn handle_upload(&mut self, upload: EventUpload) -> bool {
        if self.waiting.len() >= MAX_UPLOADS_OPEN {
            return false;
        }
        self.waiting.push_back(Arc::new(upload));
        true
    }

    /// What the directory holds now; nothing if it could not write.
    pub(super) fn handle_stored(&mut self, watermark: Option<u64>, now: Duration) {
        let Some(watermark) = watermark else {
            self.ask_at = now + self.retry;
            return;
        };
        if let Some(upload) = self.waiting.pop_front() {
            self.answers.push_back(Message::EventsStored { ring: upload.ring(), watermark });
        }
    }

    pub(super) fn next(&mut self, now: Duration, free: bool) -> Option<Act> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(Act::Send(Box::new(answer)));
        }
        let upload = self.waiting.front().filter(|_| free && now >= self.ask_at)?;
        Some(Act::Store(self.device, Arc::clone(upload)))
    }

    pub(super) fn deadline(&self, free: bool) -> Option<Duration> {
        (free && !self.waiting.is_empty()).then_some(self.ask_at)
    }
}
