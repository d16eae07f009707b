//! A server that fell silent, and where its devices went.

use super::in_seconds;
use serde::{Deserialize, Serialize};

/// A time in which a server did not answer, as another one saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The id of the server that fell silent.
    pub server: String,
    /// Its name.
    pub server_name: String,
    /// When it was last heard.
    pub lost_at: String,
    /// When it was heard again; `None` as long as it was not.
    pub heard_at: Option<String>,
    /// So many milliseconds after it was lost the server that saw this was active; `None` if it did not take over then.
    pub active_ms: Option<u64>,
    /// How many devices the lost server held.
    pub devices: u64,
    /// How many of them were on another server within ten minutes, or before it was heard again.
    pub moved: u64,
    /// Milliseconds until half of them were.
    pub half_ms: Option<u64>,
    /// Milliseconds until the last of those that moved was.
    pub last_ms: Option<u64>,
}

impl Outage {
    /// What became of the devices, in words.
    #[must_use]
    pub fn devices_in_words(&self) -> String {
        let all = match self.devices {
            0 => return "It held no device".to_owned(),
            1 => "1 device".to_owned(),
            many => format!("{many} devices"),
        };
        let after = |what: &str, ms: Option<u64>| ms.map(|ms| format!(", {what} after {}", in_seconds(ms)));
        let half = after("half", self.half_ms.filter(|_| self.devices > 1)).unwrap_or_default();
        let last = after("the last", self.last_ms).unwrap_or_default();
        format!("{} of {all} on another server{half}{last}", self.moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_the_devices_is_said_in_a_line() {
        let outage = Outage {
            server: "one".to_owned(),
            server_name: "BioStar Server #1".to_owned(),
            lost_at: String::new(),
            heard_at: None,
            active_ms: None,
            devices: 24,
            moved: 24,
            half_ms: Some(4110),
            last_ms: Some(7700),
        };
        let said = "24 of 24 devices on another server, half after 4.1 s, the last after 7.7 s";
        assert_eq!(outage.devices_in_words(), said);
        let none = Outage { moved: 0, half_ms: None, last_ms: None, ..outage.clone() };
        assert_eq!(none.devices_in_words(), "0 of 24 devices on another server");
        let one = Outage { devices: 1, moved: 1, half_ms: Some(2000), last_ms: Some(2000), ..outage.clone() };
        assert_eq!(one.devices_in_words(), "1 of 1 device on another server, the last after 2.0 s");
        assert_eq!(Outage { devices: 0, ..none }.devices_in_words(), "It held no device");
    }
}
