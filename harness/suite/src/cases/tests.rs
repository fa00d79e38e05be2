//! Every case can be cast, passes with an honest peer, and fails with a dishonest one.

use std::collections::BTreeSet;
use std::sync::Arc;

use rtcspec_adapter_reference::Reference;
use rtcspec_control::Implementation;
use rtcspec_trace::Party;

use super::sabotage::{self, Mute};
use super::{ALL, Case};
use crate::run::{Cast, Played, play_case, play_doctored};
use crate::scenario::Role;
use crate::verdict::Verdict;

/// Silence is right too where all that expects no connection is, for these: checks, which go on;
/// their end; a handshake that the reference peer ends, and descriptions that it refuses.
const SILENCE_IS_RIGHT: [&str; 5] = [
    "dtls/psk-key-exchange",
    "ice/consent-checked",
    "ice/consent-withheld",
    "sdp/payload-type-over-127",
    "sdp/payload-type-wraps",
];

fn play(
    case: &Case,
    role: Role,
    tested: &dyn Implementation,
    doctor: Option<sabotage::Doctor>,
) -> Played {
    let scenario = case.scenario(role);
    let cast = match role {
        Role::Offerer => Cast { offerer: tested, answerer: &Reference, under_test: Party::A },
        Role::Answerer => Cast { offerer: &Reference, answerer: tested, under_test: Party::B },
    };
    let (id, variant) = (case.run_id(role), &scenario.variants[0]);
    match doctor {
        None => play_case(&id, variant, &cast, case, 1, false),
        Some(doctor) => play_doctored(&id, variant, &cast, case, doctor),
    }
}

fn every_run(mut look: impl FnMut(&'static Case, Role)) {
    for case in ALL {
        for role in case.roles.all() {
            look(case, *role);
        }
    }
}

#[test]
fn the_catalogue_is_sorted_and_every_case_says_what_it_is() {
    let ids: Vec<&str> = ALL.iter().map(|case| case.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for case in ALL {
        let [title, about] = [case.title, case.about].map(str::len);
        assert!(title > 20 && about > 60 && !case.tests.is_empty(), "{}", case.id);
        assert!(case.tests.iter().all(|clause| clause.starts_with("RFC ")), "{}", case.id);
        for role in case.roles.all() {
            assert_eq!(case.scenario(*role).variants.len(), 1, "{}", case.id);
        }
    }
}

#[test]
fn the_reference_peer_passes_every_case() {
    let mut wrong = Vec::new();
    every_run(|case, role| {
        let played = play(case, role, &Reference, None);
        if played.verdict != Verdict::Pass {
            wrong.push(format!("{}: {:#?}", case.run_id(role), played.findings));
        }
    });
    assert!(wrong.is_empty(), "{} runs:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_peer_that_goes_mute_fails_every_case_that_does_not_ask_for_silence() {
    every_run(|case, role| {
        let verdict = play(case, role, &Mute, None).verdict;
        let silence = case.play.contains("not-connected = true");
        let fine = silence || SILENCE_IS_RIGHT.contains(&case.id);
        assert_eq!(verdict.is_fine(), fine, "{}: {verdict}", case.run_id(role));
    });
}

#[test]
fn every_judgement_of_a_case_can_go_against_the_peer() {
    every_run(|case, role| {
        let id = case.run_id(role);
        let honest = play(case, role, &Reference, None);
        let rules = |played: &Played| {
            let own = |duty: &String| duty.starts_with("RFC ");
            let findings = played.findings.iter().filter(|finding| own(&finding.requirement));
            findings.map(|finding| finding.verdict).collect::<Vec<_>>()
        };
        if rules(&honest).is_empty() {
            // Only the probe judges: `a_peer_that_goes_mute_fails` shows that it can.
            assert!(sabotage::of(case.id).is_none(), "{id} has no judgement to go against");
            return;
        }
        let doctor = sabotage::of(case.id).unwrap_or_else(|| panic!("{id}: no wrong evidence"));
        let wrong = play(case, role, &Reference, Some(doctor));
        let seen = rules(&wrong);
        assert!(seen.iter().any(|verdict| *verdict != Verdict::Pass), "{id}: {seen:?}");
    });
}

#[test]
fn a_case_is_cast_with_every_peer_in_every_role_and_the_reference_is_hostile() {
    use crate::plan::{Player, Selection, plan};
    let reference: Player = Arc::new(Reference);
    let players = [reference];
    let filters = vec!["sctp/init-".to_owned()];
    let selection = Selection { filters, repeat: 2, ..Selection::default() };
    let jobs = plan(&[], ALL, &players, &players, &selection).expect("the reference peer is there");
    let ids: Vec<(String, u64)> = jobs.iter().map(|job| (job.id.clone(), job.seed)).collect();
    let wanted = [
        "sctp/init-collision@answerer",
        "sctp/init-collision@offerer",
        "sctp/init-retransmitted@answerer",
        "sctp/init-retransmitted@offerer",
        "sctp/init-tag@answerer",
        "sctp/init-tag@offerer",
    ];
    let wanted: Vec<_> =
        wanted.into_iter().flat_map(|id| [1, 2].map(|n| (id.to_owned(), n))).collect();
    assert_eq!(ids, wanted);
    assert!(plan(&[], ALL, &[], &players, &selection).is_err(), "nobody plays the hostile side");
}
