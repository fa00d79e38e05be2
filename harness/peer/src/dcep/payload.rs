//! User messages and their payload protocol identifiers, RFC 8831 §6.6 and §8.

use rtcspec_wire::sctp::Ppid;

/// A user message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A string.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Payload {
    /// Bytes of the message.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As SCTP carries it. RFC 8831 §6.6: SCTP has no empty messages, so one zero byte goes with
    /// an identifier of its own.
    pub(super) fn into_wire(self) -> (Ppid, Vec<u8>) {
        match self {
            Self::Text(text) if text.is_empty() => (Ppid::STRING_EMPTY, vec![0]),
            Self::Binary(bytes) if bytes.is_empty() => (Ppid::BINARY_EMPTY, vec![0]),
            Self::Text(text) => (Ppid::STRING, text.into_bytes()),
            Self::Binary(bytes) => (Ppid::BINARY, bytes),
        }
    }
}

/// What a received message adds to its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The last or only part of a message.
    Last(Kind),
    /// A part that is followed by others: deprecated, but to be understood.
    Partial(Kind),
    /// An empty message.
    Empty(Kind),
    /// An identifier data channels do not use.
    Foreign,
}

/// String or binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// A message of this kind. Text that is not UTF-8 is shown with replacement characters, as W3C
    /// decoding does.
    pub(super) fn payload(self, bytes: Vec<u8>) -> Payload {
        match self {
            Self::Binary => Payload::Binary(bytes),
            Self::Text => Payload::Text(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }
}

/// A message in deprecated parts, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    bytes: Vec<u8>,
    /// It is too long, and lost.
    spoiled: bool,
}

impl Parts {
    /// Whether no part of a message has come.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.spoiled
    }

    /// Adds a part. False if it makes the message longer than `limit`: then all of it is lost, and
    /// so is what follows.
    pub(super) fn add(&mut self, part: &[u8], limit: usize) -> bool {
        if self.spoiled {
            return true;
        }
        if self.bytes.len() + part.len() > limit {
            *self = Self { bytes: Vec::new(), spoiled: true };
            return false;
        }
        self.bytes.extend_from_slice(part);
        true
    }

    /// The message, after its last part; `None` if it was lost.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let Self { bytes, spoiled } = std::mem::take(self);
        (!spoiled).then_some(bytes)
    }
}

impl Part {
    pub(super) fn of(ppid: Ppid) -> Self {
        match ppid {
            Ppid::STRING => Self::Last(Kind::Text),
            Ppid::BINARY => Self::Last(Kind::Binary),
            Ppid::STRING_PARTIAL => Self::Partial(Kind::Text),
            Ppid::BINARY_PARTIAL => Self::Partial(Kind::Binary),
            Ppid::STRING_EMPTY => Self::Empty(Kind::Text),
            Ppid::BINARY_EMPTY => Self::Empty(Kind::Binary),
            _ => Self::Foreign,
        }
    }
}
