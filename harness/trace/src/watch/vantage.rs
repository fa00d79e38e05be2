//! What somebody at one peer's interface sees of a session.

use super::seen::Seen;
use crate::{Datagram, Party, Place, Session};

/// What a peer sends, as it leaves, and what arrives at it, as it arrives, in the order of time:
/// what a capture at its interface holds. What was lost on the way to it is not there.
pub fn vantage(session: &Session, party: Party) -> impl Iterator<Item = Seen<'_>> {
    let here = Some(Place::Peer(party));
    let mut all: Vec<Seen<'_>> = Vec::new();
    for datagram in &session.datagrams {
        if datagram.from == here {
            all.push(sent(datagram));
        }
        if datagram.to == here
            && datagram.lost.is_none()
            && let Some(seen) = arrived(datagram)
        {
            // Copies of a datagram arrive with it, as far as a session tells.
            let copies = usize::try_from(datagram.copies).unwrap_or(usize::MAX).min(64);
            all.extend(std::iter::repeat_n(seen, 1 + copies));
        }
    }
    // What was sent first has the lower number: at one time, an arrival stands before the reaction.
    all.sort_by_key(|seen| (seen.at, seen.number));
    all.into_iter()
}

/// What one observation point saw of a session: that of the capture it was made of, where every
/// datagram has the time of its one sighting; else that of the peer that more was seen of.
pub fn sighted(session: &Session) -> Box<dyn Iterator<Item = Seen<'_>> + '_> {
    if session.datagrams.iter().any(|datagram| datagram.arrived != Some(datagram.sent)) {
        let ends = |datagram: &&Datagram| [datagram.from, datagram.to];
        let seen_of = |party: Party| {
            let all = session.datagrams.iter();
            all.filter(|datagram| ends(datagram).contains(&Some(Place::Peer(party)))).count()
        };
        let fuller = if seen_of(Party::B) > seen_of(Party::A) { Party::B } else { Party::A };
        return Box::new(vantage(session, fuller));
    }
    // A NAT beyond the capture rewrites the source of what leaves and the destination of what comes.
    Box::new(
        session
            .datagrams
            .iter()
            .map(|datagram| Seen { destination: datagram.seen_destination, ..sent(datagram) }),
    )
}

fn sent(datagram: &Datagram) -> Seen<'_> {
    Seen {
        number: datagram.number,
        at: datagram.sent,
        carrier: datagram.carrier,
        source: datagram.source,
        destination: datagram.destination,
        payload: &datagram.payload,
    }
}

fn arrived(datagram: &Datagram) -> Option<Seen<'_>> {
    Some(Seen {
        number: datagram.number,
        at: datagram.arrived?,
        carrier: datagram.carrier,
        source: datagram.seen_source,
        destination: datagram.seen_destination,
        payload: &datagram.payload,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Carrier, Lost};

    fn datagram(number: u64, from: Party, sent: u64, arrived: Option<u64>) -> Datagram {
        let at = |party| ([192, 0, 2, 1 + u8::from(party == Party::B)], 1000).into();
        let mapped = ([198, 51, 100, 1], 2000).into();
        Datagram {
            number,
            sent: Duration::from_millis(sent),
            arrived: arrived.map(Duration::from_millis),
            from: Some(Place::Peer(from)),
            to: Some(Place::Peer(from.other())),
            carrier: Carrier::Udp,
            source: at(from),
            destination: at(from.other()),
            seen_source: mapped,
            seen_destination: at(from.other()),
            crossings: Vec::new(),
            lost: None,
            copies: 0,
            payload: vec![0],
        }
    }

    #[test]
    fn one_sees_what_one_sends_and_what_arrives_in_the_order_of_time() {
        let lost = Lost { at: "net".into(), word: "loss".into(), reason: "loss".into() };
        let mut duplicated = datagram(4, Party::A, 40, Some(60));
        duplicated.copies = 1;
        let datagrams = vec![
            datagram(1, Party::A, 0, Some(20)),
            Datagram { lost: Some(lost), ..datagram(2, Party::A, 10, None) },
            datagram(3, Party::B, 20, Some(40)),
            duplicated,
        ];
        let session = Session { datagrams, ..Session::default() };
        let numbers = |party| vantage(&session, party).map(|seen| seen.number).collect::<Vec<_>>();
        assert_eq!(numbers(Party::A), [1, 2, 3, 4]);
        assert_eq!(numbers(Party::B), [1, 3, 4, 4]);
        let first = vantage(&session, Party::B).next().expect("the first arrives");
        assert_eq!(first.source, ([198, 51, 100, 1], 2000).into());
    }
}
