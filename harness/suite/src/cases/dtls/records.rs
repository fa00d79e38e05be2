//! Records from somebody who has seen the session, or has only its addresses.
//!
//! Whether a record was believed shows in the answer to the HEARTBEAT in it.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Body, Checksum, Chunk, Heartbeat};

use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// What the HEARTBEAT ACK must bring back.
const INFO: &[u8] = b"are you there";

/// How often the peer answered the HEARTBEAT.
fn answers(seen: &Seen<'_>) -> usize {
    let acks = seen
        .bodies(Way::Received)
        .filter(|(_, body)| matches!(body, Body::HeartbeatAck(ack) if ack.info() == Some(INFO)));
    acks.count()
}

pub(in crate::cases) const REPLAYED_RECORD: Case = Case {
    id: "dtls/replayed-record",
    title: "A record is sent twice, bit for bit: its content counts once",
    about: "The record holds a HEARTBEAT, which SCTP would answer as often as it comes. Replay \
            detection is optional in DTLS 1.2, so a second answer is no failure; it is told.",
    tests: &["RFC 6347 §4.1.2.6", "RFC 9147 §4.5.1"],
    layer: Layer::Dtls,
    make: || Box::new(Replay { state: State::Waiting }),
    ..Case::USUAL
};

struct Replay {
    state: State,
}

enum State {
    Waiting,
    /// The next datagram is the one.
    Armed,
    /// To be sent again at this time.
    Caught(Duration, Vec<u8>),
    Done,
}

impl Tamper for Replay {
    fn dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        if matches!(self.state, State::Armed) {
            self.state = State::Caught(now + Duration::from_millis(100), datagram.to_vec());
        }
        Action::Pass
    }

    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Caught(at, datagram) if at <= now => vec![Injection::Transport(datagram)],
            other => {
                self.state = other;
                Vec::new()
            }
        }
    }

    fn wake(&self) -> Option<Duration> {
        if let State::Caught(at, _) = &self.state { Some(*at) } else { None }
    }
}

const REPLAY: Duty = Duty {
    text: "RFC 6347 §4.1.2.6: a record that was received before is discarded, where replay \
           detection is in use",
    expected: "one HEARTBEAT ACK",
};

impl Hostile for Replay {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        self.state = State::Armed;
        log.inject_chunks(vec![Chunk::Heartbeat(Heartbeat { info: INFO.to_vec() })])
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        vec![match answers(seen) {
            0 => REPLAY.fail("no HEARTBEAT ACK"),
            1 => REPLAY.pass("one HEARTBEAT ACK"),
            more => REPLAY.nonstrict(format!("{more} HEARTBEAT ACKs")),
        }]
    }
}

pub(in crate::cases) const PLAIN_APPLICATION_DATA: Case = Case {
    id: "dtls/plain-application-data",
    title: "An SCTP packet in a record of epoch 0: not believed",
    about: "Epoch 0 is not encrypted, so anyone can write it. After the handshake nothing in it \
            may reach SCTP (wolfssl#3219 took it).",
    tests: &["RFC 6347 §4.1", "RFC 9147 §4.2.1"],
    layer: Layer::Dtls,
    make: || Box::new(Plain),
    ..Case::USUAL
};

struct Plain;

impl Tamper for Plain {}

const UNPROTECTED: Duty = Duty {
    text: "RFC 6347 §4.1: application data is protected by the current epoch; what is not is \
           discarded",
    expected: "no HEARTBEAT ACK",
};

impl Hostile for Plain {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let heartbeat = Chunk::Heartbeat(Heartbeat { info: INFO.to_vec() });
        let Some(packet) = log.packet(vec![heartbeat]) else { return Vec::new() };
        let content = packet.encode(Checksum::Crc32c).unwrap_or_default();
        let length = u16::try_from(content.len()).unwrap_or_default();
        // application_data, DTLS 1.2, epoch 0, a sequence number no handshake reaches.
        let mut record = vec![23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0x10, 0];
        record.extend(length.to_be_bytes());
        record.extend(content);
        vec![Injection::Transport(record)]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let count = answers(seen);
        vec![UNPROTECTED.met(count == 0, format!("{count} HEARTBEAT ACKs"))]
    }
}
