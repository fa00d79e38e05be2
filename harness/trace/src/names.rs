//! Names by meaning: `h0`, `s0`, `t0`, `r0`, `home/B`, `A.1`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::flow::Packet;
use crate::signal::{Credentials, Found};
use crate::{Party, Place, Session};

/// Every name of a session.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hosts: BTreeMap<(Party, SocketAddr), String>,
    candidates: BTreeMap<(Party, SocketAddr), String>,
    reflexive: BTreeMap<Party, usize>,
    mdns: BTreeMap<String, String>,
    external: BTreeMap<SocketAddr, String>,
    servers: Vec<String>,
    generations: Vec<Credentials>,
}

impl Names {
    /// Names what the session and its unwrapped packets show.
    pub(crate) fn new(
        session: &Session,
        packets: &[Packet<'_>],
        found: &[Found],
        generations: Vec<Credentials>,
    ) -> Self {
        let servers =
            session.servers.iter().map(|server| crate::text::word(&server.name)).collect();
        let mut names = Self { servers, generations, ..Self::default() };
        names.name_hosts(session, packets, found);
        names.name_external(session);
        names.name_candidates(found);
        names
    }

    /// Sockets: the number is that of the interface, the letter that of a further socket there.
    fn name_hosts(&mut self, session: &Session, packets: &[Packet<'_>], found: &[Found]) {
        let own = |party: Party, ip: IpAddr| {
            let peer = session.peers.iter().find(|peer| peer.party == party)?;
            peer.addresses.iter().position(|address| *address == ip)
        };
        let signalled = found.iter().filter(|found| found.kind == "host" && !found.tcp);
        let signalled = signalled.filter_map(|found| Some((found.party, found.address?)));
        let mine = |packet: &&Packet<'_>| !packet.opaque && !crate::mdns::is(packet);
        let used = packets.iter().filter(mine).flat_map(|packet| {
            let end = |place, address| match place {
                Some(Place::Peer(party)) => Some((party, address)),
                _ => None,
            };
            [end(packet.from, packet.local), end(packet.to, packet.reached)]
        });
        let mut seen: BTreeMap<(Party, IpAddr), usize> = BTreeMap::new();
        let all: Vec<(Party, SocketAddr)> = signalled.chain(used.flatten()).collect();
        for (party, address) in all {
            let Some(number) = own(party, address.ip()) else { continue };
            if self.hosts.contains_key(&(party, address)) {
                continue;
            }
            let count = seen.entry((party, address.ip())).or_default();
            let family = if address.is_ipv6() { ":6" } else { "" };
            let name = format!("h{number}{}{family}", further(*count));
            *count += 1;
            self.hosts.insert((party, address), name);
        }
    }

    fn name_candidates(&mut self, found: &[Found]) {
        let mut counts: BTreeMap<(Party, String), usize> = BTreeMap::new();
        for one in found {
            if let Some(name) = &one.name {
                let next = format!("mdns{}", self.mdns.len());
                self.mdns.entry(name.clone()).or_insert(next);
            }
            let Some(address) = one.address else { continue };
            if self.hosts.contains_key(&(one.party, address))
                || self.candidates.contains_key(&(one.party, address))
            {
                continue;
            }
            let letter = match one.kind.as_str() {
                "srflx" => 's',
                "prflx" => 'r',
                "relay" => 't',
                _ => 'h',
            };
            // A server-reflexive candidate has its base's number where that is known.
            let base = one.related.and_then(|base| self.hosts.get(&(one.party, base)));
            let base = base.filter(|_| letter == 's').and_then(|name| number_of(name));
            let stem = match base {
                Some(number) => format!("s{number}"),
                None if letter == 't' => {
                    let nth = counts.entry((one.party, "t".to_owned())).or_default();
                    *nth += 1;
                    format!("t{}", *nth - 1)
                }
                None => format!("{letter}0"),
            };
            let stem = if address.port() == 9 && one.tcp { format!("{stem}tcp") } else { stem };
            let count = counts.entry((one.party, stem.clone())).or_default();
            let name = format!("{stem}{}", further(*count));
            *count += 1;
            self.candidates.insert((one.party, address), name);
        }
    }

    /// External endpoints of NATs, by what they are for.
    fn name_external(&mut self, session: &Session) {
        let mut targets: BTreeMap<SocketAddr, BTreeSet<Option<Place>>> = BTreeMap::new();
        let mut order: Vec<(SocketAddr, &str, Option<Place>)> = Vec::new();
        let mut users: BTreeMap<&str, BTreeSet<Place>> = BTreeMap::new();
        for datagram in &session.datagrams {
            let mut source = datagram.source;
            for crossing in &datagram.crossings {
                if crossing.source != source {
                    let known = targets.entry(crossing.source).or_default();
                    if known.is_empty() {
                        order.push((crossing.source, &crossing.nat, datagram.from));
                    }
                    known.insert(datagram.to);
                    users.entry(&crossing.nat).or_default().extend(datagram.from);
                }
                source = crossing.source;
            }
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (address, nat, from) in order {
            let words = session.nats.iter().find(|known| known.name == nat);
            let towards = &targets[&address];
            let any = words
                .is_some_and(|nat| nat.words.split(' ').any(|word| word == "map=endpoint"))
                || towards.len() > 1;
            let target = match towards.first() {
                _ if any => "*".to_owned(),
                Some(Some(place)) => self.place(Some(*place)),
                _ => "?".to_owned(),
            };
            let shared = users.get(nat).is_some_and(|users| users.len() > 1);
            let owner = if shared { format!("({})", self.place(from)) } else { String::new() };
            let stem = format!("{}{owner}/{target}", crate::text::word(nat));
            let count = counts.entry(stem.clone()).or_default();
            *count += 1;
            let name = if *count > 1 { format!("{stem}#{count}") } else { stem };
            self.external.insert(address, name);
        }
    }

    /// `A`, `turn`, or `?`.
    pub(crate) fn place(&self, place: Option<Place>) -> String {
        match place {
            Some(Place::Peer(party)) => party.letter().to_string(),
            Some(Place::Server(index)) => {
                self.servers.get(index).cloned().unwrap_or_else(|| format!("server{index}"))
            }
            None => "?".to_owned(),
        }
    }

    /// The short name of an address of a peer, if it has one.
    pub(crate) fn short(&self, party: Party, address: SocketAddr) -> Option<&str> {
        let key = (party, address);
        self.hosts.get(&key).or_else(|| self.candidates.get(&key)).map(String::as_str)
    }

    /// The full name of an address of a peer.
    pub(crate) fn known(&self, party: Party, address: SocketAddr) -> Option<String> {
        self.short(party, address).map(|name| {
            if name.starts_with('h') {
                name.to_owned()
            } else {
                format!("{}.{name}", party.letter())
            }
        })
    }

    /// The short name of an address a peer was seen at; a new one is peer-reflexive.
    pub(crate) fn learn(&mut self, party: Party, address: SocketAddr) -> (String, bool) {
        if let Some(name) = self.short(party, address) {
            return (name.to_owned(), false);
        }
        let count = self.reflexive.entry(party).or_default();
        let name = format!("r{count}");
        *count += 1;
        self.candidates.insert((party, address), name.clone());
        (name, true)
    }

    /// A new relayed address.
    pub(crate) fn relayed(&mut self, party: Party, address: SocketAddr) -> String {
        let taken = |names: &Self| {
            names.candidates.iter().filter(|((p, _), n)| *p == party && n.starts_with('t')).count()
        };
        if self.short(party, address).is_none() {
            let name = format!("t{}", taken(self));
            self.candidates.insert((party, address), name);
        }
        format!("{}.{}", party.letter(), self.short(party, address).unwrap_or("t0"))
    }

    /// The external endpoint of a NAT: `home/B`.
    pub(crate) fn external(&self, address: SocketAddr) -> Option<String> {
        self.external.get(&address).cloned()
    }

    /// What a mapped address is, as told to a peer.
    pub(crate) fn mapped(&self, party: Party, address: SocketAddr) -> String {
        let own = || {
            let name = self.short(party, address)?;
            Some(if name.starts_with('h') {
                name.to_owned()
            } else {
                format!("{}.{name}", party.letter())
            })
        };
        self.external(address).or_else(own).unwrap_or_else(|| "OTHER".to_owned())
    }

    /// The name that stands for one of multicast DNS.
    pub(crate) fn hidden(&self, name: &str) -> String {
        self.mdns.get(name).cloned().unwrap_or_else(|| "OTHER".to_owned())
    }

    /// The name of a signalled candidate.
    pub(crate) fn candidate(&self, found: &Found) -> String {
        let mdns = || found.name.as_ref().and_then(|name| self.mdns.get(name)).cloned();
        let short = found.address.and_then(|address| self.short(found.party, address));
        let name = short.map(str::to_owned).or_else(mdns).unwrap_or_else(|| "?".to_owned());
        format!("{}.{name}", found.party.letter())
    }

    /// `A.1`: which generation of a peer's credentials a ufrag belongs to.
    pub(crate) fn generation(&self, party: Party, ufrag: &str) -> String {
        let own = self.generations.iter().filter(|one| one.party == party);
        match own.map(|one| &one.ufrag).position(|known| known == ufrag) {
            Some(index) => format!("{}.{}", party.letter(), index + 1),
            None => format!("{}.UNKNOWN", party.letter()),
        }
    }

    /// All credentials of a peer with this ufrag.
    pub(crate) fn credentials(&self, party: Party, ufrag: &str) -> Option<&Credentials> {
        self.generations.iter().find(|one| one.party == party && one.ufrag == ufrag)
    }
}

/// The interface of a peer with an address: `h0`, `h1:6`.
pub(crate) fn interface(session: &Session, party: Party, ip: IpAddr) -> Option<String> {
    let peer = session.peers.iter().find(|peer| peer.party == party)?;
    let number = peer.addresses.iter().position(|address| *address == ip)?;
    Some(format!("h{number}{}", if ip.is_ipv6() { ":6" } else { "" }))
}

/// Nothing for the first, `b`, `c` and so on for further ones.
fn further(count: usize) -> String {
    match u8::try_from(count) {
        Ok(0) => String::new(),
        Ok(count) if count < 25 => char::from(b'a' + count).to_string(),
        _ => format!("_{count}"),
    }
}

/// The number in `h3b`.
fn number_of(name: &str) -> Option<usize> {
    let digits: String = name.chars().skip(1).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
