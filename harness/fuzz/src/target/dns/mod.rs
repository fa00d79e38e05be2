//! `dns_message`: what multicast DNS says of the names of candidates.

mod plants;

use rtcspec_wire::dns::{DnsError, LONGEST, Message, Name, RecordType, Section, View};

use super::Target;
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;

/// Holds reading and writing of DNS messages.
pub const MESSAGE: Target = Target {
    name: "dns_message",
    about: "multicast DNS: questions and addresses read and written; names, pointers and counts as RFC 1035 has them",
    seeds: &["dns"],
    dictionary: mutate::dns::dictionary,
    mutate: |data, source| mutate::mostly(data, source, mutate::dns::change),
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "query",
        "response",
        "known answer",
        "pointer",
        "root",
        "AAAA",
        "another section",
        "pointer refused",
        "label refused",
        "class refused",
        "type refused",
        "address refused",
        "flags refused",
        "name too long",
        "too long to write",
        "short",
        "trailing",
    ],
    plants: plants::ALL,
};

/// A reader and a writer.
struct Subject {
    read: fn(&[u8]) -> Result<Message, DnsError>,
    write: fn(&Message) -> Result<Vec<u8>, DnsError>,
}

impl Subject {
    const OURS: Self = Self { read: Message::parse, write: Message::to_bytes };
}

/// A label may be one byte and its length, a pointer two, and each is copied: what a byte costs.
const BUDGET: Budget = Budget { bytes_each: 4096, ..Budget::DATAGRAM };

fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let view = View::new(input);
    let whole = case.within(BUDGET, input.len(), || look(&view))?;
    let checked = view.check();
    let there = matches!(checked, Ok(()) | Err(DnsError::Trailing(_)));
    hold(Oracle::Model, whole == there, || {
        format!("check gives {checked:?}, but that the entries are all there is {whole}")
    })?;
    let outcome = case.within(BUDGET, input.len(), || (subject.read)(input))?;
    note(case, &view, &outcome);
    match &outcome {
        Ok(message) => accepted(case, subject, &view, message),
        Err(_) => Ok(()),
    }
}

/// Reads all that a view shows; says whether what the header counts is there.
fn look(view: &View<'_>) -> bool {
    let Some(counts) = view.counts() else { return false };
    let _ = (view.id(), view.flags(), view.is_response());
    let questions = view.questions().filter_map(|question| question.ok()?.name.to_name().ok());
    let names = questions.count() + view.records().filter_map(is_whole).count();
    let counted: usize = counts.into_iter().map(usize::from).sum();
    names == counted
}

fn is_whole(record: Result<rtcspec_wire::dns::RecordView<'_>, DnsError>) -> Option<Name> {
    let record = record.ok()?;
    // The record itself may be none of an address.
    let _ = record.to_record();
    record.name.to_name().ok()
}

fn note(case: &mut Case<'_>, view: &View<'_>, outcome: &Result<Message, DnsError>) {
    if !case.is_noted() {
        return;
    }
    case.see(&view.counts().map(|counts| counts.map(|count| count.min(3))));
    for record in view.records().take(8).flatten() {
        case.see(&(record.section, known(record.kind), known_class(record.class)));
        case.see(&(known(record.kind), record.data.len().min(20)));
        if record.section != Section::Answer {
            case.reach("another section");
        }
    }
    for question in view.questions().take(8).flatten() {
        case.see(&(known(question.kind), known_class(question.class)));
    }
    match outcome {
        Ok(message) => {
            case.reach(if message.response { "response" } else { "query" });
            case.see(&(message.id == 0, message.answers.first().map(|record| record.flush)));
            if !message.response && !message.answers.is_empty() {
                case.reach("known answer");
            }
            if message.answers.iter().any(|record| record.data.ip().is_ipv6()) {
                case.reach("AAAA");
            }
        }
        Err(error) => {
            case.see(&std::mem::discriminant(error));
            case.reach(situation(error));
        }
    }
}

/// A type that somebody does something about, or 0 for all the others.
const fn known(kind: RecordType) -> u16 {
    if matches!(kind, RecordType::A | RecordType::AAAA | RecordType::ANY) { kind.0 } else { 0 }
}

/// The same of classes.
const fn known_class(class: u16) -> u16 {
    if class & 0x7fff == 1 { class } else { 0 }
}

const fn situation(error: &DnsError) -> &'static str {
    match error {
        DnsError::Trailing(_) => "trailing",
        DnsError::Flags(_) => "flags refused",
        DnsError::Class(_) => "class refused",
        DnsError::Type(_) => "type refused",
        DnsError::Section(_) => "another section",
        DnsError::Address(_) => "address refused",
        DnsError::Label(_) => "label refused",
        DnsError::Pointer { .. } => "pointer refused",
        DnsError::NameTooLong => "name too long",
        DnsError::TooLong(_) => "too long to write",
        _ => "short",
    }
}

fn accepted(case: &mut Case<'_>, subject: &Subject, view: &View<'_>, message: &Message) -> Verdict {
    let input = case.input;
    hold(Oracle::Model, is_shown(view, message), || {
        format!("{message:?} is not what {input:02x?} shows")
    })?;
    let questions = message.questions.iter().map(|question| &question.name);
    let mut names = questions.chain(message.answers.iter().map(|record| &record.name));
    names.clone().try_for_each(sound)?;
    if case.is_thorough() {
        names.try_for_each(spelled)?;
    }
    if input.iter().any(|byte| byte >> 6 == 3) {
        case.reach("pointer");
    }
    if message.questions.iter().any(|question| question.name.labels().next().is_none()) {
        case.reach("root");
    }
    let written = match case.within(BUDGET, input.len(), || (subject.write)(message))? {
        Ok(written) => written,
        Err(error) => {
            case.reach(situation(&error));
            // Whoever wrote it made more of pointers than we do, or sent more than may be sent.
            let large = matches!(error, DnsError::TooLong(length) if length > LONGEST);
            return hold(Oracle::RoundTrip, large, || format!("write {message:?}: {error}"));
        }
    };
    if !case.comes_back(&written) {
        let again = (subject.read)(&written);
        hold(Oracle::RoundTrip, again.as_ref() == Ok(message), || {
            format!("read {message:?}, wrote {written:02x?}, read {again:?}")
        })?;
    }
    if !case.is_thorough() {
        return Ok(());
    }
    truncated(case, subject)
}

/// A piece of a message is not taken for the whole, and neither is one with something behind it.
fn truncated(case: &Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    for len in (0..input.len()).rev().take(20) {
        hold(Oracle::Truncation, (subject.read)(&input[..len]).is_err(), || {
            format!("the first {len} of {} bytes are read as a message", input.len())
        })?;
    }
    let more = [input, &[0]].concat();
    hold(Oracle::Metamorphic, (subject.read)(&more).is_err(), || {
        "the message is also read with a byte behind it".to_owned()
    })
}

/// A message has the entries that a view shows, and no more than the header counts.
fn is_shown(view: &View<'_>, message: &Message) -> bool {
    let questions = view.questions().map(|it| it.map(|it| (it.kind, it.class)).ok());
    let asked = message.questions.iter().map(|it| Some((it.kind, class(it.unicast))));
    let records = view.records().map(|it| {
        let it = it.ok()?;
        Some((it.kind, class(it.class >> 15 == 1), it.ttl, it.data.to_vec()))
    });
    let answered = message.answers.iter().map(|it| {
        let octets = match it.data.ip() {
            std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
            std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        Some((it.data.kind(), class(it.flush), it.ttl, octets))
    });
    view.check().is_ok() && questions.eq(asked) && records.eq(answered)
}

/// Class IN and its top bit (RFC 6762 §10.2, §5.4).
const fn class(top_bit: bool) -> u16 {
    if top_bit { 0x8001 } else { 1 }
}

/// RFC 1035 §3.1: labels of 1 to 63 bytes, 255 bytes in all.
fn sound(name: &Name) -> Verdict {
    let lengths: Vec<usize> = name.labels().map(<[u8]>::len).collect();
    let length = 1 + lengths.iter().map(|length| length + 1).sum::<usize>();
    let fits = length <= 255 && lengths.iter().all(|length| (1..=63).contains(length));
    hold(Oracle::Model, fits, || format!("{name} has labels of {lengths:?} bytes"))
}

/// RFC 1035 §2.3.3: case makes no difference; nor does a dot at the end.
fn spelled(name: &Name) -> Verdict {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !br".\".contains(byte);
    if name.labels().next().is_none() || !name.labels().flatten().all(plain) {
        return Ok(());
    }
    let text = name.to_string();
    for text in [&text, &text.to_ascii_uppercase(), &format!("{text}.")] {
        hold(Oracle::RoundTrip, text.parse().as_ref() == Ok(name), || {
            format!("{name} is not read again from {text}")
        })?;
    }
    Ok(())
}
