//! One `RTCPeerConnection` driven as the crate's examples drive it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::data_channel::RTCDataChannelId;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::transport::{RTCIceCandidateInit, RTCIceCandidatePair};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtcspec_adapter_embed::{ChannelKey, Connection, Found, Gathered, Happening, Outcome, Refusal};
use rtcspec_control::{
    Candidate, ChannelInit, Configuration, Description, Payload, SelectedPair, StateKind,
    StateReport,
};

use crate::capability::{configuration, settings};
use crate::crypto::{SharedLog, take_lines};
use crate::translate::{candidate, channel_init, channel_told, description, payload, refusal};

/// How long a timer that failed is left alone: `rtc` leaves it due, and asking again at the same
/// instant gives the same error.
const FAILED_TIMER_PAUSE: Duration = Duration::from_millis(100);

/// A peer connection of `rtc`.
pub(crate) struct RtcConnection {
    pc: RTCPeerConnection,
    log: SharedLog,
    queue: VecDeque<Happening>,
    known: BTreeSet<RTCDataChannelId>,
    report: StateReport,
    complaints: BTreeSet<String>,
    paused_until: Option<Instant>,
}

impl fmt::Debug for RtcConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcConnection").field("report", &self.report).finish_non_exhaustive()
    }
}

impl RtcConnection {
    pub(crate) fn new(now: Instant, config: &Configuration) -> Outcome<Self> {
        let log = SharedLog::default();
        let pc = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration(config))
            .with_setting_engine(settings(config, &log)?)
            .build(now)
            .map_err(refusal)?;
        let report = StateReport {
            ice_connection: "new".to_owned(),
            connection: "new".to_owned(),
            ice_gathering: "new".to_owned(),
            signaling: "stable".to_owned(),
            selected_pair: None,
        };
        Ok(Self {
            pc,
            log,
            queue: VecDeque::new(),
            known: BTreeSet::new(),
            report,
            complaints: BTreeSet::new(),
            paused_until: None,
        })
    }

    /// `setConfiguration`: what `rtc` fixes when a connection is made cannot change later.
    pub(crate) fn reconfigure(&mut self, config: &Configuration) -> Outcome<()> {
        let fixed = [
            ("x-iceLite", config.ice_lite),
            ("x-mdns", config.mdns),
            ("x-dtlsVersions", !config.dtls_versions.is_empty()),
            ("x-dtlsRole", !config.dtls_role.is_empty()),
            ("x-sctp", !config.sctp.is_empty()),
        ];
        if let Some((key, _)) = fixed.iter().find(|(_, given)| *given) {
            return Err(Refusal::unsupported(*key));
        }
        self.pc.set_configuration(configuration(config)).map_err(refusal)
    }

    fn take_events(&mut self) -> bool {
        let mut any = false;
        while let Some(event) = self.pc.poll_event() {
            any = true;
            match event {
                RTCPeerConnectionEvent::OnNegotiationNeededEvent => {
                    self.queue.push_back(Happening::NegotiationNeeded);
                }
                RTCPeerConnectionEvent::OnSignalingStateChangeEvent(state) => {
                    self.state_is(StateKind::Signaling, state.to_string());
                }
                RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => {
                    self.state_is(StateKind::IceConnection, state.to_string());
                }
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                    self.state_is(StateKind::Connection, state.to_string());
                }
                RTCPeerConnectionEvent::OnDataChannel(event) => self.channel_event(&event),
                // Gathering is the application's here: the harness announces it itself.
                RTCPeerConnectionEvent::OnIceCandidateEvent(_)
                | RTCPeerConnectionEvent::OnIceGatheringStateChangeEvent(_) => {}
                other => self.queue.push_back(Happening::Log(format!("{other:?}"))),
            }
        }
        any
    }

    fn state_is(&mut self, which: StateKind, value: String) {
        let field = match which {
            StateKind::IceConnection => &mut self.report.ice_connection,
            StateKind::Connection => &mut self.report.connection,
            StateKind::IceGathering => &mut self.report.ice_gathering,
            StateKind::Signaling => &mut self.report.signaling,
        };
        field.clone_from(&value);
        self.queue.push_back(Happening::State { which, value });
    }

    fn channel_event(&mut self, event: &RTCDataChannelEvent) {
        match *event {
            RTCDataChannelEvent::OnOpen(id) => self.channel_open(id),
            RTCDataChannelEvent::OnClose(id) => {
                self.queue.push_back(Happening::Closed { key: ChannelKey(id) });
            }
            RTCDataChannelEvent::OnError(id) => self.queue.push_back(Happening::Error {
                key: Some(ChannelKey(id)),
                name: "OperationError",
                message: "OnError".to_owned(),
            }),
            // The contract has no event for `closing` and for buffer levels.
            _ => {}
        }
    }

    fn channel_open(&mut self, id: RTCDataChannelId) {
        let key = ChannelKey(id);
        let Some(channel) = self.pc.data_channel(id) else { return };
        let sid = channel.stream_id();
        if self.known.insert(id) {
            let (label, init) = (channel.label().to_owned(), channel_told(&channel));
            self.queue.push_back(Happening::Channel { key, label, init });
        }
        self.queue.push_back(Happening::Open { key, sid });
    }

    fn take_messages(&mut self) -> bool {
        let mut any = false;
        while let Some(TaggedRTCMessage { message, .. }) = self.pc.poll_read() {
            any = true;
            let RTCMessage::DataChannelMessage(id, message) = message else { continue };
            let key = ChannelKey(id);
            self.queue.push_back(match payload(message.is_string, message.data) {
                Ok(payload) => Happening::Message { key, payload },
                Err(bytes) => Happening::Error {
                    key: Some(key),
                    name: "EncodingError",
                    message: format!("text message of {} bytes is not UTF-8", bytes.len()),
                },
            });
        }
        any
    }

    fn take_datagrams(&mut self) -> bool {
        let mut any = false;
        while let Some(TaggedBytesMut { transport, message, .. }) = self.pc.poll_write() {
            any = true;
            self.queue.push_back(match transport.transport_protocol {
                TransportProtocol::UDP => Happening::Datagram {
                    local: transport.local_addr,
                    remote: transport.peer_addr,
                    data: message.to_vec(),
                },
                other => Happening::Log(format!("{other:?} to {}", transport.peer_addr)),
            });
        }
        any
    }

    /// `rtc` has no event for the selected pair; it is read off its transport.
    fn take_selected_pair(&mut self) -> bool {
        let Some(sctp) = self.pc.sctp() else { return false };
        let pair = sctp.transport().ice_transport().get_selected_candidate_pair();
        let pair = pair.as_ref().map(selected_pair);
        if pair == self.report.selected_pair {
            return false;
        }
        self.report.selected_pair.clone_from(&pair);
        let Some(pair) = pair else { return false };
        self.queue.push_back(Happening::SelectedPair(pair));
        true
    }

    fn complain(&mut self, what: &str, error: &Error) {
        let message = format!("{what}: {error}");
        if self.complaints.insert(message.clone()) {
            self.queue.push_back(Happening::Error { key: None, name: "OperationError", message });
        }
    }
}

fn selected_pair(pair: &RTCIceCandidatePair) -> SelectedPair {
    let text = |candidate: &rtc::peer_connection::transport::RTCIceCandidate| {
        candidate.to_json().map(|init| init.candidate).unwrap_or_default()
    };
    SelectedPair { local: text(pair.local()), remote: text(pair.remote()) }
}

impl Connection for RtcConnection {
    fn offer(&mut self, _now: Instant, ice_restart: bool) -> Outcome<String> {
        let options = ice_restart.then_some(RTCOfferOptions { ice_restart });
        self.pc.create_offer(options).map(|offer| offer.sdp).map_err(refusal)
    }

    fn answer(&mut self, _now: Instant) -> Outcome<String> {
        self.pc.create_answer(None).map(|answer| answer.sdp).map_err(refusal)
    }

    fn local(&mut self, now: Instant, text: &Description) -> Outcome<()> {
        self.pc.set_local_description(now, description(text)?).map_err(refusal)
    }

    fn local_description(&self) -> Option<String> {
        self.pc.local_description().map(|description| description.sdp)
    }

    fn remote(&mut self, now: Instant, text: &Description) -> Outcome<()> {
        self.pc.set_remote_description(now, description(text)?).map_err(refusal)
    }

    fn remote_candidate(&mut self, _now: Instant, given: Option<&Candidate>) -> Outcome<()> {
        let init = given.map_or_else(RTCIceCandidateInit::default, |given| RTCIceCandidateInit {
            candidate: given.candidate.clone(),
            sdp_mid: given.sdp_mid.clone(),
            sdp_mline_index: given.sdp_m_line_index,
            username_fragment: given.username_fragment.clone(),
            url: None,
        });
        self.pc.add_remote_candidate(init).map_err(refusal)
    }

    fn local_candidate(&mut self, _now: Instant, found: Found) -> Outcome<Gathered> {
        let init = candidate(found)?.to_json().map_err(refusal)?;
        let text = init.candidate.clone();
        self.pc.add_local_candidate(init).map_err(refusal)?;
        Ok(Gathered::Signal(text))
    }

    fn end_of_local_candidates(&mut self, _now: Instant) {
        if let Err(error) = self.pc.add_local_candidate(RTCIceCandidateInit::default()) {
            self.complain("end of candidates", &error);
        }
    }

    /// `rtc` cannot withdraw a candidate; the next restart discards it.
    fn forget_local_address(&mut self, _now: Instant, _base: SocketAddr) {}

    fn channel(&mut self, _now: Instant, label: &str, init: &ChannelInit) -> Outcome<ChannelKey> {
        let options = channel_init(init)?;
        let id = self.pc.create_data_channel(label, Some(options)).map_err(refusal)?.id();
        self.known.insert(id);
        Ok(ChannelKey(id))
    }

    fn send(&mut self, now: Instant, key: ChannelKey, payload: &Payload) -> Outcome<()> {
        let closed = || Refusal::state("the channel is gone");
        let mut channel = self.pc.data_channel(key.0).ok_or_else(closed)?;
        match payload {
            Payload::Text(text) => channel.send_text(now, text.as_str()),
            Payload::Binary(bytes) => channel.send(now, BytesMut::from(bytes.as_slice())),
        }
        .map_err(refusal)
    }

    fn close_channel(&mut self, _now: Instant, key: ChannelKey) -> Outcome<()> {
        match self.pc.data_channel(key.0) {
            Some(mut channel) => channel.close().map_err(refusal),
            // W3C: closing a closed channel does nothing.
            None => Ok(()),
        }
    }

    fn close(&mut self, _now: Instant) -> Outcome<()> {
        self.pc.close().map_err(refusal)?;
        "closed".clone_into(&mut self.report.signaling);
        Ok(())
    }

    fn state(&self) -> StateReport {
        self.report.clone()
    }

    fn restart_ice(&mut self, _now: Instant) -> Outcome<()> {
        self.pc.restart_ice();
        Ok(())
    }

    fn receive(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr, data: &[u8]) {
        let transport = TransportContext {
            local_addr: local,
            peer_addr: remote,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        let message = BytesMut::from(data);
        if let Err(error) = self.pc.handle_read(TaggedBytesMut { now, transport, message }) {
            self.complain("handle_read", &error);
        }
    }

    fn advance(&mut self, now: Instant) {
        self.paused_until = None;
        if let Err(error) = self.pc.handle_timeout(now) {
            self.complain("handle_timeout", &error);
            self.paused_until = Some(now + FAILED_TIMER_PAUSE);
        }
    }

    fn wake(&mut self) -> Option<Instant> {
        let due = self.pc.poll_timeout()?;
        Some(self.paused_until.map_or(due, |until| due.max(until)))
    }

    fn secrets(&mut self) -> Vec<String> {
        take_lines(&self.log)
    }

    fn poll(&mut self, _now: Instant) -> Option<Happening> {
        while self.queue.is_empty() {
            let busy = self.take_datagrams()
                | self.take_events()
                | self.take_messages()
                | self.take_selected_pair();
            if !busy {
                break;
            }
        }
        self.queue.pop_front()
    }
}
