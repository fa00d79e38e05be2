//! A whole session description as a typed value.

use std::fmt::{self, Write};
use std::str::FromStr;

use super::attributes::Attributes;
use super::build::Builder;
use super::fault::Fault;
use super::group::Group;
use super::media::{Media, line, lines};
use super::origin::{Address, Bandwidth, Origin, Timing};
use super::print::{Print, display};
use super::text::Text;
use super::view::View;

/// A session description. One that was read is valid, and so is what it prints.
///
/// It prints in the order of RFC 8866 §5 with CRLF; attributes keep their order. What a peer
/// really sent, byte for byte, is a [`View`].
///
/// ```
/// use rtcspec_wire::sdp::Session;
/// let text = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n";
/// let session: Session = text.parse()?;
/// assert_eq!(session.origin.session_version, 2);
/// assert_eq!(session.to_string(), text);
/// # Ok::<(), rtcspec_wire::sdp::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`.
    pub origin: Origin,
    /// `s=`.
    pub name: Text,
    /// `i=`.
    pub information: Option<Text>,
    /// `u=`.
    pub uri: Option<Text>,
    /// `e=`.
    pub emails: Vec<Text>,
    /// `p=`.
    pub phones: Vec<Text>,
    /// `c=`.
    pub connection: Option<Address>,
    /// `b=`.
    pub bandwidths: Vec<Bandwidth>,
    /// `t=` with its `r=`; `0 0` in WebRTC (RFC 9429 §5.2.1).
    pub timing: Timing,
    /// Further `t=`.
    pub further_timings: Vec<Timing>,
    /// `z=`.
    pub time_zones: Option<Text>,
    /// `k=`, obsolete.
    pub key: Option<Text>,
    /// `a=` of the session section, in order.
    pub attributes: Attributes,
    /// The media sections.
    pub media: Vec<Media>,
}

impl Session {
    /// A description with the mandatory lines and nothing else: `s=-` and `t=0 0`.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            name: Text::dash(),
            information: None,
            uri: None,
            emails: Vec::new(),
            phones: Vec::new(),
            connection: None,
            bandwidths: Vec::new(),
            timing: Timing::default(),
            further_timings: Vec::new(),
            time_zones: None,
            key: None,
            attributes: Attributes::default(),
            media: Vec::new(),
        }
    }

    /// Builds the value from bytes as a peer sent them.
    ///
    /// # Errors
    /// The first [`Fault`] that is not tolerated.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        Self::from_view(&View::parse(bytes))
    }

    /// Builds the value from a view.
    ///
    /// # Errors
    /// The first [`Fault`] that is not tolerated; [`View::faults`] lists them all.
    pub fn from_view(view: &View<'_>) -> Result<Self, Fault> {
        let mut builder = Builder::new(None);
        for (index, line) in view.lines().iter().enumerate() {
            builder.feed(index + 1, line)?;
        }
        builder.finish()
    }

    /// Prints the description; the same as `to_string`, faster.
    #[must_use]
    pub fn print(&self) -> String {
        let lines: usize = self.media.iter().map(|media| media.attributes.len() + 2).sum();
        let mut out = String::with_capacity((lines + self.attributes.len() + 4) * 48);
        print_into(self, &mut out);
        out
    }

    /// The BUNDLE groups (RFC 9143); JSEP uses the first.
    pub fn bundle_groups(&self) -> impl Iterator<Item = &Group> {
        self.attributes.groups().filter(|group| group.is_bundle())
    }

    /// The section with this mid and its index.
    #[must_use]
    pub fn media_by_mid(&self, mid: &str) -> Option<(usize, &Media)> {
        let has = |media: &Media| media.mid().is_some_and(|found| *found == mid);
        self.media.iter().enumerate().find(|(_, media)| has(media))
    }
}

fn print_into(session: &Session, out: &mut String) {
    Print::print(session, out).expect("invariant: writing to a string does not fail");
}

impl FromStr for Session {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::parse(text.as_bytes())
    }
}

impl Print for Session {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        out.write_str("v=0\r\n")?;
        line(out, "o=", &self.origin)?;
        line(out, "s=", &self.name)?;
        lines(out, "i=", self.information.as_slice())?;
        lines(out, "u=", self.uri.as_slice())?;
        lines(out, "e=", &self.emails)?;
        lines(out, "p=", &self.phones)?;
        lines(out, "c=", self.connection.as_slice())?;
        lines(out, "b=", &self.bandwidths)?;
        for timing in std::iter::once(&self.timing).chain(&self.further_timings) {
            line(out, "t=", timing)?;
            lines(out, "r=", &timing.repeats)?;
        }
        lines(out, "z=", self.time_zones.as_slice())?;
        lines(out, "k=", self.key.as_slice())?;
        lines(out, "a=", &self.attributes.0)?;
        self.media.iter().try_for_each(|media| media.print(out))
    }
}

display!(Session);
