//! `rtcp_compound`: any bytes, as a compound.

use rtcspec_wire::rtcp::{
    Delta, Feedback, FeedbackMessage, Packet, PacketType, PacketView, RtcpError, check_compound,
    packets,
};

use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::target::Target;

/// Holds RTCP (RFC 3550 §6, RFC 4585, RFC 5104, RFC 3611, REMB, transport-wide feedback).
pub const COMPOUND: Target = Target {
    name: "rtcp_compound",
    about: "RTCP compounds: read, written, read again; each packet alone, padded, with company",
    seeds: &["rtcp", "rtcp-made"],
    dictionary: mutate::rtcp::dictionary,
    mutate: mutate::rtcp::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "sender report",
        "receiver report",
        "source description",
        "bye",
        "app",
        "nack",
        "twcc",
        "pli",
        "fir",
        "remb",
        "other feedback",
        "extended report",
        "unknown",
        "padding",
        "part that does not fit",
        "bytes too many",
        "length past the end",
    ],
    plants: plants::COMPOUND,
};

/// What lies in 64 bytes of items or blocks is some values of forty: each is kept.
const BUDGET: Budget = Budget { bytes_each: 96, ..Budget::DATAGRAM };

/// Is told the number of a packet, and how late it was if it came.
pub(super) type Tell<'a> = dyn FnMut(u16, Option<i16>) + 'a;

/// A reader, a writer, and what is made of feedback.
pub(super) struct Subject {
    pub(super) read: fn(&[u8]) -> Result<Vec<Packet>, RtcpError>,
    pub(super) write: fn(&Packet) -> Result<Vec<u8>, RtcpError>,
    /// The packets a feedback message speaks of: numbers with how late they were, if they came.
    pub(super) about: fn(&Packet, &mut Tell<'_>),
}

impl Subject {
    pub(super) const OURS: Self =
        Self { read: Packet::parse_compound, write: Packet::to_bytes, about };
}

fn about(packet: &Packet, tell: &mut Tell<'_>) {
    let Packet::Feedback(feedback) = packet else { return };
    match &feedback.message {
        FeedbackMessage::Nack(nacks) => {
            nacks.iter().flat_map(|nack| nack.missing()).for_each(|number| tell(number.0, None));
        }
        FeedbackMessage::Twcc(twcc) => {
            let packets = twcc.packets();
            packets.for_each(|packet| {
                tell(packet.sequence.0, packet.delta.map(Delta::ticks));
            });
        }
        _ => {}
    }
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let noted = case.is_noted();
    let look = || look(input, noted);
    let read = |_: &Seen| (subject.read)(input);
    let (seen, outcome) = case.within_both(BUDGET, input.len(), look, read)?;
    let (kinds, strict, reduced) = seen;
    kinds.iter().for_each(|kind| case.see(&((192..=213).contains(kind), kind.clamp(&192, &213))));
    case.see(&(strict, reduced));
    hold(Oracle::Model, reduced || !strict, || "a compound is right in full and not reduced")?;
    if case.is_thorough() {
        let again = (subject.read)(input);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
        alone(subject, input, &outcome)?;
    }
    match outcome {
        Ok(compound) => accepted(case, subject, &compound),
        Err(error) => {
            refused(case, error);
            Ok(())
        }
    }
}

/// Types of packets, if they are to be noted; whether the compound is right in full, and reduced.
type Seen = (Vec<u8>, bool, bool);

/// Everything a view can be asked, asked; the strict check asks for no less than the lenient one.
fn look(input: &[u8], noted: bool) -> Seen {
    let views = packets(input).flatten().take(if noted { 8 } else { 0 });
    let mut kinds: Vec<u8> = views.map(|view| view.packet_type().0).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for view in packets(input).flatten() {
        let _ = (view.ssrc(), view.count(), view.bytes());
    }
    (kinds, check_compound(input, false).is_ok(), check_compound(input, true).is_ok())
}

fn refused(case: &mut Case<'_>, error: RtcpError) {
    case.see(&std::mem::discriminant(&error));
    match error {
        RtcpError::Truncated(what) => {
            case.reach("part that does not fit");
            case.see(&what);
        }
        RtcpError::Wrong(what) => case.see(&what),
        RtcpError::Trailing(_) => case.reach("bytes too many"),
        RtcpError::Length { .. } => case.reach("length past the end"),
        _ => {}
    }
}

/// RFC 3550 §6.1: each packet of a compound can be processed by itself: read alone, they are the
/// same.
fn alone(subject: &Subject, input: &[u8], outcome: &Result<Vec<Packet>, RtcpError>) -> Verdict {
    let each: Result<Vec<Vec<Packet>>, RtcpError> =
        packets(input).map(|view| (subject.read)(view?.bytes())).collect();
    let each = each.map(|each| each.concat());
    hold(Oracle::Metamorphic, each == *outcome, || {
        format!("together {outcome:?}, one by one {each:?}")
    })
}

fn accepted(case: &mut Case<'_>, subject: &Subject, compound: &[Packet]) -> Verdict {
    if case.is_noted() {
        compound.iter().for_each(|packet| note(case, packet));
    }
    let input = case.input;
    let mut all = Vec::with_capacity(input.len());
    for packet in compound {
        all.extend(round_trip(case, subject, packet)?);
        told(case, subject, packet)?;
    }
    if case.comes_back(&all) {
        return Ok(());
    }
    let again = (subject.read)(&all);
    hold(Oracle::RoundTrip, again.as_deref() == Ok(compound), || {
        format!("read {compound:?}, wrote {all:02x?}, read {again:?}")
    })?;
    if !case.is_thorough() {
        return Ok(());
    }
    let Some(last) = packets(input).flatten().last() else { return Ok(()) };
    pieces(subject, input, &last)?;
    padded(case, subject, &all, compound)?;
    in_company(subject, input, compound)
}

fn note(case: &mut Case<'_>, packet: &Packet) {
    let (situation, count) = match packet {
        Packet::SenderReport(report) => ("sender report", report.reports.len()),
        Packet::ReceiverReport(report) => ("receiver report", report.reports.len()),
        Packet::SourceDescription(chunks) => ("source description", chunks.len()),
        Packet::Bye(bye) => ("bye", bye.ssrcs.len() + 40 * usize::from(bye.reason.is_some())),
        Packet::App(_) => ("app", 0),
        Packet::ExtendedReport(report) => ("extended report", report.blocks.len()),
        Packet::Unknown { .. } => ("unknown", 0),
        Packet::Feedback(Feedback { message, .. }) => match message {
            FeedbackMessage::Nack(nacks) => ("nack", nacks.len()),
            FeedbackMessage::Twcc(twcc) => {
                case.see(&("twcc", twcc.chunks.len().min(9), twcc.deltas.len().min(9)));
                ("twcc", 0)
            }
            FeedbackMessage::Pli => ("pli", 0),
            FeedbackMessage::Fir(entries) => ("fir", entries.len()),
            FeedbackMessage::Remb(remb) => ("remb", remb.ssrcs.len()),
            FeedbackMessage::OtherTransport { .. } | FeedbackMessage::OtherPayload { .. } => {
                ("other feedback", 0)
            }
        },
    };
    case.reach(situation);
    case.see(&(situation, count.min(5)));
}

/// Written and read, it is the same; in a hurry it is read with all the others.
fn round_trip(case: &Case<'_>, subject: &Subject, packet: &Packet) -> Result<Vec<u8>, Finding> {
    let written = (subject.write)(packet).map_err(|error| {
        let what = format!("what was read cannot be written: {error}: {packet:?}");
        Finding::new(Oracle::RoundTrip, what)
    })?;
    if !case.is_thorough() {
        return Ok(written);
    }
    let again = (subject.read)(&written);
    let same = again.as_deref().is_ok_and(|again| again == std::slice::from_ref(packet));
    hold(Oracle::RoundTrip, same, || {
        format!("read {packet:?}, wrote {written:02x?}, read {again:?}")
    })?;
    Ok(written)
}

/// What is made of feedback costs what its bytes can account for, and never tells of a packet that
/// came without saying when, nor of more than there are numbers.
fn told(case: &Case<'_>, subject: &Subject, packet: &Packet) -> Verdict {
    let Packet::Feedback(feedback) = packet else { return Ok(()) };
    let (told, dated, order) = case.within(BUDGET, case.input.len() + 16_384, || {
        let (mut told, mut dated, mut order) = (0usize, 0usize, true);
        let mut last = None;
        (subject.about)(packet, &mut |number, delta| {
            told += 1;
            dated += usize::from(delta.is_some());
            let next = last.is_none_or(|last: u16| number.wrapping_sub(last) == 1);
            order &= next;
            last = Some(number);
        });
        (told, dated, order)
    })?;
    match &feedback.message {
        FeedbackMessage::Nack(nacks) => {
            let bits: u32 = nacks.iter().map(|nack| 1 + nack.following.count_ones()).sum();
            hold(Oracle::Model, told == bits as usize, || format!("{told} missing of {bits}"))
        }
        FeedbackMessage::Twcc(twcc) => {
            let right = told == usize::from(twcc.status_count) && dated == twcc.deltas.len();
            hold(Oracle::Model, right && order, || {
                format!("{told} packets, {dated} dated, in order {order}: {twcc:?}")
            })
        }
        _ => Ok(()),
    }
}

/// RFC 3550 §6.4.1: the length says where a packet ends, so a piece of the last is none.
fn pieces(subject: &Subject, input: &[u8], last: &PacketView<'_>) -> Verdict {
    let start = input.len() - last.bytes().len();
    [start + 1, start + 4, input.len() - 4, input.len() - 1]
        .into_iter()
        .filter(|end| (start + 1..input.len()).contains(end))
        .try_for_each(|end| {
            hold(Oracle::Truncation, (subject.read)(&input[..end]).is_err(), || {
                format!("the first {end} of {} bytes are read as a compound", input.len())
            })
        })
}

/// RFC 3550 §6.4.1: padding is no part of what a packet says, whatever it holds but its last byte.
fn padded(case: &mut Case<'_>, subject: &Subject, written: &[u8], compound: &[Packet]) -> Verdict {
    if packets(case.input).flatten().any(|view| view.padding() > 0) {
        case.reach("padding");
    }
    let Some(last) = packets(written).flatten().last() else { return Ok(()) };
    let start = written.len() - last.bytes().len();
    let Ok(words) = u16::try_from(last.bytes().len() / 4) else { return Ok(()) };
    let mut longer = [written, &[1, 2, 3, 4]].concat();
    longer[start] |= 0x20;
    longer[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    let again = (subject.read)(&longer);
    hold(Oracle::Metamorphic, again.as_deref() == Ok(compound), || {
        format!("padded, {compound:?} is read as {again:?}")
    })
}

/// RFC 3550 §6.1: a packet of an unknown type is ignored: the others say what they said.
fn in_company(subject: &Subject, input: &[u8], compound: &[Packet]) -> Verdict {
    let unknown = b"\x85\xd9\x00\x01abcd";
    let mut wanted = compound.to_vec();
    wanted.push(Packet::Unknown { kind: PacketType(217), count: 5, body: b"abcd".to_vec() });
    let again = (subject.read)(&[input, unknown].concat());
    hold(Oracle::Metamorphic, again.as_ref() == Ok(&wanted), || {
        format!("with an unknown packet after it, {compound:?} is read as {again:?}")
    })
}
