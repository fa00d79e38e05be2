//! Listening: from events to what is known of inside endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::stun::{Class, Method};

use super::crossings::{Crossings, Journey};
use super::mappings::{Endpoint, Fact, Fate, Relation, Sign};
use super::verdict::verdicts;
use super::words::NatSeen;
use crate::Carrier;
use crate::watch::{Event, Kind, Path, Purpose, Stun};

/// Inside endpoints that are kept.
const ENDPOINTS: usize = 4096;
/// How long after its last use a mapping is certainly there: RFC 4787 REQ-5 asks for two minutes,
/// real boxes keep 30 seconds.
const FRESH: Duration = Duration::from_secs(15);

/// Learns what NATs do from what an observer says.
#[derive(Debug, Default)]
pub struct Inference {
    crossings: Crossings,
    pub(super) endpoints: BTreeMap<SocketAddr, Endpoint>,
    /// Whose an outside endpoint is, and when it was last used.
    pub(super) owners: BTreeMap<SocketAddr, (SocketAddr, Duration)>,
    /// Pairs of endpoint and remote address without a box in between.
    pub(super) direct: BTreeSet<(SocketAddr, IpAddr)>,
    /// Packets to an own outside address: where from, where to, the source they arrived with.
    pub(super) hairpins: Vec<Turned>,
}

/// A packet from inside to an outside address of the same box.
#[derive(Clone, Debug)]
pub(super) struct Turned {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// The source it arrived with; `None` if it did not.
    pub(super) seen: Option<SocketAddr>,
    pub(super) number: u64,
    /// Whether the addressee had sent to the sender's outside endpoint, so that no filter that is
    /// shown that endpoint can be the reason if it did not arrive.
    pub(super) invited: bool,
}

impl Inference {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what an observer says.
    pub fn hear(&mut self, event: &Event<'_>) {
        if event.carrier != Carrier::Udp || event.relay.is_some() || event.in_stun {
            return;
        }
        match &event.kind {
            Kind::Datagram(datagram) => {
                let Path { source, destination } = event.outer;
                if let Some(endpoint) = self.endpoint(source) {
                    endpoint.sends(destination, event.number, event.at);
                }
                if let Some(endpoint) = self.endpoints.get_mut(&destination) {
                    endpoint.gets(source, event.number, event.at);
                    let relation = endpoint.relation(source, event.number);
                    let sign = Sign { from: source, relation, number: event.number };
                    endpoint.sign(Fate::Arrived, sign);
                }
                let mut over = Vec::new();
                let (number, at, bytes) = (event.number, event.at, datagram.bytes);
                self.crossings.seen(number, at, event.outer, bytes, |journey| over.push(journey));
                over.into_iter().for_each(|journey| self.journey(&journey));
            }
            Kind::Stun(stun) => self.stun(event, stun),
            _ => {}
        }
    }

    /// What all that shows, box by box.
    #[must_use]
    pub fn finish(mut self) -> Vec<NatSeen> {
        let mut over = Vec::new();
        self.crossings.finish(|journey| over.push(journey));
        over.into_iter().for_each(|journey| self.journey(&journey));
        verdicts(&self)
    }

    fn endpoint(&mut self, address: SocketAddr) -> Option<&mut Endpoint> {
        if self.endpoints.len() >= ENDPOINTS && !self.endpoints.contains_key(&address) {
            return None;
        }
        Some(self.endpoints.entry(address).or_default())
    }

    /// RFC 8489 §14.2: the answer says where the request came from.
    fn stun(&mut self, event: &Event<'_>, stun: &Stun<'_>) {
        let Some(ty) = stun.view.message_type() else { return };
        let asked = ty.method == Method::BINDING || ty.method == Method::ALLOCATE;
        if ty.class != Class::SuccessResponse || !asked || stun.transaction.is_none() {
            return;
        }
        let Some(external) = stun.view.xor_mapped_address() else { return };
        let (internal, remote) = (event.outer.destination, event.outer.source);
        if external.is_ipv4() != internal.is_ipv4() {
            return;
        }
        if external == internal {
            if self.direct.len() < ENDPOINTS {
                self.direct.insert((internal, remote.ip()));
            }
            return;
        }
        let by_server = matches!(stun.purpose, Purpose::Gather | Purpose::Turn);
        let fact = Fact { external, number: event.number, at: event.at, by_server };
        if let Some(endpoint) = self.endpoint(internal)
            && !endpoint.crossed
        {
            endpoint.stirs(event.number, event.at);
            endpoint.maps(internal, remote, fact);
        } else if by_server
            && let Some(known) =
                self.endpoints.get_mut(&internal).and_then(|own| own.facts.get_mut(&remote))
        {
            known.by_server = true;
        }
        let own = self.owners.contains_key(&remote);
        if own && self.hairpins.len() < ENDPOINTS {
            let (seen, number) = (Some(external), event.number);
            let turned = Turned { from: internal, to: remote, seen, number, invited: true };
            self.hairpins.push(turned);
        }
        self.own(external, internal, event.at);
    }

    fn own(&mut self, external: SocketAddr, internal: SocketAddr, at: Duration) {
        if self.owners.len() < ENDPOINTS || self.owners.contains_key(&external) {
            self.owners.insert(external, (internal, at));
        }
    }

    /// A datagram that was seen for the last time.
    fn journey(&mut self, journey: &Journey) {
        for pair in journey.paths.windows(2) {
            let [(_, before), (number, after)] = [pair[0], pair[1]];
            match (before.source == after.source, before.destination == after.destination) {
                (false, true) => self.went_out(before, after, number, journey.at),
                (true, false) => self.came_in(before, after, number, journey),
                (false, false) => self.turned(before, Some(after.source), number),
                (true, true) => {}
            }
        }
        if let Some((number, last)) = journey.paths.last() {
            self.ended(*last, *number, journey.at);
        }
    }

    fn went_out(&mut self, before: Path, after: Path, number: u64, at: Duration) {
        let (internal, external, remote) = (before.source, after.source, before.destination);
        if let Some(endpoint) = self.endpoint(internal) {
            if !endpoint.crossed {
                // What was told spans every box on the way; what crossed is of this one.
                let servers: Vec<SocketAddr> = endpoint
                    .facts
                    .iter()
                    .filter_map(|(remote, fact)| fact.by_server.then_some(*remote))
                    .collect();
                endpoint.facts.clear();
                endpoint.order.clear();
                endpoint.crossed = true;
                let by_server = servers.contains(&remote);
                endpoint.maps(internal, remote, Fact { external, number, at, by_server });
            } else {
                let fact = Fact { external, number, at, by_server: false };
                endpoint.maps(internal, remote, fact);
            }
        }
        if let Some(endpoint) = self.endpoints.get_mut(&internal) {
            endpoint.sends_through(external, remote, number, at);
        }
        self.own(external, internal, at);
    }

    fn came_in(&mut self, before: Path, after: Path, number: u64, journey: &Journey) {
        let (external, internal) = (before.destination, after.destination);
        self.own(external, internal, journey.at);
        let box_of = |endpoint: &Endpoint| {
            endpoint.facts.values().any(|fact| fact.external.ip() == external.ip())
        };
        if self.endpoints.get(&before.source).is_some_and(box_of) {
            // It came from behind the same box, which left its source as it was.
            self.turned(before, Some(after.source), number);
            return;
        }
        if let Some(endpoint) = self.endpoint(internal) {
            let relation = endpoint.relation(before.source, number);
            endpoint.sign(Fate::LetIn, Sign { from: before.source, relation, number });
            endpoint.comes_through(external, before.source, number, journey.at);
        }
    }

    /// A datagram that was seen for the last time with these addresses: if the destination is a
    /// box's, the box did not let it in.
    fn ended(&mut self, path: Path, number: u64, at: Duration) {
        let Some((internal, last)) = self.owners.get(&path.destination).copied() else { return };
        let two_sided = self.endpoints.get(&internal).is_some_and(|endpoint| endpoint.crossed);
        if let Some(endpoint) = self.endpoints.get_mut(&internal).filter(|_| two_sided)
            && endpoint.relation_at(path.destination, path.source, number) == Relation::Known
        {
            endpoint.shuts(path.destination, number, at);
        }
        let fresh = last <= at && at.saturating_sub(last) <= FRESH;
        if !two_sided || !fresh {
            return;
        }
        if self.endpoints.get(&path.source).is_some_and(|endpoint| !endpoint.facts.is_empty()) {
            self.turned(path, None, number);
            return;
        }
        if let Some(endpoint) = self.endpoints.get_mut(&internal) {
            // What was sent through another mapping opened nothing here.
            let relation = endpoint.relation_at(path.destination, path.source, number);
            endpoint.sign(Fate::Dropped, Sign { from: path.source, relation, number });
        }
    }

    fn turned(&mut self, path: Path, seen: Option<SocketAddr>, number: u64) {
        let Some((internal, _)) = self.owners.get(&path.destination) else { return };
        if self.hairpins.len() < ENDPOINTS {
            let sender = self.endpoints.get(&path.source);
            let is_senders = |to| self.owners.get(&to).is_some_and(|(own, _)| *own == path.source);
            let invited = self.endpoints.get(internal).is_some_and(|addressee| {
                let steady = |one: &Endpoint| one.has_one_mapping();
                steady(addressee)
                    && sender.is_some_and(steady)
                    && addressee.has_sent_to(is_senders, number)
            });
            let turned = Turned { from: path.source, to: path.destination, seen, number, invited };
            self.hairpins.push(turned);
        }
    }
}
