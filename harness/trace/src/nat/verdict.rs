//! From what is known of inside endpoints to what can be said of the boxes in front of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::inference::{Inference, Turned};
use super::mappings::{Endpoint, Fact, Relation, is_private};
use super::words::{Behaviour, Hairpin, Mapped, NatSeen, Ports, Proof, Trait, Unusable};

/// Proofs that are told of one trait.
const PROOFS: usize = 8;
/// Mappings and addresses that are told of one box.
const TOLD: usize = 256;

/// Every box, by its outside address.
pub(super) fn verdicts(known: &Inference) -> Vec<NatSeen> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (internal, endpoint) in &known.endpoints {
        if endpoint.facts.is_empty() {
            continue;
        }
        let outside: BTreeSet<IpAddr> =
            endpoint.facts.values().map(|fact| fact.external.ip()).collect();
        let same = groups.iter_mut().find(|group| {
            group.inside.contains(&internal.ip()) || !group.outside.is_disjoint(&outside)
        });
        let group = match same {
            Some(group) => group,
            None => {
                groups.push(Group::default());
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        group.inside.insert(internal.ip());
        group.outside.extend(outside);
        group.endpoints.insert(*internal, endpoint);
    }
    groups.into_iter().map(|group| group.verdict(known)).collect()
}

/// Inside endpoints of one box.
#[derive(Debug, Default)]
struct Group<'a> {
    inside: BTreeSet<IpAddr>,
    outside: BTreeSet<IpAddr>,
    endpoints: BTreeMap<SocketAddr, &'a Endpoint>,
}

impl Group<'_> {
    fn verdict(&self, known: &Inference) -> NatSeen {
        let filtering = self.filtering(known);
        let facts = || {
            self.endpoints.iter().flat_map(|(internal, endpoint)| {
                endpoint.facts.iter().map(move |(remote, fact)| (*internal, *remote, *fact))
            })
        };
        let remotes: BTreeSet<SocketAddr> = facts().map(|(_, remote, _)| remote).collect();
        let addresses: BTreeSet<IpAddr> = remotes.iter().map(SocketAddr::ip).collect();
        let mapped = |(internal, remote, fact): (SocketAddr, SocketAddr, Fact)| Mapped {
            internal,
            external: fact.external,
            remote,
            number: fact.number,
        };
        let kept = self.endpoints.values().filter_map(|endpoint| endpoint.kept).max();
        let replaced = self.endpoints.values().filter_map(|endpoint| endpoint.replaced).min();
        // A packet that was lost says nothing, which shows where a longer silence was lived through.
        let shut = self.endpoints.values().flat_map(|endpoint| &endpoint.shut).copied();
        let shut = shut.filter(|(gap, _)| kept.is_none_or(|(lived, _)| lived < *gap)).min();
        let proof = |words: &str, frames: [u64; 2]| Proof {
            words: words.to_owned(),
            frames: frames.to_vec(),
        };
        NatSeen {
            inside: self.inside.iter().copied().take(TOLD).collect(),
            outside: self.outside.iter().copied().take(TOLD).collect(),
            mapping: self.mapping(),
            hairpin: self.hairpin(&known.hairpins, &filtering),
            filtering,
            ports: self.ports(),
            kept: kept.map(|(gap, frames)| (gap, proof("the same mapping after silence", frames))),
            replaced: match (replaced, shut) {
                (Some((gap, frames)), other) if other.is_none_or(|(shut, _)| gap <= shut) => {
                    Some((gap, proof("another mapping after silence", frames)))
                }
                (_, shut) => shut.map(|(gap, frames)| {
                    (gap, proof("not let in after silence, who had been sent to", frames))
                }),
            },
            destinations: remotes.len(),
            destination_addresses: addresses.len(),
            mappings: facts().map(mapped).take(TOLD).collect(),
            unusable: self.unusable(),
        }
    }

    /// RFC 4787 §4.1: one inside endpoint, two destinations.
    fn mapping(&self) -> Trait<Behaviour> {
        let mut found = Narrowing::new(&Behaviour::ALL);
        for (internal, endpoint) in &self.endpoints {
            let facts: Vec<(&SocketAddr, &Fact)> = endpoint.facts.iter().take(64).collect();
            for (place, (one, first)) in facts.iter().enumerate() {
                for (other, second) in &facts[place + 1..] {
                    let same_address = one.ip() == other.ip();
                    let same = first.external == second.external;
                    let left: &[Behaviour] = match (same, same_address) {
                        (true, false) => &[Behaviour::EndpointIndependent],
                        (true, true) => {
                            &[Behaviour::EndpointIndependent, Behaviour::AddressDependent]
                        }
                        (false, false) => {
                            &[Behaviour::AddressDependent, Behaviour::AddressAndPortDependent]
                        }
                        (false, true) => &[Behaviour::AddressAndPortDependent],
                    };
                    let words = format!(
                        "{internal} is {} towards {one} and {} towards {other}",
                        first.external, second.external
                    );
                    found.leave(left, words, vec![first.number, second.number]);
                }
            }
        }
        found.finish()
    }

    /// RFC 4787 §5: what came in uninvited, and what did not. What came in outweighs what did not,
    /// which may have been lost.
    fn filtering(&self, known: &Inference) -> Trait<Behaviour> {
        let mut found = Narrowing::new(&Behaviour::ALL);
        let outside_private = self.outside.iter().any(|address| is_private(*address));
        let mut strangers_pass = false;
        let mut neighbours_pass = false;
        for (internal, endpoint) in &self.endpoints {
            for sign in endpoint.passed() {
                let from = sign.from;
                if known.direct.contains(&(*internal, from.ip()))
                    || self.inside.contains(&from.ip())
                    || (is_private(from.ip()) && !outside_private)
                {
                    continue;
                }
                let (left, told): (&[Behaviour], _) = if sign.relation == Relation::Stranger {
                    strangers_pass = true;
                    (&[Behaviour::EndpointIndependent], "nothing had been sent to that address")
                } else {
                    neighbours_pass = true;
                    let left = &[Behaviour::EndpointIndependent, Behaviour::AddressDependent];
                    (left, "only other ports of that address had been sent to")
                };
                let words = format!("{internal} got a packet from {from}; {told}");
                found.leave(left, words, vec![sign.number]);
            }
        }
        for (internal, endpoint) in &self.endpoints {
            for sign in &endpoint.dropped {
                let stranger = sign.relation == Relation::Stranger;
                if strangers_pass || (neighbours_pass && !stranger) {
                    continue;
                }
                let (left, told): (&[Behaviour], _) = if stranger {
                    let left = &[Behaviour::AddressDependent, Behaviour::AddressAndPortDependent];
                    (left, "nothing had been sent to that address")
                } else {
                    let left = &[Behaviour::AddressAndPortDependent];
                    (left, "only other ports of that address had been sent to")
                };
                let words =
                    format!("a packet from {} to {internal} did not come in; {told}", sign.from);
                found.leave(left, words, vec![sign.number]);
            }
        }
        found.finish()
    }

    /// RFC 4787 §4.2.
    fn ports(&self) -> Trait<Ports> {
        let mut found = Narrowing::new(&Ports::ALL);
        let mut order: Vec<(SocketAddr, SocketAddr, u64)> = Vec::new();
        let mut preserved = 0_usize;
        for (internal, endpoint) in &self.endpoints {
            let all = endpoint.order.iter();
            order.extend(all.map(|(external, number)| (*internal, *external, *number)));
            let Some((first, number)) = endpoint.order.first() else { continue };
            // Further mappings of one endpoint cannot all have its port.
            if first.port() == internal.port() {
                preserved += 1;
                let words = format!("{internal} is {first}");
                found.leave(&[Ports::Preserved], words, vec![*number]);
            } else {
                let words = format!("{internal} is {first}");
                found.leave(&[Ports::Sequential, Ports::Random], words, vec![*number]);
            }
        }
        order.sort_by_key(|(.., number)| *number);
        order.dedup_by_key(|(_, external, _)| *external);
        if preserved == 0 && order.len() >= 3 {
            let step = |pair: &[(SocketAddr, SocketAddr, u64)]| {
                i32::from(pair[1].1.port()) - i32::from(pair[0].1.port())
            };
            let steps: Vec<i32> = order.windows(2).map(step).collect();
            // Mappings of others, and those that were not seen, lie between.
            let near = steps.iter().filter(|step| (1..=2).contains(*step)).count();
            let sequential = 2 * near > steps.len();
            let left = if sequential { Ports::Sequential } else { Ports::Random };
            let ports: Vec<String> =
                order.iter().take(6).map(|(_, external, _)| external.port().to_string()).collect();
            let frames = order.iter().take(6).map(|(.., number)| *number).collect();
            found.leave(&[left], format!("ports in order: {}", ports.join(", ")), frames);
        }
        found.finish()
    }

    /// RFC 4787 §6.
    fn hairpin(&self, turned: &[Turned], filtering: &Trait<Behaviour>) -> Trait<Hairpin> {
        let mut found = Narrowing::new(&Hairpin::ALL);
        let own = turned.iter().filter(|turned| {
            self.inside.contains(&turned.from.ip()) && self.outside.contains(&turned.to.ip())
        });
        let own: Vec<&Turned> = own.collect();
        let open = filtering.known() == Some(Behaviour::EndpointIndependent);
        let passed = own.iter().any(|turned| turned.seen.is_some());
        for turned in own {
            let (from, to) = (turned.from, turned.to);
            match turned.seen {
                Some(seen) => {
                    let left = if seen == from { Hairpin::Internal } else { Hairpin::External };
                    let words = format!("{from} reached {to}, as {seen}");
                    found.leave(&[left], words, vec![turned.number]);
                }
                // Only where no filter can be the reason; one that is shown the internal source
                // knows nobody of that address.
                None if (open || turned.invited) && !passed => {
                    let both = [Hairpin::None, Hairpin::Internal];
                    let left = if open { &both[..1] } else { &both };
                    let words = format!("a packet from {from} to {to} came to nothing");
                    found.leave(left, words, vec![turned.number]);
                }
                None => {}
            }
        }
        found.finish()
    }

    /// Server-reflexive endpoints that were of no use towards the peer.
    fn unusable(&self) -> Vec<Unusable> {
        let mut found = Vec::new();
        for (internal, endpoint) in &self.endpoints {
            let learnt = endpoint.facts.iter().find(|(_, fact)| fact.by_server);
            let Some((from, learnt)) = learnt else { continue };
            let others = endpoint.facts.iter().filter(|(remote, fact)| {
                !fact.by_server && fact.external != learnt.external && remote.ip() != from.ip()
            });
            found.extend(others.take(1).map(|(towards, used)| Unusable {
                internal: *internal,
                learnt: learnt.external,
                from: *from,
                used: used.external,
                towards: *towards,
                number: used.number,
            }));
        }
        found.truncate(TOLD);
        found
    }
}

/// What something may still be.
struct Narrowing<T> {
    may_be: Vec<T>,
    proofs: Vec<Proof>,
    varies: bool,
}

impl<T: Copy + PartialEq> Narrowing<T> {
    fn new(all: &[T]) -> Self {
        Self { may_be: all.to_vec(), proofs: Vec::new(), varies: false }
    }

    /// Only these are left. A proof that narrows nothing further is told only if there is room.
    fn leave(&mut self, left: &[T], words: String, frames: Vec<u64>) {
        let rest: Vec<T> = self.may_be.iter().copied().filter(|one| left.contains(one)).collect();
        let narrows = rest.len() < self.may_be.len();
        if rest.is_empty() {
            self.varies = true;
        } else {
            self.may_be = rest;
        }
        if self.proofs.len() < PROOFS || (narrows && self.proofs.len() < 2 * PROOFS) {
            self.proofs.push(Proof { words, frames });
        }
    }

    fn finish(self) -> Trait<T> {
        Trait { may_be: self.may_be, proofs: self.proofs, varies: self.varies }
    }
}
