//! Which of the times that servers tell a device may hold on to.

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The time a server told, milliseconds since 1970 UTC; 0 if it is past the end of that server's own certificate.
///
/// The device checks dates against the latest time it was told. One server with a wrong clock must not make all
/// certificates look expired.
pub(super) fn believable(told_unix_ms: u64, server: Option<&CertificateDer<'_>>) -> u64 {
    let end = server.and_then(|der| X509Certificate::from_der(der).ok()).map(|(_, parsed)| parsed.validity().not_after);
    let end_s = end.and_then(|end| u64::try_from(end.timestamp()).ok()).unwrap_or(0);
    if told_unix_ms / 1000 < end_s { told_unix_ms } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Authority;
    use rustls_pki_types::pem::PemObject as _;
    use time::{Duration, OffsetDateTime};

    #[test]
    fn a_time_that_makes_its_own_server_expired_is_not_believed() {
        let now = OffsetDateTime::now_utc();
        let issued = Authority::create("site", now).unwrap().issue_server("server-1", now).unwrap();
        let server = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
        let after = |days| u64::try_from((now + Duration::days(days)).unix_timestamp()).unwrap() * 1000;
        assert_eq!(believable(after(0), Some(&server)), after(0));
        assert_eq!(believable(after(3000), Some(&server)), after(3000));
        assert_eq!(believable(after(4000), Some(&server)), 0);
        assert_eq!(believable(after(0), None), 0);
    }
}
