//! Typed attribute values.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::attribute_type::AttributeType;
use super::error_code::ErrorCode;
use crate::turn::ChannelNumber;

/// REQUESTED-TRANSPORT for UDP, the only one of RFC 8656 (§18.8): the IP protocol number.
pub const REQUESTED_TRANSPORT_UDP: u8 = 17;

/// An attribute's meaning. MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT are not
/// among them: they are added when a message is encoded ([`Seal`](super::Seal)) and checked on its
/// [`View`](super::View).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// RFC 8489 §14.1.
    MappedAddress(SocketAddr),
    /// RFC 8489 §14.2.
    XorMappedAddress(SocketAddr),
    /// RFC 8489 §14.3; at most 508 bytes.
    Username(String),
    /// RFC 8489 §14.4; see [`Attribute::user_hash`].
    UserHash([u8; 32]),
    /// RFC 8489 §14.8.
    ErrorCode(ErrorCode),
    /// RFC 8489 §14.9; fewer than 128 characters.
    Realm(String),
    /// RFC 8489 §14.10; fewer than 128 characters, or at most 763 bytes that are no text.
    Nonce(Vec<u8>),
    /// RFC 8489 §14.11.
    PasswordAlgorithms(Vec<PasswordAlgorithm>),
    /// RFC 8489 §14.12.
    PasswordAlgorithm(PasswordAlgorithm),
    /// RFC 8489 §14.13.
    UnknownAttributes(Vec<AttributeType>),
    /// RFC 8489 §14.14; fewer than 128 characters.
    Software(String),
    /// RFC 8489 §14.15.
    AlternateServer(SocketAddr),
    /// RFC 8489 §14.16; at most 255 bytes.
    AlternateDomain(String),
    /// RFC 8445 §7.1.1.
    Priority(u32),
    /// RFC 8445 §7.1.2.
    UseCandidate,
    /// RFC 8445 §7.1.3: the tie-breaker.
    IceControlled(u64),
    /// RFC 8445 §7.1.3: the tie-breaker.
    IceControlling(u64),
    /// RFC 8656 §18.1.
    ChannelNumber(ChannelNumber),
    /// RFC 8656 §18.2, in seconds.
    Lifetime(u32),
    /// RFC 8656 §18.3.
    XorPeerAddress(SocketAddr),
    /// RFC 8656 §18.4.
    Data(Vec<u8>),
    /// RFC 8656 §18.5.
    XorRelayedAddress(SocketAddr),
    /// RFC 8656 §18.6.
    RequestedAddressFamily(AddressFamily),
    /// RFC 8656 §18.7.
    EvenPort {
        /// The R bit: reserve the next higher port as well.
        reserve_next: bool,
    },
    /// RFC 8656 §18.8: an IP protocol number.
    RequestedTransport(u8),
    /// RFC 8656 §18.9.
    DontFragment,
    /// RFC 8656 §18.10.
    ReservationToken([u8; 8]),
    /// RFC 8656 §18.11.
    AdditionalAddressFamily(AddressFamily),
    /// RFC 8656 §18.12.
    AddressErrorCode {
        /// The family that could not be allocated.
        family: AddressFamily,
        /// Why.
        error: ErrorCode,
    },
    /// RFC 8656 §18.13.
    Icmp(Icmp),
    /// RFC 5780 §7.2.
    ChangeRequest {
        /// Answer from the other address.
        ip: bool,
        /// Answer from the other port.
        port: bool,
    },
    /// RFC 5780 §7.3.
    ResponseOrigin(SocketAddr),
    /// RFC 5780 §7.4.
    OtherAddress(SocketAddr),
    /// RFC 5780 §7.5.
    ResponsePort(u16),
    /// RFC 5780 §7.6.
    Padding(Vec<u8>),
    /// GOOG-NETWORK-INFO: the sender's network, as libwebrtc numbers it.
    NetworkInfo {
        /// Which network.
        id: u16,
        /// How dear it is, 0 to 999.
        cost: u16,
    },
    /// Any other attribute, kept byte by byte. Also the way to send a known attribute malformed.
    Unknown {
        /// Its number.
        ty: AttributeType,
        /// Its value.
        bytes: Vec<u8>,
    },
}

impl Attribute {
    /// USERHASH for a user of a realm: SHA-256 of `username:realm` (RFC 8489 §14.4).
    #[must_use]
    pub fn user_hash(username: &str, realm: &str) -> Self {
        Self::UserHash(super::key::user_hash(username, realm))
    }

    /// The attribute's number.
    #[must_use]
    pub const fn ty(&self) -> AttributeType {
        use AttributeType as T;
        match self {
            Self::MappedAddress(_) => T::MAPPED_ADDRESS,
            Self::XorMappedAddress(_) => T::XOR_MAPPED_ADDRESS,
            Self::Username(_) => T::USERNAME,
            Self::UserHash(_) => T::USERHASH,
            Self::ErrorCode(_) => T::ERROR_CODE,
            Self::Realm(_) => T::REALM,
            Self::Nonce(_) => T::NONCE,
            Self::PasswordAlgorithms(_) => T::PASSWORD_ALGORITHMS,
            Self::PasswordAlgorithm(_) => T::PASSWORD_ALGORITHM,
            Self::UnknownAttributes(_) => T::UNKNOWN_ATTRIBUTES,
            Self::Software(_) => T::SOFTWARE,
            Self::AlternateServer(_) => T::ALTERNATE_SERVER,
            Self::AlternateDomain(_) => T::ALTERNATE_DOMAIN,
            Self::Priority(_) => T::PRIORITY,
            Self::UseCandidate => T::USE_CANDIDATE,
            Self::IceControlled(_) => T::ICE_CONTROLLED,
            Self::IceControlling(_) => T::ICE_CONTROLLING,
            Self::ChannelNumber(_) => T::CHANNEL_NUMBER,
            Self::Lifetime(_) => T::LIFETIME,
            Self::XorPeerAddress(_) => T::XOR_PEER_ADDRESS,
            Self::Data(_) => T::DATA,
            Self::XorRelayedAddress(_) => T::XOR_RELAYED_ADDRESS,
            Self::RequestedAddressFamily(_) => T::REQUESTED_ADDRESS_FAMILY,
            Self::EvenPort { .. } => T::EVEN_PORT,
            Self::RequestedTransport(_) => T::REQUESTED_TRANSPORT,
            Self::DontFragment => T::DONT_FRAGMENT,
            Self::ReservationToken(_) => T::RESERVATION_TOKEN,
            Self::AdditionalAddressFamily(_) => T::ADDITIONAL_ADDRESS_FAMILY,
            Self::AddressErrorCode { .. } => T::ADDRESS_ERROR_CODE,
            Self::Icmp(_) => T::ICMP,
            Self::ChangeRequest { .. } => T::CHANGE_REQUEST,
            Self::ResponseOrigin(_) => T::RESPONSE_ORIGIN,
            Self::OtherAddress(_) => T::OTHER_ADDRESS,
            Self::ResponsePort(_) => T::RESPONSE_PORT,
            Self::Padding(_) => T::PADDING,
            Self::NetworkInfo { .. } => T::GOOG_NETWORK_INFO,
            Self::Unknown { ty, .. } => *ty,
        }
    }
}

/// IPv4 or IPv6, with the numbers of RFC 8489 §14.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// 0x01.
    V4,
    /// 0x02.
    V6,
}

impl AddressFamily {
    /// The family of an address.
    #[must_use]
    pub const fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }

    /// The family with a number, `None` for any but 1 and 2.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::V4),
            2 => Some(Self::V6),
            _ => None,
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An ICMP error a TURN server reports (RFC 8656 §18.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// ICMP type, seven bits.
    pub ty: u8,
    /// ICMP code, nine bits.
    pub code: u16,
    /// The error's own data, for instance the MTU.
    pub data: [u8; 4],
}

/// An algorithm that turns a password into a key (RFC 8489 §18.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PasswordAlgorithm {
    /// The registered number.
    pub number: u16,
    /// Its parameters, empty for those registered so far.
    pub parameters: Vec<u8>,
}

impl PasswordAlgorithm {
    /// [`Key::long_term`](super::Key::long_term).
    pub const MD5: Self = Self { number: 1, parameters: Vec::new() };
    /// [`Key::long_term_sha256`](super::Key::long_term_sha256).
    pub const SHA256: Self = Self { number: 2, parameters: Vec::new() };
}
