//! Where two agents are: a network for packets, and the same for the oracle of `net`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Fabric, HostId, NatId, TopologyError};
use rtcspec_net::nat::{Filtering, Mapping, Params};
use rtcspec_net::oracle::{
    Family, Middlebox, Options, SegmentId, ServerId, Topology, Turn, Verdict, predict,
};
use rtcspec_net::prefix::Prefix;
use rtcspec_net::services::{stun, turn};
use rtcspec_net::world::World;
use rtcspec_net::{link, segment};

/// Users of the TURN server.
pub(super) const USER: &str = "ann";
pub(super) const PASSWORD: &str = "password-of-ann";
/// One way between a side and the rest.
const LATENCY: Ns = Ns::millis(20);

/// What a program says of the ground: for each side its NAT and its servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plan {
    /// 0 none, 1 to 9 mapping and filtering; 0x80: it also has an interface on a network between
    /// the two that leads nowhere else.
    pub(super) nats: [u8; 2],
    /// 1, 2: side A, B asks the STUN server; 4, 8: it has the TURN server.
    pub(super) servers: u8,
}

/// What the oracle said of plans before. It is a function of them, and there are some thousands; to ask
/// takes as long as many packets.
static ASKED: Mutex<BTreeMap<Plan, Option<Verdict>>> = Mutex::new(BTreeMap::new());

/// The network for packets.
pub(super) struct Ground {
    pub(super) world: World,
    pub(super) hosts: [HostId; 2],
    pub(super) nats: [Option<NatId>; 2],
    pub(super) interfaces: [Vec<IpAddr>; 2],
    pub(super) stun: SocketAddr,
    pub(super) turn: SocketAddr,
}

impl Plan {
    fn nat(&self, side: usize) -> Option<Params> {
        let kind = usize::from((self.nats[side] & 0x7f) % 10).checked_sub(1)?;
        let mapping = [
            Mapping::EndpointIndependent,
            Mapping::AddressDependent,
            Mapping::AddressAndPortDependent,
        ][kind / 3];
        let filtering = [
            Filtering::EndpointIndependent,
            Filtering::AddressDependent,
            Filtering::AddressAndPortDependent,
        ][kind % 3];
        Some(Params::new(mapping, filtering))
    }

    pub(super) fn has_nat(&self, side: usize) -> bool {
        self.nat(side).is_some()
    }

    pub(super) fn is_multihomed(&self, side: usize) -> bool {
        self.nats[side] & 0x80 != 0
    }

    pub(super) fn has_stun(&self, side: usize) -> bool {
        self.servers & 1 << side != 0
    }

    pub(super) fn has_turn(&self, side: usize) -> bool {
        self.servers & 4 << side != 0
    }

    /// What two agents must achieve here.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let plan = self.normal();
        // Who panicked with it has left nothing half done.
        let asked = || ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked().get(&plan).copied();
        known.unwrap_or_else(|| {
            let verdict = plan.predicted();
            // What is kept here is not lost.
            allocation_counter::opt_out(|| {
                asked().insert(plan, verdict);
            });
            verdict
        })
    }

    /// One of all plans that make the same ground.
    fn normal(&self) -> Self {
        let nats = self.nats.map(|nat| (nat & 0x80) | ((nat & 0x7f) % 10));
        Self { nats, servers: self.servers & 0x0f }
    }

    fn predicted(&self) -> Option<Verdict> {
        let boxes = |side: usize| {
            let nat = self.nat(side);
            nat.map(|params| vec![Middlebox::nat(["nat-a", "nat-b"][side], params)])
        };
        let mut topology = Topology::internet();
        let island = topology.add_island("between");
        for (side, name) in ["a", "b"].into_iter().enumerate() {
            let segment = match boxes(side) {
                Some(boxes) => topology.add(name, boxes, SegmentId::INTERNET),
                None => SegmentId::INTERNET,
            };
            let place = &mut topology.sides[side];
            place.bases[0].segment = segment;
            place.stun = self.has_stun(side).then_some(ServerId(0));
            place.turn = self.has_turn(side).then(|| Turn::udp(ServerId(1)));
            if self.is_multihomed(side) {
                *place = place.clone().with_base(island, Family::V4);
            }
        }
        predict(&topology, &Options::quick()).ok().map(|outcome| outcome.verdict)
    }

    pub(super) fn lay(&self) -> Result<Ground, TopologyError> {
        let mut fabric = Fabric::new(7);
        let wan = fabric.segment("wan", segment::Params::v4(Prefix::v4([203, 0, 113, 0], 24)))?;
        let between = segment::Params::v4(Prefix::v4([10, 9, 0, 0], 24));
        let between = fabric.segment("between", between)?;
        let servers = [fabric.host("stun")?, fabric.host("turn")?];
        for server in servers {
            fabric.interface(server, wan, &[])?;
        }
        let mut nats = [None; 2];
        let mut interfaces = [Vec::new(), Vec::new()];
        let hosts = [fabric.host("a")?, fabric.host("b")?];
        for side in 0..2 {
            let home = match self.nat(side) {
                Some(params) => {
                    let prefix = Prefix::v4([192, 168, 1 + side as u8, 0], 24);
                    let name = ["lan-a", "lan-b"][side];
                    let lan = fabric.segment(name, segment::Params::v4(prefix))?;
                    nats[side] = Some(fabric.nat(["nat-a", "nat-b"][side], params, lan, wan)?);
                    lan
                }
                None => wan,
            };
            let mut segments = vec![home];
            if self.is_multihomed(side) {
                segments.push(between);
            }
            for (nth, segment) in segments.into_iter().enumerate() {
                let port = fabric.interface(hosts[side], segment, &[])?;
                interfaces[side].extend_from_slice(fabric.addresses(port));
                let delay = link::Params::latency(LATENCY);
                let name = ["a-0", "a-1", "b-0", "b-1"][side * 2 + nth];
                fabric.link(name, [delay.clone(), delay], port)?;
            }
        }
        let mut world = World::new(fabric);
        let [stun, turn] = servers.map(|server| {
            world.address(server, 3478).expect("invariant: a server has an interface")
        });
        world.install(servers[0], Box::new(stun::Server::new(stun::Config::new(stun))));
        let config = turn::Config::new(turn, "fuzz.test").user(USER, PASSWORD);
        world.install(servers[1], Box::new(turn::Server::new(config, 7)));
        Ok(Ground { world, hosts, nats, interfaces, stun, turn })
    }
}
