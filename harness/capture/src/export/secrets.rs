//! Key logs: other secrets under other randoms, of the connections that are in the capture only.

use std::collections::BTreeSet;

use super::handshake;
use super::noise::Noise;
use crate::keys::KeyLog;

/// All lines with other secrets.
pub(super) fn replaced(noise: &Noise, keys: &KeyLog) -> Vec<String> {
    keys.lines().iter().filter_map(|line| Some(other(noise, line)?.1)).collect()
}

/// The lines of connections that began with one of these randoms, with other secrets, each once.
pub(super) fn used(noise: &Noise, keys: &KeyLog, randoms: &BTreeSet<[u8; 32]>) -> String {
    let mut seen = BTreeSet::new();
    let lines = keys.lines().iter().filter_map(|line| other(noise, line));
    let lines =
        lines.filter(|(random, line)| randoms.contains(random) && seen.insert(line.clone()));
    lines.map(|(_, line)| line + "\n").collect()
}

/// A line's random, and the line in its place.
fn other(noise: &Noise, line: &str) -> Option<([u8; 32], String)> {
    let mut words = line.split_ascii_whitespace();
    let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
    let random: [u8; 32] = bytes(random)?.try_into().ok()?;
    let secret = bytes(secret)?;
    let purpose = format!("secret {label} {random:?}");
    let (other_random, other_secret) =
        (handshake::random(noise, random), noise.bytes(&purpose, &secret));
    Some((random, format!("{label} {} {}", hex(&other_random), hex(&other_secret))))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    pairs.iter().map(pair).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_randoms_are_others_and_only_those_in_use() {
        let noise = Noise::new([3; 32], 0);
        let line = |random: &str, secret: &str| {
            format!("CLIENT_RANDOM {} {}\n", random.repeat(32), secret.repeat(48))
        };
        let text = [line("aa", "01"), line("bb", "02"), line("aa", "01")].concat();
        let keys = KeyLog::read(text.as_bytes());
        let other = used(&noise, &keys, &[[0xaa; 32]].into());
        assert_eq!(other.lines().count(), 1);
        assert_eq!(KeyLog::read(other.as_bytes()).problems(), []);
        assert!(other.starts_with("CLIENT_RANDOM ") && !other.contains("aaaaaa"), "{other}");
        assert!(!other.contains("010101") && replaced(&noise, &keys).len() == 3);
    }
}
