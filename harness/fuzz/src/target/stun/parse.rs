//! `stun_parse`: any bytes, as a message.

use rtcspec_wire::stun::{Attribute, AttributeType, EncodeError, Message, ParseError, Seal, View};

use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::target::Target;

/// Holds reading and writing of messages.
pub const PARSE: Target = Target {
    name: "stun_parse",
    about: "STUN and TURN messages: read, written, read again; padding and order without meaning",
    seeds: &["stun"],
    dictionary: mutate::stun::dictionary,
    mutate: mutate::stun::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "accepted",
        "malformed",
        "attribute refused",
        "fingerprint",
        "integrity",
        "classic",
    ],
    plants: plants::PARSE,
};

/// A reader and a writer.
pub(super) struct Subject {
    pub(super) read: fn(&[u8]) -> Result<Message, ParseError>,
    pub(super) write: fn(&Message, &Seal<'_>) -> Result<Vec<u8>, EncodeError>,
}

impl Subject {
    pub(super) const OURS: Self = Self { read: Message::parse, write: Message::encode };
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let view = View::new(input);
    let read = || (subject.read)(input);
    let look = |outcome: &Outcome| look(case, &view, outcome);
    let (outcome, seen) = case.within_both(Budget::DATAGRAM, input.len(), read, look)?;
    hold(Oracle::Model, seen.defects <= 5 + input.len() / 4, || {
        format!("{} defects in {} bytes", seen.defects, input.len())
    })?;
    for attribute in &seen.attributes {
        case.see(attribute);
    }
    if case.is_thorough() && view.is_classic() {
        case.reach("classic");
    }
    if case.is_thorough() {
        let again = (subject.read)(input);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
    }
    match outcome {
        Ok(message) => accepted(case, subject, &view, &message),
        Err(error) => {
            refused(case, &error);
            Ok(())
        }
    }
}

#[derive(Default)]
struct Seen {
    defects: usize,
    /// Types that have a name, and whether the value is one of its type.
    attributes: Vec<(&'static str, bool)>,
}

/// What the reader under test says.
type Outcome = Result<Message, ParseError>;

/// What a view can be asked by name.
const NAMES: [AttributeType; 7] = [
    AttributeType::USERNAME,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::ERROR_CODE,
    AttributeType::DATA,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::XOR_RELAYED_ADDRESS,
];

/// Everything a reader can be asked, asked. In a hurry that is what reading the message has not done
/// already, and by name only what is there.
fn look(case: &Case<'_>, view: &View<'_>, outcome: &Outcome) -> Seen {
    let mut seen = Seen::default();
    let id = view.transaction_id();
    let all = case.is_thorough() || outcome.is_err();
    for attribute in view.attributes().take(32) {
        if all || attribute.is_ignored() {
            let decoded = id.is_some_and(|id| attribute.decode(id).is_ok());
            if case.is_noted() {
                seen.attributes.push((attribute.ty.name().unwrap_or("unknown"), decoded));
            }
        }
        if !case.is_thorough() {
            by_name(view, attribute.ty);
        }
    }
    if case.is_thorough() {
        NAMES.into_iter().for_each(|ty| by_name(view, ty));
    }
    if all || outcome.as_ref().is_ok_and(has_unknown) {
        let _ = view.unknown_required().count();
    }
    let _ = view.trailing();
    if all {
        let _ = view.fingerprint();
        seen.defects = view.defects().count();
    }
    seen
}

fn by_name(view: &View<'_>, ty: AttributeType) {
    let _ = match ty {
        AttributeType::USERNAME => view.username().is_some(),
        AttributeType::REALM => view.realm().is_some(),
        AttributeType::NONCE => view.nonce().is_some(),
        AttributeType::ERROR_CODE => view.error_code().is_some(),
        AttributeType::DATA => view.data().is_some(),
        AttributeType::XOR_MAPPED_ADDRESS => view.xor_mapped_address().is_some(),
        AttributeType::XOR_RELAYED_ADDRESS => view.xor_relayed_address().is_some(),
        _ => false,
    };
}

fn has_unknown(message: &Message) -> bool {
    message.attributes.iter().any(|attribute| matches!(attribute, Attribute::Unknown { .. }))
}

fn refused(case: &mut Case<'_>, error: &ParseError) {
    case.see(&std::mem::discriminant(error));
    match error {
        ParseError::Malformed(defect) => {
            case.reach("malformed");
            case.see(&std::mem::discriminant(defect));
        }
        ParseError::Attribute { ty, source, .. } => {
            case.reach("attribute refused");
            case.see(&(ty.name(), std::mem::discriminant(source)));
        }
        _ => {}
    }
}

fn accepted(case: &mut Case<'_>, subject: &Subject, view: &View<'_>, message: &Message) -> Verdict {
    if case.is_noted() {
        note(case, view, message);
    }
    if let Err(defect) = view.check() {
        return Err(Finding::new(Oracle::Model, format!("read a message although: {defect}")));
    }
    round_trip(case, subject, message)?;
    if !case.is_thorough() {
        return Ok(());
    }
    prefixes(case, subject)?;
    padding(case, subject, view, message)?;
    optional(case, subject, view, message)
}

fn note(case: &mut Case<'_>, view: &View<'_>, message: &Message) {
    case.reach("accepted");
    case.see(&(message.class, message.method.name()));
    if view.has(AttributeType::FINGERPRINT) {
        case.reach("fingerprint");
    }
    if view.has(AttributeType::MESSAGE_INTEGRITY) {
        case.reach("integrity");
    }
}

/// Written and read, it is the same.
fn round_trip(case: &Case<'_>, subject: &Subject, message: &Message) -> Verdict {
    let written = (subject.write)(message, &Seal::none());
    let written = written.map_err(|error| {
        Finding::new(Oracle::RoundTrip, format!("what was read cannot be written: {error}"))
    })?;
    if case.is_thorough() || !is_as_it_came(case.input, &written) {
        let again = (subject.read)(&written);
        hold(Oracle::RoundTrip, again.as_ref() == Ok(message), || {
            format!("read {message:?}, wrote {written:02x?}, read {again:?}")
        })?;
    }
    let view = View::new(&written);
    let clean = view.attributes().all(|attribute| {
        let end = attribute.offset + 4 + attribute.value.len();
        written[end..end.next_multiple_of(4)].iter().all(|byte| *byte == 0)
    });
    // RFC 8489 §14: padding bits are zero when sent.
    hold(Oracle::RoundTrip, clean, || format!("padding is not zero in {written:02x?}"))
}

/// What protects a message and is no part of its value.
const ENDING: [AttributeType; 3] = [
    AttributeType::FINGERPRINT,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
];

/// True if the input is what was written, up to its end or to what protects it: then it is known how
/// that is read.
fn is_as_it_came(input: &[u8], written: &[u8]) -> bool {
    const HEADER: usize = 20;
    let Some(rest) = input.get(written.len()..).filter(|_| written.len() >= HEADER) else {
        return false;
    };
    let ends = match rest {
        [] => true,
        [high, low, ..] => ENDING.contains(&AttributeType(u16::from_be_bytes([*high, *low]))),
        _ => false,
    };
    let told = usize::from(u16::from_be_bytes([written[2], written[3]]));
    ends && told == written.len() - HEADER
        && written[..2] == input[..2]
        && written[4..] == input[4..written.len()]
}

/// RFC 8489 §5: the length says where the message ends, so no strict prefix is one.
fn prefixes(case: &Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    [1, 2, 4, 8, 20].into_iter().filter_map(|cut| input.len().checked_sub(cut)).try_for_each(
        |len| {
            hold(Oracle::Truncation, (subject.read)(&input[..len]).is_err(), || {
                format!("the first {len} of {} bytes are read as a message", input.len())
            })
        },
    )
}

/// RFC 8489 §14: what padding holds has no meaning (where nothing is computed over it).
fn padding(case: &Case<'_>, subject: &Subject, view: &View<'_>, message: &Message) -> Verdict {
    if view.has(AttributeType::FINGERPRINT) {
        return Ok(());
    }
    let mut other = case.input.to_vec();
    for attribute in view.attributes() {
        let end = attribute.offset + 4 + attribute.value.len();
        other[end..end.next_multiple_of(4)].iter_mut().for_each(|byte| *byte ^= 0xa5);
    }
    let again = (subject.read)(&other);
    hold(Oracle::Metamorphic, again.as_ref() == Ok(message), || {
        format!("other padding makes {again:?} of {message:?}")
    })
}

/// RFC 8489 §14: an unknown comprehension-optional attribute is ignored: what else is read stays.
fn optional(case: &Case<'_>, subject: &Subject, view: &View<'_>, message: &Message) -> Verdict {
    const UNKNOWN: AttributeType = AttributeType(0xeabc);
    if ENDING.into_iter().any(|ty| view.has(ty)) || case.input.len() > 60_000 {
        return Ok(());
    }
    let mut longer = case.input.to_vec();
    longer.extend_from_slice(&[0xea, 0xbc, 0, 2, 1, 2, 0, 0]);
    let length = (longer.len() - 20) as u16;
    longer[2..4].copy_from_slice(&length.to_be_bytes());
    let again = (subject.read)(&longer);
    let wanted = message.clone().with(Attribute::Unknown { ty: UNKNOWN, bytes: vec![1, 2] });
    hold(Oracle::Metamorphic, again.as_ref() == Ok(&wanted), || {
        format!("with an unknown attribute at its end, {message:?} is read as {again:?}")
    })
}
