//! What crosses the boundary between a peer and the machine it runs on.
//!
//! Addresses are sockets, not packets: whoever drives the peer turns them into datagrams and
//! streams of a real or a virtual network.

use std::net::SocketAddr;

/// Names one TCP connection of one peer; chosen by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What a peer wants done on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Sends a UDP datagram.
    Udp {
        /// The peer's own address and port.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// Opens a TCP connection.
    TcpConnect {
        /// Its name from now on.
        conn: ConnId,
        /// Local address; port 0 lets the machine choose.
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
    /// Closes a TCP connection.
    TcpClose {
        /// The connection.
        conn: ConnId,
    },
}

/// What the network brings to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receive {
    /// A UDP datagram arrived.
    Udp {
        /// The peer's address it was sent to.
        local: SocketAddr,
        /// Where it came from, as seen here.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// A TCP connection is established.
    TcpConnected {
        /// The connection.
        conn: ConnId,
        /// The local address it got.
        local: SocketAddr,
    },
    /// Bytes of a TCP connection arrived.
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
    /// A datagram of ours could not be delivered (ICMP unreachable, either version).
    Unreachable {
        /// The local address it was sent from.
        local: SocketAddr,
        /// Where it was sent to.
        remote: SocketAddr,
    },
}
