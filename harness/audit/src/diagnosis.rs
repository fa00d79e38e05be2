//! How far a connection came, and why no further.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{Event, Handshake, Kind, Purpose, Side, Stun};
use rtcspec_wire::dcep;
use rtcspec_wire::dtls::{Alert, AlertDescription, AlertLevel, HandshakeType, ProtocolVersion};
use rtcspec_wire::sctp::{Body, CauseView, InitView, ParameterType};
use rtcspec_wire::stun::Class;

use crate::report::Diagnosis;

/// Parameters that stacks have known, or skipped, since RFC 3758, RFC 4895 and RFC 5061: a younger
/// one is the likelier reason of a refusal.
const LONG_KNOWN: [u16; 6] = [0x8000, 0x8002, 0x8003, 0x8004, 0x8008, 0xc000];

/// Watches the milestones of one connection.
#[derive(Debug, Default)]
pub(crate) struct Diagnoser {
    checks: u64,
    answers: u64,
    refusals: u64,
    nominated: bool,
    unauthenticated: u64,
    first_check: Option<u64>,
    hello: Option<(Side, u64)>,
    server_hello: bool,
    version: Option<ProtocolVersion>,
    ready: bool,
    fatal: Option<(Side, Alert, u64)>,
    /// What each side sent of the SCTP handshake.
    sctp: BTreeMap<Side, Attempts>,
    init_frame: Option<u64>,
    cookie_echo: bool,
    cookie_ack: bool,
    data: bool,
    /// Who ended the association before it was up, and the first cause.
    abort: Option<(Side, String, u64)>,
    opens: u64,
    acks: u64,
    messages: u64,
    media: u64,
    hidden: u64,
    /// It is SCTP outside DTLS, from a log.
    plain: bool,
}

/// What one side sent of the SCTP handshake.
#[derive(Debug, Default)]
struct Attempts {
    inits: u64,
    init_acks: u64,
    /// Parameters outside RFC 9260, for whoever has to find the one that was refused.
    parameters: BTreeSet<u16>,
}

impl Diagnoser {
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match &event.kind {
            Kind::Stun(stun) if stun.purpose == Purpose::Check => self.check(event, stun),
            Kind::Record(record) if record.epoch > 0 && record.content.is_err() => {
                self.hidden += 1;
            }
            Kind::Handshake(handshake) => self.handshake(event, handshake),
            Kind::Alert(found) => {
                if let Ok(alert) = found.alert {
                    let closes = alert.description == AlertDescription::CLOSE_NOTIFY;
                    let fatal = alert.level == AlertLevel::FATAL && !closes;
                    if fatal && self.fatal.is_none() {
                        self.fatal = Some((event.from, alert, event.number));
                    }
                }
            }
            Kind::DtlsReady(ready) => {
                self.ready = true;
                self.version = Some(ready.version);
            }
            Kind::Sctp(_) => self.plain |= event.carrier == Carrier::Sctp,
            Kind::Chunk(chunk) => {
                if let Ok(body) = chunk.body {
                    self.chunk(event, body);
                }
            }
            Kind::Dcep(found) => match found.view {
                dcep::View::Open(_) => self.opens += 1,
                dcep::View::Ack(_) => self.acks += 1,
                _ => {}
            },
            Kind::Message(_) => self.messages += 1,
            Kind::Rtp(_) => self.media += 1,
            _ => {}
        }
    }

    fn check(&mut self, event: &Event<'_>, stun: &Stun<'_>) {
        match stun.view.message_type().map(|ty| ty.class) {
            Some(Class::Request) => {
                self.checks += 1;
                self.first_check.get_or_insert(event.number);
            }
            Some(Class::SuccessResponse) => {
                self.answers += 1;
                self.nominated |= stun.transaction.is_some_and(|known| known.use_candidate);
            }
            Some(Class::ErrorResponse) => {
                self.refusals += 1;
                let code = stun.view.error_code().map(|code| code.code());
                self.unauthenticated += u64::from(code == Some(401));
            }
            _ => {}
        }
    }

    fn handshake(&mut self, event: &Event<'_>, handshake: &Handshake<'_>) {
        match handshake.msg_type {
            HandshakeType::CLIENT_HELLO => {
                self.hello.get_or_insert((event.from, event.number));
            }
            HandshakeType::SERVER_HELLO => self.server_hello = true,
            _ => {}
        }
    }

    fn chunk(&mut self, event: &Event<'_>, body: Body<'_>) {
        match body {
            Body::Init(init) => {
                self.init_frame.get_or_insert(event.number);
                self.attempts(event.from, init).inits += 1;
            }
            Body::InitAck(init) => self.attempts(event.from, init).init_acks += 1,
            Body::CookieEcho(_) => self.cookie_echo = true,
            Body::CookieAck => self.cookie_ack = true,
            Body::Data(_) | Body::IData(_) => self.data = true,
            Body::Abort(abort) => {
                let cause = abort.causes().next().map(|cause| cause_words(&cause));
                let cause = cause.unwrap_or_else(|| "no cause".to_owned());
                self.abort.get_or_insert((event.from, cause, event.number));
            }
            _ => {}
        }
    }

    fn attempts(&mut self, from: Side, init: InitView<'_>) -> &mut Attempts {
        let attempts = self.sctp.entry(from).or_default();
        for parameter in init.parameters().take(32) {
            let ty = parameter.parameter_type().0;
            if ty >= 0x8000 && attempts.parameters.len() < 8 {
                attempts.parameters.insert(ty);
            }
        }
        attempts
    }

    /// Takes over what was seen outside any connection.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.hidden += other.hidden;
        self.media += other.media;
    }

    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let mut found = Diagnosis {
            ice: self.ice(),
            dtls: self.dtls(),
            sctp: self.sctp(),
            channel: self.channel(),
            ..Diagnosis::default()
        };
        let (stopped, frame) = self.stopped();
        found.connected = stopped.is_none();
        found.frames = frame.into_iter().collect();
        let layers = [&found.ice, &found.dtls, &found.sctp, &found.channel];
        let layers: Vec<&str> =
            layers.into_iter().map(String::as_str).filter(|layer| !layer.is_empty()).collect();
        found.line = match stopped {
            Some(why) => why,
            None => layers.join(", "),
        };
        found
    }

    fn ice(&self) -> String {
        if self.plain {
            return "SCTP outside DTLS".to_owned();
        }
        if self.checks == 0 {
            return "no checks".to_owned();
        }
        let state = if self.nominated {
            "nominated"
        } else if self.answers > 0 {
            "answered, not nominated"
        } else {
            "unanswered"
        };
        format!("ICE {state} ({} checks, {} answers)", self.checks, self.answers)
    }

    fn dtls(&self) -> String {
        let version = self.version.map_or_else(String::new, |version| format!(" {version}"));
        if self.ready {
            let hidden = if self.hidden > 0 { ", keys missing" } else { "" };
            format!("DTLS{version} up{hidden}")
        } else if self.hello.is_some() {
            "DTLS begun".to_owned()
        } else {
            String::new()
        }
    }

    fn sctp(&self) -> String {
        if self.established() {
            "SCTP up".to_owned()
        } else if !self.sctp.is_empty() {
            let sum = |of: fn(&Attempts) -> u64| self.sctp.values().map(of).sum::<u64>();
            let (inits, acks) = (sum(|side| side.inits), sum(|side| side.init_acks));
            format!("SCTP begun ({inits} INIT, {acks} INIT ACK)")
        } else {
            String::new()
        }
    }

    fn channel(&self) -> String {
        let mut words = Vec::new();
        if self.opens > 0 {
            words.push(format!("{} of {} channels acknowledged", self.acks, self.opens));
        }
        if self.messages > 0 {
            words.push(format!("{} messages", self.messages));
        }
        if self.media > 0 {
            words.push(format!("{} RTP packets", self.media));
        }
        words.join(", ")
    }

    fn established(&self) -> bool {
        self.cookie_ack || self.data
    }

    /// Why it did not come up, and the frame that shows it.
    fn stopped(&self) -> (Option<String>, Option<u64>) {
        if let Some((from, alert, frame)) = self.fatal
            && !self.ready
        {
            let number = alert.description.0;
            let why = format!(
                "DTLS failed: alert {number} {} from {from} (frame {frame}), {}",
                alert.description,
                self.reached_dtls()
            );
            return (Some(why), Some(frame));
        }
        if self.ready || self.media > 0 || self.plain {
            return self.stopped_in_sctp();
        }
        if self.checks == 0 && self.hello.is_none() {
            return (None, None);
        }
        if let Some((from, frame)) = self.hello {
            let why = if self.server_hello {
                format!("DTLS stopped after the ServerHello; the ClientHello is frame {frame}")
            } else {
                format!("DTLS stopped: the ClientHello of {from} (frame {frame}) is not answered")
            };
            return (Some(why), Some(frame));
        }
        let why = if self.answers == 0 {
            let refused = self.refusals;
            let refused = if refused > 0 { format!(", {refused} errors") } else { String::new() };
            format!("ICE failed: {} checks, none answered with success{refused}", self.checks)
        } else {
            format!("ICE came up ({} answers), and no DTLS followed", self.answers)
        };
        (Some(why), self.first_check)
    }

    fn reached_dtls(&self) -> &'static str {
        if self.server_hello { "after the ServerHello" } else { "in answer to the ClientHello" }
    }

    fn stopped_in_sctp(&self) -> (Option<String>, Option<u64>) {
        if self.established() || self.sctp.is_empty() {
            return (None, None);
        }
        if let Some((from, cause, frame)) = &self.abort {
            let why =
                format!("SCTP failed: {from} aborts the handshake with {cause} (frame {frame})");
            return (Some(why + &self.only_of(from.other())), Some(*frame));
        }
        let frame = self.init_frame;
        if self.cookie_echo {
            return (Some("SCTP stopped: the COOKIE ECHO is not answered".to_owned()), frame);
        }
        // Whoever sent INIT, or answered one, and got nothing for it.
        let refused = self.sctp.iter().max_by_key(|(side, attempts)| {
            let answers = self.sctp.get(&side.other()).map_or(0, |other| other.init_acks);
            (answers == 0, attempts.inits + attempts.init_acks)
        });
        let Some((side, attempts)) = refused else { return (None, None) };
        let other = side.other();
        let answers = self.sctp.get(&other).map_or(0, |other| other.init_acks);
        let mut why = if answers == 0 && attempts.inits > 0 {
            format!("SCTP stopped: {other} answers none of {} INIT of {side}", attempts.inits)
        } else {
            format!("SCTP stopped: no COOKIE ECHO follows {answers} INIT ACK of {other}")
        };
        if attempts.init_acks > 0 {
            why += &format!(" and takes none of its {} INIT ACK", attempts.init_acks);
        }
        (Some(why + &self.only_of(*side)), frame)
    }

    /// Parameters that one side sends and the other does not: the likely reason of a refusal.
    fn only_of(&self, side: Side) -> String {
        let Some(own) = self.sctp.get(&side) else { return String::new() };
        let theirs = self.sctp.get(&side.other());
        let unknown = |ty: &&u16| theirs.is_none_or(|theirs| !theirs.parameters.contains(ty));
        let alone: Vec<&u16> = own.parameters.iter().filter(unknown).collect();
        let recent = alone.iter().any(|ty| !LONG_KNOWN.contains(ty));
        let list: Vec<String> = alone
            .into_iter()
            .filter(|ty| !recent || !LONG_KNOWN.contains(ty))
            .map(|ty| match ParameterType(*ty).name() {
                Some(name) => format!("{ty:#06x} {name}"),
                None => format!("{ty:#06x}"),
            })
            .collect();
        if list.is_empty() {
            return String::new();
        }
        format!("; of {side} alone: parameter {}", list.join(", "))
    }
}

fn cause_words(cause: &CauseView<'_>) -> String {
    let code = cause.code();
    let about: Vec<String> = cause
        .value()
        .first_chunk::<2>()
        .filter(|_| code.0 == 8)
        .map(|bytes| format!(" ({:#06x})", u16::from_be_bytes(*bytes)))
        .into_iter()
        .collect();
    format!("cause {} {code}{}", code.0, about.concat())
}
