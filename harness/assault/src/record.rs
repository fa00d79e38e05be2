//! The file that plays a finding again.

use rtcspec_control::Hello;
use serde::{Deserialize, Serialize};

use crate::cause::Kind;
use crate::input::Plan;
use crate::minimise::Small;
use crate::session::Seen;

/// Version of the format.
const VERSION: u32 = 1;

/// A finding, and the sessions that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the format: 1.
    pub version: u32,
    /// Whose defect.
    pub implementation: String,
    /// Its version.
    pub implementation_version: String,
    /// Layer, kind and cause: what expectations name.
    pub class: String,
    /// Kind.
    pub kind: Kind,
    /// Cause.
    pub cause: String,
    /// Whether these sessions showed it again when they were played.
    pub reproduced: bool,
    /// How often the sessions are played, one after the other, in one process.
    pub repeat: u32,
    /// The end of what the process wrote for people.
    pub log: Vec<String>,
    /// The sessions.
    #[serde(rename = "session")]
    pub plans: Vec<Plan>,
}

/// Why a file is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not TOML of this shape.
    #[error("{0}")]
    Shape(#[from] toml::de::Error),
    /// From another version of rtcspec.
    #[error("version {0} of the format is not known")]
    Version(u32),
}

impl Record {
    pub(crate) fn new(hello: &Hello, seen: &Seen, small: Small) -> Self {
        Self {
            version: VERSION,
            implementation: hello.implementation.clone(),
            implementation_version: hello.version.clone(),
            class: seen.class(),
            kind: seen.kind,
            cause: seen.cause.clone(),
            reproduced: small.reproduced,
            repeat: small.repeat,
            log: seen.log.iter().map(|line| without_folders(line)).collect(),
            plans: small.plans,
        }
    }

    /// The text of the file.
    ///
    /// # Panics
    /// Never: a record has nothing that TOML cannot say.
    #[must_use]
    pub fn write(&self) -> String {
        toml::to_string_pretty(self).expect("invariant: a record has nothing that TOML cannot say")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RecordError`] with the place.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let record: Self = toml::from_str(text)?;
        match record.version {
            VERSION => Ok(record),
            other => Err(RecordError::Version(other)),
        }
    }

    /// Whether something seen is what the record is about.
    #[must_use]
    pub fn is_shown_by(&self, seen: &[Seen]) -> bool {
        seen.iter().any(|seen| seen.kind == self.kind && seen.cause == self.cause)
    }
}

/// Parts of a path that say which file it is; what comes before them says whose machine it was.
const TELLING: usize = 3;

/// A line in which absolute paths begin with `…/` and have their last parts only.
fn without_folders(line: &str) -> String {
    let in_path = |char: char| char.is_ascii_alphanumeric() || "/._-@+".contains(char);
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('/') {
        let (before, path) = rest.split_at(at);
        let (path, after) = path.split_at(path.find(|char| !in_path(char)).unwrap_or(path.len()));
        out.push_str(before);
        let inside = before.ends_with(in_path);
        match path.rmatch_indices('/').nth(TELLING - 1) {
            Some((cut, _)) if cut > 0 && !inside => {
                out.push('…');
                out.push_str(&path[cut..]);
            }
            _ => out.push_str(path),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::input::Arsenal;
    use crate::layer::Layer;

    const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus");

    fn record(plans: Vec<Plan>) -> Record {
        Record {
            version: VERSION,
            implementation: "x".to_owned(),
            implementation_version: "1".to_owned(),
            class: "sctp/crash/signal".to_owned(),
            kind: Kind::Crash,
            cause: "signal".to_owned(),
            reproduced: true,
            repeat: 1,
            log: vec!["\"last\" words".to_owned()],
            plans,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_seed_gives_its_inputs() {
        let arsenal = |seed| Arsenal::read(Path::new(CORPUS), &Layer::ALL, seed, 20).unwrap();
        let plans = |seed| (0..9).map(|number| arsenal(seed).plan(number)).collect::<Vec<_>>();
        assert_eq!(plans(7), plans(7));
        assert_ne!(plans(7), plans(8));
        let written = record(plans(7));
        assert_eq!(Record::read(&written.write()).unwrap(), written);
        let other = written.write().replace("version = 1\n", "version = 2\n");
        assert!(matches!(Record::read(&other), Err(RecordError::Version(2))));
    }

    #[test]
    fn a_log_does_not_tell_whose_machine_it_was() {
        let shortened = [
            ("at f (/home/me/x/node_modules/y/lib/z.js:7:1)", "at f (…/y/lib/z.js:7:1)"),
            ("  File \"/a/b/c/d.py\", line 3, in _run", "  File \"…/b/c/d.py\", line 3, in _run"),
            ("/usr/bin/python3", "/usr/bin/python3"),
            ("node:internal/buffer:88", "node:internal/buffer:88"),
            ("1/2 and a//b", "1/2 and a//b"),
        ];
        for (line, short) in shortened {
            assert_eq!(without_folders(line), short);
        }
    }

    #[test]
    fn all_that_is_kept_of_others_is_read_and_is_evidence() {
        let mut count = 0;
        for folder in fs::read_dir(Path::new(CORPUS).join("live")).unwrap().flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let text = fs::read_to_string(file.path()).unwrap();
                let record = Record::read(&text).unwrap();
                let place = format!("../scenarios/expect/{}.toml", record.implementation);
                let known = fs::read_to_string(Path::new(CORPUS).join(place)).unwrap();
                let name = file.file_name().into_string().unwrap();
                assert!(known.contains(&name), "{name} is no evidence");
                count += 1;
            }
        }
        assert!(count > 0);
    }
}
