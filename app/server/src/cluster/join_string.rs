//! The join string: what an operator copies from the active server to a new one so that it finds and trusts the installation.
//!
//! `BSJ1-` and base64url without padding of: a version byte, the string's public id, the authority's SHA-256, the
//! secret, a count and the addresses (texts have a length byte), and four bytes of SHA-256 against typing errors.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "BSJ1-";
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;
const MAX_ADDRESSES: usize = 8;

/// What a join string says. Secret: whoever has it can become a server of the installation.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinString {
    /// Public part, by which the server finds the secret.
    pub id: String,
    /// SHA-256 of the authority's certificate.
    pub authority_fingerprint: [u8; 32],
    /// What the newcomer proves to know.
    pub secret: [u8; 16],
    /// `address:port` where the server that made it answers other servers, first choice first.
    pub addresses: Vec<String>,
}

/// Why a text is no join string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinStringError {
    /// Something else was pasted.
    #[error("a join string starts with {PREFIX}")]
    NotOne,
    /// A character was lost or changed.
    #[error("the join string is damaged or incomplete; copy it again")]
    Damaged,
    /// Made by a newer portal.
    #[error("the join string has version {0}, this program knows version {VERSION}")]
    Version(u8),
}

impl JoinString {
    /// HMAC-SHA256 under the secret over the TLS channel's binding, the newcomer's certificate request and its id: worth
    /// nothing on another connection, for another key or for another server.
    pub(crate) fn proof(&self, binding: &[u8], request: &[u8], server_id: &str) -> Vec<u8> {
        let tag = hmac::sign(&proof_key(&self.secret), &proven(binding, request, server_id));
        tag.as_ref().to_vec()
    }
}

/// Is it the proof of that secret? Takes the same time whatever the proof.
pub(crate) fn proof_holds(secret: &[u8], binding: &[u8], request: &[u8], server_id: &str, proof: &[u8]) -> bool {
    hmac::verify(&proof_key(secret), &proven(binding, request, server_id), proof).is_ok()
}

fn proof_key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

/// The request is hashed, so that no byte can move from one part to the next.
fn proven(binding: &[u8], request: &[u8], server_id: &str) -> Vec<u8> {
    [binding, digest(&SHA256, request).as_ref(), server_id.as_bytes()].concat()
}

impl fmt::Display for JoinString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = vec![VERSION];
        put_text(&mut out, &self.id);
        out.extend_from_slice(&self.authority_fingerprint);
        out.extend_from_slice(&self.secret);
        let addresses = &self.addresses[..self.addresses.len().min(MAX_ADDRESSES)];
        out.push(u8::try_from(addresses.len()).unwrap_or_default());
        for address in addresses {
            put_text(&mut out, address);
        }
        out.extend_from_slice(&checksum(&out));
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(out))
    }
}

impl fmt::Debug for JoinString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinString").field("id", &self.id).field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl FromStr for JoinString {
    type Err = JoinStringError;

    /// Reads the text form; white space, also inside, does no harm.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text: String = text.split_whitespace().collect();
        let body = text.strip_prefix(PREFIX).ok_or(JoinStringError::NotOne)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| JoinStringError::Damaged)?;
        let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(JoinStringError::Damaged)?;
        let (content, sum) = bytes.split_at(end);
        if checksum(content) != sum {
            return Err(JoinStringError::Damaged);
        }
        match content.split_first() {
            Some((&VERSION, content)) => Cursor(content).string().ok_or(JoinStringError::Damaged),
            Some((&version, _)) => Err(JoinStringError::Version(version)),
            None => Err(JoinStringError::Damaged),
        }
    }
}

/// Takes fields off the front; `None` where the bytes do not reach.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn string(&mut self) -> Option<JoinString> {
        let id = self.text()?;
        let authority_fingerprint = self.array()?;
        let secret = self.array()?;
        let [count] = self.array()?;
        let addresses = (0..count).map(|_| self.text()).collect::<Option<Vec<_>>>()?;
        let complete = self.0.is_empty() && !addresses.is_empty() && addresses.len() <= MAX_ADDRESSES;
        complete.then_some(JoinString { id, authority_fingerprint, secret, addresses })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn text(&mut self) -> Option<String> {
        let [length] = self.array()?;
        let (text, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..CHECKSUM_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string() -> JoinString {
        JoinString {
            id: "0a1b2c3d4e5f6071".to_owned(),
            authority_fingerprint: [7; 32],
            secret: [9; 16],
            addresses: vec!["192.168.1.10:51215".to_owned(), "[fd00::1]:51215".to_owned()],
        }
    }

    #[test]
    fn text_and_back() {
        let text = string().to_string();
        assert_eq!(text.parse(), Ok(string()));
        let wrapped = format!(" {}\n {}\n", &text[..20], &text[20..]);
        assert_eq!(wrapped.parse(), Ok(string()), "as mail wraps it");
        assert!(!format!("{:?}", string()).contains("9, 9"), "the secret stays out of logs");
    }

    #[test]
    fn what_is_not_one_is_told_apart() {
        let text = string().to_string();
        assert_eq!("BLN1-AAAA".parse::<JoinString>(), Err(JoinStringError::NotOne));
        assert_eq!("".parse::<JoinString>(), Err(JoinStringError::NotOne));
        assert_eq!("BSJ1-".parse::<JoinString>(), Err(JoinStringError::Damaged));
        for end in 5..text.len() {
            assert_eq!(text[..end].parse::<JoinString>(), Err(JoinStringError::Damaged), "{end}");
        }
        for at in 5..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(changed.parse::<JoinString>(), Err(JoinStringError::Damaged), "{at}");
        }
        let mut bytes = vec![2];
        bytes.extend_from_slice(&checksum(&bytes));
        let newer = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(newer.parse::<JoinString>(), Err(JoinStringError::Version(2)));
    }

    #[test]
    fn a_proof_is_good_for_one_channel_one_key_and_one_server() {
        let proof = string().proof(b"channel", b"key", "server-2");
        assert!(proof_holds(&[9; 16], b"channel", b"key", "server-2", &proof));
        assert!(!proof_holds(&[9; 16], b"another", b"key", "server-2", &proof));
        assert!(!proof_holds(&[9; 16], b"channel", b"another", "server-2", &proof));
        assert!(!proof_holds(&[9; 16], b"channel", b"key", "server-3", &proof));
        assert!(!proof_holds(&[8; 16], b"channel", b"key", "server-2", &proof));
        assert!(!proof_holds(&[9; 16], b"channel", b"key", "server-2", &[]));
    }
}
