//! A valid candidate.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use smol_str::SmolStr;

use super::error::{CandidateError, Field};
use super::foundation::Foundation;
use super::priority::Priority;
use super::view::{CandidateView, Extensions};
use crate::decimal::number as number_out;
use crate::sdp::Token;

/// A candidate as RFC 8839 §5.1 allows it. [`Display`](fmt::Display) writes it with the prefix
/// `candidate:`, as `RTCIceCandidate.candidate` has it; [`FromStr`] reads that, an SDP line or the
/// attribute's value.
///
/// None of its parts can end the line. Of [names](ConnectionAddress::Name) and of an [`Extension`]
/// that was read, less than the grammar is promised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Groups like candidates.
    pub foundation: Foundation,
    /// 1 for RTP or data, 2 for RTCP.
    pub component: ComponentId,
    /// UDP or TCP; written in lower case.
    pub transport: Transport,
    /// Order among candidates.
    pub priority: Priority,
    /// Where it can be reached.
    pub address: ConnectionAddress,
    /// The port; 9 for active TCP candidates (RFC 6544 §4.5).
    pub port: u16,
    /// How it was found.
    pub kind: CandidateKind,
    /// `raddr`: the base or mapped address.
    pub related_address: Option<ConnectionAddress>,
    /// `rport`.
    pub related_port: Option<u16>,
    /// What follows, in order: `tcptype`, `generation`, `ufrag`, ...
    pub extensions: Vec<Extension>,
}

impl Candidate {
    pub(super) fn from_view(view: &CandidateView<'_>) -> Result<Self, CandidateError> {
        let mut parts = view.parts();
        let mut need = |field| parts.next().ok_or(CandidateError::Missing(field));
        let foundation = need(Field::Foundation)?;
        let component = need(Field::Component)?;
        let transport = need(Field::Transport)?;
        let priority = need(Field::Priority)?;
        let address = need(Field::Address)?;
        let port = need(Field::Port)?;
        let typ = need(Field::Typ)?;
        let kind = need(Field::Kind)?;

        let mut candidate = Self {
            foundation: checked(Field::Foundation, foundation, Foundation::new)?,
            component: checked(Field::Component, component, ComponentId::from_text)?,
            transport: checked(Field::Transport, transport, Transport::from_text)?,
            priority: checked(Field::Priority, priority, |text| {
                number(text, 10).and_then(Priority::new)
            })?,
            address: checked(Field::Address, address, ConnectionAddress::new)?,
            port: checked(Field::Port, port, port_number)?,
            kind: checked(Field::Typ, typ, |text| (text == "typ").then_some(kind))
                .and_then(|kind| checked(Field::Kind, kind, CandidateKind::from_text))?,
            related_address: None,
            related_port: None,
            extensions: Vec::new(),
        };
        candidate.read_extensions(parts.extensions())?;
        Ok(candidate)
    }

    /// The value of the first extension of that name.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|found| found.name == name).map(|found| &*found.value)
    }

    /// The direction of a TCP candidate, if it has a known one (RFC 6544 §4.5).
    #[must_use]
    pub fn tcp_type(&self) -> Option<TcpType> {
        TcpType::from_text(self.extension("tcptype")?)
    }

    /// Adds an extension at the end; `None` if it is none ([`Extension::new`]).
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: &str) -> Option<Self> {
        self.extensions.push(Extension::new(name, value)?);
        Some(self)
    }

    /// Writes the attribute's value: the line without `candidate:`.
    pub(crate) fn write_value<W: fmt::Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(self.foundation.as_str())?;
        out.write_char(' ')?;
        number_out(out, self.component.0)?;
        out.write_char(' ')?;
        out.write_str(self.transport.name())?;
        out.write_char(' ')?;
        number_out(out, self.priority.number())?;
        out.write_char(' ')?;
        self.address.write(out)?;
        out.write_char(' ')?;
        number_out(out, self.port)?;
        out.write_str(" typ ")?;
        out.write_str(self.kind.name())?;
        if let Some(address) = &self.related_address {
            out.write_str(" raddr ")?;
            address.write(out)?;
        }
        if let Some(port) = self.related_port {
            out.write_str(" rport ")?;
            number_out(out, port)?;
        }
        self.extensions.iter().try_for_each(|Extension { name, value }| {
            out.write_char(' ')?;
            out.write_str(name)?;
            out.write_char(' ')?;
            out.write_str(value)
        })
    }

    /// RFC 8839 §5.1: `raddr` and `rport` come first if at all; all else is an extension.
    fn read_extensions(&mut self, extensions: Extensions<'_>) -> Result<(), CandidateError> {
        for (name, value) in extensions {
            let value = value.ok_or(CandidateError::Missing(Field::ExtensionValue));
            let first = self.extensions.is_empty() && self.related_port.is_none();
            match name {
                "raddr" if first && self.related_address.is_none() => {
                    let address = checked(Field::RelatedAddress, value?, ConnectionAddress::new)?;
                    self.related_address = Some(address);
                }
                "rport" if first => {
                    self.related_port = Some(checked(Field::RelatedPort, value?, port_number)?);
                }
                _ => {
                    checked(Field::ExtensionName, name, |text| is_word(text).then_some(()))?;
                    let extension = |text: &str| Extension::read(name, text);
                    self.extensions.push(checked(Field::ExtensionValue, value?, extension)?);
                }
            }
        }
        Ok(())
    }
}

impl FromStr for Candidate {
    type Err = CandidateError;

    fn from_str(text: &str) -> Result<Self, CandidateError> {
        CandidateView::new(text).parse()
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("candidate:")?;
        self.write_value(f)
    }
}

/// Which part of a media stream: 1 to 256 (RFC 8839 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(u16);

impl ComponentId {
    /// RTP, or everything when bundled or data.
    pub const RTP: Self = Self(1);
    /// RTCP.
    pub const RTCP: Self = Self(2);

    /// `None` outside 1..=256.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 1 && number <= 256 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::new(u16::try_from(number(text, 3)?).ok()?)
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A candidate's transport protocol; case does not matter when read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 8445.
    Udp,
    /// RFC 6544.
    Tcp,
    /// Any other word, for instance `ssltcp`.
    Other(Token),
}

impl Transport {
    fn name(&self) -> &str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Other(name) => name,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("udp") => Some(Self::Udp),
            _ if text.eq_ignore_ascii_case("tcp") => Some(Self::Tcp),
            _ => token(text).map(Self::Other),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An IP address or a name, in WebRTC a multicast DNS one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionAddress {
    /// An address.
    Ip(IpAddr),
    /// A domain name, as [`Self::new`] takes it. In another text, what cannot stand in a name is
    /// left out when it is written.
    Name(String),
}

impl ConnectionAddress {
    /// Reads an address or a name; `None` for what is neither.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self::Ip(ip));
        }
        let is_name = !text.is_empty()
            && text.len() <= 255
            && text.bytes().all(is_name_byte)
            && !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_name.then(|| Self::Name(text.to_owned()))
    }

    fn write<W: fmt::Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                let [a, b, c, d] = ip.octets();
                number_out(out, a)?;
                [b, c, d].into_iter().try_for_each(|byte| {
                    out.write_char('.')?;
                    number_out(out, byte)
                })
            }
            Self::Ip(IpAddr::V6(ip)) => write!(out, "{ip}"),
            Self::Name(name) => {
                let foreign = |char: char| !u8::try_from(char).is_ok_and(is_name_byte);
                name.split(foreign).try_for_each(|part| out.write_str(part))
            }
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }

    /// True for a name below `.local` (RFC 6762), behind which browsers hide host addresses.
    #[must_use]
    pub fn is_mdns(&self) -> bool {
        match self {
            Self::Ip(_) => false,
            Self::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name.rsplit_once('.').is_some_and(|(_, top)| top.eq_ignore_ascii_case("local"))
            }
        }
    }
}

impl fmt::Display for ConnectionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl From<IpAddr> for ConnectionAddress {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

/// How a candidate was found (RFC 8445 §5.1.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateKind {
    /// `host`.
    Host,
    /// `srflx`.
    ServerReflexive,
    /// `prflx`.
    PeerReflexive,
    /// `relay`.
    Relayed,
    /// Any other word.
    Other(Token),
}

impl CandidateKind {
    /// The type preference RFC 8445 §5.1.2.2 recommends, 0 for other kinds.
    #[must_use]
    pub const fn type_preference(&self) -> u8 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed | Self::Other(_) => 0,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
            Self::Other(name) => name,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "host" => Self::Host,
            "srflx" => Self::ServerReflexive,
            "prflx" => Self::PeerReflexive,
            "relay" => Self::Relayed,
            _ => return token(text).map(Self::Other),
        })
    }
}

impl fmt::Display for CandidateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpType {
    /// `active`: opens.
    Active,
    /// `passive`: accepts.
    Passive,
    /// `so`: both open at once.
    SimultaneousOpen,
}

impl TcpType {
    /// `None` for a word RFC 6544 does not define.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "so" => Some(Self::SimultaneousOpen),
            _ => None,
        }
    }

    /// The word for the `tcptype` extension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }
}

/// `cand-extension`: a name and a value, each one word.
///
/// One that was read may have any words: those of RFC 5245 §15.1 are byte-strings, and receivers
/// ignore what they do not understand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    name: SmolStr,
    value: SmolStr,
}

impl Extension {
    /// `None` unless the name is a token and the value visible ASCII (RFC 8839 §5.1), or if the
    /// name is `raddr` or `rport`: those are parts of their own.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Option<Self> {
        let is_free = token(name).is_some() && !matches!(name, "raddr" | "rport");
        let is_visible = value.bytes().all(|byte| byte.is_ascii_graphic());
        if is_free && is_visible { Self::read(name, value) } else { None }
    }

    fn read(name: &str, value: &str) -> Option<Self> {
        let valid = is_word(name) && is_word(value);
        valid.then(|| Self { name: name.into(), value: value.into() })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn checked<T>(
    field: Field,
    text: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, CandidateError> {
    read(text).ok_or_else(|| CandidateError::Invalid { field, found: text.to_owned() })
}

/// A decimal number of up to `digits` digits and nothing else.
fn number(text: &str, digits: usize) -> Option<u32> {
    let valid = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

fn port_number(text: &str) -> Option<u16> {
    u16::try_from(number(text, 5)?).ok()
}

/// A byte-string without space. RFC 8839 §5.1 lets an extension's value be empty; that cannot be
/// told from a stray space and is none here.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| matches!(byte, 0 | b' ' | b'\r' | b'\n'))
}

/// All of a text as a token: white space behind one, which descriptions may have, is refused.
fn token(text: &str) -> Option<Token> {
    Token::new(text).ok().filter(|token| *token == text)
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn related_address_port_and_extensions_are_read_in_order() {
        let line = "candidate:842163049 1 tcp 1518280447 2001:db8::1 9 typ srflx raddr 10.0.0.1 \
                    rport 7 tcptype active generation 0 ufrag a+/b";
        let candidate: Candidate = line.parse().expect("valid");
        assert_eq!(candidate.related_port, Some(7));
        assert_eq!(candidate.tcp_type(), Some(TcpType::Active));
        assert_eq!(candidate.extension("ufrag"), Some("a+/b"));
        assert_eq!(candidate.to_string(), line);
    }

    #[test]
    fn mdns_names_are_kept_and_known() {
        let line =
            "candidate:1 1 UDP 2122252543 3f3ef1c1-7de2-4a43-8a0a-6ff0ff9e9f1e.local 5 typ host";
        let candidate: Candidate = line.parse().expect("valid");
        assert!(candidate.address.is_mdns());
        assert_eq!(candidate.to_string(), line.replace("UDP", "udp"));
        assert!(!ConnectionAddress::new("local").expect("a name").is_mdns());
    }

    #[test]
    fn nothing_that_is_put_into_a_candidate_ends_its_line() {
        let line = "candidate:1 1 udp 1 a.local 9 typ host";
        let mut candidate: Candidate = line.parse().expect("valid");
        candidate.address = ConnectionAddress::Name("a.lo\r\na=x cal\u{f6}".to_owned());
        assert_eq!(candidate.to_string(), "candidate:1 1 udp 1 a.loaxcal 9 typ host");
        for word in ["x\r\na=x", "a b", "x\t", "", "\u{e4}"] {
            assert_eq!(Transport::from_text(word), None);
            assert_eq!(CandidateKind::from_text(word), None);
            assert_eq!(Extension::new(word, "0"), None);
            assert_eq!(Extension::new("generation", word), None);
        }
    }

    #[test]
    fn a_related_address_is_no_extension_but_one_that_came_too_late_is_kept() {
        let line = "candidate:1 1 udp 1 192.0.2.1 9 typ host generation 0 raddr \u{e4}";
        let candidate: Candidate = line.parse().expect("valid");
        assert_eq!(candidate.to_string(), line);
        for name in ["raddr", "rport"] {
            assert_eq!(candidate.clone().with_extension(name, "x"), None);
        }
    }

    #[test]
    fn a_line_outside_the_grammar_names_the_part() {
        let invalid = |field, found: &str| CandidateError::Invalid { field, found: found.into() };
        for (line, expected) in [
            ("", CandidateError::Missing(Field::Component)),
            ("candidate:1 1 udp", CandidateError::Missing(Field::Priority)),
            ("candidate:1 0 udp 1 1.1.1.1 1 typ host", invalid(Field::Component, "0")),
            ("candidate:1 257 udp 1 1.1.1.1 1 typ host", invalid(Field::Component, "257")),
            ("candidate:1 1 udp 0 1.1.1.1 1 typ host", invalid(Field::Priority, "0")),
            (
                "candidate:1 1 udp 2147483648 1.1.1.1 1 typ host",
                invalid(Field::Priority, "2147483648"),
            ),
            ("candidate:1 1 udp 1 1.1.1 1 typ host", invalid(Field::Address, "1.1.1")),
            ("candidate:1 1 udp 1 1.1.1.1 65536 typ host", invalid(Field::Port, "65536")),
            ("candidate:1 1 udp 1 1.1.1.1 +1 typ host", invalid(Field::Port, "+1")),
            ("candidate:1 1 udp 1 1.1.1.1 1 type host", invalid(Field::Typ, "type")),
            ("candidate:1 1 udp 1 1.1.1.1 1 typ", CandidateError::Missing(Field::Kind)),
            (
                "candidate:1 1 udp 1 1.1.1.1 1 typ host generation",
                CandidateError::Missing(Field::ExtensionValue),
            ),
            ("candidate:1  1 udp 1 1.1.1.1 1 typ host", invalid(Field::Component, "")),
            (
                "candidate:1 1 udp 1 1.1.1.1 1 typ host raddr x! rport 1",
                invalid(Field::RelatedAddress, "x!"),
            ),
        ] {
            assert_eq!(line.parse::<Candidate>(), Err(expected), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_viewed_without_panic_and_valid_text_survives_printing(text in ".{0,120}") {
            let view = CandidateView::new(&text);
            let _ = (view.kind(), view.related_address(), view.extensions().count());
            if let Ok(candidate) = view.parse() {
                prop_assert_eq!(candidate.to_string().parse(), Ok(candidate));
            }
        }

        #[test]
        fn valid_candidates_survive_printing(
            foundation in "[A-Za-z0-9+/]{1,32}",
            component in 1..=256u16,
            transport in prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)],
            priority in 1..=Priority::MAX.number(),
            address in any::<IpAddr>(),
            port in any::<u16>(),
            kind in prop_oneof![Just(CandidateKind::Host), Just(CandidateKind::Relayed)],
            related in proptest::option::of((any::<IpAddr>(), any::<u16>())),
            extensions in proptest::collection::vec(("[!#-'*+.0-9A-Z^-z]{1,9}", "[!-~]{1,9}"), 0..4),
        ) {
            let candidate = Candidate {
                foundation: Foundation::new(&foundation).expect("in the grammar"),
                component: ComponentId::new(component).expect("in range"),
                transport,
                priority: Priority::new(priority).expect("in range"),
                address: address.into(),
                port,
                kind,
                related_address: related.map(|(ip, _)| ip.into()),
                related_port: related.map(|(_, port)| port),
                extensions: extensions
                    .iter()
                    .filter(|(name, _)| !matches!(name.as_str(), "raddr" | "rport"))
                    .map(|(name, value)| Extension::new(name, value).expect("in the grammar"))
                    .collect(),
            };
            prop_assert_eq!(candidate.to_string().parse(), Ok(candidate));
        }
    }
}
