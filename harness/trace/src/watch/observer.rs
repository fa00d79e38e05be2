//! The observer: every datagram to the layer it belongs to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dtls::{Record as RecordView, Records};
use rtcspec_wire::rtp;
use rtcspec_wire::stun::Method;
use rtcspec_wire::turn::ChannelDataView;

use super::connections::Connections;
use super::event::{
    ChannelData, Closed, ConnectionId, Datagram, Event, Kind, Opaque, Path, Protection, Record,
    Relay, Rtcp, Rtp, Side, Unread, Via,
};
use super::flows::{Flows, Key};
use super::frame::{Frame, Scene, Sink};
use super::relays::Relays;
use super::seen::Seen;
use super::signalled::Signalled;
use super::streams::Streams;
use super::summary::Summary;
use super::transactions::Transactions;
use super::{limits, stun};
use crate::{Carrier, Signal};

/// Reads what one observation point saw. See the [module](super).
#[derive(Debug, Default)]
pub struct Observer {
    signalled: Signalled,
    flows: Flows,
    connections: Connections,
    transactions: Transactions,
    relays: Relays,
    streams: Streams,
    /// Whose an address is, from connectivity checks.
    owners: BTreeMap<SocketAddr, Side>,
    summary: Summary,
}

impl Observer {
    /// An observer that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
            Carrier::Udp => self.datagram(&frame, seen.payload, sink),
            Carrier::Tcp(stream) => self.stream(&frame, stream, seen.payload, sink),
        }
    }

    /// What was seen in all. The observer goes on from here if it is fed more.
    pub fn finish(&mut self) -> Summary {
        self.summary.flows = self.flows.count();
        self.summary.connections = self.connections.count();
        self.summary.flows_forgotten = self.flows.evicted;
        self.summary.connections_forgotten = self.connections.evicted;
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
            && self.connections.touch(id, frame.at).is_none()
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
            Protocol::Dtls => records(&scene, bytes, sink),
            Protocol::Rtp => rtp(&scene, bytes, sink),
            Protocol::Rtcp => rtcp(&scene, bytes, sink),
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

fn records(scene: &Scene, bytes: &[u8], sink: Sink<'_>) {
    for view in Records::new(bytes) {
        let (epoch, sequence, content_type, content) = match view {
            RecordView::Plaintext(record) => {
                let content =
                    if record.epoch == 0 { Ok(record.content) } else { Err(Closed::NoHandshake) };
                let ty = Some(record.content_type);
                (u64::from(record.epoch), Some(record.sequence_number), ty, content)
            }
            RecordView::Unified(record) => {
                (u64::from(record.epoch_bits()), None, None, Err(Closed::NoHandshake))
            }
            RecordView::Malformed { error, .. } => (0, None, None, Err(Closed::Malformed(error))),
        };
        let record = Record {
            view,
            association: 0,
            role: None,
            epoch,
            sequence,
            content_type,
            content,
            replayed: false,
        };
        scene.say(sink, Kind::Record(record));
    }
}

fn rtp(scene: &Scene, bytes: &[u8], sink: Sink<'_>) {
    let view = rtp::View::new(bytes);
    let protection = Protection::NoHandshake;
    let rtp = Rtp { view, packet: view.check(), wire: bytes, protection, profile: None };
    scene.say(sink, Kind::Rtp(rtp));
}

fn rtcp(scene: &Scene, bytes: &[u8], sink: Sink<'_>) {
    let protection = Protection::NoHandshake;
    let readable = bytes.get(..8).unwrap_or(bytes);
    let rtcp = Rtcp { bytes: readable, wire: bytes, encrypted: None, protection, profile: None };
    scene.say(sink, Kind::Rtcp(rtcp));
}
