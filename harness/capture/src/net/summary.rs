//! What was read and what was not, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// Why a packet gave no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// A link type that is none of ours.
    LinkType(u16),
    /// No IP: an `EtherType`, or a length of IEEE 802.3.
    EtherType(u16),
    /// ICMP or `ICMPv6`.
    Icmp,
    /// IP that carries neither UDP nor TCP, by its protocol number.
    Protocol(u8),
    /// A link, IP, UDP or TCP header that is cut or says what cannot be.
    Malformed,
    /// A fragment that is cut or says what cannot be.
    BadFragment,
    /// A fragment of a packet of which two overlap.
    Overlap,
    /// A packet of which fragments were missing.
    Incomplete,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType(link) => write!(f, "link type {link} is not supported"),
            Self::EtherType(0x0806) => f.write_str("ARP"),
            Self::EtherType(length @ 0..=1500) => write!(f, "IEEE 802.3 frames of length {length}"),
            Self::EtherType(kind) => write!(f, "EtherType 0x{kind:04x}"),
            Self::Icmp => f.write_str("ICMP"),
            Self::Protocol(number) => write!(f, "IP protocol {number}"),
            Self::Malformed => f.write_str("malformed headers"),
            Self::BadFragment => f.write_str("malformed fragments"),
            Self::Overlap => f.write_str("overlapping fragments, refused"),
            Self::Incomplete => f.write_str("packets whose fragments are missing"),
        }
    }
}

/// Counts of a capture, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets in the file.
    pub frames: u64,
    /// Their bytes in the file.
    pub bytes: u64,
    /// Packets by link type.
    pub links: BTreeMap<u16, u64>,
    /// UDP datagrams, those from fragments included.
    pub datagrams: u64,
    /// TCP segments.
    pub segments: u64,
    /// SCTP packets that were captured outside DTLS.
    pub sctp: u64,
    /// Packets put together from fragments.
    pub reassembled: u64,
    /// Packets of which the capture kept only the beginning.
    pub cut: u64,
    /// Bytes of TCP streams that the capture lacks.
    pub lacking: u64,
    /// Packets whose time is before that of the first.
    pub before_the_first: u64,
    /// Packets without a time of their own.
    pub timeless: u64,
    /// What gave no datagram.
    pub skipped: BTreeMap<Skipped, u64>,
}

impl Summary {
    pub(super) fn skip(&mut self, why: Skipped) {
        *self.skipped.entry(why).or_default() += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames, {} bytes", self.frames, self.bytes)?;
        for (count, what) in [
            (self.datagrams, "datagrams"),
            (self.segments, "TCP segments"),
            (self.sctp, "SCTP packets"),
            (self.reassembled, "packets from fragments"),
            (self.cut, "packets cut by the capture"),
            (self.lacking, "bytes of TCP lacking"),
            (self.before_the_first, "packets out of time"),
            (self.timeless, "packets without a time"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (why, count) in &self.skipped {
            write!(f, "; skipped {count}: {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_there_is() {
        let mut summary = Summary { frames: 3, bytes: 99, datagrams: 2, ..Summary::default() };
        summary.skip(Skipped::EtherType(0x0806));
        summary.skip(Skipped::LinkType(147));
        assert_eq!(
            summary.to_string(),
            "3 frames, 99 bytes, 2 datagrams; skipped 1: link type 147 is not supported; \
             skipped 1: ARP"
        );
    }
}
