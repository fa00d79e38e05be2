//! What the signalling of a session says about its ends.

use std::collections::BTreeSet;

use rtcspec_trace::{Party, Session, SignalBody};
use rtcspec_wire::candidate::CandidateView;
use rtcspec_wire::sdp::{Line, Section, View};

/// What one end's first description says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    /// Media of its m-lines, in order: `application`, `audio`.
    pub(super) media: Vec<String>,
    /// `a=setup`.
    pub(super) setup: Option<String>,
    /// `a=max-message-size`.
    pub(super) max_message_size: Option<u64>,
    /// `a=sctp-port`.
    pub(super) sctp_port: Option<u16>,
    /// `a=ice-lite`.
    pub(super) lite: bool,
    /// Whether it holds candidates.
    pub(super) complete: bool,
    /// Types of its candidates, in descriptions and on their own.
    pub(super) candidates: BTreeSet<String>,
}

/// What A's and B's first descriptions say; nothing of an end that is not known to have described.
pub(super) fn described(session: &Session) -> [Option<Described>; 2] {
    [Party::A, Party::B].map(|party| one(session, party))
}

fn one(session: &Session, party: Party) -> Option<Described> {
    let mut found: Option<Described> = None;
    let mut trickled = BTreeSet::new();
    for signal in session.signals.iter().filter(|signal| signal.from == party) {
        match &signal.body {
            SignalBody::Description { kind, sdp } if kind == "offer" || kind == "answer" => {
                found.get_or_insert_with(|| read(sdp));
            }
            SignalBody::Description { .. } => {}
            SignalBody::Candidate { candidate, .. } => trickled.extend(kind_of(candidate)),
        }
    }
    let mut found = found?;
    found.candidates.extend(trickled);
    Some(found)
}

fn read(sdp: &str) -> Described {
    let view = View::parse(sdp.as_bytes());
    let mut sections = view.sections();
    let top = sections.next();
    let mut found = Described {
        lite: top.as_ref().is_some_and(|top| has(top, "ice-lite")),
        ..Described::default()
    };
    for section in sections {
        let line = section.lines.first().and_then(Line::value).map(text).unwrap_or_default();
        let media = line.split(' ').next().unwrap_or_default().to_owned();
        let of = |name| {
            let above = top.as_ref().and_then(|top| top.attribute(name));
            section.attribute(name).or(above).map(text)
        };
        found.setup = found.setup.or_else(|| of("setup"));
        if media == "application" {
            found.max_message_size = of("max-message-size").and_then(|size| size.parse().ok());
            found.sctp_port = of("sctp-port").and_then(|port| port.parse().ok());
        }
        let candidates = section.attributes("candidate").map(text);
        found.candidates.extend(candidates.filter_map(|line| kind_of(&line)));
        found.media.push(media);
    }
    found.complete = !found.candidates.is_empty();
    found
}

fn has(section: &Section<'_, '_>, attribute: &str) -> bool {
    section.lines.iter().any(|line| line.value() == Some(attribute.as_bytes()))
}

fn kind_of(candidate: &str) -> Option<String> {
    CandidateView::new(candidate).kind().map(str::to_owned)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtcspec_trace::Signal;

    use super::*;

    fn signal(from: Party, body: SignalBody) -> Signal {
        Signal { sent: Duration::ZERO, arrived: None, from, body, refused: None }
    }

    #[test]
    fn an_end_is_what_its_first_description_and_its_candidates_say() {
        let sdp = "v=0\r\na=ice-lite\r\na=setup:actpass\r\nm=audio 9 x 0\r\n\
            m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n\
            a=max-message-size:1000\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        let body = |kind: &str, sdp: &str| SignalBody::Description {
            kind: kind.to_owned(),
            sdp: sdp.to_owned(),
        };
        let candidate = SignalBody::Candidate {
            candidate: "candidate:2 1 udp 1 192.0.2.9 9 typ relay raddr 0.0.0.0 rport 9".to_owned(),
            mid: None,
            ufrag: None,
        };
        let session = Session {
            signals: vec![
                signal(Party::A, body("offer", sdp)),
                signal(Party::A, candidate),
                signal(Party::A, body("offer", "v=0\r\n")),
            ],
            ..Session::default()
        };
        let [Some(a), None] = described(&session) else { panic!("only A described") };
        assert_eq!(a.media, ["audio", "application"]);
        assert_eq!(a.setup.as_deref(), Some("actpass"));
        assert_eq!((a.max_message_size, a.sctp_port), (Some(1000), Some(5000)));
        assert!(a.lite && a.complete);
        assert_eq!(a.candidates.into_iter().collect::<Vec<_>>(), ["host", "relay"]);
    }
}
