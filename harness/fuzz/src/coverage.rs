//! Region coverage of a replay, and the ceilings that it is held to.
//!
//! A *region* is a piece of code without branches, as the compiler counts them
//! (`-C instrument-coverage`). Of a target count the files that it comes to at all: new code
//! elsewhere is none of its business. What nobody comes to is in the row of all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folders of `harness/` whose coverage counts.
pub const CRATES: [&str; 3] = ["wire", "peer", "net"];

/// The row of all targets together.
pub const ALL: &str = "all";

/// How far over its ceiling a number may be: one in two hundred of the regions, and at least
/// [`LEAST_SLACK`]. An error path that is added beside covered code, or a function that the compiler
/// maps otherwise, is no loss of the corpus; as ceilings do not rise, many of them are.
const SLACK: u64 = 200;
const LEAST_SLACK: u64 = 4;

/// Why ceilings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// `ceilings.toml` is not a table of tables of numbers.
    #[error("read the ceilings: {0}")]
    Ceilings(#[from] toml::de::Error),
}

/// Regions of some code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// How many there are.
    pub count: u64,
    /// How many were executed.
    pub covered: u64,
}

impl Regions {
    /// Those that were not executed.
    #[must_use]
    pub const fn uncovered(&self) -> u64 {
        self.count.saturating_sub(self.covered)
    }

    /// How many more than a ceiling may be uncovered.
    const fn slack(&self) -> u64 {
        let share = self.count / SLACK;
        if share > LEAST_SLACK { share } else { LEAST_SLACK }
    }

    /// Executed ones in per cent; of nothing, all.
    #[must_use]
    pub fn percent(&self) -> f64 {
        if self.count == 0 { 100.0 } else { self.covered as f64 * 100.0 / self.count as f64 }
    }
}

/// Which files of a crate count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// All.
    All,
    /// Those with an executed region.
    Reached,
}

/// Regions by crate, of those by file.
#[must_use]
pub fn by_crate(files: &[(PathBuf, Regions)], which: Files) -> Row {
    let mut row = Row::new();
    for (path, regions) in files {
        let Some(name) = crate_of(path) else { continue };
        if which == Files::All || regions.covered > 0 {
            let sum = row.entry(name.to_owned()).or_default();
            sum.count += regions.count;
            sum.covered += regions.covered;
        }
    }
    row
}

/// Of which of [`CRATES`] a file is.
#[must_use]
pub fn crate_of(path: &Path) -> Option<&'static str> {
    let path = path.to_string_lossy();
    CRATES.into_iter().find(|name| path.contains(&format!("harness/{name}/src/")))
}

/// A file's place in a checkout, without where that lies.
#[must_use]
pub fn in_checkout(path: &Path) -> &Path {
    let whole = path.to_str().unwrap_or_default();
    whole.find("harness/").map_or(path, |at| Path::new(&whole[at..]))
}

/// Regions by crate.
pub type Row = BTreeMap<String, Regions>;

/// Rows by target, and that of all.
pub type Table = BTreeMap<String, Row>;

/// How many regions may be uncovered, by target and crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceilings(BTreeMap<String, BTreeMap<String, u64>>);

/// A number that is over its ceiling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{target}: {uncovered} regions of {name} are uncovered, {ceiling} may be, and {slack} more"
)]
pub struct Breach {
    /// The target, or [`ALL`].
    pub target: String,
    /// The crate.
    pub name: String,
    /// Uncovered regions.
    pub uncovered: u64,
    /// How many may be; none, where nothing is written down.
    pub ceiling: u64,
    /// By how much it may be exceeded.
    pub slack: u64,
}

impl Ceilings {
    /// Reads `ceilings.toml`.
    ///
    /// # Errors
    /// It is not a table of tables of numbers.
    pub fn parse(text: &str) -> Result<Self, CoverageError> {
        Ok(Self(toml::from_str(text)?))
    }

    /// What is over its ceiling, by more than may be.
    #[must_use]
    pub fn breaches(&self, table: &Table) -> Vec<Breach> {
        self.compared(table)
            .filter(|(_, _, regions, ceiling)| {
                regions.uncovered() > ceiling.map_or(0, |ceiling| ceiling + regions.slack())
            })
            .map(|(target, name, regions, ceiling)| Breach {
                target: target.to_owned(),
                name: name.to_owned(),
                uncovered: regions.uncovered(),
                ceiling: ceiling.unwrap_or(0),
                slack: if ceiling.is_some() { regions.slack() } else { 0 },
            })
            .collect()
    }

    /// How many ceilings could be lower.
    #[must_use]
    pub fn loose(&self, table: &Table) -> usize {
        self.compared(table)
            .filter(|(_, _, now, ceiling)| ceiling.is_some_and(|it| now.uncovered() < it))
            .count()
    }

    /// With each ceiling as low as what was measured; none rises, what has none gets one.
    #[must_use]
    pub fn lowered(&self, table: &Table) -> Self {
        let mut lower = self.clone();
        for (target, name, regions, ceiling) in self.compared(table) {
            let uncovered = regions.uncovered();
            let row = lower.0.entry(target.to_owned()).or_default();
            row.insert(
                name.to_owned(),
                ceiling.map_or(uncovered, |ceiling| ceiling.min(uncovered)),
            );
        }
        lower
    }

    fn compared<'a>(
        &'a self,
        table: &'a Table,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Regions, Option<u64>)> {
        table.iter().flat_map(move |(target, row)| {
            row.iter().map(move |(name, regions)| {
                let ceiling = self.0.get(target).and_then(|row| row.get(name)).copied();
                (target.as_str(), name.as_str(), regions, ceiling)
            })
        })
    }
}

impl std::fmt::Display for Ceilings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("# Regions that the corpus leaves uncovered, by target and crate. They may only fall:\n")?;
        f.write_str(
            "# `rtcspec fuzz cover --lower` writes what it measures where that is less. A few more regions\n\
             # than here, one in two hundred of all, are not yet a breach.\n",
        )?;
        for (target, row) in &self.0 {
            write!(f, "\n[{target}]\n")?;
            for (name, ceiling) in row {
                writeln!(f, "{name} = {ceiling}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(which: Files) -> Row {
        let files = [
            ("/x/harness/wire/src/demux.rs", Regions { count: 10, covered: 8 }),
            ("/x/harness/wire/src/stun/view.rs", Regions { count: 30, covered: 0 }),
            ("/x/harness/fuzz/src/case.rs", Regions { count: 9, covered: 9 }),
        ];
        by_crate(&files.map(|(path, regions)| (PathBuf::from(path), regions)), which)
    }

    fn table() -> Table {
        let of_all = (ALL.to_owned(), row(Files::All));
        Table::from([of_all, ("demux".to_owned(), row(Files::Reached))])
    }

    #[test]
    fn regions_are_counted_by_crate_and_a_target_answers_for_the_files_it_comes_to() {
        let table = table();
        assert_eq!(table[ALL], Row::from([("wire".to_owned(), Regions { count: 40, covered: 8 })]));
        assert_eq!(table["demux"]["wire"].uncovered(), 2);
        let here = Path::new("harness/wire/src/demux.rs");
        assert_eq!(in_checkout(&Path::new("/x").join(here)), here);
        assert_eq!(in_checkout(Path::new("/y/lib.rs")), Path::new("/y/lib.rs"));
    }

    #[test]
    fn more_than_the_ceiling_and_its_slack_and_what_has_no_ceiling_are_breaches() {
        let told = |text: &str| -> Vec<String> {
            let ceilings = Ceilings::parse(text).expect("ceilings");
            ceilings.breaches(&table()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            told("[all]\nwire = 27\n[demux]\n"),
            [
                "all: 32 regions of wire are uncovered, 27 may be, and 4 more",
                "demux: 2 regions of wire are uncovered, 0 may be, and 0 more"
            ]
        );
        assert!(told("[all]\nwire = 28\n[demux]\nwire = 0\n").is_empty());
        let many = Regions { count: 10_000, covered: 0 };
        assert_eq!(many.slack(), 50);
        assert!(Ceilings::parse("[all]\nwire = 'many'\n").is_err());
    }

    #[test]
    fn ceilings_fall_and_never_rise() {
        let ceilings = Ceilings::parse("[all]\nwire = 31\n[demux]\nwire = 7\n").expect("ceilings");
        assert_eq!(ceilings.loose(&table()), 1);
        let lower = ceilings.lowered(&table());
        assert_eq!(Ceilings::parse(&lower.to_string()).expect("it reads its own"), lower);
        assert_eq!(
            lower,
            Ceilings::parse("[all]\nwire = 31\n[demux]\nwire = 2\n").expect("ceilings")
        );
    }
}
