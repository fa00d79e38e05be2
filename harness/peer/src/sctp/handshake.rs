//! Setting an association up: RFC 9260 §5.

use std::time::Duration;

use rtcspec_wire::sctp::{
    Abort, Cause, Chunk, ChunkType, EDMID_DTLS, HEADER_LENGTH, Init, InitView, OperationError,
    Parameter, ParameterType, VerificationTag,
};

use super::association::{Handshake, State};
use super::congestion::Congestion;
use super::cookie::{Cookie, Features, Side};
use super::outstanding::Outstanding;
use super::reassembly::Reassembly;
use super::received::Received;
use super::rto::Rto;
use super::timers::Timer;
use super::{Association, Closed, Event};

/// The least receive window there may be (RFC 9260 §3.3.2).
const MIN_WINDOW: u32 = 1500;

/// What the parameters of an INIT or INIT ACK mean to the receiver.
#[derive(Clone, Debug, Default)]
struct Declared {
    features: Features,
    cookie: Option<Vec<u8>>,
    /// Unknown ones that are to be reported.
    unrecognized: Vec<Vec<u8>>,
    host_name: Option<Vec<u8>>,
}

impl Association {
    /// Sends an INIT. RFC 9260 §5.1 A.
    pub(super) fn start_handshake(&mut self) {
        self.peer.tag = VerificationTag::ZERO;
        self.outstanding = Outstanding::new(self.local.initial_tsn);
        self.rto = Rto::new(&self.config);
        self.handshake = Handshake::default();
        self.state = State::CookieWait;
        self.send_init();
    }

    fn send_init(&mut self) {
        let mut init = self.describe(self.local);
        if let Some(more) = self.handshake.preservative {
            init.parameters.push(Parameter::CookiePreservative(more));
        }
        self.queue_standalone(VerificationTag::ZERO, Chunk::Init(init));
        self.start_timer(Timer::T1Init, self.rto.current());
    }

    /// This side as INIT or INIT ACK.
    fn describe(&self, side: Side) -> Init {
        let mut extensions = Vec::new();
        let mut parameters = Vec::new();
        if self.config.stream_reset {
            extensions.push(ChunkType::RE_CONFIG.0);
        }
        if self.config.partial_reliability {
            parameters.push(Parameter::ForwardTsnSupported);
            extensions.push(ChunkType::FORWARD_TSN.0);
        }
        if self.config.interleaving {
            extensions.push(ChunkType::I_DATA.0);
            if self.config.partial_reliability {
                extensions.push(ChunkType::I_FORWARD_TSN.0);
            }
        }
        if !extensions.is_empty() {
            parameters.push(Parameter::SupportedExtensions(extensions));
        }
        if self.config.zero_checksum {
            parameters.push(Parameter::ZeroChecksumAcceptable(EDMID_DTLS));
        }
        Init {
            initiate_tag: side.tag,
            a_rwnd: side.a_rwnd,
            outbound_streams: side.outbound_streams,
            inbound_streams: side.inbound_streams,
            initial_tsn: side.initial_tsn,
            parameters,
        }
    }

    /// What the peer declares, and what of it holds on both sides.
    fn read_declared(&self, init: &InitView<'_>) -> Declared {
        let mut declared = Declared::default();
        for parameter in init.parameters() {
            if parameter.fatal_fault().is_some() {
                break;
            }
            let value = parameter.value();
            match parameter.parameter_type() {
                ParameterType::STATE_COOKIE => declared.cookie = Some(value.to_vec()),
                ParameterType::HOST_NAME_ADDRESS => {
                    declared.host_name = Some(parameter.unpadded().to_vec());
                }
                ParameterType::FORWARD_TSN_SUPPORTED => declared.features.forward_tsn = true,
                ParameterType::SUPPORTED_EXTENSIONS => {
                    let has = |wanted: ChunkType| value.contains(&wanted.0);
                    declared.features.re_config |= has(ChunkType::RE_CONFIG);
                    declared.features.forward_tsn |= has(ChunkType::FORWARD_TSN);
                    declared.features.interleaving |= has(ChunkType::I_DATA);
                }
                ParameterType::ZERO_CHECKSUM_ACCEPTABLE => {
                    declared.features.zero_checksum |= value == EDMID_DTLS.to_be_bytes();
                }
                // RFC 8261 §6.1: addresses mean nothing over DTLS. The rest is known and not used.
                ParameterType::IPV4_ADDRESS
                | ParameterType::IPV6_ADDRESS
                | ParameterType::UNRECOGNIZED_PARAMETER
                | ParameterType::COOKIE_PRESERVATIVE
                | ParameterType::SUPPORTED_ADDRESS_TYPES => {}
                unknown => {
                    // RFC 9260 §3.2.1: the two high bits say what to do.
                    let action = unknown.unknown_action();
                    if action.reports() {
                        declared.unrecognized.push(parameter.unpadded().to_vec());
                    }
                    if !action.goes_on() {
                        break;
                    }
                }
            }
        }
        let features = &mut declared.features;
        features.forward_tsn &= self.config.partial_reliability;
        features.re_config &= self.config.stream_reset;
        features.interleaving &= self.config.interleaving;
        features.zero_checksum &= self.config.zero_checksum;
        declared
    }

    /// An INIT, alone in its packet and with tag zero. RFC 9260 §5.1 B, §5.2.1, §5.2.2.
    pub(super) fn received_init(&mut self, init: &InitView<'_>) {
        if self.state == State::ShutdownAckSent {
            // RFC 9260 §9.2: the peer has not seen the SHUTDOWN ACK.
            self.queue_standalone(self.peer.tag, Chunk::ShutdownAck);
            return;
        }
        // RFC 9260 §3.3.2: a zero tag is not answered at all.
        if init.initiate_tag == VerificationTag::ZERO {
            return;
        }
        let streams = init.outbound_streams > 0 && init.inbound_streams > 0;
        if !streams || init.a_rwnd < MIN_WINDOW {
            self.refuse(init.initiate_tag, Cause::InvalidMandatoryParameter);
            return;
        }
        let declared = self.read_declared(init);
        if let Some(host_name) = declared.host_name {
            // RFC 9260 §3.3.2.1.4: host names are no longer taken.
            self.refuse(init.initiate_tag, Cause::UnresolvableAddress(host_name));
            return;
        }
        let (local, tie_local, tie_peer) = self.side_for_init_ack();
        let cookie = Cookie {
            created: self.now,
            local,
            peer: side_of(init),
            features: declared.features,
            tie_local,
            tie_peer,
        };
        let mut ack = self.describe(local);
        ack.parameters.insert(0, Parameter::StateCookie(self.key.seal(&cookie)));
        self.add_reports(&mut ack, declared.unrecognized);
        self.queue_standalone(init.initiate_tag, Chunk::InitAck(ack));
    }

    /// Reports unknown parameters, as many as fit in a packet.
    fn add_reports(&self, ack: &mut Init, unrecognized: Vec<Vec<u8>>) {
        let mut bare = Vec::new();
        if Chunk::InitAck(ack.clone()).encode(&mut bare).is_err() {
            return;
        }
        let mut used = HEADER_LENGTH + bare.len();
        for parameter in unrecognized {
            used += 4 + parameter.len().next_multiple_of(4);
            if used <= self.config.max_packet {
                ack.parameters.push(Parameter::UnrecognizedParameter(parameter));
            }
        }
    }

    fn side_for_init_ack(&mut self) -> (Side, VerificationTag, VerificationTag) {
        match self.state {
            // RFC 9260 §5.2.1: an INIT crossed ours; the answer says what our INIT said.
            // Before any INIT of ours it says what ours would say: a COOKIE ECHO that comes after
            // our own INIT then is one of a collision (§5.2.4 table 12, B), and is not discarded.
            State::Closed | State::CookieWait => {
                (self.local, VerificationTag::ZERO, VerificationTag::ZERO)
            }
            State::CookieEchoed => (self.local, self.local.tag, self.peer.tag),
            // RFC 9260 §5.2.2: a new tag, and the present ones as tie-tags; nothing else changes.
            _ => {
                let side = Self::fresh_side(&self.config, &mut self.rng);
                (side, self.local.tag, self.peer.tag)
            }
        }
    }

    /// Aborts towards a tag without touching the association there is. A peer that named none is
    /// shown the tag of its own packet (RFC 9260 §8.5.1 B).
    fn refuse(&mut self, tag: VerificationTag, cause: Cause) {
        let reflected_tag = tag == VerificationTag::ZERO;
        let tag = if reflected_tag { self.local.tag } else { tag };
        let abort = Abort { reflected_tag, causes: vec![cause] };
        self.queue_standalone(tag, Chunk::Abort(abort));
    }

    /// An INIT ACK. RFC 9260 §5.1 C; §5.2.3: of no use in any state but COOKIE-WAIT.
    pub(super) fn received_init_ack(&mut self, init: &InitView<'_>) {
        if self.state != State::CookieWait {
            return;
        }
        let streams = init.outbound_streams > 0 && init.inbound_streams > 0;
        let valid = streams && init.a_rwnd >= MIN_WINDOW && init.initiate_tag.0 != 0;
        let declared = self.read_declared(init);
        let cause = match (&declared.cookie, declared.host_name) {
            (_, Some(host_name)) => Some(Cause::UnresolvableAddress(host_name)),
            (None, _) => Some(Cause::MissingMandatoryParameter(vec![ParameterType::STATE_COOKIE])),
            _ => (!valid).then_some(Cause::InvalidMandatoryParameter),
        };
        if let Some(cause) = cause {
            self.refuse(init.initiate_tag, cause.clone());
            self.close(Closed::Violation(cause));
            return;
        }
        self.timers.stop(Timer::T1Init);
        self.adopt(side_of(init), declared.features);
        let report = joined(&declared.unrecognized);
        self.handshake = Handshake {
            cookie: declared.cookie.unwrap_or_default(),
            report: (!report.is_empty()).then_some(Cause::UnrecognizedParameters(report)),
            echo_due: true,
            ..Handshake::default()
        };
        self.state = State::CookieEchoed;
        self.start_timer(Timer::T1Cookie, self.rto.current());
    }

    /// Takes over what the peer said about itself.
    fn adopt(&mut self, peer: Side, features: Features) {
        self.peer = peer;
        self.features = features;
        self.peer_window = peer.a_rwnd as usize;
        self.congestion = Congestion::new(self.config.max_packet);
        self.outbound.interleaving = features.interleaving;
        self.outbound.partial_reliability = features.forward_tsn;
        self.received = Received::new(peer.initial_tsn);
        self.reassembly = Reassembly::default();
        self.reconfig = self.reconfig.begun(self.local.initial_tsn, peer.initial_tsn);
        self.told_window = self.local.a_rwnd as usize;
    }

    /// A COOKIE ECHO whose packet carries `tag`; says whether the rest of the packet is for this
    /// association. RFC 9260 §5.1 D, §5.2.4.
    pub(super) fn received_cookie_echo(&mut self, tag: VerificationTag, bytes: &[u8]) -> bool {
        let Some(cookie) = self.key.open(bytes) else { return false };
        if tag != cookie.local.tag {
            return false;
        }
        let same = (cookie.local.tag == self.local.tag, cookie.peer.tag == self.peer.tag);
        let exists = self.state != State::Closed;
        let age = self.now.saturating_sub(cookie.created);
        // RFC 9260 §5.2.4 3: an old cookie of this very association is still good.
        if age > self.config.cookie_life && !(exists && same == (true, true)) {
            self.report_stale(&cookie, age);
            return false;
        }
        if !exists {
            self.take_cookie(&cookie);
            return true;
        }
        let tied = cookie.tie_local == self.local.tag && cookie.tie_peer == self.peer.tag;
        let untied =
            (cookie.tie_local, cookie.tie_peer) == (VerificationTag::ZERO, VerificationTag::ZERO);
        match same {
            // Table 12, D: the COOKIE ACK was lost, or both sides came to the same.
            (true, true) => self.take_same_cookie(),
            // B: both sides sent INIT, and the peer's cookie came first.
            (true, false) => self.take_crossed_cookie(&cookie),
            // A: the peer has restarted.
            (false, false) if tied => return self.take_restart(&cookie),
            // C: a cookie from before this association.
            (false, true) if untied => return false,
            _ => return false,
        }
        true
    }

    fn report_stale(&mut self, cookie: &Cookie, age: Duration) {
        let late = age.saturating_sub(self.config.cookie_life).as_micros();
        let cause = Cause::StaleCookie(u32::try_from(late).unwrap_or(u32::MAX));
        let error = OperationError { causes: vec![cause] };
        self.queue_standalone(cookie.peer.tag, Chunk::Error(error));
    }

    /// No association yet: the cookie is all there is to it.
    fn take_cookie(&mut self, cookie: &Cookie) {
        self.local = cookie.local;
        self.outstanding = Outstanding::new(self.local.initial_tsn);
        self.rto = Rto::new(&self.config);
        self.adopt(cookie.peer, cookie.features);
        self.control.push_front(Chunk::CookieAck);
        self.establish();
    }

    fn take_same_cookie(&mut self) {
        self.control.push_front(Chunk::CookieAck);
        if self.state == State::CookieEchoed {
            self.establish();
        }
    }

    fn take_crossed_cookie(&mut self, cookie: &Cookie) {
        let setting_up = matches!(self.state, State::CookieWait | State::CookieEchoed);
        if !setting_up {
            return;
        }
        self.adopt(cookie.peer, cookie.features);
        self.control.push_front(Chunk::CookieAck);
        self.establish();
    }

    fn take_restart(&mut self, cookie: &Cookie) -> bool {
        if self.state == State::ShutdownAckSent {
            // RFC 9260 §5.2.4 A: not while shutting down.
            let cause = Cause::CookieReceivedWhileShuttingDown;
            let error = OperationError { causes: vec![cause] };
            self.control.push_back(Chunk::ShutdownAck);
            self.control.push_back(Chunk::Error(error));
            return false;
        }
        let fresh = Self::new(self.config.clone(), self.rng.clone());
        self.timers = fresh.timers;
        self.outbound = fresh.outbound;
        self.reconfig = fresh.reconfig;
        self.control.clear();
        self.tell(Event::Restarted);
        self.take_cookie(cookie);
        true
    }

    /// RFC 9260 §5.1 E; in any other state it is an echo of the past.
    pub(super) fn received_cookie_ack(&mut self) {
        if self.state == State::CookieEchoed {
            self.establish();
        }
    }

    /// RFC 9260 §5.2.6: the cookie came too late; asks for one that lives longer.
    pub(super) fn received_stale_cookie(&mut self, late: u32) {
        if self.state != State::CookieEchoed {
            return;
        }
        let attempts = self.handshake.attempts + 1;
        if attempts > self.config.max_init_retransmits {
            self.close(Closed::Unreachable);
            return;
        }
        self.timers.stop(Timer::T1Cookie);
        let preservative = Some((late / 1000).saturating_mul(2).saturating_add(1));
        self.handshake = Handshake { attempts, preservative, ..Handshake::default() };
        // Nothing that left with the COOKIE ECHO was taken.
        self.outstanding.all_lost();
        self.state = State::CookieWait;
        self.send_init();
    }

    /// T1-init or T1-cookie ran out: RFC 9260 §5.1, §4 notes 2 and 3.
    pub(super) fn handshake_timed_out(&mut self) {
        self.handshake.attempts += 1;
        if self.handshake.attempts > self.config.max_init_retransmits {
            self.close(Closed::Unreachable);
            return;
        }
        self.rto.back_off();
        if self.state == State::CookieWait {
            self.send_init();
        } else {
            self.outstanding.all_lost();
            self.handshake.echo_due = true;
            self.start_timer(Timer::T1Cookie, self.rto.current());
        }
    }
}

/// Joins parameters, each padded to four bytes.
fn joined(parameters: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for parameter in parameters {
        out.extend_from_slice(parameter);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

fn side_of(init: &InitView<'_>) -> Side {
    Side {
        tag: init.initiate_tag,
        initial_tsn: init.initial_tsn,
        a_rwnd: init.a_rwnd,
        outbound_streams: init.outbound_streams,
        inbound_streams: init.inbound_streams,
    }
}
