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

/// Most virtual time of a cell: what has not connected in the 20 s it is given, does not. Two agents
/// that learn peer-reflexive candidates of each other without end cost the square of this time.
const LIMIT: &str = "25s";

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

/// The five of folklore: an open host, full cone, restricted cone, port-restricted cone, symmetric.
#[must_use]
pub fn classic() -> Vec<Edge> {
    let nat = |mapping, filtering, name: &str| Edge {
        name: name.to_owned(),
        kind: Kind::Nat(mapping, filtering),
    };
    use Filtering as F;
    use Mapping as M;
    vec![
        Edge { name: "open".into(), kind: Kind::Open },
        nat(M::EndpointIndependent, F::EndpointIndependent, "full-cone"),
        nat(M::EndpointIndependent, F::AddressDependent, "restricted-cone"),
        nat(M::EndpointIndependent, F::AddressAndPortDependent, "port-restricted-cone"),
        nat(M::AddressAndPortDependent, F::AddressAndPortDependent, "symmetric"),
    ]
}

/// No NAT at all: everybody on one network.
#[must_use]
pub fn direct() -> Vec<Edge> {
    vec![Edge { name: "open".into(), kind: Kind::Open }]
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

/// Edges against edges, each cell with its scenario and the oracle's answer; whoever plays.
#[derive(Clone, Debug)]
pub struct Ground {
    edges: Vec<Edge>,
    variant: Option<Variant>,
    seed: u64,
    cells: Vec<Field>,
}

/// One cell of a ground.
#[derive(Clone, Debug)]
struct Field {
    id: String,
    scenario: Arc<Scenario>,
    outcome: Outcome,
}

/// One grid to be run: a ground with an offerer and an answerer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Jobs, row by row.
    pub jobs: Vec<Job>,
    ground: Arc<Ground>,
    players: [String; 2],
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

/// Lays out edges against edges and asks the oracle about each cell. A `variant` is named in ids
/// and title; without one the NATs are those of the default variant.
///
/// # Errors
/// [`PlanError`]: a defect of this module.
pub fn ground(edges: Vec<Edge>, variant: Option<Variant>, seed: u64) -> Result<Ground, PlanError> {
    let prefix = variant_words(variant).0;
    let mut cells = Vec::new();
    for row in &edges {
        for column in &edges {
            let id = format!("matrix{prefix}/{}/{}", slug(&row.name), slug(&column.name));
            let mut scenario =
                read(&id, &scenario_text(row, column, variant.unwrap_or_default(), seed))?;
            let outcome = expect_oracle(&mut scenario).map_err(PlanError::Oracle)?;
            cells.push(Field { id, scenario: Arc::new(scenario), outcome });
        }
    }
    Ok(Ground { edges, variant, seed, cells })
}

impl Ground {
    /// Casts one ordered pair of implementations, offerer first.
    #[must_use]
    pub fn plan(self: &Arc<Self>, pair: [&Player; 2]) -> Plan {
        let players = pair.map(|player| player.hello().implementation);
        let under_test = if players[0] == REFERENCE { Party::B } else { Party::A };
        let roles = if players.iter().all(|name| name == REFERENCE) {
            String::new()
        } else {
            format!("@{}-{}", players[0], players[1])
        };
        let job = |field: &Field| Job {
            id: format!("{}{roles}", field.id),
            scenario: Arc::clone(&field.scenario),
            case: None,
            variant: 0,
            offerer: Arc::clone(pair[0]),
            answerer: Arc::clone(pair[1]),
            under_test,
            seed: self.seed,
        };
        let jobs = self.cells.iter().map(job).collect();
        Plan { jobs, ground: Arc::clone(self), players }
    }
}

/// What a variant adds to an id and to a title.
fn variant_words(variant: Option<Variant>) -> (String, String) {
    let Some(variant) = variant else { return (String::new(), String::new()) };
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
         limit = \"{LIMIT}\"\n[servers.stun]\nat = \"wan\"\nkind = \"stun\"\n\
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
    /// The grid of what was seen. `seen` are the runs of [`Plan::jobs`], in their order.
    #[must_use]
    pub fn grid(&self, seen: &[Seen]) -> Grid {
        let names: Vec<String> = self.ground.edges.iter().map(|edge| edge.name.clone()).collect();
        let cells: Vec<Cell> = self
            .jobs
            .iter()
            .zip(&self.ground.cells)
            .zip(seen)
            .map(|((job, field), seen)| Cell {
                seen: seen.letter.to_string(),
                oracle: field.outcome.verdict.letter().to_string(),
                types: seen.types.clone(),
                run: job.id.clone(),
                agrees: seen.fine,
            })
            .collect();
        let [offerer, answerer] = self.players.clone();
        let variant = variant_words(self.ground.variant).1;
        Grid {
            title: format!("{offerer} offers to {answerer}{variant}"),
            offerer,
            answerer,
            rows: names.clone(),
            columns: names.clone(),
            cells: cells.chunks(names.len().max(1)).map(<[Cell]>::to_vec).collect(),
        }
    }
}

/// One grid of plans that have one cell each: who offers to whom. `seen` are their runs, in the
/// order of the plans.
#[must_use]
pub fn everybody(plans: &[Plan], seen: &[Vec<Seen>]) -> Grid {
    let mut names: Vec<String> = Vec::new();
    for plan in plans {
        for name in &plan.players {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let cell = |offerer: &String, answerer: &String| {
        let at = plans.iter().position(|plan| [offerer, answerer] == plan.players.each_ref());
        let cells = at.map(|at| plans[at].grid(&seen[at]).cells);
        let nobody = || Cell { agrees: true, ..Cell::default() };
        cells.and_then(|rows| rows.into_iter().flatten().next()).unwrap_or_else(nobody)
    };
    let rows = names.iter();
    Grid {
        title: "who offers to whom, on one network".to_owned(),
        offerer: "row".to_owned(),
        answerer: "column".to_owned(),
        rows: names.clone(),
        columns: names.clone(),
        cells: rows.map(|a| names.iter().map(|b| cell(a, b)).collect()).collect(),
    }
}

/// What one cell's run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    letter: char,
    types: String,
    fine: bool,
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
        Self { letter, types, fine: played.verdict.is_fine() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_on_one_network_is_one_grid_with_gaps_where_nobody_played() {
        let player: Player = Arc::new(rtcspec_adapter_reference::Reference);
        let ground = Arc::new(ground(direct(), None, 1).unwrap());
        let pairs = [["a", "a"], ["a", "b"], ["b", "a"]];
        let plans = pairs.map(|pair| Plan {
            players: pair.map(str::to_owned),
            ..ground.plan([&player, &player])
        });
        let seen = ['D', 'R', 'X']
            .map(|letter| vec![Seen { letter, types: "h/h".to_owned(), fine: letter == 'D' }]);
        let grid = everybody(&plans, &seen);
        assert_eq!((&grid.rows, &grid.columns), (&vec!["a".into(), "b".into()], &grid.rows));
        let shown = |cell: &Cell| (cell.seen.clone(), cell.oracle.clone(), cell.agrees);
        let cells: Vec<_> = grid.cells.iter().flatten().map(shown).collect();
        let cell = |seen: &str, oracle: &str, agrees| (seen.to_owned(), oracle.to_owned(), agrees);
        let wanted = [
            cell("D", "D", true),
            cell("R", "D", false),
            cell("X", "D", false),
            cell("", "", true),
        ];
        assert_eq!(cells, wanted);
    }
}
