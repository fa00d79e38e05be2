//! `rtcspec fuzz live`: the campaign runs in a network of its own, where nothing leads out.

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rtcspec_assault::campaign::{self, Found, Listener, Report, Settings, Tally};
use rtcspec_assault::{Arsenal, Ground, Layer, Record};
use rtcspec_control::outside::Bell;
use rtcspec_control::process::{Launch, Process, ProcessError};
use rtcspec_control::{Hello, wall};
use rtcspec_fuzz::corpus;
use rtcspec_lab::Guest;
use rtcspec_lab::host::Host;

use super::args::LiveOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{adapter, near, run};

/// The address of both sides: the kernel takes what is sent to it over the loopback.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 23, 0, 2));
/// How long the campaign may have ended before it is noticed.
const GLANCE: Duration = Duration::from_millis(50);
/// How long a peer may take to say who it is.
const BEGIN: Duration = Duration::from_secs(60);
/// Between two lines about how far it is.
const PAUSE: Duration = Duration::from_secs(15);

pub(super) fn live(options: &LiveOptions) -> Outcome {
    if !options.inside {
        return in_its_own_network();
    }
    let launch = launch(options)?;
    let hello = hello(&launch)?;
    if options.replay.is_empty() {
        fire(options, launch, &hello)
    } else {
        replay(options, &launch, &hello)
    }
}

fn not_started(reason: impl ToString) -> Failure {
    Failure { exit: Exit::NotStarted, message: reason.to_string() }
}

/// Runs this command once more on a host that has an interface and nobody at its other end. What
/// the host offers for key logs is not for campaigns of thousands of sessions.
fn in_its_own_network() -> Outcome {
    let this = std::env::current_exe().map_err(not_started)?;
    let mut command: Vec<OsString> = ["env", "-u", "SSLKEYLOGFILE"].map(OsString::from).to_vec();
    command.push(this.clone().into());
    command.extend(std::env::args_os().skip(1));
    command.push("--inside".into());
    let host = Host { interfaces: vec![vec![ADDRESS]], names: Vec::new(), attended: true };
    let bell = Arc::new(Bell::default());
    let mut guest = Guest::new(this.into(), &host, &command, &[], false, &bell)
        .map_err(|error| not_started(format!("a network for the campaign: {error}")))?;
    loop {
        // What leaves the host goes nowhere.
        drop(guest.packets());
        match guest.exit_code() {
            Some(0) => return Ok(Exit::AsExpected),
            Some(1) => return Ok(Exit::Unexpected),
            // It has said what is wrong.
            Some(2) => return Ok(Exit::Usage),
            Some(3) => return Ok(Exit::NotStarted),
            Some(4) => return Ok(Exit::Nothing),
            Some(_) => return Ok(Exit::Internal),
            None => thread::sleep(GLANCE),
        }
    }
}

fn launch(options: &LiveOptions) -> Result<Launch, Failure> {
    match (&options.peer, &options.command) {
        (Some(name), _) => adapter::command(&[name.into()], &options.adapters),
        (None, Some(command)) => {
            let command = ["sh", "-c", command].map(OsString::from).to_vec();
            Ok(Launch { command, ..Launch::default() })
        }
        (None, None) => Err(Failure::usage("name a peer with `--peer` or `--peer-cmd`")),
    }
}

fn hello(launch: &Launch) -> Result<Hello, Failure> {
    let ask = || -> Result<Hello, ProcessError> { Process::start(launch)?.hello(BEGIN) };
    ask().map_err(not_started)
}

fn layers(options: &LiveOptions, hello: &Hello) -> Result<Vec<Layer>, Failure> {
    if options.layers.is_empty() {
        return Ok(Layer::ALL.into_iter().filter(|layer| layer.is_of(hello)).collect());
    }
    let named = |name: &String| {
        Layer::by_name(name).ok_or_else(|| {
            let known = Layer::ALL.map(Layer::name);
            let hint = near::hint(name, &known);
            Failure::usage(format!(
                "no layer is called {name}{hint}; there are {}",
                known.join(", ")
            ))
        })
    };
    options.layers.iter().map(named).collect()
}

fn ground(options: &LiveOptions) -> Ground {
    Ground { address: ADDRESS, patience: options.patience }
}

fn fire(options: &LiveOptions, launch: Launch, hello: &Hello) -> Outcome {
    let layers = layers(options, hello)?;
    let folder = &options.corpus.corpus;
    let arsenal = Arsenal::read(folder, &layers, options.seed, options.inputs)
        .map_err(|error| Failure::usage(format!("read the corpus: {error}")))?;
    if arsenal.is_empty() {
        let message = format!("there are no inputs in {}; `--corpus` says where", folder.display());
        return Err(Failure { exit: Exit::Nothing, message });
    }
    let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
    println!("{} {}: {}", hello.implementation, hello.version, names.join(", "));
    let settings = Settings {
        launch,
        ground: ground(options),
        time: options.time,
        sessions: options.sessions,
        minimise: options.minimise,
    };
    let folder = options.findings.join(&hello.implementation);
    let mut desk = Desk { folder, due: wall::now() + PAUSE, failure: None };
    let report = campaign::run(&arsenal, &settings, &mut desk).map_err(not_started)?;
    if let Some(failure) = desk.failure {
        return Err(failure);
    }
    if report.tally.connected == 0 && report.found.is_empty() {
        return Err(not_started("no session came about, so nothing was tested"));
    }
    tell(options, &report)
}

/// Writes findings down as they come, and says now and then how far the campaign is.
struct Desk {
    folder: PathBuf,
    due: Instant,
    /// The first finding that could not be written.
    failure: Option<Failure>,
}

impl Listener for Desk {
    fn session(&mut self, tally: &Tally) {
        if wall::now() >= self.due {
            self.due = wall::now() + PAUSE;
            eprintln!("{}", line(tally));
        }
    }

    fn found(&mut self, class: &str, found: &Found) {
        eprintln!("found {class}");
        if let Err(failure) = write(&self.folder, class, found) {
            self.failure.get_or_insert(failure);
        }
    }
}

fn line(tally: &Tally) -> String {
    let Tally { sessions, connected, inputs, probes, processes, classes, taken } = tally;
    format!(
        "{} s: {sessions} sessions, {connected} came about, {inputs} inputs, {probes} probes, \
         {processes} processes, {classes} findings",
        taken.as_secs()
    )
}

/// Tells what was found.
fn tell(options: &LiveOptions, report: &Report) -> Outcome {
    println!("{}", line(&report.tally));
    let known = run::expectations(&report.hello, options.scenarios.as_deref())?;
    let folder = options.findings.join(&report.hello.implementation);
    let mut new = 0;
    for (class, found) in &report.found {
        let place = place(&folder, class);
        let entry = known.known_class(class);
        new += usize::from(entry.is_none());
        let standing = if entry.is_some() { "known" } else { "NEW" };
        println!("{standing:<5} {class}");
        let inputs: usize = found.record.plans.iter().map(|plan| plan.inputs.len()).sum();
        let again = match found.record.reproduced {
            true => format!("{inputs} inputs show it again"),
            false => format!("not shown again by its last {} sessions", found.record.plans.len()),
        };
        println!("      {} times, first in session {}; {again}", found.times, found.session);
        if let Some(entry) = entry {
            println!("      {}", entry.reason);
        }
        println!("      {}", place.display());
    }
    if new > 0 {
        println!(
            "{new} of {} findings are not in expect/{}.toml",
            report.found.len(),
            report.hello.implementation
        );
    }
    Ok(if new == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

/// The file of a class.
fn place(folder: &Path, class: &str) -> PathBuf {
    let mut kind = class.split('/').take(2).collect::<Vec<_>>().join("-");
    kind.push_str(&format!("-{}.toml", &corpus::name(class.as_bytes())[..8]));
    folder.join(kind)
}

fn write(folder: &Path, class: &str, found: &Found) -> Result<(), Failure> {
    let path = place(folder, class);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, found.record.write()))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))
}

/// Plays findings again from their files.
fn replay(options: &LiveOptions, launch: &Launch, hello: &Hello) -> Outcome {
    let known = run::expectations(hello, options.scenarios.as_deref())?;
    let mut new = 0;
    for path in &options.replay {
        let place = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("read {place}: {error}")))?;
        let record =
            Record::read(&text).map_err(|error| Failure::usage(format!("{place}: {error}")))?;
        let seen = campaign::replay(launch, ground(options), &record.plans, record.repeat)
            .map_err(not_started)?;
        let shown = record.is_shown_by(&seen);
        new += usize::from(shown && known.known_class(&record.class).is_none());
        let standing = if shown { "again" } else { "not shown" };
        println!("{standing:<9} {}\n          {place}", record.class);
        for other in seen.iter().filter(|seen| !record.is_shown_by(std::slice::from_ref(seen))) {
            println!("          also: {}", other.class());
        }
    }
    Ok(if new == 0 { Exit::AsExpected } else { Exit::Unexpected })
}
