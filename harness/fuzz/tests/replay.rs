//! The committed corpus breaks no oracle and reaches every situation that its target is there for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rtcspec_fuzz::case::{self, Case};
use rtcspec_fuzz::corpus;
use rtcspec_fuzz::target;

#[test]
fn the_corpus_breaks_no_oracle_and_reaches_every_situation() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let mut broken = Vec::new();
    for target in target::ALL {
        let mut missing: BTreeSet<&str> = target.situations.iter().copied().collect();
        let entries = corpus::of(target, &folder).expect("the corpus can be read");
        assert!(!entries.is_empty(), "{} has no corpus", target.name);
        for entry in &entries {
            let mut case = Case::new(&entry.bytes);
            if let Err(finding) = case::run(target.body, &mut case) {
                broken.push(format!("{} {}: {finding}", target.name, entry.path.display()));
            }
            case.reached().iter().for_each(|situation| {
                missing.remove(situation);
            });
        }
        if !missing.is_empty() {
            broken.push(format!("{}: no input reaches {missing:?}", target.name));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
