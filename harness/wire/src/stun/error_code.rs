//! ERROR-CODE: a number from 300 to 699 and a phrase (RFC 8489 §14.8).

use std::fmt;

use super::decode::too_many_characters;

/// A valid ERROR-CODE value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode {
    code: u16,
    reason: String,
}

impl ErrorCode {
    /// RFC 8489 §10: use the server in ALTERNATE-SERVER.
    pub const TRY_ALTERNATE: u16 = 300;
    /// RFC 8489 §14.8.
    pub const BAD_REQUEST: u16 = 400;
    /// RFC 8489 §14.8.
    pub const UNAUTHENTICATED: u16 = 401;
    /// RFC 8656 §19.
    pub const FORBIDDEN: u16 = 403;
    /// RFC 8489 §14.8.
    pub const UNKNOWN_ATTRIBUTE: u16 = 420;
    /// RFC 8656 §19.
    pub const ALLOCATION_MISMATCH: u16 = 437;
    /// RFC 8489 §14.8.
    pub const STALE_NONCE: u16 = 438;
    /// RFC 8656 §19.
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: u16 = 440;
    /// RFC 8656 §19.
    pub const WRONG_CREDENTIALS: u16 = 441;
    /// RFC 8656 §19.
    pub const UNSUPPORTED_TRANSPORT_PROTOCOL: u16 = 442;
    /// RFC 8656 §19.
    pub const PEER_ADDRESS_FAMILY_MISMATCH: u16 = 443;
    /// RFC 6062 §6.3.
    pub const CONNECTION_ALREADY_EXISTS: u16 = 446;
    /// RFC 6062 §6.3.
    pub const CONNECTION_TIMEOUT_OR_FAILURE: u16 = 447;
    /// RFC 8656 §19.
    pub const ALLOCATION_QUOTA_REACHED: u16 = 486;
    /// RFC 8445 §16.2.
    pub const ROLE_CONFLICT: u16 = 487;
    /// RFC 8489 §14.8.
    pub const SERVER_ERROR: u16 = 500;
    /// RFC 8656 §19.
    pub const INSUFFICIENT_CAPACITY: u16 = 508;

    /// The longest reason phrase in bytes that is looked at (RFC 8489 §14.8).
    pub const MAX_REASON: usize = 763;

    /// A code with the phrase its RFC gives it, or none if it has none here.
    ///
    /// `None` outside 300..=699.
    #[must_use]
    pub fn new(code: u16) -> Option<Self> {
        Self::with_reason(code, default_reason(code))
    }

    /// A code with a phrase; `None` outside 300..=699 or when the phrase has 128 characters or more.
    #[must_use]
    pub fn with_reason(code: u16, reason: impl Into<String>) -> Option<Self> {
        let reason = reason.into();
        let valid = (300..700).contains(&code) && too_many_characters(&reason).is_none();
        valid.then_some(Self { code, reason })
    }

    /// The number.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The phrase, which is for people only.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

const fn default_reason(code: u16) -> &'static str {
    match code {
        ErrorCode::TRY_ALTERNATE => "Try Alternate",
        ErrorCode::BAD_REQUEST => "Bad Request",
        ErrorCode::UNAUTHENTICATED => "Unauthenticated",
        ErrorCode::FORBIDDEN => "Forbidden",
        ErrorCode::UNKNOWN_ATTRIBUTE => "Unknown Attribute",
        ErrorCode::ALLOCATION_MISMATCH => "Allocation Mismatch",
        ErrorCode::STALE_NONCE => "Stale Nonce",
        ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED => "Address Family not Supported",
        ErrorCode::WRONG_CREDENTIALS => "Wrong Credentials",
        ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL => "Unsupported Transport Protocol",
        ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH => "Peer Address Family Mismatch",
        ErrorCode::CONNECTION_ALREADY_EXISTS => "Connection Already Exists",
        ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE => "Connection Timeout or Failure",
        ErrorCode::ALLOCATION_QUOTA_REACHED => "Allocation Quota Reached",
        ErrorCode::ROLE_CONFLICT => "Role Conflict",
        ErrorCode::SERVER_ERROR => "Server Error",
        ErrorCode::INSUFFICIENT_CAPACITY => "Insufficient Capacity",
        _ => "",
    }
}

/// An ERROR-CODE as it stands on the wire, in range or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCodeView<'a> {
    /// The hundreds, three bits.
    pub class: u8,
    /// The rest, 0..=99 when valid.
    pub number: u8,
    /// The phrase, UTF-8 when valid.
    pub reason: &'a [u8],
}

impl<'a> ErrorCodeView<'a> {
    /// The view of an attribute value; `None` when it is shorter than four bytes.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Option<Self> {
        let (&[_, _, class, number], reason) = value.split_first_chunk::<4>()?;
        Some(Self { class: class & 7, number, reason })
    }

    /// The code the two fields spell, also when it is out of range.
    #[must_use]
    pub fn code(&self) -> u16 {
        u16::from(self.class) * 100 + u16::from(self.number)
    }
}
