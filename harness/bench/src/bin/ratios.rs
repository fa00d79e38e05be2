//! Prints what `cargo bench -p rtcspec-bench` measured as Markdown: each of our rows beside the
//! fastest of the others and beside all of them, ahead or behind.
//!
//! It reads criterion's own files below `target/criterion` (or the folder given as its argument)
//! and the versions in `Cargo.lock`, so it is run from the root of the repository, as
//! `harness/bench/report.sh` does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};
use std::{env, fs, io};

use serde_json::Value;

/// The rows of the report in order: criterion's group, and what the project promises of it.
const GROUPS: &[(&str, &str)] = &[
    ("stun/parse ICE check", ""),
    ("stun/parse and verify ICE check", ""),
    ("stun/build ICE check", ""),
    ("sdp/parse browser offer", ""),
    ("sdp/print browser offer", ""),
    ("sctp/parse SACK+DATA", ""),
    ("sctp/parse DATA of 1160 bytes", ""),
    ("sctp/write SACK+DATA", ""),
    ("sctp/write DATA of 1160 bytes", ""),
    ("turn/parse ChannelData of 1 KiB", ""),
    ("dtls/parse two record headers", ""),
    ("rtp/parse header with two extensions", ""),
    ("session/DTLS 1.2", "under 2 ms"),
    ("session/DTLS 1.3", "under 2 ms"),
];
const ENGINE: &str = "net/through a NAT";
/// What the project promises of the engine, in packets per second of one core.
const ENGINE_PROMISES: &[(&str, f64)] = &[
    ("at once, 1,000 flows", 2e6),
    ("1,200 bytes, 1,000 flows", 2e6),
    ("jitter, 20,000 flows", 1e6),
];
/// Packages measured against, by their names in `Cargo.lock`.
const OTHERS: &[&str] = &[
    "is",
    "stun-types",
    "rtc-stun",
    "sdp-types",
    "rtc-sdp",
    "webrtc-sdp",
    "rtc-sctp",
    "sctp-proto",
    "rtc-turn",
    "rtc-dtls",
    "rtc-rtp",
    "str0m",
    "rtc",
];

/// One benchmark.
struct Measured {
    name: String,
    /// Median of one iteration, in nanoseconds.
    median: f64,
    /// What one iteration handles, if it counts anything.
    elements: Option<f64>,
    at: SystemTime,
}

impl Measured {
    fn is_ours(&self) -> bool {
        self.name.starts_with("rtcspec")
    }
}

type Groups = BTreeMap<String, Vec<Measured>>;

fn main() -> ExitCode {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let folder = env::args_os().nth(1).map_or_else(|| target.join("criterion"), PathBuf::from);
    let mut groups = Groups::new();
    if let Err(error) = collect(&folder, &mut groups) {
        eprintln!("ratios: read {}: {error}; has `cargo bench` run here?", folder.display());
        return ExitCode::from(3);
    }
    groups.values_mut().for_each(|rows| rows.sort_by(|a, b| a.name.cmp(&b.name)));
    print!("{}", report(&groups));
    let missing = GROUPS.iter().filter(|(group, _)| !groups.contains_key(*group));
    let missing: Vec<&str> = missing.map(|(group, _)| *group).collect();
    if missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("ratios: not measured: {}", missing.join("; "));
    ExitCode::from(1)
}

/// Finds every `new/benchmark.json` with its `estimates.json`.
fn collect(folder: &Path, groups: &mut Groups) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") && path.join("benchmark.json").exists() {
            let (group, measured) = read(&path)?;
            groups.entry(group).or_default().push(measured);
        } else {
            collect(&path, groups)?;
        }
    }
    Ok(())
}

fn read(folder: &Path) -> io::Result<(String, Measured)> {
    let json = |name: &str| -> io::Result<Value> {
        Ok(serde_json::from_str(&fs::read_to_string(folder.join(name))?)?)
    };
    let (benchmark, estimates) = (json("benchmark.json")?, json("estimates.json")?);
    let text = |key: &str| benchmark[key].as_str().unwrap_or_default().to_owned();
    let measured = Measured {
        name: text("function_id"),
        median: estimates["median"]["point_estimate"].as_f64().unwrap_or(f64::NAN),
        elements: benchmark["throughput"]["Elements"].as_f64(),
        at: fs::metadata(folder.join("estimates.json"))?.modified()?,
    };
    Ok((text("group_id"), measured))
}

fn report(groups: &Groups) -> String {
    let mut out = String::from("# Benchmarks\n\n");
    out += "Measured and written by `bash harness/bench/report.sh`; do not edit.\n\n";
    out += &circumstances(groups);
    out += "\n## Beside other implementations\n\n";
    out += "Median time of one operation. \"Times faster\" is the fastest other divided by ours: below \
            1 we are behind, and the figure is bold. What each row does, and where the work is not \
            quite the same, stands at the head of its file in `harness/bench/benches`.\n\n";
    out += "| what | ours | time | fastest other | time | times faster | than the rest |\n";
    out += "|---|---|---:|---|---:|---:|---|\n";
    for (group, promise) in GROUPS {
        out += &rows(group, promise, groups.get(*group).map_or(&[], Vec::as_slice));
    }
    out += "\nSessions: ours signs in pure Rust with RFC 6979 nonces and derives its keys from the seed, \
            so that the same seed gives the same bytes; the others use the assembly of aws-lc and \
            ring, and entropy.\n";
    out += "\n## The network engine\n\n";
    out += "Packets per second from a host through a NAT to a host, on one core; a packet has 100 \
            bytes of payload unless the row says otherwise.\n\n";
    out += "| what | packets/s | promised |\n|---|---:|---:|\n";
    for measured in groups.get(ENGINE).into_iter().flatten() {
        out += &engine_row(measured);
    }
    out
}

/// When, where and with what it was measured.
fn circumstances(groups: &Groups) -> String {
    let newest = groups.values().flatten().map(|measured| measured.at).max();
    let rustc = Command::new("rustc").arg("-V").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let versions = OTHERS.iter().map(|name| format!("{name} {}", version(&lock, name)));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').nth(2).unwrap_or("unknown").to_owned();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!(
        "* measured on {}, {}, {cores} cores of {}\n* load average of the last 15 minutes: {load} \
         (one benchmark alone makes 1; with more, only ratios mean anything)\n* against {}\n",
        newest.map_or_else(|| "?".to_owned(), date),
        rustc.unwrap_or_else(|_| "unknown rustc".to_owned()),
        model.map_or("an unknown processor", |(_, model)| model),
        versions.collect::<Vec<_>>().join(", "),
    )
}

/// The version of a package in a lock file; the highest if there are several.
fn version<'a>(lock: &'a str, name: &str) -> &'a str {
    let head = format!("name = \"{name}\"");
    let packages = lock.split("[[package]]").filter(|package| package.contains(&head));
    let version = |package: &'a str| {
        package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
    };
    packages.filter_map(version).last().unwrap_or("?")
}

/// The calendar day, in UTC.
fn date(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut days = since.as_secs() / 86_400;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

/// One row for each way of ours in a group.
fn rows(group: &str, promise: &str, measured: &[Measured]) -> String {
    let mut others: Vec<&Measured> = measured.iter().filter(|row| !row.is_ours()).collect();
    others.sort_by(|a, b| a.median.total_cmp(&b.median));
    let ours = measured.iter().filter(|row| row.is_ours());
    let group = if promise.is_empty() { group.to_owned() } else { format!("{group} ({promise})") };
    let row = |ours: &Measured| {
        let ratio = |other: &Measured| times(other.median / ours.median);
        let (fastest, time, faster) = match others.first() {
            Some(other) => (other.name.as_str(), duration(other.median), ratio(other)),
            None => ("", String::new(), String::new()),
        };
        let rest = others.iter().skip(1).map(|other| format!("{} {}", other.name, ratio(other)));
        let rest = rest.collect::<Vec<_>>().join(", ");
        let (name, own) = (&ours.name, duration(ours.median));
        format!("| {group} | {name} | {own} | {fastest} | {time} | {faster} | {rest} |\n")
    };
    ours.map(row).collect()
}

fn engine_row(measured: &Measured) -> String {
    let rate = measured.elements.unwrap_or(f64::NAN) / measured.median * 1e9;
    let millions = |rate: f64| format!("{:.2} million", rate / 1e6);
    let promise = ENGINE_PROMISES.iter().find(|(name, _)| *name == measured.name);
    let promise = match promise {
        Some((_, promised)) if rate >= *promised => millions(*promised),
        Some((_, promised)) => format!("**{}**", millions(*promised)),
        None => String::new(),
    };
    format!("| {} | {} | {promise} |\n", measured.name, millions(rate))
}

fn times(ratio: f64) -> String {
    if ratio < 1.0 { format!("**{ratio:.2}**") } else { format!("{ratio:.2}") }
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n => format!("{:.2} ms", n / 1e6),
    }
}
