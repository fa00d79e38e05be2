//! What is known of one inside endpoint: its mappings, whom it spoke to, what came back.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Remote endpoints that are kept of one inside endpoint.
const REMOTES: usize = 1024;
/// Packets that came or did not come that are kept of one inside endpoint, per kind.
const SIGNS: usize = 64;
/// Silence that says something about lifetimes.
const SILENCE: Duration = Duration::from_secs(1);

/// A mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) external: SocketAddr,
    pub(super) number: u64,
    pub(super) at: Duration,
    /// Whether the remote end is a STUN or TURN server that was asked for it.
    pub(super) by_server: bool,
}

/// How a remote endpoint stands to those that were sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Relation {
    /// Nothing was sent to its address.
    Stranger,
    /// Something was sent to another port of its address.
    SameAddress,
    /// Something was sent to it.
    Known,
}

/// What became of a packet from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was seen with the inside address.
    Arrived,
    /// It was seen with the outside address, then with the inside one.
    LetIn,
    /// It was seen with the outside address only.
    Dropped,
}

/// A packet that came, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) from: SocketAddr,
    pub(super) relation: Relation,
    pub(super) number: u64,
}

/// One inside endpoint.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    /// Mappings, by remote endpoint, as of now.
    pub(super) facts: BTreeMap<SocketAddr, Fact>,
    /// Whether the facts come from datagrams seen on both sides.
    pub(super) crossed: bool,
    /// The frame in which each remote endpoint was first sent to.
    contacts: BTreeMap<SocketAddr, u64>,
    /// The same, by the outside endpoint it went out through.
    through: BTreeMap<(SocketAddr, SocketAddr), u64>,
    /// Packets addressed to it.
    arrived: Vec<Sign>,
    /// Packets that were seen to come in through the box.
    let_in: Vec<Sign>,
    /// Packets that were seen not to.
    pub(super) dropped: Vec<Sign>,
    /// Outside ports in the order they appeared, with the frame.
    pub(super) order: Vec<(SocketAddr, u64)>,
    last: Option<(Duration, u64)>,
    /// Silence before the newest datagram, not yet judged.
    silence: Option<(Duration, u64, u64)>,
    pub(super) kept: Option<(Duration, [u64; 2])>,
    pub(super) replaced: Option<(Duration, [u64; 2])>,
}

impl Endpoint {
    /// It sent to a remote endpoint.
    pub(super) fn sends(&mut self, to: SocketAddr, number: u64, at: Duration) {
        self.stirs(number, at);
        if self.contacts.len() < REMOTES {
            self.contacts.entry(to).or_insert(number);
        }
    }

    /// Something went in or out.
    pub(super) fn stirs(&mut self, number: u64, at: Duration) {
        if let Some((before, frame)) = self.last
            && at.saturating_sub(before) >= SILENCE
        {
            self.silence = Some((at.saturating_sub(before), frame, number));
        }
        self.last = Some((at, number));
    }

    /// It sent to a remote endpoint through an outside endpoint.
    pub(super) fn sends_through(&mut self, external: SocketAddr, to: SocketAddr, number: u64) {
        if self.through.len() < REMOTES {
            self.through.entry((external, to)).or_insert(number);
        }
    }

    /// How a remote endpoint stood to it before a frame, by all it had sent.
    pub(super) fn relation(&self, from: SocketAddr, number: u64) -> Relation {
        relation(self.contacts.iter().map(|(to, first)| (*to, *first)), from, number)
    }

    /// How a remote endpoint stood to one of its mappings before a frame.
    pub(super) fn relation_at(
        &self,
        external: SocketAddr,
        from: SocketAddr,
        number: u64,
    ) -> Relation {
        let own = self.through.iter().filter(|((through, _), _)| *through == external);
        relation(own.map(|((_, to), first)| (*to, *first)), from, number)
    }

    /// A mapping towards a remote endpoint was seen.
    pub(super) fn maps(&mut self, remote: SocketAddr, fact: Fact) {
        if self.order.len() < REMOTES
            && self.order.iter().all(|(external, _)| *external != fact.external)
        {
            self.order.push((fact.external, fact.number));
        }
        let before = self.facts.get(&remote).copied();
        if let (Some(before), Some((gap, since, until))) = (before, self.silence)
            && before.at < fact.at
        {
            self.silence = None;
            let frames = [since, until];
            if before.external == fact.external {
                if self.kept.is_none_or(|(known, _)| known < gap) {
                    self.kept = Some((gap, frames));
                }
            } else if self.replaced.is_none_or(|(known, _)| known > gap) {
                self.replaced = Some((gap, frames));
            }
        }
        if before.is_some_and(|before| before.external != fact.external) {
            // The box forgot: what was before cannot be compared with what comes.
            self.facts.clear();
        }
        if self.facts.len() < REMOTES {
            let by_server = fact.by_server || before.is_some_and(|before| before.by_server);
            let first = before.filter(|before| before.external == fact.external);
            let number = first.map_or(fact.number, |first| first.number);
            self.facts.insert(remote, Fact { by_server, number, ..fact });
        }
    }

    /// What came in: where both sides of the box were seen, an address alone says nothing, since
    /// packets with the inside address may have been seen that never got there.
    pub(super) fn passed(&self) -> &[Sign] {
        if self.crossed { &self.let_in } else { &self.arrived }
    }

    /// A packet from outside.
    pub(super) fn sign(&mut self, fate: Fate, sign: Sign) {
        let signs = match fate {
            Fate::Arrived => &mut self.arrived,
            Fate::LetIn => &mut self.let_in,
            Fate::Dropped => &mut self.dropped,
        };
        if sign.relation != Relation::Known
            && signs.len() < SIGNS
            && signs.iter().all(|known| known.from != sign.from)
        {
            signs.push(sign);
        }
    }
}

fn relation(
    contacts: impl Iterator<Item = (SocketAddr, u64)>,
    from: SocketAddr,
    number: u64,
) -> Relation {
    let mut best = Relation::Stranger;
    for (to, _) in contacts.filter(|(_, first)| *first < number) {
        if to == from {
            return Relation::Known;
        }
        if to.ip() == from.ip() {
            best = Relation::SameAddress;
        }
    }
    best
}

/// Whether an address can only be met on the same side of a NAT (RFC 1918, RFC 4193, link-local).
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}
