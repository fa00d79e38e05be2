//! DTLS associations: flights as lines, records opened where the key log allows it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_wire::dtls::{
    Alert, CertificateView, CipherSuite, ClientHelloView, ContentType, ExtensionType,
    HandshakeFragments, HandshakeType, HelloVerifyRequestView, PlaintextRecord, ProtocolVersion,
    Reassembler, Record, Records, ServerHelloView,
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::flow::Packet;
use crate::notes::{Layer, Notes, index, millis, reason};
use crate::secrets::{KeyLog, Opener12, Opener13, Word};
use crate::text::{Line, word};
use crate::{Party, Place};

/// One direction's openers.
#[derive(Debug, Default)]
struct Side {
    opener12: Option<Opener12>,
    /// By epoch.
    openers13: BTreeMap<u64, Opener13>,
    reassembler: Reassembler,
    /// When a fragment was last sent: message number and offset.
    sent: BTreeMap<(u16, u32), Duration>,
    hidden: usize,
    sequences: BTreeSet<(u16, u64)>,
}

/// What a datagram says.
#[derive(Debug, Default)]
struct Said {
    messages: Vec<String>,
    fields: Vec<String>,
    /// SCTP packets it carries.
    inner: Vec<Vec<u8>>,
    alert: bool,
    again: Option<Duration>,
    fresh: bool,
}

/// The DTLS association of a session; a new one replaces it.
#[derive(Debug, Default)]
pub(crate) struct Dtls {
    keys: KeyLog,
    client: Option<Party>,
    client_random: Option<[u8; 32]>,
    server_random: Option<[u8; 32]>,
    suite: Option<CipherSuite>,
    pub(crate) version: Option<ProtocolVersion>,
    sides: [Side; 2],
    cookie: Option<Vec<u8>>,
    fingerprints: [Vec<(String, Vec<u8>)>; 2],
    begun: bool,
    pub(crate) hidden: usize,
    pub(crate) opened: usize,
    pub(crate) client_seen: Option<Party>,
}

impl Dtls {
    pub(crate) fn new(session: &crate::Session) -> Self {
        let prints = |party| crate::signal::fingerprints(session, party);
        Self {
            keys: KeyLog::new(&session.secrets),
            fingerprints: [prints(Party::A), prints(Party::B)],
            ..Self::default()
        }
    }

    /// Takes a datagram in; gives the SCTP packets it carries.
    pub(crate) fn packet(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>) -> Vec<Vec<u8>> {
        let Some(Place::Peer(from)) = packet.from else {
            let mut line = Line::new("r", notes.hop(packet), "dtls (injected)");
            line.fields.push(format!("bytes({})", packet.payload.len()));
            notes.push_bulk(Layer::Dtls, packet.at, line);
            return Vec::new();
        };
        let mut said = Said::default();
        for record in Records::new(&packet.payload).take(64) {
            self.record(from, packet.at, record, &mut said);
        }
        if !said.messages.is_empty() {
            self.write(notes, packet, from, &said);
        }
        said.inner
    }

    fn write(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>, from: Party, said: &Said) {
        let again = said.again.filter(|_| !said.fresh);
        let reacts = notes.reacts(from, packet.at);
        let cause = match again {
            Some(before) if !reacts => {
                format!("F:{}", millis(packet.at.saturating_sub(before)))
            }
            _ => "r".to_owned(),
        };
        let mut line = Line::new(cause, notes.hop(packet), &said.messages.join(" "));
        line.fields.clone_from(&said.fields);
        line.fields.extend(again.map(|_| "again".to_owned()));
        line.reason = packet.lost.as_deref().map(reason);
        if !self.begun {
            self.begun = true;
            notes.landmarks.push((
                packet.at,
                Layer::Dtls,
                format!("dtls.first({})", from.letter()),
            ));
        }
        let only_hidden = said.messages.iter().all(|message| message.starts_with("encrypted"));
        let closes = said.alert && said.messages.iter().any(|m| m.contains("close_notify"));
        if only_hidden {
            notes.push_bulk(Layer::Dtls, packet.at, line);
        } else if closes {
            notes.push(Layer::Close, packet.at, line);
        } else {
            notes.push(Layer::Dtls, packet.at, line);
        }
    }

    fn record(&mut self, from: Party, at: Duration, record: Record<'_>, said: &mut Said) {
        match record {
            Record::Plaintext(record) if record.epoch == 0 => {
                self.content(from, at, record.content_type, record.content, said);
            }
            Record::Plaintext(record) => self.record12(from, at, &record, said),
            Record::Unified(record) => {
                let bits = u64::from(record.epoch_bits());
                let opened = self.opener13(from, bits).and_then(|opener| opener.open(&record));
                match opened {
                    Some(opened) => {
                        self.opened += 1;
                        let ty = ContentType(opened.content_type);
                        self.content(from, at, ty, &opened.content, said);
                    }
                    None => self.hide(from, "encrypted", said),
                }
            }
            Record::Malformed { bytes, .. } => {
                said.messages.push("MALFORMED".to_owned());
                said.fields.push(format!("bytes({})", bytes.len()));
            }
        }
    }

    fn hide(&mut self, from: Party, what: &str, said: &mut Said) {
        self.hidden += 1;
        self.sides[index(from)].hidden += 1;
        said.messages.push(what.to_owned());
    }

    fn record12(
        &mut self,
        from: Party,
        at: Duration,
        record: &PlaintextRecord<'_>,
        said: &mut Said,
    ) {
        self.derive12();
        let side = &mut self.sides[index(from)];
        let opened = side.opener12.as_ref().and_then(|opener| opener.open(record));
        match opened {
            Some(content) => {
                self.opened += 1;
                let number = (record.epoch, record.sequence_number);
                if side.sequences.len() < 100_000 && !side.sequences.insert(number) {
                    said.fields.push("RECORD-REPLAYED".to_owned());
                }
                self.content(from, at, record.content_type, &content, said);
            }
            None => {
                let what = match record.content_type {
                    // RFC 6347 §4.1: the type is readable; a handshake in epoch 1 begins with Finished.
                    ContentType::HANDSHAKE => "Fin(encrypted)",
                    ContentType::ALERT => "encrypted(alert)",
                    _ => "encrypted",
                };
                self.hide(from, what, said);
            }
        }
    }

    fn derive12(&mut self) {
        if self.sides.iter().any(|side| side.opener12.is_some()) {
            return;
        }
        let derived = (|| {
            let (client, random) = (self.client?, self.client_random?);
            let master = self.keys.get(&random, Word::Master)?;
            let openers = Opener12::pair(self.suite?, master, &random, &self.server_random?)?;
            Some((client, openers))
        })();
        if let Some((client, [by_client, by_server])) = derived {
            self.sides[index(client)].opener12 = Some(by_client);
            self.sides[index(client.other())].opener12 = Some(by_server);
        }
    }

    /// The opener of the newest epoch with these low bits.
    fn opener13(&mut self, from: Party, bits: u64) -> Option<&mut Opener13> {
        let (client, random, suite) = (self.client?, self.client_random?, self.suite?);
        let side = &mut self.sides[index(from)];
        let words = if from == client {
            [Word::ClientHandshake, Word::ClientTraffic]
        } else {
            [Word::ServerHandshake, Word::ServerTraffic]
        };
        for (epoch, name) in [(2, words[0]), (3, words[1])] {
            if !side.openers13.contains_key(&epoch)
                && let Some(secret) = self.keys.get(&random, name)
                && let Some(opener) = Opener13::new(suite, secret)
            {
                side.openers13.insert(epoch, opener);
            }
        }
        // RFC 9147 §4.2.1: the next epoch only after a KeyUpdate.
        let newest = *side.openers13.keys().next_back()?;
        let wanted = (newest.saturating_sub(3)..=newest).rev().find(|epoch| epoch & 3 == bits);
        if wanted.is_none() && newest >= 3 && (newest + 1) & 3 == bits {
            let updated = side.openers13.get(&newest)?.updated()?;
            side.openers13.insert(newest + 1, updated);
            return side.openers13.get_mut(&(newest + 1));
        }
        side.openers13.get_mut(&wanted?)
    }

    fn content(
        &mut self,
        from: Party,
        at: Duration,
        ty: ContentType,
        content: &[u8],
        said: &mut Said,
    ) {
        match ty {
            ContentType::CHANGE_CIPHER_SPEC => said.messages.push("CCS".to_owned()),
            ContentType::HANDSHAKE => self.handshake(from, at, content, said),
            ContentType::APPLICATION_DATA => said.inner.push(content.to_vec()),
            ContentType::ACK => said.messages.push("ACK".to_owned()),
            ContentType::ALERT => {
                said.alert = true;
                let alert = Alert::read(content).map_or_else(
                    |_| "alert:MALFORMED".to_owned(),
                    |alert| format!("alert:{}", word(&alert.description.to_string())),
                );
                said.messages.push(alert);
            }
            other => said.messages.push(format!("type{}", other.0)),
        }
    }

    fn handshake(&mut self, from: Party, at: Duration, content: &[u8], said: &mut Said) {
        for fragment in HandshakeFragments::new(content).take(64) {
            let Ok(fragment) = fragment else {
                said.messages.push("MALFORMED".to_owned());
                return;
            };
            if fragment.msg_type == HandshakeType::CLIENT_HELLO && fragment.fragment_offset == 0 {
                self.hello(from, fragment.body);
            }
            let side = &mut self.sides[index(from)];
            let key = (fragment.message_seq, fragment.fragment_offset);
            match side.sent.insert(key, at) {
                Some(before) => said.again = said.again.or(Some(before)),
                None => said.fresh = true,
            }
            let whole = side.reassembler.insert(&fragment);
            let name = self.short(fragment.msg_type);
            match whole {
                Ok(Some(message)) => {
                    said.messages.push(name);
                    self.message(from, message.msg_type, &message.body, said);
                }
                Ok(None) if fragment.is_whole() => said.messages.push(name),
                Ok(None) => said.messages.push(format!("{name}+")),
                Err(_) => said.messages.push(format!("{name}:BAD-FRAGMENT")),
            }
        }
    }

    /// A `ClientHello` with another random begins another association.
    fn hello(&mut self, from: Party, body: &[u8]) {
        let Some(random) = body.get(2..34).and_then(|random| <[u8; 32]>::try_from(random).ok())
        else {
            return;
        };
        if self.client_random == Some(random) {
            return;
        }
        if self.server_random.is_some() && self.opened + self.hidden > 0 {
            self.sides = Default::default();
            (self.server_random, self.suite, self.version) = (None, None, None);
        }
        self.client = Some(from);
        self.client_seen = Some(from);
        self.client_random = Some(random);
    }

    fn short(&self, ty: HandshakeType) -> String {
        match ty {
            HandshakeType::HELLO_REQUEST => "HReq",
            HandshakeType::CLIENT_HELLO => "CH",
            HandshakeType::SERVER_HELLO => "SH",
            HandshakeType::HELLO_VERIFY_REQUEST => "HVR",
            HandshakeType::NEW_SESSION_TICKET => "NST",
            HandshakeType::ENCRYPTED_EXTENSIONS => "EE",
            HandshakeType::CERTIFICATE => "Cert",
            HandshakeType::SERVER_KEY_EXCHANGE => "SKE",
            HandshakeType::CERTIFICATE_REQUEST => "CR",
            HandshakeType::SERVER_HELLO_DONE => "SHD",
            HandshakeType::CERTIFICATE_VERIFY => "CV",
            HandshakeType::CLIENT_KEY_EXCHANGE => "CKE",
            HandshakeType::FINISHED => "Fin",
            HandshakeType::KEY_UPDATE => "KU",
            other => return format!("hs{}", other.0),
        }
        .to_owned()
    }

    fn message(&mut self, from: Party, ty: HandshakeType, body: &[u8], said: &mut Said) {
        match ty {
            HandshakeType::CLIENT_HELLO => self.client_hello(body, said),
            HandshakeType::SERVER_HELLO => self.server_hello(body, said),
            HandshakeType::HELLO_VERIFY_REQUEST => {
                if let Ok(request) = HelloVerifyRequestView::read(body) {
                    self.cookie = Some(request.cookie.to_vec());
                    said.fields.push(format!("cookie={}.ck1", from.letter()));
                }
            }
            HandshakeType::CERTIFICATE => said.fields.push(self.certificate(from, body)),
            _ => {}
        }
    }

    fn client_hello(&mut self, body: &[u8], said: &mut Said) {
        let Ok(hello) = ClientHelloView::read(body) else {
            said.fields.push("MALFORMED".to_owned());
            return;
        };
        let extensions = hello.extensions();
        let offered = extensions.get(ExtensionType::SUPPORTED_VERSIONS);
        let versions: Vec<String> = match offered {
            Some(offered) => {
                offered.offered_versions().take(4).map(|v| word(&v.to_string())).collect()
            }
            None => vec![word(&hello.legacy_version.to_string())],
        };
        said.fields.push(versions.join(","));
        if let Some(groups) = extensions.get(ExtensionType::SUPPORTED_GROUPS) {
            let groups: Vec<String> = groups
                .supported_groups()
                .take(8)
                .map(|group| group_word(&group.to_string()))
                .collect();
            said.fields.push(format!("groups={}", groups.join(",")));
        }
        said.fields.extend(srtp(extensions.get(ExtensionType::USE_SRTP)));
        if extensions.get(ExtensionType::EXTENDED_MASTER_SECRET).is_some() {
            said.fields.push("ems".to_owned());
        }
        let cookie = extensions.get(ExtensionType::COOKIE).and_then(|found| found.cookie());
        let cookie = cookie.unwrap_or(hello.cookie);
        said.fields.push(match &self.cookie {
            _ if cookie.is_empty() => "cookie=none".to_owned(),
            Some(given) if given == cookie => "cookie=same".to_owned(),
            Some(_) => "cookie=CHANGED".to_owned(),
            None => "cookie=UNASKED".to_owned(),
        });
    }

    fn server_hello(&mut self, body: &[u8], said: &mut Said) {
        let Ok(hello) = ServerHelloView::read(body) else {
            said.fields.push("MALFORMED".to_owned());
            return;
        };
        let extensions = hello.extensions();
        let share = extensions.get(ExtensionType::KEY_SHARE);
        if hello.is_hello_retry_request() {
            if let Some(last) = said.messages.last_mut() {
                "HRR".clone_into(last);
            }
            let cookie = extensions.get(ExtensionType::COOKIE);
            if let Some(cookie) = cookie.and_then(|found| found.cookie()) {
                self.cookie = Some(cookie.to_vec());
                said.fields.push("cookie=ck1".to_owned());
            }
            return;
        }
        self.server_random = Some(*hello.random);
        self.suite = Some(hello.cipher_suite);
        self.version = Some(hello.version());
        said.fields.push(word(&hello.version().to_string()));
        said.fields.push(suite_word(hello.cipher_suite));
        if let Some(share) = share.and_then(|found| found.selected_key_share()) {
            said.fields.push(format!("group={}", group_word(&share.group.to_string())));
        }
        said.fields.extend(srtp(extensions.get(ExtensionType::USE_SRTP)));
    }

    /// Whether a certificate is one its sender announced (RFC 8122 §5).
    fn certificate(&self, from: Party, body: &[u8]) -> String {
        let modern = self.version == Some(ProtocolVersion::DTLS_1_3);
        let view =
            if modern { CertificateView::read_1_3(body) } else { CertificateView::read(body) };
        let Some(der) = view.ok().and_then(|view| view.certificates().next()) else {
            return "cert=NONE".to_owned();
        };
        let known = &self.fingerprints[index(from)];
        let letter = from.letter();
        if known.is_empty() {
            return format!("cert={letter}.fp:unannounced");
        }
        let matches = known.iter().any(|(hash, value)| match hash.as_str() {
            "sha-256" => Sha256::digest(der).as_slice() == value.as_slice(),
            "sha-384" => Sha384::digest(der).as_slice() == value.as_slice(),
            "sha-512" => Sha512::digest(der).as_slice() == value.as_slice(),
            _ => false,
        });
        format!("cert={letter}.fp:{}", if matches { "match" } else { "MISMATCH" })
    }
}

fn srtp(extension: Option<rtcspec_wire::dtls::ExtensionView<'_>>) -> Option<String> {
    let view = extension?.use_srtp()?;
    let profiles: Vec<String> = view.profiles().take(6).map(|p| p.0.to_string()).collect();
    Some(format!("srtp={}", profiles.join(",")))
}

fn group_word(name: &str) -> String {
    word(&name.to_ascii_lowercase().replace("secp256r1", "p256").replace("secp384r1", "p384"))
}

/// `ecdhe-ecdsa-aes128-gcm-sha256`.
fn suite_word(suite: CipherSuite) -> String {
    let name = suite.to_string().to_ascii_lowercase();
    let name = name.trim_start_matches("tls_").replace("_with_", "_").replace("aes_", "aes");
    word(&name.replace('_', "-"))
}
