//! What may come on an ICE 5-tuple.

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::demux::Protocol;

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "demux.first-byte",
    level: Level::Warning,
    cites: &[cite(7983, "7"), cite(9443, "3"), cite(8656, "12")],
    needs: &[],
    summary: "every datagram on an ICE 5-tuple begins with a byte that tells its protocol",
    doc: "Fires when the first byte is in 4..=15, which is assigned to nothing: the receiver must \
          drop such a datagram. The duty is the receiver's (RFC 7983 §7), so that sending one is a \
          warning, not a violation. Empty datagrams and single bytes, which old stacks send to \
          keep NATs open, and the ranges that RFC 9443 gives to QUIC (80..=127, 192..=255) are \
          notes.",
    advice: "look at what the sender puts on the 5-tuple besides STUN, DTLS and media",
    holds: "STUN, DTLS, SRTP and ChannelData share a 5-tuple",
    breaks: "a datagram that begins with byte 5",
    silent: "there is no datagram",
    hears: &[Hears::Datagram],
    scope: Scope::Connection,
};

declare!(FirstByte, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Datagram(datagram) = &event.kind else { return };
        let odd = match datagram.protocol {
            Protocol::Unassigned | Protocol::Quic | Protocol::Empty => true,
            Protocol::Stun => datagram.bytes.len() < 2,
            _ => false,
        };
        if !odd {
            tally.hold();
            return;
        }
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let length = datagram.bytes.len();
        if length < 2 {
            let seen = format!("a datagram of {length} bytes");
            tally.find_as(Level::Note, ABOUT.cites[0], spot, "a protocol's message", seen);
        } else if datagram.protocol == Protocol::Quic {
            let seen = format!("first byte {}, which is QUIC's", datagram.bytes[0]);
            tally.find_as(Level::Note, ABOUT.cites[1], spot, "what ICE peers agreed on", seen);
        } else {
            let seen = format!("first byte {}", datagram.bytes[0]);
            tally.find(spot, "0-3, 16-79 or 128-191", seen);
        }
    }
}
