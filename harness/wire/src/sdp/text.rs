//! Texts that are safe to print: none of them can carry a line end into a description.
//!
//! Most are a few bytes long, so they are kept without allocating up to 23.

use std::fmt::{self, Write};
use std::net::IpAddr;

use smol_str::SmolStr;

use super::cursor::{Cursor, Parse, from_str, is_ice_byte, is_token_byte};
use super::fault::{Fault, Reason};
use super::print::{Print, display};

macro_rules! text_type {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Checks and takes a text.
            ///
            /// # Errors
            /// The first character that must not stand in it, as a [`Fault`] of line 1.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Fault> {
                text.as_ref().parse()
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Print for $name {
            fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        display!($name);
        from_str!($name);
    };
}

text_type! {
    /// A `token` (RFC 8866 §9): visible ASCII without separators, at least one character.
    Token
}
text_type! {
    /// Any text without white space, at least one character (`non-ws-string`, RFC 8866 §9).
    Word
}
text_type! {
    /// Any text of one line, perhaps empty (`byte-string`, RFC 8866 §9, in UTF-8).
    Text
}
text_type! {
    /// An ICE user name fragment: 4 to 256 letters, digits, `+` or `/` (RFC 8839 §5.4).
    IceUfrag
}
text_type! {
    /// An ICE password: 22 to 256 letters, digits, `+` or `/` (RFC 8839 §5.4).
    IcePwd
}

text_type! {
    /// Identifies a DTLS association: 20 to 255 letters, digits, `+`, `/`, `-` or `_`
    /// (RFC 8842 §4).
    TlsId
}

text_type! {
    /// The name of a transport protocol: tokens joined by `/` (`proto`, RFC 8866 §9).
    ProtocolName
}
text_type! {
    /// The value of a restriction of a `rid`, perhaps empty: without `;`, which ends it
    /// (RFC 8851 §10), and without space.
    RestrictionValue
}

impl Parse for ProtocolName {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        cursor.token("a protocol")?;
        while cursor.eat(b'/') {
            cursor.token("a protocol")?;
        }
        Ok(Self(cursor.since(start).into()))
    }
}

impl Parse for RestrictionValue {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        let found = cursor.run(|byte| byte != b';' && byte != b' ');
        check_bytes(cursor, start, found)?;
        Ok(Self(found.into()))
    }
}

impl Parse for TlsId {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let (start, min, max) = (cursor.at(), 20, 255);
        let found = cursor.run(|byte| is_ice_byte(byte) || matches!(byte, b'-' | b'_'));
        if (min..=max).contains(&found.len()) {
            return Ok(Self(found.into()));
        }
        Err(cursor.fault_at(start, Reason::Length { what: "tls-id", min, max }))
    }
}

impl Token {
    /// For text of this crate that is a token.
    pub(super) fn fixed(text: &'static str) -> Self {
        debug_assert!(!text.is_empty() && text.bytes().all(is_token_byte), "not a token");
        Self(text.into())
    }
}

impl Parse for Token {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        cursor.token("a token").map(|found| Self(found.into()))
    }
}

impl Token {
    /// For text the caller has read with [`Cursor::token`].
    pub(super) fn read(cursor: &mut Cursor<'_, '_>, what: &'static str) -> Result<Self, Fault> {
        cursor.token(what).map(|found| Self(found.into()))
    }
}

impl Word {
    /// An IP address has no white space.
    pub(super) fn from_ip(ip: IpAddr) -> Self {
        Self(ip.to_string().into())
    }
}

impl Parse for Word {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        Self::read(cursor, "a word")
    }
}

impl Word {
    pub(super) fn read(cursor: &mut Cursor<'_, '_>, what: &'static str) -> Result<Self, Fault> {
        let start = cursor.at();
        let found = cursor.word(what)?;
        check_bytes(cursor, start, found)?;
        Ok(Self(found.into()))
    }
}

impl Text {
    /// The session name of RFC 9429 §5.2.1.
    pub(super) fn dash() -> Self {
        Self("-".into())
    }
}

impl Parse for Text {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        let found = cursor.rest();
        check_bytes(cursor, start, found)?;
        Ok(Self(found.into()))
    }
}

// RFC 8866 §9: a byte-string is everything but NUL, CR and LF.
pub(super) fn check_bytes(cursor: &Cursor<'_, '_>, start: usize, found: &str) -> Result<(), Fault> {
    match memchr::memchr3(0, b'\r', b'\n', found.as_bytes()) {
        None => Ok(()),
        Some(at) => {
            let byte = found.as_bytes().get(at).copied().unwrap_or_default();
            Err(cursor.fault_at(start + at, Reason::ForbiddenByte(byte)))
        }
    }
}

impl Parse for IceUfrag {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        ice_text(cursor, "ice-ufrag", 4).map(|found| Self(found.into()))
    }
}

impl Parse for IcePwd {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        ice_text(cursor, "ice-pwd", 22).map(|found| Self(found.into()))
    }
}

fn ice_text<'t>(
    cursor: &mut Cursor<'t, '_>,
    what: &'static str,
    min: usize,
) -> Result<&'t str, Fault> {
    const MAX: usize = 256;
    let start = cursor.at();
    let found = cursor.run(is_ice_byte);
    if (min..=MAX).contains(&found.len()) {
        return Ok(found);
    }
    Err(cursor.fault_at(start, Reason::Length { what, min, max: MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_carry_a_line_end_or_nul() {
        for bad in ["a\r", "a\nb", "\0"] {
            assert!(Token::new(bad).is_err());
            assert!(Word::new(bad).is_err());
            assert!(Text::new(bad).is_err());
        }
        let fault = Text::new("ab\ncd").unwrap_err();
        assert_eq!((fault.column, fault.reason), (3, Reason::ForbiddenByte(b'\n')));
    }

    // A space made two words of one, a semicolon two restrictions.
    #[test]
    fn no_protocol_or_restriction_can_end_its_word() {
        for bad in ["RTP/AVP 0", "RTP/", "/RTP", "RTP//AVP", ""] {
            assert!(ProtocolName::new(bad).is_err(), "{bad}");
        }
        assert_eq!(ProtocolName::new("TCP/TLS/RTP/SAVP").unwrap(), "TCP/TLS/RTP/SAVP");
        for bad in ["1;max-fps=2", "1 2", "1\r"] {
            assert!(RestrictionValue::new(bad).is_err(), "{bad}");
        }
        assert!(RestrictionValue::new("").is_ok());
    }

    #[test]
    fn ice_credentials_keep_their_length_limits() {
        assert!(IceUfrag::new("abc").is_err());
        assert!(IceUfrag::new("ab+/").is_ok());
        assert!(IceUfrag::new("a".repeat(256)).is_ok());
        assert!(IceUfrag::new("a".repeat(257)).is_err());
        assert!(IcePwd::new("a".repeat(21)).is_err());
        assert!(IcePwd::new("a".repeat(22)).is_ok());
        assert!(IceUfrag::new("abc-").is_err());
    }

    #[test]
    fn token_stops_at_separators() {
        assert!(Token::new("{004ee099-87c9}").is_ok());
        assert!(Token::new("a b").is_err());
        assert!(Token::new("a:b").is_err());
        assert!(Token::new("").is_err());
        assert!(Token::new("ä").is_err());
    }
}
