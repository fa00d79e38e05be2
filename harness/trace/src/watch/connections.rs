//! Connections: ufrag pairs, whatever 5-tuples they use.

use std::collections::BTreeMap;
use std::time::Duration;

use super::association::Associations;
use super::event::Path;
use super::flows::Flow;
use super::limits;
use super::signalled::Signalled;
use crate::Party;

/// A connectivity check's USERNAME and role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked<'a> {
    pub(super) receiver: &'a str,
    pub(super) sender: &'a str,
    /// Whether the sender says it is controlling, if it says so.
    pub(super) controlling: Option<bool>,
}

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// The signalled session it belongs to.
    pub(super) session: Option<u32>,
    /// ufrags of A and B by generation.
    pairs: Vec<[String; 2]>,
    /// What runs in it.
    pub(super) associations: Associations,
    tick: u64,
}

impl Connection {
    /// Whether the sender of a check is A, if its ufrags are those of this connection.
    fn is_a(&self, checked: &Checked<'_>) -> Option<bool> {
        self.pairs.iter().rev().find_map(|[a, b]| {
            if a == checked.sender && b == checked.receiver {
                Some(true)
            } else {
                (b == checked.sender && a == checked.receiver).then_some(false)
            }
        })
    }

    /// Takes a generation in; gives the one that was forgotten for it.
    fn add(&mut self, checked: &Checked<'_>, sender_is_a: bool) -> Option<[String; 2]> {
        let full = self.pairs.len() >= limits::GENERATIONS;
        let oldest = full.then(|| self.pairs.remove(0));
        let (sender, receiver) = (checked.sender.to_owned(), checked.receiver.to_owned());
        self.pairs.push(if sender_is_a { [sender, receiver] } else { [receiver, sender] });
        oldest
    }
}

/// The connections that are remembered.
#[derive(Debug, Default)]
pub(super) struct Connections {
    known: BTreeMap<u32, Connection>,
    by_pair: BTreeMap<[String; 2], u32>,
    by_session: BTreeMap<u32, u32>,
    tick: u64,
    next: u32,
    /// How many were forgotten.
    pub(super) evicted: u64,
}

impl Connections {
    /// A connection, as it is.
    pub(super) fn get(&self, id: u32) -> Option<&Connection> {
        self.known.get(&id)
    }

    /// A connection in use.
    pub(super) fn touch(&mut self, id: u32) -> Option<&mut Connection> {
        self.tick += 1;
        let connection = self.known.get_mut(&id)?;
        connection.tick = self.tick;
        Some(connection)
    }

    /// Gives a flow with DTLS and without checks to a connection: that of its signalled addresses,
    /// or one of its own.
    pub(super) fn unchecked(
        &mut self,
        flow: &mut Flow,
        end: usize,
        path: Path,
        signalled: &Signalled,
    ) -> u32 {
        let owner = signalled.owner(path.source);
        let other = signalled.owner(path.destination);
        let party = owner.or(other.map(|(session, party)| (session, party.other())));
        let of_session = party.and_then(|(session, _)| self.by_session.get(&session).copied());
        let id = of_session.filter(|id| self.known.contains_key(id));
        let id = id.unwrap_or_else(|| self.insert());
        if let Some((session, _)) = party
            && let Some(connection) = self.known.get_mut(&id)
        {
            connection.session = Some(session);
            self.by_session.entry(session).or_insert(id);
        }
        let sender_is_a = party.is_none_or(|(_, party)| party == Party::A);
        flow.connection = Some(id);
        flow.a_end = if sender_is_a { end } else { 1 - end };
        id
    }

    /// Bytes of what is not finished.
    pub(super) fn held(&self) -> usize {
        self.known.values().map(|connection| connection.associations.held()).sum()
    }

    /// Forgets what is not finished.
    pub(super) fn forget_pieces(&mut self) {
        let each = |connection: &mut Connection| connection.associations.forget_pieces();
        self.known.values_mut().for_each(each);
    }

    /// Gives a flow on which a check was seen to its connection; `end` is the sender's.
    pub(super) fn checked(
        &mut self,
        flow: &mut Flow,
        end: usize,
        checked: &Checked<'_>,
        at: Duration,
        signalled: &Signalled,
    ) {
        let bound = flow.connection.and_then(|id| Some((id, self.known.get(&id)?)));
        if let Some((_, connection)) = bound
            && let Some(sender_is_a) = connection.is_a(checked)
        {
            if checked.sender != checked.receiver {
                flow.a_end = if sender_is_a { end } else { 1 - end };
            }
            return;
        }
        let by_signalling = signalled.sender_of(checked.receiver, checked.sender);
        let live = bound.filter(|_| at.saturating_sub(flow.last_at) <= limits::RESTART);
        let known = self.by_pair.get(&sorted(checked)).copied();
        let of_session =
            by_signalling.and_then(|(session, _)| self.by_session.get(&session).copied());
        let id = known.or(of_session).or(live.map(|(id, _)| id));
        let id = id.filter(|id| self.known.contains_key(id)).unwrap_or_else(|| self.insert());
        let Some(connection) = self.known.get_mut(&id) else { return };
        let sender_is_a = match (connection.is_a(checked), by_signalling) {
            (Some(is_a), _) => is_a,
            (None, Some((_, party))) => party == Party::A,
            // A restart keeps the sides; so does a check that follows DTLS.
            (None, None) if flow.connection == Some(id) => flow.a_end == end,
            (None, None) => checked.controlling.unwrap_or(true),
        };
        if connection.pairs.is_empty()
            && flow.connection == Some(id)
            && sender_is_a != (flow.a_end == end)
        {
            // What was seen before the first check gets the sides that check tells.
            connection.associations.flip();
        }
        if connection.is_a(checked).is_none()
            && let Some(mut oldest) = connection.add(checked, sender_is_a)
        {
            oldest.sort_unstable();
            self.by_pair.remove(&oldest);
        }
        if let Some((session, _)) = by_signalling {
            connection.session = Some(session);
            self.by_session.entry(session).or_insert(id);
        }
        self.by_pair.insert(sorted(checked), id);
        flow.connection = Some(id);
        flow.a_end = if sender_is_a { end } else { 1 - end };
    }

    fn insert(&mut self) -> u32 {
        if self.known.len() >= limits::CONNECTIONS {
            self.forget_a_quarter();
        }
        self.next = self.next.saturating_add(1);
        self.tick += 1;
        self.known.insert(self.next, Connection { tick: self.tick, ..Connection::default() });
        self.next
    }

    fn forget_a_quarter(&mut self) {
        let mut ticks: Vec<u64> = self.known.values().map(|connection| connection.tick).collect();
        let quarter = ticks.len() / 4;
        let (_, newest_of_them, _) = ticks.select_nth_unstable(quarter);
        let limit = *newest_of_them;
        let before = self.known.len();
        self.known.retain(|_, connection| connection.tick >= limit);
        self.evicted += (before - self.known.len()) as u64;
        self.by_pair.retain(|_, id| self.known.contains_key(id));
        self.by_session.retain(|_, id| self.known.contains_key(id));
    }

    pub(super) fn count(&self) -> u64 {
        u64::from(self.next)
    }
}

fn sorted(checked: &Checked<'_>) -> [String; 2] {
    let mut pair = [checked.receiver.to_owned(), checked.sender.to_owned()];
    pair.sort_unstable();
    pair
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Carrier;
    use crate::watch::flows::{Flows, Key};

    #[test]
    fn ufrags_without_number_on_one_flow_are_forgotten() {
        let (mut flows, mut connections) = (Flows::default(), Connections::default());
        let source = std::net::SocketAddr::from(([192, 0, 2, 1], 1));
        let path = Path { source, destination: std::net::SocketAddr::from(([192, 0, 2, 2], 2)) };
        let slot = flows.find(Key::new(path, Carrier::Udp, None), Duration::ZERO);
        let flow = flows.get_mut(slot);
        for number in 0..10_000 {
            let (receiver, sender) = (format!("r{number}"), format!("s{number}"));
            let checked = Checked { receiver: &receiver, sender: &sender, controlling: Some(true) };
            connections.checked(flow, 0, &checked, Duration::ZERO, &Signalled::default());
        }
        assert_eq!(connections.count(), 1);
        assert_eq!(connections.by_pair.len(), limits::GENERATIONS);
    }
}
