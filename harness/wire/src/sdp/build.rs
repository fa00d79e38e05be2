//! Builds a [`Session`] line by line, the same way whether to keep it or to list its faults.

use std::collections::BTreeSet;
use std::mem;

use super::attribute::Attribute;
use super::attributes::Attributes;
use super::cursor::{Cursor, Parse};
use super::fault::{Fault, Reason};
use super::media::{Media, MediaLine};
use super::origin::{Address, Bandwidth, Origin, Timing};
use super::session::Session;
use super::text::{Text, Token};
use super::view::{Line, LineEnd};

/// Line types of the session section in the order of RFC 8866 §5; `r` belongs to `t`.
const SESSION_ORDER: &[u8] = b"vosiuepcbtzka";
/// Line types of a media section in the order of RFC 8866 §5.
const MEDIA_ORDER: &[u8] = b"micbka";
/// Line types that RFC 8866 §5 does not mark as optional.
const MANDATORY: [u8; 4] = *b"vost";

/// Takes lines one after the other.
#[derive(Debug)]
pub(super) struct Builder<'n> {
    notes: Option<&'n mut Vec<Fault>>,
    lines: usize,
    /// A [`bit`] for each type of which a line was there, well-formed or not.
    seen: u32,
    /// Another line stood where `v=` belongs, and that was told.
    version_missed: bool,
    origin: Option<Origin>,
    name: Option<Text>,
    information: Option<Text>,
    uri: Option<Text>,
    emails: Vec<Text>,
    phones: Vec<Text>,
    connection: Option<Address>,
    bandwidths: Vec<Bandwidth>,
    timings: Vec<Timing>,
    time_zones: Option<Text>,
    key: Option<Text>,
    attributes: Attributes,
    media: Vec<Media>,
    mids: BTreeSet<Token>,
    section: SectionState,
}

/// What was already seen in the current section.
#[derive(Debug, Default)]
struct SectionState {
    rank: usize,
    once: u32,
    flags: u32,
}

impl<'n> Builder<'n> {
    /// Starts empty. Tolerated faults go to `notes`.
    pub(super) fn new(notes: Option<&'n mut Vec<Fault>>) -> Self {
        Self {
            notes,
            lines: 0,
            seen: 0,
            version_missed: false,
            origin: None,
            name: None,
            information: None,
            uri: None,
            emails: Vec::new(),
            phones: Vec::new(),
            connection: None,
            bandwidths: Vec::new(),
            timings: Vec::new(),
            time_zones: None,
            key: None,
            attributes: Attributes::default(),
            media: Vec::new(),
            mids: BTreeSet::new(),
            section: SectionState::default(),
        }
    }

    fn note(&mut self, column: usize, reason: Reason) {
        if let Some(notes) = self.notes.as_deref_mut() {
            notes.push(Fault { line: self.lines, column, reason });
        }
    }

    /// Records a fault that [`Self::feed`] returned.
    pub(super) fn record(&mut self, fault: Fault) {
        if let Some(notes) = self.notes.as_deref_mut() {
            notes.push(fault);
        }
    }

    /// Records every mandatory line that never came.
    pub(super) fn record_missing(&mut self) {
        for kind in MANDATORY {
            let told = kind == b'v' && self.version_missed;
            if !told && !self.has(kind) {
                let fault = self.missing(char::from(kind));
                self.record(fault);
            }
        }
    }

    fn has(&self, kind: u8) -> bool {
        self.seen & bit(kind) != 0
    }

    fn missing(&self, letter: char) -> Fault {
        Fault { line: self.lines + 1, column: 1, reason: Reason::MissingLine(letter) }
    }

    /// Takes the line with this number.
    pub(super) fn feed(&mut self, number: usize, line: &Line<'_>) -> Result<(), Fault> {
        self.lines = number;
        let raw = line.raw();
        match line.end() {
            LineEnd::CrLf => {}
            LineEnd::Lf => self.note(raw.len() + 1, Reason::BareLineFeed),
            LineEnd::None => self.note(raw.len() + 1, Reason::MissingLineEnd),
        }
        if raw.is_empty() {
            self.note(1, Reason::BlankLine);
            return Ok(());
        }
        let result = self.feed_raw(raw);
        self.seen |= line.kind().map_or(0, bit);
        result
    }

    fn feed_raw(&mut self, raw: &[u8]) -> Result<(), Fault> {
        let number = self.lines;
        let fault = |at: usize, reason| Fault { line: number, column: at + 1, reason };
        let text = std::str::from_utf8(raw)
            .map_err(|error| fault(error.valid_up_to(), Reason::NotUtf8))?;
        let &[kind, b'=', ..] = raw else { return Err(fault(0, Reason::NotALine)) };
        if !kind.is_ascii_alphabetic() {
            return Err(fault(0, Reason::NotALine));
        }
        if kind != b'v' && !self.has(b'v') && !mem::replace(&mut self.version_missed, true) {
            self.tell(fault(0, Reason::MissingLine('v')))?;
        }
        self.check_order(kind)?;
        let mut cursor = Cursor::new(text, 2, number, self.notes.take());
        let result = self.take(kind, &mut cursor);
        self.notes = cursor.into_notes();
        result
    }

    /// Ends the reading, unless all faults are wanted: what is missing does not spoil the line.
    fn tell(&mut self, fault: Fault) -> Result<(), Fault> {
        if self.notes.is_none() {
            return Err(fault);
        }
        self.record(fault);
        Ok(())
    }

    // RFC 8866 §5 fixes the order. Interop: stacks mix up i, b, c and a, and receivers let them.
    fn check_order(&mut self, kind: u8) -> Result<(), Fault> {
        let start = |reason| Fault { line: self.lines, column: 1, reason };
        let letter = char::from(kind);
        let is_known = kind == b'm' || kind == b'r' || SESSION_ORDER.contains(&kind);
        if !is_known {
            return Err(start(Reason::UnknownType));
        }
        if kind == b'm' {
            self.section = SectionState::default();
            return Ok(());
        }
        let order = if self.media.is_empty() { SESSION_ORDER } else { MEDIA_ORDER };
        let ranked = if kind == b'r' { b't' } else { kind };
        let Some(rank) = order.iter().position(|known| *known == ranked) else {
            return Err(start(Reason::Misplaced(letter)));
        };
        if rank < self.section.rank {
            self.note(1, Reason::OutOfOrder(letter));
        }
        self.section.rank = self.section.rank.max(rank);
        Ok(())
    }

    fn take(&mut self, kind: u8, cursor: &mut Cursor<'_, '_>) -> Result<(), Fault> {
        match kind {
            b'a' => {
                let attribute = Attribute::parse(cursor)?;
                return self.attribute(attribute, cursor);
            }
            b'm' => {
                let line = MediaLine::parse(cursor);
                // What follows an unreadable line is still judged as a media section.
                match line {
                    Ok(line) => self.media.push(Media::new(line)),
                    Err(fault) => {
                        self.media.push(Media::new(MediaLine::data_channel(0)));
                        return Err(fault);
                    }
                }
            }
            b'c' => {
                let address = Address::parse(cursor)?;
                match self.media.last_mut() {
                    Some(media) => media.connections.push(address),
                    None => once(&mut self.connection, address, 'c', cursor)?,
                }
            }
            b'b' => {
                let bandwidth = Bandwidth::parse(cursor)?;
                let media = self.media.last_mut().map(|media| &mut media.bandwidths);
                media.unwrap_or(&mut self.bandwidths).push(bandwidth);
            }
            b'i' => {
                let media = self.media.last_mut().map(|media| &mut media.title);
                let slot = media.unwrap_or(&mut self.information);
                once(slot, Text::parse(cursor)?, 'i', cursor)?;
            }
            b'k' => {
                let media = self.media.last_mut().map(|media| &mut media.key);
                once(media.unwrap_or(&mut self.key), Text::parse(cursor)?, 'k', cursor)?;
            }
            _ => self.take_session_line(kind, cursor)?,
        }
        cursor.end("the line")
    }

    fn take_session_line(&mut self, kind: u8, cursor: &mut Cursor<'_, '_>) -> Result<(), Fault> {
        match kind {
            b'v' => self.take_version(cursor),
            b'o' => once(&mut self.origin, Origin::parse(cursor)?, 'o', cursor),
            b's' => self.take_name(cursor),
            b'u' => once(&mut self.uri, Text::parse(cursor)?, 'u', cursor),
            b'z' => once(&mut self.time_zones, Text::parse(cursor)?, 'z', cursor),
            b't' => {
                self.timings.push(Timing::parse(cursor)?);
                Ok(())
            }
            b'r' => {
                let repeat = Text::parse(cursor)?;
                let timing = self.timings.last_mut();
                let timing = timing.ok_or(cursor.fault_at(0, Reason::Misplaced('r')))?;
                timing.repeats.push(repeat);
                Ok(())
            }
            b'e' => {
                self.emails.push(Text::parse(cursor)?);
                Ok(())
            }
            _ => {
                self.phones.push(Text::parse(cursor)?);
                Ok(())
            }
        }
    }

    fn take_version(&self, cursor: &mut Cursor<'_, '_>) -> Result<(), Fault> {
        // RFC 8866 §5.1: there is no version but 0.
        cursor.number("protocol version", 0, 0)?;
        if self.has(b'v') {
            return Err(cursor.fault_at(0, Reason::RepeatedLine('v')));
        }
        Ok(())
    }

    fn take_name(&mut self, cursor: &mut Cursor<'_, '_>) -> Result<(), Fault> {
        if cursor.is_end() {
            cursor.note(Reason::EmptyName);
        }
        once(&mut self.name, Text::parse(cursor)?, 's', cursor)
    }

    fn attribute(
        &mut self,
        attribute: Attribute,
        cursor: &mut Cursor<'_, '_>,
    ) -> Result<(), Fault> {
        if let Some((name, bit)) = attribute.once() {
            if self.section.once & bit != 0 {
                return Err(cursor.fault_at(2, Reason::RepeatedAttribute(name)));
            }
            self.section.once |= bit;
        } else if let Some(bit) = attribute.flag() {
            if self.section.flags & bit != 0 {
                cursor.note(Reason::RepeatedFlag);
                return Ok(());
            }
            self.section.flags |= bit;
        }
        if let Attribute::Mid(mid) = &attribute
            && !self.mids.insert(mid.clone())
        {
            return Err(cursor.fault_at(6, Reason::RepeatedMid));
        }
        let media = self.media.last_mut().map(|media| &mut media.attributes);
        media.unwrap_or(&mut self.attributes).push(attribute);
        Ok(())
    }

    /// The finished description, of lines that had no fault.
    pub(super) fn finish(&mut self) -> Result<Session, Fault> {
        if !self.has(b'v') {
            return Err(self.missing('v'));
        }
        let origin = self.origin.take().ok_or(self.missing('o'))?;
        let name = self.name.take().ok_or(self.missing('s'))?;
        let mut timings = mem::take(&mut self.timings).into_iter();
        Ok(Session {
            origin,
            name,
            information: self.information.take(),
            uri: self.uri.take(),
            emails: mem::take(&mut self.emails),
            phones: mem::take(&mut self.phones),
            connection: self.connection.take(),
            bandwidths: mem::take(&mut self.bandwidths),
            timing: timings.next().ok_or(self.missing('t'))?,
            further_timings: timings.collect(),
            time_zones: self.time_zones.take(),
            key: self.key.take(),
            attributes: mem::take(&mut self.attributes),
            media: mem::take(&mut self.media),
        })
    }
}

/// A bit for each type letter.
const fn bit(kind: u8) -> u32 {
    if kind.is_ascii_lowercase() { 1 << (kind - b'a') } else { 0 }
}

fn once<T>(
    slot: &mut Option<T>,
    value: T,
    letter: char,
    cursor: &Cursor<'_, '_>,
) -> Result<(), Fault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(cursor.fault_at(0, Reason::RepeatedLine(letter))),
    }
}
