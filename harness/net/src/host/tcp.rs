use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

use super::vocabulary::{ConnId, Receive};
use crate::Ns;
use crate::packet::{Head, cut_segment};

/// Bytes that may wait in each direction of a connection inside smoltcp.
const BUFFER: usize = 65_535;
/// With so many bytes waiting outside of smoltcp, what an application may lose is better not sent.
const BACKLOG: usize = 65_536;
/// A connection that cannot be opened, or whose bytes or end are not acknowledged, is given up after
/// so long (RFC 9293 §3.8.3: R2 is at least 100 seconds, and 3 minutes for a SYN; Linux takes 127 s).
const PATIENCE: Ns = Ns::secs(127);
/// Ports handed out to who asks for none (RFC 6335 §6: the dynamic ones).
const DYNAMIC: u16 = 49_152;

/// TCP at one address of a host, by smoltcp.
pub(super) struct Stack {
    address: IpAddr,
    interface: Interface,
    queue: Queue,
    sockets: SocketSet<'static>,
    connections: BTreeMap<ConnId, Connection>,
    listeners: BTreeMap<u16, SocketHandle>,
    /// The longest packets that get through to a remote, where an ICMP error said so.
    paths: BTreeMap<IpAddr, usize>,
    next_port: u16,
}

struct Connection {
    handle: SocketHandle,
    local: SocketAddr,
    remote: SocketAddr,
    unsent: VecDeque<u8>,
    /// The application was told that too many bytes wait.
    full: bool,
    /// Since when it waits for its peer, and how many bytes wait to be acknowledged.
    stalled: Option<(Ns, usize)>,
    /// The application was told that it is established.
    announced: bool,
    accepted: bool,
    /// The application wants it closed.
    closing: bool,
    /// The application was told that it ended.
    ended: bool,
}

/// Packets on their way into and out of smoltcp.
struct Queue {
    mtu: usize,
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack")
            .field("address", &self.address)
            .field("connections", &self.connections.len())
            .field("listeners", &self.listeners.keys())
            .finish_non_exhaustive()
    }
}

impl Stack {
    pub(super) fn new(now: Ns, address: IpAddr, mtu: u16, seed: u64) -> Self {
        let mtu = usize::from(mtu);
        let mut queue = Queue { mtu, incoming: VecDeque::new(), outgoing: VecDeque::new() };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut queue, instant(now));
        interface.update_ip_addrs(|addresses| {
            // Everybody is a neighbour: the network does the routing.
            let everybody = IpCidr::new(IpAddress::from(address), 0);
            addresses.push(everybody).expect("invariant: an empty list has room for one address");
        });
        let next_port = DYNAMIC + (seed % 8_192) as u16;
        Self {
            address,
            interface,
            queue,
            sockets: SocketSet::new(Vec::new()),
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            paths: BTreeMap::new(),
            next_port,
        }
    }

    /// Accepts connections to a port from now on.
    pub(super) fn listen(&mut self, port: u16) {
        if port == 0 || self.listeners.contains_key(&port) {
            return;
        }
        let mut socket = new_socket();
        let endpoint = IpEndpoint::new(IpAddress::from(self.address), port);
        if socket.listen(endpoint).is_ok() {
            self.listeners.insert(port, self.sockets.add(socket));
        }
    }

    /// Opens a connection; false if that is impossible.
    pub(super) fn connect(&mut self, conn: ConnId, port: u16, remote: SocketAddr) -> bool {
        let Some(port) = self.local_port(port) else { return false };
        let mut socket = new_socket();
        let local = IpEndpoint::new(IpAddress::from(self.address), port);
        let there = IpEndpoint::new(IpAddress::from(remote.ip()), remote.port());
        if self.connections.contains_key(&conn)
            || socket.connect(self.interface.context(), there, local).is_err()
        {
            return false;
        }
        let handle = self.sockets.add(socket);
        let local = SocketAddr::new(self.address, port);
        self.connections.insert(conn, Connection::new(handle, local, remote, false));
        true
    }

    pub(super) fn send(&mut self, conn: ConnId, data: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && !connection.closing
        {
            connection.unsent.extend(data);
        }
    }

    pub(super) fn close(&mut self, conn: ConnId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.closing = true;
        }
    }

    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.connections.contains_key(&conn)
    }

    pub(super) fn push(&mut self, head: &Head, packet: Vec<u8>) {
        if !self.asks_again(head) {
            self.queue.incoming.push_back(packet);
        }
    }

    /// The next packet for the network, no longer than what is known to get through.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let packet = self.queue.outgoing.pop_front()?;
        if self.paths.is_empty() {
            return Some(packet);
        }
        let remote = Head::parse(&packet).ok().map(|(head, _)| head.destination().ip());
        let Some(&mtu) = remote.and_then(|remote| self.paths.get(&remote)) else {
            return Some(packet);
        };
        let pieces = cut_segment(packet, mtu);
        pieces.into_iter().rev().for_each(|piece| self.queue.outgoing.push_front(piece));
        self.queue.outgoing.pop_front()
    }

    /// Whether a packet asks for a connection there is: a copy of the SYN that opened it. smoltcp may
    /// show it to the listener first, which would open another one between the same endpoints.
    fn asks_again(&self, head: &Head) -> bool {
        const SYN: u8 = 0x02;
        const RST_OR_ACK: u8 = 0x14;
        let same = |connection: &&Connection| {
            connection.local == head.destination() && connection.remote == head.source()
        };
        let lives = |connection: &Connection| {
            let state = self.sockets.get::<Socket<'_>>(connection.handle).state();
            // A connection that is being opened takes it for a simultaneous open.
            !matches!(state, State::SynSent | State::Listen | State::TimeWait | State::Closed)
        };
        head.tcp_flags & (SYN | RST_OR_ACK) == SYN
            && self.connections.values().filter(same).any(lives)
    }

    /// A connection being opened between these endpoints was refused by an ICMP error.
    ///
    /// RFC 5461 §4: an error ends only a connection that is not established yet.
    pub(super) fn unreachable(&mut self, local: SocketAddr, remote: SocketAddr) {
        let found = self.connections.values().find(|c| c.local == local && c.remote == remote);
        if let Some(connection) = found {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            if socket.state() == State::SynSent {
                socket.abort();
            }
        }
    }

    /// An ICMP error said how long packets on a connection's way may be (RFC 1191, RFC 8201). What
    /// was lost is sent again when its time has come, in pieces.
    pub(super) fn too_big(&mut self, local: SocketAddr, remote: SocketAddr, mtu: u32) {
        // Every path carries so much; an error that says less is not believed.
        let least = if remote.is_ipv4() { 576 } else { 1280 };
        if self.connections.values().any(|c| c.local == local && c.remote == remote) {
            let mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(least);
            let known = self.paths.entry(remote.ip()).or_insert(self.queue.mtu);
            *known = mtu.min(*known);
        }
    }

    /// Ends everything at once: the address is gone.
    pub(super) fn abandon(&mut self, inbox: &mut VecDeque<Receive>) {
        for (conn, connection) in std::mem::take(&mut self.connections) {
            if !connection.ended {
                inbox.push_back(Receive::TcpClosed { conn });
            }
        }
    }

    /// Lets smoltcp work off what waits and tells the application of what came of it.
    pub(super) fn poll(&mut self, now: Ns, accepted: &mut u64, inbox: &mut VecDeque<Receive>) {
        // One round reads what came and sends; more rounds only happen while a listener is being
        // replaced or bytes move, and are bounded all the same.
        for _ in 0..64 {
            let read = self.read(now, accepted, inbox);
            self.flush();
            let gave_up = self.give_up(now);
            self.write(now);
            if !(read | gave_up | self.report(inbox)) {
                break;
            }
        }
    }

    /// Works off what came, packet by packet. True if anything moved.
    ///
    /// The application gets its bytes before they are acknowledged. Else the acknowledgement offers
    /// a smaller window than the next one, which then counts as news of the window and not as the
    /// first of three duplicates, and what was lost is only sent again after a second.
    fn read(&mut self, now: Ns, accepted: &mut u64, inbox: &mut VecDeque<Receive>) -> bool {
        let at = instant(now);
        let mut moved = false;
        while self.interface.poll_ingress_single(at, &mut self.queue, &mut self.sockets)
            != PollIngressSingleResult::None
        {
            // What was acknowledged is looked at before more takes its place.
            moved |= self.accept(accepted) | self.give_up(now) | self.report(inbox);
        }
        moved
    }

    /// Lets smoltcp send all it has.
    fn write(&mut self, now: Ns) {
        let at = instant(now);
        while self.interface.poll_egress(at, &mut self.queue, &mut self.sockets)
            == PollResult::SocketStateChanged
        {}
    }

    /// When smoltcp wants to be polled next.
    pub(super) fn wake(&mut self, now: Ns) -> Option<Ns> {
        let at = self.interface.poll_at(instant(now), &self.sockets);
        let smoltcp = at.map(|at| Ns::micros(u64::try_from(at.total_micros()).unwrap_or(0)));
        let patience = self.connections.values().filter_map(|c| c.stalled);
        let patience = patience.map(|(since, _)| since + PATIENCE).min();
        // Never the same instant again: whatever could be done then was done by `poll`.
        smoltcp.into_iter().chain(patience).min().map(|at| at.max(now + Ns::micros(1)))
    }

    /// Ends connections whose peer has been silent for too long. True if there were any.
    fn give_up(&mut self, now: Ns) -> bool {
        let mut any = false;
        for connection in self.connections.values_mut() {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            let waiting = socket.send_queue() + usize::from(waits_for_answer(socket.state()));
            connection.stalled = match connection.stalled {
                _ if waiting == 0 => None,
                // More to send is no sign of life.
                Some((since, before)) if waiting >= before => Some((since, waiting)),
                _ => Some((now, waiting)),
            };
            if connection.stalled.is_some_and(|(since, _)| now >= since + PATIENCE) {
                socket.abort();
                connection.stalled = None;
                any = true;
            }
        }
        any
    }

    fn local_port(&mut self, wanted: u16) -> Option<u16> {
        let taken = |port: u16| {
            self.listeners.contains_key(&port)
                || self.connections.values().any(|c| c.local.port() == port)
        };
        if wanted != 0 {
            return Some(wanted);
        }
        let count = u16::MAX - DYNAMIC + 1;
        let first = self.next_port - DYNAMIC;
        let port = (0..count).map(|n| DYNAMIC + (first + n) % count).find(|&port| !taken(port))?;
        self.next_port = if port == u16::MAX { DYNAMIC } else { port + 1 };
        Some(port)
    }

    /// Moves what the application sent into smoltcp, and closes what it closed.
    fn flush(&mut self) {
        for connection in self.connections.values_mut() {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            while !connection.unsent.is_empty() && socket.can_send() {
                let (chunk, _) = connection.unsent.as_slices();
                let sent = socket.send_slice(chunk).unwrap_or(0);
                if sent == 0 {
                    break;
                }
                connection.unsent.drain(..sent);
            }
            let opening = matches!(socket.state(), State::SynSent | State::SynReceived);
            if connection.closing && (connection.unsent.is_empty() && !opening) {
                socket.close();
            } else if connection.closing && connection.unsent.is_empty() {
                socket.abort();
            }
        }
    }

    /// Turns listeners that somebody reached into connections and puts new ones in their place.
    fn accept(&mut self, accepted: &mut u64) -> bool {
        let reached = |handle: SocketHandle, sockets: &SocketSet<'_>| {
            let socket = sockets.get::<Socket<'_>>(handle);
            !socket.is_listening()
        };
        let hit: Vec<(u16, SocketHandle)> = self
            .listeners
            .iter()
            .filter(|(_, handle)| reached(**handle, &self.sockets))
            .map(|(port, handle)| (*port, *handle))
            .collect();
        for (port, handle) in &hit {
            self.listeners.remove(port);
            let socket = self.sockets.get::<Socket<'_>>(*handle);
            let ends = socket.local_endpoint().zip(socket.remote_endpoint());
            match ends {
                Some((local, remote)) => {
                    let conn = ConnId(ConnId::ACCEPTED.0 + *accepted);
                    *accepted += 1;
                    let (local, remote) = (socket_addr(local), socket_addr(remote));
                    let connection = Connection::new(*handle, local, remote, true);
                    self.connections.insert(conn, connection);
                }
                None => {
                    self.sockets.remove(*handle);
                }
            }
            self.listen(*port);
        }
        !hit.is_empty()
    }

    /// Tells the application what changed and forgets what is over. True if bytes moved.
    fn report(&mut self, inbox: &mut VecDeque<Receive>) -> bool {
        let mut moved = false;
        let mut over = Vec::new();
        for (&conn, connection) in &mut self.connections {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            moved |= connection.report(conn, socket, inbox);
            // A connection that was reset before it was established is a listener again; there is
            // one in its place already, and nobody was told of it.
            let unborn = connection.accepted && !connection.announced && socket.is_listening();
            if unborn || (connection.ended && socket.state() == State::Closed) {
                over.push(conn);
            }
        }
        for conn in over {
            if let Some(connection) = self.connections.remove(&conn) {
                self.sockets.remove(connection.handle);
            }
        }
        moved
    }
}

impl Connection {
    fn new(handle: SocketHandle, local: SocketAddr, remote: SocketAddr, accepted: bool) -> Self {
        Self {
            handle,
            local,
            remote,
            unsent: VecDeque::new(),
            full: false,
            stalled: None,
            announced: false,
            accepted,
            closing: false,
            ended: false,
        }
    }

    fn report(
        &mut self,
        conn: ConnId,
        socket: &mut Socket<'_>,
        inbox: &mut VecDeque<Receive>,
    ) -> bool {
        let state = socket.state();
        let opening = matches!(state, State::SynSent | State::SynReceived | State::Listen);
        if !self.announced && !opening && state != State::Closed {
            self.announced = true;
            let (local, remote) = (self.local, self.remote);
            inbox.push_back(match self.accepted {
                true => Receive::TcpAccepted { conn, local, remote },
                false => Receive::TcpConnected { conn, local },
            });
        }
        let mut moved = false;
        while socket.can_recv() {
            let mut data = Vec::new();
            let read = socket.recv(|bytes| {
                data.extend_from_slice(bytes);
                (bytes.len(), ())
            });
            if read.is_err() || data.is_empty() {
                break;
            }
            moved = true;
            inbox.push_back(Receive::TcpData { conn, data });
        }
        let full = self.unsent.len() > BACKLOG;
        if full != self.full {
            self.full = full;
            inbox.push_back(Receive::TcpBacklog { conn, full });
        }
        moved |= !self.unsent.is_empty() && socket.can_send();
        if !self.ended && !opening && !socket.may_recv() {
            self.ended = true;
            // The peer's end is ours, after what is still unsent; a listener nobody got through to
            // was never announced and ends silently.
            self.closing = true;
            moved = true;
            if self.announced || !self.accepted {
                inbox.push_back(Receive::TcpClosed { conn });
            }
        }
        moved
    }
}

/// Whether a SYN or FIN has been sent, or will be, that the peer has not acknowledged.
fn waits_for_answer(state: State) -> bool {
    matches!(
        state,
        State::SynSent | State::SynReceived | State::FinWait1 | State::Closing | State::LastAck
    )
}

fn new_socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; BUFFER]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

fn socket_addr(endpoint: IpEndpoint) -> SocketAddr {
    SocketAddr::new(endpoint.addr.into(), endpoint.port)
}

fn instant(now: Ns) -> Instant {
    Instant::from_micros(i64::try_from(now.0 / 1_000).unwrap_or(i64::MAX))
}

impl Device for Queue {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming, Outgoing<'_>)> {
        let packet = self.incoming.pop_front()?;
        Some((Incoming(packet), Outgoing(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

struct Incoming(Vec<u8>);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

struct Outgoing<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push_back(packet);
        result
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_window_with_many_holes_is_kept() {
        // Of 45 segments of a window; with 4, smoltcp's default, the rest would be thrown away.
        assert_eq!(smoltcp::config::ASSEMBLER_MAX_SEGMENT_COUNT, 32);
    }
}
