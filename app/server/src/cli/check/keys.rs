//! What the server proves itself with: there, its own, and good for a while yet.

use super::{Scene, report::Finding};
use crate::{
    clock::text_of_unix_ms,
    config::HttpSecurity,
    keys::{Keys, KeysError},
};
use gateway::tls::validity_of;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// So long before its end a certificate is warned about, seconds.
const WARNED_S: i64 = 90 * 24 * 3600;

/// The keys are there and this server's.
pub(super) fn usable(scene: &Scene) -> Finding {
    let check = "keys";
    let folder = scene.config.data.join("keys");
    match (Keys::load(&scene.config.data), &scene.identity) {
        (Ok(None), None) => Finding::ok(check, "none yet; the first start makes them"),
        (Ok(None), Some(_)) => Finding::error(
            check,
            format!("{} is missing although a server lives here: restore it from a backup", folder.display()),
        ),
        (Ok(Some(keys)), Some(identity))
            if keys.server_id() != identity.server_id
                || keys.authority().installation_id() != identity.installation_id =>
        {
            let words = "the keys belong to another server than server.json says: restore both from one backup";
            Finding::error(check, words)
        }
        (Ok(Some(keys)), _) => match keys.server_credentials() {
            Ok(_) => Finding::ok(check, format!("complete, of server {}", keys.server_id())),
            Err(error) => {
                Finding::error(check, format!("certificate and key do not fit: {error}; restore {}", folder.display()))
            }
        },
        (Err(error @ KeysError::File(..)), _) => {
            Finding::error(check, format!("{error}: make it readable for this user, or restore it from a backup"))
        }
        (Err(error @ (KeysError::Authority(_) | KeysError::NotAServer(_) | KeysError::TokenKey(_))), _) => {
            Finding::error(check, format!("{error}: restore {} from a backup", folder.display()))
        }
    }
}

/// The authority's and this server's certificates are good now and not only just.
pub(super) fn dates(scene: &Scene) -> Vec<Finding> {
    let Some(keys) = &scene.keys else { return Vec::new() };
    let mut findings = Vec::new();
    for (name, validity) in keys.validities() {
        let advice = match name {
            "server" => "restart this server, which gives itself another",
            _ => "a new installation has to take this one's place",
        };
        findings.push(date_of("certificates", &format!("the {name}'s certificate"), validity, scene, advice));
    }
    findings
}

/// The certificate that browsers see, if it was given.
pub(super) fn browser_certificate(scene: &Scene) -> Option<Finding> {
    let check = "https";
    let HttpSecurity::Given(files) = scene.config.http_security() else { return None };
    if let Err(error) = PrivateKeyDer::from_pem_file(&files.key) {
        return Some(Finding::error(check, format!("{}: {error}: this server would not start", files.key.display())));
    }
    let first = CertificateDer::pem_file_iter(&files.certificate).and_then(|mut chain| chain.next().transpose());
    let certificate = match first {
        Ok(Some(certificate)) => certificate,
        Ok(None) => {
            let words = format!("{} holds no certificate: this server would not start", files.certificate.display());
            return Some(Finding::error(check, words));
        }
        Err(error) => {
            let words = format!("{}: {error}: this server would not start", files.certificate.display());
            return Some(Finding::error(check, words));
        }
    };
    let what = files.certificate.display().to_string();
    Some(date_of(check, &what, validity_of(&certificate), scene, "have it renewed and restart the server"))
}

fn date_of(check: &'static str, what: &str, validity: Option<(u64, u64)>, scene: &Scene, advice: &str) -> Finding {
    let Some((begins, ends)) = validity else {
        return Finding::error(check, format!("{what} has no dates that can be read"));
    };
    let now = scene.now.unix_timestamp();
    let day =
        |unix_s: u64| text_of_unix_ms(unix_s.saturating_mul(1000)).split('T').next().unwrap_or_default().to_owned();
    let (from, to) = (i64::try_from(begins).unwrap_or(i64::MAX), i64::try_from(ends).unwrap_or(i64::MAX));
    if to <= now {
        return Finding::error(check, format!("{what} ended on {}: nobody trusts it any more; {advice}", day(ends)));
    }
    if from > now {
        return Finding::error(
            check,
            format!("{what} begins on {}, which is later than this machine's clock: set the clock", day(begins)),
        );
    }
    if to - now < WARNED_S {
        return Finding::warning(check, format!("{what} ends on {}: {advice}", day(ends)));
    }
    Finding::ok(check, format!("{what} is good until {}", day(ends)))
}
