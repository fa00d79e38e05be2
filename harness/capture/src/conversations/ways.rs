//! The way of every packet: where its sender sent it, and whether it reached the other end.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_trace::{Carrier, Datagram, Lost, Place};

use super::collect::Collected;
use super::sightings::{Kept, Matcher, Sighting};
use crate::net::Interface;

/// Characters of an element's name that are taken over from a comment.
const MAX_NAME: usize = 40;

/// One in so many of what an end sends is seen elsewhere first, by mistake of a clock.
const MISTAKEN: u64 = 20;

/// What knows the interfaces of every end: those where what it sends is seen first.
pub(super) struct Ways<'a> {
    homes: BTreeMap<Place, BTreeSet<Interface>>,
    matcher: Option<&'a Matcher>,
    names: &'a dyn Fn(Interface) -> String,
}

impl<'a> Ways<'a> {
    /// Of all packets of one connection, with their ends.
    pub(super) fn of(
        packets: &[([Option<Place>; 2], Kept)],
        collected: &'a Collected,
        names: &'a dyn Fn(Interface) -> String,
    ) -> Self {
        let matcher = collected.matcher.as_ref();
        let mut counts: BTreeMap<Place, BTreeMap<Interface, u64>> = BTreeMap::new();
        // What is seen once only has arrived where it was seen.
        for ([from, _], kept) in packets.iter().filter(|_| matcher.is_some()) {
            if let Some(place) = from {
                let of_place = counts.entry(*place).or_default();
                *of_place.entry(kept.first.interface()).or_default() += 1;
            }
        }
        let homes = counts.into_iter().map(|(place, counts)| {
            let most = counts.values().copied().max().unwrap_or_default();
            let often = counts.into_iter().filter(|(_, count)| count * MISTAKEN > most);
            (place, often.map(|(interface, _)| interface).collect())
        });
        Self { homes: homes.collect(), matcher, names }
    }

    /// A packet as the transcript and the rules want it.
    pub(super) fn datagram(&self, [from, to]: [Option<Place>; 2], kept: Kept) -> Datagram {
        let homes = to.and_then(|place| self.homes.get(&place));
        let arrival = match homes {
            Some(homes) => kept.sightings().rev().find(|one| homes.contains(&one.interface())),
            // Who never sent anything has no home.
            None => Some(kept.last()),
        };
        let stream = matches!(kept.first.carrier, Carrier::Tcp(_));
        let last = arrival.unwrap_or(kept.last());
        let copies = kept.later.iter().filter(|one| {
            let Sighting { view, source, destination, .. } = **one;
            arrival.is_some()
                && (view, source, destination) == (last.view, last.source, last.destination)
        });
        // The arrival itself is one of them, unless it is the first sighting of all.
        let copies = copies.count().saturating_sub(usize::from(*last != kept.first));
        Datagram {
            number: kept.first.number,
            sent: kept.first.at,
            // Bytes of a stream that one interface lacks were sent again.
            arrived: arrival.map(|arrival| arrival.at).or(stream.then_some(last.at)),
            from,
            to,
            carrier: self.carrier(kept.first.carrier),
            source: kept.first.source,
            destination: kept.first.destination,
            seen_source: last.source,
            seen_destination: last.destination,
            crossings: Vec::new(),
            lost: (arrival.is_none() && !stream).then(|| self.lost(&kept)),
            copies: u32::try_from(copies).unwrap_or(u32::MAX),
            payload: kept.payload,
        }
    }

    fn carrier(&self, carrier: Carrier) -> Carrier {
        match (carrier, self.matcher) {
            (Carrier::Tcp(number), Some(matcher)) => Carrier::Tcp(matcher.stream(number)),
            _ => carrier,
        }
    }

    /// Why a packet went no further: what the file says of it, or where it was seen last.
    fn lost(&self, kept: &Kept) -> Lost {
        let told = kept.comment.as_deref().and_then(told);
        told.unwrap_or_else(|| {
            let name = (self.names)(kept.last().interface());
            let reason = format!("not seen beyond {name}");
            Lost { at: name, word: "lost".to_owned(), reason }
        })
    }
}

/// `nat.home: filtered, APDF, 203.0.113.2:6160 never contacted`, as captures of runs say it.
fn told(comment: &str) -> Option<Lost> {
    let (at, reason) = comment.split_once(": ")?;
    let name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if at.is_empty() || at.len() > MAX_NAME || !at.chars().all(name) {
        return None;
    }
    let word = reason.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next()?;
    Some(Lost { at: at.to_owned(), word: word.to_owned(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_says_who_dropped_a_packet_and_other_comments_say_nothing() {
        let lost = told("nat.home: filtered, APDF, 203.0.113.2:6160 never contacted");
        let lost = lost.expect("it says so");
        assert_eq!((lost.at.as_str(), lost.word.as_str()), ("nat.home", "filtered"));
        assert_eq!(told("a note"), None);
        assert_eq!(told("look here: a retransmission"), None);
    }
}
