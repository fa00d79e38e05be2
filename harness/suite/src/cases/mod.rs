//! Hostile cases: the reference peer misbehaves on request, and the peer under test must cope.

/// A case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `layer/slug`.
    pub id: &'static str,
    /// One sentence.
    pub title: &'static str,
    /// What happens and what must come of it.
    pub about: &'static str,
    /// RFC clauses.
    pub tests: &'static [&'static str],
}

/// All of them, by id.
pub const ALL: &[Case] = &[];
