//! Fingerprints of certificates (RFC 8122 §5).

use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use crate::signal::Fingerprint;
use crate::watch::Announced;

/// What the hash function of this name, in whatever case, makes of a certificate; `None` of a name
/// that is not known.
#[must_use]
pub fn certificate_hash(name: &str, der: &[u8]) -> Option<Vec<u8>> {
    Some(match name.to_ascii_lowercase().as_str() {
        "sha-1" => Sha1::digest(der).to_vec(),
        "sha-224" => Sha224::digest(der).to_vec(),
        "sha-256" => Sha256::digest(der).to_vec(),
        "sha-384" => Sha384::digest(der).to_vec(),
        "sha-512" => Sha512::digest(der).to_vec(),
        _ => return None,
    })
}

/// RFC 8122 §5: one of the fingerprints has to be of the certificate. Those whose hash function is
/// not known say nothing.
pub(crate) fn announced(fingerprints: &[Fingerprint], der: &[u8]) -> Announced {
    let fits = |(name, value): &Fingerprint| certificate_hash(name, der).map(|hash| hash == *value);
    match fingerprints.iter().filter_map(fits).reduce(|one, other| one || other) {
        Some(true) => Announced::Match,
        Some(false) => Announced::Mismatch,
        None => Announced::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fits_is_enough_and_an_unknown_hash_says_nothing() {
        let of = |name: &str, der: &[u8]| {
            let hash = certificate_hash(name, der).unwrap_or_else(|| vec![1; 16]);
            (name.to_owned(), hash)
        };
        let mine = |prints: &[Fingerprint]| announced(prints, b"mine");
        assert_eq!(mine(&[of("sha-1", b"mine")]), Announced::Match);
        assert_eq!(mine(&[of("sha-256", b"other"), of("sha-512", b"mine")]), Announced::Match);
        assert_eq!(mine(&[of("sha-224", b"other"), of("md5", b"mine")]), Announced::Mismatch);
        assert_eq!(mine(&[of("md5", b"mine")]), Announced::Unknown);
        assert_eq!(mine(&[]), Announced::Unknown);
    }
}
