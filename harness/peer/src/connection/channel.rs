//! One data channel (webrtc-pc §6.2, RFC 8831, RFC 8832).

use std::time::Duration;

use rtcspec_wire::dcep;
use rtcspec_wire::sctp::Ppid;

use super::event::{ChannelInit, Message};
use crate::sctp::Reliability;

/// Where a channel is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for the association.
    Connecting,
    /// Carries messages.
    Open,
    /// Its stream is being reset; which directions are done.
    Closing {
        /// Ours to them.
        outgoing: bool,
        /// Theirs to us.
        incoming: bool,
    },
}

/// A channel as this side knows it.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) init: ChannelInit,
    /// Its stream, once chosen.
    pub(super) stream: Option<u16>,
    pub(super) state: State,
    /// RFC 8832 §6: until the other side has answered or spoken, everything goes in order behind
    /// the OPEN, or it might arrive before it.
    pub(super) acknowledged: bool,
    /// Bytes handed over by the application and not yet to SCTP.
    pub(super) waiting: usize,
    /// What has come of a message in parts (RFC 8831 §6.6, deprecated).
    partial: Vec<u8>,
}

impl Channel {
    /// A channel made here.
    pub(super) fn new(init: ChannelInit) -> Self {
        let acknowledged = init.negotiated;
        let stream = init.id.filter(|_| init.negotiated);
        Self {
            init,
            stream,
            state: State::Connecting,
            acknowledged,
            waiting: 0,
            partial: Vec::new(),
        }
    }

    /// A channel the other side opened.
    pub(super) fn opened_by_peer(stream: u16, open: &dcep::Open) -> Self {
        let (max_retransmits, max_packet_life_time) = match open.reliability {
            dcep::Reliability::Reliable => (None, None),
            dcep::Reliability::MaxRetransmits(count) => (Some(clamp(count)), None),
            dcep::Reliability::MaxPacketLifeTime(time) => (None, Some(clamp(time))),
        };
        let init = ChannelInit {
            label: open.label.as_str().to_owned(),
            ordered: open.ordered,
            max_retransmits,
            max_packet_life_time,
            protocol: open.protocol.as_str().to_owned(),
            negotiated: false,
            id: Some(stream),
        };
        Self {
            init,
            stream: Some(stream),
            state: State::Open,
            acknowledged: true,
            waiting: 0,
            partial: Vec::new(),
        }
    }

    /// The OPEN that tells the other side; `None` if a name is too long for it.
    pub(super) fn open_message(&self) -> Option<dcep::Open> {
        let open = dcep::Open::new(&self.init.label, &self.init.protocol).ok()?;
        let reliability = match (self.init.max_retransmits, self.init.max_packet_life_time) {
            (Some(count), _) => dcep::Reliability::MaxRetransmits(count.into()),
            (None, Some(time)) => dcep::Reliability::MaxPacketLifeTime(time.into()),
            (None, None) => dcep::Reliability::Reliable,
        };
        let open = open.with(reliability);
        Some(if self.init.ordered { open } else { open.unordered() })
    }

    /// How its messages are sent.
    pub(super) fn reliability(&self) -> Reliability {
        Reliability {
            ordered: self.init.ordered || !self.acknowledged,
            max_retransmits: self.init.max_retransmits.map(u32::from),
            lifetime: self.init.max_packet_life_time.map(|time| Duration::from_millis(time.into())),
        }
    }

    /// The message that `data` completes, if it does; the error is for people.
    pub(super) fn take(
        &mut self,
        ppid: Ppid,
        data: Vec<u8>,
        max_size: usize,
    ) -> Result<Option<Message>, String> {
        match ppid {
            // RFC 8831 §6.6: an empty message travels as one byte that means nothing.
            Ppid::STRING_EMPTY => Ok(Some(Message::Text(String::new()))),
            Ppid::BINARY_EMPTY => Ok(Some(Message::Binary(Vec::new()))),
            Ppid::STRING_PARTIAL | Ppid::BINARY_PARTIAL => {
                if self.partial.len() + data.len() > max_size {
                    self.partial.clear();
                    return Err(format!("take a message in parts of more than {max_size} bytes"));
                }
                self.partial.extend(data);
                Ok(None)
            }
            Ppid::STRING => {
                let text = String::from_utf8(self.completed(data))
                    .map_err(|_| "read a string message that is not UTF-8".to_owned())?;
                Ok(Some(Message::Text(text)))
            }
            Ppid::BINARY => Ok(Some(Message::Binary(self.completed(data)))),
            // RFC 8831 §6.6: other identifiers are not data channel messages.
            _ => Ok(None),
        }
    }

    fn completed(&mut self, data: Vec<u8>) -> Vec<u8> {
        if self.partial.is_empty() {
            return data;
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend(data);
        whole
    }
}

/// A message and the identifier that says what it is (RFC 8831 §8).
pub(super) fn to_wire(message: Message) -> (Ppid, Vec<u8>) {
    match message {
        Message::Text(text) if text.is_empty() => (Ppid::STRING_EMPTY, vec![0]),
        Message::Text(text) => (Ppid::STRING, text.into_bytes()),
        Message::Binary(bytes) if bytes.is_empty() => (Ppid::BINARY_EMPTY, vec![0]),
        Message::Binary(bytes) => (Ppid::BINARY, bytes),
    }
}

/// W3C has 16 bits where DCEP has 32.
fn clamp(parameter: u32) -> u16 {
    u16::try_from(parameter).unwrap_or(u16::MAX)
}
