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

/// Silence, and the frames around it.
pub(super) type Silence = (Duration, [u64; 2]);

/// A remote endpoint that was sent to.
#[derive(Clone, Copy, Debug)]
struct Contact {
    /// The first frame.
    first: u64,
    last: (Duration, u64),
    /// Silence towards it before the last frame, not yet judged.
    silence: Option<Silence>,
}

/// When an outside endpoint was used: at all, and by what left.
#[derive(Clone, Copy, Debug)]
struct Used {
    last: (Duration, u64),
    out: (Duration, u64),
}

/// One inside endpoint.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    /// Mappings, by remote endpoint, as of now.
    pub(super) facts: BTreeMap<SocketAddr, Fact>,
    /// Whether the facts come from datagrams seen on both sides.
    pub(super) crossed: bool,
    contacts: BTreeMap<SocketAddr, Contact>,
    /// The frame in which each remote endpoint was first sent to through each outside endpoint.
    through: BTreeMap<(SocketAddr, SocketAddr), u64>,
    /// Outside endpoints that were seen on both sides.
    used: BTreeMap<SocketAddr, Used>,
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
    /// The longest silence that a mapping lived through.
    pub(super) kept: Option<Silence>,
    /// The shortest after which there was another.
    pub(super) replaced: Option<Silence>,
    /// Silences after which the box did not let in whom it had let in or was sent to; a packet may
    /// have been lost, too.
    pub(super) shut: Vec<Silence>,
}

impl Endpoint {
    /// It sent to a remote endpoint.
    pub(super) fn sends(&mut self, to: SocketAddr, number: u64, at: Duration) {
        self.stirs(number, at);
        if let Some(contact) = self.contacts.get_mut(&to) {
            let (before, frame) = std::mem::replace(&mut contact.last, (at, number));
            let gap = at.saturating_sub(before);
            if gap >= SILENCE {
                contact.silence = Some((gap, [frame, number]));
            }
        } else if self.contacts.len() < REMOTES {
            let contact = Contact { first: number, last: (at, number), silence: None };
            self.contacts.insert(to, contact);
        }
    }

    /// Something came to its inside address. From whom it had sent to, it shows that the mapping
    /// lived.
    pub(super) fn gets(&mut self, from: SocketAddr, number: u64, at: Duration) {
        if let Some((before, frame)) = self.last
            && !self.crossed
            && self.relation(from, number) == Relation::Known
        {
            self.lives((at.saturating_sub(before), [frame, number]));
        }
        self.stirs(number, at);
    }

    fn lives(&mut self, silence: Silence) {
        if silence.0 >= SILENCE && self.kept.is_none_or(|(known, _)| known < silence.0) {
            self.kept = Some(silence);
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
    pub(super) fn sends_through(
        &mut self,
        external: SocketAddr,
        to: SocketAddr,
        number: u64,
        at: Duration,
    ) {
        if self.through.len() < REMOTES {
            self.through.entry((external, to)).or_insert(number);
            let used = Used { last: (at, number), out: (at, number) };
            self.used.insert(external, used);
        }
    }

    /// Something was seen to come in through an outside endpoint.
    pub(super) fn comes_through(
        &mut self,
        external: SocketAddr,
        from: SocketAddr,
        number: u64,
        at: Duration,
    ) {
        let known = self.relation_at(external, from, number) == Relation::Known;
        let Some(used) = self.used.get_mut(&external) else { return };
        let (before, frame) = std::mem::replace(&mut used.last, (at, number));
        if known {
            self.lives((at.saturating_sub(before), [frame, number]));
        }
    }

    /// Something from whom was sent to through an outside endpoint did not come in. Only what leaves
    /// keeps a mapping alive for certain (RFC 4787 §4.3), so silence counts from there.
    pub(super) fn shuts(&mut self, external: SocketAddr, number: u64, at: Duration) {
        let Some(used) = self.used.get(&external) else { return };
        let (before, frame) = used.out;
        let gap = at.saturating_sub(before);
        if gap >= SILENCE && self.shut.len() < SIGNS {
            self.shut.push((gap, [frame, number]));
        }
    }

    /// Whether it sent to one of these.
    pub(super) fn has_sent_to(&self, is: impl Fn(SocketAddr) -> bool, number: u64) -> bool {
        self.contacts.iter().any(|(to, contact)| contact.first < number && is(*to))
    }

    /// Whether it had one outside endpoint for everybody so far.
    pub(super) fn has_one_mapping(&self) -> bool {
        self.order.len() == 1
    }

    /// How a remote endpoint stood to it before a frame, by all it had sent.
    pub(super) fn relation(&self, from: SocketAddr, number: u64) -> Relation {
        relation(self.contacts.iter().map(|(to, contact)| (*to, contact.first)), from, number)
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

    /// A mapping of this endpoint, `internal`, towards a remote endpoint was seen.
    pub(super) fn maps(&mut self, internal: SocketAddr, remote: SocketAddr, fact: Fact) {
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
            // A box that preserves ports gives the same one to a mapping that it makes anew.
            if before.external == fact.external && fact.external.port() != internal.port() {
                self.lives((gap, [since, until]));
            }
        }
        let silence = self.contacts.get_mut(&remote).and_then(|contact| contact.silence.take());
        if let (Some(before), Some(silence)) = (before, silence)
            && before.external != fact.external
            && self.replaced.is_none_or(|(known, _)| known > silence.0)
        {
            self.replaced = Some(silence);
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
