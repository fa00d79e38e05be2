//! `rid` (RFC 8851) and `simulcast` (RFC 8853).

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display, list};
use super::text::{RestrictionValue, Token};
use crate::rtp::PayloadType;

/// Direction of a `rid` or of one half of `simulcast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDirection {
    /// This side sends it.
    Send,
    /// This side receives it.
    Recv,
}

impl Parse for StreamDirection {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        match cursor.token("send or recv")? {
            "send" => Ok(Self::Send),
            "recv" => Ok(Self::Recv),
            _ => Err(cursor.fault_at(start, Reason::Expected("send or recv"))),
        }
    }
}

impl Print for StreamDirection {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(match self {
            Self::Send => "send",
            Self::Recv => "recv",
        })
    }
}

/// A restriction identifier: letters, digits, `-` and `_` (RFC 8851 §10). Erratum 7132 wants letters
/// and digits alone, as RTP has them; every stack allows the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RidId(Token);

impl RidId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for RidId {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let found = cursor.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if found.is_empty() { cursor.expected("a rid") } else { found.parse().map(Self) }
    }
}

impl Print for RidId {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.0.print(out)
    }
}

/// A `rid` attribute: one restricted stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rid {
    /// Its identifier.
    pub id: RidId,
    /// Who sends it.
    pub direction: StreamDirection,
    /// Payload types it may use; empty for all.
    pub payload_types: Vec<PayloadType>,
    /// `max-width=1280` and the like, in order.
    pub restrictions: Vec<Restriction>,
}

/// One restriction of a [`Rid`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Name.
    pub name: Token,
    /// Value.
    pub value: Option<RestrictionValue>,
}

impl Parse for Restriction {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let name = Token::read(cursor, "a restriction")?;
        let value = if cursor.eat(b'=') { Some(RestrictionValue::parse(cursor)?) } else { None };
        Ok(Self { name, value })
    }
}

impl Print for Restriction {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.name.print(out)?;
        self.value.iter().try_for_each(|value| {
            out.write_char('=')?;
            value.print(out)
        })
    }
}

impl Parse for Rid {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let id = RidId::parse(cursor)?;
        cursor.space("a space and the direction")?;
        let direction = StreamDirection::parse(cursor)?;
        let mut rid = Self { id, direction, payload_types: Vec::new(), restrictions: Vec::new() };
        let mut another = cursor.more();
        while another {
            rid.parse_parameter(cursor)?;
            another = cursor.eat(b';');
        }
        Ok(rid)
    }
}

impl Rid {
    // RFC 8851 §10: `pt=` comes first, if at all.
    fn parse_parameter(&mut self, cursor: &mut Cursor<'_, '_>) -> Result<(), Fault> {
        let is_first = self.payload_types.is_empty() && self.restrictions.is_empty();
        if !is_first || !cursor.eat_text("pt=") {
            self.restrictions.push(Restriction::parse(cursor)?);
            return Ok(());
        }
        self.payload_types.push(PayloadType::parse(cursor)?);
        while cursor.eat(b',') {
            self.payload_types.push(PayloadType::parse(cursor)?);
        }
        Ok(())
    }
}

impl Print for Rid {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.id.print(out)?;
        out.write_char(' ')?;
        self.direction.print(out)?;
        let mut before = " ";
        if !self.payload_types.is_empty() {
            out.write_str(" pt=")?;
            list(out, ",", &self.payload_types)?;
            before = ";";
        }
        if !self.restrictions.is_empty() {
            out.write_str(before)?;
        }
        list(out, ";", &self.restrictions)
    }
}

/// A stream named by a `simulcast` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulcastStream {
    /// Its [`Rid`].
    pub rid: RidId,
    /// Marked with `~`: negotiated but not sent at first.
    pub paused: bool,
}

impl Parse for SimulcastStream {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let paused = cursor.eat(b'~');
        Ok(Self { rid: RidId::parse(cursor)?, paused })
    }
}

impl Print for SimulcastStream {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        if self.paused {
            out.write_char('~')?;
        }
        self.rid.print(out)
    }
}

/// Alternatives for one simulcast stream, separated by commas: one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternatives(pub Vec<SimulcastStream>);

impl Parse for Alternatives {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let mut streams = vec![SimulcastStream::parse(cursor)?];
        while cursor.eat(b',') {
            streams.push(SimulcastStream::parse(cursor)?);
        }
        Ok(Self(streams))
    }
}

impl Print for Alternatives {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        list(out, ",", &self.0)
    }
}

/// A `simulcast` attribute: one or both directions, each a list of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulcast {
    /// Streams this side sends; empty when the direction is absent.
    pub send: Vec<Alternatives>,
    /// Streams this side receives; empty when the direction is absent.
    pub recv: Vec<Alternatives>,
}

impl Parse for Simulcast {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let mut simulcast = Self { send: Vec::new(), recv: Vec::new() };
        loop {
            let start = cursor.at();
            let list = match StreamDirection::parse(cursor)? {
                StreamDirection::Send => &mut simulcast.send,
                StreamDirection::Recv => &mut simulcast.recv,
            };
            if !list.is_empty() {
                return Err(cursor.fault_at(start, Reason::Expected("the other direction")));
            }
            cursor.space("a space and the streams")?;
            list.push(Alternatives::parse(cursor)?);
            while cursor.eat(b';') {
                list.push(Alternatives::parse(cursor)?);
            }
            if !cursor.more() {
                return Ok(simulcast);
            }
        }
    }
}

impl Print for Simulcast {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        let halves = [("send ", &self.send), ("recv ", &self.recv)];
        let mut before = "";
        for (name, streams) in halves.into_iter().filter(|(_, streams)| !streams.is_empty()) {
            out.write_str(before)?;
            out.write_str(name)?;
            list(out, ";", streams)?;
            before = " ";
        }
        Ok(())
    }
}

display!(RidId, Rid, Simulcast);
from_str!(RidId, Rid, Simulcast);

#[cfg(test)]
mod tests {
    use super::*;

    // Found by the fuzz target sdp_parse: the fault named the first line of the description.
    #[test]
    fn a_forbidden_byte_in_a_restriction_is_told_where_it_stands() {
        let fault = "hi send x=0\r".parse::<Rid>().unwrap_err();
        assert_eq!((fault.column, fault.reason), (12, Reason::ForbiddenByte(b'\r')));
    }

    #[test]
    fn rid_with_payload_types_and_restrictions_round_trips() {
        for text in [
            "hi send",
            "1 recv pt=96,97",
            "lo send pt=96;max-width=320;max-fps=15",
            "x_-1 send max-br=1;depend=hi,lo",
        ] {
            assert_eq!(text.parse::<Rid>().unwrap().to_string(), text);
        }
        assert!("hi send pt=128".parse::<Rid>().is_err());
        assert!("hi both".parse::<Rid>().is_err());
    }

    #[test]
    fn simulcast_lists_round_trip_and_a_repeated_direction_is_refused() {
        for text in ["send 1,~2;3", "recv a", "send 1 recv 2;~3"] {
            assert_eq!(text.parse::<Simulcast>().unwrap().to_string(), text);
        }
        let both: Simulcast = "recv 2 send 1".parse().unwrap();
        assert_eq!(both.to_string(), "send 1 recv 2");
        assert!("send 1 send 2".parse::<Simulcast>().is_err());
        assert!("send".parse::<Simulcast>().is_err());
        assert!("send 1;".parse::<Simulcast>().is_err());
    }
}
