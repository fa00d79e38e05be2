//! Misbehaviour on request.

use rtcspec_net::Ns;
use rtcspec_net::host::Application;
use rtcspec_net::services::turn::Fault;
use rtcspec_wire::stun::{Attribute, Class, Method};
use rtcspec_wire::turn::ChannelNumber;

use crate::client::{Bench, PEER, code, config, peer, transport};

#[test]
fn a_nonce_goes_stale_on_the_nth_request_of_each_method() {
    let channel = Attribute::ChannelNumber(ChannelNumber::MIN);
    for (method, attributes) in [
        (Method::REFRESH, vec![]),
        (Method::CREATE_PERMISSION, vec![peer(PEER)]),
        (Method::CHANNEL_BIND, vec![channel, peer(PEER)]),
    ] {
        let mut bench = Bench::new(config().fault(Fault::StaleNonce { method, nth: 2 }));
        bench.allocate();
        assert_eq!(code(&bench.request_once(method, &attributes)), None, "{method}");
        assert_eq!(code(&bench.request_once(method, &attributes)), Some(438), "{method}");
        let again = bench.request_once(method, &attributes);
        assert_eq!(again.class, Class::SuccessResponse, "{method}");
    }
    let fault = Fault::StaleNonce { method: Method::ALLOCATE, nth: 1 };
    let mut bench = Bench::new(config().fault(fault));
    assert_eq!(code(&bench.request_once(Method::ALLOCATE, &[transport()])), Some(401));
    assert_eq!(code(&bench.request_once(Method::ALLOCATE, &[transport()])), Some(438));
    bench.allocate();
}

#[test]
fn a_request_is_refused_with_any_code() {
    let fault = Fault::Refuse { method: Method::REFRESH, nth: 1, code: 437 };
    let mut bench = Bench::new(config().fault(fault));
    bench.allocate();
    assert_eq!(code(&bench.request(Method::REFRESH, &[])), Some(437));
    assert_eq!(code(&bench.request(Method::REFRESH, &[])), None);
}

#[test]
fn allocations_are_lost_at_their_time() {
    let mut bench = Bench::new(config().fault(Fault::LoseAllocations { at: Ns::secs(30) }));
    bench.allocate();
    assert_eq!(bench.server.wake(), Some(Ns::secs(30)));
    bench.wait(Ns::secs(30));
    assert_eq!(code(&bench.request(Method::REFRESH, &[])), Some(437));
    bench.allocate();
}

#[test]
fn a_silent_server_answers_nothing_and_then_remembers() {
    let (from, until) = (Ns::secs(10), Ns::secs(20));
    let mut bench = Bench::new(config().fault(Fault::Silent { from, until }));
    let relay = bench.allocate();
    bench.request(Method::CREATE_PERMISSION, &[peer(PEER)]);
    bench.wait(Ns::secs(10));
    bench.peer_sends(PEER, relay, b"lost");
    assert_eq!(bench.next_datagram(), None);
    bench.wait(Ns::secs(10));
    bench.peer_sends(PEER, relay, b"heard");
    assert!(bench.next_datagram().is_some());
}
