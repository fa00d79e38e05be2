//! One session with the process: it comes about, inputs are sent, and after each the question is
//! whether it still carries data both ways.

use std::net::IpAddr;
use std::time::Duration;

use rtcspec_control::process::ProcessError;
use rtcspec_control::{
    Candidate, ChannelInit, Command, Configuration, Description, ReplyBody, SdpType, wall,
};
use rtcspec_peer::connection as ours_of;
use rtcspec_peer::jsep::IceCandidate;

use crate::cause::{self, Kind};
use crate::entitle::{Entitled, entitles};
use crate::input::{Input, Plan};
use crate::layer::Layer;
use crate::ours::{LABEL, Ours};
use crate::theirs::Theirs;

/// How long one look at the sockets and at the process's lines may take.
const GLANCE: Duration = Duration::from_millis(1);
/// Lines of a log kept with what was seen.
const KEPT: usize = 40;

/// Where and how patiently sessions are held.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// Our address; the process reaches it, and nothing else.
    pub address: IpAddr,
    /// How long an answer, a message or a session may take.
    pub patience: Duration,
}

/// Something that ought not to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub kind: Kind,
    /// Why, without what differs from case to case.
    pub cause: String,
    /// Of the last input before it.
    pub layer: Option<Layer>,
    /// Inputs of the session that were sent before it.
    pub sent: usize,
    /// The end of the process's log.
    pub log: Vec<String>,
}

impl Seen {
    /// Layer, kind and cause: what expectations name.
    #[must_use]
    pub fn class(&self) -> String {
        let layer = self.layer.map_or("none", Layer::name);
        format!("{layer}/{}/{}", self.kind, self.cause)
    }

    /// Whether both are the same defect, as far as one can tell from outside.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.cause == other.cause
    }
}

/// What came of a session.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) seen: Vec<Seen>,
    pub(crate) connected: bool,
    pub(crate) sent: usize,
    pub(crate) probes: u64,
    /// The process is of no use any more.
    pub(crate) over: bool,
}

/// Why a session goes no further.
#[derive(Debug)]
enum Fall {
    /// The process is gone.
    Gone(ProcessError),
    /// A stack within an adapter panicked.
    Panicked(String),
    /// A request was not answered.
    Unanswered(&'static str),
    /// No data, in words.
    Silent(String),
}

impl From<ProcessError> for Fall {
    fn from(error: ProcessError) -> Self {
        Self::Gone(error)
    }
}

struct Stage<'a> {
    theirs: &'a mut Theirs,
    ours: Ours,
    ground: Ground,
    entitled: Entitled,
    layer: Option<Layer>,
    log: Vec<String>,
    course: Course,
}

/// Holds a session.
pub(crate) fn play(theirs: &mut Theirs, ground: Ground, plan: &Plan) -> Course {
    let Ok(ours) = Ours::new(ground.address, plan.seed, &plan.inputs) else {
        return Course::default();
    };
    let early = plan.inputs.iter().filter(|input| input.before.is_some());
    let mut stage = Stage {
        entitled: early.clone().map(entitles).max().unwrap_or(Entitled::Nothing),
        layer: early.clone().next_back().map(|input| input.layer),
        theirs,
        ours,
        ground,
        log: Vec::new(),
        course: Course::default(),
    };
    let fell = stage.hold(plan).and_then(|()| stage.part());
    if let Err(fall) = fell {
        stage.judge(fall);
    }
    stage.read_log();
    stage.course
}

impl Stage<'_> {
    fn hold(&mut self, plan: &Plan) -> Result<(), Fall> {
        self.theirs.begin(plan.seed)?;
        self.ask(Command::New { pc: self.theirs.pc.clone(), config: Configuration::default() })?;
        if plan.offers { self.offer() } else { self.answer() }?;
        if !self.until(|stage| stage.ours.open && stage.theirs.open)? {
            return Err(Fall::Silent("no session comes about".to_owned()));
        }
        self.probe()?;
        self.course.connected = true;
        for input in &plan.inputs {
            self.course.sent += 1;
            if input.before.is_none() {
                self.layer = Some(input.layer);
                self.entitled = self.entitled.max(entitles(input));
                self.send(input)?;
                self.probe()?;
                self.read_log();
            }
        }
        Ok(())
    }

    /// Our peer offers.
    fn offer(&mut self) -> Result<(), Fall> {
        let made = self.ours.create_channel().and_then(|()| {
            let now = self.ours.now();
            let offer = self.ours.peer.create_offer(now, false)?;
            self.ours.peer.set_local_description(now, ours_of::SdpType::Offer, &offer)
        });
        self.ours.drain();
        let sdp = self.described(made)?;
        self.set_remote(SdpType::Offer, sdp)?;
        let pc = self.theirs.pc.clone();
        let answer = self.sdp(Command::Answer { pc: pc.clone() })?;
        let desc = Description { kind: SdpType::Answer, sdp: answer };
        let answer = self.sdp(Command::Local { pc, desc })?;
        let now = self.ours.now();
        let set = self.ours.peer.set_remote_description(now, ours_of::SdpType::Answer, &answer);
        set.map_err(|error| refused("its answer", &error))
    }

    /// The process offers.
    fn answer(&mut self) -> Result<(), Fall> {
        let (pc, dc) = (self.theirs.pc.clone(), format!("{}d", self.theirs.pc));
        self.theirs.channel = Some(dc.clone());
        let (label, init) = (LABEL.to_owned(), ChannelInit::default());
        self.ask(Command::Channel { pc: pc.clone(), dc, label, init })?;
        let offer = self.sdp(Command::Offer { pc: pc.clone(), ice_restart: false })?;
        let desc = Description { kind: SdpType::Offer, sdp: offer };
        let offer = self.sdp(Command::Local { pc, desc })?;
        let now = self.ours.now();
        let set = self.ours.peer.set_remote_description(now, ours_of::SdpType::Offer, &offer);
        set.map_err(|error| refused("its offer", &error))?;
        let made = self.ours.peer.create_answer(now).and_then(|answer| {
            self.ours.peer.set_local_description(now, ours_of::SdpType::Answer, &answer)
        });
        self.ours.drain();
        let sdp = self.described(made)?;
        self.set_remote(SdpType::Answer, sdp)
    }

    /// Our description, with all candidates in it.
    fn described(&mut self, made: Result<(), ours_of::Error>) -> Result<String, Fall> {
        made.map_err(|error| refused("a description of our own", &error))?;
        self.until(|stage| stage.ours.gathered)?;
        let now = self.ours.now();
        self.ours.candidates.clear();
        Ok(self.ours.peer.local_description(now).unwrap_or_default())
    }

    fn set_remote(&mut self, kind: SdpType, sdp: String) -> Result<(), Fall> {
        let pc = self.theirs.pc.clone();
        match self.ask(Command::Remote { pc, desc: Description { kind, sdp } })? {
            ReplyBody::Done {} => Ok(()),
            other => {
                Err(Fall::Silent(format!("it refuses our {}: {}", kind.word(), words(&other))))
            }
        }
    }

    fn sdp(&mut self, command: Command) -> Result<String, Fall> {
        let what = command.op();
        match self.ask(command)? {
            ReplyBody::Sdp(sdp) => Ok(sdp),
            other => Err(Fall::Silent(format!("it refuses `{what}`: {}", words(&other)))),
        }
    }

    fn send(&mut self, input: &Input) -> Result<(), Fall> {
        match input.layer {
            Layer::Sdp => self.describe(&String::from_utf8_lossy(&input.bytes)),
            Layer::Candidate => {
                let text = String::from_utf8_lossy(&input.bytes);
                let line = text.lines().next().unwrap_or_default();
                let candidate = Candidate {
                    candidate: line.trim_start_matches("a=").to_owned(),
                    sdp_mid: Some("0".to_owned()),
                    sdp_m_line_index: Some(0),
                    username_fragment: None,
                };
                let pc = self.theirs.pc.clone();
                self.ask(Command::Candidate { pc, candidate: Some(candidate) })?;
                Ok(())
            }
            _ => {
                self.ours.slip_in(input);
                Ok(())
            }
        }
    }

    /// A description for a connection of its own, which goes as far as an answer.
    fn describe(&mut self, sdp: &str) -> Result<(), Fall> {
        let pc = format!("{}x{}", self.theirs.pc, self.course.sent);
        self.ask(Command::New { pc: pc.clone(), config: Configuration::default() })?;
        let desc = Description { kind: SdpType::Offer, sdp: sdp.to_owned() };
        let taken = self.ask(Command::Remote { pc: pc.clone(), desc })?;
        if matches!(taken, ReplyBody::Done {})
            && let ReplyBody::Sdp(sdp) = self.ask(Command::Answer { pc: pc.clone() })?
        {
            let desc = Description { kind: SdpType::Answer, sdp };
            self.ask(Command::Local { pc: pc.clone(), desc })?;
        }
        self.ask(Command::Close { pc })?;
        Ok(())
    }

    /// Data has to arrive, both ways.
    fn probe(&mut self) -> Result<(), Fall> {
        self.course.probes += 1;
        let text = format!("probe {}", self.course.probes);
        self.ours.say(&text);
        self.ours.drain();
        self.theirs.say(&text)?;
        let there = |stage: &Self| stage.theirs.has_heard(&text);
        let here = |stage: &Self| stage.ours.has_heard(&text);
        let over = |stage: &Self| stage.ended().is_some();
        self.until(|stage| there(stage) && here(stage) || over(stage))?;
        match (there(self), here(self), self.ended()) {
            (true, true, _) => Ok(()),
            (_, _, Some(how)) => Err(Fall::Silent(how)),
            (true, false, _) => Err(Fall::Silent("what it sends does not arrive".to_owned())),
            (false, true, _) => Err(Fall::Silent("what we send does not arrive".to_owned())),
            (false, false, _) => Err(Fall::Silent("no data arrives, either way".to_owned())),
        }
    }

    fn ended(&self) -> Option<String> {
        self.ours.ended().or_else(|| self.theirs.ended())
    }

    /// The end of a session that lasted.
    fn part(&mut self) -> Result<(), Fall> {
        let pc = self.theirs.pc.clone();
        self.ask(Command::Close { pc })?;
        let now = self.ours.now();
        self.ours.peer.close(now);
        self.ours.drain();
        Ok(())
    }

    fn ask(&mut self, command: Command) -> Result<ReplyBody, Fall> {
        let what = command.op();
        let id = self.theirs.ask(command)?;
        self.until(|stage| stage.theirs.has_answered(id))?;
        self.theirs.answer(id).ok_or(Fall::Unanswered(what))
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) -> Result<bool, Fall> {
        let end = wall::now() + self.ground.patience;
        loop {
            self.turn()?;
            if done(self) {
                return Ok(true);
            }
            if wall::now() > end {
                return Ok(false);
            }
        }
    }

    fn turn(&mut self) -> Result<(), Fall> {
        self.ours.turn(GLANCE);
        self.theirs.turn()?;
        if let Some(words) = self.theirs.panicked.take() {
            return Err(Fall::Panicked(words));
        }
        if self.ours.peer.signaling_state() == ours_of::SignalingState::Stable {
            let now = self.ours.now();
            for candidate in std::mem::take(&mut self.theirs.candidates) {
                // One that is refused is none of those that matter: the session tells.
                let _ = self.ours.peer.add_ice_candidate(now, Some(inward(candidate)));
            }
        }
        Ok(())
    }

    /// What a fall means.
    fn judge(&mut self, fall: Fall) {
        match fall {
            Fall::Gone(error) => self.crashed(&error),
            Fall::Panicked(words) => {
                self.course.over = true;
                self.note(Kind::Crash, cause::plain(&words));
            }
            Fall::Unanswered(what) => self.without_answer(what),
            Fall::Silent(how) => self.silent(&how),
        }
    }

    fn crashed(&mut self, error: &ProcessError) {
        self.course.over = true;
        self.log.extend(self.theirs.log());
        let status = match error {
            ProcessError::Ended { status, .. } => status.clone(),
            ProcessError::Line { error, .. } => {
                cause::plain(&format!("a line of no contract: {error}"))
            }
            other => cause::plain(&other.to_string()),
        };
        let told = cause::told(&self.log).pop();
        self.note(Kind::Crash, told.unwrap_or(status));
        self.log.clear();
    }

    fn without_answer(&mut self, what: &'static str) {
        if self.is_deaf() {
            return;
        }
        self.course.over = true;
        self.note(Kind::Silence, format!("no answer to `{what}`"));
    }

    fn silent(&mut self, how: &str) {
        if self.is_deaf() {
            return;
        }
        let told = self.ended().is_some();
        let entitled = match self.entitled {
            Entitled::Nothing => false,
            Entitled::End => told,
            Entitled::Anything => true,
        };
        if !entitled {
            self.note(Kind::Silence, cause::plain(how));
        }
        // What fell silent once may stay so for the sessions to come.
        self.course.over = !entitled;
        // Nobody has to wait for what is lost.
        let pc = self.theirs.pc.clone();
        if let Err(Fall::Gone(error)) = self.ask(Command::Close { pc }) {
            self.crashed(&error);
        }
    }

    /// Whether the control connection does not answer either; a hang is noted.
    fn is_deaf(&mut self) -> bool {
        let pc = self.theirs.pc.clone();
        match self.ask(Command::State { pc }) {
            Err(Fall::Unanswered(_)) => {
                let state = if self.theirs.is_busy() { "busy" } else { "waiting" };
                self.course.over = true;
                self.note(Kind::Hang, format!("{state}, and answers nothing"));
                true
            }
            Err(Fall::Gone(error)) => {
                self.crashed(&error);
                true
            }
            _ => false,
        }
    }

    fn read_log(&mut self) {
        self.log.extend(self.theirs.log());
        let told = cause::told(&self.log);
        for cause in &told {
            let known = |seen: &Seen| seen.cause == *cause;
            if !self.course.seen.iter().any(known) {
                self.note(Kind::Exception, cause.clone());
            }
        }
        // What was told is told; a traceback may still be coming.
        if !told.is_empty() || self.log.len() > 10 * KEPT {
            self.log.clear();
        }
    }

    fn note(&mut self, kind: Kind, cause: String) {
        let log = self.log[self.log.len().saturating_sub(KEPT)..].to_vec();
        let (layer, sent) = (self.layer, self.course.sent);
        self.course.seen.push(Seen { kind, cause, layer, sent, log });
    }
}

fn refused(what: &str, error: &ours_of::Error) -> Fall {
    Fall::Silent(format!("{what} is refused: {error}"))
}

fn words(reply: &ReplyBody) -> String {
    match reply {
        ReplyBody::Error { name, message } => cause::plain(&format!("{name}: {message}")),
        ReplyBody::Unsupported(what) => format!("unsupported {what}"),
        _ => "an answer of another kind".to_owned(),
    }
}

fn inward(candidate: Candidate) -> IceCandidate {
    IceCandidate {
        candidate: candidate.candidate,
        sdp_mid: candidate.sdp_mid,
        sdp_m_line_index: candidate.sdp_m_line_index,
        username_fragment: candidate.username_fragment,
    }
}
