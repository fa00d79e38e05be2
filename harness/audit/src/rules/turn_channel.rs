//! TURN channels.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Event, Kind, Stun};
use rtcspec_wire::stun::{AttributeType, Class, Method};
use rtcspec_wire::turn::ChannelNumber;

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
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
          the client sends ChannelData on a channel it never asked for. Numbers up to 0x7FFF were \
          right in RFC 5766 and are a warning. ChannelData after the request but before its \
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
}

#[derive(Debug, Default)]
struct State {
    bound: Vec<Bound>,
    /// Clients, which have asked a server for something.
    clients: BTreeMap<(SocketAddr, SocketAddr), ()>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Kind::ChannelData(data) = &event.kind {
            return self.data(event, data.view.number(), tally);
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

impl State {
    fn bind(&mut self, event: &Event<'_>, stun: &Stun<'_>, tally: &mut Tally) {
        let Some(&[high, low, ..]) = stun.view.value(AttributeType::CHANNEL_NUMBER) else { return };
        let Some(peer) = stun.view.xor_peer_address() else { return };
        let number = u16::from_be_bytes([high, low]);
        let (client, server) = (event.inner.source, event.inner.destination);
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
        self.bound.retain(|bound| at.saturating_sub(bound.at) < LIFETIME);
        let own = |bound: &&mut Bound| (bound.client, bound.server) == (client, server);
        let mut clash = None;
        for bound in self.bound.iter_mut().filter(own) {
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
            let granted = false;
            self.bound.push(Bound { client, server, number, peer, at, frame, granted });
        }
    }

    fn data(&self, event: &Event<'_>, number: Option<u16>, tally: &mut Tally) {
        let path = event.inner;
        // Towards the server, from a client whose allocation was seen.
        if !self.clients.contains_key(&(path.source, path.destination)) {
            return;
        }
        let known = self.bound.iter().find(|bound| {
            (bound.client, bound.server) == (path.source, path.destination)
                && Some(bound.number) == number
        });
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match known {
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
