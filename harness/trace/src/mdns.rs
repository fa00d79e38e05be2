//! Multicast DNS (RFC 6762): questions for the names that hide candidates, and what they are answered.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::dns::{QuestionView, Record, View, is_multicast_dns};

use crate::Place;
use crate::flow::Packet;
use crate::names::interface;
use crate::notes::{Layer, Notes, reason};
use crate::text::Line;

/// A question with its repetitions and its answer.
#[derive(Debug)]
struct Lookup {
    at: Duration,
    from: Option<Place>,
    socket: SocketAddr,
    names: Vec<String>,
    line: Line,
    sends: u32,
    delivered: bool,
    reason: Option<String>,
    /// What its sender has learned.
    found: Option<String>,
}

/// All multicast DNS of one session.
#[derive(Debug, Default)]
pub(crate) struct Mdns {
    all: Vec<Lookup>,
}

/// Whether a packet belongs here.
pub(crate) fn is(packet: &Packet<'_>) -> bool {
    !packet.opaque && is_multicast_dns(packet.local, packet.remote, &packet.payload)
}

impl Mdns {
    /// Takes a message in.
    pub(crate) fn packet(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>) {
        let view = View::new(&packet.payload);
        if view.is_response() == Some(false) {
            self.query(notes, packet, &view);
        } else {
            self.response(notes, packet, &view);
        }
    }

    fn query(&mut self, notes: &Notes<'_>, packet: &Packet<'_>, view: &View<'_>) {
        let (names, fields) = asked(notes, view);
        let full = self.all.len() == LOOKUPS;
        let known = self
            .all
            .iter_mut()
            .find(|lookup| (lookup.from, &lookup.names) == (packet.from, &names));
        let lookup = match known {
            Some(lookup) => lookup,
            None if full => return,
            None => {
                let mut line = Line::new("r", notes.hop(packet), "mdns query");
                line.fields = fields;
                self.all.push(Lookup {
                    at: packet.at,
                    from: packet.from,
                    socket: packet.local,
                    names,
                    line,
                    sends: 0,
                    delivered: false,
                    reason: packet.lost.as_deref().map(reason),
                    found: None,
                });
                let Some(lookup) = self.all.last_mut() else { return };
                lookup
            }
        };
        lookup.sends += 1;
        if packet.is_delivered() && !lookup.delivered {
            lookup.delivered = true;
            lookup.line.hop = notes.hop(packet);
            lookup.reason = None;
        }
    }

    fn response(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>, view: &View<'_>) {
        let records = view.records().map_while(Result::ok).filter_map(|view| view.to_record().ok());
        for record in records.take(MOST) {
            let name = record.name.to_string();
            let answered = self.all.iter_mut().find(|lookup| {
                let there = (packet.to, packet.remote.port());
                lookup.names.contains(&name) && there == (lookup.from, lookup.socket.port())
            });
            match answered.filter(|_| packet.is_delivered()) {
                Some(lookup) => {
                    lookup.found.get_or_insert_with(|| address(notes, packet, &record));
                }
                None => tell(notes, packet, &record),
            }
        }
    }

    /// Writes the questions.
    pub(crate) fn finish(self, notes: &mut Notes<'_>) {
        for lookup in self.all {
            let mut line = lookup.line;
            if lookup.sends > 1 {
                line.fields.push(format!("x{}", lookup.sends));
            }
            line.outcome = Some(lookup.found.unwrap_or_else(|| "unanswered".to_owned()));
            line.reason = lookup.reason;
            notes.push(Layer::Gather, lookup.at, line);
        }
    }
}

/// Most questions of one session that are told; a capture may hold any number.
const LOOKUPS: usize = 512;
/// Most entries of one message that are looked at.
const MOST: usize = 64;

/// The names that are asked for, and what of them.
fn asked(notes: &Notes<'_>, view: &View<'_>) -> (Vec<String>, Vec<String>) {
    let (mut names, mut fields) = (Vec::new(), Vec::new());
    let mut unicast = false;
    for question in view.questions().map_while(Result::ok).take(MOST) {
        let QuestionView { name, kind, class } = question;
        let Ok(name) = name.to_name() else { continue };
        let name = name.to_string();
        if !names.contains(&name) {
            fields.push(notes.names.hidden(&name));
            names.push(name);
        }
        fields.push(kind.to_string());
        unicast |= class & rtcspec_wire::dns::TOP_BIT != 0;
    }
    // RFC 6762 §5.4.
    fields.extend(unicast.then(|| "unicast".to_owned()));
    (names, fields)
}

/// What was told without a question that anybody saw.
fn tell(notes: &mut Notes<'_>, packet: &Packet<'_>, record: &Record) {
    // RFC 6762 §10.1: what is to be forgotten has no time to live.
    let what = if record.ttl == 0 { "mdns goodbye" } else { "mdns announce" };
    let mut line = Line::new("r", notes.hop(packet), what);
    line.fields =
        vec![notes.names.hidden(&record.name.to_string()), address(notes, packet, record)];
    line.reason = packet.lost.as_deref().map(reason);
    notes.push(Layer::Gather, packet.at, line);
}

/// The address in a record: that of an interface of whoever tells it.
fn address(notes: &Notes<'_>, packet: &Packet<'_>, record: &Record) -> String {
    let ip = record.data.ip();
    let known = match packet.from {
        Some(Place::Peer(party)) => interface(notes.session, party, ip),
        _ => None,
    };
    known.unwrap_or_else(|| "OTHER".to_owned())
}
