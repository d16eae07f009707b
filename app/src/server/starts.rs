//! Which start of a server this is: an old image of it, or a second one, is told apart by a number that goes up with every start and
//! that the other server and the devices remember.

use super::{durable, keys::Keys};
use aws_lc_rs::hmac;
use gateway::wire::ServerStart;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

const FILE: &str = "start.json";
const INCARNATION_BYTES: usize = 8;

/// One start of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Start {
    /// Counts the starts of one data folder; 0 if unknown.
    pub number: u64,
    /// Random; hexadecimal.
    pub incarnation: String,
}

impl Start {
    /// The next start of the server in the folder `data`, on disk before it counts.
    ///
    /// # Errors
    ///
    /// The disk's, or the file cannot be read.
    pub fn next(data: &Path) -> io::Result<Self> {
        let before: Self = match fs::read(data.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        let start = Self { number: before.number + 1, incarnation: hex::encode(rand::random::<[u8; 8]>()) };
        start.save(data)?;
        Ok(start)
    }

    /// Whether somebody who has seen `seen` of this server has seen a later start, or another one with this number.
    #[must_use]
    pub fn is_overtaken_by(&self, seen: &Self) -> bool {
        seen.number > self.number || (seen.number == self.number && seen.incarnation != self.incarnation)
    }

    /// Goes on after a start that somebody has seen.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn after(seen: &Self, data: &Path) -> io::Result<Self> {
        let start = Self { number: seen.number + 1, incarnation: hex::encode(rand::random::<[u8; 8]>()) };
        start.save(data)?;
        Ok(start)
    }

    /// As a device keeps it: with proof that a server of the installation gave this number to the server `server_id`.
    #[must_use]
    pub fn on_the_wire(&self, keys: &Keys, server_id: &str) -> ServerStart {
        let incarnation = hex::decode(&self.incarnation).unwrap_or_default();
        let mac = hmac::sign(&key_of(keys), &self.signed(server_id));
        let token = [incarnation.as_slice(), mac.as_ref()].concat();
        ServerStart { server_id: server_id.to_owned(), number: self.number, token }
    }

    /// What a device has met, if a server of the installation really gave it: no device can stop a server with a number of its own.
    #[must_use]
    pub fn met(start: &ServerStart, keys: &Keys) -> Option<Self> {
        let (incarnation, mac) = start.token.split_at_checked(INCARNATION_BYTES)?;
        let met = Self { number: start.number, incarnation: hex::encode(incarnation) };
        hmac::verify(&key_of(keys), &met.signed(&start.server_id), mac).ok().map(|()| met)
    }

    fn signed(&self, server_id: &str) -> Vec<u8> {
        format!("biostar start\n{server_id}\n{}\n{}", self.number, self.incarnation).into_bytes()
    }

    fn save(&self, data: &Path) -> io::Result<()> {
        durable::write(&data.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

fn key_of(keys: &Keys) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, keys.token_secret())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    #[test]
    fn a_device_brings_back_what_a_server_gave_it_and_nothing_else() {
        let keys = Keys::create("i", "one", OffsetDateTime::now_utc()).unwrap();
        let start = Start { number: 3, incarnation: "0011223344556677".to_owned() };
        let given = start.on_the_wire(&keys, "one");
        assert_eq!(Start::met(&given, &keys), Some(start));
        for wrong in [
            ServerStart { number: 4, ..given.clone() },
            ServerStart { server_id: "two".to_owned(), ..given.clone() },
            ServerStart { token: vec![0; 40], ..given.clone() },
            ServerStart { token: Vec::new(), ..given },
        ] {
            assert_eq!(Start::met(&wrong, &keys), None, "{wrong:?}");
        }
    }

    #[test]
    fn starts_count_up_and_an_old_image_is_overtaken() {
        let folder = tempfile::tempdir().unwrap();
        let first = Start::next(folder.path()).unwrap();
        let image = fs::read(folder.path().join(FILE)).unwrap();
        let second = Start::next(folder.path()).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert!(first.is_overtaken_by(&second) && !second.is_overtaken_by(&first) && !second.is_overtaken_by(&second));
        // The image of the first start comes up: its number was given already, to another incarnation.
        fs::write(folder.path().join(FILE), image).unwrap();
        let clone = Start::next(folder.path()).unwrap();
        assert!(clone.is_overtaken_by(&second) && second.is_overtaken_by(&clone));
        let settled = Start::after(&second, folder.path()).unwrap();
        assert!(!settled.is_overtaken_by(&second) && second.is_overtaken_by(&settled));
        assert_eq!(Start::next(folder.path()).unwrap().number, 4);
    }
}
