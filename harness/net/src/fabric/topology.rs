use std::collections::BTreeMap;
use std::net::IpAddr;

use super::element::{
    Element, ElementId, FirewallId, HostId, Kind, LinkId, NatId, PortId, SegmentId,
};
use super::multicast::Groups;
use super::runtime::Runtime;
use super::watch::Watch;
use crate::draw::Draws;
use crate::firewall::{Blocks, Gate};
use crate::link::Wire;
use crate::prefix::Prefix;
use crate::table::{Key, Store};
use crate::{firewall, link, nat, segment};

/// A network that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// Two elements of one kind have one name.
    #[error("add {name}: the name is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// An address is used twice on a segment.
    #[error("add {address} to {segment}: the address is taken")]
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// The segment.
        segment: String,
    },
    /// An address lies outside the segment's prefixes.
    #[error("add {address} to {segment}: not in its prefixes")]
    NotOnSegment {
        /// The address.
        address: IpAddr,
        /// The segment.
        segment: String,
    },
    /// A segment has no address left, or none of the family that is needed.
    #[error("find a free address on {segment}")]
    NoAddress {
        /// The segment.
        segment: String,
    },
    /// A segment has two ways out.
    #[error("add {name}: {segment} has a gateway already")]
    SecondGateway {
        /// The NAT that came second.
        name: String,
        /// The segment.
        segment: String,
    },
    /// A segment has two hosts that stand for everybody else.
    #[error("join {segment} for everybody elsewhere: another host does")]
    SecondElsewhere {
        /// The segment.
        segment: String,
    },
    /// A NAT's inside and outside are the same segment.
    #[error("add {name}: inside and outside are one segment")]
    SameSegment {
        /// The NAT.
        name: String,
    },
}

/// The network: built once, changed by actions while it runs.
#[derive(Debug)]
pub struct Fabric {
    seed: u64,
    names: BTreeMap<String, ElementId>,
    pub(super) elements: Vec<Element>,
    pub(super) segments: Vec<Segment>,
    pub(super) nats: Vec<Nat>,
    pub(super) firewalls: Vec<Firewall>,
    pub(super) links: Vec<Link>,
    pub(super) hosts: Vec<Vec<PortId>>,
    pub(super) groups: Vec<Groups>,
    host_elements: Vec<ElementId>,
    pub(super) ports: Vec<Port>,
    pub(super) runtime: Runtime,
    pub(super) watch: Watch,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) params: segment::Params,
    pub(super) on_link: Store<PortId>,
    pub(super) gateway: Option<PortId>,
    pub(super) routes: Vec<(Prefix, PortId)>,
    /// Ports a partition cuts off from the others.
    pub(super) apart: Vec<PortId>,
    /// Who has all addresses that nobody else here has.
    pub(super) elsewhere: Option<PortId>,
}

#[derive(Debug)]
pub(super) struct Nat {
    pub(super) core: nat::Core,
    pub(super) v6: nat::V6,
    pub(super) v6_gate: Gate,
    pub(super) blocks: Blocks,
    pub(super) inside: PortId,
    pub(super) outside: PortId,
}

#[derive(Debug)]
pub(super) struct Firewall {
    pub(super) gate: Gate,
}

#[derive(Debug)]
pub(super) struct Link {
    /// Out and in.
    pub(super) wires: [Wire; 2],
    pub(super) port: PortId,
    /// Its place in the port's wire.
    pub(super) place: usize,
    pub(super) element: ElementId,
}

#[derive(Debug)]
pub(super) struct Port {
    pub(super) owner: Owner,
    pub(super) segment: Option<SegmentId>,
    pub(super) addresses: Vec<IpAddr>,
    /// What is in the wire, the nearest to the owner first.
    pub(super) wire: Vec<InWire>,
}

/// Who has a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Host(HostId),
    Inside(NatId),
    Outside(NatId),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum InWire {
    Firewall(FirewallId),
    Link(LinkId),
}

impl Fabric {
    /// An empty network. Everything random in it depends on `seed` and on names.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            names: BTreeMap::new(),
            elements: Vec::new(),
            segments: Vec::new(),
            nats: Vec::new(),
            firewalls: Vec::new(),
            links: Vec::new(),
            hosts: Vec::new(),
            groups: Vec::new(),
            host_elements: Vec::new(),
            ports: Vec::new(),
            runtime: Runtime::default(),
            watch: Watch::default(),
        }
    }

    /// Adds a segment, `net.<name>`.
    ///
    /// # Errors
    /// [`TopologyError`] if the name is taken.
    pub fn segment(
        &mut self,
        name: &str,
        params: segment::Params,
    ) -> Result<SegmentId, TopologyError> {
        let element = self.name(Kind::Segment, name)?;
        let id = SegmentId { element, index: self.segments.len() as u32 };
        self.segments.push(Segment {
            params,
            on_link: Store::default(),
            gateway: None,
            routes: Vec::new(),
            apart: Vec::new(),
            elsewhere: None,
        });
        Ok(id)
    }

    /// Adds a NAT, `nat.<name>`, that becomes the gateway of `inside` and takes as many addresses
    /// of `outside` as its parameters say.
    ///
    /// # Errors
    /// [`TopologyError`] if the name is taken, `inside` has a gateway or is `outside`, or an
    /// address cannot be had.
    pub fn nat(
        &mut self,
        name: &str,
        params: nat::Params,
        inside: SegmentId,
        outside: SegmentId,
    ) -> Result<NatId, TopologyError> {
        if inside == outside {
            return Err(TopologyError::SameSegment { name: name.into() });
        }
        if self.segments[inside.index()].gateway.is_some() {
            let segment = self.elements[inside.element.index()].name.clone();
            return Err(TopologyError::SecondGateway { name: name.into(), segment });
        }
        let element = self.name(Kind::Nat, name)?;
        let id = NatId { element, index: self.nats.len() as u32 };
        let inner = self.port(Owner::Inside(id), inside, self.gateway_addresses(inside))?;
        let external = self.free_addresses(outside, Family::V4, params.addresses.max(1))?;
        let outer = self.port(Owner::Outside(id), outside, external)?;
        self.segments[inside.index()].gateway = Some(inner);
        let draws = Draws::new(self.seed, self.elements[element.index()].key, 0);
        let mut core = nat::Core::new(params.clone(), draws, self.addresses(outer));
        for address in self.addresses_inside(inside, inner) {
            core.learn(address);
        }
        self.nats.push(Nat {
            core,
            v6: params.v6,
            v6_gate: Gate::new(v6_firewall(&params)),
            blocks: Blocks::default(),
            inside: inner,
            outside: outer,
        });
        self.route_v6(inside, outer);
        Ok(id)
    }

    /// Puts a firewall, `firewall.<name>`, into the wire at `port`, on the segment's side of what
    /// is there already. It protects the host or the NAT's inside: on a host and on the outside of
    /// a NAT, out is towards the segment; on the inside of a NAT, out is towards the NAT.
    ///
    /// # Errors
    /// [`TopologyError`] if the name is taken.
    pub fn firewall(
        &mut self,
        name: &str,
        params: firewall::Params,
        port: PortId,
    ) -> Result<FirewallId, TopologyError> {
        let element = self.name(Kind::Firewall, name)?;
        let id = FirewallId { element, index: self.firewalls.len() as u32 };
        self.firewalls.push(Firewall { gate: Gate::new(params) });
        self.ports[port.index()].wire.push(InWire::Firewall(id));
        Ok(id)
    }

    /// Puts a link, `link.<name>`, into the wire at `port`, on the segment's side of what is there
    /// already. `params` are those of out and in; directions are a firewall's.
    ///
    /// # Errors
    /// [`TopologyError`] if the name is taken.
    pub fn link(
        &mut self,
        name: &str,
        params: [link::Params; 2],
        port: PortId,
    ) -> Result<LinkId, TopologyError> {
        let element = self.name(Kind::Link, name)?;
        let id = LinkId { element, index: self.links.len() as u32 };
        let key = self.elements[element.index()].key;
        let [out, back] = params;
        let wires = [
            Wire::new(out, Draws::new(self.seed, key, 1)),
            Wire::new(back, Draws::new(self.seed, key, 2)),
        ];
        let wire = &mut self.ports[port.index()].wire;
        self.links.push(Link { wires, port, place: wire.len(), element });
        wire.push(InWire::Link(id));
        Ok(id)
    }

    /// Adds a host, `<name>`, without interfaces.
    ///
    /// # Errors
    /// [`TopologyError`] if the name is taken.
    pub fn host(&mut self, name: &str) -> Result<HostId, TopologyError> {
        let element = self.name(Kind::Host, name)?;
        let id = HostId { element, index: self.hosts.len() as u32 };
        self.hosts.push(Vec::new());
        self.groups.push(Groups::default());
        self.host_elements.push(element);
        Ok(id)
    }

    /// Joins a host to a segment with these addresses, or, if there are none, with the next free
    /// one of each family the segment has.
    ///
    /// # Errors
    /// [`TopologyError`] if an address is taken, not of the segment or cannot be had.
    pub fn interface(
        &mut self,
        host: HostId,
        segment: SegmentId,
        addresses: &[IpAddr],
    ) -> Result<PortId, TopologyError> {
        let addresses = self.addresses_or_free(segment, addresses)?;
        let port = self.port(Owner::Host(host), segment, addresses)?;
        self.hosts[host.index()].push(port);
        self.teach_gateway(segment, port);
        Ok(port)
    }

    /// Joins a host to a segment that stands for everybody elsewhere: it has no address of its own,
    /// and what goes to an address that nobody else there has goes to it.
    ///
    /// # Errors
    /// [`TopologyError::SecondElsewhere`] if somebody stands for everybody already.
    pub fn elsewhere(&mut self, host: HostId, segment: SegmentId) -> Result<PortId, TopologyError> {
        if self.segments[segment.index()].elsewhere.is_some() {
            let segment = self.elements[segment.element.index()].name.clone();
            return Err(TopologyError::SecondElsewhere { segment });
        }
        let port = self.port(Owner::Host(host), segment, Vec::new())?;
        self.hosts[host.index()].push(port);
        self.segments[segment.index()].elsewhere = Some(port);
        Ok(port)
    }

    /// The side of a NAT that faces the hosts it serves.
    pub fn inside(&self, nat: NatId) -> PortId {
        self.nats[nat.index()].inside
    }

    /// The side of a NAT that faces the world.
    pub fn outside(&self, nat: NatId) -> PortId {
        self.nats[nat.index()].outside
    }

    /// The addresses of an interface or of one side of a NAT.
    pub fn addresses(&self, port: PortId) -> &[IpAddr] {
        &self.ports[port.index()].addresses
    }

    /// A host's interfaces, in the order they were added.
    pub fn interfaces(&self, host: HostId) -> &[PortId] {
        &self.hosts[host.index()]
    }

    /// Every host, in the order they were added.
    pub fn host_ids(&self) -> Vec<HostId> {
        let names = self.names.values();
        let mut ids: Vec<HostId> = names.filter_map(|&element| self.host_of(element)).collect();
        ids.sort_unstable();
        ids
    }

    /// The host that is this element.
    pub fn host_of(&self, element: ElementId) -> Option<HostId> {
        self.host_elements
            .iter()
            .position(|&host| host == element)
            .map(|index| HostId { element, index: index as u32 })
    }

    /// The randomness of a host.
    pub(crate) fn draws(&self, host: HostId) -> Draws {
        Draws::new(self.seed, self.elements[host.element.index()].key, 0)
    }

    /// An element's full name: `nat.home`, `link.home`, `alice`.
    pub fn element_name(&self, element: impl Into<ElementId>) -> &str {
        &self.elements[element.into().index()].name
    }

    /// The element of that full name.
    pub fn find(&self, name: &str) -> Option<ElementId> {
        self.names.get(name).copied()
    }

    /// What everything random here depends on.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn name(&mut self, kind: Kind, name: &str) -> Result<ElementId, TopologyError> {
        let element = Element::new(kind, name);
        if self.names.contains_key(&element.name) {
            return Err(TopologyError::NameTaken { name: element.name });
        }
        let id = ElementId(self.elements.len() as u32);
        self.names.insert(element.name.clone(), id);
        self.elements.push(element);
        Ok(id)
    }

    fn port(
        &mut self,
        owner: Owner,
        segment: SegmentId,
        addresses: Vec<IpAddr>,
    ) -> Result<PortId, TopologyError> {
        let port = PortId(self.ports.len() as u32);
        self.settle(port, segment, &addresses)?;
        self.ports.push(Port { owner, segment: Some(segment), addresses, wire: Vec::new() });
        Ok(port)
    }

    /// Puts a port's addresses on a segment.
    pub(super) fn settle(
        &mut self,
        port: PortId,
        segment: SegmentId,
        addresses: &[IpAddr],
    ) -> Result<(), TopologyError> {
        let name = || self.elements[segment.element.index()].name.clone();
        let place = &mut self.segments[segment.index()];
        for (n, &address) in addresses.iter().enumerate() {
            if !place.params.v4.into_iter().chain(place.params.v6).any(|p| p.contains(address)) {
                return Err(TopologyError::NotOnSegment { address, segment: name() });
            }
            let twice = addresses[..n].contains(&address);
            if twice || place.on_link.get(&on_link_key(address)).is_some() {
                return Err(TopologyError::AddressTaken { address, segment: name() });
            }
        }
        for &address in addresses {
            if place.on_link.set(on_link_key(address), port).is_err() {
                return Err(TopologyError::NoAddress { segment: name() });
            }
        }
        Ok(())
    }

    /// Takes a port's addresses off its segment.
    pub(super) fn unsettle(&mut self, port: PortId) {
        let Some(segment) = self.ports[port.index()].segment else { return };
        for address in std::mem::take(&mut self.ports[port.index()].addresses) {
            self.segments[segment.index()].on_link.remove(&on_link_key(address));
        }
    }

    /// These addresses, or the next free one of each family the segment has.
    pub(super) fn addresses_or_free(
        &self,
        segment: SegmentId,
        addresses: &[IpAddr],
    ) -> Result<Vec<IpAddr>, TopologyError> {
        if !addresses.is_empty() {
            return Ok(addresses.to_vec());
        }
        let params = &self.segments[segment.index()].params;
        let (v4, v6) = (params.v4.is_some(), params.v6.is_some());
        let mut found = self.free_addresses(segment, Family::V4, usize::from(v4))?;
        found.extend(self.free_addresses(segment, Family::V6, usize::from(v6))?);
        Ok(found)
    }

    /// Tells a segment's NAT of the addresses of a port, for 1:1 translation.
    pub(super) fn teach_gateway(&mut self, segment: SegmentId, port: PortId) {
        let Some(gateway) = self.segments[segment.index()].gateway else { return };
        if let Owner::Inside(nat) = self.ports[gateway.index()].owner {
            let v4 = self.ports[port.index()].addresses.iter().filter(|a| a.is_ipv4());
            v4.for_each(|&address| self.nats[nat.index()].core.learn(address));
        }
    }

    /// Tells a NAT of everyone inside once more.
    pub(super) fn learn_again(&mut self, segment: SegmentId, inside: PortId) {
        let Owner::Inside(nat) = self.ports[inside.index()].owner else { return };
        for address in self.addresses_inside(segment, inside) {
            self.nats[nat.index()].core.learn(address);
        }
    }

    /// The firewall that is this element.
    pub(super) fn firewall_of(&self, element: ElementId) -> Option<FirewallId> {
        let wires = self.ports.iter().flat_map(|port| &port.wire);
        wires
            .filter_map(|wire| match wire {
                InWire::Firewall(id) => Some(*id),
                InWire::Link(_) => None,
            })
            .find(|id| id.element == element)
    }

    /// The IPv4 addresses on a segment, but for one port's, by order of the ports.
    fn addresses_inside(&self, segment: SegmentId, except: PortId) -> Vec<IpAddr> {
        let others = self
            .ports
            .iter()
            .enumerate()
            .filter(|(n, port)| *n != except.index() && port.segment == Some(segment));
        others
            .flat_map(|(_, port)| port.addresses.iter().copied())
            .filter(IpAddr::is_ipv4)
            .collect()
    }

    /// The first address of each of a LAN's prefixes is its gateway's.
    fn gateway_addresses(&self, segment: SegmentId) -> Vec<IpAddr> {
        let params = &self.segments[segment.index()].params;
        params.v4.into_iter().chain(params.v6).filter_map(|prefix| prefix.nth(1)).collect()
    }

    pub(super) fn free_addresses(
        &self,
        segment: SegmentId,
        family: Family,
        count: usize,
    ) -> Result<Vec<IpAddr>, TopologyError> {
        let place = &self.segments[segment.index()];
        let own: Vec<Prefix> = place.params.v4.into_iter().chain(place.params.v6).collect();
        let (pools, first) =
            if place.params.pools.is_empty() { (&own, 2) } else { (&place.params.pools, 1) };
        let found: Vec<IpAddr> = pools
            .iter()
            .filter(|pool| pool.address().is_ipv4() == (family == Family::V4))
            .flat_map(|pool| (first..).map_while(|n| pool.nth(n)))
            .filter(|address| {
                place.on_link.get(&on_link_key(*address)).is_none() && !is_broadcast(*address)
            })
            .take(count)
            .collect();
        if found.len() < count {
            let segment = self.elements[segment.element.index()].name.clone();
            return Err(TopologyError::NoAddress { segment });
        }
        Ok(found)
    }

    /// Tells every segment outwards of a NAT which way the IPv6 prefixes behind it are.
    fn route_v6(&mut self, inside: SegmentId, outer: PortId) {
        let behind = &self.segments[inside.index()];
        let mut prefixes: Vec<Prefix> = behind.routes.iter().map(|(prefix, _)| *prefix).collect();
        prefixes.extend(behind.params.v6);
        let mut port = outer;
        // A segment has at most one gateway, so the way out is a line; its length is bounded by
        // the number of NATs even if someone wired a ring.
        for _ in 0..self.nats.len() {
            let Some(segment) = self.ports[port.index()].segment else { break };
            let place = &mut self.segments[segment.index()];
            for prefix in &prefixes {
                if !place.routes.iter().any(|(known, _)| known == prefix) {
                    place.routes.push((*prefix, port));
                }
            }
            // The longest prefix first: the first that matches is the best.
            place.routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.length()));
            let Some(gateway) = place.gateway else { break };
            let Owner::Inside(nat) = self.ports[gateway.index()].owner else { break };
            port = self.nats[nat.index()].outside;
        }
    }
}

/// Where a segment keeps who has an address.
pub(super) fn on_link_key(address: IpAddr) -> Key {
    Key { local: crate::packet::address(address), ..Key::default() }
}

/// What a NAT's IPv6 filter is as a firewall.
fn v6_firewall(params: &nat::Params) -> firewall::Params {
    let base = match params.v6 {
        nat::V6::Firewall(filtering) => firewall::Params::stateful(filtering),
        nat::V6::Drop | nat::V6::Forward => firewall::Params::default(),
    };
    firewall::Params { lifetimes: params.lifetimes, refresh: params.refresh, ..base }
}

/// Which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// The last address of a /24 and beyond is left alone in all pools.
fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[3] == 255)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn lan(third: u8) -> segment::Params {
        segment::Params::v4(Prefix::v4([192, 168, third, 0], 24))
    }

    #[test]
    fn addresses_are_handed_out_in_order() {
        let mut fabric = Fabric::new(1);
        let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
        let home = fabric.segment("lan-a", lan(1)).unwrap();
        let nat = fabric
            .nat("home", nat::Params { addresses: 2, ..Default::default() }, home, wan)
            .unwrap();
        let alice = fabric.host("alice").unwrap();
        let eth = fabric.interface(alice, home, &[]).unwrap();
        let outside: [IpAddr; 2] =
            [Ipv4Addr::new(203, 0, 113, 1).into(), Ipv4Addr::new(203, 0, 113, 2).into()];
        assert_eq!(fabric.addresses(fabric.outside(nat)), outside);
        assert_eq!(fabric.addresses(fabric.inside(nat)), [IpAddr::from([192, 168, 1, 1])]);
        assert_eq!(fabric.addresses(eth), [IpAddr::from([192, 168, 1, 2])]);
        assert_eq!(fabric.element_name(nat), "nat.home");
        assert_eq!(fabric.find("alice"), Some(alice.into()));
    }

    #[test]
    fn what_cannot_be_built_says_why() {
        let mut fabric = Fabric::new(1);
        let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
        let home = fabric.segment("lan-a", lan(1)).unwrap();
        fabric.nat("home", nat::Params::default(), home, wan).unwrap();
        let taken = fabric.segment("wan", lan(2)).unwrap_err();
        assert_eq!(taken, TopologyError::NameTaken { name: "net.wan".into() });
        let second = fabric.nat("other", nat::Params::default(), home, wan).unwrap_err();
        assert_eq!(second.to_string(), "add other: net.lan-a has a gateway already");
        let alice = fabric.host("alice").unwrap();
        let wrong = fabric.interface(alice, home, &[Ipv4Addr::new(10, 0, 0, 1).into()]);
        assert!(matches!(wrong, Err(TopologyError::NotOnSegment { .. })));
        let twice = fabric.interface(alice, home, &[Ipv4Addr::new(192, 168, 1, 1).into()]);
        assert!(matches!(twice, Err(TopologyError::AddressTaken { .. })));
    }
}
