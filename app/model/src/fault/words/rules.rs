//! Rules in words. Pages make a sentence of one that has no full stop.

use super::super::{AccountRule, ChoiceRule, ListRule, Rule};
use std::fmt::{Display, Formatter, Result};

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::List(rule) => rule.fmt(f),
            Self::Choice(rule) => rule.fmt(f),
            Self::Account(rule) => rule.fmt(f),
            Self::Unreadable { because } => f.write_str(because),
        }
    }
}

impl Display for ListRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text: &str = match self {
            Self::Entries => "entries must be a list of {\"address\", \"port\", \"priority\"}",
            Self::Entry => "an entry must be an object {\"address\", \"port\", \"priority\"}",
            Self::NoEntry => "a server list needs at least one entry",
            Self::TooManyEntries { most, given } => {
                return write!(f, "a server list holds at most {most} entries, this one has {given}");
            }
            Self::Priority => "a priority is a number from 1 to 255; 1 is tried first",
            Self::PriorityTaken { row, priority } => {
                return write!(f, "row {row} already has priority {priority}; each entry needs its own");
            }
            Self::AddressText => "an address is an IPv4 or IPv6 address or a domain name, for example \"192.168.1.10\"",
            Self::Address { because } => because,
            Self::Port => "a port is a number from 1 to 65535, for example 51213",
            Self::ServerTaken { row } => return write!(f, "row {row} already names this address and port"),
            Self::AddressTaken { entry } => return write!(f, "entry {entry} already names this address and port"),
            Self::TooManyAddresses { most } => return write!(f, "a device holds at most {most} servers"),
            Self::NoAddress => "name at least one server as address:port, for example 10.0.0.5:51213",
            Self::NotListed => "that server is not on the list the device has",
            Self::ListedAddress => "address must be the address of an entry of the device's list",
            Self::Permanent => "permanent must be true or false",
            Self::StayNumber => "ttl_seconds must be a whole number of seconds",
            Self::StayTwice => "give either ttl_seconds or permanent: true",
            Self::StayMissing => "say for how many seconds the device stays at least, or permanent: true",
            Self::Stay { most } => return write!(f, "a stay is 1 to {most} seconds; leave it out for good"),
            Self::Settings => "settings must be an object, for example {\"failback\": \"auto\"}",
            Self::NoSuchSetting => "there is no such setting",
            Self::WholeNumber => "a whole number is needed here",
            Self::Range { least, most } => return write!(f, "{least} to {most} is possible here"),
            Self::Failback => "failback is auto, sticky, manual or window",
            Self::Window => "a window is {\"from\": \"HH:MM\", \"to\": \"HH:MM\"} or null",
            Self::TimeOfDay => "a time of the day (UTC) is needed here, for example 02:30",
            Self::EmptyWindow => "the window ends when it begins",
        };
        f.write_str(text)
    }
}

impl Display for ChoiceRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text: &str = match self {
            Self::UnknownField => "this field is not known; a rollout has a selector and entries",
            Self::Selector => "say which devices: {\"all\": true}, {\"devices\": [547846001]} or {\"query\": \"door\"}",
            Self::All => "all is true, or is left out",
            Self::NoDeviceYet => "no device belongs to this installation yet",
            Self::Query => "a part of the name, the Device ID or the IP address; for every device use all",
            Self::NoMatch => "no device matches",
            Self::NoDeviceChosen => "choose at least one device",
            Self::DeviceId => "a Device ID is a number from 1 to 4294967295, for example 547846001",
            Self::NoSuchDevice { device } => return write!(f, "there is no device {device}"),
            Self::DrillDevices => "Choose devices that belong to the installation, at least one.",
            Self::NothingFound { q } => return write!(f, "The device list finds no device for \"{q}\"."),
            Self::IdsOrText => "Choose devices by their ids or by a text, not both.",
            Self::DrillServer => "Choose another server of the installation, by its id.",
            Self::ServerSilent { server } => return write!(f, "{server} does not answer."),
            Self::DrillLimit => "A limit is 10 to 3600 seconds.",
            Self::NoName { most } => return write!(f, "a name has 1 to {most} characters, for example Main entrance"),
            Self::LongName { most, given } => {
                return write!(f, "a name has at most {most} characters, this one has {given}");
            }
            Self::NamePrintable => "a name has no line breaks or other control characters",
            Self::PageLength { most } => return write!(f, "a page has 1 to {most} rows"),
            Self::Cursor => "take the cursor from next_cursor of the page before",
            Self::Time => "a time like 2026-07-25T10:00:00Z",
        };
        f.write_str(text)
    }
}

impl Display for AccountRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text: &str = match self {
            Self::Login => "a login has 1 to 32 letters, digits, and . _ - @",
            Self::LoginTaken => "There is an operator with this login.",
            Self::LoginReserved => "the audit trail uses this name for the server itself",
            Self::ShortPassword { least } => {
                return write!(f, "A password has at least {least} characters; several words make a good one.");
            }
            Self::LongPassword { most } => return write!(f, "A password has at most {most} bytes."),
            Self::CurrentPassword => "This is not your current password.",
            Self::SamePassword => "The new password is the same as the current one.",
            Self::PasswordAgain => "This is not the same as the new password.",
            Self::Confirm { server } => return write!(f, "Type the name of this server to confirm: {server}"),
            Self::NoAccount => {
                "The other server does not answer. Say how it was stopped, so that two servers never write: for example \
                 \"powered off\" or \"network cable pulled\"."
            }
            Self::OneLine { most } => return write!(f, "One line of at most {most} characters."),
            Self::HoldSeconds { most } => return write!(f, "A number of seconds from 1 to {most}."),
            Self::Uses => "a string is good for 1 to 10000 devices",
            Self::Lifetime => "a string lives 60 seconds to 30 days (2592000 seconds)",
            Self::FormUses => "How many devices: a number from 1 to 10000, for example 24.",
            Self::FormHours => "Hours: a number from 1 to 720, for example 24.",
        };
        f.write_str(text)
    }
}
