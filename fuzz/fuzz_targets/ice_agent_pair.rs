#![no_main]
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use rtcspec_fuzz::shell::{cross, execute, mutate};

fuzz_target!(|data: &[u8]| execute("ice_agent_pair", data));
fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| { mutate("ice_agent_pair", data, size, max, seed) });
fuzz_crossover!(|a: &[u8], b: &[u8], out: &mut [u8], seed: u32| { cross("ice_agent_pair", a, b, out, seed) });
