//! Writes the seeds that are programs, each with what it shows. Argument: the folder `corpus/seeds`.

mod agents;
mod association;
mod session;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// A file, what it shows, what stands before its steps, and its steps.
type Seed = (&'static str, &'static str, &'static [u8], &'static [&'static [u8]]);

/// A file, what it shows, and the program.
type Program = (String, String, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("say where corpus/seeds is")?);
    write(&folder.join("sctp-assoc"), programs(association::ALL))?;
    write(&folder.join("ice-agent-pair"), programs(agents::ALL))?;
    write(&folder.join("full-session"), session::all())
}

fn programs(seeds: &[Seed]) -> Vec<Program> {
    let program = |(name, shows, head, steps): &Seed| {
        ((*name).to_owned(), (*shows).to_owned(), program(head, steps))
    };
    seeds.iter().map(program).collect()
}

fn write(folder: &Path, mut seeds: Vec<Program>) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut list = String::from("# file\tsha256\tfrom\twhat it shows\n");
    seeds.sort();
    for (name, shows, program) in seeds {
        let hash = Sha256::digest(&program).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes what is written");
            text
        });
        writeln!(list, "{name}.bin\t{hash}\tmade\t{shows}")?;
        fs::write(folder.join(format!("{name}.bin")), program)?;
    }
    Ok(fs::write(folder.join("provenance.tsv"), list)?)
}

/// Each step with the length of its argument.
fn program(head: &[u8], steps: &[&[u8]]) -> Vec<u8> {
    let mut out = head.to_vec();
    for step in steps {
        out.extend([step[0], u8::try_from(step.len() - 1).expect("seeds have short steps")]);
        out.extend_from_slice(&step[1..]);
    }
    out
}
