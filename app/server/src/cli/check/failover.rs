//! Whether the servers could stand in for one another, and what the last time left undone.

use super::{Scene, report::Finding};
use crate::cluster::lease::check_file_system;
use std::path::Path;

/// Clocks that are kept set differ by less.
const TOLERANCE_MS: u64 = 10_000;

/// Automatic promotion is in force if it is wanted.
pub(super) fn automatic_promotion(scene: &Scene) -> Option<Finding> {
    let check = "automatic";
    let seen = scene.running.as_ref()?.automatic.as_ref().filter(|seen| seen.wanted)?;
    if seen.in_force {
        let words = format!("in force: {} devices count, {} of them are here", seen.electors, seen.electors_here);
        return Some(Finding::ok(check, words));
    }
    let why = seen.note.as_deref().unwrap_or("it was switched on just now.");
    Some(Finding::warning(check, format!("automatic promotion is wanted and not in force: {why}")))
}

/// Nobody has to make changes again that a server had alone.
pub(super) fn divergent_changes(scene: &Scene) -> Option<Finding> {
    let open = scene.running.as_ref()?.divergent_changes;
    let words = format!(
        "{open} changes were made on this server alone before it was overtaken: see its page Servers, make those again that \
         are still wanted, and mark them as dealt with"
    );
    (open > 0).then(|| Finding::warning("divergent-changes", words))
}

/// Every copy would serve, as far as it was tested.
pub(super) fn restore_tests(scene: &Scene) -> Vec<Finding> {
    let servers = scene.running.iter().flat_map(|running| &running.servers);
    let failed = servers.filter_map(|server| {
        let restore_test = server.copy.as_ref()?.restore_test.as_ref()?;
        let words = format!(
            "the copy of {} would not serve, as tested at {}: {}; take another (portal copy on the active server)",
            server.name,
            restore_test.at,
            restore_test.flaw.as_ref()?
        );
        Some(Finding::error("restore test", words))
    });
    failed.collect()
}

/// A shared database lies where a lock keeps two servers apart.
pub(super) fn shared_file(scene: &Scene) -> Option<Finding> {
    let check = "shared-file";
    let shared = scene.config.shared.as_ref()?;
    let folder = shared.database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(match check_file_system(folder, shared.fence.is_some()) {
        Ok(()) => Finding::ok(check, format!("{} may lie where it is", shared.database.display())),
        Err(error) => Finding::error(check, format!("{error}: this server would not start")),
    })
}

/// The servers agree on what time it is.
pub(super) fn clocks(scene: &Scene) -> Vec<Finding> {
    let servers = scene.running.iter().flat_map(|running| &running.servers);
    let differ = servers.filter_map(|server| {
        let ahead_ms = server.clock_ahead_ms.filter(|ahead| ahead.unsigned_abs() > TOLERANCE_MS)?;
        let side = if ahead_ms > 0 { "ahead of" } else { "behind" };
        let words = format!(
            "the clock of {} is {} s {side} this one's: keep both set (NTP), or sign-ins and what is shown are wrong",
            server.name,
            ahead_ms.unsigned_abs() / 1000
        );
        Some(Finding::warning("clock", words))
    });
    differ.collect()
}
