//! How checks are sent and their answers judged (RFC 8445 §7.2, §14).

use std::time::Duration;

use rtcspec_wire::stun::{AttributeType, Check, Class, Fingerprint, Message, Seal};

use super::lab::{Lab, config, with_stun, with_turn};
use super::scripted::{OTHER, PEER, Scripted};
use crate::ice::{Role, State};

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn checking(role: Role) -> Scripted {
    let mut scripted = Scripted::introduced(role);
    scripted.trickle(PEER, 1000);
    scripted.pass(millis(10));
    scripted
}

#[test]
fn check_carries_username_priority_role_integrity_and_fingerprint() {
    // RFC 8445 §7.1, §7.2.2, §7.2.4.
    for role in [Role::Controlling, Role::Controlled] {
        let scripted = checking(role);
        let check = scripted.last_check(PEER).unwrap();
        let view = check.view();
        let ufrag = &scripted.agent.local_credentials().ufrag;
        assert_eq!(view.username(), Some(&*format!("peer:{ufrag}")));
        // RFC 8445 §7.1.1: type preference 110.
        assert_eq!(view.priority(), Some((110 << 24) + (65535 << 8) + 255));
        assert_eq!(view.ice_controlling().is_some(), role == Role::Controlling);
        assert_eq!(view.ice_controlled().is_some(), role == Role::Controlled);
        assert!(!view.has(AttributeType::USE_CANDIDATE));
        assert_eq!(view.verify_integrity(&Scripted::peer_key()), Check::Valid);
        assert_eq!(view.fingerprint(), Fingerprint::Valid);
    }
}

#[test]
fn unanswered_check_is_sent_seven_times_and_fails_after_39500_ms() {
    // RFC 8489 §6.2.1, RFC 8445 §14.3.
    let mut scripted = Scripted::introduced(Role::Controlling);
    scripted.trickle(PEER, 1000);
    scripted.pass(Duration::from_secs(60));
    let start = scripted.sent[0].at;
    let times: Vec<u128> = scripted.sent.iter().map(|s| (s.at - start).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15500, 31500]);
    assert!(scripted.sent.iter().all(|sent| sent.bytes == scripted.sent[0].bytes));
    assert_eq!(scripted.agent.state(), State::Failed);
}

#[test]
fn transactions_of_checks_and_gathering_start_at_least_50_ms_apart() {
    // RFC 8445 §14.1, §14.2.
    let dual = |a, b| with_turn(with_stun(config(&[a, b])));
    let mut lab = Lab::new(dual("192.0.2.1", "2001:db8::1"), dual("192.0.2.2", "2001:db8::2"), 4);
    lab.start();
    lab.run(Duration::from_secs(3));
    for side in &lab.sides {
        let mut seen = Vec::new();
        let mut starts = Vec::new();
        for (at, _, _, bytes) in &side.stun {
            let message = Message::parse(bytes).unwrap();
            if message.class == Class::Request && !seen.contains(&message.id) {
                seen.push(message.id);
                starts.push(*at);
            }
        }
        assert!(starts.len() > 3);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= millis(50)));
    }
}

#[test]
fn answer_from_another_address_fails_the_pair() {
    // RFC 8445 §7.2.5.2.1.
    let mut scripted = checking(Role::Controlling);
    let answer = scripted.success(&scripted.last_check(PEER).unwrap());
    scripted.deliver(OTHER, answer.clone());
    let sent = scripted.sent.len();
    scripted.deliver(PEER, answer);
    scripted.pass(Duration::from_secs(5));
    assert_eq!(scripted.sent.len(), sent, "the check is over");
    assert_eq!(scripted.agent.selected(), None);
}

#[test]
fn failed_pair_comes_back_when_its_peer_checks_it() {
    // RFC 8445 §7.3.1.4.
    let mut scripted = checking(Role::Controlling);
    let answer = scripted.success(&scripted.last_check(PEER).unwrap());
    scripted.deliver(OTHER, answer);
    let check = scripted.check(Role::Controlled);
    scripted.ask(PEER, &check).unwrap();
    scripted.pass(millis(60));
    scripted.succeed(PEER);
    scripted.pass(millis(300));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
}

#[test]
fn answer_that_is_not_signed_by_the_peer_is_as_if_it_never_came() {
    // RFC 8489 §9.1.4.
    let mut scripted = checking(Role::Controlling);
    let check = scripted.last_check(PEER).unwrap();
    let answer = Message::parse(&scripted.success(&check)).unwrap();
    let key = scripted.local_key();
    let seal = Seal::none().fingerprint();
    for seal in [seal, seal.integrity(&key)] {
        scripted.deliver(PEER, answer.encode(&seal).unwrap());
    }
    scripted.pass(millis(1000));
    assert_eq!(scripted.checks().len(), 2, "it is retransmitted");
    scripted.succeed(PEER);
    scripted.pass(millis(300));
    assert!(scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
}

#[test]
fn answer_to_a_transaction_nobody_began_is_ignored() {
    let mut scripted = checking(Role::Controlling);
    let mut check = scripted.last_check(PEER).unwrap();
    check.bytes[8] ^= 1;
    let answer = scripted.success(&check);
    scripted.deliver(PEER, answer);
    scripted.pass(millis(400));
    assert!(!scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
}

#[test]
fn check_in_progress_is_repeated_at_once_when_the_peer_checks() {
    // RFC 8445 §7.3.1.4: the old transaction is cancelled, its answer still counts.
    let mut scripted = checking(Role::Controlling);
    let first = scripted.last_check(PEER).unwrap();
    let check = scripted.check(Role::Controlled);
    scripted.ask(PEER, &check).unwrap();
    scripted.pass(millis(60));
    let second = scripted.last_check(PEER).unwrap();
    assert_ne!(first.view().transaction_id(), second.view().transaction_id());
    let answer = scripted.success(&first);
    scripted.deliver(PEER, answer);
    scripted.pass(millis(60));
    assert!(scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
}

#[test]
fn role_conflict_switches_role_and_tie_breaker_and_repeats_the_check() {
    // RFC 8445 §7.2.5.1.
    let mut scripted = checking(Role::Controlling);
    let first = scripted.last_check(PEER).unwrap();
    let answer = scripted.error(&first, 487);
    scripted.deliver(PEER, answer);
    assert_eq!(scripted.agent.role(), Role::Controlled);
    scripted.pass(millis(60));
    let second = scripted.last_check(PEER).unwrap();
    let tie_breaker = second.view().ice_controlled().expect("the new role");
    assert_ne!(Some(tie_breaker), first.view().ice_controlling());
}

#[test]
fn nomination_that_meets_a_conflict_does_not_keep_use_candidate() {
    // RFC 8445 §7.1.2: a controlled agent must not send it.
    let mut scripted = checking(Role::Controlling);
    scripted.succeed(PEER);
    scripted.pass(millis(300));
    let nomination = scripted.last_check(PEER).unwrap();
    assert!(nomination.view().has(AttributeType::USE_CANDIDATE));
    let answer = scripted.error(&nomination, 487);
    scripted.deliver(PEER, answer);
    scripted.pass(millis(60));
    let repeated = scripted.last_check(PEER).unwrap();
    assert!(repeated.view().ice_controlled().is_some());
    assert!(!repeated.view().has(AttributeType::USE_CANDIDATE));
    assert_eq!(scripted.agent.selected(), None);
}

#[test]
fn other_errors_fail_the_pair() {
    // RFC 8445 §7.2.5.2.4.
    let mut scripted = checking(Role::Controlling);
    scripted.end();
    let answer = scripted.error(&scripted.last_check(PEER).unwrap(), 400);
    scripted.deliver(PEER, answer);
    scripted.pass(Duration::from_secs(30));
    assert_eq!(scripted.checks().len(), 1);
    // RFC 8863 §4: and still the list is patient.
    assert_eq!(scripted.agent.state(), State::Checking);
    scripted.pass(Duration::from_secs(10));
    assert_eq!(scripted.agent.state(), State::Failed);
}

#[test]
fn unreachable_destination_fails_the_pair_without_retransmissions() {
    // RFC 8445 §7.2.5.2.2.
    let mut scripted = checking(Role::Controlling);
    let (local, remote) = (scripted.base(), PEER.parse().unwrap());
    scripted.agent.receive(scripted.now, crate::io::Receive::Unreachable { local, remote });
    scripted.pass(Duration::from_secs(20));
    assert_eq!(scripted.checks().len(), 1);
}
