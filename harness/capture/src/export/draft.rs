//! A message that is rewritten: everything is noise but what is kept or put there.

use std::ops::Range;

use super::noise::Noise;

/// Bytes in the place of others, as many. Whatever nobody knows to be harmless is replaced.
pub(super) struct Draft<'a> {
    from: &'a [u8],
    to: Vec<u8>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(noise: &Noise, from: &'a [u8]) -> Self {
        Self { from, to: noise.bytes("unknown", from) }
    }

    /// Keeps a part of what is rewritten.
    pub(super) fn keep(&mut self, part: &[u8]) {
        self.put(part, part);
    }

    /// Keeps so many bytes from the beginning on, or all there are.
    pub(super) fn keep_first(&mut self, count: usize) {
        self.keep(&self.from[..count.min(self.from.len())]);
    }

    /// Keeps padding if it is nothing but zeros.
    pub(super) fn keep_zeros(&mut self, part: &[u8]) {
        if part.iter().all(|byte| *byte == 0) {
            self.keep(part);
        }
    }

    /// Puts bytes in the place of a part of what is rewritten. Others than as many are no
    /// replacement: the part stays noise.
    pub(super) fn put(&mut self, part: &[u8], bytes: &[u8]) {
        if let Some(at) = place(self.from, part)
            && part.len() == bytes.len()
        {
            self.to[at].copy_from_slice(bytes);
        }
    }

    /// What came of it so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.to
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.to
    }
}

/// Walks a message field by field. Each step is `None` where the message ends too early; what was
/// kept by then stays kept, so that it ends too early at the same place.
pub(super) struct Walk<'d, 'a> {
    pub(super) draft: &'d mut Draft<'a>,
    rest: &'a [u8],
}

impl<'d, 'a> Walk<'d, 'a> {
    /// Walks a part of what is rewritten.
    pub(super) fn new(draft: &'d mut Draft<'a>, part: &'a [u8]) -> Self {
        Self { draft, rest: part }
    }

    /// Walks all of it.
    pub(super) fn all(draft: &'d mut Draft<'a>) -> Self {
        let rest = draft.from;
        Self { draft, rest }
    }

    /// What was not walked yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Walks over bytes that are not kept.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Walks over bytes that are kept.
    pub(super) fn keep(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.take(count);
        self.draft.keep(taken.unwrap_or(self.rest));
        taken
    }

    /// Keeps a length of so many bytes; gives what it counts, which is not kept.
    pub(super) fn vector(&mut self, length: usize) -> Option<&'a [u8]> {
        let length = self.keep(length)?;
        let count = length.iter().fold(0, |count, byte| count << 8 | usize::from(*byte));
        self.take(count)
    }

    /// Keeps a length and what it counts.
    pub(super) fn keep_vector(&mut self, length: usize) -> Option<&'a [u8]> {
        let content = self.vector(length)?;
        self.draft.keep(content);
        Some(content)
    }

    /// Keeps a length and replaces what it counts.
    pub(super) fn put_vector(
        &mut self,
        length: usize,
        with: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Option<()> {
        let content = self.vector(length)?;
        self.draft.put(content, &with(content));
        Some(())
    }
}

/// Where a slice of `whole` begins and ends in it.
pub(super) fn place(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let at = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (at <= whole.len() && part.len() <= whole.len() - at).then(|| at..at + part.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_noise() {
        let noise = Noise::new([1; 32], 0);
        let from = *b"head secret-secret-secret 0000";
        let mut draft = Draft::new(&noise, &from);
        draft.keep_first(5);
        draft.put(&from[25..26], b"!");
        draft.put(&from[26..], b"too long for it");
        let to = draft.finish();
        assert_eq!((to.len(), &to[..5], to[25]), (from.len(), &b"head "[..], b'!'));
        assert_ne!(&to[5..25], &from[5..25]);
        assert_ne!(&to[26..], &from[26..]);
    }

    #[test]
    fn a_part_of_something_else_has_no_place() {
        let (one, other) = ([0; 4], [0; 4]);
        assert_eq!(place(&one, &one[1..3]), Some(1..3));
        assert_eq!(place(&one[1..], &one), None);
        assert_eq!(place(&one, &other), None);
    }
}
