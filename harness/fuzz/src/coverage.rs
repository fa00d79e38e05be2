//! Region coverage of a replay, and the ceilings that it is held to.
//!
//! A *region* is a piece of code without branches, as the compiler counts them
//! (`-C instrument-coverage`). Of a target count the files that it comes to at all: new code
//! elsewhere is none of its business. What nobody comes to is in the row of all.

use std::collections::BTreeMap;
use std::path::Path;

/// The folders of `harness/` whose coverage counts.
pub const CRATES: [&str; 3] = ["wire", "peer", "net"];

/// The row of all targets together.
pub const ALL: &str = "all";

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
pub fn by_crate<'a>(files: impl IntoIterator<Item = (&'a Path, Regions)>, which: Files) -> Row {
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

/// Regions by crate.
pub type Row = BTreeMap<String, Regions>;

/// Rows by target, and that of all.
pub type Table = BTreeMap<String, Row>;

/// How many regions may be uncovered, by target and crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceilings(BTreeMap<String, BTreeMap<String, u64>>);

/// A number that is over its ceiling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target}: {uncovered} regions of {name} are uncovered, {ceiling} may be")]
pub struct Breach {
    /// The target, or [`ALL`].
    pub target: String,
    /// The crate.
    pub name: String,
    /// Uncovered regions.
    pub uncovered: u64,
    /// How many may be; none, where nothing is written down.
    pub ceiling: u64,
}

impl Ceilings {
    /// Reads `ceilings.toml`.
    ///
    /// # Errors
    /// It is not a table of tables of numbers.
    pub fn parse(text: &str) -> Result<Self, CoverageError> {
        Ok(Self(toml::from_str(text)?))
    }

    /// What is over its ceiling.
    #[must_use]
    pub fn breaches(&self, table: &Table) -> Vec<Breach> {
        self.compared(table)
            .filter(|(_, _, uncovered, ceiling)| uncovered > &ceiling.unwrap_or(0))
            .map(|(target, name, uncovered, ceiling)| Breach {
                target: target.to_owned(),
                name: name.to_owned(),
                uncovered,
                ceiling: ceiling.unwrap_or(0),
            })
            .collect()
    }

    /// How many ceilings could be lower.
    #[must_use]
    pub fn loose(&self, table: &Table) -> usize {
        self.compared(table)
            .filter(|(_, _, now, ceiling)| ceiling.is_some_and(|it| *now < it))
            .count()
    }

    /// With each ceiling as low as what was measured; none rises, what has none gets one.
    #[must_use]
    pub fn lowered(&self, table: &Table) -> Self {
        let mut lower = self.clone();
        for (target, name, uncovered, ceiling) in self.compared(table) {
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
    ) -> impl Iterator<Item = (&'a str, &'a str, u64, Option<u64>)> {
        table.iter().flat_map(move |(target, row)| {
            row.iter().map(move |(name, regions)| {
                let ceiling = self.0.get(target).and_then(|row| row.get(name)).copied();
                (target.as_str(), name.as_str(), regions.uncovered(), ceiling)
            })
        })
    }
}

impl std::fmt::Display for Ceilings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("# Regions that the corpus leaves uncovered, by target and crate. They may only fall:\n")?;
        f.write_str(
            "# `rtcspec fuzz cover --lower` writes what it measures where that is less.\n",
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
        by_crate(files.map(|(path, regions)| (Path::new(path), regions)), which)
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
    }

    #[test]
    fn more_than_the_ceiling_and_what_has_no_ceiling_are_breaches() {
        let ceilings = Ceilings::parse("[all]\nwire = 31\n[demux]\n").expect("ceilings");
        let told: Vec<String> =
            ceilings.breaches(&table()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "all: 32 regions of wire are uncovered, 31 may be",
                "demux: 2 regions of wire are uncovered, 0 may be"
            ]
        );
        assert!(Ceilings::parse("[all]\nwire = 'many'\n").is_err());
    }

    #[test]
    fn ceilings_fall_and_never_rise() {
        let ceilings = Ceilings::parse("[all]\nwire = 31\n[demux]\nwire = 7\n").expect("ceilings");
        assert_eq!(ceilings.loose(&table()), 1);
        let lower = ceilings.lowered(&table());
        assert_eq!(Ceilings::parse(&lower.to_string()).expect("it reads its own"), lower);
        assert_eq!(lower.breaches(&table()).len(), 1, "the first is still over its ceiling");
        assert_eq!(
            lower,
            Ceilings::parse("[all]\nwire = 31\n[demux]\nwire = 2\n").expect("ceilings")
        );
    }
}
