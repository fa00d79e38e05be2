//! What would be seen of peers that do the wrong thing: evidence of an honest run, changed so that
//! one duty was missed.

use std::time::Duration;

use rtcspec_adapter_reference::{Reference, ReferenceEndpoint};
use rtcspec_control::{Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint};
use rtcspec_peer::tamper::{Action, StreamMessage, Tamper};
use rtcspec_wire::dcep::{ACK, OPEN};
use rtcspec_wire::sctp::{
    Abort, Cause, Checksum, Chunk, ChunkType, CookieEcho, ForwardTsn, Heartbeat, OperationError,
    Packet, PacketView, Parameter, ParameterType, Tsn, VerificationTag,
};
use rtcspec_wire::stun::{AttributeType, Class, MessageType, Method, Seal, View, Writer};

use super::log::{Kind, Log, Noted, Way};
use super::ruling::SeenChannel;
use super::stun_craft::CRAFTED;

/// Evidence that can be changed.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) log: Log,
    pub(crate) channels: Vec<SeenChannel>,
    pub(crate) end: Duration,
}

/// Makes the evidence that of a peer that missed a duty.
pub(crate) type Doctor = fn(&mut Evidence);

/// What each case that rules for itself has to find fault with.
pub(super) fn of(id: &str) -> Option<Doctor> {
    let (layer, _) = id.split_once('/')?;
    match layer {
        "sctp" => of_setup(id).or_else(|| of_chunks(id)),
        "dcep" => of_channels(id),
        "dtls" => of_dtls(id),
        "ice" => of_ice(id),
        "sdp" => of_descriptions(id),
        "stun" => of_stun(id),
        _ => None,
    }
}

/// How an association is set up.
fn of_setup(id: &str) -> Option<Doctor> {
    Some(match id {
        "sctp/cookie-altered" | "sctp/cookie-too-long" | "sctp/cookie-too-short" => {
            Evidence::acknowledge_every_cookie
        }
        "sctp/cookie-behind-stop" => |seen| {
            let cookie = b"biscuit".to_vec();
            seen.packet(vec![Chunk::CookieEcho(CookieEcho { cookie })]);
        },
        "sctp/cookie-foreign" => |seen| seen.packet(vec![Chunk::CookieAck]),
        "sctp/cookie-of-no-bytes"
        | "sctp/hmac-list-odd"
        | "sctp/last-parameter-cut"
        | "sctp/short-init"
        | "sctp/zero-parameter-length" => Evidence::abort,
        "sctp/init-collision" => |seen| seen.log.forget(|n| holds(n, ChunkType::INIT_ACK)),
        "sctp/init-retransmitted" => Evidence::one_init,
        "sctp/init-tag" => |seen| seen.tagged(VerificationTag(0xbad1_bad1)),
        "sctp/late-init" => |seen| seen.log.forget(|note| holds(note, ChunkType::INIT_ACK)),
        "sctp/unknown-parameter-skip" => |seen| seen.report_parameter(0xbfe0),
        "sctp/unknown-parameter-stop" => |seen| seen.report_parameter(0x3fe0),
        "sctp/unknown-parameter-skip-report" | "sctp/unknown-parameter-stop-report" => |seen| {
            seen.log.forget(|note| note.kind == Kind::Sctp);
        },
        _ => return None,
    })
}

/// What becomes of chunks in an association that is up.
fn of_chunks(id: &str) -> Option<Doctor> {
    Some(match id {
        "sctp/zero-window" => Evidence::come_all_at_once,
        "sctp/auth-chunk-short"
        | "sctp/cause-beyond-chunk"
        | "sctp/chunks-without-value"
        | "sctp/forward-tsn-under-loss"
        | "sctp/packet-drop-length"
        | "sctp/sack-beyond-sent"
        | "sctp/sack-counts"
        | "sctp/zero-chunk-length" => Evidence::abort,
        "sctp/forward-tsn-with-data" | "sctp/heartbeat-ack-with-data" | "sctp/sack-with-data" => {
            |seen| seen.log.forget(|note| holds(note, ChunkType::SACK))
        }
        "sctp/duplicate-data" => |seen| {
            seen.channels.iter_mut().for_each(|channel| channel.received.extend([100; 3]));
        },
        "sctp/heartbeat-with-data"
        | "sctp/unknown-chunk-skip"
        | "sctp/unknown-chunk-skip-report" => {
            |seen| seen.log.forget(|note| holds(note, ChunkType::HEARTBEAT_ACK))
        }
        "sctp/limit-zero" => |seen| {
            let streams = Vec::new();
            seen.packet(vec![Chunk::ForwardTsn(ForwardTsn {
                new_cumulative_tsn: Tsn(1),
                streams,
            })]);
        },
        "sctp/limit-zero-loss" => |seen| {
            seen.log.forget(|note| holds(note, ChunkType::FORWARD_TSN));
        },
        "sctp/unknown-chunk-stop" | "sctp/unknown-chunk-stop-report" => {
            |seen| seen.heartbeat_ack(b"behind the unknown")
        }
        _ => return None,
    })
}

fn of_channels(id: &str) -> Option<Doctor> {
    Some(match id {
        "dcep/data-before-ack" | "dcep/data-with-open" => |seen| {
            seen.channels.iter_mut().for_each(|channel| channel.received.reverse());
        },
        "dcep/ack-without-channel" => |seen| {
            let (label, protocol) = ("stray".to_owned(), String::new());
            seen.channels.push(SeenChannel { label, protocol, received: Vec::new() });
        },
        "dcep/duplicate-open" | "dcep/label-not-utf8" | "dcep/lengths-past-end" => {
            Evidence::acknowledge_every_open
        }
        "dcep/names-in-bytes" => Evidence::count_characters,
        "dcep/unopened-stream" => |seen| {
            let (label, protocol) = ("stray".to_owned(), String::new());
            seen.channels.push(SeenChannel { label, protocol, received: vec![10] });
        },
        "dcep/wrong-parity" => Evidence::acknowledge_every_open,
        _ => return None,
    })
}

fn of_dtls(id: &str) -> Option<Doctor> {
    Some(match id {
        "dtls/before-selected-pair" => |seen| seen.receive(seen.end, Kind::Dtls, vec![22; 40]),
        "dtls/empty-fragment"
        | "dtls/fragment-claims-16-mib"
        | "dtls/fragments-contradict"
        | "dtls/fragments-of-many"
        | "dtls/fragments-of-two"
        | "dtls/fragments-overlap"
        | "dtls/psk-key-exchange" => {
            |seen| seen.log.forget(|note| matches!(note.kind, Kind::Sctp | Kind::Dtls))
        }
        "dtls/no-certificate-verify" => |seen| seen.heartbeat_ack(b"hello"),
        "dtls/lost-last-flight" => |seen| seen.log.forget(|note| note.kind == Kind::Sctp),
        "dtls/plain-application-data" => |seen| seen.heartbeat_ack(b"are you there"),
        "dtls/replayed-record" => |seen| seen.heartbeat_ack(b"are you there"),
        "dtls/wrong-fingerprint" => |seen| seen.heartbeat_ack(b"hello"),
        _ => return None,
    })
}

fn of_ice(id: &str) -> Option<Doctor> {
    Some(match id {
        "ice/consent-checked" => Evidence::most_checks_missing,
        "ice/consent-withheld" => |seen| seen.receive(seen.end, Kind::Dtls, vec![23; 40]),
        "ice/role-conflict-equal" | "ice/role-conflict-largest" | "ice/role-conflict-zero" => {
            |seen| seen.answer(Some(400))
        }
        _ => return None,
    })
}

fn of_descriptions(id: &str) -> Option<Doctor> {
    Some(match id {
        "sdp/candidate-odd-extension" | "sdp/candidate-port-wraps" => {
            |seen| seen.log.forget(|note| matches!(note.kind, Kind::Stun { .. }))
        }
        "sdp/nul-in-attribute"
        | "sdp/no-timing"
        | "sdp/payload-type-over-127"
        | "sdp/payload-type-wraps"
        | "sdp/port-from-text"
        | "sdp/second-version" => Evidence::checked,
        "sdp/many-lines"
        | "sdp/no-connection"
        | "sdp/packet-time-overflows"
        | "sdp/unprotected-media" => |seen| seen.log.forget(|note| note.kind == Kind::Sctp),
        _ => return None,
    })
}

fn of_stun(id: &str) -> Option<Doctor> {
    Some(match id {
        "stun/attributes-after-integrity" | "stun/unknown-optional-attribute" => {
            |seen| seen.answer(Some(420))
        }
        "stun/attribute-length-wraps"
        | "stun/attribute-past-end"
        | "stun/reason-not-utf8"
        | "stun/unknown-required-attribute"
        | "stun/wrong-username"
        | "stun/wrong-integrity"
        | "stun/missing-integrity"
        | "stun/nineteen-bytes"
        | "stun/bad-fingerprint"
        | "stun/length-not-in-fours"
        | "stun/binding-indication"
        | "stun/unknown-transaction"
        | "stun/xor-address-too-long" => |seen| seen.answer(None),
        _ => return None,
    })
}

fn holds(note: &Noted, wanted: ChunkType) -> bool {
    let view = PacketView::new(&note.bytes).ok().filter(|_| note.kind == Kind::Sctp);
    view.is_some_and(|view| view.chunks().any(|chunk| chunk.chunk_type() == wanted))
}

impl Evidence {
    /// What came after the first message came together, a second later.
    fn come_all_at_once(&mut self) {
        let (mut last, mut first) = (None, None);
        self.log.change(|note| {
            if note.way != Way::Received || note.kind != Kind::Sctp {
                return;
            }
            match (first, last.replace(note.at)) {
                (Some(first), _) => note.at = first + Duration::from_secs(1),
                (None, Some(last)) if note.at > last + Duration::from_millis(500) => {
                    first = Some(note.at);
                }
                _ => {}
            }
        });
    }

    /// One more thing received.
    fn receive(&mut self, at: Duration, kind: Kind, bytes: Vec<u8>) {
        self.log.add(Noted { at, way: Way::Received, kind, bytes });
    }

    fn packet(&mut self, chunks: Vec<Chunk>) {
        let tag = VerificationTag(1);
        let packet =
            Packet { source_port: 5000, destination_port: 5000, verification_tag: tag, chunks };
        let bytes = packet.encode(Checksum::Crc32c).expect("a few short chunks");
        self.receive(self.end, Kind::Sctp, bytes);
    }

    /// The association ends.
    fn abort(&mut self) {
        self.packet(vec![Chunk::Abort(Abort::default())]);
    }

    fn heartbeat_ack(&mut self, info: &[u8]) {
        self.packet(vec![Chunk::HeartbeatAck(Heartbeat { info: info.to_vec() })]);
    }

    /// The crafted message is answered by success, or by an error, and by nothing else.
    fn answer(&mut self, error: Option<u16>) {
        self.log.forget(|note| {
            let is_stun = matches!(note.kind, Kind::Stun { .. });
            is_stun && View::new(&note.bytes).transaction_id() == Some(CRAFTED)
        });
        let class = if error.is_some() { Class::ErrorResponse } else { Class::SuccessResponse };
        let mut bytes = Vec::new();
        let kind = MessageType { class, method: Method::BINDING };
        let mut writer = Writer::new(&mut bytes, kind, CRAFTED);
        if let Some(code) = error {
            let (hundreds, rest) = ((code / 100) as u8, (code % 100) as u8);
            writer.bytes(AttributeType::ERROR_CODE, &[0, 0, hundreds, rest]);
        }
        writer.finish(&Seal::none()).expect("a few bytes");
        let address = ([192, 0, 2, 1], 1).into();
        self.receive(self.end, Kind::Stun { local: address, remote: address, key: None }, bytes);
    }

    /// The COOKIE ACK came at once, whatever was in the cookie.
    fn acknowledge_every_cookie(&mut self) {
        let echoed = self
            .log
            .chunks(Way::Sent)
            .find_map(|(at, chunk)| (chunk.chunk_type() == ChunkType::COOKIE_ECHO).then_some(at));
        self.end = echoed.unwrap_or(self.end);
        self.packet(vec![Chunk::CookieAck]);
    }

    /// A check came.
    fn checked(&mut self) {
        let mut bytes = Vec::new();
        let kind = MessageType { class: Class::Request, method: Method::BINDING };
        let writer = Writer::new(&mut bytes, kind, CRAFTED);
        writer.finish(&Seal::none()).expect("no attribute");
        let address = ([192, 0, 2, 1], 1).into();
        self.receive(self.end, Kind::Stun { local: address, remote: address, key: None }, bytes);
    }

    fn most_checks_missing(&mut self) {
        let mut count = 0;
        self.log.forget(|note| {
            count += usize::from(matches!(note.kind, Kind::Stun { .. }));
            matches!(note.kind, Kind::Stun { .. }) && !count.is_multiple_of(12)
        });
    }

    fn one_init(&mut self) {
        let mut count = 0;
        self.log.forget(|note| {
            count += usize::from(holds(note, ChunkType::INIT));
            holds(note, ChunkType::INIT) && count > 1
        });
    }

    /// An INIT ACK with this verification tag.
    fn tagged(&mut self, verification_tag: VerificationTag) {
        let init = self.log.packets(Way::Received).chain(self.log.packets(Way::Sent)).find_map(
            |(_, packet)| match Packet::from_view(&packet).ok()?.chunks.into_iter().next()? {
                Chunk::Init(init) | Chunk::InitAck(init) => Some(init),
                _ => None,
            },
        );
        let chunks = init.into_iter().map(Chunk::InitAck).collect();
        let packet = Packet { source_port: 5000, destination_port: 5000, verification_tag, chunks };
        let bytes = packet.encode(Checksum::Crc32c).expect("an INIT ACK");
        self.receive(self.end, Kind::Sctp, bytes);
    }

    fn report_parameter(&mut self, number: u16) {
        let parameter_type = ParameterType(number);
        let parameter = Parameter::Other { parameter_type, value: b"who?".to_vec() };
        let cause = Cause::unrecognized(&[parameter]).expect("a short parameter");
        self.packet(vec![Chunk::Error(OperationError { causes: vec![cause] })]);
    }

    /// Every OPEN that was sent late is acknowledged.
    fn acknowledge_every_open(&mut self) {
        let opens: Vec<u16> = self
            .log
            .messages(Way::Sent, 50)
            .filter(|(_, stream, data)| *stream >= 100 && data.first() == Some(&OPEN))
            .map(|(_, stream, _)| stream)
            .collect();
        for stream in opens {
            self.receive(self.end, Kind::Message { stream, ppid: 50 }, vec![ACK]);
        }
    }

    /// Every OPEN says how many characters its label has.
    fn count_characters(&mut self) {
        self.log.change(|note| {
            let is_open = matches!(note.kind, Kind::Message { ppid: 50, .. });
            if is_open && note.bytes.first() == Some(&OPEN) && note.bytes.len() > 16 {
                note.bytes[9] = 3;
            }
        });
    }
}

/// The reference peer, which says nothing over DTLS any more once a channel is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mute;

impl Implementation for Mute {
    fn hello(&self) -> Hello {
        Reference.hello()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        Ok(Box::new(ReferenceEndpoint::new(context).with_tamper(GoesMute { from: None })))
    }
}

struct GoesMute {
    from: Option<Duration>,
}

impl GoesMute {
    fn look(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        if message.ppid == 50 && message.data.first() == Some(&ACK) {
            self.from.get_or_insert(now + Duration::from_millis(100));
        }
        Action::Pass
    }
}

impl Tamper for GoesMute {
    fn dtls(&mut self, now: Duration, _: &[u8]) -> Action {
        if self.from.is_some_and(|from| from < now) { Action::Drop } else { Action::Pass }
    }

    fn message(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        self.look(now, message)
    }

    fn received_message(&mut self, now: Duration, m: &StreamMessage) -> Action<StreamMessage> {
        self.look(now, m)
    }
}
