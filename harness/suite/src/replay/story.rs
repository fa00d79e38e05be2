//! What happened between two peers, as an outsider with the keys tells it: what the stacks are
//! like, and what the applications did with them.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::{
    Chunk, ConnectionId, Dcep, Event, Handshake, Kind, Message, Purpose, Side, Stun,
    accepts_zero_checksum,
};
use rtcspec_wire::dcep::{Reliability, View as DcepView};
use rtcspec_wire::dtls::{
    AlertDescription, ClientHelloView, ExtensionType, HandshakeType, ProtocolVersion,
};
use rtcspec_wire::sctp::{Body, ChunkType, InitView, Parameter, Ppid};
use rtcspec_wire::stun::{AttributeType, Class};

/// Messages, openings and closings that are kept of one connection.
pub const DEEDS: usize = 5_000;

/// The story of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// What the stacks of A and B are like.
    pub stacks: [Stack; 2],
    /// When the nominated pair first worked.
    pub connected: Option<Duration>,
    /// The shortest time between a check and its answer.
    pub round_trip: Option<Duration>,
    /// Whether application data went through a TURN server.
    pub relayed: bool,
    /// DTLS version, and who was its client.
    pub dtls: Option<(ProtocolVersion, Party)>,
    /// When DTLS was up.
    pub secured: Option<Duration>,
    /// When the SCTP association was up.
    pub associated: Option<Duration>,
    /// What the applications did, in order of time.
    pub deeds: Vec<Deed>,
    /// Records that were opened, and that could not be.
    pub records: [u64; 2],
    /// RTP and RTCP packets.
    pub media: u64,
    /// Deeds beyond the number that is kept.
    pub left_out: u64,
}

/// What one end's stack is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// DTLS versions its `ClientHello` offered.
    pub versions: Vec<ProtocolVersion>,
    /// What its INIT or INIT ACK declared.
    pub association: Option<Declared>,
    /// Its last word on its ICE role.
    pub controlling: Option<bool>,
}

/// What an INIT or INIT ACK declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Receive window in bytes.
    pub window: u32,
    /// Streams it wants to send on.
    pub outbound: u16,
    /// Streams it can receive on.
    pub inbound: u16,
    /// I-DATA (RFC 8260).
    pub interleaving: bool,
    /// Zero checksums (RFC 9653).
    pub zero_checksum: bool,
}

/// Something an application did, or had its stack do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When it was seen.
    pub at: Duration,
    /// The frame that shows it.
    pub number: u64,
    /// Who did it.
    pub by: Party,
    /// What.
    pub act: Act,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A channel was opened (RFC 8832 §5.1).
    Open(Opened),
    /// The other side's channel was acknowledged (RFC 8832 §5.2).
    Acknowledge {
        /// Its stream.
        stream: u16,
    },
    /// A message was sent.
    Send {
        /// On which stream.
        stream: u16,
        /// Whether it is a string.
        text: bool,
        /// What it says; nothing of an empty one.
        bytes: Vec<u8>,
        /// How long it is; more than there are bytes if it is too long to be kept.
        length: u64,
    },
    /// A channel was closed: its outgoing stream was reset (RFC 8831 §6.7).
    Close {
        /// Its stream.
        stream: u16,
    },
    /// The connection was ended.
    End,
}

/// A channel as its DCEP message says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its stream.
    pub stream: u16,
    /// Label.
    pub label: String,
    /// Subprotocol.
    pub protocol: String,
    /// In-order delivery.
    pub ordered: bool,
    /// Most retransmissions.
    pub max_retransmits: Option<u16>,
    /// Lifetime in milliseconds.
    pub max_packet_life_time: Option<u16>,
}

/// Listens to an observer and keeps the story of every connection.
#[derive(Debug, Default)]
pub struct Listener {
    stories: BTreeMap<u32, Telling>,
}

#[derive(Debug, Default)]
struct Telling {
    story: Story,
    /// Streams whose reset each end asked for.
    reset: [Vec<u16>; 2],
    ended: [bool; 2],
}

impl Story {
    /// How much is in it: what was done, then how far it came.
    pub(super) fn weight(&self) -> (usize, [bool; 2], u64) {
        let layers = [self.connected.is_some(), self.dtls.is_some()];
        (self.deeds.len(), layers, self.records[0] + self.records[1])
    }
}

impl Listener {
    /// Takes in what was seen.
    pub fn hear(&mut self, event: &Event<'_>) {
        let Some(ConnectionId(connection)) = event.connection else { return };
        self.stories.entry(connection).or_default().hear(event);
    }

    /// The story with most in it; of equals the first.
    #[must_use]
    pub fn fullest(self) -> Option<Story> {
        let mut best: Option<Story> = None;
        for Telling { story, .. } in self.stories.into_values() {
            if best.as_ref().is_none_or(|best| story.weight() > best.weight()) {
                best = Some(story);
            }
        }
        best
    }
}

impl Telling {
    fn hear(&mut self, event: &Event<'_>) {
        match &event.kind {
            Kind::Stun(stun) => self.stun(event, stun),
            Kind::Record(record) => {
                self.story.records[usize::from(record.content.is_err())] += 1;
                self.story.relayed |= event.relay.is_some();
            }
            Kind::Handshake(handshake) => self.handshake(event, handshake),
            Kind::DtlsReady(ready) => {
                self.story.dtls = ready.client.party().map(|client| (ready.version, client));
                self.story.secured.get_or_insert(event.at);
            }
            Kind::Alert(alert) => {
                let closes = alert
                    .alert
                    .is_ok_and(|alert| alert.description == AlertDescription::CLOSE_NOTIFY);
                if closes {
                    self.end(event);
                }
            }
            Kind::Chunk(chunk) => self.chunk(event, chunk),
            Kind::Message(message) if message.ppid != Ppid::DCEP => self.message(event, message),
            Kind::Dcep(dcep) => self.dcep(event, dcep),
            Kind::Rtp(_) | Kind::Rtcp(_) => self.story.media += 1,
            _ => {}
        }
    }

    fn stack(&mut self, side: Side) -> Option<&mut Stack> {
        side.party().map(|party| &mut self.story.stacks[index(party)])
    }

    fn stun(&mut self, event: &Event<'_>, stun: &Stun<'_>) {
        if stun.purpose != Purpose::Check {
            return;
        }
        let Some(class) = stun.view.message_type().map(|ty| ty.class) else { return };
        if class == Class::Request {
            let has = |attribute| stun.view.value(attribute).is_some();
            let controlling = has(AttributeType::ICE_CONTROLLING);
            if (controlling || has(AttributeType::ICE_CONTROLLED))
                && let Some(stack) = self.stack(event.from)
            {
                stack.controlling = Some(controlling);
            }
        } else if class == Class::SuccessResponse
            && let Some(transaction) = &stun.transaction
        {
            // A retransmitted request leaves open which of them was answered.
            if transaction.requests == 1 {
                let took = event.at.saturating_sub(transaction.first_at);
                let best = self.story.round_trip.map_or(took, |best| best.min(took));
                self.story.round_trip = Some(best);
            }
            if transaction.use_candidate {
                self.story.connected.get_or_insert(event.at);
            }
        }
    }

    fn handshake(&mut self, event: &Event<'_>, handshake: &Handshake<'_>) {
        let Some(body) = handshake.message else { return };
        if handshake.msg_type != HandshakeType::CLIENT_HELLO {
            return;
        }
        let Ok(hello) = ClientHelloView::read(body) else { return };
        let versions = match hello.extensions().get(ExtensionType::SUPPORTED_VERSIONS) {
            Some(offered) => offered.offered_versions().take(8).collect(),
            None => vec![hello.legacy_version],
        };
        if let Some(stack) = self.stack(event.from) {
            stack.versions = versions;
        }
    }

    fn chunk(&mut self, event: &Event<'_>, chunk: &Chunk<'_>) {
        let Some(party) = event.from.party() else { return };
        match &chunk.body {
            Ok(Body::Init(init) | Body::InitAck(init)) => {
                self.story.stacks[index(party)].association = Some(declared(init));
            }
            Ok(Body::CookieAck) => {
                self.story.associated.get_or_insert(event.at);
            }
            Ok(Body::ReConfig(change)) => {
                for parameter in change.parameters().take(2) {
                    if let Ok(Parameter::OutgoingSsnReset(reset)) = Parameter::from_view(&parameter)
                    {
                        reset.streams.iter().for_each(|stream| self.reset(event, party, stream.0));
                    }
                }
            }
            Ok(Body::Abort(_) | Body::Shutdown(_)) => self.end(event),
            _ => {}
        }
    }

    /// The first of both ends to reset a stream closes the channel; the other follows.
    fn reset(&mut self, event: &Event<'_>, party: Party, stream: u16) {
        let followed = self.reset[index(party.other())].contains(&stream);
        let own = &mut self.reset[index(party)];
        if own.contains(&stream) || own.len() > usize::from(u16::MAX) {
            return;
        }
        own.push(stream);
        if followed {
            // The number is free again (RFC 8831 §6.7).
            self.reset.iter_mut().for_each(|list| list.retain(|other| *other != stream));
        } else {
            self.deed(event, party, Act::Close { stream });
        }
    }

    fn end(&mut self, event: &Event<'_>) {
        let Some(party) = event.from.party() else { return };
        if !std::mem::replace(&mut self.ended[index(party)], true) {
            self.deed(event, party, Act::End);
        }
    }

    fn message(&mut self, event: &Event<'_>, message: &Message<'_>) {
        let Some(party) = event.from.party() else { return };
        let text = matches!(message.ppid, Ppid::STRING | Ppid::STRING_EMPTY | Ppid::STRING_PARTIAL);
        // RFC 8831 §6.6: an empty message is one byte that means nothing.
        let empty = matches!(message.ppid, Ppid::STRING_EMPTY | Ppid::BINARY_EMPTY);
        let (bytes, length) =
            if empty { (Vec::new(), 0) } else { (message.bytes.to_vec(), message.length) };
        self.deed(event, party, Act::Send { stream: message.stream.0, text, bytes, length });
    }

    fn dcep(&mut self, event: &Event<'_>, dcep: &Dcep<'_>) {
        let Some(party) = event.from.party() else { return };
        let stream = dcep.stream.0;
        match dcep.view {
            DcepView::Open(open) => {
                let text = |bytes: Option<&[u8]>| {
                    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
                };
                let kind = open.channel_type().unwrap_or_default();
                let limit = u16::try_from(open.reliability().unwrap_or_default());
                let limit = |wanted: u8| {
                    let reliability = kind & !Reliability::UNORDERED;
                    (reliability == wanted).then(|| limit.unwrap_or(u16::MAX))
                };
                let opened = Opened {
                    stream,
                    label: text(open.label()),
                    protocol: text(open.protocol()),
                    ordered: kind & Reliability::UNORDERED == 0,
                    max_retransmits: limit(1),
                    max_packet_life_time: limit(2),
                };
                self.deed(event, party, Act::Open(opened));
            }
            DcepView::Ack(_) => self.deed(event, party, Act::Acknowledge { stream }),
            DcepView::Empty | DcepView::Unknown(..) => {}
        }
    }

    fn deed(&mut self, event: &Event<'_>, by: Party, act: Act) {
        if self.story.deeds.len() >= DEEDS {
            self.story.left_out += 1;
            return;
        }
        self.story.deeds.push(Deed { at: event.at, number: event.number, by, act });
    }
}

fn declared(init: &InitView<'_>) -> Declared {
    Declared {
        window: init.a_rwnd,
        outbound: init.outbound_streams,
        inbound: init.inbound_streams,
        interleaving: init.supported_extensions().contains(&ChunkType::I_DATA.0),
        zero_checksum: accepts_zero_checksum(init),
    }
}

/// Index of a party in pairs.
pub(super) fn index(party: Party) -> usize {
    usize::from(party == Party::B)
}
