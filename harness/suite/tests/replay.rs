//! Captures of real sessions, played again into the reference peer.

use std::path::{Path, PathBuf};

use rtcspec_adapter_reference::Reference;
use rtcspec_adapter_rtc::Rtc;
use rtcspec_adapter_str0m::Str0m;
use rtcspec_capture::conversations::conversations;
use rtcspec_capture::{Given, open};
use rtcspec_control::Implementation;
use rtcspec_suite::replay::{Act, Parting, Replay, listen};
use rtcspec_suite::scenario::read;
use rtcspec_trace::{Party, Session};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn captured(name: &str) -> Session {
    let path = folder().join(format!("{name}.pcap"));
    let mut capture = open(&path, &Given::default()).expect("the capture is there");
    let found = conversations(&mut capture, name);
    assert_eq!(capture.problems(), Vec::<String>::new(), "{name}");
    let [session] = &found.sessions[..] else { panic!("{name} is one connection") };
    session.clone()
}

fn replay(name: &str, tested: Party) -> Replay {
    Replay::of(&[captured(name)], tested).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Names of all captures, and whether there are keys.
fn captures() -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".pcap").map(str::to_owned))
        .map(|name| {
            let keys = std::fs::metadata(folder().join(format!("{name}.keys")));
            let has_keys = keys.is_ok_and(|keys| keys.len() > 0);
            (name, has_keys)
        })
        .collect();
    names.sort();
    names
}

/// What one side sent, in its order: whether it is a string, and the bytes.
fn sent(session: &Session, by: Party) -> Vec<(bool, Vec<u8>)> {
    let deeds = listen(session).expect("there is a connection").deeds.into_iter();
    deeds
        .filter(|deed| deed.by == by)
        .filter_map(|deed| match deed.act {
            Act::Send { text, bytes, .. } => Some((text, bytes)),
            _ => None,
        })
        .collect()
}

#[test]
fn every_session_with_keys_opens_a_channel_and_delivers_the_same_messages() {
    let mut replayed = 0;
    for (name, has_keys) in captures() {
        if !has_keys || name.ends_with("-FAIL") {
            continue;
        }
        let capture = captured(&name);
        for tested in [Party::A, Party::B] {
            let replay = replay(&name, tested);
            assert!(replay.reach.channels > 0, "{name}: {}", replay.reach);
            let outcome = replay.play(&Reference, &Reference, 1);
            assert_eq!(outcome.short, None, "{name} as {tested:?}: {:#?}", outcome.played.findings);
            for by in [Party::A, Party::B] {
                let (before, after) = (sent(&capture, by), sent(&outcome.played.session, by));
                assert!(!before.is_empty(), "{name}: {by:?} sent something");
                assert_eq!(before, after, "{name} as {tested:?}: what {by:?} sent");
            }
            replayed += 1;
        }
    }
    assert_eq!(replayed, 2 * 20);
}

/// What stays out where a stack plays a side, and why.
fn lacks(stack: &str, capture: &Session, tested: Party) -> Option<&'static str> {
    let empty = sent(capture, tested).iter().any(|(_, bytes)| bytes.is_empty());
    // It never sends an empty message: `dc/empty-messages` in scenarios/expect/str0m.toml.
    (stack == "str0m" && empty).then_some("a message of A is missing")
}

#[test]
fn every_session_with_keys_is_replayed_into_other_stacks_as_far_as_they_can() {
    let stacks: [&dyn Implementation; 2] = [&Rtc::new(), &Str0m::new()];
    let (mut whole, mut short) = (0, 0);
    for (name, has_keys) in captures() {
        if !has_keys || name.ends_with("-FAIL") {
            continue;
        }
        let capture = captured(&name);
        for (stack, tested) in
            stacks.iter().flat_map(|stack| [(*stack, Party::A), (*stack, Party::B)])
        {
            let replay = replay(&name, tested);
            stack.prepare_thread(1);
            let outcome = replay.play(&Reference, stack, 1);
            let stack = stack.hello().implementation;
            let context = format!("{name} with {stack} as {tested:?}: {:#?}", outcome.partings);
            assert_eq!(outcome.reach.channels, replay.reach.channels, "{context}");
            let lacks = lacks(&stack, &capture, tested);
            assert_eq!(outcome.short.as_deref(), lacks, "{context}");
            let messages = |session, by| -> Vec<_> {
                let all = sent(session, by).into_iter();
                all.filter(|(_, bytes)| lacks.is_none() || !bytes.is_empty()).collect()
            };
            let own = (messages(&capture, tested), messages(&outcome.played.session, tested));
            assert_eq!(own.0, own.1, "{context}");
            let others = messages(&outcome.played.session, tested.other());
            if lacks.is_none() {
                assert_eq!(messages(&capture, tested.other()), others, "{context}");
                whole += 1;
                continue;
            }
            // What the other side sends after the missing message may not be sent.
            assert!(messages(&capture, tested.other()).starts_with(&others), "{context}");
            let message = |parting: &&Parting| parting.line.contains(" msg ");
            let parts = outcome.partings.iter().find(message).expect("they part in a message");
            assert!(parts.missing && parts.line.contains("string-empty"), "{context}");
            short += 1;
        }
    }
    // Of 20 sessions, 16 have an empty message of A.
    assert_eq!((whole, short), (64, 16));
}

#[test]
fn without_keys_it_is_said_that_the_records_stay_closed() {
    let mut without = Vec::new();
    for (name, has_keys) in captures() {
        if has_keys {
            continue;
        }
        let replay = replay(&name, Party::B);
        let outcome = replay.play(&Reference, &Reference, 1);
        assert!(outcome.reach.lacks(&replay.reach).is_none(), "{name}: {}", outcome.reach);
        if !name.ends_with("-FAIL") {
            let told = rtcspec_suite::replay::Report { replay: &replay, replayed: &outcome };
            assert!(told.to_string().contains("no keys"), "{name}: {told}");
            without.push(name);
        }
    }
    assert_eq!(without, ["chromium-chromium", "chromium-chromium-av", "chromium-gst"]);
}

#[test]
fn a_session_that_failed_goes_on_where_the_peer_does_better() {
    let replay = replay("ndc-pion-FAIL", Party::B);
    assert!(replay.reach.secured && replay.reach.channels == 0, "{}", replay.reach);
    let outcome = replay.play(&Reference, &Reference, 1);
    let verdict = outcome.verdict(&replay);
    assert!(verdict.starts_with("goes further than the capture"), "{verdict}");
    assert!(outcome.reach.channels > 0, "{}", outcome.reach);
}

#[test]
fn the_scenario_of_a_replay_can_be_read_and_says_what_the_stack_was_like() {
    let replay = replay("firefox-firefox", Party::B);
    let text = &replay.scenario.text;
    assert!(read("replay/again", text).is_ok(), "{text}");
    let versions = "versions = [\"1.2\", \"1.3\"]";
    for part in ["interleaving = true", versions, "text = \"hello from firefox\""] {
        assert!(text.contains(part), "{part} is in:\n{text}");
    }
}

#[test]
fn a_session_through_a_box_is_replayed_through_one_like_it() {
    let text = replay("nat-sym-pion-chromium-turn", Party::B).scenario.text;
    for part in ["[nat.box-1]", "ports = \"random\"", "on   = \"behind-1\"", "[servers.turn]"] {
        assert!(text.contains(part), "{part} is in:\n{text}");
    }
}

#[test]
fn of_several_connections_the_fullest_is_replayed() {
    let sessions = ["gst-aiortc-FAIL", "pion-aiortc", "chromium-chromium"].map(captured);
    let replay = Replay::of(&sessions, Party::B).expect("there is a handshake");
    assert_eq!((replay.connections, replay.scenario.id.as_str()), (3, "replay/pion-aiortc"));
    assert_eq!(replay.reach.messages, [7, 3]);
}

#[test]
fn two_replays_are_the_same() {
    let replay = replay("pion-aiortc", Party::A);
    let once = replay.play(&Reference, &Reference, 7);
    let again = replay.play(&Reference, &Reference, 7);
    assert_eq!(once.transcript, again.transcript);
    assert_eq!(once.partings, again.partings);
}
