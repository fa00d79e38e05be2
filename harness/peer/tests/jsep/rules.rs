//! Descriptions of the other side: what is read, what is refused.

use rtcspec_peer::jsep::{Description, DescriptionError, Error, SdpType, SignalingState};
use rtcspec_wire::sdp::{Session, Setup};

use super::side::{Side, exchange, pair, with};

fn offer(sdp: String) -> Description {
    Description::new(SdpType::Offer, sdp)
}

fn answer(sdp: String) -> Description {
    Description::new(SdpType::Answer, sdp)
}

/// Moves every line that starts like this in front of the first media section.
fn to_session_level(sdp: &str, names: &[&str]) -> String {
    let is_moved = |line: &&str| {
        names.iter().any(|name| line.strip_prefix("a=").is_some_and(|rest| rest.starts_with(name)))
    };
    let (moved, rest): (Vec<&str>, Vec<&str>) = sdp.split_inclusive("\r\n").partition(is_moved);
    with(&rest.concat(), "m=", &format!("{}m=", moved.concat()))
}

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:x\r\n";

#[test]
fn transport_attributes_at_session_level_hold_for_the_section() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let names = ["ice-ufrag", "ice-pwd", "fingerprint", "setup"];
    b.set_remote(&offer(to_session_level(&sdp, &names))).unwrap();
    b.local_answer();
    assert_eq!(b.transport().remote.credentials, super::side::ice('a', 1));
    let mut c = Side::new('c');
    c.set_remote(&offer(sdp)).unwrap();
    c.local_answer();
    assert_eq!(b.transport().fingerprints, c.transport().fingerprints);
    assert_eq!(b.transport().dtls_role, c.transport().dtls_role);
}

#[test]
fn section_wins_over_session_level() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let pwd = "z".repeat(22);
    let session = format!("a=ice-ufrag:zzzz\r\na=ice-pwd:{pwd}\r\na=setup:active\r\nm=");
    b.set_remote(&offer(with(&sdp, "m=", &session))).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    assert_eq!(b.transport().remote.credentials, super::side::ice('a', 1));
    assert_eq!(answered.media[0].attributes.setup(), Some(Setup::Active));
}

#[test]
fn bundle_only_section_takes_transport_from_the_tagged_one() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let (head, data) = sdp.split_once("m=application 9").unwrap();
    let is_transport = |line: &&str| {
        ["a=ice-", "a=fingerprint", "a=setup"].iter().any(|start| line.starts_with(start))
    };
    let (transport, rest): (Vec<&str>, Vec<&str>) =
        data.split_inclusive("\r\n").partition(is_transport);
    let bundled = format!(
        "{}{AUDIO}{}m=application 0{}a=bundle-only\r\n",
        with(head, "BUNDLE 0", "BUNDLE x 0"),
        transport.concat(),
        rest.concat()
    );
    b.set_remote(&offer(bundled)).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    assert_eq!(b.transport().remote.credentials, super::side::ice('a', 1));
    assert_eq!(answered.media[0].line.port, 0);
    assert_ne!(answered.media[1].line.port, 0);
    assert_eq!(answered.bundle_groups().next().unwrap().mids, ["0"]);
}

#[test]
fn media_is_rejected_in_place_and_data_accepted() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let sdp = with(&with(&sdp, "m=app", &format!("{AUDIO}m=app")), "BUNDLE 0", "BUNDLE x 0");
    b.set_remote(&offer(sdp.clone())).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    let lines: Vec<String> = answered.media.iter().map(|media| media.line.to_string()).collect();
    assert_eq!(
        lines,
        ["audio 0 UDP/TLS/RTP/SAVPF 111 0", "application 9 UDP/DTLS/SCTP webrtc-datachannel"]
    );
    assert_eq!(answered.bundle_groups().next().unwrap().mids, ["0"]);
    assert_eq!(b.transport().section, 1);
    // Our own next offer keeps both places.
    let next: Session = b.offer(false).unwrap().sdp.parse().unwrap();
    assert_eq!(next.media[0].line.to_string(), lines[0]);
    assert_eq!(next.media[0].mid().unwrap(), &"x");
    assert_eq!(next.media[1].mid().unwrap(), &"0");
    assert_eq!(next.bundle_groups().next().unwrap().mids, ["0"]);
}

#[test]
fn second_data_section_is_rejected() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let second = format!("m={}", sdp.split_once("m=").unwrap().1).replace("mid:0", "mid:1");
    b.set_remote(&offer(format!("{sdp}{second}"))).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    let ports: Vec<u16> = answered.media.iter().map(|media| media.line.port).collect();
    assert_eq!(ports, [9, 0]);
}

#[test]
fn rejected_section_is_used_again_with_a_new_mid() {
    let (mut a, mut b) = (Side::new('a'), Side::new('b'));
    let sdp = a.offer(false).unwrap().sdp;
    b.set_remote(&offer(format!("{sdp}{AUDIO}"))).unwrap();
    b.local_answer();
    b.jsep.want_data();
    let next: Session = b.offer(false).unwrap().sdp.parse().unwrap();
    assert_eq!(next.media.len(), 1);
    assert!(next.media[0].is_data_channel());
    assert_eq!(next.media[0].mid().unwrap(), &"0");
}

#[test]
fn data_taken_away_ends_the_transport() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let sdp = with(&a.offer(false).unwrap().sdp, "m=application 9", "m=application 0");
    b.set_remote(&offer(with(&sdp, "a=group:BUNDLE 0\r\n", ""))).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    assert_eq!(answered.media[0].line.port, 0);
    assert_eq!(b.transport, None);
    assert_eq!(answered.bundle_groups().count(), 0);
}

#[test]
fn rejected_data_is_not_asked_for_over_and_over() {
    let (mut a, _) = pair();
    let offered = a.local_offer(false);
    let refusal = with(&offered.sdp, "m=application 9", "m=application 0");
    a.set_remote(&answer(with(&refusal, "a=group:BUNDLE 0\r\n", ""))).unwrap();
    assert_eq!((a.jsep.state(), &a.transport), (SignalingState::Stable, &None));
    assert!(!a.jsep.negotiation_needed());
}

#[test]
fn message_size_limits_are_read_as_rfc_8841_says() {
    for (line, expected) in [
        ("", Some(65_536)),
        ("a=max-message-size:0\r\n", None),
        ("a=max-message-size:1073741823\r\n", Some(1_073_741_823)),
    ] {
        let (mut a, mut b) = pair();
        let sdp = with(&a.offer(false).unwrap().sdp, "a=max-message-size:262144\r\n", line);
        b.set_remote(&offer(sdp)).unwrap();
        b.local_answer();
        assert_eq!(b.transport().sctp.max_message_size, expected);
    }
}

#[test]
fn offers_of_old_drafts_are_answered_in_kind() {
    let (mut a, mut b) = pair();
    let sdp = a.offer(false).unwrap().sdp;
    let sdp = with(&sdp, "UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5001");
    let sdp = with(&sdp, "a=sctp-port:5000", "a=sctpmap:5001 webrtc-datachannel 1024");
    b.set_remote(&offer(sdp)).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    let data = &answered.media[0];
    assert_eq!(data.line.to_string(), "application 9 DTLS/SCTP 5000");
    assert_eq!(data.attributes.sctpmap().unwrap().port, 5000);
    assert!(!data.attributes.has("sctp-port"));
    assert_eq!(b.transport().sctp.remote_port, 5001);
    let next: Session = b.offer(false).unwrap().sdp.parse().unwrap();
    assert_eq!(next.media[0].line, data.line, "the form stays in our own offers");
}

#[test]
fn offers_without_what_a_transport_needs_are_refused_and_nothing_changes() {
    type Case = (&'static str, fn(&str) -> String, DescriptionError);
    let broken: [Case; 6] = [
        ("a=ice-ufrag", |_| String::new(), DescriptionError::NoIce(0)),
        ("a=ice-pwd", |_| String::new(), DescriptionError::NoIce(0)),
        ("a=fingerprint", |_| String::new(), DescriptionError::NoFingerprint(0)),
        (
            "a=setup",
            |_| "a=setup:holdconn\r\n".into(),
            DescriptionError::Setup { section: 0, setup: Setup::Holdconn },
        ),
        (
            "a=group",
            |_| "a=group:BUNDLE 0 9\r\n".into(),
            DescriptionError::UnknownBundleMid("9".into()),
        ),
        ("a=mid", |_| String::new(), DescriptionError::UnknownBundleMid("0".into())),
    ];
    for (start, change, expected) in broken {
        let (mut a, mut b) = pair();
        let lines = a.offer(false).unwrap().sdp;
        let changed: String = lines
            .split_inclusive("\r\n")
            .map(|line| if line.starts_with(start) { change(line) } else { line.to_owned() })
            .collect();
        let error = b.set_remote(&offer(changed)).unwrap_err();
        assert_eq!((error.name(), error), ("InvalidAccessError", Error::Description(expected)));
        assert_eq!(b.jsep.state(), SignalingState::Stable);
        assert_eq!(b.jsep.remote_description(), None);
    }
}

#[test]
fn text_that_is_no_description_is_refused_with_its_line() {
    let (mut a, mut b) = pair();
    let sdp = with(&a.offer(false).unwrap().sdp, "setup:actpass", "setup:both");
    let error = b.set_remote(&offer(sdp)).unwrap_err();
    assert_eq!(error.name(), "OperationError");
    assert_eq!(
        error.to_string(),
        "parse SDP line 13, column 9: expected active, passive, actpass or holdconn"
    );
}

#[test]
fn section_without_mid_or_group_is_answered_without() {
    let (mut a, mut b) = pair();
    let sdp = with(&a.offer(false).unwrap().sdp, "a=group:BUNDLE 0\r\n", "");
    b.set_remote(&offer(with(&sdp, "a=mid:0\r\n", ""))).unwrap();
    let answered: Session = b.local_answer().sdp.parse().unwrap();
    assert_eq!((answered.media[0].mid(), answered.bundle_groups().count()), (None, 0));
    assert_eq!(b.transport().mid, None);
}

#[test]
fn sections_of_a_next_offer_stay_where_and_what_they_are() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let sdp = a.offer(false).unwrap().sdp;
    let head = sdp.split_once("m=").unwrap().0;
    let cases = [
        (
            with(head, "a=group:BUNDLE 0\r\n", ""),
            DescriptionError::SectionCount { expected: 1, found: 0 },
        ),
        (with(&sdp, ":0", ":7").replace("BUNDLE 0", "BUNDLE 7"), DescriptionError::MidChanged(0)),
        (
            with(&with(head, "BUNDLE 0", "BUNDLE x"), "s=", "s=") + AUDIO,
            DescriptionError::SectionChanged(0),
        ),
    ];
    for (sdp, expected) in cases {
        let before = b.jsep.remote_description();
        assert_eq!(b.set_remote(&offer(sdp)), Err(Error::Description(expected)));
        assert_eq!(b.jsep.remote_description(), before);
    }
}

#[test]
fn answers_have_to_match_the_offer() {
    type Change = fn(&str) -> String;
    let cases: [(Change, DescriptionError); 7] = [
        (
            |sdp| with(sdp, "setup:active", "setup:actpass"),
            DescriptionError::Setup { section: 0, setup: Setup::Actpass },
        ),
        (|sdp| with(sdp, "UDP/DTLS", "TCP/DTLS"), DescriptionError::SectionChanged(0)),
        (|sdp| with(sdp, "mid:0", "mid:1"), DescriptionError::MidChanged(0)),
        (|sdp| with(sdp, "BUNDLE 0", "BUNDLE 1"), DescriptionError::UnknownBundleMid("1".into())),
        (|sdp| format!("{sdp}{AUDIO}"), DescriptionError::SectionCount { expected: 1, found: 2 }),
        (|sdp| with(sdp, "a=fingerprint", "a=x-fingerprint"), DescriptionError::NoFingerprint(0)),
        (|sdp| with(sdp, "a=ice-ufrag", "a=x-ice-ufrag"), DescriptionError::NoIce(0)),
    ];
    for (change, expected) in cases {
        let (mut a, mut b) = pair();
        let offered = a.local_offer(false);
        b.set_remote(&offered).unwrap();
        let good = b.local_answer();
        let error = a.set_remote(&answer(change(&good.sdp))).unwrap_err();
        assert_eq!((error.name(), &error), ("InvalidAccessError", &expected.into()));
        assert_eq!(a.jsep.state(), SignalingState::HaveLocalOffer);
        a.set_remote(&good).unwrap();
    }
}

#[test]
fn refused_offer_does_not_undo_the_rollback_it_caused() {
    let (mut a, mut b) = pair();
    a.local_offer(false);
    b.jsep.want_data();
    let theirs = with(&b.offer(false).unwrap().sdp, "a=fingerprint", "a=x-fingerprint");
    assert!(a.set_remote(&offer(theirs)).is_err());
    assert_eq!(a.states, [SignalingState::HaveLocalOffer, SignalingState::Stable]);
    assert_eq!(a.jsep.local_description(), None);
}
