//! Devices that could not fail over: their list names one server alone.

use super::{Scene, report::Finding};

/// More are counted rather than named.
const NAMED: usize = 5;

/// Every device has somewhere else to go.
pub(super) fn failover(scene: &Scene) -> Finding {
    let check = "device-lists";
    let Some(survey) = &scene.survey else { return Finding::ok(check, "no devices yet") };
    let single = &survey.single_server_devices;
    if single.is_empty() {
        return Finding::ok(check, format!("each of the {} devices has two servers at least", survey.devices));
    }
    let mut names = single.iter().take(NAMED).map(u32::to_string).collect::<Vec<_>>().join(", ");
    if single.len() > NAMED {
        names += ", ...";
    }
    let words = format!(
        "{} of {} devices have one server in their list and could not go to another: {names}; choose them in the device list, \
         press Edit servers, and add the other server",
        single.len(),
        survey.devices
    );
    Finding::warning(check, words)
}
