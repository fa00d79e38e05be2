//! NATs inferred from captures: of runs, where it is known what they do, and of real sessions.

use std::path::Path;

use rtcspec_adapter_reference::Reference;
use rtcspec_capture::{Capture, Given, open};
use rtcspec_net::nat::{Filtering, Mapping, Params, PortPolicy, presets};
use rtcspec_suite::infer::{infer, scenario};
use rtcspec_suite::run::{Cast, play};
use rtcspec_suite::scenario::read;
use rtcspec_suite::verdict::Verdict;
use rtcspec_trace::Party;
use rtcspec_trace::nat::{Behaviour, NatSeen, Ports};

const SESSION: &str = r#"schema = 1
name   = "a box and another"
tests  = ["RFC 4787 §4.1"]
limit  = "60s"

[servers.stun]
at   = "wan"
kind = "stun"

[servers.turn]
at   = "wan"
kind = "turn"

[signalling]
delay      = "500ms"
candidates = "ORDER"

[nat.near]
preset  = "NEAR"
inside  = "lan-a"
outside = "wan"

[nat.far]
preset  = "FAR"
inside  = "lan-b"
outside = "wan"

[peer.alice]
on   = "lan-a"
runs = "reference"
role = "offerer"
ice  = { servers = ["stun", "turn"] }

[peer.bob]
on   = "lan-b"
runs = "reference"
ice  = { servers = ["stun", "turn"] }

[[do]]
connect = ["alice", "bob"]

[[expect]]
connected = { within = "30s" }
"#;

/// The boxes a captured run between two presets shows: the near one.
fn near(near: &str, far: &str, order: &str) -> NatSeen {
    let text = SESSION.replace("NEAR", near).replace("FAR", far).replace("ORDER", order);
    let scenario = read("test/boxes", &text).unwrap_or_else(|error| panic!("{error:?}"));
    let cast = Cast { offerer: &Reference, answerer: &Reference, under_test: Party::A };
    let played = play("test/boxes", &scenario.variants[0], &cast, 1, true);
    assert_eq!(played.verdict, Verdict::Pass, "{near} {far}: {:#?}", played.findings);
    let mut capture = Capture::read(played.capture).expect("it is a capture");
    let inside = played.session.peers[0].addresses.clone();
    let nats = infer(&mut capture);
    assert_eq!(capture.problems(), Vec::<String>::new());
    let found = nats.into_iter().find(|nat| inside.iter().any(|ip| nat.inside.contains(ip)));
    found.unwrap_or_else(|| panic!("{near}: a box shows"))
}

/// A box that overloads one port for every destination maps endpoint-independently as far as one
/// host can see (RFC 4787 §4.1), until something else wants that port: then it varies.
fn overloads(params: &Params) -> bool {
    params.ports.policy == PortPolicy::PreserveOverload
}

fn mapping(params: &Params) -> Behaviour {
    match params.mapping {
        Mapping::EndpointIndependent => Behaviour::EndpointIndependent,
        Mapping::AddressDependent => Behaviour::AddressDependent,
        Mapping::AddressAndPortDependent => Behaviour::AddressAndPortDependent,
    }
}

fn filtering(params: &Params) -> Behaviour {
    match params.filtering {
        Filtering::EndpointIndependent => Behaviour::EndpointIndependent,
        Filtering::AddressDependent => Behaviour::AddressDependent,
        Filtering::AddressAndPortDependent => Behaviour::AddressAndPortDependent,
    }
}

#[test]
fn what_is_inferred_of_a_run_is_what_was_configured() {
    let (mut mapped, mut filtered) = (0, 0);
    for preset in presets::ALL {
        let params = preset.params();
        // With half trickle the answerer checks first: something uninvited comes.
        let far = [
            ("full-cone", "half-trickle"),
            ("symmetric", "trickle"),
            ("symmetric", "half-trickle"),
        ];
        for (far, order) in far {
            let seen = near(preset.name, far, order);
            let context = format!("{} towards {far}: {seen:#?}", preset.name);
            assert!(!seen.filtering.varies, "{context}");
            let right = seen.mapping.may_be.contains(&mapping(&params)) && !seen.mapping.varies;
            let alike = seen.mapping.may_be == [Behaviour::EndpointIndependent];
            assert!(right || (overloads(&params) && alike), "{context}");
            assert!(seen.filtering.may_be.contains(&filtering(&params)), "{context}");
            if let Some(known) = seen.ports.known() {
                let right = match params.ports.policy {
                    PortPolicy::Sequential { .. } => Ports::Sequential,
                    PortPolicy::Random | PortPolicy::Block { .. } => Ports::Random,
                    _ => Ports::Preserved,
                };
                assert_eq!(known, right, "{context}");
            }
            println!(
                "{} {far} {order}: {} | {} | {} | {}",
                preset.name, seen.mapping, seen.filtering, seen.ports, seen.hairpin
            );
            mapped += usize::from(seen.mapping.known().is_some());
            filtered += usize::from(seen.filtering.known().is_some());
        }
    }
    println!("of {} runs: mapping {mapped}, filtering {filtered}", 3 * presets::ALL.len());
    assert!(mapped >= 40, "the mapping shows in most runs: {mapped}");
    assert!(filtered >= 10, "the filtering shows where something uninvited came: {filtered}");
}

#[test]
fn the_scenario_has_the_words_that_are_known_and_plays() {
    let seen = near("symmetric", "full-cone", "trickle");
    let text = scenario("symmetric.pcapng", &[seen]);
    assert!(text.contains("mapping = \"address-and-port-dependent\""), "{text}");
    let scenario = read("test/again", &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let cast = Cast { offerer: &Reference, answerer: &Reference, under_test: Party::B };
    let played = play("test/again", &scenario.variants[0], &cast, 1, false);
    assert_eq!(played.verdict, Verdict::Pass, "{:#?}", played.findings);
}

#[test]
fn real_boxes_that_masquerade_with_random_ports_are_symmetric() {
    for name in ["pion-chromium", "aiortc-chromium", "chromium-aiortc"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures");
        let path = folder.join(format!("nat-sym-{name}-turn.pcap"));
        let mut capture = open(&path, &Given::default()).expect("the capture is there");
        let nats = infer(&mut capture);
        let [nat] = &nats[..] else { panic!("{name}: one box shows: {nats:#?}") };
        assert_eq!(nat.outside, ["203.0.113.2".parse::<std::net::IpAddr>().expect("an address")]);
        assert!(
            nat.mapping.proofs.is_empty()
                || nat.mapping.may_be.contains(&Behaviour::AddressAndPortDependent),
            "{name}: {nat:#?}"
        );
        assert_ne!(nat.ports.known(), Some(Ports::Preserved), "{name}: {nat:#?}");
        // One side of the box alone cannot tell what it drops.
        assert_ne!(nat.filtering.known(), Some(Behaviour::EndpointIndependent), "{name}: {nat:#?}");
    }
}
