//! Pacing of transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_trace::watch::{ConnectionId, Event, Kind, Path, Purpose, Stun, Via, limits};
use rtcspec_wire::stun::{Class, Method};

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Starts that are looked at together, so that one late capture timestamp does not count.
const WINDOW: usize = 5;
/// RFC 8445 §14.2: never more often than this.
const FLOOR: Duration = Duration::from_millis(5);
/// RFC 8445 §14.2: the default.
const DEFAULT_TA: u64 = 50;
/// Hosts that are remembered.
const MOST: usize = 64;
/// A pause after which agents check for another reason: consent, keepalive.
const PAUSE: Duration = Duration::from_secs(1);
/// RFC 7675 §5.1: 0.8 of the shortest period of consent, less what a capture's clock may be off.
const CONSENT: Duration = Duration::from_millis(3_150);

static ABOUT: About = About {
    id: "ice.pacing",
    level: Level::Violation,
    cites: &[cite(8445, "14.2"), cite(8445, "14.1")],
    needs: &[Need::Times],
    summary: "transactions start no closer than 5 ms, and no closer than Ta",
    doc: "Fires when five STUN or TURN transactions in a row of one host start within less than \
          four times 5 ms, less a fifth for the clock of the capture: the floor for all agents of \
          an implementation together. If five of one agent start within less than four times Ta \
          (50 ms, or the larger of what both announced with a=ice-pacing), it is a warning. \
          Retransmissions do not count, nor does consent: checks of a pair that DTLS or media were \
          seen on, that was nominated with success, or that worked more than three seconds before. \
          The first check of a connection may be consent of one that is older than the capture, so \
          several of them at once are not judged. Triggered checks do count, they go through the \
          same timer (RFC 8445 §6.1.4.2).",
    advice: "send checks from one queue on one timer, triggered ones included",
    holds: "five checks in 200 ms",
    breaks: "five checks at once",
    silent: "no host started five transactions in a row",
    hears: &[Hears::Stun, Hears::Record, Hears::Rtp, Hears::Rtcp],
    scope: Scope::Observer,
};

declare!(Pacing, State);

#[derive(Debug, Default)]
struct State {
    starts: BTreeMap<IpAddr, Vec<Start>>,
    pairs: Pairs,
    /// Connections that a host has checked in.
    begun: BTreeSet<(ConnectionId, IpAddr)>,
}

/// The start of a transaction.
#[derive(Clone, Copy, Debug)]
struct Start {
    at: Duration,
    number: u64,
    connection: Option<ConnectionId>,
    /// Nothing shows whether its connection is older than it.
    first: bool,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Stun(_) = event.kind else {
            // DTLS in a check is of no pair that is in use yet.
            if !event.in_stun {
                self.pairs.touch(event.inner, event.at).used = true;
            }
            return;
        };
        match sight::stun(event) {
            Some((stun, Class::Request, _)) => self.request(scene, event, stun, tally),
            Some((stun, Class::SuccessResponse, Method::BINDING)) => {
                self.pairs.success(event, stun);
            }
            _ => {}
        }
    }
}

impl State {
    fn request(
        &mut self,
        scene: &Scene<'_>,
        event: &Event<'_>,
        stun: &Stun<'_>,
        tally: &mut Tally,
    ) {
        let repeated = stun.transaction.is_some_and(|known| known.requests > 1);
        let paced = matches!(stun.purpose, Purpose::Check | Purpose::Gather | Purpose::Turn);
        if repeated || !paced {
            return;
        }
        let host = host(event);
        let is_check = stun.purpose == Purpose::Check;
        let first = is_check && self.begins(event, host);
        if is_check && self.pairs.is_consent(event, stun) {
            return;
        }
        if self.starts.len() >= MOST && !self.starts.contains_key(&host) {
            self.starts.pop_first();
        }
        let starts = self.starts.entry(host).or_default();
        if starts.last().is_some_and(|last| event.at.saturating_sub(last.at) > PAUSE) {
            starts.clear();
        }
        let (at, number, connection) = (event.at, event.number, event.connection);
        starts.push(Start { at, number, connection, first });
        if starts.len() > WINDOW {
            starts.remove(0);
        }
        if starts.len() == WINDOW && !judge(scene.book, event, starts, tally) {
            // The next ones are counted anew, not this one again.
            starts.clear();
        }
    }

    /// Whether a check is the first that its host sends in a connection.
    fn begins(&mut self, event: &Event<'_>, host: IpAddr) -> bool {
        let Some(connection) = event.connection else { return false };
        if self.begun.len() >= 2 * limits::CONNECTIONS {
            self.begun.pop_first();
        }
        self.begun.insert((connection, host))
    }
}

/// Whose transaction it is: what a relay sends on belongs to the host behind it.
fn host(event: &Event<'_>) -> IpAddr {
    match event.relay {
        Some(relay) if relay.via == Via::Data => event.inner.source.ip(),
        Some(relay) => relay.client.ip(),
        None => event.outer.source.ip(),
    }
}

/// Pairs by their addresses, the lower first.
#[derive(Debug, Default)]
struct Pairs(BTreeMap<(SocketAddr, SocketAddr), Pair>);

/// What is known of a pair.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    used: bool,
    /// When a check of it was first answered with success.
    worked: Option<Duration>,
    last: Duration,
}

impl Pairs {
    fn touch(&mut self, path: Path, at: Duration) -> &mut Pair {
        let (one, other) = (path.source, path.destination);
        let key = (one.min(other), one.max(other));
        if self.0.len() >= limits::FLOWS && !self.0.contains_key(&key) {
            self.forget_half();
        }
        let pair = self.0.entry(key).or_default();
        pair.last = at;
        pair
    }

    /// Those that were silent longest.
    fn forget_half(&mut self) {
        let mut times: Vec<Duration> = self.0.values().map(|pair| pair.last).collect();
        let half = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(half);
        let median = *median;
        self.0.retain(|_, pair| pair.last > median);
    }

    fn success(&mut self, event: &Event<'_>, stun: &Stun<'_>) {
        let Some(known) = stun.transaction.filter(|_| stun.purpose == Purpose::Check) else {
            return;
        };
        let pair = self.touch(known.path, event.at);
        pair.worked.get_or_insert(event.at);
        pair.used |= known.use_candidate;
    }

    fn is_consent(&mut self, event: &Event<'_>, stun: &Stun<'_>) -> bool {
        let nominates = stun.transaction.is_some_and(|known| known.use_candidate);
        let pair = self.touch(event.inner, event.at);
        let worked = pair.worked.is_some_and(|at| event.at.saturating_sub(at) >= CONSENT);
        pair.used || (worked && !nominates)
    }
}

/// Whether five starts in a row keep the distance; of some nobody can tell.
fn judge(book: &Book, event: &Event<'_>, starts: &[Start], tally: &mut Tally) -> bool {
    if starts.iter().filter(|start| start.first).count() > 1 {
        return true;
    }
    let span = event.at.saturating_sub(starts[0].at);
    let steps = (WINDOW - 1) as u32;
    let floor = FLOOR * steps * 4 / 5;
    let ta = Duration::from_millis(ta(book)) * steps * 4 / 5;
    let frames: Vec<u64> = starts.iter().map(|start| start.number).collect();
    let spot = Spot::of(event, &frames);
    let connections: BTreeSet<ConnectionId> =
        starts.iter().filter_map(|start| start.connection).collect();
    if span < floor {
        tally.find(spot, "5 ms or more between them", "five transactions closer than 5 ms");
    } else if span < ta && connections.len() <= 1 {
        let seen = "five transactions closer than Ta";
        tally.find_as(Level::Warning, ABOUT.cites[0], spot, "Ta or more between them", seen);
    } else {
        tally.hold();
        return true;
    }
    false
}

/// RFC 8445 §14.2: the larger of both proposals; whoever proposes none means the default.
fn ta(book: &Book) -> u64 {
    let mut sides = [DEFAULT_TA; 2];
    for description in book.descriptions.iter().rev().take(2) {
        let side = usize::from(description.from == rtcspec_trace::Party::B);
        sides[side] = description.pacing.unwrap_or(DEFAULT_TA);
    }
    sides[0].max(sides[1]).min(1000)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rtcspec_wire::stun::Attribute;

    use crate::trial::{Trial, a, b, check, handshake, success};

    const ID: &str = "ice.pacing";

    /// A server at A's address, and the n-th of its peers.
    fn peer(nth: u8) -> SocketAddr {
        ([10, 0, 2, nth], 6000).into()
    }

    fn checked(trial: &mut Trial, millis: u64, to: SocketAddr, ufrags: &str, nominates: bool) {
        let id = trial.id();
        let message = check(id, ufrags, true, 1);
        let message = if nominates { message.with(Attribute::UseCandidate) } else { message };
        trial.stun(millis, (a(5000), to), &message);
        trial.stun(millis + 1, (to, a(5000)), &success(id, a(5000)));
    }

    #[test]
    fn checks_of_one_connection_at_once_break_it() {
        let mut trial = Trial::default();
        for nth in 0..5 {
            let id = trial.id();
            trial.stun(0, (a(5000), b(6000 + nth)), &check(id, "bbbb:aaaa", true, 1));
        }
        let expected = ("five transactions closer than 5 ms".to_owned(), vec![1, 2, 3, 4, 5]);
        assert_eq!(trial.seen_by(ID), [expected]);
    }

    #[test]
    fn consent_of_many_connections_at_once_is_not_judged() {
        let mut trial = Trial::default();
        for millis in [0, 5000, 9500] {
            for nth in 0..8 {
                checked(&mut trial, millis, peer(nth), &format!("p{nth}p{nth}:aaaa"), false);
            }
        }
        assert_eq!(trial.of(ID), (Vec::new(), 0));
    }

    #[test]
    fn a_pair_that_is_nominated_or_carries_dtls_is_checked_for_consent() {
        for nominates in [true, false] {
            let mut trial = Trial::default();
            for nth in 0..6 {
                // Their beginnings lie apart.
                let at = 100 * u64::from(nth);
                let ufrags = format!("p{nth}p{nth}:aaaa");
                checked(&mut trial, at, peer(nth), &ufrags, nominates);
                if !nominates {
                    let record = handshake(0, 1, &[0; 40]);
                    trial.udp(at + 5, (peer(nth), a(5000)), &record);
                }
            }
            for nth in 0..6 {
                checked(&mut trial, 1000, peer(nth), &format!("p{nth}p{nth}:aaaa"), nominates);
            }
            let (found, _) = trial.of(ID);
            assert!(found.is_empty(), "{nominates}: {found:#?}");
        }
    }
}
