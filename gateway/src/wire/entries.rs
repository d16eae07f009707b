//! The entries of a server list and the rules they obey together.

use super::{Address, AddressError};

/// The most entries a device holds.
pub const MAX_ENTRIES: usize = 8;

/// One server a device may dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEntry {
    /// 1 is dialled first; 1 to 255.
    pub priority: u8,
    /// IPv4, IPv6 or domain name.
    pub address: Address,
    /// TCP port, never 0.
    pub port: u16,
}

impl ServerEntry {
    /// Whether both name the same server, whatever the priority.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.port == other.port && self.address.same_host(&other.address)
    }

    /// `address:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.address {
            Address::Ip(std::net::IpAddr::V6(ip)) => format!("[{ip}]:{}", self.port),
            Address::Ip(std::net::IpAddr::V4(ip)) => format!("{ip}:{}", self.port),
            Address::Name(name) => format!("{name}:{}", self.port),
        }
    }
}

/// 1 to [`MAX_ENTRIES`] entries in ascending priority, with unique priorities and unique address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries(Vec<ServerEntry>);

/// Which field of an entry broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryField {
    /// `priority`
    Priority,
    /// `address`
    Address,
    /// `port`
    Port,
}

/// Why a set of entries is no server list. Indexes count from 0 in the order given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// None at all.
    #[error("a server list needs at least one entry")]
    Empty,
    /// More than [`MAX_ENTRIES`].
    #[error("a server list holds at most {MAX_ENTRIES} entries, this one has {0}")]
    TooMany(usize),
    /// One entry's address is none.
    #[error("{1}")]
    Address(usize, AddressError),
    /// Not 1 to 65535.
    #[error("a port is a number from 1 to 65535, for example 51213")]
    Port(usize),
    /// Not 1 to 255.
    #[error("a priority is a number from 1 to 255; 1 is tried first")]
    Priority(usize),
    /// Two entries have one priority.
    #[error("entry {} already has priority {}; each entry needs its own", .first + 1, .priority)]
    DuplicatePriority {
        /// The earlier entry.
        first: usize,
        /// The later one, where the error is shown.
        second: usize,
        /// What both have.
        priority: u8,
    },
    /// Two entries name one server.
    #[error("entry {} already names this address and port", .first + 1)]
    DuplicateServer {
        /// The earlier entry.
        first: usize,
        /// The later one, where the error is shown.
        second: usize,
    },
}

impl EntriesError {
    /// The entry and field to show the error at; `None` when it concerns the list as a whole.
    #[must_use]
    pub fn place(&self) -> Option<(usize, EntryField)> {
        match self {
            Self::Empty | Self::TooMany(_) => None,
            Self::Address(index, _) => Some((*index, EntryField::Address)),
            Self::Port(index) => Some((*index, EntryField::Port)),
            Self::Priority(index) => Some((*index, EntryField::Priority)),
            Self::DuplicatePriority { second, .. } => Some((*second, EntryField::Priority)),
            Self::DuplicateServer { second, .. } => Some((*second, EntryField::Address)),
        }
    }
}

impl Entries {
    /// Parses (priority, address, port) triples and sorts them.
    ///
    /// # Errors
    ///
    /// Every rule that is broken, in the order of the entries.
    pub fn parse<'a>(raw: impl IntoIterator<Item = (i64, &'a str, i64)>) -> Result<Self, Vec<EntriesError>> {
        let raw: Vec<_> = raw.into_iter().collect();
        match raw.len() {
            0 => return Err(vec![EntriesError::Empty]),
            n if n > MAX_ENTRIES => return Err(vec![EntriesError::TooMany(n)]),
            _ => {}
        }
        let mut errors = Vec::new();
        let mut entries: Vec<(usize, ServerEntry)> = Vec::new();
        for (index, (priority, address, port)) in raw.into_iter().enumerate() {
            if let Some(entry) = parse_entry(index, priority, address, port, &mut errors) {
                entries.push((index, entry));
            }
        }
        find_duplicates(&entries, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        entries.sort_by_key(|(_, entry)| entry.priority);
        Ok(Self(entries.into_iter().map(|(_, entry)| entry).collect()))
    }

    /// How many; never 0.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In ascending priority.
    pub fn iter(&self) -> std::slice::Iter<'_, ServerEntry> {
        self.0.iter()
    }

    /// In ascending priority.
    #[must_use]
    pub fn as_slice(&self) -> &[ServerEntry] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a ServerEntry;
    type IntoIter = std::slice::Iter<'a, ServerEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn parse_entry(
    index: usize,
    priority: i64,
    address: &str,
    port: i64,
    errors: &mut Vec<EntriesError>,
) -> Option<ServerEntry> {
    let priority = u8::try_from(priority).ok().filter(|p| *p > 0);
    if priority.is_none() {
        errors.push(EntriesError::Priority(index));
    }
    let address = address.parse::<Address>().map_err(|e| errors.push(EntriesError::Address(index, e))).ok();
    let port = u16::try_from(port).ok().filter(|p| *p > 0);
    if port.is_none() {
        errors.push(EntriesError::Port(index));
    }
    Some(ServerEntry { priority: priority?, address: address?, port: port? })
}

fn find_duplicates(entries: &[(usize, ServerEntry)], errors: &mut Vec<EntriesError>) {
    for (later, (second, entry)) in entries.iter().enumerate() {
        let earlier = &entries[..later];
        if let Some((first, _)) = earlier.iter().find(|(_, e)| e.priority == entry.priority) {
            errors.push(EntriesError::DuplicatePriority { first: *first, second: *second, priority: entry.priority });
        }
        if let Some((first, _)) =
            earlier.iter().find(|(_, e)| e.port == entry.port && e.address.same_host(&entry.address))
        {
            errors.push(EntriesError::DuplicateServer { first: *first, second: *second });
        }
    }
}
