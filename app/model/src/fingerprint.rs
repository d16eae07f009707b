//! Fingerprints, for comparing by eye.

/// A fingerprint in groups of four.
#[must_use]
pub fn grouped(fingerprint: &str) -> String {
    let mut out = String::with_capacity(fingerprint.len() * 5 / 4);
    for (index, digit) in fingerprint.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn fingerprints_come_in_groups() {
        assert_eq!(super::grouped("0123456789"), "0123 4567 89");
    }
}
