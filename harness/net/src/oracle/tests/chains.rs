//! NATs behind NATs: nearly always what their composition gives, and where not, by name.

use super::{nat, nine, params, verdict};
use crate::nat::{Hairpin, Params};
use crate::oracle::{Middlebox, Topology, Verdict};

/// The most dependent mapping and the strictest filter of a chain.
fn composed(home: &str, carrier: &str) -> Params {
    let (home, carrier) = (params(home), params(carrier));
    let mapping = home.mapping.max(carrier.mapping);
    Params { filtering: home.filtering.max(carrier.filtering), mapping, ..home }
}

#[test]
fn a_home_behind_a_carrier_is_their_composition_but_for_three_chains() {
    let mut equal = 0;
    let mut others = Vec::new();
    for home in nine() {
        for carrier in nine() {
            for peer in nine() {
                let chain = vec![
                    Middlebox::nat("home", params(&home)),
                    Middlebox::nat("carrier", params(&carrier)),
                ];
                let other = nat("peer", params(&peer));
                let found = verdict(&Topology::apart(chain, other.clone()));
                let edge = nat("edge", composed(&home, &carrier));
                let formula = verdict(&Topology::apart(edge, other));
                if found == formula {
                    equal += 1;
                } else {
                    assert_eq!((found, formula), (Verdict::Direct, Verdict::Nothing));
                    others.push(format!("{home} in {carrier}, peer {peer}"));
                }
            }
        }
    }
    assert_eq!(equal, 726);
    assert_eq!(
        others,
        [
            "EIM/ADF in ADM/EIF, peer ADM/ADF",
            "EIM/ADF in ADM/EIF, peer APDM/ADF",
            "EIM/ADF in APDM/EIF, peer ADM/ADF",
        ]
    );
}

#[test]
fn two_homes_behind_one_hairpinning_carrier_are_two_compositions_but_for_five() {
    let mut equal = 0;
    let mut others = Vec::new();
    for a in nine() {
        for b in nine() {
            for carrier in nine() {
                let hairpins = Params { hairpin: Hairpin::External, ..params(&carrier) };
                let homes = [nat("home-a", params(&a)), nat("home-b", params(&b))];
                let [home_a, home_b] = homes;
                let shared = nat("carrier", hairpins);
                let found = verdict(&Topology::together(home_a, home_b, shared, true));
                let edges = [&a, &b].map(|home| nat("edge", composed(home, &carrier)));
                let [edge_a, edge_b] = edges;
                let formula = verdict(&Topology::apart(edge_a, edge_b));
                if found == formula {
                    equal += 1;
                } else {
                    assert_eq!((found, formula), (Verdict::Direct, Verdict::Nothing));
                    others.push(format!("{a} and {b} in {carrier}"));
                }
            }
        }
    }
    assert_eq!(equal, 724);
    assert_eq!(
        others,
        [
            "EIM/ADF and EIM/ADF in ADM/EIF",
            "EIM/ADF and ADM/ADF in ADM/EIF",
            "EIM/ADF and APDM/ADF in ADM/EIF",
            "ADM/ADF and EIM/ADF in ADM/EIF",
            "APDM/ADF and EIM/ADF in ADM/EIF",
        ]
    );
}

#[test]
fn a_carrier_that_does_not_hairpin_outwards_keeps_its_homes_apart() {
    for hairpin in [Hairpin::None, Hairpin::Internal] {
        for home in nine() {
            for carrier in nine() {
                let shared = nat("carrier", Params { hairpin, ..params(&carrier) });
                let homes = [nat("home-a", params(&home)), nat("home-b", params(&home))];
                let [a, b] = homes;
                let topology = Topology::together(a, b, shared, true);
                assert_eq!(verdict(&topology), Verdict::Nothing, "{home} in {carrier} {hairpin}");
            }
        }
    }
}

#[test]
fn equal_home_routers_behind_a_hairpinning_carrier_connect_if_it_is_endpoint_independent() {
    for carrier in nine() {
        let shared = nat("carrier", Params { hairpin: Hairpin::External, ..params(&carrier) });
        let home = || nat("home", params("EIM/APDF"));
        let verdict = verdict(&Topology::together(home(), home(), shared, true));
        assert_eq!(verdict == Verdict::Direct, carrier.starts_with("EIM"), "{carrier}");
    }
}

#[test]
fn four_nats_deep_is_like_the_strictest() {
    let deep = |words: [&str; 4]| -> Vec<Middlebox> {
        words
            .iter()
            .enumerate()
            .map(|(n, w)| Middlebox::nat(format!("nat {n}"), params(w)))
            .collect()
    };
    let tame = deep(["EIM/EIF", "EIM/ADF", "EIM/APDF", "EIM/EIF"]);
    let wild = deep(["EIM/EIF", "APDM/EIF", "EIM/EIF", "EIM/APDF"]);
    assert_eq!(verdict(&Topology::apart(tame.clone(), tame.clone())), Verdict::Direct);
    assert_eq!(verdict(&Topology::apart(tame, wild)), Verdict::Nothing);
}
