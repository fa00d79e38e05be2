//! Bounds of connecting times against the times of the model itself.

use std::time::Duration;

use super::{nat, nine, outcome, params};
use crate::oracle::run::Run;
use crate::oracle::{Timing, Topology, Transit, Verdict, bounds};

/// What the model's own pace amounts to.
fn pace() -> Timing {
    Timing {
        signalling: Duration::from_millis(1_000),
        rtt: Duration::from_millis(500),
        ta: Duration::from_millis(60),
        rto: Some(Duration::from_millis(600)),
        allocation: Duration::ZERO,
    }
}

#[test]
fn every_direct_cell_connects_within_its_bound_in_every_order() {
    let mut slowest = 0;
    for a in nine() {
        for b in nine() {
            let topology = Topology::apart(nat("nat-a", params(&a)), nat("nat-b", params(&b)));
            let outcome = outcome(&topology);
            if outcome.verdict != Verdict::Direct {
                continue;
            }
            let bound = bounds(&topology, &outcome, &pace()).unwrap().connected.unwrap();
            // The model does not nominate: one round trip of the bound is not its to use.
            let bound = bound - pace().rtt;
            let mut run = Run::new(&topology, Transit::Random).unwrap();
            for number in 0..100 {
                run.play(7, number, false);
                let after = run.direct_after().unwrap();
                slowest = slowest.max(after);
                let after = Duration::from_millis(after.into());
                assert!(after <= bound, "{a} x {b}: {after:?} after {bound:?}");
            }
        }
    }
    // Else the bound proves nothing.
    assert!(slowest > 1_800, "{slowest}");
}

#[test]
fn failure_comes_no_earlier_than_patience_allows() {
    let symmetric = |name| nat(name, params("APDM/APDF"));
    let topology = Topology::apart(symmetric("nat-a"), symmetric("nat-b"));
    let timing = Timing::of_rtt(Duration::from_millis(80));
    let found = bounds(&topology, &outcome(&topology), &timing).unwrap();
    assert_eq!(found.connected, None);
    assert_eq!(found.failed, Some(Duration::from_millis(39_500)));
}

#[test]
fn a_relay_may_take_its_allocation_longer() {
    let symmetric = |name| nat(name, params("APDM/APDF"));
    let topology = Topology::apart(symmetric("nat-a"), symmetric("nat-b")).with_turn();
    let timing = Timing::of_rtt(Duration::from_millis(80));
    let slow = Timing { allocation: Duration::from_secs(2), ..timing };
    let outcome = outcome(&topology);
    let usual = bounds(&topology, &outcome, &timing).unwrap().connected.unwrap();
    let later = bounds(&topology, &outcome, &slow).unwrap().connected.unwrap();
    assert_eq!(later - usual, slow.allocation - timing.allocation);
}

#[test]
fn the_computed_rto_grows_with_the_square_of_the_pairs() {
    let topology = Topology::internet();
    let outcome = outcome(&topology);
    let fixed = Timing::of_rtt(Duration::from_millis(80));
    let computed = Timing { rto: None, ..fixed };
    // Hosts on the internet have one pair: the formula gives less than the minimum.
    assert_eq!(bounds(&topology, &outcome, &fixed), bounds(&topology, &outcome, &computed));
    let with_relays = topology.with_turn();
    let relayed = crate::oracle::Outcome { verdict: Verdict::Relay, ..outcome };
    let fixed = bounds(&with_relays, &relayed, &fixed).unwrap().connected.unwrap();
    let computed = bounds(&with_relays, &relayed, &computed).unwrap().connected.unwrap();
    // Two local bases by two remote candidates, and perhaps one learned: at least 50 ms * 16.
    assert!(computed - fixed >= Duration::from_millis(300), "{computed:?} {fixed:?}");
}
