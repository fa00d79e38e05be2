//! Certificates (RFC 5280) in the place of others: names, keys, numbers and signatures replaced,
//! each as long as before, so that the DER around them holds.

use super::draft::Draft;
use super::noise::Noise;

/// Elements in elements that are followed.
const DEPTH: u8 = 16;
/// Integers no longer than this are versions, exponents and small serial numbers.
const SMALL: usize = 3;

/// Object identifiers that many use: of ITU-T, ISO member bodies, NIST, SECG, PKIX.
const OIDS: [&[u8]; 7] = [
    &[0x55],
    &[0x2a, 0x86, 0x48],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04],
    &[0x2b, 0x81, 0x04],
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07],
    &[0x2b, 0x65],
    &[0x2b, 0x0e, 0x03, 0x02],
];

/// A certificate, a name or a signature in the place of another.
pub(super) fn der(noise: &Noise, bytes: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(noise, bytes);
    elements(noise, &mut draft, bytes, 0);
    draft.finish()
}

/// A public key or a signature as handshakes carry it: DER, a point, or a number.
pub(super) fn key(noise: &Noise, bytes: &[u8]) -> Vec<u8> {
    match Element::read(bytes) {
        Some(element) if element.tag == 0x30 && element.rest.is_empty() => der(noise, bytes),
        _ => point(noise, bytes),
    }
}

/// One element of DER: tag, length, content (X.690 §8.1).
struct Element<'a> {
    tag: u8,
    head: &'a [u8],
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Element<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
        // X.690 §8.1.3: up to 127 at once, else so many bytes of length.
        let more = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let (length, rest) = rest.split_at_checked(more)?;
        let count = match more {
            0 => usize::from(first),
            1..=3 => length.iter().fold(0, |count, byte| count << 8 | usize::from(*byte)),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(count)?;
        let several_bytes = tag & 0x1f == 0x1f;
        (!several_bytes).then_some(Self { tag, head: &bytes[..2 + more], content, rest })
    }

    /// Whether bytes are one element that may stand in an octet or bit string.
    fn fills(bytes: &'a [u8]) -> bool {
        let found = Self::read(bytes).filter(|found| found.rest.is_empty());
        found.is_some_and(|found| matches!(found.tag, 0x01..=0x04 | 0x0a | 0x30))
    }
}

fn elements(noise: &Noise, draft: &mut Draft<'_>, mut bytes: &[u8], depth: u8) {
    while let Some(element) = Element::read(bytes) {
        draft.keep(element.head);
        one(noise, draft, &element, depth);
        bytes = element.rest;
    }
}

fn one(noise: &Noise, draft: &mut Draft<'_>, element: &Element<'_>, depth: u8) {
    let content = element.content;
    let nested = depth < DEPTH;
    match element.tag {
        tag if tag & 0x20 != 0 && nested => elements(noise, draft, content, depth + 1),
        0x01 | 0x05 => draft.keep(content),
        0x02 => draft.put(content, &integer(noise, content)),
        0x03 => {
            let (unused, bits) = content.split_at(content.len().min(1));
            draft.keep(unused);
            if nested && Element::fills(bits) && bits.first() == Some(&0x30) {
                elements(noise, draft, bits, depth + 1);
            } else if bits.len() <= 2 {
                // RFC 5280 §4.2.1.3: what a key may be used for.
                draft.keep(bits);
            } else {
                draft.put(bits, &point(noise, bits));
            }
        }
        0x04 if nested && Element::fills(content) => elements(noise, draft, content, depth + 1),
        0x06 if OIDS.iter().any(|known| content.starts_with(known)) => draft.keep(content),
        0x06 => draft.put(content, &oid(noise, content)),
        0x0c | 0x12..=0x14 | 0x16 | 0x1a..=0x1e => draft.put(content, &noise.name(content)),
        0x17 | 0x18 => draft.put(content, &day(noise, content)),
        0x80..=0x9f if content.iter().all(|byte| (0x20..0x7f).contains(byte)) => {
            draft.put(content, &noise.name(content));
        }
        _ => draft.put(content, &noise.bytes("key", content)),
    }
}

/// A positive number as long, as odd, and in the shortest form as before.
fn integer(noise: &Noise, content: &[u8]) -> Vec<u8> {
    let mut other = content.to_vec();
    if content.len() > SMALL {
        other[1..].copy_from_slice(&noise.bytes("key", &content[1..]));
        // X.690 §8.3.2: the first nine bits are not all alike.
        if content[0] == 0 || content[0] == 0xff {
            other[1] = other[1] & 0x7f | content[1] & 0x80;
        }
        let last = content.len() - 1;
        other[last] = other[last] & !1 | content[last] & 1;
    }
    other
}

/// SEC 1 §2.3.3: the first byte of a point says how it is written.
fn point(noise: &Noise, bytes: &[u8]) -> Vec<u8> {
    let mut other = noise.bytes("key", bytes);
    if let (Some(form @ 2..=4), false) = (bytes.first(), bytes.len().is_multiple_of(2)) {
        other[0] = *form;
    }
    other
}

/// An identifier with as many numbers of the same lengths (X.690 §8.19.2).
fn oid(noise: &Noise, content: &[u8]) -> Vec<u8> {
    let mut other = noise.bytes("key", content);
    for (byte, before) in other.iter_mut().zip(content) {
        *byte = *byte & 0x7e | 1 | before & 0x80;
    }
    other
}

/// The same day without its time (RFC 5280 §4.1.2.5).
fn day(noise: &Noise, content: &[u8]) -> Vec<u8> {
    let time = content.len().checked_sub(7).filter(|_| content.ends_with(b"Z"));
    let digits = content.iter().rev().skip(1).all(u8::is_ascii_digit);
    match time.filter(|_| digits) {
        Some(time) => [&content[..time], b"000000Z"].concat(),
        None => noise.bytes("key", content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, length, content.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        match length {
            0..0x80 => [&[tag, length as u8], content].concat(),
            _ => [&[tag, 0x82, (length >> 8) as u8, length as u8], content].concat(),
        }
    }

    fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
        element(0x30, &parts.concat())
    }

    /// Tags and lengths, in order.
    fn shape(bytes: &[u8], out: &mut Vec<(u8, usize)>) {
        let mut bytes = bytes;
        while let Some(found) = Element::read(bytes) {
            out.push((found.tag, found.content.len()));
            if found.tag & 0x20 != 0 {
                shape(found.content, out);
            }
            bytes = found.rest;
        }
    }

    #[test]
    fn a_certificate_keeps_its_shape_and_loses_what_tells_whose_it_is() {
        let name = sequence(&[element(
            0x31,
            &sequence(&[element(0x06, &[0x55, 4, 3]), element(0x0c, b"alice's laptop")]),
        )]);
        let modulus: Vec<u8> = [&[0, 0xc5][..], &[0x77; 127], &[0x13]].concat();
        let rsa = sequence(&[element(0x02, &modulus), element(0x02, &[1, 0, 1])]);
        let certificate = sequence(&[
            element(0xa0, &element(0x02, &[2])),
            element(0x02, b"\x11serial number"),
            name.clone(),
            sequence(&[element(0x17, b"250102030405Z"), element(0x18, b"20260102030405Z")]),
            name.clone(),
            element(0x03, &[&[0][..], &rsa].concat()),
            element(0x06, &[0x2b, 6, 1, 4, 1, 0x82, 0x37]),
            element(0x04, &sequence(&[element(0x82, b"alice.example")])),
            element(0x03, &[&[0, 4][..], &[0x42; 64]].concat()),
        ]);
        let noise = Noise::new([9; 32], 0);
        let other = der(&noise, &certificate);
        let [mut before, mut after] = [Vec::new(), Vec::new()];
        shape(&certificate, &mut before);
        shape(&other, &mut after);
        assert_eq!(before, after);
        for secret in
            [&b"alice"[..], b"laptop", b"serial", &[0x77; 8], &[0x42; 8], b"0304", &[0x82, 0x37]]
        {
            let found = other.windows(secret.len()).any(|known| known == secret);
            assert!(!found, "{secret:x?} in {other:x?}");
        }
        let holds = |part: &[u8]| other.windows(part.len()).any(|known| known == part);
        assert!(holds(b"250102000000Z") && holds(b"20260102000000Z") && holds(&[1, 0, 1]));
        assert!(holds(&[0x55, 4, 3]));
        let other_name = der(&noise, &name);
        let times = other.windows(other_name.len()).filter(|known| *known == other_name).count();
        assert_eq!(times, 2, "subject and issuer stay the same");
    }

    #[test]
    fn what_is_no_der_is_noise() {
        let noise = Noise::new([9; 32], 0);
        for bytes in [&b"\x30\x84\xff\xff\xff\xff"[..], b"\x30", b"", b"\x3f\x81\x00plain text"] {
            let other = der(&noise, bytes);
            assert_eq!(other.len(), bytes.len());
            assert!(!other.windows(5).any(|known| known == b"plain"));
        }
        let nested = (0..200).fold(b"secret".to_vec(), |inside, _| element(0x30, &inside));
        let other = der(&noise, &nested);
        assert!(!other.windows(6).any(|known| known == b"secret"));
    }
}
