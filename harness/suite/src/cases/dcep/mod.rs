//! DCEP: channels that open in unusual ways.

mod early_data;
mod malformed;
mod names;
mod streams;

pub(super) use early_data::{DATA_BEFORE_ACK, DATA_WITH_OPEN};
pub(super) use malformed::{ACK_WITHOUT_CHANNEL, DUPLICATE_OPEN, LABEL_NOT_UTF8, LENGTHS_PAST_END};
pub(super) use names::NAMES_IN_BYTES;
pub(super) use streams::{UNOPENED_STREAM, WRONG_PARITY};

use rtcspec_peer::tamper::StreamMessage;
use rtcspec_wire::dcep::{Message, OPEN, Open};

use super::log::{Log, Way};

/// PPID of DCEP (RFC 8832 §8.1).
const DCEP: u32 = 50;

/// PPID of a binary message (RFC 8831 §8).
const BINARY: u32 = 53;

/// An OPEN of a reliable, ordered channel on a stream.
fn open(stream: u16, label: &str) -> Option<StreamMessage> {
    let open = Open::new(label, "").ok()?;
    Some(StreamMessage { stream, ppid: DCEP, data: Message::Open(open).to_bytes() })
}

/// A binary message of this many bytes on a stream.
fn binary(stream: u16, length: usize) -> StreamMessage {
    StreamMessage { stream, ppid: BINARY, data: vec![0xab; length] }
}

/// RFC 8832 §6: the DTLS client opens even streams, the server odd ones. Whether the hostile side
/// opens odd ones, from who opened the first channel, and where.
fn opens_odd(log: &Log) -> Option<bool> {
    let first = |way| {
        log.messages(way, DCEP)
            .find(|(_, _, data)| data.first() == Some(&OPEN))
            .map(|(_, stream, _)| stream % 2 == 1)
    };
    first(Way::Sent).or_else(|| first(Way::Received).map(|odd| !odd))
}
