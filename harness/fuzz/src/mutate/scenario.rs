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

/// Many keys with many values.
fn matrix(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let keys = source.pick(&[1, 2, 12]);
    let values: Vec<String> =
        (0..source.pick(&[1, 2, 8])).map(|value: u32| value.to_string()).collect();
    let place = data.windows(4).position(|found| found == b"[[do").unwrap_or(data.len());
    let mut text = String::from("[matrix]\n");
    for key in 0..keys {
        text.push_str(&format!("\"seed{key}\" = [{}]\n", values.join(", ")));
    }
    data.splice(place..place, text.into_bytes());
}

/// The dictionary: such tokens.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    TOKENS.iter().map(|token| token.as_bytes().to_vec()).collect()
}
