//! Certificate fingerprints (RFC 8122 §5).

use std::fmt;
use std::str::FromStr;

use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::error::Error;

/// A hash function a fingerprint may be made with, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashFunction {
    /// `sha-1`; only ever accepted, never sent.
    Sha1,
    /// `sha-224`.
    Sha224,
    /// `sha-256`, which everyone has to know (RFC 8122 §5).
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

impl HashFunction {
    const ALL: [Self; 5] = [Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The word in SDP.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha224 => Sha224::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for HashFunction {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        // RFC 8122 §5: tokens of hash functions are compared without regard to case.
        Self::ALL.into_iter().find(|f| f.word().eq_ignore_ascii_case(word)).ok_or(())
    }
}

/// One `a=fingerprint` value: `sha-256 AB:CD:...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Which hash function.
    pub function: HashFunction,
    /// The hash of the certificate in DER.
    pub value: Vec<u8>,
}

impl Fingerprint {
    /// The fingerprint of a certificate.
    #[must_use]
    pub fn of(function: HashFunction, certificate: &[u8]) -> Self {
        Self { function, value: function.digest(certificate) }
    }

    /// The value alone, in upper-case hexadecimal with colons.
    #[must_use]
    pub fn hex(&self) -> String {
        let bytes: Vec<String> = self.value.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.function, self.hex())
    }
}

/// The fingerprints a description announces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(Vec<Fingerprint>);

impl Fingerprints {
    /// Reads `a=fingerprint` values; those with an unknown hash function or a malformed value are
    /// left out.
    pub fn from_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self(values.into_iter().filter_map(parse).collect())
    }

    /// Whether none of them can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a certificate against them.
    ///
    /// # Errors
    /// [`Error::Fingerprint`] if it matches none, [`Error::NoUsableFingerprint`] if there is none.
    pub fn check(&self, certificate: &[u8]) -> Result<(), Error> {
        // RFC 8122 §5: one hash function is chosen, the strongest we know; the certificate has to
        // match one of the fingerprints by it.
        let function = self.0.iter().map(|fingerprint| fingerprint.function).max();
        let actual = Fingerprint::of(function.ok_or(Error::NoUsableFingerprint)?, certificate);
        if self.0.contains(&actual) {
            Ok(())
        } else {
            Err(Error::Fingerprint { function: actual.function, actual: actual.hex() })
        }
    }
}

impl FromIterator<Fingerprint> for Fingerprints {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(fingerprints: I) -> Self {
        Self(fingerprints.into_iter().collect())
    }
}

/// `hash-func SP hex:hex:...`; the hexadecimal may be in either case, as Postel would have it.
fn parse(value: &str) -> Option<Fingerprint> {
    let (function, hex) = value.trim().split_once(' ')?;
    let function = function.parse().ok()?;
    let value: Option<Vec<u8>> =
        hex.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    Some(Fingerprint { function, value: value? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"not really a certificate";

    fn value(function: HashFunction) -> String {
        Fingerprint::of(function, CERTIFICATE).to_string()
    }

    #[test]
    fn every_hash_function_matches_its_own_value_in_either_case() {
        for function in HashFunction::ALL {
            let text = value(function);
            assert_eq!(Fingerprints::from_values([text.as_str()]).check(CERTIFICATE), Ok(()));
            let lower = text.to_lowercase();
            assert_eq!(Fingerprints::from_values([lower.as_str()]).check(CERTIFICATE), Ok(()));
        }
    }

    #[test]
    fn strongest_hash_function_decides() {
        let good = value(HashFunction::Sha256);
        let bad = Fingerprint { function: HashFunction::Sha512, value: vec![0; 64] }.to_string();
        let fingerprints = Fingerprints::from_values([good.as_str(), bad.as_str()]);
        let checked = fingerprints.check(CERTIFICATE);
        assert!(matches!(checked, Err(Error::Fingerprint { function: HashFunction::Sha512, .. })));
    }

    #[test]
    fn one_of_several_values_by_the_same_function_is_enough() {
        let good = value(HashFunction::Sha256);
        let other = Fingerprint::of(HashFunction::Sha256, b"another certificate").to_string();
        let fingerprints = Fingerprints::from_values([other.as_str(), good.as_str()]);
        assert_eq!(fingerprints.check(CERTIFICATE), Ok(()));
    }

    #[test]
    fn unknown_functions_and_malformed_values_are_left_out() {
        let values = ["md5 00:11", "sha-256", "sha-256 0G:00", "sha-256 AB::CD", ""];
        let fingerprints = Fingerprints::from_values(values);
        assert_eq!(fingerprints.check(CERTIFICATE), Err(Error::NoUsableFingerprint));
    }

    #[test]
    fn sha256_of_abc_is_the_published_one() {
        // FIPS 180-2 appendix B.1.
        let text = Fingerprint::of(HashFunction::Sha256, b"abc").to_string();
        assert!(text.starts_with("sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE"), "{text}");
    }
}
