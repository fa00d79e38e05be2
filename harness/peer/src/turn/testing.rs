//! A TURN server for tests: RFC 8656 as far as a client can see it, with faults on request.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Check, Class, ErrorCode, Key, Message, Method, Seal,
    TransactionId, View,
};
use rtcspec_wire::turn::{ChannelData, ChannelNumber};

pub(crate) const USER: &str = "user";
pub(crate) const PASSWORD: &str = "pass";

/// What the server does with something it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Answers or relays to the client.
    ToClient(SocketAddr, Vec<u8>),
    /// Relays to a peer.
    ToPeer { relayed: SocketAddr, peer: SocketAddr, data: Vec<u8> },
}

#[derive(Debug, Default)]
struct Allocation {
    relayed: Option<SocketAddr>,
    permissions: Vec<IpAddr>,
    channels: BTreeMap<ChannelNumber, SocketAddr>,
}

#[derive(Debug)]
pub(crate) struct TurnServer {
    pub(crate) ip: IpAddr,
    pub(crate) realm: String,
    pub(crate) lifetime: u32,
    /// Errors to answer the next requests of a method with.
    pub(crate) faults: BTreeMap<u16, VecDeque<u16>>,
    /// Peers no permission is given for.
    pub(crate) forbidden: Vec<IpAddr>,
    /// What an Allocate request is redirected to.
    pub(crate) alternate: Option<SocketAddr>,
    /// Every request that was authenticated.
    pub(crate) requests: Vec<Message>,
    nonce: u32,
    next_port: u16,
    allocations: BTreeMap<SocketAddr, Allocation>,
}

impl TurnServer {
    pub(crate) fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            realm: "realm".to_owned(),
            lifetime: 600,
            faults: BTreeMap::new(),
            forbidden: Vec::new(),
            alternate: None,
            requests: Vec::new(),
            nonce: 0,
            next_port: 50_000,
            allocations: BTreeMap::new(),
        }
    }

    /// The next requests of a method are answered with these codes.
    pub(crate) fn fault(&mut self, method: Method, codes: &[u16]) {
        self.faults.entry(method.number()).or_default().extend(codes);
    }

    /// The nonce in force is stale from now on.
    pub(crate) fn change_nonce(&mut self) {
        self.nonce += 1;
    }

    /// The requests of a method that were authenticated.
    pub(crate) fn count(&self, method: Method) -> usize {
        self.requests.iter().filter(|request| request.method == method).count()
    }

    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    pub(crate) fn client_sent(&mut self, client: SocketAddr, bytes: &[u8]) -> Vec<Effect> {
        if let Ok(ChannelData { channel, data }) = ChannelData::parse(bytes) {
            return self.channel_data(client, channel, data).into_iter().collect();
        }
        let view = View::new(bytes);
        let Ok(message) = Message::parse(bytes) else { return Vec::new() };
        match (message.class, message.method) {
            (Class::Indication, Method::SEND) => {
                let parts = view.xor_peer_address().zip(view.data());
                parts.and_then(|(peer, data)| self.relay(client, peer, data)).into_iter().collect()
            }
            (Class::Request, Method::BINDING) => {
                let answer = Message::success(Method::BINDING, message.id)
                    .with(Attribute::XorMappedAddress(client));
                vec![Effect::ToClient(client, answer.encode(&Seal::none()).unwrap())]
            }
            (Class::Request, _) => {
                vec![Effect::ToClient(client, self.request(client, &view, message))]
            }
            _ => Vec::new(),
        }
    }

    /// A datagram for a relayed address.
    pub(crate) fn peer_sent(
        &mut self,
        relayed: SocketAddr,
        peer: SocketAddr,
        data: &[u8],
    ) -> Option<Effect> {
        let mut allocations = self.allocations.iter();
        let (client, allocation) = allocations.find(|(_, a)| a.relayed == Some(relayed))?;
        if !allocation.permissions.contains(&peer.ip()) {
            return None;
        }
        let mut channels = allocation.channels.iter();
        let bytes = match channels.find(|(_, bound)| **bound == peer) {
            Some((channel, _)) => {
                let mut bytes = Vec::new();
                ChannelData { channel: *channel, data }.encode_into(&mut bytes).unwrap();
                bytes
            }
            None => Message::indication(Method::DATA, TransactionId([9; 12]))
                .with(Attribute::XorPeerAddress(peer))
                .with(Attribute::Data(data.to_vec()))
                .encode(&Seal::none())
                .unwrap(),
        };
        Some(Effect::ToClient(*client, bytes))
    }

    fn request(&mut self, client: SocketAddr, view: &View<'_>, message: Message) -> Vec<u8> {
        let (id, method) = (message.id, message.method);
        let key = Key::long_term(USER, &self.realm, PASSWORD);
        let nonce = format!("nonce{}", self.nonce).into_bytes();
        let challenge = |code| {
            Message::error(method, id, ErrorCode::new(code).unwrap())
                .with(Attribute::Realm(self.realm.clone()))
                .with(Attribute::Nonce(nonce.clone()))
                .encode(&Seal::none())
                .unwrap()
        };
        let signed = view.verify_integrity(&key) == Check::Valid;
        if !signed || view.realm() != Some(&self.realm) {
            return challenge(ErrorCode::UNAUTHENTICATED);
        }
        if view.nonce() != Some(&nonce) {
            return challenge(ErrorCode::STALE_NONCE);
        }
        let fault = self.faults.get_mut(&method.number()).and_then(VecDeque::pop_front);
        if fault == Some(ErrorCode::STALE_NONCE) {
            self.nonce += 1;
            return Message::error(method, id, ErrorCode::new(438).unwrap())
                .with(Attribute::Realm(self.realm.clone()))
                .with(Attribute::Nonce(format!("nonce{}", self.nonce).into_bytes()))
                .encode(&Seal::none())
                .unwrap();
        }
        let answer = match fault {
            Some(code) => Err(code),
            None => self.carry_out(client, &message),
        };
        self.requests.push(message);
        let answer = match answer {
            Ok(attributes) => {
                attributes.into_iter().fold(Message::success(method, id), Message::with)
            }
            Err(code) => Message::error(method, id, ErrorCode::new(code).unwrap()),
        };
        let answer = match self.alternate.take_if(|_| method == Method::ALLOCATE) {
            Some(server) => Message::error(method, id, ErrorCode::new(300).unwrap())
                .with(Attribute::AlternateServer(server)),
            None => answer,
        };
        answer.encode(&Seal::none().integrity(&key)).unwrap()
    }

    fn carry_out(&mut self, client: SocketAddr, request: &Message) -> Result<Vec<Attribute>, u16> {
        let lifetime = match request.attribute(AttributeType::LIFETIME) {
            Some(Attribute::Lifetime(0)) => 0,
            _ => self.lifetime,
        };
        let peer = request.attributes.iter().find_map(|attribute| match attribute {
            Attribute::XorPeerAddress(peer) => Some(*peer),
            _ => None,
        });
        if request.method == Method::ALLOCATE {
            return Ok(self.allocate(client, request));
        }
        let allocation = self.allocations.get_mut(&client).ok_or(437u16)?;
        match request.method {
            Method::REFRESH => {
                if lifetime == 0 {
                    self.allocations.remove(&client);
                }
                Ok(vec![Attribute::Lifetime(lifetime)])
            }
            Method::CREATE_PERMISSION | Method::CHANNEL_BIND => {
                let peer = peer.ok_or(400u16)?;
                if self.forbidden.contains(&peer.ip()) {
                    return Err(403);
                }
                allocation.permissions.push(peer.ip());
                if let Some(Attribute::ChannelNumber(number)) =
                    request.attribute(AttributeType::CHANNEL_NUMBER)
                {
                    allocation.channels.insert(*number, peer);
                }
                Ok(Vec::new())
            }
            _ => Err(400),
        }
    }

    fn allocate(&mut self, client: SocketAddr, request: &Message) -> Vec<Attribute> {
        let family = Attribute::RequestedAddressFamily(AddressFamily::V6);
        let ip = if request.attributes.contains(&family) {
            "2001:db8:ffff::1".parse().unwrap()
        } else {
            self.ip
        };
        self.next_port += 1;
        let relayed = SocketAddr::new(ip, self.next_port);
        let allocation = Allocation { relayed: Some(relayed), ..Allocation::default() };
        self.allocations.insert(client, allocation);
        vec![
            Attribute::XorRelayedAddress(relayed),
            Attribute::XorMappedAddress(client),
            Attribute::Lifetime(self.lifetime),
        ]
    }

    fn channel_data(
        &mut self,
        client: SocketAddr,
        channel: ChannelNumber,
        data: &[u8],
    ) -> Option<Effect> {
        let peer = *self.allocations.get(&client)?.channels.get(&channel)?;
        self.relay(client, peer, data)
    }

    fn relay(&mut self, client: SocketAddr, peer: SocketAddr, data: &[u8]) -> Option<Effect> {
        let allocation = self.allocations.get(&client)?;
        let permitted = allocation.permissions.contains(&peer.ip());
        let (relayed, data) = (allocation.relayed?, data.to_vec());
        permitted.then_some(Effect::ToPeer { relayed, peer, data })
    }
}
