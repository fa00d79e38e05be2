//! A ladder diagram's rungs: what went from where to where, in few words.

use std::time::Duration;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dns::{self, is_multicast_dns};
use rtcspec_wire::sctp::PacketView;
use rtcspec_wire::stun::{AttributeType, Class, Method, View};

use crate::dtls::Dtls;
use crate::notes::reason;
use crate::{Carrier, Datagram, Party, Place, Session, SignalBody};

/// One arrow of a ladder diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// When it left.
    pub sent: Duration,
    /// When it arrived, if it did and anybody knows.
    pub arrived: Option<Duration>,
    /// `A`, `B`, a server's name, or `?`.
    pub from: String,
    /// `A`, `B`, a server's name, or `?`.
    pub to: String,
    /// What it is, in a few words.
    pub label: String,
    /// Why it was lost, as one word.
    pub lost: Option<String>,
}

/// The datagrams and signals of a session, in the order they were sent.
#[must_use]
pub fn ladder(session: &Session) -> Vec<Rung> {
    let mut words = Words { dtls: Dtls::new(session) };
    let mut rungs: Vec<Rung> = session.signals.iter().map(signal).collect();
    for datagram in &session.datagrams {
        rungs.push(Rung {
            sent: datagram.sent,
            arrived: datagram.arrived,
            from: place(session, datagram.from),
            to: place(session, datagram.to),
            label: words.label(datagram),
            lost: datagram.lost.as_ref().map(reason),
        });
    }
    rungs.sort_by_key(|rung| rung.sent);
    rungs
}

fn signal(signal: &crate::Signal) -> Rung {
    let label = match &signal.body {
        SignalBody::Description { kind, .. } => crate::text::word(kind),
        SignalBody::Candidate { candidate, .. } if candidate.is_empty() => {
            "end-of-candidates".to_owned()
        }
        SignalBody::Candidate { candidate, .. } => {
            let kind = rtcspec_wire::candidate::CandidateView::new(candidate).kind();
            format!("candidate {}", crate::text::word(kind.unwrap_or("?")))
        }
    };
    Rung {
        sent: signal.sent,
        arrived: signal.arrived,
        from: signal.from.letter().to_string(),
        to: signal.from.other().letter().to_string(),
        label,
        lost: signal.arrived.is_none().then(|| "not-delivered".to_owned()),
    }
}

fn place(session: &Session, place: Option<Place>) -> String {
    match place {
        Some(Place::Peer(party)) => party.letter().to_string(),
        Some(Place::Server(index)) => {
            session.servers.get(index).map_or_else(|| "?".to_owned(), |server| server.name.clone())
        }
        None => "?".to_owned(),
    }
}

/// Words for datagrams; it remembers what it takes to open DTLS records.
struct Words {
    dtls: Dtls,
}

impl Words {
    fn label(&mut self, datagram: &Datagram) -> String {
        let payload = &datagram.payload;
        if datagram.carrier == Carrier::Sctp {
            return format!("SCTP {}", counted(chunks(payload)));
        }
        if is_multicast_dns(datagram.source, datagram.destination, payload) {
            let answer = dns::View::new(payload).is_response() == Some(true);
            return format!("mDNS {}", if answer { "response" } else { "query" });
        }
        match Protocol::of(payload) {
            Protocol::Stun => {
                let view = View::new(payload);
                match view.message_type() {
                    Some(ty) if ty.method == Method::SEND || ty.method == Method::DATA => {
                        let inner = view.data().map(|inner| self.inner(datagram, inner));
                        inner.map_or_else(|| binding(payload), |inner| format!("relay [{inner}]"))
                    }
                    _ => binding(payload),
                }
            }
            Protocol::TurnChannel => {
                let inner = rtcspec_wire::turn::ChannelDataView::new(payload).data();
                format!("channel [{}]", self.inner(datagram, inner))
            }
            _ => self.inner(datagram, payload),
        }
    }

    /// A label that looks into no relaying.
    fn inner(&mut self, datagram: &Datagram, payload: &[u8]) -> String {
        match Protocol::of(payload) {
            Protocol::Stun => binding(payload),
            Protocol::Dtls => match sender(datagram) {
                Some(from) => self.dtls(from, datagram.sent, payload),
                None => format!("DTLS {} B", payload.len()),
            },
            other => format!("{other} {} B", payload.len()),
        }
    }

    fn dtls(&mut self, from: Party, at: Duration, payload: &[u8]) -> String {
        let said = self.dtls.read(from, at, payload);
        let mut words = Vec::new();
        if !said.messages.is_empty() {
            words.push(format!("DTLS {}", counted(said.messages)));
        }
        if !said.inner.is_empty() {
            words.push(format!("SCTP {}", counted(said.inner.iter().flat_map(|p| chunks(p)))));
        }
        words.join(", ")
    }
}

/// The peer a datagram comes from, also when a relay sends it on.
fn sender(datagram: &Datagram) -> Option<Party> {
    match (datagram.from, datagram.to) {
        (Some(Place::Peer(party)), _) => Some(party),
        (_, Some(Place::Peer(party))) => Some(party.other()),
        _ => None,
    }
}

/// The chunks of an SCTP packet by name.
fn chunks(packet: &[u8]) -> Vec<String> {
    let Ok(packet) = PacketView::new(packet) else { return vec!["malformed".to_owned()] };
    packet.chunks().take(64).map(|chunk| chunk.chunk_type().to_string()).collect()
}

/// Words one after the other, equal ones in a row counted.
fn counted(words: impl IntoIterator<Item = String>) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for word in words {
        match runs.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => runs.push((word, 1)),
        }
    }
    let say = |(word, count): (String, usize)| {
        if count == 1 { word } else { format!("{word} x{count}") }
    };
    runs.into_iter().map(say).collect::<Vec<_>>().join(" ")
}

fn binding(payload: &[u8]) -> String {
    let view = View::new(payload);
    let Some(ty) = view.message_type() else { return format!("STUN? {} B", payload.len()) };
    let method = if ty.method == Method::BINDING && view.username().is_some() {
        "check".to_owned()
    } else {
        ty.method.to_string()
    };
    let mut label = match ty.class {
        Class::Request => method,
        Class::Indication => format!("{method} indication"),
        Class::SuccessResponse => format!("{method} ok"),
        Class::ErrorResponse => {
            format!("{method} {}", view.error_code().map_or(0, |error| error.code()))
        }
    };
    if view.has(AttributeType::USE_CANDIDATE) {
        label.push_str(" nominate");
    }
    label
}
