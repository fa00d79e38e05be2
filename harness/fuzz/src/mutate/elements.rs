//! Messages that are a row of elements with a length each: attributes, chunks, parameters, records.

use std::borrow::Cow;

use super::Source;

/// A part of an input: what a mutator leaves alone stays where it is.
pub(super) type Part<'a> = Cow<'a, [u8]>;

/// Bytes that most changes do not add.
const ROOM: usize = 32;

/// Changes an element by what is known of it; says whether it did.
pub type Inner = fn(&mut Vec<u8>, &mut Source<'_>) -> bool;

/// What a length field counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Bytes after the element's header.
    Value,
    /// Bytes of the element with its header.
    Whole,
    /// Words of four bytes of the element, less one.
    WordsLessOne,
}

/// How elements lie in a message.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Bytes of an element's header.
    pub header: usize,
    /// Bytes of its type, at the header's start.
    pub kind: usize,
    /// Where in the header its length is.
    pub length_at: usize,
    /// Bytes of the length field: 1 or 2.
    pub length_width: usize,
    /// What it counts.
    pub counts: Counts,
    /// Elements begin at multiples of this.
    pub align: usize,
}

impl Shape {
    /// Types and lengths of sixteen bits, as attributes of STUN have them.
    pub const ATTRIBUTE: Self =
        Self { header: 4, kind: 2, length_at: 2, length_width: 2, counts: Counts::Value, align: 4 };
    /// The same with the header counted, as SCTP's parameters and causes have it.
    pub const PARAMETER: Self = Self { counts: Counts::Whole, ..Self::ATTRIBUTE };
    /// SCTP's chunks.
    pub const CHUNK: Self = Self { kind: 1, ..Self::PARAMETER };
    /// Extensions of TLS.
    pub const EXTENSION: Self = Self { align: 1, ..Self::ATTRIBUTE };
    /// Records of DTLS 1.2.
    pub const RECORD: Self = Self {
        header: 13,
        kind: 1,
        length_at: 11,
        length_width: 2,
        counts: Counts::Value,
        align: 1,
    };
    /// Packets of an RTCP compound.
    pub const RTCP: Self = Self {
        header: 4,
        kind: 2,
        length_at: 2,
        length_width: 2,
        counts: Counts::WordsLessOne,
        align: 4,
    };
    /// Steps of a program: what to do and a byte that says how long its argument is.
    pub const STEP: Self =
        Self { header: 2, kind: 1, length_at: 1, length_width: 1, counts: Counts::Value, align: 1 };

    fn length_of(&self, element: &[u8]) -> Option<usize> {
        let field = element.get(self.length_at..self.length_at + self.length_width)?;
        let number = field.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        Some(match self.counts {
            Counts::Value => self.header + number,
            Counts::Whole => number.max(self.header),
            Counts::WordsLessOne => 4 * (number + 1),
        })
    }

    /// Elements with their headers and without padding. The last may be shorter than it says.
    pub fn elements<'a>(&self, mut bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let shape = *self;
        std::iter::from_fn(move || {
            let longest = bytes.len();
            if longest == 0 {
                return None;
            }
            let length = shape.length_of(bytes).unwrap_or(longest).clamp(1, longest);
            let element = &bytes[..length];
            bytes = &bytes[length.next_multiple_of(shape.align).min(longest)..];
            Some(element)
        })
    }

    fn row<'a>(&self, bytes: &'a [u8]) -> Vec<Part<'a>> {
        // Counting costs less than growing; one more may come.
        let mut row = Vec::with_capacity(self.elements(bytes).count() + 1);
        row.extend(self.elements(bytes).map(Cow::Borrowed));
        row
    }

    /// Puts elements together with their padding.
    pub fn join<'a>(&self, elements: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
        let start = out.len();
        for element in elements {
            out.extend_from_slice(element);
            let padded = start + (out.len() - start).next_multiple_of(self.align);
            out.resize(padded, 0);
        }
    }

    /// Makes an element's length field tell the truth, or a given number.
    pub fn set_length(&self, element: &mut Vec<u8>, told: Option<u64>) {
        if element.len() < self.header {
            element.resize(self.header, 0);
        }
        if self.counts == Counts::WordsLessOne {
            element.resize(element.len().next_multiple_of(4), 0);
        }
        let longest = if self.length_width == 1 { self.header + 0xff } else { 0xfff0 };
        element.truncate(longest);
        let truth = match self.counts {
            Counts::Value => element.len() - self.header,
            Counts::Whole => element.len(),
            Counts::WordsLessOne => element.len() / 4 - 1,
        };
        let bytes = told.unwrap_or(truth as u64).to_be_bytes();
        element[self.length_at..self.length_at + self.length_width]
            .copy_from_slice(&bytes[8 - self.length_width..]);
    }

    /// One change of the row, or of an element in it.
    pub fn mutate(&self, bytes: &mut Vec<u8>, source: &mut Source<'_>, inner: Inner) {
        self.mutate_after(0, bytes, source, inner);
    }

    /// The same of a row that begins after `head` bytes.
    pub fn mutate_after(
        &self,
        head: usize,
        bytes: &mut Vec<u8>,
        source: &mut Source<'_>,
        inner: Inner,
    ) {
        let before = std::mem::take(bytes);
        let (head, row) = before.split_at(head.min(before.len()));
        let mut elements = self.row(row);
        match source.rng.u8(..10) {
            0 => self.duplicate(&mut elements, source),
            1 => {
                let at = source.below(elements.len());
                if at < elements.len() {
                    elements.remove(at);
                }
            }
            2 => {
                let (a, b) = (source.below(elements.len()), source.below(elements.len()));
                if !elements.is_empty() {
                    elements.swap(a, b);
                }
            }
            3 => self.transplant(&mut elements, source),
            4 => self.retype(&mut elements, source),
            _ => self.change_one(&mut elements, source, inner),
        }
        bytes.reserve(before.len() + ROOM);
        bytes.extend_from_slice(head);
        self.join(elements.iter().map(AsRef::as_ref), bytes);
    }

    fn duplicate(&self, elements: &mut Vec<Part<'_>>, source: &mut Source<'_>) {
        let (from, to) = (source.below(elements.len()), source.below(elements.len() + 1));
        if let Some(element) = elements.get(from).cloned() {
            let times = source.pick(&[1, 1, 1, 1, 2, 20]);
            elements.splice(to..to, std::iter::repeat_n(element, times));
        }
    }

    /// An element of the donor, or a new one.
    fn transplant<'a, 'd: 'a>(&self, elements: &mut Vec<Part<'a>>, source: &mut Source<'d>) {
        let to = source.below(elements.len() + 1);
        let nth = source.below(self.elements(source.donor).count());
        let element = match self.elements(source.donor).nth(nth) {
            Some(element) if source.rng.bool() => Cow::Borrowed(element),
            _ => {
                let mut fresh: Vec<u8> =
                    (0..self.header + source.below(24)).map(|_| source.rng.u8(..)).collect();
                self.set_length(&mut fresh, None);
                self.type_of_dictionary(&mut fresh, source);
                Cow::Owned(fresh)
            }
        };
        elements.insert(to, element);
    }

    fn retype(&self, elements: &mut [Part<'_>], source: &mut Source<'_>) {
        let at = source.below(elements.len());
        let Some(element) = elements.get_mut(at) else { return };
        if !source.one_in(3) {
            return self.type_of_dictionary(element.to_mut(), source);
        }
        if let Some(kind) = element.to_mut().get_mut(..self.kind) {
            kind.iter_mut().for_each(|byte| *byte = source.rng.u8(..));
        }
    }

    /// A token of the dictionary as long as a type is one.
    fn type_of_dictionary(&self, element: &mut [u8], source: &mut Source<'_>) {
        let types = source.dictionary.iter().filter(|token| token.len() == self.kind);
        let count = types.clone().count();
        let at = source.below(count);
        if let (Some(token), Some(kind)) = (types.clone().nth(at), element.get_mut(..self.kind)) {
            kind.copy_from_slice(token);
        }
    }

    /// Changes a value; its length is made right again, but for one time in eight.
    fn change_one(&self, elements: &mut [Part<'_>], source: &mut Source<'_>, inner: Inner) {
        let at = source.below(elements.len());
        let Some(element) = elements.get_mut(at).map(owned) else { return };
        if !(source.rng.bool() && inner(element, source)) {
            super::bytes::mutate_behind(self.header, element, source);
        }
        let wrong = source.one_in(8).then(|| source.number(element.len() as u64));
        self.set_length(element, wrong);
    }
}

/// A part to be changed: a copy that may grow a little without being moved.
fn owned<'p>(part: &'p mut Part<'_>) -> &'p mut Vec<u8> {
    if let Cow::Borrowed(bytes) = *part {
        let mut copy = Vec::with_capacity(bytes.len() + ROOM);
        copy.extend_from_slice(bytes);
        *part = Cow::Owned(copy);
    }
    part.to_mut()
}

/// For values nothing more is known of.
pub fn opaque(_: &mut Vec<u8>, _: &mut Source<'_>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Rng;

    const SHAPES: [Shape; 6] =
        [Shape::ATTRIBUTE, Shape::PARAMETER, Shape::CHUNK, Shape::RECORD, Shape::RTCP, Shape::STEP];

    #[test]
    fn a_row_comes_back_as_it_was() {
        let row = b"\x80\x22\x00\x03abc\x00\x00\x06\x00\x04abcd";
        let elements: Vec<_> = Shape::ATTRIBUTE.elements(row).collect();
        assert_eq!(elements, [&b"\x80\x22\x00\x03abc"[..], b"\x00\x06\x00\x04abcd"]);
        let mut out = Vec::new();
        Shape::ATTRIBUTE.join(elements, &mut out);
        assert_eq!(out, row);
    }

    #[test]
    fn any_bytes_are_split_changed_and_joined() {
        for (nth, shape) in SHAPES.iter().enumerate() {
            for seed in 0..5_000 {
                let mut rng = Rng::with_seed(seed);
                let mut data: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
                let mut source =
                    Source { rng, donor: b"\x01\x08\x00\x08abcd", dictionary: &[], most: 4096 };
                shape.mutate(&mut data, &mut source, opaque);
                assert!(data.len() < 40_000, "shape {nth}, seed {seed}: {}", data.len());
            }
        }
    }

    #[test]
    fn a_length_made_right_covers_the_element() {
        for shape in SHAPES {
            let mut element = vec![1; 30];
            shape.set_length(&mut element, None);
            assert!(shape.elements(&element).eq([&element[..]]));
        }
    }
}
