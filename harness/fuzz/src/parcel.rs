//! What foreign engines take beside a target: its seeds as one archive, its dictionary, its options.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Cursor, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::corpus;
use crate::target::Target;

/// All inputs of a target in one archive, each once, named by its content.
///
/// # Errors
/// The corpus cannot be read.
pub fn seeds(target: &Target, folder: &Path) -> io::Result<Vec<u8>> {
    let entries = corpus::of(target, folder)?;
    let inputs: BTreeMap<String, Vec<u8>> =
        entries.into_iter().map(|entry| (corpus::name(&entry.bytes), entry.bytes)).collect();
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in inputs {
        writer.start_file(name, options)?;
        writer.write_all(&bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The tokens of a target as libFuzzer and AFL++ read them: a line each, in quotes, what is not a
/// plain letter as `\xNN`.
#[must_use]
pub fn dictionary(target: &Target) -> String {
    let mut out = format!("# {}\n", target.name);
    for token in (target.dictionary)() {
        out.push('"');
        for byte in token {
            match byte {
                b'"' | b'\\' => _ = write!(out, "\\{}", char::from(byte)),
                0x20..=0x7e => out.push(char::from(byte)),
                _ => _ = write!(out, "\\x{byte:02x}"),
            }
        }
        out.push_str("\"\n");
    }
    out
}

/// Options for libFuzzer under `ClusterFuzz`: the longest input the engine that is built in makes too,
/// and none of what costs a third of the time of `stun_parse`: weighing inputs by how rare their
/// features are (of `full_session`, which has 110,000, three quarters by itself), looking whether an
/// input has a shorter one's features (merging a corpus does that once), and a watch on every
/// allocation, as our own oracle finds what is kept. An input has 25 s, as with `ClusterFuzz`, of which
/// the longest session takes one.
#[must_use]
pub fn options(target: &Target) -> String {
    let (most, name) = (crate::campaign::MOST, target.name);
    let less = "entropic = 0\nreduce_inputs = 0\ndetect_leaks = 0\n";
    format!("[libfuzzer]\nmax_len = {most}\ntimeout = 25\n{less}dict = {name}.dict\n")
}
