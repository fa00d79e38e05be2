//! The verdict over many interleavings.

use std::collections::BTreeSet;
use std::fmt;

use super::InvalidTopology;
use super::candidate::Types;
use super::explain;
use super::run::{End, Run};
use super::topology::Topology;

/// What must happen between two agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Connected without a relay, in every order.
    Direct,
    /// Connected, through a relay, in every order.
    Relay,
    /// Never connected.
    Nothing,
    /// Order decides.
    Depends,
}

impl Verdict {
    /// D, R, X or ?.
    pub const fn letter(self) -> char {
        match self {
            Self::Direct => 'D',
            Self::Relay => 'R',
            Self::Nothing => 'X',
            Self::Depends => '?',
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
            Self::Nothing => "nothing",
            Self::Depends => "depends on the order",
        })
    }
}

/// How long packets are under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transit {
    /// Each for a time of its own: packets of both sides cross, and overtake each other.
    #[default]
    Random,
    /// No time at all: one arrives before the next leaves, as between machines in one rack.
    Instant,
}

/// How a prediction is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What the orders depend on.
    pub seed: u64,
    /// How many orders are tried at most.
    pub orders: u32,
    /// Whether to stop as soon as two orders end differently. The counts then say little.
    pub stop_early: bool,
    /// Whether [`Outcome::why`] is wanted.
    pub explain: bool,
    /// How long packets are under way.
    pub transit: Transit,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, orders: 32, stop_early: false, explain: true, transit: Transit::Random }
    }
}

impl Options {
    /// Verdict and types only, as fast as can be: for matrices.
    pub fn quick() -> Self {
        Self { stop_early: true, explain: false, orders: 24, ..Self::default() }
    }
}

/// How the orders that were tried ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Orders {
    /// Without a relay.
    pub direct: u32,
    /// Through a relay.
    pub relay: u32,
    /// Not connected.
    pub nothing: u32,
    /// In all.
    pub of: u32,
}

/// A prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What must happen.
    pub verdict: Verdict,
    /// For each side, the types that the selected pair may have.
    pub types: [BTreeSet<Types>; 2],
    /// How the orders ended.
    pub orders: Orders,
    /// Whether an agent that learns every address without end would do so in some order: each
    /// check shows a new one, and no pair of them can become valid.
    pub churn: bool,
    /// Which box does what to which check, a sentence a line; empty unless asked for.
    pub why: String,
}

/// What two agents in this topology must achieve.
///
/// # Errors
/// [`InvalidTopology`] if the topology contradicts itself.
pub fn predict(topology: &Topology, options: &Options) -> Result<Outcome, InvalidTopology> {
    let mut run = Run::new(topology, options.transit)?;
    let mut orders = Orders::default();
    let mut types = [BTreeSet::new(), BTreeSet::new()];
    let mut churn = false;
    let mut examples: [Option<u32>; 3] = [None; 3];
    let relays = topology.sides.iter().any(|side| side.turn.is_some());
    for number in 0..options.orders.max(1) {
        let end = play(&mut run, options.seed, number, relays, &mut types);
        churn |= run.churned();
        examples[end as usize].get_or_insert(number);
        orders.of += 1;
        match end {
            End::Direct => orders.direct += 1,
            End::Relayed => orders.relay += 1,
            End::Nothing => orders.nothing += 1,
        }
        if options.stop_early && orders.verdict() == Verdict::Depends {
            break;
        }
    }
    let verdict = orders.verdict();
    let why = if options.explain {
        explain::why(&mut run, topology, options.seed, &orders, examples)
    } else {
        String::new()
    };
    Ok(Outcome { verdict, types, orders, churn, why })
}

/// One order: without relays, and only if that is not enough, with them.
fn play(
    run: &mut Run<'_>,
    seed: u64,
    number: u32,
    relays: bool,
    types: &mut [BTreeSet<Types>; 2],
) -> End {
    run.play(seed, number, false);
    if run.connects(true, types) {
        return End::Direct;
    }
    if relays {
        run.play(seed, number, true);
        if run.connects(false, types) {
            return End::Relayed;
        }
    }
    End::Nothing
}

impl Outcome {
    /// The same with the sides exchanged, without the words.
    #[must_use]
    pub fn swapped(&self) -> Self {
        let [a, b] = self.types.clone();
        Self {
            verdict: self.verdict,
            types: [b, a],
            orders: self.orders,
            churn: self.churn,
            why: String::new(),
        }
    }
}

impl Orders {
    pub(super) fn verdict(&self) -> Verdict {
        match self.of {
            of if of == self.direct => Verdict::Direct,
            of if of == self.relay => Verdict::Relay,
            of if of == self.nothing => Verdict::Nothing,
            _ => Verdict::Depends,
        }
    }
}
