//! RFC 9260 §5.

use rtcspec_wire::sctp::{Cause, Init, Parameter, ParameterType, Tsn, VerificationTag};

use super::super::{Closed, State};
use super::*;

#[test]
fn four_way_handshake_carries_data_with_the_cookie() {
    let config = Config { interleaving: false, ..Config::default() };
    let mut pair = Pair::new(config.clone(), config);
    pair.a.connect(pair.now);
    pair.send_a(1, b"open", Reliability::RELIABLE);
    pair.run(MS * 50);
    assert_eq!(
        pair.packets(From::A),
        [vec![ChunkType::INIT], vec![ChunkType::COOKIE_ECHO, ChunkType::DATA]]
    );
    assert_eq!(
        pair.packets(From::B)[..2],
        [vec![ChunkType::INIT_ACK], vec![ChunkType::COOKIE_ACK]]
    );
    assert_eq!(pair.events_a, [Event::Connected]);
    assert_eq!(pair.events_b[0], Event::Connected);
    assert_eq!(pair.messages_at_b()[0].data, b"open");
}

#[test]
fn answer_to_early_data_travels_with_the_cookie_ack() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.a.connect(pair.now);
    pair.send_a(1, b"open", Reliability::RELIABLE);
    for _ in 0..3 {
        pair.flush();
        pair.arrive();
    }
    // B's application answers before anything left.
    pair.b
        .send(pair.now, StreamId(1), Ppid::DCEP, vec![2], Reliability::RELIABLE)
        .expect("established");
    pair.flush();
    let last = pair.packets(From::B).pop();
    assert_eq!(last, Some(vec![ChunkType::COOKIE_ACK, ChunkType::SACK, ChunkType::I_DATA]));
}

#[test]
fn nothing_follows_the_cookie_echo_before_its_answer() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.link = losing(From::B, ChunkType::COOKIE_ACK, 1);
    pair.a.connect(pair.now);
    pair.run(MS * 50);
    pair.send_a(1, b"late", Reliability::RELIABLE);
    pair.run(MS * 200);
    assert_eq!(pair.packets(From::A).len(), 2);
    pair.run(SECOND * 2);
    assert!(pair.a.is_established());
    assert_eq!(pair.messages_at_b().len(), 1);
}

#[test]
fn lost_packets_of_the_handshake_are_sent_again_after_rto() {
    for (side, chunk) in [
        (From::A, ChunkType::INIT),
        (From::B, ChunkType::INIT_ACK),
        (From::A, ChunkType::COOKIE_ECHO),
        (From::B, ChunkType::COOKIE_ACK),
    ] {
        let mut pair = Pair::new(Config::default(), Config::default());
        pair.link = losing(side, chunk, 2);
        pair.a.connect(pair.now);
        pair.send_a(1, b"x", Reliability::RELIABLE);
        // 1 s, then 2 s.
        pair.run(SECOND * 2);
        assert!(!pair.a.is_established(), "{chunk}");
        pair.run(SECOND * 2);
        assert!(pair.a.is_established() && pair.b.is_established(), "{chunk}");
        assert_eq!(pair.messages_at_b().len(), 1, "{chunk}");
    }
}

#[test]
fn handshake_gives_up_after_its_retransmissions() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.link = Box::new(|_, _| vec![]);
    pair.a.connect(pair.now);
    pair.run(SECOND * 600);
    assert_eq!(pair.packets(From::A).len(), 9);
    assert_eq!(pair.events_a, [Event::Closed(Closed::Unreachable)]);
    assert_eq!(pair.a.wake(), None);
}

#[test]
fn both_sides_connecting_at_once_make_one_association() {
    for delay in [1, 5, 15, 25, 35] {
        let mut pair = Pair::new(Config::default(), Config::default());
        pair.a.connect(pair.now);
        pair.send_a(1, b"from a", Reliability::RELIABLE);
        pair.run(MS * delay);
        pair.b.connect(pair.now);
        pair.run(SECOND * 5);
        assert_eq!(pair.a.state(), State::Established);
        assert_eq!(pair.b.state(), State::Established);
        assert_eq!(pair.a.peer.tag, pair.b.local.tag);
        assert_eq!(pair.b.peer.tag, pair.a.local.tag);
        pair.b
            .send(pair.now, StreamId(2), Ppid::STRING, b"from b".to_vec(), Reliability::RELIABLE)
            .expect("established");
        pair.run(SECOND);
        assert_eq!(pair.messages_at_b().len(), 1, "delay {delay}");
        assert_eq!(messages(&pair.events_a).len(), 1, "delay {delay}");
        assert_eq!(pair.events_a.iter().filter(|e| **e == Event::Connected).count(), 1);
    }
}

/// rtc 0.21 does not answer an INIT once it has sent its COOKIE ECHO, although RFC 9260 §5.2.1
/// asks for it.
#[test]
fn cookie_of_a_peer_that_ignores_our_later_init_is_taken() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.link = losing(From::B, ChunkType::INIT, usize::MAX);
    pair.a.connect(pair.now);
    pair.flush();
    pair.arrive();
    pair.flush();
    assert_eq!(pair.packets(From::B), [vec![ChunkType::INIT_ACK]]);
    pair.b.connect(pair.now);
    pair.run(MS * 100);
    assert!(pair.a.is_established() && pair.b.is_established());
}

#[test]
fn another_association_has_another_tag() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.a.connect(pair.now);
    pair.run(MS * 100);
    let tag = pair.a.local.tag;
    pair.a.abort(pair.now, Cause::UserInitiatedAbort(Vec::new()));
    pair.a.connect(pair.now);
    assert_ne!(pair.a.local.tag, tag);
}

#[test]
fn late_init_is_answered_with_a_new_tag_and_changes_nothing() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.a.connect(pair.now);
    pair.flush();
    let init = pair.under_way.values().next().expect("the INIT").1.clone();
    pair.run(MS * 100);
    let (tag, state) = (pair.b.local.tag, pair.b.state());
    pair.log.clear();
    pair.b.receive(pair.now, &init);
    pair.flush();
    let (_, _, packet) = &pair.log[0];
    let Chunk::InitAck(ack) = &packet.chunks[0] else { panic!("{packet:?}") };
    assert_ne!(ack.initiate_tag, tag);
    assert_eq!((pair.b.local.tag, pair.b.state()), (tag, state));
    pair.send_a(1, b"still here", Reliability::RELIABLE);
    pair.run(SECOND);
    assert_eq!(pair.messages_at_b().len(), 1);
}

#[test]
fn repeated_cookie_echo_is_acknowledged_again() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.a.connect(pair.now);
    pair.run(MS * 15);
    pair.flush();
    pair.run(MS * 6);
    let echo = pair.under_way.values().next().expect("the COOKIE ECHO").1.clone();
    pair.run(SECOND);
    pair.log.clear();
    pair.b.receive(pair.now, &echo);
    pair.flush();
    assert_eq!(pair.packets(From::B), [vec![ChunkType::COOKIE_ACK]]);
    assert_eq!(pair.events_b, [Event::Connected]);
}

#[test]
fn restarted_peer_is_recognised_by_its_tie_tags() {
    let mut pair = Pair::connected(Config::default(), Config::default());
    let mut reborn = Association::new(Config::default(), Rng::new(99));
    reborn.connect(pair.now);
    pair.a = reborn;
    pair.run(SECOND);
    assert!(pair.a.is_established());
    assert_eq!(pair.events_b, [Event::Restarted, Event::Connected]);
    pair.send_a(1, b"again", Reliability::RELIABLE);
    pair.run(SECOND);
    assert_eq!(pair.messages_at_b().len(), 1);
}

#[test]
fn stale_cookie_is_reported_and_a_longer_life_asked_for() {
    let short = Config { cookie_life: MS, ..Config::default() };
    let mut pair = Pair::new(Config::default(), short);
    pair.a.connect(pair.now);
    pair.run(MS * 45);
    let types_of_b = pair.packets(From::B);
    assert_eq!(types_of_b[1], [ChunkType::ERROR]);
    let again = pair.log.iter().filter(|(_, side, _)| *side == From::A).nth(2).expect("an INIT");
    let Chunk::Init(init) = &again.2.chunks[0] else { panic!("{again:?}") };
    let asks = |p: &Parameter| matches!(p, Parameter::CookiePreservative(_));
    assert!(init.parameters.iter().any(asks), "{init:?}");
}

fn init_with(parameters: Vec<Parameter>) -> Chunk {
    Chunk::Init(Init {
        initiate_tag: VerificationTag(77),
        a_rwnd: 100_000,
        outbound_streams: 10,
        inbound_streams: 10,
        initial_tsn: Tsn(5),
        parameters,
    })
}

fn answer_to(init: Chunk, tag: u32) -> Option<Packet> {
    let mut b = Association::new(Config::default(), Rng::new(5));
    let packet = Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: VerificationTag(tag),
        chunks: vec![init],
    };
    b.receive(Duration::ZERO, &packet.encode(Checksum::Crc32c).expect("it fits"));
    b.poll_transmit()
}

#[test]
fn init_with_a_tag_in_its_packet_is_not_answered() {
    assert!(answer_to(init_with(vec![]), 0).is_some());
    assert_eq!(answer_to(init_with(vec![]), 4), None);
}

#[test]
fn init_without_streams_is_refused_and_one_without_tag_ignored() {
    let change = |edit: fn(&mut Init)| {
        let Chunk::Init(mut init) = init_with(vec![]) else { unreachable!("an INIT") };
        edit(&mut init);
        answer_to(Chunk::Init(init), 0)
    };
    assert_eq!(change(|init| init.initiate_tag = VerificationTag::ZERO), None);
    for edit in [
        (|init: &mut Init| init.outbound_streams = 0) as fn(&mut Init),
        |init| init.inbound_streams = 0,
        |init| init.a_rwnd = 1499,
    ] {
        let answer = change(edit).expect("an ABORT");
        assert_eq!(types(&answer), [ChunkType::ABORT]);
        assert_eq!(answer.verification_tag, VerificationTag(77));
    }
}

#[test]
fn unknown_parameters_are_treated_by_their_high_bits() {
    let unknown = |number: u16| Parameter::Other {
        parameter_type: ParameterType(number),
        value: vec![1, 2, 3],
    };
    for (number, reported, goes_on) in
        [(0x0f00, false, false), (0x4f00, true, false), (0x8f00, false, true), (0xcf00, true, true)]
    {
        let second = unknown(0xcf01);
        let answer = answer_to(init_with(vec![unknown(number), second]), 0).expect("an INIT ACK");
        let Chunk::InitAck(ack) = &answer.chunks[0] else { panic!("{answer:?}") };
        let reports: Vec<u16> = ack
            .parameters
            .iter()
            .filter_map(|parameter| match parameter {
                Parameter::UnrecognizedParameter(bytes) => {
                    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
                }
                _ => None,
            })
            .collect();
        let mut expected = vec![];
        expected.extend(reported.then_some(number));
        expected.extend(goes_on.then_some(0xcf01));
        assert_eq!(reports, expected, "{number:#06x}");
    }
}

/// Found by the fuzz target `sctp_assoc`.
#[test]
fn reports_of_unknown_parameters_are_left_out_where_the_packet_ends() {
    let parameter_type = ParameterType(0xcf00);
    let long = Parameter::Other { parameter_type, value: vec![0; 700] };
    let answer = answer_to(init_with(vec![long.clone(), long]), 0).expect("an INIT ACK");
    let length = answer.encode(Checksum::Crc32c).expect("it can be written").len();
    assert!((700..=1200).contains(&length), "{length} bytes");
}

#[test]
fn supported_address_types_and_addresses_do_not_stop_an_init() {
    let parameters = vec![
        Parameter::SupportedAddressTypes(vec![5, 6]),
        Parameter::Ipv4Address([10, 0, 0, 1].into()),
        Parameter::ZeroChecksumAcceptable(1),
    ];
    let answer = answer_to(init_with(parameters), 0).expect("an INIT ACK");
    assert_eq!(types(&answer), [ChunkType::INIT_ACK]);
}

#[test]
fn host_name_is_refused_as_unresolvable() {
    let name = Parameter::Other {
        parameter_type: ParameterType::HOST_NAME_ADDRESS,
        value: b"peer.test\0".to_vec(),
    };
    let answer = answer_to(init_with(vec![name]), 0).expect("an ABORT");
    let Chunk::Abort(abort) = &answer.chunks[0] else { panic!("{answer:?}") };
    assert!(matches!(abort.causes[..], [Cause::UnresolvableAddress(_)]));
}

#[test]
fn init_ack_without_cookie_ends_the_handshake() {
    let mut a = Association::new(Config::default(), Rng::new(5));
    a.connect(Duration::ZERO);
    a.poll_transmit();
    let Chunk::Init(init) = init_with(vec![]) else { unreachable!("an INIT") };
    let packet = Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: a.local.tag,
        chunks: vec![Chunk::InitAck(init)],
    };
    a.receive(MS, &packet.encode(Checksum::Crc32c).expect("it fits"));
    let cause = Cause::MissingMandatoryParameter(vec![ParameterType::STATE_COOKIE]);
    assert_eq!(a.poll_event(), Some(Event::Closed(Closed::Violation(cause))));
    assert_eq!(types(&a.poll_transmit().expect("an ABORT")), [ChunkType::ABORT]);
}

#[test]
fn init_ack_without_a_tag_is_answered_with_the_tag_of_its_own_packet() {
    // RFC 9260 §3.3.3, §8.5.1 B.
    let mut a = Association::new(Config::default(), Rng::new(5));
    a.connect(Duration::ZERO);
    a.poll_transmit();
    let tag = a.local.tag;
    let Chunk::Init(init) = init_with(vec![Parameter::StateCookie(vec![1])]) else {
        unreachable!("an INIT")
    };
    let packet = Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: tag,
        chunks: vec![Chunk::InitAck(Init { initiate_tag: VerificationTag::ZERO, ..init })],
    };
    a.receive(MS, &packet.encode(Checksum::Crc32c).expect("it fits"));
    let answer = a.poll_transmit().expect("an ABORT");
    let Chunk::Abort(abort) = &answer.chunks[0] else { panic!("{answer:?}") };
    assert_eq!((answer.verification_tag, abort.reflected_tag), (tag, true));
    assert_eq!(a.state(), State::Closed);
}

#[test]
fn zero_checksum_is_used_where_both_declared_it_and_never_for_the_handshake() {
    for (a_declares, b_declares) in [(true, true), (true, false), (false, true)] {
        let config = |zero_checksum| Config { zero_checksum, ..Config::default() };
        let mut pair = Pair::new(config(a_declares), config(b_declares));
        pair.a.connect(pair.now);
        pair.run(SECOND);
        pair.send_a(1, b"x", Reliability::RELIABLE);
        pair.flush();
        for (_, from, packet) in &pair.log {
            let side = if *from == From::A { &pair.a } else { &pair.b };
            let early = matches!(
                packet.chunks[0],
                Chunk::Init(_) | Chunk::InitAck(_) | Chunk::CookieEcho(_)
            );
            let zero = side.checksum_for(packet) == Checksum::Zero;
            assert_eq!(zero, a_declares && b_declares && !early, "{packet:?}");
        }
    }
}

#[test]
fn zero_checksum_nobody_declared_is_dropped() {
    let strict = Config { zero_checksum: false, ..Config::default() };
    let mut pair = Pair::connected(Config::default(), strict);
    pair.send_a(1, b"x", Reliability::RELIABLE);
    let packet = pair.a.poll_transmit().expect("data");
    pair.b.receive(pair.now, &packet.encode(Checksum::Zero).expect("it fits"));
    pair.flush();
    assert!(pair.messages_at_b().is_empty());
    pair.b.receive(pair.now, &packet.encode(Checksum::Crc32c).expect("it fits"));
    pair.flush();
    assert_eq!(pair.messages_at_b().len(), 1);
}
