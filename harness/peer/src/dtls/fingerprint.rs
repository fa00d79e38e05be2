//! Certificate fingerprints against certificates (RFC 8122 §5).

use rtcspec_wire::sdp::{Fingerprint, HashFunction};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::error::Error;

/// Hash functions we check with, strongest first; SHA-1 is only ever accepted, never sent.
const STRONGEST_FIRST: [HashFunction; 5] = [
    HashFunction::Sha512,
    HashFunction::Sha384,
    HashFunction::Sha256,
    HashFunction::Sha224,
    HashFunction::Sha1,
];

fn digest(function: &HashFunction, bytes: &[u8]) -> Option<Vec<u8>> {
    match function {
        HashFunction::Sha1 => Some(Sha1::digest(bytes).to_vec()),
        HashFunction::Sha224 => Some(Sha224::digest(bytes).to_vec()),
        HashFunction::Sha256 => Some(Sha256::digest(bytes).to_vec()),
        HashFunction::Sha384 => Some(Sha384::digest(bytes).to_vec()),
        HashFunction::Sha512 => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}

/// The fingerprint of a certificate; `None` for a hash function we do not have.
#[must_use]
pub fn fingerprint(function: HashFunction, certificate: &[u8]) -> Option<Fingerprint> {
    let value = digest(&function, certificate)?;
    Fingerprint::new(function, value).ok()
}

/// The fingerprints a description announces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Vec<Fingerprint>);

impl Fingerprints {
    /// Checks a certificate against them.
    ///
    /// # Errors
    /// [`Error::Fingerprint`] if it matches none, [`Error::NoUsableFingerprint`] if none is by a
    /// hash function we have.
    pub fn check(&self, certificate: &[u8]) -> Result<(), Error> {
        // RFC 8122 §5: one hash function is chosen, the strongest we know; the certificate has to
        // match one of the fingerprints by it.
        let announced = |function: &HashFunction| self.0.iter().any(|one| one.hash() == function);
        let function = STRONGEST_FIRST.into_iter().find(announced);
        let actual = function.and_then(|function| fingerprint(function, certificate));
        let actual = actual.ok_or(Error::NoUsableFingerprint)?;
        if self.0.contains(&actual) { Ok(()) } else { Err(Error::Fingerprint { actual }) }
    }
}

impl FromIterator<Fingerprint> for Fingerprints {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(fingerprints: I) -> Self {
        Self(fingerprints.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"not really a certificate";

    fn check(values: &[&str]) -> Result<(), Error> {
        let fingerprints: Fingerprints =
            values.iter().filter_map(|value| value.parse().ok()).collect();
        fingerprints.check(CERTIFICATE)
    }

    fn value(function: HashFunction) -> String {
        fingerprint(function, CERTIFICATE).unwrap().to_string()
    }

    #[test]
    fn every_hash_function_matches_its_own_value_in_either_case() {
        for function in STRONGEST_FIRST {
            let text = value(function);
            assert_eq!(check(&[&text]), Ok(()), "{text}");
            assert_eq!(check(&[&text.to_lowercase()]), Ok(()), "{text}");
        }
    }

    #[test]
    fn strongest_hash_function_decides() {
        let good = value(HashFunction::Sha256);
        let bad = Fingerprint::new(HashFunction::Sha512, vec![0; 64]).unwrap().to_string();
        let Err(Error::Fingerprint { actual }) = check(&[&good, &bad]) else { panic!("accepted") };
        assert_eq!(actual.hash(), &HashFunction::Sha512);
    }

    #[test]
    fn one_of_several_values_by_the_same_function_is_enough() {
        let good = value(HashFunction::Sha256);
        let other = fingerprint(HashFunction::Sha256, b"another certificate").unwrap().to_string();
        assert_eq!(check(&[&other, &good]), Ok(()));
    }

    #[test]
    fn functions_we_do_not_have_are_of_no_use() {
        let md5 = Fingerprint::new(HashFunction::Md5, vec![0; 16]).unwrap().to_string();
        assert_eq!(check(&[&md5]), Err(Error::NoUsableFingerprint));
        assert_eq!(check(&[]), Err(Error::NoUsableFingerprint));
    }

    #[test]
    fn sha256_of_abc_is_the_published_one() {
        // FIPS 180-2 appendix B.1.
        let text = fingerprint(HashFunction::Sha256, b"abc").unwrap().to_string();
        assert!(text.starts_with("sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE"), "{text}");
    }
}
