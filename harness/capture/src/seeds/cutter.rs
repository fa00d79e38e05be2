//! Messages out of captures, one for each shape.

use std::collections::BTreeSet;

use rtcspec_trace::SignalBody;
use rtcspec_trace::watch::{Event, Handshake, Kind, Observer};
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dtls::Records;
use rtcspec_wire::sctp::{PacketView, Ppid};
use rtcspec_wire::{stun, turn};
use sha2::{Digest as _, Sha256};

use super::format::Format;
use super::shape::{self, Shape};
use crate::net::Frame;
use crate::{Capture, Found};

/// The longest seed.
const MAX_SEED: usize = 1 << 16;
/// Shapes of one format beyond this number are not told apart any more.
const MAX_SHAPES: usize = 4096;

/// A message and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// What it is.
    pub format: Format,
    /// Name of its file: what it is, and the beginning of its SHA-256.
    pub name: String,
    /// The message.
    pub bytes: Vec<u8>,
    /// SHA-256 of the message, in hexadecimal.
    pub sha256: String,
    /// The capture it was seen in first.
    pub source: String,
    /// Number of the frame in it; 0 if it was signalled.
    pub frame: u64,
}

/// Cuts seeds out of one capture after the other.
#[derive(Debug, Default)]
pub struct Cutter {
    seen: BTreeSet<(Format, String)>,
    seeds: Vec<Seed>,
}

impl Cutter {
    /// Cuts a capture, named `source` in the seeds' provenance.
    pub fn cut(&mut self, capture: &mut Capture, source: &str) {
        let mut observer = capture.observer();
        observer.secrets(&capture.keys.text());
        for signal in capture.dialogues.iter().flat_map(|dialogue| &dialogue.signals) {
            self.signal(&signal.body, source);
        }
        capture.each(&mut |found| match found {
            Found::Frame(frame) => self.frame(&mut observer, &frame, source),
            Found::Secrets(lines) => observer.secrets(lines),
        });
    }

    /// What was cut: by format, then by name.
    #[must_use]
    pub fn seeds(mut self) -> Vec<Seed> {
        self.seeds.sort_by(|one, other| (one.format, &one.name).cmp(&(other.format, &other.name)));
        self.seeds
    }

    fn frame(&mut self, observer: &mut Observer, frame: &Frame<'_>, source: &str) {
        if let Some(seen) = frame.whole() {
            observer.seen(&seen, &mut |event| self.event(event, source));
        }
    }

    fn event(&mut self, event: &Event<'_>, source: &str) {
        let frame = event.number;
        match &event.kind {
            Kind::Datagram(datagram) => {
                self.datagram(datagram.protocol, datagram.bytes, source, frame);
            }
            Kind::Handshake(handshake) => self.handshake(handshake, source, frame),
            Kind::Sctp(packet) => self.sctp(packet.view.bytes(), source, frame),
            Kind::Message(message) if message.ppid == Ppid::DCEP && message.is_whole() => {
                let shape = shape::of_dcep(message.bytes);
                self.keep(Format::Dcep, &shape, message.bytes, source, frame);
            }
            Kind::Rtp(rtp) => {
                let bytes = rtp.view.bytes();
                self.keep(Format::Rtp, &shape::of_rtp(&rtp.view), bytes, source, frame);
            }
            Kind::Rtcp(rtcp) if rtcp.protection.is_authenticated() => {
                let shape = shape::of_rtcp(rtcp.bytes);
                self.keep(Format::Rtcp, &shape, rtcp.bytes, source, frame);
            }
            _ => {}
        }
    }

    fn datagram(&mut self, protocol: Protocol, bytes: &[u8], source: &str, frame: u64) {
        match protocol {
            Protocol::Stun => {
                let shape = shape::of_stun(&stun::View::new(bytes));
                self.keep(Format::Stun, &shape, bytes, source, frame);
            }
            // SSDP's `M-SEARCH` begins as a channel's number does.
            Protocol::TurnChannel if turn::ChannelData::parse(bytes).is_ok() => {
                let shape = shape::of_channel_data(&turn::ChannelDataView::new(bytes));
                self.keep(Format::ChannelData, &shape, bytes, source, frame);
            }
            Protocol::Dtls => {
                let mut rest = bytes;
                for record in Records::new(bytes) {
                    let Some((shape, length)) = shape::of_record(&record) else { return };
                    let Some((record, after)) = rest.split_at_checked(length) else { return };
                    self.keep(Format::DtlsRecord, &shape, record, source, frame);
                    rest = after;
                }
            }
            _ => {}
        }
    }

    /// RFC 6347 §4.2.2: a message that is not fragmented is one fragment of its own length.
    fn handshake(&mut self, handshake: &Handshake<'_>, source: &str, frame: u64) {
        let Some(body) = handshake.message else { return };
        let [_, a, b, c] = handshake.length.to_be_bytes();
        let [d, e] = handshake.message_seq.to_be_bytes();
        let head = [handshake.msg_type.0, a, b, c, d, e, 0, 0, 0, a, b, c];
        let shape = shape::of_handshake(handshake.msg_type, body);
        self.keep(Format::DtlsHandshake, &shape, &[&head, body].concat(), source, frame);
    }

    fn sctp(&mut self, bytes: &[u8], source: &str, frame: u64) {
        if let Ok(view) = PacketView::new(bytes) {
            self.keep(Format::Sctp, &shape::of_sctp(&view), bytes, source, frame);
        }
    }

    fn signal(&mut self, body: &SignalBody, source: &str) {
        match body {
            SignalBody::Description { kind, sdp, .. } => {
                let shape = shape::of_sdp(kind, sdp);
                self.keep(Format::Sdp, &shape, sdp.as_bytes(), source, 0);
                for line in sdp.lines() {
                    if let Some(text) = line.strip_prefix("a=candidate:") {
                        let text = format!("candidate:{text}");
                        let shape = shape::of_candidate(&text);
                        self.keep(Format::Candidate, &shape, text.as_bytes(), source, 0);
                    }
                }
            }
            SignalBody::Candidate { candidate, .. } if !candidate.is_empty() => {
                let shape = shape::of_candidate(candidate);
                self.keep(Format::Candidate, &shape, candidate.as_bytes(), source, 0);
            }
            SignalBody::Candidate { .. } => {}
        }
    }

    fn keep(&mut self, format: Format, shape: &Shape, bytes: &[u8], source: &str, frame: u64) {
        if bytes.is_empty() || bytes.len() > MAX_SEED {
            return;
        }
        let key = (format, format!("{} {}", shape.word, shape.form));
        if self.seen.contains(&key) || self.seen.len() >= MAX_SHAPES * Format::ALL.len() {
            return;
        }
        self.seen.insert(key);
        let sha256: String =
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (word, short) = (file_word(&shape.word), &sha256[..8]);
        self.seeds.push(Seed {
            format,
            name: format!("{word}-{short}.{}", format.ending()),
            bytes: bytes.to_vec(),
            source: source.to_owned(),
            frame,
            sha256,
        });
    }
}

/// Small letters, digits and dashes, and not too many.
fn file_word(word: &str) -> String {
    let mut out = String::new();
    for character in word.chars().take(60) {
        match character {
            'a'..='z' | '0'..='9' => out.push(character),
            'A'..='Z' => out.push(character.to_ascii_lowercase()),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
    }
    out.trim_end_matches('-').to_owned()
}
