#![expect(dead_code, reason = "what routes packets reads the rest")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::element::{
    Element, ElementId, FirewallId, HostId, Kind, LinkId, NatId, PortId, SegmentId,
};
use crate::prefix::Prefix;
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
    elements: Vec<Element>,
    segments: Vec<Segment>,
    nats: Vec<Nat>,
    firewalls: Vec<firewall::Params>,
    links: Vec<[link::Params; 2]>,
    hosts: Vec<Vec<PortId>>,
    ports: Vec<Port>,
}

#[derive(Debug)]
struct Segment {
    element: ElementId,
    params: segment::Params,
    on_link: BTreeMap<IpAddr, PortId>,
    gateway: Option<PortId>,
    routes: Vec<(Prefix, PortId)>,
}

#[derive(Debug)]
struct Nat {
    params: nat::Params,
    inside: PortId,
    outside: PortId,
}

#[derive(Debug)]
struct Port {
    owner: ElementId,
    segment: SegmentId,
    addresses: Vec<IpAddr>,
    /// What is in the wire, the nearest to the owner first.
    wire: Vec<Wire>,
}

#[derive(Clone, Copy, Debug)]
enum Wire {
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
            ports: Vec::new(),
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
        let (on_link, routes) = (BTreeMap::new(), Vec::new());
        self.segments.push(Segment { element, params, on_link, gateway: None, routes });
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
        if self.segments[inside.index as usize].gateway.is_some() {
            let segment = self.elements[inside.element.0 as usize].name.clone();
            return Err(TopologyError::SecondGateway { name: name.into(), segment });
        }
        let element = self.name(Kind::Nat, name)?;
        let id = NatId { element, index: self.nats.len() as u32 };
        let inner = self.port(element, inside, self.gateway_addresses(inside))?;
        let external = self.free_addresses(outside, Family::V4, params.addresses.max(1))?;
        let outer = self.port(element, outside, external)?;
        self.segments[inside.index as usize].gateway = Some(inner);
        self.nats.push(Nat { params, inside: inner, outside: outer });
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
        self.firewalls.push(params);
        self.ports[port.0 as usize].wire.push(Wire::Firewall(id));
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
        self.links.push(params);
        self.ports[port.0 as usize].wire.push(Wire::Link(id));
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
        let addresses = if addresses.is_empty() {
            let params = &self.segments[segment.index as usize].params;
            let (v4, v6) = (params.v4.is_some(), params.v6.is_some());
            let mut found = self.free_addresses(segment, Family::V4, usize::from(v4))?;
            found.extend(self.free_addresses(segment, Family::V6, usize::from(v6))?);
            found
        } else {
            addresses.to_vec()
        };
        let port = self.port(host.element, segment, addresses)?;
        self.hosts[host.index as usize].push(port);
        Ok(port)
    }

    /// The side of a NAT that faces the hosts it serves.
    pub fn inside(&self, nat: NatId) -> PortId {
        self.nats[nat.index as usize].inside
    }

    /// The side of a NAT that faces the world.
    pub fn outside(&self, nat: NatId) -> PortId {
        self.nats[nat.index as usize].outside
    }

    /// The addresses of an interface or of one side of a NAT.
    pub fn addresses(&self, port: PortId) -> &[IpAddr] {
        &self.ports[port.0 as usize].addresses
    }

    /// An element's full name: `nat.home`, `link.home`, `alice`.
    pub fn element_name(&self, element: impl Into<ElementId>) -> &str {
        &self.elements[element.into().0 as usize].name
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
        owner: ElementId,
        segment: SegmentId,
        addresses: Vec<IpAddr>,
    ) -> Result<PortId, TopologyError> {
        let port = PortId(self.ports.len() as u32);
        let name = || self.elements[segment.element.0 as usize].name.clone();
        let place = &mut self.segments[segment.index as usize];
        for &address in &addresses {
            if !place.params.v4.into_iter().chain(place.params.v6).any(|p| p.contains(address)) {
                return Err(TopologyError::NotOnSegment { address, segment: name() });
            }
            if place.on_link.contains_key(&address) {
                return Err(TopologyError::AddressTaken { address, segment: name() });
            }
        }
        place.on_link.extend(addresses.iter().map(|&address| (address, port)));
        self.ports.push(Port { owner, segment, addresses, wire: Vec::new() });
        Ok(port)
    }

    /// The first address of each of a LAN's prefixes is its gateway's.
    fn gateway_addresses(&self, segment: SegmentId) -> Vec<IpAddr> {
        let params = &self.segments[segment.index as usize].params;
        params.v4.into_iter().chain(params.v6).filter_map(|prefix| prefix.nth(1)).collect()
    }

    fn free_addresses(
        &self,
        segment: SegmentId,
        family: Family,
        count: usize,
    ) -> Result<Vec<IpAddr>, TopologyError> {
        let place = &self.segments[segment.index as usize];
        let own: Vec<Prefix> = place.params.v4.into_iter().chain(place.params.v6).collect();
        let (pools, first) =
            if place.params.pools.is_empty() { (&own, 2) } else { (&place.params.pools, 1) };
        let found: Vec<IpAddr> = pools
            .iter()
            .filter(|pool| pool.address().is_ipv4() == (family == Family::V4))
            .flat_map(|pool| (first..).map_while(|n| pool.nth(n)))
            .filter(|address| !place.on_link.contains_key(address) && !is_broadcast(*address))
            .take(count)
            .collect();
        if found.len() < count {
            let segment = self.elements[segment.element.0 as usize].name.clone();
            return Err(TopologyError::NoAddress { segment });
        }
        Ok(found)
    }

    /// Tells every segment outwards of a NAT which way the IPv6 prefixes behind it are.
    fn route_v6(&mut self, inside: SegmentId, outer: PortId) {
        let behind = &self.segments[inside.index as usize];
        let mut prefixes: Vec<Prefix> = behind.routes.iter().map(|(prefix, _)| *prefix).collect();
        prefixes.extend(behind.params.v6);
        let mut port = outer;
        // A NAT's outside segment has at most one gateway, so the way out is a line; its length is
        // bounded by the number of NATs even if someone wired a ring.
        for _ in 0..self.nats.len() {
            let place = &mut self.segments[self.ports[port.0 as usize].segment.index as usize];
            for prefix in &prefixes {
                if !place.routes.iter().any(|(known, _)| known == prefix) {
                    place.routes.push((*prefix, port));
                }
            }
            let Some(gateway) = place.gateway else { break };
            let owner = self.ports[gateway.0 as usize].owner;
            let Some(next) =
                self.nats.iter().find(|nat| self.ports[nat.inside.0 as usize].owner == owner)
            else {
                break;
            };
            port = next.outside;
        }
    }
}

/// Which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
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
