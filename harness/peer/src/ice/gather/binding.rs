//! One Binding transaction with a STUN server (RFC 8445 §5.1.1.2, §5.1.1.4).

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{Class, Fingerprint, Message, Method, Seal, TransactionId, View};

use crate::rng::Rng;
use crate::stun::{Due, Outgoing, Retransmit, Via};

/// RFC 8445 §11: Tr. The same interval keeps server-reflexive candidates alive (§5.1.1.4).
const KEEPALIVE: Duration = Duration::from_secs(15);

#[derive(Clone, Debug)]
enum State {
    /// Waits for a slot.
    Ready,
    InFlight {
        id: TransactionId,
        bytes: Vec<u8>,
        timer: Retransmit,
    },
    /// Answered; asked again later to keep the mapping.
    Answered {
        again_at: Duration,
    },
    Ended,
}

/// What an answer or its absence means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Mapped(SocketAddr),
    Refused { code: u16, reason: String },
    Unanswered,
}

/// Asks one server from one socket, and asks again while the candidate is needed.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) socket: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) url: String,
    /// Place of the server among the servers.
    pub(super) rank: usize,
    /// True until the first answer or failure: gathering waits for it.
    pub(super) pending: bool,
    state: State,
}

impl Binding {
    pub(super) fn new(socket: SocketAddr, server: SocketAddr, url: String, rank: usize) -> Self {
        Self { socket, server, url, rank, pending: true, state: State::Ready }
    }

    pub(super) fn wants_to_start(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    /// Sends the request for the first time.
    pub(super) fn start(
        &mut self,
        now: Duration,
        rto: Duration,
        rng: &mut Rng,
    ) -> Option<Outgoing> {
        let id = TransactionId(rng.bytes());
        let request = Message::request(Method::BINDING, id);
        let bytes = request.encode(&Seal::none().fingerprint()).ok()?;
        let timer = Retransmit::unreliable(now, rto);
        self.state = State::InFlight { id, bytes: bytes.clone(), timer };
        Some(self.outgoing(bytes))
    }

    /// Lets the mapping go.
    pub(super) fn end(&mut self) {
        self.pending = false;
        self.state = State::Ended;
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        match &self.state {
            State::InFlight { timer, .. } => Some(timer.wake()),
            State::Answered { again_at } => Some(*again_at),
            State::Ready | State::Ended => None,
        }
    }

    /// Resends, gives up, or gets ready to ask again.
    pub(super) fn advance(&mut self, now: Duration) -> (Option<Outgoing>, Option<Outcome>) {
        match &mut self.state {
            State::InFlight { bytes, timer, .. } => match timer.poll(now) {
                Due::Nothing => (None, None),
                Due::Resend => {
                    let bytes = bytes.clone();
                    (Some(self.outgoing(bytes)), None)
                }
                Due::TimedOut => {
                    self.end();
                    (None, Some(Outcome::Unanswered))
                }
            },
            State::Answered { again_at } if now >= *again_at => {
                self.state = State::Ready;
                (None, None)
            }
            _ => (None, None),
        }
    }

    /// Takes a message from the server; `None` if it is not the answer.
    pub(super) fn receive(&mut self, now: Duration, view: &View<'_>) -> Option<Outcome> {
        let State::InFlight { id, .. } = &self.state else { return None };
        let ty = view.message_type()?;
        if view.transaction_id() != Some(*id) || ty.method != Method::BINDING {
            return None;
        }
        // The server need not send FINGERPRINT, but a wrong one spoils the message.
        if matches!(view.fingerprint(), Fingerprint::Invalid | Fingerprint::NotLast) {
            return None;
        }
        match ty.class {
            Class::SuccessResponse => {
                self.pending = false;
                self.state = State::Answered { again_at: now + KEEPALIVE };
                // RFC 8445 §5.1.1.2, RFC 8489 §11: a server of old answers MAPPED-ADDRESS.
                let classic = || view.address(rtcspec_wire::stun::AttributeType::MAPPED_ADDRESS);
                let mapped = view.xor_mapped_address().or_else(classic);
                Some(mapped.map_or(Outcome::Unanswered, Outcome::Mapped))
            }
            Class::ErrorResponse => {
                self.end();
                let (code, reason) = view.error_code().map_or((0, String::new()), |error| {
                    (error.code(), String::from_utf8_lossy(error.reason).into_owned())
                });
                Some(Outcome::Refused { code, reason })
            }
            Class::Request | Class::Indication => None,
        }
    }

    fn outgoing(&self, bytes: Vec<u8>) -> Outgoing {
        Outgoing {
            local: self.socket,
            remote: self.server,
            bytes,
            key: None,
            session: 0,
            via: Via::Base,
        }
    }
}
