//! The first twenty bytes: class, method, transaction id (RFC 8489 §5).

use std::fmt;

/// The cookie of every message since RFC 5389 (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

/// Bytes of a STUN header.
pub(super) const HEADER_LEN: usize = 20;

/// What a message is for (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request that was carried out.
    SuccessResponse,
    /// Answers a request that was refused.
    ErrorResponse,
}

impl Class {
    /// True for the two kinds of response.
    #[must_use]
    pub const fn is_response(self) -> bool {
        matches!(self, Self::SuccessResponse | Self::ErrorResponse)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Indication => "indication",
            Self::SuccessResponse => "success response",
            Self::ErrorResponse => "error response",
        })
    }
}

/// What a message is about: twelve bits (RFC 8489 §18.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(u16);

impl Method {
    /// RFC 8489 §2.
    pub const BINDING: Self = Self(0x001);
    /// RFC 3489 only; reserved since.
    pub const SHARED_SECRET: Self = Self(0x002);
    /// RFC 8656 §7.
    pub const ALLOCATE: Self = Self(0x003);
    /// RFC 8656 §8.
    pub const REFRESH: Self = Self(0x004);
    /// RFC 8656 §11; indications only.
    pub const SEND: Self = Self(0x006);
    /// RFC 8656 §11; indications only.
    pub const DATA: Self = Self(0x007);
    /// RFC 8656 §10.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// RFC 8656 §12.
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// RFC 6062 §4.3.
    pub const CONNECT: Self = Self(0x00a);
    /// RFC 6062 §4.3.
    pub const CONNECTION_BIND: Self = Self(0x00b);
    /// RFC 6062 §4.4; indications only.
    pub const CONNECTION_ATTEMPT: Self = Self(0x00c);
    /// Google's short connectivity check.
    pub const GOOG_PING: Self = Self(0x080);

    /// A method from its number, `None` beyond twelve bits.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 0xfff { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The name in the IANA registry.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BINDING => "Binding",
            Self::SHARED_SECRET => "SharedSecret",
            Self::ALLOCATE => "Allocate",
            Self::REFRESH => "Refresh",
            Self::SEND => "Send",
            Self::DATA => "Data",
            Self::CREATE_PERMISSION => "CreatePermission",
            Self::CHANNEL_BIND => "ChannelBind",
            Self::CONNECT => "Connect",
            Self::CONNECTION_BIND => "ConnectionBind",
            Self::CONNECTION_ATTEMPT => "ConnectionAttempt",
            Self::GOOG_PING => "GOOG_PING",
            _ => return None,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "method 0x{:03x}", self.0),
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fourteen-bit message type: class and method, interleaved (RFC 8489 §5, figure 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType {
    /// The class.
    pub class: Class,
    /// The method.
    pub method: Method,
}

impl MessageType {
    /// Splits fourteen bits; the top two bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        let class = match (bits >> 7 & 2) | (bits >> 4 & 1) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::SuccessResponse,
            _ => Class::ErrorResponse,
        };
        let method = Method((bits & 0x000f) | (bits >> 1 & 0x0070) | (bits >> 2 & 0x0f80));
        Self { class, method }
    }

    /// The fourteen bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        let class = match self.class {
            Class::Request => 0x0000,
            Class::Indication => 0x0010,
            Class::SuccessResponse => 0x0100,
            Class::ErrorResponse => 0x0110,
        };
        let method = self.method.0;
        class | (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2)
    }
}

/// Joins a response to its request (RFC 8489 §5). Shown as 24 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_type_survives_splitting_and_joining() {
        for bits in 0..0x4000 {
            assert_eq!(MessageType::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn known_message_types_have_the_bits_of_the_registry() {
        let of = |bits| {
            let ty = MessageType::from_bits(bits);
            (ty.class, ty.method)
        };
        assert_eq!(of(0x0001), (Class::Request, Method::BINDING));
        assert_eq!(of(0x0011), (Class::Indication, Method::BINDING));
        assert_eq!(of(0x0113), (Class::ErrorResponse, Method::ALLOCATE));
        assert_eq!(of(0x0109), (Class::SuccessResponse, Method::CHANNEL_BIND));
        assert_eq!(of(0x0200), (Class::Request, Method::GOOG_PING));
    }
}
