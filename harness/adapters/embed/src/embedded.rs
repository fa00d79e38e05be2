//! The endpoint: commands in, replies, events and datagrams out, panics caught.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rtcspec_adapter_entropy::{Stream, base, within};
use rtcspec_control::{
    Candidate, Command, Configuration, Endpoint, Event, Hello, Message, Payload, Receive, Reply,
    ReplyBody, RequestId, SpawnContext, Transmit, TransportPolicy, VirtualEndpoint,
};

use crate::clock::VirtualClock;
use crate::connection::{ChannelKey, Connection, Happening, Outcome, Refusal, Stack};
use crate::local_ports::PortPool;
use crate::peer::{Gathering, Peer};

/// Outputs a stack may have in one go before it counts as stuck.
const MOST_OUTPUTS: usize = 1 << 20;
/// Times a timer may be due at the same instant before the harness moves on without it.
const MOST_ROUNDS: usize = 256;
/// How far a timer that never moves is put off.
const PUT_OFF: Duration = Duration::from_millis(1);

/// A foreign stack as a [`VirtualEndpoint`].
pub struct Embedded<S: Stack> {
    stack: S,
    clock: VirtualClock,
    entropy: Stream,
    ports: PortPool,
    peers: BTreeMap<String, Peer<S::Connection>>,
    channels: BTreeMap<String, (String, ChannelKey)>,
    messages: VecDeque<Message>,
    transmits: VecDeque<Transmit>,
    /// Local addresses the stack sent from although they are not (or no longer) its own.
    strays: BTreeSet<SocketAddr>,
    wake: Option<Duration>,
    dead: Option<&'static str>,
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
            ports: PortPool::new(context.seed),
            peers: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: VecDeque::new(),
            transmits: VecDeque::new(),
            strays: BTreeSet::new(),
            wake: None,
            dead: None,
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
        let event = Event::Error { on: on.to_owned(), name: name.to_owned(), message };
        self.messages.push_back(Message::Event(event));
    }

    fn obey(
        &mut self,
        now: Instant,
        command: Command,
        events: &mut Vec<Event>,
    ) -> Outcome<ReplyBody> {
        match command {
            Command::Hello {} => return Ok(ReplyBody::Hello(self.stack.hello().clone())),
            Command::Case { .. } => {}
            Command::New { pc, config } => self.new_peer(now, pc, &config, events)?,
            Command::Offer { pc, ice_restart } => {
                let sdp = self.peer(&pc)?.connection.offer(now, ice_restart)?;
                return Ok(ReplyBody::Sdp(sdp));
            }
            Command::Answer { pc } => {
                return Ok(ReplyBody::Sdp(self.peer(&pc)?.connection.answer(now)?));
            }
            Command::Local { pc, desc } => {
                let peer = self.peer(&pc)?;
                peer.connection.local(now, &desc)?;
                peer.gather_if_new(now, events)?;
                return Ok(ReplyBody::Sdp(peer.connection.local_description().unwrap_or_default()));
            }
            Command::Remote { pc, desc } => self.peer(&pc)?.connection.remote(now, &desc)?,
            Command::Candidate { pc, candidate } => {
                let candidate = candidate.as_ref().filter(|c: &&Candidate| !c.candidate.is_empty());
                self.peer(&pc)?.connection.remote_candidate(now, candidate)?;
            }
            Command::Channel { pc, dc, label, init } => {
                let peer = self.peer(&pc)?;
                let key = peer.connection.channel(now, &label, &init)?;
                peer.name_channel(key, &dc);
                self.channels.insert(dc, (pc, key));
            }
            Command::Send { dc, payload, repeat } => self.send(now, &dc, &payload, repeat)?,
            Command::CloseChannel { dc } => {
                let (peer, key) = self.channel(&dc)?;
                peer.connection.close_channel(now, key)?;
            }
            Command::Close { pc } => self.peer(&pc)?.connection.close(now)?,
            Command::State { pc } => return self.state(&pc),
            Command::RestartIce { pc } => self.peer(&pc)?.connection.restart_ice(now)?,
            Command::SetConfig { pc, config } => {
                check_common(&config)?;
                let peer = self.peers.get_mut(&pc).ok_or_else(|| unknown_handle(&pc))?;
                self.stack.reconfigure(&mut peer.connection, &config)?;
            }
            Command::Interfaces { pc, addresses } => {
                let peer = self.peers.get_mut(&pc).ok_or_else(|| unknown_handle(&pc))?;
                peer.follow_interfaces(now, &addresses, &mut self.ports, events)?;
            }
            other => return Err(Refusal::unsupported(other.op())),
        }
        Ok(ReplyBody::Done {})
    }

    fn new_peer(
        &mut self,
        now: Instant,
        pc: String,
        config: &Configuration,
        events: &mut Vec<Event>,
    ) -> Outcome<()> {
        check_common(config)?;
        if self.peers.contains_key(&pc) {
            return Err(Refusal::error("InvalidAccessError", format!("{pc} exists already")));
        }
        let connection = self.stack.connection(now, config)?;
        let mut peer = Peer::new(pc.clone(), connection);
        peer.follow_interfaces(now, &config.interfaces, &mut self.ports, events)?;
        self.peers.insert(pc, peer);
        Ok(())
    }

    fn send(&mut self, now: Instant, dc: &str, payload: &Payload, repeat: u32) -> Outcome<()> {
        let (peer, key) = self.channel(dc)?;
        for _ in 0..repeat {
            peer.connection.send(now, key, payload)?;
        }
        Ok(())
    }

    fn state(&mut self, pc: &str) -> Outcome<ReplyBody> {
        let peer = self.peer(pc)?;
        let mut report = peer.connection.state();
        let gathering = match peer.gathering {
            Gathering::New => "new",
            Gathering::Complete => "complete",
        };
        gathering.clone_into(&mut report.ice_gathering);
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
            let next = self.guarded(&pc, now, |this| this.settle_one(&pc, now)).flatten();
            wake = [wake, next].into_iter().flatten().min();
        }
        self.wake = wake;
    }

    fn settle_one(&mut self, pc: &str, now: Duration) -> Option<Duration> {
        let at = self.clock.instant(now);
        let mut budget = MOST_OUTPUTS;
        for _ in 0..MOST_ROUNDS {
            while let Some(happening) = self.peers.get_mut(pc)?.connection.poll(at) {
                self.report(pc, happening);
                budget -= 1;
                if budget == 0 {
                    self.die(pc, "Hang", "the stack's output never ends".to_owned());
                    return None;
                }
            }
            let peer = self.peers.get_mut(pc)?;
            let wake = self.clock.run_time(peer.connection.wake()?);
            if wake > now {
                return Some(wake);
            }
            peer.connection.advance(at);
        }
        Some(now + PUT_OFF)
    }

    fn report(&mut self, pc: &str, happening: Happening) {
        let Some(peer) = self.peers.get_mut(pc) else { return };
        if let Happening::Datagram { local, remote, data } = happening {
            if peer.owns(local) {
                self.transmits.push_back(Transmit::Udp { local, remote, data });
            } else if self.strays.insert(local) {
                let text =
                    format!("{pc} sends from {local}, which is not an address of this machine");
                self.messages.push_back(Message::Event(Event::Log { text }));
            }
            return;
        }
        let opened = match &happening {
            Happening::Channel { key, .. } => Some(*key),
            _ => None,
        };
        let Some(event) = peer.event(happening) else { return };
        if let (Some(key), Event::Channel { dc, .. }) = (opened, &event) {
            self.channels.insert(dc.clone(), (pc.to_owned(), key));
        }
        self.messages.push_back(Message::Event(event));
    }
}

/// What no embedded stack does, whatever its name.
fn check_common(config: &Configuration) -> Outcome<()> {
    if let Some(key) = config.unknown.keys().next() {
        return Err(Refusal::unsupported(key.as_str()));
    }
    if !config.ice_servers.is_empty() {
        return Err(Refusal::unsupported("iceServers"));
    }
    if config.ice_transport_policy != TransportPolicy::All {
        return Err(Refusal::unsupported("iceTransportPolicy"));
    }
    Ok(())
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
        let at = self.clock.instant(now);
        let mut events = Vec::new();
        let on = handle(&command).to_owned();
        let outcome = self.guarded(&on, now, |this| this.obey(at, command, &mut events));
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
        let Receive::Udp { local, remote, data } = input else { return };
        let at = self.clock.instant(now);
        let Some(pc) = self.peers.iter().find(|(_, p)| p.owns(local)).map(|(pc, _)| pc.clone())
        else {
            return;
        };
        self.guarded(&pc, now, |this| {
            if let Some(peer) = this.peers.get_mut(&pc) {
                peer.connection.receive(at, local, remote, &data);
            }
        });
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
