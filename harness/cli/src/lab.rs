//! `rtcspec lab`: a command of a person on a host of a scenario.

use std::ffi::OsString;
use std::io::{IsTerminal as _, stdin};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rtcspec_control::outside::Bell;
use rtcspec_lab::Guest;
use rtcspec_lab::host::Host;
use rtcspec_suite::run::Terrain;
use rtcspec_suite::scenario::{File, Scenario};
use rtcspec_trace::Party;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::flag;

use crate::args::LabOptions;
use crate::exit::{Exit, Failure};
use crate::{near, output, run, select};

/// How long a command may have ended, or a signal have come, before it is noticed.
const GLANCE: Duration = Duration::from_millis(50);

/// Carries `rtcspec lab` out; gives the exit code of the command.
pub(crate) fn lab(options: &LabOptions) -> Result<ExitCode, Failure> {
    let scenarios = run::scenarios(options.scenarios.as_deref())?;
    let file = file(&scenarios, &options.scenario)?;
    let mut terrain = Terrain::new(file, options.seed, options.pcap.is_some())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let places = places(&terrain, options)?;
    let signals = Signals::new().map_err(|error| not_started(&error.to_string()))?;
    let bell = Arc::new(Bell::default());
    let mut guests = Vec::new();
    for (host, command) in &places {
        let guest = invite(&mut terrain, *host, command, guests.is_empty(), &bell)?;
        guests.push((*host, guest));
    }
    tell(options, &introduction(&terrain, &places));
    bell.begin();
    let mut keys = Vec::new();
    let code = stay(&mut terrain, &mut guests, &signals, &bell, options, &mut keys);
    drop(guests);
    if let Some(path) = &options.pcap {
        output::save_all(&[(path.clone(), terrain.capture(&keys))])?;
    }
    Ok(ExitCode::from(code))
}

fn not_started(reason: &str) -> Failure {
    Failure { exit: Exit::NotStarted, message: reason.to_owned() }
}

/// What is told stays off the command's own output.
fn tell(options: &LabOptions, text: &str) {
    if !options.quiet {
        eprint!("{text}");
    }
}

/// The network of a scenario; of one with a matrix, that of the run that is named, or of the first
/// values.
fn file<'s>(scenarios: &'s [Arc<Scenario>], id: &str) -> Result<&'s File, Failure> {
    let found = select::scenario(scenarios, id);
    let variant = found.and_then(|(scenario, of_run)| of_run.or(scenario.variants.first()));
    variant.map(|variant| &variant.file).ok_or_else(|| {
        let ids: Vec<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
        let hint = near::hint(select::without_role(id), &ids);
        let message = format!(
            "there is no scenario `{id}`{hint}; `rtcspec list scenarios` shows what there is"
        );
        Failure { exit: Exit::Nothing, message }
    })
}

/// Who runs what, the command that ends the lab first.
fn places(
    terrain: &Terrain<'_>,
    options: &LabOptions,
) -> Result<Vec<(Party, Vec<OsString>)>, Failure> {
    let host = |name: Option<&str>| {
        terrain.host(name).ok_or_else(|| {
            let known = [Party::A, Party::B].map(|host| terrain.name(host)).join(" and ");
            let name = name.unwrap_or_default();
            Failure::usage(format!("there is no host `{name}`; there are {known}"))
        })
    };
    let mut command = options.command.clone();
    if command.is_empty() {
        command.push(std::env::var_os("SHELL").unwrap_or_else(|| "sh".into()));
    }
    let first = host(options.host.as_deref())?;
    let mut places = vec![(first, command)];
    if let Some((name, command)) = &options.also {
        let other = host(Some(name))?;
        if other == first {
            let message = format!("a command runs on `{name}` already; `--host` says on which");
            return Err(Failure::usage(message));
        }
        places.push((other, ["sh", "-c", command].map(OsString::from).to_vec()));
    }
    Ok(places)
}

fn invite(
    terrain: &mut Terrain<'_>,
    host: Party,
    command: &[OsString],
    reads: bool,
    bell: &Arc<Bell>,
) -> Result<Guest, Failure> {
    let this = std::env::current_exe().map_err(|error| not_started(&error.to_string()))?;
    let interfaces = terrain.occupy(host);
    let environment = environment(terrain, host);
    let furnished = Host { interfaces, names: terrain.names(), attended: true };
    Guest::new(this.into(), &furnished, command, &environment, reads, bell)
        .map_err(|error| not_started(&format!("{}: {error}", terrain.name(host))))
}

/// What a command finds in its environment.
fn environment(terrain: &Terrain<'_>, host: Party) -> Vec<(String, String)> {
    let servers = terrain.servers(host);
    let json = serde_json::to_string(&servers).unwrap_or_default();
    let mut all = vec![
        ("RTCSPEC_HOST".to_owned(), terrain.name(host).to_owned()),
        ("RTCSPEC_ICE_SERVERS".to_owned(), json),
    ];
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() && all.iter().all(|(known, _)| known != name) {
            all.push((name.to_owned(), value.to_owned()));
        }
    };
    for server in &servers {
        for url in &server.urls {
            let stun = url.starts_with("stun:");
            set(if stun { "RTCSPEC_STUN" } else { "RTCSPEC_TURN" }, url);
        }
        set("RTCSPEC_TURN_USERNAME", &server.username);
        set("RTCSPEC_TURN_CREDENTIAL", &server.credential);
    }
    all
}

fn introduction(terrain: &Terrain<'_>, places: &[(Party, Vec<OsString>)]) -> String {
    let mut text = String::new();
    let names = terrain.names();
    for (host, command) in places {
        let name = terrain.name(*host);
        let own = names.iter().filter(|(known, _)| known == name).map(|(_, ip)| ip.to_string());
        let mut words = vec![name.to_owned(), own.collect::<Vec<_>>().join(" ")];
        match terrain.behind(*host) {
            boxes if boxes.is_empty() => words.push("open".to_owned()),
            boxes => words.push(format!("behind {}", boxes.join(", then "))),
        }
        let command: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        text.push_str(&format!("{}: {}\n", words.join(" "), command.join(" ")));
    }
    for server in places.first().map(|(host, _)| terrain.servers(*host)).unwrap_or_default() {
        let credentials = match server.username.as_str() {
            "" => String::new(),
            name => format!(" username {name} credential {}", server.credential),
        };
        text.push_str(&format!("server {}{credentials}\n", server.urls.join(" ")));
    }
    for event in terrain.outlook() {
        text.push_str(&format!("to come: {event}\n"));
    }
    if terrain.waits() {
        let id = std::process::id();
        text.push_str(&format!("`kill -USR1 {id}` carries out the first that waits\n"));
    }
    text
}

/// What signals have come.
struct Signals {
    /// The number of the one that ends the lab, 0 before.
    end: Arc<AtomicUsize>,
    go_on: Arc<AtomicBool>,
}

impl Signals {
    /// On a terminal ctrl-C is for the command, as in any shell; it reaches that by itself.
    fn new() -> std::io::Result<Self> {
        let signals = Self { end: Arc::default(), go_on: Arc::default() };
        let mut ends = vec![SIGTERM, SIGHUP];
        if stdin().is_terminal() {
            for key in [SIGINT, SIGQUIT] {
                flag::register(key, Arc::default())?;
            }
        } else {
            ends.extend([SIGINT, SIGQUIT]);
        }
        for signal in ends {
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&signals.end), number)?;
        }
        flag::register(SIGUSR1, Arc::clone(&signals.go_on))?;
        Ok(signals)
    }

    /// The exit code of a lab that was ended.
    fn ended(&self) -> Option<u8> {
        let number = self.end.load(Ordering::Relaxed);
        (number > 0).then(|| 128 + u8::try_from(number).unwrap_or_default())
    }
}

/// Carries packets until the first command has ended; gives its exit code.
fn stay(
    terrain: &mut Terrain<'_>,
    guests: &mut [(Party, Guest)],
    signals: &Signals,
    bell: &Bell,
    options: &LabOptions,
    keys: &mut Vec<String>,
) -> u8 {
    loop {
        let now = bell.now();
        let mut arrived = terrain.advance(now);
        for (host, guest) in &mut *guests {
            for packet in guest.packets() {
                terrain.send(now, *host, packet);
            }
        }
        arrived.extend(terrain.advance(now));
        for (to, packet) in arrived {
            let guest = guests.iter().find(|(host, _)| *host == to);
            guest.into_iter().for_each(|(_, guest)| guest.receive(&packet));
        }
        if signals.go_on.swap(false, Ordering::Relaxed) && !terrain.go_on(now) {
            tell(options, "nothing waits\n");
        }
        let told = terrain.told().into_iter().chain(relocate(terrain, guests));
        for words in told {
            tell(options, &format!("{:.1} s: {words}\n", now.as_secs_f64()));
        }
        let ended = signals.ended().or_else(|| guests.first_mut()?.1.exit_code());
        if options.pcap.is_some() {
            keys.extend(guests.iter_mut().flat_map(|(_, guest)| guest.keys()));
        }
        if let Some(code) = ended {
            return code;
        }
        let next = terrain.wake().unwrap_or(Duration::MAX).min(now + GLANCE);
        bell.wait_until(next);
    }
}

/// Gives hosts that were moved the addresses they have now, and everybody the names that go with
/// them; tells which these are.
fn relocate(terrain: &mut Terrain<'_>, guests: &mut [(Party, Guest)]) -> Vec<String> {
    let moved = terrain.moved();
    if moved.is_empty() {
        return Vec::new();
    }
    let names = terrain.names();
    let mut told = Vec::new();
    for (host, guest) in guests {
        let name = terrain.name(*host);
        let addresses = moved.iter().find(|(party, _)| party == host).map(|(_, own)| own);
        let done = addresses.map_or(Ok(()), |own| guest.readdress(own));
        match (done.and_then(|()| guest.rename(&names)), addresses) {
            (Err(error), _) => told.push(format!("change the addresses of {name}: {error}")),
            (Ok(()), Some(own)) => told.push(format!("{name} has {}", listed(own))),
            (Ok(()), None) => {}
        }
    }
    told
}

fn listed(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "no address".to_owned();
    }
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::file;
    use crate::run::scenarios;

    #[test]
    fn the_id_of_a_run_names_the_network_of_its_scenario() {
        let scenarios = scenarios(None).unwrap_or_else(|failure| panic!("{}", failure.message));
        for id in ["nat/full-cone-symmetric", "nat/full-cone-symmetric@offerer"] {
            let file = file(&scenarios, id).unwrap_or_else(|failure| panic!("{}", failure.message));
            assert!(file.nat.contains_key("home"), "{id}");
        }
        let failure = file(&scenarios, "nat/full-cone-symetric@offerer").expect_err("no such id");
        assert!(failure.message.contains("`nat/full-cone-symmetric`?"), "{}", failure.message);
    }
}
