//! What is done to one packet: RFC 3711 §4.1, §4.2 and RFC 7714 §8, §9.

use aes::Aes128Enc;
use aes::cipher::{InnerIvInit as _, StreamCipher as _};
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::cipher::StreamCipherCoreWrapper;
use ctr::{CtrCore, flavors::Ctr128BE};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::derivation::SessionKeys;
use crate::{Profile, SrtpError};

/// A tag, with room for the longest.
pub(crate) type Tag = [u8; 16];

/// Keyed for SRTP or for SRTCP, in one direction.
pub(crate) enum Transform {
    /// AES in counter mode, and HMAC-SHA1.
    Counter {
        cipher: Box<Aes128Enc>,
        salt: [u8; 14],
        mac: Box<Hmac<Sha1>>,
    },
    Gcm128 {
        cipher: Box<Aes128Gcm>,
        salt: [u8; 12],
    },
    Gcm256 {
        cipher: Box<Aes256Gcm>,
        salt: [u8; 12],
    },
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transform")
    }
}

/// What makes up the initialisation vector: a source and its packet's index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) ssrc: u32,
    /// 48 bits of SRTP, 31 of SRTCP.
    pub(crate) index: u64,
}

impl Transform {
    pub(crate) fn new(profile: Profile, keys: &SessionKeys) -> Result<Self, SrtpError> {
        let SessionKeys { cipher: key, auth, salt } = keys;
        let wrong = |found: usize, needed| SrtpError::KeyLength { found, needed };
        let key_error = |_| wrong(key.len(), profile.key_len());
        let salt_error = |_| wrong(salt.len(), profile.salt_len());
        Ok(match profile {
            Profile::Aes128CmSha1_80 | Profile::Aes128CmSha1_32 => Self::Counter {
                cipher: Box::new(Aes128Enc::new_from_slice(key).map_err(key_error)?),
                salt: salt.as_slice().try_into().map_err(salt_error)?,
                mac: Box::new(
                    Hmac::new_from_slice(auth).expect("invariant: HMAC takes keys of any length"),
                ),
            },
            Profile::AeadAes128Gcm => Self::Gcm128 {
                cipher: Box::new(Aes128Gcm::new_from_slice(key).map_err(key_error)?),
                salt: salt.as_slice().try_into().map_err(salt_error)?,
            },
            Profile::AeadAes256Gcm => Self::Gcm256 {
                cipher: Box::new(Aes256Gcm::new_from_slice(key).map_err(key_error)?),
                salt: salt.as_slice().try_into().map_err(salt_error)?,
            },
        })
    }

    /// Encrypts `body` in place, authenticates it with `header` before and `trailer` after it.
    pub(crate) fn seal(&self, place: Place, header: &[u8], body: &mut [u8], trailer: &[u8]) -> Tag {
        match self {
            Self::Counter { cipher, salt, mac } => {
                keystream(cipher, salt, place, body);
                authenticate(mac, &[header, body, trailer])
            }
            Self::Gcm128 { cipher, salt } => {
                let aad = Aad::new(header, trailer);
                let nonce = nonce(salt, place).into();
                cipher
                    .encrypt_inout_detached(&nonce, aad.bytes(), body.into())
                    .expect("invariant: a packet is far below the limits of GCM")
                    .into()
            }
            Self::Gcm256 { cipher, salt } => {
                let aad = Aad::new(header, trailer);
                let nonce = nonce(salt, place).into();
                cipher
                    .encrypt_inout_detached(&nonce, aad.bytes(), body.into())
                    .expect("invariant: a packet is far below the limits of GCM")
                    .into()
            }
        }
    }

    /// Authenticates, then decrypts `body` in place. Nothing is changed if it does not
    /// authenticate, but that `body` may be garbled.
    pub(crate) fn open(
        &self,
        place: Place,
        header: &[u8],
        body: &mut [u8],
        trailer: &[u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        let failed = SrtpError::Authentication;
        match self {
            Self::Counter { cipher, salt, mac } => {
                let expected = authenticate(mac, &[header, body, trailer]);
                if !equal(expected.get(..tag.len()).unwrap_or_default(), tag) {
                    return Err(failed);
                }
                keystream(cipher, salt, place, body);
                Ok(())
            }
            Self::Gcm128 { cipher, salt } => {
                let tag = <&Tag>::try_from(tag).map_err(|_| failed)?;
                let (nonce, aad) = (nonce(salt, place).into(), Aad::new(header, trailer));
                cipher
                    .decrypt_inout_detached(&nonce, aad.bytes(), body.into(), tag.into())
                    .map_err(|_| failed)
            }
            Self::Gcm256 { cipher, salt } => {
                let tag = <&Tag>::try_from(tag).map_err(|_| failed)?;
                let (nonce, aad) = (nonce(salt, place).into(), Aad::new(header, trailer));
                cipher
                    .decrypt_inout_detached(&nonce, aad.bytes(), body.into(), tag.into())
                    .map_err(|_| failed)
            }
        }
    }

    /// RFC 3711 §4.2: the tag of an SRTCP packet that is not encrypted.
    pub(crate) fn tag_only(&self, place: Place, whole: &[u8], trailer: &[u8]) -> Tag {
        // RFC 7714 §9.3: all of it is associated data, and there is no plaintext.
        self.seal(place, whole, &mut [], trailer)
    }
}

/// RFC 3711 §4.1.1.
fn keystream(cipher: &Aes128Enc, salt: &[u8; 14], place: Place, body: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    xor(&mut iv[4..8], &place.ssrc.to_be_bytes());
    xor(&mut iv[8..14], &place.index.to_be_bytes()[2..]);
    let core = CtrCore::<_, Ctr128BE>::inner_iv_init(cipher, &iv.into());
    StreamCipherCoreWrapper::from_core(core).apply_keystream(body);
}

/// RFC 7714 §8.1: two zero bytes, source, rollover counter and sequence number; §9.1 has a zero
/// half-word and the index there. Both are the 48-bit index.
fn nonce(salt: &[u8; 12], place: Place) -> [u8; 12] {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &place.ssrc.to_be_bytes());
    xor(&mut nonce[6..12], &place.index.to_be_bytes()[2..]);
    nonce
}

fn xor(to: &mut [u8], with: &[u8]) {
    to.iter_mut().zip(with).for_each(|(to, with)| *to ^= with);
}

fn authenticate(mac: &Hmac<Sha1>, pieces: &[&[u8]]) -> Tag {
    let mut mac = mac.clone();
    pieces.iter().for_each(|piece| mac.update(piece));
    let full = mac.finalize().into_bytes();
    let mut tag = Tag::default();
    tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    tag
}

/// Compares without telling by the time taken where two tags differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

/// Associated data in one piece: the header, and what follows the body.
enum Aad<'a> {
    Header(&'a [u8]),
    Short([u8; 12]),
    Long(Vec<u8>),
}

impl<'a> Aad<'a> {
    fn new(header: &'a [u8], trailer: &[u8]) -> Self {
        if trailer.is_empty() {
            return Self::Header(header);
        }
        match (<[u8; 8]>::try_from(header), <[u8; 4]>::try_from(trailer)) {
            (Ok(header), Ok(trailer)) => {
                let mut both = [0; 12];
                both[..8].copy_from_slice(&header);
                both[8..].copy_from_slice(&trailer);
                Self::Short(both)
            }
            _ => Self::Long([header, trailer].concat()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Header(header) => header,
            Self::Short(both) => both,
            Self::Long(both) => both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::tests::hex;

    #[test]
    fn keystream_is_that_of_rfc_3711_appendix_b_2() {
        let cipher = Aes128Enc::new_from_slice(&hex("2b7e151628aed2a6abf7158809cf4f3c"))
            .expect("sixteen bytes");
        let salt = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd").try_into().expect("fourteen bytes");
        let mut body = vec![0; 16 * 0xff02];
        keystream(&cipher, &salt, Place { ssrc: 0, index: 0 }, &mut body);
        let block = |n: usize| body[16 * n..16 * (n + 1)].to_vec();
        assert_eq!(block(0), hex("e03ead0935c95e80e166b16dd92b4eb4"));
        assert_eq!(block(1), hex("d23513162b02d0f72a43a2fe4a5f97ab"));
        assert_eq!(block(2), hex("41e95b3bb0a2e8dd477901e4fca894c0"));
        assert_eq!(block(0xfeff), hex("ec8cdf7398607cb0f2d21675ea9ea1e4"));
        assert_eq!(block(0xff00), hex("362b7c3c6773516318a077d7fc5073ae"));
        assert_eq!(block(0xff01), hex("6a2cc3787889374fbeb4c81b17ba6c44"));
    }
}
