//! The client: its phases, its timers and the data path.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_tls::Trust;
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Class, ErrorCode, Fingerprint, Message, Method, Seal,
    TransactionId, View,
};
use rtcspec_wire::turn::ChannelData;

use super::auth::{Auth, Verdict};
use super::channel::Channels;
use super::leg::{Leg, Transport};
use super::permission::{PermissionState, Permissions};
use super::request::{Flight, Operation, Request};
use crate::io::{ConnId, Transmit};
use crate::rng::Rng;
use crate::stun::{Due, Retransmit};

/// RFC 8656 §7.1: the lifetime asked for, which is also the default of §3.2.
const LIFETIME: u32 = 600;
/// How often one request is made again after challenges. RFC 8489 §9.2.5 wants a bound: a server
/// that always answers 438 must not be asked for ever.
const MAX_RETRIES: u8 = 5;
/// How long TCP and TLS may take: as long as a request over them (RFC 8489 §6.2.2).
const CONNECT_TIMEOUT: Duration = Duration::from_millis(39_500);
/// Code for a server that could not be reached (W3C `RTCPeerConnectionIceErrorEvent`).
const UNREACHABLE: u16 = 701;

/// What a client is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Where the server listens.
    pub server: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    /// The name to ask for in TLS.
    pub server_name: String,
    /// Which certificates to take in TLS.
    pub trust: Trust,
    /// Our end of the leg; port 0 for streams.
    pub local: SocketAddr,
    /// Name of the stream, for TCP and TLS. The next number is taken too: a redirection to
    /// another server needs another stream.
    pub conn: ConnId,
    /// Long-term user name.
    pub username: String,
    /// Long-term password.
    pub password: String,
    /// Family of the relayed address.
    pub family: AddressFamily,
    /// RTO of requests over UDP.
    pub rto: Duration,
}

/// Why there is no allocation, or no longer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// STUN error code, or 701 when the server could not be reached.
    pub code: u16,
    /// The server's phrase, or ours.
    pub reason: String,
}

/// What a client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The allocation is there.
    Allocated {
        /// XOR-RELAYED-ADDRESS.
        relayed: SocketAddr,
        /// XOR-MAPPED-ADDRESS: our end of the leg as the server sees it.
        mapped: SocketAddr,
    },
    /// There is no allocation, or it is lost; the client is at its end.
    Failed(Failure),
    /// The server answered about a permission.
    Permission {
        /// The peer's address.
        ip: IpAddr,
        /// Granted or refused.
        state: PermissionState,
    },
    /// A peer's datagram.
    Data {
        /// Who sent it.
        peer: SocketAddr,
        /// What it says.
        data: Vec<u8>,
    },
    /// The allocation was given back, or the attempt was given up.
    Closed,
}

/// What [`Client::poll`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the network, as it is.
    Transmit(Transmit),
    /// A request that waits to be given to [`Client::write`], with its HMAC key if it is signed.
    Request {
        /// The message.
        bytes: Vec<u8>,
        /// Key of MESSAGE-INTEGRITY.
        key: Option<Vec<u8>>,
    },
    /// Something to know.
    Event(Event),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting {
        until: Duration,
    },
    Allocating,
    Allocated {
        expires_at: Duration,
        refresh_at: Option<Duration>,
    },
    /// Refresh with lifetime 0 is under way (RFC 8656 §8).
    Closing,
    Ended,
}

/// One allocation on one server.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    rng: Rng,
    leg: Leg,
    auth: Auth,
    phase: Phase,
    relayed: Option<SocketAddr>,
    redirected: bool,
    ready: VecDeque<Request>,
    flights: BTreeMap<TransactionId, Flight>,
    permissions: Permissions,
    channels: Channels,
    out: VecDeque<Output>,
}

impl Client {
    /// A client that has not begun.
    #[must_use]
    pub fn new(config: ClientConfig, rng: Rng) -> Self {
        Self {
            leg: Leg::new(config.transport, config.local, config.server, config.conn),
            auth: Auth::new(config.username.clone(), config.password.clone()),
            config,
            rng,
            phase: Phase::Idle,
            relayed: None,
            redirected: false,
            ready: VecDeque::new(),
            flights: BTreeMap::new(),
            permissions: Permissions::default(),
            channels: Channels::default(),
            out: VecDeque::new(),
        }
    }

    /// Begins: connects if need be, then wants an Allocate request sent.
    pub fn start(&mut self, now: Duration) {
        if self.phase != Phase::Idle {
            return;
        }
        if let Some(connect) = self.leg.connect() {
            self.phase = Phase::Connecting { until: now + CONNECT_TIMEOUT };
            self.out.push_back(Output::Transmit(connect));
        } else {
            self.allocate();
        }
    }

    /// Gives the allocation back.
    pub fn close(&mut self) {
        match self.phase {
            Phase::Allocated { .. } => {
                self.phase = Phase::Closing;
                self.ready.clear();
                self.flights.clear();
                self.enqueue(Operation::Refresh { lifetime: 0 });
            }
            // An Allocate request in flight may still succeed; the allocation then expires by
            // itself, as it would had our answer been lost.
            Phase::Idle | Phase::Connecting { .. } | Phase::Allocating => self.end(Event::Closed),
            Phase::Closing | Phase::Ended => {}
        }
    }

    /// Gives up without a word: the interface is gone, so nothing can be sent.
    pub fn abandon(&mut self) {
        if self.phase != Phase::Ended {
            self.end(Event::Closed);
        }
    }

    /// The server cannot be reached, says an ICMP error. An allocation that is there is not given
    /// up for that.
    pub fn unreachable(&mut self) {
        if self.phase == Phase::Allocating {
            self.fail(UNREACHABLE, "TURN server unreachable");
        }
    }

    /// Our end of the leg.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.leg.local
    }

    /// The server, after a redirection the one redirected to.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.leg.server
    }

    /// How the server is reached.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.leg.transport
    }

    /// The stream, if the leg is one.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        self.leg.conn()
    }

    /// The relayed address, while there is one.
    #[must_use]
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.relayed
    }

    /// True once nothing more will come of this client.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Asks for a permission, unless it was asked for before.
    pub fn permit(&mut self, ip: IpAddr) {
        if matches!(self.phase, Phase::Allocated { .. }) && self.permissions.want(ip) {
            self.enqueue(Operation::CreatePermission(ip));
        }
    }

    /// What is known of a permission; `None` if it was never asked for.
    #[must_use]
    pub fn permission(&self, ip: IpAddr) -> Option<PermissionState> {
        self.permissions.state(ip)
    }

    /// Asks for a channel, unless it was asked for before.
    pub fn bind(&mut self, peer: SocketAddr) {
        if !matches!(self.phase, Phase::Allocated { .. }) {
            return;
        }
        if let Some(number) = self.channels.open(peer) {
            self.enqueue(Operation::ChannelBind(peer, number));
        }
    }

    /// Lets go of the permissions and channels of everybody but these peers: they are no longer
    /// renewed.
    pub fn keep_only(&mut self, peers: &[SocketAddr]) {
        let ips: Vec<IpAddr> = peers.iter().map(SocketAddr::ip).collect();
        self.permissions.retain(&ips);
        self.channels.retain(peers);
        let stale = |operation| match operation {
            Operation::CreatePermission(ip) => !ips.contains(&ip),
            _ => false,
        };
        self.ready.retain(|request| !stale(request.operation));
        self.flights.retain(|_, flight| !stale(flight.request.operation));
    }

    /// Sends a datagram to a peer: on its channel if there is one, else in a Send indication.
    /// False if there is no allocation or the data does not fit a message.
    pub fn send(&mut self, peer: SocketAddr, data: &[u8]) -> bool {
        if !matches!(self.phase, Phase::Allocated { .. }) {
            return false;
        }
        let message = match self.channels.number(peer) {
            Some(channel) => self.channel_data(ChannelData { channel, data }),
            None => self.send_indication(peer, data),
        };
        let written = message.and_then(|bytes| self.leg.write(bytes));
        let sent = written.is_some();
        self.out.extend(written.map(Output::Transmit));
        sent
    }

    /// True if a request waits for a slot in which new transactions may start.
    #[must_use]
    pub fn wants_to_start(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Starts the next transaction. False if none waits.
    pub fn start_next(&mut self, now: Duration) -> bool {
        let Some(request) = self.ready.pop_front() else {
            return false;
        };
        let id = TransactionId(self.rng.bytes());
        let mut message = request.operation.message(id, self.config.family, LIFETIME);
        let used = self.auth.apply(&mut message);
        let seal = used.as_ref().map_or(Seal::none(), super::auth::Used::seal).fingerprint();
        // Encoding fails only for a user name or realm longer than an attribute may be.
        let Ok(bytes) = message.encode(&seal) else {
            self.fail(ErrorCode::BAD_REQUEST, "credentials too long for STUN");
            return false;
        };
        let timer = if self.leg.is_stream() {
            Retransmit::reliable(now)
        } else {
            Retransmit::unreliable(now, self.config.rto)
        };
        let flight = Flight { request, bytes, used, timer };
        self.out.push_back(flight.output());
        self.flights.insert(id, flight);
        true
    }

    /// Sends a request that came out of [`Client::poll`], or what a tamper layer made of it.
    pub fn write(&mut self, bytes: Vec<u8>) {
        let written = self.leg.write(bytes);
        self.out.extend(written.map(Output::Transmit));
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Client::advance`] wants to be called next.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Allocated { expires_at, refresh_at } => refresh_at.or(Some(expires_at)),
            Phase::Connecting { until } => Some(until),
            _ => None,
        };
        let flights = self.flights.values().map(|flight| flight.timer.wake());
        let renewals = [self.permissions.wake(), self.channels.wake(), phase];
        flights.chain(renewals.into_iter().flatten()).min()
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Duration) {
        self.renew(now);
        let ids: Vec<TransactionId> = self.flights.keys().copied().collect();
        for id in ids {
            let Some(flight) = self.flights.get_mut(&id) else { continue };
            match flight.timer.poll(now) {
                Due::Nothing => {}
                Due::Resend => self.out.push_back(flight.output()),
                Due::TimedOut => {
                    let operation = flight.request.operation;
                    self.flights.remove(&id);
                    self.unanswered(operation);
                }
            }
        }
    }

    /// The stream is established.
    pub fn connected(&mut self, local: SocketAddr) {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return;
        }
        let (trust, name) = (&self.config.trust, &self.config.server_name);
        let seed = self.rng.fork("tls").u64();
        match self.leg.connected(local, trust, name, seed) {
            Ok(()) => self.proceed(),
            Err(error) => self.fail(UNREACHABLE, &error.to_string()),
        }
    }

    /// Allocates once the leg carries messages.
    fn proceed(&mut self) {
        let flushed = self.leg.flush();
        self.out.extend(flushed.map(Output::Transmit));
        if matches!(self.phase, Phase::Connecting { .. }) && self.leg.is_ready() {
            self.allocate();
        }
    }

    /// The stream ended or never came about.
    pub fn disconnected(&mut self) {
        match self.phase {
            Phase::Closing => self.end(Event::Closed),
            Phase::Ended => {}
            _ => self.fail(UNREACHABLE, "connection to the TURN server closed"),
        }
    }

    /// Bytes from the stream.
    pub fn stream_data(&mut self, now: Duration, bytes: &[u8]) {
        let messages = match self.leg.read(bytes) {
            Ok(messages) => messages,
            Err(error) => {
                self.fail(UNREACHABLE, &error.to_string());
                return;
            }
        };
        self.proceed();
        for message in messages {
            self.message(now, &message);
        }
    }

    /// A datagram from the server. False if it is not for this client: neither channel data nor a
    /// message of TURN, so it may be for ICE.
    pub fn datagram(&mut self, now: Duration, bytes: &[u8]) -> bool {
        self.message(now, bytes)
    }

    fn message(&mut self, now: Duration, bytes: &[u8]) -> bool {
        if let Ok(ChannelData { channel, data }) = ChannelData::parse(bytes) {
            if let Some(peer) = self.channels.peer(channel) {
                self.deliver(peer, data);
            }
            return true;
        }
        let view = View::new(bytes);
        let broken_fingerprint =
            matches!(view.fingerprint(), Fingerprint::Invalid | Fingerprint::NotLast);
        if view.check().is_err() || broken_fingerprint {
            return false;
        }
        match view.message_type().map(|ty| (ty.class, ty.method)) {
            Some((Class::Indication, Method::DATA)) => {
                if let Some((peer, data)) = view.xor_peer_address().zip(view.data()) {
                    self.deliver(peer, data);
                }
                true
            }
            Some((class, _)) if class.is_response() => self.response(now, &view),
            _ => false,
        }
    }

    /// RFC 8656 §11.4, §12.6: only peers with a permission are heard.
    fn deliver(&mut self, peer: SocketAddr, data: &[u8]) {
        if self.permissions.state(peer.ip()) == Some(PermissionState::Granted) {
            self.event(Event::Data { peer, data: data.to_vec() });
        }
    }

    fn response(&mut self, now: Duration, view: &View<'_>) -> bool {
        let Some(id) = view.transaction_id() else { return false };
        let Some(flight) = self.flights.get(&id) else { return false };
        let fits =
            view.message_type().is_some_and(|ty| ty.method == flight.request.operation.method());
        let verdict = self.auth.judge(view, flight.used.as_ref());
        if !fits || verdict == Verdict::Discard {
            return true;
        }
        let Some(Flight { request, .. }) = self.flights.remove(&id) else { return true };
        if verdict == Verdict::Again && request.retries < MAX_RETRIES {
            self.ready.push_front(Request { retries: request.retries + 1, ..request });
        } else if view.message_type().is_some_and(|ty| ty.class == Class::SuccessResponse) {
            self.succeeded(now, request.operation, view);
        } else {
            self.refused(now, request.operation, view);
        }
        true
    }

    fn succeeded(&mut self, now: Duration, operation: Operation, view: &View<'_>) {
        match operation {
            Operation::Allocate => self.allocated(now, view),
            Operation::Refresh { lifetime: 0 } => self.end(Event::Closed),
            Operation::Refresh { .. } => self.lives(now, view),
            Operation::CreatePermission(ip) => {
                self.permissions.granted(ip, now);
                self.event(Event::Permission { ip, state: PermissionState::Granted });
            }
            Operation::ChannelBind(peer, _) => {
                self.channels.bound(peer, now);
                // RFC 8656 §12.3: a binding installs or refreshes the permission as well.
                self.permissions.granted(peer.ip(), now);
            }
        }
    }

    fn allocated(&mut self, now: Duration, view: &View<'_>) {
        let addresses = view.xor_relayed_address().zip(view.xor_mapped_address());
        let Some((relayed, mapped)) = addresses else {
            self.fail(ErrorCode::SERVER_ERROR, "Allocate response without addresses");
            return;
        };
        // RFC 8656 §7.3: an address of another family than the one asked for is of no use.
        if AddressFamily::of(relayed.ip()) != self.config.family {
            self.fail(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED, "relayed address of other family");
            return;
        }
        self.relayed = Some(relayed);
        self.lives(now, view);
        self.event(Event::Allocated { relayed, mapped });
    }

    /// Takes in the lifetime the server granted.
    fn lives(&mut self, now: Duration, view: &View<'_>) {
        let lifetime = Duration::from_secs(view.lifetime().unwrap_or(LIFETIME).into());
        // RFC 8656 §8: a refresh should leave about a minute before the expiry.
        let minute = Duration::from_secs(60);
        let lead = if lifetime > 2 * minute { minute } else { lifetime / 2 };
        let refresh_at = Some(now + (lifetime - lead));
        self.phase = Phase::Allocated { expires_at: now + lifetime, refresh_at };
    }

    fn refused(&mut self, now: Duration, operation: Operation, view: &View<'_>) {
        let (code, reason) = view.error_code().map_or((0, String::new()), |error| {
            (error.code(), String::from_utf8_lossy(error.reason).into_owned())
        });
        match operation {
            Operation::Allocate if code == ErrorCode::TRY_ALTERNATE => self.redirect(now, view),
            Operation::Allocate => self.fail(code, &reason),
            Operation::Refresh { lifetime: 0 } => self.end(Event::Closed),
            // RFC 8656 §8.3: 437 says that the allocation is gone; after any other refusal it
            // will be soon.
            Operation::Refresh { .. } => self.fail(code, &reason),
            Operation::CreatePermission(_) | Operation::ChannelBind(..)
                if code == ErrorCode::ALLOCATION_MISMATCH =>
            {
                self.fail(code, &reason);
            }
            Operation::CreatePermission(ip) => self.permission_refused(ip, code),
            Operation::ChannelBind(peer, _) => self.channels.lost(peer),
        }
    }

    fn permission_refused(&mut self, ip: IpAddr, code: u16) {
        self.permissions.refused(ip, code);
        self.event(Event::Permission { ip, state: PermissionState::Refused(code) });
    }

    /// RFC 8489 §10: goes to the alternate server, but only once.
    fn redirect(&mut self, now: Duration, view: &View<'_>) {
        let alternate = view.address(AttributeType::ALTERNATE_SERVER);
        let same_family = |server: &SocketAddr| server.is_ipv4() == self.leg.server.is_ipv4();
        let Some(server) = alternate.filter(same_family).filter(|_| !self.redirected) else {
            self.fail(ErrorCode::TRY_ALTERNATE, "redirected to nowhere");
            return;
        };
        self.redirected = true;
        let close = self.leg.close();
        self.out.extend(close.into_iter().map(Output::Transmit));
        let (transport, local) = (self.config.transport, self.config.local);
        let ConnId(conn) = self.config.conn;
        self.leg = Leg::new(transport, local, server, ConnId(conn + 1));
        self.phase = Phase::Idle;
        self.start(now);
    }

    fn unanswered(&mut self, operation: Operation) {
        match operation {
            Operation::Allocate => self.fail(UNREACHABLE, "TURN server does not answer"),
            Operation::Refresh { lifetime: 0 } => self.end(Event::Closed),
            Operation::Refresh { .. } => self.fail(UNREACHABLE, "TURN server does not answer"),
            Operation::CreatePermission(ip) => self.permission_refused(ip, 0),
            Operation::ChannelBind(peer, _) => self.channels.lost(peer),
        }
    }

    fn renew(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Connecting { until } if now >= until) {
            self.fail(UNREACHABLE, "TURN server does not accept the connection");
            return;
        }
        if let Phase::Allocated { expires_at, refresh_at } = self.phase {
            if now >= expires_at {
                self.fail(UNREACHABLE, "allocation expired");
                return;
            }
            if refresh_at.is_some_and(|at| now >= at) {
                self.phase = Phase::Allocated { expires_at, refresh_at: None };
                self.enqueue(Operation::Refresh { lifetime: LIFETIME });
            }
        }
        for ip in self.permissions.due(now) {
            self.enqueue(Operation::CreatePermission(ip));
        }
        for (peer, number) in self.channels.due(now) {
            self.enqueue(Operation::ChannelBind(peer, number));
        }
    }

    fn channel_data(&self, message: ChannelData<'_>) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(message.data.len() + 8);
        // RFC 8656 §12.5: padding is for streams.
        let encoded = if self.leg.is_stream() {
            message.encode_padded_into(&mut bytes)
        } else {
            message.encode_into(&mut bytes)
        };
        encoded.ok().map(|()| bytes)
    }

    fn send_indication(&mut self, peer: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        Message::indication(Method::SEND, TransactionId(self.rng.bytes()))
            .with(Attribute::XorPeerAddress(peer))
            .with(Attribute::Data(data.to_vec()))
            .encode(&Seal::none())
            .ok()
    }

    fn allocate(&mut self) {
        self.phase = Phase::Allocating;
        self.enqueue(Operation::Allocate);
    }

    fn enqueue(&mut self, operation: Operation) {
        self.ready.push_back(Request { operation, retries: 0 });
    }

    fn fail(&mut self, code: u16, reason: &str) {
        self.end(Event::Failed(Failure { code, reason: reason.to_owned() }));
    }

    fn end(&mut self, event: Event) {
        self.phase = Phase::Ended;
        self.relayed = None;
        self.ready.clear();
        self.flights.clear();
        self.permissions.clear();
        self.channels.clear();
        let close = self.leg.close();
        self.out.extend(close.into_iter().map(Output::Transmit));
        self.event(event);
    }

    fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}

impl Flight {
    fn output(&self) -> Output {
        let key = self.used.as_ref().map(|used| used.key().as_bytes().to_vec());
        Output::Request { bytes: self.bytes.clone(), key }
    }
}
