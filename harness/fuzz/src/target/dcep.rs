//! `dcep`: messages that open data channels.

use rtcspec_wire::dcep::{DcepError, Message, View};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;

/// Holds reading and writing of DCEP.
pub const PARSE: Target = Target {
    name: "dcep",
    about: "DCEP: OPEN and ACK read, written, byte for byte the same; lengths and UTF-8 as RFC 8832 has them",
    seeds: &["dcep"],
    dictionary: || {
        let types = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82].map(|kind| vec![3, kind]);
        let texts = [&b"\xff\xfe"[..], b"\xc3\xa9", b"\xf0\x9f\x92\xa9", b"\0"].map(<[u8]>::to_vec);
        types.into_iter().chain(texts).chain([vec![2], vec![3]]).collect()
    },
    mutate: |data, source| mutate::mostly(data, source, change),
    body: |case| body(case, &Subject::OURS),
    situations: &["open", "ack", "unordered", "partial", "not UTF-8", "wrong length", "protocol"],
    plants: &[
        Plant {
            name: "dcep-lengths-past-end",
            source: "label and protocol cut out by the lengths that are claimed",
            body: |case| body(case, &Subject { read: lengths_past_end, ..Subject::OURS }),
        },
        Plant {
            name: "dcep-lossy-label",
            source: "aiortc: a label that is not UTF-8 is read as another",
            body: |case| body(case, &Subject { read: lossy, ..Subject::OURS }),
        },
        Plant {
            name: "dcep-length-in-characters",
            source: "werift: lengths counted in characters when written",
            body: |case| body(case, &Subject { write: in_characters, ..Subject::OURS }),
        },
        Plant {
            name: "dcep-ordered-flag",
            source: "werift: unordered channels announced as ordered",
            body: |case| body(case, &Subject { write: always_ordered, ..Subject::OURS }),
        },
        Plant {
            name: "dcep-trailing",
            source: "bytes after the protocol are accepted and lost",
            body: |case| body(case, &Subject { read: trailing, ..Subject::OURS }),
        },
    ],
};

struct Subject {
    read: fn(&[u8]) -> Result<Message, DcepError>,
    write: fn(&Message) -> Vec<u8>,
}

impl Subject {
    const OURS: Self = Self { read: Message::parse, write: Message::to_bytes };
}

/// Where the label begins.
const HEADER: usize = 12;

/// A field, or label and protocol, whose lengths are made right but for one time in eight.
fn change(data: &mut Vec<u8>, source: &mut mutate::Source<'_>) {
    if data.len() < HEADER || source.one_in(5) {
        return mutate::bytes::mutate(data, source);
    }
    if source.one_in(3) {
        let at = source.below(HEADER);
        data[at] =
            if at == 1 { source.pick(&[0, 1, 2, 0x80, 0x81, 0x82, 3]) } else { source.rng.u8(..) };
        return;
    }
    let mut text = data.split_off(HEADER);
    mutate::bytes::mutate(&mut text, source);
    let label = source.below(text.len() + 1);
    let told = if source.one_in(8) { source.number(label as u64) } else { label as u64 } as u16;
    data[8..10].copy_from_slice(&told.to_be_bytes());
    data[10..12].copy_from_slice(&((text.len() - label) as u16).to_be_bytes());
    data.extend_from_slice(&text);
}

fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let view = View::parse(input);
    if let View::Open(open) = view {
        let _ = (open.label(), open.protocol(), open.trailing(), open.priority());
        let kind = open.channel_type().filter(|kind| kind & 0x7f < 3);
        case.see(&(kind, open.label().is_some(), open.protocol().is_some()));
    }
    let outcome = case.within(Budget::DATAGRAM, input.len(), || (subject.read)(input))?;
    match &outcome {
        Ok(message) => accepted(case, subject, message),
        Err(error) => {
            case.see(&std::mem::discriminant(error));
            match error {
                DcepError::LabelNotUtf8 | DcepError::ProtocolNotUtf8 => case.reach("not UTF-8"),
                DcepError::Length { .. } => case.reach("wrong length"),
                _ => {}
            }
            Ok(())
        }
    }
}

fn accepted(case: &mut Case<'_>, subject: &Subject, message: &Message) -> Verdict {
    match message {
        Message::Ack => case.reach("ack"),
        Message::Open(open) => {
            case.reach("open");
            if !open.ordered {
                case.reach("unordered");
            }
            if open.channel_type() & 0x7f != 0 {
                case.reach("partial");
            }
            if !open.protocol.as_str().is_empty() {
                case.reach("protocol");
            }
            case.see(&open.channel_type());
        }
    }
    let input = case.input;
    let written = (subject.write)(message);
    if case.comes_back(&written) {
        return Ok(());
    }
    let again = (subject.read)(&written);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(message), || {
        format!("read {message:?}, wrote {written:02x?}, read {again:?}")
    })?;
    // RFC 8832 §5.1: of a reliable channel the parameter is ignored; all else has one encoding.
    let ignored = 4..8;
    let same = written.len() == input.len()
        && written
            .iter()
            .zip(input)
            .enumerate()
            .all(|(at, (a, b))| a == b || ignored.contains(&at));
    hold(Oracle::RoundTrip, same, || format!("{input:02x?} comes back as {written:02x?}"))?;
    if !case.is_thorough() {
        return Ok(());
    }
    (1..input.len().min(20)).try_for_each(|cut| {
        let len = input.len() - cut;
        hold(Oracle::Truncation, (subject.read)(&input[..len]).is_err(), || {
            format!("the first {len} of {} bytes are read as a message", input.len())
        })
    })
}

pub(crate) fn lengths_past_end(bytes: &[u8]) -> Result<Message, DcepError> {
    if let View::Open(open) = View::parse(bytes)
        && let (Some(label), Some(protocol)) = (open.label_length(), open.protocol_length())
    {
        let label = HEADER + usize::from(label);
        let _ = (&bytes[HEADER..label], &bytes[label..label + usize::from(protocol)]);
    }
    Message::parse(bytes)
}

pub(crate) fn lossy(bytes: &[u8]) -> Result<Message, DcepError> {
    match Message::parse(bytes) {
        Err(DcepError::LabelNotUtf8 | DcepError::ProtocolNotUtf8) => {
            let mut bytes = bytes.to_vec();
            bytes[HEADER..].iter_mut().filter(|byte| **byte >= 0x80).for_each(|byte| *byte = b'?');
            Message::parse(&bytes)
        }
        outcome => outcome,
    }
}

pub(crate) fn in_characters(message: &Message) -> Vec<u8> {
    let mut out = message.to_bytes();
    if let Message::Open(open) = message {
        let length = open.label.as_str().chars().count() as u16;
        out[8..10].copy_from_slice(&length.to_be_bytes());
    }
    out
}

pub(crate) fn always_ordered(message: &Message) -> Vec<u8> {
    let mut out = message.to_bytes();
    if let [3, kind, ..] = &mut out[..] {
        *kind &= 0x7f;
    }
    out
}

pub(crate) fn trailing(bytes: &[u8]) -> Result<Message, DcepError> {
    match Message::parse(bytes) {
        Err(DcepError::Length { expected, found }) if expected < found => {
            Message::parse(&bytes[..expected])
        }
        outcome => outcome,
    }
}
