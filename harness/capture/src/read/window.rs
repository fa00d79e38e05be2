//! A bounded view of a file that is read from front to back.

use std::io::{ErrorKind, Read};

/// What the window holds at first, and for good unless one block is longer.
const USUAL: usize = 1 << 18;

/// Bytes of a file from some offset on; grows only as far as bytes have come.
pub(super) struct Window<'r> {
    source: Box<dyn Read + 'r>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    failure: Option<String>,
}

impl<'r> Window<'r> {
    /// The most that may be wanted at once: the longest block, and what is looked at beyond a
    /// record to find the way again.
    pub(super) const MOST: usize = 17 << 20;

    pub(super) fn new(source: Box<dyn Read + 'r>) -> Self {
        let buffer = vec![0; USUAL];
        Self { source, buffer, start: 0, end: 0, offset: 0, ended: false, failure: None }
    }

    /// Offset in the file of the first byte held; after decompression, if it is compressed.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the file could not be read on, once.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// All that is held.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Lets go of the first bytes held.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads until so many bytes are held, at most [`Self::MOST`]. `false` if the file is too
    /// short.
    #[inline]
    pub(super) fn want(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.fill(count.min(Self::MOST))
    }

    fn fill(&mut self, count: usize) -> bool {
        while self.end - self.start < count && !self.ended {
            if self.buffer.len() - self.start < count {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.end == self.buffer.len() {
                // All that is held is wanted and not enough: bytes came, so room may come.
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    self.ended = true;
                }
            }
        }
        self.end - self.start >= count
    }
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let held = self.end - self.start;
        f.debug_struct("Window").field("offset", &self.offset).field("held", &held).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_moves_over_a_file_and_does_not_grow() {
        let file: Vec<u8> = (0..3 * USUAL).map(|at| (at % 251) as u8).collect();
        let mut window = Window::new(Box::new(file.as_slice()));
        let mut at = 0;
        while window.want(1000) {
            assert_eq!(window.bytes()[..1000], file[at..at + 1000]);
            assert_eq!(window.offset(), at as u64);
            window.consume(1000);
            at += 1000;
        }
        assert_eq!(window.bytes(), &file[at..]);
        assert_eq!(window.buffer.len(), USUAL);
    }

    #[test]
    fn a_window_grows_with_what_comes_and_not_with_what_is_wanted() {
        let file = vec![7; 1000];
        let mut window = Window::new(Box::new(file.as_slice()));
        assert!(!window.want(Window::MOST));
        assert_eq!((window.bytes().len(), window.buffer.len()), (1000, USUAL));
        let file = vec![7; 3 * USUAL];
        let mut window = Window::new(Box::new(file.as_slice()));
        assert!(window.want(2 * USUAL + 1));
        assert_eq!(window.buffer.len(), 4 * USUAL);
    }

    #[test]
    fn a_failure_to_read_is_said_once() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("unplugged"))
            }
        }
        let mut window = Window::new(Box::new(Broken));
        assert!(!window.want(1));
        assert_eq!(window.take_failure().as_deref(), Some("unplugged"));
        assert_eq!(window.take_failure(), None);
    }
}
