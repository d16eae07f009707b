//! Who is connected: one session a device, the newest; and the devices that wait for an operator.
//!
//! Pure. `M` is whatever reaches a connection.

use super::directory::SessionId;
use super::pressure::{Queue, Room};
use crate::enrolment::KeyFingerprint;
use crate::wire::DeviceId;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Registry<M> {
    sessions: HashMap<DeviceId, Slot<M>>,
    /// Being admitted; a close must reach them too.
    arriving: HashMap<SessionId, (DeviceId, M)>,
    queue: Queue,
    waiting: HashMap<KeyFingerprint, (SessionId, M)>,
}

#[derive(Debug)]
struct Slot<M> {
    session: SessionId,
    sequence: u64,
    inbox: M,
}

/// What became of a session that was admitted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered<M> {
    /// The device had none.
    First,
    /// The older one is to be told.
    Replaces(M),
    /// A newer one was faster.
    Superseded,
}

impl<M: Clone> Registry<M> {
    pub(crate) fn new() -> Self {
        Self { sessions: HashMap::new(), arriving: HashMap::new(), queue: Queue::default(), waiting: HashMap::new() }
    }

    /// A device asks to be admitted; `false` if there is no room for it.
    pub(crate) fn arrive(
        &mut self,
        session: SessionId,
        device: DeviceId,
        inbox: M,
        (room, now): (Room, Duration),
    ) -> bool {
        if self.is_full(room, now) {
            return false;
        }
        self.arriving.insert(session, (device, inbox));
        self.queue.push(session, now);
        true
    }

    /// Whether nobody else is let ask to be admitted.
    pub(crate) fn is_full(&self, room: Room, now: Duration) -> bool {
        self.queue.is_full(self.arriving.len(), room, now)
    }

    /// How many devices a second are admitted while others wait; `None` if that does not show.
    pub(crate) fn admitted_per_s(&self, now: Duration) -> Option<f64> {
        self.queue.served_per_s(now)
    }

    /// The device was admitted under this connection sequence; of two sessions the higher one is the newer.
    pub(crate) fn enter(&mut self, session: SessionId, sequence: u64, now: Duration) -> Entered<M> {
        let Some((device, inbox)) = self.arrived(session) else { return Entered::Superseded };
        self.queue.serve(now);
        if self.sessions.get(&device).is_some_and(|slot| slot.sequence > sequence) {
            return Entered::Superseded;
        }
        match self.sessions.insert(device, Slot { session, sequence, inbox }) {
            Some(older) => Entered::Replaces(older.inbox),
            None => Entered::First,
        }
    }

    /// The device was answered, and not admitted.
    pub(crate) fn refuse(&mut self, session: SessionId, now: Duration) {
        if self.arrived(session).is_some() {
            self.queue.serve(now);
        }
    }

    /// A connection has ended; a newer session of the same device stays.
    pub(crate) fn leave(&mut self, session: SessionId, device: DeviceId) {
        self.arrived(session);
        if self.sessions.get(&device).is_some_and(|slot| slot.session == session) {
            self.sessions.remove(&device);
        }
    }

    /// It is being admitted no longer.
    fn arrived(&mut self, session: SessionId) -> Option<(DeviceId, M)> {
        let arrived = self.arriving.remove(&session);
        self.queue.tidy(|session| self.arriving.contains_key(&session));
        arrived
    }

    /// A device waits for an operator; the older connection with the same key, if any.
    pub(crate) fn wait(&mut self, fingerprint: KeyFingerprint, session: SessionId, inbox: M) -> Option<M> {
        let older = self.waiting.insert(fingerprint, (session, inbox))?;
        (older.0 != session).then_some(older.1)
    }

    /// It waits no longer on that connection.
    pub(crate) fn stop_waiting(&mut self, fingerprint: KeyFingerprint, session: SessionId) {
        if self.waiting.get(&fingerprint).is_some_and(|(waiting, _)| *waiting == session) {
            self.waiting.remove(&fingerprint);
        }
    }

    pub(crate) fn registered(&self, device: DeviceId) -> Option<&M> {
        self.sessions.get(&device).map(|slot| &slot.inbox)
    }

    pub(crate) fn session(&self, device: DeviceId) -> Option<(SessionId, &M)> {
        self.sessions.get(&device).map(|slot| (slot.session, &slot.inbox))
    }

    /// Its session and those that would become one.
    pub(crate) fn all_of(&self, device: DeviceId) -> impl Iterator<Item = &M> {
        let arriving = self.arriving.values().filter(move |(id, _)| *id == device).map(|(_, inbox)| inbox);
        self.registered(device).into_iter().chain(arriving)
    }

    pub(crate) fn waiting(&self, fingerprint: KeyFingerprint) -> Option<&M> {
        self.waiting.get(&fingerprint).map(|(_, inbox)| inbox)
    }

    /// Every registered session and every device that waits.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &M> {
        self.sessions.values().map(|slot| &slot.inbox).chain(self.waiting.values().map(|(_, inbox)| inbox))
    }

    /// How many devices are registered.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEVICE: DeviceId = DeviceId(1);

    fn room(devices: usize) -> (Room, Duration) {
        (Room { devices, wait: Duration::MAX }, Duration::ZERO)
    }

    #[test]
    fn the_newest_session_wins_and_a_late_close_is_harmless() {
        let mut registry = Registry::new();
        assert!(registry.arrive(SessionId(9), DEVICE, "old", room(2)));
        assert_eq!(registry.enter(SessionId(9), 1, Duration::ZERO), Entered::First);
        assert!(registry.arrive(SessionId(4), DEVICE, "new", room(2)));
        assert_eq!(registry.all_of(DEVICE).collect::<Vec<_>>(), [&"old", &"new"]);
        assert_eq!(registry.enter(SessionId(4), 2, Duration::ZERO), Entered::Replaces("old"));
        registry.leave(SessionId(9), DEVICE);
        assert_eq!(registry.registered(DEVICE), Some(&"new"));
        registry.leave(SessionId(4), DEVICE);
        assert_eq!(registry.len(), 0);
    }

    #[test]
    fn who_was_admitted_first_but_entered_last_is_the_older() {
        let mut registry = Registry::new();
        assert!(registry.arrive(SessionId(1), DEVICE, "slow", room(2)));
        assert!(registry.arrive(SessionId(2), DEVICE, "fast", room(2)));
        assert!(!registry.arrive(SessionId(3), DEVICE, "late", room(2)));
        assert_eq!(registry.enter(SessionId(2), 6, Duration::ZERO), Entered::First);
        assert_eq!(registry.enter(SessionId(1), 5, Duration::ZERO), Entered::Superseded);
        assert_eq!(registry.registered(DEVICE), Some(&"fast"));
    }

    #[test]
    fn a_second_connection_of_a_waiting_key_takes_over() {
        let mut registry = Registry::new();
        let key = KeyFingerprint([0; 32]);
        assert_eq!(registry.wait(key, SessionId(1), "old"), None);
        assert_eq!(registry.wait(key, SessionId(1), "old"), None);
        assert_eq!(registry.wait(key, SessionId(2), "new"), Some("old"));
        registry.stop_waiting(key, SessionId(1));
        assert_eq!(registry.waiting(key), Some(&"new"));
    }

    proptest! {
        #[test]
        fn a_device_never_has_two_sessions(steps in prop::collection::vec((0u8..3, 0u64..6, 0u32..3, 0u64..9), 0..60)) {
            let mut registry = Registry::new();
            let mut newest: HashMap<DeviceId, u64> = HashMap::new();
            let mut told = Vec::new();
            for (id, (kind, session, device, sequence)) in steps.into_iter().enumerate() {
                let (session, device) = (SessionId(session), DeviceId(device));
                match kind {
                    0 => assert!(registry.arrive(session, device, (id, device), room(usize::MAX))),
                    1 => {
                        if let Entered::Replaces((old, _)) = registry.enter(session, sequence, Duration::ZERO) {
                            prop_assert!(!told.contains(&old), "told twice");
                            told.push(old);
                        }
                    }
                    _ => registry.leave(session, device),
                }
                for device in (0..3).map(DeviceId) {
                    let now = registry.sessions.get(&device).map(|slot| slot.sequence);
                    let before = newest.remove(&device);
                    prop_assert!(now.is_none() || now >= before, "an older session took over");
                    newest.extend(now.map(|sequence| (device, sequence)));
                }
            }
        }
    }
}
