//! The AEAD ciphers of records, in place.

use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, KeyInit as _};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ccm::Ccm;
use ccm::consts::{U8, U12, U16};
use chacha20poly1305::ChaCha20Poly1305;

use super::suite::Mode;

/// A keyed AEAD.
pub(super) enum Aead {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    Aes128Ccm(Box<Ccm<Aes128, U16, U12>>),
    Aes256Ccm(Box<Ccm<Aes256, U16, U12>>),
    Aes128Ccm8(Box<Ccm<Aes128, U8, U12>>),
    Aes256Ccm8(Box<Ccm<Aes256, U8, U12>>),
    ChaCha20(Box<ChaCha20Poly1305>),
}

impl std::fmt::Debug for Aead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Aead")
    }
}

impl Aead {
    /// `None` for a key of another length, and for CBC.
    pub(super) fn new(mode: Mode, key: &[u8]) -> Option<Self> {
        Some(match mode {
            Mode::Aes128Gcm => Self::Aes128Gcm(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Mode::Aes256Gcm => Self::Aes256Gcm(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Mode::Aes128Ccm(false) => Self::Aes128Ccm(Box::new(Ccm::new_from_slice(key).ok()?)),
            Mode::Aes256Ccm(false) => Self::Aes256Ccm(Box::new(Ccm::new_from_slice(key).ok()?)),
            Mode::Aes128Ccm(true) => Self::Aes128Ccm8(Box::new(Ccm::new_from_slice(key).ok()?)),
            Mode::Aes256Ccm(true) => Self::Aes256Ccm8(Box::new(Ccm::new_from_slice(key).ok()?)),
            Mode::ChaCha20 => Self::ChaCha20(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
            Mode::Cbc(..) => return None,
        })
    }

    /// Authenticates and decrypts in place, takes the tag off. `None` if it does not authenticate.
    pub(super) fn open(&self, nonce: [u8; 12], aad: &[u8], sealed: &mut Vec<u8>) -> Option<()> {
        let nonce = &nonce.into();
        match self {
            Self::Aes128Gcm(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::Aes256Gcm(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::Aes128Ccm(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::Aes256Ccm(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::Aes128Ccm8(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::Aes256Ccm8(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
            Self::ChaCha20(cipher) => cipher.decrypt_in_place(nonce, aad, sealed),
        }
        .ok()
    }

    /// Encrypts in place and appends the tag. `None` beyond the cipher's limits.
    pub(super) fn seal(&self, nonce: [u8; 12], aad: &[u8], content: &mut Vec<u8>) -> Option<()> {
        let nonce = &nonce.into();
        match self {
            Self::Aes128Gcm(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::Aes256Gcm(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::Aes128Ccm(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::Aes256Ccm(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::Aes128Ccm8(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::Aes256Ccm8(cipher) => cipher.encrypt_in_place(nonce, aad, content),
            Self::ChaCha20(cipher) => cipher.encrypt_in_place(nonce, aad, content),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::hex;

    #[test]
    fn ccm_opens_packet_vector_1_of_rfc_3610() {
        // Its nonce has thirteen bytes and its tag eight: not those of TLS, the same cipher.
        let key = hex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf");
        let nonce: [u8; 13] = hex("00000003020100a0a1a2a3a4a5").try_into().expect("thirteen");
        let cipher = Ccm::<Aes128, U8, ccm::consts::U13>::new_from_slice(&key).expect("sixteen");
        let mut sealed = hex("588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0");
        let aad = hex("0001020304050607");
        cipher.decrypt_in_place(&nonce.into(), &aad, &mut sealed).expect("authentic");
        assert_eq!(sealed, hex("08090a0b0c0d0e0f101112131415161718191a1b1c1d1e"));
    }

    #[test]
    fn chacha20_poly1305_opens_the_vector_of_rfc_8439_section_2_8_2() {
        let key: Vec<u8> = (0x80..0xa0).collect();
        let aead = Aead::new(Mode::ChaCha20, &key).expect("thirty-two bytes");
        let nonce = hex("070000004041424344454647").try_into().expect("twelve bytes");
        let mut sealed = hex(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fa\
             fb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4\
             fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecb\
             d0600691",
        );
        aead.open(nonce, &hex("50515253c0c1c2c3c4c5c6c7"), &mut sealed).expect("authentic");
        assert!(sealed.starts_with(b"Ladies and Gentlemen of the class of '99"));
        assert!(aead.open(nonce, b"", &mut sealed).is_none());
    }
}
