//! Candidates, ours and theirs: priority and foundation (RFC 8445 §5.1.1.3, §5.1.2).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rtcspec_wire::candidate as wire;

use super::server::Hosts;
use crate::turn::Transport;

/// What a candidate is (RFC 8445 §5.1.1, §7.2.5.3.1, §7.3.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateType {
    /// An address of the machine.
    Host,
    /// An address a server saw.
    ServerReflexive,
    /// An address the other agent saw, or one that it was seen from.
    PeerReflexive,
    /// An address on a TURN server.
    Relayed,
}

impl CandidateType {
    /// The word of RFC 8839 §5.1.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }

    const fn to_wire(self) -> wire::CandidateKind {
        match self {
            Self::Host => wire::CandidateKind::Host,
            Self::ServerReflexive => wire::CandidateKind::ServerReflexive,
            Self::PeerReflexive => wire::CandidateKind::PeerReflexive,
            Self::Relayed => wire::CandidateKind::Relayed,
        }
    }
}

/// RFC 8445 §5.1.2.1: the priority of a candidate of component 1. There is no other: RTP and RTCP
/// are multiplexed, and data channels need no second.
pub(super) fn priority(kind: CandidateType, local_preference: u16) -> wire::Priority {
    let preference = kind.to_wire().type_preference();
    wire::Priority::compute(preference, local_preference, wire::ComponentId::RTP)
}

/// A candidate of this agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCandidate {
    /// Its type.
    pub kind: CandidateType,
    /// The transport address, always UDP.
    pub address: SocketAddr,
    /// Where checks from it leave: the socket, or for a relayed candidate itself.
    pub base: SocketAddr,
    /// The related address to signal (RFC 8839 §5.1).
    pub related: Option<SocketAddr>,
    /// RFC 8445 §5.1.2.
    pub priority: wire::Priority,
    /// RFC 8445 §5.1.1.3.
    pub foundation: wire::Foundation,
    /// The local preference within the priority, which checks from this base use too.
    pub local_preference: u16,
    /// The server it came from.
    pub server: Option<SocketAddr>,
    /// For a relayed candidate: what client and server speak over.
    pub relay_transport: Option<Transport>,
}

/// A candidate of the other agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCandidate {
    /// Its type.
    pub kind: CandidateType,
    /// The transport address, always UDP.
    pub address: SocketAddr,
    /// As signalled, or as in PRIORITY for a peer-reflexive one.
    pub priority: u32,
    /// As signalled.
    pub foundation: String,
    /// The name of multicast DNS it was signalled with instead of its address: who is told of the
    /// candidate is told the name, and no relay is paired with it.
    pub name: Option<String>,
}

impl LocalCandidate {
    /// The candidate as it is signalled (RFC 8839 §5.1), with the `ufrag` of its generation.
    #[must_use]
    pub fn to_wire(&self, ufrag: Option<&str>) -> wire::Candidate {
        let ufrag = ufrag.and_then(|ufrag| wire::Extension::new("ufrag", ufrag));
        wire::Candidate {
            foundation: self.foundation.clone(),
            component: wire::ComponentId::RTP,
            transport: wire::Transport::Udp,
            priority: self.priority,
            address: self.address.ip().into(),
            port: self.address.port(),
            kind: self.kind.to_wire(),
            related_address: self.related.map(|related| related.ip().into()),
            related_port: self.related.map(|related| related.port()),
            extensions: ufrag.into_iter().collect(),
        }
    }
}

impl RemoteCandidate {
    /// What a signalled candidate means to this agent; nothing if it is of another component, not
    /// UDP, of unknown type, without a port, or a name that `hosts` does not resolve: such
    /// candidates are ignored (RFC 8839 §5.1).
    #[must_use]
    pub fn resolve(candidate: &wire::Candidate, hosts: &Hosts) -> Vec<Self> {
        let kind = match candidate.kind {
            wire::CandidateKind::Host => CandidateType::Host,
            wire::CandidateKind::ServerReflexive => CandidateType::ServerReflexive,
            wire::CandidateKind::PeerReflexive => CandidateType::PeerReflexive,
            wire::CandidateKind::Relayed => CandidateType::Relayed,
            wire::CandidateKind::Other(_) => return Vec::new(),
        };
        let usable = candidate.component == wire::ComponentId::RTP
            && candidate.transport == wire::Transport::Udp
            && candidate.port != 0;
        if !usable {
            return Vec::new();
        }
        let addresses = match candidate.address.ip() {
            Some(ip) => vec![ip],
            None => hosts.get(&candidate.address.to_string()).cloned().unwrap_or_default(),
        };
        let at = |ip| Self {
            kind,
            address: SocketAddr::new(ip, candidate.port),
            priority: candidate.priority.number(),
            foundation: candidate.foundation.to_string(),
            name: None,
        };
        addresses.into_iter().map(at).collect()
    }

    /// The name that multicast DNS has to resolve before a candidate means anything; none if it has
    /// an address, another name, or is to be ignored anyway.
    #[must_use]
    pub fn hidden_behind(candidate: &wire::Candidate) -> Option<String> {
        let name = candidate.address.to_string();
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.2.1: below `.local`, and with no other dot.
        let hides = candidate.address.is_mdns() && name.matches('.').count() == 1;
        (hides && Self::behind(candidate, Ipv4Addr::UNSPECIFIED.into()).is_some()).then_some(name)
    }

    /// What a candidate means whose name was resolved to an address.
    #[must_use]
    pub fn behind(candidate: &wire::Candidate, ip: IpAddr) -> Option<Self> {
        let name = Some(candidate.address.to_string());
        let at = wire::Candidate { address: ip.into(), ..candidate.clone() };
        let found = Self::resolve(&at, &Hosts::new()).pop()?;
        Some(Self { name, ..found })
    }

    /// The candidate in the form of RFC 8839 §5.1. A peer-reflexive one that was never signalled
    /// has a foundation outside the grammar; it is written as `0`.
    ///
    /// `None` for a priority no candidate may have, which a peer-reflexive one may bring along.
    #[must_use]
    pub fn to_wire(&self) -> Option<wire::Candidate> {
        let foundation = wire::Foundation::new(&self.foundation);
        Some(wire::Candidate {
            foundation: foundation.or_else(|| wire::Foundation::new("0"))?,
            component: wire::ComponentId::RTP,
            transport: wire::Transport::Udp,
            priority: wire::Priority::new(self.priority)?,
            address: self.shown_address(),
            port: self.address.port(),
            kind: self.kind.to_wire(),
            related_address: None,
            related_port: None,
            extensions: Vec::new(),
        })
    }

    fn shown_address(&self) -> wire::ConnectionAddress {
        let name = self.name.as_deref().and_then(wire::ConnectionAddress::new);
        name.unwrap_or_else(|| self.address.ip().into())
    }
}

/// What makes two candidates have the same foundation (RFC 8445 §5.1.1.3).
type Origin = (CandidateType, IpAddr, Option<IpAddr>, Option<Transport>);

/// Numbers given to origins, in order of appearance, so that foundations tell nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Foundations {
    by_origin: BTreeMap<Origin, usize>,
}

impl Foundations {
    /// The foundation for an origin: base address, server contacted, transport to that server.
    pub(super) fn of(
        &mut self,
        kind: CandidateType,
        base: IpAddr,
        server: Option<IpAddr>,
        transport: Option<Transport>,
    ) -> wire::Foundation {
        let next = self.by_origin.len() + 1;
        let number = *self.by_origin.entry((kind, base, server, transport)).or_insert(next);
        numbered("", number)
    }
}

/// The foundation made of a letter or nothing, and a number.
pub(super) fn numbered(letter: &str, number: usize) -> wire::Foundation {
    let text = format!("{letter}{number}");
    wire::Foundation::new(&text).expect("invariant: letters and digits are ice-char")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_candidate_of_a_single_address_has_the_usual_priority() {
        // RFC 8445 §5.1.2.1: 2^24 * 126 + 2^8 * 65535 + 255.
        assert_eq!(priority(CandidateType::Host, 65535).number(), 2_130_706_431);
        assert_eq!(priority(CandidateType::ServerReflexive, 65535).number(), 1_694_498_815);
        assert_eq!(priority(CandidateType::Relayed, 65535).number(), 16_777_215);
    }

    fn remote(line: &str, hosts: &Hosts) -> Vec<RemoteCandidate> {
        RemoteCandidate::resolve(&line.parse().unwrap(), hosts)
    }

    #[test]
    fn unusable_candidates_are_ignored() {
        // RFC 8839 §5.1.
        for line in [
            "candidate:1 2 udp 1 192.0.2.1 5000 typ host",
            "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ quantum",
            "candidate:1 1 udp 1 192.0.2.1 0 typ host",
            "candidate:1 1 udp 1 3f3ef1c1-7de2-4a43-8a0a-6ff0ff9e9f1e.local 5000 typ host",
        ] {
            assert_eq!(remote(line, &Hosts::new()), [], "{line}");
        }
    }

    #[test]
    fn names_below_local_hide_addresses_and_others_do_not() {
        let hidden = |line: &str| RemoteCandidate::hidden_behind(&line.parse().unwrap());
        let line = |name: &str| format!("candidate:1 1 udp 7 {name} 5000 typ host");
        assert_eq!(hidden(&line("a.local")), Some("a.local".to_owned()));
        for name in ["192.0.2.1", "a.b.local", "a.example", "local"] {
            assert_eq!(hidden(&line(name)), None, "{name}");
        }
        assert_eq!(hidden("candidate:1 1 tcp 1 a.local 9 typ host tcptype active"), None);
        let found =
            RemoteCandidate::behind(&line("a.local").parse().unwrap(), [10, 0, 0, 1].into());
        let found = found.unwrap();
        assert_eq!(found.address, SocketAddr::from(([10, 0, 0, 1], 5000)));
        assert_eq!(found.to_wire().unwrap().to_string(), line("a.local"), "it stays hidden");
    }

    #[test]
    fn name_of_mdns_is_used_if_the_table_of_hosts_has_it() {
        let hosts = Hosts::from([("a.local".to_owned(), vec![[192, 0, 2, 9].into()])]);
        let found = remote("candidate:1 1 udp 7 a.local 5000 typ host", &hosts);
        assert_eq!(found[0].address, SocketAddr::from(([192, 0, 2, 9], 5000)));
    }

    #[test]
    fn foundations_differ_by_type_base_server_and_transport() {
        let mut foundations = Foundations::default();
        let base: IpAddr = [10, 0, 0, 1].into();
        let server: IpAddr = [192, 0, 2, 1].into();
        let host = foundations.of(CandidateType::Host, base, None, None);
        let srflx = foundations.of(CandidateType::ServerReflexive, base, Some(server), None);
        let udp = Some(Transport::Udp);
        let relay = foundations.of(CandidateType::Relayed, server, Some(server), udp);
        let tcp = Some(Transport::Tcp);
        let relay_tcp = foundations.of(CandidateType::Relayed, server, Some(server), tcp);
        let all = [&host, &srflx, &relay, &relay_tcp].map(wire::Foundation::as_str);
        assert_eq!(all, ["1", "2", "3", "4"]);
        assert_eq!(foundations.of(CandidateType::Host, base, None, None), host);
    }
}
