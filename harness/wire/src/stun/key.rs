//! Keys of the two integrity attributes (RFC 8489 §9.1.1, §9.2.2, §14.5, §14.6).

use std::fmt;
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::block_api::compress;
use sha2::Sha256;

/// A key with its HMAC states worked out, so that checking or signing a message costs only the
/// message.
///
/// Usernames, realms and passwords are taken as they are: the caller has applied the
/// `OpaqueString` profile (RFC 8265) if they are not plain ASCII.
#[derive(Clone)]
pub struct Key {
    bytes: Bytes,
    sha1: HmacSha1,
    sha256: OnceLock<Hmac<Sha256>>,
}

impl Key {
    /// RFC 8489 §9.1.1: the key is the password. ICE uses this.
    #[must_use]
    pub fn short_term(password: &str) -> Self {
        Self::from_bytes(password.as_bytes())
    }

    /// RFC 8489 §18.5.1.1: MD5 of `username:realm:password`. TURN uses this.
    #[must_use]
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        Self::from_bytes(&Md5::digest(joined(username, realm, password)))
    }

    /// RFC 8489 §18.5.1.2: SHA-256 of `username:realm:password`, for PASSWORD-ALGORITHM 2.
    #[must_use]
    pub fn long_term_sha256(username: &str, realm: &str, password: &str) -> Self {
        Self::from_bytes(&Sha256::digest(joined(username, realm, password)))
    }

    /// A key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: Bytes::new(bytes), sha1: HmacSha1::new(bytes), sha256: OnceLock::new() }
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// HMAC-SHA1 over a header and what follows it.
    pub(super) fn hmac_sha1(&self, header: &[u8; 20], rest: &[u8]) -> [u8; 20] {
        self.sha1.sign(header, rest)
    }

    /// HMAC-SHA256 over a header and what follows it.
    pub(super) fn hmac_sha256(&self, header: &[u8; 20], rest: &[u8]) -> [u8; 32] {
        let keyed = self.sha256.get_or_init(|| {
            Hmac::new_from_slice(self.as_bytes()).expect("invariant: HMAC takes keys of any length")
        });
        keyed.clone().chain_update(header).chain_update(rest).finalize().into_bytes().into()
    }
}

/// A key's bytes. Those of ICE and TURN are short, and a key per message must not cost an
/// allocation.
#[derive(Clone)]
enum Bytes {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

const SHORT: usize = 32;

impl Bytes {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match (u8::try_from(from.len()), bytes.get_mut(..from.len())) {
            (Ok(length), Some(slot)) => {
                slot.copy_from_slice(from);
                Self::Short { length, bytes }
            }
            _ => Self::Long(from.into()),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

/// Two keys are equal when their bytes are.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

/// Never shows the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bytes)", self.as_bytes().len())
    }
}

/// RFC 8489 §14.4: the USERHASH value for a user of a realm.
#[must_use]
pub(super) fn user_hash(username: &str, realm: &str) -> [u8; 32] {
    Sha256::digest([username, realm].join(":")).into()
}

fn joined(username: &str, realm: &str, password: &str) -> String {
    [username, realm, password].join(":")
}

/// HMAC-SHA1 (RFC 2104) as two cached compression states.
///
/// A generic HMAC buffers each piece it is fed; STUN messages are one or two blocks, so hashing
/// blocks directly saves about a third of the time.
#[derive(Clone)]
struct HmacSha1 {
    inner: [u32; 5],
    outer: [u32; 5],
}

const BLOCK: usize = 64;
const SHA1_INITIAL: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

impl HmacSha1 {
    fn new(key: &[u8]) -> Self {
        let mut padded = [0; BLOCK];
        if key.len() > BLOCK {
            padded[..20].copy_from_slice(&sha1::Sha1::digest(key));
        } else {
            padded[..key.len()].copy_from_slice(key);
        }
        let state_after = |mask: u8| {
            let mut state = SHA1_INITIAL;
            compress(&mut state, &[padded.map(|byte| byte ^ mask)]);
            state
        };
        Self { inner: state_after(0x36), outer: state_after(0x5c) }
    }

    fn sign(&self, header: &[u8; 20], rest: &[u8]) -> [u8; 20] {
        // The block that holds the header, and the last one or two, are made up here; what lies
        // between is hashed where it is.
        let mut state = self.inner;
        let mut first = [0; BLOCK];
        first[..20].copy_from_slice(header);
        let bits = 8 * (BLOCK + 20 + rest.len()) as u64;
        let Some((head, more)) = rest.split_first_chunk::<{ BLOCK - 20 }>() else {
            first[20..20 + rest.len()].copy_from_slice(rest);
            pad(&mut state, first, 20 + rest.len(), bits);
            return self.close(&state);
        };
        first[20..].copy_from_slice(head);
        let (blocks, tail) = more.as_chunks::<BLOCK>();
        compress(&mut state, &[first]);
        if !blocks.is_empty() {
            compress(&mut state, blocks);
        }
        let mut last = [0; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        pad(&mut state, last, tail.len(), bits);
        self.close(&state)
    }

    /// The outer hash over the inner digest.
    fn close(&self, inner: &[u32; 5]) -> [u8; 20] {
        let mut block = [0; BLOCK];
        block[..20].copy_from_slice(&digest(inner));
        block[20] = 0x80;
        block[BLOCK - 8..].copy_from_slice(&(8 * (BLOCK as u64 + 20)).to_be_bytes());
        let mut state = self.outer;
        compress(&mut state, &[block]);
        digest(&state)
    }
}

/// Hashes the last block, filled up to `end`, with SHA-1's padding (RFC 3174 §4).
fn pad(state: &mut [u32; 5], mut last: [u8; BLOCK], end: usize, bits: u64) {
    last[end] = 0x80;
    if end + 9 > BLOCK {
        compress(state, &[last]);
        last = [0; BLOCK];
    }
    last[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    compress(state, &[last]);
}

fn digest(state: &[u32; 5]) -> [u8; 20] {
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_hmac_sha1_equals_the_generic_one_at_every_length() {
        let data: Vec<u8> = (0..300u16).map(|n| n as u8).collect();
        let header: [u8; 20] = data[..20].try_into().expect("twenty bytes");
        for key_len in [0, 1, 16, 22, 63, 64, 65, 200] {
            let key = Key::from_bytes(&data[..key_len]);
            for len in 20..data.len() {
                let mut generic = Hmac::<sha1::Sha1>::new_from_slice(&data[..key_len]).unwrap();
                generic.update(&data[..len]);
                let expected: [u8; 20] = generic.finalize().into_bytes().into();
                assert_eq!(key.hmac_sha1(&header, &data[20..len]), expected, "{key_len} {len}");
            }
        }
    }

    #[test]
    fn long_term_key_is_the_md5_of_rfc_8489_section_18_5_1() {
        let key = Key::long_term("user", "realm", "pass");
        let expected = "8493fbc53ba582fb4c044c456bdc40eb";
        let hex: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn a_key_keeps_its_bytes_whatever_their_number() {
        let data: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 31, 32, 33, 255, 256] {
            let key = Key::from_bytes(&data[..length]);
            assert_eq!(key.as_bytes(), &data[..length]);
            assert_eq!(key, key.clone());
            assert_eq!(key == Key::from_bytes(&data[..length / 2]), length == 0);
        }
    }

    #[test]
    fn debug_output_does_not_show_the_password() {
        assert_eq!(format!("{:?}", Key::short_term("secret")), "Key(6 bytes)");
    }
}
