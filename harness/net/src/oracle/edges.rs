//! The edges that matrices are made of, and the matrices.

use super::InvalidTopology;
use super::predict::{Options, Outcome, predict};
use super::topology::{Middlebox, Topology};
use crate::firewall;
use crate::nat::{FilterScope, Filtering, Mapping, Params, PortPolicy, Ports, ReplyBinding};

/// What the mapping and filtering behaviours leave open about NATs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variant {
    /// What remembers whom was sent to.
    pub filter_scope: FilterScope,
    /// Whether packets let in choose the mapping of their answers.
    pub reply_binding: ReplyBinding,
}

impl Variant {
    /// All six, the usual one first.
    pub fn all() -> impl Iterator<Item = Self> {
        FilterScope::ALL.iter().flat_map(|&filter_scope| {
            let with = move |&reply_binding| Self { filter_scope, reply_binding };
            ReplyBinding::ALL.iter().map(with)
        })
    }
}

/// Where an agent can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Its name in tables.
    pub name: String,
    /// The boxes between the agent and the internet, innermost first.
    pub boxes: Vec<Middlebox>,
}

/// The fourteen edges: an open host, a public host behind each stateful filter, the nine NATs of
/// mapping and filtering, and no UDP.
pub fn edges(variant: Variant) -> Vec<Edge> {
    let mut edges = vec![Edge { name: "open public".into(), boxes: Vec::new() }];
    for filtering in Filtering::ALL {
        let firewall = firewall::Params::stateful(*filtering);
        edges.push(Edge {
            name: format!("public+fw {}", filtering.short()),
            boxes: vec![Middlebox::firewall("firewall", firewall)],
        });
    }
    edges.extend(nats(variant));
    edges.push(Edge {
        name: "UDP blocked".into(),
        boxes: vec![Middlebox::firewall("firewall", firewall::Params::udp_blocked())],
    });
    edges
}

/// The nine NATs of mapping and filtering.
fn nats(variant: Variant) -> impl Iterator<Item = Edge> {
    Mapping::ALL.iter().flat_map(move |&mapping| {
        Filtering::ALL.iter().map(move |&filtering| {
            let params = Params {
                filter_scope: variant.filter_scope,
                reply_binding: variant.reply_binding,
                ports: Ports { policy: PortPolicy::Random, ..Ports::default() },
                ..Params::new(mapping, filtering)
            };
            Edge {
                name: format!("{}/{}", mapping.short(), filtering.short()),
                boxes: vec![Middlebox::nat("nat", params)],
            }
        })
    })
}

impl Edge {
    /// Two agents at two edges, with a TURN server for both.
    pub fn against(&self, other: &Self) -> Topology {
        let named = |edge: &Self, side: &str| {
            let rename = |middlebox: &Middlebox| Middlebox {
                name: format!("{side}'s {}", middlebox.name),
                kind: middlebox.kind.clone(),
            };
            edge.boxes.iter().map(rename).collect()
        };
        Topology::apart(named(self, "A"), named(other, "B")).with_turn()
    }
}

/// One cell of a matrix: the row's edge is side A's.
pub type Cell = Outcome;

/// Every edge against every edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The edges of both sides.
    pub edges: Vec<Edge>,
    /// Row by row.
    pub cells: Vec<Vec<Cell>>,
}

/// Predicts every edge against every edge. Half of the cells are computed; the others are these
/// with the sides exchanged.
///
/// # Errors
/// None that the edges of this crate could cause.
pub fn grid(edges: Vec<Edge>, options: &Options) -> Result<Grid, InvalidTopology> {
    let mut cells: Vec<Vec<Cell>> = Vec::with_capacity(edges.len());
    for (row, a) in edges.iter().enumerate() {
        let mut line: Vec<Cell> = (0..row).map(|column| cells[column][row].swapped()).collect();
        for b in &edges[row..] {
            line.push(predict(&a.against(b), options)?);
        }
        cells.push(line);
    }
    Ok(Grid { edges, cells })
}
