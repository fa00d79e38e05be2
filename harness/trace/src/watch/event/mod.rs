//! What an observer says: one event per thing seen, outermost first.
//!
//! Events borrow from the datagram, or from what the observer decrypted of it; nothing is allocated
//! to make one.

mod dtls;
mod media;
mod sctp;
mod stun;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::demux::Protocol;

use crate::{Carrier, Party};

pub use crate::secrets::Closed;
pub use dtls::{Announced, Certificate, DtlsReady, DtlsRole, Handshake, Record, RecordAlert};
pub use media::{Protection, Rtcp, Rtp};
pub use sctp::{Chunk, Dcep, Message, SctpPacket, Tag};
pub use stun::{ChannelData, Integrity, Purpose, Stun, Transaction, Username};

/// A connection: what one pair of ICE agents does, whatever 5-tuples it does it on. Numbered from
/// 1 in the order they appear.
///
/// Connections are told apart by the pair of ufrags in USERNAME. A new pair belongs to the old
/// connection (it is an ICE restart) if the signalling of one session names both, or if it appears
/// on a 5-tuple that the old one used within the last 30 seconds, which is as long as consent
/// lasts (RFC 7675 §5.1). Without any connectivity check, DTLS on a 5-tuple makes it a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// A flow: a 5-tuple, or what one TURN client and one peer exchange through a server. Numbered
/// from 1 in the order they appear; the number is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flow {}", self.0)
    }
}

/// Who sent something.
///
/// By ufrag where signalling tells whose it is; else by signalled addresses; else, in a connection
/// without signalling, A is the agent that is controlling in the first check (RFC 8445 §6.1.1: the
/// offerer, unless it is lite), or that sent the first datagram if there was no check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The offerer.
    A,
    /// The answerer.
    B,
    /// A STUN or TURN server.
    Server,
    /// Nobody can tell.
    Unknown,
}

impl Side {
    /// The party, if it is one.
    #[must_use]
    pub const fn party(self) -> Option<Party> {
        match self {
            Self::A => Some(Party::A),
            Self::B => Some(Party::B),
            Self::Server | Self::Unknown => None,
        }
    }

    /// The other party; a server and the unknown stay what they are.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
            same => same,
        }
    }
}

impl From<Party> for Side {
    fn from(party: Party) -> Self {
        match party {
            Party::A => Self::A,
            Party::B => Self::B,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::Server => "server",
            Self::Unknown => "unknown",
        })
    }
}

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// Source.
    pub source: SocketAddr,
    /// Destination.
    pub destination: SocketAddr,
}

impl Path {
    /// The way back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.source, self.destination)
    }
}

/// How TURN carried something (RFC 8656 §11, §12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A Send indication, towards the server.
    Send,
    /// A Data indication, from the server.
    Data,
    /// `ChannelData` with this channel number.
    Channel(u16),
}

/// A TURN server between the observer and the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relay {
    /// How it carried this.
    pub via: Via,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
    /// The address the server relays at, if its allocation was seen.
    pub relayed: Option<SocketAddr>,
}

/// One thing an observer saw.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The frame: of several, as of fragments and of streams, the one that completed it.
    pub number: u64,
    /// When that was seen.
    pub at: Duration,
    /// UDP, or which TCP stream.
    pub carrier: Carrier,
    /// Its connection; `None` while no connectivity check or handshake tells.
    pub connection: Option<ConnectionId>,
    /// Its flow: of the inner one if it came through TURN.
    pub flow: FlowId,
    /// Who sent it.
    pub from: Side,
    /// From where to where, as seen.
    pub outer: Path,
    /// From where to where between the peers: through TURN, from or to the relayed address, or
    /// the client's own where that is not known. Else as `outer`.
    pub inner: Path,
    /// The TURN server on the way.
    pub relay: Option<Relay>,
    /// Whether it was a DTLS packet in a STUN attribute (META-DTLS-IN-STUN, 0xc070).
    pub in_stun: bool,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What was seen. Per datagram: [`Datagram`](Self::Datagram) first, then what is in it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// A datagram, or a packet of a framed stream, or the data that came through TURN.
    Datagram(Datagram<'a>),
    /// A STUN message, TURN included.
    Stun(Stun<'a>),
    /// A `ChannelData` message. What it carries follows.
    ChannelData(ChannelData<'a>),
    /// A DTLS record.
    Record(Record<'a>),
    /// A fragment of a handshake message, with the message if it completes it.
    Handshake(Handshake<'a>),
    /// An alert that can be read.
    Alert(RecordAlert),
    /// A certificate of a Certificate message; the sender's own comes first.
    Certificate(Certificate<'a>),
    /// A DTLS association is up: its first application data, or both Finished.
    DtlsReady(DtlsReady),
    /// An SCTP packet. Its chunks follow.
    Sctp(SctpPacket<'a>),
    /// A chunk of the packet before.
    Chunk(Chunk<'a>),
    /// A whole user message, once, when its last missing fragment is seen.
    Message(Message<'a>),
    /// The DCEP message that the message before is.
    Dcep(Dcep<'a>),
    /// An RTP or SRTP packet.
    Rtp(Rtp<'a>),
    /// An RTCP or SRTCP packet.
    Rtcp(Rtcp<'a>),
    /// Bytes that cannot be read, and why.
    Opaque(Opaque<'a>),
}

/// A datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What it is by its first byte (RFC 7983 §7).
    pub protocol: Protocol,
    /// All of it.
    pub bytes: &'a [u8],
}

/// Bytes that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque<'a> {
    /// Why not.
    pub why: Unread,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Why bytes are opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// TLS on a stream: this observer opens DTLS only.
    #[error("TLS on a stream")]
    Tls,
    /// A stream that begins with neither STUN, nor RFC 4571 frames of what ICE carries.
    #[error("a stream of something else")]
    Stream,
    /// A stream whose frames were lost track of.
    #[error("a stream out of step")]
    OutOfStep,
    /// `ChannelData` of a channel whose binding was not seen.
    #[error("a TURN channel whose binding was not seen")]
    UnboundChannel,
    /// Application data of DTLS that is too short for an SCTP packet.
    #[error("application data that is no SCTP packet")]
    NotSctp,
    /// TURN in TURN in TURN.
    #[error("TURN nested too deep")]
    Nested,
    /// A first byte that nothing on an ICE 5-tuple may have (RFC 7983 §7).
    #[error("a first byte that RFC 7983 leaves unassigned")]
    FirstByte,
    /// ZRTP or QUIC by its first byte.
    #[error("a protocol that is not followed")]
    Protocol,
}
