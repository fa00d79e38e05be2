use std::net::SocketAddr;

use crate::Ns;

/// Names one TCP connection of one host. Who connects chooses it, below [`ConnId::ACCEPTED`];
/// connections that were accepted get theirs from the host, counted up from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl ConnId {
    /// The first one of accepted connections.
    pub const ACCEPTED: Self = Self(1 << 63);
}

/// What an application wants its host to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Sends a UDP datagram.
    Udp {
        /// Local address; its port is never 0.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// Accepts TCP connections from now on.
    TcpListen {
        /// Local address.
        local: SocketAddr,
    },
    /// Opens a TCP connection.
    TcpConnect {
        /// Its name from now on.
        conn: ConnId,
        /// Local address; port 0: the host picks one.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
    },
    /// Sends bytes on a TCP connection.
    TcpSend {
        /// The connection.
        conn: ConnId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Closes a TCP connection once all its bytes are sent.
    TcpClose {
        /// The connection.
        conn: ConnId,
    },
}

/// What kind of ICMP error it was, in the numbers of the version of IP that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpError {
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
}

impl IcmpError {
    /// Nobody listens on the port: RFC 792, type 3, code 3; RFC 4443 §3.1, type 1, code 4.
    pub const fn port_unreachable(v4: bool) -> Self {
        if v4 { Self { kind: 3, code: 3 } } else { Self { kind: 1, code: 4 } }
    }
}

/// What a host tells its application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receive {
    /// A UDP datagram.
    Udp {
        /// The host's address it was sent to.
        local: SocketAddr,
        /// Where it came from, as seen here.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// A TCP connection that was asked for is established.
    TcpConnected {
        /// The connection.
        conn: ConnId,
        /// The local address it got.
        local: SocketAddr,
    },
    /// Somebody connected to a listening address.
    TcpAccepted {
        /// The connection.
        conn: ConnId,
        /// The local address.
        local: SocketAddr,
        /// Who, as seen here.
        remote: SocketAddr,
    },
    /// Bytes of a TCP connection.
    TcpData {
        /// The connection.
        conn: ConnId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// A TCP connection ended or never came about.
    TcpClosed {
        /// The connection.
        conn: ConnId,
    },
    /// A TCP connection has been given more than it gets rid of, or has caught up. It takes
    /// everything all the same; what may be lost is better kept from one that is full.
    TcpBacklog {
        /// The connection.
        conn: ConnId,
        /// Whether too much waits.
        full: bool,
    },
    /// A datagram could not be delivered, says an ICMP error.
    Unreachable {
        /// The local address it was sent from.
        local: SocketAddr,
        /// Where it was sent to.
        remote: SocketAddr,
        /// Why.
        error: IcmpError,
    },
    /// A datagram was too long for a link on its way, says an ICMP error; a shorter one may get
    /// through.
    TooBig {
        /// The local address it was sent from.
        local: SocketAddr,
        /// Where it was sent to.
        remote: SocketAddr,
        /// The longest IP packet that the link carries.
        mtu: u32,
    },
}

/// A state machine that lives on a host: a peer's data plane or a service.
///
/// After each call that takes `now`, the driver drains [`Application::transmit`] and then reads
/// [`Application::wake`].
pub trait Application {
    /// Something came from the network.
    fn receive(&mut self, now: Ns, input: Receive);
    /// The next thing to do, in order.
    fn transmit(&mut self) -> Option<Transmit>;
    /// When [`Application::advance`] wants to be called next; in the past means at once.
    fn wake(&self) -> Option<Ns>;
    /// Time has come to `now`.
    fn advance(&mut self, now: Ns);
}
