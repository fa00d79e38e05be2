//! What a peer connection tells of its own accord.

use crate::jsep::{IceCandidate, SignalingState};

use super::state::{ConnectionState, IceConnectionState, IceGatheringState};

/// Names a data channel of one connection, from its creation on; not the SCTP stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// W3C `RTCDataChannelInit` and the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInit {
    /// Label.
    pub label: String,
    /// In-order delivery.
    pub ordered: bool,
    /// Most retransmissions of a message; `None` is no limit.
    pub max_retransmits: Option<u16>,
    /// Lifetime of a message in milliseconds; `None` is no limit.
    pub max_packet_life_time: Option<u16>,
    /// Subprotocol.
    pub protocol: String,
    /// No DCEP: both sides make the channel.
    pub negotiated: bool,
    /// Stream, for negotiated channels.
    pub id: Option<u16>,
}

impl ChannelInit {
    /// A reliable, ordered channel opened by DCEP.
    #[must_use]
    pub fn reliable(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
        }
    }
}

/// A message of a data channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A string.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to be signalled; `None` ends this generation (RFC 8838 §8.2).
    Candidate(Option<IceCandidate>),
    /// `iceConnectionState` changed.
    IceConnectionState(IceConnectionState),
    /// `iceGatheringState` changed.
    IceGatheringState(IceGatheringState),
    /// `connectionState` changed.
    ConnectionState(ConnectionState),
    /// `signalingState` changed.
    SignalingState(SignalingState),
    /// A new offer is needed.
    NegotiationNeeded,
    /// Gathering from a server failed.
    CandidateError {
        /// The server.
        url: String,
        /// STUN error code, or 701 when it could not be reached.
        code: u16,
    },
    /// Data now goes over another pair of candidates.
    SelectedPair {
        /// `candidate:...` of our side.
        local: String,
        /// `candidate:...` of the other side.
        remote: String,
    },
    /// The other side opened a channel.
    Channel {
        /// Its name here.
        channel: ChannelId,
        /// What the other side said about it; `id` is the stream.
        init: ChannelInit,
    },
    /// A channel can carry data.
    Open {
        /// The channel.
        channel: ChannelId,
        /// Its stream.
        stream: u16,
    },
    /// A message arrived.
    Message {
        /// The channel.
        channel: ChannelId,
        /// What it says.
        message: Message,
    },
    /// A channel is closed.
    Closed(ChannelId),
    /// Something went wrong that no command asked for.
    Error {
        /// The channel it happened to; `None` for the connection.
        channel: Option<ChannelId>,
        /// For people.
        reason: String,
    },
}
