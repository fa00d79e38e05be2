//! A media section: its `m=` line and what follows.

use std::fmt::{self, Write};

use super::attributes::Attributes;
use super::cursor::{Cursor, Parse, from_str};
use super::fault::Fault;
use super::origin::{Address, Bandwidth};
use super::print::{Print, display, list, number};
use super::text::{ProtocolName, Text, Token};
use crate::rtp::PayloadType;

/// The media type of a section (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`.
    Audio,
    /// `video`.
    Video,
    /// `application`: data channels.
    Application,
    /// Another one.
    Other(Token),
}

impl MediaKind {
    /// The word in the line.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(name) => name,
        }
    }
}

/// The transport protocol of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `UDP/TLS/RTP/SAVPF` (RFC 5764 §8).
    UdpTlsRtpSavpf,
    /// `UDP/DTLS/SCTP` (RFC 8841 §4).
    UdpDtlsSctp,
    /// `TCP/DTLS/SCTP` (RFC 8841 §4).
    TcpDtlsSctp,
    /// `DTLS/SCTP` of the drafts before RFC 8841.
    DtlsSctp,
    /// Another one.
    Other(ProtocolName),
}

impl Protocol {
    /// The text in the line.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::UdpTlsRtpSavpf => "UDP/TLS/RTP/SAVPF",
            Self::UdpDtlsSctp => "UDP/DTLS/SCTP",
            Self::TcpDtlsSctp => "TCP/DTLS/SCTP",
            Self::DtlsSctp => "DTLS/SCTP",
            Self::Other(name) => name,
        }
    }

    /// Whether the formats are RTP payload types.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        match self {
            Self::UdpTlsRtpSavpf => true,
            Self::Other(name) => name.split('/').any(|part| part == "RTP"),
            _ => false,
        }
    }

    /// Whether SCTP runs over DTLS.
    #[must_use]
    pub fn is_sctp(&self) -> bool {
        matches!(self, Self::UdpDtlsSctp | Self::TcpDtlsSctp | Self::DtlsSctp)
    }
}

impl Parse for Protocol {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let name = ProtocolName::parse(cursor)?;
        Ok(match name.as_str() {
            "UDP/TLS/RTP/SAVPF" => Self::UdpTlsRtpSavpf,
            "UDP/DTLS/SCTP" => Self::UdpDtlsSctp,
            "TCP/DTLS/SCTP" => Self::TcpDtlsSctp,
            "DTLS/SCTP" => Self::DtlsSctp,
            _ => Self::Other(name),
        })
    }
}

/// The formats of a section: one at least, or the line is none when it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formats {
    /// Payload types of an RTP protocol.
    PayloadTypes(Vec<PayloadType>),
    /// Formats of another protocol, e.g. `webrtc-datachannel`.
    Names(Vec<Token>),
}

/// The `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLine {
    /// Media type.
    pub kind: MediaKind,
    /// Port; 9 when candidates say more, 0 when rejected or bundle-only.
    pub port: u16,
    /// Number of ports, of the form `port/count`.
    pub port_count: Option<u16>,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Formats, best first.
    pub formats: Formats,
}

impl MediaLine {
    /// The line of WebRTC data channels over UDP (RFC 8841 §4).
    #[must_use]
    pub fn data_channel(port: u16) -> Self {
        Self {
            kind: MediaKind::Application,
            port,
            port_count: None,
            protocol: Protocol::UdpDtlsSctp,
            formats: Formats::Names(vec![Token::fixed("webrtc-datachannel")]),
        }
    }
}

impl Parse for MediaLine {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let kind = match cursor.token("a media type")? {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            "application" => MediaKind::Application,
            other => MediaKind::Other(other.parse()?),
        };
        cursor.space("a space and the port")?;
        let port = cursor.u16("port")?;
        let port_count = if cursor.eat(b'/') { Some(cursor.u16("number of ports")?) } else { None };
        cursor.space("a space and the protocol")?;
        let protocol = Protocol::parse(cursor)?;
        cursor.space("a space and the formats")?;
        let formats = if protocol.is_rtp() {
            Formats::PayloadTypes(all(cursor, PayloadType::parse)?)
        } else {
            Formats::Names(all(cursor, Token::parse)?)
        };
        Ok(Self { kind, port, port_count, protocol, formats })
    }
}

fn all<T>(
    cursor: &mut Cursor<'_, '_>,
    parse: fn(&mut Cursor<'_, '_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut items = vec![parse(cursor)?];
    while cursor.more() {
        items.push(parse(cursor)?);
    }
    Ok(items)
}

impl Print for MediaLine {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(self.kind.name())?;
        out.write_char(' ')?;
        number(out, self.port)?;
        if let Some(count) = self.port_count {
            out.write_char('/')?;
            number(out, count)?;
        }
        out.write_char(' ')?;
        out.write_str(self.protocol.name())?;
        out.write_char(' ')?;
        match &self.formats {
            Formats::PayloadTypes(types) => list(out, " ", types),
            Formats::Names(names) => list(out, " ", names),
        }
    }
}

/// A media section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `m=`.
    pub line: MediaLine,
    /// `i=`.
    pub title: Option<Text>,
    /// `c=`; several only for layered multicast.
    pub connections: Vec<Address>,
    /// `b=`.
    pub bandwidths: Vec<Bandwidth>,
    /// `k=`, obsolete.
    pub key: Option<Text>,
    /// `a=`, in order.
    pub attributes: Attributes,
}

impl Media {
    /// A section with nothing but its `m=` line.
    #[must_use]
    pub fn new(line: MediaLine) -> Self {
        Self {
            line,
            title: None,
            connections: Vec::new(),
            bandwidths: Vec::new(),
            key: None,
            attributes: Attributes::default(),
        }
    }

    /// `mid`.
    #[must_use]
    pub fn mid(&self) -> Option<&Token> {
        self.attributes.mid()
    }

    /// Whether port 0 rejects the section.
    // RFC 9143 §6: with `bundle-only`, port 0 does not reject it.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.line.port == 0 && !self.attributes.has("bundle-only")
    }

    /// Whether the section carries WebRTC data channels, in today's or the drafts' form.
    #[must_use]
    pub fn is_data_channel(&self) -> bool {
        const FORMAT: &str = "webrtc-datachannel";
        let Formats::Names(names) = &self.line.formats else { return false };
        let sctpmap = self.attributes.sctpmap();
        self.line.kind == MediaKind::Application
            && self.line.protocol.is_sctp()
            && (names.iter().any(|name| *name == FORMAT)
                || sctpmap.is_some_and(|map| map.protocol == FORMAT))
    }
}

impl Print for Media {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        line(out, "m=", &self.line)?;
        lines(out, "i=", self.title.as_slice())?;
        lines(out, "c=", &self.connections)?;
        lines(out, "b=", &self.bandwidths)?;
        lines(out, "k=", self.key.as_slice())?;
        lines(out, "a=", &self.attributes.0)
    }
}

/// Prints one line with its end.
pub(super) fn line<W: Write + ?Sized>(out: &mut W, start: &str, item: &impl Print) -> fmt::Result {
    out.write_str(start)?;
    item.print(out)?;
    out.write_str("\r\n")
}

/// Prints one line for each item.
pub(super) fn lines<W: Write + ?Sized>(
    out: &mut W,
    start: &str,
    items: &[impl Print],
) -> fmt::Result {
    items.iter().try_for_each(|item| line(out, start, item))
}

display!(MediaLine, Media);
from_str!(MediaLine);

#[cfg(test)]
mod tests {
    use super::super::fault::Reason;
    use super::*;

    #[test]
    fn media_lines_round_trip() {
        for text in [
            "audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8",
            "video 49170/2 RTP/AVP 31",
            "application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "application 9 DTLS/SCTP 5000",
            "image 0 udptl t38",
        ] {
            assert_eq!(text.parse::<MediaLine>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn numbers_of_a_media_line_never_wrap() {
        for (bad, column) in [
            ("audio 65536 RTP/AVP 0", 7),
            ("audio 4294967305 RTP/AVP 0", 7),
            ("audio 9 RTP/AVP 128", 17),
            ("audio 9 RTP/AVP 4294967296", 17),
            ("audio 9/65536 RTP/AVP 0", 9),
        ] {
            let fault = bad.parse::<MediaLine>().unwrap_err();
            assert_eq!(fault.column, column, "{bad}");
            assert!(matches!(fault.reason, Reason::OutOfRange { .. }));
        }
    }

    // pjproject#2093, #3382: a port was read out of the media type.
    #[test]
    fn broken_media_lines_are_refused() {
        for bad in [
            "",
            "audio",
            "audio 9",
            "audio 9 RTP/AVP",
            "audio 9 RTP/AVP ",
            "auÿÿÿ34718 RTP/AVP 0",
            "audio RTP/AVP 0",
            "audio 9 RTP/ 0",
            "audio -9 RTP/AVP 0",
        ] {
            assert!(bad.parse::<MediaLine>().is_err(), "{bad}");
        }
    }
}
