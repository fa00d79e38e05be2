//! One `a=` line.

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::extmap::{Direction, Extmap};
use super::fault::{Fault, Reason};
use super::fingerprint::{Fingerprint, Setup};
use super::group::{Group, IceOptions, Msid, MsidSemantic};
use super::origin::Address;
use super::packet_time::PacketTime;
use super::print::{Print, display, number};
use super::rtpmap::{Fmtp, RtcpFeedback, Rtpmap};
use super::sctp::{SctpInit, Sctpmap};
use super::simulcast::{Rid, Simulcast};
use super::ssrc::{SsrcAttribute, SsrcGroup};
use super::text::{IcePwd, IceUfrag, Text, TlsId, Token, check_bytes};
use crate::candidate::{Candidate, CandidateError, CandidateView, Field};

/// An attribute of a session or media section.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// `bundle-only` (RFC 9143 §6).
    BundleOnly,
    /// `candidate` (RFC 8839 §5.1).
    Candidate(Box<Candidate>),
    /// `sendrecv`, `sendonly`, `recvonly`, `inactive` (RFC 8866 §6.7).
    Direction(Direction),
    /// `end-of-candidates` (RFC 8840 §8.2).
    EndOfCandidates,
    /// `extmap` (RFC 8285 §5).
    Extmap(Extmap),
    /// `extmap-allow-mixed` (RFC 8285 §6).
    ExtmapAllowMixed,
    /// `fingerprint` (RFC 8122 §5).
    Fingerprint(Fingerprint),
    /// `fmtp` (RFC 8866 §6.15).
    Fmtp(Fmtp),
    /// `group` (RFC 5888 §5).
    Group(Group),
    /// `ice-lite` (RFC 8839 §5.3).
    IceLite,
    /// `ice-mismatch` (RFC 8839 §5.3).
    IceMismatch,
    /// `ice-options` (RFC 8839 §5.6).
    IceOptions(IceOptions),
    /// `ice-pacing`, in milliseconds (RFC 8839 §5.5).
    IcePacing(u32),
    /// `ice-pwd` (RFC 8839 §5.4).
    IcePwd(IcePwd),
    /// `ice-ufrag` (RFC 8839 §5.4).
    IceUfrag(IceUfrag),
    /// `identity` (RFC 8827 §5): a base64 assertion and extensions.
    Identity(Text),
    /// `max-message-size` in bytes, 0 for any size (RFC 8841 §6).
    MaxMessageSize(u64),
    /// `maxptime` (RFC 8866 §6.5).
    MaxPtime(PacketTime),
    /// `mid` (RFC 5888 §4).
    Mid(Token),
    /// `msid` (RFC 8830 §2).
    Msid(Msid),
    /// `msid-semantic` of old drafts.
    MsidSemantic(MsidSemantic),
    /// `ptime` (RFC 8866 §6.4).
    Ptime(PacketTime),
    /// `remote-candidates` (RFC 8839 §5.2).
    RemoteCandidates(Text),
    /// `rid` (RFC 8851 §4).
    Rid(Rid),
    /// `rtcp` (RFC 3605 §2.1).
    Rtcp(RtcpPort),
    /// `rtcp-fb` (RFC 4585 §4.2).
    RtcpFeedback(RtcpFeedback),
    /// `rtcp-mux` (RFC 5761 §5.1.1).
    RtcpMux,
    /// `rtcp-mux-only` (RFC 8858 §3).
    RtcpMuxOnly,
    /// `rtcp-rsize` (RFC 5506 §5).
    RtcpRsize,
    /// `rtpmap` (RFC 8866 §6.6).
    Rtpmap(Rtpmap),
    /// `sctp-init` (draft-hancke-tsvwg-snap).
    SctpInit(SctpInit),
    /// `sctp-port` (RFC 8841 §5).
    SctpPort(u16),
    /// `sctpmap` of old drafts.
    Sctpmap(Sctpmap),
    /// `setup` (RFC 4145 §4).
    Setup(Setup),
    /// `simulcast` (RFC 8853 §5.1).
    Simulcast(Simulcast),
    /// `ssrc` (RFC 5576 §4.1).
    Ssrc(SsrcAttribute),
    /// `ssrc-group` (RFC 5576 §4.2).
    SsrcGroup(SsrcGroup),
    /// `tls-id` (RFC 8842 §4).
    TlsId(TlsId),
    /// An attribute this crate does not type.
    Unknown {
        /// Its name.
        name: Token,
        /// Its value, as it stands.
        value: Option<Text>,
    },
}

/// The value of `rtcp`: where RTCP goes without multiplexing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpPort {
    /// The port.
    pub port: u16,
    /// The address, if it is not the one of `c=`.
    pub address: Option<Address>,
}

impl Parse for RtcpPort {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let port = cursor.u16("RTCP port")?;
        let address = if cursor.more() { Some(Address::parse(cursor)?) } else { None };
        Ok(Self { port, address })
    }
}

impl Print for RtcpPort {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.port)?;
        self.address.iter().try_for_each(|address| {
            out.write_char(' ')?;
            address.print(out)
        })
    }
}

impl Parse for Attribute {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let name = cursor.token("an attribute name")?;
        let attribute = if cursor.eat(b':') { value(name, cursor)? } else { flag(name, cursor)? };
        cursor.end("the attribute")?;
        Ok(attribute)
    }
}

fn flag(name: &str, cursor: &mut Cursor<'_, '_>) -> Result<Attribute, Fault> {
    Ok(match name {
        "bundle-only" => Attribute::BundleOnly,
        "end-of-candidates" => Attribute::EndOfCandidates,
        "extmap-allow-mixed" => Attribute::ExtmapAllowMixed,
        "ice-lite" => Attribute::IceLite,
        "ice-mismatch" => Attribute::IceMismatch,
        "rtcp-mux" => Attribute::RtcpMux,
        "rtcp-mux-only" => Attribute::RtcpMuxOnly,
        "rtcp-rsize" => Attribute::RtcpRsize,
        "sendrecv" | "sendonly" | "recvonly" | "inactive" => {
            Attribute::Direction(Direction::from_name(name).unwrap_or_default())
        }
        _ if VALUED.contains(&name) => return cursor.expected("`:` and a value"),
        _ => Attribute::Unknown { name: name.parse()?, value: None },
    })
}

/// Known attributes that make no sense without a value.
const VALUED: [&str; 29] = [
    "candidate",
    "extmap",
    "fingerprint",
    "fmtp",
    "group",
    "ice-options",
    "ice-pacing",
    "ice-pwd",
    "ice-ufrag",
    "identity",
    "max-message-size",
    "maxptime",
    "mid",
    "msid",
    "msid-semantic",
    "ptime",
    "remote-candidates",
    "rid",
    "rtcp",
    "rtcp-fb",
    "rtpmap",
    "sctp-init",
    "sctp-port",
    "sctpmap",
    "setup",
    "simulcast",
    "ssrc",
    "ssrc-group",
    "tls-id",
];

fn value(name: &str, cursor: &mut Cursor<'_, '_>) -> Result<Attribute, Fault> {
    Ok(match name {
        "candidate" => Attribute::Candidate(Box::new(Parse::parse(cursor)?)),
        "extmap" => Attribute::Extmap(Parse::parse(cursor)?),
        "fingerprint" => Attribute::Fingerprint(Parse::parse(cursor)?),
        "fmtp" => Attribute::Fmtp(Parse::parse(cursor)?),
        "group" => Attribute::Group(Parse::parse(cursor)?),
        "ice-options" => Attribute::IceOptions(Parse::parse(cursor)?),
        "ice-pacing" => Attribute::IcePacing(cursor.u32("pacing")?),
        "ice-pwd" => Attribute::IcePwd(Parse::parse(cursor)?),
        "ice-ufrag" => Attribute::IceUfrag(Parse::parse(cursor)?),
        "identity" => Attribute::Identity(Parse::parse(cursor)?),
        "max-message-size" => Attribute::MaxMessageSize(canonical(cursor, "max-message-size")?),
        "maxptime" => Attribute::MaxPtime(Parse::parse(cursor)?),
        "mid" => Attribute::Mid(Parse::parse(cursor)?),
        "msid" => Attribute::Msid(Parse::parse(cursor)?),
        "msid-semantic" => Attribute::MsidSemantic(Parse::parse(cursor)?),
        "ptime" => Attribute::Ptime(Parse::parse(cursor)?),
        "remote-candidates" => Attribute::RemoteCandidates(Parse::parse(cursor)?),
        "rid" => Attribute::Rid(Parse::parse(cursor)?),
        "rtcp" => Attribute::Rtcp(Parse::parse(cursor)?),
        "rtcp-fb" => Attribute::RtcpFeedback(Parse::parse(cursor)?),
        "rtpmap" => Attribute::Rtpmap(Parse::parse(cursor)?),
        "sctp-init" => Attribute::SctpInit(Parse::parse(cursor)?),
        "sctp-port" => Attribute::SctpPort(sctp_port(cursor)?),
        "sctpmap" => Attribute::Sctpmap(Parse::parse(cursor)?),
        "setup" => Attribute::Setup(Parse::parse(cursor)?),
        "simulcast" => Attribute::Simulcast(Parse::parse(cursor)?),
        "ssrc" => Attribute::Ssrc(Parse::parse(cursor)?),
        "ssrc-group" => Attribute::SsrcGroup(Parse::parse(cursor)?),
        "tls-id" => Attribute::TlsId(Parse::parse(cursor)?),
        _ if FLAGS.contains(&name) => {
            return Err(cursor.fault(Reason::UnexpectedText("a flag attribute")));
        }
        _ => Attribute::Unknown { name: name.parse()?, value: Some(Parse::parse(cursor)?) },
    })
}

/// Known attributes that take no value.
const FLAGS: [&str; 12] = [
    "bundle-only",
    "end-of-candidates",
    "extmap-allow-mixed",
    "ice-lite",
    "ice-mismatch",
    "inactive",
    "recvonly",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtcp-rsize",
    "sendonly",
    "sendrecv",
];

// RFC 8841 §5.1, §6.1: neither number may be written with leading zeros.
fn canonical(cursor: &mut Cursor<'_, '_>, what: &'static str) -> Result<u64, Fault> {
    let start = cursor.at();
    let leads_with_zero = cursor.peek() == Some(b'0');
    let value = cursor.u64(what)?;
    if leads_with_zero && cursor.at() > start + 1 {
        cursor.note(Reason::LeadingZeros(what));
    }
    Ok(value)
}

fn sctp_port(cursor: &mut Cursor<'_, '_>) -> Result<u16, Fault> {
    const WHAT: &str = "sctp-port";
    let start = cursor.at();
    let value = canonical(cursor, WHAT)?;
    let reason = Reason::OutOfRange { what: WHAT, min: 0, max: u16::MAX.into() };
    u16::try_from(value).map_err(|_| cursor.fault_at(start, reason))
}

impl Attribute {
    /// The attribute's name, as it stands after `a=`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::BundleOnly => "bundle-only",
            Self::Candidate(_) => "candidate",
            Self::Direction(direction) => direction.name(),
            Self::EndOfCandidates => "end-of-candidates",
            Self::Extmap(_) => "extmap",
            Self::ExtmapAllowMixed => "extmap-allow-mixed",
            Self::Fingerprint(_) => "fingerprint",
            Self::Fmtp(_) => "fmtp",
            Self::Group(_) => "group",
            Self::IceLite => "ice-lite",
            Self::IceMismatch => "ice-mismatch",
            Self::IceOptions(_) => "ice-options",
            Self::IcePacing(_) => "ice-pacing",
            Self::IcePwd(_) => "ice-pwd",
            Self::IceUfrag(_) => "ice-ufrag",
            Self::Identity(_) => "identity",
            Self::MaxMessageSize(_) => "max-message-size",
            Self::MaxPtime(_) => "maxptime",
            Self::Mid(_) => "mid",
            Self::Msid(_) => "msid",
            Self::MsidSemantic(_) => "msid-semantic",
            Self::Ptime(_) => "ptime",
            Self::RemoteCandidates(_) => "remote-candidates",
            Self::Rid(_) => "rid",
            Self::Rtcp(_) => "rtcp",
            Self::RtcpFeedback(_) => "rtcp-fb",
            Self::RtcpMux => "rtcp-mux",
            Self::RtcpMuxOnly => "rtcp-mux-only",
            Self::RtcpRsize => "rtcp-rsize",
            Self::Rtpmap(_) => "rtpmap",
            Self::SctpInit(_) => "sctp-init",
            Self::SctpPort(_) => "sctp-port",
            Self::Sctpmap(_) => "sctpmap",
            Self::Setup(_) => "setup",
            Self::Simulcast(_) => "simulcast",
            Self::Ssrc(_) => "ssrc",
            Self::SsrcGroup(_) => "ssrc-group",
            Self::TlsId(_) => "tls-id",
            Self::Unknown { name, .. } => name,
        }
    }

    /// For attributes with a value that may occur once in a section: name and a bit of its own.
    pub(super) fn once(&self) -> Option<(&'static str, u32)> {
        Some(match self {
            Self::IceOptions(_) => ("ice-options", 1),
            Self::IcePacing(_) => ("ice-pacing", 1 << 1),
            Self::IcePwd(_) => ("ice-pwd", 1 << 2),
            Self::IceUfrag(_) => ("ice-ufrag", 1 << 3),
            Self::MaxMessageSize(_) => ("max-message-size", 1 << 4),
            Self::MaxPtime(_) => ("maxptime", 1 << 5),
            Self::Mid(_) => ("mid", 1 << 6),
            Self::Ptime(_) => ("ptime", 1 << 7),
            Self::Rtcp(_) => ("rtcp", 1 << 8),
            Self::SctpInit(_) => ("sctp-init", 1 << 9),
            Self::SctpPort(_) => ("sctp-port", 1 << 10),
            Self::Setup(_) => ("setup", 1 << 11),
            Self::Simulcast(_) => ("simulcast", 1 << 12),
            Self::TlsId(_) => ("tls-id", 1 << 13),
            Self::Direction(_) => ("direction", 1 << 14),
            _ => return None,
        })
    }

    /// For flags, a bit of its own.
    pub(super) fn flag(&self) -> Option<u32> {
        Some(match self {
            Self::BundleOnly => 1,
            Self::EndOfCandidates => 1 << 1,
            Self::ExtmapAllowMixed => 1 << 2,
            Self::IceLite => 1 << 3,
            Self::IceMismatch => 1 << 4,
            Self::RtcpMux => 1 << 5,
            Self::RtcpMuxOnly => 1 << 6,
            Self::RtcpRsize => 1 << 7,
            _ => return None,
        })
    }
}

impl Parse for Candidate {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        let text = cursor.run(|_| true);
        let trimmed = text.trim_end_matches([' ', '\t']);
        if trimmed.len() < text.len() {
            cursor.note(Reason::WhiteSpace);
        }
        check_bytes(cursor, start, trimmed)?;
        let view = CandidateView::new(trimmed);
        // The view takes the prefix of scripts and line ends; in a description they are not part.
        if view.value() != trimmed {
            return Err(cursor.fault_at(start, Reason::Candidate(Field::Foundation)));
        }
        view.parse().map_err(|error| {
            let (CandidateError::Missing(field) | CandidateError::Invalid { field, .. }) = error;
            // Fields are in the order of the line; what follows the type shares a column.
            let spaces = trimmed.match_indices(' ').map(|(at, _)| at + 1);
            let at = std::iter::once(0).chain(spaces).nth((field as usize).min(8));
            cursor.fault_at(start + at.unwrap_or(trimmed.len()), Reason::Candidate(field))
        })
    }
}

impl Print for Attribute {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(self.name())?;
        if self.flag().is_some() {
            return Ok(());
        }
        match self {
            Self::Direction(_) | Self::Unknown { value: None, .. } => return Ok(()),
            _ => out.write_char(':')?,
        }
        match self {
            Self::Candidate(candidate) => candidate.write_value(out),
            Self::Identity(text)
            | Self::RemoteCandidates(text)
            | Self::Unknown { value: Some(text), .. } => text.print(out),
            Self::Extmap(value) => value.print(out),
            Self::Fingerprint(value) => value.print(out),
            Self::Fmtp(value) => value.print(out),
            Self::Group(value) => value.print(out),
            Self::IceOptions(value) => value.print(out),
            Self::IcePacing(value) => number(out, *value),
            Self::IcePwd(value) => value.print(out),
            Self::IceUfrag(value) => value.print(out),
            Self::MaxMessageSize(value) => number(out, *value),
            Self::MaxPtime(value) | Self::Ptime(value) => value.print(out),
            Self::Mid(value) => value.print(out),
            Self::Msid(value) => value.print(out),
            Self::MsidSemantic(value) => value.print(out),
            Self::Rid(value) => value.print(out),
            Self::Rtcp(value) => value.print(out),
            Self::RtcpFeedback(value) => value.print(out),
            Self::Rtpmap(value) => value.print(out),
            Self::SctpInit(value) => value.print(out),
            Self::SctpPort(value) => number(out, *value),
            Self::Sctpmap(value) => value.print(out),
            Self::Setup(value) => value.print(out),
            Self::Simulcast(value) => value.print(out),
            Self::Ssrc(value) => value.print(out),
            Self::SsrcGroup(value) => value.print(out),
            Self::TlsId(value) => value.print(out),
            Self::BundleOnly
            | Self::Direction(_)
            | Self::EndOfCandidates
            | Self::ExtmapAllowMixed
            | Self::IceLite
            | Self::IceMismatch
            | Self::RtcpMux
            | Self::RtcpMuxOnly
            | Self::RtcpRsize
            | Self::Unknown { value: None, .. } => Ok(()),
        }
    }
}

display!(Attribute, RtcpPort);
from_str!(Attribute, RtcpPort);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_attribute_round_trips() {
        for text in [
            "bundle-only",
            "candidate:1 1 udp 2114977791 203.0.113.10 32999 typ host",
            "end-of-candidates",
            "extmap-allow-mixed",
            "fmtp:97 apt=96",
            "group:LS 0 1",
            "ice-lite",
            "ice-mismatch",
            "ice-options:trickle ice2",
            "ice-pacing:50",
            "identity:ZXhhbXBsZQ== ext=1",
            "inactive",
            "max-message-size:18446744073709551615",
            "maxptime:60",
            "mid:{a}",
            "ptime:20",
            "remote-candidates:1 192.0.2.3 45664",
            "rid:hi send pt=97",
            "rtcp-mux",
            "rtcp-mux-only",
            "rtcp-rsize",
            "rtcp:9 IN IP4 0.0.0.0",
            "rtcp:53020",
            "sctp-init:AQAAFA==",
            "sctp-port:5000",
            "sctpmap:5000 webrtc-datachannel 256",
            "setup:actpass",
            "simulcast:send hi;lo",
            "tls-id:abc3de65cddef001be82",
            "x-anything:at: all",
            "x-flag",
        ] {
            let attribute: Attribute = text.parse().unwrap();
            assert_eq!(attribute.to_string(), text);
        }
    }

    #[test]
    fn flags_take_no_value_and_values_are_not_optional() {
        for name in FLAGS {
            assert!(format!("{name}:1").parse::<Attribute>().is_err(), "{name}");
            assert_eq!(name.parse::<Attribute>().unwrap().name(), name);
        }
        for name in VALUED {
            assert!(name.parse::<Attribute>().is_err(), "{name}");
        }
    }

    #[test]
    fn ports_and_sizes_never_wrap() {
        for bad in [
            "sctp-port:65536",
            "rtcp:65536",
            "max-message-size:18446744073709551616",
            "ice-pacing:4294967296",
            "sctp-port:-1",
        ] {
            assert!(bad.parse::<Attribute>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_broken_candidate_is_refused_at_the_broken_part() {
        for (text, column, field) in [
            ("candidate:1 1 udp 0 192.0.2.1 9 typ host", 19, Field::Priority),
            ("candidate:1 1 udp 1 192.0.2.1 65536 typ host", 31, Field::Port),
            ("candidate:1 1 udp", 18, Field::Priority),
            ("candidate:1 1 udp 1 192.0.2.1 9 typ host raddr", 42, Field::ExtensionValue),
        ] {
            let fault = text.parse::<Attribute>().unwrap_err();
            assert_eq!((fault.column, fault.reason), (column, Reason::Candidate(field)), "{text}");
        }
        assert!("candidate:1 1 udp 1 192.0.2.1 9 typ host ".parse::<Attribute>().is_ok());
    }

    // Found by the fuzz target sdp_parse: a carriage return at a candidate's end was cut off.
    #[test]
    fn a_candidate_in_a_description_has_neither_line_end_nor_a_second_prefix() {
        let text = "candidate:1 1 udp 1 192.0.2.1 9 typ host\r";
        let fault = text.parse::<Attribute>().unwrap_err();
        assert_eq!((fault.column, fault.reason), (41, Reason::ForbiddenByte(b'\r')));
        let text = "candidate:candidate:1 1 udp 1 192.0.2.1 9 typ host";
        let fault = text.parse::<Attribute>().unwrap_err();
        assert_eq!((fault.column, fault.reason), (11, Reason::Candidate(Field::Foundation)));
    }

    #[test]
    fn nul_in_a_value_is_refused_at_its_column() {
        let fault = "fmtp:96 a=\0b".parse::<Attribute>().unwrap_err();
        assert_eq!((fault.column, fault.reason), (11, Reason::ForbiddenByte(0)));
    }
}
