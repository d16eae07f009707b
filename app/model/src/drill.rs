//! Failover drills.

use super::{ChoiceRule, Fault};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What somebody wants to practise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillInput {
    /// Id of the server that the devices shall go to.
    pub to: String,
    /// Which devices; all if it is left out and `q` too.
    pub devices: Option<Vec<u32>>,
    /// The devices that the device list finds for this text, instead.
    pub q: Option<String>,
    /// After so many seconds it ends, whoever has not arrived; 10 minutes if it is left out.
    pub limit_seconds: Option<u32>,
}

/// The form of a drill as somebody typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillForm {
    /// Device IDs, separated by spaces, commas or lines, or else a text that the device list searches; empty for all devices.
    pub devices: String,
    /// Seconds; empty for the usual limit.
    pub limit_seconds: String,
}

impl DrillForm {
    /// What is meant, for a drill to the server with this id.
    ///
    /// # Errors
    ///
    /// [`Fault::Invalid`] with the limit if it is no number.
    pub fn read(&self, to: String) -> Result<DrillInput, Fault> {
        let limit_seconds = match self.limit_seconds.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| Fault::field("limit_seconds", ChoiceRule::DrillLimit))?),
        };
        let text = self.devices.trim();
        let words = text.split([' ', ',', ';', '\n', '\r', '\t']).filter(|word| !word.is_empty());
        let (devices, q) = match words.map(str::parse).collect::<Result<Vec<u32>, _>>() {
            Ok(devices) => ((!devices.is_empty()).then_some(devices), None),
            Err(_) => (None, Some(text.to_owned())),
        };
        Ok(DrillInput { to, devices, q, limit_seconds })
    }
}

/// How far a drill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillState {
    /// Devices go to the other server.
    Running,
    /// They are called back.
    CallingBack,
    /// It is over.
    Done,
    /// It is over because somebody stopped it.
    Stopped,
    /// The server that ran it was ended in the middle of it; the devices have come back by themselves.
    CutOff,
}

impl DrillState {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::CallingBack => "Calling devices back",
            Self::Done => "Done",
            Self::Stopped => "Stopped",
            Self::CutOff => "Cut off",
        }
    }

    /// It is over.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Stopped | Self::CutOff)
    }
}

/// How far a device is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillStep {
    /// It is to be sent.
    Waiting,
    /// It was sent and has not arrived.
    Leaving,
    /// It is at the other server.
    There,
    /// It is back.
    Back,
    /// It did not come through; the reason says why.
    Failed,
}

impl DrillStep {
    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Leaving => "On its way",
            Self::There => "At the other server",
            Self::Back => "Passed",
            Self::Failed => "Failed",
        }
    }
}

/// One device in a drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillDevice {
    /// Device ID.
    pub id: u32,
    /// Its name when it began.
    pub name: String,
    /// How far it is.
    pub step: DrillStep,
    /// When this server lost it.
    pub lost_at: Option<String>,
    /// When the other server registered it.
    pub found_at: Option<String>,
    /// Milliseconds between the two, by the servers' clocks.
    pub without_server_ms: Option<u64>,
    /// When this server had it back.
    pub back_at: Option<String>,
    /// Events of it that came in from the beginning until the end.
    pub events: u64,
    /// Events that are reported as lost.
    pub events_lost: u64,
    /// Why it did not come through.
    pub reason: Option<String>,
}

/// A failover drill, and its report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Random.
    pub id: String,
    /// The server that runs it, and whose devices it sends.
    pub server: String,
    /// Its name.
    pub from_name: String,
    /// The server that the devices go to.
    pub to: String,
    /// Its name.
    pub to_name: String,
    /// How far it is.
    pub state: DrillState,
    /// When it began.
    pub begun_at: String,
    /// The operator.
    pub begun_by: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Its limit.
    pub limit_seconds: u32,
    /// The devices.
    pub devices: Vec<DrillDevice>,
}

impl Drill {
    /// How many devices are at a step.
    #[must_use]
    pub fn count(&self, step: DrillStep) -> usize {
        self.devices.iter().filter(|device| device.step == step).count()
    }

    /// The longest that a device was without a server, in milliseconds.
    #[must_use]
    pub fn longest_ms(&self) -> Option<u64> {
        self.devices.iter().filter_map(|device| device.without_server_ms).max()
    }

    /// One line.
    #[must_use]
    pub fn summary(&self) -> String {
        let (total, passed, failed) = (self.devices.len(), self.count(DrillStep::Back), self.count(DrillStep::Failed));
        let longest = self.longest_ms().map(|ms| format!(", longest without a server {}", in_seconds(ms)));
        let lost: u64 = self.devices.iter().map(|device| device.events_lost).sum();
        format!(
            "{}: {passed} of {total} devices passed, {failed} failed, {lost} events lost{}",
            self.state.label(),
            longest.unwrap_or_default()
        )
    }

    /// The whole report as text.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!(
            "Drill {}: {} -> {}, begun {} by {}, limit {} s\n{}\n",
            self.id,
            self.from_name,
            self.to_name,
            self.begun_at,
            self.begun_by,
            self.limit_seconds,
            self.summary()
        );
        for device in &self.devices {
            let time = |at: &Option<String>| at.clone().unwrap_or_else(|| "-".to_owned());
            let without = device.without_server_ms.map_or_else(|| "-".to_owned(), in_seconds);
            let reason = device.reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "{}  {}  lost {}  found {}  without {without}  back {}  events {} ({} lost)  {}{reason}",
                device.id,
                device.step.label(),
                time(&device.lost_at),
                time(&device.found_at),
                time(&device.back_at),
                device.events,
                device.events_lost,
                device.name,
            );
        }
        text
    }
}

/// Milliseconds as people say them.
#[must_use]
pub fn in_seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_devices_or_means_all() {
        let form = |devices: &str, limit: &str| DrillForm { devices: devices.into(), limit_seconds: limit.into() };
        let input = form(" 547846001,547846002\n", "60").read("two".into()).expect("valid");
        assert_eq!((input.devices, input.limit_seconds), (Some(vec![547_846_001, 547_846_002]), Some(60)));
        let input = form("", " ").read("two".into()).expect("valid");
        assert_eq!((input.devices, input.limit_seconds), (None, None));
        let input = form(" Front door, 3 ", "").read("two".into()).expect("valid");
        assert_eq!((input.devices, input.q.as_deref()), (None, Some("Front door, 3")), "as the device list finds it");
        let Err(Fault::Invalid { errors }) = form("", "soon").read("two".into()) else { panic!("accepted") };
        assert_eq!(errors.iter().map(|error| &*error.field).collect::<Vec<_>>(), ["limit_seconds"]);
    }
}
