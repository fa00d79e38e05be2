//! Rows about what an ICE agent makes of datagrams.

use std::time::Duration;

use rtcspec_peer::ice::Role;
use rtcspec_wire::stun::{Attribute, Class, ErrorCode, Key, Message, Method, Seal, TransactionId};

use super::agent::{Lone, OTHER, PEER, STRANGER, encoded};
use super::budget::MACHINE;
use super::{Input, Known, Others};

const ROW: Known = Known { budget: MACHINE, ..Known::USUAL };

/// What an agent tells that is connected and gets one datagram.
fn told_of(from: &str, craft: impl FnOnce(&Lone) -> Vec<u8>) -> String {
    let mut lone = Lone::connected();
    let bytes = craft(&lone);
    lone.deliver(from, bytes);
    lone.told()
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "ice/str0m-binding-indication",
        row: Some(32),
        source: "str0m #690",
        cause: "a Binding indication is taken for a request: a panic",
        input: Input::Events("a Binding indication on the selected pair"),
        right: "no answer, connected, sends to 192.0.2.9:7000",
        others: Others::Run("stun/binding-indication"),
        play: |code, _| {
            told_of(PEER, |lone| {
                let bare = Message::new(Class::Indication, Method::BINDING, TransactionId([1; 12]));
                let bare = bare.encode(&Seal::none().fingerprint()).unwrap_or_default();
                code.pick(bare, lone.sealed(&lone.check(1)))
            })
        },
        ..ROW
    },
    Known {
        id: "ice/str0m-unknown-interface",
        row: Some(32),
        source: "str0m #493",
        cause: "a check that came in at an address without a candidate: a panic",
        input: Input::Events("a check to an address that the agent does not have"),
        right: "no answer, connected, sends to 192.0.2.9:7000",
        others: Others::Nobody("where a datagram comes in is the network's to say"),
        play: |code, _| {
            let mut lone = Lone::connected();
            let check = lone.sealed(&lone.check(1));
            if code.is_theirs() {
                lone.deliver(PEER, check);
            } else {
                let (local, remote) =
                    (super::agent::address("10.9.8.7:6"), super::agent::address(PEER));
                let input = rtcspec_peer::io::Receive::Udp { local, remote, data: check };
                lone.agent.receive(lone.now, input);
                lone.pass(Duration::ZERO);
            }
            lone.told()
        },
        ..ROW
    },
    Known {
        id: "ice/str0m-unknown-failure",
        row: Some(32),
        source: "str0m e18a5005",
        cause: "a failure response to a request that nobody sent: a panic",
        input: Input::Events("error 500 to an unknown transaction"),
        right: "no answer, connected, sends to 192.0.2.9:7000",
        others: Others::Run("stun/unknown-transaction"),
        play: |code, _| {
            told_of(PEER, |lone| match ErrorCode::new(500) {
                Some(error) if !code.is_theirs() => {
                    let id = TransactionId([1; 12]);
                    let failure = Message::error(Method::BINDING, id, error);
                    encoded(&failure, &lone.agent.local_credentials().key())
                }
                _ => lone.sealed(&lone.check(1)),
            })
        },
        ..ROW
    },
    Known {
        id: "ice/str0m-stun-before-negotiation",
        row: Some(32),
        source: "str0m af9cc9a6",
        cause: "STUN of somebody else before there is a remote description: a panic",
        input: Input::Events("a check for another agent, before anything is negotiated"),
        right: "error 401 to 203.0.113.66:666, new",
        others: Others::Nobody("a case has the peer's address only once there is a session"),
        play: |code, _| {
            let mut lone = Lone::new(Role::Controlled);
            let mut check = lone.check(1);
            if !code.is_theirs() {
                check.attributes[0] = Attribute::Username("some:body".to_owned());
            }
            let bytes = encoded(&check, &Key::short_term("another password altogether"));
            lone.deliver(STRANGER, code.pick(bytes, Vec::new()));
            lone.told()
        },
        ..ROW
    },
    Known {
        id: "ice/rtc-stale-candidates",
        row: Some(34),
        source: "webrtc-rs/rtc #100",
        cause: "pairs name candidates by places in a list that a restart empties: a panic",
        input: Input::Events("a restart, then answers and checks of the generation before"),
        right: "answers of before change nothing: no answer, connected, sends to 192.0.2.9:7000",
        others: Others::Run("ice/restart"),
        play: |code, _| {
            let mut lone = Lone::connected();
            if code.is_theirs() {
                lone.deliver(PEER, lone.sealed(&lone.check(1)));
            }
            lone.agent.restart(lone.now);
            lone.pass(Duration::from_secs(1));
            lone.succeed(PEER);
            lone.succeed(OTHER);
            lone.pass(Duration::from_secs(1));
            format!("answers of before change nothing: {}", lone.told())
        },
        ..ROW
    },
    Known {
        id: "ice/mediasoup-renomination",
        row: Some(35),
        source: "mediasoup #1182",
        cause: "another pair is nominated once one is selected: a crash",
        input: Input::Events("controlled, and nominated on one pair, then on another, then again"),
        right: "success to 192.0.2.9:7000, success to 192.0.2.9:7001, success to 192.0.2.9:7000, \
                connected, sends to 192.0.2.9:7000",
        others: Others::Nobody("the hostile side has one pair to nominate"),
        play: |code, _| renominated(code.pick(3, 2)),
        ..ROW
    },
    Known {
        id: "ice/metartc-integrity-unchecked",
        row: Some(37),
        source: "metaRTC #113 (2026-08)",
        cause: "MESSAGE-INTEGRITY of a check is never looked at",
        input: Input::Events("a check that is right but for the key of its integrity"),
        right: "error 401 to 203.0.113.66:666, connected, sends to 192.0.2.9:7000",
        others: Others::Run("stun/wrong-integrity"),
        play: |code, _| {
            told_of(STRANGER, |lone| {
                let wrong = encoded(&lone.check(1), &Key::short_term("not the password"));
                code.pick(wrong, lone.sealed(&lone.check(1)))
            })
        },
        ..ROW
    },
    Known {
        id: "ice/sipsorcery-username",
        row: Some(37),
        source: "SIPSorcery C13 (2026-08)",
        cause: "USERNAME is not held against the agent's own ufrag",
        input: Input::Events("a check that is right but for the first half of its USERNAME"),
        right: "error 401 to 203.0.113.66:666, connected, sends to 192.0.2.9:7000",
        others: Others::Run("stun/wrong-username"),
        play: |code, _| {
            told_of(STRANGER, |lone| {
                let mut check = lone.check(1);
                if !code.is_theirs() {
                    check.attributes[0] = Attribute::Username("nobody:peer".to_owned());
                }
                lone.sealed(&check)
            })
        },
        ..ROW
    },
    Known {
        id: "ice/sipsorcery-media-moves-path",
        row: Some(37),
        source: "SIPSorcery C9 (2026-08)",
        cause: "the first RTP packet from anywhere says where media are sent to",
        input: Input::Events("an RTP packet from an address that no check came from"),
        right: "0 datagrams taken; no answer, connected, sends to 192.0.2.9:7000",
        others: Others::Nobody("the hostile side has no second socket"),
        play: |code, _| {
            let mut lone = Lone::connected();
            let rtp = vec![0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4];
            lone.deliver(code.pick(STRANGER, PEER), rtp);
            format!("{} datagrams taken; {}", lone.data.len(), lone.told())
        },
        ..ROW
    },
];

/// A controlled agent that is nominated this often, on two pairs by turns.
fn renominated(times: u8) -> String {
    let mut lone = Lone::new(Role::Controlled);
    lone.introduce();
    lone.trickle(OTHER);
    for _ in 0..2 {
        lone.pass(Duration::from_millis(100));
        lone.succeed(PEER);
        lone.succeed(OTHER);
    }
    for nth in 0..times {
        let mut check = lone.check(nth + 1);
        check.attributes[2] = Attribute::IceControlling(u64::MAX);
        let bytes = lone.sealed(&check.with(Attribute::UseCandidate));
        lone.deliver([PEER, OTHER][usize::from(nth % 2)], bytes);
        lone.pass(Duration::from_millis(100));
    }
    lone.told()
}
