//! `turn_framing`: packets on a byte stream come out the same however the stream was cut.

use rtcspec_wire::framing::{Deframer, Framing, FramingError};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::mutate::elements::{Shape, opaque};

/// Holds TURN over TCP and RFC 4571. The first byte chooses the framing, the second the cuts.
pub const FRAMING: Target = Target {
    name: "turn_framing",
    about: "STUN, ChannelData and RFC 4571 on streams: any cut gives the same packets",
    seeds: &["turn-framing", "turn-channel-data", "stun"],
    dictionary: || vec![vec![0x40, 0], vec![0x7f, 0xff], vec![0x21, 0x12, 0xa4, 0x42]],
    mutate: |data, source| mutate::mostly(data, source, change),
    body: |case| body(case, read),
    situations: &["two packets", "lost sync", "left over", "rfc 4571"],
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

fn change(data: &mut Vec<u8>, source: &mut mutate::Source<'_>) {
    data.resize(data.len().max(2), 0);
    if source.one_in(6) {
        let at = source.below(2);
        data[at] = source.rng.u8(..);
    }
    let mut stream = data.split_off(2);
    Shape { header: 4, align: 4, ..Shape::ATTRIBUTE }.mutate(&mut stream, source, opaque);
    data.extend_from_slice(&stream);
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
    let &[framing, cuts, ref stream @ ..] = case.input else { return Ok(()) };
    let framing = if framing & 1 == 0 { Framing::Turn } else { Framing::Rfc4571 };
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
        if framing == Framing::Turn && packet[0] < 0x40 && packet.len() % 4 != 0 {
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
    let odd = reading.packets.iter().position(|packet| packet[0] >= 0x40 && packet.len() % 4 != 0);
    if let (Framing::Turn, Some(at)) = (framing, odd)
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
