//! DTLS associations: flights as lines, records opened where the key log allows it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_wire::dtls::{
    Alert, CertificateView, CipherSuite, ClientHelloView, ContentType, ExtensionType,
    HandshakeFragments, HandshakeType, HelloVerifyRequestView, ProtocolVersion, Reassembler,
    Record, Records, ServerHelloView,
};

use crate::fingerprint::announced;
use crate::flow::Packet;
use crate::notes::{Layer, Notes, index, millis, reason};
use crate::secrets::{Association, KeyLog};
use crate::signal::Fingerprint;
use crate::text::{Line, word};
use crate::watch::Announced;
use crate::{Party, Place};

/// What one direction sent.
#[derive(Debug, Default)]
struct Side {
    reassembler: Reassembler,
    /// When a fragment was last sent: message number and offset.
    sent: BTreeMap<(u16, u32), Duration>,
    sequences: BTreeSet<(u64, u64)>,
}

/// What a datagram says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Its handshake messages, alerts and the like, in few letters.
    pub(crate) messages: Vec<String>,
    fields: Vec<String>,
    /// SCTP packets it carries.
    pub(crate) inner: Vec<Vec<u8>>,
    alert: bool,
    again: Option<Duration>,
    fresh: bool,
}

/// The DTLS association of a session; a new one replaces it.
#[derive(Debug, Default)]
pub(crate) struct Dtls {
    keys: KeyLog,
    association: Association,
    sides: [Side; 2],
    cookie: Option<Vec<u8>>,
    fingerprints: [Vec<Fingerprint>; 2],
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
        let said = self.read(from, packet.at, &packet.payload);
        if !said.messages.is_empty() {
            self.write(notes, packet, from, &said);
        }
        said.inner
    }

    /// What the records of a datagram say, opened as far as the keys allow.
    pub(crate) fn read(&mut self, from: Party, at: Duration, payload: &[u8]) -> Said {
        let mut said = Said::default();
        for record in Records::new(payload).take(64) {
            self.record(from, at, record, &mut said);
        }
        said
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
            Record::Malformed { bytes, .. } => {
                said.messages.push("MALFORMED".to_owned());
                said.fields.push(format!("bytes({})", bytes.len()));
            }
            Record::Plaintext(_) | Record::Unified(_) => self.encrypted(from, at, &record, said),
        }
    }

    fn encrypted(&mut self, from: Party, at: Duration, record: &Record<'_>, said: &mut Said) {
        let mut plain = Vec::new();
        match self.association.open(&self.keys, index(from), record, &mut plain) {
            Ok(opened) => {
                self.opened += 1;
                let number = (opened.epoch, opened.sequence);
                let sequences = &mut self.sides[index(from)].sequences;
                let is_old_form = matches!(record, Record::Plaintext(_));
                if is_old_form && sequences.len() < 100_000 && !sequences.insert(number) {
                    said.fields.push("RECORD-REPLAYED".to_owned());
                }
                self.content(from, at, opened.content_type, &plain, said);
            }
            Err(_) => {
                self.hidden += 1;
                said.messages.push(hidden_word(record).to_owned());
            }
        }
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
        if self.association.client_random == Some(random) {
            return;
        }
        if self.association.server_random.is_some() && self.opened + self.hidden > 0 {
            self.sides = Default::default();
            self.association = Association::default();
        }
        self.association.client_hello(index(from), random);
        self.client_seen = Some(from);
    }

    /// The version the server chose.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.association.version
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
        self.association.server_hello(&hello);
        said.fields.push(word(&hello.version().to_string()));
        said.fields.push(suite_word(hello.cipher_suite));
        if let Some(share) = share.and_then(|found| found.selected_key_share()) {
            said.fields.push(format!("group={}", group_word(&share.group.to_string())));
        }
        said.fields.extend(srtp(extensions.get(ExtensionType::USE_SRTP)));
    }

    /// Whether a certificate is one its sender announced (RFC 8122 §5).
    fn certificate(&self, from: Party, body: &[u8]) -> String {
        let modern = self.version() == Some(ProtocolVersion::DTLS_1_3);
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
        let verdict = match announced(known, der) {
            Announced::Match => "match",
            Announced::Mismatch => "MISMATCH",
            Announced::Unknown => "unknown",
        };
        format!("cert={letter}.fp:{verdict}")
    }
}

/// What stands for a record that stays closed.
fn hidden_word(record: &Record<'_>) -> &'static str {
    match record {
        // RFC 6347 §4.1: the type is readable; a handshake in epoch 1 begins with Finished.
        Record::Plaintext(record) if record.content_type == ContentType::HANDSHAKE => {
            "Fin(encrypted)"
        }
        Record::Plaintext(record) if record.content_type == ContentType::ALERT => {
            "encrypted(alert)"
        }
        _ => "encrypted",
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
