//! One slot of the device's state: JSON that a person can read, and a sum over it. Flipped bits leave JSON that is well
//! formed, only with another number in it.

use super::record::Record;
use crate::device::Stored;
use aws_lc_rs::digest::{SHA256, digest};

const BEGINNING: &str = "{\n\"version\": 2,\n\"sha256\": \"";
const MIDDLE: &str = "\",\n\"state\": ";
const END: &str = "\n}\n";

/// What a slot holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) stored: Stored,
    /// Nothing confirms it: it was written before slots had a sum.
    pub(super) bare: bool,
}

/// The bytes of a slot with this state.
pub(super) fn encode(stored: &Stored) -> serde_json::Result<Vec<u8>> {
    let state = serde_json::to_string_pretty(&Record::from(stored))?;
    Ok(format!("{BEGINNING}{}{MIDDLE}{state}{END}", sum_of(&state)).into_bytes())
}

/// What stands in a slot, or what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Slot, String> {
    let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let (state, bare) = match text.strip_prefix(BEGINNING) {
        Some(rest) => (state_of(rest).ok_or("it does not match its sum")?, false),
        None => (text, true),
    };
    let record: Record = serde_json::from_str(state).map_err(|error| error.to_string())?;
    Ok(Slot { stored: Stored::try_from(record)?, bare })
}

/// From the sum on; `None` if anything is not as it was written.
fn state_of(text: &str) -> Option<&str> {
    let (sum, state) = text.split_once(MIDDLE)?;
    let state = state.strip_suffix(END)?;
    (sum == sum_of(state)).then_some(state)
}

fn sum_of(state: &str) -> String {
    hex::encode(digest(&SHA256, state.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Entries, ServerList};

    #[test]
    fn a_slot_is_json_and_holds_what_was_put_into_it() {
        let entries = Entries::parse([(1, "192.0.2.1", 51_213)]).unwrap();
        let mut stored = Stored::new(ServerList::new(1, 1, None, entries), 7);
        let bytes = encode(&stored).unwrap();
        assert_eq!(decode(&bytes), Ok(Slot { stored: stored.clone(), bare: false }));
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["version"], 2);

        let bare = json["state"].to_string();
        assert_eq!(decode(bare.as_bytes()), Ok(Slot { stored: stored.clone(), bare: true }));
        stored.connection_sequence = 9;
        let other =
            String::from_utf8(bytes).unwrap().replace("\"connection_sequence\": 0", "\"connection_sequence\": 9");
        assert_eq!(decode(other.as_bytes()), Err("it does not match its sum".to_owned()));
    }
}
