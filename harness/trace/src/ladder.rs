//! A ladder diagram's rungs: what went from where to where, in few words.

use std::time::Duration;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dtls::{ContentType, HandshakeType, Record, Records};
use rtcspec_wire::stun::{AttributeType, Class, Method, View};

use crate::notes::reason;
use crate::{Place, Session, SignalBody};

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
    let mut rungs: Vec<Rung> = session.signals.iter().map(signal).collect();
    for datagram in &session.datagrams {
        rungs.push(Rung {
            sent: datagram.sent,
            arrived: datagram.arrived,
            from: place(session, datagram.from),
            to: place(session, datagram.to),
            label: label(&datagram.payload),
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

fn label(payload: &[u8]) -> String {
    match Protocol::of(payload) {
        Protocol::Stun => stun(payload),
        Protocol::Dtls => dtls(payload),
        Protocol::TurnChannel => {
            let inner = rtcspec_wire::turn::ChannelDataView::new(payload).data();
            format!("channel [{}]", shallow(inner))
        }
        other => format!("{other} {} B", payload.len()),
    }
}

/// A label that looks into nothing further.
fn shallow(payload: &[u8]) -> String {
    match Protocol::of(payload) {
        Protocol::Dtls => dtls(payload),
        Protocol::Stun => binding(payload),
        other => format!("{other} {} B", payload.len()),
    }
}

fn stun(payload: &[u8]) -> String {
    let view = View::new(payload);
    let inner = match view.message_type() {
        Some(ty) if ty.method == Method::SEND || ty.method == Method::DATA => view.data(),
        _ => None,
    };
    match inner {
        Some(inner) => format!("relay [{}]", shallow(inner)),
        None => binding(payload),
    }
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

fn dtls(payload: &[u8]) -> String {
    let mut words: Vec<String> = Vec::new();
    for record in Records::new(payload).take(8) {
        let word = match record {
            Record::Plaintext(record) if !record.is_encrypted() => {
                let messages = record.handshake().flatten().take(8);
                let names: Vec<String> =
                    messages.map(|fragment| HandshakeType::to_string(&fragment.msg_type)).collect();
                match record.content_type {
                    ContentType::HANDSHAKE => names.join(" "),
                    other => other.to_string(),
                }
            }
            Record::Plaintext(record) if record.content_type == ContentType::APPLICATION_DATA => {
                "data".to_owned()
            }
            Record::Plaintext(record) => format!("encrypted {}", record.content_type),
            Record::Unified(_) => "encrypted".to_owned(),
            Record::Malformed { .. } => "malformed".to_owned(),
        };
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    format!("DTLS {}", words.join(", "))
}
