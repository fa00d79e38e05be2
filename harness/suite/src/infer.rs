//! NATs of a capture, and a scenario with boxes like them.

use std::fmt::Write as _;

use rtcspec_capture::Capture;
use rtcspec_trace::nat::{Behaviour, Hairpin, Inference, NatSeen, Ports};

/// Infers the NATs of a capture from all that is left of it.
#[must_use]
pub fn infer(capture: &mut Capture) -> Vec<NatSeen> {
    let mut inference = Inference::new();
    capture.watch(&mut capture.observer(), &mut |event| inference.hear(event));
    inference.finish()
}

/// A scenario file with boxes that do what these do, as far as that is known: the first before the
/// offerer, the second before the answerer.
#[must_use]
pub fn scenario(title: &str, nats: &[NatSeen]) -> String {
    let mut text = String::new();
    let title = toml::Value::String(format!("Boxes like those in {title}"));
    let _ = write!(
        text,
        "schema = 1\nname   = {title}\ntests  = [\"RFC 4787 §4.1\", \"RFC 4787 §5\"]\n\
         limit  = \"60s\"\n\n[servers.stun]\nat   = \"wan\"\nkind = \"stun\"\n\n\
         [servers.turn]\nat   = \"wan\"\nkind = \"turn\"\n"
    );
    for (number, nat) in (1..=2).zip(nats) {
        text.push_str(&section(number, nat));
    }
    let place = |number: usize| {
        if number <= nats.len() { format!("behind-{number}") } else { "wan".to_owned() }
    };
    for (number, name, runs, role) in
        [(1, "alice", "reference", "offerer"), (2, "bob", "under-test", "answerer")]
    {
        let _ = write!(
            text,
            "\n[peer.{name}]\non   = \"{}\"\nruns = \"{runs}\"\nrole = \"{role}\"\n\
             ice  = {{ servers = [\"stun\", \"turn\"] }}\n",
            place(number)
        );
    }
    text.push_str("\n[[do]]\nconnect = [\"alice\", \"bob\"]\n");
    // Whatever the boxes do, the relay works.
    text.push_str("\n[[expect]]\nconnected = { within = \"30s\" }\n");
    text
}

/// The section of a box; what is not known is left to the default, and said.
#[must_use]
pub fn section(number: usize, nat: &NatSeen) -> String {
    let mut text =
        format!("\n[nat.box-{number}]\ninside  = \"behind-{number}\"\noutside = \"wan\"\n");
    let mut line = |key: &str, known: Option<String>, seen: String| {
        let _ = match known {
            Some(word) => writeln!(text, "{key} = \"{word}\""),
            None => writeln!(text, "# {key}: {seen}"),
        };
    };
    let behaviour = |known: Option<Behaviour>| known.map(|word| word.to_string());
    line("mapping", behaviour(nat.mapping.known()), nat.mapping.to_string());
    line("filtering", behaviour(nat.filtering.known()), nat.filtering.to_string());
    let ports = nat.ports.known().map(|ports| match ports {
        Ports::Preserved => "preserve".to_owned(),
        Ports::Sequential => "sequential".to_owned(),
        Ports::Random => "random".to_owned(),
    });
    line("ports", ports, nat.ports.to_string());
    let hairpin = nat.hairpin.known().map(|hairpin| match hairpin {
        Hairpin::None => "none".to_owned(),
        Hairpin::Internal => "internal".to_owned(),
        Hairpin::External => "external".to_owned(),
    });
    line("hairpin", hairpin, nat.hairpin.to_string());
    if let Some((silence, _)) = &nat.replaced {
        let _ = writeln!(text, "lifetime = {{ udp = \"{}s\" }}", silence.as_secs().max(1));
    }
    text
}
