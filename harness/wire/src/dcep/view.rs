//! DCEP messages as they stand.
//!
//! RFC 8832 §5.1, `DATA_CHANNEL_OPEN`:
//!
//! ```txt
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 0x03  | Channel Type  |            Priority           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Reliability Parameter                     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Label Length          |        Protocol Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                   Label, then Protocol ...                    |
//! ```

use super::error::DcepError;
use super::value::{Message, Name, Open, Priority, Reliability};
use super::{ACK, OPEN, OPEN_HEADER};

/// Any user message with the DCEP payload protocol identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// No bytes.
    Empty,
    /// `DATA_CHANNEL_ACK`, with the bytes that should not follow it.
    Ack(&'a [u8]),
    /// `DATA_CHANNEL_OPEN`, perhaps truncated.
    Open(OpenView<'a>),
    /// Another type, with what follows it.
    Unknown(u8, &'a [u8]),
}

impl<'a> View<'a> {
    /// Looks at any bytes.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        match bytes {
            [] => Self::Empty,
            [ACK, rest @ ..] => Self::Ack(rest),
            [OPEN, ..] => Self::Open(OpenView { bytes }),
            [kind, rest @ ..] => Self::Unknown(*kind, rest),
        }
    }

    /// The strict value.
    ///
    /// # Errors
    /// The first [`DcepError`].
    pub fn to_value(&self) -> Result<Message, DcepError> {
        match self {
            Self::Empty => Err(DcepError::Empty),
            Self::Ack([]) => Ok(Message::Ack),
            Self::Ack(rest) => Err(DcepError::LongAck(rest.len())),
            Self::Open(view) => view.to_value().map(Message::Open),
            Self::Unknown(kind, _) => Err(DcepError::UnknownMessage(*kind)),
        }
    }
}

/// A `DATA_CHANNEL_OPEN`; fields beyond the end of the bytes are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenView<'a> {
    bytes: &'a [u8],
}

impl<'a> OpenView<'a> {
    fn u16(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|found| u16::from_be_bytes(*found))
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Channel type: 0x80 is the unordered bit, the rest the reliability.
    #[must_use]
    pub fn channel_type(&self) -> Option<u8> {
        self.bytes.get(1).copied()
    }

    /// Priority.
    #[must_use]
    pub fn priority(&self) -> Option<u16> {
        self.u16(2)
    }

    /// Reliability parameter: retransmissions or milliseconds.
    #[must_use]
    pub fn reliability(&self) -> Option<u32> {
        self.bytes.get(4..)?.first_chunk().map(|found| u32::from_be_bytes(*found))
    }

    /// Length of the label in bytes, as claimed.
    #[must_use]
    pub fn label_length(&self) -> Option<u16> {
        self.u16(8)
    }

    /// Length of the protocol in bytes, as claimed.
    #[must_use]
    pub fn protocol_length(&self) -> Option<u16> {
        self.u16(10)
    }

    /// The label, if all of it is there.
    #[must_use]
    pub fn label(&self) -> Option<&'a [u8]> {
        self.bytes.get(OPEN_HEADER..)?.get(..self.label_length()?.into())
    }

    /// The protocol, if all of it is there.
    #[must_use]
    pub fn protocol(&self) -> Option<&'a [u8]> {
        let start = OPEN_HEADER + usize::from(self.label_length()?);
        self.bytes.get(start..)?.get(..self.protocol_length()?.into())
    }

    /// What follows the protocol and should not.
    #[must_use]
    pub fn trailing(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.claimed_length()?..)
    }

    fn claimed_length(&self) -> Option<usize> {
        let label = usize::from(self.label_length()?);
        Some(OPEN_HEADER + label + usize::from(self.protocol_length()?))
    }

    /// The strict value.
    ///
    /// # Errors
    /// The first [`DcepError`].
    pub fn to_value(&self) -> Result<Open, DcepError> {
        let short = DcepError::Short(self.bytes.len());
        let expected = self.claimed_length().ok_or(short)?;
        if expected != self.bytes.len() {
            return Err(DcepError::Length { expected, found: self.bytes.len() });
        }
        let kind = self.channel_type().ok_or(short)?;
        let reliability = Reliability::from_wire(kind, self.reliability().ok_or(short)?)?;
        let text = |bytes: Option<&'a [u8]>, error: DcepError| {
            let text = std::str::from_utf8(bytes.ok_or(short)?).map_err(|_| error)?;
            Name::new(text)
        };
        Ok(Open {
            ordered: kind & Reliability::UNORDERED == 0,
            reliability,
            priority: Priority(self.priority().ok_or(short)?),
            label: text(self.label(), DcepError::LabelNotUtf8)?,
            protocol: text(self.protocol(), DcepError::ProtocolNotUtf8)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Laid out by hand from RFC 8832 §5.1: label "echo", ordered and reliable.
    const ECHO: &[u8] = b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00echo";

    #[test]
    fn truncated_open_shows_what_is_there() {
        let View::Open(view) = View::parse(&ECHO[..11]) else { panic!("an OPEN") };
        assert_eq!(view.label_length(), Some(4));
        assert_eq!(view.protocol_length(), None);
        assert_eq!(view.label(), None);
        assert_eq!(view.to_value(), Err(DcepError::Short(11)));
        let View::Open(view) = View::parse(&ECHO[..15]) else { panic!("an OPEN") };
        assert_eq!(view.label(), None);
        assert_eq!(view.to_value(), Err(DcepError::Length { expected: 16, found: 15 }));
    }

    #[test]
    fn lengths_beyond_the_message_are_refused_and_trailing_bytes_shown() {
        let mut bytes = ECHO.to_vec();
        bytes[8..12].fill(0xff);
        let View::Open(view) = View::parse(&bytes) else { panic!("an OPEN") };
        assert_eq!((view.label(), view.protocol(), view.trailing()), (None, None, None));
        assert_eq!(view.to_value(), Err(DcepError::Length { expected: 131_082, found: 16 }));
        let long = [ECHO, b"!"].concat();
        let View::Open(view) = View::parse(&long) else { panic!("an OPEN") };
        assert_eq!(view.trailing(), Some(&b"!"[..]));
        assert_eq!(view.to_value(), Err(DcepError::Length { expected: 16, found: 17 }));
    }

    #[test]
    fn names_that_are_not_utf8_are_shown_and_refused() {
        let mut bytes = ECHO.to_vec();
        bytes[12] = 0xff;
        let View::Open(view) = View::parse(&bytes) else { panic!("an OPEN") };
        assert_eq!(view.label(), Some(&b"\xffcho"[..]));
        assert_eq!(view.to_value(), Err(DcepError::LabelNotUtf8));
    }

    #[test]
    fn other_messages_are_refused_by_name() {
        assert_eq!(Message::parse(b""), Err(DcepError::Empty));
        assert_eq!(Message::parse(b"\x02"), Ok(Message::Ack));
        assert_eq!(Message::parse(b"\x02\x00\x00"), Err(DcepError::LongAck(2)));
        assert_eq!(Message::parse(b"\x01"), Err(DcepError::UnknownMessage(1)));
        assert_eq!(View::parse(b"\x01\x02"), View::Unknown(1, b"\x02"));
        let mut bytes = ECHO.to_vec();
        for unknown in [0x03, 0x7f, 0x83, 0xff] {
            bytes[1] = unknown;
            assert_eq!(Message::parse(&bytes), Err(DcepError::UnknownChannelType(unknown)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_viewed_and_what_parses_prints_to_itself(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            for bytes in [bytes.clone(), [&[OPEN, 0x82], &bytes[..]].concat()] {
                if let View::Open(view) = View::parse(&bytes) {
                    let _ = (view.label(), view.protocol(), view.trailing(), view.reliability());
                }
                if let Ok(message) = Message::parse(&bytes) {
                    prop_assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
                }
            }
        }
    }
}
