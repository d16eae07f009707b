//! The provisioning string: what an administrator copies into a device so that it finds and trusts its installation.
//!
//! `BLN1-` and base64url without padding of: a version byte, the string's public id, the installation's id (each a
//! length byte and ASCII), the authority's SHA-256, the secret, a count and the addresses, and four bytes of SHA-256
//! over all of that against typing errors.

use crate::authority::{MAX_ID_BYTES, is_id};
use crate::wire::{Address, MAX_ENTRIES};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const PREFIX: &str = "BLN1-";
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;
const KIND_NAME: u8 = 0;
const KIND_IPV4: u8 = 4;
const KIND_IPV6: u8 = 6;

/// What a provisioning string says. Secret: whoever has it can ask to enrol.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvisioningString {
    /// Public part, by which the server finds the secret.
    pub id: String,
    /// The installation to enrol in.
    pub installation_id: String,
    /// SHA-256 of the authority's certificate.
    pub authority_fingerprint: [u8; 32],
    /// Where to dial, first first: 1 to 8 addresses with their TCP ports.
    pub addresses: Vec<(Address, u16)>,
    /// What the device proves to know.
    pub secret: [u8; 32],
}

/// Why a text is no provisioning string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvisioningError {
    /// Something else was pasted.
    #[error("a provisioning string starts with {PREFIX}")]
    NotOne,
    /// A character was lost or changed.
    #[error("the provisioning string is damaged or incomplete; copy it again")]
    Damaged,
    /// Made by a newer portal.
    #[error("the provisioning string has version {0}, this device knows version {VERSION}")]
    Version(u8),
    /// Undamaged, yet against the rules.
    #[error("the provisioning string is not acceptable: {0}")]
    Content(&'static str),
}

impl ProvisioningString {
    /// Checks what [`Display`](fmt::Display) relies on.
    ///
    /// # Errors
    ///
    /// Ids that are none, no address, more than 8, or a port 0.
    pub fn validate(&self) -> Result<(), ProvisioningError> {
        if !is_id(&self.id) || !is_id(&self.installation_id) {
            return Err(ProvisioningError::Content("an id is 1 to 64 letters, digits, dots, hyphens or underscores"));
        }
        if self.addresses.is_empty() || self.addresses.len() > MAX_ENTRIES {
            return Err(ProvisioningError::Content("it needs 1 to 8 addresses"));
        }
        if self.addresses.iter().any(|(_, port)| *port == 0) {
            return Err(ProvisioningError::Content("a port is a number from 1 to 65535"));
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_text(&mut out, &self.id);
        put_text(&mut out, &self.installation_id);
        out.extend_from_slice(&self.authority_fingerprint);
        out.extend_from_slice(&self.secret);
        out.push(u8::try_from(self.addresses.len()).unwrap_or(u8::MAX));
        for (address, port) in &self.addresses {
            match address {
                Address::Ip(IpAddr::V4(ip)) => {
                    out.push(KIND_IPV4);
                    out.extend_from_slice(&ip.octets());
                }
                Address::Ip(IpAddr::V6(ip)) => {
                    out.push(KIND_IPV6);
                    out.extend_from_slice(&ip.octets());
                }
                Address::Name(name) => {
                    out.push(KIND_NAME);
                    put_text(&mut out, name);
                }
            }
            out.extend_from_slice(&port.to_be_bytes());
        }
        out
    }
}

impl fmt::Display for ProvisioningString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sealed(&self.encode()))
    }
}

/// The text around a string's content.
pub(crate) fn sealed(content: &[u8]) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([content, &checksum(content)].concat()))
}

impl fmt::Debug for ProvisioningString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisioningString")
            .field("id", &self.id)
            .field("installation_id", &self.installation_id)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl FromStr for ProvisioningString {
    type Err = ProvisioningError;

    /// Reads the text form; white space, also inside, as a line break in a mail leaves it, does no harm.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text: String = text.split_whitespace().collect();
        let body = text.strip_prefix(PREFIX).ok_or(ProvisioningError::NotOne)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| ProvisioningError::Damaged)?;
        let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(ProvisioningError::Damaged)?;
        let (content, sum) = bytes.split_at(end);
        if checksum(content) != sum {
            return Err(ProvisioningError::Damaged);
        }
        let (&version, content) = content.split_first().ok_or(ProvisioningError::Damaged)?;
        if version != VERSION {
            return Err(ProvisioningError::Version(version));
        }
        let parsed = Cursor(content).string().ok_or(ProvisioningError::Content("its fields do not fit"))?;
        parsed.validate()?;
        Ok(parsed)
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // Ids have at most 64 bytes and names at most 253, so nothing is cut.
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..CHECKSUM_BYTES]);
    sum
}

/// The bytes still to be read; `None` wherever they run out.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn string(mut self) -> Option<ProvisioningString> {
        let id = self.text(MAX_ID_BYTES)?;
        let installation_id = self.text(MAX_ID_BYTES)?;
        let authority_fingerprint = self.array()?;
        let secret = self.array()?;
        let [count] = self.array()?;
        let addresses = (0..count).map(|_| self.address()).collect::<Option<_>>()?;
        self.0.is_empty().then_some(ProvisioningString {
            id,
            installation_id,
            authority_fingerprint,
            addresses,
            secret,
        })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn text(&mut self, limit: usize) -> Option<String> {
        let [length] = self.array()?;
        let (head, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        (head.len() <= limit).then_some(())?;
        String::from_utf8(head.to_vec()).ok()
    }

    fn address(&mut self) -> Option<(Address, u16)> {
        let [kind] = self.array()?;
        let address = match kind {
            KIND_IPV4 => Address::Ip(Ipv4Addr::from(self.array::<4>()?).into()),
            KIND_IPV6 => Address::Ip(Ipv6Addr::from(self.array::<16>()?).into()),
            KIND_NAME => self.text(usize::from(u8::MAX))?.parse().ok()?,
            _ => return None,
        };
        Some((address, u16::from_be_bytes(self.array()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> ProvisioningString {
        ProvisioningString {
            id: "p-1".into(),
            installation_id: "site".into(),
            authority_fingerprint: [7; 32],
            addresses: ["192.0.2.1", "2001:db8::1", "portal.example"].map(|a| (a.parse().unwrap(), 51213)).to_vec(),
            secret: [0xA5; 32],
        }
    }

    #[test]
    fn a_string_survives_copying() {
        let text = sample().to_string();
        assert!(text.starts_with("BLN1-"));
        assert_eq!(text.parse(), Ok(sample()));
        let mailed = format!("  {}\r\n {} \n", &text[..40], &text[40..]);
        assert_eq!(mailed.parse(), Ok(sample()));
    }

    #[test]
    fn every_single_changed_character_is_noticed() {
        let text = sample().to_string();
        for at in PREFIX.len()..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(damaged.parse::<ProvisioningString>(), Err(ProvisioningError::Damaged), "at {at}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        assert_eq!("hello".parse::<ProvisioningString>(), Err(ProvisioningError::NotOne));
        assert_eq!("BLN1-".parse::<ProvisioningString>(), Err(ProvisioningError::Damaged));
        let mut newer = vec![2];
        newer.extend(checksum(&newer));
        let newer = format!("BLN1-{}", URL_SAFE_NO_PAD.encode(newer));
        assert_eq!(newer.parse::<ProvisioningString>(), Err(ProvisioningError::Version(2)));
        let nowhere = ProvisioningString { addresses: Vec::new(), ..sample() };
        assert!(matches!(nowhere.to_string().parse::<ProvisioningString>(), Err(ProvisioningError::Content(_))));
    }

    #[test]
    fn the_secret_does_not_show_in_debug_output() {
        let shown = format!("{:?}", sample());
        assert!(!shown.contains("165") && !shown.to_lowercase().contains("a5"), "{shown}");
    }

    proptest! {
        #[test]
        fn arbitrary_content_never_panics(content: Vec<u8>) {
            let mut bytes = vec![VERSION];
            bytes.extend(content);
            bytes.extend(checksum(&bytes.clone()));
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            if let Ok(parsed) = text.parse::<ProvisioningString>() {
                prop_assert_eq!(parsed.to_string().parse(), Ok(parsed));
            }
        }
    }
}
