//! Mapping, filtering, ports, pooling and hairpinning.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::class::{Collision, PortUse};
use super::ground::{Ground, Inside, Server};
use crate::fabric::TopologyError;
use crate::nat::{FilterScope, Filtering, Hairpin, Mapping, Params, ReplyBinding};

/// Ports that are asked from one after the other, above the usual one: uneven steps, so that
/// counting up does not look like keeping parity.
const STEPS: [u16; 12] = [0, 1, 3, 4, 8, 9, 10, 13, 15, 16, 18, 21];
/// Ports that the mapping is asked from, so many that what a box with few limits can give is enough
/// (`class` calls a box tight that has less than 24 mappings to give).
const ROUNDS: usize = 6;
/// Twelve random ports this near to each other come from a block.
const BLOCK: u16 = 4096;

/// RFC 5780 §4.3: are the addresses seen by (A1, P1), (A2, P1) and (A2, P2) the same? `crowded`:
/// a neighbour has sent from the same port to (A2, P1) before.
///
/// Asked from several ports, as two mappings can be equal by chance: of a box that keeps ports and
/// gives each mapping one of two addresses, every other pair is.
pub(super) fn mapping(params: &Params, crowded: bool) -> Result<Option<Mapping>, TopologyError> {
    let mut ground = Ground::new(params)?;
    let mut most = None;
    for plus in &STEPS[..ROUNDS] {
        let Some(seen) = mapping_of(&mut ground, *plus, crowded) else { break };
        most = most.max(Some(seen));
    }
    Ok(most)
}

/// The same from one port.
fn mapping_of(ground: &mut Ground, plus: u16, crowded: bool) -> Option<Mapping> {
    if crowded {
        ground.ask(Inside::Neighbour, plus, Server::OTHER_IP);
    }
    let [first, second, third] = [Server::PRIMARY, Server::OTHER_IP, Server::OTHER_BOTH]
        .map(|server| ground.ask(Inside::Probe, plus, server));
    let (first, second, third) = (first?, second?, third?);
    Some(match (first == second, second == third) {
        (true, true) => Mapping::EndpointIndependent,
        (_, true) => Mapping::AddressDependent,
        (_, false) => Mapping::AddressAndPortDependent,
    })
}

/// RFC 5780 §4.4: does an answer come in from (A2, P2), or from (A1, P2)? Each is asked of a fresh
/// box, as a box may punish what it filters.
pub(super) fn filtering(params: &Params) -> Result<Option<Filtering>, TopologyError> {
    let comes_from = |server| -> Result<Option<bool>, TopologyError> {
        let mut ground = Ground::new(params)?;
        let reached = ground.ask(Inside::Probe, 0, Server::PRIMARY);
        Ok(reached.map(|_| ground.answered_from(server)))
    };
    Ok(match (comes_from(Server::OTHER_BOTH)?, comes_from(Server::OTHER_PORT)?) {
        (Some(true), _) => Some(Filtering::EndpointIndependent),
        (Some(false), Some(true)) => Some(Filtering::AddressDependent),
        (Some(false), Some(false)) => Some(Filtering::AddressAndPortDependent),
        _ => None,
    })
}

/// Whether having sent to (A2, P1) through another mapping lets (A2, P1) in to this one. `None`
/// where one mapping serves both, or everybody is let in.
pub(super) fn filter_scope(params: &Params) -> Result<Option<FilterScope>, TopologyError> {
    let stranger_comes_in = {
        let mut ground = Ground::new(params)?;
        ground.ask(Inside::Probe, 0, Server::PRIMARY);
        ground.answered_from(Server::OTHER_IP)
    };
    let mut ground = Ground::new(params)?;
    // In this order: the answer that is waited for goes to the mapping to (A1, P1).
    let other = ground.ask(Inside::Probe, 0, Server::OTHER_IP);
    let first = ground.ask(Inside::Probe, 0, Server::PRIMARY);
    if stranger_comes_in || other == first || other.is_none() || first.is_none() {
        return Ok(None);
    }
    Ok(Some(match ground.answered_from(Server::OTHER_IP) {
        true => FilterScope::Endpoint,
        false => FilterScope::Mapping,
    }))
}

/// Whether a packet that came in to the mapping for (A1, P1) makes answers to its sender leave by
/// that mapping. `None` where one mapping serves both, or the sender is filtered.
pub(super) fn reply_binding(params: &Params) -> Result<Option<ReplyBinding>, TopologyError> {
    let senders = [Server::OTHER_BOTH, Server::OTHER_PORT];
    for sender in senders {
        if let Some((came_first, spoke_first)) = bound(params, sender)? {
            return Ok(Some(match (came_first, spoke_first) {
                (false, _) => ReplyBinding::None,
                (true, false) => ReplyBinding::First,
                (true, true) => ReplyBinding::Latest,
            }));
        }
    }
    Ok(None)
}

/// Whether the probe's packets to a sender leave by the mapping that the sender used: when the
/// sender came first, and when the probe had spoken to it before.
fn bound(params: &Params, sender: Server) -> Result<Option<(bool, bool)>, TopologyError> {
    let mut apart = Ground::new(params)?;
    let own = apart.ask(Inside::Probe, 0, sender);
    let used = apart.ask(Inside::Probe, 0, Server::PRIMARY);
    if own.is_none() || used.is_none() || own == used {
        return Ok(None);
    }
    if !apart.answered_from(sender) {
        return Ok(None);
    }
    let spoke_first = apart.ask(Inside::Probe, 0, sender) == used;
    let mut fresh = Ground::new(params)?;
    let used = fresh.ask(Inside::Probe, 0, Server::PRIMARY);
    if !fresh.answered_from(sender) {
        return Ok(None);
    }
    let came_first = fresh.ask(Inside::Probe, 0, sender) == used;
    Ok(Some((came_first, spoke_first)))
}

/// How external ports relate to internal ones (RFC 4787 §4.2).
pub(super) fn ports(params: &Params) -> Result<PortUse, TopologyError> {
    let mut ground = Ground::new(params)?;
    let first = ground.port();
    let seen: Vec<(u16, u16)> = STEPS
        .iter()
        .filter_map(|&plus| {
            let external = ground.ask(Inside::Probe, plus, Server::PRIMARY)?.port();
            Some((first.saturating_add(plus), external))
        })
        .collect();
    if seen.len() >= 2 && seen.iter().all(|(internal, external)| internal == external) {
        return Ok(PortUse::Preserved(collision(params)?));
    }
    // Two steps can be equal by chance.
    if seen.len() < 4 {
        return Ok(PortUse::Untold);
    }
    let parity = seen.iter().all(|(internal, external)| internal % 2 == external % 2);
    let externals: Vec<u16> = seen.iter().map(|(_, external)| *external).collect();
    let steps: BTreeSet<u16> =
        externals.windows(2).map(|two| two[1].wrapping_sub(two[0])).collect();
    if let (1, Some(&step)) = (steps.len(), steps.first()) {
        return Ok(PortUse::Counted { step });
    }
    let spread = externals.iter().max().zip(externals.iter().min());
    let block = spread.is_some_and(|(most, least)| most - least < BLOCK);
    Ok(PortUse::Scattered { block, parity })
}

/// What a host gets whose port a neighbour's mapping has.
fn collision(params: &Params) -> Result<Collision, TopologyError> {
    let mut ground = Ground::new(params)?;
    let theirs = ground.ask(Inside::Neighbour, 0, Server::PRIMARY);
    let to_the_same = ground.ask(Inside::Probe, 0, Server::PRIMARY);
    if theirs.map(|address| address.ip()) != to_the_same.or(theirs).map(|address| address.ip()) {
        return Ok(Collision::Unseen);
    }
    let still_theirs = ground.ask(Inside::Neighbour, 0, Server::PRIMARY);
    let has = |seen: Option<SocketAddr>, port: u16| seen.is_some_and(|seen| seen.port() == port);
    let port = ground.port();
    if has(to_the_same, port) && has(still_theirs, port) {
        return Ok(Collision::Taken);
    }
    let mut ground = Ground::new(params)?;
    ground.ask(Inside::Neighbour, 0, Server::PRIMARY);
    let to_another = ground.ask(Inside::Probe, 0, Server::OTHER_BOTH);
    Ok(match (to_another, has(to_another, port)) {
        (None, _) => Collision::Refused,
        (Some(_), true) => Collision::Shared,
        (Some(_), false) => Collision::Other,
    })
}

/// How many external addresses one host is seen with (RFC 4787 §4.1, pooling).
pub(super) fn addresses(params: &Params) -> Result<usize, TopologyError> {
    let mut ground = Ground::new(params)?;
    let seen: BTreeSet<IpAddr> = STEPS
        .iter()
        .filter_map(|&plus| ground.ask(Inside::Probe, plus, Server::PRIMARY))
        .map(|seen| seen.ip())
        .collect();
    Ok(seen.len())
}

/// Whether two hosts behind the box reach each other by its external addresses, and what source
/// the packets then have (RFC 4787 §6). Both send, so that each opens its filter for the other.
pub(super) fn hairpin(params: &Params) -> Result<Option<Hairpin>, TopologyError> {
    let mut ground = Ground::new(params)?;
    let [probe, neighbour] = [Inside::Probe, Inside::Neighbour];
    let seen = [probe, neighbour].map(|who| ground.ask(who, 0, Server::PRIMARY));
    let [Some(to_probe), Some(to_neighbour)] = seen else { return Ok(None) };
    ground.send(probe, 0, to_neighbour, b"hairpin".to_vec());
    ground.send(neighbour, 0, to_probe, b"hairpin".to_vec());
    let own = ground.address(neighbour).map(|address| address.ip());
    Ok(Some(match ground.heard(probe) {
        None => Hairpin::None,
        Some((from, _)) if Some(from.ip()) == own => Hairpin::Internal,
        Some(_) => Hairpin::External,
    }))
}
