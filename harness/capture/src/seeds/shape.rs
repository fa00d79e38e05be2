//! What a message is, in a word, and what it looks like: messages of one shape are alike to a
//! parser, so one of them is enough.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dtls::{HandshakeType, Record};
use rtcspec_wire::{dcep, rtcp, rtp, sctp, stun, turn};

/// A word for a file's name, and everything that tells one shape from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) word: String,
    pub(super) form: String,
}

impl Shape {
    fn new(word: impl Into<String>, form: impl Into<String>) -> Self {
        Self { word: word.into(), form: form.into() }
    }
}

/// A length's order of magnitude.
fn magnitude(length: usize) -> u32 {
    usize::BITS - length.leading_zeros()
}

pub(super) fn of_stun(view: &stun::View<'_>) -> Shape {
    let word = view
        .message_type()
        .map_or_else(|| "malformed".to_owned(), |kind| format!("{} {}", kind.method, kind.class));
    let mut form = String::new();
    for attribute in view.attributes() {
        // Lengths of names and data vary from call to call and mean nothing.
        let _ = write!(form, "{:04x}.", attribute.ty.0);
    }
    if let Some(code) = view.error_code() {
        let _ = write!(form, "{:?}", code.code());
    }
    let _ = write!(form, "{}", view.is_classic());
    Shape::new(word, form)
}

pub(super) fn of_channel_data(view: &turn::ChannelDataView<'_>) -> Shape {
    let inner = Protocol::of(view.data());
    let padding = view.data().len() % 4;
    Shape::new(inner.to_string(), format!("{inner} {padding} {}", view.trailing().len()))
}

/// A record and how many bytes it takes.
pub(super) fn of_record(record: &Record<'_>) -> Option<(Shape, usize)> {
    match record {
        Record::Plaintext(record) => {
            let length = 13 + record.cid.len() + record.content.len();
            let encrypted = if record.epoch > 0 { " encrypted" } else { "" };
            let inner = record.content.first().filter(|_| record.epoch == 0);
            let size = magnitude(record.content.len());
            let form = format!("{} {inner:?} {size}", record.version);
            Some((Shape::new(format!("{}{encrypted}", record.content_type), form), length))
        }
        Record::Unified(record) => {
            let length = record.header.len() + record.encrypted.len();
            let form = format!("{:02x} {}", record.flags & 0x1f, magnitude(record.encrypted.len()));
            Some((Shape::new("unified", form), length))
        }
        Record::Malformed { .. } => None,
    }
}

pub(super) fn of_handshake(kind: HandshakeType, body: &[u8]) -> Shape {
    // Hellos of one stack differ in nothing but random bytes; those of others have other lengths.
    let hello = kind == HandshakeType::CLIENT_HELLO || kind == HandshakeType::SERVER_HELLO;
    let size = if hello { body.len() } else { magnitude(body.len()) as usize };
    Shape::new(kind.to_string(), size.to_string())
}

pub(super) fn of_sctp(view: &sctp::PacketView<'_>) -> Shape {
    let mut kinds: Vec<String> = Vec::new();
    let mut form = String::new();
    for chunk in view.chunks() {
        let kind = chunk.chunk_type().to_string();
        let value = chunk.value();
        let opens = matches!(kind.as_str(), "INIT" | "INIT ACK" | "INIT-ACK" | "ERROR" | "ABORT");
        let size = if opens { value.len() } else { magnitude(value.len()) as usize };
        let _ = write!(form, "{kind} {:02x} {size};", chunk.flags());
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    }
    kinds.truncate(4);
    Shape::new(kinds.join(" "), form)
}

pub(super) fn of_dcep(bytes: &[u8]) -> Shape {
    match dcep::View::parse(bytes) {
        dcep::View::Open(open) => {
            let form = format!("{:?} {:?}", open.channel_type(), open.protocol_length());
            Shape::new("open", format!("{form} {:?}", open.label_length()))
        }
        dcep::View::Ack(_) => Shape::new("ack", bytes.len().to_string()),
        _ => Shape::new("other", format!("{:?} {}", bytes.first(), bytes.len())),
    }
}

pub(super) fn of_rtp(view: &rtp::View<'_>) -> Shape {
    let number = view.payload_type().map_or(0, rtp::PayloadType::get);
    let mut form = format!(
        "{:?} {:?} {:?} {:?}",
        view.marker(),
        view.csrc_count(),
        view.has_padding(),
        view.has_extension(),
    );
    if let Ok(packet) = view.check() {
        let _ = write!(form, " {:?} {}", packet.header().len(), magnitude(packet.payload().len()));
    }
    Shape::new(format!("pt {number}"), form)
}

pub(super) fn of_rtcp(bytes: &[u8]) -> Shape {
    let (mut kinds, mut form) = (Vec::new(), String::new());
    for packet in rtcp::packets(bytes).map_while(Result::ok) {
        let kind = format!("{:?}", packet.packet_type());
        let _ = write!(form, "{kind} {} {};", packet.count(), magnitude(packet.body().len()));
        kinds.push(kind);
    }
    kinds.truncate(4);
    Shape::new(if kinds.is_empty() { "malformed".to_owned() } else { kinds.join(" ") }, form)
}

/// The kind of description and the names of its lines, each once.
pub(super) fn of_sdp(kind: &str, text: &str) -> Shape {
    let name = |line: &str| line.split([':', '\r']).next().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    let mut media = String::new();
    for line in text.lines() {
        match line.strip_prefix("m=") {
            Some(medium) => media.push_str(medium.split(' ').next().unwrap_or_default()),
            None if line.starts_with("a=") => {
                names.insert(name(line));
            }
            None => {}
        }
    }
    Shape::new(format!("{kind} {media}"), names.into_iter().collect::<Vec<_>>().join(" "))
}

pub(super) fn of_candidate(text: &str) -> Shape {
    let words: Vec<&str> = text.split(' ').collect();
    let kind = words.iter().skip_while(|word| **word != "typ").nth(1).unwrap_or(&"untyped");
    let address = words.get(4).copied().unwrap_or_default();
    let family = match address {
        name if name.ends_with(".local") => "mdns",
        address if address.contains(':') => "v6",
        _ => "v4",
    };
    let transport = words.get(2).copied().unwrap_or_default().to_ascii_lowercase();
    let names: Vec<&str> = words.iter().skip(6).step_by(2).copied().collect();
    Shape::new(format!("{kind} {transport} {family}"), names.join(" "))
}
