//! Verification tags, and which chunks may share a packet in what order.

use rtcspec_trace::watch::{Event, Kind, SctpPacket, Tag};
use rtcspec_wire::sctp::{Body, ChunkType, PacketView, Tsn};

use crate::hears::Hears;
use crate::rule::{About, Cite, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "sctp.tag-and-bundling",
    level: Level::Violation,
    cites: &[
        cite(9260, "8.5"),
        cite(9260, "8.5.1"),
        cite(9260, "6.10"),
        cite(9260, "3.3.7"),
        cite(9260, "3.2.2"),
    ],
    needs: &[Need::Keys],
    summary: "packets carry the tag their receiver chose, INIT carries zero and stands alone, and \
              chunks stand in order",
    doc: "Fires when a packet with INIT has another tag than zero, any other packet has a tag that \
          its receiver never chose (ABORT and SHUTDOWN COMPLETE with the T bit may reflect their \
          sender's), when INIT, INIT ACK or SHUTDOWN COMPLETE share a packet with other chunks, \
          when DATA shares one with ABORT or any chunk follows ABORT, when COOKIE ECHO is not the \
          first chunk, when a control chunk follows DATA, or when TSNs in a packet do not increase. \
          Packets whose receiver's INIT was not seen are not judged by tag.",
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

/// What was expected, what was seen, and the clause.
type Fault = (&'static str, String, Cite);

fn fault(packet: &SctpPacket<'_>) -> Option<Fault> {
    company(&packet.view).or_else(|| order(&packet.view)).or_else(|| tag(packet))
}

/// Chunks that stand alone, or after which nothing comes. RFC 9260 §3.3.7: control chunks stand
/// before ABORT, and DATA in another packet.
fn company(packet: &PacketView<'_>) -> Option<Fault> {
    let (mut count, mut lonely, mut data) = (0, None, false);
    let (mut abort, mut after) = (false, None);
    for chunk in packet.chunks() {
        let ty = chunk.chunk_type();
        count += 1;
        if abort {
            after.get_or_insert(ty);
        }
        abort |= ty == ChunkType::ABORT;
        data |= is_data(ty);
        if matches!(ty, ChunkType::INIT | ChunkType::INIT_ACK | ChunkType::SHUTDOWN_COMPLETE) {
            lonely = Some(ty);
        }
    }
    if let Some(ty) = lonely.filter(|_| count > 1) {
        return Some(("it alone", format!("{ty} with other chunks"), ABOUT.cites[2]));
    }
    if let Some(ty) = after {
        return Some(("ABORT last", format!("{ty} after ABORT"), ABOUT.cites[3]));
    }
    (abort && data).then(|| ("no DATA with ABORT", "DATA before ABORT".to_owned(), ABOUT.cites[3]))
}

/// RFC 9260 §6.10: control chunks first, then DATA by TSN; §3.2.2: COOKIE ECHO before all else.
fn order(packet: &PacketView<'_>) -> Option<Fault> {
    let mut last: Option<Tsn> = None;
    for (place, chunk) in packet.chunks().enumerate() {
        let ty = chunk.chunk_type();
        if ty == ChunkType::COOKIE_ECHO && place > 0 {
            let seen = "COOKIE ECHO after another chunk".to_owned();
            return Some(("COOKIE ECHO first", seen, ABOUT.cites[4]));
        }
        let tsn = match chunk.body() {
            Ok(Body::Data(data)) => data.tsn,
            Ok(Body::IData(data)) => data.tsn,
            _ if is_data(ty) || last.is_none() => continue,
            _ => {
                let seen = format!("{ty} after DATA");
                return Some(("control chunks first", seen, ABOUT.cites[2]));
            }
        };
        if let Some(last) = last.filter(|last| !last.is_before(tsn)) {
            let seen = format!("TSN {} after {}", tsn.0, last.0);
            return Some(("TSNs that increase", seen, ABOUT.cites[2]));
        }
        last = Some(tsn);
    }
    None
}

fn is_data(ty: ChunkType) -> bool {
    matches!(ty, ChunkType::DATA | ChunkType::I_DATA)
}

fn tag(packet: &SctpPacket<'_>) -> Option<Fault> {
    let init = packet.view.chunks().any(|chunk| chunk.chunk_type() == ChunkType::INIT);
    let reflects = packet.view.chunks().any(|chunk| {
        let ends = matches!(chunk.chunk_type(), ChunkType::ABORT | ChunkType::SHUTDOWN_COMPLETE);
        ends && chunk.flags() & 1 != 0
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = &[0, 3, 0, 17, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 0, 51, b'x', 0, 0, 0];
    const NEXT: &[u8] = &[0, 3, 0, 17, 0, 0, 0, 8, 0, 1, 0, 1, 0, 0, 0, 51, b'x', 0, 0, 0];
    const SACK: &[u8] = &[3, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
    const ECHO: &[u8] = &[10, 0, 0, 8, 1, 2, 3, 4];
    const ABORT: &[u8] = &[6, 0, 0, 4];

    fn seen(chunks: &[&[u8]]) -> Option<String> {
        let header = [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0];
        let bytes = [&header[..], &chunks.concat()].concat();
        let view = PacketView::new(&bytes).expect("a header");
        company(&view).or_else(|| order(&view)).map(|(_, seen, _)| seen)
    }

    #[test]
    fn chunks_stand_in_the_order_that_bundling_has() {
        assert_eq!(seen(&[ECHO, SACK, DATA, NEXT]), None);
        assert_eq!(seen(&[DATA, SACK]).as_deref(), Some("SACK after DATA"));
        assert_eq!(seen(&[NEXT, DATA]).as_deref(), Some("TSN 7 after 8"));
        assert_eq!(seen(&[DATA, DATA]).as_deref(), Some("TSN 7 after 7"));
        assert_eq!(seen(&[SACK, ECHO]).as_deref(), Some("COOKIE ECHO after another chunk"));
        assert_eq!(seen(&[ABORT, DATA]).as_deref(), Some("DATA after ABORT"));
        assert_eq!(seen(&[ABORT, SACK]).as_deref(), Some("SACK after ABORT"));
        assert_eq!(seen(&[DATA, ABORT]).as_deref(), Some("DATA before ABORT"));
        assert_eq!(seen(&[SACK, ABORT]), None);
    }
}
