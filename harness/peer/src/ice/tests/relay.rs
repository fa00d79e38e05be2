//! Relayed candidates in sessions.

use std::time::Duration;

use rtcspec_wire::stun::{AttributeType, Class, Method, View};

use super::lab::{By, Lab, TURN, config, relay_only, with_stun, with_turn};
use crate::ice::{CandidateType, Event, RemoteCandidate, State};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const SYMMETRIC: (By, By) = (By::AddressAndPort, By::AddressAndPort);

fn symmetric(a_turn: bool, b_turn: bool) -> Lab {
    let make = |ip, turn| {
        let config = with_stun(config(&[ip]));
        if turn { with_turn(config) } else { config }
    };
    let mut lab = Lab::new(make("10.0.0.1", a_turn), make("10.1.0.1", b_turn), 3);
    lab.nat(0, SYMMETRIC.0, SYMMETRIC.1);
    lab.nat(1, SYMMETRIC.0, SYMMETRIC.1);
    lab
}

#[test]
fn one_turn_server_is_enough_for_two_symmetric_nats() {
    for (a, b) in [(true, false), (false, true), (true, true)] {
        let mut lab = symmetric(a, b);
        lab.start();
        assert!(lab.run_to(State::Connected, secs(10)), "{a} {b}");
        lab.run(lab.now + secs(1));
        assert!(lab.mirrored());
        let kinds = [lab.kinds(0), lab.kinds(1)];
        assert!(kinds.iter().any(|(local, _)| *local == "relay"), "{kinds:?}");
        assert!(lab.delivers(0, "over the relay") && lab.delivers(1, "and back"));
    }
}

#[test]
fn direct_pair_is_preferred_though_a_relay_is_there() {
    let mut lab = Lab::new(
        with_turn(with_stun(config(&["10.0.0.1"]))),
        with_turn(with_stun(config(&["10.1.0.1"]))),
        3,
    );
    lab.nat(0, By::Nothing, By::AddressAndPort);
    lab.nat(1, By::Nothing, By::AddressAndPort);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    assert_eq!(lab.kinds(0), ("srflx", "srflx"));
}

#[test]
fn unused_allocations_are_given_back_three_seconds_after_the_conclusion() {
    // RFC 8445 §8.3.1.
    let mut lab = symmetric(true, true);
    lab.sides.iter_mut().for_each(|side| side.nat = None);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    lab.run(lab.now + secs(1));
    assert_eq!(lab.turn.allocations(), 2);
    lab.run(lab.now + secs(4));
    assert_eq!(lab.turn.allocations(), 0);
}

#[test]
fn allocation_in_use_is_kept_and_consent_goes_over_it() {
    // RFC 7675, RFC 8656 §8.
    let mut lab = symmetric(true, false);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    lab.run(secs(1300));
    assert_eq!(lab.sides[0].agent.state(), State::Connected);
    assert!(lab.delivers(0, "late") && lab.delivers(1, "late too"));
}

#[test]
fn relay_policy_gives_away_no_address_of_the_machine() {
    // RFC 8828 §5.2 mode 4: neither in candidates nor by checks.
    let mut lab = Lab::new(
        relay_only(with_turn(with_stun(config(&["10.0.0.1"])))),
        with_stun(config(&["192.0.2.2"])),
        3,
    );
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    for (_, event) in &lab.sides[0].events {
        let Event::Candidate { candidate, .. } = event else { continue };
        assert_eq!(candidate.kind, CandidateType::Relayed);
        assert_eq!(candidate.related.unwrap().to_string(), "0.0.0.0:9");
    }
    let server = TURN.parse().unwrap();
    for (_, local, remote, _) in &lab.sides[0].stun {
        assert!(*remote == server || local.ip() == std::net::IpAddr::from([203, 0, 113, 5]));
    }
}

#[test]
fn permission_is_there_before_the_first_check_from_a_relayed_candidate() {
    // RFC 8445 §7.2.1.
    let mut lab = symmetric(true, false);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    let mut permitted = Vec::new();
    for (_, local, remote, bytes) in &lab.sides[0].stun {
        let view = View::new(bytes);
        let ty = view.message_type().unwrap();
        if ty.method == Method::CREATE_PERMISSION {
            permitted.extend(view.xor_peer_address().map(|peer| peer.ip()));
        }
        if ty.method == Method::BINDING && ty.class == Class::Request && local.ip() == lab.turn.ip {
            assert!(permitted.contains(&remote.ip()));
        }
    }
    assert!(!permitted.is_empty());
}

#[test]
fn peer_that_the_server_forbids_fails_alone() {
    let mut lab = symmetric(true, false);
    lab.turn.forbidden.push([10, 1, 0, 1].into());
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    assert_eq!(lab.kinds(0).0, "relay");
}

/// Found by the fuzz target `ice_agent_pair`: a pair whose permission was refused before, or whose
/// allocation was gone, waited for ever.
#[test]
fn later_candidate_of_a_peer_that_the_relay_does_not_reach_is_not_waited_for() {
    for code in [403, 437] {
        let a = relay_only(with_turn(config(&["10.0.0.1"])));
        let mut lab = Lab::new(a, config(&["192.0.2.2"]), 3);
        lab.turn.fault(Method::CREATE_PERMISSION, &[code]);
        lab.trickle = false;
        lab.sides[0].agent.gather(lab.now);
        lab.run(secs(1));
        lab.introduce(0);
        for port in [1000, 2000] {
            let candidate = RemoteCandidate {
                kind: CandidateType::Host,
                address: ([192, 0, 2, 2], port).into(),
                priority: 1,
                foundation: "1".to_owned(),
                name: None,
            };
            lab.sides[0].agent.add_remote_candidate(lab.now, candidate, None);
            lab.run(lab.now + secs(5));
        }
        lab.sides[0].agent.end_of_remote_candidates(lab.now, None);
        lab.run(lab.now + secs(100));
        assert_eq!(lab.sides[0].agent.state(), State::Failed, "{code}");
    }
}

#[test]
fn server_that_refuses_to_allocate_still_yields_the_reflexive_candidate() {
    // RFC 8445 §5.1.1.2.
    let mut lab = Lab::new(with_turn(config(&["10.0.0.1"])), config(&["192.0.2.2"]), 3);
    lab.nat(0, By::Nothing, By::Nothing);
    lab.turn.fault(Method::ALLOCATE, &[508]);
    lab.start();
    lab.run(secs(1));
    let kinds: Vec<&str> =
        lab.sides[0].agent.local_candidates().iter().map(|c| c.kind.word()).collect();
    assert_eq!(kinds, ["host", "srflx"]);
    let error = |event: &Event| matches!(event, Event::CandidateError { code: 508, .. });
    assert!(lab.sides[0].events.iter().any(|(_, event)| error(event)));
}

#[test]
fn port_the_server_believes_in_use_is_exchanged_for_another() {
    // RFC 8656 §7.4: 437 in answer to Allocate.
    let mut lab = Lab::new(with_turn(config(&["192.0.2.1"])), config(&["192.0.2.2"]), 3);
    lab.turn.fault(Method::ALLOCATE, &[437]);
    lab.start();
    lab.run(secs(1));
    let relayed = |c: &&crate::ice::LocalCandidate| c.kind == CandidateType::Relayed;
    assert_eq!(lab.sides[0].agent.local_candidates().iter().filter(relayed).count(), 1);
}

#[test]
fn closing_gives_allocations_back_even_when_challenged() {
    let mut lab = symmetric(true, true);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(10)));
    lab.turn.change_nonce();
    for side in 0..2 {
        lab.sides[side].agent.close(lab.now);
    }
    lab.run(lab.now + secs(5));
    assert_eq!(lab.turn.allocations(), 0);
    assert!(lab.sides.iter().all(|side| side.agent.state() == State::Closed));
    assert!(lab.sides.iter().all(|side| side.agent.wake().is_none()));
}

#[test]
fn one_allocate_exchange_yields_the_reflexive_and_the_relayed_candidate() {
    // RFC 8445 §5.1.1.2.
    let mut lab = Lab::new(with_turn(config(&["10.0.0.1"])), config(&["192.0.2.2"]), 3);
    lab.nat(0, By::Nothing, By::Nothing);
    lab.start();
    lab.run(secs(1));
    let candidates = lab.sides[0].agent.local_candidates();
    assert_eq!(
        candidates.iter().map(|c| c.kind.word()).collect::<Vec<_>>(),
        ["host", "srflx", "relay"]
    );
    assert_eq!(candidates[1].related, Some(candidates[0].address));
    assert_eq!(candidates[2].related, Some(candidates[1].address));
    let asked = |bytes: &[u8]| View::new(bytes).has(AttributeType::USERNAME);
    let to_server = lab.sides[0].stun.iter().filter(|(.., to, _)| *to == TURN.parse().unwrap());
    assert!(to_server.filter(|(.., bytes)| asked(bytes)).count() >= 1);
}
