//! A conversation with an adapter, one step after the other.

use std::collections::VecDeque;
use std::time::Duration;

use rtcspec_control::process::{Process, ProcessError};
use rtcspec_control::{Answer, Candidate, Command, Event, Message, ReplyBody, RequestId, wall};
use serde_json::Value;

/// Why a conversation stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The process is gone, or says what is not of the contract.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It did not answer.
    #[error("no answer to `{what}` within {} s", .patience.as_secs())]
    Silent {
        /// The command.
        what: String,
        /// How long it had.
        patience: Duration,
    },
}

/// The adapter at the other end.
#[derive(Debug)]
pub(super) struct Client {
    process: Process,
    patience: Duration,
    /// Events nobody has looked at yet.
    pub(super) events: VecDeque<Event>,
    /// Candidates events brought, by connection, in order; `None` ends a generation.
    pub(super) candidates: Vec<(String, Option<Candidate>)>,
}

impl Client {
    pub(super) fn new(process: Process, patience: Duration) -> Self {
        Self { process, patience, events: VecDeque::new(), candidates: Vec::new() }
    }

    /// Asks and waits for the answer.
    pub(super) fn ask(&mut self, command: Command) -> Result<ReplyBody, Stop> {
        let what = command.op();
        let id = self.process.ask(command)?;
        self.answer(id, what)
    }

    /// Asks what no [`Command`] can say.
    pub(super) fn ask_raw(&mut self, object: Value, answer: Answer) -> Result<ReplyBody, Stop> {
        let what = object["op"].as_str().unwrap_or("?").to_owned();
        let id = self.process.ask_raw(object, answer)?;
        self.answer(id, &what)
    }

    /// Writes a line that asks for nothing.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Stop> {
        Ok(self.process.send(line)?)
    }

    fn answer(&mut self, id: RequestId, what: &str) -> Result<ReplyBody, Stop> {
        let until = wall::now() + self.patience;
        loop {
            match self.process.next(until.saturating_duration_since(wall::now()))? {
                Some(Message::Reply(reply)) if reply.id == id => return Ok(reply.body),
                Some(Message::Reply(_)) => {}
                Some(Message::Event(event)) => self.note(event),
                None => {
                    let (what, patience) = (what.to_owned(), self.patience);
                    return Err(Stop::Silent { what, patience });
                }
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Candidate { pc, candidate } => self.candidates.push((pc, candidate)),
            other => self.events.push_back(other),
        }
    }

    /// Waits for the first event that `wanted` takes, and gives what it makes of it; `None` when
    /// none came in time. Those before it stay.
    pub(super) fn wait<T>(
        &mut self,
        patience: Duration,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        let until = wall::now() + patience;
        let mut seen = 0;
        loop {
            while let Some(event) = self.events.get(seen) {
                if let Some(found) = wanted(event) {
                    self.events.remove(seen);
                    return Ok(Some(found));
                }
                seen += 1;
            }
            match self.process.next(until.saturating_duration_since(wall::now()))? {
                Some(Message::Event(event)) => self.note(event),
                Some(Message::Reply(_)) => {}
                None => return Ok(None),
            }
        }
    }

    pub(super) fn noise(&self) -> &[String] {
        self.process.noise()
    }

    /// Ends the conversation.
    pub(super) fn close(self, patience: Duration) -> Option<std::process::ExitStatus> {
        self.process.close(patience)
    }
}
