//! Two associations over a link in virtual time.

mod data;
mod handshake;
mod hostile;
mod lossy;
mod partial;
mod reset;
mod shutdown;

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_wire::sctp::{Checksum, Chunk, ChunkType, Packet, PacketView, Ppid, StreamId};

use super::{Association, Config, Event, Message, Reliability};
use crate::rng::Rng;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Which side a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    A,
    B,
}

/// What the link does with a packet: when each copy of it arrives, after now.
pub(super) type Link = Box<dyn FnMut(From, &Packet) -> Vec<Duration>>;

pub(super) struct Pair {
    pub(super) a: Association,
    pub(super) b: Association,
    pub(super) now: Duration,
    pub(super) link: Link,
    pub(super) log: Vec<(Duration, From, Packet)>,
    pub(super) events_a: Vec<Event>,
    pub(super) events_b: Vec<Event>,
    under_way: BTreeMap<(Duration, u64), (From, Vec<u8>)>,
    count: u64,
}

/// A link that takes 10 ms and loses nothing.
pub(super) fn good_link() -> Link {
    Box::new(|_, _| vec![MS * 10])
}

impl Pair {
    pub(super) fn new(a: Config, b: Config) -> Self {
        Self {
            a: Association::new(a, Rng::new(1)),
            b: Association::new(b, Rng::new(2)),
            now: Duration::ZERO,
            link: good_link(),
            log: Vec::new(),
            events_a: Vec::new(),
            events_b: Vec::new(),
            under_way: BTreeMap::new(),
            count: 0,
        }
    }

    /// Established, with nothing in the log.
    pub(super) fn connected(a: Config, b: Config) -> Self {
        let mut pair = Self::new(a, b);
        pair.a.connect(pair.now);
        pair.run(MS * 100);
        assert!(pair.a.is_established() && pair.b.is_established());
        pair.events_a.clear();
        pair.events_b.clear();
        pair.log.clear();
        pair
    }

    pub(super) fn plain() -> Self {
        let config = Config { interleaving: false, ..Config::default() };
        Self::connected(config.clone(), config)
    }

    pub(super) fn send_a(&mut self, stream: u16, data: &[u8], reliability: Reliability) {
        self.a
            .send(self.now, StreamId(stream), Ppid::BINARY, data.to_vec(), reliability)
            .expect("the association takes it");
    }

    /// Collects what both sides want to send and to tell.
    pub(super) fn flush(&mut self) {
        for from in [From::A, From::B] {
            let side = if from == From::A { &mut self.a } else { &mut self.b };
            while let Some(packet) = side.poll_transmit() {
                let bytes = side.encode(&packet).expect("packets fit");
                assert!(bytes.len() <= side.config.max_packet, "{} bytes", bytes.len());
                for delay in (self.link)(from, &packet) {
                    self.count += 1;
                    self.under_way.insert((self.now + delay, self.count), (from, bytes.clone()));
                }
                self.log.push((self.now, from, packet));
            }
        }
        self.events_a.extend(std::iter::from_fn(|| self.a.poll_event()));
        self.events_b.extend(std::iter::from_fn(|| self.b.poll_event()));
    }

    /// Goes to the arrival of the next packet, which must be under way, and no further.
    pub(super) fn arrive(&mut self) {
        let ((at, _), (from, bytes)) = self.under_way.pop_first().expect("a packet is under way");
        self.now = at;
        let to = if from == From::A { &mut self.b } else { &mut self.a };
        to.receive(at, &bytes);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.flush();
            self.flush();
            let arrival = self.under_way.keys().next().map(|key| key.0);
            let next = [arrival, self.a.wake(), self.b.wake()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.a.advance(self.now);
            self.b.advance(self.now);
            while let Some(entry) = self.under_way.first_entry().filter(|e| e.key().0 <= self.now) {
                let (from, bytes) = entry.remove();
                let to = if from == From::A { &mut self.b } else { &mut self.a };
                to.receive(self.now, &bytes);
                self.flush();
            }
        }
        self.now = end;
    }

    pub(super) fn messages_at_b(&self) -> Vec<&Message> {
        messages(&self.events_b)
    }

    /// The chunk types of each packet so far, by side.
    pub(super) fn packets(&self, from: From) -> Vec<Vec<ChunkType>> {
        let sent = self.log.iter().filter(|(_, side, _)| *side == from);
        sent.map(|(_, _, packet)| types(packet)).collect()
    }

    /// Gives a packet to B as if A had sent it, under B's tag.
    pub(super) fn forge_to_b(&mut self, chunks: Vec<Chunk>) {
        let packet = Packet {
            source_port: 5000,
            destination_port: 5000,
            verification_tag: self.a.peer.tag,
            chunks,
        };
        let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
        self.b.receive(self.now, &bytes);
        self.flush();
    }
}

pub(super) fn messages(events: &[Event]) -> Vec<&Message> {
    events
        .iter()
        .filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None })
        .collect()
}

pub(super) fn types(packet: &Packet) -> Vec<ChunkType> {
    packet.chunks.iter().map(Chunk::chunk_type).collect()
}

/// A link of 10 ms that loses the packets a test names by side and chunk, the first `count` times.
pub(super) fn losing(side: From, wanted: ChunkType, count: usize) -> Link {
    let mut left = count;
    Box::new(move |from, packet| {
        let hit = from == side && left > 0 && types(packet).contains(&wanted);
        left -= usize::from(hit);
        if hit { vec![] } else { vec![MS * 10] }
    })
}

#[test]
fn packets_of_both_sides_parse_strictly() {
    let mut pair = Pair::new(Config::default(), Config::default());
    pair.a.connect(pair.now);
    pair.send_a(1, &[7; 5000], Reliability::RELIABLE);
    pair.run(SECOND);
    for (_, from, packet) in &pair.log {
        let side = if *from == From::A { &pair.a } else { &pair.b };
        let bytes = side.encode(packet).expect("it fits");
        let view = PacketView::new(&bytes).expect("a common header");
        assert_eq!(&Packet::from_view(&view).expect("well formed"), packet);
    }
    assert_eq!(pair.messages_at_b().len(), 1);
}
