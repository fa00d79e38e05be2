//! Error causes of ABORT and ERROR, RFC 9260 §3.3.10.
//!
//! ```txt
//! |           Cause Code          |         Cause Length          |
//! |                  Cause-Specific Information                   |
//! ```

use std::fmt;

use super::error::{EncodeError, Error, Fault};
use super::frame::{Frame, write_item};
use super::number::{be16, be32};
use super::{Parameter, ParameterType, Parameters, StreamId, Tsn};

/// An error cause code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseCode(pub u16);

/// Declares the known codes with their names.
macro_rules! cause_codes {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl CauseCode {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// The name of a known code.
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

cause_codes! {
    /// RFC 9260 §3.3.10.1.
    INVALID_STREAM_IDENTIFIER = 1, "Invalid Stream Identifier";
    /// RFC 9260 §3.3.10.2.
    MISSING_MANDATORY_PARAMETER = 2, "Missing Mandatory Parameter";
    /// RFC 9260 §3.3.10.3.
    STALE_COOKIE = 3, "Stale Cookie";
    /// RFC 9260 §3.3.10.4.
    OUT_OF_RESOURCE = 4, "Out of Resource";
    /// RFC 9260 §3.3.10.5.
    UNRESOLVABLE_ADDRESS = 5, "Unresolvable Address";
    /// RFC 9260 §3.3.10.6.
    UNRECOGNIZED_CHUNK_TYPE = 6, "Unrecognized Chunk Type";
    /// RFC 9260 §3.3.10.7.
    INVALID_MANDATORY_PARAMETER = 7, "Invalid Mandatory Parameter";
    /// RFC 9260 §3.3.10.8.
    UNRECOGNIZED_PARAMETERS = 8, "Unrecognized Parameters";
    /// RFC 9260 §3.3.10.9.
    NO_USER_DATA = 9, "No User Data";
    /// RFC 9260 §3.3.10.10.
    COOKIE_RECEIVED_WHILE_SHUTTING_DOWN = 10, "Cookie Received While Shutting Down";
    /// RFC 9260 §3.3.10.11.
    RESTART_WITH_NEW_ADDRESSES = 11, "Restart of an Association with New Addresses";
    /// RFC 9260 §3.3.10.12.
    USER_INITIATED_ABORT = 12, "User-Initiated Abort";
    /// RFC 9260 §3.3.10.13.
    PROTOCOL_VIOLATION = 13, "Protocol Violation";
    /// RFC 5061 §4.3.1.
    DELETE_LAST_ADDRESS = 0x00a0, "Request to Delete Last Remaining IP Address";
    /// RFC 5061 §4.3.2.
    REFUSED_FOR_LACK_OF_RESOURCES = 0x00a1, "Operation Refused Due to Resource Shortage";
    /// RFC 5061 §4.3.3.
    DELETE_SOURCE_ADDRESS = 0x00a2, "Request to Delete Source IP Address";
    /// RFC 5061 §4.3.4.
    ILLEGAL_ASCONF_ACK = 0x00a3, "Association Aborted Due to Illegal ASCONF-ACK";
    /// RFC 5061 §4.3.5.
    NO_AUTHORIZATION = 0x00a4, "Request Refused - No Authorization";
    /// RFC 4895 §4.
    UNSUPPORTED_HMAC = 0x0105, "Unsupported HMAC Identifier";
}

impl fmt::Display for CauseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "cause {:#06x}", self.0),
        }
    }
}

impl fmt::Debug for CauseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One error cause as received, however wrong its length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseView<'a> {
    frame: Frame<'a>,
}

impl<'a> CauseView<'a> {
    /// Its code; missing bytes count as zero.
    #[must_use]
    pub fn code(&self) -> CauseCode {
        CauseCode(u16::from_be_bytes(self.frame.head()))
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

    /// Header, value and padding.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.frame.bytes()
    }

    /// What is wrong with it, the worst first. Padding of the last cause of a chunk lies outside
    /// the chunk's length, so it is rightly missing there (RFC 9260 §3.2).
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

/// The error causes of a chunk in order; a broken one ends the walk.
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a> {
    rest: &'a [u8],
}

impl<'a> Causes<'a> {
    /// Walks bytes that hold error causes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Causes<'a> {
    type Item = CauseView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (frame, rest) = Frame::split(self.rest)?;
        self.rest = rest;
        Some(CauseView { frame })
    }
}

/// An error cause to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Data came on a stream that does not exist.
    InvalidStreamIdentifier(StreamId),
    /// INIT or INIT ACK lacks these.
    MissingMandatoryParameter(Vec<ParameterType>),
    /// The cookie came this many microseconds too late.
    StaleCookie(u32),
    /// No resources.
    OutOfResource,
    /// An address that cannot be resolved: the whole parameter.
    UnresolvableAddress(Vec<u8>),
    /// A chunk that was not understood: all of it.
    UnrecognizedChunkType(Vec<u8>),
    /// INIT or INIT ACK holds an impossible value.
    InvalidMandatoryParameter,
    /// Parameters of an INIT ACK that were not understood, each whole.
    UnrecognizedParameters(Vec<u8>),
    /// DATA without data.
    NoUserData(Tsn),
    /// COOKIE ECHO in SHUTDOWN-ACK-SENT.
    CookieReceivedWhileShuttingDown,
    /// A restart tried to add these addresses: address parameters.
    RestartWithNewAddresses(Vec<u8>),
    /// The user aborted, with this reason.
    UserInitiatedAbort(Vec<u8>),
    /// The peer broke the protocol; free text.
    ProtocolViolation(Vec<u8>),
    /// Any other, raw.
    Other {
        /// Its code.
        code: CauseCode,
        /// Its value, without padding.
        value: Vec<u8>,
    },
}

impl Cause {
    /// Its code.
    #[must_use]
    pub const fn code(&self) -> CauseCode {
        match self {
            Self::InvalidStreamIdentifier(_) => CauseCode::INVALID_STREAM_IDENTIFIER,
            Self::MissingMandatoryParameter(_) => CauseCode::MISSING_MANDATORY_PARAMETER,
            Self::StaleCookie(_) => CauseCode::STALE_COOKIE,
            Self::OutOfResource => CauseCode::OUT_OF_RESOURCE,
            Self::UnresolvableAddress(_) => CauseCode::UNRESOLVABLE_ADDRESS,
            Self::UnrecognizedChunkType(_) => CauseCode::UNRECOGNIZED_CHUNK_TYPE,
            Self::InvalidMandatoryParameter => CauseCode::INVALID_MANDATORY_PARAMETER,
            Self::UnrecognizedParameters(_) => CauseCode::UNRECOGNIZED_PARAMETERS,
            Self::NoUserData(_) => CauseCode::NO_USER_DATA,
            Self::CookieReceivedWhileShuttingDown => CauseCode::COOKIE_RECEIVED_WHILE_SHUTTING_DOWN,
            Self::RestartWithNewAddresses(_) => CauseCode::RESTART_WITH_NEW_ADDRESSES,
            Self::UserInitiatedAbort(_) => CauseCode::USER_INITIATED_ABORT,
            Self::ProtocolViolation(_) => CauseCode::PROTOCOL_VIOLATION,
            Self::Other { code, .. } => *code,
        }
    }

    /// Takes a received error cause apart.
    ///
    /// # Errors
    /// If its framing is broken or its value has another length than its code asks for.
    pub fn from_view(view: &CauseView<'_>) -> Result<Self, Error> {
        if let Some(fault) = view.fatal_fault() {
            return Err(Error::Cause(fault));
        }
        let code = view.code();
        let length = view.value().len();
        Self::read(code, view.value()).ok_or(Error::CauseLength { code, length })
    }

    /// A report of parameters that were not understood (RFC 9260 §3.3.10.8).
    ///
    /// # Errors
    /// If one of them does not fit its length field.
    pub fn unrecognized(parameters: &[Parameter]) -> Result<Self, EncodeError> {
        let mut bytes = Vec::new();
        parameters.iter().try_for_each(|parameter| parameter.write(&mut bytes))?;
        Ok(Self::UnrecognizedParameters(bytes))
    }

    /// The parameters an `UnrecognizedParameters` cause holds; none for other causes.
    #[must_use]
    pub fn unrecognized_parameters(&self) -> Parameters<'_> {
        match self {
            Self::UnrecognizedParameters(bytes) => Parameters::new(bytes),
            _ => Parameters::new(&[]),
        }
    }

    fn read(code: CauseCode, value: &[u8]) -> Option<Self> {
        Some(match code {
            CauseCode::INVALID_STREAM_IDENTIFIER => be16(value, 0)
                .filter(|_| value.len() == 4)
                .map(StreamId)
                .map(Self::InvalidStreamIdentifier)?,
            CauseCode::MISSING_MANDATORY_PARAMETER => {
                Self::MissingMandatoryParameter(missing(value)?)
            }
            CauseCode::STALE_COOKIE => Self::StaleCookie(word(value)?),
            CauseCode::OUT_OF_RESOURCE => nothing(value, Self::OutOfResource)?,
            CauseCode::UNRESOLVABLE_ADDRESS => Self::UnresolvableAddress(value.to_vec()),
            CauseCode::UNRECOGNIZED_CHUNK_TYPE => Self::UnrecognizedChunkType(value.to_vec()),
            CauseCode::INVALID_MANDATORY_PARAMETER => {
                nothing(value, Self::InvalidMandatoryParameter)?
            }
            CauseCode::UNRECOGNIZED_PARAMETERS => Self::UnrecognizedParameters(value.to_vec()),
            CauseCode::NO_USER_DATA => Self::NoUserData(Tsn(word(value)?)),
            CauseCode::COOKIE_RECEIVED_WHILE_SHUTTING_DOWN => {
                nothing(value, Self::CookieReceivedWhileShuttingDown)?
            }
            CauseCode::RESTART_WITH_NEW_ADDRESSES => Self::RestartWithNewAddresses(value.to_vec()),
            CauseCode::USER_INITIATED_ABORT => Self::UserInitiatedAbort(value.to_vec()),
            CauseCode::PROTOCOL_VIOLATION => Self::ProtocolViolation(value.to_vec()),
            _ => Self::Other { code, value: value.to_vec() },
        })
    }

    /// Appends it, padded.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write_item(out, self.code().0, |out| {
            self.write_value(out);
            Ok(())
        })
    }

    fn write_value(&self, out: &mut Vec<u8>) {
        match self {
            Self::InvalidStreamIdentifier(stream) => {
                out.extend_from_slice(&stream.0.to_be_bytes());
                out.extend_from_slice(&[0, 0]);
            }
            Self::MissingMandatoryParameter(types) => {
                let count = u32::try_from(types.len()).unwrap_or(u32::MAX);
                out.extend_from_slice(&count.to_be_bytes());
                out.extend(types.iter().flat_map(|missing| missing.0.to_be_bytes()));
            }
            Self::StaleCookie(word) | Self::NoUserData(Tsn(word)) => {
                out.extend_from_slice(&word.to_be_bytes());
            }
            Self::OutOfResource
            | Self::InvalidMandatoryParameter
            | Self::CookieReceivedWhileShuttingDown => {}
            Self::UnresolvableAddress(value)
            | Self::UnrecognizedChunkType(value)
            | Self::UnrecognizedParameters(value)
            | Self::RestartWithNewAddresses(value)
            | Self::UserInitiatedAbort(value)
            | Self::ProtocolViolation(value)
            | Self::Other { value, .. } => out.extend_from_slice(value),
        }
    }
}

fn word(value: &[u8]) -> Option<u32> {
    be32(value, 0).filter(|_| value.len() == 4)
}

fn nothing(value: &[u8], cause: Cause) -> Option<Cause> {
    value.is_empty().then_some(cause)
}

fn missing(value: &[u8]) -> Option<Vec<ParameterType>> {
    let (count, types) = value.split_first_chunk::<4>()?;
    let fits = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(2)? == types.len();
    fits.then(|| types.chunks_exact(2).filter_map(|two| be16(two, 0)).map(ParameterType).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_longer_than_its_chunk_is_shown_and_refused() {
        let view = Causes::new(&[0, 13, 0, 100, b'x']).next().expect("there are bytes");
        assert_eq!(view.code(), CauseCode::PROTOCOL_VIOLATION);
        assert_eq!(view.value(), b"x");
        let fault = Fault::Overrun { length: 100, available: 5 };
        assert_eq!(Cause::from_view(&view), Err(Error::Cause(fault)));
    }

    #[test]
    fn missing_parameter_count_must_match_the_list() {
        let view = Causes::new(&[0, 2, 0, 10, 0, 0, 0, 9, 0, 7]).next().expect("there are bytes");
        let code = CauseCode::MISSING_MANDATORY_PARAMETER;
        assert_eq!(Cause::from_view(&view), Err(Error::CauseLength { code, length: 6 }));
    }
}
