//! What our own descriptions say.

use rtcspec_peer::dtls::Role;
use rtcspec_peer::jsep::{Description, Error, SdpType, SignalingState};
use rtcspec_wire::sdp::{Session, Setup};

use super::side::{Side, config, exchange, ice, pair, with};

fn version(session: &Session) -> u64 {
    session.origin.session_version
}

#[test]
fn first_offer_is_the_one_of_rfc_9429() {
    let (mut a, _) = pair();
    let offer = a.offer(false).unwrap().sdp;
    let fingerprint = &config('a').fingerprints[0];
    let expected = [
        "v=0",
        "o=- 97 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-options:trickle ice2",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=ice-ufrag:a0001",
        "a=ice-pwd:a0001a0001a0001a0001a0001",
        &format!("a=fingerprint:{fingerprint}"),
        "a=setup:actpass",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "",
    ];
    assert_eq!(offer, expected.join("\r\n"));
}

#[test]
fn answerer_becomes_dtls_client_and_offerer_controls() {
    let (mut a, mut b) = pair();
    let (_, answer) = exchange(&mut a, &mut b, false);
    assert_eq!(answer.media[0].attributes.setup(), Some(Setup::Active));
    assert_eq!((a.transport().dtls_role, b.transport().dtls_role), (Role::Server, Role::Client));
    assert!(a.transport().controlling);
    assert!(a.transport().remote.trickle);
    assert_eq!(b.states, [SignalingState::HaveRemoteOffer, SignalingState::Stable]);
}

#[test]
fn role_in_use_is_kept_by_offers_from_either_side() {
    let mut passive = config('b');
    passive.answer_role = Role::Server;
    let (mut a, mut b) = (Side::new('a'), Side::with(passive));
    a.jsep.want_data();
    exchange(&mut a, &mut b, false);
    let (_, answer) = exchange(&mut b, &mut a, false);
    assert_eq!(answer.media[0].attributes.setup(), Some(Setup::Active));
    let (_, answer) = exchange(&mut a, &mut b, true);
    assert_eq!(answer.media[0].attributes.setup(), Some(Setup::Passive));
    assert_eq!((a.transport().association, b.transport().association), (1, 1));
    assert!(a.transport().controlling, "RFC 8445 §9: roles survive a restart");
}

#[test]
fn offers_that_leave_no_choice_are_answered_with_the_other_role() {
    for (setup, expected) in [
        ("a=setup:active\r\n", Setup::Passive),
        ("a=setup:passive\r\n", Setup::Active),
        ("", Setup::Passive),
    ] {
        let (mut a, mut b) = pair();
        let offer = with(&a.offer(false).unwrap().sdp, "a=setup:actpass\r\n", setup);
        b.set_remote(&Description::new(SdpType::Offer, offer)).unwrap();
        let answer: Session = b.local_answer().sdp.parse().unwrap();
        assert_eq!(answer.media[0].attributes.setup(), Some(expected));
    }
}

#[test]
fn version_rises_by_one_and_only_with_a_change() {
    let (mut a, mut b) = pair();
    let first: Session = a.offer(false).unwrap().sdp.parse().unwrap();
    let (offer, _) = exchange(&mut a, &mut b, false);
    assert_eq!((version(&first), version(&offer)), (1, 1));
    let (again, answer) = exchange(&mut a, &mut b, false);
    assert_eq!((version(&again), version(&answer)), (1, 1));
    let (restarted, answer) = exchange(&mut a, &mut b, true);
    assert_eq!((version(&restarted), version(&answer)), (2, 2));
    assert_eq!(restarted.origin.session_id, first.origin.session_id);
}

#[test]
fn restart_changes_both_credentials_of_both_sides_and_nothing_else() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let before = a.transport().clone();
    a.jsep.restart_ice();
    assert!(a.jsep.negotiation_needed());
    exchange(&mut a, &mut b, false);
    assert!(!a.jsep.negotiation_needed());
    let after = a.transport();
    assert_eq!((&after.local, &after.remote.credentials), (&ice('a', 2), &ice('b', 2)));
    assert_eq!((after.association, after.dtls_role), (before.association, before.dtls_role));
    let uses = a.uses;
    exchange(&mut a, &mut b, false);
    assert_eq!(a.uses, uses, "an exchange without a change has no effect");
}

#[test]
fn restart_asked_for_survives_a_rollback() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    a.jsep.restart_ice();
    a.local_offer(false);
    a.set_local(&Description::rollback()).unwrap();
    assert!(a.jsep.negotiation_needed());
    exchange(&mut a, &mut b, false);
    assert_ne!(a.transport().local, ice('a', 1));
    assert!(!a.jsep.negotiation_needed());
}

#[test]
fn offer_after_a_change_of_servers_has_new_credentials_unasked() {
    // RFC 9429 §3.5.1.
    let (mut a, mut b) = pair();
    a.jsep.outdate_ice();
    exchange(&mut a, &mut b, false);
    let first = a.transport().local.clone();
    a.jsep.outdate_ice();
    assert!(!a.jsep.negotiation_needed());
    a.local_offer(false);
    a.set_local(&Description::rollback()).unwrap();
    exchange(&mut a, &mut b, false);
    let second = a.transport().local.clone();
    assert_ne!(second, first);
    exchange(&mut a, &mut b, false);
    assert_eq!(a.transport().local, second);
    // The answer to a restart will do as well.
    a.jsep.outdate_ice();
    exchange(&mut b, &mut a, true);
    let third = a.transport().local.clone();
    exchange(&mut a, &mut b, false);
    assert_eq!(a.transport().local, third);
}

#[test]
fn restart_is_answered_even_if_the_same_side_restarts_again() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    for round in 2..5 {
        exchange(&mut a, &mut b, true);
        assert_eq!(b.transport().local, ice('b', round));
    }
    exchange(&mut b, &mut a, true);
    assert!(a.transport().controlling);
}

#[test]
fn local_descriptions_must_be_the_ones_created_last() {
    let (mut a, mut b) = pair();
    let offer = a.offer(false).unwrap();
    let edited = Description { sdp: with(&offer.sdp, "actpass", "active"), ..offer.clone() };
    let error = a.set_local(&edited).unwrap_err();
    assert_eq!((&error, error.name()), (&Error::Modified, "InvalidModificationError"));
    a.set_local(&Description { sdp: String::new(), ..offer.clone() }).unwrap();
    b.set_remote(&offer).unwrap();
    let answer = Description::new(SdpType::Answer, String::new());
    assert_eq!(b.set_local(&answer), Err(Error::Modified), "none was created");
}

#[test]
fn every_step_is_refused_in_the_wrong_state() {
    let (mut a, mut b) = pair();
    let offer = a.local_offer(false);
    b.set_remote(&offer).unwrap();
    let answer = b.answer().unwrap();
    let pranswer = Description { kind: SdpType::Pranswer, ..answer.clone() };
    let name = |result: Result<(), Error>| result.unwrap_err().name();
    let mut c = Side::new('c');
    for description in [&answer, &pranswer, &Description::rollback()] {
        assert_eq!(name(c.set_local(description)), "InvalidStateError");
        assert_eq!(name(c.set_remote(description)), "InvalidStateError");
    }
    assert_eq!(c.answer().unwrap_err().name(), "InvalidStateError");
    assert_eq!(a.answer().unwrap_err().name(), "InvalidStateError");
    assert_eq!(b.offer(false).unwrap_err().name(), "InvalidStateError");
    assert_eq!(name(a.set_local(&answer)), "InvalidStateError");
    assert_eq!(name(b.set_remote(&answer)), "InvalidStateError");
    assert_eq!(name(b.set_local(&offer)), "InvalidStateError");
    a.jsep.close();
    a.drain();
    assert_eq!(name(a.set_remote(&answer)), "InvalidStateError");
    assert_eq!(a.offer(false).unwrap_err().name(), "InvalidStateError");
    assert!(!a.jsep.negotiation_needed());
}

#[test]
fn provisional_answer_puts_the_transport_to_use_and_the_final_one_changes_nothing() {
    let (mut a, mut b) = pair();
    let offer = a.local_offer(false);
    b.set_remote(&offer).unwrap();
    let first = b.answer().unwrap();
    let pranswer = Description { kind: SdpType::Pranswer, ..first };
    b.set_local(&pranswer).unwrap();
    a.set_remote(&pranswer).unwrap();
    assert_eq!(a.jsep.state(), SignalingState::HaveRemotePranswer);
    assert_eq!(b.jsep.state(), SignalingState::HaveLocalPranswer);
    assert_eq!((a.uses, b.uses), (1, 1));
    assert!(a.jsep.current_remote_description().is_none());
    assert_eq!(a.set_local(&Description::rollback()).unwrap_err().name(), "InvalidStateError");
    let answer = b.local_answer();
    a.set_remote(&answer).unwrap();
    assert_eq!((a.uses, b.uses), (1, 1));
    assert_eq!(a.transport().association, 1);
    super::side::assert_agree(&a, &b);
}

#[test]
fn nothing_to_negotiate_gives_descriptions_without_sections() {
    let (mut a, mut b) = (Side::new('a'), Side::new('b'));
    assert!(!a.jsep.negotiation_needed());
    let (offer, answer) = exchange(&mut a, &mut b, false);
    assert!(offer.media.is_empty() && answer.media.is_empty());
    a.jsep.want_data();
    assert!(a.jsep.negotiation_needed());
    let (offer, _) = exchange(&mut a, &mut b, false);
    assert_eq!((offer.media.len(), version(&offer)), (1, 2));
    assert!(!a.jsep.negotiation_needed() && !b.jsep.negotiation_needed());
}

#[test]
fn full_agent_controls_a_lite_one_whoever_offers() {
    for lite_offers in [true, false] {
        let mut lite = config('b');
        lite.ice_lite = true;
        let (mut a, mut b) = (Side::new('a'), Side::with(lite));
        a.jsep.want_data();
        b.jsep.want_data();
        if lite_offers {
            exchange(&mut b, &mut a, false);
        } else {
            exchange(&mut a, &mut b, false);
        }
        assert!(a.transport().controlling && a.transport().remote.lite);
        assert!(!b.transport().controlling && !b.transport().remote.lite);
    }
}

#[test]
fn tls_id_is_answered_only_where_offered() {
    let with_id = |name: char| {
        let mut config = config(name);
        config.tls_id = Some(name.to_string().repeat(20).parse().unwrap());
        Side::with(config)
    };
    let (mut a, mut b) = (with_id('a'), with_id('b'));
    a.jsep.want_data();
    let (_, answer) = exchange(&mut a, &mut b, false);
    assert!(answer.media[0].attributes.has("tls-id"));
    assert_eq!(a.transport().tls_id, Some("b".repeat(20).parse().unwrap()));
    let (mut a, mut b) = (Side::new('a'), with_id('b'));
    a.jsep.want_data();
    let (_, answer) = exchange(&mut a, &mut b, false);
    assert!(!answer.media[0].attributes.has("tls-id"));
}

#[test]
fn another_fingerprint_is_another_association() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let offer = a.local_offer(false);
    let other = with(&offer.sdp, "sha-256 61:00", "sha-256 61:01");
    b.set_remote(&Description::new(SdpType::Offer, other)).unwrap();
    b.local_answer();
    assert_eq!(b.transport().association, 2);
}

#[test]
fn sctp_parameters_reach_the_other_side() {
    let mut big = config('b');
    big.max_message_size = 0;
    big.sctp_port = 6000;
    big.sctp_init = Some(vec![1, 0, 0, 20]);
    let (mut a, mut b) = (Side::new('a'), Side::with(big));
    a.jsep.want_data();
    exchange(&mut a, &mut b, false);
    let sctp = &a.transport().sctp;
    assert_eq!((sctp.local_port, sctp.remote_port), (5000, 6000));
    assert_eq!(sctp.max_message_size, None);
    assert_eq!(b.transport().sctp.max_message_size, Some(262_144));
    assert_eq!((&sctp.remote_init, &b.transport().sctp.remote_init), (&None, &None));
}

#[test]
fn snap_needs_both_sides() {
    let snap = |name: char| {
        let mut config = config(name);
        config.sctp_init = Some(vec![name as u8]);
        Side::with(config)
    };
    let (mut a, mut b) = (snap('a'), snap('b'));
    a.jsep.want_data();
    exchange(&mut a, &mut b, false);
    assert_eq!(a.transport().sctp.remote_init, Some(b"b".to_vec()));
    assert_eq!(b.transport().sctp.remote_init, Some(b"a".to_vec()));
}
