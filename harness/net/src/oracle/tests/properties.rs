//! What holds in any topology.

use proptest::prelude::*;

use super::params;
use crate::firewall;
use crate::nat::{
    FilterScope, Filtering, Hairpin, Mapping, Params, Pooling, ReplyBinding, Unsolicited,
};
use crate::oracle::{Kind, Middlebox, Options, Topology, Verdict, predict};

pub(super) fn any_of<T: Copy + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn any_nat()(
        mapping in any_of(Mapping::ALL),
        filtering in any_of(Filtering::ALL),
        filter_scope in any_of(FilterScope::ALL),
        reply_binding in any_of(ReplyBinding::ALL),
        hairpin in any_of(Hairpin::ALL),
        pooling in any_of(Pooling::ALL),
        addresses in 1_usize..=2,
        clash in proptest::bool::weighted(0.2),
    ) -> Params {
        let unsolicited = if clash { Unsolicited::Reserve } else { Unsolicited::Drop };
        Params {
            mapping, filtering, filter_scope, reply_binding, hairpin, pooling, addresses, unsolicited,
            ..params("EIM/EIF")
        }
    }
}

fn any_box() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => any_nat().prop_map(Kind::Nat),
        2 => any_of(Filtering::ALL)
            .prop_map(|filtering| Kind::Firewall(firewall::Params::stateful(filtering))),
        1 => Just(Kind::Firewall(firewall::Params::udp_blocked())),
    ]
}

fn any_chain(name: &'static str) -> impl Strategy<Value = Vec<Middlebox>> {
    proptest::collection::vec(any_box(), 0..3).prop_map(move |kinds| {
        let named = |(place, kind)| Middlebox { name: format!("{name} {place}"), kind };
        kinds.into_iter().enumerate().map(named).collect()
    })
}

fn any_topology() -> impl Strategy<Value = Topology> {
    let apart = (any_chain("a"), any_chain("b")).prop_map(|(a, b)| Topology::apart(a, b));
    let together = (any_chain("a"), any_chain("b"), any_chain("shared"), any::<bool>())
        .prop_map(|(a, b, shared, isolated)| Topology::together(a, b, shared, isolated));
    prop_oneof![2 => apart, 1 => together]
}

fn quick() -> Options {
    Options::quick()
}

/// Whether two verdicts can't both be right. Few orders may miss a rare end, so that "it depends"
/// contradicts nothing.
fn contradict(one: Verdict, other: Verdict) -> bool {
    one != other && one != Verdict::Depends && other != Verdict::Depends
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn exchanging_the_sides_changes_no_verdict(topology in any_topology()) {
        let found = predict(&topology, &quick()).unwrap();
        let swapped = predict(&topology.swapped(), &quick()).unwrap();
        prop_assert!(!contradict(found.verdict, swapped.verdict), "{found:?} {swapped:?}");
    }

    #[test]
    fn opening_a_filter_never_ends_a_direct_way(
        topology in any_topology(),
        which in any::<proptest::sample::Index>(),
    ) {
        let before = predict(&topology, &quick()).unwrap();
        let mut opened = topology;
        let mut boxes: Vec<&mut Middlebox> =
            opened.segments.iter_mut().flat_map(|segment| &mut segment.behind).collect();
        prop_assume!(!boxes.is_empty());
        let place = which.index(boxes.len());
        match &mut boxes[place].kind {
            Kind::Nat(params) => params.filtering = Filtering::EndpointIndependent,
            Kind::Firewall(params) => *params = firewall::Params::default(),
        }
        let after = predict(&opened, &quick()).unwrap();
        if before.verdict == Verdict::Direct {
            prop_assert!(after.verdict == Verdict::Direct || after.orders.direct > 0, "{after:?}");
        }
    }

    #[test]
    fn turn_on_both_sides_always_connects(topology in any_topology()) {
        let outcome = predict(&topology.with_turn(), &quick()).unwrap();
        prop_assert_eq!(outcome.orders.nothing, 0);
    }

    #[test]
    fn turn_changes_no_direct_way(topology in any_topology()) {
        let without = predict(&topology, &quick()).unwrap();
        let with = predict(&topology.with_turn(), &quick()).unwrap();
        if without.verdict == Verdict::Direct {
            prop_assert!(with.orders.direct > 0, "{with:?}");
        }
        if without.verdict == Verdict::Nothing {
            prop_assert!(with.verdict != Verdict::Direct, "{with:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_prediction(topology in any_topology(), seed in any::<u64>()) {
        let options = Options { seed, orders: 12, ..Options::default() };
        let topology = topology.with_turn();
        prop_assert_eq!(predict(&topology, &options), predict(&topology, &options));
    }

    #[test]
    fn a_box_that_refuses_nothing_changes_no_verdict(topology in any_topology()) {
        let before = predict(&topology, &quick()).unwrap().verdict;
        let mut longer = topology;
        for segment in &mut longer.segments[1..] {
            let open = Middlebox::firewall("open", firewall::Params::default());
            segment.behind.insert(0, open);
        }
        let after = predict(&longer, &quick()).unwrap().verdict;
        prop_assert!(!contradict(before, after), "{before:?} {after:?}");
    }

    #[test]
    fn types_are_those_of_the_verdict(topology in any_topology()) {
        let outcome = predict(&topology.with_turn(), &quick()).unwrap();
        let direct: Vec<bool> = outcome.types.iter().flatten().map(|t| t.is_direct()).collect();
        match outcome.verdict {
            Verdict::Direct => prop_assert!(direct.iter().all(|direct| *direct)),
            Verdict::Relay => prop_assert!(direct.iter().all(|direct| !direct)),
            Verdict::Nothing => prop_assert!(direct.is_empty()),
            Verdict::Depends => {}
        }
        prop_assert!(outcome.types[0].is_empty() == outcome.types[1].is_empty());
    }
}
