//! The connection between client and server: datagrams, or a stream cut into messages.

use std::net::SocketAddr;

use rtcspec_tls::{ClientConfig, Session, TlsError, Trust};
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

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum LegError {
    #[error(transparent)]
    Framing(#[from] FramingError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// One leg, from a local address to a server.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    conn: ConnId,
    /// The stream is there; for TLS the handshake may still be under way.
    open: bool,
    tls: Option<Session>,
    incoming: Deframer,
}

impl Leg {
    pub(super) fn new(
        transport: Transport,
        local: SocketAddr,
        server: SocketAddr,
        conn: ConnId,
    ) -> Self {
        let incoming = Deframer::new(Framing::Turn);
        Self { transport, local, server, conn, open: false, tls: None, incoming }
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

    /// The stream is there; over TLS the handshake begins.
    pub(super) fn connected(
        &mut self,
        local: SocketAddr,
        trust: &Trust,
        name: &str,
        seed: u64,
    ) -> Result<(), LegError> {
        self.open = true;
        self.local = local;
        if self.transport == Transport::Tls {
            self.tls = Some(Session::client(&ClientConfig::new(trust.clone()), name, seed)?);
        }
        Ok(())
    }

    /// True once messages can be exchanged.
    pub(super) fn is_ready(&self) -> bool {
        match &self.tls {
            Some(session) => session.is_established(),
            None => self.open && self.transport != Transport::Tls,
        }
    }

    /// What closes the leg; nothing for datagrams.
    pub(super) fn close(&mut self) -> Vec<Transmit> {
        if let Some(session) = &mut self.tls {
            session.close();
        }
        let mut last: Vec<Transmit> = self.flush().into_iter().collect();
        self.open = false;
        self.tls = None;
        last.extend(self.conn().map(|conn| Transmit::TcpClose { conn }));
        last
    }

    /// What carries a message to the server.
    pub(super) fn write(&mut self, data: Vec<u8>) -> Option<Transmit> {
        if !self.is_stream() {
            return Some(Transmit::Udp { local: self.local, remote: self.server, data });
        }
        match &mut self.tls {
            Some(session) => {
                session.send(&data).ok()?;
                self.flush()
            }
            None => self.open.then_some(Transmit::TcpSend { conn: self.conn, data }),
        }
    }

    /// What TLS has to say.
    pub(super) fn flush(&mut self) -> Option<Transmit> {
        let data = self.tls.as_mut()?.take_output();
        (self.open && !data.is_empty()).then_some(Transmit::TcpSend { conn: self.conn, data })
    }

    /// Cuts bytes from the stream into messages.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, LegError> {
        let mut decrypted = Vec::new();
        let plain = match &mut self.tls {
            Some(session) => {
                session.receive(bytes, &mut decrypted)?;
                decrypted.as_slice()
            }
            None => bytes,
        };
        let mut messages = Vec::new();
        // Pieces are small enough for a whole message to be taken out between any two.
        for piece in plain.chunks(usize::from(u16::MAX)) {
            self.incoming.push(piece)?;
            while let Some(message) = self.incoming.next_packet()? {
                messages.push(message.to_vec());
            }
        }
        Ok(messages)
    }
}
