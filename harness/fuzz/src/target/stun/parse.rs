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
    let seen = case.within(Budget::DATAGRAM, input.len(), || look(&view, case.is_noted()))?;
    hold(Oracle::Model, seen.defects <= 5 + input.len() / 4, || {
        format!("{} defects in {} bytes", seen.defects, input.len())
    })?;
    for attribute in &seen.attributes {
        case.see(attribute);
    }
    if view.is_classic() {
        case.reach("classic");
    }
    let outcome = case.within(Budget::DATAGRAM, input.len(), || (subject.read)(input))?;
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

struct Seen {
    defects: usize,
    /// Types that have a name, and whether the value is one of its type.
    attributes: Vec<(&'static str, bool)>,
}

/// Everything a reader can be asked, asked.
fn look(view: &View<'_>, noted: bool) -> Seen {
    let id = view.transaction_id();
    let mut attributes = Vec::new();
    for attribute in view.attributes().take(32) {
        let decoded = id.is_some_and(|id| attribute.decode(id).is_ok());
        if noted {
            attributes.push((attribute.ty.name().unwrap_or("unknown"), decoded));
        }
    }
    let _ = (view.username(), view.realm(), view.nonce(), view.error_code(), view.data());
    let _ =
        (view.xor_mapped_address(), view.xor_relayed_address(), view.unknown_required().count());
    let _ = (view.trailing(), view.fingerprint());
    Seen { defects: view.defects().count(), attributes }
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
    case.reach("accepted");
    case.see(&(message.class, message.method.name()));
    if view.has(AttributeType::FINGERPRINT) {
        case.reach("fingerprint");
    }
    if view.has(AttributeType::MESSAGE_INTEGRITY) {
        case.reach("integrity");
    }
    if let Err(defect) = view.check() {
        return Err(Finding::new(Oracle::Model, format!("read a message although: {defect}")));
    }
    round_trip(subject, message)?;
    if !case.is_thorough() {
        return Ok(());
    }
    prefixes(case, subject)?;
    padding(case, subject, view, message)?;
    optional(case, subject, view, message)
}

/// Written and read, it is the same.
fn round_trip(subject: &Subject, message: &Message) -> Verdict {
    let written = (subject.write)(message, &Seal::none());
    let written = written.map_err(|error| {
        Finding::new(Oracle::RoundTrip, format!("what was read cannot be written: {error}"))
    })?;
    let again = (subject.read)(&written);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(message), || {
        format!("read {message:?}, wrote {written:02x?}, read {again:?}")
    })?;
    let view = View::new(&written);
    let clean = view.attributes().all(|attribute| {
        let end = attribute.offset + 4 + attribute.value.len();
        written[end..end.next_multiple_of(4)].iter().all(|byte| *byte == 0)
    });
    // RFC 8489 §14: padding bits are zero when sent.
    hold(Oracle::RoundTrip, clean, || format!("padding is not zero in {written:02x?}"))
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
    let ended = [
        AttributeType::FINGERPRINT,
        AttributeType::MESSAGE_INTEGRITY,
        AttributeType::MESSAGE_INTEGRITY_SHA256,
    ];
    if ended.into_iter().any(|ty| view.has(ty)) || case.input.len() > 60_000 {
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
