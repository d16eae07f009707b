//! A device's memory for session tickets: the newest one, used while the run says so.

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls_pki_types::ServerName;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Whether devices use their tickets.
#[derive(Clone, Debug, Default)]
pub(crate) struct TicketSwitch(Arc<AtomicBool>);

impl TicketSwitch {
    pub(crate) fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(crate) struct OneTicket {
    switch: TicketSwitch,
    ticket: Mutex<Option<Box<Tls13ClientSessionValue>>>,
}

impl OneTicket {
    pub(crate) fn new(switch: &TicketSwitch) -> Self {
        Self { switch: switch.clone(), ticket: Mutex::default() }
    }
}

impl ClientSessionStore for OneTicket {
    fn set_kx_hint(&self, _server: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server: &ServerName<'_>) -> Option<NamedGroup> {
        Some(NamedGroup::X25519)
    }

    fn set_tls12_session(&self, _server: ServerName<'static>, _session: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _server: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(ticket));
    }

    fn take_tls13_ticket(&self, _server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner).take();
        ticket.filter(|_| self.switch.0.load(Ordering::Relaxed)).map(|ticket| *ticket)
    }
}
