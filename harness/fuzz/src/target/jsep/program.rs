//! `sdp_offer_answer`: programs over two sides, of which each has to keep to its state machine.

use std::collections::BTreeSet;

use rtcspec_peer::jsep::{
    Config, Description, Effect, Error, IceCandidate, IceCredentials, Jsep, SdpType,
    SignalingState, Transport,
};
use rtcspec_wire::sdp::Session;

use super::edit::{FOREIGN, edit};
use super::model::{self, Whose};
use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::elements::{Shape, opaque};
use crate::mutate::{self, Source};
use crate::target::Target;

/// Holds offer and answer (RFC 9429): steps of a type, a length and an argument.
pub const OFFER_ANSWER: Target = Target {
    name: "sdp_offer_answer",
    about: "offer and answer: states, what answers what, rollback, glare, edited signalling",
    seeds: &["sdp-offer-answer"],
    dictionary: || (0..STEPS).map(|step| vec![step]).collect(),
    mutate: |data, source| mutate::mostly(data, source, change),
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "offered",
        "answered",
        "provisional",
        "rolled back",
        "glare",
        "agreed by both",
        "restarted",
        "edited and taken",
        "edited and refused",
        "foreign offer",
        "media rejected",
        "out of state",
        "closed",
        "candidate",
    ],
    plants: plants::OFFER_ANSWER,
};

/// Kinds of steps.
const STEPS: u8 = 10;
/// Steps of a program, the rest is not run.
const MOST: usize = 24;
/// A description is printed and read many times in a step.
const BUDGET: Budget = Budget {
    bytes: 16 << 20,
    bytes_each: 64 << 10,
    time: std::time::Duration::from_millis(20),
    time_each: std::time::Duration::from_micros(100),
};

fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    Shape::STEP.mutate(data, source, opaque);
}

/// What a side does.
pub(super) struct Subject {
    pub(super) create_answer: fn(&mut Jsep, IceCredentials) -> Result<String, Error>,
    pub(super) set_local: fn(&mut Jsep, &Description) -> Result<(), Error>,
    pub(super) set_remote: fn(&mut Jsep, &Description) -> Result<(), Error>,
}

impl Subject {
    pub(super) const OURS: Self = Self {
        create_answer: |jsep, fresh| jsep.create_answer(|| fresh),
        set_local: Jsep::set_local,
        set_remote: Jsep::set_remote,
    };
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let run = || {
        let mut table = Table::new(subject)?;
        Shape::STEP.elements(case.input).take(MOST).try_for_each(|step| table.step(step))?;
        Ok::<_, Finding>((
            table.seen,
            table.moves,
            table.sides.map(|side| Snapshot::of(&side.jsep)),
        ))
    };
    let (seen, moves, ended) = case.within(BUDGET, case.input.len(), run)??;
    if case.is_thorough() {
        let (_, _, again) = run()?;
        hold(Oracle::Determinism, ended == again, || "two runs end otherwise")?;
    }
    for (situation, detail) in seen {
        case.reach(situation);
        case.see(&(situation, detail));
    }
    moves.iter().for_each(|step| case.see(step));
    Ok(())
}

/// All that can be asked of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Snapshot {
    state: SignalingState,
    descriptions: [Option<Description>; 4],
    transport: Option<Transport>,
}

impl Snapshot {
    fn of(jsep: &Jsep) -> Self {
        Self {
            state: jsep.state(),
            descriptions: [
                jsep.local_description(),
                jsep.remote_description(),
                jsep.current_local_description(),
                jsep.current_remote_description(),
            ],
            transport: jsep.transport().cloned(),
        }
    }

    /// Without candidates: they belong to a generation of ICE, which stays in use and forgets none.
    fn bare(mut self) -> Self {
        let is_candidate = |line: &&str| {
            line.starts_with("a=candidate:") || line.starts_with("a=end-of-candidates")
        };
        for description in self.descriptions.iter_mut().flatten() {
            let lines = description.sdp.split_inclusive('\n');
            description.sdp = lines.filter(|line| !is_candidate(line)).collect();
        }
        self
    }
}

/// One side, with what was made and what its last stable state was.
struct Side {
    jsep: Jsep,
    created: Option<Description>,
    /// As it was when an offer opened, as long as nothing else changed it.
    stable: Option<Snapshot>,
    gathered: Vec<IceCredentials>,
    version: u64,
}

/// Two sides, and what goes between them.
struct Table<'a> {
    subject: &'a Subject,
    sides: [Side; 2],
    /// Nobody has edited anything.
    pure: bool,
    made: u32,
    seen: Vec<(&'static str, u8)>,
    /// Which description was taken or not, in which state, and the state then.
    moves: BTreeSet<[u8; 4]>,
}

impl<'a> Table<'a> {
    fn new(subject: &'a Subject) -> Result<Self, Finding> {
        let config = |n: u8| -> Option<Config> {
            let fingerprint = format!("sha-1 {n:02X}{}", ":00".repeat(19));
            let mut config = Config::new(n.into(), vec![fingerprint.parse().ok()?]);
            config.tls_id = Some(format!("association-number-{n:03}").parse().ok()?);
            Some(config)
        };
        let side = |n| {
            let none = || Finding::new(Oracle::Model, "a fingerprint or tls-id is refused");
            Ok(Side {
                jsep: Jsep::new(config(n).ok_or_else(none)?),
                created: None,
                stable: None,
                gathered: Vec::new(),
                version: 0,
            })
        };
        Ok(Self {
            subject,
            sides: [side(1)?, side(2)?],
            pure: true,
            made: 0,
            seen: Vec::new(),
            moves: BTreeSet::new(),
        })
    }

    fn reach(&mut self, situation: &'static str, detail: u8) {
        if !self.seen.contains(&(situation, detail)) {
            self.seen.push((situation, detail));
        }
    }

    fn step(&mut self, step: &[u8]) -> Verdict {
        let Some((&[kind, _], argument)) = step.split_first_chunk() else { return Ok(()) };
        let (&who, rest) = argument.split_first().unwrap_or((&0, argument));
        let (me, how) = (usize::from(who & 1), rest.first().copied().unwrap_or_default());
        match kind % STEPS {
            0 => {
                self.sides[me].jsep.want_data();
                Ok(())
            }
            1 => self.offer(me, how & 1 == 1).map(drop),
            2 => self.answer(me).map(drop),
            3 => {
                let kind = kind_of(how);
                let created = self.sides[me].created.clone();
                let text =
                    created.filter(|_| how & 0x10 == 0).map_or(String::new(), |made| made.sdp);
                self.set(me, Whose::Local, Description::new(kind, text)).map(drop)
            }
            4 => self.signal(me, kind_of(how), rest.get(1..).unwrap_or_default()),
            5 => self.exchange(me, rest),
            6 => {
                self.sides[me].jsep.restart_ice();
                self.reach("restarted", 0);
                Ok(())
            }
            7 => {
                self.pure = false;
                let text = edit(
                    FOREIGN[usize::from(how) % FOREIGN.len()],
                    rest.get(1..).unwrap_or_default(),
                );
                if self.set(me, Whose::Remote, Description::new(SdpType::Offer, text))? {
                    self.reach("foreign offer", how % 4);
                    self.answer(me)?;
                }
                Ok(())
            }
            8 => self.candidate(me, how),
            _ if how == 0xff => {
                self.sides[me].jsep.close();
                self.reach("closed", 0);
                Ok(())
            }
            _ => self.set(me, Whose::Local, Description::rollback()).map(drop),
        }
    }

    fn fresh(&mut self) -> Result<IceCredentials, Finding> {
        self.made += 1;
        let made = self.made;
        IceCredentials::new(&format!("uf{made:04}"), &format!("{made:024}"))
            .map_err(|fault| Finding::new(Oracle::Model, fault))
    }

    fn offer(&mut self, me: usize, restart: bool) -> Result<bool, Finding> {
        use SignalingState as S;
        let fresh = self.fresh()?;
        let side = &mut self.sides[me];
        let before = Snapshot::of(&side.jsep);
        let outcome = side.jsep.create_offer(restart, || fresh);
        let open = [S::Stable, S::HaveLocalOffer].contains(&before.state);
        hold(Oracle::Model, outcome.is_ok() == open, || {
            format!("{outcome:?} in {}", before.state)
        })?;
        hold(Oracle::Model, Snapshot::of(&side.jsep) == before, || "creating an offer sets it")?;
        let Ok(text) = outcome else {
            self.reach("out of state", 0);
            return Ok(false);
        };
        let offer = model::read(&text)?;
        if let Some(agreed) = side.jsep.current_local_description() {
            model::offers_again(&model::read(&agreed.sdp)?, &offer)?;
        }
        self.created(me, Description::new(SdpType::Offer, text), &offer)?;
        Ok(true)
    }

    fn answer(&mut self, me: usize) -> Result<bool, Finding> {
        use SignalingState as S;
        let fresh = self.fresh()?;
        let side = &mut self.sides[me];
        let before = Snapshot::of(&side.jsep);
        let outcome = (self.subject.create_answer)(&mut side.jsep, fresh);
        let open = [S::HaveRemoteOffer, S::HaveLocalPranswer].contains(&before.state);
        hold(Oracle::Model, outcome.is_ok() == open, || {
            format!("{outcome:?} in {}", before.state)
        })?;
        let (Ok(text), Some(offer)) = (outcome, &before.descriptions[1]) else {
            self.reach("out of state", 1);
            return Ok(false);
        };
        let answer = model::read(&text)?;
        let offer: Session = offer.sdp.parse().map_err(|fault| {
            Finding::new(Oracle::RoundTrip, format!("a remote description is refused now: {fault}"))
        })?;
        model::answers(&offer, &answer)?;
        if answer.media.iter().any(|media| media.line.protocol.is_rtp()) {
            self.reach("media rejected", 0);
        }
        self.created(me, Description::new(SdpType::Answer, text), &answer)?;
        Ok(true)
    }

    /// RFC 9429 §5.2.1: one id for all descriptions of a side, and a version that never falls.
    fn created(&mut self, me: usize, description: Description, session: &Session) -> Verdict {
        let side = &mut self.sides[me];
        let (id, version) = (session.origin.session_id, session.origin.session_version);
        hold(Oracle::Model, id == me as u64 + 1 && version >= side.version, || {
            format!("session {id}, version {version} after {}", side.version)
        })?;
        side.version = version;
        side.created = Some(description);
        Ok(())
    }

    /// Sets a description. Says whether it was taken.
    fn set(&mut self, me: usize, whose: Whose, description: Description) -> Result<bool, Finding> {
        let side = &mut self.sides[me];
        let before = Snapshot::of(&side.jsep);
        let kind = description.kind;
        let outcome = match whose {
            Whose::Local => (self.subject.set_local)(&mut side.jsep, &description),
            Whose::Remote => (self.subject.set_remote)(&mut side.jsep, &description),
        };
        let after = Snapshot::of(&side.jsep);
        let next = model::next(before.state, whose, kind);
        let how = u8::from(outcome.is_ok()) << 1 | u8::from(whose == Whose::Local);
        self.moves.insert([before.state as u8, after.state as u8, kind as u8, how]);
        let told =
            format!("{whose:?} {kind} in {}: {outcome:?}, then {}", before.state, after.state);
        let state_error = matches!(outcome, Err(Error::State { .. }));
        hold(Oracle::Model, state_error == next.is_none(), || &told)?;
        let glare = kind == SdpType::Offer
            && whose == Whose::Remote
            && before.state == SignalingState::HaveLocalOffer;
        if outcome.is_ok() {
            hold(Oracle::Model, Some(after.state) == next, || &told)?;
            self.taken(me, whose, &description, &before, &after)?;
        } else if glare {
            hold(Oracle::Model, after.state == SignalingState::Stable, || &told)?;
            self.rolled_back(me, &after)?;
        } else {
            hold(Oracle::Model, after == before, || format!("{told}: it is refused and changes"))?;
        }
        if glare {
            self.reach("glare", u8::from(outcome.is_ok()));
        }
        if next.is_none() {
            self.reach("out of state", 2 + kind as u8);
        }
        self.effects(me)?;
        Ok(outcome.is_ok())
    }

    fn taken(
        &mut self,
        me: usize,
        whose: Whose,
        description: &Description,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Verdict {
        let detail = u8::from(whose == Whose::Local);
        match description.kind {
            SdpType::Offer => {
                self.reach("offered", detail);
                let side = &mut self.sides[me];
                if before.state == SignalingState::Stable {
                    side.stable = Some(before.clone());
                }
            }
            SdpType::Rollback => {
                self.reach("rolled back", detail);
                self.rolled_back(me, after)?;
            }
            SdpType::Pranswer => self.reach("provisional", detail),
            SdpType::Answer => {
                self.reach("answered", detail);
                self.sides[me].stable = None;
            }
        }
        if whose == Whose::Remote && description.kind != SdpType::Rollback {
            self.reach_edited(true);
            return fingerprinted(after, description);
        }
        Ok(())
    }

    fn reach_edited(&mut self, taken: bool) {
        if !self.pure {
            self.reach(if taken { "edited and taken" } else { "edited and refused" }, 0);
        }
    }

    /// RFC 9429 §4.1.10.2: a rollback leaves all as it was before the offer.
    fn rolled_back(&mut self, me: usize, after: &Snapshot) -> Verdict {
        let Some(stable) = self.sides[me].stable.take() else { return Ok(()) };
        let (stable, after) = (stable.bare(), after.clone().bare());
        hold(Oracle::Model, after == stable, || {
            format!("before the offer {stable:?}, rolled back {after:?}")
        })
    }

    /// What is gathered, given up and used goes together.
    fn effects(&mut self, me: usize) -> Verdict {
        let side = &mut self.sides[me];
        while let Some(effect) = side.jsep.poll_effect() {
            match effect {
                Effect::Gather(ice) => {
                    let again = side.gathered.contains(&ice);
                    hold(Oracle::Model, !again, || format!("{ice:?} is gathered twice"))?;
                    side.gathered.push(ice);
                }
                Effect::Discard(ice) => {
                    let at = side.gathered.iter().position(|gathered| *gathered == ice);
                    let at = at.ok_or_else(|| {
                        Finding::new(Oracle::Model, format!("{ice:?} is given up, not gathered"))
                    })?;
                    side.gathered.remove(at);
                }
                Effect::Use(transport) => {
                    let has = side.gathered.contains(&transport.local);
                    hold(Oracle::Model, has, || {
                        format!("{:?} is used, not gathered", transport.local)
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What the other side has set last arrives, perhaps edited.
    fn signal(&mut self, me: usize, kind: SdpType, edits: &[u8]) -> Verdict {
        let Some(theirs) = self.sides[1 - me].jsep.local_description() else { return Ok(()) };
        let edited = !edits.is_empty();
        self.pure &= !edited && kind == theirs.kind;
        let text = edit(&theirs.sdp, edits);
        if !self.set(me, Whose::Remote, Description::new(kind, text))? {
            self.reach_edited(false);
        }
        Ok(())
    }

    /// A whole exchange, the first side offering, with edits to the offer.
    fn exchange(&mut self, me: usize, edits: &[u8]) -> Verdict {
        let other = 1 - me;
        let in_step = self.pure && self.in_step();
        self.sides[me].jsep.want_data();
        let last = |side: &Side| side.created.clone().unwrap_or(Description::rollback());
        if !self.offer(me, false)? {
            return Ok(());
        }
        let mut offer = last(&self.sides[me]);
        if !self.set(me, Whose::Local, offer.clone())? {
            return Ok(());
        }
        if !edits.is_empty() {
            self.pure = false;
            offer.sdp = edit(&offer.sdp, edits);
        }
        if !self.set(other, Whose::Remote, offer)? {
            self.reach_edited(false);
            return Ok(());
        }
        if !self.answer(other)? {
            return Ok(());
        }
        let answer = last(&self.sides[other]);
        let set = self.set(other, Whose::Local, answer.clone())?
            && self.set(me, Whose::Remote, answer)?;
        if set && self.pure && in_step { self.mirrored() } else { Ok(()) }
    }

    /// Nobody waits for an answer, and the last that one side knows of the other knows too: an
    /// answer that never arrives leaves two views of who controls, for ICE to settle.
    fn in_step(&self) -> bool {
        let stable = |side: &Side| side.jsep.state() == SignalingState::Stable;
        match [0, 1].map(|side| self.sides[side].jsep.transport()) {
            _ if !self.sides.iter().all(stable) => false,
            [None, None] => true,
            [Some(a), Some(b)] => mirror(a, b),
            _ => false,
        }
    }

    /// Both have agreed on one thing, each from its side.
    fn mirrored(&mut self) -> Verdict {
        let [a, b] = [0, 1].map(|side| self.sides[side].jsep.transport().cloned());
        let (Some(a), Some(b)) = (a, b) else {
            return Err(Finding::new(Oracle::Model, "only one side has a transport"));
        };
        self.reach("agreed by both", u8::from(a.controlling) << 1 | u8::from(a.section == 0));
        hold(Oracle::Model, mirror(&a, &b), || format!("{a:?} and {b:?}"))
    }

    fn candidate(&mut self, me: usize, how: u8) -> Verdict {
        let candidate = IceCandidate {
            candidate: format!("candidate:{how} 1 udp 1 192.0.2.{how} 9 typ host"),
            sdp_mid: (how & 1 == 0).then(|| (how & 6).to_string()),
            sdp_m_line_index: (how & 8 == 0).then_some(0),
            username_fragment: None,
        };
        let side = &mut self.sides[me];
        if side.jsep.add_ice_candidate(&candidate).is_ok() {
            self.reach("candidate", 0);
        }
        self.effects(me)
    }
}

/// What one uses is what the other does, seen from its side.
fn mirror(a: &Transport, b: &Transport) -> bool {
    a.local == b.remote.credentials
        && b.local == a.remote.credentials
        && a.dtls_role != b.dtls_role
        && a.controlling != b.controlling
        && (a.section, &a.mid) == (b.section, &b.mid)
}

/// RFC 8827 §6.5: of a description that is taken, the data section has a fingerprint.
fn fingerprinted(after: &Snapshot, description: &Description) -> Verdict {
    let Ok(session) = description.sdp.parse::<Session>() else {
        return Err(Finding::new(Oracle::Model, "a description is taken that cannot be read"));
    };
    let data = session.media.iter().any(|media| {
        media.is_data_channel() && media.line.port != 0 && media.attributes.sctp_port() != Some(0)
    });
    let has = session.attributes.has("fingerprint")
        || session.media.iter().any(|media| media.attributes.has("fingerprint"));
    hold(
        Oracle::Model,
        !data || has || after.transport.is_none() && description.kind != SdpType::Offer,
        || "a data section is taken without fingerprint",
    )
}

fn kind_of(how: u8) -> SdpType {
    match how & 7 {
        0..3 => SdpType::Offer,
        3..6 => SdpType::Answer,
        6 => SdpType::Pranswer,
        _ => SdpType::Rollback,
    }
}
