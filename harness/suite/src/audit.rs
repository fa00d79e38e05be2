//! The audit rules over a capture file, and over what one peer saw of a run.

use std::collections::BTreeSet;

use rtcspec_audit::report::{ConnectionReport, FileReport, Further, Reported};
use rtcspec_audit::{Auditor, Level, registry};
use rtcspec_capture::Capture;
use rtcspec_capture::conversations::{Conversations, conversations};
use rtcspec_trace::watch::{Observer, Unopeneds, unopened, vantage};
use rtcspec_trace::{Party, Session};
use schemars::JsonSchema;
use serde::Serialize;

/// What the audit rules say of the side under test in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Audited {
    /// How many rules were held.
    pub held: usize,
    /// How many had no opportunity.
    pub silent: usize,
    /// What was broken, gravest first.
    pub findings: Vec<Broken>,
}

/// A rule that the side under test broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Broken {
    /// Its id.
    pub rule: String,
    /// `V`, `W` or `N`.
    pub level: String,
    /// Numbers of the packets that prove it.
    pub frames: Vec<u64>,
    /// How many times.
    pub times: u64,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// Where the duty stands.
    pub cite: String,
}

impl From<Reported> for Broken {
    fn from(reported: Reported) -> Self {
        Self {
            rule: reported.rule.to_owned(),
            level: reported.level.letter().to_string(),
            frames: reported.frames,
            times: reported.times,
            expected: reported.expected,
            seen: reported.seen,
            cite: reported.cite,
        }
    }
}

/// One line for all that is not listed.
impl From<Further> for Broken {
    fn from(further: Further) -> Self {
        let cites = registry::find(further.rule).map(|rule| rule.about().cites);
        let cite = cites.and_then(<[_]>::first).map(ToString::to_string);
        Self {
            rule: further.rule.to_owned(),
            level: further.level.letter().to_string(),
            frames: Vec::new(),
            times: further.times,
            expected: "as of the other findings of this rule".to_owned(),
            seen: further.words(),
            cite: cite.unwrap_or_default(),
        }
    }
}

impl Audited {
    /// How many findings have a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level.starts_with(level.letter())).count()
    }
}

/// Audits a capture. If several interfaces on their way saw its packets, each side is audited where
/// what it sends is seen first, as if that alone had been captured.
#[must_use]
pub fn audit_capture(file: &str, mut capture: Capture) -> FileReport {
    let mut report = if capture.several_views {
        audit_views(file, &mut capture)
    } else {
        audit_frames(file, &mut capture)
    };
    report.problems.extend(capture.problems());
    let timeless = capture.frames.summary().timeless;
    if timeless > 0 {
        report.without_times(timeless);
    }
    report
}

fn audit_frames(file: &str, capture: &mut Capture) -> FileReport {
    let mut observer = capture.observer();
    observer.secrets(&capture.keys.text());
    let mut auditor = Auditor::new();
    auditor.foretell(capture.signals());
    let mut unopened = Unopeneds::default();
    capture.watch(&mut observer, &mut |event| {
        auditor.event(event);
        unopened.hear(event);
    });
    let report = auditor.finish(file, capture.frames.summary().frames);
    FileReport { closed: unopened.lines(), ..report }
}

fn audit_views(file: &str, capture: &mut Capture) -> FileReport {
    let Conversations { sessions, remarks } = conversations(capture, file);
    let mut report =
        FileReport { file: file.to_owned(), problems: remarks, ..FileReport::default() };
    report.frames = capture.frames.summary().frames;
    for session in &sessions {
        report.closed.extend(unopened(session).lines());
        let [a, b] = [Party::A, Party::B].map(|side| audit_session(session, side).connections);
        let number = report.connections.len();
        report.connections.extend(both(a, b));
        for (nth, connection) in report.connections.iter_mut().enumerate().skip(number) {
            connection.name = format!("connection {}", nth + 1);
        }
    }
    report
}

/// What A did as A's interface saw it, and B as B's.
fn both(a: Vec<ConnectionReport>, b: Vec<ConnectionReport>) -> Vec<ConnectionReport> {
    let mut connections = a;
    if connections.is_empty() {
        connections.push(ConnectionReport::default());
    }
    for connection in &mut connections {
        connection.findings.retain(|finding| finding.who != Some(Party::B));
        connection.further.retain(|further| further.who != Some(Party::B));
    }
    let Some(first) = connections.first_mut() else { return connections };
    for other in b {
        if first.diagnosis.line.is_empty() {
            first.diagnosis = other.diagnosis;
        }
        let of_b = other.findings.into_iter().filter(|finding| finding.who == Some(Party::B));
        first.findings.extend(of_b);
        let further = other.further.into_iter();
        first.further.extend(further.filter(|further| further.who == Some(Party::B)));
        for held in other.held {
            if first.held.iter().all(|known| known.rule != held.rule) {
                first.held.push(held);
            }
        }
    }
    let broken: BTreeSet<&str> = first.findings.iter().map(|finding| finding.rule).collect();
    first.held.sort_by_key(|held| registry::all().position(|rule| rule.about().id == held.rule));
    let held: BTreeSet<&str> = first.held.iter().map(|held| held.rule).collect();
    first.silent.retain(|silent| !held.contains(silent.rule) && !broken.contains(silent.rule));
    first.findings.sort_by(|a, b| {
        (b.level, a.frames.first(), a.rule).cmp(&(a.level, b.frames.first(), b.rule))
    });
    connections
}

/// What two audits of one session do not agree on, as a capture and its export are: which rules were
/// broken, by whom, how often and in which frames, and which held or had no opportunity. Words, which
/// name addresses, are not compared.
#[must_use]
pub fn differences(before: &FileReport, after: &FileReport) -> Vec<String> {
    let (before, after) = (essence(before), essence(after));
    let only = |these: &[String], those: &[String], what: &str| {
        let these = these.iter().filter(|line| !those.contains(line));
        these.map(|line| format!("{what}: {line}")).collect::<Vec<_>>()
    };
    let mut all = only(&before, &after, "lost");
    all.extend(only(&after, &before, "new"));
    if all.is_empty() && before != after {
        all.push("findings in another order or number".to_owned());
    }
    all
}

fn essence(report: &FileReport) -> Vec<String> {
    let mut lines = Vec::new();
    for (nth, connection) in (1..).zip(&report.connections) {
        let up = if connection.diagnosis.connected { "up" } else { "not up" };
        lines.push(format!("connection {nth} is {up}"));
        lines.extend(connection.findings.iter().map(|found| {
            let who = found.who.map_or('-', Party::letter);
            let Reported { rule, level, frames, times, .. } = found;
            format!(
                "connection {nth}: {rule} {} of {who}, {times} times, in {frames:?}",
                level.letter()
            )
        }));
        lines.extend(connection.further.iter().map(|more| format!("connection {nth}: {more:?}")));
        lines.extend(connection.held.iter().map(|held| format!("connection {nth}: {held:?}")));
        let silent = connection.silent.iter().map(|one| one.rule);
        lines.extend(silent.map(|rule| format!("connection {nth}: {rule} had no opportunity")));
    }
    lines
}

/// Audits what one side sent and received in a run: what a capture at its interface would hold.
#[must_use]
pub fn audit_session(session: &Session, side: Party) -> FileReport {
    let mut observer = Observer::new();
    let mut auditor = Auditor::new();
    session.secrets.iter().for_each(|line| observer.secrets(line));
    let mut signals = session.signals.iter().peekable();
    let mut frames = 0;
    for seen in vantage(session, side) {
        while let Some(signal) = signals.next_if(|signal| signal.sent <= seen.at) {
            observer.signal(0, signal);
            auditor.signal(0, signal);
        }
        frames += 1;
        observer.seen(&seen, &mut |event| auditor.event(event));
    }
    signals.for_each(|signal| auditor.signal(0, signal));
    auditor.finish(&session.title, frames)
}

/// Audits the side under test at its own interface; the other side's faults are not its own, all
/// the more where a case has the reference peer misbehave.
#[must_use]
pub fn audit_run(session: &Session, side: Party) -> Audited {
    if session.datagrams.is_empty() {
        return Audited::default();
    }
    let mut audited = Audited::default();
    for connection in audit_session(session, side).connections {
        audited.held += connection.held.len();
        audited.silent += connection.silent.len();
        let own = connection.findings.into_iter();
        audited.findings.extend(own.filter(|finding| finding.who == Some(side)).map(Broken::from));
        let more = connection.further.into_iter();
        audited.findings.extend(more.filter(|more| more.who == Some(side)).map(Broken::from));
    }
    audited
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use rtcspec_capture::pcapng::{EPOCH, Packet, Writer};
    use rtcspec_capture::signalling::{Signalling, rtcstats};
    use rtcspec_trace::{Signal, SignalBody};
    use rtcspec_wire::stun::{Attribute, Message, Method, Seal, TransactionId};

    use super::*;

    /// A packet from A to B, or back.
    fn packet(from: Party, payload: &[u8]) -> Vec<u8> {
        let at =
            |party: Party| SocketAddr::from(([10, 0, 0, 1 + u8::from(party == Party::B)], 5000));
        let mut packet = Vec::new();
        let built = rtcspec_net::packet::udp(&mut packet, at(from), at(from.other()), payload);
        built.expect("it is short");
        packet
    }

    fn check(id: u8, ufrags: &str) -> Vec<u8> {
        let check = Message::request(Method::BINDING, TransactionId([id; 12]))
            .with(Attribute::Username(ufrags.to_owned()))
            .with(Attribute::IceControlling(1));
        check.encode(&Seal::none().fingerprint()).expect("it is short")
    }

    /// A ClientHello or ServerHello in a record.
    fn hello(ty: u8, random: u8) -> Vec<u8> {
        let tail: &[u8] =
            if ty == 1 { &[0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0] } else { &[0, 0xc0, 0x2b, 0, 0, 0] };
        let body = [&[0xfe, 0xfd][..], &[random; 32], tail].concat();
        let length = u8::try_from(body.len()).expect("a short message");
        let head = [ty, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
        let record = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
        [&record[..], &head, &body].concat()
    }

    fn described(millis: u64, from: Party, kind: &str, ufrag: &str, setup: &str) -> Signal {
        let sent = Duration::from_millis(millis);
        let sdp = format!(
            "v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=mid:0\r\na=ice-ufrag:{ufrag}\r\n\
             a=ice-pwd:{ufrag}{ufrag}{ufrag}\r\na=setup:{setup}\r\n"
        );
        let body = SignalBody::Description { kind: kind.to_owned(), sdp };
        Signal { sent, arrived: Some(sent), from, body, refused: None }
    }

    #[test]
    fn a_capture_is_held_against_what_was_signalled_by_then() {
        let mut file = Writer::new("test", EPOCH);
        let interface = file.interface("a");
        for (millis, from, payload) in [
            (100, Party::A, check(1, "bbbb:aaaa")),
            (200, Party::B, hello(1, 1)),
            (220, Party::A, hello(2, 2)),
            (9000, Party::B, check(2, "cccc:dddd")),
            (9100, Party::A, hello(1, 3)),
            (9120, Party::B, hello(2, 4)),
        ] {
            let (at, bytes) = (Duration::from_millis(millis), &packet(from, &payload));
            let (crossing, comment, id) = (None, None, None);
            file.packet(&Packet { interface, at, crossing, bytes, missing: 0, comment, id });
        }
        // The sides change roles.
        let signals = [
            described(0, Party::A, "offer", "aaaa", "actpass"),
            described(50, Party::B, "answer", "bbbb", "active"),
            described(8000, Party::B, "offer", "dddd", "actpass"),
            described(8050, Party::A, "answer", "cccc", "active"),
        ];
        let mut signalling = Signalling::default();
        let log = rtcstats(&signals, EPOCH);
        signalling.add("test.rtcstats", log.as_bytes()).expect("signalling");
        let mut capture = Capture::read(file.finish()).expect("a capture");
        capture.dialogues = signalling.dialogues();
        let report = audit_capture("test", capture);
        let [connection] = &report.connections[..] else { panic!("{report:#?}") };
        let role = |rule: &str| rule == "dtls.role";
        assert!(connection.findings.iter().all(|one| !role(one.rule)), "{connection:#?}");
        let held = connection.held.iter().find(|held| role(held.rule)).map(|held| held.times);
        assert_eq!(held, Some(2));
    }

    #[test]
    fn packets_without_a_time_are_not_judged_by_their_times() {
        let mut file = Writer::new("test", EPOCH);
        file.interface("a");
        for id in 0..8 {
            file.timeless(&packet(Party::A, &check(id, "bbbb:aaaa")));
        }
        let report = audit_capture("test", Capture::read(file.finish()).expect("a capture"));
        let found = report.connections.iter().flat_map(|connection| &connection.findings);
        assert!(found.into_iter().all(|finding| finding.rule != "ice.pacing"), "{report:#?}");
        assert!(report.problems[0].starts_with("8 packets have no time of their own"));
    }
}
