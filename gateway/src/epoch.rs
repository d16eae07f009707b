//! Epochs that can be believed: each is sealed by the installation's authority when a server is promoted, and nobody heeds
//! one without its seal.
//!
//! The seal is 16 random bytes and an ECDSA P-256 signature (DER) with the authority's key over the text
//!
//! ```text
//! bln-epoch 1
//! installation <id>
//! number <decimal>
//! server <id>
//! random <lower-case hexadecimal>
//! ```
//!
//! every line ended by a line feed. Two promotions to one number differ at least in their random bytes.

use crate::{
    authority::{Authority, AuthorityError},
    tls::is_signed,
    wire::Epoch,
};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use rustls_pki_types::CertificateDer;

const RANDOM_BYTES: usize = 16;

/// Makes the epoch that begins when `server_id` is promoted.
///
/// # Errors
///
/// No randomness.
pub fn seal(authority: &Authority, number: u64, server_id: &str) -> Result<Epoch, AuthorityError> {
    let mut seal = vec![0; RANDOM_BYTES];
    SystemRandom::new().fill(&mut seal).map_err(|_| AuthorityError::Signing("no randomness".into()))?;
    let text = text_of(authority.installation_id(), number, server_id, &seal);
    seal.extend(authority.sign(text.as_bytes())?);
    Ok(Epoch { number, server_id: server_id.to_owned(), seal })
}

/// Whether the installation's authority sealed this epoch. `authority` is its certificate, DER.
#[must_use]
pub fn is_genuine(epoch: &Epoch, installation_id: &str, authority: &CertificateDer<'_>) -> bool {
    let Some((random, signature)) = epoch.seal.split_at_checked(RANDOM_BYTES) else { return false };
    let text = text_of(installation_id, epoch.number, &epoch.server_id, random);
    is_signed(authority, text.as_bytes(), signature)
}

fn text_of(installation_id: &str, number: u64, server_id: &str, random: &[u8]) -> String {
    let random = hex::encode(random);
    format!("bln-epoch 1\ninstallation {installation_id}\nnumber {number}\nserver {server_id}\nrandom {random}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn authority(installation: &str) -> Authority {
        Authority::create(installation, OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)).unwrap()
    }

    #[test]
    fn a_sealed_epoch_is_believed_as_it_is_and_not_otherwise() {
        let ours = authority("site");
        let epoch = seal(&ours, 7, "s2").unwrap();
        let believed = |epoch: &Epoch| is_genuine(epoch, "site", ours.certificate_der());
        assert!(believed(&epoch));
        assert!(!believed(&Epoch { number: 8, ..epoch.clone() }));
        assert!(!believed(&Epoch { server_id: "s1".to_owned(), ..epoch.clone() }));
        assert!(!believed(&Epoch { seal: Vec::new(), ..epoch.clone() }));
        assert!(!is_genuine(&epoch, "elsewhere", ours.certificate_der()));
        for place in 0..epoch.seal.len() {
            let mut seal = epoch.seal.clone();
            seal[place] ^= 1;
            assert!(!believed(&Epoch { seal, ..epoch.clone() }), "changed at {place}");
        }
    }

    #[test]
    fn the_document_has_the_text_that_is_signed() {
        let random: Vec<u8> = (0..16).collect();
        let text = text_of("site", 3, "s1", &random);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        assert!(include_str!("../PROTOCOL.md").contains(&hex::encode(hash)), "{text}");
    }

    #[test]
    fn another_authority_of_the_same_name_is_not_believed() {
        let (ours, theirs) = (authority("site"), authority("site"));
        let epoch = seal(&theirs, 1, "s1").unwrap();
        assert!(!is_genuine(&epoch, "site", ours.certificate_der()));
    }

    #[test]
    fn two_promotions_to_one_number_differ() {
        let ours = authority("site");
        assert_ne!(seal(&ours, 2, "s1").unwrap(), seal(&ours, 2, "s1").unwrap());
    }
}
