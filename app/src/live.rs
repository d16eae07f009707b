//! What changed on the server since a page was loaded: counters that resources depend on.

use leptos::prelude::*;
use std::collections::BTreeSet;

/// Devices that changed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceChanges {
    /// Counts the changes; two with the same devices are still two.
    pub number: u64,
    /// Which; `None` when it could be any.
    pub ids: Option<BTreeSet<u32>>,
}

/// Counters that go up when something changed. On the server they stand still.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// Somebody is signed in: the server is worth listening to.
    pub wanted: RwSignal<bool>,
    /// Sessions, names, lists and pushes.
    pub devices: RwSignal<DeviceChanges>,
    /// Waiting devices.
    pub waiting_devices: RwSignal<u64>,
    /// Events of devices.
    pub events: RwSignal<u64>,
    /// Rollouts.
    pub rollouts: RwSignal<u64>,
    /// Servers: reachability, copies.
    pub servers: RwSignal<u64>,
}

impl Live {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wanted: RwSignal::new(false),
            devices: RwSignal::default(),
            waiting_devices: RwSignal::new(0),
            events: RwSignal::new(0),
            rollouts: RwSignal::new(0),
            servers: RwSignal::new(0),
        }
    }

    /// Those that the page was started with.
    #[must_use]
    pub fn current() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    /// Some devices changed.
    pub fn devices_changed(self, ids: BTreeSet<u32>) {
        self.devices.update(|changes| *changes = DeviceChanges { number: changes.number + 1, ids: Some(ids) });
    }

    /// Anything may have changed.
    pub fn everything_changed(self) {
        self.devices.update(|changes| *changes = DeviceChanges { number: changes.number + 1, ids: None });
        self.waiting_devices.update(|number| *number += 1);
        self.events.update(|number| *number += 1);
        self.rollouts.update(|number| *number += 1);
        self.servers.update(|number| *number += 1);
    }

    /// Goes up when any device changed.
    #[must_use]
    pub fn any_device(self) -> Memo<u64> {
        Memo::new(move |_| self.devices.with(|changes| changes.number))
    }

    /// Goes up when this device changed.
    #[must_use]
    pub fn device(self, id: u32) -> Memo<u64> {
        Memo::new(move |last: Option<&u64>| {
            self.devices.with(|changes| {
                let concerned = changes.ids.as_ref().is_none_or(|ids| ids.contains(&id));
                if concerned { changes.number } else { last.copied().unwrap_or_default() }
            })
        })
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_page_hears_only_of_its_device() {
        let owner = Owner::new();
        owner.with(|| {
            let live = Live::new();
            let (any, seven) = (live.any_device(), live.device(7));
            assert_eq!((any.get_untracked(), seven.get_untracked()), (0, 0));
            live.devices_changed(BTreeSet::from([8]));
            assert_eq!((any.get_untracked(), seven.get_untracked()), (1, 0));
            live.devices_changed(BTreeSet::from([7, 8]));
            assert_eq!((any.get_untracked(), seven.get_untracked()), (2, 2));
            live.everything_changed();
            assert_eq!((any.get_untracked(), seven.get_untracked()), (3, 3));
        });
    }
}
