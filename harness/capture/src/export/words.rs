//! Words in the place of others: as long, of the same kind, of the same characters where that has a
//! meaning.

use super::noise::{Noise, Stream};

/// RFC 8839 §5.4: `ice-char`.
const ICE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Words of hexadecimal digits shorter than this are read as text.
const HEX: usize = 8;

impl Noise {
    /// A ufrag or a password: each `ice-char` becomes another, what is none stays wrong.
    pub(super) fn ice(&self, word: &[u8]) -> Vec<u8> {
        let mut stream = self.stream("ice", word);
        let of = |byte: &u8| if ICE.contains(byte) { stream.pick(ICE) } else { *byte };
        word.iter().map(of).collect()
    }

    /// A name: letters and digits become others of their kind, hexadecimal numbers and UUIDs stay
    /// such, signs stay, UTF-8 stays UTF-8.
    pub(super) fn name(&self, name: &[u8]) -> Vec<u8> {
        let mut stream = self.stream("name", name);
        let mut out = Vec::with_capacity(name.len());
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        for word in name.chunk_by(|a, b| in_word(a) == in_word(b)) {
            let hex = is_hex(word);
            out.extend(word.iter().map(|byte| letter(&mut stream, *byte, hex)));
            let start = out.len() - word.len();
            if is_uuid(word) {
                // RFC 9562 §4.1, §4.2: variant and version.
                for at in [14, 19] {
                    out[start + at] = word[at];
                }
            }
        }
        out
    }

    /// The same of text.
    pub(super) fn name_str(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.name(name.as_bytes())).into_owned()
    }

    /// A message in words: nothing of it stays but that it is UTF-8 wherever it was.
    ///
    /// Every byte becomes one of those that may stand in its place (RFC 3629 §4), so that a message
    /// can be replaced piece by piece.
    pub(super) fn prose(&self, text: &[u8]) -> Vec<u8> {
        let mut stream = self.stream("prose", text);
        let of = |byte: &u8| match byte {
            0..0x80 => stream.between(b'a', b'z'),
            _ => beyond_ascii(&mut stream, *byte),
        };
        text.iter().map(of).collect()
    }

    /// A number in decimal digits: the first stays, so that it is as long and about as great.
    pub(super) fn number(&self, digits: &str) -> String {
        let mut stream = self.stream("number", digits.as_bytes());
        let of = |(at, digit): (usize, char)| match digit {
            '0'..='9' if at > 0 => char::from(stream.between(b'0', b'9')),
            other => other,
        };
        digits.chars().enumerate().map(of).collect()
    }
}

fn letter(stream: &mut Stream, byte: u8, hex: bool) -> u8 {
    match byte {
        b'0'..=b'9' | b'a'..=b'f' if hex => stream.pick(b"0123456789abcdef"),
        b'A'..=b'F' if hex => stream.pick(b"0123456789ABCDEF"),
        b'0'..=b'9' => stream.between(b'0', b'9'),
        b'a'..=b'z' => stream.between(b'a', b'z'),
        b'A'..=b'Z' => stream.between(b'A', b'Z'),
        0..0x80 => byte,
        _ => beyond_ascii(stream, byte),
    }
}

/// RFC 3629 §4: a byte that may stand wherever this one may.
fn beyond_ascii(stream: &mut Stream, byte: u8) -> u8 {
    match byte {
        0x80..=0x8f => stream.between(0x80, 0x8f),
        0x90..=0x9f => stream.between(0x90, 0x9f),
        0xa0..=0xbf => stream.between(0xa0, 0xbf),
        0xc2..=0xdf => stream.between(0xc2, 0xdf),
        0xe1..=0xec => stream.between(0xe1, 0xec),
        0xee..=0xef => stream.between(0xee, 0xef),
        0xf1..=0xf3 => stream.between(0xf1, 0xf3),
        // E0, ED, F0 and F4 restrict what follows; the others are no UTF-8.
        _ => byte,
    }
}

fn is_hex(word: &[u8]) -> bool {
    let hex = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    word.len() >= HEX && word.iter().all(hex) && word.iter().any(u8::is_ascii_digit)
}

fn is_uuid(word: &[u8]) -> bool {
    let dashes = [8, 13, 18, 23];
    word.len() == 36
        && is_hex(word)
        && word.iter().enumerate().all(|(at, byte)| (*byte == b'-') == dashes.contains(&at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise() -> Noise {
        Noise::new([3; 32], 0)
    }

    #[test]
    fn credentials_stay_credentials_and_wrong_ones_wrong() {
        let pwd = noise().ice(b"V+Xt9/aYmQ2b3k4l5m6n7o8p");
        assert!(pwd.iter().all(|byte| ICE.contains(byte)));
        assert_ne!(pwd, b"V+Xt9/aYmQ2b3k4l5m6n7o8p");
        assert_eq!(noise().ice(b"ab_d")[2], b'_');
    }

    #[test]
    fn names_keep_their_shape() {
        let noise = noise();
        let name = noise.name_str("Alice-2 <alice@example.org>");
        let shape = |text: &str| {
            let of = |c: char| match c {
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                '0'..='9' => '0',
                other => other,
            };
            text.chars().map(of).collect::<String>()
        };
        assert_eq!(shape(&name), "Aaaaa-0 <aaaaa@aaaaaaa.aaa>");
        assert!(!name.contains("lice"));
        let uuid = noise.name_str("1f2e3d4c-5b6a-4788-9990-0a1b2c3d4e5f.local");
        assert!(is_uuid(&uuid.as_bytes()[..36]) && &uuid[14..15] == "4" && &uuid[19..20] == "9");
        assert_ne!(&uuid[..8], "1f2e3d4c");
        assert_eq!(noise.name_str("-"), "-");
    }

    #[test]
    fn numbers_keep_their_size() {
        let number = noise().number("4611731400430051336");
        assert!(number.starts_with('4') && number.parse::<i64>().is_ok());
        assert_ne!(number, "4611731400430051336");
    }

    proptest! {
        #[test]
        fn utf8_stays_utf8_however_it_is_cut(text in "\\PC{1,40}", cut in 0_usize..160) {
            let bytes = text.as_bytes();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let (first, second) = (noise().prose(first), noise().prose(second));
            let whole = [first, second].concat();
            prop_assert!(std::str::from_utf8(&whole).is_ok(), "{text:?} {whole:x?}");
            prop_assert_eq!(whole.len(), bytes.len());
            prop_assert!(std::str::from_utf8(&noise().name(bytes)).is_ok());
        }

        #[test]
        fn what_is_no_utf8_stays_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let valid = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
            prop_assert_eq!(valid(&noise().prose(&bytes)), valid(&bytes));
        }
    }
}
