//! What signalling told: credentials, addresses, certificate fingerprints.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rtcspec_wire::sdp::View;
use rtcspec_wire::stun::Key;

use crate::signal::{Fingerprint, Found, candidate, credentials_of, fingerprints_of};
use crate::{Party, Signal, SignalBody};

/// One end's password of one ICE generation.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) session: u32,
    pub(super) party: Party,
    pub(super) key: Key,
}

/// All that was signalled, of several sessions.
#[derive(Debug, Default)]
pub(super) struct Signalled {
    credentials: BTreeMap<String, Vec<Credential>>,
    /// Whose an address is; `None` if several say it is theirs.
    addresses: BTreeMap<SocketAddr, Option<(u32, Party)>>,
    fingerprints: BTreeMap<(u32, Party), Vec<Fingerprint>>,
}

impl Signalled {
    pub(super) fn add(&mut self, session: u32, signal: &Signal) {
        match &signal.body {
            SignalBody::Description { sdp, .. } => self.description(session, signal.from, sdp),
            SignalBody::Candidate { candidate: line, .. } => {
                if let Some(found) = candidate(signal.from, line) {
                    self.address(session, &found);
                }
            }
        }
    }

    fn description(&mut self, session: u32, party: Party, sdp: &str) {
        for (ufrag, pwd) in credentials_of(sdp) {
            let known = self.credentials.entry(ufrag).or_default();
            let key = Key::short_term(&pwd);
            let same = |one: &Credential| (one.session, one.party) == (session, party);
            if !known.iter().any(|one| same(one) && one.key == key) {
                known.push(Credential { session, party, key });
            }
        }
        let prints = self.fingerprints.entry((session, party)).or_default();
        prints.extend(fingerprints_of(sdp));
        prints.sort();
        prints.dedup();
        let view = View::parse(sdp.as_bytes());
        for section in view.sections() {
            for line in section.attributes("candidate") {
                if let Some(found) = candidate(party, &String::from_utf8_lossy(line)) {
                    self.address(session, &found);
                }
            }
        }
    }

    fn address(&mut self, session: u32, found: &Found) {
        let own = Some((session, found.party));
        for address in [found.address, found.related].into_iter().flatten() {
            let owner = self.addresses.entry(address).or_insert(own);
            if *owner != own {
                *owner = None;
            }
        }
    }

    /// Session and sender of a check with these ufrags.
    pub(super) fn sender_of(&self, receiver: &str, sender: &str) -> Option<(u32, Party)> {
        let of = |ufrag: &str| self.credentials.get(ufrag).map(Vec::as_slice).unwrap_or_default();
        let (receivers, senders) = (of(receiver), of(sender));
        let paired = senders.iter().find(|from| {
            receivers.iter().any(|to| to.session == from.session && to.party != from.party)
        });
        if let Some(from) = paired.or(senders.first().filter(|_| receivers.is_empty())) {
            return Some((from.session, from.party));
        }
        receivers.first().filter(|_| senders.is_empty()).map(|to| (to.session, to.party.other()))
    }

    /// The credentials with a ufrag, those of a session first.
    pub(super) fn credential(&self, ufrag: &str, session: Option<u32>) -> Option<&Credential> {
        let all = self.credentials.get(ufrag)?;
        all.iter().rev().find(|one| Some(one.session) == session).or(all.last())
    }

    /// Whose a signalled address is.
    pub(super) fn owner(&self, address: SocketAddr) -> Option<(u32, Party)> {
        self.addresses.get(&address).copied().flatten()
    }

    /// Certificate fingerprints one end announced.
    pub(super) fn fingerprints(&self, session: u32, party: Party) -> &[Fingerprint] {
        self.fingerprints.get(&(session, party)).map(Vec::as_slice).unwrap_or_default()
    }
}
