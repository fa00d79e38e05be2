//! Programs against an association: steps moved about, and the chunks of a raw packet in one.

use super::Source;
use super::elements::Shape;

/// A step that holds a packet's chunks, after a byte that says what is put before them.
pub const RAW: u8 = 0;
/// Kinds of steps there are.
pub const STEPS: u8 = 7;
/// Bytes of a raw step before its chunks.
const BEFORE: usize = 3;

/// One change of a program.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| Shape::STEP.mutate(data, source, inside));
}

fn inside(step: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    if step.len() <= BEFORE || step[0] % STEPS != RAW {
        return false;
    }
    // A program has no chunks to give.
    let donor = std::mem::take(&mut source.donor);
    super::sctp::chunk_row(BEFORE, step, source);
    source.donor = donor;
    true
}

/// Steps, and types of chunks and parameters.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    let mut tokens = super::sctp::dictionary();
    let steps = (0..STEPS).map(|step| vec![step]).filter(|step| !tokens.contains(step));
    let steps: Vec<_> = steps.collect();
    tokens.extend(steps);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn the_chunks_of_a_raw_step_are_changed_as_chunks() {
        let program = [&[RAW, 13, 0][..], &[11, 0, 0, 4], &[14, 0, 0, 4], &[8, 0, 0, 4]].concat();
        let dictionary = dictionary();
        let rows = (0..500).filter(|seed| {
            let mut data = program.clone();
            let rng = Rng::with_seed(*seed);
            let mut source = Source { rng, donor: &program, dictionary: &dictionary, most: 999 };
            mutate(&mut data, &mut source);
            let chunks = data.get(BEFORE..).unwrap_or_default();
            // One chunk fewer, and the step's length says so.
            data.starts_with(&[RAW, 9]) && Shape::CHUNK.elements(chunks).count() == 2
        });
        assert!(rows.count() > 3);
    }
}
