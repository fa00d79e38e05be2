//! Transcripts of exports.

use rtcspec_capture::conversations::conversations;

use super::corpus;

/// The lines of all transcripts of a capture, without words that are quoted and names of programs.
/// Lines of one kind are in the order of what is quoted.
fn lines(path: &std::path::Path) -> Vec<String> {
    let found = conversations(&mut corpus::opened(path), "call");
    let texts =
        found.sessions.iter().map(|session| rtcspec_trace::value(session, "seen").to_string());
    let without = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        parts.into_iter().step_by(2).collect::<Vec<_>>().join("...")
    };
    let mut lines: Vec<String> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["peer", letter, _, rest @ ..] => format!("peer {letter} {}", rest.join(" ")),
            _ => without(&line),
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_transcript_tells_the_same_in_other_words() {
    let mut all = 0;
    for path in corpus::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let export = corpus::written(&corpus::exported(&path, 4), folder.path());
        let before = lines(&path);
        all += before.len();
        let after = lines(&export);
        let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!((lost, new), (vec![], vec![]), "{}", corpus::name(&path));
        assert_eq!(before, after, "{}", corpus::name(&path));
    }
    assert!(all > 2000, "{all}");
}
