//! The connection between client and server: datagrams, or a stream cut into messages.

use std::net::SocketAddr;

use rtcspec_wire::framing::{Deframer, Framing, FramingError};

use crate::io::{ConnId, Transmit};

/// What client and server speak TURN over (RFC 8656 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// The `transport` word of RFC 8839's `relay-protocol` extensions and of `turn:` URIs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// One leg, from a local address to a server.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    conn: ConnId,
    open: bool,
    incoming: Deframer,
}

impl Leg {
    pub(super) fn new(
        transport: Transport,
        local: SocketAddr,
        server: SocketAddr,
        conn: ConnId,
    ) -> Self {
        Self { transport, local, server, conn, open: false, incoming: Deframer::new(Framing::Turn) }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.transport != Transport::Udp
    }

    pub(super) fn conn(&self) -> Option<ConnId> {
        self.is_stream().then_some(self.conn)
    }

    /// What opens the leg; nothing for datagrams.
    pub(super) fn connect(&self) -> Option<Transmit> {
        let (conn, local, remote) = (self.conn, self.local, self.server);
        self.is_stream().then_some(Transmit::TcpConnect { conn, local, remote })
    }

    /// The stream is there.
    pub(super) fn connected(&mut self, local: SocketAddr) {
        self.open = true;
        self.local = local;
    }

    /// What closes the leg; nothing for datagrams.
    pub(super) fn close(&mut self) -> Option<Transmit> {
        self.open = false;
        self.is_stream().then_some(Transmit::TcpClose { conn: self.conn })
    }

    /// What carries a message to the server.
    pub(super) fn write(&mut self, data: Vec<u8>) -> Option<Transmit> {
        if self.is_stream() {
            self.open.then_some(Transmit::TcpSend { conn: self.conn, data })
        } else {
            Some(Transmit::Udp { local: self.local, remote: self.server, data })
        }
    }

    /// Cuts bytes from the stream into messages.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, FramingError> {
        let mut messages = Vec::new();
        // Pieces are small enough for a whole message to be taken out between any two.
        for piece in bytes.chunks(usize::from(u16::MAX)) {
            self.incoming.push(piece)?;
            while let Some(message) = self.incoming.next_packet()? {
                messages.push(message.to_vec());
            }
        }
        Ok(messages)
    }
}
