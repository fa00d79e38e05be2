//! Clients that come over TCP or TLS.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rtcspec_tls::{ServerConfig, Session};
use rtcspec_wire::framing::{Deframer, Framing};

use super::config::Leg;
use crate::host::ConnId;
use crate::services::draws::Draws;

/// The open streams.
#[derive(Debug)]
pub(super) struct Streams {
    open: BTreeMap<ConnId, Stream>,
    most: usize,
    tls: ServerConfig,
    draws: Draws,
}

#[derive(Debug)]
struct Stream {
    remote: SocketAddr,
    deframer: Deframer,
    tls: Option<Box<Session>>,
    /// Its host has more of it than it gets rid of.
    full: bool,
}

/// What came of bytes that arrived.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    pub(super) packets: Vec<Vec<u8>>,
    /// Bytes to send back at once.
    pub(super) to_send: Vec<u8>,
    /// The stream cannot go on.
    pub(super) ended: bool,
}

impl Streams {
    pub(super) fn new(most: usize, seed: u64) -> Self {
        let tls = ServerConfig::fixed();
        Self { open: BTreeMap::new(), most, tls, draws: Draws::new(seed) }
    }

    /// Takes a new stream; false if there are too many.
    pub(super) fn open(&mut self, conn: ConnId, remote: SocketAddr, leg: Leg) -> bool {
        if self.open.len() >= self.most {
            return false;
        }
        let tls = match leg {
            Leg::Tls => match Session::server(&self.tls, self.draws.bits()) {
                Ok(session) => Some(Box::new(session)),
                Err(_) => return false,
            },
            Leg::Tcp | Leg::Udp => None,
        };
        let deframer = Deframer::new(Framing::Turn);
        self.open.insert(conn, Stream { remote, deframer, tls, full: false });
        true
    }

    pub(super) fn close(&mut self, conn: ConnId) {
        self.open.remove(&conn);
    }

    pub(super) fn remote(&self, conn: ConnId) -> Option<SocketAddr> {
        self.open.get(&conn).map(|stream| stream.remote)
    }

    pub(super) fn set_full(&mut self, conn: ConnId, full: bool) {
        if let Some(stream) = self.open.get_mut(&conn) {
            stream.full = full;
        }
    }

    /// Whether too much of it waits already. It has to be asked before a packet is framed: what TLS
    /// has numbered cannot be left out any more.
    pub(super) fn is_full(&self, conn: ConnId) -> bool {
        self.open.get(&conn).is_some_and(|stream| stream.full)
    }

    /// Takes bytes of a stream apart.
    pub(super) fn receive(&mut self, conn: ConnId, data: &[u8]) -> Arrived {
        self.open.get_mut(&conn).map(|stream| stream.receive(data)).unwrap_or_default()
    }

    /// A packet as bytes of the stream, `None` if there is no such stream or it is stuck.
    pub(super) fn frame(&mut self, conn: ConnId, packet: &[u8]) -> Option<Vec<u8>> {
        let stream = self.open.get_mut(&conn)?;
        let mut framed = Vec::with_capacity(packet.len() + 3);
        Framing::Turn.frame_into(packet, &mut framed).ok()?;
        match &mut stream.tls {
            None => Some(framed),
            Some(session) => {
                session.send(&framed).ok()?;
                Some(session.take_output())
            }
        }
    }
}

impl Stream {
    fn receive(&mut self, data: &[u8]) -> Arrived {
        let mut arrived = Arrived::default();
        match &mut self.tls {
            None => arrived.ended = !take_apart(&mut self.deframer, data, &mut arrived.packets),
            Some(session) => {
                let mut plain = Vec::new();
                let refused = session.receive(data, &mut plain).is_err();
                let lost = !take_apart(&mut self.deframer, &plain, &mut arrived.packets);
                arrived.to_send = session.take_output();
                arrived.ended = refused || lost;
            }
        }
        arrived
    }
}

/// Adds bytes and takes out the packets they complete; false if the stream is lost.
fn take_apart(deframer: &mut Deframer, data: &[u8], packets: &mut Vec<Vec<u8>>) -> bool {
    data.chunks(Deframer::MAX_BUFFERED / 2).all(|piece| {
        if deframer.push(piece).is_err() {
            return false;
        }
        loop {
            match deframer.next_packet() {
                Ok(Some(packet)) => packets.push(packet.to_vec()),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    })
}
