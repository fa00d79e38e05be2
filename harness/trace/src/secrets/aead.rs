//! Opening records: RFC 5288 and RFC 7905 for DTLS 1.2, RFC 9147 §4 for DTLS 1.3.
//!
//! A further mode is one more variant of [`Cipher`] and one line in [`Mode::of`].

use aes::cipher::{
    BlockCipherEncrypt as _, KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _,
};
use aes::{Aes128, Aes256};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use rtcspec_wire::dtls::{CipherSuite, PlaintextRecord, UnifiedRecord};

use super::expand::{Hash, expand_label, prf};

/// Bytes of every tag here.
const TAG: usize = 16;

/// What a suite protects records with.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20,
}

impl Mode {
    /// The mode and the hash of a suite that can be opened.
    fn of(suite: CipherSuite) -> Option<(Self, Hash)> {
        Some(match suite {
            CipherSuite::AES_128_GCM_SHA256
            | CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256
            | CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256 => (Self::Aes128Gcm, Hash::Sha256),
            CipherSuite::AES_256_GCM_SHA384
            | CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384
            | CipherSuite::ECDHE_RSA_AES_256_GCM_SHA384 => (Self::Aes256Gcm, Hash::Sha384),
            CipherSuite::CHACHA20_POLY1305_SHA256
            | CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305
            | CipherSuite::ECDHE_RSA_CHACHA20_POLY1305 => (Self::ChaCha20, Hash::Sha256),
            _ => return None,
        })
    }

    const fn key_len(self) -> u8 {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20 => 32,
        }
    }

    /// Bytes of the nonce that come from the key block and of those in the record.
    const fn nonce_lens(self) -> (usize, usize) {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => (4, 8),
            Self::ChaCha20 => (12, 0),
        }
    }
}

/// A keyed AEAD.
enum Cipher {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    ChaCha20(Box<ChaCha20Poly1305>),
}

impl Cipher {
    fn new(mode: Mode, key: &[u8]) -> Option<Self> {
        Some(match mode {
            Mode::Aes128Gcm => Self::Aes128Gcm(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Mode::Aes256Gcm => Self::Aes256Gcm(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Mode::ChaCha20 => Self::ChaCha20(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        })
    }

    fn open(&self, nonce: [u8; 12], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg, aad };
        match self {
            Self::Aes128Gcm(cipher) => cipher.decrypt(&nonce.into(), payload).ok(),
            Self::Aes256Gcm(cipher) => cipher.decrypt(&nonce.into(), payload).ok(),
            Self::ChaCha20(cipher) => cipher.decrypt(&nonce.into(), payload).ok(),
        }
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

/// Opens the records one side of a DTLS 1.2 connection sends.
#[derive(Debug)]
pub(crate) struct Opener12 {
    cipher: Cipher,
    mode: Mode,
    fixed: Vec<u8>,
}

impl Opener12 {
    /// Openers for what client and server send.
    pub(crate) fn pair(
        suite: CipherSuite,
        master: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Option<[Self; 2]> {
        let (mode, hash) = Mode::of(suite)?;
        let (key, (fixed, _)) = (usize::from(mode.key_len()), mode.nonce_lens());
        let seed: [&[u8]; 2] = [server_random, client_random];
        let block = prf(hash, master, b"key expansion", &seed, 2 * (key + fixed));
        // RFC 5246 §6.3: client's key, server's key, client's IV, server's IV; no MAC keys.
        let end = |nth: usize| {
            let iv = 2 * key + nth * fixed;
            let cipher = Cipher::new(mode, block.get(nth * key..(nth + 1) * key)?)?;
            Some(Self { cipher, mode, fixed: block.get(iv..iv + fixed)?.to_vec() })
        };
        Some([end(0)?, end(1)?])
    }

    /// The content of a record.
    pub(crate) fn open(&self, record: &PlaintextRecord<'_>) -> Option<Vec<u8>> {
        let (_, explicit) = self.mode.nonce_lens();
        let (in_record, sealed) = record.content.split_at_checked(explicit)?;
        let sequence = u64::from(record.epoch) << 48 | record.sequence_number;
        let mut nonce = [0; 12];
        if explicit == 0 {
            nonce.copy_from_slice(&self.fixed);
            nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, with)| *to ^= with);
        } else {
            nonce[..4].copy_from_slice(&self.fixed);
            nonce[4..].copy_from_slice(in_record);
        }
        let len = u16::try_from(sealed.len().checked_sub(TAG)?).ok()?;
        // RFC 6347 §4.1.2.1: epoch and sequence number, type, version, length.
        let mut aad = [0; 13];
        aad[..8].copy_from_slice(&sequence.to_be_bytes());
        aad[8] = record.content_type.0;
        aad[9..11].copy_from_slice(&record.version.0.to_be_bytes());
        aad[11..].copy_from_slice(&len.to_be_bytes());
        self.cipher.open(nonce, &aad, sealed)
    }
}

/// Masks the sequence numbers of DTLS 1.3.
enum Mask {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    ChaCha20([u8; 32]),
}

impl Mask {
    fn new(mode: Mode, key: &[u8]) -> Option<Self> {
        Some(match mode {
            Mode::Aes128Gcm => Self::Aes128(Box::new(Aes128::new_from_slice(key).ok()?)),
            Mode::Aes256Gcm => Self::Aes256(Box::new(Aes256::new_from_slice(key).ok()?)),
            Mode::ChaCha20 => Self::ChaCha20(key.try_into().ok()?),
        })
    }

    /// RFC 9147 §4.2.3: made from the first sixteen bytes of the ciphertext.
    fn of(&self, sample: [u8; 16]) -> [u8; 2] {
        let mut block = sample.into();
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.encrypt_block(&mut block),
            Self::ChaCha20(key) => {
                let [a, b, c, d, nonce @ ..] = sample;
                let mut stream = chacha20::ChaCha20::new(&(*key).into(), &nonce.into());
                // RFC 9147 §4.2.3: the counter comes first; a block has 64 bytes.
                if stream.try_seek(u64::from(u32::from_le_bytes([a, b, c, d])) * 64).is_err() {
                    return [0; 2];
                }
                let mut mask = [0; 2];
                let _ = stream.try_apply_keystream(&mut mask);
                return mask;
            }
        }
        [block[0], block[1]]
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask")
    }
}

/// Opens the records one side of a DTLS 1.3 connection sends in one epoch.
#[derive(Debug)]
pub(crate) struct Opener13 {
    cipher: Cipher,
    mask: Mask,
    iv: [u8; 12],
    next: u64,
    mode: Mode,
    hash: Hash,
    secret: Vec<u8>,
}

/// An opened record of DTLS 1.3.
pub(crate) struct Opened {
    /// Its true content type.
    pub(crate) content_type: u8,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

impl Opener13 {
    /// An opener for a traffic secret.
    pub(crate) fn new(suite: CipherSuite, secret: &[u8]) -> Option<Self> {
        let (mode, hash) = Mode::of(suite)?;
        Self::with(mode, hash, secret.to_vec())
    }

    fn with(mode: Mode, hash: Hash, secret: Vec<u8>) -> Option<Self> {
        let expand = |label: &[u8], len| expand_label(hash, &secret, label, len);
        let cipher = Cipher::new(mode, &expand(b"key", mode.key_len()))?;
        let mask = Mask::new(mode, &expand(b"sn", mode.key_len()))?;
        let iv = expand(b"iv", 12).try_into().ok()?;
        Some(Self { cipher, mask, iv, next: 0, mode, hash, secret })
    }

    /// RFC 8446 §7.2: the opener of the next epoch.
    pub(crate) fn updated(&self) -> Option<Self> {
        let len = u8::try_from(self.secret.len()).ok()?;
        Self::with(self.mode, self.hash, expand_label(self.hash, &self.secret, b"traffic upd", len))
    }

    /// Type and content of a record.
    pub(crate) fn open(&mut self, record: &UnifiedRecord<'_>) -> Option<Opened> {
        let mask = self.mask.of(*record.encrypted.first_chunk()?);
        let mut aad = record.header.to_vec();
        let at = 1 + record.cid.len();
        let low = if record.has_long_sequence_number() {
            aad.get_mut(at..at + 2)?.iter_mut().zip(mask).for_each(|(to, with)| *to ^= with);
            u16::from_be_bytes([*aad.get(at)?, *aad.get(at + 1)?])
        } else {
            *aad.get_mut(at)? ^= mask[0];
            u16::from(*aad.get(at)?)
        };
        let bits = if record.has_long_sequence_number() { 16 } else { 8 };
        let sequence = nearest(self.next, u64::from(low), bits);
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, with)| *to ^= with);
        let mut content = self.cipher.open(nonce, &aad, record.encrypted)?;
        self.next = self.next.max(sequence + 1);
        while content.last() == Some(&0) {
            content.pop();
        }
        Some(Opened { content_type: content.pop()?, content })
    }
}

/// RFC 9147 §4.2.2: the number with these low bits that is closest to the one expected.
fn nearest(expected: u64, low: u64, bits: u32) -> u64 {
    let span = 1_u64 << bits;
    let guess = (expected & !(span - 1)) | low;
    if guess + span / 2 < expected {
        guess + span
    } else if guess > expected + span / 2 && guess >= span {
        guess - span
    } else {
        guess
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_bits_mean_the_nearest_number() {
        assert_eq!(nearest(0, 5, 8), 5);
        assert_eq!(nearest(254, 1, 8), 257);
        assert_eq!(nearest(257, 254, 8), 254);
        assert_eq!(nearest(70_000, 0xffff, 16), 65_535);
    }
}
