//! `rtcspec audit` and `rtcspec rules`.

use rtcspec_audit::Level;
use rtcspec_audit::registry;
use rtcspec_audit::report::{Report, json, junit, sarif, text};
use rtcspec_suite::audit::audit_capture;

use crate::args::{AuditFormat, AuditOptions, FailOn, RulesOptions, RulesVerb};
use crate::capture;
use crate::exit::{Exit, Failure, Outcome};

pub(crate) fn audit(options: &AuditOptions) -> Outcome {
    known_rules(&options.rules)?;
    let mut report = Report::default();
    for path in &options.files {
        let capture = capture::opened(path, &options.capture)?;
        report.files.push(audit_capture(&path.to_string_lossy(), capture));
    }
    report.keep_rules(&options.rules);
    let fail_on = level(options.fail_on);
    match options.format {
        AuditFormat::Text => print!("{}", text(&report, options.all)),
        AuditFormat::Json => print!("{}", json(&report)),
        AuditFormat::Sarif => print!("{}", sarif(&report)),
        AuditFormat::Junit => print!("{}", junit(&report, fail_on).map_err(Failure::internal)?),
    }
    let failed = report.worst().is_some_and(|worst| worst >= fail_on);
    Ok(if failed { Exit::Unexpected } else { Exit::AsExpected })
}

pub(crate) fn rules(options: &RulesOptions) -> Outcome {
    match &options.verb {
        RulesVerb::List => print!("{}", registry::list()),
        RulesVerb::Show { id } => {
            let Some(rule) = registry::find(id) else { return Err(unknown(id)) };
            print!("{}", registry::show(rule.about()));
        }
    }
    Ok(Exit::AsExpected)
}

const fn level(fail_on: FailOn) -> Level {
    match fail_on {
        FailOn::V => Level::Violation,
        FailOn::W => Level::Warning,
        FailOn::N => Level::Note,
    }
}

/// A glob that matches no rule is a typing mistake.
fn known_rules(globs: &[String]) -> Result<(), Failure> {
    for glob in globs {
        if !registry::all().any(|rule| registry::matches(glob, rule.about().id)) {
            return Err(unknown(glob));
        }
    }
    Ok(())
}

fn unknown(id: &str) -> Failure {
    Failure::usage(format!("there is no rule `{id}`; `rtcspec rules list` shows what there is"))
}
