//! Bugs of readers and writers of DNS, built into a copy of ours.

use rtcspec_wire::dns::{DnsError, HEADER, Message, RecordType, View};

use super::{Subject, body};
use crate::target::Plant;

pub(super) const ALL: &[Plant] = &[
    Plant {
        name: "dns-pointer-for-ever",
        source: "a pointer is followed wherever it leads, to itself too (RFC 1035 §4.1.4: to a prior occurrence)",
        body: |case| body(case, &Subject { read: pointer_for_ever, ..Subject::OURS }),
    },
    Plant {
        name: "dns-pointer-past-end",
        source: "a pointer is followed past the end of the message",
        body: |case| body(case, &Subject { read: pointer_past_end, ..Subject::OURS }),
    },
    Plant {
        name: "dns-room-for-count",
        source: "room is made for as many records as the header counts",
        body: |case| body(case, &Subject { read: room_for_count, ..Subject::OURS }),
    },
    Plant {
        name: "dns-label-of-any-kind",
        source: "labels that begin with the bits 01 and 10 are read as others",
        body: |case| body(case, &Subject { read: label_of_any_kind, ..Subject::OURS }),
    },
    Plant {
        name: "dns-trailing",
        source: "bytes behind the last record are lost",
        body: |case| body(case, &Subject { read: trailing, ..Subject::OURS }),
    },
    Plant {
        name: "dns-flush-lost",
        source: "the cache-flush bit is not written (RFC 6762 §10.2)",
        body: |case| body(case, &Subject { write: flush_lost, ..Subject::OURS }),
    },
    Plant {
        name: "dns-unicast-lost",
        source: "the bit that asks for a unicast response is not read (RFC 6762 §5.4)",
        body: |case| body(case, &Subject { read: unicast_lost, ..Subject::OURS }),
    },
    Plant {
        name: "dns-address-cut",
        source: "an address is cut out of longer data",
        body: |case| body(case, &Subject { read: address_cut, ..Subject::OURS }),
    },
];

/// Where names may begin: behind the header, the first of a message.
fn first_name(bytes: &[u8]) -> usize {
    HEADER.min(bytes.len())
}

fn pointer_for_ever(bytes: &[u8]) -> Result<Message, DnsError> {
    let (mut at, mut labels) = (first_name(bytes), Vec::new());
    // What would be for ever ends for the test when it has taken too much.
    while labels.len() < 1 << 18 {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(high), Some(low)) if high >> 6 == 3 => {
                at = usize::from(u16::from_be_bytes([high & 0x3f, *low]));
                labels.push(at);
            }
            (Some(length), _) if (1..64).contains(length) => {
                labels.push(at);
                at += 1 + usize::from(*length);
            }
            _ => break,
        }
    }
    Message::parse(bytes)
}

fn pointer_past_end(bytes: &[u8]) -> Result<Message, DnsError> {
    let outcome = Message::parse(bytes);
    if let Err(DnsError::Pointer { to, .. }) = outcome {
        let _length = bytes[to];
    }
    outcome
}

fn room_for_count(bytes: &[u8]) -> Result<Message, DnsError> {
    let [_, answers, ..] = View::new(bytes).counts().unwrap_or_default();
    let room = Vec::<rtcspec_wire::dns::Record>::with_capacity(usize::from(answers));
    std::hint::black_box(room);
    Message::parse(bytes)
}

fn label_of_any_kind(bytes: &[u8]) -> Result<Message, DnsError> {
    match Message::parse(bytes) {
        Err(DnsError::Label(kind)) => {
            let mut bytes = bytes.to_vec();
            let labels = bytes.iter_mut().skip(HEADER).filter(|byte| **byte == kind);
            labels.for_each(|byte| *byte &= 0x3f);
            Message::parse(&bytes)
        }
        outcome => outcome,
    }
}

fn trailing(bytes: &[u8]) -> Result<Message, DnsError> {
    match Message::parse(bytes) {
        Err(DnsError::Trailing(more)) => Message::parse(&bytes[..bytes.len() - more]),
        outcome => outcome,
    }
}

fn flush_lost(message: &Message) -> Result<Vec<u8>, DnsError> {
    let mut message = message.clone();
    message.answers.iter_mut().for_each(|record| record.flush = false);
    message.to_bytes()
}

fn unicast_lost(bytes: &[u8]) -> Result<Message, DnsError> {
    let mut message = Message::parse(bytes)?;
    message.questions.iter_mut().for_each(|question| question.unicast = false);
    Ok(message)
}

/// Reads the message as if the data of its last record had the length of an address.
fn address_cut(bytes: &[u8]) -> Result<Message, DnsError> {
    let outcome = Message::parse(bytes);
    let Err(DnsError::Address(found)) = outcome else { return outcome };
    let Some(Ok(last)) = View::new(bytes).records().last() else { return outcome };
    let wanted = if last.kind == RecordType::AAAA { 16 } else { 4 };
    if last.data.len() != found || found < wanted {
        return outcome;
    }
    let mut cut = bytes[..bytes.len() - (found - wanted)].to_vec();
    let length = cut.len() - wanted - 1;
    cut[length] = wanted as u8;
    Message::parse(&cut)
}
