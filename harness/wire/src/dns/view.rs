//! DNS messages as they are.

use super::{DnsError, HEADER, NameView, RecordType};

/// Where in a message a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Answers.
    Answer,
    /// Authority; in multicast DNS, what a host wants to be its own (RFC 6762 §8.1).
    Authority,
    /// Additional.
    Additional,
}

/// Any bytes, read as a DNS message.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    bytes: &'a [u8],
}

/// A question as it is.
#[derive(Clone, Copy, Debug)]
pub struct QuestionView<'a> {
    /// Whose records are asked for.
    pub name: NameView<'a>,
    /// Of which type.
    pub kind: RecordType,
    /// The class with its top bit.
    pub class: u16,
}

/// A record as it is.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// Its section.
    pub section: Section,
    /// Whose it is.
    pub name: NameView<'a>,
    /// Its type.
    pub kind: RecordType,
    /// The class with its top bit.
    pub class: u16,
    /// How many seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: &'a [u8],
}

impl<'a> View<'a> {
    /// Any bytes do.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Joins a response to its query; 0 in most messages of multicast DNS (RFC 6762 §18.1).
    #[must_use]
    pub fn id(&self) -> Option<u16> {
        self.word(0)
    }

    /// QR, opcode, AA, TC, RD, RA, Z, AD, CD and RCODE.
    #[must_use]
    pub fn flags(&self) -> Option<u16> {
        self.word(2)
    }

    /// Whether it is a response; `None` if there is no such bit.
    #[must_use]
    pub fn is_response(&self) -> Option<bool> {
        self.flags().map(|flags| flags & super::message::RESPONSE != 0)
    }

    /// How many questions, answers, authority and additional records the header counts.
    #[must_use]
    pub fn counts(&self) -> Option<[u16; 4]> {
        Some([self.word(4)?, self.word(6)?, self.word(8)?, self.word(10)?])
    }

    /// Its questions, up to the first defect.
    pub fn questions(&self) -> impl Iterator<Item = Result<QuestionView<'a>, DnsError>> {
        let [questions, ..] = self.counts().unwrap_or_default();
        let mut walk = Walk { bytes: self.bytes, at: HEADER, over: false };
        (0..questions).map_while(move |_| walk.next(Walk::question))
    }

    /// Its records in order, up to the first defect, which may be in the questions before them. That
    /// a name cannot be followed is none: what is behind it is found all the same.
    pub fn records(&self) -> impl Iterator<Item = Result<RecordView<'a>, DnsError>> {
        let [questions, answers, authorities, additionals] = self.counts().unwrap_or_default();
        let mut walk = Walk { bytes: self.bytes, at: HEADER, over: false };
        let behind = (0..questions).try_for_each(|_| walk.question().map(|_| ()));
        let places = [
            (Section::Answer, answers),
            (Section::Authority, authorities),
            (Section::Additional, additionals),
        ];
        let places = places.into_iter().flat_map(|(place, count)| (0..count).map(move |_| place));
        places
            .map_while(move |section| walk.next(|walk| behind.and_then(|()| walk.record(section))))
    }

    /// Whether all that the header counts is there, and nothing else.
    ///
    /// # Errors
    /// The first [`DnsError`].
    pub fn check(&self) -> Result<(), DnsError> {
        let [questions, records @ ..] = self.counts().ok_or(DnsError::Short(self.bytes.len()))?;
        let mut walk = Walk { bytes: self.bytes, at: HEADER, over: false };
        for _ in 0..questions {
            walk.question()?.name.to_name()?;
        }
        for _ in 0..records.map(u32::from).into_iter().sum::<u32>() {
            walk.record(Section::Answer)?.name.to_name()?;
        }
        match self.bytes.len() - walk.at {
            0 => Ok(()),
            more => Err(DnsError::Trailing(more)),
        }
    }

    fn word(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }
}

/// A place in a message, on the way to its end.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// There was a defect, and what follows cannot be found.
    over: bool,
}

impl<'a> Walk<'a> {
    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DnsError>,
    ) -> Option<Result<T, DnsError>> {
        if self.over {
            return None;
        }
        let read = read(self);
        self.over = read.is_err();
        Some(read)
    }

    fn question(&mut self) -> Result<QuestionView<'a>, DnsError> {
        let name = self.name()?;
        let [kind, class] = [self.word()?, self.word()?];
        Ok(QuestionView { name, kind: RecordType(kind), class })
    }

    fn record(&mut self, section: Section) -> Result<RecordView<'a>, DnsError> {
        let name = self.name()?;
        let [kind, class, high, low] = [self.word()?, self.word()?, self.word()?, self.word()?];
        let length = usize::from(self.word()?);
        let data = self.take(length)?;
        let (kind, ttl) = (RecordType(kind), u32::from(high) << 16 | u32::from(low));
        Ok(RecordView { section, name, kind, class, ttl, data })
    }

    fn name(&mut self) -> Result<NameView<'a>, DnsError> {
        let name = NameView::new(self.bytes, self.at);
        self.at = name.end()?;
        Ok(name)
    }

    fn word(&mut self) -> Result<u16, DnsError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DnsError> {
        let found = self.bytes.get(self.at..self.at + length);
        self.at += length;
        found.ok_or(DnsError::Short(self.bytes.len()))
    }
}
