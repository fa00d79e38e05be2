//! Messages that are a row of elements with a length each: attributes, chunks, parameters, records.

use super::Source;

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
    #[must_use]
    pub fn split(&self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut elements = Vec::new();
        while !bytes.is_empty() {
            let length = self.length_of(bytes).unwrap_or(bytes.len()).clamp(1, bytes.len());
            elements.push(bytes[..length].to_vec());
            bytes = &bytes[length.next_multiple_of(self.align).min(bytes.len())..];
        }
        elements
    }

    /// Puts elements together with their padding.
    pub fn join(&self, elements: &[Vec<u8>], out: &mut Vec<u8>) {
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

    /// One change of the row, or of an element in it. `inner` changes a value by what it knows of
    /// it, and says whether it did.
    pub fn mutate(
        &self,
        bytes: &mut Vec<u8>,
        source: &mut Source<'_>,
        inner: fn(&mut Vec<u8>, &mut Source<'_>) -> bool,
    ) {
        let mut elements = self.split(bytes);
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
        bytes.clear();
        self.join(&elements, bytes);
    }

    fn duplicate(&self, elements: &mut Vec<Vec<u8>>, source: &mut Source<'_>) {
        let (from, to) = (source.below(elements.len()), source.below(elements.len() + 1));
        if let Some(element) = elements.get(from).cloned() {
            let times = source.pick(&[1, 1, 1, 1, 2, 20]);
            elements.splice(to..to, std::iter::repeat_n(element, times));
        }
    }

    /// An element of the donor, or a new one.
    fn transplant(&self, elements: &mut Vec<Vec<u8>>, source: &mut Source<'_>) {
        let theirs = self.split(source.donor);
        let to = source.below(elements.len() + 1);
        let element = match theirs.get(source.below(theirs.len())) {
            Some(element) if source.rng.bool() => element.clone(),
            _ => {
                let mut fresh: Vec<u8> =
                    (0..self.header + source.below(24)).map(|_| source.rng.u8(..)).collect();
                self.set_length(&mut fresh, None);
                self.type_of_dictionary(&mut fresh, source);
                fresh
            }
        };
        elements.insert(to, element);
    }

    fn retype(&self, elements: &mut [Vec<u8>], source: &mut Source<'_>) {
        let at = source.below(elements.len());
        let Some(element) = elements.get_mut(at) else { return };
        if !source.one_in(3) {
            return self.type_of_dictionary(element, source);
        }
        if let Some(kind) = element.get_mut(..self.kind) {
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
    fn change_one(
        &self,
        elements: &mut [Vec<u8>],
        source: &mut Source<'_>,
        inner: fn(&mut Vec<u8>, &mut Source<'_>) -> bool,
    ) {
        let at = source.below(elements.len());
        let Some(element) = elements.get_mut(at) else { return };
        if !(source.rng.bool() && inner(element, source)) {
            let header = element[..self.header.min(element.len())].to_vec();
            let mut value = element.split_off(header.len());
            super::bytes::mutate(&mut value, source);
            element.extend_from_slice(&value);
        }
        let wrong = source.one_in(8).then(|| source.number(element.len() as u64));
        self.set_length(element, wrong);
    }
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
        let elements = Shape::ATTRIBUTE.split(row);
        assert_eq!(elements, [&b"\x80\x22\x00\x03abc"[..], b"\x00\x06\x00\x04abcd"]);
        let mut out = Vec::new();
        Shape::ATTRIBUTE.join(&elements, &mut out);
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
            assert_eq!(shape.split(&element), [element.clone()]);
        }
    }
}
