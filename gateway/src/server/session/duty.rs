//! What a registered session is for: the device's server list, and its events.

use super::events::Uploads;
use super::push::{Act, Push};
use crate::server::directory::Progress;
use crate::server::settings::Settings;
use crate::wire::{Hello, Message, ServerList};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Duty {
    push: Push,
    uploads: Uploads,
}

impl Duty {
    pub(super) fn new(hello: &Hello, settings: &Settings, now: Duration) -> Self {
        Self { push: Push::new(hello, settings, now), uploads: Uploads::new(hello, settings) }
    }

    /// `false` if a device never sends this to a server that registered it.
    pub(super) fn handle_message(&mut self, message: Message, now: Duration) -> bool {
        if let Message::Upload(upload) = message {
            return self.uploads.handle_upload(upload);
        }
        self.push.handle_message(message, now)
    }

    pub(super) fn handle_wake(&mut self) {
        self.push.handle_wake();
    }

    pub(super) fn handle_wanted(&mut self, wanted: Option<ServerList>, now: Duration) {
        self.push.handle_wanted(wanted, now);
    }

    pub(super) fn handle_reported(&mut self, done: bool, now: Duration) {
        self.push.handle_reported(done, now);
    }

    pub(super) fn handle_stored(&mut self, watermark: Option<u64>, now: Duration) {
        self.uploads.handle_stored(watermark, now);
    }

    /// The next thing to do now; the few words about the list go before the many events.
    pub(super) fn next(&mut self, now: Duration, free: bool) -> Option<Act> {
        self.push.next(now, free).or_else(|| self.uploads.next(now, free))
    }

    /// When [`next`](Self::next) has something new to do by itself.
    pub(super) fn deadline(&self, free: bool) -> Option<Duration> {
        self.push.deadline(free).into_iter().chain(self.uploads.deadline(free)).min()
    }

    /// Everything not yet on record.
    pub(super) fn take_reports(&mut self) -> Vec<Progress> {
        self.push.take_reports()
    }
}
