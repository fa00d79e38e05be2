//! Changes that know nothing of a format but its tokens.

use std::ops::Range;

use super::Source;

/// One change somewhere.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    mutate_behind(0, data, source);
}

/// One change somewhere behind the first `head` bytes, which stay.
pub(super) fn mutate_behind(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    let head = head.min(data.len());
    match source.rng.u8(..9) {
        0 => flip(&mut data[head..], source),
        1 => number(&mut data[head..], source),
        2 => remove(head, data, source),
        3 => repeat(head, data, source),
        4 => insert_any(head, data, source),
        5 => token(head, data, source),
        6 => splice(head, data, source),
        7 => {
            let len = source.below(data.len() - head + 1);
            data.truncate(head + len);
        }
        _ => swap(&mut data[head..], source),
    }
    data.truncate(head.saturating_add(source.most));
}

fn flip(data: &mut [u8], source: &mut Source<'_>) {
    let at = source.below(data.len());
    if let Some(byte) = data.get_mut(at) {
        *byte ^= 1 << source.rng.u8(..8);
    }
}

/// Overwrites one, two, four or eight bytes with a number.
fn number(data: &mut [u8], source: &mut Source<'_>) {
    let width = source.pick(&[1, 2, 2, 4, 4, 8]);
    let Some(room) = data.len().checked_sub(width) else { return };
    let at = source.below(room + 1);
    let found = data[at..at + width].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let bytes = source.number(found).to_be_bytes();
    data[at..at + width].copy_from_slice(&bytes[8 - width..]);
}

/// A few of the bytes from `head` to `end`.
fn stretch(head: usize, end: usize, source: &mut Source<'_>) -> Range<usize> {
    let from = head + source.below(end - head);
    let longest = source.pick(&[1, 2, 4, 8, 32, 256]);
    let to = end.min(from + 1 + source.below(longest));
    from..to
}

fn remove(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    let range = stretch(head, data.len(), source);
    data.drain(range);
}

fn repeat(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    let end = data.len();
    if end == head {
        return;
    }
    let range = stretch(head, end, source);
    let (size, times) = (range.len(), source.pick(&[1, 1, 1, 2, 7]));
    data.resize(end + size * times, 0);
    data.copy_within(range.end..end, range.end + size * times);
    for nth in 0..times {
        data.copy_within(range.clone(), range.end + size * nth);
    }
}

/// A place between bytes, or at their end.
fn between(head: usize, data: &[u8], source: &mut Source<'_>) -> usize {
    head + source.below(data.len() - head + 1)
}

fn insert_any(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    let at = between(head, data, source);
    let mut fresh = [0; 8];
    let fresh = &mut fresh[..1 + source.below(8)];
    fresh.iter_mut().for_each(|byte| *byte = source.rng.u8(..));
    data.splice(at..at, fresh.iter().copied());
}

/// Puts a token of the dictionary over what is there, or between.
fn token(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    if source.dictionary.is_empty() {
        return insert_any(head, data, source);
    }
    let token = &source.dictionary[source.below(source.dictionary.len())];
    let at = between(head, data, source);
    let over = if source.rng.bool() { token.len().min(data.len() - at) } else { 0 };
    data.splice(at..at + over, token.iter().copied());
}

/// Takes a piece of the donor.
fn splice(head: usize, data: &mut Vec<u8>, source: &mut Source<'_>) {
    let donor = source.donor;
    if donor.is_empty() {
        return;
    }
    let piece = &donor[stretch(0, donor.len(), source)];
    let at = between(head, data, source);
    data.splice(at..at, piece.iter().copied());
}

/// Exchanges two pieces.
fn swap(data: &mut [u8], source: &mut Source<'_>) {
    if data.is_empty() {
        return;
    }
    let range = stretch(0, data.len(), source);
    let size = range.len();
    // Where the piece goes among the others.
    let to = source.below(data.len() - size + 1);
    if to < range.start {
        data[to..range.end].rotate_right(size);
    } else {
        data[range.start..to + size].rotate_left(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn any_input_is_changed_without_panic_and_kept_within_its_bound() {
        let dictionary = [b"token".to_vec()];
        for seed in 0..20_000 {
            let rng = Rng::with_seed(seed);
            let mut source = Source { rng, donor: b"donor", dictionary: &dictionary, most: 64 };
            let mut data = vec![7; (seed % 70) as usize];
            mutate(&mut data, &mut source);
            assert!(data.len() <= 64);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_change() {
        let change = |seed| {
            let rng = Rng::with_seed(seed);
            let mut source = Source { rng, donor: b"donor", dictionary: &[], most: 64 };
            let mut data = (0..40).collect();
            mutate(&mut data, &mut source);
            data
        };
        assert!((0..100).all(|seed| change(seed) == change(seed)));
        assert!((0..100).any(|seed| change(seed) != change(seed + 1)));
    }
}
