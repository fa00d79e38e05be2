//! Programs of `srtp`: steps moved about, sequence numbers where counters turn.

use super::Source;
use super::elements::Shape;

/// One change of a program.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        data.resize(data.len().max(1), 0);
        if source.one_in(12) {
            data[0] = source.rng.u8(..);
        }
        let donor = source.donor;
        source.donor = donor.get(1..).unwrap_or_default();
        Shape::STEP.mutate_after(1, data, source, sequence);
        source.donor = donor;
    });
}

/// Sets the sequence number of a step that sends, and mostly leaves the source alone.
fn sequence(step: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    let at = match step.first() {
        Some(0..=2) => 2,
        Some(7) => 4,
        Some(8) => 3,
        _ => return false,
    };
    if step.len() < at + 4 {
        step.resize(at + 4, 0);
    }
    if source.one_in(4) {
        step[at] = source.pick(&[0, 0, 0, 1, 2]);
    }
    let found = u16::from_be_bytes([step[at + 1], step[at + 2]]);
    let near = found.wrapping_add(source.pick(&[1, 2, 63, 64, 65, 0x7fff, 0x8000, 0x8001, 0xffff]));
    let number = source.pick(&[0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, near, near, near]);
    step[at + 1..at + 3].copy_from_slice(&number.to_be_bytes());
    if source.one_in(3) {
        step[at + 3] = source.rng.u8(..);
    }
    if source.one_in(6) {
        step.truncate(at + 4);
    }
    true
}
