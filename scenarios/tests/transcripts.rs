//! Every scenario with the reference peer on both sides, byte for byte.
//!
//! A change of behaviour shows as a changed transcript: review it with `cargo insta review`, or
//! compare it by meaning with `rtcspec diff`.

use std::path::Path;
use std::sync::Arc;

use rtcspec_adapter_reference::Reference;
use rtcspec_suite::plan::{Player, Selection, plan};
use rtcspec_suite::scenario::read;
use rtcspec_suite::verdict::Verdict;

#[test]
fn every_scenario_passes_and_its_transcript_is_the_one_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference: Player = Arc::new(Reference);
    for (id, text) in rtcspec_scenarios::SCENARIOS {
        let scenario = Arc::new(read(id, text).unwrap_or_else(|error| panic!("{error:?}")));
        let players = [Arc::clone(&reference)];
        let jobs = plan(&[Arc::clone(&scenario)], &[], &players, &players, &Selection::default())
            .expect("every scenario can be cast with the reference peer");
        let (layer, name) = id.split_once('/').expect("scenarios stand in folders");
        for job in jobs {
            let result = job.run();
            assert_eq!(result.verdict, Verdict::Pass, "{}: {:#?}", result.id, result.findings);
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(root.join(layer));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.set_input_file(root.join(format!("{id}.toml")));
            settings.set_description(&scenario.file.name);
            let values = job.id.split_once('#').map_or(String::new(), |(_, values)| {
                format!(".{}", values.rsplit('=').next().unwrap_or(values))
            });
            settings.bind(|| insta::assert_snapshot!(format!("{name}{values}"), result.transcript));
        }
    }
}

#[test]
fn two_runs_of_one_seed_are_byte_equal() {
    let reference: Player = Arc::new(Reference);
    for (id, text) in rtcspec_scenarios::SCENARIOS {
        let scenario = Arc::new(read(id, text).unwrap_or_else(|error| panic!("{error:?}")));
        let players = [Arc::clone(&reference)];
        let jobs = plan(&[scenario], &[], &players, &players, &Selection::default())
            .expect("every scenario can be cast with the reference peer");
        for job in jobs {
            assert_eq!(job.run().transcript, job.run().transcript, "{}", job.id);
        }
    }
}
