//! Which inputs entitle a peer to let its session go.

use rtcspec_fuzz::mutate;
use rtcspec_wire::sctp::{ChunkType, Chunks};
use rtcspec_wire::stun::{AttributeType, Check, View};

use crate::input::Input;
use crate::layer::Layer;

/// The streams of the channel that carries the probes (RFC 8832 §6: the first even or odd one).
const PROBED: u16 = 2;

/// What an input entitles the peer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entitled {
    /// Nothing: it has to go on as if nothing had come, or answer with an error and go on.
    Nothing,
    /// It may end the session if it says so: an ABORT, a closed channel, a state.
    End,
    /// Anything: it ends the session, or moves its numbers so that what follows is lost.
    Anything,
}

/// What an input entitles the peer to that gets it.
#[must_use]
pub(crate) fn entitles(input: &Input) -> Entitled {
    // What is not authenticated may spoil a session that is still coming about.
    if input.before.is_some() && input.layer != Layer::Stun {
        return Entitled::Anything;
    }
    match input.layer {
        Layer::Stun => stun(input),
        Layer::Sctp => sctp(input),
        Layer::Dcep if input.stream.is_none_or(|stream| stream < PROBED) => Entitled::Anything,
        // RFC 6347 §4.1.2.7: invalid records are discarded; nothing here has the keys.
        // RFC 3711 §3.3: nor what fails authentication. Descriptions have connections of their own.
        Layer::Dcep | Layer::Dtls | Layer::Rtp | Layer::Rtcp | Layer::Sdp | Layer::Candidate => {
            Entitled::Nothing
        }
    }
}

/// RFC 8445 §7.3.1: an authentic check may nominate, and may turn the roles round. RFC 8489 §9.1.3:
/// one that is not changes nothing.
fn stun(input: &Input) -> Entitled {
    let view = View::new(&input.bytes);
    let known = |attribute: AttributeType| {
        [
            AttributeType::USE_CANDIDATE,
            AttributeType::ICE_CONTROLLED,
            AttributeType::ICE_CONTROLLING,
        ]
        .contains(&attribute)
    };
    let authentic = input.sealed || view.verify_integrity(mutate::stun::key()) == Check::Valid;
    if authentic && view.attributes().any(|attribute| known(attribute.ty)) {
        Entitled::Anything
    } else {
        Entitled::Nothing
    }
}

/// RFC 9260 §8.5: a packet with another tag is discarded. With the right one it comes from the peer.
fn sctp(input: &Input) -> Entitled {
    if !input.sealed || input.bytes.len() < 12 {
        return Entitled::Nothing;
    }
    let chunks = Chunks::new(&input.bytes[12..]);
    chunks
        .map(|chunk| {
            if chunk.fault().is_some() {
                Entitled::End
            } else {
                whole(chunk.chunk_type(), chunk.value())
            }
        })
        .max()
        .unwrap_or(Entitled::Nothing)
}

fn whole(kind: ChunkType, value: &[u8]) -> Entitled {
    match kind {
        // RFC 9260 §5.2: in an established association these change nothing.
        ChunkType::COOKIE_ECHO | ChunkType::COOKIE_ACK | ChunkType::HEARTBEAT_ACK => {
            Entitled::Nothing
        }
        // §8.3, §3.3.10: an answer, a report. §5.2.2 with the fields of §3.3.2, which may be wrong.
        ChunkType::HEARTBEAT | ChunkType::ERROR | ChunkType::INIT | ChunkType::INIT_ACK => {
            if value.is_empty() { Entitled::Nothing } else { Entitled::End }
        }
        // They end it, or acknowledge, skip, reset and deliver.
        kind if kind.name().is_some() => Entitled::Anything,
        // §3.2: skipped or reported.
        _ => Entitled::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(layer: Layer, sealed: bool, bytes: &[u8]) -> Input {
        let bytes = bytes.to_vec();
        Input { layer, before: None, sealed, stream: None, ppid: None, bytes }
    }

    fn packet(chunk: &[u8]) -> Vec<u8> {
        [&[0; 12][..], chunk].concat()
    }

    #[test]
    fn what_a_packet_entitles_to_depends_on_its_tag_and_its_chunks() {
        let of = |sealed, chunk: &[u8]| entitles(&input(Layer::Sctp, sealed, &packet(chunk)));
        let abort = [6, 0, 0, 4];
        assert_eq!(of(true, &abort), Entitled::Anything);
        assert_eq!(of(false, &abort), Entitled::Nothing);
        // An unknown chunk is skipped; a length of three is none.
        assert_eq!(of(true, &[0xfe, 0, 0, 4]), Entitled::Nothing);
        assert_eq!(of(true, &[4, 0, 0, 3]), Entitled::End);
        assert_eq!(of(true, &[11, 0, 0, 4]), Entitled::Nothing);
    }

    #[test]
    fn the_channel_of_the_probes_is_no_place_for_messages() {
        let message = |stream| Input { stream: Some(stream), ..input(Layer::Dcep, false, b"x") };
        assert_eq!(entitles(&message(1)), Entitled::Anything);
        assert_eq!(entitles(&message(2)), Entitled::Nothing);
        let early = Input { before: Some(0), ..input(Layer::Dtls, false, b"x") };
        assert_eq!(entitles(&early), Entitled::Anything);
    }
}
