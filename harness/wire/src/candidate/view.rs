//! A candidate line, part by part, as it stands.

use super::error::CandidateError;
use super::value::Candidate;

/// A candidate line seen as space-separated parts. Takes an SDP line (`a=candidate:...`), a value
/// of `RTCIceCandidate.candidate` (`candidate:...`) or the attribute's value alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateView<'a> {
    text: &'a str,
}

impl<'a> CandidateView<'a> {
    /// Looks at a line. Nothing is checked.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The line.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The line without `a=`, `candidate:` and line end.
    #[must_use]
    pub fn value(&self) -> &'a str {
        let text = self.text.trim_end_matches(['\r', '\n']);
        let text = text.strip_prefix("a=").unwrap_or(text);
        text.strip_prefix("candidate:").unwrap_or(text)
    }

    /// The strict value.
    ///
    /// # Errors
    /// The line does not follow the grammar.
    pub fn parse(&self) -> Result<Candidate, CandidateError> {
        Candidate::from_view(self)
    }

    /// `foundation`.
    #[must_use]
    pub fn foundation(&self) -> Option<&'a str> {
        self.part(0)
    }

    /// `component-id`.
    #[must_use]
    pub fn component(&self) -> Option<&'a str> {
        self.part(1)
    }

    /// `transport`.
    #[must_use]
    pub fn transport(&self) -> Option<&'a str> {
        self.part(2)
    }

    /// `priority`.
    #[must_use]
    pub fn priority(&self) -> Option<&'a str> {
        self.part(3)
    }

    /// `connection-address`.
    #[must_use]
    pub fn address(&self) -> Option<&'a str> {
        self.part(4)
    }

    /// `port`.
    #[must_use]
    pub fn port(&self) -> Option<&'a str> {
        self.part(5)
    }

    /// What stands where `typ` should.
    #[must_use]
    pub fn typ(&self) -> Option<&'a str> {
        self.part(6)
    }

    /// The candidate type.
    #[must_use]
    pub fn kind(&self) -> Option<&'a str> {
        self.part(7)
    }

    /// What stands after `raddr`.
    #[must_use]
    pub fn related_address(&self) -> Option<&'a str> {
        self.extension("raddr")
    }

    /// What stands after `rport`.
    #[must_use]
    pub fn related_port(&self) -> Option<&'a str> {
        self.extension("rport")
    }

    /// What stands after `tcptype` (RFC 6544 §4.5).
    #[must_use]
    pub fn tcp_type(&self) -> Option<&'a str> {
        self.extension("tcptype")
    }

    /// All that follows the type, as name and value; the value is `None` where the line ends.
    /// `raddr` and `rport` come first where they stand first.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        let mut parts = self.parts();
        parts.nth(7);
        parts.extensions()
    }

    /// The value after the first extension of that name.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&'a str> {
        self.extensions().find(|(found, _)| *found == name).and_then(|(_, value)| value)
    }

    fn part(&self, index: usize) -> Option<&'a str> {
        self.parts().nth(index)
    }

    pub(super) fn parts(&self) -> Parts<'a> {
        Parts { rest: Some(self.value()) }
    }
}

/// The parts of a candidate line in order. They are so short that looking for the next space byte
/// by byte is several times faster than a general search.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    rest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// What is left, as names and values.
    pub(super) fn extensions(self) -> Extensions<'a> {
        Extensions { parts: self }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let end = rest.bytes().position(|byte| byte == b' ');
        self.rest = end.and_then(|end| rest.get(end + 1..));
        end.map_or(Some(rest), |end| rest.get(..end))
    }
}

/// Iterator of [`CandidateView::extensions`].
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    parts: Parts<'a>,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.parts.next()?;
        Some((name, self.parts.next()))
    }
}
