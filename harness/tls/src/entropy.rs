//! The seeded source a session lends to the library while it runs.
//!
//! The library takes randomness from a global object. Each session keeps its own stream and puts
//! it in a thread-local place for the length of one call, so sessions do not disturb each other.

use std::cell::Cell;

use rustls::crypto::{GetRandomFailed, SecureRandom};

thread_local! {
    static LENT: Cell<Option<Stream>> = const { Cell::new(None) };
}

/// A `SplitMix64` stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    state: u64,
}

impl Stream {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Calls `run` with this stream as the library's randomness.
    pub(crate) fn lend<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let before = LENT.replace(Some(*self));
        let result = run();
        if let Some(used) = LENT.replace(before) {
            *self = used;
        }
        result
    }

    const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The library's randomness: the stream that is lent, an error without one.
#[derive(Debug)]
pub(crate) struct Lent;

impl SecureRandom for Lent {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        let mut stream = LENT.get().ok_or(GetRandomFailed)?;
        for chunk in buffer.chunks_mut(8) {
            let bits = stream.bits().to_be_bytes();
            chunk.copy_from_slice(&bits[..chunk.len()]);
        }
        LENT.set(Some(stream));
        Ok(())
    }
}
