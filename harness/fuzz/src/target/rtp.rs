//! `rtp_header`: packets, their sources, and header extensions in both forms.

use rtcspec_wire::rtp::{Extension, Form, Header, Packet, RtpError, Ssrc, View};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;

/// Holds RTP packets (RFC 3550 §5.1) with header extensions (RFC 8285).
pub const HEADER: Target = Target {
    name: "rtp_header",
    about: "RTP packets: read, written, read again; both forms of extension say the same",
    seeds: &["rtp"],
    dictionary: mutate::rtp::dictionary,
    mutate: mutate::rtp::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "bare",
        "one-byte elements",
        "two-byte elements",
        "other extension",
        "sources",
        "padding",
        "short",
        "sources past the end",
        "extension past the end",
        "wrong padding",
        "element past the end",
    ],
    plants: PLANTS,
};

/// What is read of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    header: Header,
    payload: Vec<u8>,
    padding: u8,
}

/// A reader and a writer.
struct Subject {
    read: fn(&[u8]) -> Result<Reading, RtpError>,
    write: fn(&Reading) -> Result<Vec<u8>, RtpError>,
}

impl Subject {
    const OURS: Self = Self { read, write };
}

pub(crate) fn read(bytes: &[u8]) -> Result<Reading, RtpError> {
    let packet = Packet::parse(bytes)?;
    let (payload, padding) = (packet.payload().to_vec(), packet.padding());
    Ok(Reading { header: Header::try_from(packet)?, payload, padding })
}

pub(crate) fn write(reading: &Reading) -> Result<Vec<u8>, RtpError> {
    Ok(reading.header.packet(&reading.payload, reading.padding))
}

fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let look = || look(&View::new(input));
    let read = |_: &(bool, usize)| (subject.read)(input);
    let (seen, outcome) = case.within_both(Budget::DATAGRAM, input.len(), look, read)?;
    case.see(&seen);
    if case.is_thorough() {
        let again = (subject.read)(input);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
    }
    match outcome {
        Ok(reading) => accepted(case, subject, &reading),
        Err(error) => {
            refused(case, &error);
            Ok(())
        }
    }
}

/// Everything a view can be asked, asked: whether the header is whole, and how many elements it has.
fn look(view: &View<'_>) -> (bool, usize) {
    let _ = (view.version(), view.marker(), view.payload_type(), view.ssrc());
    let _ = (view.sequence_number(), view.timestamp(), view.has_padding());
    let elements = view.extension().map(|extension| extension.elements().count());
    (view.header().is_some(), elements.unwrap_or_default().min(8))
}

fn refused(case: &mut Case<'_>, error: &RtpError) {
    case.see(&std::mem::discriminant(error));
    match error {
        RtpError::Short(_) => case.reach("short"),
        RtpError::Csrcs(_) => case.reach("sources past the end"),
        RtpError::Extension => case.reach("extension past the end"),
        RtpError::Padding { .. } => case.reach("wrong padding"),
        RtpError::Element(_) => case.reach("element past the end"),
        _ => {}
    }
}

fn accepted(case: &mut Case<'_>, subject: &Subject, reading: &Reading) -> Verdict {
    if case.is_noted() {
        note(case, reading);
    }
    round_trip(case, subject, reading)?;
    if !case.is_thorough() {
        return Ok(());
    }
    head(case.input, subject, reading)?;
    more_payload(case.input, subject, reading)?;
    more_padding(case.input, subject, reading)?;
    one_source_more(case.input, subject, reading)?;
    filled(case.input, subject, reading)?;
    both_forms(subject, reading)
}

fn note(case: &mut Case<'_>, reading: &Reading) {
    let extension = reading.header.extension.as_ref();
    match extension.map(|extension| extension.view().form()) {
        None => case.reach("bare"),
        Some(Form::OneByte) => case.reach("one-byte elements"),
        Some(Form::TwoByte { .. }) => case.reach("two-byte elements"),
        Some(Form::Other(_)) => case.reach("other extension"),
    }
    if !reading.header.csrcs().is_empty() {
        case.reach("sources");
    }
    if reading.padding > 0 {
        case.reach("padding");
    }
    let elements = extension.map(|extension| extension.view().elements().count().min(8));
    case.see(&("sources", reading.header.csrcs().len()));
    case.see(&(reading.padding.min(4), elements));
}

fn written(subject: &Subject, reading: &Reading) -> Result<Vec<u8>, Finding> {
    (subject.write)(reading).map_err(|error| {
        Finding::new(Oracle::RoundTrip, format!("what was read cannot be written: {error}"))
    })
}

/// Written and read it is the same; byte for byte, where nothing between elements was left out and
/// padding is of zeros.
fn round_trip(case: &Case<'_>, subject: &Subject, reading: &Reading) -> Verdict {
    let input = case.input;
    let out = written(subject, reading)?;
    if case.comes_back(&out) {
        return Ok(());
    }
    let again = (subject.read)(&out);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(reading), || {
        format!("read {reading:?}, wrote {out:02x?}, read {again:?}")
    })?;
    let elements = mutate::rtp::has_elements(input);
    let body = input.len() - usize::from(reading.padding);
    hold(Oracle::RoundTrip, elements || input.get(..body) == out.get(..body), || {
        format!("{input:02x?} comes back as {out:02x?}")
    })
}

/// RFC 3550 §5.1: the header says how long it is, so a piece of it is none.
fn head(input: &[u8], subject: &Subject, reading: &Reading) -> Verdict {
    let len = input.len() - reading.payload.len() - usize::from(reading.padding);
    let mut piece = input.get(..len.saturating_sub(1)).unwrap_or_default().to_vec();
    if let Some(first) = piece.first_mut() {
        *first &= !0x20;
    }
    hold(Oracle::Truncation, (subject.read)(&piece).is_err(), || {
        format!("{} of the {len} bytes of a header are read as a packet", piece.len())
    })
}

/// What is added to the payload is in the payload and nowhere else.
fn more_payload(input: &[u8], subject: &Subject, reading: &Reading) -> Verdict {
    if reading.padding > 0 {
        return Ok(());
    }
    let longer = [input, &[0xa5, 0]].concat();
    let mut wanted = reading.clone();
    wanted.payload.extend_from_slice(&[0xa5, 0]);
    same(subject, &longer, &wanted, "with two bytes more")
}

/// RFC 3550 §5.1: padding is not part of the payload, whatever it holds.
fn more_padding(input: &[u8], subject: &Subject, reading: &Reading) -> Verdict {
    if reading.padding > 0 {
        return Ok(());
    }
    let mut longer = [input, &[1, 2, 3, 4]].concat();
    longer[0] |= 0x20;
    same(subject, &longer, &Reading { padding: 4, ..reading.clone() }, "padded")
}

/// RFC 3550 §5.1: a source more moves what follows by four bytes.
fn one_source_more(input: &[u8], subject: &Subject, reading: &Reading) -> Verdict {
    let mut wanted = reading.clone();
    let mut sources = vec![Ssrc(0xdead_beef)];
    sources.extend_from_slice(reading.header.csrcs());
    if wanted.header.set_csrcs(sources).is_err() {
        return Ok(());
    }
    let mut longer = input.to_vec();
    longer[0] += 1;
    longer.splice(12..12, [0xde, 0xad, 0xbe, 0xef]);
    same(subject, &longer, &wanted, "with one source more")
}

/// RFC 8285 §4.1.2: zero bytes before and between elements fill and say nothing.
fn filled(input: &[u8], subject: &Subject, reading: &Reading) -> Verdict {
    let at = 12 + 4 * reading.header.csrcs().len();
    let words = input.get(at + 2..at + 4).map(|words| u16::from_be_bytes([words[0], words[1]]));
    let one_more = words.and_then(|words| words.checked_add(1));
    let (true, Some(words)) = (mutate::rtp::has_elements(input), one_more) else {
        return Ok(());
    };
    let mut longer = input.to_vec();
    longer[at + 2..at + 4].copy_from_slice(&words.to_be_bytes());
    longer.splice(at + 4..at + 4, [0; 4]);
    same(subject, &longer, reading, "with four zero bytes before its elements")
}

/// RFC 8285 §4.3: what elements with one byte of header say, those with two can say too.
fn both_forms(subject: &Subject, reading: &Reading) -> Verdict {
    let Some(extension) = &reading.header.extension else { return Ok(()) };
    if extension.view().form() != Form::OneByte {
        return Ok(());
    }
    let mut two = Extension::new(Form::TwoByte { appbits: 0 });
    for element in extension.view().elements().flatten() {
        if two.push(element.id, element.data).is_err() {
            return Ok(());
        }
    }
    // An element without data, which only this form has, may stand among them.
    let _ = two.push(200, &[]);
    let mut wanted = reading.clone();
    wanted.header.extension = Some(two);
    let out = written(&Subject::OURS, &wanted)?;
    same(subject, &out, &wanted, "with two-byte elements")
}

fn same(subject: &Subject, bytes: &[u8], wanted: &Reading, how: &str) -> Verdict {
    let found = (subject.read)(bytes);
    hold(Oracle::Metamorphic, found.as_ref() == Ok(wanted), || {
        format!("{how}, {bytes:02x?} should be {wanted:?}, is {found:?}")
    })
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "rtp-sources-past-end",
        source: "pion/rtp #1, pion/webrtc #247: sources are read that the packet does not have",
        body: |case| body(case, &Subject { read: sources_past_end, ..Subject::OURS }),
    },
    Plant {
        name: "rtp-extension-past-end",
        source: "pion/webrtc #285, CVE-2015-6360: the extension's length is believed",
        body: |case| body(case, &Subject { read: extension_past_end, ..Subject::OURS }),
    },
    Plant {
        name: "rtp-padding-too-long",
        source: "pion/interceptor before 0.1.39, CVE-2025-49140: more padding than payload",
        body: |case| body(case, &Subject { read: padding_too_long, ..Subject::OURS }),
    },
    Plant {
        name: "rtp-filled-extension-not-written",
        source: "rtc-rtp 0.21.1: zeros between elements are read, not counted, and the packet is \
                 not written",
        body: |case| body(case, &Subject { read: filled_read, write: filled_not_written }),
    },
    Plant {
        name: "rtp-zero-ends-elements",
        source: "the first zero byte ends the elements, although it fills",
        body: |case| body(case, &Subject { read: zero_ends, ..Subject::OURS }),
    },
    Plant {
        name: "rtp-empty-element",
        source: "RFC 8285 §4.3: an element without data is taken for the end",
        body: |case| body(case, &Subject { read: empty_element_ends, ..Subject::OURS }),
    },
    Plant {
        name: "rtp-padding-kept",
        source: "a packet that is forwarded has its padding in its payload",
        body: |case| body(case, &Subject { read: padding_kept, ..Subject::OURS }),
    },
];

pub(crate) fn sources_past_end(bytes: &[u8]) -> Result<Reading, RtpError> {
    if let [first @ 0x80..0xc0, ..] = bytes
        && bytes.len() >= 12
    {
        for nth in 0..usize::from(first & 0x0f) {
            let _ = &bytes[12 + 4 * nth..16 + 4 * nth];
        }
    }
    read(bytes)
}

pub(crate) fn extension_past_end(bytes: &[u8]) -> Result<Reading, RtpError> {
    let at = bytes.first().map_or(0, |first| 12 + 4 * usize::from(first & 0x0f));
    if let [0x90..0xa0, ..] = bytes
        && let Some(&[high, low]) = bytes.get(at + 2..).and_then(|rest| rest.first_chunk::<2>())
    {
        let _ = &bytes[..at + 4 + 4 * usize::from(u16::from_be_bytes([high, low]))];
    }
    read(bytes)
}

pub(crate) fn padding_too_long(bytes: &[u8]) -> Result<Reading, RtpError> {
    let outcome = read(bytes);
    if let Err(RtpError::Padding { padding, left }) = outcome {
        let end = left.checked_sub(padding.into());
        let _ = end.expect("slice bounds out of range");
    }
    outcome
}

fn filled_read(bytes: &[u8]) -> Result<Reading, RtpError> {
    read(bytes)
}

fn filled_not_written(reading: &Reading) -> Result<Vec<u8>, RtpError> {
    let out = write(reading)?;
    let Some(extension) = &reading.header.extension else { return Ok(out) };
    let elements = extension.view().elements().flatten();
    // One byte of header is counted for each, whatever the form is.
    let counted: usize = elements.map(|element| 1 + element.data.len()).sum();
    let there = extension.view().data().len();
    if counted.next_multiple_of(4) == there.next_multiple_of(4) || there == 0 {
        Ok(out)
    } else {
        Err(RtpError::ExtensionLength(there))
    }
}

/// The packet read with only those elements that stand before one that ends them.
fn cut(bytes: &[u8], ends: fn(&[u8], u8, &[u8]) -> bool) -> Result<Reading, RtpError> {
    let mut reading = read(bytes)?;
    let packet = Packet::parse(bytes)?;
    if let Some(view) = packet.extension().filter(|view| !matches!(view.form(), Form::Other(_))) {
        let mut kept = Extension::new(view.form());
        for element in view.elements() {
            let element = element?;
            if ends(view.data(), element.id, element.data) {
                break;
            }
            kept.push(element.id, element.data)?;
        }
        reading.header.extension = Some(kept);
    }
    Ok(reading)
}

fn zero_ends(bytes: &[u8]) -> Result<Reading, RtpError> {
    cut(bytes, |all, _, _| all.first() == Some(&0))
}

fn empty_element_ends(bytes: &[u8]) -> Result<Reading, RtpError> {
    cut(bytes, |_, _, data| data.is_empty())
}

fn padding_kept(bytes: &[u8]) -> Result<Reading, RtpError> {
    let mut reading = read(bytes)?;
    let padding = usize::from(reading.padding);
    reading.payload.extend_from_slice(&bytes[bytes.len() - padding..]);
    Ok(reading)
}
