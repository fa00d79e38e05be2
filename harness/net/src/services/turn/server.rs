//! The server: who sent what, and what it is answered.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, ErrorCode, Fingerprint, Message, Method, Seal, TransactionId,
    View,
};

use super::allocation::{Allocation, Client, Relay};
use super::auth::{Authenticator, Credentials};
use super::config::{Config, Leg};
use super::fault::{Fault, Faults, Mischief};
use super::ports::Ports;
use super::reply::{Outcome, Refusal};
use super::stream::Streams;
use crate::Ns;
use crate::host::{Application, ConnId, Receive, Transmit};
use crate::services::draws::Draws;

/// A TURN server on a host.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Config,
    pub(super) auth: Authenticator,
    pub(super) ports: Ports,
    pub(super) allocations: BTreeMap<Client, Allocation>,
    /// Who owns a relayed address.
    pub(super) relays: BTreeMap<SocketAddr, Client>,
    pub(super) out: VecDeque<Transmit>,
    pub(super) draws: Draws,
    streams: Streams,
    faults: Faults,
}

/// A request of a known user, in its place.
pub(super) struct Request<'a> {
    pub(super) now: Ns,
    pub(super) client: Client,
    pub(super) view: View<'a>,
    pub(super) id: TransactionId,
    pub(super) method: Method,
    /// The client's address as the server sees it.
    pub(super) mapped: SocketAddr,
}

impl Server {
    /// A server that has served nobody yet. It listens for TCP as soon as it is driven.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let listen = config.listeners.iter().filter(|listener| listener.leg != Leg::Udp);
        Self {
            auth: Authenticator::new(&config, draws.bits()),
            ports: Ports::new(config.ports.clone(), draws.bits()),
            allocations: BTreeMap::new(),
            relays: BTreeMap::new(),
            out: listen.map(|it| Transmit::TcpListen { local: it.address }).collect(),
            streams: Streams::new(config.most_streams, draws.bits()),
            faults: Faults::new(config.faults.clone()),
            draws,
            config,
        }
    }

    /// Adds a fault while it runs. Requests are counted from the server's start.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// The relayed addresses in use.
    pub fn relayed(&self) -> impl Iterator<Item = SocketAddr> {
        self.relays.keys().copied()
    }

    /// A packet from a client: a STUN message or `ChannelData`.
    fn packet(&mut self, now: Ns, client: Client, bytes: &[u8]) {
        match Protocol::of(bytes) {
            Protocol::Stun => self.message(now, client, View::new(bytes)),
            Protocol::TurnChannel => self.channel_data(now, client, bytes),
            _ => {}
        }
    }

    fn message(&mut self, now: Ns, client: Client, view: View<'_>) {
        let fingerprint = view.fingerprint();
        let broken = matches!(fingerprint, Fingerprint::Invalid | Fingerprint::NotLast);
        if view.check().is_err() || broken {
            return;
        }
        let (Some(ty), Some(id)) = (view.message_type(), view.transaction_id()) else { return };
        let Some(mapped) = self.mapped(client) else { return };
        let request = Request { now, client, view, id, method: ty.method, mapped };
        match (ty.class, ty.method) {
            (Class::Request, Method::BINDING) => self.binding(&request),
            (
                Class::Request,
                Method::ALLOCATE
                | Method::REFRESH
                | Method::CREATE_PERMISSION
                | Method::CHANNEL_BIND,
            ) => self.request(&request),
            (Class::Indication, Method::SEND) => self.send_indication(&request),
            _ => {}
        }
    }

    /// RFC 8489 §12: Binding needs no credentials.
    fn binding(&mut self, request: &Request<'_>) {
        if let Some(refusal) = unknown(&request.view) {
            return self.refuse(request, refusal, None);
        }
        let message = Message::success(Method::BINDING, request.id)
            .with(Attribute::XorMappedAddress(request.mapped));
        self.reply(request, &message, None);
    }

    fn request(&mut self, request: &Request<'_>) {
        let credentials = match self.auth.authenticate(request.now, &request.view) {
            Ok(credentials) => credentials,
            Err(refusal) => return self.refuse(request, refusal, None),
        };
        if let Some(mischief) = self.faults.on_request(request.method) {
            let refusal = self.mischief(request, mischief);
            return self.refuse(request, refusal, Some(&credentials));
        }
        match self.serve(request, &credentials) {
            Ok(attributes) => self.succeed(request, attributes, &credentials),
            Err(refusal) => self.refuse(request, refusal, Some(&credentials)),
        }
    }

    fn serve(&mut self, request: &Request<'_>, credentials: &Credentials) -> Outcome {
        if let Some(refusal) = unknown(&request.view) {
            return Err(refusal);
        }
        match request.method {
            Method::ALLOCATE => self.allocate(request, credentials),
            Method::REFRESH => self.refresh(request, credentials),
            Method::CREATE_PERMISSION => self.create_permission(request, credentials),
            _ => self.channel_bind(request, credentials),
        }
    }

    fn mischief(&mut self, request: &Request<'_>, mischief: Mischief) -> Refusal {
        match mischief {
            Mischief::StaleNonce => {
                self.auth.spend(request.view.nonce().unwrap_or_default());
                self.auth.challenge(request.now, ErrorCode::STALE_NONCE)
            }
            Mischief::Refuse(ErrorCode::UNAUTHENTICATED) => {
                self.auth.challenge(request.now, ErrorCode::UNAUTHENTICATED)
            }
            Mischief::Refuse(code) => Refusal::new(code),
        }
    }

    fn succeed(
        &mut self,
        request: &Request<'_>,
        attributes: Vec<Attribute>,
        credentials: &Credentials,
    ) {
        let mut message = Message::success(request.method, request.id);
        message.attributes = attributes;
        message.attributes.extend(self.config.software.clone().map(Attribute::Software));
        self.reply(request, &message, Some(credentials));
    }

    fn refuse(
        &mut self,
        request: &Request<'_>,
        refusal: Refusal,
        credentials: Option<&Credentials>,
    ) {
        let Some(error) = ErrorCode::new(refusal.code) else { return };
        let mut message = Message::error(request.method, request.id, error);
        message.attributes.extend(refusal.attributes);
        self.reply(request, &message, credentials.filter(|_| refusal.signed));
    }

    fn reply(
        &mut self,
        request: &Request<'_>,
        message: &Message,
        credentials: Option<&Credentials>,
    ) {
        let mut seal = Seal::none();
        if let Some(credentials) = credentials {
            // RFC 8489 §9.2.4: the response is protected as the request was.
            seal = match request.view.has(AttributeType::MESSAGE_INTEGRITY_SHA256) {
                true => seal.integrity_sha256(&credentials.key),
                false => seal.integrity(&credentials.key),
            };
        }
        if request.view.fingerprint() == Fingerprint::Valid {
            seal = seal.fingerprint();
        }
        if let Ok(bytes) = message.encode(&seal) {
            self.send(request.client, bytes);
        }
    }

    /// Sends a client what a peer has for it: a datagram, which may be lost on its way, and is where
    /// the client's stream does not get rid of what it has (RFC 8656 §5: what is more than a client's
    /// share of bandwidth is discarded).
    pub(super) fn relay(&mut self, client: Client, packet: Vec<u8>) {
        if !matches!(client, Client::Stream(conn) if self.streams.is_full(conn)) {
            self.send(client, packet);
        }
    }

    /// Sends a packet to a client.
    pub(super) fn send(&mut self, client: Client, packet: Vec<u8>) {
        match client {
            Client::Udp { local, remote } => {
                self.out.push_back(Transmit::Udp { local, remote, data: packet });
            }
            Client::Stream(conn) => {
                if let Some(data) = self.streams.frame(conn, &packet) {
                    self.out.push_back(Transmit::TcpSend { conn, data });
                }
            }
        }
    }

    /// Deletes an allocation and gives its ports back.
    pub(super) fn delete(&mut self, client: Client) {
        let Some(allocation) = self.allocations.remove(&client) else { return };
        for relay in allocation.relays {
            self.relays.remove(&relay.address);
            self.ports.release(relay.address);
        }
    }

    fn mapped(&self, client: Client) -> Option<SocketAddr> {
        match client {
            Client::Udp { remote, .. } => Some(remote),
            Client::Stream(conn) => self.streams.remote(conn),
        }
    }

    fn leg(&self, local: SocketAddr, udp: bool) -> Option<Leg> {
        let fits = |leg: Leg| (leg == Leg::Udp) == udp;
        let mut listeners = self.config.listeners.iter();
        listeners.find(|it| it.address == local && fits(it.leg)).map(|it| it.leg)
    }

    fn datagram(&mut self, now: Ns, local: SocketAddr, remote: SocketAddr, data: &[u8]) {
        if self.leg(local, true).is_some() {
            self.packet(now, Client::Udp { local, remote }, data);
        } else {
            self.peer_datagram(now, local, remote, data);
        }
    }

    fn accepted(&mut self, conn: ConnId, local: SocketAddr, remote: SocketAddr) {
        let leg = self.leg(local, false);
        if !leg.is_some_and(|leg| self.streams.open(conn, remote, leg)) {
            self.out.push_back(Transmit::TcpClose { conn });
        }
    }

    fn stream_data(&mut self, now: Ns, conn: ConnId, data: &[u8]) {
        let arrived = self.streams.receive(conn, data);
        // Bytes are read all the same, or the stream would be out of step afterwards.
        if self.faults.is_silent(now) {
            return;
        }
        if !arrived.to_send.is_empty() {
            self.out.push_back(Transmit::TcpSend { conn, data: arrived.to_send });
        }
        for packet in arrived.packets {
            self.packet(now, Client::Stream(conn), &packet);
        }
        if arrived.ended {
            self.out.push_back(Transmit::TcpClose { conn });
            self.stream_ended(conn);
        }
    }

    /// RFC 8656 §6: an allocation ends with its stream.
    fn stream_ended(&mut self, conn: ConnId) {
        self.streams.close(conn);
        self.delete(Client::Stream(conn));
    }

    /// Ends what has expired, or everything when that is a fault's wish.
    pub(super) fn expire(&mut self, now: Ns) {
        let lost = self.faults.loses_allocations(now);
        let mut ended = Vec::new();
        for (client, allocation) in &mut self.allocations {
            let (kept, expired): (Vec<Relay>, Vec<Relay>) =
                allocation.relays.iter().partition(|relay| now < relay.expires && !lost);
            for relay in expired {
                self.relays.remove(&relay.address);
                self.ports.release(relay.address);
            }
            if kept.is_empty() {
                ended.push(*client);
            }
            allocation.relays = kept;
        }
        for client in ended {
            self.allocations.remove(&client);
        }
    }
}

/// RFC 8489 §6.3.1: 420 for what must be understood and is not.
fn unknown(view: &View<'_>) -> Option<Refusal> {
    let unknown: Vec<_> = unknown_attributes(view).collect();
    let list = Attribute::UnknownAttributes(unknown.clone());
    (!unknown.is_empty()).then(|| Refusal::new(ErrorCode::UNKNOWN_ATTRIBUTE).with(list))
}

/// Attributes that must be understood and that no request of RFC 8656 has (RFC 8489 §6.3.1).
pub(super) fn unknown_attributes<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = AttributeType> + use<'a> {
    view.not_understood(|ty| {
        matches!(
            ty,
            AttributeType::USERNAME
                | AttributeType::USERHASH
                | AttributeType::REALM
                | AttributeType::NONCE
                | AttributeType::PASSWORD_ALGORITHM
                | AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::CHANNEL_NUMBER
                | AttributeType::LIFETIME
                | AttributeType::XOR_PEER_ADDRESS
                | AttributeType::DATA
                | AttributeType::REQUESTED_ADDRESS_FAMILY
                | AttributeType::EVEN_PORT
                | AttributeType::REQUESTED_TRANSPORT
                | AttributeType::DONT_FRAGMENT
                | AttributeType::RESERVATION_TOKEN
        )
    })
}

impl Application for Server {
    fn receive(&mut self, now: Ns, input: Receive) {
        self.advance(now);
        let silent = self.faults.is_silent(now);
        match input {
            Receive::Udp { local, remote, data } if !silent => {
                self.datagram(now, local, remote, &data);
            }
            Receive::TcpAccepted { conn, local, remote } => self.accepted(conn, local, remote),
            Receive::TcpData { conn, data } => self.stream_data(now, conn, &data),
            Receive::TcpClosed { conn } => self.stream_ended(conn),
            Receive::TcpBacklog { conn, full } => self.streams.set_full(conn, full),
            Receive::Unreachable { local, remote, error } if !silent => {
                self.unreachable(now, local, remote, error);
            }
            Receive::TooBig { local, remote, mtu } if !silent => {
                self.too_big(now, local, remote, mtu);
            }
            Receive::Udp { .. }
            | Receive::Unreachable { .. }
            | Receive::TooBig { .. }
            | Receive::TcpConnected { .. } => {}
        }
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    fn wake(&self) -> Option<Ns> {
        let expiries = self.allocations.values().filter_map(Allocation::expires);
        expiries.chain(self.faults.next_loss()).min()
    }

    fn advance(&mut self, now: Ns) {
        if self.wake().is_some_and(|at| at <= now) {
            self.expire(now);
        }
    }
}
