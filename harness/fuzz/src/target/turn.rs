//! `turn_framing`: packets on a byte stream come out the same however the stream was cut.

use rtcspec_wire::framing::{Deframer, Framing, FramingError};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;

/// Holds TURN over TCP and RFC 4571. The first byte chooses the framing, the second the cuts, the rest is
/// the stream.
pub const FRAMING: Target = Target {
    name: "turn_framing",
    about: "STUN, ChannelData and RFC 4571 on streams: any cut gives the same packets",
    seeds: &["turn-framing"],
    dictionary: || vec![vec![0x40, 0], vec![0x7f, 0xff], vec![0x21, 0x12, 0xa4, 0x42]],
    mutate: |data, source| mutate::mostly(data, source, change),
    body: |case| body(case, read),
    situations: &[
        "two packets",
        "lost sync",
        "left over",
        "rfc 4571",
        "stun frame",
        "channel data frame",
    ],
    plants: &[
        Plant {
            name: "framing-header-in-one-piece",
            source: "a header that arrives in two pieces is read from the first",
            body: |case| body(case, header_in_one_piece),
        },
        Plant {
            name: "framing-padding-not-skipped",
            source: "RFC 8656 §12.5: the padding of ChannelData on TCP is taken for the next frame",
            body: |case| body(case, padding_not_skipped),
        },
        Plant {
            name: "framing-one-packet-each",
            source: "of packets that arrive together only the first is read",
            body: |case| body(case, one_packet_each),
        },
    ],
};

fn framing(byte: u8) -> Framing {
    if byte & 1 == 0 { Framing::Turn } else { Framing::Rfc4571 }
}

/// One change of the framing, the cuts, or the row of frames.
fn change(data: &mut Vec<u8>, source: &mut mutate::Source<'_>) {
    data.resize(data.len().max(2), 0);
    if source.one_in(6) {
        let at = source.below(2);
        data[at] = source.rng.u8(..);
    }
    let framing = framing(data[0]);
    let mut row = frames(framing, &data.split_off(2));
    let (at, to) = (source.below(row.len()), source.below(row.len()));
    match source.rng.u8(..8) {
        0 if !row.is_empty() => row.insert(to, row[at].clone()),
        1 if !row.is_empty() => drop(row.remove(at)),
        2 if !row.is_empty() => row.swap(at, to),
        3 => row.insert(at, foreign(framing, source)),
        4 => row.insert(at, fresh(framing, source)),
        _ => change_one(framing, &mut row, source),
    }
    for frame in &row {
        data.extend_from_slice(frame);
        if is_channel_data(framing, frame) {
            data.extend_from_slice(&[0; 3][..frame.len().wrapping_neg() & 3]);
        }
    }
}

/// RFC 8656 §12: the first two bits of a byte stream's frame are 0 of a STUN message and 1 of `ChannelData`.
fn is_channel_data(framing: Framing, frame: &[u8]) -> bool {
    framing == Framing::Turn && frame.first().is_some_and(|first| first >> 6 == 1)
}

/// Where the length field of a frame is, and from where it counts.
fn length_at(framing: Framing, frame: &[u8]) -> (usize, usize) {
    match framing {
        Framing::Rfc4571 => (0, 2),
        Framing::Turn if is_channel_data(framing, frame) => (2, 4),
        Framing::Turn => (2, 20),
    }
}

/// The frames of a stream without their padding. The last may be shorter than it says.
fn frames(framing: Framing, mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut row = Vec::new();
    while !stream.is_empty() {
        let (at, header) = length_at(framing, stream);
        let told = stream.get(at..at + 2).map(|field| u16::from_be_bytes([field[0], field[1]]));
        let length = told.map_or(stream.len(), |told| header + usize::from(told));
        row.push(stream[..length.min(stream.len())].to_vec());
        let padded =
            if is_channel_data(framing, stream) { length.next_multiple_of(4) } else { length };
        stream = &stream[padded.min(stream.len())..];
    }
    row
}

/// Makes the length field of a frame tell the truth, or a given number.
fn set_length(framing: Framing, frame: &mut Vec<u8>, told: Option<u64>) {
    let (at, header) = length_at(framing, frame);
    frame.resize(frame.len().max(header), 0);
    if header == 20 {
        // RFC 8489 §5: attributes are padded, so that the length of a message is a multiple of four.
        frame.resize(frame.len().next_multiple_of(4), 0);
    }
    let told = told.unwrap_or((frame.len() - header) as u64) as u16;
    frame[at..at + 2].copy_from_slice(&told.to_be_bytes());
}

/// A frame of the donor.
fn foreign(framing: Framing, source: &mut mutate::Source<'_>) -> Vec<u8> {
    let row = frames(framing, source.donor.get(2..).unwrap_or_default());
    let at = source.below(row.len());
    row.into_iter().nth(at).unwrap_or_default()
}

/// A frame of any bytes.
fn fresh(framing: Framing, source: &mut mutate::Source<'_>) -> Vec<u8> {
    let length = source.pick(&[2, 4, 5, 20, 24, 31]);
    let mut frame: Vec<u8> = (0..length).map(|_| source.rng.u8(..)).collect();
    frame[0] = source.pick(&[0, 1, 0x40, 0x7f]);
    set_length(framing, &mut frame, None);
    frame
}

/// Changes a frame; its length is made right again, but for one time in eight.
fn change_one(framing: Framing, row: &mut [Vec<u8>], source: &mut mutate::Source<'_>) {
    let at = source.below(row.len());
    let Some(frame) = row.get_mut(at) else { return };
    if source.one_in(6)
        && let Some(first) = frame.first_mut()
    {
        *first ^= 0x40;
    }
    let (_, header) = length_at(framing, frame);
    let mut rest = frame.split_off(header.min(frame.len()));
    mutate::bytes::mutate(&mut rest, source);
    frame.extend_from_slice(&rest);
    let wrong = source.one_in(8).then(|| source.number(frame.len() as u64));
    set_length(framing, frame, wrong);
}

/// What is read of a stream: its packets, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    packets: Vec<Vec<u8>>,
    ended: Result<usize, FramingError>,
}

type Read = fn(Framing, &mut dyn Iterator<Item = &[u8]>) -> Reading;

fn read(framing: Framing, pieces: &mut dyn Iterator<Item = &[u8]>) -> Reading {
    let mut deframer = Deframer::new(framing);
    let mut packets = Vec::new();
    for piece in pieces {
        let outcome = deframer.push(piece).and_then(|()| drain(&mut deframer, &mut packets));
        if let Err(error) = outcome {
            return Reading { packets, ended: Err(error) };
        }
    }
    Reading { packets, ended: Ok(deframer.buffered()) }
}

fn drain(deframer: &mut Deframer, packets: &mut Vec<Vec<u8>>) -> Result<(), FramingError> {
    while let Some(packet) = deframer.next_packet()? {
        packets.push(packet.to_vec());
    }
    Ok(())
}

fn body(case: &mut Case<'_>, read: Read) -> Verdict {
    let &[first, cuts, ref stream @ ..] = case.input else { return Ok(()) };
    let framing = framing(first);
    // Packets are kept, so they count too.
    let budget = Budget { bytes_each: 128, ..Budget::DATAGRAM };
    let whole =
        case.within(budget, stream.len(), || read(framing, &mut std::iter::once(stream)))?;
    note(case, framing, &whole);
    let size = usize::from(cuts) + 1;
    let mut uneven = Uneven { stream, state: usize::from(cuts) };
    for pieces in [
        &mut stream.chunks(1) as &mut dyn Iterator<Item = &[u8]>,
        &mut stream.chunks(size),
        &mut uneven,
    ] {
        let cut = read(framing, pieces);
        hold(Oracle::Metamorphic, cut == whole, || {
            format!("{framing:?}: in one piece {whole:?}, in several {cut:?}")
        })?;
    }
    given_back(framing, stream, &whole)
}

/// Pieces of sizes that vary.
struct Uneven<'a> {
    stream: &'a [u8],
    state: usize,
}

impl<'a> Iterator for Uneven<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.state = self.state.wrapping_mul(5).wrapping_add(3) % 23;
        let (piece, rest) = self.stream.split_at(self.stream.len().min(self.state + 1));
        self.stream = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

fn note(case: &mut Case<'_>, framing: Framing, whole: &Reading) {
    case.see(&(framing == Framing::Turn, whole.packets.len().min(4)));
    if whole.packets.len() > 1 {
        case.reach("two packets");
    }
    if framing == Framing::Rfc4571 && !whole.packets.is_empty() {
        case.reach("rfc 4571");
    }
    for packet in &whole.packets {
        match framing {
            Framing::Rfc4571 => {}
            Framing::Turn if is_channel_data(framing, packet) => case.reach("channel data frame"),
            Framing::Turn => case.reach("stun frame"),
        }
    }
    match whole.ended {
        Ok(0) => {}
        Ok(_) => case.reach("left over"),
        Err(_) => case.reach("lost sync"),
    }
}

/// What was read, framed again, is the stream as far as it was read, but for what padding held.
fn given_back(framing: Framing, stream: &[u8], whole: &Reading) -> Verdict {
    let mut out = Vec::new();
    for packet in &whole.packets {
        // Of STUN the length may be odd on the wire; nobody may send that.
        if framing == Framing::Turn && packet[0] < 0x40 && !packet.len().is_multiple_of(4) {
            return Ok(());
        }
        framing
            .frame_into(packet, &mut out)
            .map_err(|error| Finding::new(Oracle::RoundTrip, error))?;
    }
    let same = out.len() <= stream.len()
        && read(framing, &mut std::iter::once(&out[..])).packets == whole.packets;
    hold(Oracle::RoundTrip, same, || format!("{stream:02x?} comes back as {out:02x?}"))
}

fn header_in_one_piece(framing: Framing, pieces: &mut dyn Iterator<Item = &[u8]>) -> Reading {
    let pieces: Vec<&[u8]> = pieces.filter(|piece| piece.len() > 1).collect();
    read(framing, &mut pieces.into_iter())
}

fn padding_not_skipped(framing: Framing, pieces: &mut dyn Iterator<Item = &[u8]>) -> Reading {
    let mut reading = read(framing, pieces);
    let odd =
        |packet: &Vec<u8>| is_channel_data(framing, packet) && !packet.len().is_multiple_of(4);
    if let Some(at) = reading.packets.iter().position(odd)
        && at + 1 < reading.packets.len()
    {
        reading.packets[at + 1].insert(0, 0);
    }
    reading
}

fn one_packet_each(framing: Framing, pieces: &mut dyn Iterator<Item = &[u8]>) -> Reading {
    let mut deframer = Deframer::new(framing);
    let mut packets = Vec::new();
    for piece in pieces {
        match deframer.push(piece).and_then(|()| Ok(deframer.next_packet()?.map(<[u8]>::to_vec))) {
            Ok(packet) => packets.extend(packet),
            Err(error) => return Reading { packets, ended: Err(error) },
        }
    }
    Reading { packets, ended: Ok(deframer.buffered()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STUN, `ChannelData` with padding, STUN.
    fn stream() -> Vec<u8> {
        let stun = [&[0_u8, 1, 0, 4][..], &[7; 20]].concat();
        let mut stream = Vec::new();
        for packet in [&stun[..], &[0x40, 1, 0, 5, 1, 2, 3, 4, 5], &stun] {
            Framing::Turn.frame_into(packet, &mut stream).expect("short");
        }
        stream
    }

    #[test]
    fn a_stream_is_split_as_the_reader_splits_it() {
        let stream = stream();
        let reading = read(Framing::Turn, &mut std::iter::once(&stream[..]));
        assert_eq!(reading.packets, frames(Framing::Turn, &stream));
        let mut prefixed = Vec::new();
        for packet in &reading.packets {
            Framing::Rfc4571.frame_into(packet, &mut prefixed).expect("short");
        }
        let lengths: Vec<usize> =
            frames(Framing::Rfc4571, &prefixed).iter().map(Vec::len).collect();
        assert_eq!(lengths, [26, 11, 26]);
    }

    /// Until lengths were made right by the rules of each kind, a STUN frame that was changed swallowed
    /// what followed.
    #[test]
    fn most_streams_that_are_changed_are_still_in_step() {
        for framing in [Framing::Turn, Framing::Rfc4571] {
            let mut input = vec![u8::from(framing == Framing::Rfc4571), 0];
            for packet in frames(Framing::Turn, &stream()) {
                framing.frame_into(&packet, &mut input).expect("short");
            }
            let whole = |seed: &u64| {
                let mut data = input.clone();
                let rng = mutate::Rng::with_seed(*seed);
                change(
                    &mut data,
                    &mut mutate::Source { rng, donor: &input, dictionary: &[], most: 4096 },
                );
                let reading = read(super::framing(data[0]), &mut std::iter::once(&data[2..]));
                reading.ended == Ok(0) && reading.packets.len() > 1
            };
            let whole = (0..1000).filter(whole).count();
            assert!(whole > 800, "{framing:?}: {whole} of 1000");
        }
    }
}
