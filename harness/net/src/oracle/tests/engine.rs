//! The model's boxes against the packet engine's: the same datagrams through both.
//!
//! Ports are numbers in one and names in the other, so what is compared is who receives what, and
//! which sources are the same.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::properties::any_of;
use crate::fabric::{Fabric, HostId, SegmentId as FabricSegment};
use crate::host::{Receive, Transmit};
use crate::nat::{
    FilterScope, Filtering, Hairpin, Mapping, OnFiltered, Params, PortPolicy, Ports, ReplyBinding,
    Unsolicited,
};
use crate::oracle::network::{FIRST_NAMED_PORT, Header, Network, Owner};
use crate::oracle::rng::Rng;
use crate::oracle::translate::{Ep, Fresh};
use crate::oracle::{Family, Kind, Middlebox, ServerId, Topology};
use crate::prefix::Prefix;
use crate::world::World;
use crate::{firewall, segment};

/// What stands between a host and the shared segment or the internet.
#[derive(Debug, Clone)]
struct Way {
    filter: Option<Filtering>,
    nats: Vec<Params>,
}

#[derive(Debug, Clone)]
struct Plan {
    ways: [Way; 2],
    shared: Vec<Params>,
    isolated: bool,
    /// Who sends, and to which of the endpoints known by then.
    sends: Vec<(usize, prop::sample::Index)>,
}

const POLICIES: &[PortPolicy] = &[
    PortPolicy::Random,
    PortPolicy::Preserve,
    PortPolicy::PreserveOrDrop,
    PortPolicy::PreserveOverload,
    PortPolicy::PreserveOverride,
];

prop_compose! {
    fn any_nat()(
        mapping in any_of(Mapping::ALL),
        filtering in any_of(Filtering::ALL),
        filter_scope in any_of(FilterScope::ALL),
        reply_binding in any_of(ReplyBinding::ALL),
        hairpin in any_of(Hairpin::ALL),
        unsolicited in any_of(Unsolicited::ALL),
        on_filtered in any_of(OnFiltered::ALL),
        policy in any_of(POLICIES),
    ) -> Params {
        let ports = Ports { policy, ..Ports::default() };
        // Shared ports need a filter that tells remotes apart as well as the mappings do.
        let strict = match (policy, mapping) {
            (PortPolicy::PreserveOverload, Mapping::AddressDependent) => Filtering::AddressDependent,
            (PortPolicy::PreserveOverload, Mapping::AddressAndPortDependent) => {
                Filtering::AddressAndPortDependent
            }
            _ => Filtering::EndpointIndependent,
        };
        let filtering = filtering.max(strict);
        // Who takes ports from others has none that are reserved.
        let takes = policy == PortPolicy::PreserveOverride;
        let unsolicited = if takes { Unsolicited::Drop } else { unsolicited };
        // And what tracks connections does not end mappings.
        let reserves = unsolicited == Unsolicited::Reserve || policy == PortPolicy::PreserveOverload;
        let on_filtered = if reserves { OnFiltered::Nothing } else { on_filtered };
        Params {
            filter_scope, reply_binding, hairpin, unsolicited, on_filtered, ports,
            ..Params::new(mapping, filtering)
        }
    }
}

prop_compose! {
    fn any_way()(
        filter in proptest::option::weighted(0.2, any_of(Filtering::ALL)),
        nats in proptest::collection::vec(any_nat(), 0..3),
    ) -> Way {
        Way { filter, nats }
    }
}

prop_compose! {
    fn any_plan()(
        a in any_way(),
        b in any_way(),
        shared in proptest::collection::vec(any_nat(), 0..2),
        isolated in any::<bool>(),
        sends in proptest::collection::vec((0_usize..3, any::<prop::sample::Index>()), 1..40),
    ) -> Plan {
        Plan { ways: [a, b], isolated: isolated && !shared.is_empty(), shared, sends }
    }
}

impl Plan {
    fn topology(&self) -> Topology {
        let chain = |way: &Way| {
            let filter = way.filter.map(|f| Kind::Firewall(firewall::Params::stateful(f)));
            boxes(filter.into_iter().chain(way.nats.iter().cloned().map(Kind::Nat)))
        };
        let [a, b] = self.ways.each_ref().map(chain);
        if self.shared.is_empty() {
            Topology::apart(a, b)
        } else {
            let shared = boxes(self.shared.iter().cloned().map(Kind::Nat));
            Topology::together(a, b, shared, self.isolated)
        }
    }
}

fn boxes(kinds: impl Iterator<Item = Kind>) -> Vec<Middlebox> {
    kinds.enumerate().map(|(n, kind)| Middlebox { name: n.to_string(), kind }).collect()
}

/// The same network of packets: hosts a, b and the server.
struct Engine {
    world: World,
    hosts: [HostId; 3],
}

struct Builder {
    fabric: Fabric,
    count: u8,
}

impl Builder {
    fn lan(&mut self, isolation: bool) -> FabricSegment {
        self.count += 1;
        let prefix = Prefix::v4([10, self.count, 0, 0], 16);
        let params = segment::Params { isolation, ..segment::Params::v4(prefix) };
        self.fabric.segment(&format!("lan {}", self.count), params).unwrap()
    }

    /// A segment behind these NATs, innermost first.
    fn behind(
        &mut self,
        nats: &[Params],
        outside: FabricSegment,
        isolation: bool,
    ) -> FabricSegment {
        nats.iter().enumerate().rev().fold(outside, |outside, (place, params)| {
            let inside = self.lan(isolation && place == 0);
            let name = format!("nat {}", self.count);
            self.fabric.nat(&name, params.clone(), inside, outside).unwrap();
            inside
        })
    }
}

impl Engine {
    fn new(plan: &Plan) -> Self {
        let mut builder = Builder { fabric: Fabric::new(1), count: 0 };
        let internet = segment::Params::internet();
        let internet = builder.fabric.segment("internet", internet).unwrap();
        let common = builder.behind(&plan.shared, internet, plan.isolated);
        let mut hosts = Vec::new();
        for (name, way) in ["a", "b"].into_iter().zip(&plan.ways) {
            let place = builder.behind(&way.nats, common, false);
            let host = builder.fabric.host(name).unwrap();
            let port = builder.fabric.interface(host, place, &[]).unwrap();
            if let Some(filtering) = way.filter {
                let params = firewall::Params::stateful(filtering);
                builder.fabric.firewall(name, params, port).unwrap();
            }
            hosts.push(host);
        }
        let server = builder.fabric.host("server").unwrap();
        builder.fabric.interface(server, internet, &[]).unwrap();
        Self { world: World::new(builder.fabric), hosts: [hosts[0], hosts[1], server] }
    }

    fn endpoint(&self, host: usize) -> SocketAddr {
        let port = [5000, 6000, 3478][host];
        self.world.address(self.hosts[host], port).unwrap()
    }

    /// Sends a datagram; who received it and from where.
    fn send(&mut self, from: usize, to: SocketAddr) -> Option<(usize, SocketAddr)> {
        let local = self.endpoint(from);
        let udp = Transmit::Udp { local, remote: to, data: b"x".to_vec() };
        self.world.transmit(self.hosts[from], udp);
        let received = (0..3).filter_map(|place| {
            match self.world.receive(self.hosts[place])? {
                Receive::Udp { remote, local, .. } if local == self.endpoint(place) => {
                    Some((place, remote))
                }
                // An ICMP error, or a datagram to a port that nobody has in the model.
                _ => None,
            }
        });
        received.collect::<Vec<_>>().first().copied()
    }
}

struct Model {
    network: Network,
    fresh: Fresh,
    endpoints: [Ep; 3],
}

impl Model {
    fn new(topology: &Topology) -> Self {
        let network = Network::new(topology).unwrap();
        let mut fresh = Fresh { port: FIRST_NAMED_PORT, rng: Rng::new(1, 1) };
        let [a, b] = [0, 1].map(|side| Ep { ip: network.host(side, 0), port: fresh.port() });
        let server = network.server(ServerId(0), Family::V4).unwrap();
        Self { network, fresh, endpoints: [a, b, Ep { ip: server, port: 3478 }] }
    }

    fn send(&mut self, from: usize, to: Ep) -> Option<(usize, Ep)> {
        let mut header = Header { src: self.endpoints[from], dst: to };
        let start = self.network.node_of(header.src.ip);
        let turned = self.network.climb(&mut header, start, &mut self.fresh).ok()?;
        let owner = self.network.descend(&mut header, turned).ok()?;
        let place = match owner {
            Owner::Host { side, .. } => usize::from(side),
            Owner::Server => 2,
            Owner::Gate(_) => return None,
        };
        (self.endpoints[place] == header.dst).then_some((place, header.src))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn model_and_engine_deliver_the_same_datagrams(plan in any_plan()) {
        let mut engine = Engine::new(&plan);
        let mut model = Model::new(&plan.topology());
        // The same endpoints as both know them.
        let mut known: Vec<(Ep, SocketAddr, usize)> =
            (0..3).map(|place| (model.endpoints[place], engine.endpoint(place), place)).collect();
        for (number, (from, to)) in plan.sends.iter().enumerate() {
            let (name, address, owner) = known[to.index(known.len())];
            // No agent sends to itself.
            if owner == *from {
                continue;
            }
            let found = model.send(*from, name);
            let real = engine.send(*from, address);
            let what = format!("send {number}: {from} to {address}: model {found:?}, engine {real:?}");
            prop_assert_eq!(found.map(|(at, _)| at), real.map(|(at, _)| at), "{}", what);
            if let (Some((_, name)), Some((_, address))) = (found, real) {
                let by_name = known.iter().position(|(known, ..)| *known == name);
                let by_address = known.iter().position(|(_, known, _)| *known == address);
                prop_assert_eq!(by_name, by_address, "{}", what);
                if by_name.is_none() {
                    known.push((name, address, *from));
                }
            }
        }
    }
}
