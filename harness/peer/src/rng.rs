//! Seeded randomness of a peer.
//!
//! Every consumer draws from its own stream, made with [`Rng::fork`] from a label. Forking reads
//! only the seed of the parent, never its position, so a new consumer changes no other stream.

use std::ops::Range;

/// A `SplitMix64` stream with a name.
///
/// Good enough for identifiers and jitter of a test peer; not for secrets of a real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    seed: u64,
    state: u64,
}

/// The characters of `ice-char` (RFC 8839 §5.4).
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Rng {
    /// The root stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// The stream a label names; the same for every position of `self`.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        Self::new(mix(self.seed ^ fnv1a(label.as_bytes()).rotate_left(32)))
    }

    /// The stream a label and a number name, e.g. one per connection.
    #[must_use]
    pub fn fork_nth(&self, label: &str, n: u64) -> Self {
        let named = self.fork(label);
        Self::new(mix(named.seed ^ mix(n.wrapping_add(1))))
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        (self.u64() >> 32) as u32
    }

    /// 16 random bits.
    pub fn u16(&mut self) -> u16 {
        (self.u64() >> 48) as u16
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.u64().to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number of `range`, uniformly; the start of an empty range.
    pub fn range(&mut self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start);
        let scaled = (u128::from(self.u64()) * u128::from(width)) >> 64;
        range.start + u64::try_from(scaled).unwrap_or(0)
    }

    /// `length` characters of `ice-char`, six random bits each (RFC 8445 §5.3).
    pub fn ice_chars(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(ICE_CHARS[(self.u64() >> 58) as usize])).collect()
    }
}

/// The finaliser of `SplitMix64`.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_are_those_of_splitmix64() {
        // Published with the reference implementation: seed 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn fork_does_not_depend_on_what_the_parent_drew() {
        let fresh = Rng::new(7);
        let mut used = Rng::new(7);
        used.u64();
        assert_eq!(fresh.fork("ice"), used.fork("ice"));
        assert_ne!(fresh.fork("ice"), fresh.fork("dtls"));
        assert_ne!(fresh.fork_nth("pc", 0), fresh.fork_nth("pc", 1));
        assert_ne!(fresh.fork_nth("pc", 0), fresh.fork("pc"));
    }

    #[test]
    fn range_stays_inside_and_survives_emptiness() {
        let mut rng = Rng::new(1);
        assert!((0..1000).all(|_| (5..9).contains(&rng.range(5..9))));
        assert_eq!(rng.range(3..3), 3);
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case under test")]
        let backwards = rng.range(3..1);
        assert_eq!(backwards, 3);
    }

    #[test]
    fn ice_chars_are_of_the_grammar() {
        let text = Rng::new(3).ice_chars(256);
        assert_eq!(text.len(), 256);
        assert!(text.bytes().all(|c| ICE_CHARS.contains(&c)));
    }

    #[test]
    fn fill_covers_lengths_that_are_no_multiple_of_eight() {
        let mut bytes = [0; 13];
        Rng::new(9).fill(&mut bytes);
        assert!(bytes[8..].iter().any(|&b| b != 0));
    }
}
