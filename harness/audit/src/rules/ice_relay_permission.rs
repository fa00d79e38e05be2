//! Permissions of relayed candidates.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rtcspec_trace::watch::{Event, Purpose, Via};
use rtcspec_wire::stun::{AttributeType, Class, Method};

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight::{self, Allocations};
use crate::tally::{Spot, Tally};

/// Permissions that are remembered.
const MOST: usize = 1024;

static ABOUT: About = About {
    id: "ice.relay-permission",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.1"), cite(8656, "9"), cite(8656, "11.2")],
    needs: &[],
    summary: "a check leaves a relayed candidate only after a permission was asked for",
    doc: "Fires when a check is given to a TURN server for a peer address that the client has \
          asked no CreatePermission or ChannelBind for: the server drops it. A check after the \
          request but before its success is a note: RFC 8445 §7.2.1 is content with having told \
          the server, but a server that has not decided drops the check. Permissions end with \
          their allocation. The observer has to be at the client.",
    advice: "send CreatePermission for the peer's address, and wait for the answer",
    holds: "CreatePermission, its success, then the check",
    breaks: "a Send indication with a check and no CreatePermission",
    silent: "no check left through a relay",
    hears: &[Hears::Stun],
    scope: Scope::Observer,
};

declare!(RelayPermission, State);

#[derive(Debug, Default)]
struct State {
    allocations: Allocations,
    /// By client, server and peer: whether it was granted.
    permissions: BTreeMap<(SocketAddr, SocketAddr, IpAddr), bool>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Some(ends) = self.allocations.change(event) {
            self.permissions.retain(|(client, server, _), _| (*client, *server) != ends);
        }
        let Some((stun, class, method)) = sight::stun(event) else { return };
        match (class, method) {
            (Class::Request, Method::CREATE_PERMISSION | Method::CHANNEL_BIND) => {
                self.asked(event, stun);
            }
            (Class::SuccessResponse, Method::CREATE_PERMISSION | Method::CHANNEL_BIND) => {
                let path = event.inner;
                for (key, granted) in &mut self.permissions {
                    if (key.0, key.1) == (path.destination, path.source) {
                        *granted = true;
                    }
                }
            }
            (Class::Request, _) if stun.purpose == Purpose::Check => self.check(event, tally),
            _ => {}
        }
    }
}

impl State {
    fn asked(&mut self, event: &Event<'_>, stun: &rtcspec_trace::watch::Stun<'_>) {
        let Some(id) = stun.view.transaction_id() else { return };
        let peers = stun.view.attributes().filter(|a| a.ty == AttributeType::XOR_PEER_ADDRESS);
        for peer in peers.filter_map(|peer| peer.as_xor_address(id)).take(32) {
            if self.permissions.len() >= MOST {
                self.permissions.pop_first();
            }
            let key = (event.inner.source, event.inner.destination, peer.ip());
            self.permissions.entry(key).or_insert(false);
        }
    }

    fn check(&self, event: &Event<'_>, tally: &mut Tally) {
        let Some(relay) = event.relay else { return };
        let leaves = relay.client == event.outer.source && relay.via != Via::Data;
        if !leaves {
            return;
        }
        let peer = event.inner.destination.ip();
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match self.permissions.get(&(relay.client, relay.server, peer)) {
            Some(true) => tally.hold(),
            Some(false) => {
                let seen = "a check before the permission was granted";
                tally.find_as(Level::Note, ABOUT.cites[1], spot, "success first", seen);
            }
            None => tally.find(spot, "CreatePermission first", format!("no permission for {peer}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rtcspec_wire::stun::{Attribute, Message, Method, Seal, TransactionId};

    use crate::trial::{Trial, a, b, check};

    const ID: &str = "ice.relay-permission";

    fn server() -> SocketAddr {
        ([198, 51, 100, 9], 3478).into()
    }

    /// A request of A to the server, and its success.
    fn asked(trial: &mut Trial, millis: u64, request: &Message) {
        trial.stun(millis, (a(5000), server()), request);
        let success = Message::success(request.method, request.id);
        trial.stun(millis + 20, (server(), a(5000)), &success);
    }

    fn request(trial: &mut Trial, method: Method) -> Message {
        Message::request(method, TransactionId([trial.id(); 12]))
    }

    fn checked(trial: &mut Trial, millis: u64) {
        let seal = Seal::none().fingerprint();
        let inner = check(trial.id(), "bbbb:aaaa", true, 1).encode(&seal).expect("it is short");
        let send = Message::indication(Method::SEND, TransactionId([trial.id(); 12]))
            .with(Attribute::XorPeerAddress(b(6000)))
            .with(Attribute::Data(inner));
        trial.stun(millis, (a(5000), server()), &send);
    }

    #[test]
    fn permissions_end_with_their_allocation() {
        let mut trial = Trial::default();
        let allocate = request(&mut trial, Method::ALLOCATE);
        asked(&mut trial, 0, &allocate);
        let permit = request(&mut trial, Method::CREATE_PERMISSION);
        asked(&mut trial, 100, &permit.with(Attribute::XorPeerAddress(b(6000))));
        // The answer to an Allocate that was sent twice comes twice.
        trial.stun(150, (server(), a(5000)), &Message::success(Method::ALLOCATE, allocate.id));
        checked(&mut trial, 200);
        let again = request(&mut trial, Method::ALLOCATE);
        asked(&mut trial, 10_000, &again);
        checked(&mut trial, 10_200);
        let (found, held) = trial.of(ID);
        let seen: Vec<&str> = found.iter().map(|finding| finding.seen.as_str()).collect();
        assert_eq!((seen, held), (vec!["no permission for 10.0.1.2"], 1));
    }
}
