//! Secrets of a session as NSS key log lines, which Wireshark and pcapng take.
//!
//! The library has no key log. Every secret of DTLS passes through HMAC, either as its key (the
//! master secret of DTLS 1.2) or as its result (the traffic secrets of DTLS 1.3), next to the label
//! that names it; so a tap on the HMAC provider sees all of them.

use std::fmt::Write as _;

use rtcspec_wire::dtls::{HandshakeType, Record, Records};

/// Length of `Random` in a hello (RFC 5246 §7.4.1.2).
const RANDOM_LEN: usize = 32;

/// Label under which DTLS 1.2 expands the master secret into keys (RFC 5246 §6.3).
const KEY_EXPANSION: &[u8] = b"key expansion";

/// Labels of RFC 8446 §7.1 with the prefix of RFC 9147 §5.9, and the NSS word of each.
const TRAFFIC_SECRETS: [(&[u8], &str); 5] = [
    (b"dtls13c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    (b"dtls13s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    (b"dtls13c ap traffic", "CLIENT_TRAFFIC_SECRET_0"),
    (b"dtls13s ap traffic", "SERVER_TRAFFIC_SECRET_0"),
    (b"dtls13exp master", "EXPORTER_SECRET"),
];

/// Collects the secrets of one session, of this library or of any other whose HMAC can be tapped.
#[derive(Debug, Default)]
pub struct KeyLog {
    client_random: Option<[u8; RANDOM_LEN]>,
    seen: Vec<&'static str>,
    lines: Vec<String>,
}

impl KeyLog {
    /// Lines since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Looks for the client's random in a datagram of the handshake, either way.
    pub fn see_datagram(&mut self, datagram: &[u8]) {
        if self.client_random.is_none() {
            self.client_random = client_random(datagram);
        }
    }

    /// Looks at one call of HMAC: its key, all of its input and its result.
    pub fn see_hmac(&mut self, key: &[u8], data: &[u8], out: &[u8]) {
        if let Some(randoms) = data.strip_prefix(KEY_EXPANSION) {
            // RFC 5246 §6.3: the seed is the server's random, then the client's.
            if let Some(client_random) = randoms.get(RANDOM_LEN..2 * RANDOM_LEN) {
                let client_random = hex(client_random);
                self.log("CLIENT_RANDOM", &client_random, key);
            }
        } else if let Some(word) = traffic_secret(data)
            && let Some(client_random) = self.client_random
        {
            self.log(word, &hex(&client_random), out);
        }
    }

    fn log(&mut self, word: &'static str, client_random: &str, secret: &[u8]) {
        if self.seen.contains(&word) {
            return;
        }
        self.seen.push(word);
        self.lines.push(format!("{word} {client_random} {}", hex(secret)));
    }
}

/// The NSS word of the secret that an HKDF-Expand with this input makes.
fn traffic_secret(data: &[u8]) -> Option<&'static str> {
    // RFC 8446 §7.1: HkdfLabel is a length, a label and a context, each with its own length.
    let label_len = usize::from(*data.get(2)?);
    let label = data.get(3..3 + label_len)?;
    TRAFFIC_SECRETS.iter().find(|(name, _)| *name == label).map(|(_, word)| *word)
}

/// The random of a `ClientHello` whose start is in a datagram.
fn client_random(datagram: &[u8]) -> Option<[u8; RANDOM_LEN]> {
    Records::new(datagram).find_map(|record| {
        let Record::Plaintext(record) = record else { return None };
        let hello = record.handshake().flatten().find(|fragment| {
            fragment.msg_type == HandshakeType::CLIENT_HELLO && fragment.fragment_offset == 0
        })?;
        // The version stands before the random.
        hello.body.get(2..2 + RANDOM_LEN)?.try_into().ok()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
    use aes_gcm::{Aes128Gcm, Aes256Gcm};
    use dimpl::crypto::prf_hkdf::{hkdf_expand_label_dtls13, prf_tls12};
    use dimpl::crypto::{Buf, HashAlgorithm, rust_crypto};

    use super::super::{Fingerprints, Identity, Options, Role, Session, Versions};
    use crate::rng::Rng;

    const SECRET_MESSAGE: &[u8] = b"what the key log is for";

    /// What an observer between two sessions has: datagrams and the client's key log.
    struct Capture {
        server_hello: Vec<u8>,
        client_data: Vec<u8>,
        log: Vec<String>,
    }

    fn capture(versions: Versions) -> Capture {
        let options = Options { versions, ..Options::default() };
        let identities = [Identity::from_seed(1), Identity::from_seed(2)];
        let end = |role, own: usize| {
            let peer = identities[1 - own].fingerprint().clone();
            let rng = Rng::new(1).fork_nth("end", own as u64);
            let peer = Fingerprints::from_iter([peer]);
            Session::new(Duration::ZERO, role, options, &identities[own], peer, rng).unwrap()
        };
        let (mut client, mut server) = (end(Role::Client, 0), end(Role::Server, 1));
        let mut server_hello = None;
        for _ in 0..4 {
            while let Some(datagram) = client.poll_transmit() {
                server.receive(Duration::ZERO, &datagram);
            }
            while let Some(datagram) = server.poll_transmit() {
                client.receive(Duration::ZERO, &datagram);
                server_hello.get_or_insert(datagram);
            }
        }
        client.send(Duration::ZERO, SECRET_MESSAGE).unwrap();
        let client_data = client.poll_transmit().unwrap();
        let log = client.take_key_log();
        assert_eq!(log, server.take_key_log(), "both sides know the same secrets");
        Capture { server_hello: server_hello.unwrap(), client_data, log }
    }

    fn unhex(text: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    /// Client random and secret of a line.
    fn secret(log: &[String], word: &str) -> (Vec<u8>, Vec<u8>) {
        let line = log.iter().find(|line| line.split(' ').next() == Some(word)).unwrap();
        let mut fields = line.split(' ').skip(1);
        (unhex(fields.next().unwrap()), unhex(fields.next().unwrap()))
    }

    fn open(key: &[u8], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let payload = Payload { msg: sealed, aad };
        if key.len() == 16 {
            Aes128Gcm::new_from_slice(key).unwrap().decrypt(&nonce.into(), payload).ok()
        } else {
            Aes256Gcm::new_from_slice(key).unwrap().decrypt(&nonce.into(), payload).ok()
        }
    }

    #[test]
    fn client_random_line_decrypts_a_record_of_dtls12() {
        let capture = capture(Versions::Only12);
        assert_eq!(capture.log.len(), 1);
        let (client_random, master) = secret(&capture.log, "CLIENT_RANDOM");
        let server_random = &capture.server_hello[13 + 12 + 2..][..32];
        let seed = [server_random, &client_random].concat();
        let (header, body) = capture.client_data.split_at(13);
        let (explicit_nonce, sealed) = body.split_at(8);
        let plain_len = u16::try_from(sealed.len() - 16).unwrap();
        // RFC 6347 §4.1.2.1: epoch and sequence number, type, version, length.
        let aad = [&header[3..11], &header[..3], &plain_len.to_be_bytes()].concat();
        let opened =
            [(16, HashAlgorithm::SHA256), (32, HashAlgorithm::SHA384)].map(|(len, hash)| {
                let hmac = rust_crypto::default_provider().hmac_provider;
                let (mut block, mut scratch) = (Buf::new(), Buf::new());
                let label = "key expansion";
                prf_tls12(hmac, &master, label, &seed, &mut block, 2 * len + 8, &mut scratch, hash)
                    .unwrap();
                // RFC 5288 §3: client key, server key, client salt, server salt.
                let nonce = [&block[2 * len..2 * len + 4], explicit_nonce].concat();
                open(&block[..len], &nonce, &aad, sealed)
            });
        assert!(opened.iter().flatten().any(|plain| plain == SECRET_MESSAGE));
    }

    #[test]
    fn traffic_secret_lines_decrypt_a_record_of_dtls13() {
        let capture = capture(Versions::Only13);
        assert_eq!(capture.log.len(), 5, "{:?}", capture.log);
        let (_, secret) = secret(&capture.log, "CLIENT_TRAFFIC_SECRET_0");
        let is_sha256 = secret.len() == 32;
        let hash = if is_sha256 { HashAlgorithm::SHA256 } else { HashAlgorithm::SHA384 };
        let expand = |label: &[u8], len| {
            let hmac = rust_crypto::default_provider().hmac_provider;
            let mut out = Buf::new();
            hkdf_expand_label_dtls13(hmac, hash, &secret, label, &[], &mut out, len).unwrap();
            out.into_vec()
        };
        let key_len = if is_sha256 { 16 } else { 32 };
        // RFC 9147 §4: a unified header of flags, two bytes of sequence number and the length.
        assert_eq!(capture.client_data[0] & 0b1111_1100, 0b0010_1100);
        let (header, sealed) = capture.client_data.split_at(5);
        let provider = rust_crypto::default_provider();
        let suite = provider
            .dtls13_cipher_suites
            .iter()
            .find(|suite| suite.hash_algorithm() == hash)
            .unwrap();
        // RFC 9147 §4.2.3: the sequence number is masked by the start of the ciphertext.
        let mask = suite.encrypt_sn(&expand(b"sn", key_len), sealed[..16].try_into().unwrap());
        let mut aad = header.to_vec();
        aad[1] ^= mask[0];
        aad[2] ^= mask[1];
        let mut nonce = expand(b"iv", 12);
        nonce[10] ^= aad[1];
        nonce[11] ^= aad[2];
        let plain = open(&expand(b"key", key_len), &nonce, &aad, sealed).unwrap();
        assert!(plain.starts_with(SECRET_MESSAGE));
    }
}
