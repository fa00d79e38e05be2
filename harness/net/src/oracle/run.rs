//! One interleaving: two agents, one order of everything, until no check is left.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::InvalidTopology;
use super::agent::{Agent, Answer, BaseOf, RemoteCandidate, State};
use super::candidate::{CandidateType, Types};
use super::network::{FIRST_NAMED_PORT, Header, Loss, Network, Owner};
use super::predict::Transit;
use super::rng::Rng;
use super::topology::{Family, Implementation, Side, Topology, Turn};
use super::translate::{Ep, Fresh};

/// Times in milliseconds. Only their order matters for who gets through; they have the proportions
/// of real ones so that orders are as they happen.
mod pace {
    /// Between the two sides' first checks: signalling.
    pub(super) const SKEW: u32 = 1_000;
    /// RFC 8445 §14.2 (Ta), and agents that are slower.
    pub(super) const TA: std::ops::Range<u32> = 20..60;
    /// One way through the network.
    pub(super) const TRANSIT: std::ops::Range<u32> = 1..250;
    /// RFC 8445 §14.3, with what timers are late by.
    pub(super) const RTO: std::ops::Range<u32> = 500..600;
    /// Transmissions of a check, at 0, 1, 3 and 7 RTO. RFC 8489 §6.2.1 has seven; no filter that
    /// opens at all opens later, as both sides have begun by then.
    pub(super) const SENDS: u8 = 4;
}

const STUN_PORT: u16 = 3478;

/// Addresses an agent learns beyond one for each of the other side's pairs. Where it would learn
/// more, every check shows a new one and none ever succeeds.
const SPARE_ADDRESSES: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Content {
    Request,
    /// The address the check was seen to come from.
    Answer(Ep),
}

/// A check or its answer on its way.
#[derive(Debug, Clone, Copy)]
struct Message {
    header: Header,
    /// Whose check: side, pair and transaction.
    side: u8,
    pair: u8,
    transaction: u8,
    content: Content,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Tick(u8),
    Arrive(Message, u16),
    Resend { side: u8, pair: u8, transaction: u8, sent: u8 },
}

#[derive(Debug)]
struct Event {
    at: u32,
    order: u32,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[derive(Debug)]
struct Relay {
    ep: Ep,
    side: u8,
    base: u8,
    /// Addresses with a permission (RFC 8656 §9).
    permitted: Vec<u16>,
}

/// What happened to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// The check was lost.
    Lost(Loss),
    /// Its answer was lost.
    AnswerLost(Loss),
    /// Its answer came from another address than it went to.
    NotSymmetric,
    /// It made the pair valid.
    Valid,
}

/// Something that happened to a check of one side, with the types its pair had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Remark {
    pub(super) side: u8,
    pub(super) relayed: bool,
    pub(super) remote: CandidateType,
    pub(super) family_v6: bool,
    pub(super) fate: Fate,
}

/// How one interleaving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Direct,
    Relayed,
    Nothing,
}

/// Everything a run needs, kept from one to the next.
#[derive(Debug)]
pub(super) struct Run<'a> {
    topology: &'a Topology,
    pub(super) network: Network,
    agents: [Agent; 2],
    awake: [bool; 2],
    relays: Vec<Relay>,
    queue: BinaryHeap<Reverse<Event>>,
    now: u32,
    order: u32,
    fresh: Fresh,
    /// When each side had its first valid pair that is direct.
    valid_at: [Option<u32>; 2],
    transit: Transit,
    remarks: Option<Vec<Remark>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(topology: &'a Topology, transit: Transit) -> Result<Self, InvalidTopology> {
        Ok(Self {
            topology,
            network: Network::new(topology)?,
            agents: [Agent::default(), Agent::default()],
            awake: [false; 2],
            relays: Vec::new(),
            queue: BinaryHeap::new(),
            now: 0,
            order: 0,
            fresh: Fresh { port: FIRST_NAMED_PORT, rng: Rng::new(0, 0) },
            valid_at: [None; 2],
            transit,
            remarks: None,
        })
    }

    /// Runs one order to its end. Without `relays` the sides have no relayed candidates: what goes
    /// through a relay opens nothing on the direct ways, so they need not be there to judge these.
    pub(super) fn play(&mut self, seed: u64, run: u32, relays: bool) {
        self.network.reset();
        self.relays.clear();
        self.queue.clear();
        (self.now, self.order, self.awake, self.valid_at) = (0, 0, [false; 2], [None; 2]);
        self.fresh = Fresh { port: FIRST_NAMED_PORT, rng: Rng::new(seed, run) };
        for side in 0..2 {
            self.gather(side);
        }
        if relays {
            for side in 0..2 {
                self.allocate(side);
            }
        }
        for side in [0, 1] {
            let remotes: Vec<RemoteCandidate> = self.announced(1 - side).collect();
            self.agents[side].start(remotes.into_iter());
        }
        for side in [0, 1] {
            // Each of the other side's checks may show an address, triggered ones another.
            let checks = self.agents[1 - side].pairs.len();
            self.agents[side].learn_at_most(checks + SPARE_ADDRESSES);
        }
        for side in [0, 1] {
            let skew = self.fresh.rng.below(pace::SKEW);
            self.schedule(skew, What::Tick(side));
        }
        while let Some(Reverse(event)) = self.queue.pop() {
            self.now = event.at;
            match event.what {
                What::Tick(side) => self.tick(side),
                What::Arrive(message, node) => self.arrive(message, usize::from(node)),
                What::Resend { side, pair, transaction, sent } => {
                    self.resend(side, pair, transaction, sent);
                }
            }
        }
    }

    /// The same with remarks about every check.
    pub(super) fn play_and_tell(&mut self, seed: u64, run: u32, relays: bool) -> Vec<Remark> {
        self.remarks = Some(Vec::new());
        self.play(seed, run, relays);
        self.remarks.take().unwrap_or_default()
    }

    fn announced(&self, side: usize) -> impl Iterator<Item = RemoteCandidate> {
        let agent = &self.agents[side];
        agent.locals.iter().filter(|local| local.announced).map(|local| RemoteCandidate {
            ep: local.ep,
            kind: local.kind,
            family: self.network.family(local.ep.ip),
        })
    }

    fn gather(&mut self, number: usize) {
        let side = &self.topology.sides[number];
        let lite = side.implementation == Implementation::Lite;
        self.agents[number].reset(lite);
        for (place, base) in side.bases.iter().enumerate() {
            let port = self.fresh.port();
            let ep = Ep { ip: self.network.host(number, place), port };
            self.agents[number].bases.push(BaseOf {
                ep,
                family: base.family,
                relayed: false,
                usable: !side.relay_only,
            });
            self.gather_host(number, side, ep, base.family);
        }
    }

    fn gather_host(&mut self, number: usize, side: &Side, base: Ep, family: Family) {
        let lite = side.implementation == Implementation::Lite;
        let stun = side.stun.map(|server| (server, STUN_PORT));
        let turn = side.turn.and_then(|turn| turn.udp.map(|port| (turn.server, port)));
        let mut mapped = [None; 2];
        for (place, server) in [stun, turn].into_iter().enumerate() {
            let Some((id, port)) = server else { continue };
            let Some(ip) = self.network.server(id, family) else { continue };
            mapped[place] = self.network.probe(base, Ep { ip, port }, &mut self.fresh);
        }
        let agent = &mut self.agents[number];
        let open = !side.relay_only;
        let public = mapped[0].filter(|mapped| lite && *mapped != base);
        let announces = side.announces_hosts && open && public.is_none();
        agent.add_local(base, CandidateType::Host, announces);
        if let Some(public) = public {
            agent.add_local(public, CandidateType::Host, open);
        }
        if !lite {
            for mapped in mapped.into_iter().flatten() {
                agent.add_local(mapped, CandidateType::ServerReflexive, open);
            }
        }
    }

    /// Allocates at the TURN server a relayed address of each family in which a base reaches it; who
    /// has no IPv4 asks for IPv4 too (RFC 8835 §3.4).
    fn allocate(&mut self, number: usize) {
        let side = &self.topology.sides[number];
        let Some(turn) = side.turn else { return };
        let has_v4 = side.bases.iter().any(|base| base.family == Family::V4);
        let mut asked = [false; 2];
        for place in 0..side.bases.len() {
            let base = self.agents[number].bases[place];
            if self.reaches(turn, base.ep, base.family) {
                asked[usize::from(base.family == Family::V6)] = true;
                asked[0] |= !has_v4;
            }
        }
        for (given, family) in [(turn.v4, Family::V4), (turn.v6, Family::V6)] {
            let given = given && asked[usize::from(family == Family::V6)];
            let Some(ip) = self.network.server(turn.server, family).filter(|_| given) else {
                continue;
            };
            let ep = Ep { ip, port: self.fresh.port() };
            let agent = &mut self.agents[number];
            let base = u8::try_from(agent.bases.len()).unwrap_or(u8::MAX);
            agent.bases.push(BaseOf { ep, family, relayed: true, usable: true });
            agent.add_local(ep, CandidateType::Relayed, true);
            let side = u8::from(number == 1);
            self.relays.push(Relay { ep, side, base, permitted: Vec::new() });
        }
    }

    /// Whether a base reaches a TURN server over one of its transports.
    fn reaches(&mut self, turn: Turn, base: Ep, family: Family) -> bool {
        let Some(ip) = self.network.server(turn.server, family) else { return false };
        let udp = turn.udp.is_some_and(|port| {
            self.network.probe(base, Ep { ip, port }, &mut self.fresh).is_some()
        });
        let mut tcp = turn.tcp.into_iter().chain(turn.tls);
        udp || tcp.any(|port| self.network.reaches_by_tcp(base.ip, port))
    }

    fn schedule(&mut self, delay: u32, what: What) {
        self.order += 1;
        self.queue.push(Reverse(Event { at: self.now + delay, order: self.order, what }));
    }

    fn within(&mut self, range: &std::ops::Range<u32>) -> u32 {
        range.start + self.fresh.rng.below(range.end - range.start)
    }

    /// Ta has passed: one check.
    fn tick(&mut self, side: u8) {
        let agent = &mut self.agents[usize::from(side)];
        let Some(pair) = agent.next_check(|count| self.fresh.rng.below(count)) else {
            self.awake[usize::from(side)] = false;
            return;
        };
        if let Some(transaction) = agent.begin(pair) {
            self.send_check(side, pair, transaction, 0);
        }
        self.awake[usize::from(side)] = true;
        let ta = self.within(&pace::TA);
        self.schedule(ta, What::Tick(side));
    }

    fn send_check(&mut self, side: u8, pair: u8, transaction: u8, sent: u8) {
        let agent = &self.agents[usize::from(side)];
        let it = agent.pairs[usize::from(pair)];
        let base = agent.bases[usize::from(it.base)];
        let dst = agent.remotes[usize::from(it.remote)].ep;
        if base.relayed {
            self.permit(base.ep, dst.ip);
        }
        let header = Header { src: base.ep, dst };
        let message = Message { header, side, pair, transaction, content: Content::Request };
        if let Err(loss) = self.launch(message) {
            // What does not get out never will: no need to try again.
            self.remark(side, pair, Fate::Lost(loss));
            self.agents[usize::from(side)].fail(pair);
            return;
        }
        let rto = self.within(&pace::RTO) << sent;
        self.schedule(rto, What::Resend { side, pair, transaction, sent: sent + 1 });
    }

    fn permit(&mut self, relay: Ep, ip: u16) {
        if let Some(relay) = self.relays.iter_mut().find(|known| known.ep == relay)
            && !relay.permitted.contains(&ip)
        {
            relay.permitted.push(ip);
        }
    }

    fn resend(&mut self, side: u8, pair: u8, transaction: u8, sent: u8) {
        let agent = &mut self.agents[usize::from(side)];
        if !agent.is_current(pair, transaction) {
            return;
        }
        if sent < pace::SENDS {
            self.send_check(side, pair, transaction, sent);
        } else {
            agent.fail(pair);
        }
    }

    /// Takes a message to where it turns; it goes on from there later.
    fn launch(&mut self, mut message: Message) -> Result<(), Loss> {
        let start = self.network.node_of(message.header.src.ip);
        let node = self.network.climb(&mut message.header, start, &mut self.fresh)?;
        match self.transit {
            Transit::Random => {
                let delay = self.within(&pace::TRANSIT);
                let node = u16::try_from(node).unwrap_or(u16::MAX);
                self.schedule(delay, What::Arrive(message, node));
            }
            Transit::Instant => self.arrive(message, node),
        }
        Ok(())
    }

    fn arrive(&mut self, mut message: Message, node: usize) {
        let arrived = self.network.descend(&mut message.header, node);
        match arrived.and_then(|owner| self.receiver(owner, message.header)) {
            Ok((side, base)) => self.receive(message, side, base),
            Err(loss) => {
                let fate = match message.content {
                    Content::Request => Fate::Lost(loss),
                    Content::Answer(_) => Fate::AnswerLost(loss),
                };
                self.remark(message.side, message.pair, fate);
            }
        }
    }

    /// The side and base that a packet is for.
    fn receiver(&self, owner: Owner, header: Header) -> Result<(u8, u8), Loss> {
        match owner {
            Owner::Host { side, base } => {
                let it = self.agents[usize::from(side)].bases[usize::from(base)];
                let listens = it.ep == header.dst && it.usable;
                if listens { Ok((side, base)) } else { Err(Loss::Unreachable) }
            }
            Owner::Server => {
                let relay = self.relays.iter().find(|relay| relay.ep == header.dst);
                let relay = relay.ok_or(Loss::Unreachable)?;
                if !relay.permitted.contains(&header.src.ip) {
                    return Err(Loss::NoPermission);
                }
                Ok((relay.side, relay.base))
            }
            Owner::Gate(_) => Err(Loss::Unreachable),
        }
    }

    fn receive(&mut self, message: Message, side: u8, base: u8) {
        let from = message.header.src;
        match message.content {
            Content::Request => {
                let ep = self.agents[usize::from(side)].bases[usize::from(base)].ep;
                let header = Header { src: ep, dst: from };
                let answer = Message { header, content: Content::Answer(from), ..message };
                if let Err(loss) = self.launch(answer) {
                    self.remark(message.side, message.pair, Fate::AnswerLost(loss));
                }
                let agent = &mut self.agents[usize::from(side)];
                let triggered = agent.on_request(base, from);
                if triggered.is_some() && !self.awake[usize::from(side)] {
                    self.awake[usize::from(side)] = true;
                    let ta = self.within(&pace::TA);
                    self.schedule(ta, What::Tick(side));
                }
            }
            Content::Answer(mapped) if side == message.side => {
                let agent = &mut self.agents[usize::from(side)];
                let check = (message.pair, message.transaction);
                match agent.on_answer(check, base, from, mapped) {
                    Answer::Late => {}
                    Answer::NotSymmetric => self.remark(side, message.pair, Fate::NotSymmetric),
                    Answer::Valid => {
                        self.note_time(side, message.pair);
                        self.remark(side, message.pair, Fate::Valid);
                    }
                }
            }
            Content::Answer(_) => {}
        }
    }

    fn note_time(&mut self, side: u8, pair: u8) {
        let agent = &self.agents[usize::from(side)];
        let pair = agent.pairs[usize::from(pair)];
        let relayed = agent.bases[usize::from(pair.base)].relayed
            || agent.remotes[usize::from(pair.remote)].kind == CandidateType::Relayed;
        if !relayed {
            self.valid_at[usize::from(side)].get_or_insert(self.now);
        }
    }

    /// Milliseconds until both sides had a valid pair that is direct.
    #[cfg(test)]
    pub(super) fn direct_after(&self) -> Option<u32> {
        let [a, b] = self.valid_at;
        Some(a?.max(b?))
    }

    /// Whether a side met more addresses than it would learn.
    pub(super) fn churned(&self) -> bool {
        self.agents.iter().any(Agent::has_enough)
    }

    /// The number of pairs of the side that has most.
    pub(super) fn most_pairs(&self) -> usize {
        self.agents.iter().map(|agent| agent.pairs.len()).max().unwrap_or(0)
    }

    fn remark(&mut self, side: u8, pair: u8, fate: Fate) {
        let Some(remarks) = &mut self.remarks else { return };
        let agent = &self.agents[usize::from(side)];
        let pair = agent.pairs[usize::from(pair)];
        let base = agent.bases[usize::from(pair.base)];
        remarks.push(Remark {
            side,
            relayed: base.relayed,
            remote: agent.remotes[usize::from(pair.remote)].kind,
            family_v6: base.family == Family::V6,
            fate,
        });
    }

    /// Whether the sides are connected directly, or if not `direct` through a relay; the types of
    /// the pairs by which they are.
    pub(super) fn connects(&self, direct: bool, types: &mut [BTreeSet<Types>; 2]) -> bool {
        let found = self.nominable(direct);
        for [a, b] in &found {
            types[0].insert(*a);
            types[1].insert(*b);
        }
        !found.is_empty()
    }

    /// The pairs of types of all pairs that a nomination would select on both sides: one side's
    /// valid pair, whose check the other side sees on a valid pair of its own (RFC 8445
    /// §7.3.1.5), or sees at all if it is lite.
    fn nominable(&self, direct: bool) -> BTreeSet<[Types; 2]> {
        let mut found = BTreeSet::new();
        for controlling in [0, 1] {
            for (types, mapped) in self.valid(controlling) {
                let other = &self.agents[1 - controlling];
                if other.lite {
                    let remote = other.remote_type(mapped);
                    let remote = remote.unwrap_or(CandidateType::PeerReflexive);
                    let theirs = Types { local: CandidateType::Host, remote };
                    if types.is_direct() == direct {
                        found.insert(in_order(controlling, types, theirs));
                    }
                    continue;
                }
                let seen = other.pairs.iter().find(|pair| {
                    pair.state == State::Succeeded
                        && other.remotes[usize::from(pair.remote)].ep == mapped
                });
                let Some((pair, local)) = seen.and_then(|pair| Some((pair, pair.valid?))) else {
                    continue;
                };
                let local = other.local_type(local).unwrap_or(CandidateType::PeerReflexive);
                let remote = other.remotes[usize::from(pair.remote)].kind;
                let theirs = Types { local, remote };
                if (types.is_direct() && theirs.is_direct()) == direct {
                    found.insert(in_order(controlling, types, theirs));
                }
            }
        }
        found
    }

    /// A side's valid pairs: their types and their local candidate's address.
    fn valid(&self, side: usize) -> impl Iterator<Item = (Types, Ep)> {
        let agent = &self.agents[side];
        agent.pairs.iter().filter_map(|pair| {
            let mapped = pair.valid?;
            let local = agent.local_type(mapped).unwrap_or(CandidateType::PeerReflexive);
            let remote = agent.remotes[usize::from(pair.remote)].kind;
            Some((Types { local, remote }, mapped))
        })
    }
}

fn in_order(first: usize, ours: Types, theirs: Types) -> [Types; 2] {
    if first == 0 { [ours, theirs] } else { [theirs, ours] }
}
