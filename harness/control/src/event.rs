//! What a peer tells of its own accord.

use serde::{Deserialize, Serialize};

use crate::command::{Candidate, Payload, SelectedPair};

/// Which of the four W3C states changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StateKind {
    /// `iceConnectionState`.
    IceConnection,
    /// `connectionState`.
    Connection,
    /// `iceGatheringState`.
    IceGathering,
    /// `signalingState`.
    Signaling,
}

/// Something happened at the peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ev", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A local candidate to be signalled; `None` ends this generation.
    Candidate {
        /// The connection.
        pc: String,
        /// The candidate.
        candidate: Option<Candidate>,
    },
    /// A state changed.
    State {
        /// The connection.
        pc: String,
        /// Which state.
        which: StateKind,
        /// Its W3C word.
        value: String,
    },
    /// A new offer is needed.
    Negotiationneeded {
        /// The connection.
        pc: String,
    },
    /// Gathering from a server failed.
    CandidateError {
        /// The connection.
        pc: String,
        /// The server.
        url: String,
        /// STUN error code, or 701 when it could not be reached.
        error_code: u16,
    },
    /// The peer now sends on another pair.
    SelectedPair {
        /// The connection.
        pc: String,
        /// The pair.
        pair: SelectedPair,
    },
    /// The other side opened a channel.
    Channel {
        /// Its handle, `pc/rN`.
        dc: String,
        /// Label.
        label: String,
        /// Subprotocol.
        #[serde(default)]
        protocol: String,
        /// In-order delivery.
        ordered: bool,
        /// Stream id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sid: Option<u16>,
        /// Most retransmissions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_retransmits: Option<u16>,
        /// Lifetime in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_packet_life_time: Option<u16>,
    },
    /// A channel can carry data.
    Open {
        /// The channel.
        dc: String,
        /// Stream id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sid: Option<u16>,
    },
    /// A message arrived.
    Message {
        /// The channel.
        dc: String,
        /// What it says.
        #[serde(flatten)]
        payload: Payload,
    },
    /// A channel is closed.
    Closed {
        /// The channel.
        dc: String,
    },
    /// Something went wrong at the peer; `pc` or `dc` handle, W3C name, free text.
    Error {
        /// What it happened to.
        on: String,
        /// W3C error name.
        name: String,
        /// For people.
        message: String,
    },
    /// A line for the log.
    Log {
        /// The line.
        text: String,
    },
}
