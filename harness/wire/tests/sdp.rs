//! Session descriptions of real stacks, mangled ones, and properties of both.

#![expect(clippy::unwrap_used, reason = "every function here is a test or serves one")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rtcspec_wire::sdp::{Attribute, Fault, Reason, Session, View};

fn captures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures/sdp");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn reason(text: &str) -> Reason {
    Session::parse(text.as_bytes()).unwrap_err().reason
}

const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

#[test]
fn every_captured_description_is_read_and_printed_byte_for_byte() {
    let captures = captures();
    assert!(captures.len() > 90, "the corpus is there");
    for (path, bytes) in captures {
        let view = View::parse(&bytes);
        assert_eq!(view.print(), bytes, "{}", path.display());
        let session =
            Session::from_view(&view).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let printed = session.print();
        assert_eq!(printed, session.to_string());
        assert_eq!(Session::parse(printed.as_bytes()).unwrap(), session, "{}", path.display());
        assert!(view.faults().iter().all(Fault::is_tolerated), "{}", path.display());
        assert!(!session.media.is_empty());
    }
}

#[test]
fn canonical_captures_print_from_the_typed_value_unchanged_but_for_known_deviations() {
    for (path, bytes) in captures() {
        let view = View::parse(&bytes);
        let session = Session::from_view(&view).unwrap();
        let printed = session.print();
        let text = String::from_utf8(bytes.clone()).unwrap();
        for (sent, ours) in text.lines().zip(printed.lines()) {
            let sent = match sent.split_once(':') {
                Some(("a=candidate", _)) => {
                    sent.replace(" UDP ", " udp ").replace(" TCP ", " tcp ")
                }
                _ => {
                    sent.replace("semantic: ", "semantic:").replace("ice2,trickle", "ice2 trickle")
                }
            };
            assert_eq!(sent, ours, "{}", path.display());
        }
    }
}

#[test]
fn browser_offer_is_typed_throughout() {
    let (_, bytes) = captures()
        .into_iter()
        .find(|(path, _)| path.ends_with("chromium-aiortc-av.offer-chromium.sdp"))
        .unwrap();
    let session = Session::parse(&bytes).unwrap();
    assert_eq!(session.media.len(), 3);
    assert_eq!(session.bundle_groups().next().unwrap().mids, ["0", "1", "2"]);
    let unknown: Vec<&str> = session
        .media
        .iter()
        .flat_map(|media| media.attributes.iter())
        .filter(|attribute| matches!(attribute, Attribute::Unknown { .. }))
        .map(Attribute::name)
        .collect();
    assert_eq!(unknown, ["rtcp-xr", "rtcp-xr"]);
    let data = &session.media[2];
    assert!(data.is_data_channel());
    assert_eq!(data.attributes.sctp_port(), Some(5000));
    assert_eq!(data.attributes.max_message_size(), Some(262_144));
}

#[test]
fn line_end_style_does_not_change_the_value() {
    for (path, bytes) in captures() {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let bare = text.replace("\r\n", "\n");
        assert_eq!(Session::parse(bare.as_bytes()), Session::parse(&bytes), "{}", path.display());
        let cut = text.trim_end();
        assert_eq!(Session::parse(cut.as_bytes()), Session::parse(&bytes), "{}", path.display());
        let faults = View::parse(cut.as_bytes()).faults();
        assert_eq!(faults.last().unwrap().reason, Reason::MissingLineEnd);
    }
}

#[test]
fn an_unknown_attribute_changes_nothing_else() {
    for (path, bytes) in captures() {
        let session = Session::parse(&bytes).unwrap();
        let mut view = View::parse(&bytes);
        let line = rtcspec_wire::sdp::Line::new(b"a=x-new:1", rtcspec_wire::sdp::LineEnd::CrLf);
        view.lines_mut().push(line);
        let mut longer = Session::parse(&view.print()).unwrap();
        let added = longer.media.last_mut().unwrap().attributes.pop().unwrap();
        assert_eq!(added.to_string(), "x-new:1");
        assert_eq!(longer, session, "{}", path.display());
    }
}

#[test]
fn sections_of_the_view_are_those_of_the_value() {
    for (_, bytes) in captures() {
        let session = Session::parse(&bytes).unwrap();
        let view = View::parse(&bytes);
        let sections: Vec<_> = view.sections().collect();
        assert_eq!(sections.len(), session.media.len() + 1);
        assert_eq!(
            sections.iter().map(|section| section.lines.len()).sum::<usize>(),
            view.lines().len()
        );
        for (section, media) in sections.iter().skip(1).zip(&session.media) {
            let mid = media.mid().map(|mid| mid.as_bytes());
            assert_eq!(section.attribute("mid"), mid);
            assert_eq!(view.lines()[section.first - 1].kind(), Some(b'm'));
            let candidates = section.attributes("candidate").count();
            assert_eq!(candidates, media.attributes.candidates().count());
        }
    }
}

// rtpengine#1958.
#[test]
fn empty_version_before_a_good_one_is_refused() {
    let fault = Session::parse(b"v=\nv=0").unwrap_err();
    assert_eq!((fault.line, fault.column), (1, 3));
    assert_eq!(fault.reason, Reason::Expected("protocol version"));
}

#[test]
fn mandatory_lines_are_missed_by_name() {
    assert_eq!(reason(""), Reason::MissingLine('v'));
    assert_eq!(reason("o=- 1 2 IN IP4 0.0.0.0\r\n"), Reason::MissingLine('v'));
    assert_eq!(reason("v=0\r\ns=-\r\nt=0 0\r\n"), Reason::MissingLine('o'));
    assert_eq!(reason("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\nt=0 0\r\n"), Reason::MissingLine('s'));
    // sdp-types accepts this one and prints a `t=` that nobody sent.
    assert_eq!(reason("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\n"), Reason::MissingLine('t'));
    assert_eq!(reason("v=1\r\n"), Reason::OutOfRange { what: "protocol version", min: 0, max: 0 });
}

// rtpengine#30, str0m#164.
#[test]
fn missing_connection_and_odd_order_are_no_reason_to_refuse() {
    let text = format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\nb=AS:10\r\ni=x\r\n");
    let session = Session::parse(text.as_bytes()).unwrap();
    assert!(session.media[0].connections.is_empty());
    let faults = View::parse(text.as_bytes()).faults();
    let reasons: Vec<Reason> = faults.iter().map(|fault| fault.reason).collect();
    assert_eq!(reasons, [Reason::OutOfOrder('b'), Reason::OutOfOrder('i')]);
}

// pjproject#2093, #2092, #3382; str0m#983.
#[test]
fn numbers_beyond_their_field_and_forbidden_bytes_are_refused_where_they_stand() {
    let at = |line: &[u8]| {
        let mut bytes = HEAD.as_bytes().to_vec();
        bytes.extend_from_slice(b"m=audio 9 RTP/AVP 0\r\n");
        bytes.extend_from_slice(line);
        let fault = Session::parse(&bytes).unwrap_err();
        (fault.line, fault.column, fault.reason)
    };
    assert!(matches!(at(b"m=audio 65536 RTP/AVP 0"), (6, 9, Reason::OutOfRange { .. })));
    assert!(matches!(at(b"m=audio 9 RTP/AVP 4294967296"), (6, 19, Reason::OutOfRange { .. })));
    assert!(matches!(at(b"a=rtpmap:128 x/1"), (6, 10, Reason::OutOfRange { .. })));
    assert!(matches!(at(b"a=ptime:4294967296"), (6, 9, Reason::OutOfRange { .. })));
    assert_eq!(at(b"a=fmtp:0 a\0b"), (6, 11, Reason::ForbiddenByte(0)));
    assert_eq!(at(b"a=fmtp:0 a\rb"), (6, 11, Reason::ForbiddenByte(b'\r')));
    assert_eq!(at(b"m=au\xff\xff\xff34718 RTP/AVP 0"), (6, 5, Reason::NotUtf8));
    assert!(matches!(at("m=auÿÿÿ34718 RTP/AVP 0".as_bytes()), (6, 5, Reason::Expected(_))));
    assert_eq!(at(b"a"), (6, 1, Reason::NotALine));
    assert_eq!(at(b"A=x"), (6, 1, Reason::UnknownType));
    assert_eq!(at(b"t=0 0"), (6, 1, Reason::Misplaced('t')));
    assert_eq!(at(b"a=rtcp-mux:1"), (6, 12, Reason::UnexpectedText("a flag attribute")));
    assert_eq!(at(b"a= mid:0"), (6, 3, Reason::Expected("an attribute name")));
}

#[test]
fn repeated_mids_and_attributes_are_refused() {
    let media = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
    assert_eq!(reason(&format!("{HEAD}{media}{media}")), Reason::RepeatedMid);
    assert_eq!(reason(&format!("{HEAD}{media}a=mid:1\r\n")), Reason::RepeatedAttribute("mid"));
    let flags = format!("{HEAD}{media}a=rtcp-mux\r\na=rtcp-mux\r\n");
    assert_eq!(Session::parse(flags.as_bytes()).unwrap().media[0].attributes.len(), 2);
}

#[test]
fn faults_of_later_lines_are_not_hidden_by_earlier_ones() {
    let text =
        "o=x\nm=audio 70000 RTP/AVP 0\na=mid:0\na=setup:both\nm=x 9 UDP/DTLS/SCTP a\na=mid:0\n";
    let faults = View::parse(text.as_bytes()).faults();
    let errors: Vec<(usize, Reason)> = faults
        .iter()
        .filter(|fault| !fault.is_tolerated())
        .map(|fault| (fault.line, fault.reason))
        .collect();
    assert_eq!(
        errors,
        [
            (1, Reason::MissingLine('v')),
            (1, Reason::Expected("a space and the session id")),
            (2, Reason::OutOfRange { what: "port", min: 0, max: 65_535 }),
            (4, Reason::Expected("active, passive, actpass or holdconn")),
            (6, Reason::RepeatedMid),
            (7, Reason::MissingLine('s')),
            (7, Reason::MissingLine('t')),
        ]
    );
}

/// What is wrong with a description and not tolerated.
fn errors(text: &str) -> Vec<(usize, Reason)> {
    let faults = View::parse(text.as_bytes()).faults();
    let errors = faults.iter().filter(|fault| !fault.is_tolerated());
    errors.map(|fault| (fault.line, fault.reason)).collect()
}

#[test]
fn a_mandatory_line_is_told_missing_once_and_only_if_it_is() {
    let missing = |line: usize, letter| (line, Reason::MissingLine(letter));
    let good = "o=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    assert_eq!(errors(""), ['v', 'o', 's', 't'].map(|letter| missing(1, letter)));
    assert_eq!(errors("v=0\r\n"), ['o', 's', 't'].map(|letter| missing(2, letter)));
    // The line in place of the first is read all the same.
    assert_eq!(errors(good), [missing(1, 'v')]);
    assert_eq!(errors("o=- 1 2 IN IP4 0.0.0.0\r\nv=0\r\ns=-\r\nt=0 0\r\n"), [missing(1, 'v')]);
    // What is malformed is there.
    let version = Reason::OutOfRange { what: "protocol version", min: 0, max: 0 };
    assert_eq!(errors(&format!("v=1\r\n{good}")), [(1, version)]);
    let bad = "v=0\r\no=-\r\ns=\0\r\nt=now\r\n";
    let reasons = [
        (2, Reason::Expected("a space and the session id")),
        (3, Reason::ForbiddenByte(0)),
        (4, Reason::Expected("start time")),
    ];
    assert_eq!(errors(bad), reasons);
}

// Janus#2776, #3414: time grew with the square of the number of lines.
#[test]
fn a_megabyte_of_anything_is_read_and_printed() {
    let session = |line: &str, bytes: usize| {
        let mut text = format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");
        (0..bytes / line.len()).for_each(|_| text.push_str(line));
        text
    };
    let many_sections = |bytes: usize| {
        let mut text = HEAD.to_owned();
        let mut index = 0;
        while text.len() < bytes {
            text.push_str(&format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{index}\r\n"));
            index += 1;
        }
        text
    };
    let one_line = |bytes: usize| format!("{HEAD}a=group:BUNDLE{}\r\n", " 0".repeat(bytes / 2));
    let texts: [&dyn Fn(usize) -> String; 5] = [
        &|bytes| session("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", bytes),
        &|bytes| session("\n", bytes),
        &|bytes| session("a=rtcp-mux\n", bytes),
        &many_sections,
        &one_line,
    ];
    for text in texts {
        // What grows with the square of the text takes minutes here, and nobody overlooks that.
        let text = text(1 << 20);
        let view = View::parse(text.as_bytes());
        assert_eq!(view.print(), text.as_bytes());
        let faults = view.faults();
        assert!(Session::from_view(&view).is_ok(), "{:?}", faults.first());
    }
}

/// A change to a list of lines.
#[derive(Clone, Debug)]
enum Edit {
    Drop(usize),
    Double(usize),
    Swap(usize, usize),
    Byte(usize, usize, u8),
    Cut(usize),
    Insert(usize, String),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0usize..400;
    let extremes = prop::sample::select(vec![
        "a=rtpmap:4294967295 x/4294967295",
        "a=sctp-port:65535",
        "a=max-message-size:18446744073709551615",
        "m=audio 65535/65535 RTP/AVP 127",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "a=simulcast:send ~a,b;c recv ~d",
        "a=rid:a send pt=0,127;max-width=1",
        "a=fingerprint:sha-256 00",
        "a=group:BUNDLE",
        "a=ssrc:4294967295 cname",
        "a=extmap:4351/inactive urn:x y",
        "c=IN IP6 ::",
        "t=0 0",
        "r=x",
        "k=clear:x",
        "a=:",
        "=",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        at.clone().prop_map(Edit::Drop),
        at.clone().prop_map(Edit::Double),
        (at.clone(), at.clone()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (at.clone(), 0usize..80, any::<u8>())
            .prop_map(|(line, at, byte)| Edit::Byte(line, at, byte)),
        (0usize..8_000).prop_map(Edit::Cut),
        (at, prop_oneof![extremes, "[a-z]=[ -~]{0,40}", "a=[a-z-]{1,16}:[ -~]{0,40}"])
            .prop_map(|(line, text)| Edit::Insert(line, text)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let count = lines.len().max(1);
    match edit {
        Edit::Drop(at) if !lines.is_empty() => drop(lines.remove(at % count)),
        Edit::Double(at) if !lines.is_empty() => {
            lines.insert(at % count, lines[at % count].clone());
        }
        Edit::Swap(a, b) if !lines.is_empty() => lines.swap(a % count, b % count),
        Edit::Byte(line, at, byte) if !lines.is_empty() => {
            let line = &mut lines[line % count];
            let at = at % line.len();
            line[at] = *byte;
        }
        Edit::Cut(length) => {
            bytes.truncate(*length);
            return;
        }
        Edit::Insert(at, text) => lines.insert(at % count, format!("{text}\r\n").into_bytes()),
        _ => {}
    }
    *bytes = lines.concat();
}

/// What must hold of any bytes at all.
fn check(bytes: &[u8]) {
    let view = View::parse(bytes);
    assert_eq!(view.print(), bytes);
    let faults = view.faults();
    let error = faults.iter().find(|fault| !fault.is_tolerated());
    match Session::from_view(&view) {
        Ok(session) => {
            assert_eq!(error, None);
            let printed = session.print();
            let again = Session::parse(printed.as_bytes()).expect("a printed session is valid");
            assert_eq!(again, session);
            assert_eq!(again.print(), printed);
            assert!(
                View::parse(printed.as_bytes()).faults().iter().all(|fault| {
                    matches!(fault.reason, Reason::EmptyName | Reason::WhiteSpace)
                })
            );
        }
        Err(fault) => assert_eq!(Some(&fault), error),
    }
}

proptest! {
    #[test]
    fn mangled_captures_keep_their_bytes_and_a_parsed_one_prints_to_itself(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let captures = captures();
        let (_, mut bytes) = which.get(&captures).clone();
        for edit in &edits {
            apply(&mut bytes, edit);
        }
        check(&bytes);
    }

    #[test]
    fn any_bytes_keep_their_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn any_lines_after_a_good_head_print_to_themselves(
        lines in prop::collection::vec("(m=(audio|application) [0-9]{1,6} (RTP/AVP|UDP/DTLS/SCTP) [0-9a-z ]{1,9}|[abcikmt]=[ -~]{0,30}|a=(mid|setup|group|rid|simulcast|extmap|ssrc|rtcp|fmtp|ptime|msid):[ -~]{0,30})", 0..12),
    ) {
        check(format!("{HEAD}{}\r\n", lines.join("\r\n")).as_bytes());
    }
}
