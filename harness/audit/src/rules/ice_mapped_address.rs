//! XOR-MAPPED-ADDRESS of answers to checks.

use std::net::SocketAddr;

use rtcspec_trace::watch::{Event, Purpose, Transaction, Via};
use rtcspec_wire::stun::Class;

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "ice.mapped-address",
    level: Level::Violation,
    cites: &[cite(8489, "6.3.1.1"), cite(8445, "7.3.1.2")],
    needs: &[Need::FarEnd],
    summary: "an answer's XOR-MAPPED-ADDRESS is the source of the request",
    doc: "Fires when a success answer to a check has no XOR-MAPPED-ADDRESS, or another address \
          than the request's source as the answerer saw it: through TURN, the peer address of the \
          Data indication or channel. Where a NAT may stand between the observer and the \
          answerer, a difference is not judged: only requests whose source is no host candidate \
          of their sender, or between addresses of one network, are.",
    advice: "copy the source of the datagram, or the peer address TURN gave, into the answer",
    holds: "the answer says where the request came from",
    breaks: "the answer says the port before it",
    silent: "no answer to a check could be compared with its request at the answerer",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(MappedAddress, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::SuccessResponse, _)) = sight::stun(event) else { return };
        let Some(known) = stun.transaction.filter(|_| stun.purpose == Purpose::Check) else {
            return;
        };
        let frames = [known.last_number, event.number];
        let spot = Spot::of(event, &frames);
        let Some(mapped) = stun.view.xor_mapped_address() else {
            return tally.find(spot, "XOR-MAPPED-ADDRESS", "a success answer without it");
        };
        let mapped = canonical(mapped);
        let source = canonical(known.path.source);
        if mapped == source {
            tally.hold();
        } else if known.requests == 1 && at_answerer(scene.book, event, &known) {
            let seen = format!("XOR-MAPPED-ADDRESS {mapped}");
            tally.find(spot, format!("{source}, where the request came from"), seen);
        }
    }
}

/// Whether no NAT can have changed the source between the observer and the answerer.
fn at_answerer(book: &Book, event: &Event<'_>, known: &Transaction) -> bool {
    let (source, destination) = (known.path.source, known.path.destination);
    match event.relay.map(|relay| relay.via) {
        // The answerer is the TURN client: it saw what the server says.
        Some(Via::Send) => return true,
        // The request left through TURN; what is behind the server is not seen.
        Some(Via::Data) => return false,
        // A channel's answer towards the server is the client's.
        Some(Via::Channel(_)) => {
            return event.relay.is_some_and(|relay| relay.client == event.outer.source);
        }
        None => {}
    }
    if sight::near(source.ip(), destination.ip()) {
        return true;
    }
    let answerer = event.from.party();
    let (Some(answerer), false) = (answerer, book.candidates.is_empty()) else { return false };
    book.is_host(answerer, destination) && !is_own(book, answerer.other(), source)
}

/// Whether an address is on one of a side's own interfaces.
fn is_own(book: &Book, party: rtcspec_trace::Party, address: SocketAddr) -> bool {
    let mut hosts = book.candidates.iter().filter(|one| one.party == party && one.kind == "host");
    let mut any = false;
    let own = hosts.any(|one| {
        any = true;
        one.address.is_none_or(|host| host.ip() == address.ip())
    });
    own || !any
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
