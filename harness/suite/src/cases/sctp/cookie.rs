//! State cookies that are not what the peer made, or are not there (RFC 9260 §5.1.3, §5.1.5).

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Chunk, ChunkType, Parameter, ParameterType};

use super::{aborted, edited};
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// The usual play with the hostile side as DTLS client, so that it sends the INIT and the cookie.
pub(super) const PEER_IS_SERVER: &str = r#"
[peer.hostile.dtls]
role = "active"

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

const FAMILY: Case = Case {
    tests: &["RFC 9260 §5.1.5"],
    layer: Layer::Sctp,
    roles: crate::cases::Roles::Offerer,
    play: PEER_IS_SERVER,
    ..Case::USUAL
};

pub(in crate::cases) const COOKIE_ALTERED: Case = Case {
    id: "sctp/cookie-altered",
    title: "A COOKIE ECHO whose first eight bytes are all ones: discarded in silence",
    about: "A cookie is signed by who made it, so a changed one is somebody else's. usrsctp added \
            its lifetime to the time in it, which overflowed (f4925bd5). The true cookie follows \
            when T1 expires.",
    make: || Box::new(Echo::with(|cookie| cookie.iter_mut().take(8).for_each(|byte| *byte = 0xff))),
    ..FAMILY
};

pub(in crate::cases) const COOKIE_TOO_SHORT: Case = Case {
    id: "sctp/cookie-too-short",
    title: "A COOKIE ECHO without its last byte: discarded in silence",
    about: "What is read out of it may not go beyond it (Linux CVE-2026-53224, CVE-2026-53246). \
            The true cookie follows when T1 expires.",
    make: || Box::new(Echo::with(|cookie| cookie.truncate(cookie.len().saturating_sub(1)))),
    ..FAMILY
};

pub(in crate::cases) const COOKIE_TOO_LONG: Case = Case {
    id: "sctp/cookie-too-long",
    title: "A COOKIE ECHO with four bytes more: discarded in silence",
    about: "Nothing signed them, and nothing behind the cookie may be used (Linux CVE-2026-53224, \
            CVE-2026-53246). The true cookie follows when T1 expires.",
    make: || Box::new(Echo::with(|cookie| cookie.extend([0; 4]))),
    ..FAMILY
};

/// Changes the cookie of the first COOKIE ECHO.
struct Echo {
    change: fn(&mut Vec<u8>),
    sent: Option<Duration>,
    repeated: Option<Duration>,
}

impl Echo {
    fn with(change: fn(&mut Vec<u8>)) -> Self {
        Self { change, sent: None, repeated: None }
    }
}

impl Tamper for Echo {
    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        let mut found = false;
        let changed = edited(packet, |packet| {
            for chunk in &mut packet.chunks {
                if let Chunk::CookieEcho(echo) = chunk {
                    (self.change)(&mut echo.cookie);
                    found = true;
                }
            }
        });
        match (found, self.sent) {
            (true, None) => {
                self.sent = Some(now);
                changed.map_or(Action::Pass, Action::replace)
            }
            (true, Some(_)) => {
                self.repeated.get_or_insert(now);
                Action::Pass
            }
            _ => Action::Pass,
        }
    }
}

const DISCARD: Duty = Duty {
    text: "RFC 9260 §5.1.5: a COOKIE ECHO whose cookie this side did not sign is discarded in \
           silence",
    expected: "no answer before the true cookie",
};

impl Hostile for Echo {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(sent) = self.sent else {
            return vec![DISCARD.info("this side sent no COOKIE ECHO")];
        };
        let until = self.repeated.unwrap_or(seen.end());
        let mut answers = seen.chunks(Way::Received).filter(|(at, chunk)| {
            let answer = [ChunkType::COOKIE_ACK, ChunkType::ABORT, ChunkType::ERROR];
            (sent..until).contains(at) && answer.contains(&chunk.chunk_type())
        });
        vec![match answers.next() {
            None => DISCARD.pass("no answer"),
            Some((_, chunk)) => DISCARD.fail(chunk.chunk_type().to_string()),
        }]
    }
}

pub(in crate::cases) const COOKIE_FOREIGN: Case = Case {
    id: "sctp/cookie-foreign",
    title: "A COOKIE ECHO of somebody else in a session that is up: discarded in silence",
    about: "It looks like the cookie of the Linux kernel, an INIT that claims more bytes than \
            there are (CVE-2026-53224). The session goes on, and nothing is said of it.",
    tests: &["RFC 9260 §5.1.5", "RFC 9260 §5.2.4"],
    layer: Layer::Sctp,
    make: || Box::new(Foreign),
    ..Case::USUAL
};

struct Foreign;

impl Tamper for Foreign {}

impl Hostile for Foreign {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        log.inject_raw_chunks(&[
            10, 0, 0, 24, 1, 0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1,
        ])
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let acked = seen
            .chunks(Way::Received)
            .any(|(at, chunk)| at > seen.struck() && chunk.chunk_type() == ChunkType::COOKIE_ACK);
        vec![match (acked, aborted(seen)) {
            (true, _) => DISCARD.fail("COOKIE ACK"),
            (_, true) => DISCARD.fail("ABORT"),
            _ => DISCARD.pass("no answer"),
        }]
    }
}

pub(in crate::cases) const COOKIE_BEHIND_STOP: Case = Case {
    id: "sctp/cookie-behind-stop",
    title: "A state cookie behind a parameter that ends the reading: not found",
    about: "Each INIT ACK of the hostile side has an unknown parameter of type 00 before its \
            cookie, so that the cookie is not read, and an INIT ACK without one is refused. \
            usrsctp looked for it all the same (usrsctp#351, #352).",
    tests: &["RFC 9260 §3.2.1", "RFC 9260 §3.3.3"],
    layer: Layer::Sctp,
    roles: crate::cases::Roles::Answerer,
    limit: "10s",
    to_the_limit: true,
    play: "\n[peer.hostile.dtls]\nrole = \"passive\"\n\n[[expect]]\nnot-connected = true\n",
    make: || Box::new(BehindStop { sent: false }),
    ..Case::USUAL
};

struct BehindStop {
    sent: bool,
}

impl Tamper for BehindStop {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let mut kinds = Vec::new();
        let changed = edited(packet, |packet| {
            for chunk in &mut packet.chunks {
                kinds.push(chunk.chunk_type());
                if let Chunk::InitAck(init) = chunk {
                    let stop = ParameterType(0x3fe0);
                    let stop = Parameter::Other { parameter_type: stop, value: b"stop".to_vec() };
                    init.parameters.insert(0, stop);
                }
            }
        });
        match kinds.first() {
            // This side sends no INIT of its own, whose answer would be in order.
            Some(&ChunkType::INIT) => Action::Drop,
            Some(&ChunkType::INIT_ACK) => {
                self.sent = true;
                changed.map_or(Action::Pass, Action::replace)
            }
            _ => Action::Pass,
        }
    }
}

const NOT_FOUND: Duty = Duty {
    text: "RFC 9260 §3.2.1: after an unknown parameter of type 00 no further parameter is \
           processed, a state cookie neither",
    expected: "no COOKIE ECHO",
};

impl Hostile for BehindStop {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        if !self.sent {
            return vec![NOT_FOUND.info("the peer sent no INIT")];
        }
        let echoed = seen
            .chunks(Way::Received)
            .any(|(_, chunk)| chunk.chunk_type() == ChunkType::COOKIE_ECHO);
        let actual = if echoed { "a COOKIE ECHO" } else { "no COOKIE ECHO" };
        vec![NOT_FOUND.met(!echoed, actual)]
    }
}
