//! NAT against NAT: a scenario for every cell, generated, with the oracle's answer as expectation.

use std::fmt::Write as _;
use std::sync::Arc;

use rtcspec_net::nat::{Filtering, Mapping};
use rtcspec_net::oracle::{CandidateType, Options, Outcome, Variant};
use rtcspec_trace::Party;

use crate::plan::{Job, Player, REFERENCE};
use crate::report::{Cell, Grid};
use crate::run::Played;
use crate::scenario::{Scenario, ScenarioError, read};
use crate::topology::predict;
use crate::verdict::Verdict as RunVerdict;

/// Where a peer can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its name in tables: `EIM/APDF`.
    pub name: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Firewall(Filtering),
    Nat(Mapping, Filtering),
    UdpBlocked,
}

/// The fourteen edges: an open host, a public host behind each filter, the nine NATs, no UDP.
#[must_use]
pub fn edges() -> Vec<Edge> {
    let mut edges = vec![Edge { name: "open".into(), kind: Kind::Open }];
    for filtering in Filtering::ALL {
        let kind = Kind::Firewall(*filtering);
        edges.push(Edge { name: format!("fw/{}", filtering.short()), kind });
    }
    edges.extend(nats());
    edges.push(Edge { name: "no-udp".into(), kind: Kind::UdpBlocked });
    edges
}

/// The nine NATs of mapping and filtering.
#[must_use]
pub fn nats() -> Vec<Edge> {
    let mut edges = Vec::new();
    for mapping in Mapping::ALL {
        for filtering in Filtering::ALL {
            let name = format!("{}/{}", mapping.short(), filtering.short());
            edges.push(Edge { name, kind: Kind::Nat(*mapping, *filtering) });
        }
    }
    edges
}

/// One grid to be run: edges against edges, offerer against answerer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it shows.
    pub title: String,
    /// Edges of both sides.
    pub edges: Vec<Edge>,
    /// Jobs, row by row.
    pub jobs: Vec<Job>,
    outcomes: Vec<Outcome>,
}

/// A grid that cannot be planned.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// A generated scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The oracle does not take a generated topology.
    #[error("ask the oracle: {0}")]
    Oracle(String),
}

/// Plans a grid for one ordered pair of implementations.
///
/// # Errors
/// [`PlanError`]: a defect of this module.
pub fn plan(
    edges: Vec<Edge>,
    variant: Variant,
    pair: [&Player; 2],
    seed: u64,
) -> Result<Plan, PlanError> {
    let names = pair.map(|player| player.hello().implementation);
    let what = variant_words(variant);
    let title = format!("{} offers to {}{}", names[0], names[1], what.1);
    let under_test = if names[0] == REFERENCE { Party::B } else { Party::A };
    let mut jobs = Vec::new();
    let mut outcomes = Vec::new();
    for row in &edges {
        for column in &edges {
            let id = format!("matrix{}/{}/{}", what.0, slug(&row.name), slug(&column.name));
            let text = scenario_text(row, column, variant, seed);
            let mut scenario = read(&id, &text)?;
            let outcome = expect_oracle(&mut scenario).map_err(PlanError::Oracle)?;
            let roles = if names.iter().all(|name| name == REFERENCE) {
                String::new()
            } else {
                format!("@{}-{}", names[0], names[1])
            };
            jobs.push(Job {
                id: format!("{id}{roles}"),
                scenario: Arc::new(scenario),
                variant: 0,
                offerer: Arc::clone(pair[0]),
                answerer: Arc::clone(pair[1]),
                under_test,
                seed,
            });
            outcomes.push(outcome);
        }
    }
    Ok(Plan { title, edges, jobs, outcomes })
}

fn variant_words(variant: Variant) -> (String, String) {
    if variant == Variant::default() {
        return (String::new(), String::new());
    }
    let (scope, binding) = (variant.filter_scope.word(), variant.reply_binding.word());
    (format!("-{scope}-{binding}"), format!(", filter scope {scope}, reply binding {binding}"))
}

/// A name fit for an id.
fn slug(name: &str) -> String {
    name.replace('/', "-")
}

fn scenario_text(row: &Edge, column: &Edge, variant: Variant, seed: u64) -> String {
    let mut text = format!(
        "schema = 1\nname = \"{} against {}\"\n\
         tests = [\"RFC 8445 §7\", \"RFC 4787 §4.1\", \"RFC 4787 §5\"]\nseed = {seed}\n\
         limit = \"60s\"\n[servers.stun]\nat = \"wan\"\nkind = \"stun\"\n\
         [servers.turn]\nat = \"wan\"\nkind = \"turn\"\ntransports = [\"udp\", \"tcp\"]\n",
        row.name, column.name
    );
    peer(&mut text, "alice", "offerer", row, variant);
    peer(&mut text, "bob", "answerer", column, variant);
    text.push_str(
        "[[do]]\nconnect = [\"alice\", \"bob\"]\n\
         [[do]]\nafter = \"open\"\nsend = { from = \"alice\", messages = 3, size = 100 }\n\
         [[do]]\nafter = \"open\"\nsend = { from = \"bob\", messages = 3, size = 100 }\n\
         [[expect]]\nconnected = { within = \"20s\" }\n\
         [[expect]]\nafter = \"open\"\ndelivered = { to = \"alice\", messages = 3 }\n\
         [[expect]]\nafter = \"open\"\ndelivered = { to = \"bob\", messages = 3 }\n\
         [[expect]]\npath = \"either\"\n",
    );
    text
}

fn peer(text: &mut String, name: &str, role: &str, edge: &Edge, variant: Variant) {
    let behind_nat = matches!(edge.kind, Kind::Nat(..));
    let on = if behind_nat { format!("lan-{name}") } else { "wan".to_owned() };
    let tcp = if edge.kind == Kind::UdpBlocked { ", \"turn?transport=tcp\"" } else { "" };
    let _ = write!(
        text,
        "[peer.{name}]\non = \"{on}\"\nruns = \"under-test\"\nrole = \"{role}\"\n\
         ice = {{ servers = [\"stun\", \"turn\"{tcp}] }}\n[link.{name}]\ndelay = \"10ms\"\n"
    );
    match &edge.kind {
        Kind::Open => {}
        Kind::Firewall(filtering) => {
            let _ = write!(
                text,
                "[firewall.{name}]\ndefault-in = \"drop\"\nfiltering = \"{}\"\n",
                filtering.word()
            );
        }
        Kind::UdpBlocked => {
            let _ = write!(text, "[firewall.{name}]\ndeny-out = [\"udp\"]\ndeny-in = [\"udp\"]\n");
        }
        Kind::Nat(mapping, filtering) => {
            let _ = write!(
                text,
                "[nat.{name}]\ninside = \"{on}\"\noutside = \"wan\"\nmapping = \"{}\"\n\
                 filtering = \"{}\"\nports = \"random\"\nfilter-scope = \"{}\"\n\
                 reply-binding = \"{}\"\n",
                mapping.word(),
                filtering.word(),
                variant.filter_scope.word(),
                variant.reply_binding.word(),
            );
        }
    }
}

/// Asks the oracle and writes its answer into the expectations.
fn expect_oracle(scenario: &mut Scenario) -> Result<Outcome, String> {
    let options = Options { orders: 24, explain: false, ..Options::default() };
    let file = &mut scenario.variants[0].file;
    let outcome = predict(file, &options)?.outcome;
    crate::prediction::expect(file, &outcome, ["alice", "bob"]);
    Ok(outcome)
}

impl Plan {
    /// The grid of what was seen. `played` are the runs of [`Plan::jobs`], in their order.
    #[must_use]
    pub fn grid(&self, seen: &[Seen]) -> Grid {
        let names: Vec<String> = self.edges.iter().map(|edge| edge.name.clone()).collect();
        let width = names.len();
        let cell = |index: usize| {
            let (seen, outcome) = (&seen[index], &self.outcomes[index]);
            let letter = outcome.verdict.letter();
            Cell {
                seen: seen.letter.to_string(),
                oracle: letter.to_string(),
                types: seen.types.clone(),
                run: self.jobs[index].id.clone(),
                agrees: seen.fine || seen.unsupported,
            }
        };
        let rows =
            (0..width).map(|row| (0..width).map(|column| cell(row * width + column)).collect());
        Grid {
            title: self.title.clone(),
            rows: names.clone(),
            columns: names.clone(),
            cells: rows.collect(),
        }
    }
}

/// What one cell's run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    letter: char,
    types: String,
    fine: bool,
    unsupported: bool,
}

impl Seen {
    /// Of a run.
    #[must_use]
    pub fn of(played: &Played) -> Self {
        let unsupported = played.verdict == RunVerdict::Unsupported;
        let (letter, types) = match &played.path {
            _ if unsupported => ('-', String::new()),
            Some((relayed, local, remote)) => {
                let types = format!("{}/{}", local.letter(), remote.letter());
                (if *relayed { 'R' } else { 'D' }, types)
            }
            None => ('X', String::new()),
        };
        Self { letter, types, fine: played.verdict.is_fine(), unsupported }
    }
}

/// The oracle's word for a candidate type, as scenarios know it.
#[must_use]
pub(crate) fn scenario_type(kind: CandidateType) -> crate::scenario::CandidateType {
    match kind {
        CandidateType::Host => crate::scenario::CandidateType::Host,
        CandidateType::ServerReflexive => crate::scenario::CandidateType::Srflx,
        CandidateType::PeerReflexive => crate::scenario::CandidateType::Prflx,
        CandidateType::Relayed => crate::scenario::CandidateType::Relay,
    }
}
