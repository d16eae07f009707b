//! A server list: its entries, where it stands in the order of revisions, and the hash that names it.

use super::{DeviceSettings, Entries};
use std::fmt;

/// SHA-256 over a list's canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListHash(pub [u8; 32]);

impl fmt::Display for ListHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ListHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListHash({})", &self.to_string()[..12])
    }
}

impl std::str::FromStr for ListHash {
    type Err = hex::FromHexError;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Which revision a list is. Revisions of one device are ordered by (epoch, number); the hash tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListVersion {
    /// The epoch it was written in.
    pub epoch: u64,
    /// Counts from 1 per device.
    pub number: u64,
    /// Names the content.
    pub hash: ListHash,
}

/// One immutable revision of a device's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerList {
    version: ListVersion,
    base: Option<ListHash>,
    entries: Entries,
    settings: DeviceSettings,
    seal: Vec<u8>,
}

/// The longest seal, in bytes.
pub const MAX_LIST_SEAL_BYTES: usize = 64;

impl ServerList {
    /// Makes the revision (epoch, number) on top of `base`, `None` for a device's first, with default settings; the
    /// hash follows from the rest.
    #[must_use]
    pub fn new(epoch: u64, number: u64, base: Option<ListHash>, entries: Entries) -> Self {
        let settings = DeviceSettings::default();
        let hash = hash_of(epoch, number, base, &entries, &settings);
        Self { version: ListVersion { epoch, number, hash }, base, entries, settings, seal: Vec::new() }
    }

    /// The same revision with these settings, and so with another hash.
    #[must_use]
    pub fn with_settings(self, settings: DeviceSettings) -> Self {
        let ListVersion { epoch, number, .. } = self.version;
        let hash = hash_of(epoch, number, self.base, &self.entries, &settings);
        Self { version: ListVersion { epoch, number, hash }, settings, ..self }
    }

    /// The same revision with the installation's seal: by it any server tells a list that one of them made from one that
    /// nobody did. Opaque to devices, and no part of the hash.
    #[must_use]
    pub fn with_seal(self, seal: Vec<u8>) -> Self {
        Self { seal, ..self }
    }

    /// The installation's seal; empty if it has none.
    #[must_use]
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }

    /// Where it stands and what names it.
    #[must_use]
    pub fn version(&self) -> ListVersion {
        self.version
    }

    /// The revision it was made from.
    #[must_use]
    pub fn base(&self) -> Option<ListHash> {
        self.base
    }

    /// The servers, in ascending priority.
    #[must_use]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// How the device behaves while it lives by this list.
    #[must_use]
    pub fn settings(&self) -> &DeviceSettings {
        &self.settings
    }
}

/// The canonical form is a line of text per fact, so that another implementation can make it without a protobuf library.
fn hash_of(epoch: u64, number: u64, base: Option<ListHash>, entries: &Entries, settings: &DeviceSettings) -> ListHash {
    use std::fmt::Write as _;
    let base = base.map(|hash| hash.to_string()).unwrap_or_default();
    let mut text = format!("bln-server-list 1\nepoch {epoch}\nnumber {number}\nbase {base}\n");
    for entry in entries {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "entry {} {} {}", entry.priority, entry.address, entry.port);
    }
    let _ = write!(text, "{settings}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    ListHash(hash)
}
