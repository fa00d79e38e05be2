//! Every fixture: per rule one capture that holds it and one that breaks it.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Stun};
use rtcspec_trace::{Datagram, Party, Place, Session, SignalBody};
use rtcspec_wire::sctp::{Checksum, set_checksum};
use rtcspec_wire::stun::{AttributeType, Class, MessageType, Method, TransactionId, View};

use crate::craft::{Attributes, Protect, rewrite, rewrite_as, set, write, xor_address};
use crate::edit::{Edit, Said, Seen};
use crate::lab::{Fixture, PLAIN};
use crate::{media, secret};

const USUAL: Fixture = Fixture::USUAL;
/// From here on ICE is done and only consent is checked.
const LATER: Duration = Duration::from_secs(2);

/// As `PLAIN`, over DTLS 1.2, which alone has renegotiation.
const OLDER_DTLS: &str = r#"
limit = "3s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
dtls = { versions = ["1.2"] }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
dtls = { versions = ["1.2"] }
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 20 }
[[expect]]
path = "none"
"#;

/// A relay at A's side.
const RELAY: &str = r#"
limit = "7s"
oracle = "off"
[servers.turn]
at   = "wan"
kind = "turn"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
ice  = { servers = ["turn"], policy = "relay" }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 20 }
[[expect]]
path = "none"
"#;

/// A stream of small messages for a minute.
const LONG: &str = r#"
limit = "45s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 40, size = 8, every = "1s" }
[[expect]]
path = "none"
"#;

/// A symmetric NAT before A, and a STUN server.
const SYMMETRIC: &str = r#"
limit = "3s"
oracle = "off"
[servers.stun]
at   = "wan"
kind = "stun"
[nat.home]
preset  = "symmetric"
inside  = "lan-a"
outside = "wan"
[link.home]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "lan-a"
runs = "reference"
role = "offerer"
ice  = { servers = ["stun"] }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[expect]]
path = "none"
"#;

/// A closes the channel after a second.
const CLOSING: &str = r#"
limit = "9s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
channel = { from = "a", label = "second" }
[[do]]
after = "open + 1s"
close-channel = { from = "a", label = "second" }
[[expect]]
path = "none"
"#;

/// One longer message.
const LONGER_MESSAGE: &str = r#"
limit = "2s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 2000 }
[[expect]]
path = "none"
"#;

/// All of them.
pub(crate) fn all() -> Vec<Fixture> {
    [
        demux_and_stun(),
        ice(),
        nomination_and_roles(),
        turn_and_consent(),
        dtls(),
        sctp(),
        channels(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn demux_and_stun() -> Vec<Fixture> {
    vec![
        Fixture { name: "demux.first-byte.holds", ..USUAL },
        Fixture {
            name: "demux.first-byte.breaks",
            a: || Edit::default().at(3000, |_| vec![Injection::Transport(vec![5, 1, 2, 3, 4, 5])]),
            ..USUAL
        },
        Fixture { name: "stun.header.holds", ..USUAL },
        Fixture {
            name: "stun.header.breaks",
            // A Binding indication with a length of 2.
            a: || Edit::default().at(3000, |_| vec![Injection::Transport(indication(2))]),
            ..USUAL
        },
        Fixture { name: "stun.fingerprint.holds", ..USUAL },
        Fixture {
            name: "stun.fingerprint.breaks",
            a: || {
                consent(|said| rewrite(&said.bytes, &said.key, Protect::WithoutFingerprint, |_| {}))
            },
            ..USUAL
        },
        Fixture { name: "stun.integrity.holds", ..USUAL },
        Fixture {
            name: "stun.integrity.breaks",
            a: || consent(|said| rewrite(&said.bytes, b"not the password", Protect::Fully, |_| {})),
            ..USUAL
        },
        Fixture { name: "stun.unknown-required.holds", a: || consent(with_unknown), ..USUAL },
        Fixture {
            name: "stun.unknown-required.breaks",
            a: || consent(with_unknown),
            b: || Edit::default().received_stun(|_, message| without_unknown(message)),
            ..USUAL
        },
        Fixture { name: "stun.txid.holds", ..USUAL },
        Fixture { name: "stun.txid.breaks", a: reuse_the_first_id, ..USUAL },
        Fixture {
            name: "stun.rto.holds",
            a: || Edit::default().received_stun(|now, message| deaf(now, message, 600)),
            b: || Edit::default().received_stun(|now, message| deaf(now, message, 300)),
            ..USUAL
        },
        Fixture {
            name: "stun.rto.breaks",
            a: || Edit::default().at(300, |seen| vec![datagram(&seen.requests[0])]),
            ..USUAL
        },
    ]
}

fn ice() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.username.holds", ..USUAL },
        Fixture {
            name: "ice.username.breaks",
            a: || {
                consent(|said| {
                    signed(said, |attributes| {
                        let name = attributes.iter().find(|(ty, _)| *ty == AttributeType::USERNAME);
                        let text = String::from_utf8(name.unwrap().1.clone()).unwrap();
                        let receiver = text.split(':').next().unwrap();
                        let name = format!("{receiver}:xxxx");
                        set(attributes, AttributeType::USERNAME, name.as_bytes());
                    })
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.credentials.holds", ..USUAL },
        Fixture {
            name: "ice.credentials.breaks",
            // The reference peer refuses such credentials: a section of the offer that the
            // answer leaves alone has them.
            edit: short_password,
            ..USUAL
        },
        Fixture { name: "ice.priority.holds", ..USUAL },
        Fixture {
            name: "ice.priority.breaks",
            a: || {
                consent(|said| {
                    let host = (126_u32 << 24 | 0x00ff_ffff).to_be_bytes();
                    signed(said, |attributes| set(attributes, AttributeType::PRIORITY, &host))
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.mapped-address.holds", at: Party::B, ..USUAL },
        Fixture { name: "ice.mapped-address.breaks", at: Party::B, b: wrong_mapped, ..USUAL },
        Fixture { name: "ice.symmetric-answer.holds", ..USUAL },
        Fixture { name: "ice.symmetric-answer.breaks", edit: answer_from_elsewhere, ..USUAL },
        Fixture {
            name: "ice.pacing.holds",
            a: || {
                (0..5_u8).fold(Edit::default(), |edit, index| {
                    edit.at(3000 + 60 * u64::from(index), move |seen| vec![stray(seen, index)])
                })
            },
            ..USUAL
        },
        Fixture {
            name: "ice.pacing.breaks",
            a: || Edit::default().at(3000, |seen| (0..5).map(|index| stray(seen, index)).collect()),
            ..USUAL
        },
    ]
}

fn nomination_and_roles() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.role-attribute.holds", ..USUAL },
        Fixture {
            name: "ice.role-attribute.breaks",
            a: || {
                consent(|said| {
                    signed(said, |attributes| {
                        attributes.retain(|(ty, _)| *ty != AttributeType::ICE_CONTROLLING);
                    })
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.use-candidate-role.holds", ..USUAL },
        Fixture {
            name: "ice.use-candidate-role.breaks",
            at: Party::B,
            b: || {
                consent(|said| {
                    signed(said, |attributes| set(attributes, AttributeType::USE_CANDIDATE, &[]))
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.single-nomination.holds", ..USUAL },
        Fixture {
            name: "ice.single-nomination.breaks",
            a: || Edit::default().at(3000, |seen| vec![second_nomination(seen)]),
            ..USUAL
        },
        Fixture {
            name: "ice.role-conflict.holds",
            scene: LONG,
            a: || conflict(1),
            edit: cut,
            ..USUAL
        },
        Fixture {
            name: "ice.role-conflict.breaks",
            scene: LONG,
            a: || conflict(2),
            edit: cut,
            ..USUAL
        },
    ]
}

fn turn_and_consent() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.relay-permission.holds", scene: RELAY, ..USUAL },
        Fixture {
            name: "ice.relay-permission.breaks",
            scene: RELAY,
            a: || Edit::default().at(3000, |seen| vec![unpermitted(seen)]),
            ..USUAL
        },
        Fixture { name: "turn.channel.holds", scene: RELAY, ..USUAL },
        Fixture {
            name: "turn.channel.breaks",
            scene: RELAY,
            a: || Edit::default().at(3000, |seen| vec![bad_channel(seen)]),
            ..USUAL
        },
        Fixture { name: "consent.freshness.holds", scene: LONG, edit: cut, ..USUAL },
        Fixture { name: "consent.freshness.breaks", scene: LONG, edit: unanswered, ..USUAL },
        Fixture { name: "nat.inference.holds", scene: PLAIN, ..USUAL },
        Fixture { name: "nat.inference.breaks", scene: SYMMETRIC, ..USUAL },
    ]
}

fn dtls() -> Vec<Fixture> {
    vec![
        Fixture { name: "dtls.role.holds", ..USUAL },
        Fixture {
            name: "dtls.role.breaks",
            b: || Edit::default().sdp(|sdp| *sdp = sdp.replace("setup:active", "setup:passive")),
            a: || {
                Edit::default()
                    .received_sdp(|sdp| *sdp = sdp.replace("setup:passive", "setup:active"))
            },
            ..USUAL
        },
        Fixture { name: "dtls.fingerprint.holds", ..USUAL },
        Fixture {
            name: "dtls.fingerprint.breaks",
            a: || Edit::default().sdp(|sdp| *sdp = other_fingerprint(sdp)),
            b: || Edit::default().received_sdp(|sdp| *sdp = other_fingerprint(sdp)),
            ..USUAL
        },
        Fixture { name: "dtls.use-srtp.holds", edit: media::agree_on_audio, ..USUAL },
        Fixture { name: "dtls.use-srtp.breaks", edit: media::audio_without_srtp, ..USUAL },
        Fixture {
            name: "dtls.renegotiation.holds",
            scene: OLDER_DTLS,
            edit: secret::refused_handshake,
            ..USUAL
        },
        Fixture {
            name: "dtls.renegotiation.breaks",
            scene: OLDER_DTLS,
            edit: secret::ignored_handshake,
            ..USUAL
        },
        Fixture {
            name: "dtls.retransmit.holds",
            at: Party::B,
            a: || {
                let mut lost = false;
                Edit::default().received_dtls(move |_, _| {
                    if std::mem::replace(&mut lost, true) { Action::Pass } else { Action::Drop }
                })
            },
            edit: new_record_number,
            ..USUAL
        },
        Fixture {
            name: "dtls.retransmit.breaks",
            at: Party::B,
            b: || Edit::default().at(3000, |seen| vec![Injection::Transport(seen.dtls[0].clone())]),
            ..USUAL
        },
    ]
}

fn sctp() -> Vec<Fixture> {
    vec![
        Fixture { name: "sctp.over-dtls.holds", ..USUAL },
        Fixture {
            name: "sctp.over-dtls.breaks",
            a: || {
                on_init(|packet| {
                    packet.extend([0, 5, 0, 8, 192, 0, 2, 1]);
                    lengthen(packet, 8);
                })
            },
            ..USUAL
        },
        Fixture { name: "sctp.checksum.holds", ..USUAL },
        Fixture {
            name: "sctp.checksum.breaks",
            a: || {
                let mut done = false;
                Edit::default().sctp(move |_, packet| {
                    if done || !has_user_data(packet) {
                        return Action::Pass;
                    }
                    done = true;
                    let mut packet = packet.to_vec();
                    set_checksum(&mut packet, Checksum::Exactly(0x0bad_0bad));
                    Action::replace(packet)
                })
            },
            ..USUAL
        },
        Fixture { name: "sctp.tag-and-bundling.holds", ..USUAL },
        Fixture {
            name: "sctp.tag-and-bundling.breaks",
            a: || Edit::default().at(3000, |seen| vec![Injection::Sctp(heartbeat_to_nobody(seen))]),
            ..USUAL
        },
        Fixture { name: "sctp.streams.holds", ..USUAL },
        Fixture {
            name: "sctp.streams.breaks",
            a: || {
                on_init(|packet| {
                    // Supported Extensions lists PAD in the place of RE-CONFIG.
                    let at = packet.windows(2).position(|two| two == [0x80, 0x08]).unwrap();
                    let length = usize::from(packet[at + 3]);
                    for byte in &mut packet[at + 4..at + length] {
                        if *byte == 130 {
                            *byte = 132;
                        }
                    }
                })
            },
            ..USUAL
        },
    ]
}

fn channels() -> Vec<Fixture> {
    vec![
        Fixture { name: "dcep.open.holds", ..USUAL },
        Fixture {
            name: "dcep.open.breaks",
            a: || {
                Edit::default().at(3000, |_| {
                    let data = [&[3, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0][..], b"even"].concat();
                    // A is the DTLS server; an even stream is not its own.
                    vec![Injection::Message(StreamMessage { stream: 100, ppid: 50, data })]
                })
            },
            ..USUAL
        },
        Fixture { name: "dcep.order-before-ack.holds", a: early_message, ..USUAL },
        Fixture {
            name: "dcep.order-before-ack.breaks",
            a: || {
                early_message().sctp(|_, packet| {
                    let Some(at) = user_data(packet) else { return Action::Pass };
                    let mut packet = packet.to_vec();
                    packet[at + 1] |= 4;
                    set_checksum(&mut packet, Checksum::Crc32c);
                    Action::replace(packet)
                })
            },
            ..USUAL
        },
        Fixture { name: "dc.ppid.holds", ..USUAL },
        Fixture {
            name: "dc.ppid.breaks",
            a: || {
                Edit::default().at(3000, |_| {
                    let data = b"seven".to_vec();
                    vec![Injection::Message(StreamMessage { stream: 1, ppid: 7, data })]
                })
            },
            ..USUAL
        },
        Fixture { name: "dc.max-message-size.holds", scene: LONGER_MESSAGE, ..USUAL },
        Fixture {
            name: "dc.max-message-size.breaks",
            scene: LONGER_MESSAGE,
            b: || Edit::default().sdp(|sdp| *sdp = max_message_size(sdp, "1200")),
            a: || Edit::default().received_sdp(|sdp| *sdp = max_message_size(sdp, "262144")),
            ..USUAL
        },
        Fixture { name: "dc.close.holds", scene: CLOSING, ..USUAL },
        Fixture {
            name: "dc.close.breaks",
            scene: CLOSING,
            b: || {
                Edit::default().sctp(
                    |_, packet| {
                        if resets(packet) { Action::Drop } else { Action::Pass }
                    },
                )
            },
            ..USUAL
        },
        Fixture { name: "rtp.payload-type.holds", edit: media::opus, sdp: false, ..USUAL },
        Fixture { name: "rtp.payload-type.breaks", edit: media::type_77, sdp: false, ..USUAL },
    ]
}

/// Rewrites the first consent check, each time it is sent.
fn consent(mut f: impl FnMut(&Said) -> Vec<u8> + 'static) -> Edit {
    let mut chosen = None;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        let request = view.message_type().is_some_and(|ty| ty.class == Class::Request);
        let id = view.transaction_id();
        if now < LATER || !request || *chosen.get_or_insert(id) != id {
            return Action::Pass;
        }
        Action::replace(f(&said(message)))
    })
}

fn said(message: Stun<'_>) -> Said {
    Said {
        local: message.local,
        remote: message.remote,
        bytes: message.bytes.to_vec(),
        key: message.key.unwrap_or_default().to_vec(),
    }
}

fn signed(said: &Said, edit: impl FnOnce(&mut Attributes)) -> Vec<u8> {
    rewrite(&said.bytes, &said.key, Protect::Fully, edit)
}

fn datagram(said: &Said) -> Injection {
    Injection::Datagram { local: said.local, remote: said.remote, data: said.bytes.clone() }
}

fn indication(length: u16) -> Vec<u8> {
    let mut bytes = vec![0, 0x11];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0x21, 0x12, 0xa4, 0x42]);
    bytes.extend([9; 16]);
    bytes
}

fn with_unknown(said: &Said) -> Vec<u8> {
    signed(said, |attributes| attributes.push((AttributeType(0x7fee), vec![1, 2, 3, 4])))
}

fn without_unknown(message: Stun<'_>) -> Action {
    let view = View::new(message.bytes);
    if !view.has(AttributeType(0x7fee)) {
        return Action::Pass;
    }
    let said = said(message);
    assert!(!said.key.is_empty(), "whoever answers knows the key");
    Action::replace(signed(&said, |attributes| attributes.retain(|(ty, _)| ty.0 != 0x7fee)))
}

/// The first consent check goes out under the id of the first check of all.
fn reuse_the_first_id() -> Edit {
    let mut first: Option<TransactionId> = None;
    let mut done = false;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        if view.message_type().is_none_or(|ty| ty.class != Class::Request) {
            return Action::Pass;
        }
        let id = *first.get_or_insert(view.transaction_id().unwrap());
        if now < LATER || std::mem::replace(&mut done, true) {
            return Action::Pass;
        }
        let said = said(message);
        Action::replace(rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |attributes| {
            attributes.push((AttributeType::SOFTWARE, b"again".to_vec()));
        }))
    })
}

/// Hears no request before a time.
fn deaf(now: Duration, message: Stun<'_>, until: u64) -> Action {
    let request = message.bytes.first() == Some(&0);
    if request && now < Duration::from_millis(until) { Action::Drop } else { Action::Pass }
}

/// The first offer has one more section, with a password of eight characters.
fn short_password(session: &mut Session) {
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:8\r\n\
                   a=ice-ufrag:x4yz\r\na=ice-pwd:tooshort\r\n";
    let offer = session.signals.iter_mut().find_map(|signal| match &mut signal.body {
        SignalBody::Description { kind, sdp } if kind == "offer" => Some(sdp),
        _ => None,
    });
    offer.expect("there is an offer").push_str(section);
}

fn wrong_mapped() -> Edit {
    let mut done = false;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        let answer = view.message_type().is_some_and(|ty| ty.class == Class::SuccessResponse);
        if now < LATER || !answer || std::mem::replace(&mut done, true) {
            return Action::Pass;
        }
        let mut mapped = view.xor_mapped_address().unwrap();
        mapped.set_port(mapped.port() + 1);
        Action::replace(signed(&said(message), |attributes| {
            set(attributes, AttributeType::XOR_MAPPED_ADDRESS, &xor_address(mapped));
        }))
    })
}

/// The first answer to A arrives from another port.
fn answer_from_elsewhere(session: &mut Session) {
    let first = session.datagrams.iter_mut().find(|datagram| {
        datagram.to == Some(Place::Peer(Party::A)) && datagram.payload.starts_with(&[1, 1])
    });
    let first = first.expect("A's check is answered");
    first.source.set_port(first.source.port() + 1);
    first.seen_source.set_port(first.seen_source.port() + 1);
}

/// A check of a pair that goes nowhere.
fn stray(seen: &Seen, index: u8) -> Injection {
    let plain = |said: &&Said| !View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().find(plain).unwrap();
    let id = TransactionId([0x50 + index; 12]);
    let data = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let mut remote = said.remote;
    remote.set_port(2000 + u16::from(index));
    Injection::Datagram { local: said.local, remote, data }
}

fn second_nomination(seen: &Seen) -> Injection {
    let nominates = |said: &&Said| View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().rev().find(nominates).unwrap();
    let id = TransactionId([0x60; 12]);
    let data = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let mut remote = said.remote;
    remote.set_port(2000);
    Injection::Datagram { local: said.local, remote, data }
}

/// The first consent checks claim the other role, with a tie-breaker that wins; it is A's until
/// the conflict is over.
fn conflict(checks: usize) -> Edit {
    let mut ids: Vec<TransactionId> = Vec::new();
    let claim = move |now: Duration, message: Stun<'_>| {
        let view = View::new(message.bytes);
        let request = view.message_type().is_some_and(|ty| ty.class == Class::Request);
        let id = view.transaction_id().unwrap();
        if !request {
            return Action::Pass;
        }
        let later = now >= LATER;
        if later && !ids.contains(&id) && ids.len() < checks {
            ids.push(id);
        }
        if later && !ids.contains(&id) {
            return Action::Pass;
        }
        let role =
            if later { AttributeType::ICE_CONTROLLED } else { AttributeType::ICE_CONTROLLING };
        Action::replace(signed(&said(message), |attributes| {
            attributes.retain(|(ty, _)| *ty != AttributeType::ICE_CONTROLLING);
            attributes.push((role, vec![0xff; 8]));
        }))
    };
    // A's own stack claimed nothing and must not hear of it.
    let hush = |_: Duration, message: Stun<'_>| {
        let error = message.bytes.starts_with(&[1, 0x11]);
        if error { Action::Drop } else { Action::Pass }
    };
    Edit::default().stun(claim).received_stun(hush)
}

/// The first twenty seconds.
fn cut(session: &mut Session) {
    session.datagrams.retain(|datagram| datagram.sent < Duration::from_secs(22));
}

fn asked(seen: &Seen) -> &Said {
    seen.asked.first().expect("A asks its TURN server for an allocation")
}

/// A Send indication with a check, for a peer without permission.
fn unpermitted(seen: &Seen) -> Injection {
    let server = asked(seen);
    let plain = |said: &&Said| !View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().find(plain).unwrap();
    let id = TransactionId([0x70; 12]);
    let check = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let ty = MessageType { class: Class::Indication, method: Method::SEND };
    let peer = xor_address(([198, 51, 100, 99], 5000).into());
    let attributes = vec![(AttributeType::XOR_PEER_ADDRESS, peer), (AttributeType::DATA, check)];
    let data = write(ty, TransactionId([0x71; 12]), &attributes, &[], Protect::Fully);
    Injection::Datagram { local: server.local, remote: server.remote, data }
}

fn bad_channel(seen: &Seen) -> Injection {
    let server = asked(seen);
    let ty = MessageType { class: Class::Request, method: Method::CHANNEL_BIND };
    let peer = xor_address(([198, 51, 100, 99], 5000).into());
    let attributes = vec![
        (AttributeType::CHANNEL_NUMBER, vec![0x3f, 0xff, 0, 0]),
        (AttributeType::XOR_PEER_ADDRESS, peer),
    ];
    let data = write(ty, TransactionId([0x72; 12]), &attributes, &[], Protect::Fully);
    Injection::Datagram { local: server.local, remote: server.remote, data }
}

/// From the third second on no check of A is answered.
fn unanswered(session: &mut Session) {
    let answer = |datagram: &Datagram| {
        datagram.to == Some(Place::Peer(Party::A))
            && datagram.payload.starts_with(&[1, 1])
            && datagram.sent > Duration::from_secs(3)
    };
    session.datagrams.retain(|datagram| !answer(datagram));
}

/// Changes a digit of the fingerprint, and changes it back.
fn other_fingerprint(sdp: &str) -> String {
    let flip = |line: &str| match line.strip_prefix("a=fingerprint:sha-256 ") {
        Some(hex) => {
            let digit = u8::from_str_radix(&hex[..1], 16).unwrap() ^ 1;
            format!("a=fingerprint:sha-256 {digit:X}{}\r\n", &hex[1..])
        }
        None => format!("{line}\r\n"),
    };
    sdp.lines().map(flip).collect()
}

fn max_message_size(sdp: &str, size: &str) -> String {
    let change = |line: &str| match line.strip_prefix("a=max-message-size:") {
        Some(_) => format!("a=max-message-size:{size}\r\n"),
        None => format!("{line}\r\n"),
    };
    sdp.lines().map(change).collect()
}

/// Changes INIT and INIT ACK.
fn on_init(f: impl Fn(&mut Vec<u8>) + 'static) -> Edit {
    Edit::default().sctp(move |_, packet| {
        if !matches!(packet.get(12), Some(1 | 2)) {
            return Action::Pass;
        }
        let mut packet = packet.to_vec();
        f(&mut packet);
        set_checksum(&mut packet, Checksum::Crc32c);
        Action::replace(packet)
    })
}

/// Adds to the length of the first chunk.
fn lengthen(packet: &mut [u8], by: u16) {
    let length = u16::from_be_bytes([packet[14], packet[15]]) + by;
    packet[14..16].copy_from_slice(&length.to_be_bytes());
}

/// Where the chunks of a packet begin.
fn chunks(packet: &[u8]) -> Vec<usize> {
    let (mut at, mut all) = (12, Vec::new());
    while let Some(head) = packet.get(at..at + 4) {
        all.push(at);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
        at += length.next_multiple_of(4);
    }
    all
}

/// Where a packet has a DATA or I-DATA chunk of an application.
fn user_data(packet: &[u8]) -> Option<usize> {
    let ppid = |at: usize| match packet[at] {
        0 => packet.get(at + 12..at + 16),
        64 => packet.get(at + 16..at + 20),
        _ => None,
    };
    chunks(packet).into_iter().find(|at| ppid(*at).is_some_and(|ppid| ppid != [0, 0, 0, 50]))
}

/// Whether a packet resets streams of its sender.
fn resets(packet: &[u8]) -> bool {
    let asks = |at: usize| {
        let length = usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]]));
        let chunk = packet.get(at..at + length).unwrap_or_default();
        let mut parameter = 4;
        while let Some(head) = chunk.get(parameter..parameter + 4) {
            if head[..2] == [0, 13] {
                return true;
            }
            let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
            parameter += length.next_multiple_of(4);
        }
        false
    };
    chunks(packet).into_iter().any(|at| packet[at] == 130 && asks(at))
}

fn has_user_data(packet: &[u8]) -> bool {
    user_data(packet).is_some()
}

fn heartbeat_to_nobody(seen: &Seen) -> Vec<u8> {
    let mut packet = seen.sctp[..12].to_vec();
    packet[4] ^= 0x55;
    packet.extend([4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4]);
    set_checksum(&mut packet, Checksum::Crc32c);
    packet
}

/// A message right behind the OPEN, before anything comes back.
fn early_message() -> Edit {
    let mut done = false;
    Edit::default().message(move |message| {
        if message.ppid != 50 || message.data.first() != Some(&3) || done {
            return Action::Pass;
        }
        done = true;
        let early = StreamMessage { stream: message.stream, ppid: 51, data: b"early".to_vec() };
        Action::Replace(vec![message.clone(), early])
    })
}

/// The ClientHello that is sent again goes in a new record, which the reference peer's library
/// does not give it.
fn new_record_number(session: &mut Session) {
    let hello = |datagram: &&mut Datagram| {
        datagram.payload.first() == Some(&22) && datagram.payload.get(13) == Some(&1)
    };
    let again = session.datagrams.iter_mut().filter(hello).nth(1);
    again.expect("the ClientHello is sent again").payload[10] += 50;
}
