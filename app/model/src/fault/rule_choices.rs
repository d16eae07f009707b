//! Rules about what is chosen: devices, names, pages of lists.

use super::codes::codes;
use serde::{Deserialize, Serialize};

/// What a choice has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum ChoiceRule {
    /// A rollout has no such field.
    UnknownField,
    /// A selector says which devices, in one of three ways.
    Selector,
    /// `all` is true, or is left out.
    All,
    /// No device belongs to the installation yet.
    NoDeviceYet,
    /// A query is a text.
    Query,
    /// No device matches.
    NoMatch,
    /// At least one device is chosen.
    NoDeviceChosen,
    /// A Device ID is a number.
    DeviceId,
    /// There is no such device.
    NoSuchDevice {
        /// The Device ID.
        device: u32,
    },
    /// A drill is for devices of the installation.
    DrillDevices,
    /// The device list finds no device for a text.
    NothingFound {
        /// The text.
        q: String,
    },
    /// Devices are chosen by ids or by a text.
    IdsOrText,
    /// A drill goes to another server.
    DrillServer,
    /// The chosen server does not answer.
    ServerSilent {
        /// Its name.
        server: String,
    },
    /// A drill's limit.
    DrillLimit,
    /// A name is empty.
    NoName {
        /// The most characters.
        most: usize,
    },
    /// A name is too long.
    LongName {
        /// The most characters.
        most: usize,
        /// How many it has.
        given: usize,
    },
    /// A name has no control characters.
    NamePrintable,
    /// A page has so many rows.
    PageLength {
        /// The most.
        most: u32,
    },
    /// A cursor comes from the page before.
    Cursor,
    /// A point in time.
    Time,
}

codes!(ChoiceRule {
    UnknownField = "unknown-field",
    Selector = "selector",
    All = "all",
    NoDeviceYet = "no-device-yet",
    Query = "query",
    NoMatch = "no-match",
    NoDeviceChosen = "no-device-chosen",
    DeviceId = "device-id",
    NoSuchDevice = "no-such-device",
    DrillDevices = "drill-devices",
    NothingFound = "nothing-found",
    IdsOrText = "ids-or-text",
    DrillServer = "drill-server",
    ServerSilent = "server-silent",
    DrillLimit = "drill-limit",
    NoName = "no-name",
    LongName = "long-name",
    NamePrintable = "name-printable",
    PageLength = "page-length",
    Cursor = "cursor",
    Time = "time",
});
