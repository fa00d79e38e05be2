//! The script: steps of the scenario, when they are due and what they do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_control::{ChannelInit, Command, Payload};
use rtcspec_trace::Party;

use super::actor::Then;
use super::log::{ChannelLog, Digest};
use super::payload;
use super::stage::{Due, Stage};
use super::wire_only::Echoes;
use crate::scenario::{Anchor, Channel, File, Inject, Send, Step, Stream, When};

/// Something the script does at a point in time.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// A step of the scenario.
    Step(usize),
    /// The next message of a `send`.
    Message { send: usize, sent: u32 },
    /// The next message of a stream.
    Pulse { stream: usize, sent: u32 },
    /// A peer that moved has a network again.
    Arrive { peer: Party, segment: String },
}

/// Where the script stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// Steps that wait for an anchor, by step index.
    waiting: BTreeMap<usize, When>,
    /// When each named step was done.
    pub(super) done: BTreeMap<String, Duration>,
    /// Messages, by step index, that wait for their channel to open.
    blocked: BTreeMap<usize, Act>,
    /// Peers that were told to close.
    closed: Vec<Party>,
    /// Steps that are still sending.
    busy: BTreeMap<usize, ()>,
    /// When the peers were told to connect, at first and anew.
    pub(super) negotiated: Vec<Duration>,
    /// Messages of named `send` steps on their way: to whom, on which channel, which.
    under_way: BTreeMap<(Party, String, Digest), VecDeque<usize>>,
    /// How many messages of each such step have arrived.
    arrived: BTreeMap<usize, u32>,
    /// When the last message of each such step arrived.
    pub(super) delivered: BTreeMap<String, Duration>,
}

impl Script {
    pub(super) fn new(_file: &File) -> Self {
        Self::default()
    }

    /// Nothing is left to do, except for streams, which go on to the end.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.blocked.is_empty() && self.busy.is_empty()
    }

    pub(super) fn has_closed(&self, party: Party) -> bool {
        self.closed.contains(&party)
    }
}

impl Stage<'_> {
    /// Puts every step on the agenda or on the list of those that wait.
    pub(super) fn script_starts(&mut self) {
        for party in [Party::A, Party::B] {
            let config = self.net.configuration(self.file, party);
            let now = self.now;
            let actor = self.actor(party);
            let pc = actor.pc.clone();
            actor.submit(now, Command::New { pc, config }, Then::Nothing);
        }
        for (index, step) in self.file.steps.iter().enumerate() {
            let step = step.get_ref();
            let when = match (&step.at, &step.after) {
                (Some(at), _) => When::at(at.0),
                (None, Some(after)) => {
                    // The file was checked: the text can be read.
                    When::parse(after.get_ref()).unwrap_or_else(|_| When::at(Duration::ZERO))
                }
                (None, None) => When::at(Duration::ZERO),
            };
            match when.anchor {
                Anchor::Start => self.at(when.offset, Due::Act(Act::Step(index))),
                _ => {
                    self.script.waiting.insert(index, when);
                }
            }
        }
    }

    /// An anchor was reached: steps that count from it get their time.
    pub(super) fn anchor_reached(&mut self, anchor: &Anchor) {
        let waiting = std::mem::take(&mut self.script.waiting);
        for (index, when) in waiting {
            if when.anchor == *anchor {
                self.at(self.now + when.offset, Due::Act(Act::Step(index)));
                self.script.busy.insert(index, ());
            } else {
                self.script.waiting.insert(index, when);
            }
        }
    }

    /// A channel opened: messages that waited for one of its label go on.
    pub(super) fn channel_open(&mut self, _label: &str) {
        for (_, act) in std::mem::take(&mut self.script.blocked) {
            let now = self.now;
            self.at(now, Due::Act(act));
        }
    }

    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Step(index) => {
                let step = self.file.steps[index].get_ref().clone();
                self.script.busy.remove(&index);
                self.step(index, &step);
                if let Some(name) = &step.name {
                    let name = name.get_ref().clone();
                    self.script.done.insert(name.clone(), self.now);
                    self.anchor_reached(&Anchor::Step(name));
                }
            }
            Act::Message { send, sent } => self.next_message(send, sent),
            Act::Pulse { stream, sent } => self.pulse(stream, sent),
            Act::Arrive { peer, segment } => self.arrive(peer, &segment),
        }
    }

    fn step(&mut self, index: usize, step: &Step) {
        if step.connect.is_some() || step.glare.is_some() || step.restart.is_some() {
            self.script.negotiated.push(self.now);
        }
        if let Some([first, ..]) = step.connect.as_deref() {
            self.open_main(first.get_ref());
        } else if let Some(peers) = &step.glare {
            for peer in peers {
                if let Some(party) = self.party(peer.get_ref()) {
                    if party == Party::A {
                        self.create_main(party);
                    } else if self.file.signalling.third_party {
                        // Whose offer is to pass for an answer must have a channel in it.
                        self.create(party, "other", ChannelInit::default());
                    }
                    self.offer(party, false, true);
                }
            }
        } else if let Some(party) = self.named(step.rollback.as_ref()) {
            self.offer_and_roll_back(party);
        } else if let Some(party) = self.named(step.restart.as_ref()) {
            self.offer(party, true, false);
        } else if let Some(channel) = &step.channel {
            self.open_channel(channel);
        } else if step.send.is_some() {
            self.next_message(index, 0);
        } else if let Some(stream) = &step.stream {
            self.open_stream(stream);
            self.pulse(index, 0);
        } else if let Some(close) = &step.close_channel {
            self.close_channel(close.from.get_ref(), &close.label);
        } else if let Some(party) = self.named(step.close.as_ref()) {
            self.script.closed.push(party);
            let now = self.now;
            let pc = self.actor(party).pc.clone();
            self.actor(party).submit(now, Command::Close { pc }, Then::Nothing);
        } else if let Some(inject) = &step.inject {
            self.inject(index, inject);
        } else {
            self.network_step(step);
        }
    }

    /// The hostile peer sends something that nothing asked for.
    fn inject(&mut self, index: usize, inject: &Inject) {
        let Some((party, hand)) = &self.hostile else { return };
        let there = hand.borrow_mut().queue(self.now, index, inject);
        let (who, layer) = (party.letter(), inject.layer.word());
        self.tell(match there {
            true => format!("inject {layer} by {who}"),
            false => format!("inject {layer} by {who}: there is nothing to send yet"),
        });
    }

    fn named(&self, name: Option<&toml::Spanned<String>>) -> Option<Party> {
        self.party(name?.get_ref())
    }

    fn open_main(&mut self, offerer: &str) {
        if let Some(party) = self.party(offerer) {
            self.create_main(party);
            self.offer(party, false, false);
        }
    }

    /// The channel every connection has.
    fn create_main(&mut self, party: Party) {
        let main = &self.file.main;
        let init = ChannelInit {
            ordered: main.ordered,
            max_retransmits: main.max_retransmits,
            max_packet_life_time: main.max_packet_life_time,
            protocol: main.protocol.clone(),
            ..ChannelInit::default()
        };
        self.create(party, &main.label, init);
    }

    fn create(&mut self, party: Party, label: &str, init: ChannelInit) {
        let now = self.now;
        let log = ChannelLog {
            protocol: init.protocol.clone(),
            ordered: init.ordered,
            max_retransmits: init.max_retransmits,
            max_packet_life_time: init.max_packet_life_time,
            ..ChannelLog::default()
        };
        let actor = self.actor(party);
        let (pc, dc) = (actor.pc.clone(), actor.own_channel(label, log));
        let label = label.to_owned();
        actor.submit(now, Command::Channel { pc, dc, label, init }, Then::Nothing);
    }

    fn open_channel(&mut self, channel: &Channel) {
        let Some(party) = self.party(channel.from.get_ref()) else { return };
        for number in 0..channel.count {
            let label = if channel.count == 1 {
                channel.label.clone()
            } else {
                format!("{}-{number}", channel.label)
            };
            let init = ChannelInit {
                ordered: channel.ordered,
                max_retransmits: channel.max_retransmits,
                max_packet_life_time: channel.max_packet_life_time,
                protocol: channel.protocol.clone(),
                negotiated: channel.negotiated.is_some(),
                id: channel.negotiated,
            };
            self.create(party, &label, init.clone());
            if channel.negotiated.is_some() {
                self.create(party.other(), &label, init);
            }
        }
    }

    fn open_stream(&mut self, stream: &Stream) {
        let Some(party) = self.party(stream.from.get_ref()) else { return };
        let max_retransmits = if stream.reliable { None } else { Some(0) };
        let init =
            ChannelInit { ordered: stream.ordered, max_retransmits, ..ChannelInit::default() };
        self.create(party, &stream.name, init);
    }

    /// Handle of a channel at its sender, once it is open there.
    fn open_handle(&mut self, from: &str, label: &str) -> Option<(Party, String)> {
        let party = self.party(from)?;
        let actor = self.actor(party);
        let handle = actor.channel(label)?;
        let channels = actor.log.channels.get(label)?;
        let open = channels.iter().any(|c| c.opened.is_some() && c.closed.is_none());
        open.then_some((party, handle))
    }

    /// Sends message number `sent` of a `send` step and puts the next one on the agenda.
    fn next_message(&mut self, step: usize, mut sent: u32) {
        let Some(send) = self.file.steps[step].get_ref().send.clone() else { return };
        let Some((party, handle)) = self.open_handle(send.from.get_ref(), &send.channel) else {
            self.script.blocked.insert(step, Act::Message { send: step, sent });
            return;
        };
        let now = self.now;
        while sent < send.messages {
            let payload = self.content(&send, sent);
            if self.file.steps[step].get_ref().name.is_some() {
                let key = (party.other(), send.channel.clone(), Digest::of(&payload));
                self.script.under_way.entry(key).or_default().push_back(step);
            }
            self.say(party, &handle, &send.channel, payload);
            sent += 1;
            if let Some(every) = send.every.filter(|_| sent < send.messages) {
                self.script.busy.insert(step, ());
                self.at(now + every.0, Due::Act(Act::Message { send: step, sent }));
                return;
            }
        }
        self.script.busy.remove(&step);
    }

    /// A message arrived: steps that wait for a delivery may go on.
    pub(super) fn message_arrived(&mut self, at: Party, label: String, digest: Digest) {
        let Some(queue) = self.script.under_way.get_mut(&(at, label, digest)) else { return };
        let Some(index) = queue.pop_front() else { return };
        let count = self.script.arrived.entry(index).or_default();
        *count += 1;
        let step = self.file.steps[index].get_ref();
        let all = step.send.as_ref().is_some_and(|send| *count == send.messages);
        if let Some(name) = step.name.as_ref().filter(|_| all) {
            let name = name.get_ref().clone();
            self.script.delivered.insert(name.clone(), self.now);
            self.anchor_reached(&Anchor::Delivered(name));
        }
    }

    /// Sends message number `sent` of a stream and puts the next one on the agenda.
    fn pulse(&mut self, step: usize, sent: u32) {
        let Some(stream) = self.file.steps[step].get_ref().stream.clone() else { return };
        let Some((party, handle)) = self.open_handle(stream.from.get_ref(), &stream.name) else {
            if self.actors.iter().all(|actor| actor.channel(&stream.name).is_some()) || sent == 0 {
                self.script.blocked.insert(step, Act::Pulse { stream: step, sent });
            }
            return;
        };
        let now = self.now;
        let payload = self.made_up(sent, stream.size);
        self.say(party, &handle, &stream.name, payload);
        let pause = Duration::from_secs(1) / stream.rate.0;
        let over = stream.duration.is_some_and(|all| pause * (sent + 1) >= all.0);
        if !over {
            self.at(now + pause, Due::Act(Act::Pulse { stream: step, sent: sent + 1 }));
        }
    }

    /// A peer sends a message on a channel, which is open at both ends if one of them is an echo. What
    /// an echo is to say, the other side says to it.
    fn say(&mut self, party: Party, handle: &str, label: &str, payload: Payload) {
        let now = self.now;
        if !Echoes::of(&self.actor(party).hello).any() {
            return self.actor(party).send(now, handle, payload);
        }
        self.actor(party).was_made_to_send(now, handle, &payload);
        let other = self.actor(party.other());
        if let Some(dc) = other.channel(label) {
            other.submit(now, Command::Send { dc, payload, repeat: 1 }, Then::Nothing);
        }
    }

    /// Whether one of the two gives back what it gets.
    pub(super) fn has_echo(&self) -> bool {
        self.actors.iter().any(|actor| Echoes::of(&actor.hello).any())
    }

    /// A message of no particular content: a string where only strings are given back.
    fn made_up(&self, number: u32, size: u32) -> Payload {
        let echoes = self.actors.iter().map(|actor| Echoes::of(&actor.hello));
        match echoes.filter(|echoes| echoes.any()).any(|echoes| !echoes.bytes) {
            true => payload::text(number, size),
            false => payload::message(number, size),
        }
    }

    fn content(&self, send: &Send, number: u32) -> Payload {
        // The file was checked: what there is of base64 can be read.
        match (&send.text, send.bytes()) {
            (Some(text), _) => Payload::Text(text.clone()),
            (None, Ok(Some(bytes))) => Payload::Binary(bytes),
            _ => self.made_up(number, send.size),
        }
    }

    fn close_channel(&mut self, from: &str, label: &str) {
        let Some(party) = self.party(from) else { return };
        let now = self.now;
        let actor = self.actor(party);
        if let Some(dc) = actor.channel(label) {
            actor.submit(now, Command::CloseChannel { dc }, Then::Nothing);
        }
    }
}
