//! Same seed, same datagrams: in one process, in two, and whatever ran before.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::process::Command as Child;

use crate::pair::{Pair, Sent, Signalling, Who, seconds};
use rtcspec_adapter_reference::Reference;
use rtcspec_adapter_rtc::Rtc;
use rtcspec_adapter_str0m::Str0m;
use rtcspec_control::{ChannelInit, Command, Event, Feature, Implementation, Payload};

fn stack(name: &str) -> Box<dyn Implementation> {
    match name {
        "rtc" => Box::new(Rtc::new()),
        "reference" => Box::new(Reference),
        _ => Box::new(Str0m::new()),
    }
}

const CROSSINGS: [(&str, &str); 8] = [
    ("rtc", "rtc"),
    ("rtc", "str0m"),
    ("str0m", "rtc"),
    ("str0m", "str0m"),
    ("rtc", "reference"),
    ("reference", "rtc"),
    ("str0m", "reference"),
    ("reference", "str0m"),
];

/// All that can be seen of a session with channels, data, a restart and a close.
#[derive(Debug, PartialEq)]
struct Seen {
    wire: Vec<Sent>,
    events: Vec<String>,
    secrets: Vec<String>,
}

/// Runs it in a thread of its own, as the suite does.
fn session(left: &'static str, right: &'static str, seed: u64) -> Seen {
    let run = move || {
        let (left, right) = (stack(left), stack(right));
        left.prepare_thread(seed);
        right.prepare_thread(seed);
        let mut pair = Pair::connectable(left.as_ref(), right.as_ref(), seed);
        pair.signalling = Signalling::OneByOne;
        for index in 0..8 {
            pair.channel(Who::Left, &format!("c{index}"), ChannelInit::default());
        }
        pair.run(seconds(3));
        pair.negotiate(Who::Left, false);
        pair.run(seconds(2));
        let payload = Payload::Binary(vec![3; 20_000]);
        pair.done(Who::Left, Command::Send { dc: "c3".into(), payload, repeat: 2 });
        pair.run(seconds(20));
        pair.negotiate(Who::Right, true);
        pair.run(seconds(5));
        pair.done(Who::Right, Command::Close { pc: "pc".into() });
        pair.run(seconds(5));
        let opened = pair.told(Who::Right).filter(|e| matches!(e, Event::Open { .. })).count();
        assert_eq!(opened, 8);
        let events = pair.events.iter().map(|event| format!("{event:?}")).collect();
        Seen { secrets: pair.secrets(), events, wire: pair.wire }
    };
    std::thread::spawn(run).join().expect("session")
}

fn assert_same(name: (&str, &str), a: &Seen, b: &Seen) {
    for (index, (a, b)) in a.wire.iter().zip(&b.wire).enumerate() {
        assert_eq!(a, b, "{name:?}: datagram {index} of the session differs");
    }
    assert_eq!(a, b, "{name:?}");
}

#[test]
fn exactness_is_declared_here() {
    for name in ["rtc", "str0m"] {
        assert!(stack(name).hello().has(Feature::Exact), "{name}");
    }
}

#[test]
fn same_seed_gives_the_same_datagrams_in_one_process() {
    for (left, right) in CROSSINGS {
        let first = session(left, right, 7);
        let other = session(left, right, 8);
        let again = session(left, right, 7);
        assert_same((left, right), &first, &again);
        assert_ne!(first.wire, other.wire, "another seed is another session");
        assert!(!first.secrets.is_empty());
    }
}

#[test]
fn same_seed_gives_the_same_datagrams_in_two_processes() {
    let here = digests();
    let exe = std::env::current_exe().expect("own path");
    let child = Child::new(exe)
        .args(["--exact", "exact::digests_for_the_other_process", "--ignored", "--nocapture"])
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(told.contains(&here), "here:\n{here}there:\n{told}");
}

#[test]
#[ignore = "the child of the test above"]
fn digests_for_the_other_process() {
    println!("\n{}", digests());
}

fn digests() -> String {
    CROSSINGS.iter().fold(String::new(), |mut text, (left, right)| {
        let mut hasher = DefaultHasher::new();
        hasher.write(format!("{:?}", session(left, right, 42)).as_bytes());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{left} {right} {:016x}", hasher.finish());
        text
    })
}
