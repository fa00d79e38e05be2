//! peerctl/1 as JSON: what is known, what is refused, and by which words.

use proptest::prelude::*;
use rtcspec_control::{Command, Configuration, Message, Payload, Reply, ReplyBody, Request, line};
use serde_json::json;

#[test]
fn a_command_nobody_knows_is_unsupported_by_its_word() {
    let refusal = Request::read(r#"{"id":7,"op":"dance","pc":"a"}"#).unwrap_err();
    assert_eq!(*refusal, Reply { id: 7, body: ReplyBody::Unsupported("dance".into()) });
    let line = line::write(&Message::Reply(*refusal));
    assert_eq!(line, r#"{"id":7,"unsupported":"dance"}"#);
}

#[test]
fn a_known_command_that_is_incomplete_is_a_type_error() {
    for (line, id) in [(r#"{"id":3,"op":"offer"}"#, 3), (r#"{"id":4}"#, 4), ("{", 0), ("[]", 0)] {
        let refusal = Request::read(line).unwrap_err();
        assert_eq!(refusal.id, id, "{line}");
        let ReplyBody::Error { name, .. } = &refusal.body else { panic!("{line}: {refusal:?}") };
        assert_eq!(name, "TypeError");
    }
}

#[test]
fn the_words_of_commands_are_those_on_the_wire() {
    for op in Command::OPS {
        // Every member any command needs; those it does not know do not disturb.
        let line = json!({
            "id": 1, "op": op, "pc": "a", "dc": "a/1", "name": "x", "seed": 1, "label": "l",
            "desc": {"type": "offer", "sdp": ""}, "candidate": null, "text": "",
            "config": {}, "addresses": [], "init": {},
        });
        let request = Request::read(&line.to_string()).unwrap_or_else(|e| panic!("{op}: {e:?}"));
        assert_eq!(request.command.op(), op);
        let again = serde_json::to_string(&request).unwrap();
        assert_eq!(Request::read(&again).unwrap(), request, "{again}");
    }
}

#[test]
fn configuration_keys_nobody_knows_are_kept_by_name() {
    let text = r#"{"iceTransportPolicy":"relay","bundlePolicy":"balanced","x-new":[1]}"#;
    let config: Configuration = serde_json::from_str(text).unwrap();
    let names: Vec<&str> = config.unknown.keys().map(String::as_str).collect();
    assert_eq!(names, ["bundlePolicy", "x-new"]);
    let printed = serde_json::to_value(&config).unwrap();
    assert_eq!(serde_json::from_value::<Configuration>(printed).unwrap(), config);
    let policy = serde_json::from_str::<Configuration>(r#"{"iceTransportPolicy":"none"}"#);
    assert!(policy.is_err(), "a policy nobody knows must not become the default");
}

proptest! {
    #[test]
    fn payloads_survive_the_wire(bytes: Vec<u8>, text: String) {
        for payload in [Payload::Binary(bytes), Payload::Text(text)] {
            let command = Command::Send { dc: "a/1".into(), payload, repeat: 1 };
            let request = Request { id: 9, command };
            let line = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(Request::read(&line).unwrap(), request);
        }
    }

    #[test]
    fn no_line_panics(line in ".{0,80}") {
        let _ = Request::read(&line);
    }
}
