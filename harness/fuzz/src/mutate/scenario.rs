//! Scenario files: lines and tables moved about, values exchanged, matrices grown.

use super::Source;

/// Tables, keys and values of scenarios.
const TOKENS: [&str; 30] = [
    "[[do]]",
    "[[expect]]",
    "[matrix]",
    "[peer.alice]",
    "[link.wan]",
    "[nat.home]",
    "[server.stun]",
    "version = 1",
    "seed = 7",
    "connect = \"alice\"",
    "close = \"bob\"",
    "send = \"chat\"",
    "after = \"connected + 1s\"",
    "within = \"5s\"",
    "connected = true",
    "never = \"connected\"",
    "mapping = \"endpoint-independent\"",
    "filtering = \"address-and-port-dependent\"",
    "ports = \"random\"",
    "loss = \"5%\"",
    "delay = \"20ms\"",
    "rate = \"1 Mbit/s\"",
    "\"5s\"",
    "\"100%\"",
    "\"-1ms\"",
    "\"18446744073709551616s\"",
    "[1, 2, 3, 4, 5, 6, 7, 8]",
    "\"nat.home.ports\" = [\"random\", \"sequential\"]",
    "\u{e9} = 1",
    "'''",
];

/// One change of a file.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| match source.rng.u8(..6) {
        0 => token(data, source),
        1 => table(data, source),
        2 => matrix(data, source),
        _ => super::text::lines(data, source),
    });
}

fn token(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let token = source.pick(&TOKENS).as_bytes();
    let ends: Vec<usize> =
        (0..data.len()).filter(|at| data[*at] == b'\n').map(|at| at + 1).collect();
    let at = ends.get(source.below(ends.len())).copied().unwrap_or(data.len());
    data.splice(at..at, [token, b"\n"].concat());
}

/// A table with its lines once more, away, or of the donor.
fn table(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let split = |data: &[u8]| -> Vec<Vec<u8>> {
        let mut row = vec![Vec::new()];
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b"[") {
                row.push(Vec::new());
            }
            if let Some(table) = row.last_mut() {
                table.extend_from_slice(line);
            }
        }
        row
    };
    let mut row = split(data);
    let at = source.below(row.len());
    match source.rng.u8(..4) {
        0 => row.insert(at, row[at].clone()),
        1 => drop(row.remove(at)),
        2 => {
            let table = row.remove(at);
            row.push(table);
        }
        _ => row.extend(split(source.donor).into_iter().skip(1 + source.below(8)).take(1)),
    }
    *data = row.concat();
}

/// What a matrix may vary: in tables of which kind, which key, and values of it.
const VARIED: [(&str, &str, &[&str]); 9] = [
    ("", "seed", &["1", "2", "3", "4"]),
    ("", "limit", &["\"30s\"", "\"60s\""]),
    ("nat.", "mapping", &["\"endpoint-independent\"", "\"address-and-port-dependent\""]),
    ("nat.", "filtering", &["\"endpoint-independent\"", "\"address-dependent\""]),
    ("nat.", "ports", &["\"preserve\"", "\"sequential\"", "\"random\""]),
    ("nat.", "hairpin", &["\"none\"", "\"internal\"", "\"external\""]),
    ("nat.", "exhaustion", &["\"drop\"", "\"reject\"", "\"evict-oldest\""]),
    ("link.", "delay", &["\"5ms\"", "\"20ms\"", "\"200ms\""]),
    ("link.", "loss", &["\"0%\"", "\"5%\""]),
];

/// More keys in the matrix, each with some values: a file has one matrix at most.
fn matrix(data: &mut Vec<u8>, source: &mut Source<'_>) {
    const TABLE: &[u8] = b"[matrix]\n";
    let mut keys = keys(data);
    source.rng.shuffle(&mut keys);
    keys.truncate(source.pick(&[1, 1, 2, 12]));
    let count = source.pick(&[1, 2, 2, 8]);
    let mut text = String::new();
    for (key, values) in keys {
        let values: Vec<&str> = values.iter().copied().cycle().take(count).collect();
        text.push_str(&format!("\"{key}\" = [{}]\n", values.join(", ")));
    }
    let place = |wanted: &[u8]| data.windows(wanted.len()).position(|found| found == wanted);
    let (at, text) = match place(TABLE) {
        Some(table) => (table + TABLE.len(), text.into_bytes()),
        None => (
            place(b"[[do").unwrap_or(data.len()),
            [&b"\n"[..], TABLE, text.as_bytes(), b"\n"].concat(),
        ),
    };
    data.splice(at..at, text);
}

/// Keys that a file has the tables for and whose name is not in it yet, with values.
fn keys(data: &[u8]) -> Vec<(String, &'static [&'static str])> {
    let text = String::from_utf8_lossy(data);
    let tables = text.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let mut keys = Vec::new();
    for table in std::iter::once("").chain(tables) {
        for (kind, key, values) in VARIED {
            let key = match kind {
                "" if table.is_empty() => key.to_owned(),
                "" => continue,
                _ if table.starts_with(kind) => format!("{table}.{key}"),
                _ => continue,
            };
            if !text.contains(&format!("\"{key}\"")) {
                keys.push((key, values));
            }
        }
    }
    keys
}

/// The dictionary: such tokens.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    TOKENS.iter().map(|token| token.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use rtcspec_suite::scenario::read;

    use super::*;
    use crate::mutate::Rng;

    /// Once `"seed0"` was given to files, which none has, in a table of its own, of which there is one.
    #[test]
    fn a_matrix_is_often_accepted_in_a_file_with_one_and_in_a_file_without() {
        let with = include_str!("../../../../corpus/seeds/scenario/nat-pooling.toml");
        let without = include_str!("../../../../corpus/seeds/scenario/nat-open-symmetric.toml");
        for (file, runs) in [(with, 2), (without, 1)] {
            let more = |seed: &u64| {
                let mut data = file.as_bytes().to_vec();
                let rng = Rng::with_seed(*seed);
                matrix(&mut data, &mut Source { rng, donor: &[], dictionary: &[], most: 1 << 16 });
                let text = String::from_utf8(data).expect("text");
                read("fuzz/file", &text).is_ok_and(|scenario| scenario.variants.len() > runs)
            };
            let more = (0..100).filter(more).count();
            assert!(more > 20, "{more} of 100 have more runs than {runs}");
        }
    }
}
