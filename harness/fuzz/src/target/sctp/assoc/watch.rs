//! What an association keeps to whatever comes, seen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use rtcspec_peer::sctp::{Association, Config, State};
use rtcspec_wire::sctp::{
    Body, CauseCode, ChecksumState, Chunk, ChunkType, ChunkView, Fault, InitView, Packet,
    PacketView, Parameter, ParameterType, RequestSequence, Tsn, VerificationTag,
};

use super::forge::Known;
use crate::finding::{Finding, Oracle, Verdict, hold};

/// What an answer may be: one packet of one chunk, under a tag.
type Answer = (ChunkType, VerificationTag);

/// What a packet may do.
pub(super) enum Judgement {
    /// It changes nothing and tells nobody anything; one answer at most, of these.
    Nothing(&'static str, Vec<Answer>),
    /// What it may do depends on what it says.
    Something,
}

/// The least window an INIT may offer (RFC 9260 §3.3.2).
const MIN_WINDOW: u32 = 1500;

#[derive(Default)]
pub(super) struct Watch {
    pub(super) known: Known,
    /// TSNs of data that came, ever.
    given: BTreeSet<u32>,
    /// What a cumulative acknowledgement may start from: first TSNs less one, TSNs said to be
    /// skipped.
    floors: BTreeSet<u32>,
    /// Bytes that came in this association by TSN, and bytes of messages told of.
    lengths: BTreeMap<u32, usize>,
    delivered: usize,
    /// The data of the packet that is being taken in.
    current: Vec<(u32, usize)>,
    acknowledged: Option<Tsn>,
    /// What was sent in this association, by TSN.
    sent: BTreeMap<u32, u64>,
    highest: Option<Tsn>,
    skips: bool,
    /// The longest packet that came.
    pub(super) longest: usize,
    pub(super) wrapped: bool,
    pub(super) resent: bool,
}

impl Watch {
    /// What a packet may do to an association, by the rules for packets that are not its own.
    pub(super) fn judge(&self, bytes: &[u8], ours: &Association, config: &Config) -> Judgement {
        let nothing = |why| Judgement::Nothing(why, Vec::new());
        let Ok(packet) = PacketView::new(bytes) else { return nothing("no packet") };
        let has = |wanted: ChunkType| packet.chunks().any(|chunk| chunk.chunk_type() == wanted);
        // RFC 9260 §6.8; RFC 9653 §5.3: zero is no checksum where there is an INIT or COOKIE ECHO.
        let holds = match packet.checksum_state() {
            ChecksumState::Correct => true,
            ChecksumState::Zero => {
                config.zero_checksum && !has(ChunkType::INIT) && !has(ChunkType::COOKIE_ECHO)
            }
            ChecksumState::Wrong { .. } => false,
        };
        if !holds {
            return nothing("wrong checksum");
        }
        if (packet.source_port(), packet.destination_port())
            != (config.remote_port, config.local_port)
        {
            return nothing("wrong port");
        }
        let Some(first) = packet.chunks().next() else { return nothing("no chunk") };
        match first.chunk_type() {
            ChunkType::INIT => return judge_init(&packet, &first, ours),
            // RFC 9260 §5.1.5: a cookie that this side did not make is discarded.
            ChunkType::COOKIE_ECHO => {
                let own = matches!(first.body(), Ok(Body::CookieEcho(echo))
                    if self.known.cookies.iter().any(|(_, own)| own == echo.cookie));
                return if own { Judgement::Something } else { nothing("cookie of nobody") };
            }
            _ => {}
        }
        if ours.state() == State::Closed {
            return out_of_the_blue(&packet);
        }
        judge_tag(&packet, &first, ours)
    }

    /// Takes note of a packet that is about to be taken in.
    pub(super) fn coming(&mut self, bytes: &[u8], judgement: &Judgement) {
        self.current.clear();
        self.longest = self.longest.max(bytes.len());
        let Ok(packet) = PacketView::new(bytes) else { return };
        let counts = matches!(judgement, Judgement::Something);
        for chunk in packet.chunks() {
            match chunk.body() {
                Ok(Body::Init(init) | Body::InitAck(init)) => self.described(&init),
                Ok(Body::Data(data)) if counts => self.data(data.tsn, data.payload),
                Ok(Body::IData(data)) if counts => self.data(data.tsn, data.payload),
                Ok(Body::ForwardTsn(skip)) if counts => {
                    self.floors.insert(skip.new_cumulative_tsn.0);
                }
                Ok(Body::IForwardTsn(skip)) if counts => {
                    self.floors.insert(skip.new_cumulative_tsn.0);
                }
                Ok(Body::ReConfig(re_config)) if counts => {
                    let requests = re_config.parameters().filter(|parameter| {
                        !matches!(parameter.parameter_type(), ParameterType::RECONFIG_RESPONSE)
                    });
                    let count = requests.take(2).count() as u32;
                    self.known.request = self.known.request.plus(count);
                }
                _ => {}
            }
        }
    }

    fn described(&mut self, init: &InitView<'_>) {
        let first = init.initial_tsn;
        self.floors.insert(first.previous().0);
        self.known.expected = first;
        // RFC 6525 §4.1: requests are counted from the first TSN.
        self.known.request = RequestSequence(first.0);
        if let Some(cookie) = init.parameter(ParameterType::STATE_COOKIE) {
            self.known.foreign = cookie.to_vec();
        }
    }

    fn data(&mut self, tsn: Tsn, payload: &[u8]) {
        self.given.insert(tsn.0);
        self.current.push((tsn.0, payload.len()));
        let longest = self.lengths.entry(tsn.0).or_default();
        *longest = payload.len().max(*longest);
    }

    /// Another association begins, or there is none.
    pub(super) fn restarted(&mut self) {
        self.acknowledged = None;
        self.delivered = 0;
        self.lengths.clear();
        for (tsn, length) in &self.current {
            let longest = self.lengths.entry(*tsn).or_default();
            *longest = (*longest).max(*length);
        }
    }

    /// TSNs start anew.
    pub(super) fn ended(&mut self) {
        self.restarted();
        self.sent.clear();
        self.highest = None;
    }

    /// RFC 9260 §6.2: a TSN counts once, so no more is delivered than came.
    pub(super) fn told(&mut self, length: usize) -> Verdict {
        self.delivered += length;
        let came: usize = self.lengths.values().sum();
        hold(Oracle::Model, self.delivered <= came, || {
            format!("{} bytes are delivered, {came} came", self.delivered)
        })
    }

    /// What every packet has to keep to.
    pub(super) fn leaving(&mut self, packet: &Packet, state: State, room: usize) -> Verdict {
        let alone = packet.chunks.len() == 1;
        for chunk in &packet.chunks {
            match chunk {
                // RFC 9260 §6.10: these travel alone.
                Chunk::Init(_) | Chunk::InitAck(_) | Chunk::ShutdownComplete(_) => {
                    hold(Oracle::Model, alone, || format!("{} is bundled", chunk.chunk_type()))?;
                    self.describes(chunk);
                }
                Chunk::Data(data) => self.sends(data.tsn, state, &(data.stream, &data.payload))?,
                Chunk::IData(data) => {
                    self.sends(data.tsn, state, &(data.stream, data.mid, &data.payload))?;
                }
                Chunk::Sack(sack) => {
                    self.acknowledges(sack.cumulative_tsn_ack)?;
                    self.gaps(sack)?;
                    hold(Oracle::Model, sack.a_rwnd as usize <= room, || {
                        format!("a window of {} is told of, {room} is left", sack.a_rwnd)
                    })?;
                }
                Chunk::Shutdown(shutdown) => self.acknowledges(shutdown.cumulative_tsn_ack)?,
                Chunk::ForwardTsn(skip) => self.skips_to(skip.new_cumulative_tsn),
                Chunk::IForwardTsn(skip) => self.skips_to(skip.new_cumulative_tsn),
                Chunk::ReConfig(re_config) => self.asks(&re_config.parameters),
                _ => {}
            }
        }
        Ok(())
    }

    fn describes(&mut self, chunk: &Chunk) {
        let (Chunk::Init(init) | Chunk::InitAck(init)) = chunk else { return };
        if self.highest.is_none() {
            self.known.sent = init.initial_tsn.previous();
        }
        for parameter in &init.parameters {
            if let Parameter::StateCookie(cookie) = parameter {
                self.known.cookies.push((init.initiate_tag, cookie.clone()));
            }
        }
    }

    fn asks(&mut self, parameters: &[Parameter]) {
        for parameter in parameters {
            if let Parameter::OutgoingSsnReset(request) = parameter {
                self.known.asked = request.request;
            }
        }
    }

    /// RFC 9260 §6.1: TSNs in a row, and the same chunk under the same one; §9.2: no data after
    /// SHUTDOWN and SHUTDOWN ACK.
    fn sends(&mut self, tsn: Tsn, state: State, content: &impl Hash) -> Verdict {
        let ended = matches!(state, State::ShutdownSent | State::ShutdownAckSent);
        hold(Oracle::Model, !ended, || format!("data is sent in {state:?}"))?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let content = hasher.finish();
        if let Some(before) = self.sent.get(&tsn.0) {
            self.resent = true;
            return hold(Oracle::Model, *before == content, || {
                format!("TSN {tsn} is sent again with other data")
            });
        }
        if let Some(highest) = self.highest {
            let right = tsn == highest.next() || (self.skips && tsn.is_after(highest));
            hold(Oracle::Model, right, || format!("TSN {tsn} is sent after {highest}"))?;
            self.wrapped |= tsn.0 < highest.0;
        }
        self.sent.insert(tsn.0, content);
        self.highest = Some(tsn);
        self.known.sent = tsn;
        Ok(())
    }

    /// RFC 3758 §3.5: a message that is given up may take a TSN that is never sent.
    pub(super) fn may_skip(&mut self) {
        self.skips = true;
    }

    fn skips_to(&mut self, tsn: Tsn) {
        if self.highest.is_none_or(|highest| tsn.is_after(highest)) {
            self.highest = Some(tsn);
            self.known.sent = tsn;
        }
    }

    /// RFC 9260 §6.2: acknowledged is what came, and what was acknowledged stays so.
    fn acknowledges(&mut self, tsn: Tsn) -> Verdict {
        let before = self.acknowledged.replace(tsn);
        self.known.expected = tsn.next();
        // A partner may skip so far that before and after mean nothing.
        let back = before.is_some_and(|before| tsn != before && before.since(tsn) < 1 << 30);
        hold(Oracle::Model, !back, || {
            format!("cumulative acknowledgement goes back from {before:?} to {tsn}")
        })?;
        let mut at = tsn;
        while before != Some(at) && !self.floors.contains(&at.0) {
            hold(Oracle::Model, self.given.contains(&at.0), || {
                format!("{tsn} is acknowledged, and {at} did not come")
            })?;
            at = at.previous();
        }
        Ok(())
    }

    fn gaps(&self, sack: &rtcspec_wire::sctp::Sack) -> Verdict {
        let base = sack.cumulative_tsn_ack;
        for block in &sack.gap_blocks {
            hold(Oracle::Model, block.start > 1 && block.start <= block.end, || {
                format!("a gap block from {} to {}", block.start, block.end)
            })?;
            for offset in block.start..=block.end {
                let tsn = base.plus(offset.into());
                hold(Oracle::Model, self.given.contains(&tsn.0), || {
                    format!("{tsn} is in a gap block and did not come")
                })?;
            }
        }
        let made_up = sack.duplicates.iter().find(|tsn| !self.given.contains(&tsn.0));
        hold(Oracle::Model, made_up.is_none(), || format!("duplicate {made_up:?} did not come"))
    }
}

/// RFC 9260 §5.1, §5.2.2, §8.5.1 A: an INIT changes nothing; its answer holds all there is of it.
fn judge_init(packet: &PacketView<'_>, first: &ChunkView<'_>, ours: &Association) -> Judgement {
    let nothing = |why| Judgement::Nothing(why, Vec::new());
    let alone = packet.chunks().nth(1).is_none();
    if packet.verification_tag() != VerificationTag::ZERO || !alone {
        return nothing("INIT with a tag or in company");
    }
    let Ok(Body::Init(init)) = first.body() else { return nothing("malformed INIT") };
    if ours.state() == State::ShutdownAckSent {
        let again = (ChunkType::SHUTDOWN_ACK, ours.tags().1);
        return Judgement::Nothing("INIT while shutting down", vec![again]);
    }
    let tag = init.initiate_tag;
    if tag == VerificationTag::ZERO {
        return nothing("INIT with tag zero");
    }
    let refused = (ChunkType::ABORT, tag);
    let valid = init.outbound_streams > 0 && init.inbound_streams > 0 && init.a_rwnd >= MIN_WINDOW;
    if !valid {
        return Judgement::Nothing("INIT refused", vec![refused]);
    }
    // A parameter may still be one that refuses it.
    Judgement::Nothing("INIT", vec![(ChunkType::INIT_ACK, tag), refused])
}

/// RFC 9260 §8.4.
fn out_of_the_blue(packet: &PacketView<'_>) -> Judgement {
    let has = |wanted: ChunkType| packet.chunks().any(|chunk| chunk.chunk_type() == wanted);
    let stale = packet.chunks().any(|chunk| {
        matches!(chunk.body(), Ok(Body::Error(error))
            if error.causes().any(|cause| cause.code() == CauseCode::STALE_COOKIE))
    });
    let silent = [ChunkType::ABORT, ChunkType::SHUTDOWN_COMPLETE, ChunkType::COOKIE_ACK];
    let answer = if stale || silent.into_iter().any(has) {
        return Judgement::Nothing("out of the blue, silently", Vec::new());
    } else if has(ChunkType::SHUTDOWN_ACK) {
        ChunkType::SHUTDOWN_COMPLETE
    } else {
        ChunkType::ABORT
    };
    Judgement::Nothing("out of the blue", vec![(answer, packet.verification_tag())])
}

/// RFC 9260 §8.5, §8.5.1 B, C, E.
fn judge_tag(packet: &PacketView<'_>, first: &ChunkView<'_>, ours: &Association) -> Judgement {
    let tag = packet.verification_tag();
    let (local, remote) = ours.tags();
    let setting_up = matches!(ours.state(), State::CookieWait | State::CookieEchoed);
    let right = match first.chunk_type() {
        ChunkType::ABORT | ChunkType::SHUTDOWN_COMPLETE if first.flags() & 1 != 0 => {
            tag == remote && tag != VerificationTag::ZERO
        }
        ChunkType::SHUTDOWN_ACK if setting_up => {
            let complete = (ChunkType::SHUTDOWN_COMPLETE, tag);
            return Judgement::Nothing("SHUTDOWN ACK of the past", vec![complete]);
        }
        _ => tag == local,
    };
    if !right {
        return Judgement::Nothing("wrong tag", Vec::new());
    }
    // RFC 9260 §6.10: a partial chunk is dropped, and nothing can follow it.
    if first.fault().is_some_and(Fault::is_fatal) {
        return Judgement::Nothing("partial chunk", Vec::new());
    }
    Judgement::Something
}

/// Holds what a packet that counts for nothing did against what would have been without it.
pub(super) fn hold_nothing(
    why: &str,
    answers: &[Answer],
    left: &[Packet],
    without: &[Packet],
) -> Verdict {
    let mut extra: Vec<&Packet> = left.iter().collect();
    for packet in without {
        let at = extra.iter().position(|other| *other == packet).ok_or_else(|| {
            Finding::new(Oracle::Model, format!("{why} keeps back or changes a packet"))
        })?;
        extra.remove(at);
    }
    let allowed = |packet: &Packet| {
        let [chunk] = &packet.chunks[..] else { return false };
        answers.contains(&(chunk.chunk_type(), packet.verification_tag))
    };
    let right = extra.len() <= 1 && extra.iter().all(|packet| allowed(packet));
    hold(Oracle::Model, right, || {
        let kinds: Vec<String> = extra
            .iter()
            .flat_map(|packet| &packet.chunks)
            .map(|chunk| chunk.chunk_type().to_string())
            .collect();
        format!("{why} is answered by {}", kinds.join(", "))
    })
}

/// All of an association but where its randomness stands: an answer may draw from it.
pub(super) fn snapshot(association: &Association) -> String {
    let text = format!("{association:?}");
    let Some((before, rest)) = text.split_once("rng: Rng {") else { return text };
    let after = rest.split_once('}').map_or(rest, |(_, after)| after);
    format!("{before}{after}")
}
