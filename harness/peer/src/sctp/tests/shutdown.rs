//! RFC 9260 §9.

use rtcspec_wire::sctp::{
    Abort, Cause, Data, DataFlags, Shutdown, ShutdownComplete, Ssn, VerificationTag,
};

use super::super::{Closed, State};
use super::*;

#[test]
fn shutdown_waits_for_data_and_ends_both_sides() {
    let mut pair = Pair::plain();
    pair.send_a(1, &[1; 50_000], Reliability::RELIABLE);
    pair.a.shutdown(pair.now);
    assert_eq!(pair.a.state(), State::ShutdownPending);
    pair.run(SECOND * 5);
    assert_eq!(pair.messages_at_b().len(), 1);
    assert_eq!(pair.events_a, [Event::Closed(Closed::Shutdown)]);
    assert_eq!(pair.events_b.last(), Some(&Event::Closed(Closed::Shutdown)));
    assert_eq!((pair.a.wake(), pair.b.wake()), (None, None));
}

#[test]
fn shutdown_does_not_wait_for_a_message_that_has_expired() {
    let plain = Config { interleaving: false, ..Config::default() };
    let small = Config { a_rwnd: 1500, ..plain.clone() };
    let mut pair = Pair::connected(plain, small);
    pair.send_a(1, &[1; 1000], Reliability::RELIABLE);
    // There is no room for it until the first is acknowledged, after 200 ms.
    let short = Reliability { lifetime: Some(MS * 100), ..Reliability::RELIABLE };
    pair.send_a(1, &[2; 1000], short);
    pair.a.shutdown(pair.now);
    pair.run(SECOND * 5);
    assert_eq!(pair.messages_at_b().len(), 1);
    assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
}

#[test]
fn shutdown_takes_nothing_back_that_was_in_a_gap_block() {
    // RFC 9260 §3.3.8.
    let mut pair = Pair::plain();
    pair.link = losing(From::B, ChunkType::DATA, 1);
    for n in 0..3 {
        let (stream, data, reliability) = (StreamId(n), vec![7; 1000], Reliability::RELIABLE);
        pair.b.send(pair.now, stream, Ppid::BINARY, data, reliability).expect("established");
        pair.flush();
    }
    pair.run(MS * 50);
    assert_eq!(pair.b.outstanding.in_flight(), 1000);
    let cumulative_tsn_ack = pair.b.outstanding.cumulative().wire();
    pair.forge_to_b(vec![Chunk::Shutdown(Shutdown { cumulative_tsn_ack })]);
    assert_eq!(pair.b.state(), State::ShutdownReceived);
    assert_eq!(pair.b.outstanding.in_flight(), 1000);
}

#[test]
fn lost_packets_of_a_shutdown_are_sent_again() {
    for (side, chunk) in [
        (From::A, ChunkType::SHUTDOWN),
        (From::B, ChunkType::SHUTDOWN_ACK),
        (From::A, ChunkType::SHUTDOWN_COMPLETE),
    ] {
        let mut pair = Pair::plain();
        pair.link = losing(side, chunk, 1);
        pair.a.shutdown(pair.now);
        pair.run(SECOND * 5);
        assert_eq!(pair.a.state(), State::Closed, "{chunk}");
        assert_eq!(pair.b.state(), State::Closed, "{chunk}");
    }
}

#[test]
fn both_sides_shutting_down_at_once_end() {
    let mut pair = Pair::plain();
    pair.a.shutdown(pair.now);
    pair.b.shutdown(pair.now);
    pair.run(SECOND * 5);
    assert_eq!((pair.a.state(), pair.b.state()), (State::Closed, State::Closed));
}

#[test]
fn abort_tells_the_peer_why() {
    let mut pair = Pair::plain();
    let cause = Cause::UserInitiatedAbort(b"enough".to_vec());
    pair.a.abort(pair.now, cause.clone());
    pair.run(SECOND);
    assert_eq!(pair.events_a, [Event::Closed(Closed::Aborted)]);
    assert_eq!(pair.events_b, [Event::Closed(Closed::AbortedByPeer(vec![cause]))]);
}

#[test]
fn abort_needs_the_right_tag_by_its_t_bit() {
    let abort = |reflected_tag| Chunk::Abort(Abort { reflected_tag, causes: vec![] });
    let mut pair = Pair::plain();
    let (own, peer) = (pair.b.local.tag, pair.b.peer.tag);
    let give = |pair: &mut Pair, verification_tag, chunk| {
        let (source_port, destination_port) = (5000, 5000);
        let packet =
            Packet { source_port, destination_port, verification_tag, chunks: vec![chunk] };
        pair.b.receive(pair.now, &packet.encode(Checksum::Crc32c).expect("it fits"));
    };
    give(&mut pair, VerificationTag(1), abort(false));
    give(&mut pair, VerificationTag(1), abort(true));
    give(&mut pair, peer, abort(false));
    give(&mut pair, own, abort(true));
    assert!(pair.b.is_established());
    give(&mut pair, peer, abort(true));
    assert_eq!(pair.b.state(), State::Closed);
}

#[test]
fn packet_of_no_association_is_answered_with_a_reflected_abort() {
    let mut b = Association::new(Config::default(), Rng::new(1));
    let give = |b: &mut Association, chunk| {
        let packet = Packet {
            source_port: 5000,
            destination_port: 5000,
            verification_tag: VerificationTag(9),
            chunks: vec![chunk],
        };
        b.receive(Duration::ZERO, &packet.encode(Checksum::Crc32c).expect("it fits"));
        b.poll_transmit()
    };
    let answer = give(&mut b, Chunk::CookieAck);
    assert_eq!(answer, None);
    let answer = give(&mut b, Chunk::ShutdownAck).expect("an answer");
    assert_eq!(answer.chunks, [Chunk::ShutdownComplete(ShutdownComplete { reflected_tag: true })]);
    let heartbeat = Chunk::Heartbeat(rtcspec_wire::sctp::Heartbeat { info: vec![1] });
    let answer = give(&mut b, heartbeat).expect("an answer");
    assert_eq!(answer.verification_tag, VerificationTag(9));
    assert_eq!(answer.chunks, [Chunk::Abort(Abort { reflected_tag: true, causes: vec![] })]);
}

/// Found by the fuzz target `sctp_assoc`: SHUTDOWN and FORWARD TSN answered each other without end.
#[test]
fn shutdown_of_a_peer_that_has_more_than_was_sent_is_not_answered_by_forward_tsn() {
    let mut pair = Pair::plain();
    let tsn = pair.a.outstanding.next_tsn().wire();
    for tsn in [tsn, tsn.next()] {
        pair.forge_to_b(vec![Chunk::Data(Data {
            flags: DataFlags::WHOLE,
            tsn,
            stream: StreamId(2),
            ssn: Ssn(0),
            ppid: Ppid::BINARY,
            payload: vec![0; 4],
        })]);
    }
    let once = Reliability { max_retransmits: Some(0), ..Reliability::RELIABLE };
    pair.send_a(1, b"given up", once);
    pair.b.shutdown(pair.now);
    pair.run(SECOND * 20);
    let count = pair.packets(From::A).len();
    assert!(count < 20, "{count} packets");
}
