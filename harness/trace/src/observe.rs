//! From a session to drafts of lines: every packet goes through the layer it belongs to.

use std::time::Duration;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::rtcp;
use rtcspec_wire::rtp;

use crate::dtls::Dtls;
use crate::flow::{Packet, unwrap};
use crate::mdns::Mdns;
use crate::names::Names;
use crate::notes::{Layer, Notes, reason};
use crate::sctp::Sctp;
use crate::stun::Stun;
use crate::text::Line;
use crate::{Party, Session, mdns, signal};

/// All an observer found.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) notes: Notes<'a>,
    pub(crate) sctp: Sctp,
    pub(crate) dtls: Dtls,
    pub(crate) path: Vec<String>,
}

/// Reads a whole session.
pub(crate) fn observe(session: &Session) -> Observed<'_> {
    let packets = unwrap(session);
    let found = signal::candidates(session);
    let names = Names::new(session, &packets, &found, signal::credentials(session));
    let mut notes = Notes::new(session, names, &packets);
    if let Some((at, mark)) = signal::landmark(session) {
        notes.landmarks.push((at, Layer::Signal, mark));
    }
    let (mut stun, mut dtls, mut sctp) = (Stun::default(), Dtls::new(session), Sctp::default());
    let mut names = Mdns::default();
    for packet in &packets {
        if packet.opaque {
            opaque(&mut notes, packet);
            continue;
        }
        if packet.plain_sctp {
            sctp.packet(&mut notes, packet, &packet.payload, None);
            continue;
        }
        if mdns::is(packet) {
            names.packet(&mut notes, packet);
            continue;
        }
        match Protocol::of(&packet.payload) {
            Protocol::Stun => stun.packet(&mut notes, packet),
            Protocol::Dtls => {
                for inner in dtls.packet(&mut notes, packet) {
                    sctp.packet(&mut notes, packet, &inner, dtls.client_seen);
                }
            }
            Protocol::Rtp | Protocol::Rtcp => media(&mut notes, packet),
            other => unknown(&mut notes, packet, other),
        }
    }
    let path = stun.path(&notes);
    stun.finish(&mut notes);
    names.finish(&mut notes);
    signals(&mut notes, session);
    Observed { notes, sctp, dtls, path }
}

fn signals(notes: &mut Notes<'_>, session: &Session) {
    for signal in &session.signals {
        let reacts = signal.sent == Duration::ZERO || notes.reacts(signal.from, signal.sent);
        // Whatever signalling does, it does at once or when the application asks.
        let cause = if reacts { "r" } else { "app" };
        let line = signal::line(signal, &notes.names, cause);
        notes.push(Layer::Signal, signal.sent, line);
    }
}

fn opaque(notes: &mut Notes<'_>, packet: &Packet<'_>) {
    let mut line = Line::new("r", notes.hop(packet), "stream");
    let tls = Protocol::of(&packet.payload) == Protocol::Dtls;
    line.fields.push(if tls { "tls(not-decrypted)" } else { "unreadable" }.to_owned());
    line.reason = packet.lost.as_deref().map(reason);
    notes.push_bulk(Layer::Turn, packet.at, line);
}

fn media(notes: &mut Notes<'_>, packet: &Packet<'_>) {
    let mut line = Line::new("r", notes.hop(packet), "");
    if Protocol::of(&packet.payload) == Protocol::Rtcp {
        "rtcp".clone_into(&mut line.what);
        // RFC 3711 §3.4: SRTCP leaves the first eight bytes readable; lengths inside are sealed.
        let kind = match packet.payload[..] {
            [first, kind, _, _, _, _, _, _, ..] if first >> 6 == 2 => {
                format!("{:?}", rtcp::PacketType(kind))
            }
            _ => "MALFORMED".to_owned(),
        };
        line.fields.push(crate::text::word(&kind));
    } else {
        "rtp".clone_into(&mut line.what);
        let byte = packet.payload.get(1).copied().unwrap_or_default();
        line.fields.push(format!("pt={}", byte & 0x7f));
        if rtp::Packet::parse(&packet.payload).is_err() {
            line.fields.push("MALFORMED".to_owned());
        }
    }
    line.reason = packet.lost.as_deref().map(reason);
    notes.push_bulk(Layer::Rtp, packet.at, line);
}

fn unknown(notes: &mut Notes<'_>, packet: &Packet<'_>, protocol: Protocol) {
    let mut line = Line::new("r", notes.hop(packet), &crate::text::word(&protocol.to_string()));
    line.fields.push(format!("bytes({})", packet.payload.len()));
    if let Some(first) = packet.payload.first() {
        line.fields.push(format!("first={first}"));
    }
    line.reason = packet.lost.as_deref().map(reason);
    notes.push_bulk(Layer::Other, packet.at, line);
}

impl Observed<'_> {
    /// What the observer can say of the peers' DTLS roles.
    pub(crate) fn dtls_words(&self) -> Option<String> {
        let version = self.dtls.version()?;
        let client: Party = self.dtls.client_seen?;
        let (opened, hidden) = (self.dtls.opened, self.dtls.hidden);
        let keys = if hidden == 0 {
            String::new()
        } else {
            format!("; {opened} records opened, {hidden} NOT-DECRYPTED")
        };
        Some(format!("dtls  {version}, client {}{keys}", client.letter()))
    }
}
