//! The session-level lines `o=`, `c=`, `b=` and `t=`.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::Fault;
use super::print::{Print, display, number};
use super::text::{Text, Token, Word};

/// The `o=` line (RFC 8866 §5.2).
///
/// ```
/// use rtcspec_wire::sdp::Origin;
/// let origin: Origin = "- 7909513371472803658 2 IN IP4 127.0.0.1".parse()?;
/// assert_eq!(origin.session_version, 2);
/// # Ok::<(), rtcspec_wire::sdp::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// User name, `-` when there is none.
    pub username: Word,
    /// Session id; RFC 9429 §5.2.1 keeps it below 2^63.
    pub session_id: u64,
    /// Session version, one more whenever the description changes.
    pub session_version: u64,
    /// Address of the machine; RFC 9429 §5.2.1 wants one that says nothing.
    pub address: Address,
}

impl Parse for Origin {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let username = Word::read(cursor, "a user name")?;
        cursor.space("a space and the session id")?;
        let session_id = cursor.u64("session id")?;
        cursor.space("a space and the session version")?;
        let session_version = cursor.u64("session version")?;
        cursor.space("a space and the network type")?;
        let address = Address::parse(cursor)?;
        Ok(Self { username, session_id, session_version, address })
    }
}

impl Print for Origin {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.username.print(out)?;
        out.write_char(' ')?;
        number(out, self.session_id)?;
        out.write_char(' ')?;
        number(out, self.session_version)?;
        out.write_char(' ')?;
        self.address.print(out)
    }
}

/// What kind of address a line carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// `IN IP4`.
    Ip4,
    /// `IN IP6`.
    Ip6,
    /// Another network and address type.
    Other {
        /// Network type.
        net: Token,
        /// Address type.
        addr: Token,
    },
}

/// A network address with its types, as in `o=`, `c=` and `a=rtcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Network and address type.
    pub kind: AddressKind,
    /// The address or host name; of a multicast `c=` with its `/ttl/count`.
    pub host: Word,
}

impl Address {
    /// The address as `IN IP4` or `IN IP6`.
    #[must_use]
    pub fn from_ip(ip: IpAddr) -> Self {
        let kind = if ip.is_ipv4() { AddressKind::Ip4 } else { AddressKind::Ip6 };
        Self { kind, host: Word::from_ip(ip) }
    }

    /// `IN IP4 0.0.0.0`: no address in particular.
    #[must_use]
    pub fn unspecified() -> Self {
        Self::from_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// The IP address, if it is one and not a host name or multicast.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl Parse for Address {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let net = cursor.token("a network type")?;
        cursor.space("a space and the address type")?;
        let addr = cursor.token("an address type")?;
        let kind = match (net, addr) {
            ("IN", "IP4") => AddressKind::Ip4,
            ("IN", "IP6") => AddressKind::Ip6,
            _ => AddressKind::Other { net: net.parse()?, addr: addr.parse()? },
        };
        cursor.space("a space and the address")?;
        Ok(Self { kind, host: Word::read(cursor, "an address")? })
    }
}

impl Print for Address {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        match &self.kind {
            AddressKind::Ip4 => out.write_str("IN IP4 ")?,
            AddressKind::Ip6 => out.write_str("IN IP6 ")?,
            AddressKind::Other { net, addr } => {
                net.print(out)?;
                out.write_char(' ')?;
                addr.print(out)?;
                out.write_char(' ')?;
            }
        }
        self.host.print(out)
    }
}

/// A `b=` line (RFC 8866 §5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// `CT`, `AS`, `TIAS`...
    pub kind: Token,
    /// The figure, in the unit of the kind.
    pub value: u64,
}

impl Parse for Bandwidth {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let kind = Token::read(cursor, "a bandwidth type")?;
        cursor.expect(b':', "`:` and the bandwidth")?;
        Ok(Self { kind, value: cursor.u64("bandwidth")? })
    }
}

impl Print for Bandwidth {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.kind.print(out)?;
        out.write_char(':')?;
        number(out, self.value)
    }
}

/// A `t=` line (RFC 8866 §5.9): NTP seconds; `0 0` in WebRTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// When the session starts, 0 for always.
    pub start: u64,
    /// When it stops, 0 for never.
    pub stop: u64,
    /// The `r=` lines that follow it (RFC 8866 §5.10).
    pub repeats: Vec<Text>,
}

impl Parse for Timing {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.u64("start time")?;
        cursor.space("a space and the stop time")?;
        Ok(Self { start, stop: cursor.u64("stop time")?, repeats: Vec::new() })
    }
}

impl Print for Timing {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.start)?;
        out.write_char(' ')?;
        number(out, self.stop)
    }
}

display!(Origin, Address, Bandwidth, Timing);
from_str!(Origin, Address, Bandwidth, Timing);

#[cfg(test)]
mod tests {
    use super::super::fault::Reason;
    use super::*;

    #[test]
    fn session_id_beyond_64_bits_is_refused_with_its_column() {
        let fault = "- 18446744073709551616 2 IN IP4 0.0.0.0".parse::<Origin>().unwrap_err();
        assert_eq!(fault.column, 3);
        assert!(matches!(fault.reason, Reason::OutOfRange { what: "session id", .. }));
    }

    #[test]
    fn host_names_and_multicast_are_kept_as_text() {
        let address: Address = "IN IP4 e3b0.local".parse().unwrap();
        assert_eq!(address.ip(), None);
        let address: Address = "IN IP4 224.2.1.1/127/3".parse().unwrap();
        assert_eq!(address.to_string(), "IN IP4 224.2.1.1/127/3");
        let address: Address = "IN IP6 2001:db8::1".parse().unwrap();
        assert_eq!(address, Address::from_ip("2001:db8::1".parse().unwrap()));
    }
}
