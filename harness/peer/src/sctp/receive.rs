//! Packets in: RFC 9260 §3.2, §6.2, §8.4, §8.5.

use std::time::Duration;

use rtcspec_wire::sctp::{
    Abort, AbortView, Body, Cause, CauseCode, Causes, ChecksumState, Chunk, ChunkType, ChunkView,
    DataView, ForwardTsnView, HEADER_LENGTH, Heartbeat, IDataView, IForwardTsnView, OperationError,
    PacketView, SackView, ShutdownComplete, StreamId, Tsn, VerificationTag,
};

use super::association::State;
use super::received::Arrival;
use super::serial::LongTsn;
use super::timers::Timer;
use super::{Association, Closed, Event};

/// Control chunks that wait to be sent, at most; a peer that provokes more gets no answer.
const MAX_CONTROL: usize = 64;

/// What the chunks of a packet add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Digest {
    /// There was DATA, I-DATA or a FORWARD TSN.
    data: bool,
    /// It is to be acknowledged at once.
    immediate: bool,
}

/// Whether the rest of the packet is processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

impl Association {
    /// Takes a decrypted packet in. Whatever its bytes are, nothing but a reaction the RFCs ask
    /// for comes of it.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.enter(now);
        let Ok(packet) = PacketView::new(bytes) else { return };
        if !self.checksum_holds(&packet) || !self.ports_match(&packet) {
            return;
        }
        let Some(first) = packet.chunks().next() else { return };
        if first.chunk_type() == ChunkType::INIT {
            self.receive_init_packet(&packet, &first);
            return;
        }
        let mut chunks = packet.chunks();
        if first.chunk_type() == ChunkType::COOKIE_ECHO {
            let Ok(Body::CookieEcho(echo)) = first.body() else { return };
            if !self.received_cookie_echo(packet.verification_tag(), echo.cookie) {
                return;
            }
            chunks.next();
        } else if !self.tag_holds(&packet, &first) {
            return;
        }
        let mut digest = Digest::default();
        for chunk in chunks {
            if self.receive_chunk(&chunk, &mut digest) == Go::Stop {
                break;
            }
        }
        self.packet_done(digest);
    }

    /// RFC 9260 §6.8; RFC 9653 §5.3: zero is right where this side declared it acceptable, but not
    /// with INIT or COOKIE ECHO.
    fn checksum_holds(&self, packet: &PacketView<'_>) -> bool {
        match packet.checksum_state() {
            ChecksumState::Correct => true,
            ChecksumState::Zero => {
                let needs_crc = |chunk: ChunkView<'_>| {
                    matches!(chunk.chunk_type(), ChunkType::INIT | ChunkType::COOKIE_ECHO)
                };
                self.config.zero_checksum && !packet.chunks().any(needs_crc)
            }
            ChecksumState::Wrong { .. } => false,
        }
    }

    fn ports_match(&self, packet: &PacketView<'_>) -> bool {
        let expected = (self.config.remote_port, self.config.local_port);
        (packet.source_port(), packet.destination_port()) == expected
    }

    fn receive_init_packet(&mut self, packet: &PacketView<'_>, first: &ChunkView<'_>) {
        // RFC 9260 §8.5.1 A and §6.10: tag zero and alone, or the packet counts for nothing.
        let alone = packet.chunks().nth(1).is_none();
        if packet.verification_tag() == VerificationTag::ZERO
            && alone
            && let Ok(Body::Init(init)) = first.body()
        {
            self.received_init(&init);
        }
    }

    /// RFC 9260 §8.5 and §8.5.1.
    fn tag_holds(&mut self, packet: &PacketView<'_>, first: &ChunkView<'_>) -> bool {
        let tag = packet.verification_tag();
        let reflected = first.flags() & 1 != 0;
        let chunk_type = first.chunk_type();
        if self.state == State::Closed {
            self.out_of_the_blue(tag, packet);
            return false;
        }
        match chunk_type {
            // B and C: the T bit says whose tag it is.
            ChunkType::ABORT | ChunkType::SHUTDOWN_COMPLETE if reflected => {
                tag == self.peer.tag && tag != VerificationTag::ZERO
            }
            // E: in the first states the peer answers a shutdown of an earlier association.
            ChunkType::SHUTDOWN_ACK
                if matches!(self.state, State::CookieWait | State::CookieEchoed) =>
            {
                let complete = ShutdownComplete { reflected_tag: true };
                self.queue_standalone(tag, Chunk::ShutdownComplete(complete));
                false
            }
            _ => tag == self.local.tag,
        }
    }

    /// RFC 9260 §8.4: a packet of no association.
    fn out_of_the_blue(&mut self, tag: VerificationTag, packet: &PacketView<'_>) {
        let has = |wanted: ChunkType| packet.chunks().any(|chunk| chunk.chunk_type() == wanted);
        let stale = |chunk: ChunkView<'_>| {
            let Ok(Body::Error(error)) = chunk.body() else { return false };
            error.causes().any(|cause| cause.code() == CauseCode::STALE_COOKIE)
        };
        if has(ChunkType::ABORT)
            || has(ChunkType::SHUTDOWN_COMPLETE)
            || has(ChunkType::COOKIE_ACK)
            || packet.chunks().any(stale)
        {
            return;
        }
        let answer = if has(ChunkType::SHUTDOWN_ACK) {
            Chunk::ShutdownComplete(ShutdownComplete { reflected_tag: true })
        } else {
            Chunk::Abort(Abort { reflected_tag: true, causes: vec![] })
        };
        self.queue_standalone(tag, answer);
    }

    fn receive_chunk(&mut self, chunk: &ChunkView<'_>, digest: &mut Digest) -> Go {
        if self.state == State::Closed {
            return Go::Stop;
        }
        // RFC 9260 §6.10: a partial chunk is dropped, and nothing can follow it.
        if chunk.fault().is_some_and(rtcspec_wire::sctp::Fault::is_fatal) {
            return Go::Stop;
        }
        let Ok(body) = chunk.body() else { return Go::On };
        match body {
            Body::Data(data) => return self.received_data(&data, digest),
            Body::IData(data) => return self.received_i_data(&data, digest),
            Body::Sack(sack) => self.received_sack(&sack),
            Body::ForwardTsn(forward) => self.received_forward(&forward, digest),
            Body::IForwardTsn(forward) => self.received_i_forward(&forward, digest),
            Body::Heartbeat(beat) => self.received_heartbeat(beat.info()),
            Body::HeartbeatAck(beat) => {
                if let Some(info) = beat.info() {
                    self.heartbeat_answered(info);
                }
            }
            Body::InitAck(init) => self.received_init_ack(&init),
            Body::CookieAck => self.received_cookie_ack(),
            Body::Abort(abort) => self.received_abort(&abort),
            Body::Error(error) => self.received_error(error.causes()),
            Body::ReConfig(re_config) => self.received_re_config(&re_config),
            Body::Shutdown(shutdown) => self.received_shutdown(shutdown.cumulative_tsn_ack),
            Body::ShutdownAck => self.received_shutdown_ack(),
            Body::ShutdownComplete(_) => self.received_shutdown_complete(),
            // INIT and COOKIE ECHO count only as a packet's first chunk.
            Body::Init(_) | Body::CookieEcho(_) => return Go::Stop,
            Body::Unknown => return self.received_unknown(chunk),
        }
        Go::On
    }

    /// RFC 9260 §3.2: the two high bits say what to do.
    fn received_unknown(&mut self, chunk: &ChunkView<'_>) -> Go {
        let action = chunk.chunk_type().unknown_action();
        if action.reports() {
            // As much of it as fits beside the headers of packet, chunk and cause.
            let room = self.config.max_packet.saturating_sub(HEADER_LENGTH + 8);
            let unknown = chunk.unpadded();
            let shown = unknown.get(..room).unwrap_or(unknown).to_vec();
            self.report(Cause::UnrecognizedChunkType(shown));
        }
        if action.goes_on() { Go::On } else { Go::Stop }
    }

    pub(super) fn report(&mut self, cause: Cause) {
        self.queue_control(Chunk::Error(OperationError { causes: vec![cause] }));
    }

    pub(super) fn queue_control(&mut self, chunk: Chunk) {
        if self.control.len() < MAX_CONTROL {
            self.control.push_back(chunk);
        }
    }

    /// Ends the association because the peer broke the protocol.
    fn violated(&mut self, cause: Cause) {
        let abort = Abort { reflected_tag: false, causes: vec![cause.clone()] };
        self.queue_standalone(self.peer.tag, Chunk::Abort(abort));
        self.close(Closed::Violation(cause));
    }

    /// RFC 9260 §6: data is taken in these states only.
    fn takes_data(&self) -> bool {
        matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownSent)
    }

    fn received_data(&mut self, data: &DataView<'_>, digest: &mut Digest) -> Go {
        if self.features.interleaving {
            // RFC 8260 §2.2.1: with I-DATA negotiated DATA is not used.
            self.violated(Cause::ProtocolViolation(b"DATA where I-DATA was negotiated".to_vec()));
            return Go::Stop;
        }
        let payload = data.payload;
        let Some(tsn) = self.accept(data.tsn, data.stream, payload, data.flags.immediate, digest)
        else {
            return self.go_on();
        };
        let mut messages = Vec::new();
        self.reassembly.data(tsn, data, &mut messages);
        self.deliver(messages);
        Go::On
    }

    fn received_i_data(&mut self, data: &IDataView<'_>, digest: &mut Digest) -> Go {
        if !self.features.interleaving {
            self.violated(Cause::ProtocolViolation(b"I-DATA that was not negotiated".to_vec()));
            return Go::Stop;
        }
        let payload = data.payload;
        let accepted = self.accept(data.tsn, data.stream, payload, data.flags.immediate, digest);
        if accepted.is_none() {
            return self.go_on();
        }
        let mut messages = Vec::new();
        self.reassembly.i_data(data, &mut messages);
        self.deliver(messages);
        Go::On
    }

    fn go_on(&self) -> Go {
        if self.state == State::Closed { Go::Stop } else { Go::On }
    }

    /// The checks DATA and I-DATA share; gives the TSN if the chunk is new and has room.
    fn accept(
        &mut self,
        tsn: Tsn,
        stream: StreamId,
        payload: &[u8],
        immediate: bool,
        digest: &mut Digest,
    ) -> Option<LongTsn> {
        if !self.takes_data() {
            return None;
        }
        if payload.is_empty() {
            // RFC 9260 §6.2.
            self.violated(Cause::NoUserData(tsn));
            return None;
        }
        digest.data = true;
        digest.immediate |= immediate;
        let long = self.received.cumulative().near(tsn);
        let beyond = long > self.received.highest();
        let held = self.window();
        // RFC 9260 §6.2: with a window of zero nothing beyond the highest TSN is taken; what fills
        // a gap may go over it once more.
        let overdrawn = self.reassembly.buffered() > 2 * self.local.a_rwnd as usize;
        if self.received.judge(long) == Arrival::New && ((held == 0 && beyond) || overdrawn) {
            digest.immediate = true;
            return None;
        }
        if self.received.insert(long) != Arrival::New {
            return None;
        }
        if stream.0 >= self.local.inbound_streams {
            // RFC 9260 §6.5: acknowledged, reported, and thrown away.
            self.report(Cause::InvalidStreamIdentifier(stream));
            return None;
        }
        Some(long)
    }

    /// RFC 9260 §6.2.1.
    fn received_sack(&mut self, sack: &SackView<'_>) {
        if matches!(self.state, State::CookieWait | State::CookieEchoed) {
            return;
        }
        let gaps = sack.gap_blocks().map(|block| (block.start, block.end));
        let in_recovery = self.congestion.in_recovery();
        let now = self.now;
        let Some(done) =
            self.outstanding.acknowledge(now, sack.cumulative_tsn_ack, gaps, in_recovery)
        else {
            return;
        };
        if let Some(rtt) = done.rtt {
            self.rto.measured(rtt);
        }
        let window = sack.a_rwnd as usize;
        // RFC 9260 §8.1: what is acknowledged is an answer. RFC 9260 §6.1: so is what comes of a
        // peer whose window has no room for a probe.
        if done.bytes > 0 || done.advanced || window < self.config.max_packet {
            self.errors = 0;
        }
        if done.bytes > 0 {
            let cumulative = self.outstanding.cumulative();
            self.congestion.acknowledged(done.bytes, done.flight_before, done.advanced, cumulative);
        }
        if done.lost {
            let highest = self.outstanding.next_tsn().previous();
            self.congestion.loss_reported(highest);
            self.resend_now = true;
        }
        self.peer_window = window.saturating_sub(self.outstanding.in_flight());
        self.after_acknowledgement(done.advanced);
    }

    /// Timers, abandonment and shutdown after the peer has acknowledged something.
    pub(super) fn after_acknowledgement(&mut self, advanced: bool) {
        if self.outstanding.is_empty() {
            self.congestion.drained();
            self.timers.stop(Timer::T3Rtx);
        } else if advanced || !self.timers.is_running(Timer::T3Rtx) {
            // RFC 9260 §6.3.2 R3.
            self.start_timer(Timer::T3Rtx, self.rto.current());
        }
        // RFC 3758 §3.5 C1 to C4: also when the peer has not followed the last FORWARD TSN.
        self.give_up_exhausted();
        self.go_on_shutting_down();
    }

    fn received_forward(&mut self, forward: &ForwardTsnView<'_>, digest: &mut Digest) {
        // RFC 3758 §3.6: of no use before establishment or without negotiation.
        if !self.takes_data() || !self.features.forward_tsn || self.features.interleaving {
            return;
        }
        let Some(cumulative) = self.forwarded(forward.new_cumulative_tsn, digest) else { return };
        let mut messages = Vec::new();
        self.reassembly.forward(cumulative, forward, &mut messages);
        self.deliver(messages);
    }

    fn received_i_forward(&mut self, forward: &IForwardTsnView<'_>, digest: &mut Digest) {
        if !self.takes_data() || !self.features.forward_tsn || !self.features.interleaving {
            return;
        }
        if self.forwarded(forward.new_cumulative_tsn, digest).is_none() {
            return;
        }
        let mut messages = Vec::new();
        self.reassembly.i_forward(forward, &mut messages);
        self.deliver(messages);
    }

    fn forwarded(&mut self, cumulative: Tsn, digest: &mut Digest) -> Option<LongTsn> {
        let long = self.received.cumulative().near(cumulative);
        *digest = Digest { data: true, immediate: true };
        self.received.forward(long).then_some(long)
    }

    fn received_heartbeat(&mut self, info: Option<&[u8]>) {
        // RFC 9260 §8.3: the information goes back as it came.
        if let (true, Some(info)) = (self.is_established(), info) {
            self.queue_control(Chunk::HeartbeatAck(Heartbeat { info: info.to_vec() }));
        }
    }

    fn received_abort(&mut self, abort: &AbortView<'_>) {
        self.close(Closed::AbortedByPeer(readable(abort.causes())));
    }

    fn received_error(&mut self, causes: Causes<'_>) {
        let causes = readable(causes);
        for cause in &causes {
            if let Cause::StaleCookie(late) = cause {
                self.received_stale_cookie(*late);
            }
        }
        self.tell(Event::PeerError(causes));
    }

    fn packet_done(&mut self, digest: Digest) {
        if !digest.data || self.state == State::Closed {
            return;
        }
        self.received.packet_done(digest.immediate);
        if self.state == State::ShutdownSent {
            self.repeat_shutdown();
        }
        if self.received.is_owed() && !self.timers.is_running(Timer::Sack) {
            self.start_timer(Timer::Sack, self.config.sack_delay);
        }
    }
}

/// The causes that are well formed.
fn readable(causes: Causes<'_>) -> Vec<Cause> {
    causes.filter_map(|view| Cause::from_view(&view).ok()).collect()
}
