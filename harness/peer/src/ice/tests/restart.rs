//! ICE restart (RFC 8445 §9) and what makes it necessary (RFC 7675).

use std::time::Duration;

use rtcspec_wire::stun::Class;

use super::lab::{By, Lab, config, with_stun};
use super::scripted::{PEER, Scripted, addr};
use crate::ice::{
    CandidateType, Credentials, Event, RemoteCandidate, RemoteParameters, Role, SendError, State,
};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn connected(filtering: By) -> Lab {
    let mut lab = Lab::new(with_stun(config(&["10.0.0.1"])), with_stun(config(&["10.1.0.1"])), 7);
    lab.nat(0, By::Nothing, filtering);
    lab.nat(1, By::Nothing, filtering);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(3)));
    lab.run(secs(5));
    lab
}

#[test]
fn restart_changes_both_credentials_and_keeps_the_roles() {
    let mut lab = connected(By::AddressAndPort);
    let before = lab.parameters(0).credentials;
    let roles = lab.sides.each_ref().map(|side| side.agent.role());
    lab.restart(0);
    let after = lab.parameters(0).credentials;
    assert!(before.ufrag != after.ufrag && before.password != after.password);
    assert!(lab.run_to(State::Connected, secs(10)));
    assert_eq!(roles, lab.sides.each_ref().map(|side| side.agent.role()));
}

#[test]
fn old_pair_carries_data_until_the_new_one_is_selected() {
    // RFC 8445 §9, §12.1.
    let mut lab = connected(By::AddressAndPort);
    let old = lab.sides[0].agent.selected().unwrap();
    for side in 0..2 {
        lab.sides[side].agent.restart(lab.now);
    }
    assert!(lab.delivers(0, "during") && lab.delivers(1, "during"));
    assert_eq!(lab.sides[0].agent.selected(), Some(old));
    lab.start();
    lab.run(lab.now + secs(10));
    assert_ne!(lab.sides[0].agent.selected(), Some(old));
    assert!(lab.mirrored());
    assert!(lab.delivers(0, "after") && lab.delivers(1, "after"));
}

#[test]
fn restart_that_is_rolled_back_leaves_everything_as_it_was() {
    let mut lab = connected(By::AddressAndPort);
    let before = lab.parameters(0);
    lab.sides[0].agent.restart(lab.now);
    assert!(lab.sides[0].agent.rollback_restart(lab.now));
    assert_eq!(lab.parameters(0), before);
    assert!(!lab.sides[0].agent.rollback_restart(lab.now));
    assert!(lab.delivers(0, "still"));
    lab.run(lab.now + secs(60));
    assert_eq!(lab.sides[0].agent.state(), State::Connected);
}

#[test]
fn restart_that_is_rolled_back_before_there_is_a_pair_goes_on_with_the_old_session() {
    let mut lab = Lab::new(config(&["192.0.2.1"]), config(&["192.0.2.2"]), 7);
    let lost_until = Duration::from_millis(100);
    lab.filter = Some(Box::new(move |now, _, _, _| now >= lost_until));
    lab.start();
    let before = lab.parameters(0);
    lab.sides[0].agent.restart(lab.now);
    lab.run(lost_until);
    assert!(lab.sides[0].agent.rollback_restart(lab.now));
    assert_eq!(lab.parameters(0), before);
    // Its first check was lost, and is sent again at once.
    let soon = lab.now + Duration::from_millis(200);
    assert!(lab.run_to(State::Connected, soon));
    assert!(lab.delivers(0, "there") && lab.delivers(1, "back"));
}

#[test]
fn candidate_of_the_old_session_counts_once_the_restart_is_rolled_back() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.agent.restart(scripted.now);
    let candidate = RemoteCandidate {
        kind: CandidateType::Host,
        address: addr(PEER),
        priority: 1000,
        foundation: "1".to_owned(),
        name: None,
    };
    scripted.agent.add_remote_candidate(scripted.now, candidate, Some("peer"));
    assert!(scripted.agent.rollback_restart(scripted.now));
    scripted.drain();
    scripted.pass(Duration::from_millis(60));
    assert!(scripted.last_check(PEER).is_some());
}

#[test]
fn session_without_a_pair_is_over_once_its_restart_is_answered() {
    let mut lab = Lab::new(config(&["192.0.2.1"]), config(&["192.0.2.2"]), 7);
    lab.filter = Some(Box::new(|_, _, _, _| false));
    lab.start();
    lab.run(secs(1));
    let old = lab.sides[0].agent.local_candidates()[0].base;
    lab.restart(0);
    lab.run(secs(7));
    assert!(!lab.sides[0].agent.owns(old));
}

#[test]
fn restart_after_a_failure_without_a_pair_does_not_determine_the_role_anew() {
    // RFC 8445 §6.1.1.
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.agent.restart(scripted.now);
    scripted.drain();
    scripted.pass(secs(60));
    scripted.agent.set_role(Role::Controlling);
    assert_eq!(scripted.agent.role(), Role::Controlled);
}

#[test]
fn nat_reboot_costs_consent_and_a_restart_brings_the_session_back() {
    // RFC 7675 §5.1.
    let mut lab = connected(By::AddressAndPort);
    let since = lab.now;
    lab.sides.iter_mut().for_each(|side| side.nat.as_mut().unwrap().reboot());
    assert!(lab.run_to(State::Failed, since + secs(36)));
    assert_eq!(lab.sides[0].agent.send(lab.now, b"x"), Err(SendError::NoConsent));
    let silent = lab.sent(0, Class::Request).len();
    lab.run(lab.now + secs(60));
    assert_eq!(lab.sent(0, Class::Request).len(), silent, "nothing is sent without consent");
    lab.restart(0);
    assert!(lab.run_to(State::Connected, lab.now + secs(10)));
    assert!(lab.delivers(0, "again") && lab.delivers(1, "again"));
}

#[test]
fn disconnected_comes_before_failed_and_goes_when_answers_return() {
    let mut lab = connected(By::Nothing);
    let (from, to) = (lab.now, lab.now + secs(24));
    lab.filter = Some(Box::new(move |now, _, _, _| now < from || now > to));
    lab.run(from + secs(60));
    let states: Vec<State> = lab.sides[0]
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::State(state) = event { Some(*state) } else { None })
        .collect();
    let expected = [State::Checking, State::Connected, State::Disconnected, State::Connected];
    assert_eq!(states, expected);
}

#[test]
fn consent_that_is_lost_on_the_old_pair_does_not_fail_a_running_restart() {
    let mut lab = connected(By::AddressAndPort);
    lab.sides.iter_mut().for_each(|side| side.nat.as_mut().unwrap().reboot());
    let from = lab.now;
    lab.filter = Some(Box::new(move |now, _, _, _| now > from + secs(32)));
    lab.run(from + secs(12));
    lab.restart(0);
    assert!(lab.run_to(State::Connected, from + secs(50)));
    let failed = |event: &Event| matches!(event, Event::State(State::Failed));
    assert!(!lab.sides[0].events.iter().any(|(_, event)| failed(event)));
}

#[test]
fn nomination_that_arrives_after_a_restart_selects_nothing_in_the_old_session() {
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.trickle(PEER, 1000);
    scripted.pass(Duration::from_millis(60));
    scripted.succeed(PEER);
    let nomination =
        scripted.check(Role::Controlling).with(rtcspec_wire::stun::Attribute::UseCandidate);
    let (bytes, local) = (scripted.sealed(&nomination), scripted.base());
    scripted.agent.restart(scripted.now);
    let credentials = Credentials { ufrag: "anew".to_owned(), password: "anew".repeat(6) };
    let parameters = RemoteParameters { credentials, lite: false };
    scripted.agent.set_remote(scripted.now, parameters).unwrap();
    let input = crate::io::Receive::Udp { local, remote: addr(PEER), data: bytes };
    scripted.agent.receive(scripted.now, input);
    scripted.drain();
    assert_eq!(scripted.agent.selected(), None);
    assert_eq!(scripted.agent.send(scripted.now, b"x"), Err(SendError::NoPair));
}
