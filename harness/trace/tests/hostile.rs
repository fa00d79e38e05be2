//! The observer on what no peer would send: real packets with bits flipped, cut, repeated, in
//! another order. It ends, remembers little and says the same each time.

#[allow(dead_code, reason = "the figures are for another test")]
mod common;

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{Event, Kind, Observer, Seen, Unread, limits};

/// A generator that is the same everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        (word % limit.max(1) as u64) as usize
    }
}

/// Collects everything that is said.
struct Digest(DefaultHasher, u64);

impl Digest {
    fn take(&mut self, event: &Event<'_>) {
        struct Into<'h>(&'h mut DefaultHasher);
        impl std::fmt::Write for Into<'_> {
            fn write_str(&mut self, text: &str) -> std::fmt::Result {
                self.0.write(text.as_bytes());
                Ok(())
            }
        }
        write!(Into(&mut self.0), "{event:?}").expect("hashing does not fail");
        self.1 += 1;
    }
}

fn mutated(payload: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = payload.to_vec();
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len() + 1)),
        1 => bytes.extend_from_slice(payload.get(random.below(payload.len())..).unwrap_or(&[])),
        _ => {}
    }
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        // The first bytes say most.
        let at = if random.below(2) == 0 { at } else { at.min(random.below(40)) };
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    bytes
}

/// Feeds a capture's datagrams, most of them changed; what was said, and how much.
fn run(capture: &common::Capture, seed: u64, rounds: usize) -> (u64, u64) {
    let mut random = Random(seed);
    let mut observer = capture.observer();
    let mut digest = Digest(DefaultHasher::new(), 0);
    let count = rounds * capture.datagrams.len();
    for step in 0..count {
        let nth = if random.below(10) == 0 { random.below(count) } else { step };
        let datagram = &capture.datagrams[nth % capture.datagrams.len()];
        let bytes = if random.below(3) == 0 {
            datagram.payload.clone()
        } else {
            mutated(&datagram.payload, &mut random)
        };
        let seen = Seen { payload: &bytes, ..datagram.seen() };
        observer.seen(&seen, &mut |event| digest.take(event));
    }
    let summary = observer.finish();
    assert_eq!(summary.frames, count as u64);
    assert!(summary.flows <= count as u64 * 2);
    (digest.0.finish(), digest.1)
}

#[test]
fn thousands_of_changed_packets_end_without_panic_and_the_same_each_time() {
    let mut events = 0;
    for (seed, capture) in common::all().iter().enumerate() {
        let seed = seed as u64 + 1;
        let first = run(capture, seed, 3);
        assert_eq!(first, run(capture, seed, 3), "{}", capture.name);
        assert_ne!(first.0, run(capture, seed + 1000, 3).0, "{}", capture.name);
        events += first.1;
    }
    assert!(events > 10_000, "{events} events");
}

#[test]
fn the_same_capture_says_the_same_twice() {
    for capture in common::all() {
        let said = || {
            let mut observer = capture.observer();
            let mut digest = Digest(DefaultHasher::new(), 0);
            for datagram in &capture.datagrams {
                observer.seen(&datagram.seen(), &mut |event| digest.take(event));
            }
            (digest.0.finish(), observer.finish())
        };
        assert_eq!(said(), said(), "{}", capture.name);
    }
}

#[test]
fn a_capture_seen_twice_is_two_associations_of_one_connection() {
    let captures = common::all();
    let capture = captures.iter().find(|one| one.name == "pion-pion").expect("it is there");
    let mut observer = capture.observer();
    let mut messages = [Vec::new(), Vec::new()];
    for messages in &mut messages {
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |event| {
                if let Kind::Message(message) = event.kind {
                    messages.push((event.from, message.stream, message.bytes.to_vec()));
                }
            });
        }
    }
    assert!(messages[0].len() >= 10, "{} messages", messages[0].len());
    assert_eq!(messages[0], messages[1]);
    let summary = observer.finish();
    assert_eq!(summary.connections, 1);
    assert_eq!(summary.totals.protected.records.opened, 2 * capture.figure("records decrypted "));
}

#[test]
fn connections_and_flows_without_number_are_forgotten() {
    let captures = common::all();
    let capture = captures.iter().find(|one| one.name == "aiortc-aiortc").expect("it is there");
    let mut observer = Observer::new();
    let hello = capture.datagrams.iter().find(|one| one.payload.first() == Some(&22));
    let hello = hello.expect("a handshake").payload.clone();
    for port in 0..20_000_u16 {
        let seen = Seen {
            number: u64::from(port) + 1,
            at: Duration::ZERO,
            carrier: Carrier::Udp,
            source: SocketAddr::from(([192, 0, 2, 1], port)),
            destination: SocketAddr::from(([192, 0, 2, 2], 9)),
            payload: &hello,
        };
        observer.seen(&seen, &mut |_| {});
    }
    let summary = observer.finish();
    assert_eq!((summary.flows, summary.connections), (20_000, 20_000));
    assert!(summary.flows_forgotten >= 20_000 - limits::FLOWS as u64);
    assert!(summary.connections_forgotten >= 20_000 - limits::CONNECTIONS as u64);
}

fn stream<'a>(number: u64, payload: &'a [u8], back: bool) -> Seen<'a> {
    let (a, b) = (([192, 0, 2, 1], 5000).into(), ([192, 0, 2, 2], 3478).into());
    let (source, destination) = if back { (b, a) } else { (a, b) };
    let carrier = Carrier::Tcp(number);
    Seen { number: 1, at: Duration::ZERO, carrier, source, destination, payload }
}

#[test]
fn streams_are_read_by_their_own_framing_whatever_their_pieces() {
    let captures = common::all();
    let capture = captures.iter().find(|one| one.name == "aiortc-aiortc").expect("it is there");
    let packets: Vec<&[u8]> =
        capture.datagrams.iter().take(20).map(|one| one.payload.as_slice()).collect();
    let mut framed = Vec::new();
    for packet in &packets {
        framed.extend_from_slice(&u16::try_from(packet.len()).expect("short").to_be_bytes());
        framed.extend_from_slice(packet);
    }
    for piece in [1, 7, 100, 5000] {
        let mut observer = Observer::new();
        let mut found: Vec<Vec<u8>> = Vec::new();
        for bytes in framed.chunks(piece) {
            observer.seen(&stream(7, bytes, false), &mut |event| match event.kind {
                Kind::Datagram(datagram) => found.push(datagram.bytes.to_vec()),
                Kind::Opaque(opaque) => panic!("{}", opaque.why),
                _ => {}
            });
        }
        assert_eq!(found, packets);
    }
}

#[test]
fn streams_of_something_else_are_said_to_be_so() {
    let told = |bytes: &[u8]| {
        let mut why = None;
        Observer::new().seen(&stream(1, bytes, true), &mut |event| {
            if let Kind::Opaque(opaque) = event.kind {
                why = Some(opaque.why);
            }
        });
        why
    };
    assert_eq!(told(b"\x16\x03\x01\x02\x00\x01"), Some(Unread::Tls));
    assert_eq!(told(b"GET / HTTP/1.1\r\n"), Some(Unread::Stream));
    assert_eq!(told(b"\x00\x01"), None);
}

#[test]
fn streams_without_number_and_without_end_take_bounded_memory() {
    let mut observer = Observer::new();
    let start = b"\x00\x01\xff\xfc\x21\x12\xa4\x42transaction!";
    for number in 0..10_000 {
        observer.seen(&stream(number, start, false), &mut |_| {});
        observer.seen(&stream(number, &[0; 3000], false), &mut |_| {});
    }
    let mut lost = 0;
    for _ in 0..100 {
        observer.seen(&stream(1, start, false), &mut |_| {});
        observer.seen(&stream(1, &[0xff; 60_000], false), &mut |event| {
            lost += u32::from(matches!(event.kind, Kind::Opaque(_)));
        });
    }
    assert!(lost > 0);
}
