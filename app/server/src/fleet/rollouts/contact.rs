//! Which devices are on this server, and how long the others have been away from it.

use super::plan::Contact;
use crate::{Service, fleet::store::Presence};
use model::Fault;
use std::{collections::HashMap, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Of every device that was ever heard of.
pub(super) struct Contacts(HashMap<u32, Contact>);

impl Contacts {
    /// Of one device.
    pub(super) fn of(&self, device: u32) -> Contact {
        self.0.get(&device).copied().unwrap_or(Contact::Never)
    }
}

impl Service {
    /// Where every device stands now.
    pub(super) async fn contacts(&self) -> Result<Contacts, Fault> {
        let now = self.clock.now();
        let heard: HashMap<String, Option<String>> =
            self.peers.peers().into_iter().map(|peer| (peer.facts.id.clone(), peer.last_heard.clone())).collect();
        let mut contacts: HashMap<u32, Contact> = HashMap::new();
        for presence in self.store.list_presences().await? {
            let lives = presence.ended_at.is_none();
            let contact = if lives && presence.server_id == self.identity.server_id {
                Contact::Connected
            } else if lives && self.peers.is_reachable(&presence.server_id) {
                // Another server hands out no lists: to this one the device is away since it went there.
                Contact::Gone(since(now, &presence.since))
            } else {
                let last_heard = heard.get(&presence.server_id).and_then(Option::as_deref);
                Contact::Gone(since(now, &self.last_contact(&presence, last_heard)))
            };
            let best = contacts.entry(presence.device_id).or_insert(contact);
            *best = better(*best, contact);
        }
        Ok(Contacts(contacts))
    }

    /// When a device that is not here was heard of last. Of a server that does not answer nobody knows: its devices are
    /// away since that server was heard, at the earliest since this one was started.
    fn last_contact(&self, presence: &Presence, server_heard: Option<&str>) -> String {
        match (&presence.ended_at, server_heard) {
            (Some(ended_at), _) => ended_at.clone(),
            (None, Some(heard)) => heard.max(presence.since.as_str()).max(self.started_at.as_str()).to_owned(),
            (None, None) => presence.since.as_str().max(self.started_at.as_str()).to_owned(),
        }
    }
}

/// Connected before gone, and gone for a short time before gone for long.
fn better(a: Contact, b: Contact) -> Contact {
    match (a, b) {
        (Contact::Connected, _) | (_, Contact::Connected) => Contact::Connected,
        (Contact::Gone(a), Contact::Gone(b)) => Contact::Gone(a.min(b)),
        (contact, Contact::Never) | (Contact::Never, contact) => contact,
    }
}

/// How long ago; a time to come, from a clock that was set, is now.
fn since(now: OffsetDateTime, at: &str) -> Duration {
    let passed = OffsetDateTime::parse(at, &Rfc3339).map(|at| now - at);
    passed.ok().and_then(|passed| passed.try_into().ok()).unwrap_or_default()
}
