//! TCP streams from their segments (RFC 9293 §3.4), as a bystander sees them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::frames::Interface;

/// Connections known at once. Beyond that the half that was silent longest is forgotten.
const MAX_CONNECTIONS: usize = 4096;
/// Bytes ahead of a gap that one direction may hold.
const MAX_SIDE: usize = 256 << 10;
/// Segments ahead of a gap that one direction may hold.
const MAX_WAITING: usize = 1024;
/// Bytes that all directions may hold.
const MAX_HELD: usize = 16 << 20;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    pub(crate) payload: &'a [u8],
}

/// Something a stream gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// The next bytes of stream `number`, and the sequence number of the first.
    Bytes {
        number: u64,
        source: SocketAddr,
        destination: SocketAddr,
        sequence: u32,
        bytes: &'a [u8],
    },
    /// So many bytes are not in the capture; what follows has a new number.
    Gap { number: u64, bytes: u64 },
}

impl<'a> Segment<'a> {
    /// Reads a TCP header; `None` if it is not whole.
    pub(crate) fn parse(
        source: std::net::IpAddr,
        destination: std::net::IpAddr,
        bytes: &'a [u8],
    ) -> Option<Self> {
        let head = bytes.first_chunk::<20>()?;
        let number =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let port = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let header = usize::from(head[12] >> 4) * 4;
        let payload = bytes.get(header..).filter(|_| header >= 20)?;
        Some(Self {
            source: SocketAddr::new(source, port(0)),
            destination: SocketAddr::new(destination, port(2)),
            sequence: number(4),
            acknowledged: number(8),
            flags: head[13],
            payload,
        })
    }

    /// Sequence number of the first byte of the payload (RFC 9293 §3.4: a SYN takes one).
    pub(crate) fn first(&self) -> u32 {
        self.sequence.wrapping_add(u32::from(self.has(SYN)))
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Where a connection was seen, and its ends, the lower address first.
type Key = (Interface, SocketAddr, SocketAddr);

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    connections: BTreeMap<Key, Connection>,
    numbers: u64,
    clock: u64,
    held: usize,
}

#[derive(Debug)]
struct Connection {
    /// From the lower address, and from the higher.
    sides: [Side; 2],
    last: u64,
}

#[derive(Debug, Default)]
struct Side {
    number: u64,
    /// Position of the next byte, counted from an arbitrary begin, and its sequence number.
    next: Option<(u64, u32)>,
    /// Sequence number of its SYN.
    opened: Option<u32>,
    waiting: BTreeMap<u64, Vec<u8>>,
    held: usize,
    finished: bool,
}

/// What TCP carried to and from one host, from whole IP packets as it sends and gets them. Memory is
/// bounded as for a capture.
#[derive(Debug, Default)]
pub struct HostStreams(Streams);

impl HostStreams {
    /// Takes a packet and hands on what is in order now: the number of the stream, source,
    /// destination, bytes. Packets that are not TCP give nothing.
    pub fn packet(
        &mut self,
        packet: &[u8],
        sink: &mut impl FnMut(u64, SocketAddr, SocketAddr, &[u8]),
    ) {
        const RAW: u16 = 101;
        let Some(packet) = super::ip::packet(packet) else { return };
        if packet.protocol != super::ip::TCP || packet.fragment.is_some() {
            return;
        }
        let segment = Segment::parse(packet.source, packet.destination, packet.payload);
        let Some(segment) = segment else { return };
        self.0.add(Interface::of(0, RAW, &[]), &segment, &mut |_, piece| {
            if let Piece::Bytes { number, source, destination, bytes, .. } = piece {
                sink(number, source, destination, bytes);
            }
        });
    }
}

impl Streams {
    /// Adds a segment and hands on what is in order now.
    pub(crate) fn add(
        &mut self,
        interface: Interface,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(Interface, Piece<'_>),
    ) {
        let sink = &mut |piece: Piece<'_>| sink(interface, piece);
        let forward = segment.source <= segment.destination;
        let ends = (segment.source, segment.destination);
        let (low, high) = if forward { ends } else { (ends.1, ends.0) };
        let key = (interface, low, high);
        self.clock += 1;
        if segment.has(RST) {
            self.remove(&key);
            return;
        }
        let opens = segment.has(SYN);
        let first = opens && !segment.has(ACK);
        let known = self.connections.get(&key).map(|known| &known.sides[usize::from(!forward)]);
        if first && known.is_some_and(|side| side.opened != Some(segment.sequence)) {
            self.remove(&key);
        }
        if !self.connections.contains_key(&key) {
            if segment.payload.is_empty() && !opens {
                return;
            }
            self.make_room();
            self.numbers += 1;
            let side = || Side { number: self.numbers, ..Side::default() };
            self.connections.insert(key, Connection { sides: [side(), side()], last: 0 });
        }
        let Some(connection) = self.connections.get_mut(&key) else { return };
        connection.last = self.clock;
        let [low, high] = &mut connection.sides;
        let (own, other) = if forward { (low, high) } else { (high, low) };
        let before = own.held + other.held;
        own.segment(segment, &mut self.numbers, sink);
        if segment.has(ACK) {
            other.acknowledged(segment, &mut self.numbers, sink);
        }
        self.held = self.held + own.held + other.held - before;
        if self.held > MAX_HELD {
            self.held -= own.held;
            own.jump(ends, &mut self.numbers, sink);
            self.held += own.held;
        }
        if connection.sides.iter().all(|side| side.finished && side.waiting.is_empty()) {
            self.remove(&key);
        }
    }

    /// Hands on what waits behind gaps that nothing will fill any more.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Interface, Piece<'_>)) {
        for ((interface, low, high), connection) in std::mem::take(&mut self.connections) {
            let sink = &mut |piece: Piece<'_>| sink(interface, piece);
            let [mut up, mut down] = connection.sides;
            while !up.waiting.is_empty() {
                up.jump((low, high), &mut self.numbers, sink);
            }
            while !down.waiting.is_empty() {
                down.jump((high, low), &mut self.numbers, sink);
            }
        }
        self.held = 0;
    }

    fn remove(&mut self, key: &Key) {
        let gone = self.connections.remove(key);
        self.held -= gone.map_or(0, |gone| gone.sides.iter().map(|side| side.held).sum());
    }

    fn make_room(&mut self) {
        if self.connections.len() < MAX_CONNECTIONS {
            return;
        }
        // Every connection has another `last`, so exactly half of them go.
        let mut ages: Vec<u64> = self.connections.values().map(|known| known.last).collect();
        let middle = ages.len() / 2;
        let median = *ages.select_nth_unstable(middle).1;
        self.connections.retain(|_, known| known.last >= median);
        let sides = self.connections.values().flat_map(|known| &known.sides);
        self.held = sides.map(|side| side.held).sum();
    }
}

impl Side {
    fn segment(
        &mut self,
        segment: &Segment<'_>,
        numbers: &mut u64,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let first = segment.first();
        if segment.has(SYN) {
            self.opened = Some(segment.sequence);
        }
        let (next, sequence) = *self.next.get_or_insert((1 << 32, first));
        self.finished |= segment.has(FIN);
        if segment.payload.is_empty() {
            return;
        }
        // RFC 9293 §3.4: sequence numbers are compared modulo 2^32.
        let ahead = i64::from(first.wrapping_sub(sequence).cast_signed());
        let at = next.saturating_add_signed(ahead);
        let ends = (segment.source, segment.destination);
        if at <= next {
            let known = (next - at) as usize;
            self.deliver(ends, segment.payload.get(known..).unwrap_or_default(), sink);
            self.drain(ends, sink);
            return;
        }
        let held = self.waiting.get(&at).map_or(0, Vec::len);
        if held < segment.payload.len() {
            self.held += segment.payload.len() - held;
            self.waiting.insert(at, segment.payload.to_vec());
        }
        while self.held > MAX_SIDE || self.waiting.len() > MAX_WAITING {
            self.jump(ends, numbers, sink);
        }
    }

    /// The receiver has bytes that the capture lacks: nobody will send them again.
    fn acknowledged(
        &mut self,
        segment: &Segment<'_>,
        numbers: &mut u64,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let (Some((next, sequence)), Some((first, _))) =
            (self.next, self.waiting.first_key_value())
        else {
            return;
        };
        let ahead = i64::from(segment.acknowledged.wrapping_sub(sequence).cast_signed());
        if next.saturating_add_signed(ahead) > *first {
            self.jump((segment.destination, segment.source), numbers, sink);
        }
    }

    /// Gives up the bytes before what waits first.
    fn jump(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        numbers: &mut u64,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let (Some((next, sequence)), Some((first, _))) =
            (self.next, self.waiting.first_key_value())
        else {
            return;
        };
        let gap = first - next;
        sink(Piece::Gap { number: self.number, bytes: gap });
        *numbers += 1;
        self.number = *numbers;
        self.next = Some((*first, sequence.wrapping_add(gap as u32)));
        self.drain(ends, sink);
    }

    fn drain(&mut self, ends: (SocketAddr, SocketAddr), sink: &mut impl FnMut(Piece<'_>)) {
        while let (Some((next, _)), Some(entry)) = (self.next, self.waiting.first_entry()) {
            if *entry.key() > next {
                return;
            }
            let known = (next - entry.key()) as usize;
            let bytes = entry.remove();
            self.held -= bytes.len();
            self.deliver(ends, bytes.get(known..).unwrap_or_default(), sink);
        }
    }

    fn deliver(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        bytes: &[u8],
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let Some((next, after)) = self.next.as_mut().filter(|_| !bytes.is_empty()) else { return };
        let sequence = *after;
        *next += bytes.len() as u64;
        *after = sequence.wrapping_add(bytes.len() as u32);
        let (source, destination) = ends;
        sink(Piece::Bytes { number: self.number, source, destination, sequence, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        (SocketAddr::from(([10, 0, 0, 1], 5000)), SocketAddr::from(([10, 0, 0, 2], 3478)))
    }

    fn segment(sequence: u32, flags: u8, payload: &[u8]) -> Segment<'_> {
        let (source, destination) = ends();
        Segment { source, destination, sequence, acknowledged: 0, flags, payload }
    }

    fn text(pieces: &mut String, piece: Piece<'_>) {
        match piece {
            Piece::Bytes { number, bytes, .. } => {
                pieces.push_str(&format!("{number}:{} ", String::from_utf8_lossy(bytes)));
            }
            Piece::Gap { number, bytes } => pieces.push_str(&format!("{number}:gap({bytes}) ")),
        }
    }

    fn run(segments: &[Segment<'_>]) -> String {
        let (here, mut streams) = (Interface::default(), Streams::default());
        let mut pieces = String::new();
        for segment in segments {
            streams.add(here, segment, &mut |_, piece| text(&mut pieces, piece));
        }
        streams.finish(&mut |_, piece| text(&mut pieces, piece));
        assert_eq!(streams.held, 0);
        pieces.trim_end().to_owned()
    }

    #[test]
    fn bytes_come_in_order_whatever_the_network_did() {
        let syn = segment(u32::MAX - 2, SYN, b"");
        let first = u32::MAX - 1;
        let (ab, cd, ef) = (segment(first, 0, b"ab"), segment(0, 0, b"cd"), segment(2, 0, b"ef"));
        assert_eq!(run(&[syn, ab, cd, ef]), "1:ab 1:cd 1:ef");
        assert_eq!(run(&[syn, cd, ef, ab]), "1:ab 1:cd 1:ef");
        assert_eq!(run(&[syn, ab, ab, cd, ab, ef, cd]), "1:ab 1:cd 1:ef");
        let bcde = segment(u32::MAX, 0, b"bcde");
        assert_eq!(run(&[syn, ab, bcde, ef]), "1:ab 1:cde 1:f");
        assert_eq!(run(&[syn, bcde, cd, ef, ab]), "1:ab 1:cde 1:f");
        assert_eq!(run(&[cd, ef]), "1:cd 1:ef", "begun before the capture");
    }

    #[test]
    fn a_gap_is_said_and_what_follows_has_another_number() {
        let (ab, ef) = (segment(0, 0, b"ab"), segment(4, 0, b"ef"));
        assert_eq!(run(&[ab, ef]), "1:ab 1:gap(2) 2:ef");
        let (source, destination) = ends();
        let ack = |acknowledged| Segment {
            source: destination,
            destination: source,
            acknowledged,
            ..segment(9, ACK, b"")
        };
        let gh = segment(6, 0, b"gh");
        assert_eq!(run(&[ab, ef, ack(2), gh, ack(8)]), "1:ab 1:gap(2) 2:ef 2:gh");
    }

    #[test]
    fn a_new_connection_of_the_same_ports_has_a_new_number() {
        let (syn, ab) = (segment(10, SYN, b""), segment(11, 0, b"ab"));
        let (again, cd) = (segment(90, SYN, b""), segment(91, 0, b"cd"));
        assert_eq!(run(&[syn, ab, syn, again, cd]), "1:ab 2:cd");
        let reset = segment(13, RST, b"");
        assert_eq!(run(&[syn, ab, reset, again, cd]), "1:ab 2:cd");
    }

    #[test]
    fn both_directions_have_one_number() {
        let (source, destination) = ends();
        let back = Segment { source: destination, destination: source, ..segment(70, ACK, b"yo") };
        assert_eq!(run(&[segment(0, 0, b"ab"), back]), "1:ab 1:yo");
    }

    #[test]
    fn memory_is_bounded() {
        let mut streams = Streams::default();
        let payload = [0; 1000];
        for port in 1..10_000 {
            for sequence in [1, 5000] {
                let mut one = segment(sequence, 0, &payload);
                one.source.set_port(port);
                streams.add(Interface::default(), &one, &mut |_, _| {});
            }
            assert!(streams.connections.len() <= MAX_CONNECTIONS && streams.held <= MAX_HELD);
        }
        let mut delivered = 0;
        for sequence in 1..4000_u32 {
            let hole = segment(sequence * 2000, 0, &payload);
            streams.add(Interface::default(), &hole, &mut |_, piece| {
                delivered += usize::from(matches!(piece, Piece::Bytes { .. }));
            });
        }
        assert!(delivered > 3000);
    }
}
