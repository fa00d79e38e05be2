//! What the observer says of real sessions beyond counts: who, whose password, which certificate.

#[allow(dead_code, reason = "the figures are for another test")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{
    Announced, DtlsRole, Integrity, Kind, Observer, Protection, Purpose, Sealed, Seen, Side, Tag,
    Unopeneds,
};
use rtcspec_trace::{Carrier, SignalBody};
use rtcspec_wire::dtls::ProtocolVersion;
use rtcspec_wire::sctp::Ppid;
use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Fingerprint, Message, Method, Seal, TransactionId,
};

fn capture(name: &str) -> common::Capture {
    common::all().into_iter().find(|one| one.name == name).expect("it is in the corpus")
}

/// Sessions whose description tells the passwords of both ends.
fn signalled() -> Vec<common::Capture> {
    common::all().into_iter().filter(|one| one.signals.len() == 2).collect()
}

#[test]
fn every_check_is_signed_with_the_password_of_its_receiver() {
    let mut verified = 0;
    for capture in signalled() {
        let mut observer = capture.observer();
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |event| {
                let Kind::Stun(stun) = event.kind else { return };
                if stun.purpose != Purpose::Check {
                    return;
                }
                let name = &capture.name;
                assert_eq!(stun.fingerprint, Fingerprint::Valid, "{name} {}", event.number);
                let transaction = stun.transaction.expect("its own, or its request's");
                assert!(transaction.same_bytes, "{name} {}", event.number);
                let ty = stun.view.message_type();
                let is_request = ty.is_some_and(|ty| ty.class == Class::Request);
                let receiver = if is_request { event.from.other() } else { event.from };
                let expected = Integrity::Verified { key: receiver };
                assert_eq!(stun.integrity, expected, "{name} {}", event.number);
                assert_ne!(event.from, Side::Unknown, "{name} {}", event.number);
                if !is_request {
                    assert_eq!(transaction.path.reversed(), event.inner, "{name} {}", event.number);
                }
                verified += 1;
            });
        }
    }
    assert!(verified > 100, "{verified} checks");
}

#[test]
fn certificates_are_those_that_were_announced_and_roles_are_those_of_the_hellos() {
    let mut seen = 0;
    for capture in signalled() {
        let mut observer = capture.observer();
        let mut ready = 0;
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |event| match event.kind {
                Kind::Certificate(certificate) => {
                    assert_eq!(certificate.announced, Announced::Match, "{}", capture.name);
                    seen += 1;
                }
                Kind::DtlsReady(it) => {
                    ready += 1;
                    assert_ne!(it.client, Side::Unknown);
                    let is_13 = it.version == ProtocolVersion::DTLS_1_3;
                    assert_eq!(is_13, capture.verified.contains("DTLS 1.3"), "{}", capture.name);
                    let suite = format!("suite {:#06x}", it.suite.0);
                    assert!(capture.verified.contains(&suite), "{}: {suite}", capture.name);
                    assert_eq!(it.has_secret, !capture.keys.is_empty(), "{}", capture.name);
                }
                Kind::Handshake(handshake) => assert_eq!(handshake.fault, None),
                _ => {}
            });
        }
        let fails = capture.name == "gst-aiortc-FAIL";
        assert_eq!(ready, u32::from(!fails), "{}", capture.name);
    }
    assert!(seen > 30, "{seen} certificates");
}

#[test]
fn messages_are_those_that_were_sent_whichever_way_they_went() {
    for name in [
        "pion-pion",
        "firefox-firefox",
        "chromium-firefox",
        "nat-sym-chromium-aiortc-turn",
        "nat-sym-aiortc-chromium-turn",
        "nat-sym-pion-chromium-turn",
    ] {
        let capture = capture(name);
        let mut observer = capture.observer();
        let mut lengths: BTreeMap<Side, Vec<u64>> = BTreeMap::new();
        let (mut relayed, mut opens) = (0, Vec::new());
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |event| match event.kind {
                Kind::Message(message) => {
                    assert!(message.is_whole());
                    assert_eq!(message.interleaved, name == "firefox-firefox");
                    relayed += u32::from(event.relay.is_some());
                    if message.ppid != Ppid::DCEP {
                        lengths.entry(event.from).or_default().push(message.length);
                    }
                }
                Kind::Dcep(dcep) => opens.push((event.from, dcep.role)),
                Kind::Sctp(packet) => {
                    assert!(packet.checksum.is_correct() || packet.zero_checksum_accepted);
                    assert!(matches!(packet.tag, Tag::Receiver | Tag::Zero), "{:?}", packet.tag);
                }
                Kind::Opaque(opaque) => panic!("{name} {}: {}", event.number, opaque.why),
                _ => {}
            });
        }
        // hello, three texts, 6 and 20000 bytes, an empty text as one byte (RFC 8831 §6.6).
        let a = &lengths[&Side::A];
        assert_eq!((a.len(), a[4], a[5], a[6]), (7, 6, 20_000, 1), "{name}: {a:?}");
        let b = &lengths[&Side::B];
        assert_eq!((b.len(), b[1], b[2]), (3, 4, 5000), "{name}: {b:?}");
        assert_eq!(relayed > 0, name == "nat-sym-chromium-aiortc-turn", "{name}: {relayed}");
        let roles: BTreeSet<Option<DtlsRole>> = opens.iter().map(|(_, role)| *role).collect();
        assert!(!roles.contains(&None), "{name}: {opens:?}");
        assert_eq!(opens.first().map(|(from, _)| *from), Some(Side::A), "{name}");
    }
}

#[test]
fn media_is_numbered_and_its_headers_are_read() {
    for name in ["chromium-aiortc-av", "firefox-aiortc-av"] {
        let capture = capture(name);
        let mut observer = capture.observer();
        let (mut extensions, mut reports) = (0, 0);
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |event| match event.kind {
                Kind::Rtp(rtp) => {
                    let packet = rtp.packet.expect("valid");
                    let Protection::Authenticated { index, replayed } = rtp.protection else {
                        panic!("{:?}", rtp.protection);
                    };
                    let sequence = u64::from(packet.sequence_number().0);
                    assert_eq!((index & 0xffff, replayed), (sequence, false));
                    let elements = packet.extension().map(|found| found.elements().count());
                    extensions += elements.unwrap_or_default();
                }
                Kind::Rtcp(rtcp) => {
                    assert_eq!(rtcp.encrypted, Some(true));
                    assert!(rtcp.packets().all(|packet| packet.is_ok()));
                    reports += rtcp.packets().count();
                }
                _ => {}
            });
        }
        assert!(extensions > 100 && reports >= 9, "{name}: {extensions} {reports}");
    }
}

#[test]
fn without_keys_the_rest_is_still_said_and_why_not_more() {
    let capture = capture("chromium-chromium-av");
    let mut observer = capture.observer();
    let (mut media, mut hello) = (0, 0);
    for datagram in &capture.datagrams {
        observer.seen(&datagram.seen(), &mut |event| match event.kind {
            Kind::Rtp(rtp) => {
                media += u32::from(rtp.view.ssrc().is_some());
                assert_eq!(rtp.protection, Protection::NoKeys);
            }
            Kind::Handshake(handshake) => hello += u32::from(handshake.message.is_some()),
            _ => {}
        });
    }
    assert!(media > 250 && hello >= 2, "{media} {hello}");
    let summary = observer.finish();
    let closed: Vec<_> =
        summary.by_flow.iter().filter(|flow| flow.protected.is_partly_closed()).collect();
    assert_eq!(closed.len(), 1);
    let why = closed[0].protected.why.expect("a reason").to_string();
    assert_eq!(why, "no secret for this connection");
}

#[test]
fn what_stays_closed_is_said_for_each_direction_and_epoch() {
    let capture = capture("chromium-chromium-av");
    let mut observer = capture.observer();
    let mut closed = Unopeneds::default();
    for datagram in &capture.datagrams {
        observer.seen(&datagram.seen(), &mut |event| closed.hear(event));
    }
    let (list, more) = closed.list();
    assert_eq!(more, 0);
    let protected = observer.finish().totals.protected;
    let sum = |is: fn(Sealed) -> bool| -> u64 {
        list.iter().filter(|one| is(one.what)).map(|one| one.count).sum()
    };
    let records = sum(|what| matches!(what, Sealed::Records { epoch } if epoch > 0));
    assert_eq!(records, protected.records.without_key);
    assert_eq!(sum(|what| what == Sealed::Srtp), protected.rtp.without_key);
    assert_eq!(sum(|what| what == Sealed::Srtcp), protected.rtcp.without_key);
    let ways: BTreeSet<_> = list.iter().map(|one| one.path.source).collect();
    assert_eq!(ways.len(), 2, "both directions: {list:?}");
    let first = list.first().expect("something stays closed").to_string();
    assert!(first.contains(" > ") && first.contains(" from frame "), "{first}");
    assert!(first.ends_with(": no secret for this connection"), "{first}");
}

#[test]
fn an_observer_shows_none_of_its_secrets() {
    let capture = capture("pion-pion");
    let mut observer = capture.observer();
    for datagram in &capture.datagrams {
        observer.seen(&datagram.seen(), &mut |_| {});
    }
    let shown = format!("{observer:?}");
    assert!(shown.contains("KeyLog(") && shown.len() < 3000, "{shown}");
    let secret = capture.keys.split_whitespace().nth(2).expect("a secret").to_owned();
    let bytes = (0..4).map(|at| u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).expect("hex"));
    let bytes: Vec<String> = bytes.map(|byte| byte.to_string()).collect();
    assert!(!shown.contains(&secret[..16]) && !shown.contains(&bytes.join(", ")), "{shown}");
    let password = capture.signals.iter().find_map(|signal| match &signal.body {
        SignalBody::Description { sdp, .. } => {
            sdp.lines().find_map(|line| line.strip_prefix("a=ice-pwd:").map(str::to_owned))
        }
        SignalBody::Candidate { .. } => None,
    });
    assert!(!shown.contains(&password.expect("a password")), "{shown}");
}

fn seen<'a>(
    number: u64,
    source: SocketAddr,
    destination: SocketAddr,
    payload: &'a [u8],
) -> Seen<'a> {
    Seen { number, at: Duration::ZERO, carrier: Carrier::Udp, source, destination, payload }
}

#[test]
fn a_dtls_packet_in_a_check_is_read() {
    let capture = capture("pion-pion");
    let hello = capture.datagrams.iter().find(|one| one.payload.first() == Some(&22));
    let hello = &hello.expect("a handshake").payload;
    let check = |bytes: &[u8]| {
        let ty = AttributeType::META_DTLS_IN_STUN;
        Message::request(Method::BINDING, TransactionId([9; 12]))
            .with(Attribute::Username("b:a".into()))
            .with(Attribute::Unknown { ty, bytes: bytes.to_vec() })
            .encode(&Seal::none().fingerprint())
            .expect("it fits")
    };
    let (a, b) = (([192, 0, 2, 1], 1).into(), ([192, 0, 2, 2], 2).into());
    let mut found = Vec::new();
    let mut observer = Observer::new();
    observer.seen(&seen(1, a, b, &check(b"")), &mut |event| assert!(!event.in_stun));
    observer.seen(&seen(2, a, b, &check(hello)), &mut |event| {
        if let (true, Kind::Handshake(handshake)) = (event.in_stun, event.kind) {
            found.push((event.connection.map(|id| id.0), handshake.msg_type.to_string()));
        }
    });
    assert_eq!(found, [(Some(1), "ClientHello".to_owned())]);
}

#[test]
fn connections_are_told_apart_by_their_ufrags_and_a_restart_stays_in_its_own() {
    let check = |username: &str, id: u8| {
        Message::request(Method::BINDING, TransactionId([id; 12]))
            .with(Attribute::Username(username.into()))
            .with(Attribute::IceControlling(7))
            .encode(&Seal::none().fingerprint())
            .expect("it fits")
    };
    let at = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
    let mut observer = Observer::new();
    let mut of = |seconds: u64, source: u16, destination: u16, username: &str| {
        let bytes = check(username, u8::try_from(seconds).expect("short"));
        let mut id = None;
        let seen = seen(1, at(source), at(destination), &bytes);
        let seen = Seen { at: Duration::from_secs(seconds), ..seen };
        observer.seen(&seen, &mut |event| id = event.connection.map(|id| (id.0, event.from)));
        id.expect("a connection")
    };
    assert_eq!(of(0, 1, 2, "bbbb:aaaa"), (1, Side::A));
    assert_eq!(of(1, 2, 1, "aaaa:bbbb"), (1, Side::B));
    assert_eq!(of(2, 3, 4, "dddd:cccc"), (2, Side::A));
    assert_eq!(of(3, 5, 6, "aaaa:bbbb"), (1, Side::B));
    // A restart on a live 5-tuple, and the same ports used again much later.
    assert_eq!(of(20, 2, 1, "eeee:ffff"), (1, Side::B));
    assert_eq!(of(90, 2, 1, "gggg:hhhh"), (3, Side::A));
}
