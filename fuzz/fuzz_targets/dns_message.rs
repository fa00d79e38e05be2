#![no_main]
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use rtcspec_fuzz::shell::{cross, execute, mutate};
use rtcspec_fuzz::target::dns::MESSAGE as TARGET;

fuzz_target!(|data: &[u8]| execute(&TARGET, data));
fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| { mutate(&TARGET, data, size, max, seed) });
fuzz_crossover!(|a: &[u8], b: &[u8], out: &mut [u8], seed: u32| { cross(&TARGET, a, b, out, seed) });
