//! `CRC32c`, and its absence.

use rtcspec_trace::watch::{Event, Kind, Tag};
use rtcspec_wire::sctp::{ChecksumState, ChunkType};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "sctp.checksum",
    level: Level::Violation,
    cites: &[cite(9260, "6.8"), cite(9653, "5.2")],
    needs: &[Need::Keys],
    summary: "the checksum is right, or zero where the receiver declared that acceptable",
    doc: "Fires when an SCTP packet's CRC32c is wrong, when it is zero although the receiver's \
          INIT or INIT ACK had no Zero Checksum Acceptable parameter with the DTLS method, or when \
          it is zero on a packet with INIT or COOKIE ECHO. A packet whose receiver's INIT was not \
          seen is judged only if the checksum is neither right nor zero.",
    advice: "compute CRC32c over the packet with a zeroed field, least significant byte first",
    holds: "CRC32c right; zero after both declared 0x8001",
    breaks: "checksum zero, and the other side declared nothing",
    silent: "no SCTP could be read",
    hears: &[Hears::Sctp],
    scope: Scope::Connection,
};

declare!(ChecksumRule, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Sctp(packet) = &event.kind else { return };
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match packet.checksum {
            ChecksumState::Correct => tally.hold(),
            ChecksumState::Wrong { .. } => tally.find(spot, "CRC32c", "a wrong checksum"),
            ChecksumState::Zero => {
                let mut chunks = packet.view.chunks().map(|chunk| chunk.chunk_type());
                let cite = ABOUT.cites[1];
                let level = ABOUT.level;
                let barred =
                    |ty: &ChunkType| *ty == ChunkType::INIT || *ty == ChunkType::COOKIE_ECHO;
                if let Some(ty) = chunks.find(barred) {
                    let seen = format!("checksum zero on {ty}");
                    tally.find_as(level, cite, spot, "CRC32c", seen);
                } else if packet.zero_checksum_accepted {
                    tally.hold();
                } else if packet.tag != Tag::Unknown {
                    let seen = "checksum zero, which the receiver did not declare acceptable";
                    tally.find_as(level, cite, spot, "CRC32c", seen);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Party;

    use crate::trial::{Trial, data};

    /// What is seen of a checksum of zero after both declared a method.
    fn zero_after(method: u32) -> Vec<(String, Vec<u64>)> {
        let mut trial = Trial::default();
        let more = [&[0x80, 1, 0, 8][..], &method.to_be_bytes()].concat();
        trial.associate(0, (0x11, 0x22), &more);
        let header = [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0x22, 0, 0, 0, 0];
        let packet = [&header[..], &data(100, 0, 51, b"hi")].concat();
        trial.raw_sctp(100, Party::A, &packet);
        trial.seen_by("sctp.checksum")
    }

    #[test]
    fn zero_takes_the_method_that_dtls_is() {
        assert!(zero_after(1).is_empty());
        let seen = "checksum zero, which the receiver did not declare acceptable".to_owned();
        assert_eq!(zero_after(7), [(seen, vec![5])]);
    }
}
