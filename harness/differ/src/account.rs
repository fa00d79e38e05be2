//! What a parser says an input means, in words that all parsers share.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

/// A value somebody read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Numbers and flags.
    Number(u64),
    /// Text or bytes.
    Bytes(Cow<'a, [u8]>),
    /// An address, decoded.
    Address(SocketAddr),
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Value<'_> {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Number(flag.into())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Bytes(Cow::Owned(text.into_bytes()))
    }
}

impl From<SocketAddr> for Value<'_> {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Value<'_> {
    /// Text as text, bytes as hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if !text.bytes().any(|byte| byte.is_ascii_control()) => {
                    write!(f, "{text:?}")
                }
                _ => f.write_str(&hex(bytes)),
            },
        }
    }
}

/// Bytes as digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Digits as bytes; `None` if they are none or their count is odd.
#[must_use]
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let pairs = pairs.iter().map(|pair| {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        u8::try_from(high << 4 | low).ok()
    });
    pairs.collect()
}

/// One thing that was read. What repeats (attributes, chunks) is a row of fields in the order of
/// the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which, one of the format's.
    pub name: &'static str,
    /// What it is.
    pub value: Value<'a>,
}

/// Why a parser refused an input.
pub struct Why<'a> {
    /// The cause by the name our classes use; empty for parsers of others.
    pub cause: &'static str,
    /// Its own words, put together only when somebody reads them.
    words: Box<dyn fmt::Display + 'a>,
}

impl fmt::Debug for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words, self.cause)
    }
}

/// What a parser says of an input.
#[derive(Debug)]
pub enum Account<'a> {
    /// It means this.
    Read(Fields<'a>),
    /// It means nothing.
    Refused(Why<'a>),
    /// The parser panicked: where and with which words.
    Panicked(String),
}

impl<'a> Account<'a> {
    /// Refused with the words of a parser's error.
    pub fn refused(words: impl fmt::Display + 'a) -> Self {
        Self::because("", words)
    }

    /// Refused for a cause that classes name.
    pub fn because(cause: &'static str, words: impl fmt::Display + 'a) -> Self {
        Self::Refused(Why { cause, words: Box::new(words) })
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.fmt(f)
    }
}

/// What was read, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::with_capacity(24))
    }

    /// Adds a field.
    pub fn put(&mut self, name: &'static str, value: impl Into<Value<'a>>) -> &mut Self {
        self.0.push(Field { name, value: value.into() });
        self
    }

    /// The fields of these names, in order.
    pub fn of(&self, names: &[&'static str]) -> impl Iterator<Item = &Field<'a>> {
        self.0.iter().filter(|field| names.contains(&field.name))
    }

    /// The same with nothing borrowed.
    #[must_use]
    pub fn into_owned(self) -> Fields<'static> {
        let owned = |Field { name, value }: Field<'a>| {
            let value = match value {
                Value::Number(number) => Value::Number(number),
                Value::Address(address) => Value::Address(address),
                Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            };
            Field { name, value }
        };
        Fields(self.0.into_iter().map(owned).collect())
    }

    /// The first field in which two differ, of those that both can tell.
    #[must_use]
    pub fn differs(&self, other: &Fields<'_>, names: &[&'static str]) -> Option<&'static str> {
        let (mut ours, mut theirs) = (self.of(names), other.of(names));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return None,
                (Some(one), Some(other)) if one == other => {}
                (Some(one), Some(other)) if one.name == other.name => return Some(one.name),
                // Something is missing on one side; what we have and they have not comes first.
                (Some(field), _) | (None, Some(field)) => return Some(field.name),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_back_as_bytes() {
        assert_eq!(hex(b"\x00\xff\x1a"), "00ff1a");
        assert_eq!(unhex("00ff1a").as_deref(), Some(&b"\x00\xff\x1a"[..]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("0g"), None);
    }

    #[test]
    fn the_first_difference_is_named_among_what_both_can_tell() {
        let (mut ours, mut theirs) = (Fields::new(), Fields::new());
        ours.put("type", 1u8).put("id", &b"x"[..]).put("attribute", 6u16);
        theirs.put("type", 1u8).put("attribute", 6u16);
        assert_eq!(ours.differs(&theirs, &["type", "attribute"]), None);
        assert_eq!(ours.differs(&theirs, &["type", "id", "attribute"]), Some("id"));
        theirs.put("attribute", 7u16);
        assert_eq!(ours.differs(&theirs, &["type", "attribute"]), Some("attribute"));
    }
}
