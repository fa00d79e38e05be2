//! The other stacks as their own applications run them: no adapter, no observer, each with the
//! fastest cryptography it ships.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider as _;
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};

/// One way delay between the two sides.
const LATENCY: Duration = Duration::from_millis(5);

/// One side of a session.
pub(super) trait Side: Sized {
    /// A peer with one address, not connected; side 0 has a channel to open.
    fn new(number: usize, address: SocketAddr, now: Instant) -> Self;
    /// Offer and answer, as text, and the answer taken.
    fn negotiate(sides: &mut [Self; 2], now: Instant);
    /// A datagram from the other side.
    fn receive(&mut self, now: Instant, to: SocketAddr, from: SocketAddr, data: &[u8]);
    /// Time has come to `now`.
    fn advance(&mut self, now: Instant);
    /// Takes what the stack has to say, answers a message with itself (side 1) and sends the first
    /// one (side 0).
    fn drain(&mut self, now: Instant, send: impl FnMut(SocketAddr, SocketAddr, Vec<u8>)) -> State;
}

/// What a side has come to.
pub(super) struct State {
    /// The echo has come back to side 0.
    pub(super) done: bool,
    /// When to call [`Side::advance`].
    pub(super) wake: Option<Instant>,
}

/// From nothing to a message that has come back; the number of datagrams it took.
pub(super) fn session<S: Side>() -> u64 {
    // Virtual time has to start somewhere.
    #[expect(clippy::disallowed_methods, reason = "these stacks speak `Instant`")]
    let mut now = Instant::now();
    let mut sides = [1, 2].map(|number| {
        let address = SocketAddr::from(([10, 0, 0, number], 50_000));
        S::new(usize::from(number) - 1, address, now)
    });
    S::negotiate(&mut sides, now);
    let mut flying: BTreeMap<(Instant, u64), (usize, SocketAddr, SocketAddr, Vec<u8>)> =
        BTreeMap::new();
    let mut sent = 0;
    loop {
        let mut wake = None;
        for (number, side) in sides.iter_mut().enumerate() {
            let state = side.drain(now, |from, to, data| {
                sent += 1;
                flying.insert((now + LATENCY, sent), (1 - number, to, from, data));
            });
            if state.done {
                return sent;
            }
            wake = wake.into_iter().chain(state.wake).min();
        }
        let arrival = flying.first_key_value().map(|(&(time, _), _)| time);
        now = arrival.into_iter().chain(wake).min().expect("a session that goes on").max(now);
        if arrival == Some(now)
            && let Some((_, (side, to, from, data))) = flying.pop_first()
        {
            sides[side].receive(now, to, from, &data);
        } else {
            sides.iter_mut().for_each(|side| side.advance(now));
        }
    }
}

/// str0m; `CACHED` gives it the one DTLS configuration for all connections that its own provider
/// does not keep, `V13` DTLS 1.3.
pub(super) struct Str0m<const CACHED: bool, const V13: bool> {
    rtc: str0m::Rtc,
    is_offerer: bool,
    is_done: bool,
}

fn certificates() -> &'static [DtlsCert; 2] {
    static MADE: OnceLock<[DtlsCert; 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        let provider = str0m::crypto::from_feature_flags().dtls_provider;
        [(); 2].map(|()| provider.generate_certificate().expect("aws-lc makes certificates"))
    })
}

impl<const CACHED: bool, const V13: bool> Side for Str0m<CACHED, V13> {
    fn new(number: usize, address: SocketAddr, now: Instant) -> Self {
        let mut provider = str0m::crypto::from_feature_flags();
        if CACHED {
            provider.dtls_provider = &CachedConfig;
        }
        let version = if V13 { DtlsVersion::Dtls13 } else { DtlsVersion::Dtls12 };
        let mut rtc = str0m::Rtc::builder()
            .set_crypto_provider(Arc::new(provider))
            .set_dtls_version(version)
            .set_dtls_cert(certificates()[number].clone())
            .build(now);
        let candidate = str0m::Candidate::host(address, str0m::net::Protocol::Udp);
        rtc.add_local_candidate(candidate.expect("a host candidate"));
        Self { rtc, is_offerer: number == 0, is_done: false }
    }

    fn negotiate([offerer, answerer]: &mut [Self; 2], now: Instant) {
        use str0m::change::{SdpAnswer, SdpOffer};
        // str0m wants to know the time before anything else.
        for side in [&mut *offerer, &mut *answerer] {
            side.advance(now);
        }
        let mut api = offerer.rtc.sdp_api();
        api.add_channel("bench".to_owned());
        let (offer, pending) = api.apply().expect("there is a channel to offer");
        let offer = SdpOffer::from_sdp_string(&offer.to_sdp_string()).expect("its own offer");
        let answer = answerer.rtc.sdp_api().accept_offer(offer).expect("its own offer");
        let answer = SdpAnswer::from_sdp_string(&answer.to_sdp_string()).expect("its own answer");
        offerer.rtc.sdp_api().accept_answer(pending, answer).expect("its own answer");
    }

    fn receive(&mut self, now: Instant, to: SocketAddr, from: SocketAddr, data: &[u8]) {
        use str0m::net::{Protocol, Receive};
        let receive = Receive::new(Protocol::Udp, from, to, data).expect("its own datagram");
        self.rtc.handle_input(str0m::Input::Receive(now, receive)).expect("its own datagram");
    }

    fn advance(&mut self, now: Instant) {
        self.rtc.handle_input(str0m::Input::Timeout(now)).expect("time goes on");
    }

    fn drain(
        &mut self,
        _now: Instant,
        mut send: impl FnMut(SocketAddr, SocketAddr, Vec<u8>),
    ) -> State {
        use str0m::{Event, Output};
        loop {
            match self.rtc.poll_output().expect("a session that goes on") {
                Output::Timeout(at) => return State { done: self.is_done, wake: Some(at) },
                Output::Transmit(transmit) => {
                    send(transmit.source, transmit.destination, transmit.contents.into());
                }
                // The answerer hears of the channel by a name it did not give.
                Output::Event(Event::ChannelOpen(id, _)) if self.is_offerer => {
                    let mut channel = self.rtc.channel(id).expect("just opened");
                    assert!(channel.write(false, b"ping").expect("open"));
                }
                Output::Event(Event::ChannelData(message)) => {
                    if self.is_offerer {
                        self.is_done = true;
                    } else {
                        let mut channel = self.rtc.channel(message.id).expect("open");
                        assert!(channel.write(message.binary, &message.data).expect("open"));
                    }
                }
                Output::Event(_) => {}
            }
        }
    }
}

/// A DTLS provider like str0m's own that makes the configuration, whose self-test is dear, once.
#[derive(Debug)]
struct CachedConfig;

impl DtlsProvider for CachedConfig {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        None
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        static CONFIG: OnceLock<Arc<dimpl::Config>> = OnceLock::new();
        let config = Arc::clone(CONFIG.get_or_init(|| {
            let config = dimpl::Config::builder()
                .use_server_cookie(false)
                .with_crypto_provider(dimpl::crypto::aws_lc_rs::default_provider())
                .build();
            Arc::new(config.expect("the defaults make a configuration"))
        }));
        let dtls = match version {
            DtlsVersion::Dtls13 => dimpl::Dtls::new_13(config, cert.clone(), now),
            _ => dimpl::Dtls::new_12(config, cert.clone(), now),
        };
        Ok(Box::new(Instance(dtls)))
    }
}

#[derive(Debug)]
struct Instance(dimpl::Dtls);

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

/// webrtc-rs `rtc` with its own ring provider.
pub(super) struct Rtc {
    pc: RTCPeerConnection,
    is_offerer: bool,
    is_done: bool,
}

fn rtc_certificates() -> &'static [RTCCertificate; 2] {
    static MADE: OnceLock<[RTCCertificate; 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        let provider = rtc::crypto::providers::RingProvider::new();
        [(); 2].map(|()| {
            let scheme = rtc::crypto::SignatureScheme::EcdsaP256Sha256;
            let params = CertificateParams::new(vec!["bench".to_owned()]).expect("a name");
            RTCCertificate::generate(provider.crypto(), scheme, params).expect("ring makes one")
        })
    })
}

impl Side for Rtc {
    fn new(number: usize, address: SocketAddr, now: Instant) -> Self {
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled);
        let configuration = RTCConfigurationBuilder::new()
            .with_certificates(vec![rtc_certificates()[number].clone()]);
        let mut pc = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_setting_engine(settings.build())
            .build(now)
            .expect("a connection");
        if number == 0 {
            pc.create_data_channel("bench", None).expect("the first channel");
        }
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            component: 1,
            ..CandidateConfig::default()
        };
        let candidate = CandidateHostConfig { base_config, ..CandidateHostConfig::default() }
            .new_candidate_host();
        let candidate = RTCIceCandidate::from(&candidate.expect("a host candidate"));
        pc.add_local_candidate(candidate.to_json().expect("printable")).expect("a host candidate");
        Self { pc, is_offerer: number == 0, is_done: false }
    }

    fn negotiate([offerer, answerer]: &mut [Self; 2], now: Instant) {
        let (offerer, answerer) = (&mut offerer.pc, &mut answerer.pc);
        let offer = offerer.create_offer(None).expect("stable");
        offerer.set_local_description(now, offer).expect("just made");
        let offer = offerer.local_description().expect("just set").sdp;
        let offer = RTCSessionDescription::offer(offer).expect("its own offer");
        answerer.set_remote_description(now, offer).expect("its own offer");
        let answer = answerer.create_answer(None).expect("an offer is open");
        answerer.set_local_description(now, answer).expect("just made");
        let answer = answerer.local_description().expect("just set").sdp;
        let answer = RTCSessionDescription::answer(answer).expect("its own answer");
        offerer.set_remote_description(now, answer).expect("its own answer");
    }

    fn receive(&mut self, now: Instant, to: SocketAddr, from: SocketAddr, data: &[u8]) {
        let transport = TransportContext {
            local_addr: to,
            peer_addr: from,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        let message = BytesMut::from(data);
        let input = TaggedBytesMut { now, transport, message };
        self.pc.handle_read(input).expect("its own datagram");
    }

    fn advance(&mut self, now: Instant) {
        self.pc.handle_timeout(now).expect("time goes on");
    }

    fn drain(
        &mut self,
        now: Instant,
        mut send: impl FnMut(SocketAddr, SocketAddr, Vec<u8>),
    ) -> State {
        let mut is_busy = true;
        while is_busy {
            is_busy = false;
            while let Some(TaggedBytesMut { transport, message, .. }) = self.pc.poll_write() {
                send(transport.local_addr, transport.peer_addr, message.to_vec());
            }
            while let Some(event) = self.pc.poll_event() {
                is_busy = true;
                if let RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) =
                    event
                    && self.is_offerer
                {
                    let mut channel = self.pc.data_channel(id).expect("just opened");
                    channel.send_text(now, "ping").expect("open");
                }
            }
            while let Some(TaggedRTCMessage { message, .. }) = self.pc.poll_read() {
                is_busy = true;
                let RTCMessage::DataChannelMessage(id, message) = message else { continue };
                if self.is_offerer {
                    self.is_done = true;
                } else {
                    let mut channel = self.pc.data_channel(id).expect("open");
                    let text = std::str::from_utf8(&message.data).expect("the ping");
                    channel.send_text(now, text).expect("open");
                }
            }
        }
        State { done: self.is_done, wake: self.pc.poll_timeout() }
    }
}
