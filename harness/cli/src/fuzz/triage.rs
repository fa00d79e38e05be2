//! `rtcspec fuzz triage`: a folder of crashes, by what they have in common.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_fuzz::finding::Finding;
use rtcspec_fuzz::target::Target;
use rtcspec_fuzz::{campaign, corpus::Entry};

use super::args::TriageOptions;
use super::replay::{MOST, once, read};
use super::watch::{outlived, watched};
use crate::exit::{Exit, Failure, Outcome};

/// What an input breaks.
struct Broken {
    finding: Finding,
    /// It can be run in this process.
    ends: bool,
}

/// Inputs that break the same oracle in the same way.
struct Class {
    times: usize,
    /// The shortest of them.
    input: Vec<u8>,
    broken: Broken,
}

pub(super) fn triage(options: &TriageOptions) -> Outcome {
    let target = super::named(&options.target)?;
    let entries = entries(&options.folder)?;
    if entries.is_empty() {
        let message = format!("no file in {}", options.folder.display());
        return Err(Failure { exit: Exit::Nothing, message });
    }
    let (classes, clean) = sorted(&entries, |entry| judged(target, entry))?;
    let into = options.into.clone().unwrap_or_else(|| options.folder.join("triage"));
    // Whatever becomes of making them small, they are there.
    for class in classes.values() {
        write(class, &class.input, &into)?;
    }
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

/// What an input breaks, if it breaks anything. Engines keep inputs, too, that took their time or their
/// memory: another process runs each first.
fn judged(target: &Target, entry: &Entry) -> Result<Option<Broken>, Failure> {
    if let Some(finding) = outlived(target, &entry.path)? {
        return Ok(Some(Broken { finding, ends: false }));
    }
    Ok(once(target, &entry.bytes).err().map(|finding| Broken { finding, ends: true }))
}

/// Classes by name, and how many inputs broke nothing.
fn sorted(
    entries: &[Entry],
    judged: impl Fn(&Entry) -> Result<Option<Broken>, Failure>,
) -> Result<(BTreeMap<String, Class>, usize), Failure> {
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    let mut clean = 0;
    for entry in entries {
        let Some(broken) = judged(entry)? else {
            clean += 1;
            continue;
        };
        let input = entry.bytes.clone();
        match classes.get_mut(&broken.finding.class()) {
            Some(class) => {
                class.times += 1;
                if input.len() < class.input.len() {
                    (class.input, class.broken) = (input, broken);
                }
            }
            None => {
                let name = broken.finding.class();
                classes.insert(name, Class { times: 1, input, broken });
            }
        }
    }
    Ok((classes, clean))
}

/// A line for a class, with the command that shows it again.
fn told(target: &Target, name: &str, class: &Class, into: &Path) -> Result<(), Failure> {
    let (input, finding) = (&class.input, &class.broken.finding);
    let small = match class.broken.ends {
        true => campaign::minimise(watched(target), input, name, MOST),
        false => input.clone(),
    };
    let path = write(class, &small, into)?;
    let before = super::place(into, finding, input);
    if before != path {
        let _ = fs::remove_file(before);
    }
    let text = super::shortened(&finding.to_string()).replace('\n', " ");
    println!(
        "{}x {text}; {} bytes: rtcspec fuzz replay {} {}",
        class.times,
        small.len(),
        target.name,
        path.display()
    );
    Ok(())
}

/// Writes an input of a class; says where.
fn write(class: &Class, input: &[u8], into: &Path) -> Result<PathBuf, Failure> {
    let path = super::place(into, &class.broken.finding, input);
    fs::create_dir_all(into)
        .and_then(|()| fs::write(&path, input))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use rtcspec_fuzz::case::Case;
    use rtcspec_fuzz::finding::Oracle;

    use super::*;

    #[test]
    fn inputs_that_panic_at_one_place_are_one_class_with_the_shortest() {
        let dcep = rtcspec_fuzz::target::by_name("dcep").expect("a target");
        let plant = dcep.plants.iter().find(|plant| plant.name == "dcep-lengths-past-end");
        let target = Target { body: plant.expect("a plant").body, ..*dcep };
        let entry = |bytes: &[u8]| Entry { path: PathBuf::new(), bytes: bytes.to_vec() };
        let entries = [
            entry(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, b'a']),
            entry(&[2]),
            entry(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0]),
        ];
        let judged = |entry: &Entry| {
            Ok(once(&target, &entry.bytes).err().map(|finding| Broken { finding, ends: true }))
        };
        let (classes, clean) = sorted(&entries, judged).expect("nothing is read");
        assert_eq!(clean, 1);
        let [(name, class)] = &classes.into_iter().collect::<Vec<_>>()[..] else {
            panic!("more than one class")
        };
        assert!(name.starts_with("panic: range end index # out of range"), "{name}");
        assert_eq!((class.times, class.input.len()), (2, 12));
    }

    /// Triage of what libFuzzer had kept for the time it took did not end.
    #[test]
    fn an_input_that_does_not_end_is_a_class_and_not_run_here() {
        let dcep = rtcspec_fuzz::target::by_name("dcep").expect("a target");
        // Run here, it would be made as small as can be.
        let body =
            |_: &mut Case<'_>| Err(Finding::new(Oracle::Time, "it has not ended after 60 s"));
        let target = Target { body, ..*dcep };
        let entries = [Entry { path: PathBuf::new(), bytes: vec![7; 9] }];
        let judged = |_: &Entry| {
            let finding = Finding::new(Oracle::Time, "it has not ended after 60 s");
            Ok(Some(Broken { finding, ends: false }))
        };
        let (classes, _) = sorted(&entries, judged).expect("nothing is read");
        let folder = tempfile::tempdir().expect("a folder");
        let (name, class) = classes.first_key_value().expect("a class");
        told(&target, name, class, folder.path()).expect("written");
        let kept = super::super::place(folder.path(), &class.broken.finding, &[7; 9]);
        assert_eq!(fs::read(kept).expect("a file"), [7; 9]);
    }
}
