//! `sctp_pair_sim`: two associations, a network that the input owns, virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_peer::rng::Rng;
use rtcspec_peer::sctp::{Association, Config, Event, Message, Reliability};
use rtcspec_wire::sctp::{Chunk, Packet, Ppid, StreamId, Tsn};

use super::fault::{Edge, MakeEdge, sound};
use super::pair_plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::{self, elements::Shape};
use crate::target::Target;

/// Holds delivery. An input is a program, see the constants of this file for its steps.
pub const PAIR: Target = Target {
    name: "sctp_pair_sim",
    about: "two SCTP associations over a network the input owns: delivered once, whole, in order; then silence",
    seeds: &[],
    dictionary: || (0..=RESET).map(|op| vec![op]).collect(),
    mutate: mutate::program,
    body: |case| body(case, sound),
    situations: &[
        "connected",
        "delivered",
        "lost and delivered",
        "fragmented",
        "interleaved",
        "abandoned",
        "reset",
        "unordered",
        "wrapped",
    ],
    plants: pair_plants::ALL,
};

/// Before anything else: switches, and how far the first TSN is from its wrap.
const CONFIG: u8 = 0;
/// A message: switches with the stream, length in two bytes.
const SEND: u8 = 1;
/// Time passes: milliseconds in units of four.
const WAIT: u8 = 2;
/// What happens to the packets that follow, one after the other, over and over.
const FATES: u8 = 3;
/// A stream is reset.
const RESET: u8 = 4;

/// Time that a program may pass under its own network.
const LONGEST: Duration = Duration::from_secs(60);
/// Time after that in which all that was reliable has to arrive.
const HEALED: Duration = Duration::from_secs(600);
/// A receive window that fills. It still has room for a message on each stream, ordered and not:
/// what does not fit as a whole never arrives, since nothing is delivered in parts (RFC 9260 §6.9).
const SMALL_WINDOW: u32 = 32 << 10;
/// Messages of one program, and their bytes in all.
const MESSAGES: usize = 64;
const BYTES: usize = 200_000;
const MS: Duration = Duration::from_millis(1);

/// What a whole simulation may use.
const BUDGET: Budget =
    Budget { bytes: 256 << 20, time: Duration::from_millis(500), ..Budget::DATAGRAM };

pub(super) fn body(case: &mut Case<'_>, edge: MakeEdge) -> Verdict {
    let input = case.input;
    let pair = case.within(BUDGET, input.len(), || simulate(input, edge))??;
    note(case, &pair);
    pair.verdict()
}

fn simulate(input: &[u8], edge: MakeEdge) -> Result<Pair, Finding> {
    let mut pair = Pair::new(input, edge);
    Shape::STEP.elements(input).take(400).try_for_each(|step| pair.step(step))?;
    pair.heal()?;
    Ok(pair)
}

fn note(case: &mut Case<'_>, pair: &Pair) {
    let lost = pair.dropped > 0;
    let sent = &pair.sent;
    let delivered = sent.iter().any(|sending| sending.delivered > 0);
    let situations = [
        (pair.sides.iter().all(|side| side.connected), "connected"),
        (delivered, "delivered"),
        (delivered && lost, "lost and delivered"),
        (sent.iter().any(|sending| sending.delivered > 0 && sending.length > 1200), "fragmented"),
        (pair.interleaved, "interleaved"),
        (pair.abandoned, "abandoned"),
        (pair.resets > 0, "reset"),
        (
            sent.iter().any(|sending| sending.delivered > 0 && !sending.reliability.ordered),
            "unordered",
        ),
        (pair.wrapped, "wrapped"),
    ];
    for (_, situation) in situations.into_iter().filter(|(is, _)| *is) {
        case.reach(situation);
    }
    case.see(&(pair.dropped.min(20), pair.resets.min(3), sent.len().min(8)));
    case.see(&(lost, pair.interleaved, pair.abandoned, pair.wrapped, pair.packets.ilog2()));
}

struct Sending {
    from: usize,
    stream: StreamId,
    length: usize,
    reliability: Reliability,
    delivered: u32,
}

struct Side {
    association: Association,
    edge: Box<dyn Edge>,
    /// Something was put in, or taken out, since it had nothing more to say.
    stirred: bool,
    connected: bool,
    closed: Option<String>,
    /// The highest TSN sent, or said to be skipped.
    highest: Option<Tsn>,
    /// The last cumulative acknowledgement sent.
    acknowledged: Option<Tsn>,
    /// Index of the last ordered message delivered, by stream.
    last: BTreeMap<StreamId, usize>,
}

struct Pair {
    sides: [Side; 2],
    now: Duration,
    under_way: BTreeMap<(Duration, u64), (usize, Vec<u8>)>,
    fates: Vec<u8>,
    packets: u64,
    dropped: u32,
    passed: Duration,
    sent: Vec<Sending>,
    bytes: usize,
    resets: u32,
    interleaved: bool,
    abandoned: bool,
    wrapped: bool,
    small_window: bool,
}

impl Pair {
    fn new(input: &[u8], edge: MakeEdge) -> Self {
        let first = Shape::STEP.elements(input).next().unwrap_or_default();
        let (switches, tsn) = match first {
            [CONFIG, _, switches, tsn, ..] => (*switches, *tsn),
            _ => (0, 0),
        };
        let config = Config {
            interleaving: switches & 1 != 0,
            zero_checksum: switches & 2 != 0,
            a_rwnd: if switches & 4 != 0 { SMALL_WINDOW } else { 1 << 20 },
            initial_tsn: Some(Tsn(u32::MAX.wrapping_sub(u32::from(tsn)))),
            max_retransmits: 1000,
            max_init_retransmits: 1000,
            rto_max: Duration::from_secs(4),
            ..Config::default()
        };
        let side = |seed, edge| Side {
            association: Association::new(config.clone(), Rng::new(seed)),
            edge,
            stirred: true,
            connected: false,
            closed: None,
            highest: None,
            acknowledged: None,
            last: BTreeMap::new(),
        };
        let mut pair = Self {
            sides: [side(1, sound()), side(2, edge())],
            now: Duration::ZERO,
            under_way: BTreeMap::new(),
            fates: Vec::new(),
            packets: 1,
            dropped: 0,
            passed: Duration::ZERO,
            sent: Vec::new(),
            bytes: 0,
            resets: 0,
            interleaved: false,
            abandoned: false,
            wrapped: false,
            small_window: switches & 4 != 0,
        };
        pair.sides[0].association.connect(pair.now);
        if switches & 8 != 0 {
            pair.sides[1].association.connect(pair.now);
        }
        pair
    }

    fn step(&mut self, step: &[u8]) -> Verdict {
        let [op, _, argument @ ..] = step else { return Ok(()) };
        match (*op, argument) {
            (SEND, [switches, high, low, ..]) => {
                self.send(*switches, usize::from(u16::from_be_bytes([*high, *low])));
            }
            (WAIT, [units, ..]) => {
                let time = MS * 4 * u32::from(*units);
                if self.passed + time <= LONGEST {
                    self.passed += time;
                    return self.run(time);
                }
            }
            (FATES, fates) => self.fates = fates.iter().copied().take(64).collect(),
            (RESET, [which, ..]) => {
                let (side, stream) = (usize::from(which & 1), StreamId(u16::from(which >> 1 & 3)));
                if self.sides[side].connected {
                    self.sides[side].association.reset_stream(self.now, stream);
                    self.sides[side].stirred = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn send(&mut self, switches: u8, length: usize) {
        let (from, stream) = (usize::from(switches & 1), StreamId(u16::from(switches >> 1 & 3)));
        let longest = if self.small_window { SMALL_WINDOW as usize / 10 } else { 20_000 };
        let length = length % longest + 2;
        if self.sent.len() >= MESSAGES || self.bytes + length > BYTES {
            return;
        }
        let reliability = Reliability {
            ordered: switches & 8 == 0,
            max_retransmits: (switches & 0x30 == 0x10).then_some(u32::from(switches >> 6)),
            lifetime: (switches & 0x30 == 0x20).then_some(MS * 50 * u32::from(switches >> 6)),
        };
        let data = payload(self.sent.len(), length);
        let taken =
            self.sides[from].association.send(self.now, stream, Ppid::BINARY, data, reliability);
        self.sides[from].stirred = true;
        if taken.is_ok() {
            self.bytes += length;
            self.sent.push(Sending { from, stream, length, reliability, delivered: 0 });
        }
    }

    /// Lets time pass.
    fn run(&mut self, duration: Duration) -> Verdict {
        let end = self.now + duration;
        let mut idle = 0_u32;
        loop {
            self.flush()?;
            let arrival = self.under_way.keys().next().map(|key| key.0);
            let wakes = self.sides.iter().filter_map(|side| side.association.wake());
            let next = arrival.into_iter().chain(wakes).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            idle = if next > self.now { 0 } else { idle + 1 };
            hold(Oracle::Model, idle < 10_000, || {
                "time stands still: a timer that stays due".to_owned()
            })?;
            self.now = self.now.max(next);
            for side in &mut self.sides {
                side.association.advance(self.now);
                side.stirred = true;
            }
            while let Some(entry) =
                self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now)
            {
                let (to, bytes) = entry.remove();
                let Side { association, edge, stirred, .. } = &mut self.sides[to];
                edge.incoming(association, self.now, &bytes);
                association.receive(self.now, &bytes);
                *stirred = true;
                self.flush()?;
            }
        }
        self.now = end;
        Ok(())
    }

    fn flush(&mut self) -> Verdict {
        for from in 0..2 {
            if !std::mem::take(&mut self.sides[from].stirred) {
                continue;
            }
            while let Some(mut packet) = self.sides[from].association.poll_transmit() {
                if !self.sides[from].edge.outgoing(&mut packet) {
                    continue;
                }
                self.watch(from, &packet)?;
                let bytes = self.sides[from].association.encode(&packet);
                let bytes = bytes.map_err(|error| Finding::new(Oracle::Model, error))?;
                self.travel(1 - from, bytes);
            }
            let mut events: Vec<Event> =
                std::iter::from_fn(|| self.sides[from].association.poll_event()).collect();
            // A message that is taken may open the window, which the peer is told.
            self.sides[from].stirred = !events.is_empty();
            self.sides[from].edge.telling(&mut events);
            for event in events {
                self.hear(from, event)?;
            }
        }
        Ok(())
    }

    fn travel(&mut self, to: usize, bytes: Vec<u8>) {
        self.packets += 1;
        let fate = match self.fates.len() {
            0 => 0,
            len => self.fates[self.packets as usize % len],
        };
        let delay = MS * 10 + MS * 4 * u32::from(fate & 0x3f);
        let (now, number) = (self.now, self.packets * 4);
        match fate >> 6 {
            1 => {
                self.dropped += 1;
                return;
            }
            2 => drop(self.under_way.insert((now + delay * 2, number + 1), (to, bytes.clone()))),
            _ => {}
        }
        self.under_way.insert((now + delay, number), (to, bytes));
    }

    /// What every packet has to keep to.
    fn watch(&mut self, from: usize, packet: &Packet) -> Verdict {
        for chunk in &packet.chunks {
            let tsn = match chunk {
                Chunk::Data(data) => data.tsn,
                Chunk::IData(data) => {
                    self.interleaved = true;
                    data.tsn
                }
                Chunk::ForwardTsn(forward) => {
                    self.abandoned = true;
                    forward.new_cumulative_tsn
                }
                Chunk::IForwardTsn(forward) => {
                    self.abandoned = true;
                    forward.new_cumulative_tsn
                }
                Chunk::Sack(sack) => {
                    self.sack(from, sack.cumulative_tsn_ack)?;
                    continue;
                }
                _ => continue,
            };
            let side = &mut self.sides[from];
            self.wrapped |=
                side.highest.is_some_and(|highest| highest.0 > tsn.0 && tsn.is_after(highest));
            if side.highest.is_none_or(|highest| tsn.is_after(highest)) {
                side.highest = Some(tsn);
            }
        }
        Ok(())
    }

    /// RFC 9260 §6.2: acknowledged is what came, and what was acknowledged stays so.
    fn sack(&mut self, from: usize, acknowledged: Tsn) -> Verdict {
        let before = self.sides[from].acknowledged.replace(acknowledged);
        let back = before.is_some_and(|before| acknowledged.is_before(before));
        hold(Oracle::Model, !back, || {
            format!("cumulative acknowledgement goes back from {before:?} to {acknowledged}")
        })?;
        let unsent =
            self.sides[1 - from].highest.is_some_and(|highest| acknowledged.is_after(highest));
        hold(Oracle::Model, !unsent, || format!("{acknowledged} is acknowledged and was not sent"))
    }

    fn hear(&mut self, at: usize, event: Event) -> Verdict {
        match event {
            Event::Connected => self.sides[at].connected = true,
            Event::Message(message) => return self.delivered(at, &message),
            Event::IncomingReset(_) | Event::OutgoingReset(_) => self.resets += 1,
            Event::Closed(why) => self.sides[at].closed = Some(format!("{why:?}")),
            _ => {}
        }
        Ok(())
    }

    fn delivered(&mut self, at: usize, message: &Message) -> Verdict {
        let index = message.data.first_chunk().map(|head| usize::from(u16::from_be_bytes(*head)));
        let sending = index.and_then(|index| self.sent.get_mut(index));
        let (Some(index), Some(sending)) = (index, sending) else {
            return Err(Finding::new(Oracle::Model, "a message is delivered that nobody sent"));
        };
        let right = sending.from != at
            && sending.stream == message.stream
            && is_payload(&message.data, index, sending.length);
        hold(Oracle::Model, right, || {
            format!(
                "message {index} is delivered with {} bytes of {}, changed or elsewhere",
                message.data.len(),
                sending.length
            )
        })?;
        sending.delivered += 1;
        hold(Oracle::Model, sending.delivered == 1, || {
            format!("message {index} is delivered twice")
        })?;
        if sending.reliability.ordered {
            let last = self.sides[at].last.insert(message.stream, index);
            hold(Oracle::Model, last.is_none_or(|last| last < index), || {
                format!("message {index} is delivered after message {last:?} of its stream")
            })?;
        }
        Ok(())
    }

    /// The network is good again: all that is reliable arrives, then nobody says more than that he is
    /// there.
    fn heal(&mut self) -> Verdict {
        self.fates.clear();
        let end = self.now + HEALED;
        while self.now < end && !self.is_done() {
            self.run(Duration::from_secs(5))?;
        }
        if let Some(why) = self.sides.iter().find_map(|side| side.closed.as_ref()) {
            return Err(Finding::new(
                Oracle::Model,
                format!("closed although nobody asked for it: {why}"),
            ));
        }
        self.run(Duration::from_secs(30))?;
        let before = self.packets;
        self.run(Duration::from_secs(60))?;
        // RFC 9260 §8.3: a HEARTBEAT each and its answer in 30 s and a bit.
        let more = self.packets - before;
        hold(Oracle::Model, more <= 16, || {
            format!("{more} packets in a minute in which nothing is to be said")
        })
    }

    fn is_done(&self) -> bool {
        self.sides.iter().all(|side| side.association.is_drained())
            && self
                .sent
                .iter()
                .all(|sending| sending.delivered > 0 || !is_reliable(&sending.reliability))
    }

    fn verdict(&self) -> Verdict {
        let lost = self
            .sent
            .iter()
            .position(|sending| sending.delivered == 0 && is_reliable(&sending.reliability));
        hold(Oracle::Model, lost.is_none(), || {
            format!("message {lost:?} did not arrive in {} s of a good network", HEALED.as_secs())
        })?;
        let drained = self.sides.iter().all(|side| side.association.is_drained());
        hold(Oracle::Model, drained, || "data is in flight after all has arrived".to_owned())?;
        let most = 4000 + 60 * self.bytes as u64 / 1000 + 60 * u64::from(self.dropped);
        hold(Oracle::Model, self.packets <= most, || {
            format!("{} packets for {} bytes, {} lost", self.packets, self.bytes, self.dropped)
        })
    }
}

fn is_reliable(reliability: &Reliability) -> bool {
    reliability.max_retransmits.is_none() && reliability.lifetime.is_none()
}

/// What a message carries: its number, then bytes of which each depends on number and place.
pub(super) fn payload(index: usize, length: usize) -> Vec<u8> {
    let period = period(index);
    let mut data = Vec::with_capacity(length);
    while data.len() < length {
        data.extend_from_slice(&period[..PERIOD.min(length - data.len())]);
    }
    for (byte, head) in data.iter_mut().zip((index as u16).to_be_bytes()) {
        *byte = head;
    }
    data
}

/// Whether data is that payload, without making another one.
pub(super) fn is_payload(data: &[u8], index: usize, length: usize) -> bool {
    let (period, head) = (period(index), (index as u16).to_be_bytes());
    let mut pieces = data.chunks(PERIOD);
    let first = pieces.next().unwrap_or_default();
    data.len() == length
        && first.starts_with(&head)
        && first.get(head.len()..) == period.get(head.len()..first.len())
        && pieces.all(|piece| period.starts_with(piece))
}

/// After so many bytes a payload is the same again.
const PERIOD: usize = 256;

fn period(index: usize) -> [u8; PERIOD] {
    std::array::from_fn(|at| (at as u8).wrapping_mul(31).wrapping_add(index as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_told_from_any_other() {
        for length in [2, 3, 255, 256, 257, 700, 20_001] {
            let data = payload(300, length);
            let byte = |at: usize| (at as u8).wrapping_mul(31).wrapping_add(44);
            assert!(data.len() == length && data.starts_with(&[1, 44]));
            assert!((2..length).all(|at| data[at] == byte(at)));
            assert!(is_payload(&data, 300, length));
            assert!(!is_payload(&data, 301, length) && !is_payload(&data, 300, length + 1));
            for at in [0, 1, length / 2, length - 1] {
                let mut other = data.clone();
                other[at] ^= 1;
                assert!(!is_payload(&other, 300, length), "{at} of {length}");
            }
        }
    }
}
