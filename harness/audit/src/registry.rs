//! All rules, and what is generated from what they say of themselves.

use std::fmt::Write as _;

use crate::rule::{About, Rule};
use crate::rules;

/// Every rule, in the order they are documented.
pub fn all() -> impl ExactSizeIterator<Item = &'static dyn Rule> {
    rules::ALL.iter().copied()
}

/// A rule by its id.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Rule> {
    all().find(|rule| rule.about().id == id)
}

/// Where a rule stands among all.
pub(crate) fn place(id: &str) -> Option<usize> {
    all().position(|rule| rule.about().id == id)
}

/// Whether an id matches a glob: `*` stands for any text.
#[must_use]
pub fn matches(glob: &str, id: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = id.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    last.map_or(rest.is_empty(), |part| part.is_empty() || id.ends_with(part))
}

/// One line per rule: id, level, needs, the duty.
#[must_use]
pub fn list() -> String {
    let width = all().map(|rule| rule.about().id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for rule in all() {
        let about = rule.about();
        let _ = writeln!(
            out,
            "{:width$}  {}  {:4}  {}",
            about.id,
            about.level,
            needs(about),
            about.summary
        );
    }
    out
}

/// Everything about one rule.
#[must_use]
pub fn show(about: &About) -> String {
    let mut out = format!("{}: {}\n\n", about.id, about.summary);
    let _ = writeln!(out, "level    {} ({})", about.level, about.level.word());
    for (index, cite) in about.cites.iter().enumerate() {
        let name = if index == 0 { "clauses" } else { "" };
        let _ = writeln!(out, "{name:8} {cite}  {}", cite.url());
    }
    let words: Vec<&str> = about.needs.iter().map(|need| need.words()).collect();
    let words = if words.is_empty() { "the wire alone".to_owned() } else { words.join(", ") };
    let _ = writeln!(out, "needs    {words}\n");
    let _ = writeln!(out, "{}\n", about.doc);
    let _ = writeln!(out, "holds    {}", about.holds);
    let _ = writeln!(out, "breaks   {}", about.breaks);
    let _ = writeln!(out, "do       {}", about.advice);
    out
}

/// `w`, or the letters of what it needs.
#[must_use]
pub fn needs(about: &About) -> String {
    let letters: String = about.needs.iter().map(|need| need.letter()).collect();
    format!("w{letters}")
}

/// The page of all rules, `harness/audit/RULES.md`.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(PAGE_HEAD);
    for rule in all() {
        let about = rule.about();
        let _ = writeln!(
            out,
            "| [`{id}`](#{anchor}) | {} | {} | {} |",
            about.level,
            needs(about),
            about.summary,
            id = about.id,
            anchor = about.id.replace('.', "")
        );
    }
    for rule in all() {
        let about = rule.about();
        let cites: Vec<String> =
            about.cites.iter().map(|cite| format!("[{cite}]({})", cite.url())).collect();
        let _ = writeln!(out, "\n## {}\n\n{}. {}\n", about.id, about.summary, cites.join(", "));
        let _ = writeln!(out, "{}\n", about.doc);
        let _ = writeln!(out, "* Holds: {}", about.holds);
        let _ = writeln!(out, "* Breaks: {}", about.breaks);
        let _ = writeln!(out, "* No opportunity: {}", about.silent);
        let _ = writeln!(out, "* What to do: {}", about.advice);
    }
    out
}

const PAGE_HEAD: &str = "\
# Audit rules

Generated from the rules themselves (`harness/audit/src/rules`); a test compares. Level: **V**
violation of a MUST, **W** warning (SHOULD or deprecated), **N** note. A rule may report a lesser
finding than its own level. Needs: `w` the wire, `s` offers and answers, `k` keys of DTLS, `b` both
directions, `2` the view of the end that answers, `t` the times of packets.

| rule | level | needs | duty |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_is_what_the_rules_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RULES.md");
        if std::env::var_os("RTCSPEC_BLESS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == page(), "RULES.md is old: run this test with RTCSPEC_BLESS=1");
    }

    #[test]
    fn ids_are_unique_and_every_rule_says_all_there_is_to_say() {
        let mut ids = BTreeSet::new();
        for rule in all() {
            let about = rule.about();
            assert!(ids.insert(about.id), "{} twice", about.id);
            assert!(!about.cites.is_empty(), "{}", about.id);
            for text in [about.summary, about.doc, about.advice, about.holds, about.breaks] {
                assert!(text.len() > 10, "{}: {text:?}", about.id);
            }
            assert!(!about.summary.ends_with('.'), "{}", about.id);
            assert!(!about.silent.is_empty(), "{}", about.id);
        }
        assert_eq!(ids.len(), 36);
    }

    #[test]
    fn globs_match_whole_ids() {
        assert!(matches("stun.*", "stun.header"));
        assert!(matches("*", "stun.header"));
        assert!(matches("*.header", "stun.header"));
        assert!(matches("s*n.*r", "stun.header"));
        assert!(!matches("stun", "stun.header"));
        assert!(!matches("*.head", "stun.header"));
        assert!(!matches("dtls.*", "stun.header"));
    }
}
