//! What the signalling said, as rules read it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_trace::{Party, Signal, SignalBody};
use rtcspec_wire::candidate::CandidateView;
use rtcspec_wire::sdp::{Section, View};

/// Most descriptions of one session that are kept.
const MOST_DESCRIPTIONS: usize = 64;
/// Most candidates of one session that are kept.
const MOST_CANDIDATES: usize = 512;

/// An offer or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// When it was sent.
    pub at: Duration,
    /// Who sent it.
    pub from: Party,
    /// Whether it is an offer; else an answer, provisional or not.
    pub offer: bool,
    /// Media sections.
    pub media: Vec<Media>,
    /// ICE options of any section.
    pub ice_options: Vec<String>,
    /// `a=ice-lite`.
    pub lite: bool,
    /// `a=ice-pacing`, milliseconds (RFC 8839 §5.5).
    pub pacing: Option<u64>,
    /// Identifications of the sections of each BUNDLE group.
    pub bundles: Vec<Vec<String>>,
}

/// A media section, with what it takes over from the session section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `application`.
    pub kind: String,
    /// Port zero, and not waiting for its bundle.
    pub rejected: bool,
    /// `a=mid`.
    pub mid: Option<String>,
    /// ufrag and password.
    pub credentials: Option<(String, String)>,
    /// `a=setup`.
    pub setup: Option<String>,
    /// Hash names in lower case, and the hashes.
    pub has_fingerprint: bool,
    /// Payload types of an RTP section.
    pub payload_types: Vec<u8>,
    /// `a=rtcp-mux` or `a=rtcp-mux-only`.
    pub mux: bool,
    /// `a=max-message-size`.
    pub max_message_size: Option<u64>,
    /// `a=sctp-init`: the association is set up by the signalling.
    pub snap: bool,
}

impl Media {
    /// Whether it is RTP.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        !self.payload_types.is_empty() && self.kind != "application"
    }

    fn is_in(&self, bundle: &[String]) -> bool {
        self.mid.as_ref().is_some_and(|mid| bundle.contains(mid))
    }
}

impl Description {
    fn read(at: Duration, from: Party, kind: &str, sdp: &str) -> Self {
        let view = View::parse(sdp.as_bytes());
        let mut sections = view.sections();
        let top = sections.next();
        let of_top = |name| top.as_ref().and_then(|top| value(top, name));
        let mut description = Self {
            at,
            from,
            offer: kind == "offer",
            media: Vec::new(),
            ice_options: words(of_top("ice-options")),
            lite: of_top("ice-lite").is_some(),
            pacing: of_top("ice-pacing").and_then(|text| text.trim().parse().ok()),
            bundles: top.as_ref().map(bundles).unwrap_or_default(),
        };
        for section in sections {
            description.ice_options.extend(words(value(&section, "ice-options")));
            description.media.push(media(&section, top.as_ref()));
        }
        description
    }

    /// ufrag and password of every section that is not rejected.
    pub fn credentials(&self) -> impl Iterator<Item = &(String, String)> {
        let live = self.media.iter().filter(|media| !media.rejected);
        live.filter_map(|media| media.credentials.as_ref())
    }

    /// The accepted sections of the transport whose checks name these ufrags; none if several
    /// transports share them.
    #[must_use]
    pub fn transport(&self, ufrags: &BTreeSet<String>) -> Vec<&Media> {
        let accepted = || self.media.iter().filter(|media| !media.rejected);
        let is_named = |media: &&Media| {
            media.credentials.as_ref().is_some_and(|(ufrag, _)| ufrags.contains(ufrag))
        };
        let named: Vec<&Media> = accepted().filter(is_named).collect();
        let bundle =
            self.bundles.iter().find(|bundle| named.iter().all(|media| media.is_in(bundle)));
        match (named.len(), bundle) {
            (0, _) => Vec::new(),
            (_, Some(bundle)) => accepted().filter(|media| media.is_in(bundle)).collect(),
            (1, None) => named,
            (_, None) => Vec::new(),
        }
    }

    /// Whether an ICE option is announced.
    #[must_use]
    pub fn has_option(&self, name: &str) -> bool {
        self.ice_options.iter().any(|option| option == name)
    }
}

fn value(section: &Section<'_, '_>, name: &str) -> Option<String> {
    section.attribute(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn words(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split_ascii_whitespace().take(16).map(str::to_owned).collect()
}

/// The identifications in each BUNDLE group.
fn bundles(top: &Section<'_, '_>) -> Vec<Vec<String>> {
    let groups = top.attributes("group").map(String::from_utf8_lossy);
    let mids = |group: Cow<'_, str>| {
        let mut words = group.split_ascii_whitespace().map(str::to_owned);
        let is_bundle = words.next().as_deref() == Some("BUNDLE");
        is_bundle.then(|| words.collect::<Vec<String>>())
    };
    groups.filter_map(mids).collect()
}

fn media(section: &Section<'_, '_>, top: Option<&Section<'_, '_>>) -> Media {
    // RFC 8839 §5.4, RFC 8122 §5, RFC 4145 §4: the session section speaks for those that do not.
    let of = |name| value(section, name).or_else(|| top.and_then(|top| value(top, name)));
    let line = section.lines.first().and_then(rtcspec_wire::sdp::Line::value).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut parts = line.split(' ');
    let kind = parts.next().unwrap_or_default().to_owned();
    let port = parts.next().unwrap_or_default();
    let rtp = parts.next().is_some_and(|protocol| protocol.contains("RTP"));
    let formats = parts.filter_map(|format| format.parse::<u8>().ok());
    Media {
        kind,
        rejected: port == "0" && section.attribute("bundle-only").is_none(),
        mid: value(section, "mid"),
        credentials: of("ice-ufrag").zip(of("ice-pwd")),
        setup: of("setup"),
        has_fingerprint: of("fingerprint").is_some(),
        payload_types: if rtp { formats.collect() } else { Vec::new() },
        mux: of("rtcp-mux").is_some() || of("rtcp-mux-only").is_some(),
        max_message_size: of("max-message-size").and_then(|text| text.trim().parse().ok()),
        snap: of("sctp-init").is_some(),
    }
}

/// A signalled candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Whose it is.
    pub party: Party,
    /// `host`, `srflx`, `prflx`, `relay`.
    pub kind: String,
    /// Where it is, unless a name hides it.
    pub address: Option<SocketAddr>,
    /// Its priority.
    pub priority: u32,
    /// Its component.
    pub component: u16,
    /// Whether it is TCP.
    pub tcp: bool,
}

impl Candidate {
    fn read(party: Party, line: &str) -> Option<Self> {
        let view = CandidateView::new(line);
        let ip = view.address().and_then(|text| text.parse::<IpAddr>().ok());
        let port = view.port().and_then(|text| text.parse::<u16>().ok());
        Some(Self {
            party,
            kind: view.kind()?.to_owned(),
            address: ip.zip(port).map(|(ip, port)| SocketAddr::new(ip, port)),
            priority: view.priority()?.parse().ok()?,
            component: view.component().and_then(|text| text.parse().ok()).unwrap_or(1),
            tcp: view.transport().is_some_and(|text| text.eq_ignore_ascii_case("tcp")),
        })
    }
}

/// What was signalled for one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Offers and answers, in order.
    pub descriptions: Vec<Description>,
    /// Candidates, in order.
    pub candidates: Vec<Candidate>,
    /// How many descriptions there were in all.
    pub(crate) total: usize,
}

impl Book {
    /// Writes a signal down; gives its sender if it was a description.
    pub(crate) fn add(&mut self, signal: &Signal) -> Option<Party> {
        match &signal.body {
            SignalBody::Description { kind, sdp } if kind != "rollback" => {
                for line in sdp.lines().filter(|line| line.starts_with("a=candidate:")) {
                    self.candidate(signal.from, line);
                }
                if self.descriptions.len() >= MOST_DESCRIPTIONS {
                    self.descriptions.remove(0);
                }
                let read = Description::read(signal.sent, signal.from, kind, sdp);
                self.descriptions.push(read);
                self.total += 1;
                Some(signal.from)
            }
            SignalBody::Description { .. } => None,
            SignalBody::Candidate { candidate, .. } => {
                self.candidate(signal.from, candidate);
                None
            }
        }
    }

    fn candidate(&mut self, party: Party, line: &str) {
        if self.candidates.len() < MOST_CANDIDATES {
            self.candidates.extend(Candidate::read(party, line));
        }
    }

    /// Whether anything was signalled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.descriptions.is_empty()
    }

    /// The descriptions of one side, the latest first.
    pub fn of(&self, party: Party) -> impl Iterator<Item = &Description> {
        self.descriptions.iter().rev().filter(move |description| description.from == party)
    }

    /// Whether a side signalled a ufrag; `None` if it signalled none at all.
    #[must_use]
    pub fn has_ufrag(&self, party: Party, ufrag: &str) -> Option<bool> {
        let mut any = None;
        for (known, _) in self.of(party).flat_map(Description::credentials) {
            if known == ufrag {
                return Some(true);
            }
            any = Some(false);
        }
        any
    }

    /// Whether an address is a host candidate of a side.
    #[must_use]
    pub fn is_host(&self, party: Party, address: SocketAddr) -> bool {
        self.candidates.iter().any(|candidate| {
            candidate.party == party
                && candidate.kind == "host"
                && candidate.address == Some(address)
        })
    }

    /// How long a message a side takes; `None` if any length (RFC 8841 §6).
    #[must_use]
    pub fn max_message_size(&self, party: Party) -> Option<Option<u64>> {
        let sections = self.of(party).flat_map(|description| &description.media);
        let section = sections.into_iter().find(|media| media.kind == "application")?;
        // RFC 8841 §6.1: absent is 64K, zero is no limit.
        let size = section.max_message_size.unwrap_or(65_536);
        Some((size > 0).then_some(size))
    }

    /// Who must be the DTLS client, by the newest answer and the offer before it (RFC 8842 §5.3).
    #[must_use]
    pub fn dtls_client(&self) -> Option<Party> {
        let setup = |description: &Description| {
            let mut live = description.media.iter().filter(|media| !media.rejected);
            live.find_map(|media| media.setup.clone())
        };
        let answer = self.descriptions.iter().rev().find(|description| !description.offer)?;
        match setup(answer)?.as_str() {
            "active" => Some(answer.from),
            "passive" => Some(answer.from.other()),
            _ => None,
        }
    }
}

/// All sessions that were signalled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    sessions: BTreeMap<u32, Book>,
    by_ufrag: BTreeMap<String, u32>,
    none: Book,
}

impl Books {
    /// Notes whose session it is that will be signalled; what is signalled comes with `add`. Gives
    /// the ufrags of a description.
    pub(crate) fn announce(&mut self, session: u32, signal: &Signal) -> Vec<String> {
        self.sessions.entry(session).or_default();
        let SignalBody::Description { kind, sdp } = &signal.body else { return Vec::new() };
        let description = Description::read(signal.sent, signal.from, kind, sdp);
        let ufrags = description.credentials().map(|(ufrag, _)| ufrag.clone());
        let ufrags: Vec<String> = ufrags.collect();
        for ufrag in &ufrags {
            self.by_ufrag.insert(ufrag.clone(), session);
        }
        ufrags
    }

    /// Writes a signal down; gives its sender if it was a description.
    pub(crate) fn add(&mut self, session: u32, signal: &Signal) -> Option<Party> {
        let book = self.sessions.entry(session).or_default();
        let from = book.add(signal);
        if from.is_some()
            && let Some(description) = book.descriptions.last()
        {
            for (ufrag, _) in description.credentials() {
                self.by_ufrag.insert(ufrag.clone(), session);
            }
        }
        from
    }

    /// The session of a ufrag.
    pub(crate) fn session_of(&self, ufrag: &str) -> Option<u32> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The book of a session; an empty one of none.
    pub(crate) fn book(&self, session: Option<u32>) -> &Book {
        session.and_then(|session| self.sessions.get(&session)).unwrap_or(&self.none)
    }

    /// The only session, if there is only one.
    pub(crate) fn only(&self) -> Option<u32> {
        let mut sessions = self.sessions.keys();
        sessions.next().copied().filter(|_| sessions.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(groups: &str, ufrags: &[&str]) -> Vec<String> {
        let section = |mid: &str, kind: &str, more: &str| {
            let tail = if kind == "application" { "DTLS/SCTP x" } else { "RTP/SAVPF 96" };
            format!("m={kind} 9 UDP/{tail}\r\na=mid:{mid}\r\na=ice-pwd:p\r\n{more}")
        };
        let sdp = [
            format!("v=0\r\n{groups}"),
            section("0", "application", "a=ice-ufrag:data\r\n"),
            section("1", "audio", "a=ice-ufrag:talk\r\n"),
            section("2", "video", ""),
            section("3", "video", "a=ice-ufrag:talk\r\n"),
        ];
        let read = Description::read(Duration::ZERO, Party::B, "answer", &sdp.concat());
        let ufrags = ufrags.iter().map(|ufrag| (*ufrag).to_owned()).collect();
        let found = read.transport(&ufrags).into_iter().filter_map(|media| media.mid.clone());
        found.collect()
    }

    #[test]
    fn sections_of_a_transport_are_those_with_its_ufrag_and_those_bundled_with_them() {
        assert_eq!(transport("", &["data", "else"]), ["0"]);
        assert_eq!(transport("a=group:LS 0 1\r\n", &["data"]), ["0"]);
        let bundle = "a=group:BUNDLE 1 2 3\r\n";
        assert_eq!(transport(bundle, &["talk"]), ["1", "2", "3"]);
        assert_eq!(transport(bundle, &["data"]), ["0"]);
        assert_eq!(transport("a=group:BUNDLE 0 2\r\n", &["data"]), ["0", "2"]);
        // Two transports have this one.
        assert_eq!(transport("a=group:BUNDLE 0 2\r\n", &["talk"]), [""; 0]);
        assert_eq!(transport(bundle, &["else"]), [""; 0]);
    }
}
