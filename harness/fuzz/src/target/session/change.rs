//! Changing programs: a session costs milliseconds, so it had better be full.

use super::program::{CONFIG, GROUND, INJECT, TAMPER};
use crate::mutate::Source;
use crate::mutate::elements::{Shape, opaque};

/// Most injections that are added at once.
const BURST: usize = 16;
/// Longest argument of a step.
const ARGUMENTS: usize = 7;

/// One change of a program.
pub(super) fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut steps: Vec<Vec<u8>> = Shape::STEP.elements(data).map(<[u8]>::to_vec).collect();
    match source.rng.u8(..9) {
        0 | 1 => {
            let layer = source.rng.u8(..);
            for _ in 0..=source.below(BURST) {
                let mut step = fresh(INJECT, source);
                step[2] = layer;
                insert(&mut steps, step, source);
            }
        }
        kind @ (2 | 3) => {
            for _ in 0..=source.below(4) {
                let step = fresh(if kind == 2 { TAMPER } else { GROUND }, source);
                insert(&mut steps, step, source);
            }
        }
        4 | 5 => {
            let at = source.below(steps.len());
            let Some(step) = steps.get_mut(at).filter(|step| step.len() > 2) else { return };
            let at = 2 + source.below(step.len() - 2);
            step[at] = source.rng.u8(..);
        }
        _ => return Shape::STEP.mutate(data, source, opaque),
    }
    *data = steps.concat();
}

/// A step with any arguments.
fn fresh(op: u8, source: &mut Source<'_>) -> Vec<u8> {
    let mut step = vec![op, ARGUMENTS as u8];
    step.extend((0..ARGUMENTS).map(|_| source.rng.u8(..)));
    step
}

/// Somewhere behind the setup.
fn insert(steps: &mut Vec<Vec<u8>>, step: Vec<u8>, source: &mut Source<'_>) {
    let first = usize::from(steps.first().is_some_and(|step| step.first() == Some(&CONFIG)));
    let at = first + source.below(steps.len() - first + 1);
    steps.insert(at, step);
}
