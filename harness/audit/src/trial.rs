//! Packets made by hand, for the tests of rules: what an observer and the rules make of them.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Observer, Seen};
use rtcspec_trace::{Carrier, Party, Signal, SignalBody};
use rtcspec_wire::sctp::{Checksum, set_checksum};
use rtcspec_wire::stun::{Attribute, ErrorCode, Message, Method, Seal, TransactionId};

use crate::Auditor;
use crate::report::{FileReport, Reported};

/// An observer, and the auditor that hears it.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    observer: Observer,
    auditor: Auditor,
    number: u64,
    ids: u8,
}

/// A's socket, or another one of it.
pub(crate) fn a(port: u16) -> SocketAddr {
    ([10, 0, 0, 1], port).into()
}

/// B's socket, or another one of it.
pub(crate) fn b(port: u16) -> SocketAddr {
    ([10, 0, 1, 2], port).into()
}

/// A check; the ufrags are the receiver's and the sender's.
pub(crate) fn check(id: u8, ufrags: &str, controlling: bool, tie_breaker: u64) -> Message {
    let role = if controlling {
        Attribute::IceControlling(tie_breaker)
    } else {
        Attribute::IceControlled(tie_breaker)
    };
    Message::request(Method::BINDING, TransactionId([id; 12]))
        .with(Attribute::Username(ufrags.to_owned()))
        .with(Attribute::Priority(0x6e00_00ff))
        .with(role)
}

/// The success answer to a check that came from there.
pub(crate) fn success(id: u8, mapped: SocketAddr) -> Message {
    Message::success(Method::BINDING, TransactionId([id; 12]))
        .with(Attribute::XorMappedAddress(mapped))
}

/// A refusal of a check.
pub(crate) fn refusal(id: u8, code: u16) -> Message {
    let error = ErrorCode::new(code).expect("between 300 and 699");
    Message::error(Method::BINDING, TransactionId([id; 12]), error)
}

/// A plaintext DTLS record with one handshake message in one piece.
pub(crate) fn handshake(number: u8, ty: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("a short message");
    let message = [&[ty, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length][..], body].concat();
    let head = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, 0, length + 12];
    [&head[..], &message].concat()
}

/// A ClientHello with this in its random, and extensions.
pub(crate) fn client_hello(random: u8, extensions: &[u8]) -> Vec<u8> {
    let length = u8::try_from(extensions.len()).expect("few of them");
    let suites = [0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, length];
    [&[0xfe, 0xfd][..], &[random; 32], &suites, extensions].concat()
}

/// A ServerHello without extensions.
pub(crate) fn server_hello(random: u8) -> Vec<u8> {
    [&[0xfe, 0xfd][..], &[random; 32], &[0, 0xc0, 0x2b, 0, 0, 0]].concat()
}

/// A chunk.
pub(crate) fn chunk(ty: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(4 + value.len()).expect("a short chunk");
    let mut bytes = [&[ty, flags, 0, length][..], value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A whole user message as a DATA chunk.
pub(crate) fn data(tsn: u32, stream: u16, ppid: u32, payload: &[u8]) -> Vec<u8> {
    let place = [&stream.to_be_bytes()[..], &[0, 0]].concat();
    chunk(0, 3, &[&tsn.to_be_bytes()[..], &place, &ppid.to_be_bytes(), payload].concat())
}

/// A `DATA_CHANNEL_OPEN` of a reliable channel without a name.
pub(crate) const OPEN: &[u8] = &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// RE-CONFIG with an Outgoing SSN Reset Request.
pub(crate) fn reset(request: u32, streams: &[u16]) -> Vec<u8> {
    let mut value = [request, 0, 0].map(u32::to_be_bytes).concat();
    value.extend(streams.iter().flat_map(|stream| stream.to_be_bytes()));
    let length = u8::try_from(4 + value.len()).expect("few streams");
    chunk(130, 0, &[&[0, 13, 0, length][..], &value].concat())
}

/// RE-CONFIG with the answer to a request.
pub(crate) fn response(request: u32, result: u32) -> Vec<u8> {
    let value = [request, result].map(u32::to_be_bytes).concat();
    chunk(130, 0, &[&[0, 16, 0, 12][..], &value].concat())
}

fn description(sent: Duration, from: Party, kind: &str, sdp: &str) -> Signal {
    let body = SignalBody::Description { kind: kind.to_owned(), sdp: format!("v=0\r\n{sdp}") };
    Signal { sent, arrived: Some(sent), from, body, refused: None }
}

impl Trial {
    /// A description; its sections and what is above them.
    pub(crate) fn signal(&mut self, from: Party, kind: &str, sdp: &str) {
        let signal = description(Duration::ZERO, from, kind, sdp);
        self.observer.signal(0, &signal);
        self.auditor.signal(0, &signal);
    }

    /// Descriptions that are known beforehand, with the time each is sent at.
    pub(crate) fn foretell(&mut self, descriptions: &[(u64, Party, &str, &str)]) {
        let mut signals = Vec::new();
        for (millis, from, kind, sdp) in descriptions {
            let signal = description(Duration::from_millis(*millis), *from, kind, sdp);
            self.observer.signal(0, &signal);
            signals.push((0, signal));
        }
        self.auditor.foretell(signals);
    }

    /// A datagram.
    pub(crate) fn udp(&mut self, millis: u64, path: (SocketAddr, SocketAddr), payload: &[u8]) {
        self.seen(millis, Carrier::Udp, path, payload);
    }

    /// A STUN message.
    pub(crate) fn stun(&mut self, millis: u64, path: (SocketAddr, SocketAddr), message: &Message) {
        let bytes = message.encode(&Seal::none().fingerprint()).expect("it is short");
        self.udp(millis, path, &bytes);
    }

    /// A transaction id that was not used.
    pub(crate) fn id(&mut self) -> u8 {
        self.ids += 1;
        self.ids
    }

    /// An SCTP packet outside DTLS, from A to B or back, under a verification tag.
    pub(crate) fn sctp(&mut self, millis: u64, from: Party, tag: u32, chunks: &[Vec<u8>]) {
        let mut bytes = [[0x13, 0x88, 0x13, 0x88], tag.to_be_bytes(), [0; 4]].concat();
        bytes.extend(chunks.concat());
        set_checksum(&mut bytes, Checksum::Crc32c);
        self.raw_sctp(millis, from, &bytes);
    }

    /// The bytes of one.
    pub(crate) fn raw_sctp(&mut self, millis: u64, from: Party, bytes: &[u8]) {
        let path = if from == Party::A { (a(5000), b(5000)) } else { (b(5000), a(5000)) };
        self.seen(millis, Carrier::Sctp, path, bytes);
    }

    /// The handshake of an association: A's tag, B's, and more parameters of both.
    pub(crate) fn associate(&mut self, millis: u64, tags: (u32, u32), more: &[u8]) {
        let supported = [0x80, 0x08, 0, 6, 130, 192, 0, 0, 0xc0, 0, 0, 4];
        let init = |ty: u8, tag: u32, cookie: &[u8]| {
            // The first TSN of the next association is another one, too.
            let fixed = [tag.to_be_bytes(), [0, 2, 0, 0], [0xff; 4], tag.to_be_bytes()];
            chunk(ty, 0, &[&fixed.concat()[..], &supported, more, cookie].concat())
        };
        let (own, theirs) = tags;
        self.sctp(millis, Party::A, 0, &[init(1, own, &[])]);
        self.sctp(millis + 10, Party::B, own, &[init(2, theirs, &[0, 7, 0, 8, 1, 2, 3, 4])]);
        self.sctp(millis + 20, Party::A, theirs, &[chunk(10, 0, &[1, 2, 3, 4])]);
        self.sctp(millis + 30, Party::B, own, &[chunk(11, 0, &[])]);
    }

    fn seen(
        &mut self,
        millis: u64,
        carrier: Carrier,
        (source, destination): (SocketAddr, SocketAddr),
        payload: &[u8],
    ) {
        self.number += 1;
        let (number, at) = (self.number, Duration::from_millis(millis));
        let seen = Seen { number, at, carrier, source, destination, payload };
        self.observer.seen(&seen, &mut |event| self.auditor.event(event));
    }

    /// Everything that was found.
    pub(crate) fn report(self) -> FileReport {
        self.auditor.finish("trial", self.number)
    }

    /// What one rule found, and how often it was held.
    pub(crate) fn of(self, rule: &str) -> (Vec<Reported>, u64) {
        let report = self.report();
        let connections = || report.connections.iter();
        let found = connections().flat_map(|connection| &connection.findings);
        let held = connections().flat_map(|connection| &connection.held);
        let held = held.filter(|held| held.rule == rule).map(|held| held.times).sum();
        (found.filter(|finding| finding.rule == rule).cloned().collect(), held)
    }

    /// What one rule saw that should not have been, with its frames.
    pub(crate) fn seen_by(self, rule: &str) -> Vec<(String, Vec<u64>)> {
        let (found, _) = self.of(rule);
        found.into_iter().map(|finding| (finding.seen, finding.frames)).collect()
    }
}
