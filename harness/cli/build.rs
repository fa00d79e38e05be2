//! Lets crates that look `getrandom` up at run time find the interposed one; lists the files of
//! the adapters that are no crates of this workspace, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/adapter/files.rs"]
mod files;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let interposed = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if interposed {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol=getrandom");
    }
    let variable = |name| PathBuf::from(env::var(name).expect("cargo sets it"));
    let adapters = variable("CARGO_MANIFEST_DIR").join("../adapters");
    println!("cargo::rerun-if-changed={}", adapters.display());
    fs::write(variable("OUT_DIR").join("adapters.rs"), table(&adapters))
        .expect("OUT_DIR is writable");
}

fn table(adapters: &Path) -> String {
    let mut table = "/// Files of adapters, as (path below the folder of all, bytes), in order.\n\
                     const CARRIED: &[(&str, &[u8])] = &[\n"
        .to_owned();
    for file in files::below(adapters).expect("the adapters are there") {
        let name = file.strip_prefix(adapters).expect("it is below the folder");
        let Some(folder) = name.iter().next().map(|first| adapters.join(first)) else { continue };
        let foreign = folder.join("adapter.toml").exists() || !folder.join("Cargo.toml").exists();
        if foreign && folder.is_dir() {
            let name = name.to_string_lossy();
            let _ = writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.display());
        }
    }
    table + "];\n"
}
