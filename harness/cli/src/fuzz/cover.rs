//! `rtcspec fuzz cover`: region coverage by corpus replay.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rtcspec_fuzz::coverage::{self, ALL, CRATES, Ceilings, Files, Regions, Table};

use super::args::CoverOptions;
use super::llvm::{self, Llvm};
use crate::exit::{Exit, Failure, Outcome};
use crate::pool::{self, Panicked};

pub(super) fn cover(options: &CoverOptions) -> Outcome {
    let targets: Vec<&str> =
        super::chosen(&options.targets)?.into_iter().map(|target| target.name).collect();
    if !Path::new("harness/fuzz/Cargo.toml").is_file() {
        let what = "there is no harness/fuzz here: `fuzz cover` builds from a checkout of rtcspec";
        return Err(Failure::usage(what));
    }
    let ceilings = ceilings(&options.ceilings)?;
    let llvm = Llvm::find()?;
    eprintln!("building the replay with instrumentation in {}", options.into.display());
    let replay = build(&options.into)?;
    let mut table = Table::new();
    let mut profiles = Vec::new();
    let counted = pool::run_all(&targets, None, "corpora", |target| {
        let profile = run(&replay, target, options)?;
        let merged = profile.with_extension("profdata");
        let files = llvm.regions(&replay, std::slice::from_ref(&profile), &merged)?;
        Ok((profile, coverage::by_crate(&files, Files::Reached)))
    });
    for (target, counted) in targets.iter().zip(counted) {
        let (profile, regions) = counted.map_err(|Panicked(why)| Failure::usage(why))??;
        table.insert((*target).to_owned(), regions);
        profiles.push(profile);
    }
    let files = llvm.regions(&replay, &profiles, &options.into.join("cover/all.profdata"))?;
    // Of some targets alone the sum says nothing.
    if options.targets.is_empty() {
        table.insert(ALL.to_owned(), coverage::by_crate(&files, Files::All));
    }
    print(&table);
    print_files(files, options.files);
    judge(&ceilings, &table, options)
}

fn ceilings(path: &Path) -> Result<Ceilings, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::usage(format!("read {}: {error}", path.display()))),
    };
    Ceilings::parse(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn judge(ceilings: &Ceilings, table: &Table, options: &CoverOptions) -> Outcome {
    if options.lower {
        let text = ceilings.lowered(table).to_string();
        fs::write(&options.ceilings, text).map_err(|error| {
            Failure::usage(format!("write {}: {error}", options.ceilings.display()))
        })?;
        println!("written: {}", options.ceilings.display());
        return Ok(Exit::AsExpected);
    }
    let breaches = ceilings.breaches(table);
    breaches.iter().for_each(|breach| println!("{breach}"));
    let loose = ceilings.loose(table);
    if loose > 0 {
        println!("{loose} ceilings could be lower: rtcspec fuzz cover --lower");
    }
    Ok(if breaches.is_empty() { Exit::AsExpected } else { Exit::Unexpected })
}

/// A row for each target, a column for each crate: regions covered of those in files that it reaches.
fn print(table: &Table) {
    println!("{:<18} {:>21} {:>21} {:>21}", "", CRATES[0], CRATES[1], CRATES[2]);
    for (target, row) in table {
        print!("{target:<18}");
        for name in CRATES {
            let told = row.get(name).map_or("-".to_owned(), |regions| {
                format!("{:.1} % of {}", regions.percent(), regions.count)
            });
            print!(" {told:>21}");
        }
        println!();
    }
}

/// Files with most uncovered regions, for whoever looks for what a target does not come to.
fn print_files(mut files: Vec<(PathBuf, Regions)>, most: usize) {
    files.sort_by_key(|(path, regions)| (Reverse(regions.uncovered()), path.clone()));
    for (path, regions) in files.iter().filter(|(path, _)| ours(path)).take(most) {
        let path = coverage::in_checkout(path);
        println!("{:>5} of {:>5}  {}", regions.uncovered(), regions.count, path.display());
    }
}

/// The replay, built so that the workspace's own crates count; says where it is.
fn build(into: &Path) -> Result<PathBuf, Failure> {
    let wrapper = fs::canonicalize("fuzz/instrument")
        .map_err(|error| Failure::usage(format!("find fuzz/instrument: {error}")))?;
    let profiles = into.join("cover");
    fs::create_dir_all(&profiles)
        .map_err(|error| Failure::usage(format!("make {}: {error}", profiles.display())))?;
    let mut command = Command::new("cargo");
    // Of the whole workspace, so that what its tests were built with is used again.
    command
        .args(["build", "--quiet", "--workspace", "--example", "replay", "--target-dir"])
        .arg(into)
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper)
        // In a build that is incremental other functions are compiled, so that regions differ.
        .env("CARGO_INCREMENTAL", "0");
    llvm::output(&mut command)?;
    Ok(into.join("debug/examples/replay"))
}

/// Replays a target's corpus; says where what was counted is.
fn run(replay: &Path, target: &str, options: &CoverOptions) -> Result<PathBuf, Failure> {
    let profile = options.into.join("cover").join(format!("{target}.profraw"));
    let mut command = Command::new(replay);
    command.arg(&options.corpus.corpus).arg(target).env("LLVM_PROFILE_FILE", &profile);
    llvm::output(&mut command)?;
    Ok(profile)
}

fn ours(path: &Path) -> bool {
    coverage::crate_of(path).is_some()
}
