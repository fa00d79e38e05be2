//! One packet of its several sightings: what several interfaces on its way saw is one packet.
//!
//! Two frames are one packet if the file says so (`epb_packetid`), or if they have the same bytes,
//! at two interfaces or at two sides of one, within two seconds. Addresses do not count: NATs
//! rewrite them on the way. What has the same bytes at the same side of the same interface is sent
//! again.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::Side;

use crate::net::{Frame, Interface};
use crate::views::{View, fingerprint, view};

/// How long a packet is on its way at most.
const WAY: Duration = Duration::from_secs(2);
/// Sightings of one packet that are kept.
const MAX_SIGHTINGS: usize = 64;

/// Where and when a packet was seen, and with which addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) view: View,
    pub(super) carrier: Carrier,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

/// A packet that belongs to some connection, or may.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// As its sender sent it, as far as the capture tells.
    pub(super) first: Sighting,
    /// Those after the first, in the order of time.
    pub(super) later: Vec<Sighting>,
    /// Its own number in the file.
    pub(super) packet: Option<u64>,
    /// What the file says became of it.
    pub(super) comment: Option<String>,
    pub(super) payload: Vec<u8>,
    pub(super) connection: Option<u32>,
    /// Who sent it, or what is inside.
    pub(super) from: Side,
    /// The STUN or TURN server at one end of it.
    pub(super) server: Option<SocketAddr>,
}

impl Kept {
    /// A packet seen for the first time.
    pub(super) fn new(frame: &Frame<'_>) -> Self {
        Self {
            first: Sighting::of(frame),
            later: Vec::new(),
            packet: frame.packet,
            comment: frame.comment.map(str::to_owned),
            payload: frame.seen.payload.to_vec(),
            connection: None,
            from: Side::Unknown,
            server: None,
        }
    }

    /// As it was seen last.
    pub(super) fn last(&self) -> &Sighting {
        self.later.last().unwrap_or(&self.first)
    }

    /// All of its sightings.
    pub(super) fn sightings(&self) -> impl DoubleEndedIterator<Item = &Sighting> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// Sees it again.
    pub(super) fn again(&mut self, frame: &Frame<'_>) {
        if self.later.len() < MAX_SIGHTINGS {
            self.later.push(Sighting::of(frame));
        }
        if let Some(comment) = frame.comment {
            self.comment = Some(comment.to_owned());
        }
    }

    /// Whether nothing says whose it is.
    pub(super) fn is_nobodys(&self) -> bool {
        self.connection.is_none() && self.server.is_none() && self.from == Side::Unknown
    }

    fn seen_at(&self, place: View) -> bool {
        self.sightings().any(|sighting| sighting.view == place)
    }
}

impl Sighting {
    fn of(frame: &Frame<'_>) -> Self {
        let seen = &frame.seen;
        Self {
            number: seen.number,
            at: seen.at,
            view: view(frame),
            carrier: seen.carrier,
            source: seen.source,
            destination: seen.destination,
        }
    }

    /// The interface.
    pub(super) const fn interface(&self) -> Interface {
        self.view.0
    }
}

/// Finds the packet that a frame shows again.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    by_number: BTreeMap<u64, usize>,
    by_bytes: BTreeMap<u64, Vec<usize>>,
    recent: VecDeque<(Duration, u64)>,
    /// Numbers of one TCP stream at other interfaces, each with a lower number of it.
    streams: BTreeMap<u64, u64>,
}

impl Matcher {
    /// The index of the packet.
    pub(super) fn find(&mut self, kept: &[Kept], frame: &Frame<'_>) -> Option<usize> {
        let seen = &frame.seen;
        while let Some((at, key)) = self.recent.front().copied()
            && at + WAY < seen.at
        {
            self.recent.pop_front();
            if let Some(indices) = self.by_bytes.get_mut(&key) {
                indices.remove(0);
                if indices.is_empty() {
                    self.by_bytes.remove(&key);
                }
            }
        }
        let is = |index: &usize| kept.get(*index).is_some_and(|one| one.payload == seen.payload);
        if let Some(number) = frame.packet
            && seen.carrier == Carrier::Udp
        {
            return self.by_number.get(&number).copied().filter(is);
        }
        let indices = self.by_bytes.get(&fingerprint(seen.payload)?)?;
        // Of a request that was sent again, the newest that could have come here is meant.
        let found = indices.iter().rev().copied().find(|index| {
            let one = &kept[*index];
            is(index) && !one.seen_at(view(frame)) && same_kind(one.first.carrier, seen.carrier)
        })?;
        self.join(kept[found].first.carrier, seen.carrier);
        Some(found)
    }

    /// Remembers a packet that was seen for the first time.
    pub(super) fn add(&mut self, index: usize, kept: &Kept) {
        if let Some(number) = kept.packet
            && kept.first.carrier == Carrier::Udp
        {
            self.by_number.insert(number, index);
        } else if let Some(key) = fingerprint(&kept.payload) {
            self.by_bytes.entry(key).or_default().push(index);
            self.recent.push_back((kept.first.at, key));
        }
    }

    fn join(&mut self, one: Carrier, other: Carrier) {
        let (Carrier::Tcp(one), Carrier::Tcp(other)) = (one, other) else { return };
        let (one, other) = (self.stream(one), self.stream(other));
        if one != other {
            self.streams.insert(one.max(other), one.min(other));
        }
    }

    /// The number of a stream that all its sightings share.
    pub(super) fn stream(&self, mut number: u64) -> u64 {
        while let Some(lower) = self.streams.get(&number) {
            number = *lower;
        }
        number
    }
}

const fn same_kind(one: Carrier, other: Carrier) -> bool {
    matches!((one, other), (Carrier::Udp, Carrier::Udp) | (Carrier::Tcp(_), Carrier::Tcp(_)))
}
