//! From a scene and its tampers to a capture with keys and SDP beside it.

use std::time::Duration;

use rtcspec_adapter_reference::{Reference, ReferenceEndpoint};
use rtcspec_capture::pcapng::{Crossing, EPOCH, Packet, Writer};
use rtcspec_control::{Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint};
use rtcspec_suite::run::{Cast, play};
use rtcspec_suite::scenario::read;
use rtcspec_trace::watch::vantage;
use rtcspec_trace::{Party, Session, SignalBody};

use crate::edit::Edit;

/// One capture to be.
pub(crate) struct Fixture {
    /// `stun.header.breaks`
    pub(crate) name: &'static str,
    /// Steps, servers and NATs of the scenario; the peers are `a` and `b`.
    pub(crate) scene: &'static str,
    /// What the offerer does wrong.
    pub(crate) a: fn() -> Edit,
    /// What the answerer does wrong.
    pub(crate) b: fn() -> Edit,
    /// At whose interface it is captured.
    pub(crate) at: Party,
    /// What is done to the recording: what no tamper can reach.
    pub(crate) edit: fn(&mut Session),
    /// Whether the descriptions lie beside it.
    pub(crate) sdp: bool,
}

impl Fixture {
    /// What most have in common.
    pub(crate) const USUAL: Self = Self {
        name: "",
        scene: PLAIN,
        a: Edit::default,
        b: Edit::default,
        at: Party::A,
        edit: |_| {},
        sdp: true,
    };
}

/// A direct connection, one message, six seconds.
pub(crate) const PLAIN: &str = r#"
limit = "7s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 20 }
[[expect]]
path = "none"
"#;

/// The files of a fixture: name and content.
pub(crate) fn files(fixture: &Fixture) -> Vec<(String, Vec<u8>)> {
    let mut session = run(fixture);
    (fixture.edit)(&mut session);
    let mut files = vec![(format!("{}.pcapng", fixture.name), pcapng(&session, fixture.at))];
    if fixture.sdp {
        for (party, kind) in [(Party::A, "offer"), (Party::B, "answer")] {
            let text = description(&session, party, kind);
            files.push((format!("sdp/{}.{kind}.sdp", fixture.name), text.into_bytes()));
        }
    }
    files
}

/// An implementation whose peers are tampered with.
#[derive(Debug)]
struct Tampered(fn() -> Edit);

impl Implementation for Tampered {
    fn hello(&self) -> Hello {
        Reference.hello()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        Ok(Box::new(ReferenceEndpoint::new(context).with_tamper((self.0)())))
    }
}

fn run(fixture: &Fixture) -> Session {
    let text = format!(
        "schema = 1\nname = \"fixture\"\ntests = [\"RFC 8445 §7\"]\n{}",
        fixture.scene.trim_start()
    );
    let scenario = read("audit/fixture", &text)
        .unwrap_or_else(|error| panic!("{}: {:?}", fixture.name, miette::Report::new(error)));
    let (a, b) = (Tampered(fixture.a), Tampered(fixture.b));
    let cast = Cast { offerer: &a, answerer: &b, under_test: Party::B };
    play(fixture.name, &scenario.variants[0], &cast, 7, false).session
}

fn pcapng(session: &Session, at: Party) -> Vec<u8> {
    let mut file = Writer::new("rtcspec audit fixtures", EPOCH);
    let interface = file.interface(if at == Party::A { "a" } else { "b" });
    file.secrets(&(session.secrets.join("\n") + "\n"));
    let addresses: Vec<_> = session
        .peers
        .iter()
        .filter(|peer| peer.party == at)
        .flat_map(|peer| peer.addresses.clone())
        .collect();
    let mut packet = Vec::new();
    for seen in vantage(session, at) {
        rtcspec_net::packet::udp(&mut packet, seen.source, seen.destination, seen.payload).unwrap();
        let outbound = addresses.contains(&seen.source.ip());
        file.packet(&Packet {
            interface,
            at: seen.at,
            crossing: Some(if outbound { Crossing::Outbound } else { Crossing::Inbound }),
            bytes: &packet,
            missing: 0,
            comment: None,
            id: None,
        });
    }
    file.finish()
}

/// A side's first description with all candidates it trickled.
fn description(session: &Session, party: Party, wanted: &str) -> String {
    let own = session.signals.iter().filter(|signal| signal.from == party);
    let mut text = String::new();
    let mut candidates = Vec::new();
    for signal in own {
        match &signal.body {
            SignalBody::Description { kind, sdp } if kind == wanted && text.is_empty() => {
                text.clone_from(sdp);
            }
            SignalBody::Candidate { candidate, .. } if !candidate.is_empty() => {
                candidates.push(format!("a={candidate}\r\n"));
            }
            _ => {}
        }
    }
    candidates.retain(|line| !text.contains(line.trim_end()));
    text + &candidates.concat()
}

/// When a session was last heard of.
pub(crate) fn end(session: &Session) -> Duration {
    session.datagrams.last().map_or(Duration::ZERO, |datagram| datagram.sent)
}
