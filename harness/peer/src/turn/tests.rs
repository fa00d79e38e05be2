//! A client and a server in virtual time.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use rtcspec_tls::{ServerConfig, Session, Trust};
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Class, Message, Method, Seal, View,
};

use super::testing::{Effect, PASSWORD, TurnServer, USER};
use super::{Client, ClientConfig, Event, Output, PermissionState, Transport};
use crate::io::{ConnId, Transmit};
use crate::rng::Rng;
use crate::stun::Retransmit;

const CLIENT: &str = "192.0.2.1:4000";
const SERVER: &str = "203.0.113.5:3478";
const PEER: &str = "198.51.100.1:9000";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn config(transport: Transport) -> ClientConfig {
    ClientConfig {
        server: addr(SERVER),
        transport,
        server_name: "turn.rtcspec.test".to_owned(),
        trust: Trust::Fixed,
        local: addr(CLIENT),
        conn: ConnId(4),
        username: USER.to_owned(),
        password: PASSWORD.to_owned(),
        family: AddressFamily::V4,
        rto: Retransmit::MIN_RTO,
    }
}

struct Bench {
    now: Duration,
    client: Client,
    server: TurnServer,
    /// The server's end of TLS.
    tls: Option<Session>,
    /// The server is out of reach.
    silent: bool,
    events: Vec<Event>,
    /// What reached peers.
    peers: Vec<(SocketAddr, Vec<u8>)>,
    /// Messages on the leg, in order, with the time of each.
    leg: Vec<(Duration, Vec<u8>)>,
    transmits: Vec<Transmit>,
}

impl Bench {
    fn new(transport: Transport, family: AddressFamily) -> Self {
        let config = ClientConfig { family, ..config(transport) };
        Self {
            now: Duration::ZERO,
            client: Client::new(config, Rng::new(1)),
            server: TurnServer::new(addr(SERVER).ip()),
            tls: (transport == Transport::Tls)
                .then(|| Session::server(&ServerConfig::fixed(), 9).unwrap()),
            silent: false,
            events: Vec::new(),
            peers: Vec::new(),
            leg: Vec::new(),
            transmits: Vec::new(),
        }
    }

    fn udp() -> Self {
        Self::new(Transport::Udp, AddressFamily::V4)
    }

    fn allocated() -> Self {
        let mut bench = Self::udp();
        bench.client.start(Duration::ZERO);
        bench.settle();
        assert!(bench.client.relayed().is_some());
        bench
    }

    /// Exchanges messages until both are at rest, without time passing.
    fn settle(&mut self) {
        let mut inbox = VecDeque::new();
        loop {
            while self.client.start_next(self.now) {}
            let Some(output) = self.client.poll() else { break };
            match output {
                Output::Request { bytes, .. } => self.client.write(bytes),
                Output::Transmit(Transmit::Udp { data, .. } | Transmit::TcpSend { data, .. }) => {
                    self.leg.push((self.now, data.clone()));
                    if !self.silent {
                        inbox.extend(self.serve(&data));
                    }
                }
                Output::Transmit(other) => self.transmits.push(other),
                Output::Event(event) => self.events.push(event),
            }
            while let Some(effect) = inbox.pop_front() {
                match effect {
                    Effect::ToClient(_, bytes) => self.deliver(&bytes),
                    Effect::ToPeer { peer, data, .. } => self.peers.push((peer, data)),
                }
            }
        }
    }

    /// The server takes what came over the leg.
    fn serve(&mut self, data: &[u8]) -> Vec<Effect> {
        let Some(tls) = &mut self.tls else {
            return self.server.client_sent(addr(CLIENT), data);
        };
        let mut plain = Vec::new();
        // A client that does not trust the certificate sends an alert.
        let _ = tls.receive(data, &mut plain);
        let answer = tls.take_output();
        if !answer.is_empty() {
            self.client.stream_data(self.now, &answer);
        }
        if plain.is_empty() {
            return Vec::new();
        }
        self.server.client_sent(addr(CLIENT), &plain)
    }

    fn deliver(&mut self, bytes: &[u8]) {
        if let Some(tls) = &mut self.tls {
            tls.send(bytes).unwrap();
            let sealed = tls.take_output();
            self.client.stream_data(self.now, &sealed);
        } else if self.client.transport() == Transport::Udp {
            self.client.datagram(self.now, bytes);
        } else {
            self.client.stream_data(self.now, bytes);
        }
    }

    fn run(&mut self, until: Duration) {
        self.settle();
        while let Some(at) = self.client.wake().filter(|at| *at <= until) {
            self.now = at;
            self.client.advance(at);
            self.settle();
        }
        self.now = until;
    }

    fn peer_sent(&mut self, data: &[u8]) {
        let relayed = self.client.relayed().unwrap();
        if let Some(Effect::ToClient(_, bytes)) = self.server.peer_sent(relayed, addr(PEER), data) {
            self.deliver(&bytes);
        }
        self.settle();
    }

    fn permitted() -> Self {
        let mut bench = Self::allocated();
        bench.client.permit(addr(PEER).ip());
        bench.settle();
        bench
    }

    fn state(&self, ip: IpAddr) -> Option<PermissionState> {
        self.client.permission(ip)
    }

    fn requests(&self, method: Method) -> Vec<(Duration, Message)> {
        let parsed = self.leg.iter().filter_map(|(at, b)| Some((*at, Message::parse(b).ok()?)));
        parsed.filter(|(_, m)| m.method == method && m.class == Class::Request).collect()
    }

    fn failure(&self) -> Option<u16> {
        self.events.iter().find_map(|event| match event {
            Event::Failed(failure) => Some(failure.code),
            _ => None,
        })
    }
}

#[test]
fn allocation_is_made_after_one_challenge() {
    // RFC 8656 §7.1, RFC 8489 §9.2.
    let bench = Bench::allocated();
    let requests = bench.requests(Method::ALLOCATE);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].1.attribute(AttributeType::USERNAME), None);
    assert_eq!(
        requests[1].1.attribute(AttributeType::USERNAME),
        Some(&Attribute::Username(USER.to_owned()))
    );
    assert!(
        requests.iter().all(|(_, m)| m.attribute(AttributeType::REQUESTED_TRANSPORT).is_some())
    );
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn stale_nonce_is_recovered_from_on_every_request_type_twice_in_a_row() {
    // RFC 8489 §9.2.5.
    let mut bench = Bench::udp();
    for method in [Method::ALLOCATE, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        bench.server.fault(method, &[438, 438]);
    }
    bench.server.fault(Method::REFRESH, &[438, 438]);
    bench.client.start(Duration::ZERO);
    bench.settle();
    bench.client.permit(addr(PEER).ip());
    bench.client.bind(addr(PEER));
    bench.settle();
    assert_eq!(bench.state(addr(PEER).ip()), Some(PermissionState::Granted));
    bench.run(secs(599));
    assert_eq!(bench.server.count(Method::REFRESH), 1);
    bench.server.fault(Method::REFRESH, &[438, 438]);
    bench.client.close();
    bench.settle();
    assert_eq!(bench.events.last(), Some(&Event::Closed));
    assert_eq!(bench.server.allocations(), 0);
}

#[test]
fn server_that_always_answers_438_is_not_asked_for_ever() {
    let mut bench = Bench::udp();
    bench.server.fault(Method::ALLOCATE, &[438; 100]);
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert_eq!(bench.failure(), Some(438));
    assert!(bench.requests(Method::ALLOCATE).len() < 10);
}

#[test]
fn realm_that_changes_in_the_middle_is_taken_up() {
    let mut bench = Bench::allocated();
    bench.server.realm = "other".to_owned();
    bench.server.change_nonce();
    bench.client.permit(addr(PEER).ip());
    bench.settle();
    assert_eq!(bench.state(addr(PEER).ip()), Some(PermissionState::Granted));
}

#[test]
fn refusals_of_an_allocation_end_the_client_with_their_code() {
    // RFC 8656 §7.4.
    for code in [401, 403, 437, 440, 441, 442, 486, 500, 508] {
        let mut bench = Bench::udp();
        bench.server.fault(Method::ALLOCATE, &[code]);
        bench.client.start(Duration::ZERO);
        bench.settle();
        assert_eq!(bench.failure(), Some(code));
        assert!(bench.client.is_ended());
    }
}

#[test]
fn wrong_password_is_refused_after_one_retry() {
    let mut bench = Bench::udp();
    let wrong = ClientConfig { password: "wrong".to_owned(), ..config(Transport::Udp) };
    bench.client = Client::new(wrong, Rng::new(1));
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert_eq!(bench.failure(), Some(401));
    assert_eq!(bench.requests(Method::ALLOCATE).len(), 2);
}

#[test]
fn silent_server_fails_as_unreachable_after_39500_ms() {
    let mut bench = Bench::udp();
    bench.silent = true;
    bench.client.start(Duration::ZERO);
    bench.run(Duration::from_millis(39_499));
    assert_eq!(bench.failure(), None);
    bench.run(Duration::from_millis(39_500));
    assert_eq!(bench.failure(), Some(701));
    assert_eq!(bench.requests(Method::ALLOCATE).len(), 7);
}

#[test]
fn refused_permission_leaves_the_other_peers_alone() {
    // RFC 8656 §10: one peer per request.
    let mut bench = Bench::allocated();
    let (good, bad) = (addr(PEER).ip(), IpAddr::from([10, 0, 0, 1]));
    bench.server.forbidden.push(bad);
    for ip in [bad, good] {
        bench.client.permit(ip);
    }
    bench.settle();
    assert_eq!(bench.state(good), Some(PermissionState::Granted));
    assert_eq!(bench.state(bad), Some(PermissionState::Refused(403)));
    let denied = Event::Permission { ip: bad, state: PermissionState::Refused(403) };
    assert!(bench.events.contains(&denied));
}

#[test]
fn data_goes_in_send_indications_until_the_channel_is_up() {
    // RFC 8656 §11.1, §12.
    let mut bench = Bench::permitted();
    assert!(bench.client.send(addr(PEER), b"first"));
    bench.settle();
    assert_eq!(View::new(&bench.leg.last().unwrap().1).data(), Some(&b"first"[..]));
    bench.client.bind(addr(PEER));
    bench.settle();
    assert!(bench.client.send(addr(PEER), b"second"));
    bench.settle();
    assert_eq!(bench.leg.last().unwrap().1, b"\x40\x00\x00\x06second");
    assert_eq!(bench.peers, [(addr(PEER), b"first".to_vec()), (addr(PEER), b"second".to_vec())]);
}

#[test]
fn data_comes_in_data_indications_and_on_the_channel() {
    let mut bench = Bench::permitted();
    bench.peer_sent(b"indicated");
    bench.client.bind(addr(PEER));
    bench.settle();
    bench.peer_sent(b"channelled");
    let data = |text: &[u8]| Event::Data { peer: addr(PEER), data: text.to_vec() };
    assert!(bench.events.contains(&data(b"indicated")));
    assert!(bench.events.contains(&data(b"channelled")));
}

#[test]
fn channel_data_that_overtakes_the_bind_response_is_taken() {
    // RFC 8656 §12.6.
    let mut bench = Bench::permitted();
    bench.client.bind(addr(PEER));
    bench.client.start_next(bench.now);
    bench.client.datagram(bench.now, b"\x40\x00\x00\x02hi");
    bench.settle();
    assert!(bench.events.contains(&Event::Data { peer: addr(PEER), data: b"hi".to_vec() }));
}

#[test]
fn channel_data_of_an_unknown_channel_is_dropped() {
    let mut bench = Bench::permitted();
    let events = bench.events.len();
    assert!(bench.client.datagram(bench.now, b"\x40\x07\x00\x02hi"));
    bench.settle();
    assert_eq!(bench.events.len(), events);
}

#[test]
fn data_of_a_peer_without_permission_is_dropped() {
    // RFC 8656 §11.4.
    let mut bench = Bench::allocated();
    let indication = Message::indication(Method::DATA, rtcspec_wire::stun::TransactionId([3; 12]))
        .with(Attribute::XorPeerAddress(addr(PEER)))
        .with(Attribute::Data(b"hi".to_vec()));
    bench.client.datagram(bench.now, &indication.encode(&Seal::none()).unwrap());
    bench.settle();
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn allocation_permission_and_channel_are_renewed_in_time_for_an_hour() {
    // RFC 8656 §8, §9, §12: 600, 300 and 600 seconds.
    let mut bench = Bench::permitted();
    bench.client.bind(addr(PEER));
    bench.run(secs(3600));
    let longest = |methods: &[Method]| {
        let of = |method: &Method| bench.requests(*method).into_iter().map(|(at, _)| at);
        let mut times: Vec<Duration> = methods.iter().flat_map(of).collect();
        times.sort();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    };
    assert!(longest(&[Method::REFRESH]) < secs(600));
    assert!(longest(&[Method::CHANNEL_BIND]) < secs(600));
    // RFC 8656 §12: a ChannelBind refreshes the permission as well.
    assert!(longest(&[Method::CREATE_PERMISSION, Method::CHANNEL_BIND]) < secs(300));
    assert_eq!(bench.failure(), None);
    assert!(bench.client.relayed().is_some());
}

#[test]
fn short_lifetime_of_the_server_is_respected() {
    let mut bench = Bench::udp();
    bench.server.lifetime = 20;
    bench.client.start(Duration::ZERO);
    bench.run(secs(100));
    assert_eq!(bench.failure(), None);
    assert!(bench.server.count(Method::REFRESH) >= 5);
}

#[test]
fn allocation_that_the_server_forgot_is_reported_lost() {
    // RFC 8656 §8.3: 437 in answer to Refresh.
    let mut bench = Bench::allocated();
    bench.server.fault(Method::REFRESH, &[437]);
    bench.run(secs(600));
    assert_eq!(bench.failure(), Some(437));
    assert_eq!(bench.client.relayed(), None);
}

#[test]
fn closing_gives_the_allocation_back() {
    // RFC 8656 §8: Refresh with lifetime 0.
    let mut bench = Bench::allocated();
    bench.client.close();
    bench.settle();
    let refresh = bench.requests(Method::REFRESH);
    assert_eq!(refresh[0].1.attribute(AttributeType::LIFETIME), Some(&Attribute::Lifetime(0)));
    assert_eq!(bench.events.last(), Some(&Event::Closed));
    assert!(!bench.client.send(addr(PEER), b"late"));
}

#[test]
fn redirection_is_followed_once() {
    // RFC 8489 §10.
    let mut bench = Bench::udp();
    bench.server.alternate = Some(addr("203.0.113.6:3478"));
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert_eq!(bench.client.server(), addr("203.0.113.6:3478"));
    assert!(bench.client.relayed().is_some());

    let mut twice = Bench::udp();
    twice.server.alternate = Some(addr("203.0.113.6:3478"));
    twice.client.start(Duration::ZERO);
    while twice.client.server() == addr(SERVER) {
        assert!(twice.client.start_next(twice.now) || twice.failure().is_none());
        let Some(Output::Request { bytes, .. }) = twice.client.poll() else { continue };
        for effect in twice.server.client_sent(addr(CLIENT), &bytes) {
            let Effect::ToClient(_, answer) = effect else { continue };
            twice.client.datagram(twice.now, &answer);
        }
    }
    twice.server.alternate = Some(addr("203.0.113.7:3478"));
    twice.settle();
    assert_eq!(twice.failure(), Some(300));
}

#[test]
fn ipv6_address_is_asked_for_by_its_family() {
    // RFC 8656 §7.1.
    let mut bench = Bench::new(Transport::Udp, AddressFamily::V6);
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert!(bench.client.relayed().is_some_and(|relayed| relayed.is_ipv6()));
}

#[test]
fn relayed_address_of_the_wrong_family_is_no_allocation() {
    let mut bench = Bench::new(Transport::Udp, AddressFamily::V4);
    bench.server.ip = "2001:db8::9".parse().unwrap();
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert_eq!(bench.failure(), Some(440));
}

#[test]
fn unsigned_answer_to_a_signed_request_is_ignored() {
    // RFC 8489 §9.2.5.
    let mut bench = Bench::allocated();
    bench.client.permit(addr(PEER).ip());
    bench.client.start_next(bench.now);
    let Some(Output::Request { bytes, key }) = bench.client.poll() else { panic!() };
    assert!(key.is_some());
    let id = View::new(&bytes).transaction_id().unwrap();
    let forged = Message::success(Method::CREATE_PERMISSION, id).encode(&Seal::none()).unwrap();
    bench.client.datagram(bench.now, &forged);
    assert_eq!(bench.state(addr(PEER).ip()), Some(PermissionState::Requested));
}

#[test]
fn stream_is_opened_first_and_messages_survive_any_split() {
    // RFC 8656 §3.1, §12.5.
    let mut bench = Bench::new(Transport::Tcp, AddressFamily::V4);
    bench.client.start(Duration::ZERO);
    bench.settle();
    assert!(matches!(bench.transmits[..], [Transmit::TcpConnect { conn: ConnId(4), .. }]));
    bench.client.connected(addr("192.0.2.1:5555"));
    bench.settle();
    bench.client.permit(addr(PEER).ip());
    bench.client.bind(addr(PEER));
    bench.settle();
    bench.client.send(addr(PEER), b"12345");
    bench.settle();
    assert_eq!(bench.leg.last().unwrap().1, b"\x40\x00\x00\x0512345\0\0\0");
    for byte in b"\x40\x00\x00\x05abcde\0\0\0\x40\x00\x00\x01x\0\0\0" {
        bench.client.stream_data(bench.now, &[*byte]);
    }
    bench.settle();
    let data = |text: &[u8]| Event::Data { peer: addr(PEER), data: text.to_vec() };
    assert_eq!(bench.events[bench.events.len() - 2..], [data(b"abcde"), data(b"x")]);
    bench.client.disconnected();
    bench.settle();
    assert_eq!(bench.failure(), Some(701));
}

#[test]
fn connection_that_is_never_accepted_fails_as_unreachable() {
    let mut bench = Bench::new(Transport::Tcp, AddressFamily::V4);
    bench.client.start(Duration::ZERO);
    bench.run(secs(40));
    assert_eq!(bench.failure(), Some(701));
}

#[test]
fn allocation_over_tls_begins_after_the_handshake_and_nothing_is_readable() {
    // RFC 8656 §3.1.
    let mut bench = Bench::new(Transport::Tls, AddressFamily::V4);
    bench.client.start(Duration::ZERO);
    bench.settle();
    bench.client.connected(addr("192.0.2.1:5555"));
    bench.settle();
    assert!(bench.client.relayed().is_some());
    bench.client.permit(addr(PEER).ip());
    bench.client.bind(addr(PEER));
    bench.settle();
    bench.client.send(addr(PEER), b"secret");
    bench.settle();
    assert_eq!(bench.peers, [(addr(PEER), b"secret".to_vec())]);
    bench.peer_sent(b"answered");
    let answer = Event::Data { peer: addr(PEER), data: b"answered".to_vec() };
    assert!(bench.events.contains(&answer));
    let secret = |(_, bytes): &(Duration, Vec<u8>)| bytes.windows(6).any(|w| w == b"secret");
    assert!(!bench.leg.iter().any(secret));
    bench.client.close();
    bench.settle();
    assert_eq!(bench.events.last(), Some(&Event::Closed));
}

#[test]
fn server_with_another_certificate_is_not_trusted() {
    let mut bench = Bench::new(Transport::Tls, AddressFamily::V4);
    bench.client = Client::new(
        ClientConfig { trust: Trust::Pinned(vec![1, 2, 3]), ..config(Transport::Tls) },
        Rng::new(1),
    );
    bench.client.start(Duration::ZERO);
    bench.settle();
    bench.client.connected(addr("192.0.2.1:5555"));
    bench.settle();
    assert_eq!(bench.failure(), Some(701));
    assert!(bench.requests(Method::ALLOCATE).is_empty());
}

#[test]
fn channel_data_over_udp_bears_no_padding_over_tcp_it_does() {
    let mut bench = Bench::permitted();
    bench.client.bind(addr(PEER));
    bench.settle();
    bench.client.send(addr(PEER), b"12345");
    bench.settle();
    assert_eq!(bench.leg.last().unwrap().1, b"\x40\x00\x00\x0512345");
}

proptest! {
    #[test]
    fn any_bytes_from_the_server_are_survived(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8),
        stream in any::<bool>(),
    ) {
        let transport = if stream { Transport::Tcp } else { Transport::Udp };
        let mut bench = Bench::new(transport, AddressFamily::V4);
        bench.client.start(Duration::ZERO);
        bench.client.connected(addr(CLIENT));
        bench.settle();
        for message in messages {
            bench.deliver(&message);
            bench.settle();
        }
    }

    #[test]
    fn genuine_answers_with_flipped_bytes_are_survived(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bench = Bench::udp();
        bench.client.start(Duration::ZERO);
        for _ in 0..4 {
            bench.client.start_next(bench.now);
            while let Some(output) = bench.client.poll() {
                let Output::Request { bytes, .. } = output else { continue };
                for effect in bench.server.client_sent(addr(CLIENT), &bytes) {
                    let Effect::ToClient(_, mut answer) = effect else { continue };
                    for (index, value) in &flips {
                        let at = index.index(answer.len());
                        answer[at] ^= value;
                    }
                    bench.client.datagram(bench.now, &answer);
                }
            }
        }
    }
}
