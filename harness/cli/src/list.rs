//! `rtcspec list` and `rtcspec schema`.

use std::fmt::Write as _;

use rtcspec_net::nat::presets;

use crate::args::{ListOptions, Listing, SchemaOf, SchemaOptions};
use crate::exit::{Exit, Outcome};
use crate::{output, players, run};

pub(crate) fn list(options: &ListOptions) -> Outcome {
    let mut text = String::new();
    match options.what {
        Listing::Scenarios => {
            let scenarios = run::scenarios(options.scenarios.as_deref())?;
            let width = scenarios.iter().map(|scenario| scenario.id.len()).max().unwrap_or(0);
            for scenario in scenarios {
                let _ = writeln!(text, "{:width$}  {}", scenario.id, scenario.file.name);
            }
        }
        Listing::Cases => {
            let cases = rtcspec_suite::cases::ALL;
            let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
            for case in cases {
                let _ = writeln!(text, "{:width$}  {}", case.id, case.title);
            }
        }
        Listing::ServerCases => {
            let cases = rtcspec_servers::CASES;
            let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
            for case in cases {
                let clauses = case.tests.join(", ");
                let _ = writeln!(text, "{:width$}  {} ({clauses})", case.id, case.title);
            }
        }
        Listing::Peers => {
            for player in players::all() {
                let hello = player.hello();
                let features: Vec<String> =
                    hello.features.into_iter().map(rtcspec_control::Feature::word).collect();
                let features = features.join(" ");
                let _ = writeln!(text, "{} {}\n  {features}", hello.implementation, hello.version);
            }
        }
        Listing::Nats => {
            for preset in presets::ALL {
                let _ = writeln!(text, "{:22}  {}", preset.name, preset.about);
                let _ = writeln!(text, "{:22}  {}", "", preset.params());
            }
        }
    }
    output::say(&text)?;
    Ok(Exit::AsExpected)
}

pub(crate) fn schema(options: &SchemaOptions) -> Outcome {
    let schema = match options.what {
        SchemaOf::Scenario => rtcspec_suite::scenario::json_schema(),
        SchemaOf::Report => rtcspec_suite::report::json_schema(),
    };
    output::say(&format!("{schema:#}\n"))?;
    Ok(Exit::AsExpected)
}
