//! What was lost, and on the way to whom.

use rtcspec_adapter_reference::Reference;
use rtcspec_suite::run::{Cast, Played, play};
use rtcspec_suite::scenario::read;
use rtcspec_trace::{Datagram, Party, Place};

/// Both homes have the same addresses; one loses every fifth packet, each way.
const EQUAL_HOMES: &str = r#"
schema = 1
name   = "Two equal homes, a lossy link"
tests  = []
limit  = "30s"

[servers.turn]
at   = "wan"
kind = "turn"

[net.lan-a]
prefix = "192.168.1.0/24"
[net.lan-b]
prefix = "192.168.1.0/24"

[nat.home-a]
preset  = "symmetric"
inside  = "lan-a"
outside = "wan"
[nat.home-b]
preset  = "symmetric"
inside  = "lan-b"
outside = "wan"

[link.alice]
delay = "10ms"
[link.bob]
delay = "10ms"
loss  = { every = 5 }

[peer.alice]
on   = "lan-a"
runs = "reference"
role = "offerer"
ice  = { servers = ["turn"] }

[peer.bob]
on   = "lan-b"
runs = "under-test"
ice  = { servers = ["turn"] }

[[do]]
connect = ["alice", "bob"]

[[do]]
after = "open"
send  = { from = "alice", messages = 20, size = 1000 }

[[expect]]
connected = { within = "20s" }
"#;

fn played() -> Played {
    let scenario = read("losses", EQUAL_HOMES).unwrap_or_else(|error| panic!("{error:?}"));
    let cast = Cast { offerer: &Reference, answerer: &Reference, under_test: Party::B };
    play(&scenario.id, &scenario.variants[0], &cast, 1, false)
}

/// Found by `rtcspec fuzz session`: a datagram that had been relayed, translated and then lost on the
/// link behind the NAT was nobody's, and the transcript had the relay not send it on.
#[test]
fn what_is_lost_behind_a_nat_was_on_its_way_to_the_host_behind_it() {
    let played = played();
    let lost_inbound = |datagram: &&Datagram| {
        let lost_at = datagram.lost.as_ref().map(|lost| lost.at.as_str());
        lost_at == Some("link.bob") && datagram.from != Some(Place::Peer(Party::B))
    };
    let lost: Vec<&Datagram> = played.session.datagrams.iter().filter(lost_inbound).collect();
    assert!(lost.len() > 5, "{} datagrams to bob were lost", lost.len());
    for datagram in lost {
        assert_eq!(datagram.to, Some(Place::Peer(Party::B)), "{datagram:?}");
    }
    let text = rtcspec_trace::transcript(&played.session, "PASS");
    let lost: Vec<&str> = text.lines().filter(|line| line.ends_with("!bob.loss")).collect();
    assert!(lost.len() > 5, "{text}");
    assert!(lost.iter().all(|line| !line.contains("(injected)")), "{text}");
}
