//! Foundations (RFC 8445 §5.1.1.3, grammar in RFC 8839 §5.1).

use std::fmt;
use std::net::IpAddr;

use smol_str::SmolStr;

use super::value::{CandidateKind, Transport};

/// Groups candidates that are alike: 1 to 32 letters, digits, `+` and `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foundation(SmolStr);

impl Foundation {
    /// A foundation from its text, `None` if the grammar does not allow it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let valid = (1..=32).contains(&text.len()) && text.bytes().all(is_ice_char);
        valid.then(|| Self(text.into()))
    }

    /// The same text for candidates that RFC 8445 §5.1.1.3 wants alike: same type, same base
    /// address, same protocol and same STUN or TURN server address.
    #[must_use]
    pub fn compute(
        kind: &CandidateKind,
        base: IpAddr,
        transport: &Transport,
        server: Option<IpAddr>,
    ) -> Self {
        let server = server.map(|ip| ip.to_string()).unwrap_or_default();
        let alike = format!("{kind} {base} {transport} {server}");
        Self(crc32fast::hash(alike.as_bytes()).to_string().into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 8839 §5.1: `ice-char`.
const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn foundations_differ_when_type_base_transport_or_server_differ() {
        let (a, b) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let host = Foundation::compute(&CandidateKind::Host, a, &Transport::Udp, None);
        assert_eq!(host, Foundation::compute(&CandidateKind::Host, a, &Transport::Udp, None));
        for other in [
            Foundation::compute(&CandidateKind::Host, b, &Transport::Udp, None),
            Foundation::compute(&CandidateKind::Host, a, &Transport::Tcp, None),
            Foundation::compute(&CandidateKind::Host, a, &Transport::Udp, Some(b)),
            Foundation::compute(&CandidateKind::ServerReflexive, a, &Transport::Udp, None),
        ] {
            assert_ne!(host, other);
            assert_eq!(Foundation::new(other.as_str()), Some(other));
        }
    }

    #[test]
    fn text_outside_the_grammar_is_no_foundation() {
        for text in ["", "a b", "a-b", &"a".repeat(33)] {
            assert_eq!(Foundation::new(text), None);
        }
    }
}
