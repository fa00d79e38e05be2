//! DTLS secrets in the lines of NSS's key log.
//!
//! The crate has no key log, but it takes its cryptography from a provider, and the keys of a DTLS
//! 1.2 connection are `PRF(master_secret, "key expansion", server_random + client_random)`: a MAC
//! keyed with the master secret over a text that names both.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use webrtc::peer_connection::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher,
    CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac,
    PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SignatureScheme, SigningKey, StreamCipher,
    StreamCipherAlgorithm,
};

/// The file that `SSLKEYLOGFILE` names.
pub fn file() -> Option<Arc<Mutex<File>>> {
    let path = std::env::var_os("SSLKEYLOGFILE")?;
    match File::options().create(true).append(true).open(path) {
        Ok(file) => Some(Arc::new(Mutex::new(file))),
        Err(error) => {
            log::warn!("SSLKEYLOGFILE: {error}");
            None
        }
    }
}

/// A provider under which nothing changes.
pub struct KeyLog {
    under: Arc<dyn RTCCryptoProvider>,
    ops: Ops,
}

struct Ops {
    under: Arc<dyn RTCCryptoProvider>,
    file: Arc<Mutex<File>>,
}

struct Watched {
    under: Box<dyn Mac>,
    key: Vec<u8>,
    file: Arc<Mutex<File>>,
}

impl KeyLog {
    pub fn new(under: Arc<dyn RTCCryptoProvider>, file: Arc<Mutex<File>>) -> KeyLog {
        KeyLog { ops: Ops { under: under.clone(), file }, under }
    }
}

impl RTCCryptoProvider for KeyLog {
    fn name(&self) -> &'static str {
        self.under.name()
    }
    fn crypto(&self) -> &dyn RTCCrypto {
        &self.ops
    }
    fn random(&self) -> &dyn RTCRandom {
        self.under.random()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Mac for Watched {
    fn output_len(&self) -> usize {
        self.under.output_len()
    }
    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        const LABEL: &[u8] = b"key expansion";
        if let [text] = input
            && let Some(randoms) = text.strip_prefix(LABEL)
            && randoms.len() == 64
        {
            let line = format!("CLIENT_RANDOM {} {}\n", hex(&randoms[32..]), hex(&self.key));
            if let Ok(mut file) = self.file.lock() {
                let _ = file.write_all(line.as_bytes());
            }
        }
        self.under.sign(input, output)
    }
    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.under.verify(input, expected)
    }
}

impl RTCCrypto for Ops {
    fn supports(&self, a: CryptoAlgorithm) -> bool {
        self.under.crypto().supports(a)
    }
    fn hash(&self, a: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.under.crypto().hash(a, data)
    }
    fn block_encrypt(
        &self,
        a: BlockCipherAlgorithm,
        key: &[u8],
        block: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.under.crypto().block_encrypt(a, key, block)
    }
    fn new_hmac(&self, a: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        let under = self.under.crypto().new_hmac(a, key)?;
        // RFC 5246 §8.1: a master secret has 48 bytes.
        if key.len() != 48 {
            return Ok(under);
        }
        Ok(Box::new(Watched { under, key: key.to_vec(), file: self.file.clone() }))
    }
    fn new_stream_cipher(
        &self,
        a: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.under.crypto().new_stream_cipher(a, key)
    }
    fn new_aead(&self, a: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        self.under.crypto().new_aead(a, key)
    }
    fn new_cbc(&self, a: CbcAlgorithm, key: &[u8]) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.under.crypto().new_cbc(a, key)
    }
    fn start_key_exchange(
        &self,
        a: KeyExchangeAlgorithm,
    ) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.under.crypto().start_key_exchange(a)
    }
    fn generate_signing_key(&self, s: SignatureScheme) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.under.crypto().generate_signing_key(s)
    }
    fn import_signing_key(
        &self,
        s: SignatureScheme,
        der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.under.crypto().import_signing_key(s, der)
    }
    fn verify_signature(
        &self,
        s: SignatureScheme,
        key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.under.crypto().verify_signature(s, key, message, signature)
    }
}
