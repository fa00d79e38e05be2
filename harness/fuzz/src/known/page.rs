//! `KNOWN_BAD.md`, printed from the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rtcspec_suite::cases;
use rtcspec_suite::expectation::glob;
use serde::Deserialize;

use super::{Input, Known, OUTSIDE, Others, all};

/// What is expected of one implementation, by its file of expectations.
#[derive(Clone, Debug)]
pub struct Verdicts {
    expected: Vec<Expected>,
}

#[derive(Clone, Debug, Deserialize)]
struct Expected {
    case: String,
    verdict: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    expect: Vec<Expected>,
}

impl Verdicts {
    /// Reads a file of expectations, without its conditions.
    ///
    /// # Errors
    /// It is no TOML of that kind.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let File { expect } = toml::from_str(text)?;
        Ok(Self { expected: expect })
    }

    /// What comes of a run: what is not expected to be otherwise passes.
    fn of(&self, run: &str) -> &str {
        let found = self.expected.iter().find(|entry| glob(&entry.case, run));
        found.map_or("pass", |entry| &entry.verdict)
    }

    /// What comes of a case or a scenario, in a word if its roles agree.
    fn in_words(&self, id: &str) -> String {
        let runs: Vec<String> = match cases::find(id) {
            Some(case) => case.roles.all().iter().map(|role| case.run_id(*role)).collect(),
            None => vec![format!("{id}@answerer"), format!("{id}@offerer")],
        };
        let verdicts: Vec<&str> = runs.iter().map(|run| self.of(run)).collect();
        if verdicts.iter().all(|verdict| *verdict == verdicts[0]) {
            return verdicts[0].to_owned();
        }
        let words = runs.iter().zip(&verdicts).map(|(run, verdict)| {
            let role = run.rsplit('@').next().unwrap_or_default();
            format!("{verdict} as {role}")
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

const HEAD: &str = "\
# Known bad

Bugs that WebRTC stacks had, each with an input of ours that shows it. Made from `src/known/`, by
`RTCSPEC_BLESS=1 cargo test -p rtcspec-fuzz --test known_bad`; that test also runs every row: our own
code says of the input what stands under *ours*, within a budget of memory and time, and the same code
with the bug built in does not.

*row* is the row of the survey the bug comes from; bugs without one were found since. *played by* names
the case or scenario that plays it against any stack (`rtcspec run ID --peer NAME`). Verdicts of *rtc*
and *str0m* are those that `scenarios/expect/{rtc,str0m}.toml` expect, with reasons and evidence there.
*other parsers* read the same input in process (`harness/differ`); what is right about where they differ
from ours is in `corpus/ledger/`.
";

/// What parsers of others say: by row, then by parser.
pub type Said = BTreeMap<String, BTreeMap<String, String>>;

/// The whole page.
#[must_use]
pub fn page(rtc: &Verdicts, str0m: &Verdicts, said: &Said) -> String {
    let mut out = HEAD.to_owned();
    let mut layer = "";
    for known in all() {
        if known.layer() != layer {
            layer = known.layer();
            let _ = write!(out, "\n## {layer}\n\n{COLUMNS}");
        }
        let _ = writeln!(out, "{}", line(known, rtc, str0m, said));
    }
    out.push_str("\n## Not here\n\n");
    for (row, why) in OUTSIDE {
        let _ = writeln!(out, "* Row {row}: {why}.");
    }
    let rows = all().count();
    let played = all().filter(|known| matches!(known.others, Others::Run(_))).count();
    let _ = writeln!(out, "\n{rows} rows, {played} of them played against other stacks.");
    out
}

const COLUMNS: &str = "\
| id | row | source | what went wrong | input | ours | played by | rtc | str0m | other parsers |
|---|---|---|---|---|---|---|---|---|---|
";

fn line(known: &Known, rtc: &Verdicts, str0m: &Verdicts, said: &Said) -> String {
    let (played, theirs) = match known.others {
        Others::Run(id) => (format!("`{id}`"), [rtc.in_words(id), str0m.in_words(id)]),
        Others::Parsers(format) => {
            (format!("parsers of `{format}`"), ["-".to_owned(), "-".to_owned()])
        }
        Others::Nobody(why) => (format!("nobody: {why}"), ["-".to_owned(), "-".to_owned()]),
    };
    let row = known.row.map_or("-".to_owned(), |row| row.to_string());
    let input = match known.input {
        Input::Bytes(bytes) => format!("`{}`", hex(bytes)),
        Input::Text(text) => format!("`{}`", text.escape_debug()),
        Input::Events(words) => words.to_owned(),
    };
    let said = said.get(known.id).map(|said| {
        said.iter().map(|(parser, word)| format!("{parser} {word}")).collect::<Vec<_>>().join(", ")
    });
    let cells = [
        &format!("`{}`", known.id),
        &row,
        known.source,
        known.cause,
        &input,
        known.right,
        &played,
        &theirs[0],
        &theirs[1],
        &said.unwrap_or_else(|| "-".to_owned()),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |", cells.join(" | "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
