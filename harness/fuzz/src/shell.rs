//! What foreign engines call: libFuzzer, through `fuzz/`.
//!
//! They name the target itself: a program with all of them in it would have the counters of all,
//! which libFuzzer reads and clears at each execution.

use std::sync::OnceLock;

use crate::case::{self, Case};
use crate::mutate::{Rng, Source};
use crate::target::{Body, Target};

/// Names a planted bug that is to be built into the body of a target.
pub const PLANT: &str = "RTCSPEC_PLANT";

/// Runs an input, held to every oracle if it is one of the chosen ([`Case::brisk`]).
///
/// # Panics
/// An oracle was broken, which is what the engine looks for; or the target has no such plant.
pub fn execute(target: &Target, input: &[u8]) {
    static BODY: OnceLock<Body> = OnceLock::new();
    let body = BODY.get_or_init(|| body_of(target));
    if let Err(finding) = case::run(*body, &mut Case::brisk(input)) {
        panic!("{}: {finding}", target.name);
    }
}

/// Changes the first `size` bytes of `data` in place, to at most `max`; says how many there are then.
#[must_use]
pub fn mutate(target: &Target, data: &mut [u8], size: usize, max: usize, seed: u32) -> usize {
    let input = data.get(..size).unwrap_or_default();
    let changed = changed(target, input.to_vec(), input, max.min(data.len()), seed);
    put(&changed, data)
}

/// Makes an input of two; says how long it is.
#[must_use]
pub fn cross(target: &Target, one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let changed = changed(target, one.to_vec(), other, out.len(), seed);
    put(&changed, out)
}

fn changed(target: &Target, mut data: Vec<u8>, donor: &[u8], most: usize, seed: u32) -> Vec<u8> {
    static DICTIONARY: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let dictionary = DICTIONARY.get_or_init(|| (target.dictionary)());
    let rng = Rng::with_seed(u64::from(seed));
    (target.mutate)(&mut data, &mut Source { rng, donor, dictionary, most });
    data
}

fn put(changed: &[u8], out: &mut [u8]) -> usize {
    let len = changed.len().min(out.len());
    out[..len].copy_from_slice(&changed[..len]);
    len
}

fn body_of(target: &Target) -> Body {
    let Ok(wanted) = std::env::var(PLANT) else { return target.body };
    let plant = target.plants.iter().find(|plant| plant.name == wanted);
    plant.unwrap_or_else(|| panic!("{} has no plant {wanted}", target.name)).body
}
