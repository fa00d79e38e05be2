//! Stream reset: RFC 6525 as RFC 8831 §6.7 uses it.

use std::collections::BTreeSet;
use std::time::Duration;

use rtcspec_wire::sctp::{
    Chunk, IncomingSsnReset, OutgoingSsnReset, Parameter, ReConfig, ReConfigView, ReconfigResponse,
    ReconfigResult, RequestSequence, StreamId, Tsn,
};

use super::timers::Timer;
use super::{Association, Event};

/// Streams of one request: its parameter stays well below a packet.
const MAX_STREAMS: usize = 400;

/// Where both sides' requests stand.
#[derive(Clone, Debug)]
pub(super) struct Reconfig {
    next: RequestSequence,
    /// Streams whose reset was asked for, but not of the peer yet.
    waiting: BTreeSet<StreamId>,
    /// RFC 6525 §5.1.1: one request at a time.
    under_way: Option<OutgoingSsnReset>,
    /// The peer's next request.
    expected: RequestSequence,
    /// What the peer's last request was answered.
    answered: Option<ReconfigResponse>,
}

/// What a request of the peer is, by its number (RFC 6525 §5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Next,
    Repeated(ReconfigResponse),
    Wrong,
}

impl Reconfig {
    /// RFC 6525 §4.1: numbers start where TSNs do.
    pub(super) fn new(local: Tsn, peer: Tsn) -> Self {
        Self {
            next: RequestSequence(local.0),
            waiting: BTreeSet::new(),
            under_way: None,
            expected: RequestSequence(peer.0),
            answered: None,
        }
    }

    /// The association is there: what was asked for before is still to be done.
    pub(super) fn begun(&mut self, local: Tsn, peer: Tsn) -> Self {
        Self { waiting: std::mem::take(&mut self.waiting), ..Self::new(local, peer) }
    }

    pub(super) fn is_resetting(&self, stream: StreamId) -> bool {
        let asked =
            self.under_way.as_ref().is_some_and(|request| request.streams.contains(&stream));
        asked || self.waiting.contains(&stream)
    }

    fn order(&self, request: RequestSequence) -> Order {
        match self.answered {
            _ if request == self.expected => Order::Next,
            Some(answer) if request == answer.response => Order::Repeated(answer),
            _ => Order::Wrong,
        }
    }

    fn make_request(
        &mut self,
        ready: impl Fn(StreamId) -> bool,
        last_tsn: Tsn,
    ) -> Option<&OutgoingSsnReset> {
        if self.under_way.is_some() {
            return None;
        }
        let streams: Vec<StreamId> = self
            .waiting
            .iter()
            .copied()
            .filter(|stream| ready(*stream))
            .take(MAX_STREAMS)
            .collect();
        if streams.is_empty() {
            return None;
        }
        for stream in &streams {
            self.waiting.remove(stream);
        }
        let request = self.next;
        self.next = request.next();
        let response = self.expected.previous();
        self.under_way = Some(OutgoingSsnReset { request, response, last_tsn, streams });
        self.under_way.as_ref()
    }
}

impl Association {
    /// Resets an outgoing stream once its queued messages have left (RFC 6525 §5.1.2). Nothing can
    /// be sent on it until [`Event::OutgoingReset`] or [`Event::ResetRefused`]; where the peer
    /// does not know RE-CONFIG the latter comes at once.
    pub fn reset_stream(&mut self, now: Duration, stream: StreamId) {
        self.enter(now);
        if self.reconfig.is_resetting(stream) {
            return;
        }
        self.reconfig.waiting.insert(stream);
        if self.is_established() {
            self.refuse_early_resets();
        }
    }

    /// A peer that does not know RE-CONFIG resets nothing.
    pub(super) fn refuse_early_resets(&mut self) {
        if self.features.re_config {
            return;
        }
        for stream in std::mem::take(&mut self.reconfig.waiting) {
            self.tell(Event::ResetRefused { stream, result: ReconfigResult::DENIED });
        }
    }

    /// Makes a request out of what waits, as soon as one may be made.
    pub(super) fn request_resets(&mut self) {
        if !self.is_established() || self.reconfig.waiting.is_empty() {
            return;
        }
        let last_tsn = self.outstanding.next_tsn().previous().wire();
        let outbound = &self.outbound;
        let request = self
            .reconfig
            .make_request(|stream| outbound.buffered_on(stream) == 0, last_tsn)
            .cloned();
        if let Some(request) = request {
            self.send_request(request);
        }
    }

    fn send_request(&mut self, request: OutgoingSsnReset) {
        let parameters = vec![Parameter::OutgoingSsnReset(request)];
        self.control.push_back(Chunk::ReConfig(ReConfig { parameters }));
        self.start_timer(Timer::Reconfig, self.rto.current());
    }

    /// RFC 6525 §5.1.1 T-Reconf: the same request with the same number.
    pub(super) fn reconfig_timed_out(&mut self) {
        let Some(request) = self.reconfig.under_way.clone() else { return };
        if !self.count_error() {
            return;
        }
        self.rto.back_off();
        self.send_request(request);
    }

    pub(super) fn received_re_config(&mut self, re_config: &ReConfigView<'_>) {
        if !self.is_established() || !self.features.re_config {
            return;
        }
        // RFC 6525 §3.1: at most two parameters make sense together.
        for view in re_config.parameters().take(2) {
            let Ok(parameter) = Parameter::from_view(&view) else { return };
            match parameter {
                Parameter::OutgoingSsnReset(request) => self.peer_resets(&request),
                Parameter::IncomingSsnReset(request) => self.peer_wants_reset(&request),
                Parameter::ReconfigResponse(response) => self.request_answered(response),
                Parameter::SsnTsnReset(request) => self.deny(request),
                Parameter::AddOutgoingStreams(add) | Parameter::AddIncomingStreams(add) => {
                    self.deny(add.request);
                }
                _ => {}
            }
        }
    }

    /// RFC 6525 §5.2.2.
    fn peer_resets(&mut self, request: &OutgoingSsnReset) {
        let result = match self.reconfig.order(request.request) {
            Order::Repeated(answer) if answer.result != ReconfigResult::IN_PROGRESS => {
                self.answer(answer);
                return;
            }
            Order::Wrong => {
                self.answer_with(request.request, ReconfigResult::BAD_SEQUENCE_NUMBER);
                return;
            }
            Order::Next | Order::Repeated(_) => self.reset_incoming(request),
        };
        self.settle(request.request, result);
    }

    fn reset_incoming(&mut self, request: &OutgoingSsnReset) -> ReconfigResult {
        let last = self.received.cumulative().near(request.last_tsn);
        if request.streams.iter().any(|stream| stream.0 >= self.local.inbound_streams) {
            return ReconfigResult::WRONG_SSN;
        }
        // Messages from before the reset are still on their way.
        if last > self.received.cumulative() {
            return ReconfigResult::IN_PROGRESS;
        }
        self.reassembly.reset(&request.streams);
        self.tell(Event::IncomingReset(request.streams.clone()));
        ReconfigResult::PERFORMED
    }

    /// RFC 6525 §5.2.3: the peer asks this side to reset its outgoing streams.
    fn peer_wants_reset(&mut self, request: &IncomingSsnReset) {
        match self.reconfig.order(request.request) {
            Order::Repeated(answer) => self.answer(answer),
            Order::Wrong => {
                self.answer_with(request.request, ReconfigResult::BAD_SEQUENCE_NUMBER);
            }
            Order::Next => {
                let streams = self.outbound_streams();
                let known = request.streams.iter().filter(|stream| stream.0 < streams);
                let known: Vec<StreamId> = known.copied().collect();
                let complete = known.len() == request.streams.len() && !known.is_empty();
                let result =
                    if complete { ReconfigResult::PERFORMED } else { ReconfigResult::DENIED };
                self.settle(request.request, result);
                if complete {
                    self.reconfig.waiting.extend(known);
                }
            }
        }
    }

    fn deny(&mut self, request: RequestSequence) {
        match self.reconfig.order(request) {
            Order::Next => self.settle(request, ReconfigResult::DENIED),
            Order::Repeated(answer) => self.answer(answer),
            Order::Wrong => self.answer_with(request, ReconfigResult::BAD_SEQUENCE_NUMBER),
        }
    }

    /// Answers a request and remembers how.
    fn settle(&mut self, request: RequestSequence, result: ReconfigResult) {
        let answer = ReconfigResponse { response: request, result, next_tsns: None };
        self.reconfig.expected = request.next();
        self.reconfig.answered = Some(answer);
        self.answer(answer);
    }

    fn answer_with(&mut self, response: RequestSequence, result: ReconfigResult) {
        self.answer(ReconfigResponse { response, result, next_tsns: None });
    }

    fn answer(&mut self, answer: ReconfigResponse) {
        let parameters = vec![Parameter::ReconfigResponse(answer)];
        self.queue_control(Chunk::ReConfig(ReConfig { parameters }));
    }

    /// RFC 6525 §5.2.7.
    fn request_answered(&mut self, response: ReconfigResponse) {
        let is_current = |request: &OutgoingSsnReset| request.request == response.response;
        if !self.reconfig.under_way.as_ref().is_some_and(is_current) {
            return;
        }
        self.errors = 0;
        if response.result == ReconfigResult::IN_PROGRESS {
            // Asked again when the timer runs out, with the same number.
            self.start_timer(Timer::Reconfig, self.rto.current());
            return;
        }
        let Some(request) = self.reconfig.under_way.take() else { return };
        self.timers.stop(Timer::Reconfig);
        match response.result {
            ReconfigResult::PERFORMED | ReconfigResult::NOTHING_TO_DO => {
                for stream in request.streams {
                    self.outbound.restart(stream);
                    self.tell(Event::OutgoingReset(stream));
                }
            }
            // The peer has a request of its own under way: this one comes again with a new number.
            ReconfigResult::REQUEST_IN_PROGRESS => {
                self.reconfig.waiting.extend(request.streams);
            }
            result => {
                for stream in request.streams {
                    self.tell(Event::ResetRefused { stream, result });
                }
            }
        }
    }
}
