//! Captures of runs, in which every element on the way saw every packet: they say what the runs say.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rtcspec_adapter_reference::Reference;
use rtcspec_audit::report::FileReport;
use rtcspec_capture::Capture;
use rtcspec_capture::conversations::conversations;
use rtcspec_capture::pcapng::EPOCH;
use rtcspec_capture::signalling::{Signalling, rtcstats};
use rtcspec_suite::audit::{audit_capture, audit_session};
use rtcspec_suite::run::{Cast, Played, play};
use rtcspec_suite::scenario::{Scenario, read};
use rtcspec_trace::watch::{Seen, vantage};
use rtcspec_trace::{Carrier, Party, Session};

/// Runs that no observer can tell: behind TURN over TLS a relayed address looks like the peer's own,
/// a host that sends to itself looks as if it sent to the other, and what goes to a multicast group
/// is to neither of them: sessions of captures leave it out.
const UNLIKE: [&str; 4] = [
    "nat/udp-blocked-turn-tls",
    "nat/nested-equal-homes",
    "ice/mdns-one-segment",
    "ice/mdns-two-segments",
];

/// All scenarios, by id.
fn scenarios() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["dc", "ice", "link", "nat", "sctp", "signal"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("the folder is there");
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let one = |path: &PathBuf| {
        let id = path.strip_prefix(&root).expect("below it").with_extension("");
        let text = std::fs::read_to_string(path).expect("it can be read");
        read(&id.to_string_lossy(), &text).unwrap_or_else(|error| panic!("{error:?}"))
    };
    files.iter().map(one).collect()
}

fn played(scenario: &Scenario) -> Played {
    let cast = Cast { offerer: &Reference, answerer: &Reference, under_test: Party::B };
    play(&scenario.id, &scenario.variants[0], &cast, 1, true)
}

/// What `rtcspec run --pcap` writes, as `rtcspec audit` opens it.
fn captured(played: &Played) -> Capture {
    let mut capture = Capture::read(played.capture.clone()).expect("it is a capture");
    let signals = rtcstats(&played.session.signals, EPOCH);
    let mut signalling = Signalling::default();
    if !played.session.signals.is_empty() {
        signalling.add("run.rtcstats", signals.as_bytes()).expect("it is an rtcstats file");
    }
    capture.dialogues = signalling.dialogues();
    capture
}

/// Rule, level and times of what a side broke.
fn findings(report: &FileReport, side: Party) -> Vec<(String, char, u64)> {
    let all = report.connections.iter().flat_map(|connection| &connection.findings);
    let own = all.filter(|finding| finding.who == Some(side));
    let mut own: Vec<_> =
        own.map(|one| (one.rule.to_owned(), one.level.letter(), one.times)).collect();
    own.sort();
    own
}

/// The datagrams that one side sees: when, from where to where, and what they say.
fn seen(session: &Session, side: Party) -> Vec<(u128, SocketAddr, SocketAddr, String)> {
    let udp = vantage(session, side).filter(|seen| seen.carrier == Carrier::Udp);
    let began = session.datagrams.first().map_or(Duration::ZERO, |first| first.sent);
    let one = |seen: Seen<'_>| {
        let at = (seen.at - began).as_micros();
        (at, seen.source, seen.destination, format!("{:02x?}", seen.payload))
    };
    let mut all: Vec<_> = udp.map(one).collect();
    all.sort();
    all
}

#[test]
fn the_audit_of_a_captured_run_finds_what_the_audit_of_the_run_finds() {
    let (mut found, mut wrong) = (0, Vec::new());
    for scenario in scenarios() {
        let run = played(&scenario);
        if run.session.datagrams.is_empty() {
            continue;
        }
        let capture = captured(&run);
        assert!(capture.several_views, "{}", scenario.id);
        let of_file = audit_capture("run", capture);
        for side in [Party::A, Party::B] {
            let of_run = findings(&audit_session(&run.session, side), side);
            let of_file = findings(&of_file, side);
            found += of_run.len();
            if of_run != of_file {
                wrong.push(format!("{} {side:?}: {of_run:?} but {of_file:?}", scenario.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(found > 10, "{found} findings");
}

#[test]
fn turn_over_tls_is_said_to_be_closed() {
    let id = "nat/udp-blocked-turn-tls";
    let scenario = scenarios().into_iter().find(|one| one.id == id).expect("it is there");
    let found = conversations(&mut captured(&played(&scenario)), "run");
    let closed = found.remarks.iter().filter(|remark| remark.contains("TLS on a stream"));
    let closed: Vec<&String> = closed.collect();
    assert!(closed.iter().any(|one| one.starts_with("10.")), "from inside: {closed:?}");
    assert!(closed.iter().any(|one| one.contains(":443 > ")), "and back: {closed:?}");
}

#[test]
fn every_side_of_a_captured_run_saw_what_it_saw_in_the_run() {
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        let run = played(&scenario);
        let found = conversations(&mut captured(&run), "run");
        let [session] = &found.sessions[..] else { continue };
        if UNLIKE.contains(&scenario.id.as_str()) {
            continue;
        }
        for side in [Party::A, Party::B] {
            let (of_file, of_run) = (seen(session, side), seen(&run.session, side));
            let lacks = of_run.iter().filter(|one| !of_file.contains(one)).count();
            let more = of_file.iter().filter(|one| !of_run.contains(one)).count();
            if of_file != of_run {
                wrong.push(format!("{} {side:?}: lacks {lacks}, has {more} more", scenario.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
