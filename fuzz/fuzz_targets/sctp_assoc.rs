#![no_main]
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use rtcspec_fuzz::shell::{cross, execute, mutate};

fuzz_target!(|data: &[u8]| execute("sctp_assoc", data));
fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| { mutate("sctp_assoc", data, size, max, seed) });
fuzz_crossover!(|a: &[u8], b: &[u8], out: &mut [u8], seed: u32| { cross("sctp_assoc", a, b, out, seed) });
