//! What else decides beside mapping and filtering.

use super::{nat, nine, outcome, params, verdict, words};
use crate::firewall;
use crate::nat::{Filtering, Hairpin, Params, Pooling, PortPolicy, Ports, Unsolicited, V6};
use crate::oracle::{
    Family, Implementation, Middlebox, Options, SegmentId, ServerId, Topology, Transit, Turn,
    Verdict, predict,
};

const TURN: ServerId = ServerId(1);

fn pool(words: &str, pooling: Pooling) -> Params {
    Params { addresses: 4, pooling, ..params(words) }
}

fn blocked() -> Vec<Middlebox> {
    vec![Middlebox::firewall("firewall", firewall::Params::udp_blocked())]
}

fn filtered(filtering: Filtering) -> Vec<Middlebox> {
    vec![Middlebox::firewall("firewall", firewall::Params::stateful(filtering))]
}

// ---- Pooling

#[test]
fn an_arbitrary_pool_meets_an_address_filter_by_chance() {
    let against = |filter: &str, pooling| {
        let b = nat("nat-b", pool("APDM/APDF", pooling));
        outcome(&Topology::apart(nat("nat-a", params(filter)), b))
    };
    let arbitrary = against("EIM/ADF", Pooling::Arbitrary);
    assert_eq!(arbitrary.verdict, Verdict::Depends);
    // One of four addresses: 49 of 200 elsewhere.
    assert!((15..=45).contains(&arbitrary.orders.direct), "{:?}", arbitrary.orders);
    assert_eq!(against("EIM/ADF", Pooling::Paired).verdict, Verdict::Direct);
    assert_eq!(against("EIM/EIF", Pooling::Arbitrary).verdict, Verdict::Direct);
}

#[test]
fn an_arbitrary_pool_defeats_permissions_of_the_other_sides_turn_server() {
    for a in [nat("nat-a", params("APDM/APDF")), blocked()] {
        let b = nat("nat-b", pool("APDM/APDF", Pooling::Arbitrary));
        let mut topology = Topology::apart(a, b);
        topology.sides[0].turn = Some(Turn::everything(TURN));
        let outcome = outcome(&topology);
        assert_eq!(outcome.verdict, Verdict::Depends);
        // Three of four: 43 of 60 elsewhere.
        assert_eq!(outcome.orders.direct, 0);
        assert!((75..=105).contains(&outcome.orders.nothing), "{:?}", outcome.orders);
        assert!(outcome.why.contains("address without permission"), "{}", outcome.why);
    }
}

#[test]
fn a_turn_server_of_the_pooled_side_is_enough() {
    for pooling in [Pooling::Arbitrary, Pooling::Paired] {
        let b = nat("nat-b", pool("APDM/APDF", pooling));
        let mut topology = Topology::apart(nat("nat-a", params("APDM/APDF")), b);
        topology.sides[1].turn = Some(Turn::udp(TURN));
        assert_eq!(verdict(&topology), Verdict::Relay);
        assert_eq!(verdict(&topology.with_turn()), Verdict::Relay);
    }
}

#[test]
fn udp_blocked_against_an_arbitrary_pool_may_need_both_relays() {
    let b = nat("nat-b", pool("APDM/APDF", Pooling::Arbitrary));
    let outcome = outcome(&Topology::apart(blocked(), b).with_turn());
    assert_eq!(outcome.verdict, Verdict::Relay);
    assert_eq!(words(&outcome.types[0]), "relay/prflx relay/relay");
}

// ---- TURN

#[test]
fn one_turn_server_is_enough_without_pools() {
    for a in nine() {
        for b in nine() {
            let mut topology = Topology::apart(nat("nat-a", params(&a)), nat("nat-b", params(&b)));
            topology.sides[0].turn = Some(Turn::udp(TURN));
            assert!(matches!(verdict(&topology), Verdict::Direct | Verdict::Relay), "{a} x {b}");
        }
    }
}

#[test]
fn symmetric_on_both_sides_uses_relay_and_peer_reflexive() {
    let symmetric = |name| nat(name, params("APDM/APDF"));
    let mut topology = Topology::apart(symmetric("nat-a"), symmetric("nat-b"));
    topology.sides[0].turn = Some(Turn::udp(TURN));
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Relay);
    assert_eq!(words(&outcome.types[0]), "relay/prflx");
    assert_eq!(words(&outcome.types[1]), "prflx/relay");
}

#[test]
fn without_turn_a_relay_cell_is_nothing() {
    let topology =
        Topology::apart(nat("home", params("EIM/APDF")), nat("office", params("APDM/APDF")));
    assert_eq!(verdict(&topology), Verdict::Nothing);
}

#[test]
fn a_turn_server_over_udp_alone_is_no_help_where_udp_is_blocked() {
    let mut topology = Topology::apart(blocked(), nat("nat-b", params("EIM/APDF")));
    topology.sides[0].turn = Some(Turn::udp(TURN));
    assert_eq!(verdict(&topology), Verdict::Nothing);
    topology.sides[0].turn = Some(Turn::everything(TURN));
    assert_eq!(verdict(&topology), Verdict::Relay);
}

#[test]
fn a_firewall_that_lets_only_tcp_443_out_leaves_turn_over_tls() {
    let office = vec![
        Middlebox::firewall("firewall", firewall::Params::tcp_only(&[80, 443])),
        Middlebox::nat("office", params("APDM/APDF")),
    ];
    let mut topology = Topology::apart(office, nat("home", params("EIM/APDF")));
    topology.sides[0].turn = Some(Turn { tls: None, ..Turn::everything(TURN) });
    assert_eq!(verdict(&topology), Verdict::Nothing);
    topology.sides[0].turn = Some(Turn { udp: None, tcp: None, ..Turn::everything(TURN) });
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Relay);
    // The home NAT is endpoint-independent: its address is the one it announced.
    assert_eq!(words(&outcome.types[0]), "relay/srflx");
}

#[test]
fn a_policy_of_relays_only_relays_even_where_hosts_are_open() {
    let mut topology = Topology::internet().with_turn();
    topology.sides[0].relay_only = true;
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Relay);
    assert_eq!(words(&outcome.types[0]), "relay/host relay/relay");
}

// ---- Clash

fn clashing() -> Params {
    Params { unsolicited: Unsolicited::Reserve, ..params("EIM/APDF") }
}

#[test]
fn a_clash_on_both_sides_leaves_only_checks_that_cross() {
    let topology = Topology::apart(nat("nat-a", clashing()), nat("nat-b", clashing()));
    // As measured between kernels in one machine, where nothing crosses.
    let instant = Options { transit: Transit::Instant, orders: 200, ..Options::default() };
    assert_eq!(predict(&topology, &instant).unwrap().orders.direct, 0);
    // Where packets take time, two first checks may be under way at once. Each then finds the
    // session that the other opened, and nothing was unsolicited.
    assert_eq!(outcome(&topology).verdict, Verdict::Depends);
}

#[test]
fn a_clash_on_one_side_makes_the_first_sender_decide() {
    let other = || nat("nat-b", params("EIM/APDF"));
    let topology = Topology::apart(nat("nat-a", clashing()), other());
    assert_eq!(verdict(&topology), Verdict::Depends);
    assert_eq!(
        verdict(&Topology::apart(nat("nat-a", params("EIM/APDF")), other())),
        Verdict::Direct
    );
}

#[test]
fn a_clash_against_a_wider_filter_connects_and_may_show_another_address() {
    for b in [nat("nat-b", params("EIM/EIF")), nat("nat-b", params("EIM/ADF"))] {
        let outcome = outcome(&Topology::apart(nat("nat-a", clashing()), b));
        assert_eq!(outcome.verdict, Verdict::Direct);
        assert_eq!(words(&outcome.types[1]), "srflx/srflx srflx/prflx");
    }
    let outcome = outcome(&Topology::apart(nat("nat-a", clashing()), Vec::new()));
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert_eq!(words(&outcome.types[1]), "host/srflx host/prflx");
}

// ---- One LAN

fn one_lan(router: Params, isolated: bool) -> Topology {
    Topology::together(Vec::new(), Vec::new(), nat("router", router), isolated)
}

#[test]
fn one_lan_connects_host_to_host_whatever_the_router() {
    for words_of_router in nine() {
        for hairpin in [Hairpin::None, Hairpin::Internal, Hairpin::External] {
            let router = Params { hairpin, ..params(&words_of_router) };
            let outcome = outcome(&one_lan(router, false));
            assert_eq!(outcome.verdict, Verdict::Direct);
            assert!(words(&outcome.types[0]).starts_with("host/host"));
        }
    }
}

#[test]
fn isolated_clients_connect_by_hairpin_as_two_such_routers_would() {
    for words_of_router in nine() {
        for hairpin in [Hairpin::None, Hairpin::Internal, Hairpin::External] {
            let router = Params { hairpin, ..params(&words_of_router) };
            let outcome = outcome(&one_lan(router, true));
            let (verdict, types) = match (hairpin, &*words_of_router) {
                (Hairpin::External, "EIM/EIF" | "EIM/ADF" | "EIM/APDF") => {
                    (Verdict::Direct, "srflx/srflx")
                }
                // The one endpoint-dependent NAT that is direct against itself.
                (Hairpin::External, "ADM/EIF") => (Verdict::Direct, "prflx/prflx"),
                _ => (Verdict::Nothing, ""),
            };
            let found = (outcome.verdict, &*words(&outcome.types[0]));
            assert_eq!(found, (verdict, types), "{words_of_router} {hairpin}");
        }
    }
}

#[test]
fn host_candidates_one_side_cannot_resolve_still_connect_one_lan() {
    let mut topology = one_lan(params("EIM/APDF"), false);
    topology.sides[1].announces_hosts = false;
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert_eq!(words(&outcome.types[0]), "host/prflx");
    assert_eq!(words(&outcome.types[1]), "host/host");
}

#[test]
fn host_candidates_neither_side_can_resolve_leave_the_hairpin() {
    let mut topology = one_lan(params("EIM/APDF"), false);
    for side in &mut topology.sides {
        side.announces_hosts = false;
    }
    assert_eq!(verdict(&topology), Verdict::Nothing);
    let mut topology = one_lan(Params { hairpin: Hairpin::External, ..params("EIM/APDF") }, false);
    for side in &mut topology.sides {
        side.announces_hosts = false;
    }
    assert_eq!(verdict(&topology), Verdict::Direct);
}

// ---- UDP blocked, IPv6, lite

#[test]
fn udp_blocked_is_relayed_against_everything_and_says_so() {
    let outcome = outcome(&Topology::apart(blocked(), Vec::new()).with_turn());
    assert_eq!(outcome.verdict, Verdict::Relay);
    assert!(outcome.why.contains("at firewall: UDP does not pass"), "{}", outcome.why);
}

/// Each side behind a symmetric NAT for IPv4 and this for IPv6.
fn dual_stack(v6: V6) -> Topology {
    let cpe = |name| nat(name, Params { v6, ..params("APDM/APDF") });
    let mut topology = Topology::apart(cpe("cpe-a"), cpe("cpe-b"));
    for side in &mut topology.sides {
        *side = side.clone().with_base(side.bases[0].segment, Family::V6);
    }
    topology
}

#[test]
fn ipv6_on_both_sides_connects_host_to_host_through_any_filter() {
    for filtering in Filtering::ALL {
        let outcome = outcome(&dual_stack(V6::Firewall(*filtering)));
        assert_eq!(outcome.verdict, Verdict::Direct, "{filtering}");
        assert_eq!(words(&outcome.types[0]), "host/host");
    }
    assert_eq!(verdict(&dual_stack(V6::Drop)), Verdict::Nothing);
}

#[test]
fn ipv6_on_one_side_only_leaves_the_ipv4_cell() {
    let mut topology = dual_stack(V6::Forward);
    topology.sides[1].bases.truncate(1);
    assert_eq!(verdict(&topology), Verdict::Nothing);
    assert_eq!(verdict(&topology.with_turn()), Verdict::Relay);
}

#[test]
fn relayed_addresses_of_both_families_join_ipv6_only_and_ipv4_only_sides() {
    let mut topology = Topology::internet();
    topology.sides[0].bases[0].family = Family::V6;
    assert_eq!(verdict(&topology), Verdict::Nothing);
    topology.sides[0].turn = Some(Turn::udp(TURN));
    assert_eq!(verdict(&topology), Verdict::Relay);
    topology.sides[0].turn = Some(Turn { v4: false, v6: true, ..Turn::udp(TURN) });
    assert_eq!(verdict(&topology), Verdict::Nothing);
}

#[test]
fn an_open_lite_agent_connects_to_everything_that_sends_udp() {
    for words_of_nat in nine() {
        let mut topology = Topology::apart(nat("nat", params(&words_of_nat)), Vec::new());
        topology.sides[1].implementation = Implementation::Lite;
        let outcome = outcome(&topology);
        assert_eq!(outcome.verdict, Verdict::Direct, "{words_of_nat}");
        let seen = if words_of_nat.starts_with("EIM") { "host/srflx" } else { "host/prflx" };
        assert_eq!(words(&outcome.types[1]), seen);
    }
    let mut topology = Topology::apart(blocked(), Vec::new());
    topology.sides[1].implementation = Implementation::Lite;
    assert_eq!(verdict(&topology), Verdict::Nothing);
}

#[test]
fn a_lite_agent_behind_a_nat_needs_it_open_and_its_public_address_announced() {
    let lite_behind = |nat_of_lite: Params| {
        let mut topology =
            Topology::apart(nat("home", params("EIM/APDF")), nat("cloud", nat_of_lite));
        topology.sides[1].implementation = Implementation::Lite;
        topology
    };
    let one_to_one = crate::nat::presets::find("one-to-one").unwrap().params();
    let outcome = outcome(&lite_behind(one_to_one));
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert_eq!(words(&outcome.types[0]), "srflx/host");
    // It never sends first, so no filter ever opens.
    assert_eq!(verdict(&lite_behind(params("EIM/ADF"))), Verdict::Nothing);
    let mut unannounced = lite_behind(params("EIM/EIF"));
    unannounced.sides[1].stun = None;
    assert_eq!(verdict(&unannounced), Verdict::Nothing);
}

// ---- Several interfaces, ports, churn

#[test]
fn a_second_interface_that_is_open_makes_the_first_ones_nat_irrelevant() {
    let mut topology =
        Topology::apart(nat("office", params("APDM/APDF")), nat("home", params("EIM/APDF")));
    assert_eq!(verdict(&topology), Verdict::Nothing);
    topology.sides[0] = topology.sides[0].clone().with_base(SegmentId::INTERNET, Family::V4);
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert_eq!(words(&outcome.types[0]), "host/srflx");
}

#[test]
fn a_segment_without_a_way_out_connects_its_members_and_nobody_else() {
    let mut topology = Topology::internet();
    let islands = [topology.add_island("island"), topology.add_island("other island")];
    topology.sides[0].bases[0].segment = islands[0];
    topology.sides[1].bases[0].segment = islands[1];
    assert_eq!(verdict(&topology.clone().with_turn()), Verdict::Nothing);
    topology.sides[1].bases[0].segment = islands[0];
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert_eq!(words(&outcome.types[0]), "host/host");
}

#[test]
fn a_nat_that_overloads_preserved_ports_looks_endpoint_independent() {
    let linux = crate::nat::presets::find("linux").unwrap().params();
    let topology = Topology::apart(nat("linux", linux), nat("home", params("EIM/APDF")));
    let outcome = outcome(&topology);
    assert_eq!(outcome.verdict, Verdict::Direct);
    assert!(outcome.why.contains("as long as no port collides at linux"), "{}", outcome.why);
    let ports = Ports::default();
    let changing = Params { changes_on_conflict: true, ports, ..params("EIM/APDF") };
    let topology = Topology::apart(nat("fickle", changing), nat("home", params("EIM/APDF")));
    let why = super::outcome(&topology).why;
    assert!(why.contains("as long as no port collides at fickle, which then maps"), "{why}");
    let preserving = Ports { policy: PortPolicy::Preserve, ..Ports::default() };
    let preserving = Params { ports: preserving, ..params("APDM/APDF") };
    let topology = Topology::apart(nat("nat", preserving), nat("home", params("EIM/APDF")));
    assert_eq!(verdict(&topology), Verdict::Nothing);
}

#[test]
fn addresses_change_without_end_only_between_symmetric_mappings_with_an_open_filter() {
    let mut churning = Vec::new();
    for a in nine() {
        for b in nine().into_iter().filter(|b| *b >= a) {
            let topology = Topology::apart(nat("nat-a", params(&a)), nat("nat-b", params(&b)));
            if outcome(&topology).churn {
                churning.push(format!("{a} x {b}"));
            }
        }
    }
    assert_eq!(churning, ["APDM/EIF x APDM/EIF", "APDM/ADF x APDM/EIF"]);
}

#[test]
fn a_stateful_firewall_on_a_host_is_no_obstacle_to_an_independent_mapping() {
    for filtering in Filtering::ALL {
        for home in ["EIM/EIF", "EIM/ADF", "EIM/APDF"] {
            let topology = Topology::apart(filtered(*filtering), nat("home", params(home)));
            assert_eq!(verdict(&topology), Verdict::Direct);
        }
    }
}

#[test]
fn a_relay_cell_is_explained_box_by_box() {
    let topology =
        Topology::apart(nat("home", params("EIM/APDF")), nat("office", params("APDM/APDF")));
    let with_turn = outcome(&topology.clone().with_turn()).why;
    let why = outcome(&topology).why;
    assert_eq!(with_turn, format!("{why}\nchecks through A's relay and B's relay succeed"));
    assert_eq!(
        why,
        "A's checks to B's server-reflexive candidate are dropped at office (APDM/APDF): that \
         mapping never sent to the sender's address and port\n\
         B's checks to A's server-reflexive candidate are dropped at home (EIM/APDF): that \
         mapping never sent to the sender's address and port"
    );
}
