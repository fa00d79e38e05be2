//! Candidates behind names of multicast DNS, ours and theirs.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::candidate::{Candidate, ConnectionAddress};

use super::config::TransportPolicy;
use super::peer::Peer;
use crate::ice::{CandidateType, LocalCandidate, RemoteCandidate};

/// What waits for the address behind a name: the candidate and the generation it belongs to.
pub(super) type Hidden = (Candidate, String);

impl Peer {
    /// The other side has signalled a candidate.
    pub(super) fn remote_candidate(&mut self, now: Duration, ufrag: String, candidate: Candidate) {
        let known = RemoteCandidate::resolve(&candidate, &self.config.hosts);
        // A relay is never paired with what hides behind a name: with relays alone nobody needs it.
        if known.is_empty()
            && self.config.policy == TransportPolicy::All
            && let Some(name) = RemoteCandidate::hidden_behind(&candidate)
        {
            self.resolver.look_up(now, &name, (candidate, ufrag), &self.config.interfaces);
            return;
        }
        for candidate in known {
            self.agent.add_remote_candidate(now, candidate, Some(&ufrag));
        }
    }

    /// Takes a datagram that is about names; false if it is not.
    pub(super) fn take_name(
        &mut self,
        now: Duration,
        local: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> bool {
        if self.resolver.expects(local, remote) {
            self.resolver.receive(data);
            return true;
        }
        let Some(names) = self.names.as_mut().filter(|names| names.listens(local)) else {
            return false;
        };
        names.receive(now, remote, data);
        true
    }

    /// Does the next thing that names ask for; false if there is none.
    pub(super) fn turn_names(&mut self, now: Duration) -> bool {
        let asked = self.resolver.poll_transmit();
        let told = || self.names.as_mut()?.poll_transmit();
        if let Some(transmit) = asked.or_else(told) {
            self.transmits.push_back(transmit);
            return true;
        }
        let Some(((candidate, ufrag), ip)) = self.resolver.found() else { return false };
        if let Some(candidate) = RemoteCandidate::behind(&candidate, ip) {
            self.agent.add_remote_candidate(now, candidate, Some(&ufrag));
        }
        true
    }

    /// A candidate of ours as others may see it.
    pub(super) fn shown(&mut self, now: Duration, candidate: &LocalCandidate) -> Candidate {
        let mut shown = candidate.to_wire(None);
        let Some(names) = &mut self.names else { return shown };
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1.1: a name instead of the address.
        if candidate.kind == CandidateType::Host {
            shown.address = ConnectionAddress::Name(names.of(now, candidate.address.ip()));
        }
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1.2.2: nor does another candidate tell it.
        if candidate.related.is_some_and(|at| self.config.interfaces.contains(&at.ip())) {
            let nowhere = unspecified(candidate.address);
            shown.related_address = Some(nowhere.ip().into());
            shown.related_port = Some(nowhere.port());
        }
        shown
    }
}

/// RFC 8839 §5.1: a related address that is withheld.
fn unspecified(like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 9).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 9).into(),
    }
}
