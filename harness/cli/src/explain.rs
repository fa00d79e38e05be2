//! `rtcspec explain`.

use std::sync::Arc;

use rtcspec_net::discovery::survey;
use rtcspec_net::nat::presets;
use rtcspec_suite::cases::Case;
use rtcspec_suite::prediction::{Outlook, outlook};
use rtcspec_suite::scenario::{Scenario, Variant};

use crate::args::ExplainOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, run, select};

pub(crate) fn explain(options: &ExplainOptions) -> Outcome {
    if let Some(name) = options.id.strip_prefix("nat:") {
        return nat(name);
    }
    // The id of a run, as tables have it, is as good as that of its case.
    let id = options.id.split('@').next().unwrap_or_default();
    if let Some(case) = rtcspec_suite::cases::find(id) {
        explain_case(case);
        return Ok(Exit::AsExpected);
    }
    if let Some(case) = rtcspec_servers::CASES.iter().find(|case| case.id == id) {
        println!("{}\n\nclauses: {}", case.title, case.tests.join(", "));
        return Ok(Exit::AsExpected);
    }
    if let Some(rule) = rtcspec_audit::registry::find(&options.id) {
        print!("{}", rtcspec_audit::registry::show(rule.about()));
        return Ok(Exit::AsExpected);
    }
    let scenarios = run::scenarios(options.scenarios.as_deref())?;
    match select::scenario(&scenarios, &options.id) {
        Some((scenario, None)) => explain_scenario(scenario, &scenario.variants),
        Some((scenario, Some(variant))) => {
            explain_scenario(scenario, std::slice::from_ref(variant));
        }
        None => return Err(unknown(&options.id, &scenarios)),
    }
    Ok(Exit::AsExpected)
}

fn unknown(id: &str, scenarios: &[Arc<Scenario>]) -> Failure {
    let scenarios = scenarios.iter().map(|scenario| scenario.id.as_str());
    let cases = rtcspec_suite::cases::ALL.iter().map(|case| case.id);
    let of_servers = rtcspec_servers::CASES.iter().map(|case| case.id);
    let rules = rtcspec_audit::registry::all().map(|rule| rule.about().id);
    let known: Vec<&str> = scenarios.chain(cases).chain(of_servers).chain(rules).collect();
    let message = format!(
        "there is no scenario, case or rule `{id}`{}; `rtcspec list scenarios`, `rtcspec list \
         cases`, `rtcspec list server-cases` and `rtcspec rules list` show what there is",
        near::hint(select::without_role(id), &known)
    );
    Failure { exit: Exit::Nothing, message }
}

/// The situation, the clauses, what the oracle says of these variants, and the file.
fn explain_scenario(scenario: &Scenario, variants: &[Variant]) {
    println!("{}\n", scenario.file.name);
    if !scenario.file.about.is_empty() {
        println!("{}\n", scenario.file.about.trim());
    }
    println!("clauses: {}", scenario.file.tests.join(", "));
    for variant in variants {
        let suffix = variant.suffix();
        let what = if suffix.is_empty() { String::new() } else { format!(" with {suffix}") };
        for outlook in outlook(&variant.file) {
            oracle(&what, &outlook);
        }
    }
    println!("\n{}", scenario.text.trim_end());
}

/// What the oracle says of a point in time of a scenario.
fn oracle(what: &str, outlook: &Outlook) {
    let when = match outlook.when.as_str() {
        "" => String::new(),
        after => format!(" after `{after}`"),
    };
    match &outlook.outcome {
        Ok(outcome) => {
            let anew = if outlook.fresh { "" } else { ", once the peers connect anew" };
            println!("\noracle{what}{when}: {}{anew}", outcome.verdict);
            for line in outcome.why.lines() {
                println!("  {line}");
            }
        }
        Err(error) => println!("\noracle{what}{when}: cannot tell: {error}"),
    }
}

/// A NAT preset: its parameters, and what it turns out to be when it is asked.
fn nat(name: &str) -> Outcome {
    let Some(preset) = presets::find(name) else {
        let known: Vec<&str> = presets::ALL.iter().map(|preset| preset.name).collect();
        let message = format!("there is no NAT preset `{name}`; there are {}", known.join(", "));
        return Err(Failure { exit: Exit::Nothing, message });
    };
    let params = preset.params();
    println!("{}: {}\n\nparameters", preset.name, preset.about);
    for (key, value) in params.words() {
        println!("  {key:20}  {value}");
    }
    let class = survey(&params)
        .map_err(|error| Failure { exit: Exit::Internal, message: format!("failed to {error}") })?;
    println!("\nmeasured through the packet engine (RFC 5780 §4, and probes of our own)");
    for part in class.to_string().split(", ") {
        println!("  {part}");
    }
    let wrong = class.disagreements(&params);
    for line in &wrong {
        println!("  not as configured: {line}");
    }
    Ok(if wrong.is_empty() { Exit::AsExpected } else { Exit::Internal })
}

/// What a case does, in which roles, and the scenario around it.
fn explain_case(case: &Case) {
    println!("{}\n\n{}\n\nclauses: {}", case.title, case.about, case.tests.join(", "));
    let needs: Vec<String> = case.needs.iter().map(|feature| feature.word()).collect();
    if !needs.is_empty() {
        println!("needs: {}", needs.join(", "));
    }
    let roles = case.roles.all();
    let runs: Vec<String> = roles.iter().map(|role| case.run_id(*role)).collect();
    println!("runs: {}", runs.join(", "));
    if let Some(role) = roles.first() {
        println!("\n{}", case.scenario(*role).text.trim_end());
    }
}
