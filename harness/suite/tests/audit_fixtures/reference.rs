//! The reference peer against its own rules.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rtcspec_adapter_reference::Reference;
use rtcspec_suite::audit::audit_run;
use rtcspec_suite::plan::{Player, Selection, plan};
use rtcspec_suite::scenario::read;
use rtcspec_trace::Party;

/// Folders of scenarios.
const LAYERS: [&str; 6] = ["dc", "ice", "link", "nat", "sctp", "signal"];

#[test]
fn the_reference_peer_breaks_no_must_in_any_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let reference: Player = Arc::new(Reference);
    let mut wrong = Vec::new();
    let mut held = 0;
    for layer in LAYERS {
        for entry in fs::read_dir(root.join(layer)).expect("scenarios stand in folders").flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|ending| ending != "toml") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let id = format!("{layer}/{name}");
            let text = fs::read_to_string(&path).expect("a scenario is text");
            let scenario = Arc::new(read(&id, &text).unwrap_or_else(|error| panic!("{error:?}")));
            let players = [Arc::clone(&reference)];
            let jobs = plan(&[scenario], &[], &players, &players, &Selection::default())
                .expect("every scenario can be cast with the reference peer");
            for job in jobs.iter().filter(|job| job.id.starts_with(&id)) {
                let session = job.play().session;
                for side in [Party::A, Party::B] {
                    let audited = audit_run(&session, side);
                    held += audited.held;
                    for finding in audited.findings.iter().filter(|f| f.level == "V") {
                        wrong.push(format!(
                            "{} {} {} by {side:?} {:?}: {}",
                            job.id, finding.level, finding.rule, finding.frames, finding.seen
                        ));
                    }
                }
            }
        }
    }
    assert!(held > 1000, "{held} rules held");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
