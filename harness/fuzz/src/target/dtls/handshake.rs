//! `dtls_handshake`: fragments in any order, of several messages, true and false.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_wire::dtls::{HandshakeFragment, HandshakeType, Message, Reassembler, ReassemblyError};

use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::{self, elements::Shape};
use crate::target::{Plant, Target};

/// Holds reassembly. An input is a row of steps, see `fragments`.
pub const HANDSHAKE: Target = Target {
    name: "dtls_handshake",
    about: "DTLS handshake fragments: any split and order gives the message, contradictions are refused",
    seeds: &[],
    dictionary: || vec![vec![WHOLE], vec![PIECE], vec![RAW], vec![FLOOD]],
    mutate: mutate::program,
    body: |case| body(case, reassemble),
    situations: &["complete", "in pieces", "contradiction", "limit", "empty fragment", "again"],
    plants: &[
        Plant {
            name: "dtls-empty-fragment",
            source: "pion CVE-2022-29190: a fragment of no bytes moves nowhere",
            body: |case| body(case, empty_fragment),
        },
        Plant {
            name: "dtls-fragments-unbounded",
            source: "pion CVE-2022-29189: incomplete messages kept without bound",
            body: |case| body(case, unbounded),
        },
        Plant {
            name: "dtls-merged-by-type",
            source: "GnuTLS 1839: fragments put together by type, whatever their message_seq",
            body: |case| body(case, merged_by_type),
        },
        Plant {
            name: "dtls-reserves-claimed",
            source: "OpenSSL CVE-2014-3506: room for as much as is claimed",
            body: |case| body(case, reserves_claimed),
        },
        Plant {
            name: "dtls-empty-fragment-lost",
            source: "OpenSSL CVE-2014-3507: an empty fragment of a message that has begun is leaked",
            body: |case| body(case, empty_fragment_lost),
        },
        Plant {
            name: "dtls-overlap-overwrites",
            source: "a fragment that contradicts an earlier one replaces it",
            body: |case| body(case, overlap_overwrites),
        },
    ],
};

/// A message begins: type, `message_seq`, body.
const WHOLE: u8 = 1;
/// A piece of the last message: offset, length, both as [`place`] has them, and a byte to change in it.
const PIECE: u8 = 2;
/// A fragment as it stands.
const RAW: u8 = 3;
/// Many messages begin: how many.
const FLOOD: u8 = 4;

/// A fragment that owns its body.
#[derive(Clone, Debug)]
struct Fragment {
    msg_type: HandshakeType,
    length: u32,
    message_seq: u16,
    offset: u32,
    body: Vec<u8>,
}

impl Fragment {
    fn view(&self) -> HandshakeFragment<'_> {
        HandshakeFragment {
            msg_type: self.msg_type,
            length: self.length,
            message_seq: self.message_seq,
            fragment_offset: self.offset,
            body: &self.body,
        }
    }
}

/// Fragments of one input.
const MOST: usize = 600;

/// The place in a body that a byte stands for: that many bytes on, or in a body that is longer than a byte
/// can say as many 255ths of it.
fn place(byte: usize, length: usize) -> usize {
    let at = if length <= 255 { byte } else { byte * length / 255 };
    at.min(length)
}

fn fragments(input: &[u8]) -> Vec<Fragment> {
    let mut out = Vec::new();
    let mut message = (HandshakeType::CERTIFICATE, 0_u16, Vec::new());
    for step in Shape::STEP.elements(input) {
        let argument = step.get(2..).unwrap_or_default();
        match (step[0], argument) {
            (WHOLE, [kind, seq, body @ ..]) => {
                message =
                    (HandshakeType(*kind), u16::from(*seq), body.repeat(1 + usize::from(*seq) % 3));
            }
            (PIECE, [offset, length, rest @ ..]) => {
                let (msg_type, message_seq, whole) = &message;
                let (offset, length) = (usize::from(*offset), usize::from(*length));
                let from = place(offset, whole.len());
                let to = place(offset + length, whole.len());
                let mut body = whole[from..to].to_vec();
                if let ([at, mask, ..], false) = (rest, body.is_empty()) {
                    let at = usize::from(*at) % body.len();
                    body[at] ^= mask;
                }
                out.push(Fragment {
                    msg_type: *msg_type,
                    length: whole.len() as u32,
                    message_seq: *message_seq,
                    offset: from as u32,
                    body,
                });
            }
            (RAW, bytes) => {
                if let Ok((raw, _)) = HandshakeFragment::read(bytes) {
                    out.push(Fragment {
                        msg_type: raw.msg_type,
                        length: raw.length,
                        message_seq: raw.message_seq,
                        offset: raw.fragment_offset,
                        body: raw.body.to_vec(),
                    });
                }
            }
            (FLOOD, [count, ..]) => out.extend((0..u16::from(*count)).map(|seq| Fragment {
                msg_type: HandshakeType::FINISHED,
                length: 12,
                message_seq: 1000 + seq,
                offset: 0,
                body: vec![0; 4],
            })),
            _ => {}
        }
        out.truncate(MOST);
    }
    out
}

/// What became of each fragment, and how much was held at most.
struct Run {
    outcomes: Vec<Result<Option<Message>, ReassemblyError>>,
    held: usize,
}

type Reassemble = fn(&[Fragment]) -> Run;

fn reassemble(fragments: &[Fragment]) -> Run {
    let mut reassembler = Reassembler::new();
    let mut run = Run { outcomes: Vec::with_capacity(fragments.len()), held: 0 };
    for fragment in fragments {
        run.outcomes.push(reassembler.insert(&fragment.view()));
        run.held = run.held.max(reassembler.held());
    }
    run
}

fn body(case: &mut Case<'_>, reassemble: Reassemble) -> Verdict {
    let fragments = fragments(case.input);
    let received: usize = fragments.iter().map(|fragment| fragment.body.len()).sum();
    // A fragment on both sides of an earlier one leaves two pieces: fewer than two for each in all.
    let room = received + 128 * fragments.len();
    let budget = Budget { bytes_each: 128, ..Budget::DATAGRAM };
    let run = case.within(budget, room, || reassemble(&fragments))?;
    hold(Oracle::Model, run.held <= room, || {
        format!("{} bytes held of {received} received in {} fragments", run.held, fragments.len())
    })?;
    let mut model = Model::default();
    for (fragment, outcome) in fragments.iter().zip(&run.outcomes) {
        model.check(case, fragment, outcome)?;
    }
    Ok(())
}

/// Which bytes of which message are known.
#[derive(Default)]
struct Model {
    partial: BTreeMap<u16, (HandshakeType, Vec<Option<u8>>, usize)>,
    completed: Vec<u16>,
}

/// Incomplete messages that somebody may have to keep: more than any flight has.
const KEPT: usize = 64;
/// The longest message anybody has to take: RFC 6347 has no bound, browsers' certificates are far
/// below.
const LONGEST: u32 = 64 * 1024;

impl Model {
    fn check(
        &mut self,
        case: &mut Case<'_>,
        fragment: &Fragment,
        outcome: &Result<Option<Message>, ReassemblyError>,
    ) -> Verdict {
        case.see(&(
            fragment.body.len().min(2),
            outcome.as_ref().map_or(2, |done| usize::from(done.is_some())),
        ));
        if fragment.body.is_empty() {
            case.reach("empty fragment");
        }
        let seq = fragment.message_seq;
        let message = match outcome {
            Err(
                ReassemblyError::TooManyMessages { .. }
                | ReassemblyError::TooManyPieces { .. }
                | ReassemblyError::TooLong { .. },
            ) => {
                case.reach("limit");
                let due =
                    self.partial.len() >= 8 || fragment.length > LONGEST || self.pieces(seq) > 100;
                return hold(Oracle::Model, due, || {
                    format!("{outcome:?} with {} messages kept", self.partial.len())
                });
            }
            Err(error) => {
                case.reach("contradiction");
                return hold(Oracle::Model, self.contradicts(fragment), || {
                    format!("{error} of {fragment:?}")
                });
            }
            Ok(message) => message,
        };
        hold(Oracle::Model, !self.contradicts(fragment), || {
            format!("accepted although it contradicts what was there: {fragment:?}")
        })?;
        let whole = self.join(fragment);
        hold(Oracle::Model, self.partial.len() <= KEPT, || {
            format!("{} incomplete messages kept", self.partial.len())
        })?;
        self.compare(case, fragment, whole, message.as_ref())
    }

    fn pieces(&self, seq: u16) -> usize {
        self.partial.get(&seq).map_or(0, |(_, _, pieces)| *pieces)
    }

    fn contradicts(&self, fragment: &Fragment) -> bool {
        let Some((kind, bytes, _)) = self.partial.get(&fragment.message_seq) else { return false };
        let other = *kind != fragment.msg_type || bytes.len() != fragment.length as usize;
        let at = fragment.offset as usize;
        let known = bytes.get(at..).unwrap_or_default().iter().zip(&fragment.body);
        other || known.into_iter().any(|(known, new)| known.is_some_and(|known| known != *new))
    }

    /// Notes a fragment; gives the body if it is whole.
    fn join(&mut self, fragment: &Fragment) -> Option<Vec<u8>> {
        let length = fragment.length as usize;
        let fresh = || (fragment.msg_type, vec![None; length], 0);
        let (_, bytes, pieces) = self.partial.entry(fragment.message_seq).or_insert_with(fresh);
        let at = fragment.offset as usize;
        for (known, new) in bytes[at..].iter_mut().zip(&fragment.body) {
            *known = Some(*new);
        }
        *pieces += 1;
        let whole: Option<Vec<u8>> = bytes.iter().copied().collect();
        if whole.is_some() {
            self.partial.remove(&fragment.message_seq);
        }
        whole
    }

    fn compare(
        &mut self,
        case: &mut Case<'_>,
        fragment: &Fragment,
        whole: Option<Vec<u8>>,
        message: Option<&Message>,
    ) -> Verdict {
        match (whole, message) {
            (None, None) => Ok(()),
            (Some(body), Some(message)) => {
                case.reach("complete");
                if fragment.body.len() < body.len() {
                    case.reach("in pieces");
                }
                if self.completed.contains(&fragment.message_seq) {
                    case.reach("again");
                }
                self.completed.push(fragment.message_seq);
                let wanted = Message {
                    msg_type: fragment.msg_type,
                    message_seq: fragment.message_seq,
                    body,
                };
                hold(Oracle::Model, *message == wanted, || {
                    format!("{message:?} in place of {wanted:?}")
                })
            }
            (whole, message) => {
                let what = format!("after {fragment:?}: {message:?}, it should be {whole:?}");
                Err(Finding::new(Oracle::Model, what))
            }
        }
    }
}

fn empty_fragment(fragments: &[Fragment]) -> Run {
    let empty = fragments.iter().find(|fragment| fragment.body.is_empty() && fragment.length > 0);
    assert!(empty.is_none(), "an endless loop");
    reassemble(fragments)
}

fn unbounded(fragments: &[Fragment]) -> Run {
    let mut kept: BTreeMap<u16, Reassembler> = BTreeMap::new();
    let mut run = Run { outcomes: Vec::new(), held: 0 };
    for fragment in fragments {
        let reassembler = kept.entry(fragment.message_seq).or_default();
        run.outcomes.push(reassembler.insert(&fragment.view()));
    }
    run
}

fn merged_by_type(fragments: &[Fragment]) -> Run {
    let merged: Vec<Fragment> = fragments
        .iter()
        .map(|fragment| Fragment {
            message_seq: u16::from(fragment.msg_type.0),
            ..fragment.clone()
        })
        .collect();
    let mut run = reassemble(&merged);
    for (outcome, fragment) in run.outcomes.iter_mut().zip(fragments) {
        if let Ok(Some(message)) = outcome {
            message.message_seq = fragment.message_seq;
        }
    }
    run
}

fn reserves_claimed(fragments: &[Fragment]) -> Run {
    for fragment in fragments {
        let _: Vec<u8> = std::hint::black_box(Vec::with_capacity(fragment.length as usize));
    }
    reassemble(fragments)
}

fn empty_fragment_lost(fragments: &[Fragment]) -> Run {
    let mut begun = BTreeSet::new();
    for fragment in fragments {
        if !begun.insert(fragment.message_seq) && fragment.body.is_empty() {
            std::hint::black_box(Box::leak(Box::new(fragment.clone())));
        }
    }
    reassemble(fragments)
}

fn overlap_overwrites(fragments: &[Fragment]) -> Run {
    let mut reassembler = Reassembler::new();
    let mut run = Run { outcomes: Vec::new(), held: 0 };
    for fragment in fragments {
        let outcome = reassembler.insert(&fragment.view());
        let conflict = matches!(outcome, Err(ReassemblyError::Conflict { .. }));
        run.outcomes.push(if conflict { Ok(None) } else { outcome });
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_reach_the_end_of_the_longest_body() {
        let mut input = vec![WHOLE, 255, 11, 2];
        input.extend(0..=252_u8);
        for [offset, length] in [[0, 100], [100, 100], [200, 55]] {
            input.extend([PIECE, 2, offset, length]);
        }
        let fragments = fragments(&input);
        assert_eq!(fragments.iter().map(|fragment| fragment.body.len()).sum::<usize>(), 759);
        let mut case = Case::new(&input);
        assert_eq!((HANDSHAKE.body)(&mut case), Ok(()));
        assert!(case.reached().contains(&"in pieces"), "{:?}", case.reached());
    }
}
