//! Where packets begin in the middle of a stream: after bytes that a capture lacks, or in a stream
//! that was there before the capture began.

use rtcspec_wire::framing::Framing;
use rtcspec_wire::stun::MAGIC_COOKIE;

/// Bytes from the head of a packet that show that it is one: four of a TURN channel or two of
/// RFC 4571, then a header of DTLS or of STUN up to its cookie.
pub(super) const TELLING: usize = 4 + 13;

/// The first place in some bytes where a packet begins for certain, and its framing, if that is not
/// known. STUN is told by its cookie, DTLS by its version and lengths; media is not told at all.
pub(super) fn head(bytes: &[u8], known: Option<Framing>) -> Option<(usize, Framing)> {
    let may_be = |framing: Framing| known.is_none_or(|known| known == framing);
    (0..bytes.len()).find_map(|at| {
        let rest = &bytes[at..];
        if may_be(Framing::Rfc4571) && is_framed(rest) && (known.is_some() || goes_on(rest)) {
            return Some((at, Framing::Rfc4571));
        }
        let turn = may_be(Framing::Turn) && (is_stun(rest).is_some() || is_channel(rest));
        turn.then_some((at, Framing::Turn))
    })
}

/// Whether another packet of RFC 4571 follows the first, or nothing: the last two bytes of a TURN
/// channel's head look like a length of RFC 4571, once.
fn goes_on(bytes: &[u8]) -> bool {
    let next = length(bytes, 0).and_then(|length| bytes.get(2 + length..));
    next.is_some_and(|next| next.is_empty() || is_framed(next))
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let &[high, low] = bytes.get(at..at + 2)? else { return None };
    Some(usize::from(u16::from_be_bytes([high, low])))
}

/// RFC 8489 §5: two zero bits, a length that is a multiple of four, the cookie. Gives the length of
/// the whole.
fn is_stun(bytes: &[u8]) -> Option<usize> {
    let cookie = bytes.get(4..8)? == MAGIC_COOKIE.to_be_bytes();
    let length = length(bytes, 2)?;
    (cookie && bytes[0] < 4 && length.is_multiple_of(4)).then_some(20 + length)
}

/// RFC 6347 §4.1: a type, a version, and a length. Gives the length of the whole.
fn is_dtls(bytes: &[u8]) -> Option<usize> {
    let known = matches!(bytes, [20..=26, 0xfe, 0xfd | 0xff, ..]);
    Some(13 + length(bytes, 11)?).filter(|_| known)
}

/// RFC 8656 §12.4: a channel's number and a length, here before what ICE sends.
fn is_channel(bytes: &[u8]) -> bool {
    let (Some(0x40..=0x4f), Some(length)) = (bytes.first(), length(bytes, 2)) else { return false };
    let inner = bytes.get(4..).unwrap_or_default();
    is_stun(inner) == Some(length) || is_dtls(inner).is_some_and(|whole| whole <= length)
}

/// RFC 4571 §2: a length, here before what ICE sends.
fn is_framed(bytes: &[u8]) -> bool {
    let Some(length) = length(bytes, 0) else { return false };
    let inner = bytes.get(2..).unwrap_or_default();
    is_stun(inner) == Some(length) || is_dtls(inner).is_some_and(|whole| whole <= length)
}
