//! Facts from the wire: which way application data goes, who nominates, who still has consent.
//!
//! Only the outer leg of a relayed path is looked at: what a TURN client exchanges with its server
//! is wrapped, while what the server exchanges with the other peer is plain.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use rtcspec_trace::watch::Streams;
use rtcspec_trace::{Carrier, Datagram, Party, Place};
use rtcspec_wire::candidate::{Candidate, CandidateKind};
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dns::is_multicast_dns;
use rtcspec_wire::stun::{AttributeType, Class, MessageType, Method, TransactionId, View};

use crate::scenario::CandidateType;

/// One sighting of application data on the way from one peer to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// When it was sent.
    pub(super) sent: Duration,
    /// When it arrived.
    pub(super) arrived: Duration,
    /// Whose data it is.
    pub(super) from: Party,
    /// Whether a TURN server sent or received it.
    pub(super) relayed: bool,
    /// What kind of candidate its source is to the receiver.
    pub(super) source: CandidateType,
    /// Index of the server that relayed it.
    pub(super) server: Option<usize>,
}

/// A connectivity check that carried USE-CANDIDATE or an answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// When it arrived.
    pub(super) arrived: Duration,
    /// Who sent the request.
    pub(super) from: Party,
    /// USERNAME of the request.
    pub(super) username: String,
    /// Whether the request carries USE-CANDIDATE.
    pub(super) nominates: bool,
    /// Whether this is the success response.
    pub(super) answered: bool,
}

/// Facts from the wire, collected as datagrams arrive.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Application data.
    pub(super) data: Vec<Sighting>,
    /// What peers and servers exchange inside TURN, by peer: all there is to see when both peers'
    /// relays are on one server, which then passes data on inside itself.
    pub(super) wrapped: Vec<Sighting>,
    /// Checks and their answers.
    pub(super) checks: Vec<Check>,
    /// When each ClientHello arrived that begins a handshake, by sender.
    pub(super) client_hellos: Vec<(Duration, Party)>,
    own: BTreeMap<Party, BTreeSet<IpAddr>>,
    reflexive: BTreeMap<Party, BTreeSet<SocketAddr>>,
    relayed: BTreeMap<SocketAddr, Party>,
    /// What peers say to each other over TCP (RFC 6544).
    streams: Streams,
    open_requests: BTreeMap<TransactionId, (Party, String, bool)>,
}

impl Watch {
    /// A peer has this address now.
    pub(super) fn own_address(&mut self, party: Party, address: IpAddr) {
        self.own.entry(party).or_default().insert(address);
    }

    /// Every address a peer has had.
    #[must_use]
    pub(super) fn addresses_of(&self, party: Party) -> Vec<IpAddr> {
        self.own.get(&party).into_iter().flatten().copied().collect()
    }

    /// A peer signalled this candidate.
    pub(super) fn candidate(&mut self, party: Party, line: &str) {
        let Ok(candidate) = line.parse::<Candidate>() else { return };
        let Some(ip) = candidate.address.ip() else { return };
        let address = SocketAddr::new(ip, candidate.port);
        match candidate.kind {
            CandidateKind::ServerReflexive => {
                self.reflexive.entry(party).or_default().insert(address);
            }
            CandidateKind::Relayed => {
                self.relayed.insert(address, party);
            }
            _ => {}
        }
    }

    /// A datagram arrived.
    pub(super) fn datagram(&mut self, datagram: &Datagram) {
        let Some(arrived) = datagram.arrived else { return };
        if let (Some(Place::Peer(from)), Some(Place::Server(index))) = (datagram.from, datagram.to)
        {
            self.wrapped_data(arrived, from, index, datagram);
        }
        let between =
            [datagram.from, datagram.to].iter().all(|place| matches!(place, Some(Place::Peer(_))));
        match datagram.carrier {
            Carrier::Tcp(number) if between => {
                let direction = usize::from(datagram.source > datagram.destination);
                let mut streams = std::mem::take(&mut self.streams);
                // What has no frames shows nothing.
                let _ = streams.take(number, direction, &datagram.payload, &mut |packet| {
                    self.packet(arrived, datagram, packet);
                });
                self.streams = streams;
            }
            _ => self.packet(arrived, datagram, &datagram.payload),
        }
    }

    /// A packet that came in a datagram, or in a stream.
    fn packet(&mut self, arrived: Duration, datagram: &Datagram, payload: &[u8]) {
        let Some((from, server_from)) = self.owner(datagram.from, datagram.seen_source) else {
            return;
        };
        let Some((to, server_to)) = self.owner(datagram.to, datagram.seen_destination) else {
            return;
        };
        if from == to || is_multicast_dns(datagram.source, datagram.destination, payload) {
            return;
        }
        match Protocol::of(payload) {
            Protocol::Stun => self.stun(arrived, from, payload),
            Protocol::Dtls => {
                if is_client_hello(payload) {
                    self.client_hellos.push((arrived, from));
                }
                if is_application_data(payload) {
                    let source = self.kind(from, server_from.is_some(), datagram.seen_source);
                    self.data.push(Sighting {
                        sent: datagram.sent,
                        arrived,
                        from,
                        relayed: server_from.or(server_to).is_some(),
                        source,
                        server: server_from.or(server_to),
                    });
                }
            }
            _ => {}
        }
    }

    fn wrapped_data(&mut self, arrived: Duration, from: Party, index: usize, datagram: &Datagram) {
        let channel = Protocol::of(&datagram.payload) == Protocol::TurnChannel;
        let stream = matches!(datagram.carrier, Carrier::Tcp(_));
        let send = View::new(&datagram.payload).message_type().is_some_and(|kind| {
            kind == MessageType { class: Class::Indication, method: Method::SEND }
        });
        if channel || stream || send {
            let (sent, source) = (datagram.sent, CandidateType::Relay);
            let server = Some(index);
            self.wrapped.push(Sighting { sent, arrived, from, relayed: true, source, server });
        }
    }

    /// The last sighting of a peer's data in a span of time.
    pub(super) fn last_data(&self, from: Party, span: Range<Duration>) -> Option<&Sighting> {
        let of = |data: &'_ [Sighting]| {
            data.iter().rposition(|seen| seen.from == from && span.contains(&seen.arrived))
        };
        match of(&self.data) {
            Some(place) => self.data.get(place),
            None => of(&self.wrapped).and_then(|place| self.wrapped.get(place)),
        }
    }

    /// Whose end of the path a place is: a peer's own, or the peer whose relayed address it is.
    fn owner(&self, place: Option<Place>, address: SocketAddr) -> Option<(Party, Option<usize>)> {
        match place? {
            Place::Peer(party) => Some((party, None)),
            Place::Server(index) => Some((*self.relayed.get(&address)?, Some(index))),
        }
    }

    fn kind(&self, party: Party, relayed: bool, address: SocketAddr) -> CandidateType {
        let has =
            |set: Option<&BTreeSet<IpAddr>>| set.is_some_and(|set| set.contains(&address.ip()));
        if relayed {
            CandidateType::Relay
        } else if has(self.own.get(&party)) {
            CandidateType::Host
        } else if self.reflexive.get(&party).is_some_and(|set| set.contains(&address)) {
            CandidateType::Srflx
        } else {
            CandidateType::Prflx
        }
    }

    fn stun(&mut self, arrived: Duration, from: Party, payload: &[u8]) {
        let view = View::new(payload);
        let (Some(kind), Some(id)) = (view.message_type(), view.transaction_id()) else { return };
        let MessageType { class, method } = kind;
        if method != Method::BINDING {
            return;
        }
        match class {
            Class::Request => {
                let username = view.username().unwrap_or_default().to_owned();
                let nominates = view.has(AttributeType::USE_CANDIDATE);
                self.open_requests.insert(id, (from, username.clone(), nominates));
                self.checks.push(Check { arrived, from, username, nominates, answered: false });
            }
            Class::SuccessResponse => {
                if let Some((from, username, nominates)) = self.open_requests.remove(&id) {
                    self.checks.push(Check { arrived, from, username, nominates, answered: true });
                }
            }
            Class::Indication | Class::ErrorResponse => {}
        }
    }
}

/// Record content type 22 in epoch 0 with a ClientHello that begins a message (RFC 6347 §4.2.2).
fn is_client_hello(payload: &[u8]) -> bool {
    matches!(payload, [22, _, _, 0, 0, _, _, _, _, _, _, _, _, 1, _, _, _, _, _, 0, 0, 0, ..])
}

/// Content type 23 (RFC 6347 §4.1), or the unified header of DTLS 1.3 in epoch 3 (RFC 9147 §4).
fn is_application_data(payload: &[u8]) -> bool {
    match payload.first() {
        Some(23) => true,
        Some(first) => first & 0b1110_0000 == 0b0010_0000 && first & 0b11 == 3,
        None => false,
    }
}
