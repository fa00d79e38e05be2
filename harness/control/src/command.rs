//! Commands of the harness and the replies to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::capability::Hello;
use crate::config::Configuration;

/// Number the harness gives a request; the reply carries it back.
pub type RequestId = u64;

/// One command with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the harness, unique within a connection.
    pub id: RequestId,
    /// What is asked.
    #[serde(flatten)]
    pub command: Command,
}

impl Request {
    /// Reads a request from one line of JSON.
    ///
    /// # Errors
    /// The reply to give instead: `unsupported` with the word of a command this version does not
    /// know, `TypeError` for anything else that is no request. A line without a number is answered
    /// as request 0, which the harness never uses.
    pub fn read(line: &str) -> Result<Self, Box<Reply>> {
        let wrong = |id, message: String| {
            let name = "TypeError".to_owned();
            Box::new(Reply { id, body: ReplyBody::Error { name, message } })
        };
        let value: serde_json::Value =
            serde_json::from_str(line).map_err(|error| wrong(0, error.to_string()))?;
        let id = value.get("id").and_then(serde_json::Value::as_u64).unwrap_or_default();
        let op = value.get("op").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !op.is_empty() && !Command::OPS.contains(&op) {
            return Err(Box::new(Reply { id, body: ReplyBody::Unsupported(op.to_owned()) }));
        }
        serde_json::from_value(value).map_err(|error| wrong(id, error.to_string()))
    }
}

/// What the harness may ask. Handles (`pc`, `dc`) are chosen by the harness, except those of
/// channels the other side opened, which the peer names `pc/rN`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Command {
    /// Who are you? Answered by [`ReplyBody::Hello`].
    Hello {},
    /// Marks the log with the case about to run; a peer may refuse it as unsupported.
    Case {
        /// True id of the case or scenario.
        name: String,
        /// Seed of the run.
        seed: u64,
    },
    /// Makes a peer connection.
    New {
        /// Its handle.
        pc: String,
        /// W3C `RTCConfiguration` and the `x-` keys.
        #[serde(default)]
        config: Configuration,
    },
    /// `createOffer`, answered by [`ReplyBody::Sdp`].
    Offer {
        /// The connection.
        pc: String,
        /// New ICE credentials (RFC 8445 §9).
        #[serde(default)]
        ice_restart: bool,
    },
    /// `createAnswer`, answered by [`ReplyBody::Sdp`].
    Answer {
        /// The connection.
        pc: String,
    },
    /// `setLocalDescription`, answered by [`ReplyBody::Sdp`] with the current local description.
    Local {
        /// The connection.
        pc: String,
        /// What to set.
        desc: Description,
    },
    /// `setRemoteDescription`.
    Remote {
        /// The connection.
        pc: String,
        /// What to set.
        desc: Description,
    },
    /// `addIceCandidate`; `None` ends the candidates of this generation.
    Candidate {
        /// The connection.
        pc: String,
        /// The candidate.
        candidate: Option<Candidate>,
    },
    /// `createDataChannel`.
    Channel {
        /// The connection.
        pc: String,
        /// Handle of the new channel.
        dc: String,
        /// Label, up to 65,535 bytes of UTF-8.
        label: String,
        /// Everything else about it.
        #[serde(default)]
        init: ChannelInit,
    },
    /// Sends a message on a channel.
    Send {
        /// The channel.
        dc: String,
        /// Text or bytes.
        #[serde(flatten)]
        payload: Payload,
        /// Send it this many times in a row; absent means once.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        repeat: u32,
    },
    /// Closes a channel.
    CloseChannel {
        /// The channel.
        dc: String,
    },
    /// Closes a connection.
    Close {
        /// The connection.
        pc: String,
    },
    /// Asks for states, answered by [`ReplyBody::State`].
    State {
        /// The connection.
        pc: String,
    },
    /// `restartIce`: the next offer has new credentials.
    RestartIce {
        /// The connection.
        pc: String,
    },
    /// Replaces ICE servers and policy.
    SetConfig {
        /// The connection.
        pc: String,
        /// The new configuration.
        config: Configuration,
    },
    /// The machine's interfaces changed (virtual tier): these are the addresses now.
    Interfaces {
        /// The connection.
        pc: String,
        /// Every local address, IPv4 and IPv6.
        addresses: Vec<std::net::IpAddr>,
    },
}

impl Command {
    /// The words of all commands.
    pub const OPS: [&str; 16] = [
        "hello",
        "case",
        "new",
        "offer",
        "answer",
        "local",
        "remote",
        "candidate",
        "channel",
        "send",
        "closeChannel",
        "close",
        "state",
        "restartIce",
        "setConfig",
        "interfaces",
    ];

    /// What its `ok` carries.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::Hello {} => Answer::Hello,
            Self::Offer { .. } | Self::Answer { .. } | Self::Local { .. } => Answer::Sdp,
            Self::State { .. } => Answer::State,
            _ => Answer::Done,
        }
    }

    /// The word of the command on the wire.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::Hello {} => "hello",
            Self::Case { .. } => "case",
            Self::New { .. } => "new",
            Self::Offer { .. } => "offer",
            Self::Answer { .. } => "answer",
            Self::Local { .. } => "local",
            Self::Remote { .. } => "remote",
            Self::Candidate { .. } => "candidate",
            Self::Channel { .. } => "channel",
            Self::Send { .. } => "send",
            Self::CloseChannel { .. } => "closeChannel",
            Self::Close { .. } => "close",
            Self::State { .. } => "state",
            Self::RestartIce { .. } => "restartIce",
            Self::SetConfig { .. } => "setConfig",
            Self::Interfaces { .. } => "interfaces",
        }
    }
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_once(repeat: &u32) -> bool {
    *repeat == 1
}

/// Type of a session description (RFC 9429 §4.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdpType {
    /// An offer.
    Offer,
    /// A provisional answer.
    Pranswer,
    /// A final answer.
    Answer,
    /// Back to the last stable state; carries no SDP.
    Rollback,
}

impl SdpType {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Pranswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }
}

/// W3C `RTCSessionDescriptionInit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Offer, answer, provisional answer or rollback.
    #[serde(rename = "type")]
    pub kind: SdpType,
    /// The text; empty for a rollback.
    #[serde(default)]
    pub sdp: String,
}

/// W3C `RTCIceCandidateInit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Candidate {
    /// The `candidate:` attribute value, or empty for end-of-candidates.
    pub candidate: String,
    /// `mid` of its media section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp_mid: Option<String>,
    /// Index of its media section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp_m_line_index: Option<u16>,
    /// ICE generation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_fragment: Option<String>,
}

/// W3C `RTCDataChannelInit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelInit {
    /// In-order delivery; true unless said otherwise.
    pub ordered: bool,
    /// Most retransmissions of a message; `None` is reliable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retransmits: Option<u16>,
    /// Lifetime of a message in milliseconds; `None` is reliable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_packet_life_time: Option<u16>,
    /// Subprotocol.
    pub protocol: String,
    /// No DCEP: both sides create the channel with the same id.
    pub negotiated: bool,
    /// Stream id, for negotiated channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
}

impl Default for ChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
        }
    }
}

/// A message of a data channel: `{"text": "..."}` or `{"b64": "..."}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Payload {
    /// A string message.
    #[serde(rename = "text")]
    Text(String),
    /// A binary message.
    #[serde(rename = "b64", serialize_with = "to_base64", deserialize_with = "from_base64")]
    Binary(Vec<u8>),
}

impl Payload {
    /// Its bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) if text.len() <= 64 => write!(f, "Text({text:?})"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(&text).map_err(serde::de::Error::custom)
}

/// The one answer to a request; [`Message`](crate::Message) says how it looks as a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Number of the request.
    pub id: RequestId,
    /// What came of it.
    pub body: ReplyBody,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReplyBody {
    /// Done; nothing to tell.
    Done {},
    /// Answer to `hello`.
    Hello(Hello),
    /// Answer to `offer`, `answer` and `local`.
    Sdp(String),
    /// Answer to `state`.
    State(StateReport),
    /// The peer refused: W3C error name and free text.
    Error {
        /// W3C `DOMException` name, e.g. `InvalidStateError`.
        name: String,
        /// For people.
        message: String,
    },
    /// The peer cannot do this: the feature, command or configuration key it lacks.
    Unsupported(String),
}

/// What the `ok` of a command carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Done,
    /// What the peer is and can do.
    Hello,
    /// A session description.
    Sdp,
    /// States.
    State,
}

/// States as the peer reports them, in W3C words; whatever it cannot tell stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateReport {
    /// `iceConnectionState`.
    pub ice_connection: String,
    /// `connectionState`.
    pub connection: String,
    /// `iceGatheringState`.
    pub ice_gathering: String,
    /// `signalingState`.
    pub signaling: String,
    /// The pair the peer says it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_pair: Option<SelectedPair>,
}

/// A selected candidate pair as the peer reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelectedPair {
    /// `candidate:` value of the local side.
    pub local: String,
    /// `candidate:` value of the remote side.
    pub remote: String,
}
