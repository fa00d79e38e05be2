//! The committed corpus and ledger, replayed.

use std::path::{Path, PathBuf};

use rtcspec_fuzz::{corpus, target};

use crate::campaign::Bench;
use crate::format::{self, Format};
use crate::ledger::{Ledger, Ruling};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

fn ledger(format: &Format) -> Ledger {
    let ledger = Ledger::load(&folder().join("ledger"), format.name);
    ledger.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_minimal_input_still_shows_its_class() {
    let mut wrong = Vec::new();
    for format in format::ALL {
        let ledger = ledger(format);
        let mut bench = Bench::new(format, &ledger);
        for (name, cause) in ledger.causes() {
            for seen in &cause.seen {
                let what = format!("{} [{name}] {} {}", format.name, seen.parser, seen.kind);
                let Some(input) = seen.input() else {
                    wrong.push(format!("{what}: neither hex nor text"));
                    continue;
                };
                let (classes, _) = bench.judge(&input);
                let shown = classes.iter().any(|class| {
                    let same = class.parser == seen.parser && class.says == seen.says;
                    class.cause == name && same && class.kind.to_string() == seen.kind
                });
                if !shown {
                    wrong.push(format!("{what} ({}): now {classes:?}", seen.says));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} classes occur no more:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_shows_no_class_that_is_not_ruled() {
    let mut unruled = Vec::new();
    for format in format::ALL {
        let ledger = ledger(format);
        let mut bench = Bench::new(format, &ledger);
        let target = target::by_name(format.target).expect("it is there");
        let entries = corpus::of(target, &folder()).expect("the corpus can be read");
        assert!(!entries.is_empty(), "{} has no corpus", format.name);
        for entry in entries {
            for class in bench.judge(&entry.bytes).0.iter().filter(|class| !ledger.rules(class)) {
                unruled.push(format!("{} {}: {class}", format.name, entry.path.display()));
            }
        }
    }
    assert!(unruled.is_empty(), "{}", unruled.join("\n"));
}

/// A cause that they are right about is a defect of ours, which is repaired and not ruled.
#[test]
fn every_cause_has_a_clause_a_reason_and_nobody_else_is_right() {
    for format in format::ALL {
        for (name, cause) in ledger(format).causes() {
            let names = cause.clause.starts_with("RFC ") || cause.clause.starts_with("draft-");
            assert!(
                names && cause.clause.contains('§'),
                "{} [{name}]: {}",
                format.name,
                cause.clause
            );
            assert!(cause.why.ends_with('.') && !cause.seen.is_empty(), "{} [{name}]", format.name);
            assert_ne!(cause.ruling, Ruling::Theirs, "{} [{name}]: repair ours", format.name);
        }
    }
}

/// Where no parser disagrees, a class must not come up; where one does, it must.
#[test]
fn a_class_that_the_ledger_lacks_is_told() {
    let empty = Ledger::default();
    let format = format::by_name("stun").expect("it is there");
    let mut bench = Bench::new(format, &empty);
    let fine = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    assert!(bench.judge(fine).0.is_empty());
    let mut high = *fine;
    high[0] = 0x80;
    let (classes, _) = bench.judge(&high);
    assert!(
        classes.iter().any(|class| class.to_string() == "rtc-stun accepts: top-bits"),
        "{classes:?}"
    );
    assert!(!classes.iter().any(|class| empty.rules(class)));
}
