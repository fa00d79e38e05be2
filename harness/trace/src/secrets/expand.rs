//! The two expansions of secrets: RFC 5246 §5 and RFC 8446 §7.1 with RFC 9147 §5.9.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha384};

/// Which hash a cipher suite names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
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

/// RFC 8446 §7.1: HKDF-Expand-Label without a context, for at most one hash of output.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &[u8], len: u8) -> Vec<u8> {
    // RFC 9147 §5.9: the prefix is "dtls13" without a blank.
    let full = [b"dtls13", label].concat();
    let label_len = u8::try_from(full.len()).unwrap_or(u8::MAX);
    let mut out = hmac(hash, secret, &[&[0, len, label_len], &full, &[0, 1]]);
    out.truncate(len.into());
    out
}
