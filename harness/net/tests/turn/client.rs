//! A client that sends exactly what a test says and shows exactly what comes back.

use std::net::SocketAddr;

use rtcspec_net::Ns;
use rtcspec_net::host::{Application, Receive, Transmit};
use rtcspec_net::services::turn::{Config, Server};
use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, Key, Message, Method, REQUESTED_TRANSPORT_UDP, Seal,
    TransactionId, View,
};

pub(crate) const SERVER: &str = "192.0.2.1:3478";
pub(crate) const CLIENT: &str = "198.51.100.7:5000";
pub(crate) const PEER: &str = "203.0.113.9:6000";
pub(crate) const REALM: &str = "example.org";

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn config() -> Config {
    Config::new(address(SERVER), REALM).user("alice", "secret").user("bob", "hidden")
}

pub(crate) fn transport() -> Attribute {
    Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP)
}

pub(crate) fn peer(text: &str) -> Attribute {
    Attribute::XorPeerAddress(address(text))
}

/// A server and one client of it.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) now: Ns,
    pub(crate) client: SocketAddr,
    user: String,
    key: Key,
    nonce: Vec<u8>,
    transactions: u8,
}

impl Bench {
    pub(crate) fn new(config: Config) -> Self {
        let mut server = Server::new(config, 7);
        while server.transmit().is_some() {}
        Self {
            server,
            now: Ns::ZERO,
            client: address(CLIENT),
            user: "alice".to_owned(),
            key: Key::long_term("alice", REALM, "secret"),
            nonce: Vec::new(),
            transactions: 0,
        }
    }

    /// A client with an allocation; returns its relayed address as well.
    pub(crate) fn allocated() -> (Self, SocketAddr) {
        let mut bench = Self::new(config());
        let relay = bench.allocate();
        (bench, relay)
    }

    pub(crate) fn allocate(&mut self) -> SocketAddr {
        let response = self.request(Method::ALLOCATE, &[transport()]);
        assert_eq!(response.class, Class::SuccessResponse, "{response:?}");
        relayed(&response)
    }

    /// Goes on as another user, from the same address.
    pub(crate) fn become_user(&mut self, name: &str, password: &str) {
        self.user = name.to_owned();
        self.key = Key::long_term(name, REALM, password);
    }

    /// Goes on from another address.
    pub(crate) fn move_to(&mut self, text: &str) {
        self.client = address(text);
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Ns) {
        self.now = self.now + span;
        self.server.advance(self.now);
    }

    /// A request with credentials, asked again once after a challenge.
    pub(crate) fn request(&mut self, method: Method, attributes: &[Attribute]) -> Message {
        let response = self.request_once(method, attributes);
        match code(&response) {
            Some(401 | 438) => self.request_once(method, attributes),
            _ => response,
        }
    }

    /// A request with the credentials there are; a challenge is remembered.
    pub(crate) fn request_once(&mut self, method: Method, attributes: &[Attribute]) -> Message {
        let mut request = Message::request(method, self.transaction_id());
        request.attributes = attributes.to_vec();
        self.exchange(request)
    }

    /// Sends a request with the credentials there are and returns its response.
    pub(crate) fn exchange(&mut self, mut request: Message) -> Message {
        let mut seal = Seal::none().fingerprint();
        if !self.nonce.is_empty() {
            request.attributes.push(Attribute::Username(self.user.clone()));
            request.attributes.push(Attribute::Realm(REALM.to_owned()));
            request.attributes.push(Attribute::Nonce(self.nonce.clone()));
            seal = seal.integrity(&self.key);
        }
        let bytes = request.encode(&seal).expect("short");
        self.send(&bytes);
        let (to, data) = self.next_datagram().expect("an answer");
        assert_eq!(to, self.client);
        let response = Message::parse(&data).expect("valid");
        assert_eq!(response.id, request.id);
        let challenge = matches!(code(&response), Some(400 | 401 | 438));
        let check = View::new(&data).verify_integrity(&self.key);
        assert!(check == Check::Valid || challenge, "{response:?}: {check:?}");
        if let Some(Attribute::Nonce(nonce)) = response.attribute(AttributeType::NONCE) {
            self.nonce.clone_from(nonce);
        }
        response
    }

    /// Sends a datagram as the client.
    pub(crate) fn send(&mut self, data: &[u8]) {
        let (local, remote) = (address(SERVER), self.client);
        self.server.receive(self.now, Receive::Udp { local, remote, data: data.to_vec() });
    }

    /// Sends a datagram as a peer.
    pub(crate) fn peer_sends(&mut self, from: &str, relay: SocketAddr, data: &[u8]) {
        let (local, remote) = (relay, address(from));
        self.server.receive(self.now, Receive::Udp { local, remote, data: data.to_vec() });
    }

    /// Sends an indication.
    pub(crate) fn indicate(&mut self, attributes: &[Attribute]) {
        let mut message = Message::indication(Method::SEND, self.transaction_id());
        message.attributes = attributes.to_vec();
        let bytes = message.encode(&Seal::none()).expect("short");
        self.send(&bytes);
    }

    /// Where the server sends a datagram next, and what.
    pub(crate) fn next_datagram(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        match self.server.transmit()? {
            Transmit::Udp { remote, data, .. } => Some((remote, data)),
            other => panic!("not a datagram: {other:?}"),
        }
    }

    pub(crate) fn transaction_id(&mut self) -> TransactionId {
        self.transactions += 1;
        TransactionId([self.transactions; 12])
    }
}

/// The error code of a response.
pub(crate) fn code(response: &Message) -> Option<u16> {
    match response.attribute(AttributeType::ERROR_CODE)? {
        Attribute::ErrorCode(error) => Some(error.code()),
        _ => None,
    }
}

/// The relayed address of a response.
pub(crate) fn relayed(response: &Message) -> SocketAddr {
    match response.attribute(AttributeType::XOR_RELAYED_ADDRESS) {
        Some(Attribute::XorRelayedAddress(address)) => *address,
        _ => panic!("no relayed address in {response:?}"),
    }
}

/// The lifetime of a response.
pub(crate) fn lifetime(response: &Message) -> Option<u32> {
    match response.attribute(AttributeType::LIFETIME)? {
        Attribute::Lifetime(seconds) => Some(*seconds),
        _ => None,
    }
}
