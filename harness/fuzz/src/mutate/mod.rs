//! Changing inputs: by their structure, then repaired where a check would stop them at the door.
//!
//! A mutator changes a message in place. One change in ten is of plain bytes, without repair, so that
//! what no structure foresees happens too.

pub mod association;
pub mod bytes;
pub mod candidate;
pub mod dns;
pub mod dtls;
pub mod elements;
pub mod pcapng;
pub mod rtcp;
pub mod rtp;
pub mod scenario;
pub mod sctp;
pub mod sdp;
pub mod srtp;
pub mod stun;
pub mod text;
pub mod transcript;

use elements::{Shape, opaque};
pub use fastrand::Rng;

/// What a mutator may draw from.
#[derive(Debug)]
pub struct Source<'a> {
    /// Where chance comes from.
    pub rng: Rng,
    /// Another input of the same target, to take parts from.
    pub donor: &'a [u8],
    /// Tokens of the format.
    pub dictionary: &'a [Vec<u8>],
    /// Longest input wanted.
    pub most: usize,
}

/// Changes an input.
pub type Mutate = fn(&mut Vec<u8>, &mut Source<'_>);

impl Source<'_> {
    /// True once in `n`.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    /// An index below `len`; 0 for none.
    pub fn below(&mut self, len: usize) -> usize {
        if len == 0 { 0 } else { self.rng.usize(..len) }
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.rng.usize(..these.len())]
    }

    /// A number as counters and lengths go wrong: at an edge, near another, or any.
    pub fn number(&mut self, near: u64) -> u64 {
        const EDGES: [u64; 18] = [
            0,
            1,
            2,
            3,
            4,
            5,
            7,
            8,
            0x7f,
            0x80,
            0xff,
            0x100,
            0x7fff,
            0x8000,
            0xffff,
            0x1_0000,
            0x7fff_ffff,
            0xffff_ffff,
        ];
        match self.rng.u8(..4) {
            0 => self.pick(&EDGES),
            1 => near.wrapping_add(u64::from(self.rng.u8(1..=8))),
            2 => near.wrapping_sub(u64::from(self.rng.u8(1..=8))),
            _ => self.rng.u64(..),
        }
    }
}

/// One change of a program: a row of steps, each a byte that says what to do, a byte that says how
/// long its argument is, and the argument.
pub fn program(data: &mut Vec<u8>, source: &mut Source<'_>) {
    mostly(data, source, |data, source| Shape::STEP.mutate(data, source, opaque));
}

/// How many changes are made beside the first, one number as likely as another.
const MORE: [u8; 6] = [0, 0, 0, 1, 2, 5];

/// One change of `structured` kind, or a few, or in one of ten cases one of plain bytes.
pub fn mostly(data: &mut Vec<u8>, source: &mut Source<'_>, structured: Mutate) {
    if !plainly(data, source) {
        for _ in 0..=source.pick(&MORE) {
            structured(data, source);
        }
    }
    data.truncate(source.most);
}

/// The same, and then what a check would stop at the door is made right, but for one time in `seldom`.
/// That takes as long as many changes, so several are made right at once.
pub fn mostly_repaired(
    data: &mut Vec<u8>,
    source: &mut Source<'_>,
    structured: Mutate,
    seldom: u32,
    repair: fn(&mut [u8]),
) {
    if !plainly(data, source) {
        let mut right = true;
        for _ in 0..=source.pick(&MORE) {
            structured(data, source);
            // The last change decides.
            right = !source.one_in(seldom);
        }
        if right {
            repair(data);
        }
    }
    data.truncate(source.most);
}

/// In one of ten cases one change of plain bytes; says whether it was one.
fn plainly(data: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    let plain = source.one_in(10);
    if plain {
        bytes::mutate(data, source);
    }
    plain
}
