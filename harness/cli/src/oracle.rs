//! `rtcspec oracle`.

use rtcspec_net::oracle::{Edge, Options, Topology, predict};

use crate::args::OracleOptions;
use crate::exit::{Exit, Failure, Outcome};

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
    println!("{} against {}: {}", offerer.name, answerer.name, outcome.verdict);
    println!(
        "  orders tried: {} (direct {}, relay {}, nothing {})",
        orders.of, orders.direct, orders.relay, orders.nothing
    );
    for (name, types) in ["A", "B"].iter().zip(&outcome.types) {
        let types: Vec<String> = types.iter().map(ToString::to_string).collect();
        println!("  {name}'s pair (local/remote): {}", types.join(" or "));
    }
    for line in outcome.why.lines() {
        println!("  {line}");
    }
    Ok(Exit::AsExpected)
}
