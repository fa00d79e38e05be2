//! Where everything comes from that replaces something: a keyed function of what it replaces, so
//! that equal stays equal, and nobody who lacks the key can tell what it was.

use sha2::{Digest as _, Sha256};

/// The function.
#[derive(Clone)]
pub(super) struct Noise {
    key: [u8; 32],
}

/// Pseudo-random bytes without end.
pub(super) struct Stream {
    seed: [u8; 32],
    block: [u8; 32],
    used: usize,
    counter: u64,
}

impl Noise {
    /// Whoever knows `secret` and `seed` can find an address or another short value by trying all
    /// there are.
    pub(super) fn new(secret: [u8; 32], seed: u64) -> Self {
        let hash = Sha256::new_with_prefix(b"rtcspec export");
        let hash = hash.chain_update(secret).chain_update(seed.to_be_bytes());
        Self { key: hash.finalize().into() }
    }

    /// Bytes that depend on what they replace, and what for.
    pub(super) fn stream(&self, purpose: &str, replaced: &[u8]) -> Stream {
        let hash = Sha256::new_with_prefix(self.key);
        let hash = hash.chain_update((purpose.len() as u64).to_be_bytes());
        let seed = hash.chain_update(purpose).chain_update(replaced).finalize().into();
        Stream { seed, block: [0; 32], used: 32, counter: 0 }
    }

    /// As many bytes as are replaced.
    pub(super) fn bytes(&self, purpose: &str, replaced: &[u8]) -> Vec<u8> {
        let mut stream = self.stream(purpose, replaced);
        replaced.iter().map(|_| stream.byte()).collect()
    }

    /// The same of an array.
    pub(super) fn array<const N: usize>(&self, purpose: &str, replaced: [u8; N]) -> [u8; N] {
        let mut stream = self.stream(purpose, &replaced);
        std::array::from_fn(|_| stream.byte())
    }
}

impl Stream {
    pub(super) fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            let hash = Sha256::new_with_prefix(self.seed);
            self.block = hash.chain_update(self.counter.to_be_bytes()).finalize().into();
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A number below another, which is not zero; as even as a remainder of 64 bits is.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|_| self.byte())) % limit.max(1)
    }

    /// One of some bytes.
    pub(super) fn pick(&mut self, from: &[u8]) -> u8 {
        from[self.below(from.len() as u64) as usize]
    }

    /// A byte between two, both included.
    pub(super) fn between(&mut self, low: u8, high: u8) -> u8 {
        low + self.below(u64::from(high - low) + 1) as u8
    }
}

impl std::fmt::Debug for Noise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Noise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_gives_equal_and_anything_else_gives_something_else() {
        let noise = Noise::new([7; 32], 1);
        let text = b"forty bytes that are replaced by forty ..";
        let first = noise.bytes("payload", text);
        assert_eq!((first.len(), &first), (text.len(), &noise.bytes("payload", text)));
        assert_ne!(first, noise.bytes("other", text));
        assert_ne!(first, noise.bytes("payload", &text.map(|byte| byte ^ 1)));
        assert_ne!(first, Noise::new([7; 32], 2).bytes("payload", text));
        assert_ne!(first, Noise::new([8; 32], 1).bytes("payload", text));
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut stream = Noise::new([7; 32], 1).stream("range", b"");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            seen.insert(stream.between(b'a', b'f'));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), b"abcdef");
    }
}
