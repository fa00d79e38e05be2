//! A session description exactly as it was sent.

use super::build::Builder;
use super::fault::Fault;

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as RFC 8866 §5 wants.
    CrLf,
    /// LF alone.
    Lf,
    /// Nothing: the last line of a text that does not end with a line end.
    None,
}

impl LineEnd {
    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
            Self::None => b"",
        }
    }
}

/// One line, whatever it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    raw: &'a [u8],
    name_end: u32,
    end: LineEnd,
}

impl<'a> Line<'a> {
    /// A line to put into a view.
    ///
    /// A line feed inside `raw` or a carriage return at its end makes a text that is read back
    /// as other lines, which may be just what a test wants.
    #[must_use]
    pub fn new(raw: &'a [u8], end: LineEnd) -> Self {
        let name_end = match raw {
            [b'a', b'=', rest @ ..] => {
                rest.iter().position(|byte| *byte == b':').map_or(raw.len(), |at| at + 2)
            }
            _ => 0,
        };
        // A name that long is no attribute anyone looks up; it reads as one without a value.
        Self { raw, name_end: u32::try_from(name_end).unwrap_or(u32::MAX), end }
    }

    /// The bytes without the line end.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// How the line ends.
    #[must_use]
    pub fn end(&self) -> LineEnd {
        self.end
    }

    /// The type letter, if the line has the form `letter=value`.
    #[must_use]
    pub fn kind(&self) -> Option<u8> {
        match self.raw {
            [kind, b'=', ..] if kind.is_ascii_alphabetic() => Some(*kind),
            _ => None,
        }
    }

    /// What follows `letter=`.
    #[must_use]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.kind().and(self.raw.get(2..))
    }

    /// Name and value of an `a=` line.
    #[must_use]
    pub fn attribute(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let name_end = usize::try_from(self.name_end).unwrap_or(usize::MAX).min(self.raw.len());
        let name = self.raw.get(2..name_end)?;
        Some((name, self.raw.get(name_end + 1..)))
    }

    /// The value of an `a=` line with this name; empty for a flag.
    #[must_use]
    pub fn attribute_named(&self, name: &str) -> Option<&'a [u8]> {
        let (found, value) = self.attribute()?;
        (found == name.as_bytes()).then_some(value.unwrap_or(b""))
    }
}

/// A session description as lines over the bytes it was read from: nothing is dropped, nothing
/// is judged, and printing gives the same bytes.
///
/// ```
/// use rtcspec_wire::sdp::View;
/// let bytes = b"v=0\no=broken\r\nnonsense\r\na=mid:0";
/// let view = View::parse(bytes);
/// assert_eq!(view.print(), bytes);
/// let faults: Vec<String> = view.faults().iter().map(ToString::to_string).collect();
/// assert_eq!(faults[1], "parse SDP line 2, column 9: expected a space and the session id");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View<'a> {
    lines: Vec<Line<'a>>,
}

impl<'a> View<'a> {
    /// Splits any bytes into lines, in linear time.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        // Lines of browsers have 38 bytes on average; the guess spares most of the growing.
        let mut lines = Vec::with_capacity(bytes.len() / 32 + 1);
        let mut start = 0;
        for feed in memchr::memchr_iter(b'\n', bytes) {
            let raw = bytes.get(start..feed).unwrap_or_default();
            start = feed + 1;
            lines.push(match raw {
                [raw @ .., b'\r'] => Line::new(raw, LineEnd::CrLf),
                _ => Line::new(raw, LineEnd::Lf),
            });
        }
        match bytes.get(start..) {
            None | Some([]) => {}
            Some(raw) => lines.push(Line::new(raw, LineEnd::None)),
        }
        Self { lines }
    }

    /// The lines, in order. Line numbers count from 1.
    #[must_use]
    pub fn lines(&self) -> &[Line<'a>] {
        &self.lines
    }

    /// The lines, to be changed, removed or added to.
    pub fn lines_mut(&mut self) -> &mut Vec<Line<'a>> {
        &mut self.lines
    }

    /// The bytes: of a view just parsed, those it was parsed from.
    #[must_use]
    pub fn print(&self) -> Vec<u8> {
        let length = self.lines.iter().map(|line| line.raw.len() + line.end.bytes().len()).sum();
        let mut out = Vec::with_capacity(length);
        for line in &self.lines {
            out.extend_from_slice(line.raw);
            out.extend_from_slice(line.end.bytes());
        }
        out
    }

    /// The session section and then each media section.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_, 'a>> {
        let is_media = |line: &Line<'_>| line.kind() == Some(b'm');
        let session = self.lines.iter().position(is_media).unwrap_or(self.lines.len());
        let (session, media) = self.lines.split_at(session);
        let media = media.chunk_by(move |_, next| !is_media(next));
        let mut first = 1;
        std::iter::once(session).chain(media).map(move |lines| {
            let section = Section { first, lines };
            first += lines.len();
            section
        })
    }

    /// Everything wrong with the text, tolerated or not, in order of lines.
    ///
    /// A line with an error does not hide the faults of the next ones.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut builder = Builder::new(Some(&mut faults));
        for (index, line) in self.lines.iter().enumerate() {
            if let Err(fault) = builder.feed(index + 1, line) {
                builder.record(fault);
            }
        }
        builder.record_missing();
        faults
    }
}

/// The lines of one section.
#[derive(Clone, Copy, Debug)]
pub struct Section<'v, 'a> {
    /// Number of its first line.
    pub first: usize,
    /// Its lines; a media section starts with its `m=` line.
    pub lines: &'v [Line<'a>],
}

impl<'v, 'a> Section<'v, 'a> {
    /// The value of the first attribute of this name; empty for a flag.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.lines.iter().find_map(|line| line.attribute_named(name))
    }

    /// The values of all attributes of this name.
    pub fn attributes(&self, name: &'v str) -> impl Iterator<Item = &'a [u8]> + use<'v, 'a> {
        self.lines.iter().filter_map(move |line| line.attribute_named(name))
    }
}
