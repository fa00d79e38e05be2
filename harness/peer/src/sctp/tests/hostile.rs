//! What a peer must not be able to do, and what must not disturb.

use proptest::prelude::{any, proptest};
use rtcspec_wire::sctp::{
    Cause, Data, DataFlags, FragmentPosition, Fsn, Heartbeat, IData, Mid, Sack, Ssn, Tsn,
    UnknownChunk, set_checksum,
};

use super::super::{Closed, State};
use super::*;

fn unknown(number: u8) -> Chunk {
    Chunk::Unknown(UnknownChunk { chunk_type: ChunkType(number), flags: 0, value: vec![1, 2, 3] })
}

fn data(tsn: Tsn, payload: &[u8]) -> Chunk {
    Chunk::Data(Data {
        flags: DataFlags::WHOLE,
        tsn,
        stream: StreamId(1),
        ssn: Ssn(0),
        ppid: Ppid::BINARY,
        payload: payload.to_vec(),
    })
}

#[test]
fn unknown_chunks_are_treated_by_their_high_bits() {
    for (number, reported, goes_on) in
        [(0x3f, false, false), (0x7f, true, false), (0xbf, false, true), (0xff, true, true)]
    {
        let mut pair = Pair::plain();
        let tsn = pair.a.outstanding.next_tsn().wire();
        pair.forge_to_b(vec![unknown(number), data(tsn, b"behind")]);
        assert_eq!(pair.messages_at_b().len(), usize::from(goes_on), "{number:#x}");
        let reports = pair.packets(From::B).concat();
        assert_eq!(reports.contains(&ChunkType::ERROR), reported, "{number:#x}");
        // The association goes on.
        pair.send_a(2, b"still here", Reliability::RELIABLE);
        pair.run(SECOND * 3);
        assert!(pair.b.is_established());
    }
}

/// Found by `damaged_packets_never_panic_or_loop`.
#[test]
fn report_of_a_chunk_that_fills_its_packet_fits_in_one() {
    let mut pair = Pair::plain();
    let chunk_type = ChunkType(0xfe);
    let long = UnknownChunk { chunk_type, flags: 0, value: vec![0; 1200 - 12 - 4] };
    pair.forge_to_b(vec![Chunk::Unknown(long)]);
    assert_eq!(pair.packets(From::B), [[ChunkType::ERROR]]);
}

#[test]
fn heartbeat_is_answered_in_a_bundle_and_brings_its_information_back() {
    let mut pair = Pair::plain();
    let tsn = pair.a.outstanding.next_tsn().wire();
    let beat = Heartbeat { info: vec![1, 2, 3, 4, 5] };
    pair.forge_to_b(vec![Chunk::Heartbeat(beat.clone()), data(tsn, b"x")]);
    let answer = pair.log.last().expect("an answer").2.clone();
    assert_eq!(answer.chunks[0], Chunk::HeartbeatAck(beat));
    // HEARTBEAT ACK nobody asked for, bundled: no effect.
    let stray = Heartbeat { info: vec![9] };
    pair.forge_to_b(vec![Chunk::HeartbeatAck(stray), data(tsn.next(), b"y")]);
    assert!(pair.b.is_established());
}

/// A fragment of one message: its place among fragments and among TSNs, and whether it is the last.
fn fragment(interleaving: bool, first: Tsn, place: u32, last: bool, payload: &[u8]) -> Chunk {
    let (tsn, stream, payload) = (first.plus(place), StreamId(1), payload.to_vec());
    if !interleaving {
        let flags = DataFlags { beginning: place == 0, ending: last, ..DataFlags::default() };
        let (ssn, ppid) = (Ssn(0), Ppid::BINARY);
        return Chunk::Data(Data { flags, tsn, stream, ssn, ppid, payload });
    }
    let position = match place {
        0 => FragmentPosition::First(Ppid::BINARY),
        place => FragmentPosition::Later(Fsn(place)),
    };
    let (immediate, unordered, mid) = (false, false, Mid(0));
    let data = IData { immediate, unordered, ending: last, tsn, stream, mid, position, payload };
    Chunk::IData(data)
}

#[test]
fn usrsctp_355_fragment_beyond_the_last_makes_up_for_none_that_lacks() {
    for interleaving in [false, true] {
        let config = Config { interleaving, ..Config::default() };
        let mut pair = Pair::connected(config.clone(), config);
        let first = pair.a.outstanding.next_tsn().wire();
        // What lies beyond the last is there before the last itself.
        for (place, last, text) in [(0, false, "a"), (3, false, "d"), (2, true, "c")] {
            pair.forge_to_b(vec![fragment(interleaving, first, place, last, text.as_bytes())]);
            assert!(pair.messages_at_b().is_empty(), "{interleaving}: {text}");
        }
        pair.forge_to_b(vec![fragment(interleaving, first, 1, false, b"b")]);
        assert_eq!(pair.messages_at_b()[0].data, b"abc", "{interleaving}");
        assert_eq!(pair.b.reassembly.buffered(), 0, "{interleaving}");
    }
}

#[test]
fn data_without_user_data_is_answered_with_abort() {
    let mut pair = Pair::plain();
    let tsn = pair.a.outstanding.next_tsn().wire();
    let mut value = tsn.0.to_be_bytes().to_vec();
    value.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 53]);
    let empty = UnknownChunk { chunk_type: ChunkType::DATA, flags: 3, value };
    pair.forge_to_b(vec![Chunk::Unknown(empty)]);
    let closed = Closed::Violation(Cause::NoUserData(tsn));
    assert_eq!(pair.events_b, [Event::Closed(closed)]);
    assert_eq!(pair.packets(From::B), [[ChunkType::ABORT]]);
}

#[test]
fn error_cause_longer_than_its_chunk_disturbs_nothing() {
    // rtc-sctp 0.21.1 panics on it.
    for kind in [ChunkType::ERROR, ChunkType::RE_CONFIG, ChunkType::HEARTBEAT] {
        let mut pair = Pair::plain();
        let value = vec![0, 13, 0, 100];
        pair.forge_to_b(vec![Chunk::Unknown(UnknownChunk { chunk_type: kind, flags: 0, value })]);
        pair.send_a(1, b"still here", Reliability::RELIABLE);
        pair.run(SECOND);
        assert_eq!(pair.messages_at_b().len(), 1);
    }
}

#[test]
fn chunk_of_length_zero_ends_its_packet_only() {
    let mut pair = Pair::plain();
    pair.send_a(1, b"x", Reliability::RELIABLE);
    let packet = pair.a.poll_transmit().expect("data");
    let mut bytes = packet.encode(Checksum::Crc32c).expect("it fits");
    bytes[14..16].fill(0);
    set_checksum(&mut bytes, Checksum::Crc32c);
    pair.b.receive(pair.now, &bytes);
    assert!(pair.b.is_established());
    pair.run(SECOND * 2);
    assert_eq!(pair.messages_at_b().len(), 1);
}

#[test]
fn sack_of_what_was_never_sent_changes_nothing() {
    let mut pair = Pair::plain();
    let far = Tsn(pair.b.outstanding.next_tsn().wire().0.wrapping_add(1000));
    let sack = Sack { cumulative_tsn_ack: far, a_rwnd: 0, gap_blocks: vec![], duplicates: vec![] };
    pair.forge_to_b(vec![Chunk::Sack(sack)]);
    pair.b
        .send(pair.now, StreamId(1), Ppid::STRING, b"x".to_vec(), Reliability::RELIABLE)
        .expect("established");
    pair.run(SECOND);
    assert_eq!(messages(&pair.events_a).len(), 1);
}

#[test]
fn data_on_a_stream_that_does_not_exist_is_acknowledged_and_reported() {
    let narrow = Config { streams: 1, interleaving: false, ..Config::default() };
    let mut pair = Pair::connected(Config { interleaving: false, ..Config::default() }, narrow);
    let tsn = pair.a.outstanding.next_tsn().wire();
    pair.forge_to_b(vec![data(tsn, b"x")]);
    let error = pair.log.iter().flat_map(|(_, _, p)| &p.chunks).find_map(|chunk| {
        if let Chunk::Error(error) = chunk { Some(error.causes.clone()) } else { None }
    });
    assert_eq!(error, Some(vec![Cause::InvalidStreamIdentifier(StreamId(1))]));
    assert_eq!(pair.b.received.cumulative().wire(), tsn);
}

#[test]
fn window_of_a_peer_that_ignores_it_is_not_overrun() {
    let small = Config { a_rwnd: 5000, interleaving: false, ..Config::default() };
    let mut pair = Pair::connected(Config { interleaving: false, ..Config::default() }, small);
    let first = pair.a.outstanding.next_tsn();
    for n in 1..200 {
        // Never the first: nothing can be delivered.
        pair.forge_to_b(vec![data(first.plus(n).wire(), &[0; 1000])]);
    }
    assert!(pair.b.reassembly.buffered() <= 6000, "{}", pair.b.reassembly.buffered());
    assert!(pair.b.is_established());
}

#[test]
fn ordered_message_half_of_all_numbers_ahead_is_kept() {
    let mut pair = Pair::plain();
    let tsn = pair.a.outstanding.next_tsn().wire();
    pair.forge_to_b(vec![Chunk::Data(Data {
        flags: DataFlags::WHOLE,
        tsn: tsn.next(),
        stream: StreamId(1),
        ssn: Ssn(1 << 15),
        ppid: Ppid::BINARY,
        payload: vec![0; 4],
    })]);
    assert_eq!(pair.b.reassembly.buffered(), 4);
}

#[test]
fn data_where_i_data_was_negotiated_is_a_violation() {
    let mut pair = Pair::connected(Config::default(), Config::default());
    let tsn = pair.a.outstanding.next_tsn().wire();
    pair.forge_to_b(vec![data(tsn, b"x")]);
    assert_eq!(pair.b.state(), State::Closed);
}

/// Sends a packet of a real session with a few bytes changed and a right checksum.
fn disturb(seed: u64, edits: &[(usize, u8)]) {
    let mut pair = Pair::new(Config::default(), Config::default());
    let mut rng = Rng::new(seed);
    pair.a.connect(pair.now);
    pair.send_a(1, &[5; 3000], Reliability::RELIABLE);
    pair.b.reset_stream(pair.now, StreamId(1));
    for step in 0..40 {
        pair.flush();
        let Some((key, (from, bytes))) = pair.under_way.pop_first() else { break };
        pair.now = pair.now.max(key.0);
        let to = if from == From::A { &mut pair.b } else { &mut pair.a };
        if rng.range(0..3) == 0 {
            let mut damaged = bytes.clone();
            for (at, byte) in edits {
                // Ports and tag stay, so that the damage gets past the first checks.
                let at =
                    if step % 4 == 0 { at % bytes.len() } else { 12 + at % (bytes.len() - 12) };
                damaged[at] = *byte;
            }
            set_checksum(&mut damaged, Checksum::Crc32c);
            to.receive(pair.now, &damaged);
        }
        to.receive(pair.now, &bytes);
    }
    pair.run(SECOND * 90);
}

proptest! {
    #[test]
    fn damaged_packets_never_panic_or_loop(
        seed in any::<u64>(),
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        disturb(seed, &edits);
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut pair = Pair::plain();
        let mut packet = vec![0x13, 0x88, 0x13, 0x88];
        packet.extend_from_slice(&pair.b.local.tag.0.to_be_bytes());
        packet.extend_from_slice(&[0; 4]);
        packet.extend_from_slice(&bytes);
        set_checksum(&mut packet, Checksum::Crc32c);
        pair.b.receive(pair.now, &packet);
        pair.run(SECOND * 10);
    }
}
