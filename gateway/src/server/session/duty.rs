//! What a registered session is for: the device's server list, its events, and orders from outside.

use super::events::Uploads;
use super::orders::Orders;
use super::push::{Act, Push};
use super::renewal::Renewals;
use crate::server::directory::{Identity, Progress};
use crate::server::orders::{Order, OrderId};
use crate::server::settings::Settings;
use crate::wire::{Epoch, Hello, MAX_REVOKED_SERVERS, Message, RevokedServer, Role, ServerList};
use std::{sync::Arc, time::Duration};

/// Why a device is asked nothing.
const EXPIRED: &str = "the device's certificate has expired; it takes orders once it has a new one";

#[derive(Debug)]
pub(super) struct Duty {
    push: Push,
    uploads: Uploads,
    orders: Orders,
    renewals: Renewals,
    /// The device's certificate is over: it hands over events, may get another certificate, and nothing else.
    listening_only: bool,
    /// What the device was told that this server is.
    told: (Role, Epoch),
    /// What it is to be told.
    news: Option<(Role, Epoch)>,
    /// Which servers it was told of that they were removed, and whether that is to be said still.
    revoked: (Arc<[RevokedServer]>, bool),
}

impl Duty {
    pub(super) fn new(hello: &Hello, identity: &Identity, settings: &Settings, now: Duration) -> Self {
        Self {
            push: Push::new(hello, settings, now),
            uploads: Uploads::new(hello, settings),
            orders: Orders::default(),
            renewals: Renewals::new(hello.info.device_id),
            listening_only: false,
            told: (identity.role, identity.epoch.clone()),
            news: None,
            revoked: (Arc::clone(&identity.revoked_servers), !identity.revoked_servers.is_empty()),
        }
    }

    /// The same, for a device that is told nothing and asked nothing.
    pub(super) fn listening_only(self, listening_only: bool) -> Self {
        Self { listening_only, ..self }
    }

    /// `false` if a device never sends this to a server that registered it.
    pub(super) fn handle_message(&mut self, message: Message, now: Duration) -> bool {
        let of_order = matches!(&message, Message::ProbeTable { request, .. } if *request >= OrderId::FIRST)
            || matches!(message, Message::MoveAnswer { .. } | Message::EpochAnswer { .. } | Message::ListAnswer { .. })
            || matches!(message, Message::Unsupported { .. }) && !self.push.is_asking();
        if of_order {
            self.orders.handle_message(message);
            return true;
        }
        if let Message::Upload(upload) = message {
            return self.uploads.handle_upload(upload);
        }
        if let Message::RenewCertificate { request } = message {
            return self.renewals.handle_request(request);
        }
        self.push.handle_message(message, now)
    }

    pub(super) fn handle_wake(&mut self, identity: &Identity) {
        self.push.handle_wake();
        let now = (identity.role, identity.epoch.clone());
        self.news = (now != self.told).then_some(now);
        if self.revoked.0 != identity.revoked_servers {
            self.revoked = (Arc::clone(&identity.revoked_servers), true);
        }
    }

    pub(super) fn handle_order(&mut self, id: OrderId, order: Order) {
        if self.listening_only {
            self.orders.refuse(id, EXPIRED);
        } else {
            self.orders.handle_order(id, order);
        }
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

    pub(super) fn handle_renewed(&mut self, renewed: Result<Vec<u8>, String>) {
        self.renewals.handle_renewed(renewed);
    }

    /// The next thing to do now; the few words about the list go before the many events.
    pub(super) fn next(&mut self, now: Duration, free: bool) -> Option<Act> {
        let renewal = self.renewals.next(free);
        if renewal.is_some() {
            return renewal;
        }
        if self.listening_only {
            return self.orders.next().or_else(|| self.uploads.next(now, free));
        }
        if let Some((role, epoch)) = self.news.take() {
            self.told = (role, epoch.clone());
            return Some(Act::Send(Box::new(Message::ServerChanged { role, epoch })));
        }
        if std::mem::take(&mut self.revoked.1) {
            let latest = self.revoked.0.len().saturating_sub(MAX_REVOKED_SERVERS);
            return Some(Act::Send(Box::new(Message::RevokedServers(self.revoked.0[latest..].to_vec()))));
        }
        let order = self.orders.next();
        order.or_else(|| self.push.next(now, free)).or_else(|| self.uploads.next(now, free))
    }

    /// When [`next`](Self::next) has something new to do by itself.
    pub(super) fn deadline(&self, free: bool) -> Option<Duration> {
        let push = if self.listening_only { None } else { self.push.deadline(free) };
        push.into_iter().chain(self.uploads.deadline(free)).min()
    }

    /// Everything not yet on record.
    pub(super) fn take_reports(&mut self) -> Vec<Progress> {
        // What is not told to the device is not over for it: it tells again.
        if self.listening_only { Vec::new() } else { self.push.take_reports() }
    }
}
