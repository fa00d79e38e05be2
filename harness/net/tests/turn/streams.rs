//! Clients over TCP and TLS.

use std::net::SocketAddr;

use rtcspec_net::Ns;
use rtcspec_net::host::{Application, ConnId, Receive, Transmit};
use rtcspec_net::services::turn::{Config, Leg, Server};
use rtcspec_tls::{ClientConfig, NAME, Session, Trust};
use rtcspec_wire::framing::{Deframer, Framing};
use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Key, Message, Method, Seal, TransactionId,
};
use rtcspec_wire::turn::{ChannelData, ChannelNumber};

use crate::client::{CLIENT, PEER, REALM, SERVER, address, config, peer, relayed, transport};

const CONN: ConnId = ConnId(1 << 63);
const TLS: &str = "192.0.2.1:5349";

/// A client on a stream: bytes are cut into pieces of odd sizes on the way in.
struct Streamed {
    server: Server,
    tls: Option<Session>,
    deframer: Deframer,
    /// Datagrams the server sent to peers.
    to_peers: Vec<(SocketAddr, Vec<u8>)>,
    closed: bool,
}

impl Streamed {
    fn open(config: Config, at: &str, tls: Option<Session>) -> Self {
        let mut server = Server::new(config, 1);
        let mut listening = Vec::new();
        while let Some(Transmit::TcpListen { local }) = server.transmit() {
            listening.push(local);
        }
        assert!(listening.contains(&address(at)));
        let (local, remote) = (address(at), address(CLIENT));
        server.receive(Ns::ZERO, Receive::TcpAccepted { conn: CONN, local, remote });
        let deframer = Deframer::new(Framing::Turn);
        let mut streamed = Self { server, tls, deframer, to_peers: Vec::new(), closed: false };
        for _ in 0..4 {
            streamed.pump();
        }
        streamed
    }

    /// Carries bytes both ways.
    fn pump(&mut self) {
        let out = self.tls.as_mut().map(Session::take_output).unwrap_or_default();
        self.give(&out);
        while let Some(transmit) = self.server.transmit() {
            match transmit {
                Transmit::TcpSend { conn: CONN, data } => self.hear(&data),
                Transmit::Udp { remote, data, .. } => self.to_peers.push((remote, data)),
                Transmit::TcpClose { conn: CONN } => self.closed = true,
                other => panic!("{other:?}"),
            }
        }
    }

    fn hear(&mut self, data: &[u8]) {
        let plain = match &mut self.tls {
            None => data.to_vec(),
            Some(session) => {
                let mut plain = Vec::new();
                session.receive(data, &mut plain).expect("the server speaks TLS");
                plain
            }
        };
        self.deframer.push(&plain).expect("little");
    }

    fn give(&mut self, data: &[u8]) {
        for piece in data.chunks(7) {
            let data = piece.to_vec();
            self.server.receive(Ns::ZERO, Receive::TcpData { conn: CONN, data });
        }
    }

    fn send(&mut self, packet: &[u8]) {
        let mut framed = Vec::new();
        Framing::Turn.frame_into(packet, &mut framed).expect("short");
        match &mut self.tls {
            None => self.give(&framed),
            Some(session) => session.send(&framed).expect("little"),
        }
        self.pump();
        self.pump();
    }

    fn next_packet(&mut self) -> Option<Vec<u8>> {
        self.deframer.next_packet().expect("in step").map(<[u8]>::to_vec)
    }

    fn request(&mut self, method: Method, attributes: &[Attribute], nonce: &Attribute) -> Message {
        let key = Key::long_term("alice", REALM, "secret");
        let mut request = Message::request(method, TransactionId([1; 12]));
        request.attributes = attributes.to_vec();
        request.attributes.push(Attribute::Username("alice".into()));
        request.attributes.push(Attribute::Realm(REALM.into()));
        request.attributes.push(nonce.clone());
        self.send(&request.encode(&Seal::none().integrity(&key)).expect("short"));
        let response = Message::parse(&self.next_packet().expect("answered")).expect("valid");
        assert_eq!(response.class, Class::SuccessResponse, "{response:?}");
        response
    }

    fn nonce(&mut self) -> Attribute {
        let request = Message::request(Method::ALLOCATE, TransactionId([2; 12])).with(transport());
        self.send(&request.encode(&Seal::none()).expect("short"));
        let response = Message::parse(&self.next_packet().expect("answered")).expect("valid");
        response.attribute(AttributeType::NONCE).expect("challenged").clone()
    }
}

fn relays_over(mut client: Streamed) {
    let nonce = client.nonce();
    let relay = relayed(&client.request(Method::ALLOCATE, &[transport()], &nonce));
    let channel = ChannelNumber::MIN;
    let binding = [Attribute::ChannelNumber(channel), peer(PEER)];
    client.request(Method::CHANNEL_BIND, &binding, &nonce);

    let mut packet = Vec::new();
    ChannelData { channel, data: b"seven b" }.encode_into(&mut packet).expect("short");
    client.send(&packet);
    assert_eq!(client.to_peers, [(address(PEER), b"seven b".to_vec())]);
    let data = b"answer".to_vec();
    let remote = address(PEER);
    client.server.receive(Ns::ZERO, Receive::Udp { local: relay, remote, data });
    client.pump();
    let heard = client.next_packet().expect("relayed");
    assert_eq!(ChannelData::parse(&heard), Ok(ChannelData { channel, data: b"answer" }));

    client.server.receive(Ns::ZERO, Receive::TcpClosed { conn: CONN });
    assert_eq!(client.server.relayed().count(), 0);
}

fn tls_client() -> Session {
    Session::client(&ClientConfig::new(Trust::Fixed), NAME, 3).expect("a valid name")
}

#[test]
fn a_client_over_tcp_relays_and_its_allocation_ends_with_the_connection() {
    relays_over(Streamed::open(config(), SERVER, None));
}

#[test]
fn a_client_over_tls_relays_and_its_allocation_ends_with_the_connection() {
    let config = config().listen(address(TLS), Leg::Tls);
    relays_over(Streamed::open(config, TLS, Some(tls_client())));
}

/// What a peer sends is lost while the stream has too much; answers are not, and TLS stays in step.
fn loses_datagrams_while_full(mut client: Streamed) {
    let nonce = client.nonce();
    let local = relayed(&client.request(Method::ALLOCATE, &[transport()], &nonce));
    client.request(Method::CREATE_PERMISSION, &[peer(PEER)], &nonce);
    let remote = address(PEER);
    for (full, heard) in [(true, 0), (false, 1)] {
        client.server.receive(Ns::ZERO, Receive::TcpBacklog { conn: CONN, full });
        client.server.receive(Ns::ZERO, Receive::Udp { local, remote, data: b"data".to_vec() });
        client.pump();
        assert_eq!(std::iter::from_fn(|| client.next_packet()).count(), heard, "full: {full}");
        client.request(Method::REFRESH, &[], &nonce);
    }
}

#[test]
fn a_stream_that_is_full_loses_datagrams_and_nothing_else() {
    loses_datagrams_while_full(Streamed::open(config(), SERVER, None));
    let config = config().listen(address(TLS), Leg::Tls);
    loses_datagrams_while_full(Streamed::open(config, TLS, Some(tls_client())));
}

#[test]
fn a_stream_out_of_step_is_closed_whether_plain_or_tls() {
    let mut plain = Streamed::open(config(), SERVER, None);
    plain.give(b"\xff\xff\xff\xff");
    plain.pump();
    assert!(plain.closed);

    let config = config().listen(address(TLS), Leg::Tls);
    let mut tls = Streamed::open(config.clone(), TLS, Some(tls_client()));
    tls.send(b"\xff\xff\xff\xff");
    assert!(tls.closed);

    // Plain STUN where TLS is expected: an alert, then the end.
    let mut wrong = Streamed::open(config, TLS, None);
    let request = Message::request(Method::ALLOCATE, TransactionId([2; 12]));
    wrong.give(&request.encode(&Seal::none()).expect("short"));
    while let Some(transmit) = wrong.server.transmit() {
        wrong.closed |= transmit == Transmit::TcpClose { conn: CONN };
    }
    assert!(wrong.closed);
}

#[test]
fn connections_to_nowhere_and_beyond_the_limit_are_closed() {
    let mut server = Server::new(Config { most_streams: 1, ..config() }, 1);
    while server.transmit().is_some() {}
    let remote = address(CLIENT);
    for (n, local, refused) in [(0, "192.0.2.1:1", true), (1, SERVER, false), (2, SERVER, true)] {
        let conn = ConnId(CONN.0 + n);
        let accepted = Receive::TcpAccepted { conn, local: address(local), remote };
        server.receive(Ns::ZERO, accepted);
        let expected = refused.then_some(Transmit::TcpClose { conn });
        assert_eq!(server.transmit(), expected);
    }
}
