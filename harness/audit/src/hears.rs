//! Kinds of events, for rules to say which they want.

use rtcspec_trace::watch::Kind;

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Hears {
    /// [`Kind::Datagram`]
    Datagram,
    /// [`Kind::Stun`]
    Stun,
    /// [`Kind::ChannelData`]
    ChannelData,
    /// [`Kind::Record`]
    Record,
    /// [`Kind::Handshake`]
    Handshake,
    /// [`Kind::Alert`]
    Alert,
    /// [`Kind::Certificate`]
    Certificate,
    /// [`Kind::DtlsReady`]
    DtlsReady,
    /// [`Kind::Sctp`]
    Sctp,
    /// [`Kind::Chunk`]
    Chunk,
    /// [`Kind::Message`]
    Message,
    /// [`Kind::Dcep`]
    Dcep,
    /// [`Kind::Rtp`]
    Rtp,
    /// [`Kind::Rtcp`]
    Rtcp,
    /// [`Kind::Opaque`]
    Opaque,
}

impl Hears {
    /// How many there are.
    pub const COUNT: usize = 15;

    /// The kind of an event; none of a kind that is newer than the rules.
    #[must_use]
    pub const fn of(kind: &Kind<'_>) -> Option<Self> {
        Some(match kind {
            Kind::Datagram(_) => Self::Datagram,
            Kind::Stun(_) => Self::Stun,
            Kind::ChannelData(_) => Self::ChannelData,
            Kind::Record(_) => Self::Record,
            Kind::Handshake(_) => Self::Handshake,
            Kind::Alert(_) => Self::Alert,
            Kind::Certificate(_) => Self::Certificate,
            Kind::DtlsReady(_) => Self::DtlsReady,
            Kind::Sctp(_) => Self::Sctp,
            Kind::Chunk(_) => Self::Chunk,
            Kind::Message(_) => Self::Message,
            Kind::Dcep(_) => Self::Dcep,
            Kind::Rtp(_) => Self::Rtp,
            Kind::Rtcp(_) => Self::Rtcp,
            Kind::Opaque(_) => Self::Opaque,
            _ => return None,
        })
    }
}
