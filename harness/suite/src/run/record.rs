//! A record of a run with peers outside of its time: what came from them and when. With it the same
//! run is played again without them, in virtual time, to the same bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rtcspec_control::outside::{OutsideEndpoint, Passed, Source, Taken};
use rtcspec_control::{
    Hello, Implementation, Origin, Site, SpawnContext, SpawnError, VirtualEndpoint,
};
use rtcspec_trace::Party;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::pace::ON_TIME;
use super::play::Played;
use crate::plan::{Job, Player};
use crate::verdict::RunResult;

/// A record, as a file: a line of JSON for the run, one for each thing that passed, and one for how
/// it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which run it was.
    pub head: Head,
    taken: Vec<Line>,
    end: End,
}

/// Which run it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Head {
    /// Version of rtcspec: another one may play otherwise.
    pub rtcspec: String,
    /// Id of the run.
    pub run: String,
    /// Whether it was a case; a scenario may have the same id.
    pub case: bool,
    /// Its seed.
    pub seed: u64,
    /// Which peer was under test.
    pub under_test: Role,
    /// What the offerer said of itself.
    pub offerer: Who,
    /// What the answerer said of itself.
    pub answerer: Who,
    /// The harness was late, so that the run proved nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// A peer of a recorded run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Who {
    /// What it said of itself.
    pub hello: Hello,
    /// Whether it lived outside of the run's time, so that the record stands for it.
    pub outside: bool,
    /// Where its host was.
    #[serde(default, skip_serializing_if = "Site::is_scripted")]
    pub site: Site,
}

/// The part a peer had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It made the first offer.
    Offerer,
    /// It answered.
    Answerer,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    peer: Role,
    #[serde(flatten)]
    taken: Taken,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    verdict: String,
    /// SHA-256 of the transcript.
    transcript: String,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A line cannot be read.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the JSON reader says.
        reason: String,
    },
    /// It has no first or no last line.
    #[error("the record is cut off: it needs a first and a last line")]
    CutOff,
}

impl Head {
    fn of(job: &Job, late: bool) -> Self {
        let who = |player: &Player| Who {
            hello: player.hello(),
            outside: player.origin() != Origin::Inside,
            site: player.site(),
        };
        Self {
            rtcspec: env!("CARGO_PKG_VERSION").to_owned(),
            run: job.id.clone(),
            case: job.case.is_some(),
            seed: job.seed,
            under_test: Role::of(job.under_test),
            offerer: who(&job.offerer),
            answerer: who(&job.answerer),
            late,
        }
    }
}

impl Role {
    fn of(party: Party) -> Self {
        match party {
            Party::A => Self::Offerer,
            Party::B => Self::Answerer,
        }
    }

    /// As the harness calls it.
    #[must_use]
    pub fn party(self) -> Party {
        match self {
            Self::Offerer => Party::A,
            Self::Answerer => Party::B,
        }
    }
}

impl Record {
    /// The record of a run that was played; none if both peers lived in its own time.
    #[must_use]
    pub fn of(job: &Job, played: &Played) -> Option<Self> {
        let head = Head::of(job, played.was_late());
        (head.offerer.outside || head.answerer.outside).then(|| Self {
            head,
            taken: played
                .taken
                .iter()
                .map(|(party, taken)| Line { peer: Role::of(*party), taken: taken.clone() })
                .collect(),
            end: End::of(played),
        })
    }

    /// Its file.
    ///
    /// # Panics
    /// Never: a record has nothing that JSON cannot say.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = json(&self.head);
        for line in &self.taken {
            let _ = write!(text, "\n{}", json(line));
        }
        let _ = writeln!(text, "\n{}", json(&self.end));
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RecordError`] with the line.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let lines: Vec<(usize, &str)> = (1..).zip(text.lines()).collect();
        let [first, between @ .., last] = &lines[..] else {
            return Err(RecordError::CutOff);
        };
        let (head, end) = (parse(*first)?, parse(*last)?);
        let taken = between.iter().map(|line| parse(*line)).collect::<Result<_, _>>()?;
        Ok(Self { head, taken, end })
    }

    /// What stands for a peer of the run, if it lived outside.
    #[must_use]
    pub fn player(&self, party: Party) -> Option<Player> {
        let (who, role) = match party {
            Party::A => (&self.head.offerer, Role::Offerer),
            Party::B => (&self.head.answerer, Role::Answerer),
        };
        let mine = self.taken.iter().filter(|line| line.peer == role);
        who.outside.then(|| {
            Arc::new(Recorded {
                hello: who.hello.clone(),
                site: who.site.clone(),
                taken: mine.map(|line| line.taken.clone()).collect(),
            }) as Player
        })
    }

    /// The job with the record in the place of the peers that lived outside, if it is the record of
    /// that very job with those very peers, and proved something.
    #[must_use]
    pub fn stand_in(&self, job: &Job) -> Option<Job> {
        (self.head == Head::of(job, false)).then(|| {
            let job = job.clone();
            let offerer = self.player(Party::A).unwrap_or(job.offerer);
            let answerer = self.player(Party::B).unwrap_or(job.answerer);
            Job { offerer, answerer, ..job }
        })
    }

    /// Whether a run that was played with [`Record::player`] went as this one; otherwise the first
    /// thing that differs.
    ///
    /// # Errors
    /// What differs, in words.
    pub fn agrees(&self, played: &Played) -> Result<(), String> {
        let lines = played.taken.iter();
        let mut fresh =
            lines.map(|(party, taken)| Line { peer: Role::of(*party), taken: taken.clone() });
        for (number, old) in (2..).zip(&self.taken) {
            match fresh.next() {
                Some(new) if new == *old => {}
                Some(new) => {
                    return Err(format!(
                        "line {number}: recorded {}, now {}",
                        json(old),
                        json(&new)
                    ));
                }
                None => return Err(format!("line {number}: recorded {}, now nothing", json(old))),
            }
        }
        if let Some(more) = fresh.next() {
            return Err(format!("after the last line of the record: {}", json(&more)));
        }
        let end = End::of(played);
        if end != self.end {
            return Err(format!("the end: recorded {}, now {}", json(&self.end), json(&end)));
        }
        Ok(())
    }

    /// Packets and lines that the record holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether nothing passed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }
}

impl End {
    /// How late the harness was is not part of what happened.
    fn of(played: &Played) -> Self {
        let text = crate::transcript::write(played).text;
        let happened = text.rsplit_once("== result").map_or(&*text, |(happened, _)| happened);
        let digest = Sha256::digest(happened.as_bytes());
        let transcript = digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let on_time = played.findings.iter().filter(|finding| finding.requirement != ON_TIME);
        let verdict = RunResult::worst(&on_time.cloned().collect::<Vec<_>>());
        Self { verdict: verdict.word().to_owned(), transcript }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("invariant: a record has nothing that JSON cannot say")
}

fn parse<'a, T: Deserialize<'a>>((line, text): (usize, &'a str)) -> Result<T, RecordError> {
    serde_json::from_str(text)
        .map_err(|error| RecordError::Line { line, reason: error.to_string() })
}

/// Stands for a peer that lived outside of a run.
#[derive(Debug)]
struct Recorded {
    hello: Hello,
    site: Site,
    taken: Vec<Taken>,
}

impl Implementation for Recorded {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn spawn(&self, _context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        let inward = self.taken.iter().filter(|taken| taken.what.is_inward()).cloned().collect();
        Ok(Box::new(OutsideEndpoint::new(self.hello.clone(), Tape(inward))))
    }

    fn origin(&self) -> Origin {
        Origin::Record
    }

    fn site(&self) -> Site {
        self.site.clone()
    }
}

/// What came from a peer and has not come again yet.
#[derive(Debug)]
struct Tape(VecDeque<Taken>);

impl Source for Tape {
    const ORIGIN: Origin = Origin::Record;

    fn first(&self) -> Option<Duration> {
        self.0.front().map(|taken| Duration::from_nanos(taken.at))
    }

    /// One look, and what was found at it.
    fn take(&mut self) -> Vec<Passed> {
        let mut found = Vec::new();
        self.0.pop_front();
        while let Some(taken) = self.0.front()
            && taken.what != Passed::Look(())
        {
            found.extend(self.0.pop_front().map(|taken| taken.what));
        }
        found
    }

    fn ask(&mut self, _line: &str) {}

    fn receive(&mut self, _packet: &[u8]) {}
}
