//! Valid DCEP messages.

use super::error::DcepError;
use super::view::View;
use super::{ACK, OPEN, OPEN_HEADER};

/// A DCEP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// `DATA_CHANNEL_ACK` (RFC 8832 §5.2).
    Ack,
    /// `DATA_CHANNEL_OPEN` (RFC 8832 §5.1).
    Open(Open),
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// The first [`DcepError`]; a [`View`] shows the rest.
    pub fn parse(bytes: &[u8]) -> Result<Self, DcepError> {
        View::parse(bytes).to_value()
    }

    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Ack => vec![ACK],
            Self::Open(open) => open.to_bytes(),
        }
    }
}

/// A `DATA_CHANNEL_OPEN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Whether messages arrive in the order they were sent.
    pub ordered: bool,
    /// How hard the sender tries.
    pub reliability: Reliability,
    /// Priority against other channels.
    pub priority: Priority,
    /// Label.
    pub label: Name,
    /// Subprotocol, empty for none.
    pub protocol: Name,
}

impl Open {
    /// An ordered, reliable channel of priority 0, as browsers send it.
    ///
    /// # Errors
    /// [`DcepError::NameTooLong`].
    pub fn new(label: &str, protocol: &str) -> Result<Self, DcepError> {
        Ok(Self {
            ordered: true,
            reliability: Reliability::Reliable,
            priority: Priority::default(),
            label: Name::new(label)?,
            protocol: Name::new(protocol)?,
        })
    }

    /// The same, unordered.
    #[must_use]
    pub fn unordered(self) -> Self {
        Self { ordered: false, ..self }
    }

    /// The same with this reliability.
    #[must_use]
    pub fn with(self, reliability: Reliability) -> Self {
        Self { reliability, ..self }
    }

    /// The channel type byte.
    #[must_use]
    pub fn channel_type(&self) -> u8 {
        let order = if self.ordered { 0 } else { Reliability::UNORDERED };
        self.reliability.to_wire().0 | order
    }

    fn to_bytes(&self) -> Vec<u8> {
        let length = OPEN_HEADER + self.label.len() + self.protocol.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend([OPEN, self.channel_type()]);
        bytes.extend(self.priority.0.to_be_bytes());
        bytes.extend(self.reliability.to_wire().1.to_be_bytes());
        bytes.extend(self.label.wire_length().to_be_bytes());
        bytes.extend(self.protocol.wire_length().to_be_bytes());
        bytes.extend(self.label.as_bytes());
        bytes.extend(self.protocol.as_bytes());
        bytes
    }
}

/// How hard the sender of a channel tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// Until it arrives.
    #[default]
    Reliable,
    /// At most this many retransmissions.
    MaxRetransmits(u32),
    /// For at most this many milliseconds.
    MaxPacketLifeTime(u32),
}

impl Reliability {
    /// The bit of the channel type that says unordered (RFC 8832 §8.2.2).
    pub const UNORDERED: u8 = 0x80;

    pub(super) fn from_wire(channel_type: u8, parameter: u32) -> Result<Self, DcepError> {
        match channel_type & !Self::UNORDERED {
            // RFC 8832 §5.1: the parameter of a reliable channel is ignored.
            0x00 => Ok(Self::Reliable),
            0x01 => Ok(Self::MaxRetransmits(parameter)),
            0x02 => Ok(Self::MaxPacketLifeTime(parameter)),
            _ => Err(DcepError::UnknownChannelType(channel_type)),
        }
    }

    fn to_wire(self) -> (u8, u32) {
        match self {
            Self::Reliable => (0x00, 0),
            Self::MaxRetransmits(count) => (0x01, count),
            Self::MaxPacketLifeTime(milliseconds) => (0x02, milliseconds),
        }
    }
}

/// Priority of a channel (RFC 8831 §6.4); 0 is what most senders write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(pub u16);

impl Priority {
    /// Below normal.
    pub const BELOW_NORMAL: Self = Self(128);
    /// Normal.
    pub const NORMAL: Self = Self(256);
    /// High.
    pub const HIGH: Self = Self(512);
    /// Extra high.
    pub const EXTRA_HIGH: Self = Self(1024);
}

/// A label or subprotocol: UTF-8 of at most 65,535 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// Checks the length, in bytes.
    ///
    /// # Errors
    /// [`DcepError::NameTooLong`].
    pub fn new(text: &str) -> Result<Self, DcepError> {
        match u16::try_from(text.len()) {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err(DcepError::NameTooLong(text.len())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn wire_length(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_count_bytes_not_characters() {
        let bytes = Message::Open(Open::new("grüße", "日本").unwrap()).to_bytes();
        assert_eq!(bytes[8..12], [0, 7, 0, 6]);
        assert_eq!(bytes.len(), 12 + 7 + 6);
        assert!(Message::parse(&bytes).is_ok());
    }

    #[test]
    fn channel_types_of_rfc_8832() {
        let open = Open::new("", "").unwrap();
        for (reliability, ordered, unordered) in [
            (Reliability::Reliable, 0x00, 0x80),
            (Reliability::MaxRetransmits(7), 0x01, 0x81),
            (Reliability::MaxPacketLifeTime(7), 0x02, 0x82),
        ] {
            let open = open.clone().with(reliability);
            assert_eq!(open.channel_type(), ordered);
            assert_eq!(open.unordered().channel_type(), unordered);
        }
    }

    #[test]
    fn names_of_65_535_bytes_fit_and_longer_ones_do_not() {
        let longest = "x".repeat(65_535);
        let open = Open::new(&longest, &longest).unwrap();
        let bytes = Message::Open(open.clone()).to_bytes();
        assert_eq!(Message::parse(&bytes), Ok(Message::Open(open)));
        assert_eq!(Name::new(&"x".repeat(65_536)), Err(DcepError::NameTooLong(65_536)));
    }

    proptest! {
        #[test]
        fn every_open_round_trips(
            ordered in any::<bool>(),
            reliability in prop_oneof![
                Just(Reliability::Reliable),
                any::<u32>().prop_map(Reliability::MaxRetransmits),
                any::<u32>().prop_map(Reliability::MaxPacketLifeTime),
            ],
            priority in any::<u16>().prop_map(Priority),
            label in ".{0,40}",
            protocol in ".{0,40}",
        ) {
            let open = Open::new(&label, &protocol).unwrap();
            let message = Message::Open(Open { ordered, reliability, priority, ..open });
            prop_assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
        }
    }
}
