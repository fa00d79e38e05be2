//! Questions that several rules ask of an event.

use std::net::IpAddr;

use rtcspec_trace::watch::{Event, Kind, Purpose, Stun};
use rtcspec_wire::stun::{AttributeType, Class, Method};

/// A STUN message with a good header, its class and its method.
pub(crate) fn stun<'e, 'a>(event: &'e Event<'a>) -> Option<(&'e Stun<'a>, Class, Method)> {
    let Kind::Stun(stun) = &event.kind else { return None };
    let ty = stun.view.message_type()?;
    stun.view.check_header().is_ok().then_some((stun, ty.class, ty.method))
}

/// A connectivity check's request.
pub(crate) fn check<'e, 'a>(event: &'e Event<'a>) -> Option<&'e Stun<'a>> {
    let (stun, class, _) = stun(event)?;
    (class == Class::Request && stun.purpose == Purpose::Check).then_some(stun)
}

/// A connectivity check's request that is not sent again.
pub(crate) fn new_check<'e, 'a>(event: &'e Event<'a>) -> Option<&'e Stun<'a>> {
    check(event).filter(|stun| stun.transaction.is_none_or(|known| known.requests <= 1))
}

/// Whether the sender of a check says that it is controlling; `None` if it says neither or both.
pub(crate) fn controlling(stun: &Stun<'_>) -> Option<bool> {
    let controlling = stun.view.has(AttributeType::ICE_CONTROLLING);
    let controlled = stun.view.has(AttributeType::ICE_CONTROLLED);
    (controlling != controlled).then_some(controlling)
}

/// The tie-breaker of a check.
pub(crate) fn tie_breaker(stun: &Stun<'_>) -> Option<u64> {
    stun.view.ice_controlling().or_else(|| stun.view.ice_controlled())
}

/// Whether two addresses are of one small network, so that no NAT is between them.
pub(crate) fn near(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
