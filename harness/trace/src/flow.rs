//! Datagrams as the peers mean them: TURN taken off, both legs of a relayed one joined.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{AttributeType, Class, MessageType, Method, View};
use rtcspec_wire::turn::ChannelDataView;

use crate::notes::index;
use crate::watch::streams::Streams;
use crate::{Carrier, Crossing, Datagram, Lost, Party, Place, Session};

/// A datagram between two ends, whatever carried it.
#[derive(Clone, Debug)]
pub(crate) struct Packet<'a> {
    /// When it left.
    pub(crate) at: Duration,
    /// When it arrived, as far as anybody knows.
    pub(crate) arrived: Duration,
    pub(crate) from: Option<Place>,
    pub(crate) to: Option<Place>,
    /// The sender's socket, or its relayed address.
    pub(crate) local: SocketAddr,
    /// Where the sender sends to.
    pub(crate) remote: SocketAddr,
    /// Where the receiver sees it come from.
    pub(crate) seen: SocketAddr,
    /// Where it reached the receiver.
    pub(crate) reached: SocketAddr,
    /// Why it did not arrive.
    pub(crate) lost: Option<Cow<'a, Lost>>,
    pub(crate) crossings: &'a [Crossing],
    pub(crate) copies: u32,
    pub(crate) payload: Cow<'a, [u8]>,
    /// Bytes of a stream nobody can read.
    pub(crate) opaque: bool,
    /// SCTP outside DTLS.
    pub(crate) plain_sctp: bool,
    /// One leg of two was seen.
    half: bool,
}

impl Packet<'_> {
    pub(crate) fn is_delivered(&self) -> bool {
        self.lost.is_none()
    }
}

/// All of a session's datagrams, unwrapped, in the order they were sent.
pub(crate) fn unwrap(session: &Session) -> Vec<Packet<'_>> {
    let mut unwrapper = Unwrapper { relays: signalled_relays(session), ..Unwrapper::default() };
    for datagram in &session.datagrams {
        unwrapper.datagram(datagram);
    }
    unwrapper.finish()
}

/// Relayed addresses from candidates: with TLS to the server nothing else tells them.
fn signalled_relays(session: &Session) -> BTreeMap<SocketAddr, Party> {
    let of = |found: &crate::signal::Found| {
        (found.kind == "relay").then_some((found.address?, found.party))
    };
    crate::signal::candidates(session).iter().filter_map(of).collect()
}

#[derive(Debug, Default)]
struct Unwrapper<'a> {
    packets: Vec<Packet<'a>>,
    relays: BTreeMap<SocketAddr, Party>,
    relayed: BTreeMap<(Party, SocketAddr), SocketAddr>,
    channels: BTreeMap<(Party, SocketAddr, u16), SocketAddr>,
    pending: BTreeMap<(u64, usize), VecDeque<usize>>,
    streams: Streams,
    far_leg_seen: bool,
}

impl<'a> Unwrapper<'a> {
    fn datagram(&mut self, datagram: &'a Datagram) {
        match datagram.carrier {
            Carrier::Udp => self.frame(datagram, Cow::Borrowed(&datagram.payload)),
            Carrier::Tcp(stream) => self.stream(datagram, stream),
            Carrier::Sctp => {
                let packet = plain(datagram, Cow::Borrowed(&datagram.payload));
                self.packets.push(Packet { plain_sctp: true, ..packet });
            }
        }
    }

    fn stream(&mut self, datagram: &'a Datagram, stream: u64) {
        // Each peer numbers its own streams.
        let (party, direction) = match (datagram.from, datagram.to) {
            (Some(Place::Peer(from)), Some(Place::Peer(_))) => (0, index(from)),
            (Some(Place::Peer(from)), _) => (1 + index(from) as u64, 0),
            (_, Some(Place::Peer(to))) => (1 + index(to) as u64, 1),
            _ => (3, usize::from(datagram.source > datagram.destination)),
        };
        let number = stream.wrapping_mul(4).wrapping_add(party);
        let mut frames = Vec::new();
        let mut each = |packet: &[u8]| frames.push(packet.to_vec());
        let read = self.streams.take(number, direction, &datagram.payload, &mut each);
        if read.is_err() && frames.is_empty() {
            let mut packet = plain(datagram, Cow::Borrowed(&datagram.payload));
            packet.opaque = true;
            self.packets.push(packet);
        }
        for frame in frames {
            self.frame(datagram, Cow::Owned(frame));
        }
    }

    fn frame(&mut self, datagram: &'a Datagram, payload: Cow<'a, [u8]>) {
        match (datagram.from, datagram.to) {
            (Some(Place::Peer(party)), Some(Place::Server(_)) | None) => {
                self.outbound(datagram, payload, party);
            }
            (Some(Place::Server(_)), Some(Place::Peer(party))) => {
                self.inbound(datagram, payload, party);
            }
            // Between two relayed addresses of servers: the ends are seen elsewhere.
            (Some(Place::Server(_)), Some(Place::Server(_))) => {}
            (Some(Place::Server(_)), None) => self.stopped(datagram, payload),
            _ => self.packets.push(plain(datagram, payload)),
        }
    }

    fn outbound(&mut self, datagram: &'a Datagram, payload: Cow<'a, [u8]>, party: Party) {
        if let Some(owner) = self.relays.get(&datagram.destination).copied() {
            let mut packet = plain(datagram, payload);
            packet.to = Some(Place::Peer(owner));
            self.wait(packet);
            return;
        }
        let client = datagram.source;
        let inner = match Protocol::of(&payload) {
            Protocol::TurnChannel => channel_data(&payload).and_then(|(number, data)| {
                Some((*self.channels.get(&(party, client, number))?, data))
            }),
            Protocol::Stun => {
                self.note_channel(party, client, &payload);
                indication(&payload, Method::SEND)
            }
            _ => None,
        };
        let Some((peer, data)) = inner else {
            self.packets.push(plain(datagram, payload));
            return;
        };
        let mut packet = plain(datagram, Cow::Owned(data));
        packet.local = self.relayed.get(&(party, client)).copied().unwrap_or(client);
        packet.to = Some(Place::Peer(self.relays.get(&peer).copied().unwrap_or(party.other())));
        packet.remote = peer;
        packet.seen = packet.local;
        self.wait(packet);
    }

    /// Keeps a packet whose second leg is to come.
    fn wait(&mut self, mut packet: Packet<'a>) {
        packet.half = packet.lost.is_none();
        if packet.half {
            let queue = self.pending.entry(fingerprint(&packet.payload)).or_default();
            queue.push_back(self.packets.len());
        }
        self.packets.push(packet);
    }

    fn note_channel(&mut self, party: Party, client: SocketAddr, payload: &[u8]) {
        let view = View::new(payload);
        let bind = MessageType { class: Class::Request, method: Method::CHANNEL_BIND };
        if view.message_type() == Some(bind)
            && let Some(&[high, low, ..]) = view.value(AttributeType::CHANNEL_NUMBER)
            && let Some(peer) = view.xor_peer_address()
        {
            self.channels.insert((party, client, u16::from_be_bytes([high, low])), peer);
        }
    }

    fn inbound(&mut self, datagram: &'a Datagram, payload: Cow<'a, [u8]>, party: Party) {
        if let Some(owner) = self.relays.get(&datagram.source).copied() {
            self.join(plain(datagram, payload), owner, party);
            return;
        }
        let client = datagram.seen_destination;
        let inner = match Protocol::of(&payload) {
            Protocol::TurnChannel => channel_data(&payload).and_then(|(number, data)| {
                Some((*self.channels.get(&(party, client, number))?, data))
            }),
            Protocol::Stun => {
                self.note_allocation(party, client, &payload);
                indication(&payload, Method::DATA)
            }
            _ => None,
        };
        match inner {
            Some((peer, data)) => {
                let owner = self.relays.get(&peer).copied().unwrap_or(party.other());
                let mut packet = plain(datagram, Cow::Owned(data));
                let relayed = self.relayed.get(&(party, client)).copied();
                packet.remote = relayed.unwrap_or(packet.remote);
                packet.reached = packet.remote;
                (packet.local, packet.seen) = (peer, peer);
                self.join(packet, owner, party);
            }
            None => self.packets.push(plain(datagram, payload)),
        }
    }

    fn note_allocation(&mut self, party: Party, client: SocketAddr, payload: &[u8]) {
        let view = View::new(payload);
        let granted = MessageType { class: Class::SuccessResponse, method: Method::ALLOCATE };
        if view.message_type() == Some(granted)
            && let Some(relayed) = view.xor_relayed_address()
        {
            self.relays.insert(relayed, party);
            self.relayed.insert((party, client), relayed);
        }
    }

    /// From a relay to an address nobody is known to have, as at the outside of a NAT that lets it
    /// not in: whom it would have reached does not show there, but the relay's owner sends to the other.
    fn stopped(&mut self, datagram: &'a Datagram, payload: Cow<'a, [u8]>) {
        let packet = plain(datagram, payload);
        match self.relays.get(&datagram.source).copied() {
            Some(owner) => self.join(packet, owner, owner.other()),
            None => self.packets.push(packet),
        }
    }

    /// The second leg of a packet that waits, or of one whose first leg nobody saw.
    fn join(&mut self, mut far: Packet<'a>, from: Party, to: Party) {
        let queue = self.pending.get_mut(&fingerprint(&far.payload));
        let waiting = queue.and_then(VecDeque::pop_front);
        let Some(near) = waiting.and_then(|index| self.packets.get_mut(index)) else {
            far.from = Some(Place::Peer(from));
            self.packets.push(far);
            return;
        };
        self.far_leg_seen = true;
        near.half = false;
        near.arrived = far.arrived;
        near.lost = far.lost;
        near.to = Some(Place::Peer(to));
        (near.seen, near.reached) = (far.seen, far.reached);
        near.copies += far.copies;
    }

    fn finish(mut self) -> Vec<Packet<'a>> {
        if self.far_leg_seen {
            for packet in self.packets.iter_mut().filter(|packet| packet.half) {
                packet.lost = Some(Cow::Owned(Lost {
                    at: "relay".to_owned(),
                    word: "not-relayed".to_owned(),
                    reason: "the relay did not send it on".to_owned(),
                }));
            }
        }
        self.packets
    }
}

fn plain<'a>(datagram: &'a Datagram, payload: Cow<'a, [u8]>) -> Packet<'a> {
    Packet {
        at: datagram.sent,
        arrived: datagram.arrived.unwrap_or(datagram.sent),
        from: datagram.from,
        to: datagram.to,
        local: datagram.source,
        remote: datagram.destination,
        seen: datagram.seen_source,
        reached: datagram.seen_destination,
        lost: datagram.lost.as_ref().map(Cow::Borrowed),
        crossings: &datagram.crossings,
        copies: datagram.copies,
        payload,
        opaque: false,
        plain_sctp: false,
        half: false,
    }
}

fn channel_data(payload: &[u8]) -> Option<(u16, Vec<u8>)> {
    let view = ChannelDataView::new(payload);
    Some((view.number()?, view.data().to_vec()))
}

fn indication(payload: &[u8], method: Method) -> Option<(SocketAddr, Vec<u8>)> {
    let view = View::new(payload);
    let wanted = MessageType { class: Class::Indication, method };
    (view.message_type() == Some(wanted)).then_some(())?;
    Some((view.xor_peer_address()?, view.data()?.to_vec()))
}

pub(crate) fn fingerprint(bytes: &[u8]) -> (u64, usize) {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    (hasher.finish(), bytes.len())
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::stun::{Attribute, Message, Seal, TransactionId};

    use super::*;

    const CLIENT: (Place, u8) = (Place::Peer(Party::A), 1);
    const RELAY: (Place, u8) = (Place::Server(0), 9);

    fn address(host: u8) -> SocketAddr {
        ([192, 0, 2, host], 5000).into()
    }

    fn datagram(from: (Place, u8), to: (Option<Place>, u8), message: &Message) -> Datagram {
        let (source, destination) = (address(from.1), address(to.1));
        Datagram {
            number: 1,
            sent: Duration::ZERO,
            arrived: Some(Duration::ZERO),
            from: Some(from.0),
            to: to.0,
            carrier: Carrier::Udp,
            source,
            destination,
            seen_source: source,
            seen_destination: destination,
            crossings: Vec::new(),
            lost: None,
            copies: 0,
            payload: message.encode(&Seal::none()).expect("it is short"),
        }
    }

    #[test]
    fn what_a_nat_drops_of_a_relay_is_dropped_by_the_nat_and_not_by_the_relay() {
        let id = TransactionId([1; 12]);
        let check = Message::request(Method::BINDING, TransactionId([2; 12]));
        let bytes = check.encode(&Seal::none()).expect("it is short");
        let granted =
            Message::success(Method::ALLOCATE, id).with(Attribute::XorRelayedAddress(address(10)));
        let send = Message::indication(Method::SEND, id)
            .with(Attribute::XorPeerAddress(address(20)))
            .with(Attribute::Data(bytes));
        let mut stopped = datagram((RELAY.0, 10), (None, 20), &check);
        stopped.arrived = None;
        stopped.lost = Some(Lost {
            at: "nat.office".to_owned(),
            word: "filter".to_owned(),
            reason: "nobody was asked".to_owned(),
        });
        let datagrams = vec![
            datagram(RELAY, (Some(CLIENT.0), CLIENT.1), &granted),
            datagram(CLIENT, (Some(RELAY.0), RELAY.1), &send),
            stopped,
        ];
        let session = Session { datagrams, ..Session::default() };
        let packets = unwrap(&session);
        let [_, relayed] = &packets[..] else { panic!("{packets:?}") };
        assert_eq!((relayed.from, relayed.to), (Some(CLIENT.0), Some(Place::Peer(Party::B))));
        assert_eq!((relayed.local, relayed.remote), (address(10), address(20)));
        assert_eq!(relayed.lost.as_ref().map(|lost| lost.word.as_str()), Some("filter"));
    }
}
