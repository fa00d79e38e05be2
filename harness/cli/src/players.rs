//! The implementations this build carries.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rtcspec_control::Implementation as _;
use rtcspec_control::process::Launch;
use rtcspec_lab::Adapter;
use rtcspec_remote::{Bridge, Contract, Trust};
use rtcspec_suite::plan::Player;

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
}

/// Whom the command line asks for.
pub(crate) fn asked_for(common: &Common) -> Result<Players, Failure> {
    let mut all = all();
    let built_in = all.clone();
    let mut names = common.peers.clone();
    let mut under_test = Vec::new();
    if let Some(at) = names.iter().position(|name| name == EVERYBODY) {
        names.remove(at);
        under_test.extend(built_in.iter().cloned());
        let folder = adapter::everything(&common.adapters)?;
        names.extend(folder.into_iter().map(|manifest| manifest.name));
    } else if names.is_empty() && !brings_somebody(common) {
        under_test.extend(built_in.iter().cloned());
    }
    for name in &names {
        if built_in.iter().any(|player| player.hello().implementation == *name) {
            under_test.extend(chosen(&built_in, std::slice::from_ref(name))?);
            continue;
        }
        // Neither built in nor set up: say what is, with a hint.
        let launch = adapter::launch(name, &common.adapters);
        let launch = launch.or_else(|not_set_up| match adapter::is_known(name) {
            true => Err(not_set_up),
            false => chosen(&built_in, std::slice::from_ref(name)).and(Err(not_set_up)),
        })?;
        let player = process(launch, &all)?;
        all.push(Arc::clone(&player));
        under_test.push(player);
    }
    for command in &common.peer_commands {
        let launch = Launch {
            command: ["sh", "-c", command].map(OsString::from).to_vec(),
            ..Launch::default()
        };
        let player = process(launch, &all)?;
        all.push(Arc::clone(&player));
        under_test.push(player);
    }
    for place in &common.peer_listen {
        let remote = listen::wait_for(*place)?;
        let name = remote.hello().implementation;
        let player: Player = Arc::new(match is_taken(&name, &all) {
            true => remote.named(&format!("{name}{ELSEWHERE}")),
            false => remote,
        });
        all.push(Arc::clone(&player));
        under_test.push(player);
    }
    for bridge in bridges(common)? {
        let name = bridge.hello().implementation;
        let player: Player = Arc::new(match is_taken(&name, &all) {
            true => bridge.named(&format!("{name}{ELSEWHERE}")),
            false => bridge,
        });
        all.push(Arc::clone(&player));
        under_test.push(player);
    }
    Ok(Players { all, under_test })
}

/// Whether somebody is to be tested who has no name here.
fn brings_somebody(common: &Common) -> bool {
    let urls = common.peer_offer_urls.len() + common.peer_whips.len();
    common.peer_commands.len() + common.peer_listen.len() + urls > 0
}

/// The servers behind URLs.
fn bridges(common: &Common) -> Result<Vec<Bridge>, Failure> {
    let offers = common.peer_offer_urls.iter().map(|named| ("offer-url", named, Contract::Offer));
    let whip = Contract::Whip { token: common.whip_token.clone() };
    let whips = common.peer_whips.iter().map(|named| ("whip", named, whip.clone()));
    let trust = trust(common.https_ca.as_deref())?;
    let make = |(kind, Named { name, url }, contract): (&str, &Named, Contract)| {
        let (name, version) = name.as_ref().map_or((kind, ""), |(name, version)| (name, version));
        let bridge = Bridge::new(name, version, url, contract, trust.clone());
        bridge.map_err(|error| Failure::usage(error.to_string()))
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
