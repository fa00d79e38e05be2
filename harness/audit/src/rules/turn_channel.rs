//! TURN channels.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Event, Kind, Stun};
use rtcspec_wire::stun::{AttributeType, Class, Method};
use rtcspec_wire::turn::ChannelNumber;

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight::{self, Allocations};
use crate::tally::{Spot, Tally};

/// Channels that are remembered.
const MOST: usize = 1024;
/// RFC 8656 §12: ten minutes, and five more before the number may go to another peer.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

static ABOUT: About = About {
    id: "turn.channel",
    level: Level::Violation,
    cites: &[cite(8656, "12"), cite(8656, "12.5"), cite(5766, "11")],
    needs: &[],
    summary: "a channel has a number of 0x4000-0x4FFF, one peer, and is bound before it is used",
    doc: "Fires when ChannelBind asks for a number outside 0x4000..=0x4FFF, for a number that is \
          bound to another peer or a peer that has another number within fifteen minutes, or when \
          the client sends ChannelData on a channel it never asked for. A channel ends with its \
          allocation. Numbers up to 0x7FFF were right in RFC 5766 and are a warning. ChannelData after the request but before its \
          success is explicitly allowed (RFC 8656 §12: the client MAY) and a note.",
    advice: "draw numbers from 0x4000 up to 0x4FFF and keep them with their peer",
    holds: "ChannelBind 0x4000, success, ChannelData on 0x4000",
    breaks: "ChannelBind with number 0x5000",
    silent: "there is no ChannelBind and no ChannelData",
    hears: &[Hears::Stun, Hears::ChannelData],
    scope: Scope::Observer,
};

declare!(Channel, State);

#[derive(Clone, Copy, Debug)]
struct Bound {
    client: SocketAddr,
    server: SocketAddr,
    number: u16,
    peer: SocketAddr,
    at: Duration,
    frame: u64,
    granted: bool,
    /// Its allocation is over: what is still under way on it is not judged.
    over: bool,
}

#[derive(Debug, Default)]
struct State {
    allocations: Allocations,
    bound: Vec<Bound>,
    /// Clients, which have asked a server for something.
    clients: BTreeMap<(SocketAddr, SocketAddr), ()>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Kind::ChannelData(data) = &event.kind {
            return self.data(event, data.view.number(), tally);
        }
        if let Some(ends) = self.allocations.change(event) {
            for bound in self.bound.iter_mut().filter(|bound| bound.is_of(ends)) {
                bound.over = true;
            }
        }
        let Some((stun, class, method)) = sight::stun(event) else { return };
        let path = event.inner;
        if (class, method) == (Class::Request, Method::ALLOCATE) && self.clients.len() < MOST {
            self.clients.insert((path.source, path.destination), ());
        }
        if method != Method::CHANNEL_BIND {
            return;
        }
        match class {
            Class::Request => self.bind(event, stun, tally),
            Class::SuccessResponse => {
                let frame = stun.transaction.map(|known| known.first_number);
                for bound in self.bound.iter_mut().filter(|bound| Some(bound.frame) == frame) {
                    bound.granted = true;
                }
            }
            // RFC 8656 §12.3: what was refused binds nothing; the client may ask with another number.
            Class::ErrorResponse => {
                let frame = stun.transaction.map(|known| known.first_number);
                self.bound.retain(|bound| bound.granted || Some(bound.frame) != frame);
            }
            Class::Indication => {}
        }
    }
}

impl Bound {
    /// Whether it is of this client and this server.
    fn is_of(&self, ends: (SocketAddr, SocketAddr)) -> bool {
        (self.client, self.server) == ends
    }
}

impl State {
    fn bind(&mut self, event: &Event<'_>, stun: &Stun<'_>, tally: &mut Tally) {
        let Some(&[high, low, ..]) = stun.view.value(AttributeType::CHANNEL_NUMBER) else { return };
        let Some(peer) = stun.view.xor_peer_address() else { return };
        let number = u16::from_be_bytes([high, low]);
        let ends = (event.inner.source, event.inner.destination);
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        if ChannelNumber::new(number).is_none() {
            let seen = format!("ChannelBind of {number:#06x}");
            let old = (0x5000..0x8000).contains(&number);
            let (level, cite) =
                if old { (Level::Warning, ABOUT.cites[2]) } else { (ABOUT.level, ABOUT.cites[0]) };
            return tally.find_as(level, cite, spot, "0x4000 to 0x4FFF", seen);
        }
        let at = event.at;
        self.bound.retain(|bound| {
            let in_the_way = bound.number == number || bound.peer == peer;
            let gone = bound.over && bound.is_of(ends) && in_the_way;
            !gone && at.saturating_sub(bound.at) < LIFETIME
        });
        let mut clash = None;
        for bound in self.bound.iter_mut().filter(|bound| bound.is_of(ends)) {
            if (bound.number, bound.peer) == (number, peer) {
                bound.at = at;
                return tally.hold();
            }
            if bound.number == number {
                clash = Some((bound.frame, "one number for two peers"));
            } else if bound.peer == peer {
                clash = Some((bound.frame, "two numbers for one peer"));
            }
        }
        match clash {
            Some((frame, seen)) => {
                let frames = [frame, event.number];
                tally.find(Spot { frames: &frames, ..spot }, "one number per peer", seen);
            }
            None => tally.hold(),
        }
        if self.bound.len() < MOST {
            let frame = stun.transaction.map_or(event.number, |known| known.first_number);
            let ((client, server), granted, over) = (ends, false, false);
            self.bound.push(Bound { client, server, number, peer, at, frame, granted, over });
        }
    }

    fn data(&self, event: &Event<'_>, number: Option<u16>, tally: &mut Tally) {
        let path = event.inner;
        // Towards the server, from a client whose allocation was seen.
        if !self.clients.contains_key(&(path.source, path.destination)) {
            return;
        }
        let ends = (path.source, path.destination);
        let mut own = self.bound.iter().filter(|bound| bound.is_of(ends));
        let known = own.find(|bound| Some(bound.number) == number);
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match known {
            Some(bound) if bound.over => {}
            Some(bound) if bound.granted => tally.hold(),
            Some(_) => {
                let seen = "ChannelData before the binding was confirmed";
                tally.find_as(Level::Note, ABOUT.cites[0], spot, "success first, to be safe", seen);
            }
            None => {
                let seen = format!("ChannelData on {:#06x}", number.unwrap_or_default());
                tally.find_as(ABOUT.level, ABOUT.cites[1], spot, "ChannelBind first", seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rtcspec_wire::stun::{Attribute, Message, Method, TransactionId};
    use rtcspec_wire::turn::ChannelNumber;

    use crate::trial::{Trial, a, b};

    const ID: &str = "turn.channel";

    fn server() -> SocketAddr {
        ([198, 51, 100, 9], 3478).into()
    }

    /// A request of A to the server, and its success.
    fn asked(trial: &mut Trial, millis: u64, method: Method, with: &[Attribute]) {
        let id = TransactionId([trial.id(); 12]);
        let add = |message: Message, one: &Attribute| message.with(one.clone());
        let request = with.iter().fold(Message::request(method, id), add);
        trial.stun(millis, (a(5000), server()), &request);
        trial.stun(millis + 20, (server(), a(5000)), &Message::success(method, id));
    }

    fn bound(trial: &mut Trial, millis: u64, peer: SocketAddr) {
        let number = ChannelNumber::new(0x4000).expect("a channel");
        let with = [Attribute::ChannelNumber(number), Attribute::XorPeerAddress(peer)];
        asked(trial, millis, Method::CHANNEL_BIND, &with);
    }

    #[test]
    fn another_allocation_has_all_its_channels_free() {
        for refresh in [true, false] {
            let mut trial = Trial::default();
            asked(&mut trial, 0, Method::ALLOCATE, &[]);
            bound(&mut trial, 200, b(6000));
            if refresh {
                asked(&mut trial, 20_000, Method::REFRESH, &[Attribute::Lifetime(0)]);
                // Sent before the answer came, and seen after it.
                trial.udp(20_030, (a(5000), server()), &[0x40, 0, 0, 1, b'x', 0, 0, 0]);
            }
            asked(&mut trial, 30_000, Method::ALLOCATE, &[]);
            bound(&mut trial, 30_200, b(7000));
            assert_eq!(trial.of(ID), (Vec::new(), 2), "{refresh}");
        }
    }

    #[test]
    fn within_an_allocation_a_number_keeps_its_peer() {
        let mut trial = Trial::default();
        asked(&mut trial, 0, Method::ALLOCATE, &[]);
        bound(&mut trial, 200, b(6000));
        asked(&mut trial, 20_000, Method::REFRESH, &[Attribute::Lifetime(600)]);
        bound(&mut trial, 30_200, b(7000));
        assert_eq!(trial.seen_by(ID), [("one number for two peers".to_owned(), vec![3, 7])]);
    }
}
