//! Transcripts: lines and words moved about, marks of the grammar put between them.

use super::Source;

/// Marks, heads of sections, causes and hops.
const TOKENS: [&str; 16] = [
    "== ice.check @10 after connected",
    "== dtls",
    "== facts",
    "== result ok",
    "… (3 lines folded)",
    "r   A>B   CH  v=1.2",
    "Ta  A-xB  req  !filtered",
    "RTO:500 A=xB  req = 487  B: +A.r0 prflx",
    "          ",
    "  !lost",
    " = ok",
    " @5",
    " after x",
    "\"a b\"",
    "\\",
    "x2..3",
];

/// One change of a text.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        if source.one_in(3) {
            let token = source.pick(&TOKENS).as_bytes();
            let mut ends = (0..data.len()).filter(|at| data[*at] == b'\n').map(|at| at + 1);
            let nth = source.below(ends.clone().count());
            let at = ends.nth(nth).unwrap_or(data.len());
            let end: &[u8] = if token.starts_with(b" ") { b"" } else { b"\n" };
            data.splice(at..at, [token, end].concat());
        } else {
            super::text::lines(data, source);
        }
    });
}

/// The dictionary: such tokens.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    TOKENS.iter().map(|token| token.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Transcript;

    use super::*;

    /// A token that is a line is one of its own kind, one that is a part changes what a line says.
    #[test]
    fn every_token_of_the_dictionary_is_recognised() {
        let read =
            |text: &str| text.parse::<Transcript>().unwrap_or_else(|error| panic!("{error}"));
        let plain = read("transcript 1\n== dtls\nr A>B CH x=1\n== facts\n== result ok\n");
        for token in TOKENS {
            let lines = [
                format!("transcript 1\n== dtls\nr A>B CH x=1\n{token}\n== facts\n== result ok\n"),
                format!("transcript 1\n== dtls\nr A>B CH  a{token} b=1\n== facts\n== result ok\n"),
                format!("transcript 1\n== dtls{token}\nr A>B CH x=1\n== facts\n== result ok\n"),
            ];
            let other = lines.iter().filter_map(|text| text.parse::<Transcript>().ok());
            assert!(other.filter(|other| *other != plain).count() > 0, "{token}");
        }
    }
}
