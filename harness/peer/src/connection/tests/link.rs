//! Two peers on one network without NATs, in virtual time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::super::{Config, Event, Peer};
use crate::io::{Receive, Transmit};
use crate::tamper::{Honest, Tamper};

/// One way from peer to peer.
const LATENCY: Duration = Duration::from_millis(5);

/// Both peers, the network between them, and what they have told.
pub(super) struct Link {
    pub(super) peers: [Peer; 2],
    pub(super) now: Duration,
    pub(super) events: [Vec<Event>; 2],
    /// Every datagram that was sent: when, by whom, what.
    pub(super) log: Vec<(Duration, usize, Vec<u8>)>,
    flying: BTreeMap<(Duration, u64), (usize, Receive)>,
    sent: u64,
    /// Candidates are carried to the other side as they come.
    pub(super) trickles: bool,
}

impl Link {
    pub(super) fn new(seed: u64, configs: [Config; 2]) -> Self {
        Self::with_tampers(seed, configs, [Box::new(Honest), Box::new(Honest)])
    }

    pub(super) fn with_tampers(
        seed: u64,
        configs: [Config; 2],
        tampers: [Box<dyn Tamper>; 2],
    ) -> Self {
        let mut number = 0;
        let mut made = configs.into_iter().zip(tampers).map(|(config, tamper)| {
            number += 1;
            let address = IpAddr::from([10, 0, 0, number]);
            let config = Config { interfaces: vec![address], ..config };
            let seed = seed * 2 + u64::from(number);
            Peer::with_tamper(Duration::ZERO, config, seed, tamper).unwrap()
        });
        let peers = [made.next().unwrap(), made.next().unwrap()];
        Self {
            peers,
            now: Duration::ZERO,
            events: [Vec::new(), Vec::new()],
            log: Vec::new(),
            flying: BTreeMap::new(),
            sent: 0,
            trickles: true,
        }
    }

    /// Takes what the peers have to say; their candidates reach the other side at once.
    pub(super) fn collect(&mut self) {
        loop {
            let mut is_silent = true;
            for from in 0..2 {
                while let Some(transmit) = self.peers[from].poll_transmit() {
                    self.fly(from, transmit);
                }
                while let Some(event) = self.peers[from].poll_event() {
                    is_silent = false;
                    if let (Event::Candidate(candidate), true) = (&event, self.trickles) {
                        // Those of an offer that was rolled back are of no known generation.
                        let other = &mut self.peers[1 - from];
                        let _ = other.add_ice_candidate(self.now, candidate.clone());
                    }
                    self.events[from].push(event);
                }
            }
            if is_silent {
                return;
            }
        }
    }

    fn fly(&mut self, from: usize, transmit: Transmit) {
        let Transmit::Udp { local, remote, data } = transmit else { return };
        self.log.push((self.now, from, data.clone()));
        let receive = Receive::Udp { local: remote, remote: local, data };
        self.sent += 1;
        self.flying.insert((self.now + LATENCY, self.sent), (1 - from, receive));
    }

    /// Goes on until `done`, or until the run's time is `limit`; true if it is done.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        self.collect();
        while !done(self) {
            let wakes = self.peers.iter().filter_map(Peer::wake).min();
            let arrival = self.flying.first_key_value().map(|(&(time, _), _)| time);
            let Some(next) = wakes.into_iter().chain(arrival).min().filter(|next| *next <= limit)
            else {
                return false;
            };
            assert!(next >= self.now, "a peer wants to wake in the past");
            self.now = next;
            let is_arrival = arrival == Some(next);
            match self.flying.first_entry().filter(|_| is_arrival) {
                Some(entry) => {
                    let (to, receive) = entry.remove();
                    self.peers[to].receive(self.now, receive);
                }
                None => self.peers.iter_mut().for_each(|peer| peer.advance(next)),
            }
            self.collect();
        }
        true
    }

    /// Lets this much time pass.
    pub(super) fn run_for(&mut self, time: Duration) {
        let limit = self.now + time;
        self.run_until(limit, |_| false);
        self.now = limit;
    }
}
