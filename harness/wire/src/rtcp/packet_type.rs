//! RTCP packet types and feedback formats.

use std::fmt;

/// An RTCP packet type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketType(pub u8);

impl PacketType {
    /// Sender report (RFC 3550 §6.4.1).
    pub const SENDER_REPORT: Self = Self(200);
    /// Receiver report (RFC 3550 §6.4.2).
    pub const RECEIVER_REPORT: Self = Self(201);
    /// Source description (RFC 3550 §6.5).
    pub const SOURCE_DESCRIPTION: Self = Self(202);
    /// Goodbye (RFC 3550 §6.6).
    pub const BYE: Self = Self(203);
    /// Application-defined (RFC 3550 §6.7).
    pub const APP: Self = Self(204);
    /// Transport-layer feedback (RFC 4585 §6.2).
    pub const TRANSPORT_FEEDBACK: Self = Self(205);
    /// Payload-specific feedback (RFC 4585 §6.3).
    pub const PAYLOAD_FEEDBACK: Self = Self(206);
    /// Extended report (RFC 3611 §2).
    pub const EXTENDED_REPORT: Self = Self(207);

    /// Whether a compound may start with it.
    #[must_use]
    pub fn is_report(self) -> bool {
        matches!(self, Self::SENDER_REPORT | Self::RECEIVER_REPORT)
    }
}

impl fmt::Debug for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::SENDER_REPORT => "SR",
            Self::RECEIVER_REPORT => "RR",
            Self::SOURCE_DESCRIPTION => "SDES",
            Self::BYE => "BYE",
            Self::APP => "APP",
            Self::TRANSPORT_FEEDBACK => "RTPFB",
            Self::PAYLOAD_FEEDBACK => "PSFB",
            Self::EXTENDED_REPORT => "XR",
            Self(other) => return write!(f, "PacketType({other})"),
        };
        f.write_str(name)
    }
}
