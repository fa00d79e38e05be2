//! Changes that know nothing of a format but its tokens.

use super::Source;

/// One change somewhere.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    match source.rng.u8(..9) {
        0 => flip(data, source),
        1 => number(data, source),
        2 => remove(data, source),
        3 => repeat(data, source),
        4 => insert_any(data, source),
        5 => token(data, source),
        6 => splice(data, source),
        7 => {
            let len = source.below(data.len() + 1);
            data.truncate(len);
        }
        _ => swap(data, source),
    }
    data.truncate(source.most);
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

fn stretch(data: &[u8], source: &mut Source<'_>) -> std::ops::Range<usize> {
    let from = source.below(data.len());
    let longest = source.pick(&[1, 2, 4, 8, 32, 256]);
    let to = data.len().min(from + 1 + source.below(longest));
    from..to
}

fn remove(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let range = stretch(data, source);
    if range.end <= data.len() && !data.is_empty() {
        data.drain(range);
    }
}

fn repeat(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if data.is_empty() {
        return;
    }
    let range = stretch(data, source);
    let piece = data[range.clone()].repeat(source.pick(&[1, 1, 1, 2, 7]));
    data.splice(range.end..range.end, piece);
}

fn insert_any(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let at = source.below(data.len() + 1);
    let count = 1 + source.below(8);
    let fresh: Vec<u8> = (0..count).map(|_| source.rng.u8(..)).collect();
    data.splice(at..at, fresh);
}

/// Puts a token of the dictionary over what is there, or between.
fn token(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if source.dictionary.is_empty() {
        return insert_any(data, source);
    }
    let token = &source.dictionary[source.below(source.dictionary.len())];
    let at = source.below(data.len() + 1);
    let over = if source.rng.bool() { token.len().min(data.len() - at) } else { 0 };
    data.splice(at..at + over, token.iter().copied());
}

/// Takes a piece of the donor.
fn splice(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let donor = source.donor;
    if donor.is_empty() {
        return;
    }
    let piece = donor[stretch(donor, source)].to_vec();
    let at = source.below(data.len() + 1);
    data.splice(at..at, piece);
}

/// Exchanges two pieces.
fn swap(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if data.is_empty() {
        return;
    }
    let range = stretch(data, source);
    let piece: Vec<u8> = data.drain(range).collect();
    let at = source.below(data.len() + 1);
    data.splice(at..at, piece);
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
