//! The network a box is measured on: two hosts behind it, a STUN server and a silent host beyond.

use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::stun::{Attribute, Message, Method, Seal, TransactionId, View};

use crate::fabric::{Fabric, HostId, TopologyError};
use crate::host::{Receive, Transmit};
use crate::nat::Params;
use crate::prefix::Prefix;
use crate::services::stun;
use crate::world::World;
use crate::{Ns, segment};

/// The port probes leave from, if the box has it to give.
const PORT: u16 = 5000;
/// STUN's port; the other one of the server is the next.
const STUN: u16 = 3478;

/// Who is behind the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// The host that asks.
    Probe,
    /// Another one.
    Neighbour,
}

/// One of the server's four addresses: RFC 5780's primary ones, or its alternate ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) other_ip: bool,
    pub(super) other_port: bool,
}

impl Server {
    pub(super) const PRIMARY: Self = Self { other_ip: false, other_port: false };
    pub(super) const OTHER_IP: Self = Self { other_ip: true, other_port: false };
    pub(super) const OTHER_PORT: Self = Self { other_ip: false, other_port: true };
    pub(super) const OTHER_BOTH: Self = Self { other_ip: true, other_port: true };
}

/// A fresh box and what is around it.
pub(super) struct Ground {
    world: World,
    inside: [HostId; 2],
    silent: HostId,
    server: [IpAddr; 2],
    port: u16,
    asked: u8,
}

impl Ground {
    pub(super) fn new(params: &Params) -> Result<Self, TopologyError> {
        let mut fabric = Fabric::new(1);
        let wan = fabric.segment("wan", segment::Params::internet())?;
        let home = segment::Params::v4(Prefix::v4([192, 168, 0, 0], 24));
        let lan = fabric.segment("lan", home)?;
        fabric.nat("nat", params.clone(), lan, wan)?;
        let inside = [fabric.host("probe")?, fabric.host("neighbour")?];
        for host in inside {
            fabric.interface(host, lan, &[])?;
        }
        let server = [IpAddr::from([198, 51, 100, 1]), IpAddr::from([198, 51, 100, 2])];
        let (stun, silent) = (fabric.host("stun")?, fabric.host("silent")?);
        fabric.interface(stun, wan, &server)?;
        fabric.interface(silent, wan, &[IpAddr::from([198, 51, 100, 3])])?;
        let mut world = World::new(fabric);
        let [primary, alternate] = [(server[0], STUN), (server[1], STUN + 1)].map(SocketAddr::from);
        let service = stun::Server::new(stun::Config::discovery(primary, alternate));
        world.install(stun, Box::new(service));
        let range = &params.ports.range;
        let middle = range.start() + (range.end() - range.start()) / 2;
        let port = if range.contains(&PORT) { PORT } else { middle };
        Ok(Self { world, inside, silent, server, port, asked: 0 })
    }

    /// The port probes leave from.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A Binding request from a port of a host inside, `plus` above the usual one: the address the
    /// server saw, if its answer comes back.
    pub(super) fn ask(&mut self, who: Inside, plus: u16, server: Server) -> Option<SocketAddr> {
        self.request(who, plus, server, None)
    }

    /// The same from the probe's usual port to the primary address, to be answered from another
    /// one (RFC 5780 §7.2): whether the answer comes in.
    pub(super) fn answered_from(&mut self, server: Server) -> bool {
        let change = Attribute::ChangeRequest { ip: server.other_ip, port: server.other_port };
        self.request(Inside::Probe, 0, Server::PRIMARY, Some(change)).is_some()
    }

    fn request(
        &mut self,
        who: Inside,
        plus: u16,
        server: Server,
        change: Option<Attribute>,
    ) -> Option<SocketAddr> {
        self.asked = self.asked.wrapping_add(1);
        let mut message = Message::request(Method::BINDING, TransactionId([self.asked; 12]));
        message.attributes.extend(change);
        let data = message.encode(&Seal::none()).ok()?;
        let ip = self.server[usize::from(server.other_ip)];
        let to = SocketAddr::new(ip, STUN + u16::from(server.other_port));
        self.send(who, plus, to, data);
        let (_, data) = self.heard(who)?;
        View::new(&data).xor_mapped_address()
    }

    /// A datagram from a host inside.
    pub(super) fn send(&mut self, who: Inside, plus: u16, to: SocketAddr, data: Vec<u8>) {
        let host = self.inside[usize::from(who == Inside::Neighbour)];
        let Some(local) = self.world.address(host, self.port.saturating_add(plus)) else { return };
        self.world.transmit(host, Transmit::Udp { local, remote: to, data });
    }

    /// The last datagram that reached a host inside: whence, and what.
    pub(super) fn heard(&mut self, who: Inside) -> Option<(SocketAddr, Vec<u8>)> {
        self.last_of(self.inside[usize::from(who == Inside::Neighbour)])
    }

    /// The inside address of a host.
    pub(super) fn address(&self, who: Inside) -> Option<SocketAddr> {
        let host = self.inside[usize::from(who == Inside::Neighbour)];
        self.world.address(host, self.port)
    }

    /// The probe sends to the host that answers only when it is told to: the address it came from.
    pub(super) fn reach_silent(&mut self) -> Option<SocketAddr> {
        let to = self.world.address(self.silent, STUN)?;
        self.send(Inside::Probe, 0, to, b"probe".to_vec());
        self.last_of(self.silent).map(|(from, _)| from)
    }

    /// That host sends to the box: whether it gets to the probe.
    pub(super) fn silent_reaches(&mut self, to: SocketAddr) -> bool {
        let Some(local) = self.world.address(self.silent, STUN) else { return false };
        let data = b"answer".to_vec();
        self.world.transmit(self.silent, Transmit::Udp { local, remote: to, data });
        self.heard(Inside::Probe).is_some()
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, span: Ns) {
        let until = self.world.now() + span;
        // Nothing moves by itself here: what is sent arrives at once.
        let _ = self.world.step(until);
    }

    fn last_of(&mut self, host: HostId) -> Option<(SocketAddr, Vec<u8>)> {
        let mut last = None;
        while let Some(received) = self.world.receive(host) {
            if let Receive::Udp { remote, data, .. } = received {
                last = Some((remote, data));
            }
        }
        last
    }
}
