//! A small network and short words for what tests do with it.

use std::net::{IpAddr, SocketAddr};

use rtcspec_net::fabric::{Fabric, HostId, NatId, SegmentId};
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, nat, segment};

/// Alice and Adam behind a NAT; Bob, with two addresses, and Carol on the internet.
pub(crate) struct Lab {
    pub(crate) world: World,
    pub(crate) nat: NatId,
    pub(crate) wan: SegmentId,
    pub(crate) alice: HostId,
    pub(crate) adam: HostId,
    pub(crate) bob: HostId,
    pub(crate) carol: HostId,
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn lan(third: u8) -> segment::Params {
    segment::Params::v4(format!("192.168.{third}.0/24").parse().unwrap())
}

/// Alice's address in the lab.
pub(crate) const ALICE: &str = "192.168.1.2";
/// Adam's.
pub(crate) const ADAM: &str = "192.168.1.3";
/// Bob's first.
pub(crate) const BOB: &str = "198.51.100.1";
/// Bob's second.
pub(crate) const BOB2: &str = "198.51.100.2";
/// Carol's.
pub(crate) const CAROL: &str = "198.51.100.3";

impl Lab {
    pub(crate) fn new(params: nat::Params) -> Self {
        Self::seeded(1, params)
    }

    pub(crate) fn seeded(seed: u64, params: nat::Params) -> Self {
        let mut fabric = Fabric::new(seed);
        let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
        let home = fabric.segment("lan", lan(1)).unwrap();
        let nat = fabric.nat("home", params, home, wan).unwrap();
        let [alice, adam, bob, carol] =
            ["alice", "adam", "bob", "carol"].map(|name| fabric.host(name).unwrap());
        fabric.interface(alice, home, &[ip(ALICE)]).unwrap();
        fabric.interface(adam, home, &[ip(ADAM)]).unwrap();
        fabric.interface(bob, wan, &[ip(BOB), ip(BOB2)]).unwrap();
        fabric.interface(carol, wan, &[ip(CAROL)]).unwrap();
        fabric.record(true);
        fabric.log_nat(nat, true);
        Self { world: World::new(fabric), nat, wan, alice, adam, bob, carol }
    }

    /// Sends a datagram, now.
    pub(crate) fn send(&mut self, host: HostId, from: (&str, u16), to: SocketAddr) {
        self.send_data(host, from, to, b"hello");
    }

    pub(crate) fn send_data(
        &mut self,
        host: HostId,
        from: (&str, u16),
        to: SocketAddr,
        data: &[u8],
    ) {
        let local = SocketAddr::new(ip(from.0), from.1);
        self.world.transmit(host, Transmit::Udp { local, remote: to, data: data.to_vec() });
    }

    /// What a host got: local address, remote address, payload.
    pub(crate) fn received(&mut self, host: HostId) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        match self.world.receive(host)? {
            Receive::Udp { local, remote, data } => Some((local, remote, data)),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Sends from alice and returns the source address as seen there.
    pub(crate) fn seen(&mut self, from: (&str, u16), to: (&str, u16)) -> Option<SocketAddr> {
        let sender = if from.0 == ALICE { self.alice } else { self.adam };
        let receiver = if to.0 == CAROL { self.carol } else { self.bob };
        self.send(sender, from, SocketAddr::new(ip(to.0), to.1));
        self.received(receiver).map(|(_, remote, _)| remote)
    }

    /// Whether a datagram from outside to that address gets to alice's port.
    pub(crate) fn reaches(&mut self, from: (&str, u16), to: SocketAddr, port: u16) -> bool {
        let sender = if from.0 == CAROL { self.carol } else { self.bob };
        self.send(sender, from, to);
        match self.received(self.alice) {
            Some((local, ..)) => {
                assert_eq!(local, SocketAddr::new(ip(ALICE), port));
                true
            }
            None => false,
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Ns) {
        let until = self.world.now() + span;
        assert_eq!(self.world.step(until).unwrap(), until, "somebody has something to read");
    }

    /// Why the last packet was dropped, in words.
    pub(crate) fn last_drop(&mut self) -> String {
        let records = self.world.fabric_mut().records();
        let dropped = records
            .iter()
            .rev()
            .find(|record| matches!(record.verdict, rtcspec_net::observe::Verdict::Dropped(_)));
        self.world.fabric().explain(dropped.expect("a packet was dropped"))
    }
}
