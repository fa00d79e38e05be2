//! The association: its public face, its state and its timers.

use std::collections::VecDeque;
use std::time::Duration;

use rtcspec_wire::sctp::{
    Cause, Checksum, Chunk, EncodeError, HEADER_LENGTH, Heartbeat, Packet, Ppid, StreamId,
    VerificationTag,
};

use super::congestion::Congestion;
use super::cookie::{CookieKey, Features, Side};
use super::outbound::Outbound;
use super::outstanding::Outstanding;
use super::reassembly::Reassembly;
use super::received::Received;
use super::reset::Reconfig;
use super::rto::Rto;
use super::timers::{Timer, Timers};
use super::{Closed, Config, Event, Message, Reliability, SendError};
use crate::rng::Rng;

/// The states of RFC 9260 §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No association.
    Closed,
    /// INIT sent.
    CookieWait,
    /// COOKIE ECHO sent.
    CookieEchoed,
    /// Established.
    Established,
    /// To be shut down once all is acknowledged.
    ShutdownPending,
    /// SHUTDOWN sent.
    ShutdownSent,
    /// SHUTDOWN received; data of this side is not acknowledged yet.
    ShutdownReceived,
    /// SHUTDOWN ACK sent.
    ShutdownAckSent,
}

/// Packets that go out by themselves, at most.
const MAX_STANDALONE: usize = 64;

/// What a handshake has to send again.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshake {
    /// The cookie of the INIT ACK.
    pub(super) cookie: Vec<u8>,
    /// A report of unknown parameters that travels with the COOKIE ECHO.
    pub(super) report: Option<Cause>,
    /// COOKIE ECHO is to be sent.
    pub(super) echo_due: bool,
    /// Times T1 ran out.
    pub(super) attempts: u32,
    /// Wanted lengthening of the cookie's life in milliseconds (RFC 9260 §5.2.6).
    pub(super) preservative: Option<u32>,
}

/// One SCTP association over one DTLS connection.
///
/// Inputs are [`connect`](Self::connect), [`receive`](Self::receive), [`send`](Self::send),
/// [`reset_stream`](Self::reset_stream), [`shutdown`](Self::shutdown), [`abort`](Self::abort) and
/// [`advance`](Self::advance); after each, drain [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event), and call `advance` when [`wake`](Self::wake) is due.
#[derive(Clone, Debug)]
pub struct Association {
    pub(super) config: Config,
    pub(super) rng: Rng,
    pub(super) key: CookieKey,
    pub(super) now: Duration,
    pub(super) state: State,
    /// This side as its INIT or INIT ACK described it, or will describe it.
    pub(super) local: Side,
    /// The peer as its INIT or INIT ACK described it; its tag is zero before that.
    pub(super) peer: Side,
    pub(super) features: Features,
    pub(super) handshake: Handshake,
    pub(super) timers: Timers,
    pub(super) rto: Rto,
    pub(super) congestion: Congestion,
    pub(super) outbound: Outbound,
    pub(super) outstanding: Outstanding,
    pub(super) received: Received,
    pub(super) reassembly: Reassembly,
    pub(super) reconfig: Reconfig,
    /// What the peer's window lets this side send.
    pub(super) peer_window: usize,
    /// The window last told to the peer.
    pub(super) told_window: usize,
    /// Timeouts in a row without an answer (RFC 9260 §8.1).
    pub(super) errors: u32,
    /// The nonce and time of a HEARTBEAT without answer.
    pub(super) heartbeat: Option<(u64, Duration)>,
    /// Packets of new data that may still go out after the last input.
    pub(super) burst: u32,
    /// One packet of retransmissions goes out whatever the window says.
    pub(super) resend_now: bool,
    /// Packets that must not be bundled.
    pub(super) standalone: VecDeque<Packet>,
    /// Control chunks for the next packet.
    pub(super) control: VecDeque<Chunk>,
    events: VecDeque<Event>,
    undelivered: usize,
}

impl Association {
    /// An association that neither exists nor is being set up. It answers an INIT; equal `rng`
    /// and inputs give equal packets.
    #[must_use]
    pub fn new(config: Config, rng: Rng) -> Self {
        let mut rng = rng;
        let key = CookieKey(rng.bytes());
        let local = Self::fresh_side(&config, &mut rng);
        let peer = Side { tag: VerificationTag::ZERO, ..local };
        Self {
            now: Duration::ZERO,
            state: State::Closed,
            features: Features::default(),
            handshake: Handshake::default(),
            timers: Timers::default(),
            rto: Rto::new(&config),
            congestion: Congestion::new(config.max_packet),
            outbound: Outbound::default(),
            outstanding: Outstanding::new(local.initial_tsn),
            received: Received::new(peer.initial_tsn),
            reassembly: Reassembly::default(),
            reconfig: Reconfig::new(local.initial_tsn, peer.initial_tsn),
            peer_window: 0,
            told_window: config.a_rwnd as usize,
            errors: 0,
            heartbeat: None,
            burst: config.max_burst,
            resend_now: false,
            standalone: VecDeque::new(),
            control: VecDeque::new(),
            events: VecDeque::new(),
            undelivered: 0,
            config,
            rng,
            key,
            local,
            peer,
        }
    }

    /// A tag that is not zero (RFC 9260 §5.3.1) and a first TSN.
    pub(super) fn fresh_side(config: &Config, rng: &mut Rng) -> Side {
        Side {
            tag: VerificationTag(rng.u32().max(1)),
            initial_tsn: config.initial_tsn.unwrap_or_else(|| rtcspec_wire::sctp::Tsn(rng.u32())),
            a_rwnd: config.a_rwnd,
            outbound_streams: config.streams,
            inbound_streams: config.streams,
        }
    }

    /// The state of RFC 9260 §4.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether messages may go out: established or shutting down.
    #[must_use]
    pub const fn is_established(&self) -> bool {
        !matches!(self.state, State::Closed | State::CookieWait | State::CookieEchoed)
    }

    /// Streams this side may send on; what it asks for until the peer has answered.
    #[must_use]
    pub const fn outbound_streams(&self) -> u16 {
        if self.peer.tag.0 == 0 || self.peer.inbound_streams > self.local.outbound_streams {
            self.local.outbound_streams
        } else {
            self.peer.inbound_streams
        }
    }

    /// Whether messages are interleaved (RFC 8260): known once established.
    #[must_use]
    pub const fn interleaves(&self) -> bool {
        self.features.interleaving
    }

    /// The tags packets to this side and to the peer carry; the peer's is zero until it has said it.
    /// While closed they are those of the next association and of the last one.
    #[must_use]
    pub const fn tags(&self) -> (VerificationTag, VerificationTag) {
        (self.local.tag, self.peer.tag)
    }

    /// Bytes of the peer's messages that fill the receive window: pieces, and what nobody has taken.
    #[must_use]
    pub fn held(&self) -> usize {
        self.reassembly.buffered() + self.undelivered
    }

    /// Bytes of a stream's messages that were not sent once yet.
    #[must_use]
    pub fn buffered_on(&self, stream: StreamId) -> usize {
        self.outbound.buffered_on(stream)
    }

    /// Whether nothing waits to be sent or acknowledged.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outbound.is_empty() && self.outstanding.is_empty()
    }

    /// Starts the handshake; nothing happens unless closed. Both sides may do so at once.
    pub fn connect(&mut self, now: Duration) {
        self.enter(now);
        if self.state == State::Closed {
            self.start_handshake();
        }
    }

    /// Queues a message. Before the association is established it waits, and travels with the
    /// COOKIE ECHO.
    ///
    /// # Errors
    /// If the association is closing, the stream does not exist or is being reset, or the message
    /// is empty, too long or one too many.
    pub fn send(
        &mut self,
        now: Duration,
        stream: StreamId,
        ppid: Ppid,
        data: Vec<u8>,
        reliability: Reliability,
    ) -> Result<(), SendError> {
        self.enter(now);
        let open =
            matches!(self.state, State::CookieWait | State::CookieEchoed | State::Established);
        if !open {
            return Err(SendError::Closed);
        }
        let streams = self.outbound_streams();
        if stream.0 >= streams {
            return Err(SendError::NoSuchStream { stream, streams });
        }
        if self.reconfig.is_resetting(stream) {
            return Err(SendError::Resetting { stream });
        }
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        let (length, limit) = (data.len(), self.config.max_message_size);
        if length > limit {
            return Err(SendError::TooLong { length, limit });
        }
        let buffered = self.outbound.buffered();
        if buffered + length > self.config.send_buffer {
            return Err(SendError::Full { buffered });
        }
        self.outbound.push(now, stream, ppid, data, reliability);
        Ok(())
    }

    /// Whether a stream is being reset by this side, so that nothing can be sent on it.
    #[must_use]
    pub fn is_resetting(&self, stream: StreamId) -> bool {
        self.reconfig.is_resetting(stream)
    }

    /// Lets time pass: timers that have run out take effect.
    pub fn advance(&mut self, now: Duration) {
        self.enter(now);
        while let Some(timer) = self.timers.expired(now) {
            self.expired(timer);
        }
    }

    /// When [`advance`](Self::advance) has something to do.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// What [`poll_event`](Self::poll_event) would give; a message goes on filling the receive
    /// window.
    #[must_use]
    pub fn peek_event(&self) -> Option<&Event> {
        self.events.front()
    }

    /// The next event, oldest first. A message frees receive window when it is taken here.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Message(message) = &event {
            self.undelivered -= message.data.len();
            self.offer_window();
        }
        Some(event)
    }

    /// The bytes of a packet, with the checksum this association has to use for it.
    ///
    /// # Errors
    /// If a value was made that does not fit its length field; packets of
    /// [`poll_transmit`](Self::poll_transmit) always fit.
    pub fn encode(&self, packet: &Packet) -> Result<Vec<u8>, EncodeError> {
        packet.encode(self.checksum_for(packet))
    }

    /// RFC 9653 §5.2: zero only where the peer declared it acceptable, and never with INIT or
    /// COOKIE ECHO, nor in an answer to a packet of no association.
    #[must_use]
    pub fn checksum_for(&self, packet: &Packet) -> Checksum {
        let needs_crc = |chunk: &Chunk| {
            matches!(chunk, Chunk::Init(_) | Chunk::InitAck(_) | Chunk::CookieEcho(_))
        };
        let ours = packet.verification_tag == self.peer.tag && self.state != State::Closed;
        if ours && self.features.zero_checksum && !packet.chunks.iter().any(needs_crc) {
            Checksum::Zero
        } else {
            Checksum::Crc32c
        }
    }

    /// Every input passes here: time never goes back, and a new burst may begin.
    pub(super) fn enter(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.burst = self.config.max_burst;
    }

    pub(super) fn start_timer(&mut self, timer: Timer, after: Duration) {
        self.timers.start(timer, self.now + after);
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn deliver(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.undelivered += message.data.len();
            self.tell(Event::Message(message));
        }
    }

    /// Free receive window in bytes.
    pub(super) fn window(&self) -> usize {
        (self.local.a_rwnd as usize).saturating_sub(self.held())
    }

    /// A window that was nearly shut and opens again is told at once, or the peer would wait for
    /// its probe.
    fn offer_window(&mut self) {
        let step = (self.local.a_rwnd as usize / 2).min(2 * self.config.max_packet);
        let shut = self.told_window < 2 * self.config.max_packet;
        if shut && self.is_established() && self.window() >= self.told_window + step.max(1) {
            self.received.acknowledge_now();
        }
    }

    pub(super) fn queue_standalone(&mut self, verification_tag: VerificationTag, chunk: Chunk) {
        if self.standalone.len() < MAX_STANDALONE {
            self.standalone.push_back(Packet {
                source_port: self.config.local_port,
                destination_port: self.config.remote_port,
                verification_tag,
                chunks: vec![chunk],
            });
        }
    }

    /// Becomes established, from whichever side of the handshake.
    pub(super) fn establish(&mut self) {
        self.state = State::Established;
        self.handshake = Handshake::default();
        self.timers.stop(Timer::T1Init);
        self.timers.stop(Timer::T1Cookie);
        self.errors = 0;
        if !self.outstanding.is_empty() {
            self.start_timer(Timer::T3Rtx, self.rto.current());
        }
        self.restart_heartbeat();
        self.tell(Event::Connected);
        self.refuse_early_resets();
    }

    /// Ends; what is queued to leave still leaves.
    pub(super) fn close(&mut self, why: Closed) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.timers = Timers::default();
        self.control.clear();
        self.outbound = Outbound::default();
        // RFC 9260 §5.3.1: another association, another tag.
        self.local = Self::fresh_side(&self.config, &mut self.rng);
        self.outstanding = Outstanding::new(self.local.initial_tsn);
        self.reconfig = Reconfig::new(self.local.initial_tsn, self.peer.initial_tsn);
        self.tell(Event::Closed(why));
    }

    /// RFC 9260 §8.1: an unanswered timeout; says whether the association survives it.
    pub(super) fn count_error(&mut self) -> bool {
        self.errors += 1;
        let survives = self.errors <= self.config.max_retransmits;
        if !survives {
            self.close(Closed::Unreachable);
        }
        survives
    }

    fn expired(&mut self, timer: Timer) {
        match timer {
            Timer::T1Init | Timer::T1Cookie => self.handshake_timed_out(),
            Timer::T2Shutdown => self.shutdown_timed_out(),
            Timer::T3Rtx => self.data_timed_out(),
            Timer::T5ShutdownGuard => self.shutdown_took_too_long(),
            Timer::Sack => self.received.acknowledge_now(),
            Timer::Heartbeat => self.heartbeat_due(),
            Timer::Reconfig => self.reconfig_timed_out(),
        }
    }

    /// RFC 9260 §6.3.3.
    fn data_timed_out(&mut self) {
        if self.outstanding.is_empty() {
            return;
        }
        // §6.1: a probe of a zero window that is answered at all is no error; the answer clears
        // the count.
        if !self.count_error() {
            return;
        }
        self.congestion.timed_out();
        self.rto.back_off();
        self.outstanding.all_lost();
        self.give_up_exhausted();
        self.resend_now = true;
        self.start_timer(Timer::T3Rtx, self.rto.current());
    }

    /// Abandons what may not be sent again and tells the peer to go on behind it.
    pub(super) fn give_up_exhausted(&mut self) {
        if !self.features.forward_tsn {
            return;
        }
        for (stream, message) in self.outstanding.abandon_exhausted(self.now) {
            if self.outbound.abandon(stream, message) {
                self.outstanding.end_abandoned(self.now, message);
            }
        }
        if self.outstanding.advance() {
            self.queue_forward_tsn();
        }
    }

    pub(super) fn queue_forward_tsn(&mut self) {
        let room = self.config.max_packet - HEADER_LENGTH;
        let chunk = self.outstanding.forward_chunk(self.features.interleaving, room);
        let is_forward =
            |queued: &Chunk| matches!(queued, Chunk::ForwardTsn(_) | Chunk::IForwardTsn(_));
        self.control.retain(|queued| !is_forward(queued));
        self.control.push_back(chunk);
        if !self.timers.is_running(Timer::T3Rtx) {
            // RFC 3758 §3.5 C5: a FORWARD TSN is guarded like data.
            self.start_timer(Timer::T3Rtx, self.rto.current());
        }
    }

    /// RFC 9260 §8.3: the interval plus RTO, jittered by half an RTO.
    pub(super) fn restart_heartbeat(&mut self) {
        let interval = self.config.heartbeat_interval;
        if interval.is_zero() {
            return;
        }
        let rto = u64::try_from(self.rto.current().as_nanos()).unwrap_or(u64::MAX / 2);
        let jitter = Duration::from_nanos(self.rng.range(rto / 2..rto + rto / 2));
        self.heartbeat = None;
        self.start_timer(Timer::Heartbeat, interval + jitter);
    }

    fn heartbeat_due(&mut self) {
        if !matches!(
            self.state,
            State::Established | State::ShutdownPending | State::ShutdownReceived
        ) {
            return;
        }
        if self.heartbeat.take().is_some() {
            // The last one stayed without answer for a whole RTO.
            self.rto.back_off();
            if !self.count_error() {
                return;
            }
        }
        let nonce = self.rng.u64();
        self.heartbeat = Some((nonce, self.now));
        let info = nonce.to_be_bytes().to_vec();
        self.control.push_back(Chunk::Heartbeat(Heartbeat { info }));
        self.start_timer(Timer::Heartbeat, self.rto.current());
    }

    pub(super) fn heartbeat_answered(&mut self, info: &[u8]) {
        let Some((nonce, sent)) = self.heartbeat else { return };
        if info == nonce.to_be_bytes() {
            self.rto.measured(self.now.saturating_sub(sent));
            self.errors = 0;
            self.restart_heartbeat();
        }
    }
}
