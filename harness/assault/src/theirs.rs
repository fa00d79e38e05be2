//! Their side: the process, what it answers and what it tells.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_control::process::{Launch, Process, ProcessError};
use rtcspec_control::{
    Candidate, Command, Event, Hello, Message, Payload, ReplyBody, RequestId, StateKind,
};

use crate::memory;

/// How long a process may take to begin.
const BEGIN: Duration = Duration::from_secs(60);
/// Texts kept that arrived.
const KEPT: usize = 16;

/// A running peer.
#[derive(Debug)]
pub(crate) struct Theirs {
    process: Process,
    pub(crate) hello: Hello,
    replies: BTreeMap<RequestId, ReplyBody>,
    sessions: u64,
    /// The connection of the session at hand.
    pub(crate) pc: String,
    /// The channel that carries the probes, and whether it is open.
    pub(crate) channel: Option<String>,
    pub(crate) open: bool,
    pub(crate) candidates: Vec<Candidate>,
    heard: VecDeque<String>,
    ended: Option<String>,
    /// What an embedded stack said when it panicked.
    pub(crate) panicked: Option<String>,
}

impl Theirs {
    pub(crate) fn start(launch: &Launch) -> Result<Self, ProcessError> {
        let mut process = Process::start(launch)?;
        let hello = process.hello(BEGIN)?;
        Ok(Self {
            process,
            hello,
            replies: BTreeMap::new(),
            sessions: 0,
            pc: String::new(),
            channel: None,
            open: false,
            candidates: Vec::new(),
            heard: VecDeque::new(),
            ended: None,
            panicked: None,
        })
    }

    /// Begins a session: another connection, and what belongs to earlier ones may be forgotten.
    pub(crate) fn begin(&mut self, seed: u64) -> Result<(), ProcessError> {
        self.sessions += 1;
        self.pc = format!("s{}", self.sessions);
        (self.channel, self.open, self.ended) = (None, false, None);
        self.candidates.clear();
        self.heard.clear();
        self.replies.clear();
        self.ask(Command::Case { name: self.pc.clone(), seed })?;
        Ok(())
    }

    pub(crate) fn ask(&mut self, command: Command) -> Result<RequestId, ProcessError> {
        self.process.ask(command)
    }

    pub(crate) fn answer(&mut self, id: RequestId) -> Option<ReplyBody> {
        self.replies.remove(&id)
    }

    pub(crate) fn has_answered(&self, id: RequestId) -> bool {
        self.replies.contains_key(&id)
    }

    /// Sends a text on the channel.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), ProcessError> {
        if let Some(dc) = self.channel.clone() {
            let payload = Payload::Text(text.to_owned());
            self.ask(Command::Send { dc, payload, repeat: 1 })?;
        }
        Ok(())
    }

    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.heard.iter().any(|heard| heard == text)
    }

    /// How the session ended for them, if they said so.
    pub(crate) fn ended(&self) -> Option<String> {
        self.ended.clone()
    }

    /// Takes in all that was said.
    pub(crate) fn turn(&mut self) -> Result<(), ProcessError> {
        while let Some(message) = self.process.next(Duration::ZERO)? {
            match message {
                Message::Reply(reply) => {
                    self.replies.insert(reply.id, reply.body);
                }
                Message::Event(event) => self.take(event),
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event) {
        let ours = |channel: &Option<String>, dc: &String| channel.as_ref() == Some(dc);
        match event {
            Event::Candidate { pc, candidate: Some(candidate) } if pc == self.pc => {
                self.candidates.push(candidate);
            }
            Event::Channel { dc, label, .. }
                if label == crate::ours::LABEL
                    && self.channel.is_none()
                    && dc.starts_with(&format!("{}/", self.pc)) =>
            {
                self.channel = Some(dc);
            }
            Event::Open { dc, .. } if ours(&self.channel, &dc) => self.open = true,
            Event::Closed { dc } if ours(&self.channel, &dc) => {
                self.ended.get_or_insert("it says its channel closed".to_owned());
            }
            Event::State { pc, which: StateKind::Connection, value }
                if pc == self.pc && (value == "failed" || value == "closed") =>
            {
                self.ended.get_or_insert(format!("it says its connection is {value}"));
            }
            Event::Message { dc, payload: Payload::Text(text) } if ours(&self.channel, &dc) => {
                self.heard.push_back(text);
                if self.heard.len() > KEPT {
                    self.heard.pop_front();
                }
            }
            Event::Error { name, message, .. } if name == "Crash" => {
                self.panicked.get_or_insert(message);
            }
            _ => {}
        }
    }

    /// Lines of its log since the last call.
    pub(crate) fn log(&self) -> Vec<String> {
        self.process.take_log()
    }

    /// Resident memory of it and its children, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        memory::resident(self.process.id())
    }

    /// Whether it computes or waits just now.
    pub(crate) fn is_busy(&self) -> bool {
        memory::is_busy(self.process.id())
    }
}
