//! Inputs of the known-bad table, as parsers of others read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rtcspec_fuzz::known::{Input, Known, all};
use rtcspec_wire::sctp::{Checksum, set_checksum};

use crate::account::Account;
use crate::campaign::Bench;
use crate::format::{self, Format};
use crate::ledger::Ledger;
use crate::parser::Reads;

/// The rows that are bytes or text of a format, with it.
fn rows() -> impl Iterator<Item = (&'static Known, &'static Format)> {
    let readable = all().filter(|known| !matches!(known.input, Input::Events(_)));
    readable.filter_map(|known| Some((known, format::by_name(known.layer())?)))
}

/// The input; of a packet of SCTP with a checksum that is right, which our readers do not ask for.
fn input(known: &Known, format: &Format) -> Vec<u8> {
    let mut bytes = known.input.bytes().to_vec();
    if format.name == "sctp" {
        set_checksum(&mut bytes, Checksum::Crc32c);
    }
    bytes
}

#[test]
fn what_others_make_of_known_bad_inputs_is_ruled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/ledger");
    let mut unruled = Vec::new();
    for (known, format) in rows() {
        let ledger = Ledger::load(&folder, format.name).expect("the ledger can be read");
        let mut bench = Bench::new(format, &ledger);
        let (classes, _) = bench.judge(&input(known, format));
        let new = classes.iter().filter(|class| !ledger.rules(class));
        unruled.extend(new.map(|class| format!("{}: {class}", known.id)));
    }
    assert!(unruled.is_empty(), "{}", unruled.join("\n"));
}

#[test]
fn what_others_say_of_known_bad_inputs_is_written_down() {
    let mut text =
        "# What parsers of others say of inputs of the known-bad table: `reads`, `refuses` or\n\
                    # `panics`. Made by `RTCSPEC_BLESS=1 cargo test -p rtcspec-differ known`.\n"
            .to_owned();
    for (known, format) in rows() {
        let bytes = input(known, format);
        let mut said: BTreeMap<String, &str> = BTreeMap::new();
        for mut parser in (format.theirs)() {
            let word = match parser.read(&bytes) {
                Account::Read(_) => "reads",
                Account::Refused(_) => "refuses",
                Account::Panicked(_) => "panics",
            };
            said.insert(parser.name().to_owned(), word);
        }
        let _ = write!(text, "\n[{:?}]\n", known.id);
        for (parser, word) in said {
            let _ = writeln!(text, "{parser:?} = {word:?}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/ledger/known-bad.toml");
    if std::env::var_os("RTCSPEC_BLESS").is_some() {
        fs::write(&path, &text).expect("it is written");
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(held == text, "known-bad.toml is old: run this test with RTCSPEC_BLESS=1");
}
