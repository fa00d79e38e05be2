//! The oracle against outcomes that were computed by another model, measured, or reasoned.

mod chains;
mod dimensions;
mod engine;
mod properties;
mod tables;
mod time;

use super::{Middlebox, Options, Outcome, Topology, Types, Verdict, predict};
use crate::nat::{Filtering, Mapping, Params, PortPolicy, Ports};

/// A NAT by its short words, "EIM/APDF", with ports that can't be guessed.
fn params(words: &str) -> Params {
    let (mapping, filtering) = words.split_once('/').unwrap();
    Params {
        ports: Ports { policy: PortPolicy::Random, ..Ports::default() },
        ..Params::new(mapping.parse().unwrap(), filtering.parse().unwrap())
    }
}

fn nat(name: &str, params: Params) -> Vec<Middlebox> {
    vec![Middlebox::nat(name, params)]
}

/// The nine NATs by their short words.
fn nine() -> Vec<String> {
    let all = Mapping::ALL.iter().flat_map(|m| Filtering::ALL.iter().map(move |f| (m, f)));
    all.map(|(m, f)| format!("{}/{}", m.short(), f.short())).collect()
}

fn outcome(topology: &Topology) -> Outcome {
    predict(topology, &Options { orders: 120, ..Options::default() }).unwrap()
}

fn verdict(topology: &Topology) -> Verdict {
    predict(topology, &Options::quick()).unwrap().verdict
}

/// A set of types as words.
fn words(types: &std::collections::BTreeSet<Types>) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
