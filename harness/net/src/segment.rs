//! A segment: hosts that reach each other without a router.

use std::net::Ipv6Addr;

use crate::prefix::Prefix;

/// What a segment is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// IPv4 addresses that are on this segment; none: no IPv4.
    pub v4: Option<Prefix>,
    /// IPv6 addresses that are on this segment; none: no IPv6.
    pub v6: Option<Prefix>,
    /// Where addresses come from for who does not bring its own; empty: from `v4` and `v6`.
    pub pools: Vec<Prefix>,
    /// Hosts reach only the gateway, not each other ("client isolation" of a hotel's Wi-Fi).
    pub isolation: bool,
}

impl Params {
    /// The public internet: every address is on it, those it hands out are for documentation
    /// (RFC 5737, RFC 3849) and, when these run out, for benchmarks (RFC 2544).
    pub fn internet() -> Self {
        let documentation = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0);
        Self {
            v4: Some(Prefix::v4([0; 4], 0)),
            v6: Some(Prefix::v6(Ipv6Addr::UNSPECIFIED, 0)),
            pools: vec![
                Prefix::v4([203, 0, 113, 0], 24),
                Prefix::v4([198, 51, 100, 0], 24),
                Prefix::v4([192, 0, 2, 0], 24),
                Prefix::v4([198, 18, 0, 0], 15),
                Prefix::v6(documentation, 64),
            ],
            isolation: false,
        }
    }

    /// A LAN with one IPv4 prefix.
    pub fn v4(prefix: Prefix) -> Self {
        Self { v4: Some(prefix), ..Self::default() }
    }

    /// The same LAN with an IPv6 prefix beside what it has.
    #[must_use]
    pub fn with_v6(self, prefix: Prefix) -> Self {
        Self { v6: Some(prefix), ..self }
    }

    /// The same LAN with client isolation.
    #[must_use]
    pub fn isolated(self) -> Self {
        Self { isolation: true, ..self }
    }
}
