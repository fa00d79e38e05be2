//! `extmap` (RFC 8285 §5) and the directions of RFC 8866 §6.7.

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display, number};
use super::text::{Text, Word};

/// Who sends media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    Sendrecv,
    /// This side.
    Sendonly,
    /// The other side.
    Recvonly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// Names a direction, if it is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sendrecv" => Some(Self::Sendrecv),
            "sendonly" => Some(Self::Sendonly),
            "recvonly" => Some(Self::Recvonly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sendrecv => "sendrecv",
            Self::Sendonly => "sendonly",
            Self::Recvonly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The same thing from the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Sendonly => Self::Recvonly,
            Self::Recvonly => Self::Sendonly,
            other => other,
        }
    }
}

impl Parse for Direction {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        const EXPECTED: &str = "sendrecv, sendonly, recvonly or inactive";
        let start = cursor.at();
        let name = cursor.token(EXPECTED)?;
        Self::from_name(name).ok_or(cursor.fault_at(start, Reason::Expected(EXPECTED)))
    }
}

impl Print for Direction {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// An `extmap` attribute: the number an RTP header extension has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extmap {
    /// 1 to 255 on the wire, 4096 to 4351 for an offer that asks the answerer to choose.
    pub id: ExtensionId,
    /// Restricts who sends it.
    pub direction: Option<Direction>,
    /// Names the extension.
    pub uri: Word,
    /// Its own attributes.
    pub attributes: Option<Text>,
}

/// The number of a header extension in an `extmap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtensionId(u16);

impl ExtensionId {
    /// RFC 8285 §5: 1 to 255 are usable; 4096 to 4351 stand for "one too many".
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        match value {
            1..=255 | 4096..=4351 => Some(Self(value)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Parse for Extmap {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        const WHAT: &str = "extension id";
        let start = cursor.at();
        let id = ExtensionId::new(cursor.u16(WHAT)?)
            .ok_or(cursor.fault_at(start, Reason::OutOfRange { what: WHAT, min: 1, max: 255 }))?;
        let direction = if cursor.eat(b'/') { Some(Direction::parse(cursor)?) } else { None };
        cursor.space("a space and the extension's URI")?;
        let uri = Word::read(cursor, "a URI")?;
        let attributes = if cursor.more() { Some(Text::parse(cursor)?) } else { None };
        Ok(Self { id, direction, uri, attributes })
    }
}

impl Print for Extmap {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.id.0)?;
        if let Some(direction) = self.direction {
            out.write_char('/')?;
            direction.print(out)?;
        }
        out.write_char(' ')?;
        self.uri.print(out)?;
        self.attributes.iter().try_for_each(|attributes| {
            out.write_char(' ')?;
            attributes.print(out)
        })
    }
}

display!(Direction, Extmap);
from_str!(Direction, Extmap);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extmap_with_direction_and_attributes_round_trips() {
        for text in ["2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level", "4096 urn:x a b"] {
            assert_eq!(text.parse::<Extmap>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn extension_ids_outside_their_ranges_are_refused() {
        for bad in ["0", "256", "4095", "4352", "65536"] {
            assert!(format!("{bad} urn:x").parse::<Extmap>().is_err(), "{bad}");
        }
    }
}
