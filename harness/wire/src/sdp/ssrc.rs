//! Source attributes: `ssrc`, `ssrc-group` (RFC 5576).

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::Fault;
use super::print::{Print, display, number};
use super::text::{Text, Token};
use crate::rtp::Ssrc;

impl Parse for Ssrc {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        cursor.u32("SSRC").map(Self)
    }
}

impl Print for Ssrc {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.0)
    }
}

/// An `ssrc` attribute: one attribute of one source (RFC 5576 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsrcAttribute {
    /// The source.
    pub ssrc: Ssrc,
    /// `cname`, `msid`...
    pub name: Token,
    /// Its value.
    pub value: Option<Text>,
}

impl Parse for SsrcAttribute {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let ssrc = Ssrc::parse(cursor)?;
        cursor.space("a space and an attribute")?;
        let name = Token::read(cursor, "an attribute name")?;
        let value = if cursor.eat(b':') { Some(Text::parse(cursor)?) } else { None };
        Ok(Self { ssrc, name, value })
    }
}

impl Print for SsrcAttribute {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.ssrc.print(out)?;
        out.write_char(' ')?;
        self.name.print(out)?;
        self.value.iter().try_for_each(|value| {
            out.write_char(':')?;
            value.print(out)
        })
    }
}

/// An `ssrc-group` attribute (RFC 5576 §4.2): `FID` for retransmission, `SIM`, `FEC-FR`...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsrcGroup {
    /// What the group means.
    pub semantics: Token,
    /// Its sources, in order.
    pub ssrcs: Vec<Ssrc>,
}

impl Parse for SsrcGroup {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let semantics = Token::read(cursor, "the group's semantics")?;
        let mut ssrcs = Vec::new();
        while cursor.more() {
            ssrcs.push(Ssrc::parse(cursor)?);
        }
        Ok(Self { semantics, ssrcs })
    }
}

impl Print for SsrcGroup {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.semantics.print(out)?;
        self.ssrcs.iter().try_for_each(|ssrc| {
            out.write_char(' ')?;
            ssrc.print(out)
        })
    }
}

display!(SsrcAttribute, SsrcGroup);
from_str!(SsrcAttribute, SsrcGroup);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssrc_attributes_round_trip() {
        for text in ["1769742634 cname:VohtHDZ4teag8GPU", "1 msid:a b", "4294967295 x"] {
            assert_eq!(text.parse::<SsrcAttribute>().unwrap().to_string(), text);
        }
        assert!("4294967296 cname:x".parse::<SsrcAttribute>().is_err());
        assert_eq!("FID 1 2".parse::<SsrcGroup>().unwrap().ssrcs, [Ssrc(1), Ssrc(2)]);
    }
}
