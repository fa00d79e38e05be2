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
    /// A datagram could not be delivered, says an ICMP error.
    Unreachable {
        /// The local address it was sent from.
        local: SocketAddr,
        /// Where it was sent to.
        remote: SocketAddr,
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
