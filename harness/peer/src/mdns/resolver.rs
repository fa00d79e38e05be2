//! Finding the address behind a name.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::dns::{Message, Name, PORT, Question, RecordType, View};

use super::{datagram, group, is_plain};
use crate::io::Transmit;
use crate::rng::Rng;

/// When a question is asked after the one before, and after the last of them given up. RFC 6762
/// §5.2: the first interval is a second at least, and each is twice as long as the one before.
const INTERVALS: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Names that are looked up at a time; whoever sends more floods the link through us.
const MOST: usize = 32;
/// Ports that no service has (RFC 6335 §6).
const EPHEMERAL: std::ops::Range<u64> = 49_152..65_536;

/// A simple querier (RFC 6762 §5.1). What waits for an address is a `T`.
#[derive(Debug)]
pub(crate) struct Resolver<T> {
    port: u16,
    lookups: Vec<Lookup<T>>,
    found: VecDeque<(T, IpAddr)>,
    out: VecDeque<Transmit>,
}

#[derive(Debug)]
struct Lookup<T> {
    name: Name,
    asked: usize,
    next: Duration,
    waiting: Vec<T>,
}

impl<T> Resolver<T> {
    pub(crate) fn new(mut rng: Rng) -> Self {
        // RFC 6762 §5.1: a simple querier asks from any port but that of multicast DNS.
        let port = u16::try_from(rng.range(EPHEMERAL)).unwrap_or(u16::MAX);
        Self { port, lookups: Vec::new(), found: VecDeque::new(), out: VecDeque::new() }
    }

    /// Looks a name up on the links of these addresses. What is no name, or one too many, is ignored.
    pub(crate) fn look_up(&mut self, now: Duration, name: &str, wanted: T, own: &[IpAddr]) {
        let Ok(name) = name.parse::<Name>() else { return };
        if let Some(lookup) = self.lookups.iter_mut().find(|lookup| lookup.name == name) {
            return lookup.waiting.push(wanted);
        }
        if self.lookups.len() < MOST {
            self.lookups.push(Lookup { name, asked: 0, next: now, waiting: vec![wanted] });
            self.advance(now, own);
        }
    }

    /// Asks again what is due, and gives up what was asked often enough.
    pub(crate) fn advance(&mut self, now: Duration, own: &[IpAddr]) {
        self.lookups.retain(|lookup| lookup.next > now || lookup.asked < INTERVALS.len());
        for lookup in self.lookups.iter_mut().filter(|lookup| lookup.next <= now) {
            let query = lookup.query();
            let ways = own.iter().filter(|ip| !ip.is_loopback() && !ip.is_multicast());
            self.out.extend(
                ways.filter_map(|ip| datagram(SocketAddr::new(*ip, self.port), group(*ip), &query)),
            );
            lookup.next = now + INTERVALS[lookup.asked];
            lookup.asked += 1;
        }
    }

    /// When [`advance`](Self::advance) wants to be called next.
    pub(crate) fn wake(&self) -> Option<Duration> {
        self.lookups.iter().map(|lookup| lookup.next).min()
    }

    /// Whether a local address is the socket of a querier.
    pub(crate) fn owns(&self, local: SocketAddr) -> bool {
        local.port() == self.port
    }

    /// Whether a datagram answers one of our questions, perhaps.
    pub(crate) fn expects(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        // RFC 6762 §6: what comes from another port is no response.
        self.owns(local) && remote.port() == PORT
    }

    /// Takes a response in.
    pub(crate) fn receive(&mut self, data: &[u8]) {
        let view = View::new(data);
        if view.is_response() != Some(true) || !view.flags().is_some_and(is_plain) {
            return;
        }
        let told = |lookup: &mut Lookup<T>| !addresses(&view, &lookup.name).is_empty();
        for lookup in self.lookups.extract_if(.., told) {
            // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.2.2: a name with several addresses is ignored.
            if let [address] = addresses(&view, &lookup.name)[..] {
                self.found.extend(lookup.waiting.into_iter().map(|wanted| (wanted, address)));
            }
        }
    }

    /// What has found its address.
    pub(crate) fn found(&mut self) -> Option<(T, IpAddr)> {
        self.found.pop_front()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    /// Nothing is wanted any more.
    pub(crate) fn close(&mut self) {
        self.lookups.clear();
        self.found.clear();
    }
}

impl<T> Lookup<T> {
    fn query(&self) -> Message {
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.2.1: the response is of use to us alone.
        // RFC 6762 §5.4: who asks again asks for one that everybody hears.
        let unicast = self.asked == 0;
        let ask = |kind| Question { name: self.name.clone(), kind, unicast };
        // RFC 6762 §18.1: queries have no identifier.
        Message::query(0, [RecordType::A, RecordType::AAAA].map(ask).to_vec())
    }
}

/// The addresses of a name in a response, each once.
fn addresses(view: &View<'_>, name: &Name) -> Vec<IpAddr> {
    let mut found = Vec::new();
    // Records of other names and types are nothing to us, and may be whatever they are.
    let records = view.records().map_while(Result::ok).filter_map(|view| view.to_record().ok());
    for record in records.filter(|record| record.name == *name) {
        let ip = record.data.ip();
        if !found.contains(&ip) {
            found.push(ip);
        }
    }
    found
}
