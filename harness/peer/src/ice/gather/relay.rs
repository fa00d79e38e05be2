//! A TURN client with what the gatherer knows about it.

use std::net::{IpAddr, SocketAddr};

use crate::ice::server::Server;
use crate::turn::Client;

/// One attempt to get a relayed candidate.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) client: Client,
    pub(super) server: Server,
    /// Place of the server among the servers.
    pub(super) rank: usize,
    /// The interface it leaves from, and that interface's place.
    pub(super) interface: IpAddr,
    pub(super) interface_rank: usize,
    /// True until there is an allocation or none will be: gathering waits for it.
    pub(super) pending: bool,
    /// True for the second attempt from another port, after 437.
    pub(super) retried: bool,
    /// The relayed address; kept when the allocation is lost, to say which one was.
    pub(super) relayed: Option<SocketAddr>,
}

impl Relay {
    /// True if a datagram between these addresses belongs to the client's leg.
    pub(super) fn is_leg(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        let client = &self.client;
        !client.is_ended()
            && client.conn().is_none()
            && client.local() == local
            && client.server() == remote
    }
}
