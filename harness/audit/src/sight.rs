//! Questions that several rules ask of an event.

use std::net::{IpAddr, SocketAddr};

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Kind, Purpose, Stun};
use rtcspec_wire::sctp::{Body, VerificationTag};
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

/// Where the side's part is in a pair of things.
pub(crate) const fn index(party: Party) -> usize {
    match party {
        Party::A => 0,
        Party::B => 1,
    }
}

/// Tells one SCTP association from the next, on whose streams nothing of the one before is left.
#[derive(Debug, Default)]
pub(crate) struct Associations {
    /// The Initiate Tags of A and of B.
    tags: [Option<VerificationTag>; 2],
}

impl Associations {
    /// Whether an event ends an association or begins another.
    pub(crate) fn change(&mut self, event: &Event<'_>) -> bool {
        match &event.kind {
            // Said before anything inside is.
            Kind::DtlsReady(_) => true,
            Kind::Chunk(chunk) => match chunk.body {
                Ok(Body::Init(init) | Body::InitAck(init)) => {
                    let tag = Some(init.initiate_tag);
                    let known = event.from.party().map(|party| &mut self.tags[index(party)]);
                    known.is_some_and(|known| std::mem::replace(known, tag) != tag)
                }
                Ok(Body::Abort(_) | Body::ShutdownAck | Body::ShutdownComplete(_)) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

/// Refresh requests under way that are remembered.
const MOST_REFRESHES: usize = 64;

/// Tells when allocations of TURN end and begin: RFC 8656 §7.2: a new one has no permissions and no
/// channels.
#[derive(Debug, Default)]
pub(crate) struct Allocations {
    /// First frames of the requests that end one (RFC 8656 §8.2).
    ending: Vec<u64>,
}

impl Allocations {
    /// Client and server of an allocation that is over with this event, or new.
    pub(crate) fn change(&mut self, event: &Event<'_>) -> Option<(SocketAddr, SocketAddr)> {
        let (stun, class, method) = stun(event)?;
        let known = stun.transaction?;
        match (class, method) {
            (Class::Request, Method::REFRESH) => {
                // Of two relayed addresses one may go alone.
                let whole = !stun.view.has(AttributeType::REQUESTED_ADDRESS_FAMILY);
                if stun.view.lifetime() == Some(0) && whole && known.requests == 1 {
                    self.ending.truncate(MOST_REFRESHES - 1);
                    self.ending.insert(0, known.first_number);
                }
                return None;
            }
            // A request that is sent again is answered again.
            (Class::SuccessResponse, Method::ALLOCATE) if known.answers == 1 => {}
            (Class::SuccessResponse, Method::REFRESH) => {
                let at = self.ending.iter().position(|first| *first == known.first_number)?;
                self.ending.remove(at);
            }
            _ => return None,
        }
        Some((event.inner.destination, event.inner.source))
    }
}

/// Whether two addresses are of one small network, so that no NAT is between them.
pub(crate) fn near(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
