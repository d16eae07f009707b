//! Which start of a server this is: an old image of it, or a second one, is told apart by a number that goes up with every start and
//! that the other server and the devices remember.

use crate::{durable, keys::Keys};
use aws_lc_rs::hmac;
use gateway::wire::ServerStart;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

const FILE: &str = "start.json";
const INCARNATION_BYTES: usize = 8;
/// So many starts before this one are told from those of an image.
const REMEMBERED: usize = 64;

/// One start of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Start {
    /// Counts the starts of one data folder; 0 if unknown.
    pub number: u64,
    /// Random; hexadecimal.
    pub incarnation: String,
}

/// This start of a server, and those before it as far as its own disk tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    #[serde(flatten)]
    now: Start,
    #[serde(default)]
    before: Vec<Start>,
}

impl Starts {
    /// The next start of the server in the folder `data`, on disk before it counts.
    pub fn next(data: &Path) -> io::Result<Self> {
        let Self { now, mut before } = match fs::read(data.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        let next = Start::numbered(now.number + 1);
        before.push(now);
        before.drain(..before.len().saturating_sub(REMEMBERED));
        let starts = Self { now: next, before };
        starts.save(data)?;
        Ok(starts)
    }

    /// Goes on after a start that somebody has seen. Whatever was started before is settled.
    pub fn after(&self, seen: &Start, data: &Path) -> io::Result<Self> {
        let number = self.now.number.max(seen.number) + 1;
        let starts = Self { now: Start::numbered(number), before: Vec::new() };
        starts.save(data)?;
        Ok(starts)
    }

    /// The one that runs.
    #[must_use]
    pub fn now(&self) -> &Start {
        &self.now
    }

    /// Whether somebody who has seen `seen` of this server has seen a later start, or another one in the place of this or of one before:
    /// then this is an old image or a clone, however often it was started.
    #[must_use]
    pub fn are_overtaken_by(&self, seen: &Start) -> bool {
        let other = |own: &Start| own.number == seen.number && own.incarnation != seen.incarnation;
        seen.number > self.now.number || other(&self.now) || self.before.iter().any(other)
    }

    fn save(&self, data: &Path) -> io::Result<()> {
        durable::write(&data.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

impl Start {
    fn numbered(number: u64) -> Self {
        Self { number, incarnation: hex::encode(rand::random::<[u8; INCARNATION_BYTES]>()) }
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
    fn starts_count_up_and_an_old_image_stays_overtaken() {
        let folder = tempfile::tempdir().unwrap();
        let first = Starts::next(folder.path()).unwrap();
        let image = fs::read(folder.path().join(FILE)).unwrap();
        let second = Starts::next(folder.path()).unwrap();
        assert_eq!((first.now.number, second.now.number), (1, 2));
        assert!(first.are_overtaken_by(&second.now));
        assert!(!second.are_overtaken_by(&first.now) && !second.are_overtaken_by(&second.now));
        // The image of the first start comes up: its number was given already, to another incarnation.
        fs::write(folder.path().join(FILE), image).unwrap();
        let clone = Starts::next(folder.path()).unwrap();
        assert!(clone.are_overtaken_by(&second.now) && second.are_overtaken_by(&clone.now));
        // Nobody told it, and it is started again: its number is the highest now.
        let again = Starts::next(folder.path()).unwrap();
        assert_eq!(again.now.number, 3);
        assert!(again.are_overtaken_by(&second.now) && !again.are_overtaken_by(&clone.now));
        // Somebody decides for it.
        let settled = again.after(&second.now, folder.path()).unwrap();
        assert_eq!(settled.now.number, 4);
        assert!(!settled.are_overtaken_by(&second.now) && second.are_overtaken_by(&settled.now));
        assert_eq!(Starts::next(folder.path()).unwrap().now.number, 5);
    }

    #[test]
    fn what_an_older_program_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), r#"{ "number": 7, "incarnation": "0011223344556677" }"#).unwrap();
        let next = Starts::next(folder.path()).unwrap();
        let before = Start { number: 7, incarnation: "0011223344556677".to_owned() };
        assert_eq!((next.now.number, &next.before[..]), (8, &[before.clone()][..]));
        assert!(!next.are_overtaken_by(&before));
    }

    #[test]
    fn only_so_many_starts_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = Starts::next(folder.path()).unwrap();
        for _ in 0..REMEMBERED + 10 {
            last = Starts::next(folder.path()).unwrap();
        }
        assert_eq!(last.before.len(), REMEMBERED);
        assert_eq!(last.before.last().unwrap().number + 1, last.now.number);
    }
}
