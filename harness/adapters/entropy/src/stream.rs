//! The generator.

/// A stream of pseudo-random numbers: `SplitMix64`, which needs no more state than its seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    #[cfg_attr(
        not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")),
        expect(dead_code, reason = "used where symbols can be interposed")
    )]
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_splitmix64() {
        // First outputs of the reference implementation for the seed 1234567.
        let mut stream = Stream::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([stream.next(), stream.next()], expected);
    }

    #[test]
    fn a_tail_is_the_start_of_the_next_number() {
        let (mut a, mut b) = ([0; 11], [0; 16]);
        Stream::new(5).fill(&mut a);
        Stream::new(5).fill(&mut b);
        assert_eq!(a, b[..11]);
    }
}
