//! Every combination is what an RFC 5780 client would say it is.

use rtcspec_net::nat::{FilterScope, Filtering, Mapping, Params, PortPolicy, Ports};

use crate::lab::{ALICE, BOB, BOB2, Lab};

/// RFC 5780 §4.3: mapped addresses from (A1, P1), (A2, P1), (A2, P2) are compared.
fn mapping(lab: &mut Lab) -> Mapping {
    let first = lab.seen((ALICE, 5000), (BOB, 3478)).unwrap();
    if lab.seen((ALICE, 5000), (BOB2, 3478)) == Some(first) {
        return Mapping::EndpointIndependent;
    }
    let second = lab.seen((ALICE, 5000), (BOB2, 3478)).unwrap();
    match lab.seen((ALICE, 5000), (BOB2, 3479)) == Some(second) {
        true => Mapping::AddressDependent,
        false => Mapping::AddressAndPortDependent,
    }
}

/// RFC 5780 §4.4: the answer comes from (A2, P2), then from (A1, P2).
fn filtering(lab: &mut Lab) -> Filtering {
    let mapped = lab.seen((ALICE, 5001), (BOB, 3478)).unwrap();
    if lab.reaches((BOB2, 3479), mapped, 5001) {
        return Filtering::EndpointIndependent;
    }
    match lab.reaches((BOB, 3479), mapped, 5001) {
        true => Filtering::AddressDependent,
        false => Filtering::AddressAndPortDependent,
    }
}

#[test]
fn every_combination_is_classified_as_what_it_is() {
    for &policy in &[PortPolicy::Preserve, PortPolicy::Random, PortPolicy::Sequential { delta: 1 }]
    {
        for &scope in FilterScope::ALL {
            for (&m, &f) in
                Mapping::ALL.iter().flat_map(|m| Filtering::ALL.iter().map(move |f| (m, f)))
            {
                let ports = Ports { policy, ..Ports::default() };
                let params = Params { ports, filter_scope: scope, ..Params::new(m, f) };
                let mut lab = Lab::new(params.clone());
                assert_eq!(mapping(&mut lab), m, "{params:?}");
                let mut lab = Lab::new(params.clone());
                assert_eq!(filtering(&mut lab), f, "{params:?}");
            }
        }
    }
}

#[test]
fn a_port_preserving_overloading_box_looks_endpoint_independent_until_ports_collide() {
    let linux = rtcspec_net::nat::presets::find("linux").unwrap().params();
    assert_eq!(mapping(&mut Lab::new(linux.clone())), Mapping::EndpointIndependent);
    let mut lab = Lab::new(linux);
    lab.seen((crate::lab::ADAM, 5000), (BOB2, 3478)).unwrap();
    assert_eq!(mapping(&mut lab), Mapping::AddressAndPortDependent);
}

#[test]
fn the_scope_of_the_filter_is_the_mapping_or_the_endpoint() {
    for (scope, in_by_other) in [(FilterScope::Mapping, false), (FilterScope::Endpoint, true)] {
        let apdm = Mapping::AddressAndPortDependent;
        let params =
            Params { filter_scope: scope, ..Params::new(apdm, Filtering::AddressDependent) };
        let mut lab = Lab::new(params);
        let to_bob = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        let to_bob2 = lab.seen((ALICE, 5000), (BOB2, 1)).unwrap();
        assert_ne!(to_bob, to_bob2);
        assert_eq!(lab.reaches((BOB2, 1), to_bob, 5000), in_by_other, "{scope}");
    }
}
