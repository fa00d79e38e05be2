//! The observer: every datagram to the layer it belongs to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dns::is_multicast_dns;
use rtcspec_wire::dtls::{ContentType, Record, Records};
use rtcspec_wire::stun::{AttributeType, Method};
use rtcspec_wire::turn::ChannelDataView;

use super::connections::Connections;
use super::event::{
    ChannelData, ConnectionId, Datagram, Event, Kind, Opaque, Path, Relay, Side, Unread, Via,
};
use super::flows::{Flows, Key};
use super::frame::{Frame, Scene, Sink};
use super::relays::Relays;
use super::seen::Seen;
use super::signalled::Signalled;
use super::streams::Streams;
use super::summary::Summary;
use super::totals::Totals;
use super::transactions::Transactions;
use super::{dtls, limits, media, sctp, stun};
use crate::secrets::KeyLog;
use crate::{Carrier, Party, Signal};

/// Reads what one observation point saw. See the [module](super).
#[derive(Default)]
pub struct Observer {
    signalled: Signalled,
    flows: Flows,
    connections: Connections,
    transactions: Transactions,
    relays: Relays,
    streams: Streams,
    /// Whose an address is, from connectivity checks.
    owners: BTreeMap<SocketAddr, Side>,
    keys: KeyLog,
    /// Where records and packets are opened.
    scratch: Vec<u8>,
    /// Bytes of what is not finished, in all connections.
    held: usize,
    totals: Totals,
    summary: Summary,
}

/// How much it knows, and nothing of what: it holds secrets, passwords and what they opened.
impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("keys", &self.keys)
            .field("flows", &self.flows.count())
            .field("connections", &self.connections.count())
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl Observer {
    /// An observer that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in lines of an NSS key log; what is not understood is left out. They open what is
    /// seen afterwards.
    pub fn secrets(&mut self, lines: &str) {
        self.keys.add(lines);
    }

    /// Takes in a message of the signalling channel; `session` tells several in one capture apart.
    /// What is signalled counts for what is seen afterwards.
    pub fn signal(&mut self, session: u32, signal: &Signal) {
        self.signalled.add(session, signal);
    }

    /// Takes in what was seen; says what it is. Frames come in the order of their times.
    pub fn seen(&mut self, seen: &Seen<'_>, sink: &mut impl FnMut(&Event<'_>)) {
        self.summary.frames += 1;
        self.summary.bytes += seen.payload.len() as u64;
        let path = Path { source: seen.source, destination: seen.destination };
        let frame = Frame {
            number: seen.number,
            at: seen.at,
            carrier: seen.carrier,
            outer: path,
            inner: path,
            relay: None,
            in_stun: false,
            depth: 0,
        };
        match seen.carrier {
            Carrier::Udp if is_multicast_dns(seen.source, seen.destination, seen.payload) => {
                let slot = self.find(&frame);
                let opaque = Opaque { why: Unread::Protocol, bytes: seen.payload };
                self.scene(&frame, slot).say(sink, Kind::Opaque(opaque));
            }
            Carrier::Udp => self.datagram(&frame, seen.payload, sink),
            Carrier::Tcp(stream) => self.stream(&frame, stream, seen.payload, sink),
            Carrier::Sctp => self.plain_sctp(&frame, seen.payload, sink),
        }
    }

    /// What was seen in all. The observer goes on from here if it is fed more.
    pub fn finish(&mut self) -> Summary {
        self.summary.flows = self.flows.count();
        self.summary.connections = self.connections.count();
        self.summary.flows_forgotten = self.flows.evicted;
        self.summary.connections_forgotten = self.connections.evicted;
        self.summary.totals = self.totals.clone();
        self.summary.by_flow = self.flows.summaries();
        self.summary.clone()
    }

    fn stream(&mut self, frame: &Frame, stream: u64, bytes: &[u8], sink: Sink<'_>) {
        let direction = usize::from(frame.outer.source > frame.outer.destination);
        let mut streams = std::mem::take(&mut self.streams);
        let read = streams.take(stream, direction, bytes, &mut |packet| {
            self.datagram(frame, packet, sink);
        });
        self.streams = streams;
        if let Err(why) = read {
            let slot = self.find(frame);
            self.scene(frame, slot).say(sink, Kind::Opaque(Opaque { why, bytes }));
        }
    }

    fn find(&mut self, frame: &Frame) -> usize {
        let relay = frame.relay.map(|relay| (relay.client, relay.server));
        let slot = self.flows.find(Key::new(frame.inner, frame.carrier, relay), frame.at);
        let flow = self.flows.get_mut(slot);
        // What was forgotten is nobody's.
        if let Some(id) = flow.connection
            && self.connections.touch(id).is_none()
        {
            flow.connection = None;
        }
        slot
    }

    fn scene(&self, frame: &Frame, slot: usize) -> Scene {
        let flow = self.flows.get(slot);
        let source = frame.inner.source;
        let side = match flow.side(flow.end(source)) {
            Side::Unknown => {
                let signalled = self.signalled.owner(source).map(|(_, party)| Side::from(party));
                let known = self.owners.get(&source).copied();
                signalled.or(known).unwrap_or(Side::Unknown)
            }
            side => side,
        };
        let connection = flow.connection.map(ConnectionId);
        Scene { frame: *frame, flow: flow.id, connection, from: side }
    }

    fn datagram(&mut self, frame: &Frame, bytes: &[u8], sink: Sink<'_>) {
        let slot = self.find(frame);
        let protocol = Protocol::of(bytes);
        if protocol == Protocol::Stun {
            self.stun(frame, slot, bytes, sink);
            return;
        }
        let scene = self.scene(frame, slot);
        scene.say(sink, Kind::Datagram(Datagram { protocol, bytes }));
        match protocol {
            Protocol::TurnChannel => self.channel(&scene, bytes, sink),
            Protocol::Unassigned => {
                scene.say(sink, Kind::Opaque(Opaque { why: Unread::FirstByte, bytes }));
            }
            Protocol::Zrtp | Protocol::Quic => {
                scene.say(sink, Kind::Opaque(Opaque { why: Unread::Protocol, bytes }));
            }
            Protocol::Dtls => self.dtls(frame, slot, bytes, sink),
            Protocol::Rtp | Protocol::Rtcp => self.media(&scene, slot, protocol, bytes, sink),
            Protocol::Empty | Protocol::Stun => {}
        }
        self.flows.get_mut(slot).last_at = frame.at;
    }

    fn stun(&mut self, frame: &Frame, slot: usize, bytes: &[u8], sink: Sink<'_>) {
        let flow = self.flows.get_mut(slot);
        let before = flow.connection;
        let read = stun::read(
            frame,
            bytes,
            flow,
            &mut self.transactions,
            &mut self.connections,
            &self.signalled,
        );
        flow.last_at = frame.at;
        if flow.connection != before {
            self.learn_owners(frame, slot);
        }
        let scene = self.scene(frame, slot);
        scene.say(sink, Kind::Datagram(Datagram { protocol: Protocol::Stun, bytes }));
        scene.say(sink, Kind::Stun(read.stun));
        self.relays.learn(&read.stun.view, frame.inner);
        // draft-hancke-webrtc-sped: one DTLS packet; empty, it says that the sender could do so.
        if let Some(packet) = read.stun.view.value(AttributeType::META_DTLS_IN_STUN)
            && Protocol::of(packet) == Protocol::Dtls
        {
            self.dtls(&Frame { in_stun: true, ..*frame }, slot, packet, sink);
        }
        let via = if read.is_indication(Method::SEND) {
            Via::Send
        } else if read.is_indication(Method::DATA) {
            Via::Data
        } else {
            return;
        };
        if let Some(peer) = read.stun.view.xor_peer_address()
            && let Some(data) = read.stun.view.data()
        {
            self.relayed(&scene, via, via == Via::Send, peer, data, sink);
        }
    }

    fn dtls(&mut self, frame: &Frame, slot: usize, bytes: &[u8], sink: Sink<'_>) {
        let flow = self.flows.get_mut(slot);
        let end = flow.end(frame.inner.source);
        if flow.connection.is_none() && begins_handshake(bytes) {
            self.connections.unchecked(flow, end, frame.inner, &self.signalled);
        }
        let scene = self.scene(frame, slot);
        let before = self.totals.protected;
        let flow = self.flows.get_mut(slot);
        let sender = usize::from(end != flow.a_end);
        let connection = flow.connection.and_then(|id| self.connections.touch(id));
        let Some(connection) = connection else {
            dtls::stray(&scene, &mut self.totals, bytes, sink);
            flow.protected.add(&before, &self.totals.protected);
            return;
        };
        let party = if sender == 0 { Party::A } else { Party::B };
        let session = connection.session;
        let mut reading = dtls::Reading {
            keys: &self.keys,
            announced: session
                .map(|session| self.signalled.fingerprints(session, party))
                .unwrap_or_default(),
            end: sender,
            totals: &mut self.totals,
        };
        let held = connection.associations.held();
        dtls::datagram(
            &mut reading,
            &mut connection.associations,
            &mut flow.association,
            &scene,
            bytes,
            &mut self.scratch,
            sink,
        );
        self.held = (self.held + connection.associations.held()).saturating_sub(held);
        flow.protected.add(&before, &self.totals.protected);
        if self.held > limits::HELD {
            self.forget_pieces();
        }
    }

    /// SCTP that was seen outside DTLS: its flow is a connection, whose A is who is seen first.
    fn plain_sctp(&mut self, frame: &Frame, bytes: &[u8], sink: Sink<'_>) {
        let slot = self.find(frame);
        let flow = self.flows.get_mut(slot);
        let end = flow.end(frame.inner.source);
        if flow.connection.is_none() {
            self.connections.unchecked(flow, end, frame.inner, &self.signalled);
        }
        flow.last_at = frame.at;
        let scene = self.scene(frame, slot);
        let flow = self.flows.get_mut(slot);
        let sender = usize::from(end != flow.a_end);
        let connection = flow.connection.and_then(|id| self.connections.touch(id));
        let Some(connection) = connection else { return };
        let held = connection.associations.held();
        if let Some(association) = connection.associations.pick_or_add(flow.association) {
            sctp::packet(
                &mut association.sctp,
                sender,
                None,
                &mut self.totals,
                &scene,
                bytes,
                sink,
            );
        }
        self.held = (self.held + connection.associations.held()).saturating_sub(held);
        if self.held > limits::HELD {
            self.forget_pieces();
        }
    }

    fn forget_pieces(&mut self) {
        // Connections that were forgotten meanwhile still count.
        self.held = self.connections.held();
        if self.held > limits::HELD {
            self.connections.forget_pieces();
            self.held = self.connections.held();
            self.summary.pieces_forgotten += 1;
        }
    }

    fn media(
        &mut self,
        scene: &Scene,
        slot: usize,
        protocol: Protocol,
        bytes: &[u8],
        sink: Sink<'_>,
    ) {
        let before = self.totals.protected;
        let flow = self.flows.get_mut(slot);
        let end = usize::from(flow.end(scene.frame.inner.source) != flow.a_end);
        let connection = flow.connection.and_then(|id| self.connections.touch(id));
        let associations = connection.map(|connection| &mut connection.associations);
        let bound = flow.association;
        let mut reading = media::Reading { keys: &self.keys, end, bound, totals: &mut self.totals };
        let read = if protocol == Protocol::Rtp { media::rtp } else { media::rtcp };
        read(&mut reading, associations, scene, bytes, &mut self.scratch, sink);
        flow.protected.add(&before, &self.totals.protected);
    }

    fn learn_owners(&mut self, frame: &Frame, slot: usize) {
        let flow = self.flows.get(slot);
        for address in [frame.inner.source, frame.inner.destination] {
            let side = flow.side(flow.end(address));
            if self.owners.len() < limits::ADDRESSES || self.owners.contains_key(&address) {
                self.owners.insert(address, side);
            }
        }
    }

    fn channel(&mut self, scene: &Scene, bytes: &[u8], sink: Sink<'_>) {
        let view = ChannelDataView::new(bytes);
        let Path { source, destination } = scene.frame.inner;
        let number = view.number().unwrap_or_default();
        let from_client = self.relays.peer(source, destination, number);
        let peer = from_client.or_else(|| self.relays.peer(destination, source, number));
        scene.say(sink, Kind::ChannelData(ChannelData { view, peer }));
        match peer {
            Some(peer) => {
                let via = Via::Channel(number);
                self.relayed(scene, via, from_client.is_some(), peer, view.data(), sink);
            }
            None => scene.say(sink, Kind::Opaque(Opaque { why: Unread::UnboundChannel, bytes })),
        }
    }

    /// What came through TURN, or is on its way into it.
    fn relayed(
        &mut self,
        scene: &Scene,
        via: Via,
        from_client: bool,
        peer: SocketAddr,
        data: &[u8],
        sink: Sink<'_>,
    ) {
        let frame = &scene.frame;
        if frame.depth >= limits::NESTING {
            scene.say(sink, Kind::Opaque(Opaque { why: Unread::Nested, bytes: data }));
            return;
        }
        let Path { source, destination } = frame.inner;
        let (client, server) =
            if from_client { (source, destination) } else { (destination, source) };
        let relayed = self.relays.relayed(client, server);
        let here = relayed.unwrap_or(client);
        let inner = if from_client {
            Path { source: here, destination: peer }
        } else {
            Path { source: peer, destination: here }
        };
        let relay = Some(Relay { via, client, server, relayed });
        self.datagram(&Frame { inner, relay, depth: frame.depth + 1, ..*frame }, data, sink);
    }
}

/// Whether a datagram without a connection makes one: its first record is of a handshake.
fn begins_handshake(bytes: &[u8]) -> bool {
    let Some(Record::Plaintext(record)) = Records::new(bytes).next() else { return false };
    record.content_type == ContentType::HANDSHAKE && record.version.0 >> 8 == 0xfe
}
