//! Two agents, their signalling and the network between them, in virtual time; and the oracles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_net::fabric::Action;
use rtcspec_net::{Ns, host};
use rtcspec_peer::ice::{
    Agent, Config, Datagram, Event, Output, RemoteCandidate, RemoteParameters, Role, SelectedPair,
    Server, State,
};
use rtcspec_peer::io::{Receive, Transmit};
use rtcspec_peer::rng::Rng;
use rtcspec_peer::stun::{Outgoing, Via};
use rtcspec_wire::stun::{AttributeType, Class, Method, TransactionId, View};

use super::fault::{Edge, MakeEdge, sound};
use super::ground::{Ground, PASSWORD, Plan, USER};
use super::stranger::{self, Known};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::target::account::Account;

pub(super) const SECOND: Duration = Duration::from_secs(1);
/// Packets that a program's own network may treat badly.
const BAD: u32 = 40;
/// RFC 8489 §6.2.1: Rc, how often a check is sent.
const SENDINGS: u32 = 7;
/// RFC 7675 §5.1.
const EXPIRY: Duration = Duration::from_secs(30);
/// What is under way when silence begins has arrived.
const UNDER_WAY: Duration = Duration::from_millis(500);

/// One candidate, or the end of them, on its way through signalling.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub(super) candidate: Option<RemoteCandidate>,
    ufrag: String,
}

pub(super) struct Side {
    pub(super) agent: Agent,
    edge: Box<dyn Edge>,
    pub(super) known: Known,
    /// Of the peer, for this side.
    pub(super) signals: VecDeque<Signal>,
    /// The peer's description has not come yet.
    waits: bool,
    selected: Option<SelectedPair>,
    /// Requests that proved who sent them.
    authentic: BTreeSet<TransactionId>,
    asked: BTreeSet<TransactionId>,
    /// The last new check, by session.
    checked_at: BTreeMap<u64, Duration>,
    heard: u32,
    /// When the last datagram to the other end of the selected pair left.
    left_at: Duration,
    switched: bool,
    /// A stranger has repeated what the peer said, and so has become an address of the peer.
    fooled: bool,
}

/// A datagram that is held back.
struct Late {
    side: usize,
    local: SocketAddr,
    remote: SocketAddr,
    data: Vec<u8>,
}

pub(super) struct Table {
    pub(super) sides: [Side; 2],
    ground: Ground,
    plan: Plan,
    pub(super) now: Duration,
    /// Datagrams that are sent later than they were made.
    late: BTreeMap<(Duration, u64), Late>,
    pub(super) fates: Vec<u8>,
    bad: u32,
    lost: u32,
    pub(super) blocked: bool,
    /// Candidates go on as they come.
    pub(super) trickle: bool,
    /// What the oracle of `net` does not know of happened.
    pub(super) meddled: bool,
    /// One side may have lost what the other has.
    pub(super) apart: bool,
    restarted_at: Option<Duration>,
    packets: u64,
    strangers: u64,
    pub(super) account: Account,
}

impl Table {
    /// `switches`: 1 both control, 2 neither does, 4 candidates wait, 8 the answer is late.
    pub(super) fn new(
        plan: Plan,
        switches: u8,
        edge: MakeEdge,
        account: Account,
    ) -> Result<Self, Finding> {
        let ground = plan.lay().map_err(|error| Finding::new(Oracle::Model, error))?;
        let roles = match switches & 3 {
            1 => [Role::Controlling; 2],
            2 => [Role::Controlled; 2],
            _ => [Role::Controlling, Role::Controlled],
        };
        let side = |side: usize, edge: Box<dyn Edge>| -> Result<Side, Finding> {
            let mut config = Config::default();
            config.gather.interfaces.clone_from(&ground.interfaces[side]);
            let mut urls = Vec::new();
            urls.extend(plan.has_stun(side).then(|| format!("stun:{}", ground.stun)));
            urls.extend(plan.has_turn(side).then(|| format!("turn:{}", ground.turn)));
            for url in urls {
                let servers = Server::resolve(&url, USER, PASSWORD, &BTreeMap::new());
                let servers = servers.map_err(|error| Finding::new(Oracle::Model, error))?;
                config.gather.servers.extend(servers);
            }
            let agent = Agent::new(config, roles[side], &Rng::new(1 + side as u64));
            Ok(Side {
                agent,
                edge,
                known: Known::default(),
                signals: VecDeque::new(),
                waits: true,
                selected: None,
                authentic: BTreeSet::new(),
                asked: BTreeSet::new(),
                checked_at: BTreeMap::new(),
                heard: 0,
                left_at: Duration::ZERO,
                switched: false,
                fooled: false,
            })
        };
        let sides = [side(0, sound())?, side(1, edge())?];
        let mut table = Self {
            sides,
            ground,
            plan,
            now: Duration::ZERO,
            late: BTreeMap::new(),
            fates: Vec::new(),
            bad: 0,
            lost: 0,
            blocked: false,
            trickle: switches & 4 == 0,
            meddled: false,
            apart: false,
            restarted_at: None,
            packets: 0,
            strangers: 0,
            account,
        };
        table.begin(switches & 8 != 0)?;
        Ok(table)
    }

    /// Both gather, and learn of each other.
    fn begin(&mut self, late: bool) -> Verdict {
        let credentials = [0, 1].map(|side| self.sides[side].agent.local_credentials().clone());
        for (side, credentials) in credentials.into_iter().enumerate() {
            self.sides[side].known.own.push(credentials.clone());
            self.sides[1 - side].known.peer.push(credentials);
            self.sides[side].waits = true;
        }
        for side in 0..2 {
            self.sides[side].agent.gather(self.now);
            self.pump()?;
        }
        self.introduce(1)?;
        if late { Ok(()) } else { self.introduce(0) }
    }

    /// A side learns the description of the other.
    pub(super) fn introduce(&mut self, side: usize) -> Verdict {
        if !std::mem::take(&mut self.sides[side].waits) {
            return Ok(());
        }
        let credentials = self.sides[1 - side].agent.local_credentials().clone();
        let parameters = RemoteParameters { credentials, lite: false };
        self.sides[side]
            .agent
            .set_remote(self.now, parameters)
            .map_err(|error| Finding::new(Oracle::Model, error))?;
        self.pump()
    }

    pub(super) fn restart(&mut self, first: usize, late: bool) -> Verdict {
        if self.sides.iter().any(|side| side.waits) {
            return Ok(());
        }
        for side in [first, 1 - first] {
            self.sides[side].agent.restart(self.now);
            self.pump()?;
        }
        self.restarted_at = Some(self.now);
        self.begin(late)
    }

    /// Gives a side the next of what it was signalled.
    pub(super) fn signal(&mut self, side: usize) -> Verdict {
        let Some(Signal { candidate, ufrag }) = self.sides[side].signals.pop_front() else {
            return Ok(());
        };
        let agent = &mut self.sides[side].agent;
        match candidate {
            Some(candidate) => agent.add_remote_candidate(self.now, candidate, Some(&ufrag)),
            None => agent.end_of_remote_candidates(self.now, Some(&ufrag)),
        }
        self.pump()
    }

    /// Takes what both agents have for network, signalling and application.
    fn pump(&mut self) -> Verdict {
        for side in 0..2 {
            while let Some(output) = self.sides[side].agent.poll() {
                match output {
                    Output::Transmit(transmit) => self.leave(side, transmit)?,
                    Output::Stun(message) => self.stun(side, message)?,
                    Output::Event(event) => self.hear(side, event)?,
                }
            }
        }
        for side in 0..2 {
            // Each is taken off before it is given on, so this ends.
            while self.trickle && !self.sides[side].signals.is_empty() {
                self.signal(side)?;
            }
        }
        Ok(())
    }

    fn stun(&mut self, side: usize, mut message: Outgoing) -> Verdict {
        let more = self.sides[side].edge.outgoing(&mut message);
        for message in std::iter::once(message).chain(more) {
            if message.via == Via::Base {
                self.watch(side, &message)?;
            }
            self.sides[side].agent.forward(self.now, message);
        }
        Ok(())
    }

    /// What every check and every answer has to keep to.
    fn watch(&mut self, side: usize, message: &Outgoing) -> Verdict {
        let view = View::new(&message.bytes);
        let (Some(ty), Some(id)) = (view.message_type(), view.transaction_id()) else {
            return Ok(());
        };
        let now = self.now;
        let side = &mut self.sides[side];
        match ty.class {
            Class::Request if view.has(AttributeType::USERNAME) => {
                side.known.asked = Some(id);
                let fresh = side.asked.insert(id);
                let nominates = view.has(AttributeType::USE_CANDIDATE);
                let consent =
                    !nominates && side.agent.selected().map(|pair| pair.1) == Some(message.remote);
                if !fresh || consent {
                    return Ok(());
                }
                // RFC 8445 §14.2: one new check in each Ta.
                let ta = Config::default().gather.ta;
                let before = side.checked_at.insert(message.session, now);
                hold(Oracle::Model, before.is_none_or(|before| now >= before + ta), || {
                    format!("a new check {:?} after the last", now - before.unwrap_or_default())
                })
            }
            // RFC 8445 §7.3: only who knows the password is told anything.
            Class::SuccessResponse => hold(Oracle::Model, side.authentic.contains(&id), || {
                format!("a success response to {}, who did not prove anything", message.remote)
            }),
            Class::ErrorResponse => {
                if view.error_code().is_some_and(|error| error.code() == 487) {
                    self.account.reach("role conflict refused");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn leave(&mut self, side: usize, mut transmit: Transmit) -> Verdict {
        self.sides[side].edge.leaving(&mut transmit);
        let Transmit::Udp { local, remote, data } = transmit else { return Ok(()) };
        self.account.tell(&(side, self.now, local, remote, &data));
        self.packets += 1;
        let most = 2000 + 200 * self.now.as_secs() + 4 * self.strangers;
        hold(Oracle::Model, self.packets <= most, || {
            format!("{} packets in {} s", self.packets, self.now.as_secs())
        })?;
        if self.sides[side].agent.selected().is_some_and(|pair| pair.1 == remote) {
            self.sides[side].left_at = self.now;
        }
        // RFC 8445 §12.1: data goes to the other end of the selected pair, or before there is one
        // of a valid pair; both are candidates of the peer.
        if data.first().is_some_and(|first| *first >= 0x80) && remote == stranger::address() {
            return Err(Finding::new(Oracle::Model, "data is sent to a stranger"));
        }
        if self.blocked {
            return Ok(());
        }
        let fate = match self.fates.len() {
            0 => 0,
            len => self.fates[self.packets as usize % len],
        };
        let bad = fate != 0 && self.bad < BAD;
        self.bad += u32::from(bad);
        match if bad { fate >> 6 } else { 0 } {
            1 => {
                self.account.reach("lost");
                // Consent may be lost too, and all sendings of a check.
                self.lost += 1;
                let selected = self.sides.iter().any(|side| side.agent.selected().is_some());
                if selected || self.lost >= SENDINGS {
                    (self.apart, self.meddled) = (true, true);
                }
                return Ok(());
            }
            2 => self.travel(side, local, remote, data.clone()),
            _ => {}
        }
        let delay = Duration::from_millis(if bad { u64::from(fate & 0x3f) * 4 } else { 0 });
        if delay.is_zero() {
            self.travel(side, local, remote, data);
        } else {
            let late = Late { side, local, remote, data };
            self.late.insert((self.now + delay, self.packets), late);
        }
        Ok(())
    }

    fn travel(&mut self, side: usize, local: SocketAddr, remote: SocketAddr, data: Vec<u8>) {
        let udp = host::Transmit::Udp { local, remote, data };
        self.ground.world.transmit(self.ground.hosts[side], udp);
    }

    fn hear(&mut self, side: usize, event: Event) -> Verdict {
        self.account.tell_words(|| format!("{side} {event:?}"));
        match event {
            Event::Candidate { candidate, ufrag } => {
                let wire = candidate.to_wire(Some(&ufrag));
                let resolved = RemoteCandidate::resolve(&wire, &BTreeMap::new());
                let signals = &mut self.sides[1 - side].signals;
                signals.extend(
                    resolved.into_iter().map(|candidate| Signal {
                        candidate: Some(candidate),
                        ufrag: ufrag.clone(),
                    }),
                );
            }
            Event::GatheringComplete { ufrag } => {
                self.sides[1 - side].signals.push_back(Signal { candidate: None, ufrag });
            }
            Event::Selected(pair) => {
                if pair.remote.kind.word() == "prflx" {
                    self.account.reach("peer-reflexive");
                }
                self.sides[side].selected = Some(pair);
            }
            Event::Role(_) => {
                self.sides[side].switched = true;
                self.account.reach("role switched");
            }
            Event::Data(data) => {
                if data == DATA {
                    self.sides[side].heard += 1;
                }
            }
            Event::State(State::Disconnected) => {
                self.account.reach("disconnected");
            }
            Event::State(_) | Event::CandidateError { .. } => {}
        }
        Ok(())
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, duration: Duration) -> Verdict {
        let end = self.now + duration;
        let mut idle = 0_u32;
        loop {
            self.pump()?;
            let wakes = self.sides.iter().filter_map(|side| side.agent.wake());
            let late = self.late.keys().next().map(|key| key.0);
            let world = self.ground.world.wake().map(Duration::from);
            let next = wakes.chain(late).chain(world).min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            idle = if next > self.now { 0 } else { idle + 1 };
            hold(Oracle::Model, idle < 2000, || "time stands still: a timer that stays due")?;
            self.now = self.now.max(next);
            self.arrive()?;
            while let Some(entry) = self.late.first_entry().filter(|late| late.key().0 <= self.now)
            {
                let Late { side, local, remote, data } = entry.remove();
                self.travel(side, local, remote, data);
            }
            for side in 0..2 {
                if self.sides[side].agent.wake().is_some_and(|at| at <= self.now) {
                    self.sides[side].agent.advance(self.now);
                    self.pump()?;
                }
            }
        }
        self.now = end;
        self.arrive()
    }

    /// The network comes to now; what reached the agents by then is theirs.
    fn arrive(&mut self) -> Verdict {
        loop {
            let reached = self.ground.world.step(Ns::from(self.now));
            let reached = reached.map_err(|error| Finding::new(Oracle::Model, error))?;
            for side in 0..2 {
                while let Some(received) = self.ground.world.receive(self.ground.hosts[side]) {
                    let input = match received {
                        host::Receive::Udp { local, remote, data } => {
                            Receive::Udp { local, remote, data }
                        }
                        host::Receive::Unreachable { local, remote, .. } => {
                            Receive::Unreachable { local, remote }
                        }
                        _ => continue,
                    };
                    let datagrams = self.sides[side].agent.open(self.now, input);
                    for datagram in datagrams {
                        self.take(side, datagram)?;
                    }
                    self.sides[side].agent.advance(self.now);
                    self.pump()?;
                }
            }
            if Duration::from(reached) >= self.now {
                return Ok(());
            }
        }
    }

    /// Gives a side a datagram at one of its bases.
    fn take(&mut self, side: usize, mut datagram: Datagram) -> Verdict {
        let side = &mut self.sides[side];
        let view = View::new(&datagram.data);
        let binding = view.message_type().filter(|ty| ty.method == Method::BINDING);
        if let Some(ty) = binding.filter(|_| side.known.is_authentic(&datagram.data)) {
            if ty.class == Class::Request {
                side.authentic.extend(view.transaction_id());
            }
            side.known.came = Some(datagram.data.clone());
        }
        side.edge.incoming(&side.agent, &mut datagram);
        side.agent.handle(self.now, &datagram);
        Ok(())
    }

    /// A stranger writes to a side, from its own address or in the name of another.
    pub(super) fn stranger(&mut self, to: usize, from: u8, kind: u8, how: u8) -> Verdict {
        self.pump()?;
        let side = &self.sides[to];
        let bases: Vec<SocketAddr> =
            side.agent.local_candidates().iter().map(|local| local.base).collect();
        let Some(base) = bases.get(usize::from(from >> 4) % bases.len().max(1)).copied() else {
            return Ok(());
        };
        let data = side.known.message(kind, how);
        let genuine = side.known.is_authentic(&data);
        let peer = side.agent.selected().map(|pair| pair.1).filter(|_| from & 1 != 0);
        let remote = peer.unwrap_or_else(stranger::address);
        self.strangers += 1;
        let length = data.len();
        let datagram = Datagram { base, remote, data };
        if genuine {
            // Who repeats what was said is believed that, from wherever it comes.
            self.meddled = true;
            self.sides[to].fooled = true;
            self.account.reach("repeated by a stranger");
            self.take(to, datagram)?;
            self.sides[to].agent.advance(self.now);
            return self.pump();
        }
        let is_data = datagram.data.first().is_some_and(|first| *first >= 4);
        let data_counts = is_data && (peer.is_some() || side.fooled);
        let before = self.sides[to].snapshot();
        self.take(to, datagram)?;
        let mut answers = Vec::new();
        while let Some(output) = self.sides[to].agent.poll() {
            match output {
                Output::Stun(message) => answers.push(message),
                // RFC 8445 §12.2: nobody can tell who sends data from an address of the peer.
                Output::Event(Event::Data(_)) if data_counts => {}
                output => {
                    return Err(Finding::new(
                        Oracle::Model,
                        format!("a stranger's datagram makes {}", short(&output)),
                    ));
                }
            }
        }
        hold(Oracle::Model, before == self.sides[to].snapshot(), || {
            format!("a stranger's datagram of kind {} changes the agent", kind % 11)
        })?;
        self.refuse(to, remote, length, answers)
    }

    /// A stranger is told at most what is wrong, in not many more words than it used.
    fn refuse(
        &mut self,
        to: usize,
        remote: SocketAddr,
        length: usize,
        answers: Vec<Outgoing>,
    ) -> Verdict {
        self.account.reach(if answers.is_empty() {
            "stranger ignored"
        } else {
            "stranger refused"
        });
        hold(Oracle::Model, answers.len() <= 1, || {
            format!("{} answers to a stranger", answers.len())
        })?;
        for mut message in answers {
            let more = self.sides[to].edge.outgoing(&mut message);
            let class = View::new(&message.bytes).message_type().map(|ty| ty.class);
            let error = class == Some(Class::ErrorResponse) && message.remote == remote;
            hold(Oracle::Model, error && more.is_none(), || {
                format!("a stranger is answered by {class:?}")
            })?;
            hold(Oracle::Model, message.bytes.len() <= length + 64, || {
                format!("{length} bytes of a stranger are answered by {}", message.bytes.len())
            })?;
            self.sides[to].agent.forward(self.now, message);
        }
        self.pump()
    }

    /// Nothing gets through for a while.
    pub(super) fn silence(&mut self, duration: Duration) -> Verdict {
        self.pump()?;
        let settled = self.restarted_at.is_none_or(|at| self.now >= at + SECOND * 60);
        let spoke =
            [0, 1].map(|side| settled && self.sides[side].agent.state() == State::Connected);
        let begun = self.now;
        (self.blocked, self.apart, self.meddled) = (true, true, true);
        self.run(duration)?;
        for side in (0..2).filter(|side| spoke[*side]) {
            if duration < EXPIRY + UNDER_WAY * 2 {
                continue;
            }
            self.account.reach("consent expired");
            // RFC 7675 §5.1: consent ends 30 s after the last answer, and with it what is sent.
            let Side { agent, edge, left_at, .. } = &mut self.sides[side];
            let (left_at, state) = (*left_at, agent.state());
            let may = edge.send(agent, self.now, DATA);
            // While a restart is open its state is told, not that of what it replaces.
            let told = state == State::Failed || self.restarted_at.is_some();
            hold(Oracle::Model, !may && told, || {
                format!("{state:?} after {} s of silence, sends data: {may}", duration.as_secs())
            })?;
            hold(Oracle::Model, left_at <= begun + EXPIRY + UNDER_WAY, || {
                format!("a packet leaves {:?} after silence began", left_at - begun)
            })?;
        }
        self.pump()?;
        self.blocked = false;
        Ok(())
    }

    pub(super) fn expire(&mut self, side: usize) -> Verdict {
        let Some(nat) = self.ground.nats[side] else { return Ok(()) };
        (self.apart, self.meddled) = (true, true);
        self.account.reach("mappings lost");
        let expired = self.ground.world.apply(Action::Expire { nat });
        expired.map_err(|error| Finding::new(Oracle::Model, error))
    }

    pub(super) fn send(&mut self, side: usize) -> Verdict {
        let Side { agent, edge, .. } = &mut self.sides[side];
        edge.send(agent, self.now, DATA);
        self.pump()
    }

    /// The network is good, and all is said: both find a pair, the same one, or both say that there
    /// is none.
    pub(super) fn settle(&mut self) -> Verdict {
        self.fates.clear();
        self.trickle = true;
        for side in 0..2 {
            self.introduce(side)?;
        }
        let open = |table: &Self| {
            table
                .sides
                .iter()
                .any(|side| matches!(side.agent.state(), State::New | State::Checking))
        };
        let end = self.now + SECOND * 150;
        while open(self) && self.now < end {
            self.run(SECOND)?;
        }
        hold(Oracle::Model, !open(self), || "no pair and no failure within 150 s")?;
        // A nomination may still be under way, and a new generation takes its time.
        self.run(if self.restarted_at.is_some() { SECOND * 100 } else { SECOND * 2 })?;
        let states = [0, 1].map(|side| self.sides[side].agent.state());
        let alike = states.iter().all(|state| *state == State::Connected)
            || states.iter().all(|state| *state == State::Failed);
        hold(Oracle::Model, alike || self.apart, || format!("{states:?} at the end"))?;
        self.expected(states)?;
        let both = states == [State::Connected; 2];
        if both && !self.apart {
            self.mirrored()?;
            self.data_arrives()?;
        }
        self.note(states);
        Ok(())
    }

    /// What the oracle of `net` says must be.
    fn expected(&mut self, states: [State; 2]) -> Verdict {
        use rtcspec_net::oracle::Verdict::{Direct, Nothing, Relay};
        if self.meddled {
            return Ok(());
        }
        let verdict = self.plan.verdict();
        let right = match verdict {
            Some(Direct | Relay) => states == [State::Connected; 2],
            // A relay that comes late is paired with what was learned of the peer before, and may
            // reach it; the model has all its candidates from the beginning.
            Some(Nothing) => {
                states == [State::Failed; 2] || (0..2).any(|side| self.plan.has_turn(side))
            }
            _ => true,
        };
        hold(Oracle::Model, right, || format!("{states:?} where there is {verdict:?}"))
    }

    fn mirrored(&mut self) -> Verdict {
        let roles = [0, 1].map(|side| self.sides[side].agent.role());
        // RFC 8445 §7.3.1.1: a conflict ends with one of each.
        hold(Oracle::Model, roles[0] != roles[1], || format!("both are {:?}", roles[0]))?;
        let [Some(a), Some(b)] = [0, 1].map(|side| self.sides[side].selected.clone()) else {
            return Err(Finding::new(Oracle::Model, "connected without a selected pair"));
        };
        let mirrored = a.local.address == b.remote.address && a.remote.address == b.local.address;
        hold(Oracle::Model, mirrored, || {
            format!(
                "{} to {} at one side, {} to {} at the other",
                a.local.address, a.remote.address, b.local.address, b.remote.address
            )
        })
    }

    fn data_arrives(&mut self) -> Verdict {
        for side in 0..2 {
            let before = self.sides[1 - side].heard;
            self.send(side)?;
            self.run(SECOND)?;
            let came = self.sides[1 - side].heard - before;
            hold(Oracle::Model, came == 1, || format!("data arrives {came} times"))?;
        }
        self.account.reach("data both ways");
        Ok(())
    }

    fn note(&mut self, states: [State; 2]) {
        let words = [0, 1].map(|side| {
            let pair = self.sides[side].selected.as_ref();
            pair.map(|pair| (pair.local.kind.word(), pair.remote.kind.word()))
        });
        if states == [State::Connected; 2] {
            let relayed = words.iter().flatten().any(|(a, b)| *a == "relay" || *b == "relay");
            let nats = (0..2).filter(|side| self.plan.has_nat(*side)).count();
            self.account.reach(if relayed { "connected by relay" } else { "connected directly" });
            let multihomed = (0..2).all(|side| self.plan.is_multihomed(side));
            let situations = [
                (nats == 2 && !relayed, "through two NATs"),
                (multihomed, "multihomed"),
                (self.restarted_at.is_some(), "restarted"),
                (self.bad > 0, "connected in spite of loss"),
                (self.sides.iter().any(|side| side.switched), "conflict settled"),
            ];
            let these = situations.into_iter().filter(|(is, _)| *is);
            these.for_each(|(_, situation)| self.account.reach(situation));
        } else if states == [State::Failed; 2] {
            self.account.reach("both failed");
        }
        let switched = [0, 1].map(|side| self.sides[side].switched);
        self.account.see(&(words, states, switched));
    }
}

/// What the application sends: nothing that looks like STUN.
const DATA: &[u8] = &[0x90, 1, 2, 3];

impl Side {
    /// All that the agent is.
    fn snapshot(&self) -> String {
        format!("{:?}", self.agent)
    }
}

fn short(output: &Output) -> String {
    match output {
        Output::Transmit(_) => "a datagram".to_owned(),
        Output::Stun(_) => "a message".to_owned(),
        Output::Event(event) => format!("{event:?}").chars().take(40).collect(),
    }
}
