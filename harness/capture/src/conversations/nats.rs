//! NATs between the observer and a server or the other end: what a peer is told of its address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rtcspec_trace::{Crossing, Datagram, Nat, Party, Place, Session};
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{Class, View};

/// A socket of a peer and where it sends to.
type Key = (Party, SocketAddr, SocketAddr);
/// Where what it sends there is seen to come from.
type Mappings = BTreeMap<Key, SocketAddr>;

/// Adds the NATs that XOR-MAPPED-ADDRESS gives away, and that datagrams cross them.
///
/// Only the peer at whose side the capture was taken is told an address that differs from the one
/// in the capture; a NAT at the other side shows in nothing but its candidates. With `several_views`
/// both sides of a NAT were seen, and only what changed there has crossed it.
pub(super) fn add(session: &mut Session, several_views: bool) {
    let mappings = mappings(session);
    for party in [Party::A, Party::B] {
        let mut external = Vec::new();
        let mut of_socket: BTreeMap<SocketAddr, Vec<SocketAddr>> = BTreeMap::new();
        for ((_, socket, _), mapped) in mappings.iter().filter(|((whose, ..), _)| *whose == party) {
            of_socket.entry(*socket).or_default().push(*mapped);
            if !external.contains(&mapped.ip()) {
                external.push(mapped.ip());
            }
        }
        if external.is_empty() {
            continue;
        }
        let name = format!("nat{}", party.letter());
        let words = words(&of_socket).to_owned();
        session.nats.push(Nat { name: name.clone(), words, external });
        session.peers.iter_mut().filter(|peer| peer.party == party).for_each(|peer| {
            peer.behind.push(name.clone());
        });
    }
    let mut seen = BTreeSet::new();
    for datagram in &mut session.datagrams {
        outbound(datagram, &mappings, &mut seen, several_views);
        inbound(datagram, &mappings, several_views);
    }
}

/// What a peer sends leaves the NAT from where that peer is mapped to.
fn outbound(
    datagram: &mut Datagram,
    mappings: &Mappings,
    seen: &mut BTreeSet<Key>,
    several_views: bool,
) {
    let Some(Place::Peer(party)) = datagram.from else { return };
    let key = (party, datagram.source, datagram.destination);
    let Some(source) = mappings.get(&key).copied() else { return };
    if several_views && datagram.seen_source != source {
        return;
    }
    let (nat, destination) = (format!("nat{}", party.letter()), datagram.destination);
    let new = seen.insert(key);
    datagram.crossings.push(Crossing { nat, new, hairpin: false, source, destination });
    datagram.seen_source = source;
}

/// What a peer gets was sent to where it is mapped to.
fn inbound(datagram: &mut Datagram, mappings: &Mappings, several_views: bool) {
    let Some(Place::Peer(party)) = datagram.to else { return };
    let key = (party, datagram.seen_destination, datagram.seen_source);
    let Some(mapped) = mappings.get(&key).copied() else { return };
    if several_views && datagram.destination != mapped {
        return;
    }
    let (nat, destination) = (format!("nat{}", party.letter()), datagram.seen_destination);
    let (source, new) = (datagram.seen_source, false);
    datagram.crossings.push(Crossing { nat, new, hairpin: false, source, destination });
    datagram.destination = mapped;
}

/// What answers to a peer's own requests tell it.
fn mappings(session: &Session) -> Mappings {
    let rewritten = session.datagrams.iter().flat_map(rewritten);
    let told = session.datagrams.iter().filter_map(|datagram| {
        let Some(Place::Peer(party)) = datagram.to else { return None };
        if Protocol::of(&datagram.payload) != Protocol::Stun {
            return None;
        }
        let view = View::new(&datagram.payload);
        let success = view.message_type()?.class == Class::SuccessResponse;
        let mapped = view.xor_mapped_address().filter(|_| success)?;
        let own = datagram.seen_destination;
        (mapped != own).then_some(((party, own, datagram.seen_source), mapped))
    });
    rewritten.chain(told).collect()
}

/// What interfaces on both sides of a NAT saw it do.
fn rewritten(datagram: &Datagram) -> impl Iterator<Item = (Key, SocketAddr)> {
    let Datagram { source, destination, seen_source, seen_destination, .. } = *datagram;
    let party = |place: Option<Place>| match place {
        Some(Place::Peer(party)) => Some(party),
        _ => None,
    };
    let out = party(datagram.from).filter(|_| source != seen_source);
    let out = out.map(|party| ((party, source, destination), seen_source));
    let back = party(datagram.to).filter(|_| destination != seen_destination);
    let back = back.map(|party| ((party, seen_destination, seen_source), destination));
    out.into_iter().chain(back)
}

/// RFC 4787 §4.1, as far as several destinations of one socket tell.
fn words(of_socket: &BTreeMap<SocketAddr, Vec<SocketAddr>>) -> &'static str {
    let several = of_socket.values().filter(|mapped| mapped.len() > 1);
    let same: Vec<bool> =
        several.map(|mapped| mapped.iter().all(|one| Some(one) == mapped.first())).collect();
    match (same.is_empty(), same.iter().all(|same| *same)) {
        (true, _) => "map=?",
        (false, true) => "map=endpoint",
        (false, false) => "map=varies",
    }
}
