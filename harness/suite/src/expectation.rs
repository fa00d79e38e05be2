//! What is known about an implementation: expected verdicts with their reasons.
//!
//! A verdict that is not fine and not listed, one that is fine although listed, an entry that
//! matches nothing and an entry past its date all fail the run. So do violations of audit rules
//! that are not accepted, and accepted ones that no longer show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rtcspec_control::{Feature, Hello};
use serde::Deserialize;

use crate::accepted::{Accepted, AcceptedEntry};
use crate::verdict::{RunResult, Standing, Verdict};

/// A calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
}

impl Date {
    /// Reads `2027-03-01`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok().filter(|month| (1..=12).contains(month))?;
        let day = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
        Some(Self { year, month, day })
    }

    /// The day that is this many days after 1970-01-01.
    #[must_use]
    pub fn from_unix_days(days: u32) -> Self {
        // Days since 0000-03-01 in the proleptic Gregorian calendar; eras of 400 years.
        let shifted = u64::from(days) + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a u32 of days is year 11 million at most"
        )]
        Self { year: year.min(9999) as u16, month: month as u8, day: day as u8 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectationFile {
    #[serde(default)]
    expect: Vec<Entry>,
    #[serde(default)]
    audit: Vec<AcceptedEntry>,
    #[serde(default)]
    fuzz: Vec<FuzzEntry>,
}

/// `[[fuzz]]`: what live campaigns are known to find.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FuzzEntry {
    class: String,
    reason: String,
    evidence: String,
    #[serde(default)]
    when: Condition,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    case: String,
    verdict: String,
    reason: String,
    evidence: String,
    #[serde(default)]
    issue: Option<String>,
    #[serde(default)]
    when: Condition,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default, rename = "depends-on-seed")]
    depends_on_seed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Condition {
    version: Option<String>,
    feature: Option<Feature>,
}

impl Condition {
    fn holds(&self, hello: &Hello) -> Result<bool, String> {
        let version = match &self.version {
            None => true,
            Some(condition) => version_holds(&hello.version, condition)
                .ok_or_else(|| format!("`{condition}` is not a version condition"))?,
        };
        Ok(version && self.feature.is_none_or(|feature| hello.has(feature)))
    }
}

impl FuzzEntry {
    /// Checks it; `None` if its condition does not hold.
    fn read(self, hello: &Hello) -> Result<Option<KnownClass>, String> {
        let Self { class, reason, evidence, when } = self;
        let about = |what: &str| format!("class `{class}`: {what}");
        if reason.trim().is_empty() || evidence.trim().is_empty() {
            return Err(about("a reason and evidence are needed"));
        }
        let holds = when.holds(hello).map_err(|what| about(&what))?;
        Ok(holds.then_some(KnownClass { class, reason, evidence }))
    }
}

/// One expected verdict.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Glob over run ids: `*` stands for any text.
    pub case: String,
    /// The verdict to expect.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// What shows that it is so: transcript lines, a source place, a reproducer.
    pub evidence: String,
    /// Public report, where there is one.
    pub issue: Option<String>,
    /// Past this day it fails the run.
    pub expires: Option<Date>,
    /// It shows with some seeds only (packets must be lost in a certain way): a verdict that is
    /// fine is expected too.
    pub depends_on_seed: bool,
}

/// A class of findings that live campaigns are known to come upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownClass {
    /// Glob over classes: layer, kind and cause.
    pub class: String,
    /// Why it is so.
    pub reason: String,
    /// What shows that it is so: a reproducer, a source place.
    pub evidence: String,
}

/// All that is expected of one implementation.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// The entries that apply, in file order.
    pub entries: Vec<Expectation>,
    /// Violations of audit rules that are known, in file order.
    pub accepted: Vec<Accepted>,
    /// What live campaigns are known to find, in file order. Campaigns depend on chance and on the
    /// wall's clock, so one that was not come upon is no error.
    pub fuzz: Vec<KnownClass>,
}

/// Why an expectations file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read expectations {file}: {reason}")]
pub struct ExpectationError {
    /// Which file.
    pub file: String,
    /// Why, with the line where there is one.
    pub reason: String,
}

impl Expectations {
    /// Reads the file of one implementation; entries whose condition does not hold are left out.
    ///
    /// # Errors
    /// [`ExpectationError`] with the line or the entry at fault.
    pub fn read(file: &str, text: &str, hello: &Hello) -> Result<Self, ExpectationError> {
        let error = |reason: String| ExpectationError { file: file.to_owned(), reason };
        let parsed: ExpectationFile = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        let mut entries = Vec::new();
        for entry in parsed.expect {
            let about = |reason: &str| error(format!("entry `{}`: {reason}", entry.case));
            let verdict = Verdict::from_word(&entry.verdict)
                .ok_or_else(|| about(&format!("`{}` is not a verdict", entry.verdict)))?;
            let expires = match entry.expires.as_deref() {
                None => None,
                Some(day) => {
                    Some(Date::parse(day).ok_or_else(|| about("`expires` is not a date"))?)
                }
            };
            if entry.reason.trim().is_empty() || entry.evidence.trim().is_empty() {
                return Err(about("an expectation needs a reason and evidence"));
            }
            if entry.when.holds(hello).map_err(|reason| about(&reason))? {
                entries.push(Expectation {
                    case: entry.case,
                    verdict,
                    reason: entry.reason,
                    evidence: entry.evidence,
                    issue: entry.issue,
                    expires,
                    depends_on_seed: entry.depends_on_seed,
                });
            }
        }
        let accepted = parsed.audit.into_iter().map(AcceptedEntry::read);
        let accepted = accepted.collect::<Result<_, _>>().map_err(error)?;
        let fuzz = parsed.fuzz.into_iter().filter_map(|entry| entry.read(hello).transpose());
        let fuzz = fuzz.collect::<Result<_, _>>().map_err(error)?;
        Ok(Self { entries, accepted, fuzz })
    }

    /// The entry that knows a class of findings of live campaigns.
    #[must_use]
    pub fn known_class(&self, class: &str) -> Option<&KnownClass> {
        self.fuzz.iter().find(|known| glob(&known.class, class))
    }

    fn find(&self, id: &str) -> Option<(usize, &Expectation)> {
        self.entries.iter().enumerate().find(|(_, entry)| glob(&entry.case, id))
    }
}

/// Whether a glob of cells names an answerer, as in `matrix/*@rtc-werift`, that takes no part: one
/// that is not installed everywhere.
fn is_of_somebody_absent(case: &str, known: &BTreeMap<String, Expectations>) -> bool {
    let Some((_, pair)) = case.strip_prefix("matrix").and_then(|rest| rest.split_once('@')) else {
        return false;
    };
    let answers = |name: &String| pair.ends_with(&format!("-{name}"));
    !pair.ends_with('*') && !known.keys().any(answers)
}

/// An entry that no longer says anything true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It matched no run.
    Unmatched {
        /// Implementation.
        implementation: String,
        /// Glob of the entry.
        case: String,
    },
    /// Its day has passed.
    Expired {
        /// Implementation.
        implementation: String,
        /// Glob of the entry.
        case: String,
        /// The day.
        on: Date,
    },
    /// No run broke the audit rule.
    Unbroken {
        /// Implementation.
        implementation: String,
        /// The rule.
        rule: String,
        /// Glob of the entry.
        case: String,
    },
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmatched { implementation, case } => {
                write!(f, "expectation `{case}` of {implementation} matched no run")
            }
            Self::Expired { implementation, case, on } => {
                write!(f, "expectation `{case}` of {implementation} expired on {on}")
            }
            Self::Unbroken { implementation, rule, case } => {
                write!(f, "audit rule `{rule}`, accepted of {implementation}, is kept in `{case}`")
            }
        }
    }
}

/// What ran to its full extent, so that an expectation about it that matched nothing is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    /// Every scenario and case.
    Runs,
    /// Every cell of the NAT matrix, between all implementations.
    Matrix,
    /// Neither: only a part was selected.
    Nothing,
}

impl Complete {
    /// Whether the runs an entry is about were all there.
    fn covers(self, case: &str) -> bool {
        let of_matrix = case.starts_with("matrix");
        match self {
            Self::Runs => !of_matrix,
            Self::Matrix => of_matrix,
            Self::Nothing => false,
        }
    }
}

/// Sets the standing of every result and lists stale entries.
pub fn judge(
    results: &mut [RunResult],
    known: &BTreeMap<String, Expectations>,
    today: Date,
    complete: Complete,
) -> Vec<Stale> {
    let mut used: BTreeMap<(&str, usize), bool> = BTreeMap::new();
    for result in results.iter_mut() {
        let found = known
            .get_key_value(&result.implementation)
            .and_then(|(name, entries)| Some((name, entries.find(&result.id)?)));
        let Some((name, (index, entry))) = found else {
            result.standing =
                if result.verdict.is_fine() { Standing::Expected } else { Standing::New };
            continue;
        };
        used.insert((name, index), true);
        result.standing = match result.verdict {
            verdict if verdict == entry.verdict => Standing::Xfail,
            // What was not tried shows neither a defect nor that it is gone.
            Verdict::Unsupported => Standing::Expected,
            verdict if verdict.is_fine() && entry.depends_on_seed => Standing::Expected,
            verdict if verdict.is_fine() => Standing::Xpass,
            _ => Standing::New,
        };
        if result.standing != Standing::Expected {
            result.reason = Some(entry.reason.clone());
        }
    }
    let mut stale = unbroken(results, known, complete);
    for (name, expectations) in known {
        for (index, entry) in expectations.entries.iter().enumerate() {
            let (implementation, case) = (name.clone(), entry.case.clone());
            if let Some(on) = entry.expires.filter(|day| *day < today) {
                stale.push(Stale::Expired { implementation, case, on });
            } else if complete.covers(&entry.case)
                && !is_of_somebody_absent(&entry.case, known)
                && !used.contains_key(&(name.as_str(), index))
            {
                stale.push(Stale::Unmatched { implementation, case });
            }
        }
    }
    stale
}

/// Holds violations of audit rules against what is accepted of each implementation, and lists what
/// no longer shows.
fn unbroken(
    results: &mut [RunResult],
    known: &BTreeMap<String, Expectations>,
    complete: Complete,
) -> Vec<Stale> {
    let none = Vec::new();
    let mut broken: BTreeSet<(String, usize)> = BTreeSet::new();
    for result in results {
        let accepted = known.get(&result.implementation).map_or(&none, |known| &known.accepted);
        let used = crate::accepted::judge(result, accepted);
        broken.extend(used.into_iter().map(|index| (result.implementation.clone(), index)));
    }
    let mut stale = Vec::new();
    for (name, expectations) in known {
        for (index, entry) in expectations.accepted.iter().enumerate() {
            let shows = entry.depends_on_seed || broken.contains(&(name.clone(), index));
            if complete.covers(&entry.case) && !shows {
                let (rule, case) = (entry.rule.clone(), entry.case.clone());
                stale.push(Stale::Unbroken { implementation: name.clone(), rule, case });
            }
        }
    }
    stale
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let head = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

/// `<4.3`, `>=0.21`, `=1.2.3`; `None` when the condition is not of that form.
fn version_holds(version: &str, condition: &str) -> Option<bool> {
    let split = condition.find(|c: char| c.is_ascii_digit())?;
    let (operator, wanted) = condition.split_at(split);
    let order = numbers(version).cmp(&numbers(wanted));
    match operator.trim() {
        "<" => Some(order.is_lt()),
        "<=" => Some(order.is_le()),
        ">" => Some(order.is_gt()),
        ">=" => Some(order.is_ge()),
        "=" => Some(order.is_eq()),
        _ => None,
    }
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_any_text_for_a_star() {
        assert!(glob("sctp/*/zero*", "sctp/3758/zero-limit"));
        assert!(glob("*", ""));
        assert!(glob("a*a", "aba"));
        assert!(!glob("a*a", "a"));
        assert!(!glob("sctp/*", "dtls/x"));
        assert!(!glob("exact", "exactly"));
    }

    #[test]
    fn version_conditions_compare_numbers_not_text() {
        assert_eq!(version_holds("0.21.1", "<0.100"), Some(true));
        assert_eq!(version_holds("4.3", ">=4.3"), Some(true));
        assert_eq!(version_holds("4.3", "~4"), None);
    }

    #[test]
    fn unix_days_become_dates() {
        assert_eq!(Date::from_unix_days(0).to_string(), "1970-01-01");
        assert_eq!(Date::from_unix_days(20_780).to_string(), "2026-11-23");
        assert_eq!(Date::from_unix_days(11_016).to_string(), "2000-02-29");
    }

    #[test]
    fn an_expectation_of_cells_is_of_somebody_absent_if_its_answerer_takes_no_part() {
        let known =
            ["rtc", "node-datachannel"].map(|name| (name.to_owned(), Expectations::default()));
        let known = BTreeMap::from(known);
        let absent = |case| is_of_somebody_absent(case, &known);
        assert!(absent("matrix/*@rtc-werift"));
        assert!(!absent("matrix/open/open@rtc-node-datachannel"));
        assert!(!absent("matrix/*@rtc-*"), "of whoever answers");
        assert!(!absent("matrix/open/open"), "of the reference alone");
        assert!(!absent("nat/x@answerer"), "of no cell");
    }
}
