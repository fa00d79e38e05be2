//! What a peer connection tells of its own accord.

use rtcspec_wire::sctp::StreamId;

use crate::dcep::{Channel, Options};
pub use crate::dcep::{ChannelId, Payload as Message};
use crate::jsep::{IceCandidate, SignalingState};

use super::state::{ConnectionState, IceConnectionState, IceGatheringState};

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

    /// What the two sides know of a channel; `id` is its stream.
    pub(super) fn of(channel: &Channel) -> Self {
        // W3C has 16 bits where DCEP has 32.
        let short = |limit: u32| u16::try_from(limit).unwrap_or(u16::MAX);
        let options = &channel.options;
        Self {
            label: options.label.clone(),
            ordered: options.ordered,
            max_retransmits: options.max_retransmits.map(short),
            max_packet_life_time: options.max_packet_life_time.map(short),
            protocol: options.protocol.clone(),
            negotiated: options.negotiated.is_some(),
            id: channel.stream.map(|stream| stream.0),
        }
    }
}

impl From<ChannelInit> for Options {
    fn from(init: ChannelInit) -> Self {
        Self {
            label: init.label,
            protocol: init.protocol,
            ordered: init.ordered,
            max_retransmits: init.max_retransmits.map(u32::from),
            max_packet_life_time: init.max_packet_life_time.map(u32::from),
            negotiated: init.id.filter(|_| init.negotiated).map(StreamId),
            priority: 0,
        }
    }
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to be signalled; `None` ends this generation (RFC 8838 §13).
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
