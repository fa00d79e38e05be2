//! A reading position in one line, which knows line and column for faults.

use super::fault::{Fault, Reason};

/// Characters of a `token` (RFC 8866 §9).
const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`{|}~", true);
/// Characters of an `ice-char` (RFC 8839 §5.1).
const ICE: [bool; 256] = table(b"+/", true);

const fn table(more: &[u8], alphanumeric: bool) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        set[byte] = alphanumeric && (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < more.len() {
        set[more[at] as usize] = true;
        at += 1;
    }
    set
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

pub(super) fn is_ice_byte(byte: u8) -> bool {
    ICE[usize::from(byte)]
}

/// Reads one line from left to right.
#[derive(Debug)]
pub(super) struct Cursor<'t, 'n> {
    text: &'t str,
    at: usize,
    line: usize,
    notes: Option<&'n mut Vec<Fault>>,
}

impl<'t, 'n> Cursor<'t, 'n> {
    /// Starts at byte `at` of the line `text`. Tolerated faults go to `notes`.
    pub(super) fn new(
        text: &'t str,
        at: usize,
        line: usize,
        notes: Option<&'n mut Vec<Fault>>,
    ) -> Self {
        Self { text, at, line, notes }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Gives the notes back.
    pub(super) fn into_notes(self) -> Option<&'n mut Vec<Fault>> {
        self.notes
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// A fault at the current position.
    pub(super) fn fault(&self, reason: Reason) -> Fault {
        self.fault_at(self.at, reason)
    }

    pub(super) fn fault_at(&self, at: usize, reason: Reason) -> Fault {
        Fault { line: self.line, column: at.saturating_add(1), reason }
    }

    pub(super) fn expected<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(self.fault(Reason::Expected(what)))
    }

    /// Records a tolerated fault at the current position.
    pub(super) fn note(&mut self, reason: Reason) {
        let fault = self.fault(reason);
        if let Some(notes) = self.notes.as_deref_mut() {
            notes.push(fault);
        }
    }

    /// Everything up to the end of the line.
    pub(super) fn rest(&mut self) -> &'t str {
        let rest = self.left();
        self.at = self.text.len();
        rest
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let found = self.left().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// A second cursor `count` bytes earlier, to read a piece again; it takes no notes.
    pub(super) fn back(&self, count: usize) -> Cursor<'t, 'static> {
        Cursor::new(self.text, self.at.saturating_sub(count), self.line, None)
    }

    /// Skips one byte; the caller has peeked at it and knows it is ASCII.
    pub(super) fn run_one(&mut self) {
        self.at += usize::from(!self.is_end());
    }

    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { self.expected(what) }
    }

    /// The longest run of bytes that satisfy `keep`; may be empty.
    pub(super) fn run(&mut self, keep: impl Fn(u8) -> bool) -> &'t str {
        let left = self.left();
        let length = left.bytes().position(|byte| !keep(byte)).unwrap_or(left.len());
        // A predicate over single bytes may stop inside a character; step back to its start.
        let length = left.floor_char_boundary(length);
        self.at += length;
        left.get(..length).unwrap_or("")
    }

    fn some(&mut self, what: &'static str, keep: impl Fn(u8) -> bool) -> Result<&'t str, Fault> {
        let found = self.run(keep);
        if found.is_empty() { self.expected(what) } else { Ok(found) }
    }

    /// A `token`, at least one character.
    pub(super) fn token(&mut self, what: &'static str) -> Result<&'t str, Fault> {
        self.some(what, is_token_byte)
    }

    /// Anything without white space, at least one character.
    pub(super) fn word(&mut self, what: &'static str) -> Result<&'t str, Fault> {
        self.some(what, |byte| byte != b' ' && byte != b'\t')
    }

    /// One space; several are tolerated.
    pub(super) fn space(&mut self, what: &'static str) -> Result<(), Fault> {
        if !self.eat(b' ') {
            return self.expected(what);
        }
        self.skip_spaces();
        Ok(())
    }

    /// Tolerated white space.
    pub(super) fn skip_spaces(&mut self) {
        if matches!(self.peek(), Some(b' ' | b'\t')) {
            self.note(Reason::WhiteSpace);
            self.run(|byte| byte == b' ' || byte == b'\t');
        }
    }

    /// A space before another list element, or the end of the line.
    pub(super) fn more(&mut self) -> bool {
        if self.peek() != Some(b' ') {
            return false;
        }
        let start = self.at;
        self.run(|byte| byte == b' ');
        if self.is_end() {
            self.at = start;
        } else if self.at > start + 1 {
            self.note(Reason::WhiteSpace);
        }
        !self.is_end() && self.at > start
    }

    /// A decimal number from `min` to `max`; digits beyond 64 bits are out of range, never wrapped.
    pub(super) fn number(&mut self, what: &'static str, min: u64, max: u64) -> Result<u64, Fault> {
        let start = self.at;
        let digits = self.some(what, |byte| byte.is_ascii_digit())?;
        let value = digits
            .bytes()
            .try_fold(0u64, |sum, d| sum.checked_mul(10)?.checked_add(u64::from(d - b'0')));
        match value {
            Some(value) if (min..=max).contains(&value) => Ok(value),
            _ => Err(self.fault_at(start, Reason::OutOfRange { what, min, max })),
        }
    }

    pub(super) fn u8(&mut self, what: &'static str, min: u8, max: u8) -> Result<u8, Fault> {
        let value = self.number(what, min.into(), max.into())?;
        Ok(u8::try_from(value).unwrap_or(max))
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, Fault> {
        let value = self.number(what, 0, u16::MAX.into())?;
        Ok(u16::try_from(value).unwrap_or(u16::MAX))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Fault> {
        let value = self.number(what, 0, u32::MAX.into())?;
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, Fault> {
        self.number(what, 0, u64::MAX)
    }

    /// The end of the line; trailing white space is tolerated.
    pub(super) fn end(&mut self, what: &'static str) -> Result<(), Fault> {
        self.skip_spaces();
        if self.is_end() { Ok(()) } else { Err(self.fault(Reason::UnexpectedText(what))) }
    }
}

/// A value that can be read from a line.
pub(super) trait Parse: Sized {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault>;
}

/// Implements `FromStr` by [`Parse`], over the whole text.
macro_rules! from_str {
    ($($name:ty),+ $(,)?) => {$(
        impl std::str::FromStr for $name {
            type Err = $crate::sdp::Fault;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut cursor = $crate::sdp::cursor::Cursor::new(text, 0, 1, None);
                let value = <Self as $crate::sdp::cursor::Parse>::parse(&mut cursor)?;
                cursor.end("the value")?;
                Ok(value)
            }
        }
    )+};
}
pub(super) use from_str;
