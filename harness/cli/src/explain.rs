//! `rtcspec explain`.

use rtcspec_net::oracle::Options;
use rtcspec_suite::topology::predict;

use crate::args::ExplainOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, run};

pub(crate) fn explain(options: &ExplainOptions) -> Outcome {
    if let Some(case) = rtcspec_suite::cases::ALL.iter().find(|case| case.id == options.id) {
        println!("{}\n\n{}\n\nclauses: {}", case.title, case.about, case.tests.join(", "));
        return Ok(Exit::AsExpected);
    }
    let scenarios = run::scenarios(options.scenarios.as_deref())?;
    let Some(scenario) = scenarios.iter().find(|scenario| scenario.id == options.id) else {
        let cases = rtcspec_suite::cases::ALL.iter().map(|case| case.id);
        let known: Vec<&str> =
            scenarios.iter().map(|scenario| scenario.id.as_str()).chain(cases).collect();
        let message = format!(
            "there is no scenario or case `{}`{}; `rtcspec list scenarios` and `rtcspec list \
             cases` show what there is",
            options.id,
            near::hint(&options.id, &known)
        );
        return Err(Failure { exit: Exit::Nothing, message });
    };
    println!("{}\n", scenario.file.name);
    if !scenario.file.about.is_empty() {
        println!("{}\n", scenario.file.about.trim());
    }
    println!("clauses: {}", scenario.file.tests.join(", "));
    for variant in &scenario.variants {
        let suffix = variant.suffix();
        let what = if suffix.is_empty() { String::new() } else { format!(" with {suffix}") };
        match predict(&variant.file, &Options::default()) {
            Ok(prediction) => {
                println!("\noracle{what}: {}", prediction.outcome.verdict);
                for line in prediction.outcome.why.lines() {
                    println!("  {line}");
                }
            }
            Err(error) => println!("\noracle{what}: cannot tell: {error}"),
        }
    }
    println!("\n{}", scenario.text.trim_end());
    Ok(Exit::AsExpected)
}
