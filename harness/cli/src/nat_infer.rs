//! `rtcspec nat-infer`.

use std::fmt::Display;

use rtcspec_suite::infer::{infer, scenario};
use rtcspec_trace::nat::{NatSeen, Trait, shows};

use crate::args::NatInferOptions;
use crate::capture;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::save;

pub(crate) fn nat_infer(options: &NatInferOptions) -> Outcome {
    let file = &options.capture.file;
    let mut capture = capture::opened(file, &options.capture.options)?;
    let nats = infer(&mut capture);
    capture::say_problems(file, &capture);
    if nats.is_empty() {
        let message = "no NAT shows: no answer named an address other than the asker's own, and no \
                       datagram was seen with two addresses";
        return Err(Failure { exit: Exit::Nothing, message: message.to_owned() });
    }
    for (number, nat) in (1..).zip(&nats) {
        tell(number, nat);
    }
    if let Some(path) = &options.emit {
        save(path, &scenario(&capture::name(file), &nats))?;
        println!("scenario: {}", path.display());
        if nats.len() > 2 {
            println!("  with the first two of the {} boxes; a scenario has two peers", nats.len());
        }
    }
    Ok(Exit::AsExpected)
}

fn tell(number: usize, nat: &NatSeen) {
    let list = |addresses: &[std::net::IpAddr]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    println!("box {number}: {} behind {}", list(&nat.inside), list(&nat.outside));
    let addresses = nat.destination_addresses;
    println!(
        "  rests on {} destination{} with {addresses} address{}",
        nat.destinations,
        if nat.destinations == 1 { "" } else { "s" },
        if addresses == 1 { "" } else { "es" }
    );
    one("mapping", "RFC 4787 §4.1", &nat.mapping, shows::MAPPING);
    one("filtering", "RFC 4787 §5", &nat.filtering, shows::FILTERING);
    one("ports", "RFC 4787 §4.2", &nat.ports, shows::PORTS);
    one("hairpin", "RFC 4787 §6", &nat.hairpin, shows::HAIRPIN);
    let mut lifetime = Vec::new();
    lifetime.extend(
        nat.kept.as_ref().map(|(gap, proof)| (format!("over {:.1}s", gap.as_secs_f64()), proof)),
    );
    lifetime.extend(
        nat.replaced
            .as_ref()
            .map(|(gap, proof)| (format!("under {:.1}s", gap.as_secs_f64()), proof)),
    );
    if lifetime.is_empty() {
        println!("  lifetime   unknown  (RFC 4787 §4.3)\n    to know: {}", shows::LIFETIME);
    }
    for (words, proof) in lifetime {
        println!("  lifetime   {words}  (RFC 4787 §4.3)\n    {proof}");
    }
    for lost in &nat.unusable {
        println!(
            "  candidate  {} cannot work: learnt from {}, but {} was in use towards {}\n    frame {}",
            lost.learnt, lost.from, lost.used, lost.towards, lost.number
        );
    }
}

fn one<T: Display + Copy + PartialEq>(name: &str, clause: &str, seen: &Trait<T>, shows: &str) {
    println!("  {name:<10} {seen}  ({clause})");
    for proof in &seen.proofs {
        println!("    {proof}");
    }
    if seen.known().is_none() && !seen.varies {
        println!("    to know: {shows}");
    }
}
