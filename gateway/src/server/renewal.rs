//! What a certificate request must be for the device that sends it over its session.

use super::directory::Renewal;
use crate::authority::parse_request;
use crate::tls::{Peer, peer_of, public_key_of, validity_of};
use crate::wire::DeviceId;
use rcgen::PublicKeyData as _;
use rustls_pki_types::CertificateDer;

/// The wish that a directory is asked to fulfil, or why it is not even asked: the request has to be for the key of the
/// certificate that the session shows, and not before half of that certificate's life is over.
pub(super) fn renewal_of(
    shown: Option<&CertificateDer<'_>>,
    device: DeviceId,
    request: Vec<u8>,
    now_unix_s: u64,
) -> Result<Renewal, String> {
    let unreadable = || "the session shows no device's certificate".to_owned();
    let shown = shown.ok_or_else(unreadable)?;
    let serial = match peer_of(shown) {
        Some(Peer::Device { id, serial, .. }) if id == device => serial,
        Some(Peer::Device { .. } | Peer::Server { .. }) | None => return Err(unreadable()),
    };
    let key = parse_request(&request).map_err(|error| error.to_string())?.public_key.subject_public_key_info();
    if public_key_of(shown).is_none_or(|shown| shown != key) {
        return Err("the certificate request is for another key than the device's certificate".to_owned());
    }
    let (begins, ends) = validity_of(shown).ok_or_else(unreadable)?;
    if now_unix_s < begins + ends.saturating_sub(begins) / 2 {
        return Err("the device's certificate has more than half of its life before it".to_owned());
    }
    Ok(Renewal { device, certificate_serial: serial, certificate_request: request })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, request_for};
    use rcgen::KeyPair;
    use time::{Duration, OffsetDateTime};

    const DEVICE: DeviceId = DeviceId(7);

    #[test]
    fn the_request_is_for_the_key_of_a_certificate_that_grows_old() {
        let born = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let authority = Authority::create("site", born).unwrap();
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let (request, theirs) = (request_for(&key).unwrap(), request_for(&other).unwrap());
        let issued = authority.issue_device(&request, DEVICE, born).unwrap();
        let shown = CertificateDer::from(issued.der);
        let after = |days| u64::try_from((born + Duration::days(days)).unix_timestamp()).unwrap();

        let good = renewal_of(Some(&shown), DEVICE, request.clone(), after(2500)).unwrap();
        assert_eq!(
            (good.device, &good.certificate_serial, &good.certificate_request),
            (DEVICE, &issued.serial, &request)
        );
        assert!(renewal_of(Some(&shown), DEVICE, request.clone(), after(5000)).is_ok());
        assert!(renewal_of(Some(&shown), DEVICE, request.clone(), after(1000)).unwrap_err().contains("half"));
        assert!(renewal_of(Some(&shown), DEVICE, theirs, after(2500)).unwrap_err().contains("another key"));
        assert!(renewal_of(Some(&shown), DeviceId(8), request.clone(), after(2500)).is_err());
        assert!(renewal_of(None, DEVICE, request.clone(), after(2500)).is_err());

        // Signed by nobody who has the key.
        let mut forged = request;
        *forged.last_mut().unwrap() ^= 1;
        assert!(renewal_of(Some(&shown), DEVICE, forged, after(2500)).is_err());
        assert!(renewal_of(Some(&shown), DEVICE, Vec::new(), after(2500)).is_err());
    }
}
