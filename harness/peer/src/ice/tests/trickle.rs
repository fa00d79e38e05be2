//! Candidates in every order (RFC 8838).

use std::time::Duration;

use super::lab::{By, Lab, config, with_stun, with_turn};
use super::scripted::{OTHER, PEER, Scripted, addr};
use crate::ice::{CandidateType, Config, RemoteCandidate, Role, State};

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn remote(address: &str) -> RemoteCandidate {
    RemoteCandidate {
        kind: CandidateType::Host,
        address: addr(address),
        priority: 1000,
        foundation: address.rsplit(':').next().unwrap().to_owned(),
        name: None,
    }
}

#[test]
fn candidate_before_the_description_waits_for_it() {
    let mut scripted = Scripted::alone(Role::Controlling, Config::default());
    for ufrag in [None, Some("peer")] {
        let to = if ufrag.is_some() { PEER } else { OTHER };
        scripted.agent.add_remote_candidate(scripted.now, remote(to), ufrag);
    }
    scripted.pass(millis(200));
    assert!(scripted.checks().is_empty());
    scripted.introduce(false);
    scripted.pass(millis(200));
    assert!(scripted.last_check(PEER).is_some() && scripted.last_check(OTHER).is_some());
}

#[test]
fn candidate_of_another_generation_is_not_checked() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.agent.add_remote_candidate(scripted.now, remote(PEER), Some("next"));
    scripted.pass(millis(200));
    assert!(scripted.checks().is_empty());
}

#[test]
fn candidate_of_an_old_generation_is_dropped_after_a_restart() {
    let mut scripted = Scripted::connected();
    scripted.agent.restart(scripted.now);
    scripted.agent.gather(scripted.now);
    scripted.agent.add_remote_candidate(scripted.now, remote(OTHER), Some("peer"));
    let credentials =
        crate::ice::Credentials { ufrag: "next".to_owned(), password: "x".repeat(22) };
    let parameters = crate::ice::RemoteParameters { credentials, lite: false };
    scripted.agent.set_remote(scripted.now, parameters).unwrap();
    scripted.pass(millis(300));
    assert!(scripted.last_check(OTHER).is_none());
}

#[test]
fn description_with_other_credentials_asks_for_a_restart() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    let credentials =
        crate::ice::Credentials { ufrag: "next".to_owned(), password: "x".repeat(22) };
    assert!(scripted.agent.is_remote_restart(&credentials));
    let parameters = crate::ice::RemoteParameters { credentials, lite: false };
    assert!(scripted.agent.set_remote(scripted.now, parameters.clone()).is_err());
    scripted.agent.restart(scripted.now);
    assert!(scripted.agent.set_remote(scripted.now, parameters).is_ok());
}

#[test]
fn duplicate_candidate_changes_nothing() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    for _ in 0..3 {
        scripted.trickle(PEER, 1000);
    }
    scripted.pass(millis(400));
    assert_eq!(scripted.checks().len(), 1);
}

#[test]
fn candidate_that_was_learned_first_keeps_its_pair() {
    // RFC 8445 §7.3.1.3.
    let mut scripted = Scripted::introduced(Role::Controlled);
    let check = scripted.check(Role::Controlling);
    scripted.ask(PEER, &check).unwrap();
    scripted.pass(millis(60));
    scripted.trickle(PEER, 5000);
    scripted.pass(millis(200));
    assert_eq!(scripted.checks().len(), 1);
    scripted.succeed(PEER);
    let nomination =
        scripted.check(Role::Controlling).with(rtcspec_wire::stun::Attribute::UseCandidate);
    scripted.ask(PEER, &nomination).unwrap();
    let selected = scripted.events.iter().find_map(|event| match event {
        crate::ice::Event::Selected(pair) => Some(pair.remote.kind),
        _ => None,
    });
    assert_eq!(selected, Some(CandidateType::Host));
}

#[test]
fn candidates_may_come_one_way_only() {
    for silent in 0..2 {
        let mut lab = Lab::new(config(&["192.0.2.1"]), config(&["192.0.2.2"]), 2);
        lab.trickle = false;
        lab.start();
        let candidate = lab.sides[silent].agent.local_candidates()[0].to_wire(None);
        let heard = RemoteCandidate::resolve(&candidate, &crate::ice::Hosts::new());
        lab.sides[1 - silent].agent.add_remote_candidate(lab.now, heard[0].clone(), None);
        assert!(lab.run_to(State::Connected, Duration::from_secs(3)));
        assert!(lab.mirrored());
    }
}

#[test]
fn late_candidates_revive_a_checklist_that_had_failed() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(OTHER, 1000);
    scripted.pass(Duration::from_secs(90));
    assert_eq!(scripted.agent.state(), State::Failed);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(100));
    scripted.succeed(PEER);
    scripted.pass(millis(300));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn new_candidate_restarts_patience() {
    // RFC 8863 §4.
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.pass(Duration::from_secs(30));
    scripted.trickle(PEER, 1000);
    scripted.end();
    scripted.pass(Duration::from_secs(39));
    assert_eq!(scripted.agent.state(), State::Checking);
    scripted.pass(Duration::from_secs(1));
    assert_eq!(scripted.agent.state(), State::Failed);
}

#[test]
fn checklist_runs_longer_for_a_peer_that_has_not_ended_its_candidates() {
    // RFC 8838 §13.
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(PEER, 1000);
    scripted.pass(Duration::from_secs(45));
    assert_eq!(scripted.agent.state(), State::Checking);
    scripted.pass(Duration::from_secs(10));
    assert_eq!(scripted.agent.state(), State::Failed);
}

/// Found by the fuzz target `ice_agent_pair`: the relay was never tried.
#[test]
fn candidate_that_was_learned_before_it_was_signalled_is_paired_with_the_relay_too() {
    let a = with_turn(with_stun(config(&["10.0.0.1"])));
    let mut lab = Lab::new(a, with_stun(config(&["10.1.0.1"])), 1);
    lab.nat(0, By::Address, By::Nothing);
    lab.nat(1, By::Nothing, By::AddressAndPort);
    for side in 0..2 {
        lab.sides[side].agent.gather(lab.now);
    }
    lab.introduce(1);
    lab.run(millis(5000));
    lab.introduce(0);
    assert!(lab.run_to(State::Connected, millis(60_000)));
    assert!(lab.mirrored());
    assert_eq!(lab.kinds(0).0, "relay");
}
