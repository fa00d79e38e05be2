//! Grouping and identification: `group` (RFC 5888, RFC 9143), `msid` (RFC 8830).

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display, list};
use super::text::{Token, Word};

/// A `group` attribute: `BUNDLE`, `LS`... and the mids it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What the group means; `BUNDLE` is RFC 9143, `LS` RFC 5888 §7.
    pub semantics: Token,
    /// The mids, in order: the first of a BUNDLE group is the tagged section (RFC 9143 §7).
    pub mids: Vec<Token>,
}

impl Group {
    /// Semantics of RFC 9143.
    pub const BUNDLE: &'static str = "BUNDLE";

    /// A BUNDLE group.
    #[must_use]
    pub fn bundle(mids: Vec<Token>) -> Self {
        Self { semantics: Token::fixed(Self::BUNDLE), mids }
    }

    /// Whether this is a BUNDLE group.
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.semantics == Self::BUNDLE
    }
}

impl Parse for Group {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let semantics = Token::read(cursor, "the group's semantics")?;
        let mut mids = Vec::new();
        while cursor.more() {
            mids.push(Token::read(cursor, "a mid")?);
        }
        Ok(Self { semantics, mids })
    }
}

impl Print for Group {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.semantics.print(out)?;
        self.mids.iter().try_for_each(|mid| {
            out.write_char(' ')?;
            mid.print(out)
        })
    }
}

/// An `msid` attribute (RFC 8830 §2): the media stream and track of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msid {
    /// Stream id, `-` for none.
    pub id: Word,
    /// Track id, as W3C uses it.
    pub appdata: Option<Word>,
}

impl Parse for Msid {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let id = Word::read(cursor, "a stream id")?;
        let appdata = if cursor.more() { Some(Word::read(cursor, "a track id")?) } else { None };
        Ok(Self { id, appdata })
    }
}

impl Print for Msid {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.id.print(out)?;
        self.appdata.iter().try_for_each(|appdata| {
            out.write_char(' ')?;
            appdata.print(out)
        })
    }
}

/// The `msid-semantic` attribute of drafts before RFC 8830; everyone still sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsidSemantic {
    /// `WMS`.
    pub semantic: Token,
    /// Stream ids, or `*`.
    pub ids: Vec<Word>,
}

impl Parse for MsidSemantic {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        // Interop: libwebrtc writes a space after the colon, as the first drafts did.
        cursor.run(|byte| byte == b' ');
        let semantic = Token::read(cursor, "the semantic")?;
        let mut ids = Vec::new();
        while cursor.more() {
            ids.push(Word::read(cursor, "a stream id")?);
        }
        Ok(Self { semantic, ids })
    }
}

impl Print for MsidSemantic {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.semantic.print(out)?;
        self.ids.iter().try_for_each(|id| {
            out.write_char(' ')?;
            id.print(out)
        })
    }
}

/// The tags of `ice-options` (RFC 8839 §5.6): one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceOptions(pub Vec<Token>);

impl IceOptions {
    /// Whether the list has this tag: `trickle` (RFC 8840 §4.1), `ice2` (RFC 8445 §10)...
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|found| *found == tag)
    }
}

impl Parse for IceOptions {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let mut tags = vec![Token::read(cursor, "an option tag")?];
        loop {
            // Interop: libdatachannel separates the tags with a comma.
            if cursor.peek() == Some(b',') {
                cursor.note(Reason::Commas("option tags"));
                cursor.eat(b',');
            } else if !cursor.more() {
                return Ok(Self(tags));
            }
            tags.push(Token::read(cursor, "an option tag")?);
        }
    }
}

impl Print for IceOptions {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        list(out, " ", &self.0)
    }
}

display!(Group, Msid, MsidSemantic, IceOptions);
from_str!(Group, Msid, MsidSemantic, IceOptions);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_bundle_group_is_valid_when_everything_was_rejected() {
        let group: Group = "BUNDLE".parse().unwrap();
        assert!(group.is_bundle() && group.mids.is_empty());
        assert_eq!(group.to_string(), "BUNDLE");
    }

    #[test]
    fn libdatachannel_options_with_comma_are_read_and_printed_with_spaces() {
        let options: IceOptions = "ice2,trickle".parse().unwrap();
        assert!(options.has("ice2") && options.has("trickle"));
        assert_eq!(options.to_string(), "ice2 trickle");
        assert!("".parse::<IceOptions>().is_err());
        assert!("ice2,".parse::<IceOptions>().is_err());
    }

    #[test]
    fn msid_semantic_of_libwebrtc_and_of_firefox_read_alike() {
        assert_eq!(" WMS *".parse::<MsidSemantic>(), "WMS *".parse());
    }
}
