//! One data channel.

use std::time::Duration;

use rtcspec_wire::dcep::{Name, Open, Priority, Reliability as Limit};
use rtcspec_wire::sctp::{Ppid, StreamId};

use super::Error;
use super::payload::Parts;
use crate::sctp::Reliability;

/// Names a channel from its creation on, when it may have no stream yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u64);

/// W3C `RTCDataChannelInit`, and the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Label.
    pub label: String,
    /// Subprotocol.
    pub protocol: String,
    /// Messages arrive in order.
    pub ordered: bool,
    /// Give a message up after this many retransmissions.
    pub max_retransmits: Option<u32>,
    /// Give a message up after this many milliseconds.
    pub max_packet_life_time: Option<u32>,
    /// The stream both sides agreed on elsewhere: no OPEN is sent.
    pub negotiated: Option<StreamId>,
    /// Priority as in RFC 8831 §6.4.
    pub priority: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            label: String::new(),
            protocol: String::new(),
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
            negotiated: None,
            priority: 0,
        }
    }
}

impl Options {
    /// The OPEN that says so.
    pub(super) fn open(&self) -> Result<Open, Error> {
        let reliability = match (self.max_retransmits, self.max_packet_life_time) {
            (None, None) => Limit::Reliable,
            (Some(count), None) => Limit::MaxRetransmits(count),
            (None, Some(milliseconds)) => Limit::MaxPacketLifeTime(milliseconds),
            (Some(_), Some(_)) => return Err(Error::TwoLimits),
        };
        Ok(Open {
            ordered: self.ordered,
            reliability,
            priority: Priority(self.priority),
            label: Name::new(&self.label)?,
            protocol: Name::new(&self.protocol)?,
        })
    }

    /// What an OPEN of the peer asks for.
    pub(super) fn of(open: &Open) -> Self {
        let (max_retransmits, max_packet_life_time) = match open.reliability {
            Limit::Reliable => (None, None),
            Limit::MaxRetransmits(count) => (Some(count), None),
            Limit::MaxPacketLifeTime(milliseconds) => (None, Some(milliseconds)),
        };
        Self {
            label: open.label.as_str().to_owned(),
            protocol: open.protocol.as_str().to_owned(),
            ordered: open.ordered,
            max_retransmits,
            max_packet_life_time,
            negotiated: None,
            priority: open.priority.0,
        }
    }
}

/// W3C `RTCDataChannelState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No answer to the OPEN yet, or no association.
    Connecting,
    /// Open.
    Open,
    /// Being closed by either side.
    Closing,
    /// Closed.
    Closed,
}

/// A data channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// What it was made with, by either side.
    pub options: Options,
    /// Its stream, once known.
    pub stream: Option<StreamId>,
    /// Its state.
    pub state: State,
    /// Whether the peer opened it.
    pub by_peer: bool,
    /// Nothing has come on it yet: what is sent has to stay behind the OPEN.
    pub(super) unanswered: bool,
    /// This side's outgoing stream was reset.
    pub(super) outgoing_done: bool,
    /// The peer's outgoing stream was reset.
    pub(super) incoming_done: bool,
    /// The beginning of a message that came in deprecated parts.
    pub(super) parts: Parts,
    /// What came for a next channel on this stream while this one is not quite closed.
    pub(super) deferred: Vec<(Ppid, Vec<u8>)>,
}

impl Channel {
    pub(super) fn new(options: Options, stream: Option<StreamId>, by_peer: bool) -> Self {
        Self {
            unanswered: !by_peer && options.negotiated.is_none(),
            options,
            stream,
            state: State::Connecting,
            by_peer,
            outgoing_done: false,
            incoming_done: false,
            parts: Parts::default(),
            deferred: Vec::new(),
        }
    }

    /// How SCTP is to carry a user message now.
    ///
    /// RFC 8832 §6: until something has come on the channel, messages are sent ordered, so that
    /// none overtakes the OPEN.
    pub(super) fn reliability(&self) -> Reliability {
        let lifetime = self.options.max_packet_life_time;
        Reliability {
            ordered: self.options.ordered || self.unanswered,
            max_retransmits: self.options.max_retransmits,
            lifetime: lifetime.map(|milliseconds| Duration::from_millis(milliseconds.into())),
        }
    }
}
