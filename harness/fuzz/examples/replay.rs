//! Runs the corpus of targets once: what `rtcspec fuzz cover` builds with instrumentation, without
//! the rest of the program. Arguments: the corpus folder, then targets.

use std::path::PathBuf;
use std::process::ExitCode;

use rtcspec_fuzz::case::{self, Case};
use rtcspec_fuzz::{corpus, target};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "corpus".to_owned()));
    for name in arguments {
        let Some(target) = target::by_name(&name) else {
            eprintln!("no fuzz target is called {name}");
            return ExitCode::from(2);
        };
        let entries = match corpus::of(target, &folder) {
            Ok(entries) => entries,
            Err(error) => {
                eprintln!("read the corpus of {name}: {error}");
                return ExitCode::from(2);
            }
        };
        for entry in &entries {
            if let Err(finding) = case::run(target.body, &mut Case::new(&entry.bytes)) {
                eprintln!("{name} {}: {finding}", entry.path.display());
            }
        }
    }
    ExitCode::SUCCESS
}
