//! The installation's seal on a server list: a device brings it back to servers that never saw the list.

use crate::keys::Keys;
use aws_lc_rs::hmac;
use gateway::wire::ServerList;

/// The list with the seal that says: a server of this installation made it, for this device.
#[must_use]
pub(crate) fn sealed(list: ServerList, device: u32, keys: &Keys) -> ServerList {
    let seal = hmac::sign(&key_of(keys), &words(&list, device));
    list.with_seal(seal.as_ref().to_vec())
}

/// Whether the list bears that seal.
#[must_use]
pub(crate) fn is_sealed(list: &ServerList, device: u32, keys: &Keys) -> bool {
    hmac::verify(&key_of(keys), &words(list, device), list.seal()).is_ok()
}

/// The hash covers epoch, number, base, entries and settings.
fn words(list: &ServerList, device: u32) -> Vec<u8> {
    format!("biostar list\n{device}\n{}", list.version().hash).into_bytes()
}

fn key_of(keys: &Keys) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, keys.token_secret())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::wire::Entries;
    use time::OffsetDateTime;

    #[test]
    fn a_seal_is_for_one_list_of_one_device_in_one_installation() {
        let keys = |id| Keys::create(id, "one", OffsetDateTime::now_utc()).unwrap();
        let (own, other) = (keys("i"), keys("j"));
        let list = |port| ServerList::new(1, 2, None, Entries::parse([(1, "192.0.2.1", port)]).unwrap());
        let kept = sealed(list(51_213), 7, &own);
        assert!(is_sealed(&kept, 7, &own));
        assert!(!is_sealed(&kept, 8, &own));
        assert!(!is_sealed(&kept, 7, &other));
        assert!(!is_sealed(&list(51_214).with_seal(kept.seal().to_vec()), 7, &own));
        assert!(!is_sealed(&list(51_213), 7, &own));
    }
}
