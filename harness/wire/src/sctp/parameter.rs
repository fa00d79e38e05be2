//! Parameters of INIT, INIT ACK, HEARTBEAT and RE-CONFIG, RFC 9260 §3.2.1.
//!
//! ```txt
//! |        Parameter Type         |       Parameter Length        |
//! |                        Parameter Value                        |
//! ```

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::{EncodeError, Error, Fault};
use super::frame::{Frame, write_item};
use super::number::{be16, be32};
use super::{
    AddStreams, IncomingSsnReset, OutgoingSsnReset, ReconfigResponse, RequestSequence,
    UnknownAction,
};

/// The error detection method "SCTP over DTLS" of a Zero Checksum Acceptable parameter
/// (RFC 9653 §6).
pub const EDMID_DTLS: u32 = 1;

/// A parameter type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterType(pub u16);

/// Declares the known types with their names in the registry's order.
macro_rules! parameter_types {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl ParameterType {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// The name of a known type.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

parameter_types! {
    /// RFC 9260 §3.3.5.
    HEARTBEAT_INFO = 1, "Heartbeat Info";
    /// RFC 9260 §3.3.2.1.1; not for WebRTC (RFC 8261 §6.1).
    IPV4_ADDRESS = 5, "IPv4 Address";
    /// RFC 9260 §3.3.2.1.2; not for WebRTC (RFC 8261 §6.1).
    IPV6_ADDRESS = 6, "IPv6 Address";
    /// RFC 9260 §3.3.3.1.1.
    STATE_COOKIE = 7, "State Cookie";
    /// RFC 9260 §3.3.3.1.2.
    UNRECOGNIZED_PARAMETER = 8, "Unrecognized Parameter";
    /// RFC 9260 §3.3.2.1.3.
    COOKIE_PRESERVATIVE = 9, "Cookie Preservative";
    /// RFC 9260 §3.3.2.1.4; deprecated.
    HOST_NAME_ADDRESS = 11, "Host Name Address";
    /// RFC 9260 §3.3.2.1.5; not for WebRTC (RFC 8261 §6.1).
    SUPPORTED_ADDRESS_TYPES = 12, "Supported Address Types";
    /// RFC 6525 §4.1.
    OUTGOING_SSN_RESET = 13, "Outgoing SSN Reset Request";
    /// RFC 6525 §4.2.
    INCOMING_SSN_RESET = 14, "Incoming SSN Reset Request";
    /// RFC 6525 §4.3.
    SSN_TSN_RESET = 15, "SSN/TSN Reset Request";
    /// RFC 6525 §4.4.
    RECONFIG_RESPONSE = 16, "Re-configuration Response";
    /// RFC 6525 §4.5.
    ADD_OUTGOING_STREAMS = 17, "Add Outgoing Streams Request";
    /// RFC 6525 §4.6.
    ADD_INCOMING_STREAMS = 18, "Add Incoming Streams Request";
    /// RFC 9260 Appendix A of its predecessors; reserved.
    ECN_CAPABLE = 0x8000, "ECN Capable";
    /// RFC 9653 §4.
    ZERO_CHECKSUM_ACCEPTABLE = 0x8001, "Zero Checksum Acceptable";
    /// RFC 4895 §3.1.
    RANDOM = 0x8002, "Random";
    /// RFC 4895 §3.2.
    CHUNK_LIST = 0x8003, "Chunk List";
    /// RFC 4895 §3.3.
    REQUESTED_HMAC_ALGORITHM = 0x8004, "Requested HMAC Algorithm";
    /// RFC 4820 §4.
    PADDING = 0x8005, "Padding";
    /// RFC 5061 §4.2.7.
    SUPPORTED_EXTENSIONS = 0x8008, "Supported Extensions";
    /// RFC 3758 §3.1.
    FORWARD_TSN_SUPPORTED = 0xc000, "Forward-TSN-Supported";
    /// RFC 5061 §4.2.1.
    ADD_IP_ADDRESS = 0xc001, "Add IP Address";
    /// RFC 5061 §4.2.2.
    DELETE_IP_ADDRESS = 0xc002, "Delete IP Address";
    /// RFC 5061 §4.2.3.
    ERROR_CAUSE_INDICATION = 0xc003, "Error Cause Indication";
    /// RFC 5061 §4.2.4.
    SET_PRIMARY_ADDRESS = 0xc004, "Set Primary Address";
    /// RFC 5061 §4.2.5.
    SUCCESS_INDICATION = 0xc005, "Success Indication";
    /// RFC 5061 §4.2.6.
    ADAPTATION_LAYER_INDICATION = 0xc006, "Adaptation Layer Indication";
}

impl ParameterType {
    /// What a receiver that does not know this type must do (RFC 9260 §3.2.1).
    #[must_use]
    pub const fn unknown_action(self) -> UnknownAction {
        UnknownAction::from_high_bits((self.0 >> 14) as u8)
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "parameter {:#06x}", self.0),
        }
    }
}

impl fmt::Debug for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One parameter as received, however wrong its length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterView<'a> {
    frame: Frame<'a>,
}

impl<'a> ParameterView<'a> {
    /// Its type; missing bytes count as zero.
    #[must_use]
    pub fn parameter_type(&self) -> ParameterType {
        ParameterType(u16::from_be_bytes(self.frame.head()))
    }

    /// Its length field, if there is one.
    #[must_use]
    pub fn length(&self) -> Option<u16> {
        self.frame.length()
    }

    /// Its value, as far as it is there.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.frame.value()
    }

    /// The padding after its value.
    #[must_use]
    pub fn padding(&self) -> &'a [u8] {
        self.frame.padding()
    }

    /// Header, value and padding.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.frame.bytes()
    }

    /// Header and value.
    #[must_use]
    pub fn unpadded(&self) -> &'a [u8] {
        self.frame.unpadded()
    }

    /// What is wrong with it, the worst first. Padding of the last parameter of a chunk lies
    /// outside the chunk's length, so it is rightly missing there (RFC 9260 §3.2).
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.frame.fault().filter(|fault| !matches!(fault, Fault::PaddingMissing { .. }))
    }

    /// What makes its value unusable.
    #[must_use]
    pub fn fatal_fault(&self) -> Option<Fault> {
        self.frame.fatal_fault()
    }
}

/// The parameters of a chunk in order; a broken one ends the walk.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Walks bytes that hold parameters, for instance the value of an error cause.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = ParameterView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (frame, rest) = Frame::split(self.rest)?;
        self.rest = rest;
        Some(ParameterView { frame })
    }
}

/// A parameter to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// What a HEARTBEAT ACK brings back.
    HeartbeatInfo(Vec<u8>),
    /// An address; not for WebRTC.
    Ipv4Address(Ipv4Addr),
    /// An address; not for WebRTC.
    Ipv6Address(Ipv6Addr),
    /// The state cookie of an INIT ACK.
    StateCookie(Vec<u8>),
    /// A parameter the peer sent and this side does not know, with its header.
    UnrecognizedParameter(Vec<u8>),
    /// Wanted lengthening of the cookie's life, in milliseconds.
    CookiePreservative(u32),
    /// Address types the sender of an INIT can use; not for WebRTC.
    SupportedAddressTypes(Vec<u16>),
    /// RFC 6525 §4.1.
    OutgoingSsnReset(OutgoingSsnReset),
    /// RFC 6525 §4.2.
    IncomingSsnReset(IncomingSsnReset),
    /// RFC 6525 §4.3.
    SsnTsnReset(RequestSequence),
    /// RFC 6525 §4.4.
    ReconfigResponse(ReconfigResponse),
    /// RFC 6525 §4.5.
    AddOutgoingStreams(AddStreams),
    /// RFC 6525 §4.6.
    AddIncomingStreams(AddStreams),
    /// The error detection method that makes a zero checksum acceptable ([`EDMID_DTLS`]).
    ZeroChecksumAcceptable(u32),
    /// Chunk types the sender supports beyond RFC 9260.
    SupportedExtensions(Vec<u8>),
    /// FORWARD TSN is understood.
    ForwardTsnSupported,
    /// Any other, raw.
    Other {
        /// Its type.
        parameter_type: ParameterType,
        /// Its value, without padding.
        value: Vec<u8>,
    },
}

impl Parameter {
    /// Its type.
    #[must_use]
    pub const fn parameter_type(&self) -> ParameterType {
        match self {
            Self::HeartbeatInfo(_) => ParameterType::HEARTBEAT_INFO,
            Self::Ipv4Address(_) => ParameterType::IPV4_ADDRESS,
            Self::Ipv6Address(_) => ParameterType::IPV6_ADDRESS,
            Self::StateCookie(_) => ParameterType::STATE_COOKIE,
            Self::UnrecognizedParameter(_) => ParameterType::UNRECOGNIZED_PARAMETER,
            Self::CookiePreservative(_) => ParameterType::COOKIE_PRESERVATIVE,
            Self::SupportedAddressTypes(_) => ParameterType::SUPPORTED_ADDRESS_TYPES,
            Self::OutgoingSsnReset(_) => ParameterType::OUTGOING_SSN_RESET,
            Self::IncomingSsnReset(_) => ParameterType::INCOMING_SSN_RESET,
            Self::SsnTsnReset(_) => ParameterType::SSN_TSN_RESET,
            Self::ReconfigResponse(_) => ParameterType::RECONFIG_RESPONSE,
            Self::AddOutgoingStreams(_) => ParameterType::ADD_OUTGOING_STREAMS,
            Self::AddIncomingStreams(_) => ParameterType::ADD_INCOMING_STREAMS,
            Self::ZeroChecksumAcceptable(_) => ParameterType::ZERO_CHECKSUM_ACCEPTABLE,
            Self::SupportedExtensions(_) => ParameterType::SUPPORTED_EXTENSIONS,
            Self::ForwardTsnSupported => ParameterType::FORWARD_TSN_SUPPORTED,
            Self::Other { parameter_type, .. } => *parameter_type,
        }
    }

    /// Takes a received parameter apart.
    ///
    /// # Errors
    /// If its framing is broken or its value has another length than its type asks for.
    pub fn from_view(view: &ParameterView<'_>) -> Result<Self, Error> {
        if let Some(fault) = view.fatal_fault() {
            return Err(Error::Parameter(fault));
        }
        let parameter_type = view.parameter_type();
        let length = view.value().len();
        Self::read(parameter_type, view.value())
            .ok_or(Error::ParameterLength { parameter_type, length })
    }

    fn read(parameter_type: ParameterType, value: &[u8]) -> Option<Self> {
        Some(match parameter_type {
            ParameterType::HEARTBEAT_INFO => Self::HeartbeatInfo(value.to_vec()),
            ParameterType::IPV4_ADDRESS => {
                Self::Ipv4Address(<[u8; 4]>::try_from(value).ok()?.into())
            }
            ParameterType::IPV6_ADDRESS => {
                Self::Ipv6Address(<[u8; 16]>::try_from(value).ok()?.into())
            }
            ParameterType::STATE_COOKIE => Self::StateCookie(value.to_vec()),
            ParameterType::UNRECOGNIZED_PARAMETER => Self::UnrecognizedParameter(value.to_vec()),
            ParameterType::COOKIE_PRESERVATIVE => Self::CookiePreservative(word(value)?),
            ParameterType::SUPPORTED_ADDRESS_TYPES => Self::SupportedAddressTypes(halves(value)?),
            ParameterType::OUTGOING_SSN_RESET => {
                Self::OutgoingSsnReset(OutgoingSsnReset::read(value)?)
            }
            ParameterType::INCOMING_SSN_RESET => {
                Self::IncomingSsnReset(IncomingSsnReset::read(value)?)
            }
            ParameterType::SSN_TSN_RESET => Self::SsnTsnReset(RequestSequence(word(value)?)),
            ParameterType::RECONFIG_RESPONSE => {
                Self::ReconfigResponse(ReconfigResponse::read(value)?)
            }
            ParameterType::ADD_OUTGOING_STREAMS => {
                Self::AddOutgoingStreams(AddStreams::read(value)?)
            }
            ParameterType::ADD_INCOMING_STREAMS => {
                Self::AddIncomingStreams(AddStreams::read(value)?)
            }
            ParameterType::ZERO_CHECKSUM_ACCEPTABLE => Self::ZeroChecksumAcceptable(word(value)?),
            ParameterType::SUPPORTED_EXTENSIONS => Self::SupportedExtensions(value.to_vec()),
            ParameterType::FORWARD_TSN_SUPPORTED => {
                value.is_empty().then_some(Self::ForwardTsnSupported)?
            }
            _ => Self::Other { parameter_type, value: value.to_vec() },
        })
    }

    /// Appends it, padded.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write_item(out, self.parameter_type().0, |out| self.write_value(out))
    }

    fn write_value(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::HeartbeatInfo(value)
            | Self::StateCookie(value)
            | Self::UnrecognizedParameter(value)
            | Self::SupportedExtensions(value)
            | Self::Other { value, .. } => out.extend_from_slice(value),
            Self::Ipv4Address(address) => out.extend_from_slice(&address.octets()),
            Self::Ipv6Address(address) => out.extend_from_slice(&address.octets()),
            Self::CookiePreservative(word)
            | Self::SsnTsnReset(RequestSequence(word))
            | Self::ZeroChecksumAcceptable(word) => out.extend_from_slice(&word.to_be_bytes()),
            Self::SupportedAddressTypes(types) => {
                out.extend(types.iter().flat_map(|number| number.to_be_bytes()));
            }
            Self::OutgoingSsnReset(request) => request.write(out),
            Self::IncomingSsnReset(request) => request.write(out),
            Self::ReconfigResponse(response) => response.write(out),
            Self::AddOutgoingStreams(request) | Self::AddIncomingStreams(request) => {
                request.write(out);
            }
            Self::ForwardTsnSupported => {}
        }
        Ok(())
    }
}

fn word(value: &[u8]) -> Option<u32> {
    be32(value, 0).filter(|_| value.len() == 4)
}

fn halves(value: &[u8]) -> Option<Vec<u16>> {
    let whole = value.len().is_multiple_of(2);
    whole.then(|| value.chunks_exact(2).filter_map(|two| be16(two, 0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_longer_than_its_chunk_is_shown_and_refused() {
        let view = Parameters::new(&[0, 7, 0, 200, 1, 2, 3, 4]).next().expect("there are bytes");
        assert_eq!(view.parameter_type(), ParameterType::STATE_COOKIE);
        assert_eq!(view.value(), &[1, 2, 3, 4]);
        let fault = Fault::Overrun { length: 200, available: 8 };
        assert_eq!(view.fault(), Some(fault));
        assert_eq!(Parameter::from_view(&view), Err(Error::Parameter(fault)));
    }

    #[test]
    fn state_cookie_of_length_zero_ends_the_walk() {
        let mut walk = Parameters::new(&[0, 7, 0, 0, 0, 7, 0, 8, 1, 2, 3, 4]);
        let view = walk.next().expect("there are bytes");
        assert_eq!(view.fatal_fault(), Some(Fault::LengthTooSmall { length: 0 }));
        assert!(walk.next().is_none());
    }

    #[test]
    fn high_bits_say_what_to_do_with_unknown_parameters() {
        assert_eq!(ParameterType(0x0100).unknown_action(), UnknownAction::Stop);
        assert_eq!(ParameterType(0x4100).unknown_action(), UnknownAction::StopAndReport);
        assert_eq!(ParameterType(0x8100).unknown_action(), UnknownAction::Skip);
        assert_eq!(ParameterType(0xc100).unknown_action(), UnknownAction::SkipAndReport);
    }

    #[test]
    fn fixed_parameters_of_another_length_are_refused() {
        let view = Parameters::new(&[0x80, 1, 0, 6, 0, 1]).next().expect("there are bytes");
        let parameter_type = ParameterType::ZERO_CHECKSUM_ACCEPTABLE;
        assert_eq!(
            Parameter::from_view(&view),
            Err(Error::ParameterLength { parameter_type, length: 2 })
        );
    }
}
