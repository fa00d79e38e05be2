//! One DTLS association: what its hellos say, and its records opened and sealed.

use std::collections::BTreeMap;

use rtcspec_srtp::Profile;
use rtcspec_wire::dtls::{
    CipherSuite, ContentType, ExtensionType, Extensions, PlaintextRecord, ProtocolVersion, Record,
    ServerHelloView, SrtpProfile, UnifiedRecord,
};

use super::expand::{export12, export13};
use super::record12::Epoch12;
use super::record13::Epoch13;
use super::suite::Mode;
use super::{Closed, KeyLog, Word};

/// Epochs of DTLS 1.3 kept for one side.
const EPOCHS: usize = 4;

/// What an association's hellos say, and what its records are opened and sealed with. Its two ends
/// have the numbers 0 and 1.
#[derive(Debug, Default)]
pub struct Association {
    /// Which end is the client.
    pub client: Option<usize>,
    /// The client's random.
    pub client_random: Option<[u8; 32]>,
    /// The server's random.
    pub server_random: Option<[u8; 32]>,
    /// The suite the server chose.
    pub suite: Option<CipherSuite>,
    /// The version the server chose.
    pub version: Option<ProtocolVersion>,
    /// The profile the server chose.
    pub srtp: Option<SrtpProfile>,
    /// Whether both agreed on `extended_master_secret`.
    pub extended_master_secret: bool,
    /// Whether both agreed on `encrypt_then_mac`.
    pub encrypt_then_mac: bool,
    /// By end, as the next.
    epoch12: [Option<Epoch12>; 2],
    /// By epoch.
    epochs13: [BTreeMap<u64, Epoch13>; 2],
}

/// A record that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its true type.
    pub content_type: ContentType,
    /// Its whole epoch.
    pub epoch: u64,
    /// Its whole sequence number.
    pub sequence: u64,
}

impl Association {
    /// A `ClientHello` was sent by an end.
    pub fn client_hello(&mut self, end: usize, random: [u8; 32]) {
        self.client = Some(end);
        self.client_random = Some(random);
    }

    /// The `ServerHello`; a `HelloRetryRequest` says nothing yet.
    pub fn server_hello(&mut self, hello: &ServerHelloView<'_>) {
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
        self.epoch12 = [None, None];
        self.epochs13 = Default::default();
    }

    /// RFC 8446 §4.3.1: in DTLS 1.3 the server chooses the SRTP profile here.
    pub fn encrypted_extensions(&mut self, body: &[u8]) {
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

    /// Opens an encrypted record that an end sent: its content is in `out` then.
    ///
    /// # Errors
    /// [`Closed`]
    pub fn open(
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

    /// The bytes of a record with other content in the place of one that an end sent and that was
    /// opened: the same header, as long. The association may be another than the one it was opened
    /// with, so that keys and randoms are others.
    ///
    /// `None` if there are no keys, or the content is of another length where the suite wants the
    /// same.
    pub fn seal(
        &mut self,
        keys: &KeyLog,
        end: usize,
        record: &Record<'_>,
        opened: &Opened,
        content: &[u8],
    ) -> Option<Vec<u8>> {
        let sealed = match record {
            Record::Plaintext(record) => {
                if self.epoch12[end].is_none() {
                    self.derive12(keys).ok()?;
                }
                let inside = self.epoch12[end].as_ref()?.seal(record, content)?;
                let number = record.sequence_number.to_be_bytes();
                let (version, epoch) = (record.version.0.to_be_bytes(), record.epoch.to_be_bytes());
                let length = u16::try_from(inside.len()).ok()?.to_be_bytes();
                let ty = [record.content_type.0];
                [&ty[..], &version, &epoch, &number[2..], &length, &inside].concat()
            }
            Record::Unified(record) => {
                let inside = (opened.content_type.0, opened.sequence);
                self.epoch13(keys, end, opened.epoch)?.seal(record, inside, content)?
            }
            Record::Malformed { .. } => return None,
        };
        (sealed.len() == length(record)).then_some(sealed)
    }

    /// The protection of an epoch of DTLS 1.3 that is known, or the next after those.
    fn epoch13(&mut self, keys: &KeyLog, end: usize, epoch: u64) -> Option<&Epoch13> {
        self.derive13(keys, end).ok()?;
        let epochs = &mut self.epochs13[end];
        let (newest, protection) = epochs.last_key_value()?;
        if epoch == newest + 1 {
            let updated = protection.updated()?;
            epochs.insert(epoch, updated);
            if epochs.len() > EPOCHS {
                epochs.pop_first();
            }
        }
        epochs.get(&epoch)
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
        if self.epoch12[end].is_none() {
            self.derive12(keys)?;
        }
        // A renegotiation would have a master secret of its own.
        if record.epoch != 1 {
            return Err(Closed::Epoch(record.epoch.into()));
        }
        let protection = self.epoch12[end].as_ref().ok_or(Closed::NoHandshake)?;
        protection.open(record, out).ok_or(Closed::Failed)
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
        let pair = Epoch12::pair(suite, master, &client_random, &server_random, etm);
        let [by_client, by_server] = pair.ok_or(Closed::Suite(suite))?;
        self.epoch12[client] = Some(by_client);
        self.epoch12[1 - client] = Some(by_server);
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
        let epochs = &mut self.epochs13[end];
        let newest = *epochs.keys().next_back().ok_or(Closed::NoSecret)?;
        let known = (newest.saturating_sub(3)..=newest).rev().find(|epoch| epoch & 3 == bits);
        let mut why = Closed::Epoch(bits);
        if let Some(epoch) = known
            && let Some(protection) = epochs.get_mut(&epoch)
        {
            why = Closed::Failed;
            if let Some((ty, sequence)) = protection.open(record, out) {
                return Ok((ContentType(ty), epoch, sequence));
            }
        }
        // RFC 9147 §4.2.1: the next epoch only after a KeyUpdate. It has the bits of the one four
        // before it.
        let epoch = newest + 1;
        if newest < 3 || epoch & 3 != bits {
            return Err(why);
        }
        let mut updated = epochs.get(&newest).and_then(Epoch13::updated).ok_or(why)?;
        let (ty, sequence) = updated.open(record, out).ok_or(Closed::Failed)?;
        epochs.insert(epoch, updated);
        if epochs.len() > EPOCHS {
            epochs.pop_first();
        }
        Ok((ContentType(ty), epoch, sequence))
    }

    /// The two epochs whose secrets a key log holds.
    fn derive13(&mut self, keys: &KeyLog, end: usize) -> Result<(), Closed> {
        let (client, client_random, _, suite) = self.hellos()?;
        let words = if end == client {
            [Word::ClientHandshake, Word::ClientTraffic]
        } else {
            [Word::ServerHandshake, Word::ServerTraffic]
        };
        let epochs = &mut self.epochs13[end];
        if epochs.last_key_value().is_some_and(|(epoch, _)| *epoch >= 3) {
            return Ok(());
        }
        for (epoch, word) in [(2, words[0]), (3, words[1])] {
            if !epochs.contains_key(&epoch)
                && let Some(secret) = keys.get(&client_random, word)
                && let Some(protection) = Epoch13::new(suite, secret)
            {
                epochs.insert(epoch, protection);
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

    /// Keying material for a profile (RFC 5764 §4.2); `None` without hellos or secret.
    #[must_use]
    pub fn export(&self, keys: &KeyLog, profile: Profile) -> Option<Vec<u8>> {
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
        self.epoch12.swap(0, 1);
        self.epochs13.swap(0, 1);
    }
}

/// Bytes of a record.
fn length(record: &Record<'_>) -> usize {
    match record {
        Record::Plaintext(record) => {
            PlaintextRecord::HEADER_LENGTH + record.cid.len() + record.content.len()
        }
        Record::Unified(record) => record.header.len() + record.encrypted.len(),
        Record::Malformed { bytes, .. } => bytes.len(),
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
