//! The edges that matrices are made of, and the matrices.

use std::fmt;
use std::str::FromStr;

use super::InvalidTopology;
use super::predict::{Options, Outcome, Verdict, predict};
use super::topology::{Middlebox, Topology};
use crate::firewall;
use crate::nat::{
    FilterScope, Filtering, Mapping, Params, PortPolicy, Ports, ReplyBinding, presets,
};

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
        Filtering::ALL.iter().map(move |&filtering| Edge {
            name: format!("{}/{}", mapping.short(), filtering.short()),
            boxes: vec![Middlebox::nat("nat", nat(mapping, filtering, variant))],
        })
    })
}

fn nat(mapping: Mapping, filtering: Filtering, variant: Variant) -> Params {
    Params {
        filter_scope: variant.filter_scope,
        reply_binding: variant.reply_binding,
        ports: Ports { policy: PortPolicy::Random, ..Ports::default() },
        ..Params::new(mapping, filtering)
    }
}

/// Words that name no edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "read edge {word:?}: expected open, udp-blocked, fw/ and a filter, a mapping and a filter as \
     in EIM/APDF, or a preset: {presets}"
)]
pub struct UnknownEdge {
    /// The word.
    pub word: String,
    /// The names of all presets.
    pub presets: String,
}

/// Reads a chain of boxes, innermost first, joined by `+`: presets (`home`, `cgn`), short words of
/// NATs (`EIM/APDF`) and firewalls (`fw/ADF`), `udp-blocked` and `open`.
impl FromStr for Edge {
    type Err = UnknownEdge;

    fn from_str(text: &str) -> Result<Self, UnknownEdge> {
        let mut boxes = Vec::new();
        for word in text.split('+').map(str::trim).filter(|word| *word != "open") {
            boxes.push(middlebox(word).ok_or_else(|| {
                let names: Vec<&str> = presets::ALL.iter().map(|preset| preset.name).collect();
                UnknownEdge { word: word.into(), presets: names.join(", ") }
            })?);
        }
        Ok(Self { name: text.into(), boxes })
    }
}

fn middlebox(word: &str) -> Option<Middlebox> {
    if word == "udp-blocked" {
        return Some(Middlebox::firewall(word, firewall::Params::udp_blocked()));
    }
    if let Some(preset) = presets::find(word) {
        return Some(Middlebox::nat(word, preset.params()));
    }
    let (mapping, filtering) = word.split_once('/')?;
    let filtering = filtering.parse().ok()?;
    if mapping == "fw" {
        return Some(Middlebox::firewall(word, firewall::Params::stateful(filtering)));
    }
    let params = nat(mapping.parse().ok()?, filtering, Variant::default());
    Some(Middlebox::nat(word, params))
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

/// A table in Markdown: verdicts, and where they are direct the types of A's valid pair by their
/// first letters, local/remote.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = || self.edges.iter().map(|edge| edge.name.clone());
        let mut rows = vec![std::iter::once("A \\ B".to_owned()).chain(names()).collect()];
        for (name, cells) in names().zip(&self.cells) {
            rows.push(std::iter::once(name).chain(cells.iter().map(short)).collect::<Vec<_>>());
        }
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..=self.edges.len()).map(width).collect();
        for (place, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if place == 0 {
                for width in &widths {
                    write!(f, "|{:-<1$}", "", width + 2)?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// A cell of such a table.
fn short(cell: &Cell) -> String {
    let mut text = cell.verdict.letter().to_string();
    if cell.verdict == Verdict::Direct {
        for types in &cell.types[0] {
            text.push_str(&format!(" {}/{}", types.local.letter(), types.remote.letter()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_make_chains_and_unknown_ones_are_refused_with_what_there_is() {
        let edge: Edge = "home+cgn".parse().unwrap();
        assert_eq!(edge.boxes.len(), 2);
        assert_eq!("open".parse::<Edge>().unwrap().boxes, []);
        let named: Edge = "ADM/EIF".parse().unwrap();
        let listed = edges(Variant::default()).into_iter().find(|edge| edge.name == "ADM/EIF");
        assert_eq!(Some(&named.boxes[0].kind), listed.as_ref().map(|edge| &edge.boxes[0].kind));
        assert!(matches!(
            "fw/ADF".parse::<Edge>().unwrap().boxes[0].kind,
            super::super::Kind::Firewall(_)
        ));
        let error = "fullcone".parse::<Edge>().unwrap_err().to_string();
        assert!(error.contains("full-cone"), "{error}");
        for nonsense in ["", "/", "EIM/", "home+", "fw/EIM"] {
            assert!(nonsense.parse::<Edge>().is_err(), "{nonsense:?}");
        }
    }
}
