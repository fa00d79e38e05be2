//! The `rtcspec` binary: argument parsing, progress, files and exit codes; nothing else.

mod adapter;
mod args;
mod audit;
mod capture;
mod diff;
mod exit;
mod explain;
mod export;
mod fuzz;
mod lab;
mod list;
mod listen;
mod matrix;
mod minimise;
mod nat_infer;
mod near;
mod oracle;
mod output;
mod players;
mod pool;
mod replay;
mod rerun;
mod run;
mod seeds;
mod select;
mod serve;
mod servers;
mod transcript;

use clap::Parser as _;

use args::{Arguments, Verb};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            let wanted = !error.use_stderr();
            return if wanted { Exit::AsExpected } else { Exit::Usage }.into();
        }
    };
    match arguments.verb {
        Verb::Host(options) => return become_host(options),
        Verb::Start(options) => return rtcspec_lab::inside::start(&options.command),
        Verb::Attend(options) => return rtcspec_lab::inside::attend(&options.command),
        _ => {}
    }
    pool::keep_panics();
    let outcome = match std::panic::catch_unwind(|| carry_out(arguments.verb)) {
        Ok(outcome) => outcome,
        // What it was has been told by then.
        Err(_) => return Exit::Internal.into(),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("rtcspec: {}", failure.message.trim_end());
            failure.exit.into()
        }
    }
}

fn become_host(options: args::HostOptions) -> std::process::ExitCode {
    rtcspec_lab::inside::host(&rtcspec_lab::inside::Plan {
        report_to: options.report_to,
        host: rtcspec_lab::host::Host {
            interfaces: options.interfaces.into_iter().map(|addresses| addresses.0).collect(),
            names: options.names,
            attended: options.attended,
        },
        command: options.command,
    })
}

/// A lab ends with the exit code of the command in it, everything else with one of its own.
fn carry_out(verb: Verb) -> Result<std::process::ExitCode, exit::Failure> {
    match verb {
        Verb::Lab(options) => lab::lab(&options),
        other => report(other).map(Into::into),
    }
}

fn report(verb: Verb) -> exit::Outcome {
    match verb {
        Verb::Run(options) if servers::are_meant(&options.servers) => servers::run(&options),
        Verb::Run(options) => run::run(&options),
        Verb::Serve(options) => serve::serve(&options),
        Verb::Matrix(options) => matrix::matrix(&options),
        Verb::Oracle(options) => oracle::oracle(&options),
        Verb::List(options) => list::list(&options),
        Verb::Diff(options) => diff::diff(&options),
        Verb::Transcript(options) => transcript::transcript(&options),
        Verb::Seeds(options) => seeds::seeds(&options),
        Verb::Audit(options) => audit::audit(&options),
        Verb::Rules(options) => audit::rules(&options),
        Verb::Explain(options) => explain::explain(&options),
        Verb::Replay(options) => replay::replay(&options),
        Verb::Export(options) => export::export(&options),
        Verb::Minimise(options) => minimise::minimise_capture(&options),
        Verb::NatInfer(options) => nat_infer::nat_infer(&options),
        Verb::Adapter(options) => adapter::adapter(&options.verb),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::Rerun(options) => rerun::rerun(&options),
        Verb::Schema(options) => list::schema(&options),
        Verb::Host(_) | Verb::Start(_) | Verb::Attend(_) | Verb::Lab(_) => {
            Err(exit::Failure::internal("this is carried out elsewhere"))
        }
    }
}
