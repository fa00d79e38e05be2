//! DTLS attributes: `fingerprint` (RFC 8122), `setup` (RFC 4145, RFC 8842).

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display};
use super::text::Token;

/// A hash function by its name in a fingerprint (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashFunction {
    /// `md2`.
    Md2,
    /// `md5`.
    Md5,
    /// `sha-1`.
    Sha1,
    /// `sha-224`.
    Sha224,
    /// `sha-256`.
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
    /// Another one.
    Other(Token),
}

impl HashFunction {
    // RFC 8122 §5: names are compared without regard to case.
    fn from_name(name: &str) -> Result<Self, Fault> {
        const KNOWN: [HashFunction; 7] = [
            HashFunction::Sha256,
            HashFunction::Sha384,
            HashFunction::Sha512,
            HashFunction::Sha1,
            HashFunction::Sha224,
            HashFunction::Md5,
            HashFunction::Md2,
        ];
        match KNOWN.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)) {
            Some(known) => Ok(known),
            None => name.parse().map(Self::Other),
        }
    }

    /// The name, in lower case for the known ones.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Md2 => "md2",
            Self::Md5 => "md5",
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Other(name) => name,
        }
    }

    /// Bytes of a hash value, where known.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Md2 | Self::Md5 => Some(16),
            Self::Sha1 => Some(20),
            Self::Sha224 => Some(28),
            Self::Sha256 => Some(32),
            Self::Sha384 => Some(48),
            Self::Sha512 => Some(64),
            Self::Other(_) => None,
        }
    }
}

/// A certificate fingerprint.
///
/// ```
/// use rtcspec_wire::sdp::{Fingerprint, HashFunction};
/// let fingerprint = Fingerprint::new(HashFunction::Sha1, vec![0xab; 20])?;
/// assert!(fingerprint.to_string().starts_with("sha-1 AB:AB:"));
/// # Ok::<(), rtcspec_wire::sdp::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    hash: HashFunction,
    value: Box<[u8]>,
}

impl Fingerprint {
    /// Takes a hash value, which must have its function's length.
    ///
    /// # Errors
    /// [`Reason::FingerprintLength`], as a fault of line 1.
    pub fn new(hash: HashFunction, value: Vec<u8>) -> Result<Self, Fault> {
        let expected = hash.length().unwrap_or(value.len().max(1));
        if expected == value.len() {
            return Ok(Self { hash, value: value.into() });
        }
        let reason = Reason::FingerprintLength { expected, found: value.len() };
        Err(Fault { line: 1, column: 1, reason })
    }

    /// The hash function.
    #[must_use]
    pub fn hash(&self) -> &HashFunction {
        &self.hash
    }

    /// The hash value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hex_byte(cursor: &mut Cursor<'_, '_>, lower: &mut bool) -> Result<u8, Fault> {
    let mut value = 0;
    for _ in 0..2 {
        let Some(digit) = cursor.peek().and_then(hex) else {
            return cursor.expected("two hexadecimal digits");
        };
        *lower |= cursor.peek().is_some_and(|byte| byte.is_ascii_lowercase());
        cursor.run_one();
        value = value << 4 | digit;
    }
    Ok(value)
}

impl Parse for Fingerprint {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let hash = HashFunction::from_name(cursor.token("a hash function")?)?;
        cursor.space("a space and the fingerprint")?;
        let start = cursor.at();
        let mut lower = false;
        let mut value = Vec::with_capacity(hash.length().unwrap_or(0));
        value.push(hex_byte(cursor, &mut lower)?);
        while cursor.eat(b':') {
            value.push(hex_byte(cursor, &mut lower)?);
        }
        if lower {
            cursor.note(Reason::LowerCaseHex);
        }
        Self::new(hash, value).map_err(|fault| cursor.fault_at(start, fault.reason))
    }
}

impl Print for Fingerprint {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        out.write_str(self.hash.name())?;
        let mut before = b' ';
        for byte in &self.value {
            let three = [before, DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]];
            out.write_str(std::str::from_utf8(&three).expect("invariant: these are ASCII"))?;
            before = b':';
        }
        Ok(())
    }
}

/// Who starts the DTLS handshake (RFC 4145 §4, RFC 8842 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// This side starts: DTLS client.
    Active,
    /// The other side starts: DTLS server.
    Passive,
    /// Either; the answerer chooses.
    Actpass,
    /// Nobody yet (not used with DTLS).
    Holdconn,
}

impl Setup {
    /// The word in the attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Actpass => "actpass",
            Self::Holdconn => "holdconn",
        }
    }
}

impl Parse for Setup {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        const EXPECTED: &str = "active, passive, actpass or holdconn";
        let start = cursor.at();
        match cursor.token(EXPECTED)? {
            "active" => Ok(Self::Active),
            "passive" => Ok(Self::Passive),
            "actpass" => Ok(Self::Actpass),
            "holdconn" => Ok(Self::Holdconn),
            _ => Err(cursor.fault_at(start, Reason::Expected(EXPECTED))),
        }
    }
}

impl Print for Setup {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str(self.name())
    }
}

display!(Fingerprint, Setup);
from_str!(Fingerprint, Setup);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_name_and_hex_are_read_in_any_case_and_printed_canonically() {
        let text = format!("SHA-1 {}", ["ab"; 20].join(":"));
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert_eq!(*fingerprint.hash(), HashFunction::Sha1);
        assert_eq!(fingerprint.to_string(), format!("sha-1 {}", ["AB"; 20].join(":")));
    }

    #[test]
    fn fingerprint_of_another_functions_length_is_refused() {
        let text = format!("sha-384 {}", ["AB"; 28].join(":"));
        let fault = text.parse::<Fingerprint>().unwrap_err();
        assert_eq!(fault.reason, Reason::FingerprintLength { expected: 48, found: 28 });
    }

    #[test]
    fn unknown_hash_function_is_kept() {
        let fingerprint: Fingerprint = "sha3-256 01:02".parse().unwrap();
        assert_eq!(fingerprint.to_string(), "sha3-256 01:02");
        assert_eq!(fingerprint.value(), [1, 2]);
    }

    #[test]
    fn half_bytes_and_missing_colons_are_refused() {
        for bad in ["sha3 1", "sha3 0102", "sha3 01:", "sha3 01:0g", "sha3"] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
