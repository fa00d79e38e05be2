//! `sctp_parse`: any bytes, as a packet.

use rtcspec_wire::sctp::{
    Body, Checksum, ChecksumState, Chunk, EncodeError, Error, HEADER_LENGTH, Packet, PacketView,
};

use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::target::Target;

/// Holds reading and writing of packets.
pub const PARSE: Target = Target {
    name: "sctp_parse",
    about: "SCTP packets: read, written, read again; chunks read alike alone and in company",
    seeds: &["sctp"],
    dictionary: mutate::sctp::dictionary,
    mutate: mutate::sctp::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "accepted",
        "refused",
        "bundle",
        "unknown chunk",
        "parameters",
        "causes",
        "checksum",
    ],
    plants: plants::PARSE,
};

/// A reader and a writer.
pub(super) struct Subject {
    pub(super) read: fn(&[u8]) -> Result<Packet, Error>,
    pub(super) write: fn(&Packet) -> Result<Vec<u8>, EncodeError>,
}

impl Subject {
    pub(super) const OURS: Self = Self { read, write: |packet| packet.encode(Checksum::Crc32c) };
}

pub(super) fn read(bytes: &[u8]) -> Result<Packet, Error> {
    Packet::from_view(&PacketView::new(bytes)?)
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let noted = case.is_noted();
    let look = || look(input, noted);
    let read = |_: &Seen| (subject.read)(input);
    let (seen, outcome) = case.within_both(Budget::DATAGRAM, input.len(), look, read)?;
    hold(Oracle::Model, seen.items <= 1 + input.len() / 4, || {
        format!("{} items in {} bytes", seen.items, input.len())
    })?;
    note(case, &seen);
    if case.is_thorough() {
        checksum(case)?;
        let again = (subject.read)(input);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
    }
    match outcome {
        Ok(packet) => accepted(case, subject, &packet),
        Err(error) => {
            case.reach("refused");
            if case.is_noted() {
                case.see(&error.to_string().split(|char: char| char.is_ascii_digit()).next());
            }
            Ok(())
        }
    }
}

/// A chunk, or a parameter or cause in it.
type Kind = (&'static str, Option<&'static str>);

/// What a view shows of any bytes.
#[derive(Default)]
struct Seen {
    /// Somebody reads the names.
    noted: bool,
    items: usize,
    /// Chunk types, and types of parameters or causes in them, by their names.
    kinds: Vec<Kind>,
    parameters: bool,
    causes: bool,
    unknown: bool,
}

impl Seen {
    fn item(&mut self, kind: impl FnOnce() -> Kind) {
        self.items += 1;
        if !self.noted || self.kinds.len() >= 32 {
            return;
        }
        let kind = kind();
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }
}

/// Everything a view can be asked, asked.
fn look(bytes: &[u8], noted: bool) -> Seen {
    let mut seen = Seen { noted, ..Seen::default() };
    let Ok(view) = PacketView::new(bytes) else { return seen };
    let _ = (view.source_port(), view.destination_port(), view.verification_tag());
    for chunk in view.chunks() {
        let name = || chunk.chunk_type().name().unwrap_or("unknown");
        seen.item(|| (name(), None));
        let _ = (chunk.fault(), chunk.padding(), chunk.unpadded(), chunk.length());
        let (parameters, causes) = match chunk.body() {
            Ok(Body::Init(init) | Body::InitAck(init)) => {
                let _ = init.supported_extensions();
                (Some(init.parameters()), None)
            }
            Ok(Body::Heartbeat(beat) | Body::HeartbeatAck(beat)) => {
                let _ = beat.info();
                (Some(beat.parameters()), None)
            }
            Ok(Body::ReConfig(config)) => (Some(config.parameters()), None),
            Ok(Body::Abort(abort)) => (None, Some(abort.causes())),
            Ok(Body::Error(error)) => (None, Some(error.causes())),
            Ok(Body::Sack(sack)) => {
                seen.items += (sack.gap_blocks().count() + sack.duplicates().count()) / 4;
                (None, None)
            }
            Ok(Body::Unknown) => {
                seen.unknown = true;
                (None, None)
            }
            _ => (None, None),
        };
        for parameter in parameters.into_iter().flatten() {
            seen.parameters = true;
            let kind = || parameter.parameter_type().name().unwrap_or("unknown");
            seen.item(|| (name(), Some(kind())));
            let _ = (parameter.fault(), parameter.value());
        }
        for cause in causes.into_iter().flatten() {
            seen.causes = true;
            seen.item(|| (name(), Some(cause.code().name().unwrap_or("unknown"))));
            let _ = (cause.fault(), cause.value());
        }
    }
    seen
}

fn note(case: &mut Case<'_>, seen: &Seen) {
    for kind in &seen.kinds {
        case.see(kind);
    }
    let situations =
        [(seen.unknown, "unknown chunk"), (seen.parameters, "parameters"), (seen.causes, "causes")];
    for (_, situation) in situations.into_iter().filter(|(is, _)| *is) {
        case.reach(situation);
    }
}

/// RFC 9260 §6.8: the checksum notices any single bit.
fn checksum(case: &mut Case<'_>) -> Verdict {
    let Ok(view) = PacketView::new(case.input) else { return Ok(()) };
    if !view.checksum_state().is_correct() {
        return Ok(());
    }
    case.reach("checksum");
    let mut changed = case.input.to_vec();
    let bit = view.checksum() as usize % (changed.len() * 8);
    changed[bit / 8] ^= 1 << (bit % 8);
    let state = PacketView::new(&changed).map(|view| view.checksum_state());
    hold(Oracle::Metamorphic, !state.is_ok_and(ChecksumState::is_correct), || {
        format!("the checksum is right with bit {bit} changed")
    })
}

fn accepted(case: &mut Case<'_>, subject: &Subject, packet: &Packet) -> Verdict {
    case.reach("accepted");
    let written = (subject.write)(packet).map_err(|error| {
        Finding::new(Oracle::RoundTrip, format!("what was read cannot be written: {error}"))
    })?;
    if !case.is_thorough() && is_as_it_came(case.input, &written) {
        return Ok(());
    }
    let again = (subject.read)(&written);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(packet), || {
        format!("read {packet:?}, wrote {written:02x?}, read {again:?}")
    })?;
    if !case.is_thorough() {
        return Ok(());
    }
    cut(case, subject)?;
    padding(case, subject, packet)?;
    one_by_one(case, subject, packet)?;
    stranger(subject, packet, &written)
}

/// True if the input is what was written, but for the checksum, which is not looked at when it is read.
fn is_as_it_came(input: &[u8], written: &[u8]) -> bool {
    input.len() == written.len()
        && input.get(..8) == written.get(..8)
        && input.get(HEADER_LENGTH..) == written.get(HEADER_LENGTH..)
}

/// A chunk that lacks its last four bytes is not one.
fn cut(case: &Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let last = PacketView::new(input).ok().and_then(|view| view.chunks().last());
    let Some(last) = last.filter(|last| last.unpadded().len() > 4) else { return Ok(()) };
    let len = input.len() - last.padding().len() - 1;
    hold(Oracle::Truncation, (subject.read)(&input[..len]).is_err(), || {
        format!("the first {len} of {} bytes are read as a packet", input.len())
    })
}

/// RFC 9260 §3.2: the receiver ignores what padding of a chunk holds.
fn padding(case: &Case<'_>, subject: &Subject, packet: &Packet) -> Verdict {
    let input = case.input;
    let Ok(view) = PacketView::new(input) else { return Ok(()) };
    let mut other = input[..HEADER_LENGTH].to_vec();
    for chunk in view.chunks() {
        other.extend_from_slice(chunk.unpadded());
        other.extend(chunk.padding().iter().map(|byte| byte ^ 0x5a));
    }
    let again = (subject.read)(&other);
    hold(Oracle::Metamorphic, again.as_ref() == Ok(packet), || {
        format!("other padding makes {again:?} of {packet:?}")
    })
}

/// RFC 9260 §6.10: chunks bundled are the chunks that they are alone.
fn one_by_one(case: &mut Case<'_>, subject: &Subject, packet: &Packet) -> Verdict {
    if packet.chunks.len() < 2 {
        return Ok(());
    }
    case.reach("bundle");
    let view = PacketView::new(case.input).map_err(|error| Finding::new(Oracle::Model, error))?;
    for (chunk, read) in view.chunks().zip(&packet.chunks).take(16) {
        let mut alone = case.input[..HEADER_LENGTH].to_vec();
        alone.extend_from_slice(chunk.bytes());
        let outcome = (subject.read)(&alone).map(|packet| packet.chunks);
        hold(Oracle::Metamorphic, outcome.as_deref() == Ok(std::slice::from_ref(read)), || {
            format!("in company {read:?}, alone {outcome:?}")
        })?;
    }
    Ok(())
}

/// RFC 9260 §3.2: a chunk of unknown type is no reason to misread the others.
fn stranger(subject: &Subject, packet: &Packet, written: &[u8]) -> Verdict {
    for kind in [0x3e, 0x7e, 0xbe, 0xfe] {
        let mut longer = written.to_vec();
        longer.extend_from_slice(&[kind, 0, 0, 5, 1, 0, 0, 0]);
        let outcome = (subject.read)(&longer);
        let same = outcome.as_ref().is_ok_and(|other| {
            let (last, others) = other.chunks.split_last().unzip();
            others == Some(&packet.chunks[..]) && matches!(last, Some(Chunk::Unknown(_)))
        });
        hold(Oracle::Metamorphic, same, || {
            format!(
                "with an unknown chunk 0x{kind:02x} at its end, {packet:?} is read as {outcome:?}"
            )
        })?;
    }
    Ok(())
}
