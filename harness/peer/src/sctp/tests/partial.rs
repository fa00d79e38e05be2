//! RFC 3758, RFC 7496, RFC 8260 §2.3.

use super::*;

const ONCE: Reliability = Reliability { ordered: true, max_retransmits: Some(0), lifetime: None };

fn both(interleaving: bool) -> Pair {
    let config = Config { interleaving, ..Config::default() };
    Pair::connected(config.clone(), config)
}

fn forward_type(interleaving: bool) -> ChunkType {
    if interleaving { ChunkType::I_FORWARD_TSN } else { ChunkType::FORWARD_TSN }
}

fn data_type(interleaving: bool) -> ChunkType {
    if interleaving { ChunkType::I_DATA } else { ChunkType::DATA }
}

#[test]
fn limit_zero_without_loss_delivers_and_forwards_nothing() {
    // pion/sctp #505, sctp-proto #57.
    for interleaving in [false, true] {
        let mut pair = both(interleaving);
        for n in 0..50 {
            pair.send_a(1, &[n; 2000], ONCE);
        }
        pair.run(SECOND * 5);
        assert_eq!(pair.messages_at_b().len(), 50);
        let all = pair.packets(From::A);
        assert!(all.iter().flatten().all(|chunk| *chunk != forward_type(interleaving)));
    }
}

#[test]
fn limit_zero_gives_up_a_lost_message_and_the_stream_goes_on() {
    for interleaving in [false, true] {
        let mut pair = both(interleaving);
        pair.link = losing(From::A, data_type(interleaving), 1);
        pair.send_a(1, b"lost", ONCE);
        pair.flush();
        for text in [b"two", b"thr", b"fou"] {
            pair.send_a(1, text, ONCE);
            pair.flush();
        }
        pair.run(SECOND * 3);
        let texts: Vec<&[u8]> = pair.messages_at_b().iter().map(|m| m.data.as_slice()).collect();
        assert_eq!(texts, [b"two", b"thr", b"fou"]);
        assert!(pair.packets(From::A).concat().contains(&forward_type(interleaving)));
        assert!(pair.a.is_drained());
    }
}

#[test]
fn limit_of_two_retransmissions_sends_three_times() {
    let mut pair = both(false);
    pair.link = losing(From::A, ChunkType::DATA, 100);
    pair.send_a(1, b"x", Reliability { max_retransmits: Some(2), ..Reliability::RELIABLE });
    pair.run(SECOND * 30);
    let data = pair.packets(From::A).iter().filter(|p| p.contains(&ChunkType::DATA)).count();
    assert_eq!(data, 3);
    assert!(pair.a.is_drained() && pair.a.is_established());
}

#[test]
fn lifetime_ends_retransmission() {
    let mut pair = both(false);
    pair.link = losing(From::A, ChunkType::DATA, 100);
    let short = Reliability { lifetime: Some(MS * 100), ..Reliability::RELIABLE };
    pair.send_a(1, b"x", short);
    pair.run(SECOND * 30);
    let data = pair.packets(From::A).iter().filter(|p| p.contains(&ChunkType::DATA)).count();
    assert_eq!(data, 1);
    assert!(pair.a.is_drained());
}

#[test]
fn lost_forward_tsn_is_sent_again() {
    let mut pair = both(false);
    let mut forwards = 0;
    pair.link = Box::new(move |from, packet| {
        let data = from == From::A && types(packet).contains(&ChunkType::DATA);
        let forward = types(packet).contains(&ChunkType::FORWARD_TSN);
        forwards += usize::from(forward);
        if data || (forward && forwards < 3) { vec![] } else { vec![MS * 10] }
    });
    pair.send_a(1, b"x", ONCE);
    pair.run(SECOND * 30);
    assert!(pair.a.is_drained() && pair.a.is_established());
}

#[test]
fn forward_tsn_over_more_streams_than_a_packet_can_list_goes_in_parts() {
    // RFC 3758 §3.5 C4.
    for interleaving in [false, true] {
        let mut pair = both(interleaving);
        pair.link = losing(From::A, data_type(interleaving), 1000);
        for stream in 0..400 {
            pair.send_a(stream, b"x", ONCE);
            pair.flush();
        }
        pair.run(SECOND * 30);
        assert!(pair.a.is_drained() && pair.a.is_established());
        let forwards = pair.packets(From::A).concat();
        let forwards = forwards.iter().filter(|kind| **kind == forward_type(interleaving)).count();
        assert_eq!(forwards, if interleaving { 3 } else { 2 });
    }
}

#[test]
fn large_message_is_given_up_whole_and_never_in_the_middle() {
    // usrsctp #592, pion/sctp #104.
    for interleaving in [false, true] {
        for reliability in [ONCE, Reliability { ordered: false, ..ONCE }] {
            let mut pair = both(interleaving);
            let mut count = 0;
            let kind = data_type(interleaving);
            pair.link = Box::new(move |from, packet| {
                count += usize::from(from == From::A && types(packet).contains(&kind));
                if from == From::A && count == 3 {
                    count += 1;
                    vec![]
                } else {
                    vec![MS * 10]
                }
            });
            pair.send_a(1, &[1; 30_000], reliability);
            pair.send_a(1, b"next", reliability);
            pair.run(SECOND * 10);
            let [message] = pair.messages_at_b()[..] else {
                panic!("{:?}", pair.messages_at_b().len())
            };
            assert_eq!(message.data, b"next");
            assert_eq!(pair.b.reassembly.buffered(), 0);
            assert!(pair.a.is_drained());
        }
    }
}

#[test]
fn peer_without_forward_tsn_gets_everything_reliably() {
    let old = Config { partial_reliability: false, interleaving: false, ..Config::default() };
    let mut pair = Pair::connected(Config::default(), old);
    pair.link = losing(From::A, ChunkType::DATA, 2);
    pair.send_a(1, b"x", ONCE);
    pair.run(SECOND * 30);
    assert_eq!(pair.messages_at_b().len(), 1);
}

#[test]
fn lossy_channel_lives_through_ten_thousand_messages() {
    // pion/sctp #104: ABORT under 10 % loss.
    let mut pair = both(false);
    let mut rng = Rng::new(7);
    pair.link = Box::new(move |_, _| if rng.range(0..10) == 0 { vec![] } else { vec![MS * 10] });
    let mut sent = 0_u32;
    while sent < 10_000 {
        while sent < 10_000 && pair.a.buffered_on(StreamId(1)) < 10_000 {
            pair.send_a(1, &sent.to_be_bytes(), ONCE);
            sent += 1;
        }
        pair.run(MS * 100);
        assert!(pair.a.is_established() && pair.now < SECOND * 3600);
    }
    pair.run(SECOND * 60);
    assert!(pair.a.is_established() && pair.a.is_drained());
    let got: Vec<&[u8]> = pair.messages_at_b().iter().map(|m| m.data.as_slice()).collect();
    assert!(got.len() > 5000, "{}", got.len());
    assert!(got.windows(2).all(|two| two[0] < two[1]));
}
