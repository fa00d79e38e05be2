//! DTLS over the pairs of ICE: when a session starts, what waits for it, how it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::dtls::{self, Fingerprints, Identity, Role, Session};
use crate::rng::Rng;

use super::state::DtlsState;

/// Datagrams kept for a session that does not exist yet: a few copies of a first flight.
const MAX_EARLY: usize = 16;

/// What the descriptions say about DTLS, once both are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agreement {
    /// Another number is another association (RFC 8842 §5.1).
    pub(super) association: u32,
    pub(super) role: Role,
    pub(super) peer: Fingerprints,
}

/// The DTLS transport of a connection.
#[derive(Debug)]
pub(super) struct Secure {
    identity: Arc<Identity>,
    options: dtls::Options,
    rng: Rng,
    agreement: Option<Agreement>,
    session: Option<Session>,
    /// How many sessions there have been.
    made: u64,
    early: VecDeque<Vec<u8>>,
    state: DtlsState,
    key_log: Vec<String>,
}

impl Secure {
    pub(super) fn new(identity: Arc<Identity>, options: dtls::Options, rng: Rng) -> Self {
        Self {
            identity,
            options,
            rng,
            agreement: None,
            session: None,
            made: 0,
            early: VecDeque::new(),
            state: DtlsState::New,
            key_log: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> DtlsState {
        self.state
    }

    /// Our role, once it is agreed on.
    pub(super) fn role(&self) -> Option<Role> {
        self.agreement.as_ref().map(|agreement| agreement.role)
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Takes what the descriptions say. True if that ends a session that was there.
    pub(super) fn agree(&mut self, agreement: Agreement) -> bool {
        let known = self.agreement.as_ref().map(|known| known.association);
        if known == Some(agreement.association) {
            return false;
        }
        let replaces = self.session.take().is_some();
        if replaces {
            self.early.clear();
        }
        // Whatever became of the one before, or of a data section that was rejected.
        self.state = DtlsState::New;
        self.agreement = Some(agreement);
        replaces
    }

    /// Starts the session as soon as there is something to start: a client needs a way to send
    /// (`can_send`), a server waits from the start.
    ///
    /// # Errors
    /// The session could not be made.
    pub(super) fn start(&mut self, now: Duration, can_send: bool) -> Result<(), dtls::Error> {
        let Some(agreement) = &self.agreement else { return Ok(()) };
        let is_ready = can_send || agreement.role == Role::Server;
        if self.session.is_some() || !is_ready || self.state != DtlsState::New {
            return Ok(());
        }
        let rng = self.rng.fork_nth("session", self.made);
        self.made += 1;
        let peer = agreement.peer.clone();
        let made = Session::new(now, agreement.role, self.options, &self.identity, peer, rng);
        let session = made.inspect_err(|_| self.state = DtlsState::Failed)?;
        let session = self.session.insert(session);
        if agreement.role == Role::Client {
            self.state = DtlsState::Connecting;
        }
        // RFC 8842 §5.3: the other side may start before its answer is here.
        for datagram in std::mem::take(&mut self.early) {
            self.state = DtlsState::Connecting;
            session.receive(now, &datagram);
        }
        Ok(())
    }

    /// A datagram of DTLS records came.
    pub(super) fn receive(&mut self, now: Duration, datagram: Vec<u8>) {
        match &mut self.session {
            Some(session) => {
                if self.state == DtlsState::New {
                    self.state = DtlsState::Connecting;
                }
                session.receive(now, &datagram);
            }
            None if self.early.len() < MAX_EARLY => self.early.push_back(datagram),
            None => {}
        }
    }

    /// Encrypts and sends; false if there is no connected session.
    pub(super) fn send(&mut self, now: Duration, data: &[u8]) -> bool {
        self.session.as_mut().is_some_and(|session| session.send(now, data).is_ok())
    }

    pub(super) fn advance(&mut self, now: Duration) {
        if let Some(session) = &mut self.session {
            session.advance(now);
        }
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        self.session.as_ref().and_then(Session::wake)
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, now: Duration) {
        if let Some(session) = &mut self.session {
            session.close(now);
        }
        self.state = DtlsState::Closed;
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.session.as_mut()?.poll_transmit()
    }

    /// The next event, after its effect on the state.
    pub(super) fn poll_event(&mut self) -> Option<dtls::Event> {
        let session = self.session.as_mut()?;
        self.key_log.extend(session.take_key_log());
        let event = session.poll_event()?;
        match &event {
            dtls::Event::Connected => self.state = DtlsState::Connected,
            dtls::Event::Closed => self.state = DtlsState::Closed,
            dtls::Event::Failed(_) => self.state = DtlsState::Failed,
            dtls::Event::Data(_) => {}
        }
        Some(event)
    }

    pub(super) fn take_key_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.key_log)
    }
}
