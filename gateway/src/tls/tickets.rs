//! Session tickets that every server of an installation can open, so that a device resumes wherever it lands.
//!
//! The keys follow from a secret that the servers share and from the time: nothing has to be sent from one to the other
//! when they change. A ticket opens under the key it was made with and under the next; servers whose clocks differ by
//! up to one key's time still understand each other.

use super::Clock;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use rustls::server::ProducesTickets;

/// How long one key makes tickets, and how long a ticket is good at least.
const KEY_TIME_S: u32 = 12 * 60 * 60;
/// No other use of the same secret may ever authenticate these bytes; hence the zero byte, which no text has.
const PURPOSE: &[u8] = b"bln session tickets\0";
const PERIOD_BYTES: usize = 8;

/// Makes and opens session tickets.
pub struct Tickets {
    secret: hmac::Key,
    clock: Clock,
}

impl Tickets {
    /// For all servers that know this secret. It may also serve to authenticate texts.
    #[must_use]
    pub fn of_installation(secret: &[u8; 32], clock: Clock) -> Self {
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, secret), clock }
    }

    /// For one server alone, until it ends.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::of_installation(&rand::random(), Clock::system())
    }

    /// The number of the key of this time.
    fn period(&self) -> u64 {
        self.clock.read(0).at.as_secs() / u64::from(KEY_TIME_S)
    }

    fn key(&self, period: [u8; PERIOD_BYTES]) -> Option<RandomizedNonceKey> {
        let mut context = hmac::Context::with_key(&self.secret);
        context.update(PURPOSE);
        context.update(&period);
        RandomizedNonceKey::new(&AES_256_GCM, context.sign().as_ref()).ok()
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        KEY_TIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let period = self.period().to_be_bytes();
        let mut sealed = plain.to_vec();
        let nonce = self.key(period)?.seal_in_place_append_tag(Aad::from(period), &mut sealed).ok()?;
        Some([&period, nonce.as_ref().as_slice(), &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (period, rest) = ticket.split_first_chunk::<PERIOD_BYTES>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let known = self.period().abs_diff(u64::from_be_bytes(*period)) <= 1;
        let key = known.then(|| self.key(*period))??;
        let mut opened = sealed.to_vec();
        let length = key.open_in_place(Nonce::from(nonce), Aad::from(*period), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: [u8; 32] = [7; 32];

    fn at(hours: u64) -> Tickets {
        Tickets::of_installation(&SECRET, Clock::new(move || hours * 3600))
    }

    #[test]
    fn a_ticket_opens_at_every_server_until_its_key_is_old() {
        let ticket = at(1200).encrypt(b"a session").unwrap();
        assert!(!ticket.windows(9).any(|bytes| bytes == b"a session"));
        for hours in [1200, 1211, 1212, 1223, 1199, 1188] {
            assert_eq!(at(hours).decrypt(&ticket).as_deref(), Some(&b"a session"[..]), "after {hours} h");
        }
        for hours in [1224, 1187, 0, 90_000] {
            assert_eq!(at(hours).decrypt(&ticket), None, "after {hours} h");
        }
    }

    #[test]
    fn another_secret_opens_nothing() {
        let ticket = at(5).encrypt(b"a session").unwrap();
        let stranger = Tickets::of_installation(&[8; 32], Clock::new(|| 5 * 3600));
        assert_eq!(stranger.decrypt(&ticket), None);
        assert_eq!(Tickets::of_this_process().decrypt(&Tickets::of_this_process().encrypt(b"x").unwrap()), None);
    }

    proptest! {
        #[test]
        fn a_changed_ticket_opens_nothing(place in any::<prop::sample::Index>(), bit in 0u8..8, cut in 0usize..60) {
            let ticket = at(5).encrypt(b"what a server knows of a session").unwrap();
            let mut changed = ticket.clone();
            changed[place.index(ticket.len())] ^= 1 << bit;
            prop_assert_eq!(at(5).decrypt(&changed), None);
            prop_assert_eq!(at(5).decrypt(&ticket[..ticket.len() - 1 - cut]), None);
        }
    }
}
