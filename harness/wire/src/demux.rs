//! Telling the protocols on one UDP 5-tuple apart by the first bytes (RFC 7983, RFC 9443,
//! RFC 5761).
//!
//! ```
//! use rtcspec_wire::demux::Protocol;
//! assert_eq!(Protocol::of(&[22, 254, 253]), Protocol::Dtls);
//! ```

use std::fmt;

/// What a packet is by its first byte, and for RTP and RTCP its second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// No byte at all.
    Empty,
    /// First byte 0..=3.
    Stun,
    /// First byte 4..=15: RFC 7983 §7 has it dropped.
    Unassigned,
    /// First byte 16..=19.
    Zrtp,
    /// First byte 20..=63.
    Dtls,
    /// First byte 64..=79, from a TURN server (RFC 9443 §3: else it is QUIC).
    TurnChannel,
    /// First byte 80..=127 or 192..=255.
    Quic,
    /// First byte 128..=191.
    Rtp,
    /// First byte 128..=191 and a second byte 192..=223 (RFC 5761 §4).
    Rtcp,
}

impl Protocol {
    /// Classifies a packet.
    #[must_use]
    pub const fn of(packet: &[u8]) -> Self {
        let Some(&first) = packet.first() else { return Self::Empty };
        match first {
            0..=3 => Self::Stun,
            4..=15 => Self::Unassigned,
            16..=19 => Self::Zrtp,
            20..=63 => Self::Dtls,
            64..=79 => Self::TurnChannel,
            80..=127 | 192..=255 => Self::Quic,
            128..=191 => match packet {
                [_, 192..=223, ..] => Self::Rtcp,
                _ => Self::Rtp,
            },
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Stun => "STUN",
            Self::Unassigned => "unassigned",
            Self::Zrtp => "ZRTP",
            Self::Dtls => "DTLS",
            Self::TurnChannel => "ChannelData",
            Self::Quic => "QUIC",
            Self::Rtp => "RTP",
            Self::Rtcp => "RTCP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_the_protocol_of_rfc_9443() {
        let mut ranges: Vec<(u8, Protocol)> = Vec::new();
        for first in 0..=255 {
            let protocol = Protocol::of(&[first, 96]);
            if ranges.last().is_none_or(|(_, last)| *last != protocol) {
                ranges.push((first, protocol));
            }
        }
        let expected = [
            (0, Protocol::Stun),
            (4, Protocol::Unassigned),
            (16, Protocol::Zrtp),
            (20, Protocol::Dtls),
            (64, Protocol::TurnChannel),
            (80, Protocol::Quic),
            (128, Protocol::Rtp),
            (192, Protocol::Quic),
        ];
        assert_eq!(ranges, expected);
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_packet_type() {
        assert_eq!(Protocol::of(&[0x80, 200]), Protocol::Rtcp);
        assert_eq!(Protocol::of(&[0x81, 206]), Protocol::Rtcp);
        assert_eq!(Protocol::of(&[0x80, 0xe0]), Protocol::Rtp);
        assert_eq!(Protocol::of(&[0x80]), Protocol::Rtp);
        assert_eq!(Protocol::of(&[]), Protocol::Empty);
    }
}
