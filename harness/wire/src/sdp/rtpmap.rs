//! What payload types mean: `rtpmap`, `fmtp` (RFC 8866 §6), `rtcp-fb` (RFC 4585 §4.2).

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::Fault;
use super::print::{Print, display, number};
use super::text::{Text, Token};
use crate::rtp::PayloadType;

impl Parse for PayloadType {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let value = cursor.u8("payload type", 0, Self::MAX)?;
        Ok(Self::from_low_bits(value))
    }
}

impl Print for PayloadType {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.get())
    }
}

/// An `rtpmap` attribute (RFC 8866 §6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rtpmap {
    /// The payload type described.
    pub payload_type: PayloadType,
    /// Name of the encoding, compared without regard to case.
    pub encoding: Token,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Encoding parameters: the number of channels, for audio.
    pub parameters: Option<Token>,
}

impl Parse for Rtpmap {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let payload_type = PayloadType::parse(cursor)?;
        cursor.space("a space and the encoding")?;
        let encoding = Token::read(cursor, "an encoding name")?;
        cursor.expect(b'/', "`/` and the clock rate")?;
        let clock_rate = cursor.u32("clock rate")?;
        let parameters =
            if cursor.eat(b'/') { Some(Token::read(cursor, "encoding parameters")?) } else { None };
        Ok(Self { payload_type, encoding, clock_rate, parameters })
    }
}

impl Print for Rtpmap {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.payload_type.print(out)?;
        out.write_char(' ')?;
        self.encoding.print(out)?;
        out.write_char('/')?;
        number(out, self.clock_rate)?;
        self.parameters.iter().try_for_each(|parameters| {
            out.write_char('/')?;
            parameters.print(out)
        })
    }
}

/// An `fmtp` attribute (RFC 8866 §6.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fmtp {
    /// The format: a payload type or, in old data channel offers, `webrtc-datachannel`.
    pub format: Token,
    /// Its parameters as they stand; every encoding has its own grammar.
    pub parameters: Text,
}

impl Fmtp {
    /// The payload type, if the format is one.
    #[must_use]
    pub fn payload_type(&self) -> Option<PayloadType> {
        self.format.parse().ok()
    }

    /// The parameters split at `;` into names and values, as most encodings write them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parameters.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            match pair.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (pair, None),
            }
        })
    }
}

impl Parse for Fmtp {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let format = Token::read(cursor, "a format")?;
        // RFC 8866 §9: payload types of fmtp share the m-line's range.
        if format.bytes().all(|byte| byte.is_ascii_digit()) {
            PayloadType::parse(&mut cursor.back(format.len()))?;
        }
        cursor.space("a space and the parameters")?;
        Ok(Self { format, parameters: Text::parse(cursor)? })
    }
}

impl Print for Fmtp {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        self.format.print(out)?;
        out.write_char(' ')?;
        self.parameters.print(out)
    }
}

/// An `rtcp-fb` attribute (RFC 4585 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpFeedback {
    /// The payload type, `None` for `*`: all of the section.
    pub payload_type: Option<PayloadType>,
    /// `nack`, `ccm`, `transport-cc`, `goog-remb`...
    pub kind: Token,
    /// `pli`, `fir`...
    pub parameter: Option<Text>,
}

impl Parse for RtcpFeedback {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let payload_type = if cursor.eat(b'*') { None } else { Some(PayloadType::parse(cursor)?) };
        cursor.space("a space and the feedback type")?;
        let kind = Token::read(cursor, "a feedback type")?;
        let parameter = if cursor.more() { Some(Text::parse(cursor)?) } else { None };
        Ok(Self { payload_type, kind, parameter })
    }
}

impl Print for RtcpFeedback {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        match self.payload_type {
            Some(payload_type) => payload_type.print(out)?,
            None => out.write_char('*')?,
        }
        out.write_char(' ')?;
        self.kind.print(out)?;
        self.parameter.iter().try_for_each(|parameter| {
            out.write_char(' ')?;
            parameter.print(out)
        })
    }
}

display!(Rtpmap, Fmtp, RtcpFeedback);
from_str!(PayloadType, Rtpmap, Fmtp, RtcpFeedback);

#[cfg(test)]
mod tests {
    use super::super::fault::Reason;
    use super::*;

    #[test]
    fn payload_types_never_wrap() {
        for bad in [
            "128",
            "256",
            "4294967296",
            "18446744073709551616",
            "340282366920938463463374607431768211456",
        ] {
            let fault = format!("{bad} opus/48000").parse::<Rtpmap>().unwrap_err();
            assert!(matches!(fault.reason, Reason::OutOfRange { what: "payload type", .. }));
            assert!(format!("{bad} nack").parse::<RtcpFeedback>().is_err());
            assert!(format!("{bad} a=1").parse::<Fmtp>().is_err());
        }
    }

    #[test]
    fn fmtp_pairs_are_split_and_odd_ones_kept() {
        let fmtp: Fmtp = "111 minptime=10; useinbandfec=1;;x".parse().unwrap();
        let pairs: Vec<_> = fmtp.pairs().collect();
        assert_eq!(pairs, [("minptime", Some("10")), ("useinbandfec", Some("1")), ("x", None)]);
        let old: Fmtp = "webrtc-datachannel max-message-size=100000".parse().unwrap();
        assert_eq!(old.payload_type(), None);
    }

    #[test]
    fn feedback_for_every_payload_type_round_trips() {
        for text in ["* transport-cc", "96 nack pli", "96 ccm fir", "96 nack"] {
            assert_eq!(text.parse::<RtcpFeedback>().unwrap().to_string(), text);
        }
    }
}
