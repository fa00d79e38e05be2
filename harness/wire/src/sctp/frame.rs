//! Type, length, value, padding: the framing chunks, parameters and error causes share.
//!
//! ```txt
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |          type (and flags)     |            length             |
//! |                    value, padded to 4 bytes                   |
//! ```

use super::error::{EncodeError, Fault};

const HEADER: usize = 4;

/// One item and the bytes it takes, however wrong its length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Header, value and padding, as far as they are there.
    bytes: &'a [u8],
    /// Where the value ends in `bytes`.
    end: usize,
}

impl<'a> Frame<'a> {
    /// Takes the first item off `rest`. An item with a broken length takes all of it, so a walk
    /// always ends.
    #[inline]
    pub(super) fn split(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let Some([_, _, high, low]) = rest.first_chunk::<HEADER>() else {
            let end = rest.len();
            return (end > 0).then_some((Self { bytes: rest, end }, &[]));
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length < HEADER || length > rest.len() {
            let end = if length < HEADER { HEADER } else { rest.len() };
            return Some((Self { bytes: rest, end }, &[]));
        }
        let (bytes, rest) = rest.split_at(length.next_multiple_of(4).min(rest.len()));
        Some((Self { bytes, end: length }, rest))
    }

    /// The first two bytes; zero where they are missing.
    #[inline]
    pub(super) fn head(self) -> [u8; 2] {
        match *self.bytes {
            [a, b, ..] => [a, b],
            [a] => [a, 0],
            [] => [0, 0],
        }
    }

    /// The length field as it stands, if it is there.
    #[inline]
    pub(super) fn length(self) -> Option<u16> {
        super::number::be16(self.bytes, 2)
    }

    /// The value, as far as it is there.
    #[inline]
    pub(super) fn value(self) -> &'a [u8] {
        self.bytes.get(HEADER..self.end).unwrap_or_default()
    }

    /// What follows the value up to the next item.
    pub(super) fn padding(self) -> &'a [u8] {
        self.bytes.get(self.end..).unwrap_or_default()
    }

    /// All bytes.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Header and value without padding.
    pub(super) fn unpadded(self) -> &'a [u8] {
        self.bytes.get(..self.end).unwrap_or(self.bytes)
    }

    /// A fault that makes the value unusable.
    #[inline]
    pub(super) fn fatal_fault(self) -> Option<Fault> {
        let Some(length) = self.length() else {
            return Some(Fault::HeaderTruncated { available: self.bytes.len() });
        };
        if usize::from(length) < HEADER {
            Some(Fault::LengthTooSmall { length })
        } else if usize::from(length) > self.bytes.len() {
            Some(Fault::Overrun { length, available: self.bytes.len() })
        } else {
            None
        }
    }

    /// Any fault, the worst first.
    pub(super) fn fault(self) -> Option<Fault> {
        if let Some(fault) = self.fatal_fault() {
            return Some(fault);
        }
        let padding = self.padding();
        let missing = self.end.next_multiple_of(4) - self.end - padding.len().min(3);
        if missing > 0 {
            Some(Fault::PaddingMissing { missing })
        } else if padding.iter().any(|&byte| byte != 0) {
            Some(Fault::PaddingNotZero)
        } else {
            None
        }
    }
}

/// Writes a parameter or error cause: header, what `write` appends, padding.
pub(super) fn write_item(
    out: &mut Vec<u8>,
    number: u16,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    write(out)?;
    let length = out.len() - start;
    close(out, start).ok_or(EncodeError::ItemTooLong { number, length })
}

/// Fills in the length of the item that began at `start` and pads it; `None` if it is too long.
pub(super) fn close(out: &mut Vec<u8>, start: usize) -> Option<()> {
    let length = out.len() - start;
    let field = u16::try_from(length).ok()?;
    out.get_mut(start + 2..start + 4)?.copy_from_slice(&field.to_be_bytes());
    out.resize(start + length.next_multiple_of(4), 0);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_zero_takes_the_rest_and_ends_the_walk() {
        let (frame, rest) = Frame::split(&[9, 0, 0, 0, 1, 2]).expect("there are bytes");
        assert!(rest.is_empty());
        assert_eq!(frame.fault(), Some(Fault::LengthTooSmall { length: 0 }));
        assert_eq!(frame.value(), &[] as &[u8]);
        assert_eq!(frame.bytes(), &[9, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn overrun_shows_what_is_there() {
        let (frame, rest) = Frame::split(&[9, 0, 0, 9, 1, 2]).expect("there are bytes");
        assert!(rest.is_empty());
        assert_eq!(frame.fault(), Some(Fault::Overrun { length: 9, available: 6 }));
        assert_eq!(frame.value(), &[1, 2]);
    }

    #[test]
    fn odd_length_is_followed_by_padding() {
        let (frame, rest) = Frame::split(&[9, 0, 0, 5, 1, 0, 0, 7, 8]).expect("there are bytes");
        assert_eq!(frame.fault(), Some(Fault::PaddingNotZero));
        assert_eq!(frame.padding(), &[0, 0, 7]);
        assert_eq!(rest, &[8]);
    }

    #[test]
    fn last_item_without_its_padding_is_readable() {
        let (frame, _) = Frame::split(&[9, 0, 0, 5, 1, 0]).expect("there are bytes");
        assert_eq!(frame.fault(), Some(Fault::PaddingMissing { missing: 2 }));
        assert_eq!(frame.fatal_fault(), None);
    }

    #[test]
    fn three_stray_bytes_are_one_truncated_item() {
        let (frame, rest) = Frame::split(&[9, 0, 0]).expect("there are bytes");
        assert_eq!(frame.fault(), Some(Fault::HeaderTruncated { available: 3 }));
        assert!(rest.is_empty());
        assert!(Frame::split(rest).is_none());
    }
}
