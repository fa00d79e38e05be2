//! Facts about RTP and RTCP.

use rtcspec_wire::dtls::SrtpProfile;
use rtcspec_wire::rtcp::{Packets, packets};
use rtcspec_wire::rtp::{Packet, RtpError, View};

/// Whether a packet is what its sender sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protection {
    /// It authenticates, and was decrypted.
    Authenticated {
        /// Index of the packet: of SRTP 48 bits, of SRTCP 31.
        index: u64,
        /// Whether that index was seen before from that source, as far back as 64 packets.
        replayed: bool,
    },
    /// The keys are there, and it does not authenticate.
    Failed,
    /// There are no keys for it: no secret, or no profile that can be opened.
    NoKeys,
    /// No DTLS association that would give keys was seen.
    NoHandshake,
}

impl Protection {
    /// Whether it authenticates.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Authenticated { .. })
    }
}

/// An RTP packet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rtp<'a> {
    /// The packet: as sent if it could be opened, else with an encrypted payload and whatever
    /// follows it. The header can be read in both cases.
    pub view: View<'a>,
    /// The packet, checked, if it could be opened; else its header is checked only.
    pub packet: Result<Packet<'a>, RtpError>,
    /// The datagram.
    pub wire: &'a [u8],
    /// Whether it authenticates.
    pub protection: Protection,
    /// The negotiated profile.
    pub profile: Option<SrtpProfile>,
}

/// An RTCP datagram.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rtcp<'a> {
    /// The compound if it could be opened; else the header and sender of its first packet, which
    /// SRTCP leaves readable (RFC 3711 §3.4).
    pub bytes: &'a [u8],
    /// The datagram.
    pub wire: &'a [u8],
    /// The E bit: whether it was encrypted, if it has one.
    pub encrypted: Option<bool>,
    /// Whether it authenticates.
    pub protection: Protection,
    /// The negotiated profile.
    pub profile: Option<SrtpProfile>,
}

impl<'a> Rtcp<'a> {
    /// The packets of the compound; of one that could not be opened, none.
    #[must_use]
    pub fn packets(&self) -> Packets<'a> {
        packets(if self.protection.is_authenticated() { self.bytes } else { &[] })
    }
}
