//! `rtcspec fuzz triage`: a folder of crashes, by what they have in common.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_fuzz::corpus;
use rtcspec_fuzz::finding::Finding;
use rtcspec_fuzz::target::Target;
use rtcspec_fuzz::{campaign, corpus::Entry};

use super::args::TriageOptions;
use super::replay::{MOST, once, read};
use crate::exit::{Exit, Failure, Outcome};

/// Inputs that break the same oracle in the same way.
struct Class {
    times: usize,
    /// The shortest of them.
    input: Vec<u8>,
    finding: Finding,
}

pub(super) fn triage(options: &TriageOptions) -> Outcome {
    let target = super::named(&options.target)?;
    let entries = entries(&options.folder)?;
    if entries.is_empty() {
        let message = format!("no file in {}", options.folder.display());
        return Err(Failure { exit: Exit::Nothing, message });
    }
    let (classes, clean) = sorted(target, &entries);
    let into = options.into.clone().unwrap_or_else(|| options.folder.join("triage"));
    for (name, class) in &classes {
        told(target, name, class, &into)?;
    }
    println!("{} inputs, {} classes, {clean} broke no oracle", entries.len(), classes.len());
    Ok(if classes.is_empty() { Exit::AsExpected } else { Exit::Unexpected })
}

/// The files of a folder, in the order of their names.
fn entries(folder: &Path) -> Result<Vec<Entry>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("read {}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    // What `fuzz run` says of a finding stands beside its input.
    let says = |path: &Path| {
        path.extension().is_some_and(|ending| ending == "txt")
            && path.with_extension("bin").is_file()
    };
    paths.retain(|path| path.is_file() && !says(path));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// Classes by name, and how many inputs broke nothing.
fn sorted(target: &Target, entries: &[Entry]) -> (BTreeMap<String, Class>, usize) {
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    let mut clean = 0;
    for entry in entries {
        let Err(finding) = once(target, &entry.bytes) else {
            clean += 1;
            continue;
        };
        let input = entry.bytes.clone();
        let class = classes.entry(finding.class());
        let class = class.or_insert_with(|| Class {
            times: 0,
            input: input.clone(),
            finding: finding.clone(),
        });
        class.times += 1;
        if input.len() < class.input.len() {
            class.input = input;
            class.finding = finding;
        }
    }
    (classes, clean)
}

/// A line for a class, with the command that shows it again.
fn told(target: &Target, name: &str, class: &Class, into: &Path) -> Result<(), Failure> {
    let small = campaign::minimise(target.body, &class.input, name, MOST);
    let path = into.join(format!("{}-{}.bin", class.finding.oracle.name(), corpus::name(&small)));
    fs::create_dir_all(into)
        .and_then(|()| fs::write(&path, &small))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
    let text = super::shortened(&class.finding.to_string()).replace('\n', " ");
    println!(
        "{}x {text}; {} bytes: rtcspec fuzz replay {} {}",
        class.times,
        small.len(),
        target.name,
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_panic_at_one_place_are_one_class_with_the_shortest() {
        let dcep = rtcspec_fuzz::target::by_name("dcep").expect("a target");
        let plant = dcep.plants.iter().find(|plant| plant.name == "dcep-lengths-past-end");
        let target = Target { body: plant.expect("a plant").body, ..*dcep };
        let entry = |bytes: &[u8]| Entry { path: PathBuf::new(), bytes: bytes.to_vec() };
        let (classes, clean) = sorted(
            &target,
            &[
                entry(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, b'a']),
                entry(&[2]),
                entry(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0]),
            ],
        );
        assert_eq!(clean, 1);
        let [(name, class)] = &classes.into_iter().collect::<Vec<_>>()[..] else {
            panic!("more than one class")
        };
        assert!(name.starts_with("panic: range end index # out of range"), "{name}");
        assert_eq!((class.times, class.input.len()), (2, 12));
    }
}
