//! Lists the scenario and expectation files, so that the binary carries them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    let mut table = String::new();
    for (name, folders) in
        [("SCENARIOS", scenario_folders(&root)), ("EXPECTATIONS", vec![root.join("expect")])]
    {
        let _ = writeln!(table, "/// Files below the package, as (path without ending, text).");
        let _ = writeln!(table, "pub const {name}: &[(&str, &str)] = &[");
        for file in folders.iter().flat_map(|folder| toml_files(folder)) {
            let id =
                file.strip_prefix(&root).expect("files are below the package").with_extension("");
            let id = id.to_string_lossy().replace('\\', "/");
            let id = id.strip_prefix("expect/").unwrap_or(&id).to_owned();
            let _ = writeln!(table, "    ({id:?}, include_str!({:?})),", file.to_string_lossy());
        }
        let _ = writeln!(table, "];");
    }
    fs::write(out.join("files.rs"), table).expect("OUT_DIR is writable");
}

fn scenario_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = children(root)
        .into_iter()
        .filter(|path| path.is_dir())
        .filter(|path| {
            !["expect", "src", "tests", "target"].iter().any(|name| path.ends_with(name))
        })
        .collect();
    folders.sort();
    folders
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = children(folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files
}

fn children(folder: &Path) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}
