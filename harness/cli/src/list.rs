//! `rtcspec list` and `rtcspec schema`.

use rtcspec_net::nat::presets;

use crate::args::{ListOptions, Listing, SchemaOf, SchemaOptions};
use crate::exit::{Exit, Outcome};
use crate::{players, run};

pub(crate) fn list(options: &ListOptions) -> Outcome {
    match options.what {
        Listing::Scenarios => {
            let scenarios = run::scenarios(options.scenarios.as_deref())?;
            let width = scenarios.iter().map(|scenario| scenario.id.len()).max().unwrap_or(0);
            for scenario in scenarios {
                println!("{:width$}  {}", scenario.id, scenario.file.name);
            }
        }
        Listing::Cases => {
            for case in rtcspec_suite::cases::ALL {
                println!("{:44}  {}", case.id, case.title);
            }
        }
        Listing::Peers => {
            for player in players::all() {
                let hello = player.hello();
                let features: Vec<String> =
                    hello.features.into_iter().map(rtcspec_control::Feature::word).collect();
                println!("{} {}\n  {}", hello.implementation, hello.version, features.join(" "));
            }
        }
        Listing::Nats => {
            for preset in presets::ALL {
                println!("{:22}  {}", preset.name, preset.about);
            }
        }
    }
    Ok(Exit::AsExpected)
}

pub(crate) fn schema(options: &SchemaOptions) -> Outcome {
    match options.what {
        SchemaOf::Scenario => println!("{:#}", rtcspec_suite::scenario::json_schema()),
        SchemaOf::Report => print!("{}", rtcspec_suite::report::json_schema()),
    }
    Ok(Exit::AsExpected)
}
