//! Whose an address is, in one connection.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rtcspec_trace::watch::Side;
use rtcspec_trace::{Party, Place};

use super::collect::Collected;
use super::sightings::Kept;

/// Addresses of one connection that are listed.
const MAX_ADDRESSES: usize = 64;

/// The two ends of one connection.
#[derive(Debug, Default)]
pub(super) struct People {
    sockets: BTreeMap<SocketAddr, Party>,
    /// Whose an address is; `None` if both ends have it, as on one machine.
    hosts: BTreeMap<IpAddr, Option<Party>>,
    order: Vec<(Party, IpAddr)>,
}

impl People {
    /// Of every connection, from the frames that are known to be of it.
    pub(super) fn of_all(collected: &Collected) -> BTreeMap<u32, Self> {
        let mut all: BTreeMap<u32, Self> = BTreeMap::new();
        for frame in &collected.frames {
            if let Some(id) = frame.connection {
                all.entry(id).or_default().see(frame, collected);
            }
        }
        all
    }

    fn see(&mut self, frame: &Kept, collected: &Collected) {
        let Some(from) = frame.from.party() else { return };
        let (source, destination) = (frame.first.source, frame.last().destination);
        match frame.server {
            // What a client sends through a server is its own; what comes is the other's.
            Some(server) if server == frame.first.destination => self.learn(from, source),
            Some(_) => self.learn(from.other(), destination),
            None => {
                for (party, address) in [(from, source), (from.other(), destination)] {
                    if !collected.relayed.contains(&address) {
                        self.learn(party, address);
                    }
                }
            }
        }
    }

    fn learn(&mut self, party: Party, address: SocketAddr) {
        if self.sockets.insert(address, party).is_some() {
            return;
        }
        let known = self.hosts.entry(address.ip()).or_insert(Some(party));
        if *known != Some(party) {
            *known = None;
        }
        if !self.order.contains(&(party, address.ip())) && self.order.len() < MAX_ADDRESSES {
            self.order.push((party, address.ip()));
        }
    }

    /// Takes in that a party says an address is its own; what was seen counts for more.
    pub(super) fn announce(&mut self, party: Party, address: IpAddr) {
        if self.hosts.len() < MAX_ADDRESSES {
            self.hosts.entry(address).or_insert(Some(party));
        }
    }

    /// The addresses of all sockets, and those that were announced.
    pub(super) fn hosts(&self) -> impl Iterator<Item = IpAddr> {
        self.hosts.keys().copied()
    }

    /// Whose this is, by the socket or else by the address.
    pub(super) fn party(&self, address: SocketAddr) -> Option<Party> {
        let by_host = || self.hosts.get(&address.ip()).copied().flatten();
        self.sockets.get(&address).copied().or_else(by_host)
    }

    /// The addresses of one end, in the order they appeared.
    pub(super) fn addresses(&self, party: Party) -> impl Iterator<Item = IpAddr> {
        self.order.iter().filter(move |(whose, _)| *whose == party).map(|(_, ip)| *ip)
    }

    /// All sockets.
    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.keys().copied()
    }

    /// From and to.
    pub(super) fn places(
        &self,
        frame: &Kept,
        servers: &BTreeMap<IpAddr, usize>,
        collected: &Collected,
    ) -> [Option<Place>; 2] {
        let server = |address: SocketAddr| servers.get(&address.ip()).copied().map(Place::Server);
        let (source, destination) = (frame.first.source, frame.last().destination);
        if let Some(address) = frame.server {
            let towards = address == frame.first.destination;
            let client = if towards { source } else { destination };
            let client = self.party(client).map(Place::Peer);
            let at = server(address);
            return if towards { [client, at] } else { [at, client] };
        }
        let side = |address: SocketAddr, side: Side| {
            let relays = collected.relayed.contains(&address);
            let by_address = || self.party(address).map(Place::Peer);
            match side.party() {
                _ if relays => server(address).or_else(by_address),
                Some(party) => Some(Place::Peer(party)),
                None => by_address(),
            }
        };
        [side(source, frame.from), side(destination, frame.from.other())]
    }
}
