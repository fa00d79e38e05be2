//! One peer connection with its handles, sockets and gathering.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_control::{Candidate, Event, StateKind, Transmit};
use rtcspec_peer::io;
use rtcspec_peer::rng::Rng;

use crate::clock::VirtualClock;
use crate::connection::{ChannelKey, Connection, Found, Gathered, Happening};
use crate::put_off::PutOff;
use crate::sockets::{FromSockets, Plan, Sockets};

#[cfg(test)]
mod tests;

/// A connection and what the harness calls its parts.
#[derive(Debug)]
pub(crate) struct Peer<C> {
    pub(crate) connection: C,
    name: String,
    clock: VirtualClock,
    plan: Plan,
    rng: Rng,
    /// Generations of sockets, the current one last. A restart opens new ones, as browsers do; the
    /// former serve what is still under way until the new ones are connected.
    generations: Vec<Sockets>,
    gathering: &'static str,
    channels: BTreeMap<ChannelKey, String>,
    accepted: usize,
    /// No offer is open, by what the stack has told.
    stable: bool,
    closed: bool,
    /// Local addresses the stack sent from although it has no such base (any more).
    strays: BTreeSet<SocketAddr>,
    put_off: PutOff,
}

/// What came of letting a connection and its sockets run.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) events: Vec<Event>,
    pub(crate) transmits: Vec<Transmit>,
    /// Channels of the other side and their new handles.
    pub(crate) accepted: Vec<(String, ChannelKey)>,
}

impl<C: Connection> Peer<C> {
    pub(crate) fn new(
        name: String,
        connection: C,
        clock: VirtualClock,
        plan: Plan,
        rng: Rng,
    ) -> Self {
        Self {
            connection,
            name,
            clock,
            plan,
            rng,
            generations: Vec::new(),
            gathering: "new",
            channels: BTreeMap::new(),
            accepted: 0,
            stable: true,
            closed: false,
            strays: BTreeSet::new(),
            put_off: PutOff::new(),
        }
    }

    pub(crate) fn gathering(&self) -> &'static str {
        self.gathering
    }

    pub(crate) fn name_channel(&mut self, key: ChannelKey, dc: &str) {
        self.channels.insert(key, dc.to_owned());
    }

    /// The machine's addresses are these now.
    pub(crate) fn follow_interfaces(&mut self, now: Duration, addresses: Vec<IpAddr>) {
        for sockets in &mut self.generations {
            sockets.follow(now, &addresses);
        }
        self.plan.interfaces = addresses;
    }

    /// Servers and policy of the generations to come; the machine's addresses stay.
    pub(crate) fn replan(&mut self, plan: Plan) {
        let interfaces = std::mem::take(&mut self.plan.interfaces);
        self.plan = Plan { interfaces, ..plan };
    }

    /// After a local description was set: if it is one of a former generation, a restart was rolled
    /// back, and what was opened for that is let go. The event, if gathering is in another state.
    pub(crate) fn follow_rollback(&mut self, now: Duration) -> Option<Event> {
        let ufrag = self.ufrag()?;
        let former = self.generations.iter().position(|sockets| sockets.serves(&ufrag))?;
        if former + 1 == self.generations.len() {
            return None;
        }
        let kept = self.generations.remove(former);
        for index in former..self.generations.len() {
            self.let_go(now, index);
        }
        let value = if kept.is_complete() { "complete" } else { "gathering" };
        self.generations.push(kept);
        (self.gathering != value).then(|| self.gathering_is(value))
    }

    /// After a local description was set: a user fragment that no sockets serve starts a
    /// generation. True if it did.
    pub(crate) fn gather_if_new(&mut self, now: Duration, number: u16) -> bool {
        let is_served =
            |ufrag: &str| self.closed || self.generations.iter().any(|it| it.serves(ufrag));
        match self.ufrag() {
            Some(ufrag) if !is_served(&ufrag) => {
                let sockets = Sockets::open(now, &self.plan, ufrag, number, &self.rng);
                self.generations.push(sockets);
                true
            }
            _ => false,
        }
    }

    /// The connection was closed: allocations are given back.
    pub(crate) fn close_sockets(&mut self, now: Duration) {
        self.closed = true;
        for sockets in &mut self.generations {
            sockets.close(now);
        }
    }

    /// Whether the connection was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes a datagram or stream data if it is for this connection.
    pub(crate) fn receive(&mut self, now: Duration, input: &io::Receive) -> bool {
        let Some(sockets) = self.generations.iter_mut().find(|sockets| sockets.owns(input)) else {
            return false;
        };
        let at = self.clock.instant(now);
        for datagram in sockets.receive(now, input.clone()) {
            self.connection.receive(at, datagram.base, datagram.remote, &datagram.data);
        }
        true
    }

    /// When time matters next to the connection or its sockets.
    pub(crate) fn wake(&mut self, now: Duration) -> Option<Duration> {
        let connection = self.due(now);
        self.generations.iter().filter_map(Sockets::wake).chain(connection).min()
    }

    /// The stack's timer fired at this instant as often as anybody can want: it is done without for a
    /// while, and the sockets go on.
    pub(crate) fn put_off(&mut self, now: Duration) {
        self.put_off.longer(now);
    }

    /// Fires what is due.
    pub(crate) fn advance(&mut self, now: Duration) {
        for sockets in &mut self.generations {
            if sockets.wake().is_some_and(|at| at <= now) {
                sockets.advance(now);
            }
        }
        if self.due(now).is_some_and(|due| due <= now) {
            self.connection.advance(self.clock.instant(now));
        }
    }

    /// When the connection's timer is due.
    fn due(&mut self, now: Duration) -> Option<Duration> {
        let at = self.clock.run_time(self.connection.wake()?);
        Some(self.put_off.due(now, at))
    }

    /// Takes the next thing out of the connection or its sockets; false if there is nothing.
    pub(crate) fn step(&mut self, now: Duration, out: &mut Outputs) -> bool {
        if let Some(happening) = self.connection.poll(self.clock.instant(now)) {
            self.happened(now, happening, out);
            return true;
        }
        for index in 0..self.generations.len() {
            if let Some(output) = self.generations[index].poll(now) {
                self.gathered(now, index, output, out);
                return true;
            }
        }
        false
    }

    fn happened(&mut self, now: Duration, happening: Happening, out: &mut Outputs) {
        if let Happening::Datagram { local, remote, data } = happening {
            match self.generations.iter_mut().rev().find(|sockets| sockets.has(local)) {
                Some(sockets) => sockets.send(now, local, remote, data),
                None => self.stray(local, out),
            }
            return;
        }
        if let Happening::State { which: StateKind::Signaling, value } = &happening {
            self.stable = value == "stable";
        }
        if is_connected(&happening) && self.is_agreed() {
            self.retire_sockets(now);
        }
        let event = self.event(happening, out);
        out.events.extend(event);
    }

    fn stray(&mut self, local: SocketAddr, out: &mut Outputs) {
        if self.strays.insert(local) {
            let text = format!("{} sends from {local}, which is no base of its", self.name);
            out.events.push(Event::Log { text });
        }
    }

    /// Whether the newest generation is the one agreed on: as long as an offer is open, what
    /// connects may be a pair of a former one.
    fn is_agreed(&self) -> bool {
        let newest = self.generations.last().map(|sockets| sockets.ufrag.as_str());
        self.stable && self.ufrag().as_deref() == newest
    }

    /// A restart has concluded: the sockets of former generations are not needed any more.
    fn retire_sockets(&mut self, now: Duration) {
        self.generations.retain(|sockets| !sockets.is_closed());
        let current = self.generations.len().saturating_sub(1);
        for index in 0..current {
            self.let_go(now, index);
        }
    }

    fn let_go(&mut self, now: Duration, index: usize) {
        let at = self.clock.instant(now);
        for base in self.generations[index].bases() {
            self.connection.forget_local_address(at, base);
        }
        self.generations[index].close(now);
    }

    fn gathered(&mut self, now: Duration, index: usize, output: FromSockets, out: &mut Outputs) {
        let is_current = index + 1 == self.generations.len();
        let at = self.clock.instant(now);
        match output {
            FromSockets::Transmit(transmit) => out.transmits.push(transmit),
            FromSockets::Lost(base) => self.connection.forget_local_address(at, base),
            FromSockets::Found(found) if is_current => {
                let event = self.candidate(now, found);
                out.events.extend(event);
            }
            FromSockets::Complete if is_current => {
                self.connection.end_of_local_candidates(at);
                let pc = self.name.clone();
                out.events.push(Event::Candidate { pc, candidate: None });
                out.events.push(self.gathering_is("complete"));
            }
            FromSockets::Failed { url, code } if is_current => {
                let pc = self.name.clone();
                out.events.push(Event::CandidateError { pc, url, error_code: code });
            }
            FromSockets::Found(_) | FromSockets::Complete | FromSockets::Failed { .. } => {}
        }
    }

    fn candidate(&mut self, now: Duration, found: Found) -> Option<Event> {
        let pc = self.name.clone();
        match self.connection.local_candidate(self.clock.instant(now), found) {
            Ok(Gathered::Signal(candidate)) => {
                let candidate = Candidate {
                    candidate,
                    sdp_mid: self.attribute("a=mid:"),
                    sdp_m_line_index: Some(0),
                    username_fragment: self.generations.last().map(|s| s.ufrag.clone()),
                };
                Some(Event::Candidate { pc, candidate: Some(candidate) })
            }
            Ok(Gathered::Declined) => None,
            Err(refusal) => {
                let message = format!("{found:?}: {refusal:?}");
                Some(Event::Error { on: pc, name: "OperationError".to_owned(), message })
            }
        }
    }

    /// `iceGatheringState` changes.
    pub(crate) fn gathering_is(&mut self, value: &'static str) -> Event {
        self.gathering = value;
        let pc = self.name.clone();
        Event::State { pc, which: StateKind::IceGathering, value: value.to_owned() }
    }

    /// User fragment of the local description.
    fn ufrag(&self) -> Option<String> {
        self.attribute("a=ice-ufrag:")
    }

    /// First value of an attribute of the local description; both live in the first section,
    /// which is the bundle's (RFC 9143 §7.1.3).
    fn attribute(&self, prefix: &str) -> Option<String> {
        let text = self.connection.local_description()?;
        text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::to_owned)
    }

    /// Puts a happening into the words of the contract; datagrams are not for it.
    fn event(&mut self, happening: Happening, out: &mut Outputs) -> Option<Event> {
        let pc = self.name.clone();
        Some(match happening {
            Happening::Datagram { .. } => return None,
            Happening::State { which, value } => Event::State { pc, which, value },
            Happening::NegotiationNeeded => Event::Negotiationneeded { pc },
            Happening::SelectedPair(pair) => Event::SelectedPair { pc, pair },
            Happening::Channel { key, label, init } => {
                let dc = self.accept(key);
                out.accepted.push((dc.clone(), key));
                Event::Channel {
                    dc,
                    label,
                    protocol: init.protocol,
                    ordered: init.ordered,
                    sid: init.id,
                    max_retransmits: init.max_retransmits,
                    max_packet_life_time: init.max_packet_life_time,
                }
            }
            Happening::Open { key, sid } => Event::Open { dc: self.handle(key), sid },
            Happening::Message { key, payload } => Event::Message { dc: self.handle(key), payload },
            Happening::Closed { key } => Event::Closed { dc: self.handle(key) },
            Happening::Error { key, name, message } => {
                let on = key.map_or(pc, |key| self.handle(key));
                Event::Error { on, name: name.to_owned(), message }
            }
            Happening::Log(text) => Event::Log { text },
        })
    }

    fn accept(&mut self, key: ChannelKey) -> String {
        self.accepted += 1;
        let dc = format!("{}/r{}", self.name, self.accepted);
        self.channels.insert(key, dc.clone());
        dc
    }

    /// A stack that speaks of a channel it never announced gets a handle that shows it.
    fn handle(&self, key: ChannelKey) -> String {
        self.channels.get(&key).cloned().unwrap_or_else(|| format!("{}/?{}", self.name, key.0))
    }
}

fn is_connected(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::State { which: StateKind::IceConnection, value }
            if value == "connected" || value == "completed"
    )
}
