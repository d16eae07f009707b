//! When a certificate is good, and when it is renewed.

/// When a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateLife {
    /// Its "not before", seconds since 1970 UTC.
    pub begins_unix_s: u64,
    /// Its "not after", seconds since 1970 UTC.
    pub ends_unix_s: u64,
}

impl CertificateLife {
    /// From then on it is renewed, seconds since 1970 UTC.
    #[must_use]
    pub fn renewal_unix_s(self) -> u64 {
        self.begins_unix_s + self.ends_unix_s.saturating_sub(self.begins_unix_s) / 3 * 2
    }

    pub(super) fn is_over(self, server_time_ms: u64) -> bool {
        server_time_ms / 1000 > self.ends_unix_s
    }
}
