//! One DTLS association.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dimpl::{
    Config, Dtls, DtlsCertificate, Output, ProtocolVersion, SrtpProfile,
    UnexpectedMessageError as Unexpected,
};

use super::certificate::Identity;
use super::entropy::{self, Tap};
use super::error::Error;
use super::fingerprint::Fingerprints;
use super::keylog::KeyLog;
use super::numbering::Numbering;
use super::sieve::Sieve;
use super::{clock, provider};
use crate::rng::Rng;

/// Which side starts the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `a=setup:active`: sends the `ClientHello`.
    Client,
    /// `a=setup:passive`: waits for it.
    Server,
}

/// Which versions a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// Offers both and takes what the peer has.
    #[default]
    Auto,
    /// DTLS 1.2 and nothing else (RFC 6347).
    Only12,
    /// DTLS 1.3 and nothing else (RFC 9147).
    Only13,
}

/// What a handshake is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cryptography {
    /// Everything that DTLS asks for.
    #[default]
    Full,
    /// No curves: key shares are sums and signatures checksums, which is understood by a session with
    /// the same setting only. Nothing is secret.
    Symmetric,
}

/// How to go about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which versions.
    pub versions: Versions,
    /// Largest datagram, in bytes.
    pub mtu: usize,
    /// As a server, make the client prove its address first (RFC 6347 §4.2.1, RFC 9147 §5.1).
    /// ICE has proven it already, so this is off unless asked for.
    pub cookie: bool,
    /// What it is made of.
    pub cryptography: Cryptography,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            versions: Versions::Auto,
            mtu: 1200,
            cookie: false,
            cryptography: Cryptography::Full,
        }
    }
}

/// Keys for SRTP from the handshake (RFC 5764 §4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// The profile that was agreed on.
    pub profile: SrtpProfile,
    /// Client and server master keys, then client and server salts.
    pub material: Vec<u8>,
}

impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// What a session tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake is complete and the peer's certificate is the announced one.
    Connected,
    /// Application data: one record.
    Data(Vec<u8>),
    /// The peer said `close_notify`.
    Closed,
    /// The session is over because of this.
    Failed(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Connected,
    Ended,
}

/// A DTLS association over somebody else's datagrams.
///
/// After each call that takes `now`: drain [`Session::poll_transmit`] and [`Session::poll_event`],
/// then read [`Session::wake`].
pub struct Session {
    dtls: Dtls,
    /// Absent only for the length of a call into the library.
    tap: Option<Box<Tap>>,
    peer: Fingerprints,
    state: State,
    srtp: Option<SrtpKeys>,
    sieve: Sieve,
    numbering: Numbering,
    buffer: Vec<u8>,
    transmits: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    wake: Option<Duration>,
    /// The last wake that the library wanted at once.
    hurried: Option<Duration>,
}

/// RFC 9147 §7.1: part of a flight is acknowledged after a quarter of the retransmission timer,
/// which begins at 1 s (§5.8.2).
const ACK_PAUSE: Duration = Duration::from_millis(250);

impl Session {
    /// Starts a session; a client sends its first flight at once.
    ///
    /// `peer` are the fingerprints of the other side's description, `rng` is the stream that
    /// everything random in the session comes from.
    ///
    /// # Errors
    /// [`Error::Library`] if the options do not make a configuration.
    pub fn new(
        now: Duration,
        role: Role,
        options: Options,
        identity: &Identity,
        peer: Fingerprints,
        mut rng: Rng,
    ) -> Result<Self, Error> {
        let config = Arc::new(config(options, rng.u64())?);
        let tap = Box::new(Tap { rng, key: identity.key().clone(), log: KeyLog::default() });
        let certificate = DtlsCertificate {
            certificate: identity.certificate().to_vec(),
            private_key: provider::private_key(options.cryptography, identity),
        };
        let (tap, dtls) = entropy::lend(tap, || start(now, role, options, config, certificate));
        let mut session = Self {
            dtls,
            tap: Some(tap),
            peer,
            state: State::Handshake,
            srtp: None,
            sieve: Sieve::default(),
            numbering: Numbering::default(),
            buffer: vec![0; 2048],
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
            hurried: None,
        };
        session.advance(now);
        Ok(session)
    }

    /// A datagram came that the demultiplexer takes for DTLS.
    pub fn receive(&mut self, now: Duration, datagram: &[u8]) {
        let datagram = match self.state {
            State::Handshake => self.sieve.pass(datagram),
            _ => Some(datagram.into()),
        };
        let Some(datagram) = datagram else { return };
        if let Some(tap) = &mut self.tap {
            tap.log.see_datagram(&datagram);
        }
        self.drive(now, |dtls| match dtls.handle_packet(&datagram) {
            // RFC 6347 §4.1.2.7: of what it cannot tell a version from yet a client makes nothing.
            Err(dimpl::Error::UnexpectedMessage(Unexpected::UnrecognizedAutoServerResponse)) => {
                Ok(())
            }
            outcome => outcome,
        });
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Duration) {
        self.drive(now, |_| Ok(()));
    }

    /// Sends application data as one record.
    ///
    /// # Errors
    /// [`Error::NotConnected`] before the handshake is complete and after the end.
    pub fn send(&mut self, now: Duration, data: &[u8]) -> Result<(), Error> {
        if self.state != State::Connected {
            return Err(Error::NotConnected);
        }
        self.drive(now, |dtls| dtls.send_application_data(data).map(|_| ()));
        Ok(())
    }

    /// Says `close_notify` if the handshake is complete, and ends the session.
    pub fn close(&mut self, now: Duration) {
        if self.state == State::Connected {
            self.drive(now, Dtls::close);
        }
        self.state = State::Ended;
        self.wake = None;
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::advance`] wants to be called next.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        self.wake
    }

    /// Whether application data can be sent.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// The version that was agreed on: `"1.2"` or `"1.3"`.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        match self.dtls.protocol_version()? {
            ProtocolVersion::DTLS1_2 => Some("1.2"),
            ProtocolVersion::DTLS1_3 => Some("1.3"),
            _ => None,
        }
    }

    /// Keys for SRTP, once connected and if a profile was agreed on.
    #[must_use]
    pub fn srtp_keys(&self) -> Option<&SrtpKeys> {
        self.srtp.as_ref()
    }

    /// NSS key log lines since the last call.
    pub fn take_key_log(&mut self) -> Vec<String> {
        self.tap.as_mut().map(|tap| tap.log.take()).unwrap_or_default()
    }

    /// Calls into the library and takes out everything it has to say.
    fn drive(&mut self, now: Duration, call: impl FnOnce(&mut Dtls) -> Result<(), dimpl::Error>) {
        let Some(tap) = self.tap.take_if(|_| self.state != State::Ended) else {
            return;
        };
        let (tap, result) = entropy::lend(tap, || {
            self.dtls.handle_timeout(clock::instant(now))?;
            call(&mut self.dtls)
        });
        let (tap, ()) = entropy::lend(tap, || self.drain(now));
        self.tap = Some(tap);
        if let Some(tap) = &mut self.tap {
            self.transmits.iter().for_each(|datagram| tap.log.see_datagram(datagram));
        }
        if let Err(error) = result {
            self.refuse_handshake(&error);
            self.fail(Error::Library(error));
        }
    }

    fn drain(&mut self, now: Duration) {
        while self.state != State::Ended {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(datagram) => {
                    let mut datagram = datagram.to_vec();
                    self.numbering.apply(&mut datagram);
                    self.transmits.push_back(datagram);
                }
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::Timeout(instant) => {
                    self.wake = clock::run_time(instant).map(|wake| self.unhurried(now, wake));
                    return;
                }
                Output::Connected => {
                    self.state = State::Connected;
                    self.events.push_back(Event::Connected);
                }
                Output::PeerCert(certificate) => {
                    if let Err(error) = self.peer.check(certificate) {
                        self.refuse_certificate(error);
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    self.srtp = Some(SrtpKeys { profile, material: material.to_vec() });
                }
                Output::ApplicationData(data) => self.events.push_back(Event::Data(data.to_vec())),
                Output::CloseNotify => {
                    self.state = State::Ended;
                    self.wake = None;
                    self.events.push_back(Event::Closed);
                }
                // The enum is open; what it does not have today says nothing to us.
                _ => return,
            }
        }
    }

    /// dimpl 0.9 acknowledges a gap in a DTLS 1.3 flight at once, and again at once after that, for
    /// as long as the gap is there: the first time is right, the next ones wait.
    fn unhurried(&mut self, now: Duration, wake: Duration) -> Duration {
        if wake > now {
            return wake;
        }
        let earliest = self.hurried.map_or(now, |hurried| hurried + ACK_PAUSE);
        let wake = earliest.clamp(now, now + ACK_PAUSE);
        self.hurried = Some(wake);
        wake
    }

    /// RFC 8122 §6.2: a certificate that does not match ends the session with `bad_certificate`.
    fn refuse_certificate(&mut self, error: Error) {
        // The library has no call for an alert; at this point of the handshake ours may still go
        // in the clear.
        self.transmits.push_back(fatal(BAD_CERTIFICATE, self.numbering.next()));
        self.fail(error);
    }

    /// RFC 5246 §7.2.2, RFC 8446 §6.2: who ends a handshake says so, not only its application.
    fn refuse_handshake(&mut self, error: &dimpl::Error) {
        let told = matches!(error, dimpl::Error::Timeout(_) | dimpl::Error::ConnectionClosed);
        if self.state == State::Handshake && !told {
            self.transmits.push_back(fatal(HANDSHAKE_FAILURE, self.numbering.next()));
        }
    }

    fn fail(&mut self, error: Error) {
        self.state = State::Ended;
        self.wake = None;
        self.events.push_back(Event::Failed(error));
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("version", &self.version())
            .field("wake", &self.wake)
            .finish_non_exhaustive()
    }
}

fn config(options: Options, seed: u64) -> Result<Config, Error> {
    let settings = Config::builder()
        .mtu(options.mtu)
        .use_server_cookie(options.cookie)
        .max_queue_rx(256)
        .max_queue_tx(64)
        .dangerously_set_rng_seed(seed);
    provider::configure(settings, options.cryptography)
}

fn start(
    now: Duration,
    role: Role,
    options: Options,
    config: Arc<Config>,
    certificate: DtlsCertificate,
) -> Dtls {
    let now = clock::instant(now);
    let mut dtls = match options.versions {
        Versions::Auto => Dtls::new_auto(config, certificate, now),
        Versions::Only12 => Dtls::new_12(config, certificate, now),
        Versions::Only13 => Dtls::new_13(config, certificate, now),
    };
    dtls.set_active(role == Role::Client);
    dtls
}

const HANDSHAKE_FAILURE: u8 = 40;
const BAD_CERTIFICATE: u8 = 42;

/// A plaintext record with a fatal alert (RFC 5246 §7.2.2).
fn fatal(description: u8, sequence: u64) -> Vec<u8> {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    let mut record = vec![ALERT, 0xfe, 0xfd, 0, 0];
    record.extend_from_slice(&sequence.to_be_bytes()[2..]);
    record.extend([0, 2, FATAL, description]);
    record
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::dtls::{Record, Records};

    use super::*;

    const LATENCY: Duration = Duration::from_millis(10);

    /// Two sessions and the datagrams between them, client's first.
    struct Link {
        ends: [Session; 2],
        now: Duration,
        wire: Vec<(usize, Vec<u8>)>,
        events: [Vec<Event>; 2],
    }

    impl Link {
        fn new(client: Versions, server: Versions, seed: u64) -> Self {
            let options = |versions| Options { versions, ..Options::default() };
            Self::with_options(options(client), options(server), seed)
        }

        fn with_options(client: Options, server: Options, seed: u64) -> Self {
            let identities = [Identity::from_seed(seed), Identity::from_seed(seed + 1000)];
            let announced: Vec<_> = identities.iter().map(|id| id.fingerprint().clone()).collect();
            let rng = Rng::new(seed);
            let end = |role, options, own: usize| {
                Session::new(
                    Duration::ZERO,
                    role,
                    options,
                    &identities[own],
                    Fingerprints::from_iter([announced[1 - own].clone()]),
                    rng.fork_nth("dtls", own as u64),
                )
                .unwrap()
            };
            Self {
                ends: [end(Role::Client, client, 0), end(Role::Server, server, 1)],
                now: Duration::ZERO,
                wire: Vec::new(),
                events: [Vec::new(), Vec::new()],
            }
        }

        /// Carries datagrams until nobody has any, losing those `lose` names by number.
        fn settle(&mut self, lose: impl Fn(usize) -> bool) {
            for _ in 0..100 {
                let mut flying = Vec::new();
                for (from, end) in self.ends.iter_mut().enumerate() {
                    while let Some(datagram) = end.poll_transmit() {
                        if !lose(self.wire.len()) {
                            flying.push((from, datagram.clone()));
                        }
                        self.wire.push((from, datagram));
                    }
                    self.events[from].extend(std::iter::from_fn(|| end.poll_event()));
                }
                if flying.is_empty() {
                    return;
                }
                self.now += LATENCY;
                for (from, datagram) in flying {
                    self.ends[1 - from].receive(self.now, &datagram);
                }
            }
        }

        /// Lets time pass to the next timer of either end.
        fn tick(&mut self) {
            let wake = self.ends.iter().filter_map(Session::wake).min();
            self.now = wake.expect("invariant: a lost flight leaves a timer");
            self.ends.iter_mut().for_each(|end| end.advance(self.now));
        }

        fn versions(&self) -> [Option<&'static str>; 2] {
            [self.ends[0].version(), self.ends[1].version()]
        }
    }

    #[test]
    fn versions_meet_where_both_can() {
        use Versions::{Auto, Only12, Only13};
        for (client, server, expected) in [
            (Auto, Auto, "1.3"),
            (Auto, Only12, "1.2"),
            (Only12, Auto, "1.2"),
            (Auto, Only13, "1.3"),
            (Only13, Auto, "1.3"),
            (Only12, Only12, "1.2"),
            (Only13, Only13, "1.3"),
        ] {
            let mut link = Link::new(client, server, 1);
            link.settle(|_| false);
            assert_eq!(link.versions(), [Some(expected); 2], "{client:?} {server:?}");
            assert_eq!(link.events, [[Event::Connected], [Event::Connected]]);
            assert_eq!(link.ends[0].srtp_keys(), link.ends[1].srtp_keys());
            assert!(link.ends[0].srtp_keys().is_some());
        }
    }

    #[test]
    fn without_curves_there_is_a_handshake_like_any_other_but_not_with_one_that_has_them() {
        let options =
            |versions, cryptography| Options { versions, cryptography, ..Options::default() };
        for (versions, expected) in [(Versions::Only12, "1.2"), (Versions::Only13, "1.3")] {
            let ours = options(versions, Cryptography::Symmetric);
            let mut link = Link::with_options(ours, ours, 1);
            link.settle(|_| false);
            assert_eq!(link.versions(), [Some(expected); 2]);
            assert_eq!(link.events, [[Event::Connected], [Event::Connected]]);
            assert_eq!(link.ends[0].srtp_keys(), link.ends[1].srtp_keys());

            let mut link = Link::with_options(ours, options(versions, Cryptography::Full), 1);
            link.settle(|_| false);
            assert!(!link.ends.iter().any(Session::is_connected), "{versions:?}");
        }
    }

    #[test]
    fn client_and_server_without_a_common_version_do_not_connect() {
        let mut link = Link::new(Versions::Only13, Versions::Only12, 1);
        link.settle(|_| false);
        assert!(!link.ends.iter().any(Session::is_connected));
    }

    #[test]
    fn data_goes_both_ways_one_record_each() {
        for versions in [Versions::Only12, Versions::Only13] {
            let mut link = Link::new(versions, versions, 2);
            link.settle(|_| false);
            link.events = Default::default();
            let now = link.now;
            link.ends[0].send(now, b"ping").unwrap();
            link.ends[1].send(now, &[7; 1100]).unwrap();
            link.settle(|_| false);
            assert_eq!(link.events[1], [Event::Data(b"ping".to_vec())]);
            assert_eq!(link.events[0], [Event::Data(vec![7; 1100])]);
        }
    }

    #[test]
    fn same_seed_gives_the_same_datagrams_and_another_seed_others() {
        for versions in [Versions::Only12, Versions::Only13, Versions::Auto] {
            let run = |seed| {
                let mut link = Link::new(versions, versions, seed);
                link.settle(|_| false);
                let now = link.now;
                link.ends[0].send(now, b"same").unwrap();
                link.settle(|_| false);
                link.wire
            };
            let (first, again, other) = (run(3), run(3), run(4));
            assert!(first == again, "{versions:?}: one seed, two byte sequences");
            let shared = first.iter().filter(|datagram| other.contains(datagram)).count();
            assert_eq!(shared, 0, "{versions:?}: datagrams of two seeds are alike");
        }
    }

    /// Found by link/corruption with seed 38: the client acknowledged without end at one instant.
    #[test]
    fn a_gap_in_a_flight_is_acknowledged_at_once_and_then_now_and_then() {
        let mut link = Link::new(Versions::Only13, Versions::Only13, 6);
        let hello = link.ends[0].poll_transmit().expect("the client begins");
        link.ends[1].receive(LATENCY, &hello);
        let now = LATENCY * 2;
        while let Some(mut datagram) = link.ends[1].poll_transmit() {
            // The record behind ServerHello is damaged, so those behind it come too early.
            let length = usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
            if let Some(byte) = datagram.get_mut(13 + length + 12) {
                *byte ^= 1;
            }
            link.ends[0].receive(now, &datagram);
        }
        let client = &mut link.ends[0];
        assert_eq!(client.wake(), Some(now), "the gap is known");
        let mut sent = 0;
        for _ in 0..10 {
            let wake = client.wake().expect("the handshake goes on");
            if wake > Duration::from_secs(1) {
                break;
            }
            client.advance(wake);
            sent += std::iter::from_fn(|| client.poll_transmit()).count();
        }
        assert!(client.wake() > Some(Duration::from_secs(1)), "{:?}", client.wake());
        assert!((2..=8).contains(&sent), "{sent} datagrams in a second");
    }

    #[test]
    fn every_single_loss_is_made_good() {
        for versions in [Versions::Only12, Versions::Only13, Versions::Auto] {
            for lost in 0..8 {
                let mut link = Link::new(versions, versions, 5);
                link.settle(|number| number == lost);
                for _ in 0..4 {
                    if link.ends.iter().all(Session::is_connected) {
                        break;
                    }
                    link.tick();
                    link.settle(|_| false);
                }
                let connected = link.ends.iter().all(Session::is_connected);
                assert!(connected, "{versions:?}: datagram {lost} lost");
            }
        }
    }

    #[test]
    fn flight_sent_again_has_new_record_numbers() {
        for versions in [Versions::Only12, Versions::Only13, Versions::Auto] {
            let mut link = Link::new(versions, versions, 5);
            for _ in 0..3 {
                link.settle(|_| true);
                link.tick();
            }
            let plaintext = |record| match record {
                Record::Plaintext(record) => Some(record.sequence_number),
                _ => None,
            };
            let datagrams = link.wire.iter();
            let numbers: Vec<u64> = datagrams
                .flat_map(|(_, bytes)| Records::new(bytes).filter_map(plaintext))
                .collect();
            assert!(numbers.len() >= 3, "{versions:?}");
            assert!(numbers.is_sorted_by(|before, after| before < after), "{numbers:?}");
        }
    }

    #[test]
    fn silence_ends_in_a_timeout() {
        let mut link = Link::new(Versions::Auto, Versions::Auto, 6);
        for _ in 0..10 {
            link.settle(|_| true);
            if link.ends[0].wake().is_some() {
                link.tick();
            }
        }
        assert!(matches!(link.events[0].as_slice(), [Event::Failed(Error::Library(_))]));
        assert!(link.now > Duration::from_secs(20), "{:?}", link.now);
    }

    #[test]
    fn wrong_fingerprint_fails_with_an_alert_and_no_connection() {
        for versions in [Versions::Only12, Versions::Only13] {
            let mut link = Link::new(versions, versions, 7);
            link.ends[0].peer =
                Fingerprints::from_iter([Identity::from_seed(99).fingerprint().clone()]);
            link.settle(|_| false);
            let failed = &link.events[0];
            assert!(
                matches!(failed.as_slice(), [Event::Failed(Error::Fingerprint { .. })]),
                "{failed:?}"
            );
            let last = link.wire.iter().rfind(|(from, _)| *from == 0).unwrap();
            let Some(Record::Plaintext(record)) = Records::new(&last.1).next() else { panic!() };
            assert_eq!(record.alert().unwrap().to_string(), "fatal bad_certificate");
            assert!(!link.ends[1].is_connected());
        }
    }

    #[test]
    fn pion_cve_2026_54908_flight_of_a_suite_nobody_offered_is_refused_with_an_alert() {
        let mut link = Link::new(Versions::Only12, Versions::Only12, 12);
        while link.ends[0].poll_transmit().is_some() {}
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([7; 32]);
        hello.extend([0, 0xc0, 0x37, 0]);
        // ServerHello, whole, alone in the first record.
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12 + 38];
        record.extend([2, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0, 38]);
        record.extend(hello);
        let now = link.now;
        link.ends[0].receive(now, &record);
        let last = std::iter::from_fn(|| link.ends[0].poll_transmit()).last().expect("an alert");
        let Some(Record::Plaintext(record)) = Records::new(&last).next() else { panic!() };
        assert_eq!(record.alert().unwrap().to_string(), "fatal handshake_failure");
    }

    #[test]
    fn client_that_knows_no_version_yet_makes_nothing_of_what_comes_before_the_hello() {
        let mut link = Link::new(Versions::Auto, Versions::Auto, 14);
        let now = link.now;
        // Encrypted, of DTLS 1.3: a flight whose first datagram was lost.
        let mut ahead = vec![0x2e, 0, 1, 0, 20];
        ahead.extend([9; 20]);
        link.ends[0].receive(now, &ahead);
        link.settle(|_| false);
        assert!(link.ends.iter().all(Session::is_connected), "{:?}", link.events);
    }

    #[test]
    fn handshake_in_small_pieces_connects() {
        for versions in [Versions::Only12, Versions::Only13, Versions::Auto] {
            let small = Options { versions, mtu: 250, ..Options::default() };
            let mut link = Link::with_options(small, small, 13);
            link.settle(|_| false);
            assert!(link.ends.iter().all(Session::is_connected), "{versions:?} {:?}", link.events);
            let pieces = link.wire.iter().flat_map(|(_, bytes)| Records::new(bytes));
            let in_pieces = pieces.filter(|record| match record {
                Record::Plaintext(record) => {
                    record.handshake().flatten().any(|fragment| !fragment.is_whole())
                }
                _ => false,
            });
            // Of DTLS 1.3 only the hellos are in the clear, and they fit.
            let count = in_pieces.count();
            assert!(count > 1 || versions != Versions::Only12, "{versions:?}: {count}");
        }
    }

    #[test]
    fn close_notify_reaches_the_other_side() {
        for versions in [Versions::Only12, Versions::Only13] {
            let mut link = Link::new(versions, versions, 8);
            link.settle(|_| false);
            let now = link.now;
            link.ends[1].close(now);
            link.settle(|_| false);
            assert_eq!(link.events[0], [Event::Connected, Event::Closed], "{versions:?}");
            assert_eq!(link.ends[1].send(now, b"late"), Err(Error::NotConnected));
        }
    }

    #[test]
    fn cookie_on_request_costs_a_round_trip() {
        for versions in [Versions::Only12, Versions::Only13] {
            let plain = Options { versions, ..Options::default() };
            let with_cookie = Options { cookie: true, ..plain };
            let time = |server| {
                let mut link = Link::with_options(plain, server, 9);
                link.settle(|_| false);
                assert!(link.ends.iter().all(Session::is_connected));
                link.now
            };
            assert_eq!(time(with_cookie), time(plain) + 2 * LATENCY);
        }
    }
}
