//! Where a server is: an IP address or a domain name, and nothing else.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

const NAME_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4 or IPv6.
    Ip(IpAddr),
    /// A domain name in ASCII, its case as typed, without a trailing dot.
    Name(String),
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("an address is needed, for example 192.168.1.10 or biostar.example.com")]
    Empty,
    /// Only digits and dots, or a last label of digits, but no IPv4 address.
    #[error("this is no IPv4 address: four numbers from 0 to 255 with dots, for example 192.168.1.10")]
    BadIpv4,
    /// Colons or brackets, but no IPv6 address.
    #[error("this is no IPv6 address, for example 2001:db8::10 or [2001:db8::10]; the port has its own field")]
    BadIpv6,
    /// An IPv6 address with a zone.
    #[error("an IPv6 address cannot carry a zone (the part after %); give a global address, for example 2001:db8::10")]
    Zone,
    /// Longer than the domain name system allows.
    #[error("a domain name has at most {NAME_LENGTH_MAX} characters, for example biostar.example.com")]
    TooLong,
    /// A label is empty or too long.
    #[error(
        "each part of a domain name between the dots has 1 to {LABEL_LENGTH_MAX} characters, as in biostar.example.com"
    )]
    BadLabel,
    /// A label begins or ends with a hyphen.
    #[error("no part of a domain name begins or ends with a hyphen; an example is bio-star.example.com")]
    Hyphen,
    /// Something that is neither letter, digit, hyphen nor underscore.
    #[error("a domain name has letters, digits, hyphens and dots only, for example biostar.example.com")]
    BadCharacter,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.contains([':', '[', ']', '%']) {
            return parse_ipv6(text);
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        parse_name(text).map(Self::Name)
    }
}

fn parse_ipv6(text: &str) -> Result<Address, AddressError> {
    if text.contains('%') {
        return Err(AddressError::Zone);
    }
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or(AddressError::BadIpv6)?,
        None => text,
    };
    let ip: Ipv6Addr = bare.parse().map_err(|_| AddressError::BadIpv6)?;
    Ok(Address::Ip(ip.into()))
}

fn parse_name(text: &str) -> Result<String, AddressError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = if text.is_ascii() {
        text.to_owned()
    } else {
        idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| AddressError::BadCharacter)?
            .into_owned()
    };
    if name.len() > NAME_LENGTH_MAX {
        return Err(AddressError::TooLong);
    }
    for label in name.split('.') {
        check_label(label)?;
    }
    // A name whose last label is a number would be read as an IPv4 address by many a resolver.
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err(AddressError::BadIpv4);
    }
    Ok(name)
}

fn check_label(label: &str) -> Result<(), AddressError> {
    if label.is_empty() || label.len() > LABEL_LENGTH_MAX {
        return Err(AddressError::BadLabel);
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(AddressError::BadCharacter);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(AddressError::Hyphen);
    }
    Ok(())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Address {
    /// The name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Ip(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    /// Names the same host as far as text can tell; the case of a name does not matter.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::Ip(_), Self::Name(_)) | (Self::Name(_), Self::Ip(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<&str, AddressError>) {
        let parsed = text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(parsed, expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn addresses_are_accepted_in_all_their_forms() {
        check("192.168.1.10", Ok("192.168.1.10"));
        check(" 10.0.0.1 ", Ok("10.0.0.1"));
        check("2001:DB8:0:0::10", Ok("2001:db8::10"));
        check("[2001:db8::10]", Ok("2001:db8::10"));
        check("::1", Ok("::1"));
        check("BioStar.Example.COM", Ok("BioStar.Example.COM"));
        check("biostar.example.com.", Ok("biostar.example.com"));
        check("bio_star-2", Ok("bio_star-2"));
        check("3com", Ok("3com"));
        check("bücher.example", Ok("xn--bcher-kva.example"));
        check(&format!("{}.a", "a".repeat(63)), Ok(&format!("{}.a", "a".repeat(63))));
    }

    #[test]
    fn anything_else_is_refused_with_its_rule() {
        check("", Err(AddressError::Empty));
        check("   ", Err(AddressError::Empty));
        check("300.1.1.1", Err(AddressError::BadIpv4));
        check("1.2.3", Err(AddressError::BadIpv4));
        check("192.168.1.10.", Err(AddressError::BadIpv4));
        check("01.2.3.4", Err(AddressError::BadIpv4));
        check("host.123", Err(AddressError::BadIpv4));
        check("51213", Err(AddressError::BadIpv4));
        check("fe80::1%eth0", Err(AddressError::Zone));
        check("2001:db8::g", Err(AddressError::BadIpv6));
        check("[::1", Err(AddressError::BadIpv6));
        check("10.0.0.1:51213", Err(AddressError::BadIpv6));
        check("http://biostar", Err(AddressError::BadIpv6));
        check("bio star", Err(AddressError::BadCharacter));
        check("bio/star", Err(AddressError::BadCharacter));
        check("-a.example", Err(AddressError::Hyphen));
        check("a..example", Err(AddressError::BadLabel));
        check(".", Err(AddressError::BadLabel));
        check(&"a".repeat(64), Err(AddressError::BadLabel));
        check(&vec!["abcdefg"; 32].join("."), Err(AddressError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_the_same(text in "\\PC{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
