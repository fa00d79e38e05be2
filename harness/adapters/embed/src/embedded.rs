//! The endpoint: commands in, replies, events and datagrams out, panics caught.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rtcspec_adapter_entropy::{Stream, base, within};
use rtcspec_control::{
    Candidate, Command, Configuration, Description, Endpoint, Event, Hello, Message, Payload,
    Receive, Reply, ReplyBody, RequestId, SpawnContext, Transmit, VirtualEndpoint,
};
use rtcspec_peer::rng::Rng;

use crate::clock::VirtualClock;
use crate::connection::{ChannelKey, Connection, Outcome, Refusal, Stack};
use crate::peer::{Outputs, Peer};
use crate::sockets::{Plan, from_control};

/// Outputs a stack may have in one go before it counts as stuck.
const MOST_OUTPUTS: usize = 1 << 20;
/// Times a timer may be due at the same instant before the harness moves on without it.
const MOST_ROUNDS: usize = 256;

/// A foreign stack as a [`VirtualEndpoint`].
pub struct Embedded<S: Stack> {
    stack: S,
    clock: VirtualClock,
    entropy: Stream,
    rng: Rng,
    generations: u16,
    peers: BTreeMap<String, Peer<S::Connection>>,
    channels: BTreeMap<String, (String, ChannelKey)>,
    messages: VecDeque<Message>,
    transmits: VecDeque<Transmit>,
    wake: Option<Duration>,
    dead: Option<&'static str>,
    /// The event of a death that was not told yet: what the stack said before comes first.
    last_words: Option<Event>,
}

impl<S: Stack> fmt::Debug for Embedded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("implementation", &self.stack.hello().implementation)
            .field("peers", &self.peers.keys().collect::<Vec<_>>())
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}

impl<S: Stack> Embedded<S> {
    /// Puts a stack into the harness; what it draws at random depends on the context's seed where
    /// that can be arranged.
    pub fn new(stack: S, context: SpawnContext) -> Self {
        Self {
            stack,
            clock: VirtualClock::starting_at(base()),
            entropy: Stream::new(context.seed),
            rng: Rng::new(context.seed).fork("embedded"),
            generations: 0,
            peers: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: VecDeque::new(),
            transmits: VecDeque::new(),
            wake: None,
            dead: None,
            last_words: None,
        }
    }

    /// Runs the stack with its own entropy and time; if it panics the endpoint is dead and says so.
    fn guarded<R>(
        &mut self,
        on: &str,
        now: Duration,
        run: impl FnOnce(&mut Self) -> R,
    ) -> Option<R> {
        if self.dead.is_some() {
            return None;
        }
        let mut entropy = std::mem::take(&mut self.entropy);
        self.stack.resume();
        let result = within(&mut entropy, now, || catch_unwind(AssertUnwindSafe(|| run(self))));
        self.stack.suspend();
        self.entropy = entropy;
        match result {
            Ok(result) => Some(result),
            Err(panic) => {
                self.die(on, "Crash", panic_text(panic.as_ref()));
                None
            }
        }
    }

    fn die(&mut self, on: &str, name: &'static str, message: String) {
        self.dead = Some(name);
        self.wake = None;
        let peers = std::mem::take(&mut self.peers);
        // Dropping a stack that just panicked may panic again; it has nothing left to say.
        drop(catch_unwind(AssertUnwindSafe(move || drop(peers))));
        self.last_words = Some(Event::Error { on: on.to_owned(), name: name.to_owned(), message });
    }

    fn obey(
        &mut self,
        now: Duration,
        command: Command,
        events: &mut Vec<Event>,
    ) -> Outcome<ReplyBody> {
        let at = self.clock.instant(now);
        match command {
            Command::Hello {} => return Ok(ReplyBody::Hello(self.stack.hello().clone())),
            // What earlier runs closed is not asked for again.
            Command::Case { .. } => {
                self.peers.retain(|_, peer| !peer.is_closed());
                self.channels.retain(|_, (pc, _)| self.peers.contains_key(pc));
            }
            Command::New { pc, config } => self.new_peer(now, pc, &config)?,
            Command::Offer { pc, ice_restart } => {
                let sdp = self.peer(&pc)?.connection.offer(at, ice_restart)?;
                return Ok(ReplyBody::Sdp(sdp));
            }
            Command::Answer { pc } => {
                return Ok(ReplyBody::Sdp(self.peer(&pc)?.connection.answer(at)?));
            }
            Command::Local { pc, desc } => return self.set_local(now, &pc, &desc, events),
            Command::Remote { pc, desc } => self.peer(&pc)?.connection.remote(at, &desc)?,
            Command::Candidate { pc, candidate } => {
                let candidate = candidate.as_ref().filter(|c: &&Candidate| !c.candidate.is_empty());
                self.peer(&pc)?.connection.remote_candidate(at, candidate)?;
            }
            Command::Channel { pc, dc, label, init } => {
                let peer = self.peer(&pc)?;
                let key = peer.connection.channel(at, &label, &init)?;
                peer.name_channel(key, &dc);
                self.channels.insert(dc, (pc, key));
            }
            Command::Send { dc, payload, repeat } => self.send(now, &dc, &payload, repeat)?,
            Command::CloseChannel { dc } => {
                let (peer, key) = self.channel(&dc)?;
                peer.connection.close_channel(at, key)?;
            }
            Command::Close { pc } => self.close(now, &pc, events)?,
            Command::State { pc } => return self.state(&pc),
            Command::RestartIce { pc } => self.peer(&pc)?.connection.restart_ice(at)?,
            Command::SetConfig { pc, config } => self.reconfigure(&pc, &config)?,
            Command::Interfaces { pc, addresses } => {
                self.peer(&pc)?.follow_interfaces(now, addresses);
            }
            other => return Err(Refusal::unsupported(other.op())),
        }
        Ok(ReplyBody::Done {})
    }

    fn new_peer(&mut self, now: Duration, pc: String, config: &Configuration) -> Outcome<()> {
        check_known(config)?;
        if self.peers.contains_key(&pc) {
            return Err(Refusal::error("InvalidAccessError", format!("{pc} exists already")));
        }
        let plan = Plan::new(config)?;
        let connection = self.stack.connection(self.clock.instant(now), config)?;
        let rng = self.rng.fork(&pc);
        self.peers.insert(pc.clone(), Peer::new(pc, connection, self.clock, plan, rng));
        Ok(())
    }

    /// Sets the description, starts its gathering, and replies with what host candidates made of
    /// it; candidates of servers follow by events alone.
    fn set_local(
        &mut self,
        now: Duration,
        pc: &str,
        description: &Description,
        events: &mut Vec<Event>,
    ) -> Outcome<ReplyBody> {
        let (at, number) = (self.clock.instant(now), self.generations);
        let peer = self.peer(pc)?;
        peer.connection.local(at, description)?;
        events.extend(peer.follow_rollback(now));
        if peer.gather_if_new(now, number) {
            events.push(peer.gathering_is("gathering"));
            self.generations = self.generations.wrapping_add(1);
            self.drain(pc, now, events);
        }
        Ok(ReplyBody::Sdp(self.peer(pc)?.connection.local_description().unwrap_or_default()))
    }

    /// What the connection still wants said goes out before its sockets and relays are let go.
    fn close(&mut self, now: Duration, pc: &str, events: &mut Vec<Event>) -> Outcome<()> {
        let at = self.clock.instant(now);
        self.peer(pc)?.connection.close(at)?;
        self.drain(pc, now, events);
        self.peer(pc)?.close_sockets(now);
        Ok(())
    }

    fn reconfigure(&mut self, pc: &str, config: &Configuration) -> Outcome<()> {
        check_known(config)?;
        let plan = Plan::new(config)?;
        let peer = self.peers.get_mut(pc).ok_or_else(|| unknown_handle(pc))?;
        self.stack.reconfigure(&mut peer.connection, config)?;
        peer.replan(plan);
        Ok(())
    }

    fn send(&mut self, now: Duration, dc: &str, payload: &Payload, repeat: u32) -> Outcome<()> {
        let at = self.clock.instant(now);
        let (peer, key) = self.channel(dc)?;
        for _ in 0..repeat {
            peer.connection.send(at, key, payload)?;
        }
        Ok(())
    }

    fn state(&mut self, pc: &str) -> Outcome<ReplyBody> {
        let peer = self.peer(pc)?;
        let mut report = peer.connection.state();
        peer.gathering().clone_into(&mut report.ice_gathering);
        Ok(ReplyBody::State(report))
    }

    fn peer(&mut self, pc: &str) -> Outcome<&mut Peer<S::Connection>> {
        self.peers.get_mut(pc).ok_or_else(|| unknown_handle(pc))
    }

    fn channel(&mut self, dc: &str) -> Outcome<(&mut Peer<S::Connection>, ChannelKey)> {
        let (pc, key) = self.channels.get(dc).cloned().ok_or_else(|| unknown_handle(dc))?;
        Ok((self.peer(&pc)?, key))
    }

    /// Takes everything out of every connection and fires what is due now.
    fn settle(&mut self, now: Duration) {
        let mut wake: Option<Duration> = None;
        for pc in self.peers.keys().cloned().collect::<Vec<_>>() {
            let mut events = Vec::new();
            let next = self.guarded(&pc, now, |this| this.settle_one(&pc, now, &mut events));
            self.messages.extend(events.into_iter().map(Message::Event));
            wake = [wake, next.flatten()].into_iter().flatten().min();
        }
        self.wake = wake;
        self.messages.extend(self.last_words.take().map(Message::Event));
    }

    fn settle_one(&mut self, pc: &str, now: Duration, events: &mut Vec<Event>) -> Option<Duration> {
        for _ in 0..MOST_ROUNDS {
            self.drain(pc, now, events);
            let peer = self.peers.get_mut(pc)?;
            let wake = peer.wake(now)?;
            if wake > now {
                return Some(wake);
            }
            peer.advance(now);
        }
        self.drain(pc, now, events);
        let peer = self.peers.get_mut(pc)?;
        peer.put_off(now);
        peer.wake(now)
    }

    /// Takes out what a connection and its sockets have.
    fn drain(&mut self, pc: &str, now: Duration, events: &mut Vec<Event>) {
        let mut out = Outputs::default();
        for _ in 0..MOST_OUTPUTS {
            if !self.peers.get_mut(pc).is_some_and(|peer| peer.step(now, &mut out)) {
                return;
            }
            // What was said before a panic was said.
            events.append(&mut out.events);
            self.transmits.extend(out.transmits.drain(..));
            for (dc, key) in out.accepted.drain(..) {
                self.channels.insert(dc, (pc.to_owned(), key));
            }
        }
        self.die(pc, "Hang", "the stack's output never ends".to_owned());
    }
}

fn check_known(config: &Configuration) -> Outcome<()> {
    match config.unknown.keys().next() {
        Some(key) => Err(Refusal::unsupported(key.as_str())),
        None => Ok(()),
    }
}

/// What a command is about, for the event of a stack that dies of it.
fn handle(command: &Command) -> &str {
    match command {
        Command::New { pc, .. }
        | Command::Offer { pc, .. }
        | Command::Answer { pc }
        | Command::Local { pc, .. }
        | Command::Remote { pc, .. }
        | Command::Candidate { pc, .. }
        | Command::Channel { pc, .. }
        | Command::Close { pc }
        | Command::State { pc }
        | Command::RestartIce { pc }
        | Command::SetConfig { pc, .. }
        | Command::Interfaces { pc, .. } => pc,
        Command::Send { dc, .. } | Command::CloseChannel { dc } => dc,
        _ => "",
    }
}

fn unknown_handle(handle: &str) -> Refusal {
    Refusal::error("NotFoundError", format!("no handle {handle}"))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned())
}

impl<S: Stack> Endpoint for Embedded<S> {
    fn hello(&self) -> &Hello {
        self.stack.hello()
    }

    fn submit(&mut self, now: Duration, id: RequestId, command: Command) {
        let mut events = Vec::new();
        let on = handle(&command).to_owned();
        let outcome = self.guarded(&on, now, |this| this.obey(now, command, &mut events));
        let body = match outcome {
            Some(Ok(body)) => body,
            Some(Err(Refusal::Unsupported(what))) => ReplyBody::Unsupported(what),
            Some(Err(Refusal::Error { name, message })) => {
                ReplyBody::Error { name: name.to_owned(), message }
            }
            None => ReplyBody::Error {
                name: self.dead.unwrap_or("Crash").to_owned(),
                message: "the stack is dead".to_owned(),
            },
        };
        self.messages.push_back(Message::Reply(Reply { id, body }));
        self.messages.extend(events.into_iter().map(Message::Event));
        self.settle(now);
    }

    fn poll(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }
}

impl<S: Stack> VirtualEndpoint for Embedded<S> {
    fn receive(&mut self, now: Duration, input: Receive) {
        let Some(input) = from_control(input) else { return };
        self.guarded("", now, |this| this.peers.values_mut().any(|peer| peer.receive(now, &input)));
        self.settle(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    fn wake(&self) -> Option<Duration> {
        self.wake
    }

    fn advance(&mut self, now: Duration) {
        self.settle(now);
    }

    fn secrets(&mut self) -> Vec<String> {
        self.peers.values_mut().flat_map(|peer| peer.connection.secrets()).collect()
    }
}
