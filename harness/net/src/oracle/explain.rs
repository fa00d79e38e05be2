//! A prediction in words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::candidate::CandidateType;
use super::network::Loss;
use super::predict::{Orders, Verdict};
use super::run::{End, Fate, Remark, Run};
use super::topology::{Kind, Middlebox, Topology};
use super::translate::Refusal;
use crate::nat::Params;

/// Says what becomes of each side's checks: for one order if all end alike, else for one of each
/// end. `examples` are such orders, by end.
pub(super) fn why(
    run: &mut Run<'_>,
    topology: &Topology,
    seed: u64,
    orders: &Orders,
    examples: [Option<u32>; 3],
) -> String {
    let mut text = String::new();
    let depends = orders.verdict() == Verdict::Depends;
    for end in [End::Direct, End::Relayed, End::Nothing] {
        let Some(example) = examples[end as usize] else { continue };
        if depends {
            let (count, word) = match end {
                End::Direct => (orders.direct, "direct"),
                End::Relayed => (orders.relay, "relayed"),
                End::Nothing => (orders.nothing, "not connected"),
            };
            let _ = writeln!(text, "{word} in {count} of {} orders, for instance:", orders.of);
        }
        let relays = end != End::Direct;
        let remarks: BTreeSet<Remark> =
            run.play_and_tell(seed, example, relays).into_iter().collect();
        for line in sentences(run, topology, &remarks) {
            let indent = if depends { "  " } else { "" };
            let _ = writeln!(text, "{indent}{line}");
        }
    }
    for line in preserved_ports(topology).into_iter().chain(changing(topology)) {
        let _ = writeln!(text, "{line}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// A kind of check of one side, and what became of such.
struct Kin {
    check: Remark,
    fates: Vec<Fate>,
}

impl Kin {
    fn is_relayed(&self) -> bool {
        self.check.relayed || self.check.remote == CandidateType::Relayed
    }

    /// The sides whose relays it goes through.
    fn relays<'a>(&self, topology: &'a Topology) -> impl Iterator<Item = &'a str> {
        let Remark { side, relayed, remote, .. } = self.check;
        let theirs = (remote == CandidateType::Relayed).then_some(1 - side);
        let sides = relayed.then_some(side).into_iter().chain(theirs);
        sides.map(|side| topology.sides[usize::from(side)].name.as_str())
    }

    fn succeeds(&self) -> bool {
        self.fates.contains(&Fate::Valid)
    }

    /// It only shows that private addresses lead nowhere.
    fn is_lost_abroad(&self) -> bool {
        self.fates == [Fate::Lost(Loss::Unreachable)]
    }
}

fn kinds_of_checks(remarks: &BTreeSet<Remark>) -> Vec<Kin> {
    let mut kinds: Vec<Kin> = Vec::new();
    for remark in remarks {
        let check = Remark { fate: Fate::Valid, ..*remark };
        match kinds.last_mut() {
            Some(kin) if kin.check == check => kin.fates.push(remark.fate),
            _ => kinds.push(Kin { check, fates: vec![remark.fate] }),
        }
    }
    kinds
}

fn sentences(run: &Run<'_>, topology: &Topology, remarks: &BTreeSet<Remark>) -> Vec<String> {
    let kinds = kinds_of_checks(remarks);
    let (relayed, direct): (Vec<&Kin>, Vec<&Kin>) = kinds.iter().partition(|kin| kin.is_relayed());
    let told = |kin: &Kin| {
        let same_side = direct.iter().filter(|other| other.check.side == kin.check.side);
        !kin.is_lost_abroad() || same_side.into_iter().all(|other| other.is_lost_abroad())
    };
    let sentence = |kin: &&Kin| {
        // What succeeds in the end needs no list of what was in its way.
        let fates = if kin.succeeds() { &[Fate::Valid][..] } else { &kin.fates };
        let said: Vec<String> = fates.iter().map(|fate| said(run, topology, *fate)).collect();
        format!("{} {}", subject(topology, kin.check), said.join("; "))
    };
    let mut lines: Vec<String> = direct.iter().filter(|kin| told(kin)).map(sentence).collect();
    let working: BTreeSet<&str> =
        relayed.iter().filter(|kin| kin.succeeds()).flat_map(|kin| kin.relays(topology)).collect();
    if working.is_empty() {
        lines.extend(relayed.iter().filter(|kin| !kin.is_lost_abroad()).map(sentence));
    } else {
        let names: Vec<String> = working.iter().map(|name| format!("{name}'s relay")).collect();
        lines.push(format!("checks through {} succeed", names.join(" and ")));
    }
    if run.churned() {
        lines.push(
            "every check shows another address: peer-reflexive candidates without end".into(),
        );
    }
    lines
}

fn subject(topology: &Topology, check: Remark) -> String {
    let name = |side: u8| &topology.sides[usize::from(side)].name;
    let from = if check.relayed { " from its relay" } else { "" };
    let family = match topology
        .sides
        .iter()
        .flat_map(|side| &side.bases)
        .any(|base| base.family == super::Family::V6)
    {
        true if check.family_v6 => " IPv6",
        true => " IPv4",
        false => "",
    };
    let candidate = match check.remote {
        CandidateType::Host => "host candidate",
        CandidateType::ServerReflexive => "server-reflexive candidate",
        CandidateType::PeerReflexive => "peer-reflexive candidates",
        CandidateType::Relayed => "relayed candidate",
    };
    format!("{}'s checks{from} to {}'s{family} {candidate}", name(check.side), name(1 - check.side))
}

fn said(run: &Run<'_>, topology: &Topology, fate: Fate) -> String {
    match fate {
        Fate::Valid => "succeed".into(),
        Fate::NotSymmetric => {
            "are answered from another address than they went to (RFC 8445 §7.2.5.2.1)".into()
        }
        Fate::Lost(loss) => format!("are dropped {}", at(run, topology, loss)),
        Fate::AnswerLost(loss) => {
            format!("arrive, but their answers are dropped {}", at(run, topology, loss))
        }
    }
}

fn at(run: &Run<'_>, topology: &Topology, loss: Loss) -> String {
    match loss {
        Loss::Unreachable => "on the way: nothing there has that address".into(),
        Loss::NoPermission => {
            "at the TURN server: they come from an address without permission".into()
        }
        Loss::Isolated(node) => {
            let segment = &topology.segments[run.network.segment_of(node)];
            format!("by {}, whose members are isolated from each other", segment.name)
        }
        Loss::Refused(gate, refusal) => {
            let Some(middlebox) = run.network.middlebox(topology, gate) else {
                return "on the way".into();
            };
            let reason = match refusal {
                Refusal::Blocked => "UDP does not pass".into(),
                Refusal::Filtered => filter(middlebox),
                Refusal::Unmapped => "nothing is mapped to that address".into(),
                Refusal::NoHairpin => "it does not hairpin".into(),
                Refusal::NoPort => "it has no port for them".into(),
            };
            let kind = kind(middlebox);
            if middlebox.name.ends_with(&kind) {
                return format!("at {}: {reason}", middlebox.name);
            }
            format!("at {} ({kind}): {reason}", middlebox.name)
        }
    }
}

fn kind(middlebox: &Middlebox) -> String {
    match &middlebox.kind {
        Kind::Nat(params) => format!("{}/{}", params.mapping.short(), params.filtering.short()),
        Kind::Firewall(params) => match params.stateful {
            Some(filtering) => format!("firewall, {}", filtering.short()),
            None => "firewall".into(),
        },
    }
}

fn filter(middlebox: &Middlebox) -> String {
    use crate::nat::{FilterScope, Filtering};
    let (filtering, holder) = match &middlebox.kind {
        Kind::Nat(params) => (
            params.filtering,
            match params.filter_scope {
                FilterScope::Mapping => "that mapping",
                FilterScope::Endpoint => "that host",
            },
        ),
        Kind::Firewall(params) => (params.stateful.unwrap_or_default(), "that host"),
    };
    let what = match filtering {
        Filtering::EndpointIndependent => "anywhere",
        Filtering::AddressDependent => "the sender's address",
        Filtering::AddressAndPortDependent => "the sender's address and port",
    };
    format!("{holder} never sent to {what}")
}

/// A caveat where a NAT only looks endpoint-independent.
fn preserved_ports(topology: &Topology) -> Option<String> {
    use crate::nat::{Mapping, PortPolicy};
    let names = nats(topology, |params| {
        params.ports.policy == PortPolicy::PreserveOverload
            && params.mapping != Mapping::EndpointIndependent
    })?;
    Some(format!(
        "as long as no port collides at {names}, which keeps ports and so looks endpoint-independent"
    ))
}

/// A caveat where a NAT is another one for who comes late (RFC 4787 REQ-11 violated).
fn changing(topology: &Topology) -> Option<String> {
    use crate::nat::{Mapping, PortPolicy};
    let names = nats(topology, |params| {
        params.changes_on_conflict
            && params.ports.policy == PortPolicy::Preserve
            && params.mapping != Mapping::AddressAndPortDependent
    })?;
    Some(format!(
        "as long as no port collides at {names}, which then maps by address and port for who comes late"
    ))
}

/// The names of NATs of a kind, none if there are none.
fn nats(topology: &Topology, wanted: impl Fn(&Params) -> bool) -> Option<String> {
    let boxes = topology.segments.iter().flat_map(|segment| &segment.behind);
    let found = boxes.filter(|middlebox| match &middlebox.kind {
        Kind::Nat(params) => wanted(params),
        Kind::Firewall(_) => false,
    });
    let names: Vec<&str> = found.map(|middlebox| middlebox.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
