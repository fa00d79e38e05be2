use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::params::{Corruption, CorruptionKind, Loss, Params};
use crate::Ns;
use crate::draw::{Draws, Purpose};
use crate::fabric::Packet;
use crate::observe::Drop;
use crate::packet::repair;

/// One direction of a link at work.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) params: Params,
    draws: Draws,
    /// Packets that came, from 1.
    count: u64,
    /// The bad state of Gilbert and Elliott.
    bad: bool,
    busy_until: Ns,
    last_exit: Ns,
    in_order: VecDeque<(Exit, Packet)>,
    out_of_order: BinaryHeap<Reverse<(Exit, u32)>>,
    /// The packets of `out_of_order`, so that its entries are small.
    held: Vec<Option<Packet>>,
    vacant: Vec<u32>,
    sequence: u64,
    /// When the scheduler looks at it next.
    pub(crate) armed: Ns,
}

/// When a packet comes out: in order of time, then of entry.
type Exit = (Ns, u64);

/// What a link does with a packet it does not drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) at: Ns,
    pub(crate) copy_at: Option<Ns>,
    pub(crate) damaged: bool,
}

impl Wire {
    pub(crate) fn new(params: Params, draws: Draws) -> Self {
        Self {
            params,
            draws,
            count: 0,
            bad: false,
            busy_until: Ns::ZERO,
            last_exit: Ns::ZERO,
            in_order: VecDeque::new(),
            out_of_order: BinaryHeap::new(),
            held: Vec::new(),
            vacant: Vec::new(),
            sequence: 0,
            armed: Ns::NEVER,
        }
    }

    /// Decides what becomes of a packet that enters now, and damages it if that is its fate.
    pub(crate) fn take(&mut self, now: Ns, packet: &mut Packet) -> Result<Fate, Drop> {
        self.count += 1;
        if !self.params.up {
            return Err(Drop::LinkDown);
        }
        let length = packet.bytes.len() as u64;
        if let Some(mtu) = self.params.mtu
            && length > u64::from(mtu.bytes)
        {
            return Err(Drop::TooBig(mtu));
        }
        if self.is_lost() {
            return Err(Drop::Lost);
        }
        let sent = self.serialise(now, length)?;
        let damaged = self.damage(packet);
        let at = self.exit(sent);
        let duplicate = self.draws.happens(Purpose::Duplicate, self.count, self.params.duplicate);
        Ok(Fate { at, copy_at: duplicate.then_some(at), damaged })
    }

    fn is_lost(&mut self) -> bool {
        let happens = |purpose, probability| self.draws.happens(purpose, self.count, probability);
        match &self.params.loss {
            Loss::None => false,
            Loss::Uniform { probability } => happens(Purpose::Loss, *probability),
            Loss::GilbertElliott { good_to_bad, bad_to_good, in_good, in_bad } => {
                // The first packet finds the good state.
                let leave = if self.bad { *bad_to_good } else { *good_to_bad };
                if self.count > 1 && happens(Purpose::LossState, leave) {
                    self.bad = !self.bad;
                }
                happens(Purpose::Loss, if self.bad { *in_bad } else { *in_good })
            }
            Loss::EveryNth(n) => *n > 0 && self.count.is_multiple_of(*n),
            Loss::Listed(numbers) => numbers.contains(&self.count),
        }
    }

    /// When the last bit has left the sender.
    fn serialise(&mut self, now: Ns, length: u64) -> Result<Ns, Drop> {
        let Some(rate) = self.params.rate else { return Ok(now) };
        let start = self.busy_until.max(now);
        let wait = start - now;
        if wait > rate.queue {
            return Err(Drop::QueueFull { wait });
        }
        let bits = u128::from(length) * 8 * 1_000_000_000;
        let takes = bits.div_ceil(u128::from(rate.bits_per_second.max(1)));
        self.busy_until = start + Ns(u64::try_from(takes).unwrap_or(u64::MAX));
        Ok(self.busy_until)
    }

    /// When a packet sent at `sent` comes out.
    fn exit(&mut self, sent: Ns) -> Ns {
        let mut at = sent + self.params.latency;
        let mut overtaken = false;
        if let Some(reorder) = self.params.reorder
            && self.draws.happens(Purpose::Reorder, self.count, reorder.probability)
        {
            at = at + reorder.by;
            overtaken = true;
        }
        let mut keep_order = true;
        if let Some(jitter) = self.params.jitter {
            let span = jitter.up_to.0.saturating_add(1);
            at = at + Ns(self.draws.below(Purpose::Jitter, self.count, span));
            keep_order = jitter.keep_order;
        }
        if overtaken || !keep_order {
            return at;
        }
        self.last_exit = self.last_exit.max(at);
        self.last_exit
    }

    fn damage(&mut self, packet: &mut Packet) -> bool {
        let Some(corruption) = self.params.corrupt else { return false };
        if !self.draws.happens(Purpose::Corrupt, self.count, corruption.probability) {
            return false;
        }
        let payload = packet.payload_start();
        let room = packet.bytes.len().saturating_sub(payload) as u64;
        if room == 0 {
            return false;
        }
        let bits = self.draws.bits(Purpose::CorruptWhere, self.count);
        let at = payload + ((u128::from(bits) * u128::from(room)) >> 64) as usize;
        apply(packet, corruption, at, bits);
        true
    }

    /// Whether a packet may pass without waiting behind others.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty() && self.out_of_order.is_empty()
    }

    pub(crate) fn push(&mut self, at: Ns, packet: Packet) {
        self.sequence += 1;
        let exit = (at, self.sequence);
        // In a queue as long as exits go up, in a heap what overtakes.
        if self.in_order.back().is_none_or(|(last, _)| last.0 <= at) {
            self.in_order.push_back((exit, packet));
            return;
        }
        let slot = self.vacant.pop().unwrap_or(self.held.len() as u32);
        match self.held.get_mut(slot as usize) {
            Some(place) => *place = Some(packet),
            None => self.held.push(Some(packet)),
        }
        self.out_of_order.push(Reverse((exit, slot)));
    }

    /// When the next packet comes out.
    pub(crate) fn next_exit(&self) -> Option<Ns> {
        let first = self.in_order.front().map(|(exit, _)| exit.0);
        let other = self.out_of_order.peek().map(|Reverse((exit, _))| exit.0);
        first.into_iter().chain(other).min()
    }

    /// The next packet, in order of exit and then of entry.
    pub(crate) fn pop(&mut self) -> Option<Packet> {
        let first = self.in_order.front().map(|(exit, _)| *exit);
        let overtaking = self.out_of_order.peek().map(|Reverse((exit, _))| *exit);
        let overtaken = match (first, overtaking) {
            (Some(first), Some(overtaking)) => overtaking < first,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if !overtaken {
            return self.in_order.pop_front().map(|(_, packet)| packet);
        }
        let Reverse((_, slot)) = self.out_of_order.pop()?;
        self.vacant.push(slot);
        self.held[slot as usize].take()
    }
}

fn apply(packet: &mut Packet, corruption: Corruption, at: usize, bits: u64) {
    match corruption.kind {
        CorruptionKind::Bit => packet.bytes[at] ^= 1 << (bits & 7),
        // Never the same byte: 1 to 255 is added.
        CorruptionKind::Byte => {
            packet.bytes[at] = packet.bytes[at].wrapping_add((bits % 255) as u8 + 1);
        }
        CorruptionKind::Truncate => packet.bytes.truncate(at),
    }
    match corruption.repair {
        true => repair(&mut packet.bytes, &packet.head),
        false => packet.suspect = true,
    }
}
