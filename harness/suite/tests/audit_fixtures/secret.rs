//! Handshake messages inside an association: sealed with the keys of the recording.

use std::time::Duration;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, KeyInit as _};
use hmac::{Hmac, Mac as _};
use rtcspec_trace::{Party, Session};
use rtcspec_wire::dtls::{CipherSuite, HandshakeType, Record, Records, ServerHelloView};
use sha2::Sha256;

use crate::lab::end;
use crate::media::{append, last_between_peers};

/// A ClientHello at epoch 1 that nobody answers.
pub(crate) fn ignored_handshake(session: &mut Session) {
    let keys = Keys::of(session);
    // The answerer is active, so it is the DTLS client.
    let like = last_between_peers(session, Party::B);
    let at = end(session) + Duration::from_millis(100);
    append(session, &like, at, keys.client.seal(22, 900, &client_hello()));
}

/// One that is refused with the alert `no_renegotiation`.
pub(crate) fn refused_handshake(session: &mut Session) {
    let keys = Keys::of(session);
    ignored_handshake(session);
    let like = last_between_peers(session, Party::A);
    let at = end(session) + Duration::from_millis(100);
    append(session, &like, at, keys.server.seal(21, 901, &[1, 100]));
}

/// The smallest ClientHello there is, as a handshake message.
fn client_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([0x42; 32]);
    // No session id, no cookie, one suite, no compression.
    body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let length = body.len() as u8;
    let mut message = vec![1, 0, 0, length, 0, 9, 0, 0, 0, 0, 0, length];
    message.extend(body);
    message
}

struct Keys {
    client: Half,
    server: Half,
}

/// One direction: key and implicit nonce (RFC 5288 §3).
struct Half {
    cipher: Aes128Gcm,
    salt: [u8; 4],
}

impl Keys {
    fn of(session: &Session) -> Self {
        let (client_random, master) = secrets(session);
        let server_random = server_random(session);
        let seed = [b"key expansion".as_slice(), &server_random, &client_random].concat();
        let block = expand(&master, &seed, 40);
        let half = |key: usize, salt: usize| Half {
            cipher: Aes128Gcm::new_from_slice(&block[key..key + 16]).unwrap(),
            salt: block[salt..salt + 4].try_into().unwrap(),
        };
        Self { client: half(0, 32), server: half(16, 36) }
    }
}

impl Half {
    /// A record of epoch 1.
    fn seal(&self, content_type: u8, number: u16, content: &[u8]) -> Vec<u8> {
        let mut sequence = [0, 1, 0, 0, 0, 0, 0, 0];
        sequence[6..].copy_from_slice(&number.to_be_bytes());
        let nonce = [self.salt.as_slice(), &sequence].concat();
        let length = (content.len() as u16).to_be_bytes();
        let aad = [&sequence[..], &[content_type, 0xfe, 0xfd], &length].concat();
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), Payload { msg: content, aad: &aad })
            .expect("a short message");
        let length = (8 + sealed.len() as u16).to_be_bytes();
        [&[content_type, 0xfe, 0xfd], &sequence[..], &length, &sequence, &sealed].concat()
    }
}

/// Client random and master secret of the key log.
fn secrets(session: &Session) -> (Vec<u8>, Vec<u8>) {
    let lines = session.secrets.iter().flat_map(|text| text.lines());
    let line = lines.into_iter().find(|line| line.starts_with("CLIENT_RANDOM ")).unwrap();
    let mut words = line.split(' ').skip(1).map(bytes);
    (words.next().unwrap(), words.next().unwrap())
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.trim().as_bytes().chunks(2);
    pairs.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn server_random(session: &Session) -> [u8; 32] {
    for datagram in &session.datagrams {
        for record in Records::new(&datagram.payload) {
            let Record::Plaintext(record) = record else { continue };
            for fragment in record.handshake().flatten() {
                if fragment.msg_type == HandshakeType::SERVER_HELLO {
                    let hello = ServerHelloView::read(fragment.body).unwrap();
                    assert_eq!(hello.cipher_suite, CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256);
                    return *hello.random;
                }
            }
        }
    }
    panic!("there is no ServerHello");
}

/// `P_SHA256` (RFC 5246 §5).
fn expand(secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let hash = |parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let mut a = hash(&[seed]);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(hash(&[&a, seed]));
        a = hash(&[&a]);
    }
    out.truncate(length);
    out
}
