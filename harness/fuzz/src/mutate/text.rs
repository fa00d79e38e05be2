//! Texts of lines and words: pieces moved about, numbers at their edges, bytes that end texts.

use std::borrow::Cow;

use super::elements::Part;
use super::{Rng, Source};

/// Numbers as parsers of text get them wrong: signs, zeros, edges of every width, and beyond.
pub const NUMBERS: [&str; 18] = [
    "0",
    "1",
    "-1",
    "+1",
    "00",
    "007",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "4294967305",
    "18446744073709551616",
    "1e9",
];

/// What ends a text in one language and not in another, and white space of all kinds.
const ODD: [&[u8]; 10] =
    [b"\0", b"\r", b"\n", b"\t", b" ", b"  ", b"\xff", b"\xc3\xbf", b"\xe2\x80\xa8", b"/"];

const fn ends_line(byte: &u8) -> bool {
    *byte == b'\n'
}

const fn ends_word(byte: &u8) -> bool {
    matches!(byte, b' ' | b':' | b'=' | b'/' | b';' | b',')
}

/// Cuts a text after each byte that `ends` a piece; the pieces put together are the text. There is room
/// for pieces of `length`, and some more: growing costs more than room that is not used.
fn row(data: &[u8], ends: impl Fn(&u8) -> bool, length: usize) -> Vec<Part<'_>> {
    let mut row = Vec::with_capacity(data.len() / length + 8);
    row.extend(data.split_inclusive(ends).map(Cow::Borrowed));
    row
}

/// Changes a row of pieces: one more, one less, another order, one of the donor's, cut in the same way.
fn move_about<'a, 'd: 'a>(
    row: &mut Vec<Part<'a>>,
    ends: impl Fn(&u8) -> bool + Copy,
    times: &[usize],
    source: &mut Source<'d>,
) {
    let (from, to) = (source.below(row.len()), source.below(row.len() + 1));
    match source.rng.u8(..4) {
        0 if from < row.len() => {
            let again = std::iter::repeat_n(row[from].clone(), source.pick(times));
            row.splice(to..to, again);
        }
        1 if from < row.len() => drop(row.remove(from)),
        2 if from < row.len() => {
            let piece = row.remove(from);
            let to = to.min(row.len());
            row.insert(to, piece);
        }
        _ => {
            let donor = source.donor;
            let nth = source.below(donor.split_inclusive(ends).count());
            row.extend(donor.split_inclusive(ends).nth(nth).map(Cow::Borrowed));
        }
    }
}

/// One change of lines, or within one of them.
pub fn lines(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut row = row(data, ends_line, 32);
    match source.rng.u8(..8) {
        0..3 => move_about(&mut row, ends_line, &[1, 1, 1, 2, 40, 900], source),
        3 => line_of_dictionary(&mut row, source),
        4 if source.one_in(2) => line_ends(&mut row, source.rng.fork()),
        _ => {
            let at = source.below(row.len());
            if let Some(line) = row.get_mut(at) {
                *line = Cow::Owned(reworded(line, source));
            }
        }
    }
    *data = row.concat();
}

/// Puts a whole line of the dictionary somewhere, as it is or changed.
fn line_of_dictionary(row: &mut Vec<Part<'_>>, source: &mut Source<'_>) {
    let dictionary = source.dictionary;
    let mut lines = dictionary.iter().filter(|token| token.get(1) == Some(&b'='));
    let nth = source.below(lines.clone().count());
    let Some(line) = lines.nth(nth) else { return };
    let mut line = [line.as_slice(), b"\r\n"].concat();
    if source.one_in(2) {
        words(&mut line, source);
    }
    let at = source.below(row.len() + 1);
    row.insert(at, Cow::Owned(line));
}

/// Other line ends: of all lines, or of some.
fn line_ends(row: &mut [Part<'_>], mut rng: Rng) {
    let all = rng.bool();
    for line in row {
        if all || rng.u8(..8) == 0 {
            let line = line.to_mut();
            let end = if line.ends_with(b"\r\n") { &b"\n"[..] } else { b"\r\n" };
            while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
                line.pop();
            }
            line.extend_from_slice(end);
        }
    }
}

/// One change of the words of a line. Its end stays, mostly.
pub fn words(line: &mut Vec<u8>, source: &mut Source<'_>) {
    *line = reworded(line, source);
}

/// The line that comes of it.
pub(super) fn reworded(line: &[u8], source: &mut Source<'_>) -> Vec<u8> {
    let end = line.len() - line.iter().rev().take_while(|byte| b"\r\n".contains(byte)).count();
    let (text, tail) = line.split_at(end);
    let mut row = row(text, ends_word, 4);
    let at = source.below(row.len());
    match source.rng.u8(..8) {
        0 | 1 => {
            let ends = |byte: &u8| ends_word(byte) || ends_line(byte);
            move_about(&mut row, ends, &[1, 1, 2, 30], source);
        }
        2 | 3 => number(&mut row, at, source),
        4 => {
            let dictionary = source.dictionary;
            if let Some(token) = dictionary.get(source.below(dictionary.len())) {
                replace(&mut row, at, token);
            }
        }
        5 => odd(&mut row, at, source),
        6 if source.one_in(2) => flip_case(&mut row, at),
        6 => glue(&mut row, at),
        _ => {
            if let Some(word) = row.get_mut(at) {
                super::bytes::mutate(word.to_mut(), source);
            }
        }
    }
    row.push(Cow::Borrowed(tail));
    row.concat()
}

/// Puts another number where one is, else anywhere.
fn number(row: &mut [Part<'_>], at: usize, source: &mut Source<'_>) {
    let is_number = |at: &usize| row[*at].first().is_some_and(u8::is_ascii_digit);
    let mut numeric = (0..row.len()).filter(is_number);
    let nth = source.below(numeric.clone().count());
    let at = numeric.nth(nth).unwrap_or(at);
    replace(row, at, source.pick(&NUMBERS).as_bytes());
}

/// Puts something in the place of a word, whose separator stays.
fn replace(row: &mut [Part<'_>], at: usize, by: &[u8]) {
    let Some(word) = row.get_mut(at) else { return };
    let mut new = Vec::with_capacity(by.len() + 1);
    new.extend_from_slice(by);
    new.extend(word.last().filter(|last| ends_word(last)));
    *word = Cow::Owned(new);
}

/// Puts something odd into a word, in one case of four so much of it that it is at any column.
fn odd(row: &mut [Part<'_>], at: usize, source: &mut Source<'_>) {
    if let Some(word) = row.get_mut(at) {
        let place = source.below(word.len() + 1);
        let odd = source.pick(&ODD).repeat(source.pick(&[1, 1, 1, 60]));
        word.to_mut().splice(place..place, odd);
    }
}

/// Takes away what is between a word and the next.
fn glue(row: &mut [Part<'_>], at: usize) {
    if let Some(word) = row.get_mut(at) {
        word.to_mut().pop_if(|last| ends_word(last));
    }
}

fn flip_case(row: &mut [Part<'_>], at: usize) {
    for byte in row.get_mut(at).map(Cow::to_mut).into_iter().flatten() {
        if byte.is_ascii_alphabetic() {
            *byte ^= 0x20;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_changed_without_panic() {
        let dictionary = [b"a=mid:0".to_vec(), b"udp".to_vec()];
        let text = b"v=0\r\no=- 1 2 IN IP4 0.0.0.0\n\nm=audio 9 RTP/AVP 0\r\na=x";
        for seed in 0..20_000 {
            let mut data = text[..seed as usize % (text.len() + 1)].to_vec();
            let rng = Rng::with_seed(seed);
            let mut source = Source { rng, donor: text, dictionary: &dictionary, most: 4096 };
            if seed % 2 == 0 {
                lines(&mut data, &mut source);
            } else {
                words(&mut data, &mut source);
            }
        }
    }

    #[test]
    fn a_change_of_words_keeps_the_end_of_the_line_and_most_of_the_rest() {
        let mut changed = 0;
        for seed in 0..1_000 {
            let mut line = b"a=rtpmap:96 VP8/90000\r\n".to_vec();
            let rng = Rng::with_seed(seed);
            words(&mut line, &mut Source { rng, donor: b"", dictionary: &[], most: 4096 });
            assert!(line.ends_with(b"\r\n"));
            changed += usize::from(line != b"a=rtpmap:96 VP8/90000\r\n");
        }
        assert!(changed > 700, "{changed}");
    }
}
