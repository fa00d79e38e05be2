//! Every hostile case with the reference peer under test, byte for byte.
//!
//! Each run must pass; the transcript of a case's first role is reviewed like those of scenarios.

use std::path::Path;
use std::sync::Arc;

use rtcspec_adapter_reference::Reference;
use rtcspec_suite::cases::ALL;
use rtcspec_suite::plan::{Player, Selection, plan};
use rtcspec_suite::verdict::Verdict;

/// What a person can be asked to review.
const MOST_LINES: usize = 200;

#[test]
fn no_scenario_is_called_as_a_case_is() {
    // Expectations, transcripts and filters know a run by its id alone.
    for (id, _) in rtcspec_scenarios::SCENARIOS {
        assert!(ALL.iter().all(|case| case.id != *id), "{id} is a scenario and a case");
    }
}

#[test]
fn every_case_passes_and_its_transcript_is_the_one_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let players: [Player; 1] = [Arc::new(Reference)];
    let jobs = plan(&[], ALL, &players, &players, &Selection::default())
        .expect("cases are cast with the reference peer");
    for job in jobs {
        let result = job.run();
        assert_eq!(result.verdict, Verdict::Pass, "{}: {:#?}", result.id, result.findings);
        let case = job.case.expect("only cases were asked for");
        if case.roles.all().first().map(|role| case.run_id(*role)) != Some(job.id) {
            continue;
        }
        let lines = result.transcript.lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines are too many to review", result.id);
        let (layer, name) = case.id.split_once('/').expect("ids have a layer");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root.join(layer));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(case.title);
        settings.bind(|| insta::assert_snapshot!(name, result.transcript));
    }
}
