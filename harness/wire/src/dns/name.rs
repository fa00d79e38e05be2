//! Domain names (RFC 1035 §3.1, §4.1.4).

use std::fmt;
use std::str::FromStr;

use super::DnsError;

/// The longest label.
const LONGEST_LABEL: usize = 63;
/// Most pointers in a name: it has no more labels.
const MOST_POINTERS: usize = 127;
/// The longest name, lengths of labels and the empty one at the end included.
const LONGEST_NAME: usize = 255;

/// A name in a message, as it stands there: labels, or a pointer to labels that came before.
#[derive(Clone, Copy, Debug)]
pub struct NameView<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> NameView<'a> {
    pub(super) const fn new(message: &'a [u8], at: usize) -> Self {
        Self { message, at }
    }

    /// Its labels from the left, up to the first defect.
    #[must_use]
    pub const fn labels(&self) -> Labels<'a> {
        let (message, at) = (self.message, self.at);
        Labels { message, at, limit: at, length: 1, pointers: 0, over: false }
    }

    /// The name, if it is one.
    ///
    /// # Errors
    /// The first [`DnsError`].
    pub fn to_name(&self) -> Result<Name, DnsError> {
        let mut wire = Vec::new();
        for label in self.labels() {
            let label = label?;
            wire.push(u8::try_from(label.len()).map_err(|_| DnsError::NameTooLong)?);
            wire.extend_from_slice(label);
        }
        Ok(Name(wire))
    }

    /// Where what follows the name in the message begins.
    pub(super) fn end(&self) -> Result<usize, DnsError> {
        let mut at = self.at;
        loop {
            match self.message.get(at) {
                Some(0) => return Ok(at + 1),
                Some(length) if length >> 6 == 0 => at += 1 + usize::from(*length),
                Some(length) if length >> 6 == 3 => {
                    let whole = self.message.len() >= at + 2;
                    return whole.then_some(at + 2).ok_or(DnsError::Short(self.message.len()));
                }
                Some(length) => return Err(DnsError::Label(*length)),
                None => return Err(DnsError::Short(self.message.len())),
            }
        }
    }
}

/// The labels of a name.
///
/// A pointer leads to a place before the labels that were read since the last one, there are 127 of
/// them at most, and all of a name has 255 bytes at most: there is an end to it, soon, whatever the
/// bytes are.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Pointers lead before this place.
    limit: usize,
    length: usize,
    pointers: usize,
    over: bool,
}

impl<'a> Labels<'a> {
    fn step(&mut self) -> Result<Option<&'a [u8]>, DnsError> {
        loop {
            let short = DnsError::Short(self.message.len());
            let length = *self.message.get(self.at).ok_or(short)?;
            match length >> 6 {
                0 if length == 0 => return Ok(None),
                0 => {
                    let from = self.at + 1;
                    self.at = from + usize::from(length);
                    self.length += 1 + usize::from(length);
                    if self.length > LONGEST_NAME {
                        return Err(DnsError::NameTooLong);
                    }
                    return self.message.get(from..self.at).ok_or(short).map(Some);
                }
                3 => {
                    let low = *self.message.get(self.at + 1).ok_or(short)?;
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    // RFC 1035 §4.1.4: a pointer is to a prior occurrence of the same name.
                    self.pointers += 1;
                    if to >= self.limit || self.pointers > MOST_POINTERS {
                        return Err(DnsError::Pointer { from: self.at, to });
                    }
                    (self.at, self.limit) = (to, to);
                }
                _ => return Err(DnsError::Label(length)),
            }
        }
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Result<&'a [u8], DnsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step();
        self.over = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

/// A valid name. Upper and lower case of ASCII are alike (RFC 1035 §2.3.3, RFC 6762 §16).
#[derive(Clone, Debug, Eq)]
pub struct Name(Vec<u8>);

impl Name {
    /// Its labels from the left.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(label)
        })
    }

    /// Adds it to a message, or a pointer to where it stands already.
    pub(super) fn write(&self, bytes: &mut Vec<u8>, known: &mut Vec<(Self, u16)>) {
        if let Some((_, at)) = known.iter().find(|(name, _)| name == self) {
            bytes.extend((0xc000 | at).to_be_bytes());
            return;
        }
        if let Ok(at) = u16::try_from(bytes.len())
            && at < 0x4000
            && !self.0.is_empty()
        {
            known.push((self.clone(), at));
        }
        bytes.extend_from_slice(&self.0);
        bytes.push(0);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl FromStr for Name {
    type Err = DnsError;

    /// Labels between dots; a dot at the end changes nothing.
    fn from_str(text: &str) -> Result<Self, DnsError> {
        let mut wire = Vec::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
            if !(1..=LONGEST_LABEL).contains(&usize::from(length)) {
                return Err(DnsError::Label(length));
            }
            wire.push(length);
            wire.extend_from_slice(label.as_bytes());
        }
        if wire.len() >= LONGEST_NAME {
            return Err(DnsError::NameTooLong);
        }
        Ok(Self(wire))
    }
}

impl fmt::Display for Name {
    /// As in a master file (RFC 1035 §5.1), without the dot at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                    byte if byte.is_ascii_graphic() => write!(f, "{}", char::from(*byte))?,
                    byte => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}
