//! TCP streams: TURN or RFC 4571 framing, told by the first bytes.

use std::collections::BTreeMap;

use rtcspec_wire::framing::{Deframer, Framing};
use rtcspec_wire::stun::MAGIC_COOKIE;

use super::event::Unread;
use super::{limits, resync};

/// Bytes that tell the framing: a length and a STUN header up to its cookie.
const TELLING: usize = 10;

/// One direction of a stream.
#[derive(Debug)]
enum Reader {
    /// Too few bytes to tell.
    Begins(Vec<u8>),
    Framed(Deframer),
    /// Where the next packet begins is looked for: the last bytes, and how many there were.
    Lost {
        last: Vec<u8>,
        passed: usize,
        why: Unread,
    },
    Unread(Unread),
}

/// Both directions of a stream, and when it was used.
#[derive(Debug)]
struct Stream {
    framing: Option<Framing>,
    readers: [Reader; 2],
    tick: u64,
}

/// Bytes in which the next packet of a stream is looked for.
const MOST_LOST: usize = 1 << 20;

/// The streams that are followed: bytes in, packets out, whatever is before them.
#[derive(Debug, Default)]
pub struct Streams {
    streams: BTreeMap<u64, Stream>,
    tick: u64,
}

impl Streams {
    /// Takes bytes of a stream's direction in, which is 0 or 1; gives its packets one after another.
    ///
    /// # Errors
    /// The stream cannot be read, or not any further.
    pub fn take(
        &mut self,
        number: u64,
        direction: usize,
        bytes: &[u8],
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Unread> {
        self.tick += 1;
        self.make_room(number);
        let begins = || Reader::Begins(Vec::new());
        let stream = self.streams.entry(number).or_insert_with(|| Stream {
            framing: None,
            readers: [begins(), begins()],
            tick: 0,
        });
        stream.tick = self.tick;
        let held;
        let mut bytes = bytes;
        if let Reader::Begins(first) = &mut stream.readers[direction] {
            first.extend_from_slice(bytes);
            if first.len() < TELLING && !is_hopeless(first) {
                return Ok(());
            }
            held = std::mem::take(first);
            bytes = &held;
            stream.readers[direction] = begin(&mut stream.framing, bytes);
        }
        let sought;
        let reader = &mut stream.readers[direction];
        if let Reader::Lost { last, passed, why } = reader {
            last.extend_from_slice(bytes);
            *passed += bytes.len();
            let why = *why;
            let Some((at, framing)) = resync::head(last, stream.framing) else {
                last.drain(..last.len().saturating_sub(resync::TELLING));
                if *passed > MOST_LOST {
                    *reader = Reader::Unread(why);
                }
                return Err(why);
            };
            sought = last.split_off(at);
            bytes = &sought;
            stream.framing = Some(framing);
            *reader = Reader::Framed(Deframer::new(framing));
        }
        match reader {
            Reader::Framed(deframer) => {
                let read = read(deframer, bytes, each);
                if let Err(why) = read {
                    *reader = Reader::Lost { last: Vec::new(), passed: 0, why };
                }
                read
            }
            Reader::Unread(why) => Err(*why),
            Reader::Begins(_) | Reader::Lost { .. } => Ok(()),
        }
    }

    fn make_room(&mut self, number: u64) {
        if self.streams.len() >= limits::STREAMS && !self.streams.contains_key(&number) {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.tick);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.streams.remove(&oldest);
            }
        }
    }
}

/// Whether a stream begins with a TLS record (RFC 8446 §5.1: at most 2^14 + 256 bytes).
fn is_hopeless(first: &[u8]) -> bool {
    matches!(first, [20..=24, 3, 0..=4, high, ..] if *high <= 0x41)
}

fn begin(known: &mut Option<Framing>, bytes: &[u8]) -> Reader {
    // What begins in the middle of a packet is no packet of a framing that the other direction has.
    let framing = framing_of(bytes).filter(|framing| known.is_none_or(|known| known == *framing));
    match framing {
        Some(framing) => {
            *known = Some(framing);
            Reader::Framed(Deframer::new(framing))
        }
        None if is_hopeless(bytes) => Reader::Unread(Unread::Tls),
        None => Reader::Lost { last: Vec::new(), passed: 0, why: Unread::Stream },
    }
}

/// RFC 8489 §5: the cookie tells a STUN message; RFC 4571 has two bytes of length before it, and
/// ICE sends checks first. What begins otherwise began before the capture, or after a gap.
fn framing_of(bytes: &[u8]) -> Option<Framing> {
    let cookie = MAGIC_COOKIE.to_be_bytes();
    if bytes.get(4..8) == Some(&cookie) && bytes.first().is_some_and(|first| *first < 4) {
        return Some(Framing::Turn);
    }
    let inner = bytes.get(2..)?;
    let is_stun = inner.get(4..8) == Some(&cookie);
    is_stun.then_some(Framing::Rfc4571)
}

fn read(deframer: &mut Deframer, bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Unread> {
    // A packet of the longest kind and one piece fit together.
    for piece in bytes.chunks(0xffff) {
        deframer.push(piece).map_err(|_| Unread::OutOfStep)?;
        while let Some(packet) = deframer.next_packet().map_err(|_| Unread::OutOfStep)? {
            each(packet);
        }
    }
    Ok(())
}
