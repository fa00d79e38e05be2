//! The implementations this build carries.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rtcspec_control::Implementation as _;
use rtcspec_control::process::Launch;
use rtcspec_lab::Adapter;
use rtcspec_remote::{Bridge, Contract, Trust};
use rtcspec_suite::plan::Player;

use crate::adapter::FOLDER;
use crate::args::{Common, Named};
use crate::exit::{Exit, Failure};
use crate::{adapter, listen, near};

/// Every built-in implementation, the reference peer first.
pub(crate) fn all() -> Vec<Player> {
    #[cfg_attr(
        not(any(feature = "rtc", feature = "str0m")),
        expect(unused_mut, reason = "nothing to add")
    )]
    let mut players: Vec<Player> = vec![Arc::new(rtcspec_adapter_reference::Reference)];
    #[cfg(feature = "rtc")]
    players.push(Arc::new(rtcspec_adapter_rtc::Rtc::new()));
    #[cfg(feature = "str0m")]
    players.push(Arc::new(rtcspec_adapter_str0m::Str0m::new()));
    players
}

/// What is added to the name of somebody who is there already, as a process, or on a real network.
const PROCESS: &str = "-process";
const ELSEWHERE: &str = "-elsewhere";

/// The name that expectations have for somebody: that of the one there already.
pub(crate) fn expected_as(name: &str) -> &str {
    let bare = |ending| name.strip_suffix(ending);
    bare(PROCESS).or_else(|| bare(ELSEWHERE)).unwrap_or(name)
}

/// Stands for every built-in implementation and every adapter that is set up.
const EVERYBODY: &str = "all";

/// Who is under test, and everybody there is: built-in implementations, and adapters as processes.
pub(crate) struct Players {
    /// Everybody a scenario may name.
    pub(crate) all: Vec<Player>,
    /// Who is tested.
    pub(crate) under_test: Vec<Player>,
    /// How those were asked for who are not built in.
    pub(crate) asked: Asked,
}

/// Options that bring players, by their names in reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(BTreeMap<String, String>);

impl Asked {
    /// The option that brings a player.
    pub(crate) fn option(&self, player: &Player) -> String {
        let name = player.hello().implementation;
        self.0.get(&name).cloned().unwrap_or_else(|| format!("--peer {name}"))
    }

    /// The options that bring those who play a run: who is under test, and another who is not built in.
    pub(crate) fn options(&self, tested: &Player, other: &Player) -> String {
        let (tested, name) = (self.option(tested), other.hello().implementation);
        match self.0.get(&name).filter(|other| **other != tested) {
            Some(other) => format!("{tested} {other}"),
            None => tested,
        }
    }
}

/// A word as a shell reads it again.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl Players {
    /// Puts somebody under test who is not built in.
    fn bring(&mut self, player: Player, option: String) {
        self.asked.0.insert(player.hello().implementation, option);
        self.all.push(Arc::clone(&player));
        self.under_test.push(player);
    }
}

/// Whom the command line asks for.
pub(crate) fn asked_for(common: &Common) -> Result<Players, Failure> {
    let built_in = all();
    let names = names(&built_in, common)?;
    let asked = Asked::default();
    let mut players = Players { all: built_in.clone(), under_test: Vec::new(), asked };
    for name in &names {
        match built_in.iter().find(|player| player.hello().implementation == *name) {
            Some(player) => players.under_test.push(Arc::clone(player)),
            None => {
                let launch = set_up(name, &built_in, common)?;
                let player = process(launch, &players.all)?;
                players.bring(player, by_name(name, common));
            }
        }
    }
    for command in &common.peer_commands {
        let launch = Launch {
            command: ["sh", "-c", command].map(OsString::from).to_vec(),
            ..Launch::default()
        };
        let player = process(launch, &players.all)?;
        players.bring(player, format!("--peer-cmd {}", quoted(command)));
    }
    for place in &common.peer_listen {
        let remote = listen::wait_for(*place)?;
        let name = remote.hello().implementation;
        let player: Player = Arc::new(match is_taken(&name, &players.all) {
            true => remote.named(&format!("{name}{ELSEWHERE}")),
            false => remote,
        });
        players.bring(player, format!("--peer-listen {place}"));
    }
    for (bridge, option) in bridges(common)? {
        let name = bridge.hello().implementation;
        let player: Player = Arc::new(match is_taken(&name, &players.all) {
            true => bridge.named(&format!("{name}{ELSEWHERE}")),
            false => bridge,
        });
        players.bring(player, option);
    }
    Ok(players)
}

/// The names that are asked for, with those that one of them, or none, stands for.
fn names(built_in: &[Player], common: &Common) -> Result<Vec<String>, Failure> {
    let mut names = common.peers.clone();
    let built_in = built_in.iter().map(|player| player.hello().implementation);
    if let Some(at) = names.iter().position(|name| name == EVERYBODY) {
        names.remove(at);
        let folder = adapter::everything(&common.adapters)?;
        let set_up = folder.into_iter().map(|manifest| manifest.name);
        return Ok(built_in.chain(names).chain(set_up).collect());
    }
    Ok(if names.is_empty() && !brings_somebody(common) { built_in.collect() } else { names })
}

/// How an adapter of a name is started.
fn set_up(name: &str, built_in: &[Player], common: &Common) -> Result<Launch, Failure> {
    adapter::launch(name, &common.adapters).map_err(|not_set_up| match adapter::is_known(name) {
        true => not_set_up,
        false => nobody(name, built_in, &common.adapters),
    })
}

/// Somebody who is neither built in nor an adapter.
fn nobody(name: &str, built_in: &[Player], adapters: &Path) -> Failure {
    let built_in = built_in.iter().map(|player| player.hello().implementation);
    let built_in: Vec<String> = built_in.collect();
    let set_up = adapter::everything(adapters).unwrap_or_default();
    // Who has an adapter has a file of what is known of it.
    let carried = rtcspec_scenarios::EXPECTATIONS.iter().map(|(name, _)| *name);
    let carried = carried.filter(|name| adapter::is_known(name));
    let known = built_in.iter().map(String::as_str).chain(carried);
    let known: Vec<&str> = known.chain(set_up.iter().map(|one| one.name.as_str())).collect();
    let (hint, built_in) = (near::hint(name, &known), built_in.join(", "));
    Failure::usage(format!("there is no peer `{name}`{hint}; built in are {built_in}"))
}

/// The option for an adapter that is set up.
fn by_name(name: &str, common: &Common) -> String {
    let peer = format!("--peer {name}");
    match common.adapters == Path::new(FOLDER) {
        true => peer,
        false => format!("{peer} --adapters {}", quoted(&common.adapters.to_string_lossy())),
    }
}

/// Whether somebody is to be tested who has no name here.
fn brings_somebody(common: &Common) -> bool {
    let urls = common.peer_offer_urls.len() + common.peer_whips.len();
    common.peer_commands.len() + common.peer_listen.len() + urls > 0
}

/// The servers behind URLs, and the options that name them.
fn bridges(common: &Common) -> Result<Vec<(Bridge, String)>, Failure> {
    let offers = common.peer_offer_urls.iter().map(|named| ("offer-url", named, Contract::Offer));
    let whip = Contract::Whip { token: common.whip_token.clone() };
    let whips = common.peer_whips.iter().map(|named| ("whip", named, whip.clone()));
    let trust = trust(common.https_ca.as_deref())?;
    let vouched = common.https_ca.as_ref().map_or_else(String::new, |file| {
        format!(" --https-ca {}", quoted(&file.to_string_lossy()))
    });
    let make = |(kind, named, contract): (&str, &Named, Contract)| {
        let option = format!("--peer-{kind} {}{vouched}", quoted(&named.to_string()));
        let Named { name, url } = named;
        let (name, version) = name.as_ref().map_or((kind, ""), |(name, version)| (name, version));
        let bridge = Bridge::new(name, version, url, contract, trust.clone());
        bridge.map(|bridge| (bridge, option)).map_err(|error| Failure::usage(error.to_string()))
    };
    offers.chain(whips).map(make).collect()
}

/// Whom servers behind `https://` are believed.
fn trust(file: Option<&Path>) -> Result<Trust, Failure> {
    let Some(file) = file else { return Ok(Trust::public()) };
    let cannot = |why: String| Failure::usage(format!("read {}: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| cannot(error.to_string()))?;
    Trust::pem(&bytes).map_err(|error| cannot(error.to_string()))
}

/// Whether somebody of this name is there.
fn is_taken(name: &str, all: &[Player]) -> bool {
    all.iter().any(|player| player.hello().implementation == name)
}

/// An adapter as a player. One that says the name of somebody who is there already gets another:
/// `str0m-process`.
fn process(launch: Launch, others: &[Player]) -> Result<Player, Failure> {
    let not_started =
        |error: String| Failure { exit: Exit::NotStarted, message: format!("start {error}") };
    let this = std::env::current_exe().map_err(|error| not_started(error.to_string()))?;
    let adapter =
        Adapter::new(launch, this.into()).map_err(|error| not_started(error.to_string()))?;
    let name = adapter.hello().implementation;
    Ok(Arc::new(if is_taken(&name, others) {
        adapter.named(&format!("{name}{PROCESS}"))
    } else {
        adapter
    }))
}

/// The players of these names; all of them when there are none.
pub(crate) fn chosen(all: &[Player], names: &[String]) -> Result<Vec<Player>, Failure> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    names
        .iter()
        .map(|name| {
            let found = all.iter().find(|player| player.hello().implementation == *name);
            found.cloned().ok_or_else(|| {
                let known: Vec<String> =
                    all.iter().map(|player| player.hello().implementation).collect();
                let hint = near::hint(name, &known.iter().map(String::as_str).collect::<Vec<_>>());
                let known = known.join(", ");
                Failure::usage(format!("there is no peer `{name}`{hint}; built in are {known}"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_for_a_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("exec 'x'"), r"'exec '\''x'\'''");
    }

    #[test]
    fn who_is_not_built_in_is_brought_as_he_was() {
        let all = all();
        let [reference, rtc, ..] = &all[..] else { return };
        let name = rtc.hello().implementation;
        let asked = Asked(BTreeMap::from([(name, "--peer-cmd 'x'".to_owned())]));
        assert_eq!(asked.option(reference), "--peer reference");
        assert_eq!(asked.options(rtc, reference), "--peer-cmd 'x'");
        assert_eq!(asked.options(reference, rtc), "--peer reference --peer-cmd 'x'");
        assert_eq!(asked.options(rtc, rtc), "--peer-cmd 'x'");
    }

    #[test]
    fn a_name_that_is_nearly_that_of_an_adapter_is_told() {
        let failure = nobody("chromum", &all(), Path::new("/nowhere"));
        let words = "there is no peer `chromum`; did you mean `chromium`?; built in are reference";
        assert!(failure.message.starts_with(words), "{}", failure.message);
    }
}
