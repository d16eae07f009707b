//! How connections come to a server: a queue of limited length, handshakes one after the other, admissions one after
//! the other, each at the speed that the server has.

use super::flaw::Flaw;
use super::link::{Link, Way};
use super::network::{Event, Network};
use super::*;
use crate::server::Refusal;
use crate::server::session::{Arrival, Session, Shown};
use crate::tls::Peer;
use rand::Rng as _;
use std::sync::Arc;

impl Network {
    /// A server's machine has a connection; one for which it has no room is lost.
    pub(super) fn arrives(&mut self, link: Link) {
        let backlog = self.settings.backlog() as usize;
        let Some(server) = self.servers.get_mut(link.server).filter(|server| server.up) else {
            return self.send(link, Way::Down, Event::Refused(link));
        };
        self.arrived[link.device] += 1;
        if self.pace.handshake == Duration::ZERO {
            return self.shaken(link);
        }
        if !server.desk.is_full(backlog) {
            server.desk.queue.push_back(link);
            self.shake_next(link.server);
        }
    }

    /// A server has shaken hands, and goes on with the next.
    pub(super) fn end_handshake(&mut self, link: Link, starts: u64) {
        if self.servers[link.server].starts == starts {
            self.servers[link.server].desk.shaking = false;
            self.shaken(link);
            self.shake_next(link.server);
        }
    }

    /// Whoever waited to be accepted is reset with the rest.
    pub(super) fn clear_desk(&mut self, server: usize) {
        for link in std::mem::take(&mut self.servers[server].desk).queue {
            self.send(link, Way::Down, Event::Refused(link));
        }
    }

    /// When a device is admitted that asks now, or that it is to come back later.
    pub(super) fn admission(&mut self, link: Link) -> Result<Duration, Refusal> {
        let (now, mut room) = (self.now, self.settings.room());
        let server = &mut self.servers[link.server];
        let trusting = self.flaw == Some(Flaw::TrustsItsCapacity);
        if trusting {
            room.wait = Duration::MAX;
        }
        if !server.registry.arrive(link.session, id_of(link.device), link, (room, now)) {
            let admitted = server.registry.admitted_per_s(now).filter(|_| !trusting);
            return Err(server.load.turn_away(now, admitted));
        }
        server.desk.admitted_at = server.desk.admitted_at.max(now) + self.pace.admission;
        let after = server.desk.admitted_at - now;
        Ok(after + Duration::from_millis(self.rng.random_range(1..30)))
    }

    fn shake_next(&mut self, number: usize) {
        while !self.servers[number].desk.shaking {
            let Some(link) = self.servers[number].desk.queue.pop_front() else { return };
            // It looks before it begins to compute.
            if self.is_open(link) {
                let server = &mut self.servers[number];
                server.desk.shaking = true;
                let ended = Event::Shaken(link, server.starts);
                self.later(self.pace.handshake, ended);
            }
        }
    }

    fn shaken(&mut self, link: Link) {
        if let (Some(Flaw::ShowsDials), Activity::Dialling(entry)) =
            (self.flaw, self.units[link.device].device.activity())
        {
            self.database.sight(id_of(link.device), 0, (link.server, link.session), entry, self.now);
        }
        let arrival = Arrival {
            session: link.session,
            peer: "192.0.2.9:40000".parse().unwrap(),
            shown: Shown::Peer(Peer::Device {
                installation_id: "site".into(),
                id: id_of(link.device),
                serial: vec![1],
            }),
            channel_binding: [0; 32],
            installation_id: "site".into(),
            certificate_ends_unix_s: u64::MAX,
            expired: false,
        };
        let session = Session::new(arrival, Arc::clone(&self.settings), self.now);
        self.servers[link.server].sessions.insert(link.session, (link, session));
        self.send(link, Way::Down, Event::Opened(link));
    }
}
