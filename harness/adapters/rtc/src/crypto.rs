//! `rtc`'s own ring provider with a tap on HMAC for the key log.
//!
//! `rtc` has no key log. In DTLS 1.2 the master secret is the HMAC key under which the keys are
//! expanded (RFC 5246 §6.3), so a tap on HMAC sees it next to the label that names it.

use std::sync::{Arc, Mutex, PoisonError};

use rtc::crypto::providers::RingProvider;
use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher,
    CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac,
    PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SignatureScheme, SigningKey, StreamCipher,
    StreamCipherAlgorithm,
};
use rtcspec_peer::dtls::KeyLog;

/// The key log of one connection, shared with its crypto provider.
pub(crate) type SharedLog = Arc<Mutex<KeyLog>>;

/// The provider of one connection.
pub(crate) struct Tapped {
    crypto: TappedCrypto,
}

impl Tapped {
    pub(crate) fn new(log: &SharedLog) -> Self {
        Self { crypto: TappedCrypto { ring: RingProvider::new(), log: Arc::clone(log) } }
    }
}

/// Lines of a key log since the last call.
pub(crate) fn take_lines(log: &SharedLog) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl RTCCryptoProvider for Tapped {
    fn name(&self) -> &'static str {
        self.crypto.ring.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        &self.crypto
    }

    fn random(&self) -> &dyn RTCRandom {
        self.crypto.ring.random()
    }
}

struct TappedCrypto {
    ring: RingProvider,
    log: SharedLog,
}

impl RTCCrypto for TappedCrypto {
    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        let mac = self.ring.crypto().new_hmac(algorithm, key)?;
        Ok(Box::new(TappedMac { mac, key: key.to_vec(), log: Arc::clone(&self.log) }))
    }

    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.ring.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.ring.crypto().hash(algorithm, data)
    }

    fn block_encrypt(
        &self,
        algorithm: BlockCipherAlgorithm,
        key: &[u8],
        block: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.ring.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.ring.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(
        &self,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn AeadCipher>, CryptoError> {
        self.ring.crypto().new_aead(algorithm, key)
    }

    fn new_cbc(
        &self,
        algorithm: CbcAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.ring.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(
        &self,
        algorithm: KeyExchangeAlgorithm,
    ) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.ring.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(
        &self,
        scheme: SignatureScheme,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.ring.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.ring.crypto().import_signing_key(scheme, pkcs8_der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.ring.crypto().verify_signature(scheme, public_key, message, signature)
    }
}

struct TappedMac {
    mac: Box<dyn Mac>,
    key: Vec<u8>,
    log: SharedLog,
}

impl Mac for TappedMac {
    fn output_len(&self) -> usize {
        self.mac.output_len()
    }

    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        self.mac.sign(input, output)?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.see_hmac(&self.key, &input.concat(), output);
        Ok(())
    }

    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.mac.verify(input, expected)
    }
}
