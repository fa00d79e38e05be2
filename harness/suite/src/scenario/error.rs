//! What is wrong with a scenario file, where, and what was probably meant.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use toml::de::DeTable;

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong, as a sentence fragment.
    pub message: String,
    /// Where, in bytes; empty ranges point between characters.
    pub span: Option<Range<usize>>,
    /// What stands there.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    source: Arc<NamedSource<String>>,
}

/// Everything that is wrong with one scenario file.
#[derive(Clone, Debug)]
pub struct ScenarioError {
    /// Name of the file.
    pub file: String,
    /// The problems, in file order.
    pub problems: Vec<Problem>,
}

/// Collects problems of one file.
#[derive(Debug)]
pub(super) struct Collector {
    file: String,
    source: Arc<NamedSource<String>>,
    problems: Vec<Problem>,
}

impl Collector {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let source = Arc::new(NamedSource::new(file, text.to_owned()).with_language("TOML"));
        Self { file: file.to_owned(), source, problems: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        message: impl Into<String>,
        span: Option<Range<usize>>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            message: message.into(),
            span,
            label: label.into(),
            help,
            source: Arc::clone(&self.source),
        });
    }

    /// Where the key of a section stands, like `home` in `[nat.home]`.
    pub(super) fn place(&self, section: &str, key: &str) -> Option<Range<usize>> {
        let file = DeTable::parse(self.source.inner()).ok()?;
        let section = file.get_ref().get(section)?.get_ref().as_table()?;
        section.get_key_value(key).map(|(key, _)| key.span())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn finish(mut self) -> Result<(), ScenarioError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
        Err(ScenarioError { file: self.file, problems: self.problems })
    }
}

/// The word of `known` nearest to `word`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Help for a word that is not one of `known`.
pub(super) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(candidate) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let all: Vec<_> = known.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    (!all.is_empty()).then(|| format!("known here: {}", all.join(", ")))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(label, span.start, span.len()))))
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{}: {count} {noun} in this scenario file", self.file)
    }
}

impl std::error::Error for ScenarioError {}

impl Diagnostic for ScenarioError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
