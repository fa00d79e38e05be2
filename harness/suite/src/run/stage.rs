//! The stage: two actors, the network between them, the signalling channel and the script.
//!
//! Everything that happens has a time and a number; equal times are settled by the number, so a
//! run is a pure function of the scenario and the seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rtcspec_control::outside::Taken;
use rtcspec_control::{Command, Feature, Origin, StateKind};
use rtcspec_trace::{Action, Party, Place};

use super::actor::{Actor, Cue, Then};
use super::net::Net;
use super::onlooker::Onlooker;
use super::pace::Pace;
use super::script::{Act, Script};
use super::signalling::{Mail, Post};
use super::watch::Watch;
use super::wire_only::WireOnly;
use crate::cases::Hand;
use crate::scenario::File;

/// Commands a peer may leave unanswered for this long before it counts as hung.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How often an unfinished run looks whether it is done.
const GLANCE: Duration = Duration::from_millis(100);

/// Time after `close` in which a teardown may still be seen.
const CURTAIN: Duration = Duration::from_millis(500);

/// The least time there is between two instants.
const INSTANT: Duration = Duration::from_nanos(1);

/// Most turns of the loop in one instant; beyond it a peer spins.
const MOST_TURNS: u32 = 200_000;

/// What is due at some time.
#[derive(Debug)]
pub(super) enum Due {
    /// A signalling message arrives.
    Mail(Mail),
    /// The script goes on.
    Act(Act),
}

/// A run in progress.
#[derive(Debug)]
pub(super) struct Stage<'f> {
    pub(super) file: &'f File,
    pub(super) now: Duration,
    pub(super) actors: [Actor; 2],
    pub(super) net: Net,
    pub(super) post: Post,
    pub(super) script: Script,
    pub(super) watch: Watch,
    pub(super) actions: Vec<Action>,
    pub(super) datagrams: Vec<rtcspec_trace::Datagram>,
    pub(super) secrets: Vec<String>,
    /// What passed between the run and peers outside of it.
    pub(super) taken: Vec<(Party, Taken)>,
    pub(super) connected: Option<Duration>,
    pub(super) opened: Option<Duration>,
    /// When the harness began to close the peers.
    pub(super) ended: Duration,
    /// A peer that never comes to rest.
    pub(super) spinning: Option<String>,
    /// Who misbehaves on purpose, and what does it.
    pub(super) hostile: Option<(Party, Rc<RefCell<Hand>>)>,
    /// Who is on a real network.
    pub(super) elsewhere: Option<Party>,
    /// Looks on for a peer that tells nothing.
    onlooker: Option<Onlooker>,
    pub(super) pace: Pace,
    due: BTreeMap<(Duration, u64), Due>,
    number: u64,
}

impl<'f> Stage<'f> {
    /// Sets the stage: nothing has happened yet.
    pub(super) fn new(file: &'f File, actors: [Actor; 2], net: Net) -> Self {
        let mut watch = Watch::default();
        for actor in &actors {
            for address in net.addresses(actor.party) {
                watch.own_address(actor.party, address);
            }
        }
        Self {
            file,
            now: Duration::ZERO,
            actors,
            net,
            post: Post::new(file),
            script: Script::new(file),
            watch,
            actions: Vec::new(),
            datagrams: Vec::new(),
            secrets: Vec::new(),
            taken: Vec::new(),
            connected: None,
            opened: None,
            ended: Duration::MAX,
            spinning: None,
            hostile: None,
            elsewhere: None,
            onlooker: None,
            pace: Pace::default(),
            due: BTreeMap::new(),
            number: 0,
        }
    }

    /// A peer tells nothing and takes nothing but an offer.
    pub(super) fn listens_to(&mut self, quiet: WireOnly<'_>) {
        self.onlooker = Some(Onlooker::new(quiet.party, &self.actors[index(quiet.party)].pc));
        if quiet.takes_whole_offers() {
            self.post.offers_whole_to(quiet.party);
        }
    }

    /// Puts something on the agenda.
    pub(super) fn at(&mut self, when: Duration, due: Due) {
        self.number += 1;
        self.due.insert((when.max(self.now), self.number), due);
    }

    pub(super) fn actor(&mut self, party: Party) -> &mut Actor {
        &mut self.actors[index(party)]
    }

    pub(super) fn party(&self, name: &str) -> Option<Party> {
        self.actors.iter().find(|actor| actor.name == name).map(|actor| actor.party)
    }

    /// Plays until `done` says so or the limit is reached.
    pub(super) fn play(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let limit = self.file.limit.0;
        self.pace.begin();
        self.script_starts();
        self.settle();
        let mut glance = GLANCE;
        let mut steps_without_time = 0;
        while self.spinning.is_none() && !self.is_refused() {
            // In virtual time a run looks whether it is done when something happens; time that
            // passes by itself is too long to wait for that.
            let look = (self.is_idle() && self.pace.is_outside()).then_some(glance);
            let Some(next) = self.await_next(limit, look) else {
                if self.pace.is_outside() {
                    self.now = limit;
                }
                break;
            };
            steps_without_time = if next > self.now { 0 } else { steps_without_time + 1 };
            if steps_without_time > MOST_TURNS {
                self.spin();
                break;
            }
            if glance <= next {
                if self.is_idle() && done(self) {
                    self.now = self.now.max(glance);
                    break;
                }
                glance = next + GLANCE;
            }
            self.step_to(next);
        }
    }

    /// Closes both peers and lets them say farewell.
    pub(super) fn curtain(&mut self) {
        self.due.clear();
        self.ended = self.now;
        for party in [Party::A, Party::B] {
            let pc = self.actor(party).pc.clone();
            let now = self.now;
            if !self.script.has_closed(party) {
                self.actor(party).submit(now, Command::Close { pc }, Then::Nothing);
            }
        }
        self.settle();
        let end = self.now + CURTAIN;
        while self.spinning.is_none() {
            let Some(next) = self.await_next(end, None) else { break };
            self.step_to(next);
        }
        self.net.finish(&mut self.datagrams);
    }

    /// A peer cannot do what the scenario asks, or gave no answer where that is all it can do:
    /// whatever came later would prove nothing.
    fn is_refused(&self) -> bool {
        self.actors.iter().any(|actor| {
            let only_answers = actor.hello.has(Feature::WireOnly);
            let failed =
                only_answers && actor.log.errors.iter().any(|error| error.during == "remote");
            failed || actor.log.unsupported.is_some()
        })
    }

    /// Nothing is left to do but to pulse.
    fn is_idle(&self) -> bool {
        let pulses = |due: &Due| matches!(due, Due::Act(Act::Pulse { .. }));
        self.script.is_done() && self.due.values().all(pulses)
    }

    /// Waits, where time passes by itself, for the next thing to happen until `limit`; tells when
    /// it does.
    fn await_next(&self, limit: Duration, look: Option<Duration>) -> Option<Duration> {
        loop {
            let next = self.next_time().into_iter().chain(look).min();
            let next = next.filter(|next| *next <= limit);
            if self.pace.reaches(next.unwrap_or(limit)) {
                return next;
            }
        }
    }

    fn next_time(&self) -> Option<Duration> {
        let agenda = self.due.first_key_value().map(|((when, _), _)| *when);
        let actors = self.actors.iter().filter(|actor| actor.log.crashed.is_none());
        let timers = actors.filter_map(|actor| {
            let wake = actor.endpoint.wake()?;
            // What comes from outside is taken in once at an instant, so that it is known for a
            // record what it found: all of what it says of that instant.
            let inside = actor.endpoint.origin() == Origin::Inside;
            Some(if inside { wake } else { wake.max(self.now + INSTANT) })
        });
        timers.chain(agenda).chain(self.net.wake()).min().map(|next| next.max(self.now))
    }

    fn step_to(&mut self, next: Duration) {
        let fresh = next > self.now;
        self.now = next;
        self.net.advance(next);
        for index in 0..2 {
            let actor = &mut self.actors[index];
            let due = actor.endpoint.wake().is_some_and(|wake| wake <= next)
                && (fresh || actor.endpoint.origin() == Origin::Inside);
            if due && actor.log.crashed.is_none() {
                actor.endpoint.advance(next);
            }
        }
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > next {
                break;
            }
            let due = entry.remove();
            match due {
                Due::Mail(mail) => self.deliver(mail),
                Due::Act(act) => self.act(act),
            }
        }
        self.settle();
    }

    /// Lets everything that happens without time passing happen.
    pub(super) fn settle(&mut self) {
        for _ in 0..MOST_TURNS {
            if !self.turn() {
                return;
            }
        }
        self.spin();
    }

    /// Somebody goes on for ever without time passing.
    fn spin(&mut self) {
        let names = self.actors.iter().map(|actor| actor.name.clone()).collect::<Vec<_>>();
        self.spinning = Some(names.join(" or "));
    }

    /// One round of drains; whether anything moved.
    fn turn(&mut self) -> bool {
        let mut moved = false;
        for party in [Party::A, Party::B] {
            let now = self.now;
            while let Some(cue) = self.actor(party).poll(now) {
                moved = true;
                self.cue(party, cue);
            }
            while let Some(transmit) = self.actors[index(party)].endpoint.transmit() {
                moved = true;
                self.net.transmit(now, party, transmit);
            }
            let endpoint = &mut self.actor(party).endpoint;
            let (secrets, taken) = (endpoint.secrets(), endpoint.taken());
            if let Some(onlooker) = &mut self.onlooker {
                onlooker.secrets(&secrets);
            }
            self.secrets.extend(secrets);
            self.taken.extend(taken.into_iter().map(|taken| (party, taken)));
        }
        self.net.advance(self.now);
        while let Some((party, receive)) = self.net.receive() {
            moved = true;
            let now = self.now;
            let actor = self.actor(party);
            if actor.log.crashed.is_none() {
                actor.endpoint.receive(now, receive);
            }
        }
        let fresh = self.net.datagrams();
        for datagram in &fresh {
            if let (Some(party), Some(Place::Peer(from))) = (self.elsewhere, datagram.from)
                && from == party
            {
                // On a direct network, whatever it sends from is its own.
                self.watch.own_address(party, datagram.source.ip());
            }
            self.watch.datagram(datagram);
            moved |= self.look_on(datagram);
        }
        self.datagrams.extend(fresh);
        moved
    }

    /// What a peer would have told of a datagram, had it told anything; whether it was something.
    fn look_on(&mut self, datagram: &rtcspec_trace::Datagram) -> bool {
        let Some(mut onlooker) = self.onlooker.take() else { return false };
        onlooker.signalled(&self.post.signals);
        let (of, told) = (onlooker.of, onlooker.look(self.now, datagram));
        self.onlooker = Some(onlooker);
        let something = !told.is_empty();
        for event in told {
            let now = self.now;
            if let Some(cue) = self.actor(of).event(now, event) {
                self.cue(of, cue);
            }
        }
        something
    }

    fn cue(&mut self, party: Party, cue: Cue) {
        match cue {
            Cue::Answered(then, body) => self.answered(party, then, body),
            Cue::Candidate(candidate) => self.local_candidate(party, candidate),
            Cue::State(StateKind::IceGathering, value) if value == "complete" => {
                self.gathering_complete(party);
            }
            Cue::State(StateKind::Connection, value) if value == "connected" => {
                self.note_connected();
            }
            Cue::State(..) => {}
            Cue::Open(label) => self.note_open(&label),
            Cue::Message(label, digest) => self.message_arrived(party, label, digest),
        }
    }

    fn note_connected(&mut self) {
        let now = self.now;
        let both = self
            .actors
            .iter()
            .all(|actor| actor.log.state_at(StateKind::Connection, now) == Some("connected"));
        if both && self.connected.is_none() {
            self.connected = Some(now);
            self.anchor_reached(&crate::scenario::Anchor::Connected);
        }
    }

    fn note_open(&mut self, label: &str) {
        self.channel_open(label);
        let main = &self.file.main.label;
        let open = |actor: &Actor| {
            let channels = actor.log.channels.get(main);
            channels.is_some_and(|list| list.iter().any(|channel| channel.opened.is_some()))
        };
        if label == *main && self.opened.is_none() && self.actors.iter().all(open) {
            self.opened = Some(self.now);
            // A channel can only be open over a connection: peers whose state events lag, or that
            // have none, are connected by now.
            if self.connected.is_none() {
                self.connected = Some(self.now);
                self.anchor_reached(&crate::scenario::Anchor::Connected);
            }
            self.anchor_reached(&crate::scenario::Anchor::Open);
        }
    }
}

/// Index of a party's actor.
pub(super) fn index(party: Party) -> usize {
    match party {
        Party::A => 0,
        Party::B => 1,
    }
}
