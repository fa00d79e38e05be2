//! Seeds as files, with a list that says where each is from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::cutter::Seed;
use super::format::Format;

/// Name of the list in each folder.
const LIST: &str = "provenance.tsv";

/// Writes seeds into a folder for each format below `into`, each with a list of name, SHA-256,
/// capture and frame. What is there already stays, and stays in the list.
///
/// # Errors
/// A folder or file cannot be written.
pub fn write(seeds: &[Seed], into: &Path) -> io::Result<()> {
    for format in Format::ALL {
        let own: Vec<&Seed> = seeds.iter().filter(|seed| seed.format == format).collect();
        if own.is_empty() {
            continue;
        }
        let folder = into.join(format.folder());
        fs::create_dir_all(&folder)?;
        let mut lines = known(&folder.join(LIST));
        for seed in own {
            fs::write(folder.join(&seed.name), &seed.bytes)?;
            let (name, source) = (&seed.name, &seed.source);
            let line = format!("{name}\t{}\t{source}\t{}", seed.sha256, seed.frame);
            lines.entry(name.clone()).or_insert(line);
        }
        let mut text = String::from("# file\tsha256\tcapture\tframe (0: signalled)\n");
        lines.values().for_each(|line| {
            let _ = writeln!(text, "{line}");
        });
        fs::write(folder.join(LIST), text)?;
    }
    Ok(())
}

/// The lines of a list by the names they begin with.
fn known(list: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(list).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some((line.split_once('\t')?.0.to_owned(), line.to_owned()))).collect()
}
