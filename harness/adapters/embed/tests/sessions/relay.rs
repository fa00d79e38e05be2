//! Server-reflexive and relayed candidates, and data through a TURN server.

use std::net::{IpAddr, Ipv4Addr};

use rtcspec_control::{
    ChannelInit, Command, Configuration, Event, IceServer, Implementation, Payload, ReplyBody,
    TransportPolicy,
};

use crate::crossings::{each, echo, open};
use crate::pair::{Pair, Signalling, Who, seconds};
use crate::turn_server::{PASSWORD, TurnServer, USER};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));

fn config(who: Who, servers: bool, policy: TransportPolicy) -> Configuration {
    let server = IceServer {
        urls: vec!["turn:10.0.0.9".into()],
        username: USER.into(),
        credential: PASSWORD.into(),
    };
    Configuration {
        interfaces: vec![IpAddr::from([10, 0, 0, if who == Who::Left { 1 } else { 2 }])],
        ice_servers: if servers { vec![server] } else { Vec::new() },
        ice_transport_policy: policy,
        ..Configuration::default()
    }
}

fn pair(left: &dyn Implementation, right: &dyn Implementation, both: bool) -> Pair {
    let mut pair = Pair::new(left, right, 5);
    pair.signalling = Signalling::OneByOne;
    pair.turn = Some(TurnServer::new(SERVER));
    pair.connect(Who::Left, config(Who::Left, true, TransportPolicy::All));
    pair.connect(Who::Right, config(Who::Right, both, TransportPolicy::All));
    pair.channel(Who::Left, "dc", ChannelInit::default());
    pair
}

/// The reference peer gathers for itself and lets go of what ICE did not choose.
fn is_reference(stack: &dyn Implementation) -> bool {
    stack.hello().implementation == "reference"
}

fn candidates(pair: &Pair, who: Who, kind: &str) -> usize {
    let is_kind = |event: &&Event| {
        matches!(event, Event::Candidate { candidate: Some(c), .. }
            if c.candidate.contains(&format!(" typ {kind}")))
    };
    pair.told(who).filter(is_kind).count()
}

#[test]
fn data_crosses_one_relay_when_there_is_no_other_way() {
    each(|left, right| {
        let mut pair = pair(left, right, false);
        pair.direct = false;
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        assert_eq!(candidates(&pair, Who::Left, "relay"), 1);
        echo(&mut pair, &Payload::Binary(vec![7; 5000]));
        // RFC 8656 §12.4: ChannelData starts with 64 to 79.
        assert!(pair.wire.iter().any(|sent| (64..80).contains(&sent.data[0])), "a channel");
    });
}

#[test]
fn relay_policy_shows_no_other_candidate_and_uses_none() {
    each(|left, right| {
        let mut pair = Pair::new(left, right, 6);
        pair.signalling = Signalling::OneByOne;
        pair.turn = Some(TurnServer::new(SERVER));
        for who in [Who::Left, Who::Right] {
            pair.connect(who, config(who, true, TransportPolicy::Relay));
        }
        pair.channel(Who::Left, "dc", ChannelInit::default());
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        echo(&mut pair, &Payload::Text("relayed".into()));
        for who in [Who::Left, Who::Right] {
            assert_eq!(candidates(&pair, who, "host") + candidates(&pair, who, "srflx"), 0);
        }
        assert!(pair.wire.iter().all(|sent| sent.remote.ip() == SERVER));
    });
}

#[test]
fn direct_path_wins_over_the_relay() {
    each(|left, right| {
        let mut pair = pair(left, right, true);
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        pair.run(seconds(5));
        let before = pair.wire.len();
        echo(&mut pair, &Payload::Text("direct".into()));
        let dtls = |data: &[u8]| (20..64).contains(&data[0]);
        assert!(
            pair.wire[before..].iter().all(|s| s.remote.ip() != SERVER || !dtls(&s.data)),
            "DTLS goes directly"
        );
    });
}

#[test]
fn dead_server_is_reported_and_gathering_ends() {
    each(|left, right| {
        if is_reference(left) {
            return;
        }
        let mut pair = pair(left, right, false);
        pair.turn = None;
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        pair.run(seconds(60));
        assert_eq!(pair.state(Who::Left).ice_gathering, "complete");
        let failed = |event: &Event| matches!(event, Event::CandidateError { error_code: 701, .. });
        assert!(pair.told(Who::Left).any(failed));
    });
}

#[test]
fn restart_gathers_anew_and_the_old_allocation_is_given_back() {
    each(|left, right| {
        if is_reference(left) || is_reference(right) {
            return;
        }
        let mut pair = pair(left, right, true);
        pair.direct = false;
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        pair.run(seconds(3));
        pair.negotiate(Who::Left, true);
        pair.run(seconds(10));
        assert_eq!(candidates(&pair, Who::Left, "relay"), 2);
        echo(&mut pair, &Payload::Text("after".into()));
        let allocations = pair.turn.as_ref().map(TurnServer::allocations);
        assert_eq!(allocations, Some(2), "one of each side");
    });
}

#[test]
fn bad_server_uri_is_refused_and_stuns_is_unsupported() {
    each(|left, right| {
        if is_reference(left) {
            return;
        }
        let mut pair = Pair::new(left, right, 1);
        let mut new = |url: &str| {
            let mut config = config(Who::Left, true, TransportPolicy::All);
            config.ice_servers[0].urls = vec![url.into()];
            pair.command(Who::Left, Command::New { pc: url.into(), config })
        };
        assert!(matches!(new("http://x"), ReplyBody::Error { name, .. } if name == "SyntaxError"));
        assert!(matches!(new("stuns:10.0.0.9"), ReplyBody::Unsupported(_)));
    });
}
