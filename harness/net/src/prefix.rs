//! Address prefixes (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address prefix, `192.168.1.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// A prefix; bits of `address` behind `length` are cleared.
    ///
    /// # Errors
    /// [`PrefixError`] if `length` exceeds the family's 32 or 128 bits.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, PrefixError> {
        if length > bits(address) {
            return Err(PrefixError { text: format!("{address}/{length}") });
        }
        let prefix = Self { address, length };
        Ok(Self { address: prefix.offset(0), length })
    }

    /// `a.b.c.d/length`; a length beyond 32 counts as 32.
    pub fn v4(octets: [u8; 4], length: u8) -> Self {
        let prefix = Self { address: Ipv4Addr::from(octets).into(), length: length.min(32) };
        Self { address: prefix.offset(0), ..prefix }
    }

    /// `address/length`; a length beyond 128 counts as 128.
    pub fn v6(address: Ipv6Addr, length: u8) -> Self {
        let prefix = Self { address: address.into(), length: length.min(128) };
        Self { address: prefix.offset(0), ..prefix }
    }

    /// The first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits are fixed.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether `address` is of this family and lies within.
    pub fn contains(&self, address: IpAddr) -> bool {
        let masked = Self { address, length: self.length };
        address.is_ipv4() == self.address.is_ipv4() && masked.offset(0) == self.address
    }

    /// The `n`-th address, or none when the prefix is shorter than that.
    pub fn nth(&self, n: u128) -> Option<IpAddr> {
        let host_bits = u32::from(bits(self.address) - self.length);
        (host_bits >= 128 || n >> host_bits == 0).then(|| self.offset(n))
    }

    /// The network part plus `n`.
    fn offset(&self, n: u128) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                Ipv4Addr::from((u32::from(a) & mask) | n as u32).into()
            }
            IpAddr::V6(a) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                Ipv6Addr::from((u128::from(a) & mask) | n).into()
            }
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// Text that is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read prefix {text:?}")]
pub struct PrefixError {
    /// The text.
    pub text: String,
}

impl FromStr for Prefix {
    type Err = PrefixError;

    /// Reads `address/length`; a bare address is a prefix of its full length.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let error = || PrefixError { text: text.into() };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let length = match length {
            Some(length) => length.parse().map_err(|_| error())?,
            None => bits(address),
        };
        Self::new(address, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_cleared_and_counted() {
        let prefix: Prefix = "192.168.7.9/24".parse().unwrap();
        assert_eq!(prefix.to_string(), "192.168.7.0/24");
        assert_eq!(prefix.nth(255), Some(Ipv4Addr::new(192, 168, 7, 255).into()));
        assert_eq!(prefix.nth(256), None);
    }

    #[test]
    fn the_whole_family_is_a_prefix() {
        let all = Prefix::v4([0; 4], 0);
        assert!(all.contains(Ipv4Addr::BROADCAST.into()));
        assert!(!all.contains(Ipv6Addr::LOCALHOST.into()));
        let all = Prefix::v6(Ipv6Addr::UNSPECIFIED, 0);
        assert!(all.contains(Ipv6Addr::LOCALHOST.into()));
        assert!(all.nth(u128::MAX).is_some());
    }

    #[test]
    fn a_length_beyond_the_family_is_refused() {
        assert!("10.0.0.0/33".parse::<Prefix>().is_err());
        assert!("10.0.0.0/x".parse::<Prefix>().is_err());
        assert_eq!("::1".parse::<Prefix>().unwrap().length(), 128);
    }
}
