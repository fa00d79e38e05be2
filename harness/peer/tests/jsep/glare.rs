//! Both sides at once: rollback, perfect negotiation, and any order of steps.

use std::collections::VecDeque;

use proptest::prelude::*;
use rtcspec_peer::jsep::{Description, Error, IceCandidate, SdpType, SignalingState};
use rtcspec_wire::sdp::Session;

use super::side::{Side, assert_agree, exchange, pair};

#[test]
fn rollback_restores_what_was_agreed() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let before = (a.jsep.local_description(), a.jsep.remote_description(), a.transport.clone());
    a.local_offer(true);
    assert_ne!(a.jsep.local_description(), before.0);
    a.set_local(&Description::rollback()).unwrap();
    let after = (a.jsep.local_description(), a.jsep.remote_description(), a.transport.clone());
    assert_eq!(before, after);
    let offer = b.local_offer(true);
    a.set_remote(&offer).unwrap();
    a.set_remote(&Description::rollback()).unwrap();
    let after = (a.jsep.local_description(), a.jsep.remote_description(), a.transport.clone());
    assert_eq!(before, after);
}

#[test]
fn their_offer_rolls_ours_back_and_wins() {
    let (mut a, mut b) = pair();
    b.jsep.want_data();
    a.local_offer(false);
    let theirs = b.local_offer(false);
    a.set_remote(&theirs).unwrap();
    let answer = a.local_answer();
    b.set_remote(&answer).unwrap();
    assert_agree(&a, &b);
    use SignalingState::{HaveLocalOffer, HaveRemoteOffer, Stable};
    assert_eq!(a.states, [HaveLocalOffer, Stable, HaveRemoteOffer, Stable]);
    assert!(b.transport().controlling);
    assert!(!a.jsep.negotiation_needed() && !b.jsep.negotiation_needed());
}

/// What travels between the sides.
#[derive(Clone, Debug)]
enum Signal {
    Description(Description),
    Candidate(IceCandidate),
}

/// W3C's perfect negotiation (webrtc-pc §10.7) around one side.
struct Negotiator {
    side: Side,
    polite: bool,
    ignored: bool,
    outbox: VecDeque<Signal>,
    port: u16,
}

impl Negotiator {
    fn new(name: char, polite: bool) -> Self {
        Self { side: Side::new(name), polite, ignored: false, outbox: VecDeque::new(), port: 0 }
    }

    fn negotiate(&mut self) {
        if self.side.jsep.state() == SignalingState::Stable && self.side.jsep.negotiation_needed() {
            let offer = self.side.local_offer(false);
            self.outbox.push_back(Signal::Description(offer));
        }
    }

    fn gather(&mut self) {
        let description = self.side.jsep.local_description();
        let Some((index, _)) = self.side.jsep.local_section() else { return };
        let session: Session = description.unwrap().sdp.parse().unwrap();
        let ufrag = session.media[index].attributes.ice_ufrag().unwrap().to_string();
        self.port += 1;
        let text = format!("candidate:1 1 udp 1 192.0.2.1 {} typ host", self.port);
        let candidate = text.parse().unwrap();
        let signal = self.side.jsep.add_local_candidate(&ufrag, candidate).unwrap();
        self.outbox.push_back(Signal::Candidate(signal));
    }

    fn receive(&mut self, signal: Signal) {
        match signal {
            Signal::Candidate(candidate) => {
                let result = self.side.jsep.add_ice_candidate(&candidate);
                self.side.drain();
                assert!(result.is_ok() || self.ignored, "{result:?}");
            }
            Signal::Description(description) => {
                let is_offer = description.kind == SdpType::Offer;
                let collides = is_offer && self.side.jsep.state() != SignalingState::Stable;
                self.ignored = collides && !self.polite;
                if self.ignored {
                    return;
                }
                self.side.set_remote(&description).unwrap();
                if is_offer {
                    let answer = self.side.local_answer();
                    self.outbox.push_back(Signal::Description(answer));
                }
            }
        }
    }
}

/// Something a side does, or a signal that arrives.
#[derive(Clone, Copy, Debug)]
enum Move {
    Want(bool),
    Restart(bool),
    Negotiate(bool),
    Gather(bool),
    Deliver(bool),
}

fn any_move() -> impl Strategy<Value = Move> {
    let side = any::<bool>();
    prop_oneof![
        1 => side.prop_map(Move::Want),
        1 => side.prop_map(Move::Restart),
        4 => side.prop_map(Move::Negotiate),
        2 => side.prop_map(Move::Gather),
        6 => side.prop_map(Move::Deliver),
    ]
}

fn deliver(from: &mut Negotiator, to: &mut Negotiator) -> bool {
    let signal = from.outbox.pop_front();
    let found = signal.is_some();
    signal.into_iter().for_each(|signal| to.receive(signal));
    found
}

proptest! {
    #[test]
    fn perfect_negotiation_always_converges(moves in prop::collection::vec(any_move(), 0..60)) {
        let mut sides = [Negotiator::new('a', true), Negotiator::new('b', false)];
        for step in moves {
            let [a, b] = &mut sides;
            match step {
                Move::Want(first) => (if first { a } else { b }).side.jsep.want_data(),
                Move::Restart(first) => (if first { a } else { b }).side.jsep.restart_ice(),
                Move::Negotiate(first) => (if first { a } else { b }).negotiate(),
                Move::Gather(first) => (if first { a } else { b }).gather(),
                Move::Deliver(true) => drop(deliver(a, b)),
                Move::Deliver(false) => drop(deliver(b, a)),
            }
        }
        let [a, b] = &mut sides;
        for round in 0.. {
            prop_assert!(round < 20, "does not come to rest");
            a.negotiate();
            b.negotiate();
            let mut moved = false;
            while deliver(a, b) | deliver(b, a) {
                moved = true;
            }
            if !moved {
                break;
            }
        }
        assert_agree(&a.side, &b.side);
        // Every candidate of the generation in use has arrived.
        for (one, other) in [(&*a, &*b), (&*b, &*a)] {
            let Some((index, _)) = one.side.jsep.local_section() else { continue };
            let sdp = one.side.jsep.local_description().unwrap().sdp;
            let session: Session = sdp.parse().unwrap();
            let sent = session.media[index].attributes.candidates().cloned();
            for candidate in sent {
                prop_assert!(other.side.candidates.contains(&candidate));
            }
        }
    }
}

/// Any step at all, sensible or not, with what was created or sent before.
#[derive(Clone, Debug)]
enum Step {
    Offer(bool),
    Answer,
    SetLocal(SdpType, usize),
    SetRemote(SdpType, usize),
    Rollback,
    Want,
    Restart,
    Candidate(Option<u8>),
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![
        SdpType::Offer,
        SdpType::Answer,
        SdpType::Answer,
        SdpType::Pranswer,
        SdpType::Rollback,
    ]);
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Offer),
        3 => Just(Step::Answer),
        6 => (kind.clone(), 0usize..3).prop_map(|(kind, back)| Step::SetLocal(kind, back)),
        6 => (kind, 0usize..3).prop_map(|(kind, back)| Step::SetRemote(kind, back)),
        1 => Just(Step::Rollback),
        1 => Just(Step::Want),
        1 => Just(Step::Restart),
        1 => any::<Option<u8>>().prop_map(Step::Candidate),
    ]
}

/// RFC 9429 §3.2: the arrows of the state machine.
fn is_arrow(from: SignalingState, to: SignalingState) -> bool {
    use SignalingState::{
        HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
    };
    matches!(
        (from, to),
        (Stable, HaveLocalOffer | HaveRemoteOffer)
            | (HaveLocalOffer, Stable | HaveRemotePranswer)
            | (HaveRemoteOffer, Stable | HaveLocalPranswer)
            | (HaveLocalPranswer | HaveRemotePranswer, Stable)
    )
}

/// Media sections by index: kind and mid, of the current description.
fn sections(description: Option<Description>) -> Vec<String> {
    let session = description.map(|description| description.sdp.parse::<Session>().unwrap());
    let media = session.map(|session| session.media).unwrap_or_default();
    media.iter().map(|media| format!("{} {:?}", media.line.kind.name(), media.mid())).collect()
}

fn pick(list: &[String], kind: SdpType, back: usize) -> Description {
    let sdp = list.len().checked_sub(back + 1).and_then(|index| list.get(index));
    Description::new(kind, sdp.cloned().unwrap_or_default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_order_of_steps_stays_within_the_state_machine(
        steps in prop::collection::vec((any::<bool>(), any_step()), 0..80),
    ) {
        let (mut a, mut b) = pair();
        let mut created: [Vec<String>; 2] = Default::default();
        let mut agreed: [Vec<String>; 2] = Default::default();
        let mut last = [SignalingState::Stable; 2];
        for (first, step) in steps {
            let me = usize::from(!first);
            let side = if first { &mut a } else { &mut b };
            let before = (side.jsep.local_description(), side.jsep.remote_description());
            let was = side.jsep.state();
            let seen = side.states.len();
            let result: Result<(), Error> = match step.clone() {
                Step::Offer(restart) => side.offer(restart).map(|made| created[me].push(made.sdp)),
                Step::Answer => side.answer().map(|made| created[me].push(made.sdp)),
                Step::SetLocal(kind, back) => side.set_local(&pick(&created[me], kind, back)),
                Step::SetRemote(kind, back) => side.set_remote(&pick(&created[1 - me], kind, back)),
                Step::Rollback => side.set_local(&Description::rollback()),
                Step::Want => { side.jsep.want_data(); Ok(()) }
                Step::Restart => { side.jsep.restart_ice(); Ok(()) }
                Step::Candidate(port) => {
                    let candidate = port.map_or(String::new(), |port| {
                        format!("candidate:1 1 udp 1 192.0.2.1 {port} typ host")
                    });
                    let candidate = IceCandidate {
                        candidate,
                        sdp_m_line_index: Some(0),
                        ..IceCandidate::default()
                    };
                    let result = side.jsep.add_ice_candidate(&candidate);
                    side.drain();
                    result
                }
            };
            for state in &side.states[seen..] {
                prop_assert!(is_arrow(last[me], *state), "{:?} to {:?}", last[me], state);
                last[me] = *state;
            }
            if result.is_err() && !matches!(step, Step::SetRemote(SdpType::Offer, _)) {
                prop_assert_eq!(side.jsep.state(), was);
                let after = (side.jsep.local_description(), side.jsep.remote_description());
                prop_assert_eq!(before, after, "a refused step changes nothing");
            }
            let now = sections(side.jsep.current_local_description());
            prop_assert_eq!(&now, &sections(side.jsep.current_remote_description()));
            prop_assert!(now.len() >= agreed[me].len(), "sections are never taken away");
            for (old, new) in agreed[me].iter().zip(&now) {
                prop_assert_eq!(old, new, "sections stay what and where they are");
            }
            agreed[me] = now;
        }
    }
}
