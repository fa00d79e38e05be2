//! The known-bad table: every row is right of our code, and wrong of the code that had the bug.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_fuzz::known::{Code, OUTSIDE, Others, Said, Verdicts, all, page};
use rtcspec_suite::cases;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn our_code_says_of_every_row_what_is_right() {
    let wrong = all().filter_map(|known| {
        let finding = known.check(Code::Ours).err()?;
        Some(format!("{}: {finding}", known.id))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_code_with_the_bug_fails_every_row() {
    let fooled = all().filter(|known| known.check(Code::Theirs).is_ok());
    let fooled: Vec<&str> = fooled.map(|known| known.id).collect();
    assert!(fooled.is_empty(), "{fooled:?}");
}

#[test]
fn every_row_of_the_survey_is_here_or_says_why_not() {
    let here: BTreeSet<u8> = all().filter_map(|known| known.row).collect();
    let outside: BTreeSet<u8> = OUTSIDE.iter().map(|(row, _)| *row).collect();
    let missing: Vec<u8> =
        (1..=64).filter(|row| !here.contains(row) && !outside.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn there_are_64_rows_at_least_and_five_of_each_layer() {
    let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
    for known in all() {
        *layers.entry(known.layer()).or_default() += 1;
        let said = [known.source, known.cause, known.right].iter().all(|text| text.len() > 3);
        assert!(said && known.right != "?", "{}", known.id);
    }
    assert!(all().count() >= 64, "{}", all().count());
    let named = ["sctp", "dcep", "dtls", "stun", "ice", "turn", "sdp", "rtp", "rtcp", "srtp"];
    assert_eq!(layers.keys().copied().collect::<BTreeSet<_>>(), named.into_iter().collect());
    assert!(layers.values().all(|count| *count >= 5), "{layers:?}");
    let ids: BTreeSet<&str> = all().map(|known| known.id).collect();
    assert_eq!(ids.len(), all().count(), "an id stands twice");
}

#[test]
fn who_plays_a_row_exists() {
    for known in all() {
        let exists = match known.others {
            Others::Run(id) => {
                let scenario = top().join("scenarios").join(id).with_extension("toml");
                cases::find(id).is_some() || scenario.exists()
            }
            Others::Parsers(format) => {
                top().join("corpus/ledger").join(format).with_extension("toml").exists()
            }
            Others::Nobody(why) => why.len() > 10,
        };
        assert!(exists, "{}: {:?}", known.id, known.others);
    }
}

#[test]
fn the_page_is_printed_from_the_table() {
    let verdicts = |name: &str| {
        let path = top().join("scenarios/expect").join(name).with_extension("toml");
        let text = fs::read_to_string(path).expect("the file is there");
        Verdicts::read(&text).expect("a file of expectations")
    };
    let said = fs::read_to_string(top().join("corpus/ledger/known-bad.toml"));
    let said: Said = toml::from_str(&said.expect("the file is there")).expect("rows of parsers");
    let text = page(&verdicts("rtc"), &verdicts("str0m"), &said);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("KNOWN_BAD.md");
    if std::env::var_os("RTCSPEC_BLESS").is_some() {
        fs::write(&path, &text).expect("it is written");
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(held == text, "KNOWN_BAD.md is old: run this test with RTCSPEC_BLESS=1");
}
