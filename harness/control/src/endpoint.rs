//! The traits every peer implements.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capability::Hello;
use crate::command::{Command, Reply, RequestId};
use crate::event::Event;
use crate::outside::{Bell, Taken};

/// What a peer gives back on the control plane.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The answer to a request.
    Reply(Reply),
    /// Something that happened.
    Event(Event),
}

/// The control plane of a peer: commands in, replies and events out.
///
/// `now` is the time since the run began. A peer answers every request exactly once; in virtual
/// time it may take later calls of [`VirtualEndpoint::advance`] to do so.
pub trait Endpoint {
    /// What the peer is and can do.
    fn hello(&self) -> &Hello;
    /// Gives a command.
    fn submit(&mut self, now: Duration, id: RequestId, command: Command);
    /// The next reply or event, oldest first.
    fn poll(&mut self) -> Option<Message>;
}

/// Names one TCP connection of one endpoint; chosen by the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What an endpoint in virtual time wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// A UDP datagram.
    Udp {
        /// Local address; port 0 is never used here, an endpoint owns its ports.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// Opens a TCP connection from a local address (port 0: the host picks one).
    TcpConnect {
        /// Its name from now on.
        conn: ConnId,
        /// Local address.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
    },
    /// Bytes for a TCP connection.
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
    /// A whole IP packet, from a peer that has an IP stack of its own.
    Packet {
        /// From the first byte of the IP header.
        data: Vec<u8>,
    },
}

/// What reaches an endpoint in virtual time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receive {
    /// A UDP datagram.
    Udp {
        /// The endpoint's address it was sent to.
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
    /// A datagram of ours could not be delivered (ICMP port or administratively unreachable).
    Unreachable {
        /// The local address it was sent from.
        local: SocketAddr,
        /// Where it was sent to.
        remote: SocketAddr,
    },
    /// A whole IP packet, for a peer that has an IP stack of its own.
    Packet {
        /// From the first byte of the IP header.
        data: Vec<u8>,
    },
}

/// Whose time a peer lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The run's: nothing happens in it between two calls.
    #[default]
    Inside,
    /// Its own: the run goes at the pace of the wall's clock, and
    /// [`VirtualEndpoint::wake`] tells when the first thing arrived that was not taken in yet.
    Outside,
    /// A record of one that lived in its own.
    Record,
}

/// Where the host of a peer is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    /// In the network the scenario describes.
    #[default]
    Scripted,
    /// On a real network, at addresses that nobody told us; this machine is reached from there at
    /// these.
    Elsewhere(Vec<IpAddr>),
}

impl Site {
    /// Whether it is the one that needs no mention.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        *self == Self::Scripted
    }
}

/// A peer that lives in virtual time: control plane and data plane.
///
/// After each call that takes `now`, the harness drains [`Endpoint::poll`] and
/// [`VirtualEndpoint::transmit`], then reads [`VirtualEndpoint::wake`].
pub trait VirtualEndpoint: Endpoint {
    /// Something came from the network.
    fn receive(&mut self, now: Duration, input: Receive);
    /// The next thing to send, in order.
    fn transmit(&mut self) -> Option<Transmit>;
    /// When [`VirtualEndpoint::advance`] wants to be called next.
    fn wake(&self) -> Option<Duration>;
    /// Time has come to `now`.
    fn advance(&mut self, now: Duration);
    /// NSS key log lines since the last call; empty for peers that cannot log.
    fn secrets(&mut self) -> Vec<String>;
    /// Whose time the peer lives in.
    fn origin(&self) -> Origin {
        Origin::Inside
    }
    /// What has passed between the run and the peer since the last call, if it lives outside.
    fn taken(&mut self) -> Vec<Taken> {
        Vec::new()
    }
    /// What this machine refused, so that the run proves nothing.
    fn trouble(&self) -> Option<&str> {
        None
    }
}

/// What a peer is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnContext {
    /// Seed of everything random in it.
    pub seed: u64,
    /// Run time at which it is made.
    pub now: Duration,
}

/// Why a peer did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("start {implementation}: {reason}")]
pub struct SpawnError {
    /// Which implementation.
    pub implementation: String,
    /// Why.
    pub reason: String,
}

/// An implementation that can be put under test in virtual time.
///
/// A run makes its peers inside its own thread, so peers need not be `Send`.
pub trait Implementation: Send + Sync + fmt::Debug {
    /// What its peers will say in [`Endpoint::hello`].
    fn hello(&self) -> Hello;
    /// Called first of all in the fresh thread that a run has to itself, for each implementation
    /// in it: what a thread keeps for itself is to depend on the seed.
    fn prepare_thread(&self, seed: u64) {
        let _ = seed;
    }
    /// Makes a peer.
    ///
    /// # Errors
    /// [`SpawnError`] when the implementation cannot start here.
    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError>;
    /// Whose time its peers live in.
    fn origin(&self) -> Origin {
        Origin::Inside
    }
    /// Where the hosts of its peers are.
    fn site(&self) -> Site {
        Site::Scripted
    }
    /// Makes a peer that lives in its own time, on a host with these interfaces; what comes from it
    /// rings the bell.
    ///
    /// # Errors
    /// [`SpawnError`] when the implementation cannot start here.
    fn spawn_outside(
        &self,
        context: SpawnContext,
        interfaces: &[Vec<IpAddr>],
        bell: &Arc<Bell>,
    ) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        let _ = (interfaces, bell);
        self.spawn(context)
    }
}
