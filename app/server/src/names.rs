//! Names and texts that several rules use.

use crate::{Service, actor::Actor, db::AuditEntry};
use model::{ChoiceRule, Fault};
use serde_json::Value;

/// The longest name of a device, in characters.
const MAX_NAME_CHARS: usize = 48;

impl Service {
    /// The audit row of a change that happens now.
    pub(crate) fn audit(
        &self,
        actor: &Actor,
        action: &'static str,
        subject: String,
        before: Option<Value>,
        after: Option<Value>,
    ) -> AuditEntry {
        AuditEntry {
            at: self.clock.now_text(),
            operator: actor.login.clone(),
            peer: actor.peer.clone(),
            action,
            subject,
            before,
            after,
        }
    }
}

/// How the audit trail calls a device.
pub(crate) fn device_name_of(device: u32) -> String {
    format!("device {device}")
}

/// A device's name as typed, without the spaces around it.
pub(crate) fn parse_device_name(text: &str) -> Result<String, Fault> {
    let name = text.trim();
    let chars = name.chars().count();
    if chars == 0 {
        return Err(Fault::field("name", ChoiceRule::NoName { most: MAX_NAME_CHARS }));
    }
    if chars > MAX_NAME_CHARS {
        return Err(Fault::field("name", ChoiceRule::LongName { most: MAX_NAME_CHARS, given: chars }));
    }
    if name.chars().any(char::is_control) {
        return Err(Fault::field("name", ChoiceRule::NamePrintable));
    }
    Ok(name.to_owned())
}

/// The name a device starts with.
pub(crate) fn default_device_name(product: &str, device: u32, ip_address: &str) -> String {
    let product: String = product.chars().filter(|c| !c.is_control()).take(16).collect();
    let product = if product.trim().is_empty() { "Device" } else { product.trim() };
    match ip_address.parse::<std::net::IpAddr>() {
        Ok(ip) => {
            let long = format!("{product} {device} ({ip})");
            if long.chars().count() <= MAX_NAME_CHARS { long } else { format!("{product} {device}") }
        }
        Err(_) => format!("{product} {device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_1_to_48_characters() {
        assert_eq!(parse_device_name("  Hintertür "), Ok("Hintertür".to_owned()));
        assert_eq!(parse_device_name(&"ü".repeat(48)).map(|n| n.chars().count()), Ok(48));
        for bad in ["", "   ", "a\nb", "\u{7f}x", &"x".repeat(49)] {
            assert!(matches!(parse_device_name(bad), Err(Fault::Invalid { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_device_starts_with_a_name_that_obeys_the_rule() {
        assert_eq!(default_device_name("BioLite Net", 547_846_001, "10.0.0.7"), "BioLite Net 547846001 (10.0.0.7)");
        assert_eq!(default_device_name("", 1, "not an address"), "Device 1");
        let long = default_device_name(&"x\n".repeat(40), u32::MAX, "2001:db8:1111:2222:3333:4444:5555:6666");
        assert_eq!(parse_device_name(&long), Ok(long.clone()));
    }
}
