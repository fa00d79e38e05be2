//! Records of DTLS 1.3, opened and sealed: RFC 9147 §4.

use aes::cipher::{
    BlockCipherEncrypt as _, KeyInit as _, KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _,
};
use aes::{Aes128Enc, Aes256Enc};
use rtcspec_wire::dtls::{CipherSuite, UnifiedRecord};

use super::aead::Aead;
use super::expand::{Hash, expand_label};
use super::suite::Mode;

/// Bytes of a header that is opened; connection ids beyond it are not.
const HEADER: usize = 64;

/// Masks the sequence numbers.
enum Mask {
    Aes128(Box<Aes128Enc>),
    Aes256(Box<Aes256Enc>),
    ChaCha20([u8; 32]),
}

impl Mask {
    fn new(mode: Mode, key: &[u8]) -> Option<Self> {
        Some(match mode {
            Mode::Aes128Gcm | Mode::Aes128Ccm(_) => {
                Self::Aes128(Box::new(Aes128Enc::new_from_slice(key).ok()?))
            }
            Mode::Aes256Gcm | Mode::Aes256Ccm(_) => {
                Self::Aes256(Box::new(Aes256Enc::new_from_slice(key).ok()?))
            }
            Mode::ChaCha20 => Self::ChaCha20(key.try_into().ok()?),
            Mode::Cbc(..) => return None,
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

/// The protection of the records one side sends in one epoch.
#[derive(Debug)]
pub(super) struct Epoch13 {
    cipher: Aead,
    mask: Mask,
    iv: [u8; 12],
    next: u64,
    mode: Mode,
    hash: Hash,
    secret: Vec<u8>,
}

impl Epoch13 {
    /// That of a traffic secret.
    pub(super) fn new(suite: CipherSuite, secret: &[u8]) -> Option<Self> {
        let (mode, hash) = Mode::of(suite)?;
        Self::with(mode, hash, secret.to_vec())
    }

    fn with(mode: Mode, hash: Hash, secret: Vec<u8>) -> Option<Self> {
        let expand = |label: &[u8], len| expand_label(hash, &secret, label, len);
        let cipher = Aead::new(mode, &expand(b"key", mode.key_len()))?;
        let mask = Mask::new(mode, &expand(b"sn", mode.key_len()))?;
        let iv = expand(b"iv", 12).try_into().ok()?;
        Some(Self { cipher, mask, iv, next: 0, mode, hash, secret })
    }

    /// RFC 8446 §7.2: that of the next epoch.
    pub(super) fn updated(&self) -> Option<Self> {
        let secret = expand_label(self.hash, &self.secret, b"traffic upd", self.secret.len());
        Self::with(self.mode, self.hash, secret)
    }

    /// Leaves the content of a record in `out`; gives its type and sequence number. `None` if it
    /// does not authenticate.
    pub(super) fn open(
        &mut self,
        record: &UnifiedRecord<'_>,
        out: &mut Vec<u8>,
    ) -> Option<(u8, u64)> {
        let mut aad = [0; HEADER];
        let aad = aad.get_mut(..record.header.len())?;
        aad.copy_from_slice(record.header);
        self.mask(record, record.encrypted, aad)?;
        let at = 1 + record.cid.len();
        let (low, bits) = if record.has_long_sequence_number() {
            (u16::from_be_bytes([*aad.get(at)?, *aad.get(at + 1)?]), 16)
        } else {
            (u16::from(*aad.get(at)?), 8)
        };
        let sequence = nearest(self.next, u64::from(low), bits);
        out.clear();
        out.extend_from_slice(record.encrypted);
        self.cipher.open(self.nonce(sequence), aad, out)?;
        self.next = self.next.max(sequence + 1);
        while out.last() == Some(&0) {
            out.pop();
        }
        Some((out.pop()?, sequence))
    }

    /// The bytes of a record that carries other content of this type in the place of one that was
    /// opened: its header with the sequence number masked anew, as many bytes. `None` if it does not
    /// fit there.
    pub(super) fn seal(
        &self,
        record: &UnifiedRecord<'_>,
        (content_type, sequence): (u8, u64),
        content: &[u8],
    ) -> Option<Vec<u8>> {
        let mut header = record.header.to_vec();
        let at = 1 + record.cid.len();
        let low = sequence.to_be_bytes();
        let shown = if record.has_long_sequence_number() { &low[6..] } else { &low[7..] };
        header.get_mut(at..at + shown.len())?.copy_from_slice(shown);
        let mut sealed = [content, &[content_type]].concat();
        let inner = record.encrypted.len().checked_sub(self.mode.tag_len())?;
        if sealed.len() > inner {
            return None;
        }
        // RFC 9147 §4: zeros after the type, as many as there were.
        sealed.resize(inner, 0);
        self.cipher.seal(self.nonce(sequence), &header, &mut sealed)?;
        self.mask(record, &sealed, &mut header)?;
        header.extend(sealed);
        Some(header)
    }

    /// Masks the sequence number of a header, or unmasks it.
    fn mask(&self, record: &UnifiedRecord<'_>, encrypted: &[u8], header: &mut [u8]) -> Option<()> {
        let mask = self.mask.of(*encrypted.first_chunk()?);
        let at = 1 + record.cid.len();
        let long = usize::from(record.has_long_sequence_number());
        let number = header.get_mut(at..=at + long)?;
        number.iter_mut().zip(mask).for_each(|(to, with)| *to ^= with);
        Some(())
    }

    fn nonce(&self, sequence: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, with)| *to ^= with);
        nonce
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
