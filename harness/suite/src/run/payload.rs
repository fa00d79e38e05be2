//! Contents of test messages: numbered, so that loss, order and damage show.

use rtcspec_control::Payload;

/// Message number `n` of a channel, `size` bytes long.
///
/// Bytes begin with the number (as far as they reach) and go on with a pattern that depends on it.
/// Size 0 is the empty binary message.
#[must_use]
pub(super) fn message(n: u32, size: u32) -> Payload {
    let mut bytes = Vec::with_capacity(size as usize);
    bytes.extend_from_slice(&n.to_be_bytes());
    let mut state = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < size as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size as usize);
    Payload::Binary(bytes)
}

/// The same in letters, as a string: what an echo of strings gives back.
#[must_use]
pub(super) fn text(n: u32, size: u32) -> Payload {
    let letter = |byte: &u8| char::from(b'a' + byte % 26);
    Payload::Text(message(n, size).bytes().iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_their_size_and_differ_by_number() {
        for size in [0, 1, 4, 5, 1000] {
            assert_eq!(message(7, size).bytes().len(), size as usize);
        }
        assert_ne!(message(1, 100), message(2, 100));
        assert_eq!(message(1, 100), message(1, 100));
        assert!(matches!(text(1, 100), Payload::Text(text) if text.len() == 100));
        assert_ne!(text(1, 100), text(2, 100));
    }
}
