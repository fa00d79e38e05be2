//! Messages between the layers, each through its tamper hook.

use std::time::Duration;

use rtcspec_wire::demux::Protocol;

use super::event::Event;
use super::peer::Peer;
use super::step::Step;
use crate::dtls;
use crate::ice::{self, Datagram, Output};
use crate::jsep::{IceCandidate, SignalingState};
use crate::stun::Outgoing;
use crate::tamper::{Action, Injection, StreamMessage, Stun};

/// Turns without quiescence after which the rest has to wait for the next call: a tamper that
/// answers every message with two would otherwise go on for ever.
const MAX_TURNS: usize = 10_000;

impl Peer {
    /// Lets every layer say what it has to say, until all are silent.
    pub(super) fn settle(&mut self, now: Duration) {
        if self.asked_tamper.is_none_or(|asked| asked <= now) {
            self.asked_tamper = Some(now);
            for injection in self.tamper.inject(now) {
                self.apply_injection(now, injection);
            }
        }
        for _ in 0..MAX_TURNS {
            let is_silent = !(self.turn_jsep(now)
                | self.turn_delayed(now)
                | self.turn_ice(now)
                | self.turn_names(now)
                | self.turn_dtls(now)
                | self.turn_data(now));
            if is_silent {
                break;
            }
        }
        self.announce_states();
    }

    fn turn_delayed(&mut self, now: Duration) -> bool {
        let Some(step) = self.delayed.pop(now) else { return false };
        self.go(now, step);
        true
    }

    fn turn_ice(&mut self, now: Duration) -> bool {
        let Some(output) = self.agent.poll() else { return false };
        match output {
            Output::Transmit(transmit) => self.transmits.push_back(transmit),
            Output::Stun(outgoing) => self.send_stun(now, outgoing),
            Output::Event(event) => self.on_ice(now, event),
        }
        true
    }

    pub(super) fn turn_dtls(&mut self, now: Duration) -> bool {
        if let Err(error) = self.secure.start(now, self.selected.is_some()) {
            self.events.push_back(Event::Error { channel: None, reason: error.to_string() });
        }
        if let Some(datagram) = self.secure.poll_transmit() {
            let verdict = self.tamper.dtls(now, &datagram);
            self.pass(now, Step::SendDtls(datagram), verdict);
            return true;
        }
        let Some(event) = self.secure.poll_event() else { return false };
        match event {
            dtls::Event::Connected => {
                if let Some(role) = self.secure.role() {
                    self.data.connected(now, role);
                }
            }
            dtls::Event::Data(packet) => {
                let verdict = self.tamper.received_sctp(now, &packet);
                self.pass(now, Step::TakeSctp(packet), verdict);
            }
            dtls::Event::Closed => self.data.lost(),
            dtls::Event::Failed(error) => {
                self.data.lost();
                self.events.push_back(Event::Error { channel: None, reason: error.to_string() });
            }
        }
        true
    }

    fn on_ice(&mut self, now: Duration, event: ice::Event) {
        match event {
            ice::Event::Candidate { candidate, ufrag } => {
                let shown = self.shown(now, &candidate);
                let signalled = self.jsep.add_local_candidate(&ufrag, shown);
                if let Some(candidate) = signalled {
                    self.signal(now, candidate);
                }
            }
            ice::Event::GatheringComplete { ufrag } => {
                if self.jsep.end_of_local_candidates(&ufrag).is_some() {
                    self.events.push_back(Event::Candidate(None));
                }
            }
            ice::Event::CandidateError { url, code, .. } => {
                self.events.push_back(Event::CandidateError { url, code });
            }
            ice::Event::Selected(pair) => self.on_selected(now, &pair),
            ice::Event::Data(data) => self.take_data(now, data),
            ice::Event::State(_) | ice::Event::Role(_) => {}
        }
    }

    fn signal(&mut self, now: Duration, candidate: IceCandidate) {
        let verdict = self.tamper.candidate(now, &candidate.candidate);
        let replace = |step: &Step, text| match step {
            Step::Signal(known) => Step::Signal(IceCandidate { candidate: text, ..known.clone() }),
            other => other.clone(),
        };
        for step in self.delayed.sort(now, Step::Signal(candidate), verdict, replace) {
            self.go(now, step);
        }
    }

    fn on_selected(&mut self, now: Duration, pair: &ice::SelectedPair) {
        let local = self.shown(now, &pair.local).to_string();
        let remote = pair.remote.to_wire().map(|remote| remote.to_string()).unwrap_or_default();
        self.selected = Some((local.clone(), remote.clone()));
        self.events.push_back(Event::SelectedPair { local, remote });
    }

    /// A datagram at one of our bases: STUN goes to its hook, all else straight to ICE, which
    /// knows from whom data is taken.
    pub(super) fn take_datagram(&mut self, now: Duration, datagram: Datagram) {
        if Protocol::of(&datagram.data) != Protocol::Stun {
            self.agent.handle(now, &datagram);
            return;
        }
        let key = self.agent.key_of(&datagram);
        let message = Stun {
            local: datagram.base,
            remote: datagram.remote,
            bytes: &datagram.data,
            key: key.as_deref(),
        };
        let verdict = self.tamper.received_stun(now, message);
        self.pass(now, Step::TakeStun(datagram), verdict);
    }

    /// RFC 7983 §7: what came over a valid pair, by its first byte.
    fn take_data(&mut self, now: Duration, data: Vec<u8>) {
        if Protocol::of(&data) == Protocol::Dtls {
            let verdict = self.tamper.received_dtls(now, &data);
            self.pass(now, Step::TakeDtls(data), verdict);
        }
    }

    fn send_stun(&mut self, now: Duration, outgoing: Outgoing) {
        let message = Stun {
            local: outgoing.local,
            remote: outgoing.remote,
            bytes: &outgoing.bytes,
            key: outgoing.key.as_deref(),
        };
        let verdict = self.tamper.stun(now, message);
        self.pass(now, Step::SendStun(outgoing), verdict);
    }

    /// Does with a message of bytes what its hook says.
    pub(super) fn pass(&mut self, now: Duration, step: Step, verdict: Action) {
        for step in self.delayed.sort(now, step, verdict, Step::with_bytes) {
            self.go(now, step);
        }
    }

    /// Does with a message of a stream what its hook says.
    pub(super) fn pass_message(
        &mut self,
        now: Duration,
        step: Step,
        verdict: Action<StreamMessage>,
    ) {
        for step in self.delayed.sort(now, step, verdict, Step::with_message) {
            self.go(now, step);
        }
    }

    /// The message goes on.
    fn go(&mut self, now: Duration, step: Step) {
        match step {
            Step::Signal(candidate) => self.events.push_back(Event::Candidate(Some(candidate))),
            Step::SendStun(outgoing) => self.agent.forward(now, outgoing),
            // A datagram without a pair to go over is lost; DTLS sends it again.
            Step::SendDtls(datagram) => drop(self.agent.send(now, &datagram)),
            Step::SendSctp(packet) => drop(self.secure.send(now, &packet)),
            Step::SendMessage(outgoing) => self.data.send_now(now, outgoing),
            Step::TakeStun(datagram) => {
                self.agent.handle(now, &datagram);
                self.agent.advance(now);
            }
            Step::TakeDtls(datagram) => self.secure.receive(now, datagram),
            Step::TakeSctp(packet) => self.data.receive(now, &packet),
            Step::TakeMessage(message) => self.data.take_message(&message),
        }
    }

    pub(super) fn apply_injection(&mut self, now: Duration, injection: Injection) {
        match injection {
            Injection::Datagram { local, remote, data } => {
                self.agent.inject(now, local, remote, &data);
            }
            Injection::Transport(data) => drop(self.agent.send(now, &data)),
            Injection::Sctp(packet) => drop(self.secure.send(now, &packet)),
            Injection::Message(message) => self.data.inject(now, message),
        }
    }

    fn announce_states(&mut self) {
        let ice = self.ice_connection_state();
        let gathering = self.ice_gathering_state();
        let connection = self.connection_state();
        let told = &mut self.announced;
        let is_stable = self.jsep.state() == SignalingState::Stable;
        let needed = is_stable && self.jsep.negotiation_needed();
        if !std::mem::replace(&mut told.negotiation_needed, needed) && needed {
            self.events.push_back(Event::NegotiationNeeded);
        }
        if std::mem::replace(&mut told.gathering, gathering) != gathering {
            self.events.push_back(Event::IceGatheringState(gathering));
        }
        if std::mem::replace(&mut told.ice, ice) != ice {
            self.events.push_back(Event::IceConnectionState(ice));
        }
        if std::mem::replace(&mut told.connection, connection) != connection {
            self.events.push_back(Event::ConnectionState(connection));
        }
    }
}
