//! TURN over TCP: what a capture lacks, what began before it, and streams that look alike.

#[allow(dead_code, reason = "other parts are for other tests")]
mod common;

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Kind, Observer, Seen};
use rtcspec_trace::{Carrier, Datagram, Party, Peer, Place, Server, Session, transcript};
use rtcspec_wire::framing::Framing;
use rtcspec_wire::stun::{Attribute, Message, Method, Seal, TransactionId};

fn address(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

/// What a client of TURN sends: a session's handshake and data in one channel.
fn packets() -> Vec<Vec<u8>> {
    let captures = common::all();
    let capture = captures.iter().find(|one| one.name == "pion-pion").expect("it is there");
    let from = capture.datagrams.iter().find(|one| one.payload.first() == Some(&22));
    let from = from.expect("a handshake").source;
    let own = capture.datagrams.iter().filter(|one| one.source == from);
    let dtls = own.filter(|one| matches!(one.payload.first(), Some(20..=63)));
    let channel = |payload: &Vec<u8>| {
        let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
        [&[0x40, 1][..], &length, payload].concat()
    };
    let packets: Vec<Vec<u8>> = dtls.take(30).map(|one| channel(&one.payload)).collect();
    assert!(packets.len() >= 20, "{}", packets.len());
    packets
}

fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for packet in packets {
        Framing::Turn.frame_into(packet, &mut stream).expect("it fits");
    }
    stream
}

/// Payloads of the channel data that an observer finds in pieces of streams.
fn found(pieces: &[(u64, &[u8])]) -> Vec<Vec<u8>> {
    let mut observer = Observer::new();
    let mut found = Vec::new();
    for (number, bytes) in pieces {
        let seen = Seen {
            number: 1,
            at: Duration::ZERO,
            carrier: Carrier::Tcp(*number),
            source: address(1, 5000),
            destination: address(9, 3478),
            payload: bytes,
        };
        observer.seen(&seen, &mut |event| {
            if let Kind::ChannelData(channel) = event.kind {
                found.push(channel.view.data().to_vec());
            }
        });
    }
    found
}

#[test]
fn after_a_gap_the_next_packet_is_found_wherever_it_begins() {
    let packets = packets();
    let stream = framed(&packets);
    let payloads: Vec<&[u8]> = packets.iter().map(|packet| &packet[4..]).collect();
    assert_eq!(found(&[(1, &stream)]), payloads);
    for gap in [1, 3, 77, 500] {
        for at in (200..stream.len() - gap - 400).step_by(97) {
            // What follows a gap has a number of its own, and comes in pieces.
            let (before, after) = (&stream[..at], &stream[at + gap..]);
            let (one, other) = after.split_at(after.len() / 3);
            let found = found(&[(1, before), (2, one), (2, other)]);
            let lacks = payloads.iter().filter(|one| !found.iter().any(|it| it == *one)).count();
            let most = 2 + gap / 60;
            assert!(lacks <= most, "gap of {gap} at {at}: {lacks} of {} lack", payloads.len());
            for payload in &found {
                assert!(payloads.contains(&payload.as_slice()), "gap of {gap} at {at}");
            }
        }
    }
}

#[test]
fn a_stream_that_was_there_before_the_capture_is_read_from_its_next_packet_on() {
    let packets = packets();
    let stream = framed(&packets);
    let found = found(&[(1, &stream[10..])]);
    let payloads: Vec<&[u8]> = packets[1..].iter().map(|packet| &packet[4..]).collect();
    assert_eq!(found, payloads);
}

#[test]
fn a_stream_without_any_packet_is_given_up_and_holds_little() {
    let mut observer = Observer::new();
    let noise = [b'x'; 1000];
    for _ in 0..3000 {
        let seen = Seen {
            number: 1,
            at: Duration::ZERO,
            carrier: Carrier::Tcp(1),
            source: address(1, 5000),
            destination: address(9, 80),
            payload: &noise,
        };
        let mut said = 0;
        observer.seen(&seen, &mut |event| said += u32::from(matches!(event.kind, Kind::Opaque(_))));
        assert_eq!(said, 1);
    }
}

/// An Allocate request of a peer that numbers its streams from 1, as they both do.
fn allocate(party: Party, half: usize) -> Datagram {
    let id = if party == Party::A { 1 } else { 2 };
    let message = Message::request(Method::ALLOCATE, TransactionId([id; 12]))
        .with(Attribute::RequestedTransport(17))
        .encode(&Seal::none())
        .expect("it fits");
    let middle = message.len() / 2;
    let (source, destination) = (address(id, 5000), address(9, 3478));
    Datagram {
        number: 1,
        sent: Duration::from_millis(half as u64),
        arrived: Some(Duration::from_millis(half as u64)),
        from: Some(Place::Peer(party)),
        to: Some(Place::Server(0)),
        carrier: Carrier::Tcp(1),
        source,
        destination,
        seen_source: source,
        seen_destination: destination,
        crossings: Vec::new(),
        lost: None,
        copies: 0,
        payload: if half == 0 { message[..middle].to_vec() } else { message[middle..].to_vec() },
    }
}

#[test]
fn streams_of_two_peers_with_one_number_are_two() {
    let peer = |party: Party| Peer {
        party,
        implementation: "x".to_owned(),
        addresses: vec![address(if party == Party::A { 1 } else { 2 }, 0).ip()],
        behind: Vec::new(),
    };
    let server =
        Server { name: "turn".to_owned(), addresses: vec![address(9, 0).ip()], turn: true };
    let datagrams =
        [0, 1].into_iter().flat_map(|half| [Party::A, Party::B].map(|party| allocate(party, half)));
    let session = Session {
        title: "two".to_owned(),
        peers: vec![peer(Party::A), peer(Party::B)],
        servers: vec![server],
        datagrams: datagrams.collect(),
        ..Session::default()
    };
    let told = transcript(&session, "seen");
    assert!(told.contains("A>turn allocate") && told.contains("B>turn allocate"), "{told}");
    assert!(!told.contains("unreadable"), "{told}");
}
