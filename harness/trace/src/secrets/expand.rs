//! The expansions of secrets: RFC 5246 §5, RFC 5705, and RFC 8446 §7.1 and §7.5 with RFC 9147 §5.9.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384};

/// RFC 5764 §4.2: what SRTP keys are exported under.
const SRTP_LABEL: &[u8] = b"EXTRACTOR-dtls_srtp";

/// Which hash a cipher suite names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    fn of_nothing(self) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest([]).to_vec(),
            Self::Sha384 => Sha384::digest([]).to_vec(),
        }
    }
}

/// HMAC over some pieces.
pub(super) fn hmac(hash: Hash, key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    macro_rules! with {
        ($digest:ty) => {{
            let keyed = Hmac::<$digest>::new_from_slice(key);
            let mut mac = keyed.expect("invariant: HMAC takes keys of any length");
            pieces.iter().for_each(|piece| mac.update(piece));
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match hash {
        Hash::Sha256 => with!(Sha256),
        Hash::Sha384 => with!(Sha384),
    }
}

/// RFC 5246 §5: `P_hash` over a label and a seed.
pub(super) fn prf(hash: Hash, secret: &[u8], label: &[u8], seed: &[&[u8]], len: usize) -> Vec<u8> {
    let seed = [&[label], seed].concat();
    let mut chain = hmac(hash, secret, &seed);
    let mut out = Vec::with_capacity(len + 48);
    while out.len() < len {
        let pieces = [&[chain.as_slice()], seed.as_slice()].concat();
        out.extend(hmac(hash, secret, &pieces));
        chain = hmac(hash, secret, &[&chain]);
    }
    out.truncate(len);
    out
}

/// RFC 8446 §7.1: HKDF-Expand-Label without a context.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &[u8], len: usize) -> Vec<u8> {
    expand_with(hash, secret, label, &[], len)
}

/// RFC 8446 §7.1: HKDF-Expand-Label.
fn expand_with(hash: Hash, secret: &[u8], label: &[u8], context: &[u8], len: usize) -> Vec<u8> {
    // RFC 9147 §5.9: the prefix is "dtls13" without a blank.
    let full = [b"dtls13", label].concat();
    let byte = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
    let total = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    let info = [&total[..], &[byte(full.len())], &full, &[byte(context.len())], context].concat();
    // RFC 5869 §2.3.
    let mut out: Vec<u8> = Vec::with_capacity(len + hash.len());
    let mut block: Vec<u8> = Vec::new();
    for counter in 1..=u8::MAX {
        if out.len() >= len {
            break;
        }
        block = hmac(hash, secret, &[&block, &info, &[counter]]);
        out.extend_from_slice(&block);
    }
    out.truncate(len);
    out
}

/// RFC 5705 §4: keying material of DTLS 1.2 for SRTP, without a context.
pub(super) fn export12(
    hash: Hash,
    master: &[u8],
    client_random: &[u8; 32],
    server_random: &[u8; 32],
    len: usize,
) -> Vec<u8> {
    prf(hash, master, SRTP_LABEL, &[client_random, server_random], len)
}

/// RFC 8446 §7.5: keying material of DTLS 1.3 for SRTP, without a context.
pub(super) fn export13(hash: Hash, exporter: &[u8], len: usize) -> Vec<u8> {
    let nothing = hash.of_nothing();
    let derived = expand_with(hash, exporter, SRTP_LABEL, &nothing, hash.len());
    expand_with(hash, &derived, b"exporter", &nothing, len)
}
