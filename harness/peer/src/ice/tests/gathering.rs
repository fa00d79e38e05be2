//! Interfaces, families and what changes about them.

use std::time::Duration;

use super::lab::{By, Lab, config, with_stun};
use crate::ice::{Event, State};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn dual_stack_hosts_prefer_ipv6_and_pair_equal_families_only() {
    // RFC 8421 §4, RFC 8445 §6.1.2.2.
    let mut lab =
        Lab::new(config(&["192.0.2.1", "2001:db8::1"]), config(&["192.0.2.2", "2001:db8::2"]), 1);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(3)));
    let (base, remote) = lab.sides[0].agent.selected().unwrap();
    assert!(base.is_ipv6() && remote.is_ipv6());
    for (_, local, remote, _) in &lab.sides[0].stun {
        assert_eq!(local.is_ipv4(), remote.is_ipv4());
    }
}

#[test]
fn broken_ipv6_costs_only_a_moment() {
    let mut lab =
        Lab::new(config(&["192.0.2.1", "2001:db8::1"]), config(&["192.0.2.2", "2001:db8::2"]), 1);
    lab.filter = Some(Box::new(|_, src, _, _| src.is_ipv4()));
    lab.start();
    assert!(lab.run_to(State::Connected, Duration::from_millis(700)));
}

#[test]
fn link_local_addresses_are_paired_among_themselves() {
    // RFC 8445 §6.1.2.2.
    let mut lab = Lab::new(config(&["fe80::1", "2001:db8::1"]), config(&["2001:db8::2"]), 1);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(3)));
    let link_local = |ip: std::net::IpAddr| ip.to_string().starts_with("fe80");
    assert!(!lab.sides[0].stun.iter().any(|(_, local, ..)| link_local(local.ip())));
}

#[test]
fn priorities_of_candidates_are_unique() {
    // RFC 8445 §5.1.2.
    let ips = ["192.0.2.1", "192.0.2.3", "2001:db8::1", "2001:db8::3"];
    let mut lab = Lab::new(with_stun(config(&ips)), config(&["192.0.2.2"]), 1);
    lab.nat(0, By::Nothing, By::Nothing);
    lab.start();
    lab.run(secs(1));
    let mut priorities: Vec<u32> =
        lab.sides[0].agent.local_candidates().iter().map(|c| c.priority.number()).collect();
    let count = priorities.len();
    priorities.sort_unstable();
    priorities.dedup();
    assert_eq!(priorities.len(), count);
}

#[test]
fn reflexive_candidate_that_equals_its_base_is_redundant() {
    // RFC 8445 §5.1.3.
    let mut lab = Lab::new(with_stun(config(&["192.0.2.1"])), config(&["192.0.2.2"]), 1);
    lab.start();
    lab.run(secs(1));
    assert_eq!(lab.sides[0].agent.local_candidates().len(), 1);
}

#[test]
fn silent_stun_server_is_reported_and_ends_gathering() {
    let mut lab = Lab::new(with_stun(config(&["192.0.2.1"])), config(&["192.0.2.2"]), 1);
    lab.filter = Some(Box::new(|_, _, _, _| false));
    lab.start();
    lab.run(secs(60));
    let position = |wanted: fn(&Event) -> bool| {
        lab.sides[0].events.iter().position(|(_, event)| wanted(event))
    };
    let error = position(|event| matches!(event, Event::CandidateError { code: 701, .. }));
    let complete = position(|event| matches!(event, Event::GatheringComplete { .. }));
    assert!(error.unwrap() < complete.unwrap());
}

#[test]
fn network_move_drops_the_pair_and_a_restart_uses_the_new_interface() {
    // RFC 8445 §5.1.1.4, §9.
    let mut lab = Lab::new(config(&["192.0.2.1"]), config(&["192.0.2.2"]), 1);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(3)));
    lab.sides[0].agent.set_interfaces(lab.now, vec!["192.0.2.77".parse().unwrap()]);
    assert_eq!(lab.sides[0].agent.state(), State::Disconnected);
    lab.restart(0);
    assert!(lab.run_to(State::Connected, lab.now + secs(10)));
    let (base, _) = lab.sides[0].agent.selected().unwrap();
    assert_eq!(base.ip().to_string(), "192.0.2.77");
    assert!(lab.delivers(0, "moved") && lab.delivers(1, "found"));
}

#[test]
fn nothing_is_gathered_from_a_new_interface_once_it_is_over() {
    let mut lab = Lab::new(with_stun(config(&["192.0.2.1"])), config(&["192.0.2.2"]), 1);
    lab.start();
    assert!(lab.run_to(State::Connected, secs(3)));
    lab.restart(0);
    // The new pair is selected, and the old session still listens.
    lab.run(lab.now + secs(2));
    let sent_from = |lab: &Lab, ip: &str| {
        lab.sides[0].stun.iter().filter(|(_, local, ..)| local.ip().to_string() == ip).count()
    };
    let both = ["192.0.2.1", "192.0.2.3"].map(|ip| ip.parse().unwrap());
    lab.sides[0].agent.set_interfaces(lab.now, both.to_vec());
    lab.run(lab.now + secs(1));
    assert_eq!(sent_from(&lab, "192.0.2.3"), 1, "of two sessions the newer one");
    lab.sides[0].agent.close(lab.now);
    let all = ["192.0.2.1", "192.0.2.3", "192.0.2.4"].map(|ip| ip.parse().unwrap());
    lab.sides[0].agent.set_interfaces(lab.now, all.to_vec());
    lab.run(lab.now + secs(1));
    assert_eq!(sent_from(&lab, "192.0.2.4"), 0);
}

#[test]
fn interface_that_appears_while_checks_run_is_gathered_from() {
    // RFC 8445 §5.1.1.4.
    let mut lab = Lab::new(config(&["2001:db8::1"]), config(&["192.0.2.2"]), 1);
    lab.start();
    lab.run(secs(1));
    let both = ["2001:db8::1", "192.0.2.1"].map(|ip| ip.parse().unwrap());
    lab.sides[0].agent.set_interfaces(lab.now, both.to_vec());
    assert!(lab.run_to(State::Connected, lab.now + secs(3)));
}

#[test]
fn server_reflexive_mapping_is_kept_until_the_conclusion_and_then_let_go() {
    // RFC 8445 §5.1.1.4, §8.3.
    let mut lab = Lab::new(with_stun(config(&["10.0.0.1"])), config(&["192.0.2.2"]), 1);
    lab.nat(0, By::Nothing, By::Nothing);
    lab.sides[0].agent.gather(lab.now);
    lab.run(secs(100));
    let asked = lab.sides[0].stun.len();
    assert!((6..=8).contains(&asked), "asked {asked} times");
    lab.start();
    assert!(lab.run_to(State::Connected, lab.now + secs(3)));
    lab.run(lab.now + secs(4));
    let server = super::lab::STUN.parse().unwrap();
    let to_server =
        |lab: &Lab| lab.sides[0].stun.iter().filter(|(.., to, _)| *to == server).count();
    let before = to_server(&lab);
    lab.run(lab.now + secs(100));
    assert_eq!(to_server(&lab), before);
}

#[test]
fn unreachable_servers_are_given_up_at_once() {
    // RFC 8489 §6.2.1.
    let config = super::lab::with_turn(with_stun(config(&["192.0.2.1"])));
    let mut lab = Lab::new(config, super::lab::config(&["192.0.2.2"]), 1);
    lab.filter = Some(Box::new(|_, _, _, _| false));
    lab.sides[0].agent.gather(lab.now);
    lab.run(Duration::from_millis(200));
    let local = lab.sides[0].agent.local_candidates()[0].address;
    for server in [super::lab::STUN, super::lab::TURN] {
        let remote = server.parse().unwrap();
        let input = crate::io::Receive::Unreachable { local, remote };
        lab.sides[0].agent.receive(lab.now, input);
    }
    assert!(lab.sides[0].agent.is_gathering_complete());
}
