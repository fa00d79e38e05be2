//! LLVM's own readers of coverage: those that came with this compiler, or a package of the same
//! version. Its formats change with each version, so another version's cannot read them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rtcspec_fuzz::coverage::Regions;
use serde::Deserialize;

use crate::exit::Failure;

/// The two programs.
pub(super) struct Llvm {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Llvm {
    /// Those beside the compiler that `cargo` uses, or on the path with its version in their names.
    pub(super) fn find() -> Result<Self, Failure> {
        let sysroot = told("rustc", &["--print", "sysroot"])?;
        let about = told("rustc", &["-vV"])?;
        let host = field(&about, "host: ")?;
        let version = field(&about, "LLVM version: ")?;
        let major = version.split('.').next().unwrap_or(version);
        let beside = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
        let find = |name: &str| {
            let versioned = PathBuf::from(format!("{name}-{major}"));
            [beside.join(name), versioned].into_iter().find(|program| starts(program)).ok_or_else(
                || {
                    Failure::usage(format!(
                        "there is no {name} of LLVM {major}, which this compiler is of: add the \
                         component llvm-tools to the toolchain or install the package llvm-{major}"
                    ))
                },
            )
        };
        Ok(Self { profdata: find("llvm-profdata")?, cov: find("llvm-cov")? })
    }

    /// Regions by file of what a program's runs counted. Where a generic function was compiled more
    /// than once, a region counts once, and is covered if it is in one of them.
    pub(super) fn regions(
        &self,
        program: &Path,
        profiles: &[PathBuf],
        merged: &Path,
    ) -> Result<Vec<(PathBuf, Regions)>, Failure> {
        let mut merge = Command::new(&self.profdata);
        merge.args(["merge", "-sparse", "-o"]).arg(merged).args(profiles);
        output(&mut merge)?;
        let mut export = Command::new(&self.cov);
        export.args(["export", "--summary-only", "--instr-profile"]).arg(merged).arg(program);
        let json = output(&mut export)?;
        let export: Export = serde_json::from_slice(&json)
            .map_err(|error| Failure::usage(format!("read what llvm-cov exports: {error}")))?;
        Ok(export.data.into_iter().flat_map(|data| data.files).map(File::regions).collect())
    }
}

/// What `llvm-cov export --summary-only` writes, as far as it is read here.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: BTreeMap<String, Summary>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct Summary {
    count: u64,
    covered: u64,
}

impl File {
    fn regions(self) -> (PathBuf, Regions) {
        let Summary { count, covered } = self.summary.get("regions").copied().unwrap_or_default();
        (self.filename, Regions { count, covered })
    }
}

fn field<'a>(about: &'a str, name: &str) -> Result<&'a str, Failure> {
    about
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .ok_or_else(|| Failure::usage(format!("rustc -vV tells no `{}`", name.trim_end())))
}

fn starts(program: &Path) -> bool {
    let silent = || Stdio::null();
    let mut command = Command::new(program);
    command.arg("--version").stdin(silent()).stdout(silent()).stderr(silent());
    command.status().is_ok_and(|status| status.success())
}

fn told(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let bytes = output(Command::new(program).args(arguments))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a command prints; its complaints go where ours go.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::usage(format!("start {name}: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::usage(format!("{name} ended with {}", output.status)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_regions_is_read_by_file() {
        let json = r#"{"data":[{"files":[{"filename":"/x/harness/wire/src/demux.rs","summary":{
            "lines":{"count":9,"covered":9,"percent":100},
            "regions":{"count":38,"covered":24,"notcovered":14,"percent":63.1}}}],"totals":{}}],
            "type":"llvm.coverage.json.export","version":"3.0.1"}"#;
        let export: Export = serde_json::from_str(json).expect("an export");
        let file = export.data.into_iter().flat_map(|data| data.files).map(File::regions);
        let expected = PathBuf::from("/x/harness/wire/src/demux.rs");
        assert_eq!(file.collect::<Vec<_>>(), [(expected, Regions { count: 38, covered: 24 })]);
    }

    #[test]
    fn the_compiler_tells_its_llvm() {
        let about = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
        assert_eq!(field(about, "LLVM version: ").ok(), Some("22.1.2"));
        assert!(field(about, "commit-hash: ").is_err());
    }
}
