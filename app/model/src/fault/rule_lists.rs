//! Rules about server lists, settings and stays.

use super::codes::codes;
use serde::{Deserialize, Serialize};

/// What an entry, a setting or a stay has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum ListRule {
    /// `entries` is a list.
    Entries,
    /// An entry is an object.
    Entry,
    /// A list has an entry at least.
    NoEntry,
    /// A list has too many entries.
    TooManyEntries {
        /// The most.
        most: usize,
        /// How many there are.
        given: usize,
    },
    /// A priority is a number from 1 to 255.
    Priority,
    /// Another entry has that priority.
    PriorityTaken {
        /// That entry's row, from 1.
        row: usize,
        /// The priority.
        priority: u8,
    },
    /// An address is a text.
    AddressText,
    /// An address is none.
    Address {
        /// The parser's words.
        because: String,
    },
    /// A port is a number from 1 to 65535.
    Port,
    /// Another row names this server.
    ServerTaken {
        /// That row, from 1.
        row: usize,
    },
    /// Another address of a provisioning string is the same.
    AddressTaken {
        /// That one's place, from 1.
        entry: usize,
    },
    /// A provisioning string has too many addresses.
    TooManyAddresses {
        /// The most.
        most: usize,
    },
    /// A provisioning string needs an address.
    NoAddress,
    /// The address is of no entry of the device's list.
    NotListed,
    /// An address of an entry is needed.
    ListedAddress,
    /// `permanent` is true or false.
    Permanent,
    /// A stay is a whole number of seconds.
    StayNumber,
    /// A stay is limited or for good, not both.
    StayTwice,
    /// A stay has a length, or is for good.
    StayMissing,
    /// A stay is too short or too long.
    Stay {
        /// The longest, in seconds.
        most: u32,
    },
    /// `settings` is an object.
    Settings,
    /// There is no such setting.
    NoSuchSetting,
    /// A setting is a whole number.
    WholeNumber,
    /// A setting's range.
    Range {
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// What failback can be.
    Failback,
    /// A window is an object, or nothing.
    Window,
    /// A time of the day.
    TimeOfDay,
    /// A window ends when it begins.
    EmptyWindow,
}

codes!(ListRule {
    Entries = "entries",
    Entry = "entry",
    NoEntry = "no-entry",
    TooManyEntries = "too-many-entries",
    Priority = "priority",
    PriorityTaken = "priority-taken",
    AddressText = "address-text",
    Address = "address",
    Port = "port",
    ServerTaken = "server-taken",
    AddressTaken = "address-taken",
    TooManyAddresses = "too-many-addresses",
    NoAddress = "no-address",
    NotListed = "not-listed",
    ListedAddress = "listed-address",
    Permanent = "permanent",
    StayNumber = "stay-number",
    StayTwice = "stay-twice",
    StayMissing = "stay-missing",
    Stay = "stay",
    Settings = "settings",
    NoSuchSetting = "no-such-setting",
    WholeNumber = "whole-number",
    Range = "range",
    Failback = "failback",
    Window = "window",
    TimeOfDay = "time-of-day",
    EmptyWindow = "empty-window",
});
