//! INITs at unusual times.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Body, Chunk, ChunkType, Init, Packet, PacketView, Tsn, VerificationTag};

use crate::cases::log::{Log, Way, inject_packet};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

fn begins_with(packet: &[u8], wanted: ChunkType) -> bool {
    let first = PacketView::new(packet).ok().and_then(|view| view.chunks().next());
    first.is_some_and(|chunk| chunk.chunk_type() == wanted)
}

/// The usual play; when it answers, the hostile side is DTLS server, so that the peer, as client,
/// sends its INIT first.
const PEER_IS_CLIENT: &str = r#"
[peer.hostile.dtls]
role = "passive"

[[do]]
after = "open + 1s"
send  = { from = "hostile", messages = 3, size = 100, every = "20ms" }

[[do]]
after = "open + 2s"
send  = { from = "tested", messages = 3, size = 100, every = "20ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#;

pub(in crate::cases) const INIT_COLLISION: Case = Case {
    id: "sctp/init-collision",
    title: "Both sides send INIT: one association comes of it",
    about: "The peer's INIT is on its way for 600 ms, and after 500 the hostile side sends its \
            own. The peer, waiting for INIT ACK, answers INIT ACK with the tag it has, and both \
            handshakes end in the same association (webrtc-rs#414, pion#296).",
    tests: &["RFC 9260 §5.2.1"],
    layer: Layer::Sctp,
    play: PEER_IS_CLIENT,
    make: || Box::new(Collide { delayed: false }),
    ..Case::USUAL
};

struct Collide {
    delayed: bool,
}

impl Tamper for Collide {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let first = begins_with(packet, ChunkType::INIT) && !self.delayed;
        if !first {
            return Action::Pass;
        }
        self.delayed = true;
        // A DTLS server of the reference peer sends an INIT when it has waited 500 ms.
        Action::Delay(Duration::from_millis(600))
    }
}

const ANSWER_IN_WAIT: Duty = Duty {
    text: "RFC 9260 §5.2.1: in COOKIE-WAIT an INIT is answered by an INIT ACK with the initiate \
           tag of this side's own INIT",
    expected: "an INIT ACK with the tag of the peer's INIT",
};

impl Hostile for Collide {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let (mut init, mut ack) = (None, None);
        for (_, body) in seen.bodies(Way::Received) {
            match body {
                Body::Init(found) => init = init.or(Some(found.initiate_tag)),
                Body::InitAck(found) => ack = ack.or(Some(found.initiate_tag)),
                _ => {}
            }
        }
        vec![match (init, ack) {
            (None, _) => ANSWER_IN_WAIT.info("the peer sent no INIT: nothing collided"),
            (Some(_), None) => ANSWER_IN_WAIT.fail("no INIT ACK"),
            (Some(init), Some(ack)) => ANSWER_IN_WAIT
                .met(init == ack, format!("INIT with {init:?}, INIT ACK with {ack:?}")),
        }]
    }
}

pub(in crate::cases) const INIT_RETRANSMITTED: Case = Case {
    id: "sctp/init-retransmitted",
    title: "The INIT is lost: it comes again, the same, alone, and with tag 0",
    about: "The first INIT of the peer is thrown away. A retransmission is the same INIT: its \
            initiate tag must not change, and the verification tag stays 0 (webrtc-rs#405).",
    tests: &["RFC 9260 §5.1", "RFC 9260 §8.5.1", "RFC 9260 §6.10"],
    layer: Layer::Sctp,
    play: PEER_IS_CLIENT,
    make: || Box::new(LoseInits { lost: 0 }),
    ..Case::USUAL
};

struct LoseInits {
    lost: u32,
}

impl Tamper for LoseInits {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        if begins_with(packet, ChunkType::INIT) && self.lost < 1 {
            self.lost += 1;
            return Action::Drop;
        }
        Action::Pass
    }

    /// This side sends none of its own: a server of the reference peer would after half a second.
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let own = self.lost > 0 && begins_with(packet, ChunkType::INIT);
        if own { Action::Drop } else { Action::Pass }
    }
}

const SAME_INIT: Duty = Duty {
    text: "RFC 9260 §5.1: a lost INIT is sent again when T1 expires; every INIT has verification \
           tag 0 (§8.5.1) and is alone in its packet (§6.10)",
    expected: "two INITs or more, all with tag 0, one initiate tag, and nothing else in the packet",
};

impl Hostile for LoseInits {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let mut tags: Vec<VerificationTag> = Vec::new();
        let mut wrong = Vec::new();
        for (_, packet) in seen.packets(Way::Received) {
            let Some(Ok(Body::Init(init))) = packet.chunks().next().map(|chunk| chunk.body())
            else {
                continue;
            };
            tags.push(init.initiate_tag);
            if packet.verification_tag().0 != 0 {
                wrong.push("a tag that is not 0");
            }
            if packet.chunks().count() != 1 {
                wrong.push("another chunk beside it");
            }
        }
        if tags.iter().any(|tag| *tag != tags[0]) {
            wrong.push("another initiate tag");
        }
        let actual = format!("{} INITs, {}", tags.len(), wrong.join(", "));
        vec![match tags.len() {
            0 => SAME_INIT.info("the peer sends no INIT in this role"),
            1 => SAME_INIT.fail("it did not come again"),
            _ => SAME_INIT.met(wrong.is_empty(), actual),
        }]
    }
}

pub(in crate::cases) const LATE_INIT: Case = Case {
    id: "sctp/late-init",
    title: "An INIT for the association that is up: INIT ACK, and the association stays",
    about: "As if the hostile side had restarted, or an old INIT had come late. Only a COOKIE ECHO \
            may change anything, and none follows (webrtc-rs#615 dropped the association).",
    tests: &["RFC 9260 §5.2.2"],
    layer: Layer::Sctp,
    make: || Box::new(Late),
    ..Case::USUAL
};

/// What the INIT asks its answers to be tagged with.
const MARK: VerificationTag = VerificationTag(0x1a7e_1a7e);

struct Late;

impl Tamper for Late {}

const ANSWER_LATE: Duty = Duty {
    text: "RFC 9260 §5.2.2: an unexpected INIT is answered with an INIT ACK, and the association \
           is left as it is",
    expected: "an INIT ACK",
};

impl Hostile for Late {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let init = Init {
            initiate_tag: MARK,
            a_rwnd: 131_072,
            outbound_streams: 1024,
            inbound_streams: 1024,
            initial_tsn: Tsn(7),
            parameters: Vec::new(),
        };
        let Some(packet) = log.packet(vec![Chunk::Init(init)]) else { return Vec::new() };
        vec![inject_packet(&Packet { verification_tag: VerificationTag(0), ..packet })]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let mut answers = seen.packets(Way::Received).filter(|(_, p)| p.verification_tag() == MARK);
        let chunk = answers.next().and_then(|(_, packet)| packet.chunks().next());
        let kind = chunk.map(|chunk| chunk.chunk_type());
        let actual = kind.map_or("no answer".to_owned(), |kind| kind.to_string());
        vec![ANSWER_LATE.met(kind == Some(ChunkType::INIT_ACK), actual)]
    }
}
