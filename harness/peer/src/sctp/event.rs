//! What an association tells and what it is told about messages.

use std::time::Duration;

use rtcspec_wire::sctp::{Cause, Ppid, ReconfigResult, StreamId};

/// How hard a message is tried and in which order it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reliability {
    /// In order with the stream's other ordered messages.
    pub ordered: bool,
    /// Give up after this many retransmissions (RFC 7496 §3.1); 0 sends once.
    pub max_retransmits: Option<u32>,
    /// Give up this long after `send` (RFC 3758 §4.1).
    pub lifetime: Option<Duration>,
}

impl Reliability {
    /// Ordered and never given up.
    pub const RELIABLE: Self = Self { ordered: true, max_retransmits: None, lifetime: None };
    /// Unordered and never given up.
    pub const UNORDERED: Self = Self { ordered: false, max_retransmits: None, lifetime: None };
}

/// A message from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its stream.
    pub stream: StreamId,
    /// Its payload protocol identifier.
    pub ppid: Ppid,
    /// Whether it came outside the stream's order.
    pub unordered: bool,
    /// The message, never empty.
    pub data: Vec<u8>,
}

/// What happened to an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is established.
    Connected,
    /// A message arrived.
    Message(Message),
    /// The peer reset its outgoing streams: these incoming ones start again.
    IncomingReset(Vec<StreamId>),
    /// A stream this side reset is done: it starts again.
    OutgoingReset(StreamId),
    /// The peer did not reset a stream.
    ResetRefused {
        /// Which.
        stream: StreamId,
        /// What it said.
        result: ReconfigResult,
    },
    /// The peer restarted (RFC 9260 §5.2.4, action A); everything under way is lost.
    Restarted,
    /// The peer reported errors that end nothing.
    PeerError(Vec<Cause>),
    /// It is over.
    Closed(Closed),
}

/// Why an association ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Shut down in order by either side.
    Shutdown,
    /// This side aborted.
    Aborted,
    /// The peer aborted; its causes as far as they could be read.
    AbortedByPeer(Vec<Cause>),
    /// The peer broke the protocol and was sent this.
    Violation(Cause),
    /// The peer no longer answers.
    Unreachable,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The association is over or about to be.
    #[error("send a message: the association is closing or closed")]
    Closed,
    /// The stream was reset and the peer has not answered yet.
    #[error("send a message: stream {stream} is being reset")]
    Resetting {
        /// Which.
        stream: StreamId,
    },
    /// The peer takes fewer streams.
    #[error("send a message: stream {stream} of {streams}")]
    NoSuchStream {
        /// Which.
        stream: StreamId,
        /// How many there are.
        streams: u16,
    },
    /// SCTP has no empty messages (RFC 9260 §3.3.1).
    #[error("send a message: it is empty")]
    Empty,
    /// It is longer than the limit.
    #[error("send a message: {length} bytes are over {limit}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The send buffer is full.
    #[error("send a message: {buffered} bytes are waiting already")]
    Full {
        /// Bytes that wait.
        buffered: usize,
    },
}
