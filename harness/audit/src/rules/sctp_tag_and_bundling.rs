//! Verification tags, and chunks that stand alone.

use rtcspec_trace::watch::{Event, Kind, SctpPacket, Tag};
use rtcspec_wire::sctp::ChunkType;

use crate::hears::Hears;
use crate::rule::{About, Cite, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "sctp.tag-and-bundling",
    level: Level::Violation,
    cites: &[cite(9260, "8.5"), cite(9260, "8.5.1"), cite(9260, "6.10"), cite(9260, "3.3.7")],
    needs: &[Need::Keys],
    summary: "packets carry the tag their receiver chose, INIT carries zero and stands alone",
    doc: "Fires when a packet with INIT has another tag than zero, any other packet has a tag that \
          its receiver never chose (ABORT and SHUTDOWN COMPLETE with the T bit may reflect their \
          sender's), when INIT, INIT ACK or SHUTDOWN COMPLETE share a packet with other chunks, or \
          when DATA follows in a packet with ABORT. Packets whose receiver's INIT was not seen are \
          not judged by tag.",
    advice: "put the Initiate Tag of the other side into the common header",
    holds: "INIT with tag 0, then everything with the tag the other side chose",
    breaks: "a DATA chunk under another tag",
    silent: "no SCTP could be read",
    hears: &[Hears::Sctp],
    scope: Scope::Connection,
};

declare!(TagAndBundling, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Sctp(packet) = &event.kind else { return };
        let Some((expected, seen, cite)) = fault(packet) else {
            if packet.tag != Tag::Unknown {
                tally.hold();
            }
            return;
        };
        let frames = [event.number];
        tally.find_as(ABOUT.level, cite, Spot::of(event, &frames), expected, seen);
    }
}

fn fault(packet: &SctpPacket<'_>) -> Option<(&'static str, String, Cite)> {
    let (mut count, mut lonely, mut init, mut reflects, mut abort, mut data) =
        (0, None, false, false, false, false);
    for chunk in packet.view.chunks() {
        let ty = chunk.chunk_type();
        count += 1;
        init |= ty == ChunkType::INIT;
        abort |= ty == ChunkType::ABORT;
        data |= abort && (ty == ChunkType::DATA || ty == ChunkType::I_DATA);
        if matches!(ty, ChunkType::INIT | ChunkType::INIT_ACK | ChunkType::SHUTDOWN_COMPLETE) {
            lonely = Some(ty);
        }
        if matches!(ty, ChunkType::ABORT | ChunkType::SHUTDOWN_COMPLETE) {
            reflects |= chunk.flags() & 1 != 0;
        }
    }
    if let Some(ty) = lonely.filter(|_| count > 1) {
        return Some(("it alone", format!("{ty} with other chunks"), ABOUT.cites[2]));
    }
    if data {
        return Some(("ABORT last", "DATA after ABORT".to_owned(), ABOUT.cites[3]));
    }
    let tag = packet.view.verification_tag();
    match packet.tag {
        Tag::Zero if init => None,
        _ if init => Some(("tag 0", format!("INIT with tag {:#010x}", tag.0), ABOUT.cites[1])),
        Tag::Receiver | Tag::Former | Tag::Unknown => None,
        Tag::Sender if reflects => None,
        Tag::Zero => Some(("the receiver's tag", "tag 0 without INIT".to_owned(), ABOUT.cites[0])),
        Tag::Sender => {
            Some(("the receiver's tag", "the sender's own tag".to_owned(), ABOUT.cites[0]))
        }
        Tag::Other => Some(("the receiver's tag", "a tag nobody chose".to_owned(), ABOUT.cites[0])),
    }
}
