//! Every clause that is cited exists: it was looked up, and stands in `citations.txt`.
//!
//! Read are Rust, Markdown and TOML, and of a citation what stands on its first line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("citations.txt");
/// What people wrote; texts of captures, seeds and other stacks are none of it.
const FOLDERS: [&str; 7] =
    ["harness", "scenarios", "corpus/ledger", "corpus/live", "fuzz", "recipe", "reports"];
const KINDS: [&str; 3] = ["rs", "md", "toml"];

/// A clause: the number of the RFC, the section.
type Clause = (u32, String);

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|it| kind == *it)) {
            all.push(path);
        }
    }
}

/// `RFC 8445 §7.1.2, §16.1 and §16.2` are three.
fn clauses(text: &str) -> BTreeSet<Clause> {
    let mut all = BTreeSet::new();
    for (at, _) in text.match_indices("RFC ") {
        let (number, mut rest) = digits(&text[at + 4..]);
        let Ok(number) = number.parse() else { continue };
        let mut before = " §";
        while let Some(section) = rest.strip_prefix(before) {
            let (section, after) = digits(section);
            let (section, dots) = (section.trim_end_matches('.'), section.ends_with('.'));
            if section.is_empty() {
                break;
            }
            all.insert((number, section.to_owned()));
            rest = if dots { "" } else { after };
            before = [", §", " and §", " to §"]
                .into_iter()
                .find(|word| rest.starts_with(word))
                .unwrap_or(", §");
        }
    }
    all
}

/// The digits and dots that a text begins with, and the rest of it.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    text.split_at(end)
}

fn listed() -> BTreeMap<Clause, &'static str> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let clause = clauses(line).pop_first().unwrap_or_else(|| panic!("no clause: {line}"));
            let title = line.splitn(4, ' ').nth(3).filter(|title| !title.is_empty());
            (clause, title.unwrap_or_else(|| panic!("no title: {line}")))
        })
        .collect()
}

#[test]
fn what_is_cited_was_looked_up() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Vec::new();
    FOLDERS.iter().for_each(|folder| files(&root.join(folder), &mut all));
    all.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)));
    assert!(all.len() > 1000, "only {} files", all.len());
    let listed = listed();
    let mut cited = BTreeSet::new();
    let mut unknown = Vec::new();
    for path in all {
        let text =
            String::from_utf8_lossy(&std::fs::read(&path).expect("read a file")).into_owned();
        for clause in clauses(&text) {
            if !listed.contains_key(&clause) {
                unknown.push(format!("RFC {} §{} in {}", clause.0, clause.1, path.display()));
            }
            cited.insert(clause);
        }
    }
    assert!(unknown.is_empty(), "look these up, then add them: {unknown:#?}");
    let idle: Vec<_> = listed.keys().filter(|clause| !cited.contains(*clause)).collect();
    assert!(idle.is_empty(), "nobody cites these any more: {idle:?}");
}

#[test]
fn clauses_are_read_from_any_text() {
    let text =
        "(RFC 8445 §7.1.2, §16.1), RFC 9260 §6.5, RFC 8260 §2; RFC 3758 §3.6. RFC 6762, RFC 1 §";
    let expected = [(3758, "3.6"), (8260, "2"), (8445, "16.1"), (8445, "7.1.2"), (9260, "6.5")];
    let expected = expected.map(|(number, section)| (number, section.to_owned()));
    assert_eq!(clauses(text), BTreeSet::from(expected));
}
