//! What foreign engines call: libFuzzer, through `fuzz/`.

use std::sync::OnceLock;

use crate::case::{self, Case};
use crate::mutate::{Rng, Source};
use crate::target::{self, Body, Target};

/// Names a planted bug that is to be built into the body of a target.
pub const PLANT: &str = "RTCSPEC_PLANT";

/// Runs an input, held to every oracle if it is one of the chosen ([`Case::brisk`]).
///
/// # Panics
/// An oracle was broken, which is what the engine looks for; or there is no such target.
pub fn execute(name: &str, input: &[u8]) {
    static BODY: OnceLock<Body> = OnceLock::new();
    let body = BODY.get_or_init(|| body_of(named(name)));
    if let Err(finding) = case::run(*body, &mut Case::brisk(input)) {
        panic!("{name}: {finding}");
    }
}

/// Changes the first `size` bytes of `data` in place, to at most `max`; says how many there are then.
///
/// # Panics
/// There is no such target.
#[must_use]
pub fn mutate(name: &str, data: &mut [u8], size: usize, max: usize, seed: u32) -> usize {
    let input = data.get(..size).unwrap_or_default().to_vec();
    let changed = changed(named(name), input.clone(), &input, max.min(data.len()), seed);
    put(&changed, data)
}

/// Makes an input of two; says how long it is.
///
/// # Panics
/// There is no such target.
#[must_use]
pub fn cross(name: &str, one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let changed = changed(named(name), one.to_vec(), other, out.len(), seed);
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

fn named(name: &str) -> &'static Target {
    target::by_name(name).unwrap_or_else(|| panic!("no target is called {name}"))
}

fn body_of(target: &Target) -> Body {
    let Ok(wanted) = std::env::var(PLANT) else { return target.body };
    let plant = target.plants.iter().find(|plant| plant.name == wanted);
    plant.unwrap_or_else(|| panic!("{} has no plant {wanted}", target.name)).body
}
