//! Sessions that come about, and how.

use std::time::Duration;

use super::lab::{By, Lab, config, with_stun};
use crate::ice::{Role, State};

const SOON: Duration = Duration::from_secs(3);

fn lan() -> Lab {
    Lab::new(config(&["192.0.2.1"]), config(&["192.0.2.2"]), 1)
}

fn behind_nats(a: (By, By), b: (By, By)) -> Lab {
    let mut lab = Lab::new(with_stun(config(&["10.0.0.1"])), with_stun(config(&["10.1.0.1"])), 1);
    lab.nat(0, a.0, a.1);
    lab.nat(1, b.0, b.1);
    lab
}

#[test]
fn hosts_on_one_network_select_their_host_candidates_and_exchange_data() {
    let mut lab = lan();
    lab.start();
    assert!(lab.run_to(State::Connected, SOON));
    assert_eq!(lab.kinds(0), ("host", "host"));
    assert!(lab.mirrored());
    assert!(lab.delivers(0, "there") && lab.delivers(1, "back"));
}

#[test]
fn two_restricted_nats_are_crossed_with_server_reflexive_candidates() {
    let restricted = (By::Nothing, By::AddressAndPort);
    let mut lab = behind_nats(restricted, restricted);
    lab.start();
    assert!(lab.run_to(State::Connected, SOON));
    assert_eq!(lab.kinds(0), ("srflx", "srflx"));
    assert!(lab.mirrored());
    assert!(lab.delivers(1, "through"));
}

#[test]
fn symmetric_nat_shows_up_as_peer_reflexive() {
    // RFC 8445 §7.2.5.3.1, §7.3.1.3.
    let symmetric = (By::AddressAndPort, By::AddressAndPort);
    let mut lab = behind_nats(symmetric, (By::Nothing, By::Address));
    lab.start();
    assert!(lab.run_to(State::Connected, SOON));
    assert_eq!(lab.kinds(0), ("prflx", "srflx"));
    assert_eq!(lab.kinds(1), ("srflx", "prflx"));
    assert!(lab.mirrored());
}

#[test]
fn two_symmetric_nats_fail_not_before_patience_is_over() {
    // RFC 8863 §4.
    let symmetric = (By::AddressAndPort, By::AddressAndPort);
    let mut lab = behind_nats(symmetric, symmetric);
    lab.start();
    lab.run(Duration::from_millis(39_400));
    assert!(lab.sides.iter().all(|side| side.agent.state() == State::Checking));
    assert!(lab.run_to(State::Failed, Duration::from_secs(200)));
}

#[test]
fn answers_that_always_come_from_another_port_end_in_failure_without_endless_candidates() {
    let mut lab = behind_nats((By::AddressAndPort, By::Nothing), (By::AddressAndPort, By::Nothing));
    lab.start();
    assert!(lab.run_to(State::Failed, Duration::from_secs(300)));
    assert!(lab.sides.iter().all(|side| side.stun.len() < 2000));
}

#[test]
fn agents_that_both_control_settle_their_roles() {
    // RFC 8445 §7.3.1.1.
    for role in [Role::Controlling, Role::Controlled] {
        let mut lab = lan();
        lab.sides.iter_mut().for_each(|side| side.agent.set_role(role));
        lab.start();
        assert!(lab.run_to(State::Connected, SOON), "{role:?}");
        assert_ne!(lab.sides[0].agent.role(), lab.sides[1].agent.role());
        assert!(lab.mirrored());
    }
}

/// Found by the fuzz target `ice_agent_pair`: both kept their role, and both failed.
#[test]
fn role_conflict_that_is_told_from_another_address_is_settled() {
    let mut lab = Lab::new(with_stun(config(&["10.0.0.1"])), config(&["10.1.0.1"]), 1);
    lab.nat(0, By::Address, By::Nothing);
    lab.nat(1, By::Nothing, By::Address);
    lab.sides[1].agent.set_role(Role::Controlling);
    lab.start();
    assert!(lab.run_to(State::Connected, Duration::from_secs(60)));
    assert_ne!(lab.sides[0].agent.role(), lab.sides[1].agent.role());
}
