//! Who nominates what, and what is selected (RFC 8445 §8.1).

use std::time::Duration;

use rtcspec_wire::stun::{Attribute, AttributeType};

use super::scripted::{OTHER, PEER, Scripted, addr};
use crate::ice::{CandidateType, Event, RemoteCandidate, Role, State};

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn controlling_agent_nominates_one_pair_by_repeating_its_check() {
    // RFC 8445 §8.1.1.
    let scripted = Scripted::connected();
    let nominations =
        scripted.checks().iter().filter(|c| c.view().has(AttributeType::USE_CANDIDATE)).count();
    assert_eq!(nominations, 1);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(PEER))));
}

#[test]
fn better_pair_that_is_still_open_is_waited_for_a_little() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(OTHER, 2000);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(110));
    scripted.succeed(PEER);
    scripted.pass(millis(100));
    assert!(!scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
    scripted.succeed(OTHER);
    scripted.pass(millis(60));
    assert!(scripted.last_check(OTHER).unwrap().view().has(AttributeType::USE_CANDIDATE));
}

/// Found with Firefox 153.8.0 in `matrix/restricted-cone/full-cone@reference-firefox`.
#[test]
fn valid_pair_whose_candidate_turns_out_to_be_relayed_waits_for_a_direct_one() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(OTHER, 2000);
    let check = scripted.check(Role::Controlled);
    scripted.ask(PEER, &check).unwrap();
    scripted.pass(millis(110));
    scripted.succeed(PEER);
    let relayed = RemoteCandidate {
        kind: CandidateType::Relayed,
        address: addr(PEER),
        priority: 1000,
        foundation: "relayed".to_owned(),
        name: None,
    };
    scripted.agent.add_remote_candidate(scripted.now, relayed, None);
    scripted.pass(millis(500));
    assert!(!scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
    scripted.succeed(OTHER);
    scripted.pass(millis(60));
    assert!(scripted.last_check(OTHER).unwrap().view().has(AttributeType::USE_CANDIDATE));
}

#[test]
fn controlled_agent_takes_the_nominated_pair_though_another_has_higher_priority() {
    // RFC 8445 §7.3.1.5.
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.trickle(OTHER, 2000);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(110));
    scripted.succeed(OTHER);
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.selected(), None, "a controlled agent does not choose");
    let nomination = scripted.check(Role::Controlling).with(Attribute::UseCandidate);
    scripted.ask(PEER, &nomination).unwrap();
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(PEER))));
}

#[test]
fn nomination_before_the_own_check_succeeds_counts_once_it_does() {
    // RFC 8445 §7.3.1.5.
    let mut scripted = Scripted::introduced(Role::Controlled);
    let nomination = scripted.check(Role::Controlling).with(Attribute::UseCandidate);
    scripted.ask(PEER, &nomination).unwrap();
    scripted.pass(millis(60));
    assert_eq!(scripted.agent.selected(), None);
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn of_several_aggressive_nominations_the_highest_priority_wins() {
    // RFC 8445 §8.1.1 on agents of RFC 5245.
    for order in [[PEER, OTHER], [OTHER, PEER]] {
        let mut scripted = Scripted::introduced(Role::Controlled);
        scripted.trickle(OTHER, 2000);
        scripted.trickle(PEER, 1000);
        for from in order {
            let nomination = scripted.check(Role::Controlling).with(Attribute::UseCandidate);
            scripted.ask(from, &nomination).unwrap();
            scripted.pass(millis(110));
            scripted.succeed(from);
        }
        assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(OTHER))), "{order:?}");
    }
}

/// A controlled agent with a better and a worse pair, both nominated.
fn nominated_twice() -> Scripted {
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.trickle(OTHER, 2000);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(110));
    for from in [PEER, OTHER] {
        let nomination = scripted.check(Role::Controlling).with(Attribute::UseCandidate);
        scripted.ask(from, &nomination).unwrap();
    }
    scripted
}

#[test]
fn nominated_pair_whose_check_is_queued_outlives_the_selection_of_a_worse_one() {
    // Firefox 140 as offerer, matrix/symmetric/restricted-cone: the relayed pair was answered
    // while the check of the direct one waited for its turn.
    let mut scripted = nominated_twice();
    let sent = scripted.checks().len();
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(PEER))));
    assert_eq!(scripted.checks().len(), sent, "the better pair is queued");
    scripted.pass(millis(60));
    assert_eq!(scripted.checks().len(), sent + 1);
    scripted.succeed(OTHER);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(OTHER))));
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn check_of_a_better_nominated_pair_is_repeated_after_the_selection_of_a_worse_one() {
    let mut scripted = nominated_twice();
    scripted.pass(millis(110));
    scripted.succeed(PEER);
    let sent = scripted.checks().len();
    scripted.pass(millis(600));
    assert_eq!(scripted.checks().len(), sent + 1, "its check was lost");
    scripted.succeed(OTHER);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(OTHER))));
}

#[test]
fn worse_nominated_pair_is_given_up_and_a_better_one_that_fails_changes_nothing() {
    let mut scripted = nominated_twice();
    scripted.succeed(OTHER);
    let sent = scripted.checks().len();
    scripted.pass(millis(3900));
    assert_eq!(scripted.checks().len(), sent, "nothing better is left");

    let mut scripted = nominated_twice();
    scripted.succeed(PEER);
    scripted.pass(Duration::from_secs(2));
    let refusal = scripted.error(&scripted.last_check(OTHER).unwrap(), 400);
    scripted.deliver(OTHER, refusal);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(PEER))));
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn use_candidate_from_a_controlled_peer_means_nothing() {
    let mut scripted = Scripted::introduced(Role::Controlling);
    let odd = scripted.check(Role::Controlled).with(Attribute::UseCandidate);
    scripted.ask(PEER, &odd).unwrap();
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.selected(), None);
}

#[test]
fn full_agent_controls_towards_a_lite_one() {
    // RFC 8445 §6.1.1.
    let mut scripted = Scripted::alone(Role::Controlled, crate::ice::Config::default());
    scripted.introduce(true);
    assert_eq!(scripted.agent.role(), Role::Controlling);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    scripted.pass(millis(300));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn checks_end_with_the_conclusion() {
    // RFC 8445 §8.1.2.
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(PEER, 2000);
    scripted.trickle(OTHER, 1000);
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
    let sent = scripted.checks().len();
    scripted.pass(millis(3900));
    assert_eq!(scripted.checks().len(), sent, "neither new checks nor retransmissions");
    let check = scripted.check(Role::Controlled);
    assert!(scripted.ask(OTHER, &check).is_some(), "requests are still answered");
    scripted.pass(millis(50));
    assert_eq!(scripted.checks().len(), sent);
}

#[test]
fn base_that_goes_while_its_pair_is_nominated_makes_room_for_another_nomination() {
    let config = super::lab::config(&["192.0.2.1", "192.0.2.2"]);
    let mut scripted = Scripted::alone(Role::Controlling, config);
    scripted.introduce(false);
    scripted.trickle(PEER, 1 << 20);
    scripted.succeed(PEER);
    scripted.pass(millis(60));
    assert!(scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
    scripted.agent.set_interfaces(scripted.now, vec![[192, 0, 2, 2].into()]);
    scripted.drain();
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    scripted.pass(millis(60));
    assert!(scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(PEER))));
}

#[test]
fn nomination_that_fails_takes_the_checklist_with_it() {
    // RFC 8445 §7.2.5.3.4.
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    scripted.pass(Duration::from_secs(41));
    assert_eq!(scripted.agent.state(), State::Failed);
}

#[test]
fn data_may_be_sent_on_a_valid_pair_before_one_is_selected() {
    // RFC 8445 §12.1.
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.trickle(PEER, 1000);
    assert!(scripted.agent.send(scripted.now, b"early").is_err());
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    assert!(scripted.agent.send(scripted.now, b"now").is_ok());
    scripted.drain();
    assert_eq!(scripted.sent.last().unwrap().bytes, b"now");
}

#[test]
fn selected_pair_is_reported_once() {
    let scripted = Scripted::connected();
    let selected = |event: &&Event| matches!(event, Event::Selected(_));
    assert_eq!(scripted.events.iter().filter(selected).count(), 1);
}

#[test]
fn controlled_agent_does_not_wait_for_ever_for_a_nomination() {
    let mut scripted = Scripted::introduced(Role::Controlled);
    scripted.trickle(PEER, 1000);
    scripted.end();
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    for _ in 0..6 {
        scripted.pass(Duration::from_secs(20));
        let check = scripted.check(Role::Controlling);
        scripted.ask(PEER, &check).unwrap();
        assert_eq!(scripted.agent.state(), State::Checking, "the peer is alive");
    }
    scripted.pass(Duration::from_secs(40));
    assert_eq!(scripted.agent.state(), State::Failed);
}
