//! That a server was removed from the installation can be believed: the installation's authority has signed it.
//!
//! The seal is an ECDSA P-256 signature (DER) with the authority's key over the text
//!
//! ```text
//! bln-revoked-server 1
//! installation <id>
//! server <id>
//! ```
//!
//! every line ended by a line feed.

use crate::{
    authority::{Authority, AuthorityError},
    tls::is_signed,
    wire::RevokedServer,
};
use rustls_pki_types::CertificateDer;

/// Says for good that a server belongs to the installation no more.
///
/// # Errors
///
/// No randomness.
pub fn seal(authority: &Authority, server_id: &str) -> Result<RevokedServer, AuthorityError> {
    let seal = authority.sign(text_of(authority.installation_id(), server_id).as_bytes())?;
    Ok(RevokedServer { server_id: server_id.to_owned(), seal })
}

/// Whether the installation's authority said so. `authority` is its certificate, DER.
#[must_use]
pub fn is_genuine(revoked: &RevokedServer, installation_id: &str, authority: &CertificateDer<'_>) -> bool {
    is_signed(authority, text_of(installation_id, &revoked.server_id).as_bytes(), &revoked.seal)
}

fn text_of(installation_id: &str, server_id: &str) -> String {
    format!("bln-revoked-server 1\ninstallation {installation_id}\nserver {server_id}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn authority(installation: &str) -> Authority {
        Authority::create(installation, OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)).unwrap()
    }

    #[test]
    fn a_revocation_is_believed_only_as_the_authority_signed_it() {
        let (ours, theirs) = (authority("site"), authority("site"));
        let revoked = seal(&ours, "s2").unwrap();
        assert!(is_genuine(&revoked, "site", ours.certificate_der()));
        assert!(!is_genuine(&revoked, "elsewhere", ours.certificate_der()));
        assert!(!is_genuine(&revoked, "site", theirs.certificate_der()));
        assert!(!is_genuine(
            &RevokedServer { server_id: "s1".to_owned(), ..revoked.clone() },
            "site",
            ours.certificate_der()
        ));
        assert!(!is_genuine(&RevokedServer { seal: Vec::new(), ..revoked }, "site", ours.certificate_der()));
        let epoch = crate::epoch::seal(&ours, 1, "s2").unwrap();
        let of_an_epoch = RevokedServer { server_id: "s2".to_owned(), seal: epoch.seal[16..].to_vec() };
        assert!(!is_genuine(&of_an_epoch, "site", ours.certificate_der()), "a seal is good for what it says");
    }

    #[test]
    fn the_document_has_the_text_that_is_signed() {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text_of("site", "s1").as_bytes());
        assert!(include_str!("../PROTOCOL.md").contains(&hex::encode(hash)), "{}", hex::encode(hash));
    }
}
