//! One side of a negotiation with an owner of transports that watches the effects.

use std::collections::BTreeSet;

use rtcspec_peer::jsep::{
    Config, Description, Effect, Error, IceCredentials, Jsep, SdpType, SignalingState, Transport,
};
use rtcspec_wire::candidate::Candidate;
use rtcspec_wire::sdp::Session;

pub(crate) struct Side {
    pub(crate) jsep: Jsep,
    name: char,
    made: u32,
    gathered: BTreeSet<IceCredentials>,
    pub(crate) states: Vec<SignalingState>,
    pub(crate) transport: Option<Transport>,
    pub(crate) uses: usize,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) ended: Vec<String>,
}

pub(crate) fn config(name: char) -> Config {
    let fingerprint = format!("sha-256 {:02X}{}", name as u8, ":00".repeat(31));
    Config::new(u64::from(name), vec![fingerprint.parse().unwrap()])
}

pub(crate) fn ice(name: char, number: u32) -> IceCredentials {
    let ufrag = format!("{name}{number:04}");
    IceCredentials::new(&ufrag, &ufrag.repeat(5)).unwrap()
}

impl Side {
    pub(crate) fn new(name: char) -> Self {
        Self::with(config(name))
    }

    pub(crate) fn with(config: Config) -> Self {
        let name = char::from_u32(u32::try_from(config.session_id).unwrap()).unwrap();
        Self {
            jsep: Jsep::new(config),
            name,
            made: 0,
            gathered: BTreeSet::new(),
            states: Vec::new(),
            transport: None,
            uses: 0,
            candidates: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Draws the effects and checks that they make sense one after the other.
    pub(crate) fn drain(&mut self) {
        while let Some(effect) = self.jsep.poll_effect() {
            match effect {
                Effect::SignalingState(state) => self.states.push(state),
                Effect::Gather(ice) => assert!(self.gathered.insert(ice), "gathered twice"),
                Effect::Discard(ice) => assert!(self.gathered.remove(&ice), "not gathered"),
                Effect::Use(transport) => {
                    assert!(self.gathered.contains(&transport.local), "never gathered");
                    assert_ne!(self.transport.as_ref(), Some(&*transport), "nothing new");
                    let restarted = |known: &Transport| {
                        known.remote.credentials != transport.remote.credentials
                    };
                    if self.transport.as_ref().is_some_and(restarted) {
                        self.candidates.clear();
                    }
                    self.transport = Some(*transport);
                    self.uses += 1;
                }
                Effect::RemoteCandidate { ufrag, candidate } => {
                    let used = &self.transport.as_ref().unwrap().remote.credentials.ufrag;
                    assert_eq!(*used, *ufrag, "a candidate of a generation not in use");
                    self.candidates.push(*candidate);
                }
                Effect::EndOfRemoteCandidates { ufrag } => self.ended.push(ufrag),
                Effect::Unused => self.transport = None,
            }
        }
        assert_eq!(self.states.last().copied().unwrap_or_default(), self.jsep.state());
        assert_eq!(self.transport.as_ref(), self.jsep.transport());
    }

    fn fresh(&mut self) -> (IceCredentials, u32) {
        self.made += 1;
        (ice(self.name, self.made), self.made)
    }

    pub(crate) fn offer(&mut self, restart: bool) -> Result<Description, Error> {
        let (next, made) = self.fresh();
        let mut used = false;
        let sdp = self.jsep.create_offer(restart, || {
            used = true;
            next
        });
        self.made = if used { made } else { made - 1 };
        sdp.map(|sdp| Description::new(SdpType::Offer, sdp))
    }

    pub(crate) fn answer(&mut self) -> Result<Description, Error> {
        let (next, made) = self.fresh();
        let mut used = false;
        let sdp = self.jsep.create_answer(|| {
            used = true;
            next
        });
        self.made = if used { made } else { made - 1 };
        sdp.map(|sdp| Description::new(SdpType::Answer, sdp))
    }

    pub(crate) fn set_local(&mut self, description: &Description) -> Result<(), Error> {
        let result = self.jsep.set_local(description);
        self.drain();
        result
    }

    pub(crate) fn set_remote(&mut self, description: &Description) -> Result<(), Error> {
        let result = self.jsep.set_remote(description);
        self.drain();
        result
    }

    pub(crate) fn local_offer(&mut self, restart: bool) -> Description {
        let offer = self.offer(restart).unwrap();
        self.set_local(&offer).unwrap();
        offer
    }

    pub(crate) fn local_answer(&mut self) -> Description {
        let answer = self.answer().unwrap();
        self.set_local(&answer).unwrap();
        answer
    }

    pub(crate) fn transport(&self) -> &Transport {
        self.transport.as_ref().unwrap()
    }
}

/// One whole exchange; returns offer and answer.
pub(crate) fn exchange(a: &mut Side, b: &mut Side, restart: bool) -> (Session, Session) {
    let offer = a.local_offer(restart);
    b.set_remote(&offer).unwrap();
    let answer = b.local_answer();
    a.set_remote(&answer).unwrap();
    assert_agree(a, b);
    (offer.sdp.parse().unwrap(), answer.sdp.parse().unwrap())
}

/// Both sides have settled on the same thing.
pub(crate) fn assert_agree(a: &Side, b: &Side) {
    assert_eq!(a.jsep.state(), SignalingState::Stable);
    assert_eq!(b.jsep.state(), SignalingState::Stable);
    let (Some(a), Some(b)) = (&a.transport, &b.transport) else {
        assert_eq!(a.transport, None);
        assert_eq!(b.transport, None);
        return;
    };
    assert_eq!((a.section, &a.mid), (b.section, &b.mid));
    assert_eq!((&a.local, &b.local), (&b.remote.credentials, &a.remote.credentials));
    assert_ne!(a.dtls_role, b.dtls_role);
    assert_ne!(a.controlling, b.controlling);
    assert_eq!((a.sctp.local_port, b.sctp.local_port), (b.sctp.remote_port, a.sctp.remote_port));
    assert_eq!(a.association, b.association);
}

/// Two sides, the first of which wants data.
pub(crate) fn pair() -> (Side, Side) {
    let (mut a, b) = (Side::new('a'), Side::new('b'));
    a.jsep.want_data();
    (a, b)
}

pub(crate) fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in:\n{text}");
    text.replace(from, to)
}
