//! `turn_server`: programs of clients, peers and time against the TURN server of the virtual network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use rtcspec_net::Ns;
use rtcspec_net::host::{Application as _, IcmpError, Receive, Transmit};
use rtcspec_net::prefix::Prefix;
use rtcspec_net::services::turn::{Config, Server};
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{
    AddressFamily, Attribute, Class, Key, Message, Method, REQUESTED_TRANSPORT_UDP, Seal,
    TransactionId,
};
use rtcspec_wire::turn::{ChannelData, ChannelNumber};

use super::model::{Allocation, Model};
use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::{self, elements::Shape};
use crate::target::Target;

/// Holds a TURN server (RFC 8656): steps of a type, a length and an argument.
pub const SERVER: Target = Target {
    name: "turn_server",
    about: "TURN server: whom it answers and how much, whom it relays to and from, and until when",
    seeds: &["turn-server"],
    dictionary: || (0..STEPS).map(|step| vec![step]).collect(),
    mutate: mutate::program,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "challenged",
        "allocated",
        "two families",
        "quota reached",
        "refreshed",
        "given up",
        "expired",
        "permitted",
        "forbidden",
        "bound",
        "relayed to a peer",
        "relayed to a client",
        "by channel",
        "not permitted",
        "between clients",
        "wrong user",
        "noise",
    ],
    plants: plants::SERVER,
};

/// Kinds of steps.
const STEPS: u8 = 11;
/// Steps of a program, the rest is not run.
const MOST: usize = 64;
/// Clients, and the users they may be.
const CLIENTS: usize = 4;
const USERS: [&str; 2] = ["ann", "ben"];
const REALM: &str = "fuzz.test";
/// Allocations of one user.
const QUOTA: usize = 2;
/// A challenge says a realm, a nonce and why: what is sent to somebody who may not have asked may
/// be this much longer than what came (RFC 8489 §9.2.4 wants REALM and NONCE in it).
const CHALLENGE: usize = 120;
/// A server, its users' keys, and a few copies of each packet.
const BUDGET: Budget = Budget {
    bytes: 1 << 20,
    bytes_each: 4096,
    time: std::time::Duration::from_millis(5),
    time_each: std::time::Duration::from_micros(50),
};

/// The server with what a plant does to it.
pub(super) struct Subject {
    pub(super) config: fn(Config) -> Config,
    /// What arrives, as it is read.
    pub(super) input: fn(Vec<u8>) -> Vec<u8>,
    /// What leaves: where to, and the bytes.
    pub(super) output: fn(SocketAddr, Vec<u8>) -> (SocketAddr, Vec<u8>),
}

impl Subject {
    pub(super) const OURS: Self =
        Self { config: |config| config, input: |bytes| bytes, output: |to, bytes| (to, bytes) };
}

/// Addresses that programs name as peers: some that are there, and loopback by its many names.
fn peer(number: u8) -> SocketAddr {
    let v6 = |text: [u16; 8]| IpAddr::V6(text.into());
    let ip = match number % 12 {
        0 => Ipv4Addr::new(198, 51, 100, 1).into(),
        1 => Ipv4Addr::new(198, 51, 100, 2).into(),
        2 => v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]),
        3 => Ipv4Addr::LOCALHOST.into(),
        4 => Ipv4Addr::UNSPECIFIED.into(),
        5 => Ipv6Addr::LOCALHOST.into(),
        6 => Ipv6Addr::UNSPECIFIED.into(),
        7 => v6([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]),
        8 => v6([0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1]),
        9 => v6([0x2002, 0x7f00, 1, 0, 0, 0, 0, 1]),
        10 => Ipv4Addr::new(192, 0, 2, 1).into(),
        _ => v6([0, 0, 0, 0, 0, 0xffff, 0xc633, 0x6401]),
    };
    SocketAddr::new(ip, 4000 + u16::from(number / 12 % 3))
}

/// True for peers of the list above that the server must not send to.
fn is_forbidden(ip: IpAddr) -> bool {
    (3..10).any(|number| peer(number).ip() == ip)
}

fn server_address() -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, 1), 3478).into()
}

fn client_address(client: usize) -> SocketAddr {
    (Ipv4Addr::new(203, 0, 113, 10 + client as u8), 5000).into()
}

fn password(user: usize) -> String {
    format!("{}-password", USERS[user])
}

/// The keys of all users: every program needs them.
static KEYS: LazyLock<[Key; USERS.len()]> = LazyLock::new(|| std::array::from_fn(key));

/// A user's key.
pub(super) fn key(user: usize) -> Key {
    Key::long_term(USERS[user], REALM, &password(user))
}

fn config() -> Config {
    let mut config = Config::new(server_address(), REALM)
        .relay(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
    for (user, name) in USERS.iter().enumerate() {
        config = config.user(name, &password(user));
    }
    config.quota = QUOTA;
    config.forbidden = vec![
        Prefix::v4([127, 0, 0, 0], 8),
        Prefix::v4([0, 0, 0, 0], 8),
        Prefix::v6(Ipv6Addr::LOCALHOST, 128),
        Prefix::v6(Ipv6Addr::UNSPECIFIED, 128),
    ];
    config
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let seen = case.within(BUDGET, case.input.len(), || {
        let mut table = Table::new(subject);
        Shape::STEP.elements(case.input).take(MOST).try_for_each(|step| table.step(step))?;
        Ok::<_, Finding>(table.seen)
    })??;
    for (situation, detail) in seen {
        case.reach(situation);
        case.see(&(situation, detail));
    }
    Ok(())
}

/// One packet that left.
struct Sent {
    local: SocketAddr,
    remote: SocketAddr,
    data: Vec<u8>,
}

/// A request that was made, with who made it.
struct Asked {
    client: usize,
    user: usize,
    authentic: bool,
    message: Message,
}

struct Table<'a> {
    subject: &'a Subject,
    server: Server,
    model: Model,
    now: Ns,
    nonces: [Vec<u8>; CLIENTS],
    tokens: Vec<[u8; 8]>,
    keys: &'static [Key; USERS.len()],
    made: u32,
    seen: Vec<(&'static str, u16)>,
}

impl<'a> Table<'a> {
    fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            server: Server::new((subject.config)(config()), 7),
            model: Model::default(),
            now: Ns::secs(1),
            nonces: Default::default(),
            tokens: Vec::new(),
            keys: &KEYS,
            made: 0,
            seen: Vec::new(),
        }
    }

    fn reach(&mut self, situation: &'static str, detail: u16) {
        if !self.seen.contains(&(situation, detail)) {
            self.seen.push((situation, detail));
        }
    }

    fn step(&mut self, step: &[u8]) -> Verdict {
        let Some((&[kind, _], argument)) = step.split_first_chunk() else { return Ok(()) };
        let byte = |at: usize| argument.get(at).copied().unwrap_or_default();
        let client = usize::from(byte(0)) % CLIENTS;
        match kind % STEPS {
            0 => self.request(client, byte(1), Method::ALLOCATE, allocate(byte(2), &self.tokens)),
            1 => self.request(client, byte(1), Method::REFRESH, refresh(byte(2))),
            2 => {
                let peers = argument.get(2..).unwrap_or_default().iter().take(8);
                let peers = peers.map(|number| Attribute::XorPeerAddress(peer(*number))).collect();
                self.request(client, byte(1), Method::CREATE_PERMISSION, peers)
            }
            3 => {
                let number = ChannelNumber::new(0x4000 + u16::from(byte(2) % 4));
                let number = number.map(Attribute::ChannelNumber);
                let peer = Attribute::XorPeerAddress(peer(byte(3)));
                let attributes = number.into_iter().chain([peer]).collect();
                self.request(client, byte(1), Method::CHANNEL_BIND, attributes)
            }
            4 => self.send(client, peer(byte(1)), argument.get(2..).unwrap_or_default()),
            5 => self.channel(client, byte(1), argument.get(2..).unwrap_or_default()),
            6 => self.peer_writes(client, peer(byte(1)), argument.get(2..).unwrap_or_default()),
            7 => self.pass(byte(0)),
            8 => self.noise(client, argument.get(1..).unwrap_or_default()),
            9 => self.neighbour(client, usize::from(byte(1)) % CLIENTS),
            _ => self.unreachable(client, peer(byte(1))),
        }
    }

    /// Gives a packet to the server; what leaves.
    fn give(&mut self, local: SocketAddr, remote: SocketAddr, data: Vec<u8>) -> Vec<Sent> {
        let data = (self.subject.input)(data);
        self.server.receive(self.now, Receive::Udp { local, remote, data });
        self.left()
    }

    fn left(&mut self) -> Vec<Sent> {
        let mut left = Vec::new();
        while let Some(transmit) = self.server.transmit() {
            if let Transmit::Udp { local, remote, data } = transmit {
                let (remote, data) = (self.subject.output)(remote, data);
                left.push(Sent { local, remote, data });
            }
        }
        left
    }

    /// A request, and once more with the nonce of the challenge it may get.
    fn request(
        &mut self,
        client: usize,
        how: u8,
        method: Method,
        attributes: Vec<Attribute>,
    ) -> Verdict {
        for _ in 0..2 {
            let before = self.nonces[client].clone();
            self.ask(client, how, method, attributes.clone())?;
            if self.nonces[client] == before {
                break;
            }
        }
        Ok(())
    }

    /// `how`: which user; then 0x10 without credentials, 0x20 with another's key, 0x40 with a nonce
    /// of nobody.
    fn ask(
        &mut self,
        client: usize,
        how: u8,
        method: Method,
        attributes: Vec<Attribute>,
    ) -> Verdict {
        let user = usize::from(how & 1);
        self.made += 1;
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.made.to_be_bytes());
        let mut message = Message::request(method, TransactionId(id));
        message.attributes = attributes;
        let signed = how & 0x10 == 0 && !self.nonces[client].is_empty();
        let nonce = if how & 0x40 == 0 { self.nonces[client].clone() } else { b"0-0-0".to_vec() };
        if signed {
            message.attributes.extend([
                Attribute::Username(USERS[user].to_owned()),
                Attribute::Realm(REALM.to_owned()),
                Attribute::Nonce(nonce),
            ]);
        }
        let foreign = how & 0x20 != 0;
        let key = &self.keys[if foreign { 1 - user } else { user }];
        let seal = if signed { Seal::none().integrity(key) } else { Seal::none() };
        let bytes = message
            .encode(&seal)
            .map_err(|error| Finding::new(Oracle::RoundTrip, format!("a request: {error}")))?;
        let length = bytes.len();
        let sent = self.give(server_address(), client_address(client), bytes);
        let authentic = signed && !foreign && how & 0x40 == 0;
        self.answered(&Asked { client, user, authentic, message }, length, sent)
    }

    /// One answer, to who asked; only who proves who they are changes anything.
    fn answered(&mut self, asked: &Asked, length: usize, sent: Vec<Sent>) -> Verdict {
        let [answer] = &sent[..] else {
            return Err(Finding::new(
                Oracle::Model,
                format!("{} answers to a request", sent.len()),
            ));
        };
        let to_client = answer.remote == client_address(asked.client);
        hold(Oracle::Model, to_client && answer.local == server_address(), || {
            format!("an answer from {} to {}", answer.local, answer.remote)
        })?;
        let response = Message::parse(&answer.data)
            .map_err(|error| Finding::new(Oracle::RoundTrip, format!("an answer: {error}")))?;
        hold(Oracle::Model, response.id == asked.message.id, || "an answer to another request")?;
        let code = code(&response);
        let refused = response.class == Class::ErrorResponse;
        // RFC 8489 §9.2.4: nobody is served who has not shown that they know the key.
        hold(Oracle::Model, asked.authentic || refused, || {
            format!(
                "{:?} without credentials is answered {:?}",
                asked.message.method, response.class
            )
        })?;
        if !asked.authentic {
            let more = answer.data.len().saturating_sub(length);
            hold(Oracle::Model, more <= CHALLENGE, || {
                format!("{length} bytes of anybody are answered by {}", answer.data.len())
            })?;
        }
        self.note(asked, &response, code)?;
        if !refused {
            let who = (asked.client, asked.user);
            self.model.granted(self.now, who, &asked.message, &response);
        }
        self.consistent()
    }

    fn note(&mut self, asked: &Asked, response: &Message, code: Option<u16>) -> Verdict {
        for attribute in &response.attributes {
            match attribute {
                Attribute::Nonce(nonce) => {
                    self.nonces[asked.client].clone_from(nonce);
                    self.reach("challenged", code.unwrap_or_default());
                }
                Attribute::ReservationToken(token) => self.tokens.push(*token),
                _ => {}
            }
        }
        let method = asked.message.method;
        let owner = self.model.allocations.get(&asked.client).map(|held| held.user);
        match (method, code) {
            (_, Some(403)) => self.reach("forbidden", 0),
            (_, Some(441)) => self.reach("wrong user", 0),
            (Method::ALLOCATE, Some(486)) => self.reach("quota reached", 0),
            (Method::ALLOCATE, None) => self.allocated(asked, response)?,
            (Method::REFRESH, None) => {
                let zero = response.attributes.contains(&Attribute::Lifetime(0));
                self.reach(if zero { "given up" } else { "refreshed" }, 0);
            }
            (Method::CREATE_PERMISSION, None) => self.reach("permitted", 0),
            (Method::CHANNEL_BIND, None) => self.reach("bound", 0),
            (_, Some(code)) => self.reach("noise", code),
            _ => {}
        }
        if method != Method::ALLOCATE && code.is_none() {
            // RFC 8656 §5: an allocation is managed by who made it.
            hold(Oracle::Model, owner == Some(asked.user), || {
                format!("{method:?} of user {} on an allocation of {owner:?}", asked.user)
            })?;
            let denied = asked.message.attributes.iter().find(
                |attribute| matches!(attribute, Attribute::XorPeerAddress(peer) if is_forbidden(peer.ip())),
            );
            hold(Oracle::Model, denied.is_none(), || format!("{method:?} permits {denied:?}"))?;
        }
        Ok(())
    }

    fn allocated(&mut self, asked: &Asked, response: &Message) -> Verdict {
        let taken = self.model.relayed();
        let mut relays = 0;
        for attribute in &response.attributes {
            let Attribute::XorRelayedAddress(address) = attribute else { continue };
            relays += 1;
            let fresh = !taken.contains(address) && address.port() >= 49152;
            hold(Oracle::Model, fresh, || format!("{address} is given, of {taken:?}"))?;
            // RFC 8656 §7.2: who asks for an even port gets one.
            let even =
                asked.message.attributes.iter().any(|it| matches!(it, Attribute::EvenPort { .. }));
            hold(Oracle::Model, !even || address.port() % 2 == 0, || {
                format!("{address} where an even port was asked for")
            })?;
        }
        hold(Oracle::Model, (1..=2).contains(&relays), || format!("{relays} relayed addresses"))?;
        self.reach("allocated", 0);
        if relays == 2 {
            self.reach("two families", 0);
        }
        let held = self.model.allocations.values().filter(|held| held.user == asked.user).count();
        hold(Oracle::Model, held < QUOTA, || format!("{} allocations of one user", held + 1))
    }

    /// The server relays for those whom it told so, and nobody else.
    fn consistent(&mut self) -> Verdict {
        let mut relayed: Vec<SocketAddr> = self.server.relayed().collect();
        relayed.sort_unstable();
        let wanted = self.model.relayed();
        hold(Oracle::Model, relayed == wanted, || {
            format!("{relayed:?} are in use, {wanted:?} were given")
        })
    }

    /// RFC 8656 §11: data in an indication.
    fn send(&mut self, client: usize, peer: SocketAddr, data: &[u8]) -> Verdict {
        let message = Message::indication(Method::SEND, TransactionId([5; 12]))
            .with(Attribute::XorPeerAddress(peer))
            .with(Attribute::Data(data.to_vec()));
        let Ok(bytes) = message.encode(&Seal::none()) else { return Ok(()) };
        let sent = self.give(server_address(), client_address(client), bytes);
        let allowed = self.allocation(client).filter(|held| held.permits(self.now, peer.ip()));
        let from = allowed.and_then(|held| held.relay_for(peer.ip()));
        self.at_peer(from.map(|from| (from, peer)), data, &sent)
    }

    /// RFC 8656 §12.5: data on a channel.
    fn channel(&mut self, client: usize, number: u8, data: &[u8]) -> Verdict {
        let number = 0x4000 + u16::from(number % 5);
        let Some(channel) = ChannelNumber::new(number) else { return Ok(()) };
        let mut bytes = Vec::new();
        if (ChannelData { channel, data }).encode_into(&mut bytes).is_err() {
            return Ok(());
        }
        let sent = self.give(server_address(), client_address(client), bytes);
        let held = self.allocation(client);
        let way = held.and_then(|held| {
            let peer = held.peer(self.now, number)?;
            Some((held.relay_for(peer.ip())?, peer))
        });
        if way.is_some() {
            self.reach("by channel", 0);
        }
        self.at_peer(way, data, &sent)
    }

    fn allocation(&self, client: usize) -> Option<&Allocation> {
        self.model.allocations.get(&client)
    }

    /// What was sent on to a peer, if it may be; nothing else.
    fn at_peer(
        &mut self,
        way: Option<(SocketAddr, SocketAddr)>,
        data: &[u8],
        sent: &[Sent],
    ) -> Verdict {
        let told = || {
            let ways: Vec<_> = sent.iter().map(|sent| (sent.local, sent.remote)).collect();
            format!("{} bytes of a client for {way:?} leave on {ways:?}", data.len())
        };
        let Some((from, to)) = way else {
            self.reach("not permitted", 0);
            return hold(Oracle::Model, sent.is_empty(), told);
        };
        hold(Oracle::Model, sent.iter().all(|sent| !is_forbidden(sent.remote.ip())), told)?;
        if let Some((neighbour, _)) = self.model.owner(to) {
            self.reach("between clients", 0);
            return self.at_client(neighbour, to, from, data, sent);
        }
        self.reach("relayed to a peer", u16::from(to.is_ipv6()));
        let right = matches!(sent, [one] if (one.local, one.remote) == (from, to));
        hold(Oracle::Model, right, told)?;
        hold(Oracle::RoundTrip, sent[0].data == data, || {
            format!("{data:02x?} reaches a peer as {:02x?}", sent[0].data)
        })
    }

    /// A datagram of a peer to a client's relayed address.
    fn peer_writes(&mut self, client: usize, peer: SocketAddr, data: &[u8]) -> Verdict {
        let held = self.allocation(client);
        let Some(relay) = held.and_then(|held| held.relay_for(peer.ip())) else { return Ok(()) };
        let sent = self.give(relay, peer, data.to_vec());
        self.at_client(client, relay, peer, data, &sent)
    }

    /// What reaches a client, if it permitted the peer; nothing else.
    fn at_client(
        &mut self,
        client: usize,
        relay: SocketAddr,
        peer: SocketAddr,
        data: &[u8],
        sent: &[Sent],
    ) -> Verdict {
        let told = || format!("{} packets for a datagram of {peer} to {relay}", sent.len());
        let Some(held) = self.allocation(client).filter(|held| held.permits(self.now, peer.ip()))
        else {
            self.reach("not permitted", 1);
            return hold(Oracle::Model, sent.is_empty(), told);
        };
        let channel = held.channel(self.now, peer);
        let right = matches!(sent, [one] if one.remote == client_address(client));
        hold(Oracle::Model, right, told)?;
        self.reach("relayed to a client", u16::from(channel.is_some()));
        let told = (channel, Some(peer), data.to_vec());
        let read = received(&sent[0].data);
        let same = match (channel, &read) {
            (Some(_), Some((number, _, bytes))) => *number == channel && bytes == data,
            (None, Some((None, from, bytes))) => *from == Some(peer) && bytes == data,
            _ => false,
        };
        hold(Oracle::RoundTrip, same, || format!("{told:02x?} reaches a client as {read:02x?}"))
    }

    /// The relayed address of another client as a peer: permitted, then written to.
    fn neighbour(&mut self, client: usize, neighbour: usize) -> Verdict {
        let held = self.allocation(neighbour).and_then(|held| held.relays.first().copied());
        let Some((relay, _)) = held else { return Ok(()) };
        let user = self.allocation(client).map_or(0, |held| held.user as u8);
        let peer = vec![Attribute::XorPeerAddress(relay)];
        self.request(client, user, Method::CREATE_PERMISSION, peer)?;
        self.send(client, relay, b"neighbour")
    }

    fn unreachable(&mut self, client: usize, peer: SocketAddr) -> Verdict {
        let held = self.allocation(client);
        let Some(relay) = held.and_then(|held| held.relay_for(peer.ip())) else { return Ok(()) };
        let told = held.is_some_and(|held| held.permits(self.now, peer.ip()));
        let error = IcmpError::port_unreachable(peer.is_ipv4());
        self.server.receive(self.now, Receive::Unreachable { local: relay, remote: peer, error });
        let sent = self.left();
        // RFC 8656 §11.5: only of peers with a permission.
        hold(Oracle::Model, sent.len() == usize::from(told), || {
            format!("{} packets for an ICMP error about {peer}", sent.len())
        })
    }

    /// Time goes by, also to just before and at the ends of permissions, channels, allocations.
    fn pass(&mut self, how: u8) -> Verdict {
        const SPANS: [u64; 8] = [1, 29, 31, 299, 300, 599, 601, 3599];
        self.now = self.now + Ns::secs(SPANS[usize::from(how) % SPANS.len()]);
        let before = self.model.allocations.len();
        self.model.expire(self.now);
        if self.model.allocations.len() < before {
            self.reach("expired", 0);
        }
        self.server.advance(self.now);
        let sent = self.left();
        hold(Oracle::Model, sent.is_empty(), || {
            format!("{} packets of their own accord", sent.len())
        })?;
        self.consistent()
    }

    /// Any bytes from a client.
    fn noise(&mut self, client: usize, bytes: &[u8]) -> Verdict {
        if Protocol::of(bytes) == Protocol::TurnChannel {
            return Ok(());
        }
        let sent = self.give(server_address(), client_address(client), bytes.to_vec());
        self.reach("noise", sent.len().min(2) as u16);
        let own = sent.iter().all(|sent| sent.remote == client_address(client));
        hold(Oracle::Model, sent.len() <= 1 && own, || {
            format!("{} packets for {} bytes of noise", sent.len(), bytes.len())
        })?;
        let more = sent.iter().map(|sent| sent.data.len()).sum::<usize>();
        hold(Oracle::Model, more <= bytes.len() + CHALLENGE, || {
            format!("{} bytes of noise are answered by {more}", bytes.len())
        })?;
        self.consistent()
    }
}

/// What a client reads of a packet: on which channel or from which peer, and the data.
fn received(packet: &[u8]) -> Option<(Option<u16>, Option<SocketAddr>, Vec<u8>)> {
    if let Ok(message) = ChannelData::parse(packet) {
        return Some((Some(message.channel.number()), None, message.data.to_vec()));
    }
    let message = Message::parse(packet).ok()?;
    let (mut peer, mut data) = (None, Vec::new());
    for attribute in message.attributes {
        match attribute {
            Attribute::XorPeerAddress(address) => peer = Some(address),
            Attribute::Data(bytes) => data = bytes,
            _ => {}
        }
    }
    (message.method == Method::DATA).then_some((None, peer, data))
}

fn code(response: &Message) -> Option<u16> {
    response.attributes.iter().find_map(|attribute| match attribute {
        Attribute::ErrorCode(error) => Some(error.code()),
        _ => None,
    })
}

/// `how`: which relayed addresses are asked for, and for how long.
fn allocate(how: u8, tokens: &[[u8; 8]]) -> Vec<Attribute> {
    let mut attributes = vec![Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP)];
    match how & 7 {
        1 => attributes.push(Attribute::RequestedAddressFamily(AddressFamily::V6)),
        2 => attributes.push(Attribute::AdditionalAddressFamily(AddressFamily::V6)),
        3 => attributes.push(Attribute::EvenPort { reserve_next: true }),
        4 => attributes.push(Attribute::EvenPort { reserve_next: false }),
        5 => attributes.extend(tokens.last().copied().map(Attribute::ReservationToken)),
        6 => attributes.clear(),
        _ => {}
    }
    attributes.extend(lifetime(how >> 3));
    attributes
}

fn refresh(how: u8) -> Vec<Attribute> {
    let family = match how & 3 {
        1 => Some(AddressFamily::V4),
        2 => Some(AddressFamily::V6),
        _ => None,
    };
    let mut attributes: Vec<_> =
        family.map(Attribute::RequestedAddressFamily).into_iter().collect();
    attributes.extend(lifetime(how >> 2));
    attributes
}

fn lifetime(how: u8) -> Option<Attribute> {
    [None, Some(0), Some(1), Some(600), Some(3600), Some(u32::MAX)]
        .get(usize::from(how) % 6)
        .copied()
        .flatten()
        .map(Attribute::Lifetime)
}
