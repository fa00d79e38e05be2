//! A peer on the stage: its endpoint, what is asked of it, what it told.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_control::{
    Command, Event, Hello, Message, Payload, Reply, ReplyBody, RequestId, StateKind,
    VirtualEndpoint,
};
use rtcspec_trace::Party;

use super::log::{Carried, ChannelLog, Digest, PeerError, PeerLog};

/// What is to be done with the answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    Nothing,
    /// It was an offer: set it locally, then signal it.
    SetOffer {
        /// With glare this one is thrown away if the other side's wins.
        glare: bool,
    },
    /// The offer is set: signal it.
    SignalOffer {
        /// See [`Then::SetOffer`].
        glare: bool,
    },
    /// The offer is set: take it back at once.
    RollBack,
    /// A remote offer is set: answer it.
    Answer,
    /// It was an answer: set it locally, then signal it.
    SetAnswer,
    /// The answer is set: signal it.
    SignalAnswer,
    /// A remote answer is set.
    Settled,
    /// If it was refused, give this candidate again when a remote description is set.
    KeepIfRefused(Box<Option<rtcspec_control::Candidate>>),
}

/// A command that was given.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// What comes next.
    pub(super) then: Then,
    /// Word of the command.
    pub(super) op: &'static str,
    /// When it was given.
    pub(super) at: Duration,
}

/// A peer on the stage.
pub(super) struct Actor {
    /// Name in the scenario.
    pub(super) name: String,
    /// A or B.
    pub(super) party: Party,
    /// Handle of its connection.
    pub(super) pc: String,
    /// The endpoint.
    pub(super) endpoint: Box<dyn VirtualEndpoint>,
    /// What it declared.
    pub(super) hello: Hello,
    /// Commands without answer.
    pub(super) pending: BTreeMap<RequestId, Pending>,
    /// What it told.
    pub(super) log: PeerLog,
    next_id: RequestId,
    next_channel: u32,
    /// Channel handles and where they stand in the log.
    handles: BTreeMap<String, (String, usize)>,
}

/// What an actor's output means for the run.
#[derive(Debug)]
pub(super) enum Cue {
    /// An answer to a command.
    Answered(Then, ReplyBody),
    /// A local candidate; `None` ends the generation.
    Candidate(Option<rtcspec_control::Candidate>),
    /// A state changed.
    State(StateKind, String),
    /// A channel opened.
    Open(String),
    /// A message arrived on a channel.
    Message(String, Digest),
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("name", &self.name).field("party", &self.party).finish()
    }
}

impl Actor {
    /// A peer that was just spawned.
    #[must_use]
    pub(super) fn new(name: &str, party: Party, endpoint: Box<dyn VirtualEndpoint>) -> Self {
        Self {
            name: name.to_owned(),
            party,
            pc: name.to_owned(),
            hello: endpoint.hello().clone(),
            endpoint,
            pending: BTreeMap::new(),
            log: PeerLog::default(),
            next_id: 1,
            next_channel: 1,
            handles: BTreeMap::new(),
        }
    }

    /// Gives a command.
    pub(super) fn submit(&mut self, now: Duration, command: Command, then: Then) {
        if self.log.crashed.is_some() {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, Pending { then, op: command.op(), at: now });
        self.endpoint.submit(now, id, command);
    }

    /// Registers a channel this side creates and gives its handle.
    pub(super) fn own_channel(&mut self, label: &str, log: ChannelLog) -> String {
        let handle = format!("{}/{}", self.pc, self.next_channel);
        self.next_channel += 1;
        self.add_channel(handle.clone(), label, log);
        handle
    }

    fn add_channel(&mut self, handle: String, label: &str, log: ChannelLog) {
        let list = self.log.channels.entry(label.to_owned()).or_default();
        list.push(log);
        self.handles.insert(handle, (label.to_owned(), list.len() - 1));
    }

    /// Handle of the newest channel of a label that is not closed.
    #[must_use]
    pub(super) fn channel(&self, label: &str) -> Option<String> {
        let mut best: Option<(usize, &String)> = None;
        for (handle, (other, index)) in &self.handles {
            let open = self.log.channels[other][*index].closed.is_none();
            if other == label && open && best.is_none_or(|(known, _)| *index > known) {
                best = Some((*index, handle));
            }
        }
        best.map(|(_, handle)| handle.clone())
    }

    /// Sends a message on a channel and writes it down.
    pub(super) fn send(&mut self, now: Duration, handle: &str, payload: Payload) {
        self.was_made_to_send(now, handle, &payload);
        self.submit(
            now,
            Command::Send { dc: handle.to_owned(), payload, repeat: 1 },
            Then::Nothing,
        );
    }

    /// Writes down that it is to send a message on a channel.
    pub(super) fn was_made_to_send(&mut self, now: Duration, handle: &str, payload: &Payload) {
        if let Some(log) = self.channel_log(handle) {
            log.sent.push(Carried { at: now, digest: Digest::of(payload) });
        }
    }

    fn channel_log(&mut self, handle: &str) -> Option<&mut ChannelLog> {
        let (label, index) = self.handles.get(handle)?;
        self.log.channels.get_mut(label)?.get_mut(*index)
    }

    /// Takes one reply or event, writes it down and says what it means.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Cue> {
        loop {
            let cue = match self.endpoint.poll()? {
                Message::Reply(Reply { id, body }) => self.reply(now, id, body),
                Message::Event(event) => self.event(now, event),
            };
            if cue.is_some() {
                return cue;
            }
        }
    }

    fn reply(&mut self, now: Duration, id: RequestId, body: ReplyBody) -> Option<Cue> {
        let Some(pending) = self.pending.remove(&id) else {
            let message = format!("reply to request {id}, which was not asked");
            self.error(now, "event", "ControlError", message);
            return None;
        };
        match &body {
            ReplyBody::Error { name, message } => {
                self.error(now, pending.op, name, message.clone());
            }
            ReplyBody::Unsupported(what) => {
                self.log.unsupported.get_or_insert_with(|| what.clone());
            }
            _ => {}
        }
        Some(Cue::Answered(pending.then, body))
    }

    fn error(&mut self, at: Duration, during: &str, name: &str, message: String) {
        if name == "Crash" {
            self.log.crashed.get_or_insert(message.clone());
        }
        let (during, name) = (during.to_owned(), name.to_owned());
        self.log.errors.push(PeerError { at, during, name, message });
    }

    /// Writes down an event and says what it means.
    pub(super) fn event(&mut self, now: Duration, event: Event) -> Option<Cue> {
        match event {
            Event::Candidate { candidate, .. } => return Some(Cue::Candidate(candidate)),
            Event::State { which, value, .. } => {
                self.log.states.push((now, which, value.clone()));
                return Some(Cue::State(which, value));
            }
            Event::Channel {
                dc,
                label,
                protocol,
                ordered,
                max_retransmits,
                max_packet_life_time,
                ..
            } => {
                let log = ChannelLog {
                    protocol,
                    ordered,
                    max_retransmits,
                    max_packet_life_time,
                    ..ChannelLog::default()
                };
                self.add_channel(dc, &label, log);
            }
            Event::Open { dc, .. } => {
                if let Some(log) = self.channel_log(&dc) {
                    log.opened.get_or_insert(now);
                }
                return self.handles.get(&dc).map(|(label, _)| Cue::Open(label.clone()));
            }
            Event::Message { dc, payload } => {
                let digest = Digest::of(&payload);
                match self.channel_log(&dc) {
                    Some(log) => {
                        log.received.push(Carried { at: now, digest });
                        let label = self.handles.get(&dc).map(|(label, _)| label.clone());
                        return label.map(|label| Cue::Message(label, digest));
                    }
                    None => {
                        let message = format!("message on unknown channel {dc}");
                        self.error(now, "event", "ControlError", message);
                    }
                }
            }
            Event::Closed { dc } => {
                if let Some(log) = self.channel_log(&dc) {
                    log.closed.get_or_insert(now);
                }
            }
            Event::Error { name, message, .. } => self.error(now, "event", &name, message),
            _ => {}
        }
        None
    }

    /// The oldest command that has had no answer, if it is older than `patience`.
    #[must_use]
    pub(super) fn overdue(&self, now: Duration, patience: Duration) -> Option<&Pending> {
        self.pending.values().find(|pending| pending.at + patience < now)
    }
}
