//! Attributes that must be understood.

use std::collections::BTreeMap;

use rtcspec_trace::watch::Event;
use rtcspec_wire::stun::{AttributeType, Class, ErrorCode, TransactionId};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Requests with such attributes that are remembered.
const MOST: usize = 64;

static ABOUT: About = About {
    id: "stun.unknown-required",
    level: Level::Violation,
    cites: &[cite(8489, "6.3.1"), cite(8489, "6.3.1.1")],
    needs: &[Need::BothDirections],
    summary: "a request with an unknown attribute that must be understood is answered with 420",
    doc: "Fires when a request has an attribute below 0x8000 that no registry knows, and it is \
          answered with success, or with 420 but without UNKNOWN-ATTRIBUTES that names it. \
          Authentication comes first (RFC 8489 §6.3), so that other errors are fine; no answer is \
          too, the request may be lost. Indications are dropped silently.",
    advice: "answer 420 with UNKNOWN-ATTRIBUTES after the request is authenticated",
    holds: "attribute 0x7fee is answered with 420 and UNKNOWN-ATTRIBUTES 0x7fee",
    breaks: "attribute 0x7fee is answered with success",
    silent: "no request has an attribute that must be understood and is unknown",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(UnknownRequired, State);

#[derive(Debug, Default)]
struct State(BTreeMap<TransactionId, (AttributeType, u64)>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, class, _)) = sight::stun(event) else { return };
        let Some(id) = stun.view.transaction_id() else { return };
        if class == Class::Request {
            if let Some(unknown) = stun.view.unknown_required().next() {
                if self.0.len() >= MOST {
                    self.0.pop_first();
                }
                self.0.insert(id, (unknown, event.number));
            }
            return;
        }
        let Some((unknown, request)) = self.0.get(&id).copied().filter(|_| class.is_response())
        else {
            return;
        };
        let frames = [request, event.number];
        let spot = Spot::of(event, &frames);
        let code = stun.view.error_code().map(|code| code.code());
        if class == Class::SuccessResponse {
            let seen = format!("success for a request with attribute {:#06x}", unknown.0);
            tally.find(spot, "error 420 (Unknown Attribute)", seen);
        } else if code == Some(ErrorCode::UNKNOWN_ATTRIBUTE) {
            let named = stun.view.value(AttributeType::UNKNOWN_ATTRIBUTES).unwrap_or_default();
            if named.chunks_exact(2).any(|two| two == unknown.0.to_be_bytes()) {
                tally.hold();
            } else {
                let seen = format!("420 that does not name {:#06x}", unknown.0);
                let cite = ABOUT.cites[1];
                tally.find_as(Level::Violation, cite, spot, "UNKNOWN-ATTRIBUTES", seen);
            }
        }
    }
}
