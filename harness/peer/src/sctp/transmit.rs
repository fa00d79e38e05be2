//! Packets out: RFC 9260 §6.1, §6.10.

use rtcspec_wire::sctp::{
    Chunk, CookieEcho, Data, HEADER_LENGTH, IData, OperationError, Packet, Sack,
};

use super::Association;
use super::association::State;
use super::timers::Timer;

/// Bytes of a SACK without lists, chunk header included.
const SACK_LENGTH: usize = 16;

/// A packet being filled.
struct Bundle {
    chunks: Vec<Chunk>,
    used: usize,
    limit: usize,
    scratch: Vec<u8>,
}

impl Bundle {
    fn new(limit: usize) -> Self {
        Self { chunks: Vec::new(), used: HEADER_LENGTH, limit, scratch: Vec::new() }
    }

    fn room(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    /// Adds a chunk whose length is known.
    fn push_sized(&mut self, chunk: Chunk, length: usize) {
        self.used += length;
        self.chunks.push(chunk);
    }

    /// Adds a chunk if it fits, or if nothing is there yet; gives it back otherwise. One that can
    /// never be encoded is dropped.
    fn push(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        self.scratch.clear();
        if chunk.encode(&mut self.scratch).is_err() {
            return Ok(());
        }
        if self.scratch.len() > self.room() && !self.chunks.is_empty() {
            return Err(chunk);
        }
        self.push_sized(chunk, self.scratch.len());
        Ok(())
    }
}

impl Association {
    /// The next packet to send, or `None` if there is none now.
    pub fn poll_transmit(&mut self) -> Option<Packet> {
        if let Some(packet) = self.standalone.pop_front() {
            return Some(packet);
        }
        let mut bundle = Bundle::new(self.config.max_packet);
        match self.state {
            State::Closed | State::CookieWait => return None,
            State::CookieEchoed => self.bundle_cookie_echo(&mut bundle)?,
            _ => self.bundle_established(&mut bundle),
        }
        if bundle.chunks.is_empty() {
            return None;
        }
        Some(Packet {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag: self.peer.tag,
            chunks: bundle.chunks,
        })
    }

    /// RFC 9260 §5.1 C: data may travel with the COOKIE ECHO, but nothing more until its answer.
    fn bundle_cookie_echo(&mut self, bundle: &mut Bundle) -> Option<()> {
        if !std::mem::take(&mut self.handshake.echo_due) {
            return None;
        }
        let cookie = self.handshake.cookie.clone();
        bundle.push(Chunk::CookieEcho(CookieEcho { cookie })).ok()?;
        if let Some(report) = self.handshake.report.clone() {
            let error = Chunk::Error(OperationError { causes: vec![report] });
            // A report that does not fit is not worth a packet of its own.
            bundle.push(error).ok();
        }
        self.bundle_data(bundle);
        Some(())
    }

    fn bundle_established(&mut self, bundle: &mut Bundle) {
        // The last message that a shutdown waits for may have expired since.
        self.go_on_shutting_down();
        self.request_resets();
        while let Some(chunk) = self.control.pop_front() {
            if let Err(chunk) = bundle.push(chunk) {
                self.control.push_front(chunk);
                break;
            }
        }
        let with_data = self.may_send_data() && bundle.room() > SACK_LENGTH + IData::HEADER_LENGTH;
        if bundle.room() >= SACK_LENGTH
            && (self.received.is_due() || (self.received.is_owed() && with_data))
        {
            self.bundle_sack(bundle);
        }
        if self.control.is_empty() {
            self.bundle_data(bundle);
        }
    }

    fn bundle_sack(&mut self, bundle: &mut Bundle) {
        let (gap_blocks, duplicates) = self.received.report(bundle.room() - SACK_LENGTH);
        let length = SACK_LENGTH + 4 * (gap_blocks.len() + duplicates.len());
        self.told_window = self.window();
        self.timers.stop(Timer::Sack);
        let sack = Sack {
            cumulative_tsn_ack: self.received.cumulative().wire(),
            a_rwnd: u32::try_from(self.told_window).unwrap_or(u32::MAX),
            gap_blocks,
            duplicates,
        };
        bundle.push_sized(Chunk::Sack(sack), length);
    }

    fn header_length(&self) -> usize {
        if self.features.interleaving { IData::HEADER_LENGTH } else { Data::HEADER_LENGTH }
    }

    /// RFC 9260 §6: new data leaves in these states; what is outstanding is also sent again while
    /// the peer shuts down.
    fn sends_data(&self) -> bool {
        matches!(
            self.state,
            State::CookieEchoed
                | State::Established
                | State::ShutdownPending
                | State::ShutdownReceived
        )
    }

    /// Whether a chunk of data could leave now, retransmissions included.
    fn may_send_data(&mut self) -> bool {
        if !self.sends_data() {
            return false;
        }
        let open = self.outstanding.in_flight() < self.congestion.window();
        if self.outstanding.next_lost().is_some() && (open || self.resend_now) {
            return true;
        }
        let waiting = self.outbound.peek(self.now);
        open && self.burst > 0 && waiting.is_some_and(|length| self.fits_window(length))
    }

    /// RFC 9260 §6.1 A: the peer's window, but one chunk may always be in flight to probe it.
    fn fits_window(&self, length: usize) -> bool {
        let largest = self.config.max_packet - HEADER_LENGTH - self.header_length();
        length.min(largest) <= self.peer_window || self.outstanding.in_flight() == 0
    }

    fn bundle_data(&mut self, bundle: &mut Bundle) {
        if !self.sends_data() {
            return;
        }
        let before = bundle.chunks.len();
        let resent = self.bundle_lost(bundle);
        if !resent || self.outstanding.next_lost().is_none() {
            self.bundle_new(bundle);
        }
        if bundle.chunks.len() == before {
            return;
        }
        // RFC 9260 §6.3.2 R1; before establishment T1-cookie guards the data.
        if self.state != State::CookieEchoed && !self.timers.is_running(Timer::T3Rtx) {
            self.start_timer(Timer::T3Rtx, self.rto.current());
        }
        if self.state != State::CookieEchoed {
            self.restart_heartbeat();
        }
    }

    /// RFC 9260 §6.1 C, §7.2.4: what was lost goes first. The first packet after T3-rtx or the
    /// third missing report goes out whatever the window says. Says whether anything was added.
    fn bundle_lost(&mut self, bundle: &mut Bundle) -> bool {
        let earliest = self.outstanding.is_earliest_lost();
        let mut any = false;
        while let Some((length, payload)) = self.outstanding.next_lost() {
            let open = self.outstanding.in_flight() < self.congestion.window();
            if length > bundle.room() || !(open || self.resend_now) {
                break;
            }
            let Some(chunk) = self.outstanding.resend(self.now) else { break };
            self.peer_window = self.peer_window.saturating_sub(payload);
            bundle.push_sized(chunk, length);
            any = true;
        }
        if any {
            self.resend_now = false;
        }
        if any && earliest && self.state != State::CookieEchoed {
            // RFC 9260 §7.2.4: T3-rtx begins anew with the earliest chunk that is outstanding.
            self.start_timer(Timer::T3Rtx, self.rto.current());
        }
        any
    }

    fn bundle_new(&mut self, bundle: &mut Bundle) {
        let header = self.header_length();
        let mut any = false;
        while self.burst > 0 && self.outstanding.in_flight() < self.congestion.window() {
            let Some(waiting) = self.outbound.peek(self.now) else { break };
            let room = bundle.room().saturating_sub(header) & !3;
            // A message is cut where the packet ends, but not to fill a small rest.
            if room == 0 || (waiting > room && room < self.config.max_packet / 2) {
                break;
            }
            if !self.fits_window(waiting.min(room)) {
                break;
            }
            self.congestion.sent(self.now, self.outstanding.in_flight(), self.rto.current());
            let Some(fragment) = self.outbound.take(room) else { break };
            let length = fragment.chunk_length();
            self.peer_window = self.peer_window.saturating_sub(fragment.payload.len());
            let chunk = self.outstanding.send(self.now, fragment);
            bundle.push_sized(chunk, length);
            any = true;
        }
        if any {
            self.burst -= 1;
        }
    }
}
