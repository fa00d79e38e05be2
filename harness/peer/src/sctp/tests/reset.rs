//! RFC 6525.

use rtcspec_wire::sctp::{
    OutgoingSsnReset, Parameter, ReConfig, ReconfigResponse, ReconfigResult, RequestSequence, Ssn,
};

use super::super::SendError;
use super::*;

fn reconfigs(pair: &Pair, from: From) -> Vec<Parameter> {
    pair.log
        .iter()
        .filter(|(_, side, _)| *side == from)
        .flat_map(|(_, _, packet)| &packet.chunks)
        .filter_map(|chunk| {
            if let Chunk::ReConfig(re) = chunk { Some(re.parameters.clone()) } else { None }
        })
        .flatten()
        .collect()
}

#[test]
fn reset_after_data_starts_both_ends_at_zero() {
    let mut pair = Pair::plain();
    pair.send_a(3, b"before", Reliability::RELIABLE);
    pair.a.reset_stream(pair.now, StreamId(3));
    assert_eq!(
        pair.a.send(pair.now, StreamId(3), Ppid::BINARY, vec![1], Reliability::RELIABLE),
        Err(SendError::Resetting { stream: StreamId(3) })
    );
    pair.run(SECOND);
    assert_eq!(pair.events_a, [Event::OutgoingReset(StreamId(3))]);
    assert_eq!(pair.events_b.last(), Some(&Event::IncomingReset(vec![StreamId(3)])));
    assert_eq!(pair.messages_at_b().len(), 1);
    pair.log.clear();
    pair.send_a(3, b"after", Reliability::RELIABLE);
    pair.run(SECOND);
    let (_, _, packet) = &pair.log[0];
    let Chunk::Data(data) = &packet.chunks[0] else { panic!("{packet:?}") };
    assert_eq!(data.ssn, Ssn(0));
    assert_eq!(pair.messages_at_b().len(), 2);
}

#[test]
fn queued_data_leaves_before_the_reset() {
    let mut pair = Pair::connected(Config::default(), Config::default());
    pair.send_a(3, &[1; 100_000], Reliability::RELIABLE);
    pair.a.reset_stream(pair.now, StreamId(3));
    pair.run(SECOND * 3);
    let order: Vec<bool> =
        pair.events_b.iter().map(|event| matches!(event, Event::Message(_))).collect();
    assert_eq!(order, [true, false]);
}

#[test]
fn lost_request_and_lost_response_are_repeated_with_the_same_number() {
    for side in [From::A, From::B] {
        let mut pair = Pair::plain();
        pair.link = losing(side, ChunkType::RE_CONFIG, 1);
        pair.a.reset_stream(pair.now, StreamId(1));
        pair.run(SECOND * 4);
        let requests = reconfigs(&pair, From::A);
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0], requests[1]);
        // The second time round B answers again and does not reset again.
        let resets = |event: &&Event| matches!(event, Event::IncomingReset(_));
        assert_eq!(pair.events_b.iter().filter(resets).count(), 1);
        assert_eq!(pair.events_a, [Event::OutgoingReset(StreamId(1))]);
    }
}

#[test]
fn request_before_its_data_is_in_progress_and_then_performed() {
    let mut pair = Pair::plain();
    pair.link = losing(From::A, ChunkType::DATA, 1);
    pair.send_a(1, b"late", Reliability::RELIABLE);
    pair.flush();
    pair.a.reset_stream(pair.now, StreamId(1));
    pair.run(SECOND * 10);
    let results: Vec<ReconfigResult> = reconfigs(&pair, From::B)
        .into_iter()
        .filter_map(|p| if let Parameter::ReconfigResponse(r) = p { Some(r.result) } else { None })
        .collect();
    assert_eq!(results[0], ReconfigResult::IN_PROGRESS);
    assert_eq!(results.last(), Some(&ReconfigResult::PERFORMED));
    assert_eq!(pair.events_b.len(), 2);
    assert!(matches!(pair.events_b[0], Event::Message(_)));
    assert_eq!(pair.events_a, [Event::OutgoingReset(StreamId(1))]);
}

#[test]
fn both_directions_are_reset_one_request_at_a_time() {
    let mut pair = Pair::plain();
    for stream in [1, 2, 3] {
        pair.a.reset_stream(pair.now, StreamId(stream));
        pair.flush();
        pair.b.reset_stream(pair.now, StreamId(stream));
    }
    pair.run(SECOND * 5);
    let done =
        |events: &[Event]| events.iter().filter(|e| matches!(e, Event::OutgoingReset(_))).count();
    assert_eq!((done(&pair.events_a), done(&pair.events_b)), (3, 3));
    assert!(!pair.a.is_resetting(StreamId(1)));
}

fn reset_request(request: u32, last_tsn: rtcspec_wire::sctp::Tsn) -> Chunk {
    let reset = OutgoingSsnReset {
        request: RequestSequence(request),
        response: RequestSequence(0),
        last_tsn,
        streams: vec![StreamId(1)],
    };
    Chunk::ReConfig(ReConfig { parameters: vec![Parameter::OutgoingSsnReset(reset)] })
}

#[test]
fn request_with_a_wrong_number_is_refused() {
    let mut pair = Pair::plain();
    let wrong = pair.a.local.initial_tsn.0.wrapping_add(7);
    let last = pair.a.outstanding.next_tsn().previous().wire();
    pair.forge_to_b(vec![reset_request(wrong, last)]);
    let response = RequestSequence(wrong);
    let result = ReconfigResult::BAD_SEQUENCE_NUMBER;
    let expected = ReconfigResponse { response, result, next_tsns: None };
    assert_eq!(reconfigs(&pair, From::B), [Parameter::ReconfigResponse(expected)]);
    assert!(pair.events_b.is_empty());
}

#[test]
fn peer_without_re_config_refuses_at_once() {
    let old = Config { stream_reset: false, ..Config::default() };
    let mut pair = Pair::connected(Config::default(), old);
    pair.a.reset_stream(pair.now, StreamId(1));
    let refused = Event::ResetRefused { stream: StreamId(1), result: ReconfigResult::DENIED };
    assert_eq!(pair.a.poll_event(), Some(refused));
}

#[test]
fn reset_that_was_asked_for_before_the_handshake_is_done_is_not_forgotten() {
    for knows in [true, false] {
        let other = Config { stream_reset: knows, ..Config::default() };
        let mut pair = Pair::new(Config::default(), other);
        pair.a.connect(pair.now);
        pair.send_a(1, b"before", Reliability::RELIABLE);
        pair.a.reset_stream(pair.now, StreamId(1));
        pair.run(SECOND);
        let stream = StreamId(1);
        let refused = Event::ResetRefused { stream, result: ReconfigResult::DENIED };
        let outcome = if knows { Event::OutgoingReset(stream) } else { refused };
        assert_eq!(pair.events_a, [Event::Connected, outcome]);
        assert!(!pair.a.is_resetting(stream));
        let reset = Event::IncomingReset(vec![stream]);
        assert_eq!(pair.events_b.last() == Some(&reset), knows);
    }
}

#[test]
fn stream_is_reset_and_used_again_many_times() {
    for interleaving in [false, true] {
        let config = Config { interleaving, ..Config::default() };
        let mut pair = Pair::connected(config.clone(), config);
        for round in 0..20 {
            for _ in 0..3 {
                pair.send_a(1, &[round], Reliability::RELIABLE);
                pair.send_a(1, &[round], Reliability::UNORDERED);
            }
            pair.a.reset_stream(pair.now, StreamId(1));
            pair.run(SECOND);
        }
        assert_eq!(pair.messages_at_b().len(), 120);
    }
}
