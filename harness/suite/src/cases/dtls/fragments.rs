//! Handshake fragments in unusual pieces and company.
//!
//! The first fragment that the hostile side sends is made into several, or gets company in its
//! record: sequence numbers of records stay as they are. Only the first flight is changed; who
//! drops it in silence gets it again as it should be.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Tamper};
use rtcspec_wire::dtls::{
    ContentType, HandshakeFragment, HandshakeType, PlaintextRecord, Record, Records,
};

use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case =
    Case { tests: &["RFC 6347 §4.2.3", "RFC 9147 §5.5"], layer: Layer::Dtls, ..Case::USUAL };

pub(in crate::cases) const EMPTY_FRAGMENT: Case = Case {
    id: "dtls/empty-fragment",
    title: "A handshake fragment of no bytes before the first true one: the handshake goes on",
    about: "Who goes past a fragment by its length goes past this one by nothing, for ever (pion \
            CVE-2022-29190, OpenSSL CVE-2014-3507). TLS 1.3 forbids to send one, so ending the \
            handshake with an alert is allowed.",
    make: || {
        Box::new(Pieces::with(|first, out| {
            empty(first, out);
            first.write(out);
        }))
    },
    ..FAMILY
};

pub(in crate::cases) const FRAGMENTS_OVERLAP: Case = Case {
    id: "dtls/fragments-overlap",
    title: "The first handshake message in two fragments that overlap: taken",
    about: "A flight that is sent again may be cut elsewhere, so that pieces overlap, and receivers \
            must be able to put them together.",
    make: || Box::new(Pieces { right: true, ..Pieces::with(overlap) }),
    ..FAMILY
};

pub(in crate::cases) const FRAGMENTS_CONTRADICT: Case = Case {
    id: "dtls/fragments-contradict",
    title: "Two fragments that overlap and differ where they do: not mixed",
    about: "One of the two is not what the message says, so the message that comes of them is \
            nobody's, and no handshake may come of that. Dropping it, so that the flight comes \
            again, is best; an alert is allowed.",
    make: || Box::new(Pieces::with(contradict)),
    ..FAMILY
};

pub(in crate::cases) const FRAGMENTS_OF_TWO: Case = Case {
    id: "dtls/fragments-of-two",
    title: "A piece of a longer message of the same type before the first true one: kept apart",
    about: "Its message_seq is another. GnuTLS put fragments together by type, and wrote past the \
            end of the shorter one (work item 1839).",
    make: || {
        Box::new(Pieces::with(|first, out| {
            later(first, 40, 60_000, 50_000, out);
            first.write(out);
        }))
    },
    ..FAMILY
};

pub(in crate::cases) const FRAGMENTS_OF_MANY: Case = Case {
    id: "dtls/fragments-of-many",
    title: "One byte each of thirty messages that never end: bounded, the handshake goes on",
    about: "pion/dtls kept all that it got of messages to come, without bound (CVE-2022-29189).",
    make: || {
        Box::new(Pieces::with(|first, out| {
            (40..70).for_each(|seq| later(first, seq, 60_000, 0, out));
            first.write(out);
        }))
    },
    ..FAMILY
};

pub(in crate::cases) const FRAGMENT_CLAIMS_16_MIB: Case = Case {
    id: "dtls/fragment-claims-16-mib",
    title: "One byte of a message that claims 16 MiB: no room is made, the handshake goes on",
    about: "OpenSSL made room for what the first fragment claims (CVE-2014-3506). Refusing the \
            message with an alert is allowed.",
    make: || {
        Box::new(Pieces::with(|first, out| {
            later(first, 40, 0xff_ffff, 0, out);
            first.write(out);
        }))
    },
    ..FAMILY
};

/// The first fragment without a byte of it.
fn empty(first: &HandshakeFragment<'_>, out: &mut Vec<u8>) {
    HandshakeFragment { fragment_offset: 0, body: &[], ..*first }.write(out);
}

/// A byte of a message to come.
fn later(first: &HandshakeFragment<'_>, seq: u16, length: u32, at: u32, out: &mut Vec<u8>) {
    let message_seq = first.message_seq + seq;
    let byte = HandshakeFragment { length, message_seq, fragment_offset: at, body: b"x", ..*first };
    byte.write(out);
}

/// A part of a fragment.
fn part(whole: &HandshakeFragment<'_>, from: usize, to: usize, out: &mut Vec<u8>) {
    let body = whole.body.get(from..to).unwrap_or_default();
    let at = whole.fragment_offset + u32::try_from(from).unwrap_or_default();
    HandshakeFragment { fragment_offset: at, body, ..*whole }.write(out);
}

fn overlap(first: &HandshakeFragment<'_>, out: &mut Vec<u8>) {
    let length = first.body.len();
    part(first, 0, length / 2 + 10, out);
    part(first, length / 2 - 10, length, out);
}

fn contradict(first: &HandshakeFragment<'_>, out: &mut Vec<u8>) {
    let length = first.body.len();
    let mut other = first.body.to_vec();
    // Inside of the overlap.
    other[length / 2] ^= 0x55;
    part(&HandshakeFragment { body: &other, ..*first }, 0, length / 2 + 10, out);
    part(first, length / 2 - 10, length, out);
}

type Edit = fn(&HandshakeFragment<'_>, &mut Vec<u8>);

/// Edits the first handshake message of this side.
struct Pieces {
    edit: Edit,
    /// The pieces are as they may be, so that who does not take them breaks a MUST.
    right: bool,
    done: bool,
}

impl Pieces {
    fn with(edit: Edit) -> Self {
        Self { edit, right: false, done: false }
    }
}

/// What a lost flight and its repetition take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The record with other content.
fn rewritten(record: &PlaintextRecord<'_>, content: &[u8]) -> Vec<u8> {
    let mut out = vec![record.content_type.0];
    out.extend(record.version.0.to_be_bytes());
    out.extend(record.epoch.to_be_bytes());
    out.extend(&record.sequence_number.to_be_bytes()[2..]);
    out.extend(u16::try_from(content.len()).unwrap_or_default().to_be_bytes());
    out.extend(content);
    out
}

/// The datagram with its first message of a hundred bytes or more edited; `None` without one.
fn edited(datagram: &[u8], edit: Edit) -> Option<Vec<u8>> {
    let (mut out, mut found) = (Vec::new(), false);
    for record in Records::new(datagram) {
        let record = match record {
            Record::Plaintext(record) => record,
            Record::Unified(unified) => {
                out.extend([unified.header, unified.encrypted].concat());
                continue;
            }
            Record::Malformed { .. } => return None,
        };
        let first = HandshakeFragment::read(record.content);
        match first {
            Ok((first, rest))
                if !found
                    && record.content_type == ContentType::HANDSHAKE
                    && !record.is_encrypted()
                    && first.is_whole()
                    && first.body.len() > 60 =>
            {
                found = true;
                let mut content = Vec::new();
                edit(&first, &mut content);
                content.extend(rest);
                out.extend(rewritten(&record, &content));
            }
            _ => out.extend(rewritten(&record, record.content)),
        }
    }
    found.then_some(out)
}

impl Tamper for Pieces {
    fn dtls(&mut self, _: Duration, datagram: &[u8]) -> Action {
        if self.done {
            return Action::Pass;
        }
        match edited(datagram, self.edit) {
            Some(changed) => {
                self.done = true;
                Action::replace(changed)
            }
            None => Action::Pass,
        }
    }
}

const TOGETHER: Duty = Duty {
    text: "RFC 6347 §4.2.3: fragments that overlap are put together to the message they are of",
    expected: "the handshake ends",
};

const KEPT: Duty = Duty {
    text: "RFC 6347 §4.1.2.7: what is invalid is discarded in silence, and the association kept; \
           or the handshake is ended by an alert",
    expected: "the handshake ends by the flight as it comes again, or an alert",
};

/// Whether the peer sent an alert that can be read.
pub(super) fn alerted(seen: &Seen<'_>) -> bool {
    seen.dtls(Way::Received).any(|(_, datagram)| {
        Records::new(datagram).any(|record| match record {
            Record::Plaintext(plain) => plain.alert().is_some(),
            _ => false,
        })
    })
}

impl Hostile for Pieces {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let duty = if self.right { TOGETHER } else { KEPT };
        if !self.done {
            return vec![duty.fail("no handshake message was sent in the clear")];
        }
        vec![match (is_up(seen), alerted(seen)) {
            (true, _) => duty.pass("SCTP is up"),
            (false, true) => duty.info("an alert"),
            (false, false) if !self.right && seen.end() > PATIENCE => {
                duty.nonstrict("no SCTP, and no alert")
            }
            (false, false) => duty.fail("no SCTP, and no alert"),
        }]
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        !is_up(seen) && (alerted(seen) || (!self.right && seen.end() > PATIENCE))
    }
}

/// Whether the peer has sent SCTP.
pub(super) fn is_up(seen: &Seen<'_>) -> bool {
    seen.packets(Way::Received).next().is_some()
}

/// A datagram without handshake messages of a type; `None` if it has none in the clear.
pub(super) fn without(datagram: &[u8], kind: HandshakeType) -> Option<Vec<u8>> {
    let (mut out, mut found) = (Vec::new(), false);
    for record in Records::new(datagram) {
        let Record::Plaintext(record) = record else { return None };
        if record.content_type != ContentType::HANDSHAKE || record.is_encrypted() {
            out.extend(rewritten(&record, record.content));
            continue;
        }
        let mut kept = Vec::new();
        for fragment in record.handshake().flatten() {
            if fragment.msg_type == kind {
                found = true;
            } else {
                fragment.write(&mut kept);
            }
        }
        if !kept.is_empty() {
            out.extend(rewritten(&record, &kept));
        }
    }
    found.then_some(out)
}

/// A record of the first flight.
pub(super) fn first_record(kind: ContentType, content: &[u8]) -> Vec<u8> {
    let mut out = vec![kind.0, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
    out.extend(u16::try_from(content.len()).unwrap_or_default().to_be_bytes());
    out.extend(content);
    out
}
