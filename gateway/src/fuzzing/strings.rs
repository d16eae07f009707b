//! Provisioning strings, as pasted and with the checksum made right.

use crate::provisioning::{ProvisioningString, sealed};

/// The bytes as the text itself, and as what stands inside an undamaged string. What is accepted comes back the same.
pub(super) fn provisioning(bytes: &[u8]) {
    let pasted = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<ProvisioningString>().ok());
    let inside = sealed(bytes).parse::<ProvisioningString>().ok();
    for string in [pasted, inside].into_iter().flatten() {
        assert_eq!(string.validate(), Ok(()), "accepted, yet against the rules");
        assert_eq!(string.to_string().parse(), Ok(string), "it came back as another");
    }
}
