//! One DTLS association: what its hellos say, and its records opened.

use std::collections::BTreeMap;

use rtcspec_srtp::Profile;
use rtcspec_wire::dtls::{
    CipherSuite, ContentType, ExtensionType, Extensions, PlaintextRecord, ProtocolVersion, Record,
    ServerHelloView, SrtpProfile, UnifiedRecord,
};

use super::expand::{export12, export13};
use super::record12::Opener12;
use super::record13::Opener13;
use super::suite::Mode;
use super::{Closed, KeyLog, Word};

/// Epochs of DTLS 1.3 kept for one side.
const EPOCHS: usize = 4;

/// What an association's hellos say, and what its records are opened with. Its two ends have the
/// numbers 0 and 1.
#[derive(Debug, Default)]
pub(crate) struct Association {
    /// Which end is the client.
    pub(crate) client: Option<usize>,
    pub(crate) client_random: Option<[u8; 32]>,
    pub(crate) server_random: Option<[u8; 32]>,
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) version: Option<ProtocolVersion>,
    /// The profile the server chose.
    pub(crate) srtp: Option<SrtpProfile>,
    pub(crate) extended_master_secret: bool,
    pub(crate) encrypt_then_mac: bool,
    openers12: [Option<Opener12>; 2],
    /// By epoch.
    openers13: [BTreeMap<u64, Opener13>; 2],
}

/// A record that was opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// Its true type.
    pub(crate) content_type: ContentType,
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
}

impl Association {
    /// A `ClientHello` was sent by an end.
    pub(crate) fn client_hello(&mut self, end: usize, random: [u8; 32]) {
        self.client = Some(end);
        self.client_random = Some(random);
    }

    /// The `ServerHello`; a `HelloRetryRequest` says nothing yet.
    pub(crate) fn server_hello(&mut self, hello: &ServerHelloView<'_>) {
        if hello.is_hello_retry_request() || self.server_random == Some(*hello.random) {
            return;
        }
        let extensions = hello.extensions();
        self.server_random = Some(*hello.random);
        self.suite = Some(hello.cipher_suite);
        self.version = Some(hello.version());
        self.extended_master_secret =
            extensions.get(ExtensionType::EXTENDED_MASTER_SECRET).is_some();
        // RFC 7366 §3: it says something about block ciphers only.
        self.encrypt_then_mac = extensions.get(ExtensionType::ENCRYPT_THEN_MAC).is_some();
        self.note_srtp(extensions);
        self.openers12 = [None, None];
        self.openers13 = Default::default();
    }

    /// RFC 8446 §4.3.1: in DTLS 1.3 the server chooses the SRTP profile here.
    pub(crate) fn encrypted_extensions(&mut self, body: &[u8]) {
        if let Some((length, rest)) = body.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            self.note_srtp(Extensions::new(rest.get(..length).unwrap_or(rest)));
        }
    }

    fn note_srtp(&mut self, extensions: Extensions<'_>) {
        let chosen = extensions.get(ExtensionType::USE_SRTP);
        if let Some(chosen) = chosen.and_then(|found| found.use_srtp()?.profiles().next()) {
            self.srtp = Some(chosen);
        }
    }

    /// Opens an encrypted record: its content is in `out` then.
    pub(crate) fn open(
        &mut self,
        keys: &KeyLog,
        end: usize,
        record: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Closed> {
        match record {
            Record::Plaintext(record) => {
                self.open12(keys, end, record, out)?;
                Ok(Opened {
                    content_type: record.content_type,
                    epoch: record.epoch.into(),
                    sequence: record.sequence_number,
                })
            }
            Record::Unified(record) => {
                let (content_type, epoch, sequence) = self.open13(keys, end, record, out)?;
                Ok(Opened { content_type, epoch, sequence })
            }
            Record::Malformed { error, .. } => Err(Closed::Malformed(*error)),
        }
    }

    fn open12(
        &mut self,
        keys: &KeyLog,
        end: usize,
        record: &PlaintextRecord<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Closed> {
        if record.content_type == ContentType::TLS12_CID {
            return Err(Closed::ConnectionId);
        }
        if self.openers12[end].is_none() {
            self.derive12(keys)?;
        }
        // A renegotiation would have a master secret of its own.
        if record.epoch != 1 {
            return Err(Closed::Epoch(record.epoch.into()));
        }
        let opener = self.openers12[end].as_ref().ok_or(Closed::NoHandshake)?;
        opener.open(record, out).ok_or(Closed::Failed)
    }

    /// What is needed of the hellos.
    fn hellos(&self) -> Result<(usize, [u8; 32], [u8; 32], CipherSuite), Closed> {
        let all = (self.client, self.client_random, self.server_random, self.suite);
        let (Some(client), Some(client_random), Some(server_random), Some(suite)) = all else {
            return Err(Closed::NoHandshake);
        };
        Mode::of(suite).ok_or(Closed::Suite(suite))?;
        Ok((client, client_random, server_random, suite))
    }

    fn derive12(&mut self, keys: &KeyLog) -> Result<(), Closed> {
        let (client, client_random, server_random, suite) = self.hellos()?;
        if let Some(version) = self.version.filter(|v| *v != ProtocolVersion::DTLS_1_2) {
            return Err(Closed::Version(version));
        }
        let master = keys.get(&client_random, Word::Master).ok_or(Closed::NoSecret)?;
        let etm = self.encrypt_then_mac;
        let pair = Opener12::pair(suite, master, &client_random, &server_random, etm);
        let [by_client, by_server] = pair.ok_or(Closed::Suite(suite))?;
        self.openers12[client] = Some(by_client);
        self.openers12[1 - client] = Some(by_server);
        Ok(())
    }

    fn open13(
        &mut self,
        keys: &KeyLog,
        end: usize,
        record: &UnifiedRecord<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(ContentType, u64, u64), Closed> {
        if record.has_cid() {
            return Err(Closed::ConnectionId);
        }
        self.derive13(keys, end)?;
        let bits = u64::from(record.epoch_bits());
        let openers = &mut self.openers13[end];
        let newest = *openers.keys().next_back().ok_or(Closed::NoSecret)?;
        let known = (newest.saturating_sub(3)..=newest).rev().find(|epoch| epoch & 3 == bits);
        let mut why = Closed::Epoch(bits);
        if let Some(epoch) = known
            && let Some(opener) = openers.get_mut(&epoch)
        {
            why = Closed::Failed;
            if let Some((ty, sequence)) = opener.open(record, out) {
                return Ok((ContentType(ty), epoch, sequence));
            }
        }
        // RFC 9147 §4.2.1: the next epoch only after a KeyUpdate. It has the bits of the one four
        // before it.
        let epoch = newest + 1;
        if newest < 3 || epoch & 3 != bits {
            return Err(why);
        }
        let mut updated = openers.get(&newest).and_then(Opener13::updated).ok_or(why)?;
        let (ty, sequence) = updated.open(record, out).ok_or(Closed::Failed)?;
        openers.insert(epoch, updated);
        if openers.len() > EPOCHS {
            openers.pop_first();
        }
        Ok((ContentType(ty), epoch, sequence))
    }

    /// The openers of the two epochs whose secrets a key log holds.
    fn derive13(&mut self, keys: &KeyLog, end: usize) -> Result<(), Closed> {
        let (client, client_random, _, suite) = self.hellos()?;
        let words = if end == client {
            [Word::ClientHandshake, Word::ClientTraffic]
        } else {
            [Word::ServerHandshake, Word::ServerTraffic]
        };
        let openers = &mut self.openers13[end];
        if openers.last_key_value().is_some_and(|(epoch, _)| *epoch >= 3) {
            return Ok(());
        }
        for (epoch, word) in [(2, words[0]), (3, words[1])] {
            if !openers.contains_key(&epoch)
                && let Some(secret) = keys.get(&client_random, word)
                && let Some(opener) = Opener13::new(suite, secret)
            {
                openers.insert(epoch, opener);
            }
        }
        Ok(())
    }

    /// Whether the key log holds a secret of this association.
    pub(crate) fn has_secret(&self, keys: &KeyLog) -> bool {
        let words = [Word::Master, Word::ClientTraffic, Word::ServerTraffic];
        self.client_random
            .is_some_and(|random| words.iter().any(|word| keys.get(&random, *word).is_some()))
    }

    /// Keying material for a profile (RFC 5764 §4.2).
    pub(crate) fn export(&self, keys: &KeyLog, profile: Profile) -> Option<Vec<u8>> {
        let (_, client_random, server_random, suite) = self.hellos().ok()?;
        let (_, hash) = Mode::of(suite)?;
        let len = profile.exported_len();
        if self.version == Some(ProtocolVersion::DTLS_1_3) {
            return Some(export13(hash, keys.get(&client_random, Word::Exporter)?, len));
        }
        let master = keys.get(&client_random, Word::Master)?;
        Some(export12(hash, master, &client_random, &server_random, len))
    }

    /// The ends change their numbers.
    pub(crate) fn flip(&mut self) {
        self.client = self.client.map(|client| 1 - client);
        self.openers12.swap(0, 1);
        self.openers13.swap(0, 1);
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::dtls::{HandshakeType, Reassembler, Records};

    use super::*;
    use crate::secrets::hex;

    /// An association after the hellos of a session, its key log, and what it exported.
    fn after_hellos(text: &str) -> (Association, KeyLog, Vec<u8>) {
        let mut association = Association::default();
        let mut reassembler = Reassembler::new();
        for line in text.lines() {
            let (end, datagram) = match line.split_once(' ') {
                Some(("c", datagram)) => (0, hex(datagram)),
                Some(("s", datagram)) => (1, hex(datagram)),
                _ => continue,
            };
            for record in Records::new(&datagram) {
                let Record::Plaintext(record) = record else { continue };
                for fragment in record.handshake().flatten() {
                    let whole = reassembler.insert(&fragment).ok().flatten();
                    match whole.as_ref().map(|whole| (whole.msg_type, &whole.body)) {
                        Some((HandshakeType::CLIENT_HELLO, body)) => {
                            let random = body[2..34].try_into().expect("32 bytes");
                            association.client_hello(end, random);
                        }
                        Some((HandshakeType::SERVER_HELLO, body)) => {
                            let hello = ServerHelloView::read(body).expect("a hello");
                            association.server_hello(&hello);
                        }
                        _ => {}
                    }
                }
            }
        }
        let exported = text.lines().find_map(|line| line.strip_prefix("# exported "));
        let exported = hex(exported.expect("what was exported"));
        (association, KeyLog::new(&[text.to_owned()]), exported)
    }

    #[test]
    fn keying_material_is_what_openssl_exports() {
        for (text, profile) in [
            (include_str!("../../tests/suites/aes128-gcm-srtp.txt"), Profile::Aes128CmSha1_80),
            (include_str!("../../tests/suites/aes256-gcm-srtp.txt"), Profile::AeadAes256Gcm),
        ] {
            let (association, keys, exported) = after_hellos(text);
            assert_eq!(association.srtp.map(|profile| profile.0), Some(profile.number()));
            assert_eq!(association.export(&keys, profile), Some(exported));
        }
    }

    #[test]
    fn keying_material_of_dtls_1_3_is_what_dimpl_exports() {
        let text = include_str!("../../tests/suites/dtls13-aes256-gcm.txt");
        let (association, keys, exported) = after_hellos(text);
        assert_eq!(association.version, Some(ProtocolVersion::DTLS_1_3));
        let profile = [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm]
            .into_iter()
            .find(|profile| profile.exported_len() == exported.len());
        let profile = profile.expect("a profile of that length");
        assert_eq!(association.export(&keys, profile), Some(exported));
    }
}
