//! Who is connected where: what the servers show against what each device says of itself.

use super::link::Way;
use super::network::Network;
use super::*;

/// For so long both may differ while nothing is in the way.
const LATE_MAX: Duration = Duration::from_secs(2);

/// Since when they differ, for each device.
pub(super) struct Standing(Vec<Option<Duration>>);

impl Standing {
    pub(super) fn new(units: usize) -> Self {
        Self(vec![None; units])
    }

    /// To be called after everything that happens.
    pub(super) fn check(&mut self, network: &Network) {
        for (unit, since) in self.0.iter_mut().enumerate() {
            let says = network.units[unit].entry();
            let shown = network.database.shown(id_of(unit));
            if let Some(since) = *since {
                let late = network.now - since;
                assert!(late <= LATE_MAX, "device {unit} says {says:?} and {shown:?} is shown, for {late:?}");
            }
            if let Some(shown) = shown {
                assert!(network.greeted.contains(&shown.session), "a dial of device {unit} is shown as a connection");
            }
            let here = says.as_ref().map(|entry| server_of(entry.port));
            let same = says.as_ref().map(|entry| (server_of(entry.port), entry))
                == shown.map(|shown| (shown.server, &shown.entry));
            // Nobody can know of an end of which no word gets through.
            let hidden = here
                .into_iter()
                .chain(shown.map(|shown| shown.server))
                .any(|server| [Way::Up, Way::Down].iter().any(|way| network.cut.contains(&(unit, server, *way))));
            if same || hidden {
                *since = None;
            } else {
                since.get_or_insert(network.now);
            }
        }
    }
}
