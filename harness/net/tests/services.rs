//! The servers on hosts of a network, with NATs between them and their clients.

use std::net::SocketAddr;

use rtcspec_net::fabric::{Fabric, HostId};
use rtcspec_net::host::{ConnId, Receive, Transmit};
use rtcspec_net::services::{stun, turn};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, nat, segment};
use rtcspec_wire::framing::{Deframer, Framing};
use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Key, Message, Method, REQUESTED_TRANSPORT_UDP, Seal,
    TransactionId, View,
};

const CONN: ConnId = ConnId(1);

/// Alice behind a NAT, a server with two addresses and Bob on the internet.
struct Lab {
    world: World,
    alice: HostId,
    bob: HostId,
    server: HostId,
    primary: SocketAddr,
    alternate: SocketAddr,
}

fn lab(nat: &str) -> Lab {
    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).expect("free");
    let lan_prefix = "192.168.1.0/24".parse().expect("a prefix");
    let lan = fabric.segment("lan", segment::Params::v4(lan_prefix)).expect("free");
    let preset = nat::presets::find(nat).expect("a preset").params();
    fabric.nat("home", preset, lan, wan).expect("fits");
    let [alice, bob, server] =
        ["alice", "bob", "server"].map(|name| fabric.host(name).expect("free"));
    let [primary, alternate] = ["203.0.113.50", "203.0.113.51"].map(|ip| ip.parse().expect("ip"));
    fabric.interface(alice, lan, &[]).expect("fits");
    fabric.interface(bob, wan, &[]).expect("fits");
    fabric.interface(server, wan, &[primary, alternate]).expect("fits");
    let world = World::new(fabric);
    let (primary, alternate) = (SocketAddr::new(primary, 3478), SocketAddr::new(alternate, 3479));
    Lab { world, alice, bob, server, primary, alternate }
}

impl Lab {
    /// Sends a datagram of Alice and returns what she hears within two seconds.
    fn ask(&mut self, to: SocketAddr, data: Vec<u8>) -> Option<(SocketAddr, Vec<u8>)> {
        let local = self.world.address(self.alice, 5000).expect("has one");
        self.world.transmit(self.alice, Transmit::Udp { local, remote: to, data });
        self.hear(self.alice)
    }

    fn hear(&mut self, host: HostId) -> Option<(SocketAddr, Vec<u8>)> {
        let limit = self.world.now() + Ns::secs(2);
        self.world.step(limit).expect("no livelock");
        match self.world.receive(host) {
            Some(Receive::Udp { remote, data, .. }) => Some((remote, data)),
            _ => None,
        }
    }

    fn binding(&mut self, to: SocketAddr, change: (bool, bool)) -> Option<SocketAddr> {
        let request = Message::request(Method::BINDING, TransactionId([1; 12]))
            .with(Attribute::ChangeRequest { ip: change.0, port: change.1 });
        let (_, data) = self.ask(to, request.encode(&Seal::none()).expect("short"))?;
        View::new(&data).xor_mapped_address()
    }
}

/// RFC 5780 §4.3 and §4.4, in its order of tests.
fn classify(nat: &str) -> (&'static str, &'static str) {
    let mut lab = lab(nat);
    let config = stun::Config::discovery(lab.primary, lab.alternate);
    lab.world.install(lab.server, Box::new(stun::Server::new(config)));
    let (primary, alternate) = (lab.primary, lab.alternate);
    let filtering = {
        lab.binding(primary, (false, false)).expect("reaches the server");
        match lab.binding(primary, (true, true)) {
            Some(_) => "endpoint-independent",
            None => match lab.binding(primary, (false, true)) {
                Some(_) => "address-dependent",
                None => "address and port-dependent",
            },
        }
    };
    let first = lab.binding(primary, (false, false)).expect("reaches the server");
    let other_ip = SocketAddr::new(alternate.ip(), primary.port());
    let second = lab.binding(other_ip, (false, false)).expect("reaches the server");
    let third = lab.binding(alternate, (false, false)).expect("reaches the server");
    let mapping = match (first == second, second == third) {
        (true, _) => "endpoint-independent",
        (false, true) => "address-dependent",
        (false, false) => "address and port-dependent",
    };
    (mapping, filtering)
}

#[test]
fn behaviour_discovery_tells_nats_apart() {
    let (eim, apdm) = ("endpoint-independent", "address and port-dependent");
    for (nat, mapping, filtering) in [
        ("full-cone", eim, "endpoint-independent"),
        ("restricted-cone", eim, "address-dependent"),
        ("port-restricted-cone", eim, "address and port-dependent"),
        ("symmetric", apdm, "address and port-dependent"),
    ] {
        assert_eq!(classify(nat), (mapping, filtering), "{nat}");
    }
}

/// The requests of a TURN client with a relay for one peer, given the nonce of its challenge.
fn relay_requests(nonce: &Attribute, peer: SocketAddr) -> [Vec<u8>; 2] {
    let key = Key::long_term("alice", "example.org", "secret");
    let authenticated = |message: Message| {
        let message = message
            .with(Attribute::Username("alice".into()))
            .with(Attribute::Realm("example.org".into()))
            .with(nonce.clone());
        message.encode(&Seal::none().integrity(&key)).expect("short")
    };
    let allocate = Message::request(Method::ALLOCATE, TransactionId([2; 12]))
        .with(Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP));
    let permit = Message::request(Method::CREATE_PERMISSION, TransactionId([3; 12]))
        .with(Attribute::XorPeerAddress(peer));
    [authenticated(allocate), authenticated(permit)]
}

fn challenge_request() -> Vec<u8> {
    let request = Message::request(Method::ALLOCATE, TransactionId([1; 12]));
    request.encode(&Seal::none()).expect("short")
}

fn send_indication(peer: SocketAddr) -> Vec<u8> {
    let indication = Message::indication(Method::SEND, TransactionId([4; 12]))
        .with(Attribute::XorPeerAddress(peer))
        .with(Attribute::Data(b"ping".to_vec()));
    indication.encode(&Seal::none()).expect("short")
}

fn nonce_of(data: &[u8]) -> Attribute {
    let challenge = Message::parse(data).expect("valid");
    challenge.attribute(AttributeType::NONCE).expect("challenged").clone()
}

fn succeeded(data: &[u8]) -> Message {
    let message = Message::parse(data).expect("valid");
    assert_eq!(message.class, Class::SuccessResponse, "{message:?}");
    message
}

fn with_turn() -> Lab {
    let mut lab = lab("symmetric");
    let config = turn::Config::new(lab.primary, "example.org").user("alice", "secret");
    lab.world.install(lab.server, Box::new(turn::Server::new(config, 1)));
    lab
}

#[test]
fn a_client_behind_a_symmetric_nat_reaches_a_peer_through_its_relay() {
    let mut lab = with_turn();
    let peer = lab.world.address(lab.bob, 6000).expect("has one");
    let server = lab.primary;
    let (_, data) = lab.ask(server, challenge_request()).expect("answered");
    let mut relay = None;
    for request in relay_requests(&nonce_of(&data), peer) {
        let (_, data) = lab.ask(server, request).expect("answered");
        succeeded(&data);
        relay = relay.or(View::new(&data).xor_relayed_address());
    }
    let local = lab.world.address(lab.alice, 5000).expect("has one");
    let data = send_indication(peer);
    lab.world.transmit(lab.alice, Transmit::Udp { local, remote: server, data });
    let bob = lab.bob;
    let (from, data) = lab.hear(bob).expect("relayed");
    assert_eq!((Some(from), &data[..]), (relay, &b"ping"[..]));

    let data = b"pong".to_vec();
    lab.world.transmit(bob, Transmit::Udp { local: peer, remote: from, data });
    let alice = lab.alice;
    let (_, data) = lab.hear(alice).expect("relayed");
    assert_eq!(View::new(&data).data(), Some(&b"pong"[..]));
}

#[test]
fn a_client_over_tcp_reaches_a_peer_through_its_relay() {
    let mut lab = with_turn();
    let (alice, bob) = (lab.alice, lab.bob);
    let peer = lab.world.address(bob, 6000).expect("has one");
    let local = lab.world.address(alice, 0).expect("has one");
    let remote = lab.primary;
    lab.world.transmit(alice, Transmit::TcpConnect { conn: CONN, local, remote });
    let mut deframer = Deframer::new(Framing::Turn);
    let mut exchange = |lab: &mut Lab, request: Option<Vec<u8>>| -> Vec<u8> {
        if let Some(data) = request {
            lab.world.transmit(alice, Transmit::TcpSend { conn: CONN, data });
        }
        for _ in 0..20 {
            if let Some(packet) = deframer.next_packet().expect("in step") {
                return packet.to_vec();
            }
            let limit = lab.world.now() + Ns::secs(1);
            lab.world.step(limit).expect("no livelock");
            while let Some(received) = lab.world.receive(alice) {
                if let Receive::TcpData { data, .. } = received {
                    deframer.push(&data).expect("little");
                }
            }
        }
        panic!("no answer");
    };
    lab.world.step(Ns::secs(1)).expect("no livelock");
    let connected = lab.world.receive(alice);
    assert!(matches!(connected, Some(Receive::TcpConnected { .. })), "{connected:?}");
    let nonce = nonce_of(&exchange(&mut lab, Some(challenge_request())));
    for request in relay_requests(&nonce, peer) {
        succeeded(&exchange(&mut lab, Some(request)));
    }
    let data = send_indication(peer);
    lab.world.transmit(alice, Transmit::TcpSend { conn: CONN, data });
    let (relay, data) = lab.hear(bob).expect("relayed");
    assert_eq!(data, b"ping");
    lab.world.transmit(bob, Transmit::Udp { local: peer, remote: relay, data: b"pong".to_vec() });
    assert_eq!(View::new(&exchange(&mut lab, None)).data(), Some(&b"pong"[..]));
}
