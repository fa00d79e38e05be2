//! Candidate lines: parts exchanged, numbers at their edges, extensions moved about.

use super::Source;

/// One change of a line.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        if source.one_in(4) { part(data, source) } else { super::text::words(data, source) }
    });
}

/// Puts a word of the dictionary, or of the donor, in the place of a part.
fn part(data: &mut Vec<u8>, source: &mut Source<'_>) {
    // A line has 8 parts and some extensions: growing costs more than room that is not used.
    let mut parts: Vec<&[u8]> = Vec::with_capacity(32);
    parts.extend(data.split(|byte| *byte == b' '));
    let at = source.below(parts.len());
    let word = match source.donor.split(|byte| *byte == b' ').nth(at) {
        Some(word) if source.rng.bool() => word,
        _ => source
            .dictionary
            .get(source.below(source.dictionary.len()))
            .map_or(&[][..], Vec::as_slice),
    };
    match source.rng.u8(..4) {
        0 => parts.push(word),
        1 => parts.insert(at, word),
        _ => parts[at] = word,
    }
    *data = parts.join(&b' ');
}

/// Words that mean something in some place of a line, addresses of every kind, and edges.
const WORDS: [&str; 25] = [
    "udp",
    "UDP",
    "tcp",
    "TCP",
    "typ",
    "host",
    "srflx",
    "prflx",
    "relay",
    "raddr",
    "rport",
    "tcptype",
    "active",
    "passive",
    "so",
    "192.0.2.1",
    "0.0.0.0",
    "2001:db8::1",
    "::",
    "::ffff:192.0.2.1",
    "3f3ef1c1-7de2-4a43-8a0a-6ff0ff9e9f1e.local",
    "256",
    "65535",
    "2147483647",
    "a=candidate:1",
];

/// Names of extensions as browsers write them; to a reader one is like any other.
const EXTENSIONS: [&str; 4] = ["generation", "ufrag", "network-id", "network-cost"];

/// The dictionary: words, and names of extensions.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    WORDS.iter().chain(&EXTENSIONS).map(|word| word.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::candidate::{Candidate, CandidateKind, ConnectionAddress, Transport};

    use super::*;

    /// Each word makes a line that is typed throughout, in the place that it is for.
    #[test]
    fn every_word_of_the_dictionary_is_recognised() {
        for word in WORDS {
            let lines = [
                format!("1 1 {word} 1 192.0.2.1 9 typ host"),
                format!("1 1 udp 1 {word} 9 typ host"),
                format!("1 {word} udp 1 192.0.2.1 9 typ host"),
                format!("1 1 udp 1 192.0.2.1 {word} typ host"),
                format!("1 1 udp {word} 192.0.2.1 9 typ host"),
                format!("1 1 udp 1 192.0.2.1 9 {word} host"),
                format!("1 1 udp 1 192.0.2.1 9 typ {word}"),
                format!("1 1 tcp 1 192.0.2.1 9 typ host tcptype {word}"),
                format!("1 1 udp 1 192.0.2.1 9 typ host {word} 192.0.2.1"),
                format!("1 1 udp 1 192.0.2.1 9 typ host {word} 9"),
                format!("1 1 udp 1 192.0.2.1 9 typ host {word} so"),
                format!("{word} 1 udp 1 192.0.2.1 9 typ host"),
            ];
            let read = lines.iter().filter_map(|line| line.parse::<Candidate>().ok());
            assert!(read.filter(is_typed).count() > 0, "{word}");
        }
        for name in EXTENSIONS {
            let line = format!("1 1 udp 1 192.0.2.1 9 typ host {name} 9");
            let candidate: Candidate = line.parse().expect(name);
            assert_eq!(candidate.extension(name), Some("9"));
        }
    }

    fn is_typed(candidate: &Candidate) -> bool {
        let address = match &candidate.address {
            ConnectionAddress::Ip(_) => true,
            ConnectionAddress::Name(_) => candidate.address.is_mdns(),
        };
        let extensions = candidate.extensions.is_empty() || candidate.tcp_type().is_some();
        address
            && extensions
            && !matches!(candidate.transport, Transport::Other(_))
            && !matches!(candidate.kind, CandidateKind::Other(_))
    }
}
