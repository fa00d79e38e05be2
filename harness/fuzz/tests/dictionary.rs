//! Every token of a dictionary means something to the reader it is for.

use std::fs;
use std::path::PathBuf;

use rtcspec_fuzz::case::{self, Case};
use rtcspec_fuzz::target::{self, Target};
use rtcspec_fuzz::{corpus, parcel};

/// Inputs tried, and places in each.
const INPUTS: usize = 400;
const PLACES: usize = 160;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

/// What a reader shows of an input.
fn shown(target: &Target, input: &[u8]) -> Vec<u64> {
    let mut case = Case::new(input);
    let _ = case::run(target.body, &mut case);
    case.features().to_vec()
}

/// True if the token somewhere in an input is read otherwise than other bytes in its place.
fn is_told_apart(target: &Target, inputs: &[Vec<u8>], token: &[u8]) -> bool {
    let others = [0x15, 0x41, 0x95]
        .map(|bits| -> Vec<u8> { token.iter().map(|byte| byte ^ bits).collect() });
    inputs.iter().any(|input| {
        let before = shown(target, input);
        (0..=input.len().min(PLACES)).any(|at| {
            // Put in, written over as many bytes, or in place of a word.
            let over = (at + token.len()).min(input.len());
            let word = input[at..].iter().position(|byte| *byte <= b' ');
            [at, over, at + word.unwrap_or(input.len() - at)].into_iter().any(|end| {
                let with = |bytes: &[u8]| [&input[..at], bytes, &input[end..]].concat();
                let seen = shown(target, &with(token));
                seen != before && others.iter().any(|other| shown(target, &with(other)) != seen)
            })
        })
    })
}

#[test]
fn every_token_is_told_apart_by_its_reader() {
    let mut dead = Vec::new();
    for name in [
        "demux",
        "srtp",
        "stun_parse",
        "sctp_parse",
        "dcep",
        "dtls_record",
        "rtcp_compound",
        "candidate_line",
        "dns_message",
        "sdp_parse",
    ] {
        let target = target::by_name(name).expect("a target");
        let entries = corpus::of(target, &folder()).expect("the corpus can be read");
        let mut inputs: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.bytes).collect();
        inputs.sort_by_key(Vec::len);
        // Some of every size.
        let stride = inputs.len().div_ceil(INPUTS);
        let inputs: Vec<Vec<u8>> = inputs.into_iter().step_by(stride).collect();
        for token in (target.dictionary)() {
            if !is_told_apart(target, &inputs, &token) {
                dead.push(format!("{name}: {:?}", String::from_utf8_lossy(&token)));
            }
        }
    }
    assert!(dead.is_empty(), "nobody tells apart {}", dead.join(", "));
}

#[test]
fn the_dictionaries_in_the_corpus_are_those_of_the_targets() {
    for target in target::ALL {
        let path = folder().join("dict").join(format!("{}.dict", target.name));
        let text = parcel::dictionary(target);
        if std::env::var_os("RTCSPEC_BLESS").is_some() {
            fs::write(&path, &text).expect("it is written");
        }
        let held = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(held, text, "{}: RTCSPEC_BLESS=1 writes it anew", path.display());
        // libFuzzer refuses a whole dictionary for one empty token.
        assert!(!text.contains("\n\"\"\n"), "{}", target.name);
    }
}

/// A line of a dictionary file as the engines read it: the reverse of [`parcel::dictionary`].
fn unquoted(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut out = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
        } else if let Some((b'x', [high, low, after @ ..])) = rest.split_first() {
            let digits = [*high, *low];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            out.push(*rest.first()?);
            rest = &rest[1..];
        }
    }
    Some(out)
}

#[test]
fn what_engines_read_of_a_dictionary_is_what_the_target_has() {
    for target in target::ALL {
        let text = parcel::dictionary(target);
        let read: Option<Vec<Vec<u8>>> = text.lines().skip(1).map(unquoted).collect();
        assert_eq!(read, Some((target.dictionary)()), "{}", target.name);
    }
}

/// libFuzzer lets an input run for 20 minutes unless it is told otherwise.
#[test]
fn engines_give_an_input_up_that_does_not_end() {
    for target in target::ALL {
        let text = parcel::options(target);
        assert!(text.lines().any(|line| line == "timeout = 25"), "{}: {text}", target.name);
    }
}
