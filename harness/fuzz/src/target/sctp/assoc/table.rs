//! An association under test, its partner and what lies between them; and the oracles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use rtcspec_peer::rng::Rng;
use rtcspec_peer::sctp::{Association, Closed, Config, Event, Message, Reliability, State};
use rtcspec_wire::sctp::{Cause, Chunk, ChunkType, Packet, PacketView, Ppid, StreamId, Tsn};

use super::super::fault::{Edge, MakeEdge};
use super::super::pair::{is_payload, payload};
use super::start::Start;
use super::watch::{Judgement, Watch, hold_nothing, snapshot};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::target::account::Account;

/// Time that a program may pass.
const LONGEST: Duration = Duration::from_secs(900);
/// Messages of both sides.
const MESSAGES: usize = 48;
/// Packets that wait in a direction.
const WAITING: usize = 128;
pub(super) const MS: Duration = Duration::from_millis(1);
/// A window that a few messages fill, and one that they do not.
const SMALL_WINDOW: u32 = 6000;
const WINDOW: u32 = 64 << 10;

struct Sending {
    from: usize,
    stream: StreamId,
    length: usize,
    ordered: bool,
    delivered: bool,
}

pub(super) struct Table {
    pub(super) ours: Association,
    edge: Box<dyn Edge>,
    pub(super) partner: Association,
    config: Config,
    pub(super) now: Duration,
    passed: Duration,
    pub(super) to_us: VecDeque<Vec<u8>>,
    pub(super) to_partner: VecDeque<Vec<u8>>,
    pub(super) watch: Watch,
    sent: Vec<Sending>,
    /// Index of the last ordered message delivered, by side and stream.
    last: BTreeMap<(usize, StreamId), usize>,
    /// Something came that the partner did not send, or an association ended: what is delivered is
    /// no longer what the partner's application said.
    tainted: bool,
    /// What may make packets: packets that came, timers, the application.
    causes: u64,
    packets: u64,
    /// Bytes that came, and packets without data that left with their bytes.
    came: usize,
    control: (usize, usize),
    pub(super) account: Account,
}

impl Table {
    /// `switches`: 1 interleaving, 2 no zero checksum, 4 a small window, 8 no partial reliability,
    /// 16 TSNs that wrap soon, 32 no stream reset.
    pub(super) fn new(start: &Start, switches: u8, edge: MakeEdge, account: Account) -> Self {
        let has = |bit: u8| switches & bit != 0;
        let first = |tsn| if has(16) { Tsn(u32::MAX - tsn) } else { Tsn(1000 * tsn) };
        let config = Config {
            interleaving: has(1) || start.interleaving,
            zero_checksum: !has(2),
            a_rwnd: if has(4) { SMALL_WINDOW } else { WINDOW },
            partial_reliability: !has(8),
            stream_reset: !has(32),
            initial_tsn: Some(first(2)),
            ..Config::default()
        };
        let theirs = Config { initial_tsn: Some(first(5)), ..config.clone() };
        Self {
            ours: Association::new(config.clone(), Rng::new(1)),
            edge: edge(),
            partner: Association::new(theirs, Rng::new(2)),
            config,
            now: Duration::ZERO,
            passed: Duration::ZERO,
            to_us: VecDeque::new(),
            to_partner: VecDeque::new(),
            watch: Watch::default(),
            sent: Vec::new(),
            last: BTreeMap::new(),
            tainted: false,
            causes: 0,
            packets: 0,
            came: 0,
            control: (0, 0),
            account,
        }
    }

    pub(super) fn side(&mut self, side: usize) -> &mut Association {
        self.causes += 1;
        if side == 0 { &mut self.ours } else { &mut self.partner }
    }

    pub(super) fn connect(&mut self, side: usize) -> Verdict {
        let now = self.now;
        self.side(side).connect(now);
        self.drain(side)
    }

    pub(super) fn shutdown(&mut self, side: usize) -> Verdict {
        let now = self.now;
        self.side(side).shutdown(now);
        self.drain(side)
    }

    pub(super) fn reset(&mut self, side: usize, stream: StreamId) -> Verdict {
        let now = self.now;
        if self.side(side).is_established() {
            self.side(side).reset_stream(now, stream);
        }
        self.drain(side)
    }

    pub(super) fn send(
        &mut self,
        from: usize,
        stream: StreamId,
        length: usize,
        reliability: Reliability,
    ) -> Verdict {
        if self.sent.len() >= MESSAGES {
            return Ok(());
        }
        let now = self.now;
        let data = payload(self.sent.len(), length);
        if self.side(from).send(now, stream, Ppid::BINARY, data, reliability).is_ok() {
            let ordered = reliability.ordered;
            self.sent.push(Sending { from, stream, length, ordered, delivered: false });
            if reliability.max_retransmits.is_some() || reliability.lifetime.is_some() {
                self.watch.may_skip();
            }
        }
        self.drain(from)
    }

    /// The next packet of the partner arrives.
    pub(super) fn deliver_to_us(&mut self) -> Verdict {
        match self.to_us.pop_front() {
            Some(packet) => self.give(&packet, true),
            None => Ok(()),
        }
    }

    /// The next packet of ours arrives.
    pub(super) fn deliver_to_partner(&mut self) -> Verdict {
        if let Some(packet) = self.to_partner.pop_front() {
            self.partner.receive(self.now, &packet);
            self.drain_partner()?;
        }
        Ok(())
    }

    /// What ours has sent is lost.
    pub(super) fn lose(&mut self) {
        self.to_partner.clear();
    }

    /// Gives a packet to the association under test, and holds what comes of it.
    pub(super) fn give(&mut self, bytes: &[u8], genuine: bool) -> Verdict {
        let judgement = self.watch.judge(bytes, &self.ours, &self.config);
        let without = match judgement {
            Judgement::Nothing(why, _) => {
                self.account.reach(why);
                // What a burst left over would go out now, and draw from the same randomness as an
                // answer.
                for _ in 0..WAITING {
                    self.ours.advance(self.now);
                    if self.drain_ours()?.1.is_empty() {
                        break;
                    }
                }
                Some(self.ours.clone())
            }
            Judgement::Something => {
                self.tainted |= !genuine;
                None
            }
        };
        self.watch.coming(bytes, &judgement);
        self.causes += 1;
        let before = self.ours.state();
        self.edge.incoming(&mut self.ours, self.now, bytes);
        self.ours.receive(self.now, bytes);
        let (told, left) = self.drain_ours()?;
        if let (Judgement::Nothing(why, answers), Some(mut idle)) = (&judgement, without) {
            idle.advance(self.now);
            let events = std::iter::from_fn(|| idle.poll_event()).count();
            let packets: Vec<Packet> = std::iter::from_fn(|| idle.poll_transmit()).collect();
            hold_nothing(why, answers, &left, &packets)?;
            hold(Oracle::Model, told == events && snapshot(&self.ours) == snapshot(&idle), || {
                format!("{why} changes the association in {before:?}")
            })?;
        }
        self.reacted(bytes, before, &left)
    }

    /// No packet makes much more of itself.
    fn reacted(&mut self, bytes: &[u8], before: State, left: &[Packet]) -> Verdict {
        self.came += bytes.len();
        let is_data = |chunk: &Chunk| matches!(chunk, Chunk::Data(_) | Chunk::IData(_));
        for packet in left.iter().filter(|packet| !packet.chunks.iter().any(is_data)) {
            self.control.0 += 1;
            self.control.1 += self.ours.encode(packet).map_or(0, |bytes| bytes.len());
        }
        // SACKs and FORWARD TSNs say more than what asks for them, INIT ACK has a cookie.
        let (count, length) = self.control;
        let causes = self.causes as usize;
        let few = count <= 3 * causes + self.came / 64
            && length <= 4 * self.came + 2 * self.config.max_packet * causes;
        hold(Oracle::Model, few, || {
            format!("{causes} causes of {} bytes make {count} packets of {length}", self.came)
        })?;
        let first = PacketView::new(bytes).ok().and_then(|packet| packet.chunks().next());
        // Unknown ones are alike, but for their high bits.
        let alike = |kind: ChunkType| kind.name().map_or(kind.0 & 0xc0 | 0x3e, |_| kind.0);
        let kind = first.map(|chunk| alike(chunk.chunk_type()));
        let left = left.iter().flat_map(|packet| &packet.chunks).map(Chunk::chunk_type);
        let kinds: BTreeSet<ChunkType> = left.collect();
        let state = self.ours.state();
        self.account.see(&(before as u8, kind, state as u8));
        self.account.see(&(kind, kinds));
        Ok(())
    }

    pub(super) fn drain(&mut self, side: usize) -> Verdict {
        if side == 0 { self.drain_ours().map(|_| ()) } else { self.drain_partner() }
    }

    /// How many events ours tells, and its packets.
    fn drain_ours(&mut self) -> Result<(usize, Vec<Packet>), Finding> {
        let mut events: Vec<Event> = std::iter::from_fn(|| self.ours.poll_event()).collect();
        self.edge.telling(&mut events);
        let told = events.len();
        for event in events {
            self.hear(&event)?;
        }
        let mut left = Vec::new();
        while let Some(mut packet) = self.ours.poll_transmit() {
            if self.edge.outgoing(&mut packet) {
                self.leave(packet, &mut left)?;
            }
        }
        for packet in self.edge.adding() {
            self.leave(packet, &mut left)?;
        }
        // RFC 9260 §6.2: beyond its window a receiver takes what fills gaps, and once more at most.
        let held = self.edge.held(&self.ours);
        let most = 2 * self.config.a_rwnd as usize + self.watch.longest;
        hold(Oracle::Model, held <= most, || {
            format!("{held} bytes are held with a window of {}", self.config.a_rwnd)
        })?;
        let most = 200 + 50 * self.causes;
        hold(Oracle::Model, self.packets <= most, || {
            format!("{} packets of {} causes", self.packets, self.causes)
        })?;
        Ok((told, left))
    }

    fn leave(&mut self, packet: Packet, left: &mut Vec<Packet>) -> Verdict {
        let room = (self.config.a_rwnd as usize).saturating_sub(self.edge.held(&self.ours));
        self.watch.leaving(&packet, self.ours.state(), room)?;
        self.note(&packet);
        let encoded = self.ours.encode(&packet);
        let bytes = encoded.map_err(|error| Finding::new(Oracle::RoundTrip, error))?;
        // RFC 9260 §8.3, §5.1 C: what is to come back as it came may be as long as it was.
        let echoes = |chunk: &Chunk| {
            matches!(chunk, Chunk::HeartbeatAck(_) | Chunk::CookieEcho(_) | Chunk::Abort(_))
        };
        let echoed = if packet.chunks.iter().any(echoes) { self.watch.longest + 20 } else { 0 };
        let most = self.config.max_packet.max(echoed);
        hold(Oracle::Model, bytes.len() <= most, || {
            format!("a packet of {} bytes, {most} allowed", bytes.len())
        })?;
        self.packets += 1;
        self.account.tell(&bytes);
        if self.to_partner.len() < WAITING {
            self.to_partner.push_back(bytes);
        }
        left.push(packet);
        Ok(())
    }

    fn note(&mut self, packet: &Packet) {
        for chunk in &packet.chunks {
            let situation = match chunk {
                Chunk::Sack(sack) if !sack.gap_blocks.is_empty() => "gap told",
                Chunk::Sack(sack) if !sack.duplicates.is_empty() => "duplicate told",
                Chunk::Sack(sack) if sack.a_rwnd == 0 => "window shut",
                Chunk::ForwardTsn(_) | Chunk::IForwardTsn(_) => "given up",
                Chunk::HeartbeatAck(_) => "heartbeat answered",
                Chunk::Error(error) => match error.causes.first() {
                    Some(Cause::StaleCookie(_)) => "stale cookie",
                    Some(Cause::UnrecognizedChunkType(_)) => "unknown reported",
                    _ => continue,
                },
                _ => continue,
            };
            self.account.reach(situation);
        }
        if self.watch.wrapped {
            self.account.reach("TSN wrapped");
        }
        if self.watch.resent {
            self.account.reach("sent again");
        }
    }

    fn drain_partner(&mut self) -> Verdict {
        while let Some(event) = self.partner.poll_event() {
            match event {
                Event::Message(message) => self.delivered(1, &message)?,
                Event::Closed(_) | Event::Restarted => self.tainted = true,
                _ => {}
            }
        }
        while let Some(packet) = self.partner.poll_transmit() {
            let encoded = self.partner.encode(&packet);
            let bytes = encoded.map_err(|error| Finding::new(Oracle::RoundTrip, error))?;
            self.account.tell(&bytes);
            self.packets += 1;
            if self.to_us.len() < WAITING {
                self.to_us.push_back(bytes);
            }
        }
        Ok(())
    }

    /// An event of ours.
    fn hear(&mut self, event: &Event) -> Verdict {
        self.account.tell_words(|| format!("{event:?}"));
        let situation = match event {
            Event::Connected => {
                self.watch.restarted();
                return Ok(());
            }
            Event::Message(message) => {
                self.account.reach("delivered");
                self.watch.told(message.data.len())?;
                return self.delivered(0, message);
            }
            Event::IncomingReset(_) => "reset by the partner",
            Event::OutgoingReset(_) => "reset by us",
            Event::PeerError(_) => "error told",
            Event::Restarted => {
                self.tainted = true;
                self.watch.ended();
                "restarted"
            }
            Event::Closed(why) => {
                self.tainted = true;
                self.watch.ended();
                match why {
                    Closed::Shutdown => "shut down",
                    Closed::AbortedByPeer(_) => "aborted by the partner",
                    Closed::Violation(_) => "violation",
                    Closed::Unreachable => "unreachable",
                    Closed::Aborted => return Ok(()),
                }
            }
            Event::ResetRefused { .. } => return Ok(()),
        };
        self.account.reach(situation);
        Ok(())
    }

    /// As long as nobody but the partner was heard: each message once, whole, in order.
    fn delivered(&mut self, at: usize, message: &Message) -> Verdict {
        if self.tainted {
            return Ok(());
        }
        let index = message.data.first_chunk().map(|head| usize::from(u16::from_be_bytes(*head)));
        let sending = index.and_then(|index| self.sent.get_mut(index));
        let (Some(index), Some(sending)) = (index, sending) else {
            return Err(Finding::new(Oracle::Model, "a message is delivered that nobody sent"));
        };
        let right = sending.from != at
            && sending.stream == message.stream
            && is_payload(&message.data, index, sending.length);
        hold(Oracle::Model, right, || format!("message {index} is changed or elsewhere"))?;
        let before = std::mem::replace(&mut sending.delivered, true);
        hold(Oracle::Model, !before, || format!("message {index} is delivered twice"))?;
        if sending.ordered {
            let last = self.last.insert((at, message.stream), index);
            hold(Oracle::Model, last.is_none_or(|last| last < index), || {
                format!("message {index} is delivered after message {last:?} of its stream")
            })?;
        }
        Ok(())
    }

    /// Time passes, and nothing arrives.
    pub(super) fn pass(&mut self, duration: Duration) -> Verdict {
        if self.passed + duration > LONGEST {
            return Ok(());
        }
        self.passed += duration;
        self.until(self.now + duration)
    }

    fn until(&mut self, end: Duration) -> Verdict {
        let mut idle = 0_u32;
        while let Some(next) = self.wake().filter(|next| *next <= end) {
            idle = if next > self.now { 0 } else { idle + 1 };
            hold(Oracle::Model, idle < 1000, || "time stands still: a timer that stays due")?;
            self.advance(self.now.max(next))?;
        }
        self.advance(end)
    }

    fn wake(&self) -> Option<Duration> {
        self.edge.wake(&self.ours).into_iter().chain(self.partner.wake()).min()
    }

    fn advance(&mut self, now: Duration) -> Verdict {
        self.now = now;
        self.causes += 1;
        self.ours.advance(now);
        self.drain_ours()?;
        self.partner.advance(now);
        self.drain_partner()
    }

    /// A good network for a while: what is under way arrives after 10 ms.
    pub(super) fn exchange(&mut self, duration: Duration) -> Verdict {
        if self.passed + duration > LONGEST {
            return Ok(());
        }
        self.passed += duration;
        self.converse(self.now + duration)
    }

    fn converse(&mut self, end: Duration) -> Verdict {
        while self.now < end {
            let (us, partner) = (self.to_us.len(), self.to_partner.len());
            if us + partner == 0 {
                let next = self.wake().filter(|next| *next < end).unwrap_or(end);
                self.until(self.now.max(next))?;
                if next < end && self.to_us.is_empty() && self.to_partner.is_empty() {
                    self.until(end.min(self.now + MS))?;
                }
                continue;
            }
            self.until(end.min(self.now + MS * 10))?;
            for _ in 0..us {
                self.deliver_to_us()?;
            }
            for _ in 0..partner {
                self.deliver_to_partner()?;
            }
        }
        Ok(())
    }

    /// Whatever was done to them, the two come to rest: no answer is answered for ever.
    pub(super) fn quiet(&mut self) -> Verdict {
        self.converse(self.now + Duration::from_secs(120))?;
        let before = self.packets;
        self.converse(self.now + Duration::from_secs(60))?;
        let more = self.packets - before;
        let state = self.ours.state();
        self.account.see(&("at rest", state as u8, self.partner.state() as u8, more > 16));
        hold(Oracle::Model, more <= 100, || {
            format!("{more} packets in a minute in which nothing is to be said")
        })
    }
}
