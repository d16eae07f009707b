//! Lists that devices live by: none but one that was tried, from the disk on, over a session that came through it.

use super::network::Network;
use crate::wire::ListVersion;

/// What was true of a device before the last thing that happened.
#[derive(Clone, Copy)]
struct Before {
    committed: ListVersion,
    /// The list on trial over which it is registered.
    proving: Option<ListVersion>,
}

pub(super) struct Pushes(Vec<Before>);

impl Pushes {
    pub(super) fn new(network: &Network) -> Self {
        Self((0..network.units.len()).map(|unit| Self::look(network, unit)).collect())
    }

    /// To be called after everything that happens.
    pub(super) fn check(&mut self, network: &Network) {
        for (unit, before) in self.0.iter_mut().enumerate() {
            let now = Self::look(network, unit);
            let proven = now.committed == before.committed || before.proving == Some(now.committed);
            assert!(proven, "device {unit} keeps a list that nothing has proven");
            *before = now;
        }
    }

    fn look(network: &Network, unit: usize) -> Before {
        let (unit, lists) = (&network.units[unit], &network.units[unit].disk.lists);
        let tried = lists.trial.as_ref().map(|mark| mark.version);
        let through = |version: &ListVersion| {
            let list = lists.staged.as_ref().filter(|list| list.version() == *version);
            let entries = list.into_iter().flat_map(|list| list.entries().iter());
            unit.entry().is_some_and(|entry| entries.into_iter().any(|listed| listed.is_same_server(&entry)))
        };
        Before { committed: lists.committed.version(), proving: tried.filter(through) }
    }
}
