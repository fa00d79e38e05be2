//! `rtcspec oracle`.

use std::fmt::Write as _;

use rtcspec_net::oracle::{Edge, Options, Topology, predict};

use crate::args::OracleOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

pub(crate) fn oracle(options: &OracleOptions) -> Outcome {
    let edge = |word: &str| word.parse::<Edge>().map_err(|error| Failure::usage(error.to_string()));
    let (offerer, answerer) = (edge(&options.offerer)?, edge(&options.answerer)?);
    let topology = if options.no_turn {
        Topology::apart(offerer.boxes.clone(), answerer.boxes.clone())
    } else {
        offerer.against(&answerer)
    };
    let outcome = predict(&topology, &Options { orders: 200, ..Options::default() })
        .map_err(|error| Failure::usage(format!("failed to {error}")))?;
    let orders = outcome.orders;
    let mut text = format!("{} against {}: {}\n", offerer.name, answerer.name, outcome.verdict);
    let _ = writeln!(
        text,
        "  orders tried: {} (direct {}, relay {}, nothing {})",
        orders.of, orders.direct, orders.relay, orders.nothing
    );
    for (name, types) in ["A", "B"].iter().zip(&outcome.types) {
        let types: Vec<String> = types.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {name}'s pair (local/remote): {}", types.join(" or "));
    }
    for line in outcome.why.lines() {
        let _ = writeln!(text, "  {line}");
    }
    output::say(&text)?;
    Ok(Exit::AsExpected)
}
