//! Session descriptions as our parser reads them.

use rtcspec_wire::sdp::{Fault, Line, Reason, Section, Session, View};

use crate::account::{Account, Fields};

pub(super) fn read(input: &[u8]) -> Account<'_> {
    let view = View::parse(input);
    match Session::from_view(&view) {
        Ok(session) => Account::Read(fields(&view, &session)),
        Err(fault) => Account::because(cause(&view, &fault), fault),
    }
}

/// Values of the lines as they stand, since most parsers leave them so.
fn fields<'a>(view: &View<'a>, session: &Session) -> Fields<'a> {
    let mut fields = Fields::new();
    for (nth, section) in view.sections().enumerate() {
        match nth.checked_sub(1) {
            None => tell_session(&section, session, &mut fields),
            Some(_) => tell_media(&section, &mut fields),
        }
        for (name, value) in section.lines.iter().filter_map(Line::attribute) {
            fields.put("attribute", name).put("value", value.unwrap_or_default());
        }
    }
    fields
}

fn tell_session<'a>(section: &Section<'_, 'a>, session: &Session, fields: &mut Fields<'a>) {
    let value = |kind| section.lines.iter().find(|line| line.kind() == Some(kind))?.value();
    let words = words(value(b'o').unwrap_or_default());
    fields.put("user", words.first().copied().unwrap_or_default());
    fields.put("session-id", session.origin.session_id.to_string());
    fields.put("session-version", session.origin.session_version);
    fields.put("origin-address", words.last().copied().unwrap_or_default());
    fields.put("name", value(b's').unwrap_or_default());
}

fn tell_media<'a>(section: &Section<'_, 'a>, fields: &mut Fields<'a>) {
    let value = section.lines.first().and_then(Line::value).unwrap_or_default();
    let mut words = words(value).into_iter();
    let mut next = || words.next().unwrap_or_default();
    fields.put("media", next());
    let port = std::str::from_utf8(next()).unwrap_or_default();
    let (port, ports) = port.split_once('/').unwrap_or((port, "1"));
    fields.put("port", port.parse::<u64>().unwrap_or(u64::MAX));
    fields.put("ports", ports.parse::<u64>().unwrap_or(u64::MAX));
    fields.put("protocol", next());
    for format in words {
        fields.put("format", format);
    }
}

fn words(value: &[u8]) -> Vec<&[u8]> {
    value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect()
}

fn cause(view: &View<'_>, fault: &Fault) -> &'static str {
    let line = view.lines().get(fault.line.saturating_sub(1));
    match fault.reason {
        Reason::NotALine => "not-a-line",
        Reason::UnknownType => "unknown-line",
        Reason::Misplaced(_) => "misplaced-line",
        Reason::RepeatedLine(_) => "repeated-line",
        Reason::MissingLine(_) => "missing-line",
        Reason::ForbiddenByte(_) => "forbidden-byte",
        Reason::NotUtf8 => "not-utf8",
        Reason::RepeatedAttribute(_) => "repeated-attribute",
        Reason::RepeatedMid => "repeated-mid",
        _ => match line.and_then(Line::kind) {
            Some(b'v') => "malformed-v",
            Some(b'o') => "malformed-o",
            Some(b'c') => "malformed-c",
            Some(b'b') => "malformed-b",
            Some(b't') => "malformed-t",
            Some(b'r') => "malformed-r",
            Some(b'm') => "malformed-m",
            Some(b'a') => "malformed-attribute",
            _ => "malformed-line",
        },
    }
}
