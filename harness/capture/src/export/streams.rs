//! TCP: the packets that streams carry are replaced, and the streams cut again where their segments
//! were, retransmissions and all.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use memchr::memmem;
use rtcspec_trace::watch::{self, Unread};

use super::Held;
use super::checksum;
use super::datagram::{Path, Rewriter};
use super::draft::Draft;
use super::network::Place;
use super::noise::Noise;
use crate::net::Interface;
use crate::net::ip::{self, Packet};
use crate::net::tcp::{self, Piece, Segment};

/// Bytes that are kept of what is not read: they tell that it is not.
const KEPT: usize = 4;
/// Bytes of a length before a packet (RFC 4571 §2).
const LENGTH: usize = 2;
/// Bytes between packets that belong to their framing: padding, then a length.
const FRAMING: usize = 3 + LENGTH;
/// Bytes of a TLS record before its content (RFC 8446 §5.1).
const TLS_RECORD: usize = 5;
/// A header with ports, numbers, flags and window; without options.
const HEADER: usize = 20;
/// Ports, numbers and the length of the header: what tells that a segment is none.
const BROKEN: usize = 14;
/// Runs of a stream that are looked at for one segment.
const NEAR: usize = 4096;

/// One direction of a stream: its number and who sends.
type Direction = (u64, SocketAddr);
/// Where it was seen, who sends to whom.
type Ends = (Interface, SocketAddr, SocketAddr);

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    tcp: tcp::Streams,
    carried: Carried,
    segments: Vec<Sent>,
}

/// What streams carried.
#[derive(Debug, Default)]
struct Carried {
    followed: watch::Streams,
    readers: BTreeMap<Direction, Reader>,
    runs: BTreeMap<Ends, Runs>,
}

/// A segment that is written again at the end.
#[derive(Debug)]
struct Sent {
    place: Place,
    ends: Ends,
    /// Sequence number of the first byte of its payload, which begins after the header.
    first: u32,
    header: usize,
    /// Before and after.
    addresses: [[IpAddr; 2]; 2],
    /// Whether the capture has all of it.
    whole: bool,
}

/// Bytes of a stream that came in one piece.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The packet that brought them in order.
    number: usize,
    direction: Direction,
    /// Where they are in their direction.
    at: usize,
    length: usize,
}

/// Runs by the sequence number of their first byte.
#[derive(Debug, Default)]
struct Runs {
    by_sequence: BTreeMap<u32, Vec<Run>>,
    longest: u32,
}

/// One direction, read packet by packet.
#[derive(Debug, Default)]
struct Reader {
    before: Vec<u8>,
    /// As far as `done`, then zeros.
    after: Vec<u8>,
    done: usize,
    /// Bytes that are no packet's.
    unread: u64,
    tls: bool,
}

impl Streams {
    /// A segment in the place of another: its payload comes at the end. Segments without a place
    /// are in IP fragments, and noise.
    pub(super) fn segment(
        &mut self,
        rewriter: &mut Rewriter,
        interface: Interface,
        packet: &Packet<'_>,
        now: [IpAddr; 2],
        place: Option<Place>,
    ) -> Vec<u8> {
        let noise = rewriter.book.noise.clone();
        let mut draft = Draft::new(&noise, packet.payload);
        let segment = Segment::parse(packet.source, packet.destination, packet.payload);
        let (Some(segment), Some(place)) = (segment, place) else {
            rewriter.book.told.others += 1;
            draft.keep_first(BROKEN);
            return draft.finish();
        };
        let header = packet.payload.len() - segment.payload.len();
        draft.keep_first(HEADER);
        let options = &packet.payload[HEADER..header];
        draft.put(options, &harmless_options(options));
        let number = place.0;
        self.segments.push(Sent {
            place,
            ends: (interface, segment.source, segment.destination),
            first: segment.first(),
            header,
            addresses: [[packet.source, packet.destination], now],
            whole: packet.missing == 0,
        });
        let Self { tcp, carried, .. } = self;
        tcp.add(interface, &segment, &mut |interface, piece| {
            carried.take(rewriter, interface, number, piece);
        });
        draft.finish()
    }

    /// Reads what waited for bytes that never came, and writes the segments.
    pub(super) fn finish(self, rewriter: &mut Rewriter, packets: &[Held], out: &mut [Vec<u8>]) {
        let Self { mut tcp, mut carried, segments } = self;
        let last = packets.len();
        tcp.finish(&mut |interface, piece| carried.take(rewriter, interface, last, piece));
        let Carried { mut readers, runs, .. } = carried;
        for reader in readers.values_mut() {
            rewriter.book.told.unread += reader.finish(&rewriter.book.noise);
        }
        for sent in segments {
            let (number, range) = sent.place.clone();
            let Some(before) = packets.get(number).and_then(|held| held.bytes.get(range.clone()))
            else {
                continue;
            };
            let Some(after) = out.get_mut(number).and_then(|bytes| bytes.get_mut(range)) else {
                continue;
            };
            if let Some(runs) = runs.get(&sent.ends) {
                runs.copy(&sent, &readers, &before[sent.header..], &mut after[sent.header..]);
            }
            if sent.whole {
                sent.sum(before, after);
            }
        }
    }
}

impl Carried {
    /// Takes in the next bytes of a stream, which the packet of this number brought.
    fn take(
        &mut self,
        rewriter: &mut Rewriter,
        interface: Interface,
        number: usize,
        piece: Piece<'_>,
    ) {
        let Piece::Bytes { number: stream, source, destination, sequence, bytes } = piece else {
            return;
        };
        let direction = (stream, source);
        let reader = self.readers.entry(direction).or_default();
        let run = Run { number, direction, at: reader.before.len(), length: bytes.len() };
        let runs = self.runs.entry((interface, source, destination)).or_default();
        runs.by_sequence.entry(sequence).or_default().push(run);
        runs.longest = runs.longest.max(bytes.len() as u32);
        reader.before.extend_from_slice(bytes);
        reader.after.resize(reader.before.len(), 0);
        let path = Path::new(source, destination);
        let noise = rewriter.book.noise.clone();
        let side = usize::from(source > destination);
        let read = self.followed.take(stream, side, bytes, &mut |packet| {
            let other = rewriter.datagram(&path, packet, 0);
            reader.put(&noise, packet, &other);
        });
        reader.tls |= read == Err(Unread::Tls);
    }
}

impl Reader {
    /// Replaces the next packet.
    fn put(&mut self, noise: &Noise, packet: &[u8], other: &[u8]) {
        let rest = &self.before[self.done..];
        let near = (0..=FRAMING).find(|at| rest[rest.len().min(*at)..].starts_with(packet));
        let Some(at) = near.or_else(|| memmem::find(rest, packet)) else { return };
        let (start, end) = (self.done + at, self.done + at + packet.len());
        self.skip(noise, start);
        if other.len() == packet.len() {
            self.after[start..end].copy_from_slice(other);
        }
        self.done = end;
    }

    /// What is before a packet: its framing, or bytes in which none was found.
    fn skip(&mut self, noise: &Noise, end: usize) {
        let gap = &self.before[self.done..end];
        let mut draft = Draft::new(noise, gap);
        draft.keep_first(KEPT);
        draft.keep(&gap[gap.len().saturating_sub(LENGTH)..]);
        draft.keep_zeros(gap);
        self.after[self.done..end].copy_from_slice(draft.bytes());
        if gap.len() > FRAMING {
            self.unread += gap.len() as u64;
        }
    }

    /// What is left is noise, but for what tells that it is not read; gives how much was not.
    fn finish(&mut self, noise: &Noise) -> u64 {
        let rest = &self.before[self.done..];
        let mut draft = Draft::new(noise, rest);
        draft.keep_first(KEPT);
        let mut records = if self.tls { rest } else { &[] };
        // The form of TLS stays.
        while let Some((head, after)) = records.split_at_checked(TLS_RECORD) {
            if !matches!(head, [20..=24, 3, 0..=4, ..]) {
                break;
            }
            draft.keep(head);
            let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
            records = after.get(length..).unwrap_or_default();
        }
        self.after[self.done..].copy_from_slice(draft.bytes());
        self.unread + rest.len() as u64
    }
}

impl Runs {
    /// Copies what replaces the payload of a segment from the runs that hold it, the nearest last.
    /// Bytes that were sent twice and differ stay noise.
    fn copy(
        &self,
        sent: &Sent,
        readers: &BTreeMap<Direction, Reader>,
        before: &[u8],
        after: &mut [u8],
    ) {
        // Sequence numbers wrap (RFC 9293 §3.4): two ranges at most.
        let (from, to) =
            (sent.first.wrapping_sub(self.longest), sent.first.wrapping_add(before.len() as u32));
        let ranges = if from <= to { vec![from..=to] } else { vec![from..=u32::MAX, 0..=to] };
        let found = ranges.into_iter().flat_map(|range| self.by_sequence.range(range));
        let mut found: Vec<(u32, Run)> = found
            .flat_map(|(sequence, runs)| runs.iter().map(|run| (*sequence, *run)))
            .take(NEAR)
            .collect();
        found.sort_by_key(|(_, run)| std::cmp::Reverse(run.number.abs_diff(sent.place.0)));
        for (sequence, run) in found {
            let ahead = i64::from(sequence.wrapping_sub(sent.first).cast_signed());
            let start = ahead.max(0) as usize;
            let end = (ahead + run.length as i64).clamp(0, before.len() as i64) as usize;
            let Some(reader) = readers.get(&run.direction).filter(|_| start < end) else {
                continue;
            };
            let at = run.at + (start as i64 - ahead) as usize;
            let part = at..at + (end - start);
            if reader.before.get(part.clone()) == Some(&before[start..end])
                && let Some(other) = reader.after.get(part)
            {
                after[start..end].copy_from_slice(other);
            }
        }
    }
}

impl Sent {
    fn sum(&self, before: &[u8], after: &mut [u8]) {
        let sum = |bytes: &[u8], [source, destination]: [IpAddr; 2]| {
            checksum::transport(source, destination, ip::TCP, bytes, 16)
        };
        let [addresses, now] = self.addresses;
        let found = u16::from_be_bytes([before[16], before[17]]);
        let field = checksum::anew(found, sum(before, addresses), sum(after, now));
        after[16..18].copy_from_slice(&field.to_be_bytes());
    }
}

/// Options that say nothing about who (RFC 9293 §3.2, RFC 7323, RFC 2018); the others become none.
fn harmless_options(options: &[u8]) -> Vec<u8> {
    let mut other = vec![1; options.len()];
    let mut at = 0;
    while let Some(kind) = options.get(at) {
        let length = match kind {
            0 => {
                other[at..].fill(0);
                return other;
            }
            1 => 1,
            _ => usize::from(*options.get(at + 1).unwrap_or(&0)),
        };
        let Some(option) = options.get(at..at + length).filter(|_| length > 0) else { break };
        if matches!(kind, 2..=5 | 8) {
            other[at..at + length].copy_from_slice(option);
        }
        at += length;
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_nobody_knows_become_none() {
        let options = [2, 4, 5, 0xb4, 34, 4, 9, 9, 1, 3, 3, 7, 253, 3, 8, 0];
        let expected = [2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 3, 3, 7, 1, 1, 1, 0];
        assert_eq!(harmless_options(&options), expected);
        assert_eq!(harmless_options(&[2, 0, 7]), [1, 1, 1]);
        assert_eq!(harmless_options(&[8]), [1]);
    }

    fn reader(before: &[u8]) -> Reader {
        Reader { before: before.to_vec(), after: vec![0; before.len()], ..Reader::default() }
    }

    #[test]
    fn what_is_not_read_stays_unread() {
        let noise = Noise::new([1; 32], 0);
        let tls = b"\x16\x03\x01\0\x06secret\x17\x03\x03\0\x05alice\x17\x03";
        let mut sealed = Reader { tls: true, ..reader(tls) };
        assert_eq!(sealed.finish(&noise), tls.len() as u64);
        assert_eq!((&sealed.after[..5], &sealed.after[11..16]), (&tls[..5], &tls[11..16]));
        assert!(sealed.after[5..11] != tls[5..11] && sealed.after[16..21] != tls[16..21]);
        let mut text = reader(b"GET /secret HTTP/1.1\r\n");
        text.finish(&noise);
        assert_eq!(text.after[..4], *b"GET ");
        assert!(!text.after.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn packets_are_replaced_where_they_are() {
        let noise = Noise::new([1; 32], 0);
        let mut framed = reader(b"\0\x03one\0\x03twosecret bytes\0\x05three\0\x09four");
        for (packet, other) in [(&b"one"[..], &b"ONE"[..]), (b"two", b"TWO"), (b"three", b"THREE")]
        {
            framed.put(&noise, packet, other);
        }
        assert_eq!(framed.finish(&noise), 14 + 6);
        assert!(framed.after.starts_with(b"\0\x03ONE\0\x03TWOsecr"));
        assert_eq!(framed.after[22..33], *b"\0\x05THREE\0\x09fo");
        assert!(!framed.after.windows(5).any(|part| part == b"bytes"));
    }
}
