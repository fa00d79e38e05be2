//! What cannot be done with channels.

use rtcspec_wire::dcep::DcepError;
use rtcspec_wire::sctp::StreamId;

use super::ChannelId;

/// Why a channel was not made or a message not taken: the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Both limits were given (W3C `createDataChannel`, step 10).
    #[error("create a channel: maxPacketLifeTime and maxRetransmits exclude each other")]
    TwoLimits,
    /// Stream 65535 or above the association's streams.
    #[error("create a channel: stream {stream} cannot be used")]
    BadStream {
        /// Which.
        stream: StreamId,
    },
    /// A channel has this stream already.
    #[error("create a channel: stream {stream} is in use")]
    StreamInUse {
        /// Which.
        stream: StreamId,
    },
    /// No stream is left.
    #[error("create a channel: every stream is in use")]
    NoStreamLeft,
    /// Label or protocol cannot be sent.
    #[error(transparent)]
    Name(#[from] DcepError),
    /// There is no such channel.
    #[error("use channel {}: there is none", .0.0)]
    NoSuchChannel(ChannelId),
    /// The channel has no stream yet, or is closing or closed.
    #[error("send on channel {}: it is not open", .0.0)]
    NotOpen(ChannelId),
    /// The message is longer than the peer takes (RFC 8841 §6.1).
    #[error("send a message: {length} bytes where the peer takes {limit}")]
    TooLong {
        /// Its length.
        length: usize,
        /// What the peer takes.
        limit: usize,
    },
}
