//! RFC 9260 §6, §7, §8.3; RFC 8260.

use rtcspec_wire::sctp::{Sack, Tsn};

use super::super::{Closed, SendError};
use super::*;

fn big(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).expect("below 251")).collect()
}

#[test]
fn message_of_256_kib_arrives_whole_and_quickly() {
    for interleaving in [false, true] {
        let config = Config { interleaving, ..Config::default() };
        let mut pair = Pair::connected(config.clone(), config);
        let data = big(256 * 1024);
        pair.send_a(1, &data, Reliability::RELIABLE);
        // Slow start from 4404 bytes at 20 ms per round trip: about seven of them.
        pair.run(MS * 400);
        let [message] = pair.messages_at_b()[..] else { panic!("one message") };
        assert_eq!(message.data, data);
        assert!(pair.a.is_drained());
    }
}

#[test]
fn association_is_silent_when_idle_but_for_heartbeats() {
    let mut pair = Pair::plain();
    pair.send_a(1, b"x", Reliability::RELIABLE);
    pair.run(SECOND);
    pair.log.clear();
    pair.run(SECOND * 28);
    assert!(pair.log.is_empty(), "{:?}", pair.log);
    pair.run(SECOND * 10);
    let beats = |from| {
        let mut beats = pair.packets(from).concat();
        beats.sort_unstable();
        beats
    };
    assert_eq!(beats(From::A), [ChunkType::HEARTBEAT, ChunkType::HEARTBEAT_ACK]);
    assert_eq!(beats(From::B), [ChunkType::HEARTBEAT, ChunkType::HEARTBEAT_ACK]);
}

#[test]
fn single_packet_is_acknowledged_after_200_ms_and_every_second_at_once() {
    let mut pair = Pair::plain();
    pair.send_a(1, b"x", Reliability::RELIABLE);
    pair.run(MS * 209);
    assert_eq!(pair.packets(From::B).len(), 0);
    pair.run(MS * 2);
    assert_eq!(pair.packets(From::B), [[ChunkType::SACK]]);
    pair.log.clear();
    pair.send_a(1, b"x", Reliability::RELIABLE);
    pair.flush();
    pair.send_a(1, b"y", Reliability::RELIABLE);
    pair.run(MS * 11);
    assert_eq!(pair.packets(From::B), [[ChunkType::SACK]]);
}

#[test]
fn owed_acknowledgement_travels_with_data() {
    let mut pair = Pair::plain();
    pair.send_a(1, b"ping", Reliability::RELIABLE);
    pair.run(MS * 15);
    pair.b
        .send(pair.now, StreamId(1), Ppid::STRING, b"pong".to_vec(), Reliability::RELIABLE)
        .expect("established");
    pair.flush();
    assert_eq!(pair.packets(From::B), [[ChunkType::SACK, ChunkType::DATA]]);
}

#[test]
fn small_messages_share_a_packet() {
    let mut pair = Pair::plain();
    for n in 0..5 {
        pair.send_a(n, b"small", Reliability::RELIABLE);
    }
    pair.flush();
    assert_eq!(pair.packets(From::A), [[ChunkType::DATA; 5]]);
}

#[test]
fn one_lost_packet_is_fast_retransmitted_before_the_timeout() {
    let mut pair = Pair::plain();
    let mut count = 0;
    pair.link = Box::new(move |from, packet| {
        count += usize::from(from == From::A && types(packet).contains(&ChunkType::DATA));
        if from == From::A && count == 2 {
            count += 1;
            vec![]
        } else {
            vec![MS * 10]
        }
    });
    let data = big(60_000);
    pair.send_a(1, &data, Reliability::RELIABLE);
    pair.run(MS * 500);
    assert_eq!(pair.messages_at_b()[0].data, data);
    assert!(pair.a.is_drained());
}

#[test]
fn fast_retransmission_of_the_earliest_chunk_restarts_t3() {
    // RFC 9260 §7.2.4.
    let mut pair = Pair::plain();
    pair.link = losing(From::A, ChunkType::DATA, 1);
    pair.send_a(1, b"lost", Reliability::RELIABLE);
    // Three reports are there 10 ms before T3 would run out.
    pair.run(MS * 970);
    for stream in 2..5 {
        pair.send_a(stream, b"seen", Reliability::RELIABLE);
        pair.flush();
    }
    pair.run(MS * 100);
    let sent = pair.packets(From::A).iter().filter(|p| p.contains(&ChunkType::DATA)).count();
    assert_eq!(sent, 5);
    assert_eq!(pair.messages_at_b().len(), 4);
}

#[test]
fn lost_last_packet_is_sent_again_by_t3() {
    let mut pair = Pair::plain();
    pair.link = losing(From::A, ChunkType::DATA, 1);
    pair.send_a(1, b"only", Reliability::RELIABLE);
    pair.run(MS * 900);
    assert!(pair.messages_at_b().is_empty());
    pair.run(MS * 200);
    assert_eq!(pair.messages_at_b().len(), 1);
    assert_eq!(pair.packets(From::A).len(), 2);
}

#[test]
fn duplicate_is_reported_and_delivered_once() {
    let mut pair = Pair::plain();
    pair.link = Box::new(|from, _| if from == From::A { vec![MS, MS * 2] } else { vec![MS] });
    pair.send_a(1, b"twice", Reliability::RELIABLE);
    pair.run(MS * 100);
    assert_eq!(pair.messages_at_b().len(), 1);
    let sacks: Vec<usize> = pair
        .log
        .iter()
        .flat_map(|(_, _, packet)| &packet.chunks)
        .filter_map(
            |chunk| if let Chunk::Sack(sack) = chunk { Some(sack.duplicates.len()) } else { None },
        )
        .collect();
    assert_eq!(sacks, [1]);
}

#[test]
fn ordered_waits_for_its_predecessor_and_unordered_does_not() {
    let mut pair = Pair::plain();
    pair.link = losing(From::A, ChunkType::DATA, 1);
    pair.send_a(1, b"first", Reliability::RELIABLE);
    pair.flush();
    pair.send_a(1, b"second", Reliability::RELIABLE);
    pair.send_a(1, b"loose", Reliability::UNORDERED);
    pair.send_a(2, b"other stream", Reliability::RELIABLE);
    pair.run(MS * 50);
    let early: Vec<&[u8]> = pair.messages_at_b().iter().map(|m| m.data.as_slice()).collect();
    // Streams take turns, so the other stream comes before the second message of this one.
    assert_eq!(early, [b"other stream".as_slice(), b"loose"]);
    pair.run(SECOND * 2);
    let late: Vec<&[u8]> = pair.messages_at_b()[2..].iter().map(|m| m.data.as_slice()).collect();
    assert_eq!(late, [b"first".as_slice(), b"second"]);
}

#[test]
fn tsn_and_ssn_go_on_over_their_wraps() {
    for interleaving in [false, true] {
        let config =
            Config { initial_tsn: Some(Tsn(u32::MAX - 5)), interleaving, ..Config::default() };
        let mut pair = Pair::connected(config.clone(), config);
        let total = 70_000_u32;
        let mut sent = 0;
        while pair.messages_at_b().len() < total as usize {
            while sent < total && pair.a.buffered_on(StreamId(1)) < 20_000 {
                pair.send_a(1, &sent.to_be_bytes(), Reliability::RELIABLE);
                sent += 1;
            }
            pair.log.clear();
            pair.run(MS * 50);
            assert!(pair.now < SECOND * 600);
        }
        for (n, message) in (0_u32..).zip(pair.messages_at_b()) {
            assert_eq!(message.data, n.to_be_bytes());
        }
    }
}

#[test]
fn closed_window_stops_the_sender_and_is_probed_until_it_opens() {
    let small = Config { a_rwnd: 3000, interleaving: false, ..Config::default() };
    let mut pair = Pair::connected(Config { interleaving: false, ..Config::default() }, small);
    for n in 0..10 {
        pair.send_a(1, &[n; 1000], Reliability::RELIABLE);
    }
    // B's application does not read: drive by hand.
    let mut to_b = Vec::new();
    for _ in 0..20 {
        to_b.extend(std::iter::from_fn(|| pair.a.poll_transmit()));
        for packet in to_b.drain(..) {
            let bytes = pair.a.encode(&packet).expect("it fits");
            pair.b.receive(pair.now, &bytes);
        }
        while let Some(packet) = pair.b.poll_transmit() {
            let bytes = pair.b.encode(&packet).expect("it fits");
            pair.a.receive(pair.now, &bytes);
        }
        pair.now += MS * 100;
        pair.a.advance(pair.now);
        pair.b.advance(pair.now);
    }
    assert_eq!(pair.b.window(), 0);
    assert!(!pair.a.is_drained());
    // Ten minutes of probes do not end the association.
    let quiet_until = pair.now + SECOND * 600;
    while pair.now < quiet_until {
        pair.now += MS * 500;
        pair.a.advance(pair.now);
        while let Some(packet) = pair.a.poll_transmit() {
            assert!(packet.chunks.len() <= 2, "one probe at a time: {packet:?}");
            let bytes = pair.a.encode(&packet).expect("it fits");
            pair.b.receive(pair.now, &bytes);
        }
        pair.b.advance(pair.now);
        while let Some(packet) = pair.b.poll_transmit() {
            let bytes = pair.b.encode(&packet).expect("it fits");
            pair.a.receive(pair.now, &bytes);
        }
    }
    assert!(pair.a.is_established());
    // The application reads: everything arrives.
    pair.run(SECOND * 120);
    assert_eq!(pair.messages_at_b().len(), 10);
}

#[test]
fn small_message_overtakes_a_big_one_with_i_data_only() {
    for interleaving in [false, true] {
        let config = Config { interleaving, ..Config::default() };
        let mut pair = Pair::connected(config.clone(), config);
        pair.send_a(1, &big(200_000), Reliability::RELIABLE);
        pair.send_a(2, b"urgent", Reliability::RELIABLE);
        pair.run(SECOND * 3);
        let order: Vec<u16> = pair.messages_at_b().iter().map(|m| m.stream.0).collect();
        assert_eq!(order, if interleaving { [2, 1] } else { [1, 2] });
    }
}

#[test]
fn unanswered_data_ends_the_association_after_ten_retransmissions() {
    let mut pair = Pair::plain();
    pair.link = Box::new(|_, _| vec![]);
    pair.send_a(1, b"anyone?", Reliability::RELIABLE);
    pair.run(SECOND * 1200);
    assert_eq!(pair.events_a, [Event::Closed(Closed::Unreachable)]);
    assert_eq!(pair.a.wake(), None);
}

#[test]
fn sack_that_acknowledges_nothing_new_is_no_answer() {
    // RFC 9260 §8.1.
    let mut pair = Pair::plain();
    pair.link = Box::new(|_, _| vec![]);
    let cumulative_tsn_ack = pair.a.outstanding.cumulative().wire();
    pair.send_a(1, b"anyone?", Reliability::RELIABLE);
    let (gap_blocks, duplicates) = (vec![], vec![]);
    let sack = Sack { cumulative_tsn_ack, a_rwnd: 1 << 20, gap_blocks, duplicates };
    let packet = Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: pair.b.peer.tag,
        chunks: vec![Chunk::Sack(sack)],
    };
    let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
    for _ in 0..1200 {
        pair.run(SECOND);
        pair.a.receive(pair.now, &bytes);
    }
    assert_eq!(pair.events_a, [Event::Closed(Closed::Unreachable)]);
}

#[test]
fn unanswered_heartbeats_end_an_idle_association() {
    let mut pair = Pair::plain();
    pair.link = Box::new(|_, _| vec![]);
    pair.run(SECOND * 1200);
    assert_eq!(pair.events_a, [Event::Closed(Closed::Unreachable)]);
}

#[test]
fn send_says_what_is_wrong() {
    let narrow = Config { streams: 4, ..Config::default() };
    let limits = Config { max_message_size: 100, send_buffer: 150, ..Config::default() };
    let mut pair = Pair::connected(limits, narrow);
    let mut send = |stream, length| {
        let reliability = Reliability::RELIABLE;
        pair.a.send(MS, StreamId(stream), Ppid::BINARY, vec![0; length], reliability)
    };
    assert_eq!(send(1, 0), Err(SendError::Empty));
    assert_eq!(send(1, 101), Err(SendError::TooLong { length: 101, limit: 100 }));
    assert_eq!(send(4, 1), Err(SendError::NoSuchStream { stream: StreamId(4), streams: 4 }));
    assert_eq!(send(3, 100), Ok(()));
    assert_eq!(send(3, 100), Err(SendError::Full { buffered: 100 }));
    pair.a.abort(MS, rtcspec_wire::sctp::Cause::OutOfResource);
    let closed = pair.a.send(MS, StreamId(1), Ppid::BINARY, vec![0], Reliability::RELIABLE);
    assert_eq!(closed, Err(SendError::Closed));
}

#[test]
fn equal_seeds_give_equal_packets() {
    let run = || {
        let mut pair = Pair::new(Config::default(), Config::default());
        pair.a.connect(pair.now);
        pair.send_a(1, &big(50_000), Reliability::RELIABLE);
        pair.run(SECOND * 100);
        format!("{:?}", pair.log)
    };
    assert_eq!(run(), run());
}
