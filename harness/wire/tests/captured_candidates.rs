//! Every candidate line of the recorded sessions reads and prints back.

use std::fs;
use std::path::Path;

use rtcspec_wire::candidate::{Candidate, CandidateView};

#[test]
fn candidate_lines_of_real_implementations_survive_reading_and_printing() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures/sdp");
    let mut lines = 0;
    for entry in fs::read_dir(dir).expect("the captures are in the repository") {
        let text = fs::read_to_string(entry.expect("readable").path()).expect("text");
        for line in text.lines().filter(|line| line.starts_with("a=candidate:")) {
            let view = CandidateView::new(line);
            let candidate: Candidate = view.parse().expect(line);
            let transport = format!(" {} ", view.transport().expect("parsed"));
            let canonical = line.replacen(&transport, &transport.to_lowercase(), 1);
            assert_eq!(format!("a={candidate}"), canonical.trim_end());
            lines += 1;
        }
    }
    assert!(lines > 100, "only {lines} candidate lines found");
}
