//! Nothing of the original is in its export, as it is or decrypted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rtcspec_capture::Capture;
use rtcspec_capture::net::Step;
use rtcspec_capture::read::{Item, Records};
use rtcspec_trace::SignalBody;
use rtcspec_trace::watch::{Event, Kind, Observer};
use rtcspec_wire::dcep;
use rtcspec_wire::dtls::{ClientHelloView, HandshakeType, Record, ServerHelloView};
use rtcspec_wire::rtcp::{PacketType, packets};
use rtcspec_wire::sdp::{Line, View};
use rtcspec_wire::stun::{AttributeType, MAGIC_COOKIE};

use super::corpus;

/// The shortest thing looked for; anything shorter is found anywhere by chance.
const LEAST: usize = 4;
/// As much of a long thing as tells it.
const PART: usize = 16;

/// Things that must not be found, each with what it is.
#[derive(Default)]
struct Secrets(BTreeMap<Vec<u8>, &'static str>);

impl Secrets {
    fn add(&mut self, what: &'static str, thing: &[u8]) {
        let thing = &thing[..thing.len().min(PART)];
        let dull = thing.windows(2).all(|two| two[0] == two[1]);
        // The program that writes the file, and the realm of its own servers.
        let own = thing == b"rtcspec";
        if thing.len() >= LEAST && !dull && !own {
            self.0.insert(thing.to_vec(), what);
        }
    }

    fn address(&mut self, address: IpAddr) {
        let nobodys = match address {
            IpAddr::V4(v4) => {
                v4.is_loopback()
                    || v4.is_documentation()
                    || v4.is_unspecified()
                    || v4.is_multicast()
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_multicast(),
        };
        if nobodys {
            return;
        }
        self.add("address in text", address.to_string().as_bytes());
        match address {
            IpAddr::V4(v4) => {
                self.add("address", &v4.octets());
                self.add("masked address", &(v4.to_bits() ^ MAGIC_COOKIE).to_be_bytes());
            }
            IpAddr::V6(v6) => self.add("address", &v6.octets()),
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        for path in [event.outer, event.inner] {
            self.address(path.source.ip());
            self.address(path.destination.ip());
        }
        match &event.kind {
            Kind::Stun(stun) => {
                let view = stun.view;
                self.add("transaction id", &view.transaction_id().map_or([0; 12], |id| id.0));
                for attribute in view.attributes() {
                    let what = match attribute.ty {
                        AttributeType::REALM => "realm",
                        AttributeType::NONCE => "nonce",
                        AttributeType::SOFTWARE => "software",
                        AttributeType::MESSAGE_INTEGRITY => "integrity",
                        AttributeType::USERNAME => {
                            for half in attribute.value.split(|byte| *byte == b':') {
                                self.add("ufrag", half);
                            }
                            continue;
                        }
                        _ => continue,
                    };
                    self.add(what, attribute.value);
                }
            }
            Kind::Record(record) => {
                let sealed = match record.view {
                    Record::Plaintext(view) if view.epoch > 0 => view.content.get(8..),
                    Record::Unified(view) => Some(view.encrypted),
                    _ => None,
                };
                self.add("ciphertext", sealed.unwrap_or_default());
            }
            Kind::Handshake(message) => self.handshake(message.msg_type, message.message),
            Kind::Certificate(one) => {
                self.add("signature of a certificate", &one.der[one.der.len() - PART..]);
                for run in one.der.split(|byte| !(0x20..0x7f).contains(byte)) {
                    let letters = run.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
                    if letters > 3 {
                        self.add("name in a certificate", run);
                    }
                }
                self.add("fingerprint", &one.sha256());
            }
            Kind::Message(message) => {
                self.add("message", message.bytes.get(..8.max(message.bytes.len())).unwrap_or(&[]));
            }
            Kind::Dcep(found) => {
                if let dcep::View::Open(open) = found.view {
                    self.add("label", open.label().unwrap_or_default());
                    self.add("protocol", open.protocol().unwrap_or_default());
                }
            }
            Kind::Rtp(rtp) => {
                let header = rtp.view.header().map_or(0, <[u8]>::len);
                self.add("media", rtp.view.bytes().get(header..).unwrap_or_default());
                self.add("encrypted media", rtp.wire.get(header..).unwrap_or_default());
            }
            Kind::Rtcp(rtcp) => {
                for packet in packets(rtcp.bytes).flatten() {
                    if packet.packet_type() == PacketType::SOURCE_DESCRIPTION {
                        self.add("source description", packet.body().get(6..).unwrap_or_default());
                    }
                }
            }
            _ => {}
        }
    }

    fn handshake(&mut self, msg_type: HandshakeType, body: Option<&[u8]>) {
        let Some(body) = body else { return };
        match msg_type {
            HandshakeType::CLIENT_HELLO => {
                let Ok(hello) = ClientHelloView::read(body) else { return };
                self.add("random", hello.random);
                self.add("session id", hello.session_id);
                self.add("cookie", hello.cookie);
            }
            HandshakeType::SERVER_HELLO => {
                let Ok(hello) = ServerHelloView::read(body) else { return };
                if !hello.is_hello_retry_request() {
                    self.add("random", hello.random);
                    self.add("session id", hello.session_id);
                }
            }
            HandshakeType::SERVER_KEY_EXCHANGE | HandshakeType::CLIENT_KEY_EXCHANGE => {
                self.add("key", body.get(8..).unwrap_or_default());
            }
            HandshakeType::CERTIFICATE_VERIFY => {
                self.add("signature", body.get(12..).unwrap_or_default());
            }
            HandshakeType::FINISHED => self.add("finished", body),
            _ => {}
        }
    }

    fn description(&mut self, sdp: &str) {
        let view = View::parse(sdp.as_bytes());
        for line in view.lines() {
            let Some((name, value)) = line.attribute() else { continue };
            let value = value.unwrap_or_default();
            match name {
                b"ice-ufrag" => self.add("ufrag", value),
                b"ice-pwd" => self.add("password", value),
                b"fingerprint" => {
                    let hex = value.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
                    self.add("fingerprint in text", hex);
                }
                b"msid" => {
                    value.split(|byte| *byte == b' ').for_each(|word| self.add("msid", word));
                }
                b"ssrc" => {
                    let said = value.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
                    let name = said.split(|byte| *byte == b':').nth(1).unwrap_or_default();
                    self.add("name of a source", name);
                }
                b"candidate" => {
                    let text = String::from_utf8_lossy(value).into_owned();
                    let words: Vec<&str> = text.split(' ').collect();
                    let related = words.iter().skip_while(|word| **word != "raddr").nth(1);
                    for word in [words.get(4), related].into_iter().flatten() {
                        match word.parse() {
                            Ok(address) => self.address(address),
                            Err(_) => self.add("mDNS name", word.as_bytes()),
                        }
                    }
                }
                _ => {}
            }
        }
        let origin = view.lines().iter().find(|line| line.kind() == Some(b'o'));
        let origin = origin.and_then(Line::value).unwrap_or_default();
        if let Some(session) = origin.split(|byte| *byte == b' ').nth(1) {
            self.add("session id in text", session);
        }
    }
}

/// What there is to look through, by its first four bytes.
#[derive(Default)]
struct Hay {
    bytes: Vec<u8>,
    index: HashMap<[u8; LEAST], Vec<usize>>,
}

impl Hay {
    fn index(&mut self) {
        for (at, four) in self.bytes.windows(LEAST).enumerate() {
            let four: [u8; LEAST] = four.try_into().expect("four bytes");
            self.index.entry(four).or_default().push(at);
        }
    }

    fn holds(&self, thing: &[u8]) -> bool {
        let first: [u8; LEAST] = thing[..LEAST].try_into().expect("four bytes");
        let places: &[usize] = self.index.get(&first).map_or(&[], Vec::as_slice);
        places.iter().any(|at| self.bytes[*at..].starts_with(thing))
    }
}

/// All that is secret in a capture, and all that can be read in it and beside it.
fn read(path: &Path) -> (Secrets, Hay) {
    let (mut secrets, mut hay) = (Secrets::default(), Hay::default());
    hay.bytes = fs::read(path).expect("it reads");
    let mut records = Records::new(hay.bytes.as_slice()).expect("a capture");
    while let Some(Item::Packet(record)) = records.next_item() {
        let groups = |address: &[u8]| address[0] & 1 == 1;
        for address in record.bytes.chunks_exact(6).take(2).filter(|_| record.link == 1) {
            if !groups(address) {
                secrets.add("hardware address", address);
            }
        }
    }
    drop(records);
    let Capture { mut frames, keys, dialogues, .. } = corpus::opened(path);
    let mut observer = Observer::new();
    let mut lines: BTreeSet<String> = keys.lines().iter().cloned().collect();
    for signal in dialogues.iter().flat_map(|dialogue| &dialogue.signals) {
        observer.signal(0, signal);
        if let SignalBody::Description { sdp, .. } = &signal.body {
            secrets.description(sdp);
            hay.bytes.extend(sdp.as_bytes());
        }
    }
    loop {
        let step = frames.step(&mut |frame| {
            let Some(seen) = frame.whole() else { return };
            observer.seen(&seen, &mut |event| {
                secrets.event(event);
                match &event.kind {
                    Kind::Record(record) => hay.bytes.extend(record.content.unwrap_or_default()),
                    Kind::Handshake(one) => hay.bytes.extend(one.message.unwrap_or_default()),
                    Kind::Message(message) => hay.bytes.extend(message.bytes),
                    Kind::Rtp(rtp) => hay.bytes.extend(rtp.view.bytes()),
                    Kind::Rtcp(rtcp) => hay.bytes.extend(rtcp.bytes),
                    Kind::Certificate(one) => hay.bytes.extend(one.sha256()),
                    _ => {}
                }
            });
        });
        match step {
            Step::Packet => {}
            Step::Secrets(more) => {
                let more = String::from_utf8_lossy(&more).into_owned();
                observer.secrets(&more);
                lines.extend(more.lines().map(str::to_owned));
            }
            Step::End => break,
        }
        // Secrets count for what is seen afterwards.
        keys.lines().iter().for_each(|line| observer.secrets(line));
    }
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        for word in words.iter().skip(1) {
            secrets.add("secret", word.as_bytes());
        }
        hay.bytes.extend(line.as_bytes());
    }
    hay.index();
    (secrets, hay)
}

#[test]
fn nobody_is_found_in_an_export() {
    let mut found_before: BTreeMap<&str, u32> = BTreeMap::new();
    let mut leaks = Vec::new();
    for path in corpus::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let export = corpus::written(&corpus::exported(&path, 5), folder.path());
        let (secrets, before) = read(&path);
        let (_, after) = read(&export);
        for (thing, what) in &secrets.0 {
            *found_before.entry(what).or_default() += u32::from(before.holds(thing));
            if after.holds(thing) {
                let text = String::from_utf8_lossy(thing).into_owned();
                leaks.push(format!("{}: {what} {text:?} {thing:x?}", corpus::name(&path)));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    // The search finds what is there: each kind of secret is in some original.
    let blind: Vec<_> = found_before.iter().filter(|(_, count)| **count == 0).collect();
    assert!(blind.is_empty() && found_before.len() >= 24, "{blind:?} of {found_before:#?}");
}
