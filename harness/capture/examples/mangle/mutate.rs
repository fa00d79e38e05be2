//! Captures damaged at random, from a seed.

use rtcspec_capture::net::{Frames, Summary};
use rtcspec_capture::read::NotACapture;

/// The longest file made.
const MAX_FILE: usize = 1 << 20;

/// A generator of damaged files.
#[derive(Debug)]
pub(crate) struct Mutations {
    originals: Vec<Vec<u8>>,
    state: u64,
}

/// What reading a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) datagrams: u64,
    pub(crate) problems: u64,
    pub(crate) offset: u64,
}

/// Reads a file to its end.
pub(crate) fn outcome(file: &[u8]) -> Result<Found, NotACapture> {
    let mut frames = Frames::new(file)?;
    let mut datagrams = 0;
    frames.for_each(|frame| datagrams += u64::from(!frame.seen.payload.is_empty()));
    let &Summary { frames: count, bytes, .. } = frames.summary();
    let (problems, offset) = (frames.problems().count(), frames.offset());
    Ok(Found { frames: count, bytes, datagrams, problems, offset })
}

impl Mutations {
    /// Damages these files, and pcapng files of the same packets.
    pub(crate) fn new(mut originals: Vec<Vec<u8>>, seed: u64) -> Self {
        let converted: Vec<Vec<u8>> = originals.iter().map(|file| as_pcapng(file)).collect();
        originals.extend(converted);
        Self { originals, state: seed }
    }

    /// Damages these files, too, which may be of any kind.
    pub(crate) fn add(&mut self, files: impl Iterator<Item = Vec<u8>>) {
        self.originals.extend(files);
    }

    /// The next damaged file.
    pub(crate) fn next_file(&mut self) -> Vec<u8> {
        let mut file = self.original();
        for _ in 0..=self.below(4) {
            match self.below(6) {
                0 => file.truncate(self.below(file.len() + 1)),
                1 => self.flip(&mut file),
                2 => self.splice(&mut file),
                3 => self.overwrite(&mut file),
                4 => self.remove(&mut file),
                _ => self.repeat(&mut file),
            }
        }
        file.truncate(MAX_FILE);
        file
    }

    /// The generator called `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn original(&mut self) -> Vec<u8> {
        let which = self.below(self.originals.len());
        self.originals[which].clone()
    }

    fn flip(&mut self, file: &mut [u8]) {
        for _ in 0..=self.below(16) {
            let (at, bit) = (self.below(file.len()), self.below(8));
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
    }

    /// A stretch of another file, anywhere.
    fn splice(&mut self, file: &mut Vec<u8>) {
        let other = self.original();
        let (start, at) = (self.below(other.len()), self.below(file.len() + 1));
        let end = start + self.below((other.len() - start).min(5000));
        file.splice(at..at, other[start..end].iter().copied());
    }

    /// A number that lengths do not like.
    fn overwrite(&mut self, file: &mut [u8]) {
        let numbers = [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x0100_0000, 12, 0x0a0d_0d0a];
        let number = numbers[self.below(numbers.len())];
        let bytes =
            if self.below(2) == 0 { u32::to_le_bytes(number) } else { u32::to_be_bytes(number) };
        let at = self.below(file.len());
        if let Some(place) = file.get_mut(at..at + 4) {
            place.copy_from_slice(&bytes);
        }
    }

    fn remove(&mut self, file: &mut Vec<u8>) {
        let start = self.below(file.len());
        let end = (start + self.below(200)).min(file.len());
        file.drain(start..end);
    }

    fn repeat(&mut self, file: &mut Vec<u8>) {
        let start = self.below(file.len());
        let end = (start + self.below(3000)).min(file.len());
        let piece = file[start..end].to_vec();
        file.splice(end..end, piece);
    }
}

/// The packets of a little-endian classic file as pcapng.
fn as_pcapng(file: &[u8]) -> Vec<u8> {
    use rtcspec_capture::read::{Item, Records};
    let mut records = Records::new(file).expect("a capture");
    let word = |number: u32| number.to_le_bytes();
    let mut out = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28].map(word).concat();
    let mut described = false;
    while let Some(item) = records.next_item() {
        let Item::Packet(record) = item else { continue };
        if !described {
            out.extend([1, 20, u32::from(record.link), 0, 20].map(word).concat());
            described = true;
        }
        let (micros, captured) = (record.nanos / 1000, record.bytes.len());
        let length = (32 + captured.next_multiple_of(4)) as u32;
        let head =
            [6, length, 0, (micros >> 32) as u32, micros as u32, captured as u32, record.length];
        out.extend(head.map(word).concat());
        out.extend_from_slice(record.bytes);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(word(length));
    }
    out
}
