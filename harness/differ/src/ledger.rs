//! The ledger of disagreements: who is right, by which clause, and the smallest input that shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::account::unhex;
use crate::class::{Class, Kind};

/// Who is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// Our parser.
    Ours,
    /// The other one, by a clause that leaves ours no choice; ours is to be repaired.
    Theirs,
    /// Both: the specification leaves it open.
    May,
}

/// A cause of disagreements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The clause that decides.
    pub clause: String,
    /// Who is right.
    pub ruling: Ruling,
    /// Why, in a sentence.
    pub why: String,
    /// Where it was seen.
    pub seen: Vec<Seen>,
}

/// One class: a parser that disagrees for a cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Whose parser.
    pub parser: String,
    /// `accepts`, `refuses`, `reads FIELD` or `panics`.
    pub kind: String,
    /// The words of the refusal or the place of the panic, as [`Class::says`].
    #[serde(default)]
    pub says: String,
    /// The smallest input, as hexadecimal digits.
    pub hex: Option<String>,
    /// The smallest input, as text.
    pub text: Option<String>,
}

impl Seen {
    /// The smallest input that shows the class.
    #[must_use]
    pub fn input(&self) -> Option<Vec<u8>> {
        match (&self.hex, &self.text) {
            (Some(digits), None) => unhex(digits),
            (None, Some(text)) => Some(text.clone().into_bytes()),
            _ => None,
        }
    }

    fn is(&self, class: &Class) -> bool {
        self.parser == class.parser
            && (self.says == ANY || self.says == class.says)
            && is_kind(&self.kind, class.kind)
    }
}

/// What stands for any words or any field: of a parser that goes on at a wrong place there is no
/// telling what it comes upon.
pub(crate) const ANY: &str = "*";

/// Compares without putting words together: this is asked for each disagreement.
fn is_kind(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Accepts => text == "accepts",
        Kind::Refuses => text == "refuses",
        Kind::Panics => text == "panics",
        Kind::Reads(field) => {
            text.strip_prefix("reads ").is_some_and(|name| name == ANY || name == field)
        }
    }
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be read.
    #[error("read the ledger {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not of its form.
    #[error("read the ledger {path}: {source}")]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
}

/// The ledger of a format.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    causes: BTreeMap<String, Cause>,
}

impl Ledger {
    /// Reads `FOLDER/FORMAT.toml`; a ledger that is not there is empty.
    ///
    /// # Errors
    /// It is there and cannot be read, or is not of its form.
    pub fn load(folder: &Path, format: &str) -> Result<Self, LedgerError> {
        let path = folder.join(format!("{format}.toml"));
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|source| LedgerError::Read { path: path.clone(), source })?;
        Self::parse(&text).map_err(|source| LedgerError::Form { path, source: Box::new(source) })
    }

    /// Reads the text of a ledger.
    ///
    /// # Errors
    /// It is not of its form.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { causes: toml::from_str(text)? })
    }

    /// The causes, by their names.
    pub fn causes(&self) -> impl Iterator<Item = (&str, &Cause)> {
        self.causes.iter().map(|(name, cause)| (name.as_str(), cause))
    }

    /// The cause of this name.
    #[must_use]
    pub fn cause(&self, name: &str) -> Option<&Cause> {
        self.causes.get(name)
    }

    /// Whether it has this class, were its cause the one of this name; then the class as it has it,
    /// which may stand for any words or any field.
    #[must_use]
    pub(crate) fn find(&self, class: &Class, cause: &str) -> Option<Class> {
        let seen = self.causes.get(cause)?.seen.iter().find(|seen| seen.is(class))?;
        let mut found = Class { cause: cause.to_owned(), ..class.clone() };
        if seen.says == ANY {
            ANY.clone_into(&mut found.says);
        }
        if matches!(class.kind, Kind::Reads(_)) && seen.kind.ends_with(ANY) {
            found.kind = Kind::Reads(ANY);
        }
        Some(found)
    }

    /// Whether a class is ruled.
    #[must_use]
    pub fn rules(&self, class: &Class) -> bool {
        self.find(class, &class.cause).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[high-bits]
clause = "RFC 8489 §5"
ruling = "ours"
why = "They are zero in every message."
seen = [{ parser = "other", kind = "accepts", hex = "8001" }]
"#;

    fn class(kind: Kind, says: &str) -> Class {
        let (parser, cause) = ("other".to_owned(), "high-bits".to_owned());
        Class { parser, kind, cause, says: says.to_owned() }
    }

    #[test]
    fn a_class_is_ruled_if_parser_kind_cause_and_words_are_the_same() {
        let ledger = Ledger::parse(TEXT).expect("of its form");
        assert!(ledger.rules(&class(Kind::Accepts, "")));
        assert!(!ledger.rules(&class(Kind::Refuses, "")));
        assert!(!ledger.rules(&class(Kind::Reads("type"), "")));
        assert!(!ledger.rules(&class(Kind::Accepts, "why")));
        let other = Class { parser: "third".to_owned(), ..class(Kind::Accepts, "") };
        assert!(!ledger.rules(&other));
    }

    #[test]
    fn a_ledger_with_a_ruling_nobody_knows_is_refused() {
        assert!(Ledger::parse(&TEXT.replace("ours", "nobody")).is_err());
        assert!(Ledger::parse(&TEXT.replace("clause", "cluase")).is_err());
    }
}
