//! Consent freshness (RFC 7675 §5.1).

use std::time::Duration;

use rtcspec_wire::stun::{AttributeType, Message, Seal};

use super::scripted::{OTHER, PEER, Scripted, Sent};
use crate::ice::{SendError, State};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Runs until the agent has sent another check.
fn next_check(scripted: &mut Scripted) -> Sent {
    let before = scripted.checks().len();
    while scripted.checks().len() == before {
        scripted.pass(Duration::from_millis(50));
        assert!(scripted.now < secs(3600), "no more checks");
    }
    scripted.last_check(PEER).unwrap()
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_whatever_else_is_sent() {
    let mut scripted = Scripted::connected();
    let mut times = vec![scripted.now];
    let mut ids = Vec::new();
    for _ in 0..50 {
        scripted.agent.send(scripted.now, b"data").unwrap();
        let check = next_check(&mut scripted);
        assert!(!check.view().has(AttributeType::USE_CANDIDATE));
        times.push(check.at);
        ids.push(check.view().transaction_id().unwrap());
        scripted.succeed(PEER);
    }
    let gaps: Vec<u128> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert!(gaps.iter().all(|gap| (4000..=6000).contains(gap)), "{gaps:?}");
    let spread = gaps.iter().max().unwrap() - gaps.iter().min().unwrap();
    assert!(spread > 500, "the interval is random");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 50, "each check is a transaction of its own");
}

#[test]
fn consent_expires_thirty_seconds_after_the_last_answer_and_nothing_is_sent_then() {
    let mut scripted = Scripted::connected();
    let answered = scripted.now;
    scripted.pass(Duration::from_millis(29_900));
    assert!(scripted.agent.send(scripted.now, b"x").is_ok());
    scripted.pass(Duration::from_millis(200));
    assert_eq!(scripted.agent.state(), State::Failed);
    assert_eq!(scripted.agent.send(scripted.now, b"x"), Err(SendError::NoConsent));
    scripted.pass(secs(120));
    let late = |sent: &Sent| sent.at > answered + secs(30);
    assert!(!scripted.sent.iter().any(late));
}

#[test]
fn answer_after_expiry_revives_nothing() {
    let mut scripted = Scripted::connected();
    scripted.pass(secs(31));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Failed);
    assert_eq!(scripted.agent.send(scripted.now, b"x"), Err(SendError::NoConsent));
}

#[test]
fn one_lost_check_does_no_harm() {
    let mut scripted = Scripted::connected();
    for round in 0..20 {
        next_check(&mut scripted);
        if round % 2 == 0 {
            scripted.succeed(PEER);
        }
        assert_eq!(scripted.agent.state(), State::Connected);
    }
}

#[test]
fn only_signed_answers_from_the_peer_count() {
    let mut scripted = Scripted::connected();
    let start = scripted.now;
    while scripted.now < start + secs(29) {
        let check = next_check(&mut scripted);
        let signed = scripted.success(&check);
        let message = Message::parse(&signed).unwrap();
        let unsigned = message.encode(&Seal::none().fingerprint()).unwrap();
        scripted.deliver(PEER, unsigned);
        scripted.deliver(OTHER, signed);
        let refusal = scripted.error(&check, 400);
        scripted.deliver(PEER, refusal);
        scripted.deliver(PEER, vec![22; 40]);
        if scripted.now + secs(6) > start + secs(30) {
            break;
        }
    }
    scripted.pass(start + secs(31) - scripted.now);
    assert_eq!(scripted.agent.state(), State::Failed);
}

#[test]
fn answer_to_an_earlier_check_counts() {
    let mut scripted = Scripted::connected();
    let first = next_check(&mut scripted);
    next_check(&mut scripted);
    let answer = scripted.success(&first);
    let at = scripted.now;
    scripted.deliver(PEER, answer);
    scripted.pass(at + secs(29) - scripted.now);
    assert_ne!(scripted.agent.state(), State::Failed);
}

/// Found by the audit rule `ice.role-conflict` in `ice/role-conflict-equal`, seed 3.
#[test]
fn consent_check_refused_with_487_ends_the_role_and_its_tie_breaker() {
    let mut scripted = Scripted::connected();
    let refused = next_check(&mut scripted);
    let tie_breaker = refused.view().value(AttributeType::ICE_CONTROLLING).unwrap().to_vec();
    let error = scripted.error(&refused, 487);
    scripted.deliver(PEER, error);
    let next = next_check(&mut scripted);
    let claim = next.view().value(AttributeType::ICE_CONTROLLED).unwrap().to_vec();
    assert_ne!(claim, tie_breaker);
    assert!(!next.view().has(AttributeType::ICE_CONTROLLING));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.state(), State::Connected);
}
