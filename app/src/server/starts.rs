//! Which start of a server this is: an old image of it, or a second one, is told apart by a number that goes up with every start and
//! that the other server remembers.

use super::durable;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path};

const FILE: &str = "start.json";

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

    fn save(&self, data: &Path) -> io::Result<()> {
        durable::write(&data.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
