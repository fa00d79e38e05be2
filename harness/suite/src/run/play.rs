//! One run from its beginning to its verdict.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rtcspec_control::outside::{Bell, Taken};
use rtcspec_control::{Feature, Implementation, Origin, Site, SpawnContext};
use rtcspec_trace::{Nat, Party, Peer, Profile, Server, Session};

use super::actor::Actor;
use super::hostility::{Hostility, Rulings};
use super::judge::judge;
use super::net::Net;
use super::pace::{LATE, ON_TIME, Pace};
use super::stage::Stage;
use super::survey::{Survey, survey};
use super::wire_only::WireOnly;
use crate::cases::{AsWritten, Case, Improvise};
use crate::scenario::{
    CandidateType, Family, File, Role, ServerKind, Transport, Variant, server_reference,
};
use crate::topology::{Elsewhere, build};
use crate::verdict::{Finding, Layer, RunResult, Verdict};

/// Who plays whom: first the offerer.
#[derive(Clone, Copy, Debug)]
pub struct Cast<'a> {
    /// Plays the offerer.
    pub offerer: &'a dyn Implementation,
    /// Plays the answerer.
    pub answerer: &'a dyn Implementation,
    /// Which of the two is under test; the other is the reference, or both are the same.
    pub under_test: Party,
}

impl Cast<'_> {
    fn of(&self, party: Party) -> &dyn Implementation {
        match party {
            Party::A => self.offerer,
            Party::B => self.answerer,
        }
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Played {
    /// Worst of the findings.
    pub verdict: Verdict,
    /// Everything judged.
    pub findings: Vec<Finding>,
    /// What an observer saw.
    pub session: Session,
    /// What the NATs turned out to be, one line each.
    pub nats: Vec<String>,
    /// Virtual time at the end.
    pub elapsed: Duration,
    /// Offerer first: `alice=reference`.
    pub peers: Vec<String>,
    /// Whether the path in use at the end was relayed, and the offerer's and answerer's candidate
    /// types; `None` when no data went both ways.
    pub path: Option<(bool, CandidateType, CandidateType)>,
    /// The run as pcapng, if it was captured.
    pub capture: Vec<u8>,
    /// What passed between the run and peers outside of it.
    pub taken: Vec<(Party, Taken)>,
}

impl Played {
    /// Whether the harness could not keep time, so that nothing is proven: worth another attempt.
    #[must_use]
    pub fn was_late(&self) -> bool {
        self.findings.iter().any(|finding| finding.requirement == ON_TIME)
    }
}

/// Features a role in a scenario takes, declared or implied.
#[must_use]
pub fn implied_needs(file: &File, name: &str) -> BTreeSet<Feature> {
    let mut needs: BTreeSet<Feature> = file.needs.iter().copied().collect();
    needs.insert(Feature::DataChannel);
    needs.extend(file.steps.iter().flat_map(|step| step.get_ref().needs()));
    if !file.main.ordered {
        needs.insert(Feature::Unordered);
    }
    if file.main.max_retransmits.or(file.main.max_packet_life_time).is_some() {
        needs.insert(Feature::PrSctp);
    }
    let Some(peer) = file.peer.get(name) else { return needs };
    if peer.families.contains(&Family::Ipv6) {
        needs.insert(Feature::Ipv6);
    }
    if peer.on.get_ref().names().len() > 1 {
        needs.insert(Feature::MultiInterface);
    }
    if peer.ice.lite {
        needs.insert(Feature::IceLite);
    }
    if peer.ice.mdns {
        needs.insert(Feature::Mdns);
    }
    if peer.ice.policy == crate::scenario::Policy::Relay {
        needs.insert(Feature::RelayPolicy);
    }
    for reference in &peer.ice.servers {
        let Some((server, transport)) = server_reference(file, reference.get_ref()) else {
            continue;
        };
        needs.insert(match (file.servers[server].kind, transport) {
            (ServerKind::Stun, _) => Feature::Stun,
            (ServerKind::Turn, Transport::Udp) => Feature::Turn,
            (ServerKind::Turn, Transport::Tcp) => Feature::TurnTcp,
            (ServerKind::Turn, Transport::Tls) => Feature::TurnTls,
        });
    }
    needs
}

/// What is wanted of a run beside its session.
#[derive(Clone, Copy, Debug)]
struct Beside {
    /// Every element is tapped.
    capture: bool,
    /// Its NATs are measured.
    survey: bool,
}

impl Beside {
    /// Of a run that is reported.
    const fn reported(capture: bool) -> Self {
        Self { capture, survey: true }
    }
}

/// Plays a scenario; with `capture`, every element is tapped.
#[must_use]
pub fn play(title: &str, variant: &Variant, cast: &Cast<'_>, seed: u64, capture: bool) -> Played {
    let hostility = scripted(&variant.file, &(Rc::new(RefCell::new(AsWritten)) as _));
    perform(title, variant, cast, hostility.as_ref(), seed, Beside::reported(capture))
}

/// Plays a scenario whose hostile side does not do what is written alone. Its NATs are measured with
/// `survey` only: that takes as long as a session, and says nothing about the peers.
#[must_use]
pub fn play_improvised(
    title: &str,
    variant: &Variant,
    cast: &Cast<'_>,
    improvise: &Rc<RefCell<dyn Improvise>>,
    seed: u64,
    survey: bool,
) -> Played {
    let hostility = scripted(&variant.file, improvise);
    let beside = Beside { capture: false, survey };
    perform(title, variant, cast, hostility.as_ref(), seed, beside)
}

/// The hostile side that a file describes, if it has one.
fn scripted(file: &File, improvise: &Rc<RefCell<dyn Improvise>>) -> Option<Hostility> {
    let (offerer, _) = roles(file);
    let name = file.hostile()?;
    let party = if name == offerer { Party::A } else { Party::B };
    Some(Hostility::of(file, party, Rc::clone(improvise)))
}

/// Plays a case: the peer that is not under test is the reference peer with the case's hand in it,
/// whoever was cast.
#[must_use]
pub fn play_case(
    title: &str,
    variant: &Variant,
    cast: &Cast<'_>,
    case: &Case,
    seed: u64,
    capture: bool,
) -> Played {
    let hostility = Hostility::new(case, cast.under_test.other());
    perform(title, variant, cast, Some(&hostility), seed, Beside::reported(capture))
}

/// Plays a case with evidence that is changed before it is judged.
#[cfg(test)]
#[must_use]
pub(crate) fn play_doctored(
    title: &str,
    variant: &Variant,
    cast: &Cast<'_>,
    case: &Case,
    doctor: crate::cases::sabotage::Doctor,
) -> Played {
    let hostility = Hostility::new(case, cast.under_test.other()).doctored(doctor);
    perform(title, variant, cast, Some(&hostility), 1, Beside::reported(false))
}

fn perform(
    title: &str,
    variant: &Variant,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
    seed: u64,
    beside: Beside,
) -> Played {
    let quiet = wire_only(&variant.file, cast, hostility);
    let reduced = quiet.and_then(|quiet| quiet.reduced(variant));
    let (variant, left_out) = match &reduced {
        Some((reduced, left_out)) => (reduced, Some(left_out)),
        None => (variant, None),
    };
    let peers = peers(&variant.file, [cast.offerer, cast.answerer]);
    let mut stage = match set_stage(&variant.file, quiet, cast, hostility, seed, beside.capture) {
        Ok(stage) => stage,
        Err(finding) => return never_begun(finding, peers),
    };
    stage.play(|stage| match hostility {
        None => met_so_far(stage, variant),
        Some(hostility) => hostility.met_so_far(stage, variant),
    });
    let rulings = hostility.map(|hostility| hostility.rule(&stage));
    stage.curtain();
    let survey = if beside.survey { survey(&variant.file) } else { Survey::default() };
    let mut played = finish(title, stage, variant, rulings, seed, peers, survey);
    if let Some(left_out) = left_out.filter(|_| played.verdict != Verdict::Unsupported) {
        played.findings.push(left_out.clone());
        played.verdict = RunResult::worst(&played.findings);
    }
    played
}

/// A run of which there is nothing to tell but why it did not begin.
fn never_begun(finding: Finding, peers: Vec<String>) -> Played {
    Played {
        verdict: finding.verdict,
        findings: vec![finding],
        session: Session::default(),
        nats: Vec::new(),
        elapsed: Duration::ZERO,
        peers,
        path: None,
        capture: Vec::new(),
        taken: Vec::new(),
    }
}

/// The network and the peers, with nothing said yet; or why they cannot be had.
fn set_stage<'f>(
    file: &'f File,
    quiet: Option<WireOnly<'_>>,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
    seed: u64,
    capture: bool,
) -> Result<Stage<'f>, Finding> {
    can_be_played(file, quiet, cast, hostility)?;
    let elsewhere = elsewhere(file, cast, hostility)?;
    let built = build(file, elsewhere.as_ref().map(|(_, elsewhere)| elsewhere), seed)
        .map_err(|error| inconclusive(error.to_string()))?;
    let mut net = Net::new(file, built, seed);
    if capture {
        net.begin_capture();
    }
    let bell = Arc::new(Bell::default());
    let actors = actors(file, cast, hostility, seed, &mut net, &bell)?;
    let mut stage = Stage::new(file, actors, net);
    stage.hostile = hostility.map(|hostility| (hostility.party, Rc::clone(&hostility.hand)));
    stage.elsewhere = elsewhere.map(|(party, _)| party);
    stage.pace = pace(&stage.actors, bell);
    if let Some(quiet) = quiet {
        stage.listens_to(quiet);
    }
    Ok(stage)
}

/// Whether the peers can do what the scenario asks.
fn can_be_played(
    file: &File,
    quiet: Option<WireOnly<'_>>,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
) -> Result<(), Finding> {
    let (offerer, answerer) = roles(file);
    for (party, name) in [(Party::A, offerer), (Party::B, answerer)] {
        if let Some(finding) = missing_feature(file, name, cast.of(party)) {
            return Err(finding);
        }
    }
    match quiet.and_then(|quiet| unasked(quiet, file, cast, hostility)) {
        Some(finding) => Err(finding),
        None => Ok(()),
    }
}

/// The peers in their roles, offerer first.
fn actors(
    file: &File,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
    seed: u64,
    net: &mut Net,
    bell: &Arc<Bell>,
) -> Result<[Actor; 2], Finding> {
    let (offerer, answerer) = roles(file);
    let mut actors = Vec::new();
    for (party, name) in [(Party::A, offerer), (Party::B, answerer)] {
        // Peers of one run must not share their randomness.
        let context = SpawnContext {
            seed: seed.wrapping_mul(2) + u64::from(party == Party::B),
            now: Duration::ZERO,
        };
        let spawned = match hostility.filter(|hostility| hostility.party == party) {
            Some(hostility) => Ok(hostility.spawn(context)),
            None if cast.of(party).origin() == Origin::Inside => cast.of(party).spawn(context),
            None => {
                net.make_bare(party);
                cast.of(party).spawn_outside(context, &net.interfaces(party), bell)
            }
        };
        let endpoint = spawned.map_err(|error| inconclusive(error.to_string()))?;
        actors.push(Actor::new(name, party, endpoint));
    }
    <[Actor; 2]>::try_from(actors).map_err(|_| inconclusive("cast both roles".to_owned()))
}

/// Who of the two only answers an offer, if one does and is no hostile peer here.
fn wire_only<'a>(
    file: &'a File,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
) -> Option<WireOnly<'a>> {
    let played = |party| hostility.is_none_or(|hostility| hostility.party != party);
    let mut parties = [Party::A, Party::B].into_iter().filter(|party| played(*party));
    parties.find_map(|party| WireOnly::of(file, party, &cast.of(party).hello()))
}

/// What of the scenario a peer that only answers cannot be asked for.
fn unasked(
    quiet: WireOnly<'_>,
    file: &File,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
) -> Option<Finding> {
    let other = match hostility {
        // The hostile peer is the reference peer, which tells its keys.
        Some(_) => rtcspec_adapter_reference::Reference.hello(),
        None => cast.of(quiet.party.other()).hello(),
    };
    let mut beyond = quiet.beyond(file, &other);
    if hostility.is_some_and(|hostility| hostility.asks_the_peer) {
        beyond.push("what its application has received".to_owned());
    }
    (!beyond.is_empty()).then(|| Finding {
        verdict: Verdict::Unsupported,
        requirement: "the implementation can be asked for what the scenario asks".to_owned(),
        expected: beyond.join(", "),
        actual: format!(
            "{} only answers an offer, and what it does is read on the wire",
            cast.of(quiet.party).hello().implementation
        ),
        layer: Layer::Control,
        lines: Vec::new(),
    })
}

/// Who of the two is on a real network, if one is and the scenario can be played there.
fn elsewhere(
    file: &File,
    cast: &Cast<'_>,
    hostility: Option<&Hostility>,
) -> Result<Option<(Party, Elsewhere)>, Finding> {
    let (offerer, answerer) = roles(file);
    let names = [(Party::A, offerer), (Party::B, answerer)];
    let played = |party| hostility.is_none_or(|hostility| hostility.party != party);
    for (party, name) in names {
        let Site::Elsewhere(local) = cast.of(party).site() else { continue };
        if !played(party) {
            continue;
        }
        let elsewhere = Elsewhere { peer: name.to_owned(), local };
        let mut missing = elsewhere.missing(file);
        let other = party.other();
        if played(other) && cast.of(other).origin() != Origin::Inside {
            missing.push("another peer that lives in the time of the run".to_owned());
        }
        if missing.is_empty() {
            return Ok(Some((party, elsewhere)));
        }
        return Err(Finding {
            verdict: Verdict::Unsupported,
            requirement: "the network of the scenario can be had where the peer is".to_owned(),
            expected: missing.join(", "),
            actual: "a real network, without what rtcspec could script".to_owned(),
            layer: Layer::Network,
            lines: Vec::new(),
        });
    }
    Ok(None)
}

/// The pace of the peer that can be hurried least.
fn pace(actors: &[Actor; 2], bell: Arc<Bell>) -> Pace {
    let origins = actors.each_ref().map(|actor| actor.endpoint.origin());
    if origins.contains(&Origin::Outside) {
        Pace::wall(bell)
    } else if origins.contains(&Origin::Record) {
        Pace::Record
    } else {
        Pace::Virtual
    }
}

/// A run on a machine that could not keep up proves nothing.
fn lateness(pace: &Pace) -> Option<Finding> {
    let late = pace.lateness().filter(|late| *late > LATE)?;
    Some(Finding {
        verdict: Verdict::Inconclusive,
        requirement: ON_TIME.to_owned(),
        expected: format!("99 of 100 events at most {} ms late", LATE.as_millis()),
        actual: format!("{} ms late", late.as_millis()),
        layer: Layer::Network,
        lines: Vec::new(),
    })
}

fn finish(
    title: &str,
    mut stage: Stage<'_>,
    variant: &Variant,
    rulings: Option<Rulings>,
    seed: u64,
    peers: Vec<String>,
    survey: Survey,
) -> Played {
    let mut findings = match stage.actors.iter().find_map(|actor| {
        actor.log.unsupported.as_ref().map(|what| (actor.name.clone(), what.clone()))
    }) {
        Some((name, what)) => vec![Finding {
            verdict: Verdict::Unsupported,
            requirement: "the implementation can do what the scenario asks".to_owned(),
            expected: what.clone(),
            actual: format!("{name} answers `unsupported`: {what}"),
            layer: Layer::Control,
            lines: Vec::new(),
        }],
        None => match rulings {
            None => judge(&stage, variant),
            Some(rulings) => rulings.join(judge(&stage, variant)),
        },
    };
    findings.extend(survey.findings);
    findings.extend(lateness(&stage.pace));
    let trouble = stage.actors.iter().filter_map(|actor| actor.endpoint.trouble());
    findings.extend(trouble.map(|what| inconclusive(what.to_owned())));
    let session = session(title, &mut stage, seed);
    let path = path(&stage);
    let capture = stage.net.pcapng(&session.secrets);
    Played {
        verdict: RunResult::worst(&findings),
        findings,
        nats: survey.lines,
        session,
        elapsed: stage.now,
        peers,
        path,
        capture,
        taken: std::mem::take(&mut stage.taken),
    }
}

/// Who plays whom, offerer first: `alice=reference`.
pub(crate) fn peers(file: &File, [first, second]: [&dyn Implementation; 2]) -> Vec<String> {
    let (offerer, answerer) = roles(file);
    let words = |name, implementation: &dyn Implementation| {
        format!("{name}={}", implementation.hello().implementation)
    };
    vec![words(offerer, first), words(answerer, second)]
}

pub(super) fn roles(file: &File) -> (&str, &str) {
    let find = |role| {
        let mut peers = file.peer.iter().filter(|(_, peer)| peer.role == role);
        peers.next().map_or("", |(name, _)| name.as_str())
    };
    (find(Role::Offerer), find(Role::Answerer))
}

fn missing_feature(
    file: &File,
    name: &str,
    implementation: &dyn Implementation,
) -> Option<Finding> {
    let hello = implementation.hello();
    let missing: Vec<String> = implied_needs(file, name)
        .into_iter()
        .filter(|feature| !hello.has(*feature))
        .map(Feature::word)
        .collect();
    (!missing.is_empty()).then(|| Finding {
        verdict: Verdict::Unsupported,
        requirement: "the implementation can do what the scenario asks".to_owned(),
        expected: missing.join(", "),
        actual: format!("{} does not declare it", hello.implementation),
        layer: Layer::Control,
        lines: Vec::new(),
    })
}

fn inconclusive(reason: String) -> Finding {
    Finding {
        verdict: Verdict::Inconclusive,
        requirement: "the run can begin".to_owned(),
        expected: "a network and two peers".to_owned(),
        actual: reason,
        layer: Layer::Network,
        lines: Vec::new(),
    }
}

/// Whether everything expected has come true, so that waiting longer can only spoil it. Runs whose
/// expectations speak of time that has to pass go on to their limit.
pub(super) fn met_so_far(stage: &Stage<'_>, variant: &Variant) -> bool {
    let waits = variant.file.expect.iter().any(|expect| {
        let expect = expect.get_ref();
        expect.not_connected.is_some()
            || expect.path == Some(crate::scenario::Path::None)
            || expect.never.is_some()
    });
    !waits && judge(stage, variant).iter().all(|finding| finding.verdict.is_fine())
}

fn session(title: &str, stage: &mut Stage<'_>, seed: u64) -> Session {
    let mut session = Session {
        title: title.to_owned(),
        seed: Some(seed),
        profile: Profile::Exact,
        signals: std::mem::take(&mut stage.post.signals),
        datagrams: std::mem::take(&mut stage.datagrams),
        secrets: std::mem::take(&mut stage.secrets),
        actions: std::mem::take(&mut stage.actions),
        ..Session::default()
    };
    for actor in &stage.actors {
        if !actor.hello.has(Feature::Exact) {
            session.profile = Profile::Loose;
        }
        session.peers.push(Peer {
            party: actor.party,
            implementation: format!("{} {}", actor.hello.implementation, actor.hello.version),
            addresses: stage.watch.addresses_of(actor.party),
            behind: behind(stage.file, &actor.name),
        });
    }
    for (name, place) in stage.net.servers() {
        let turn = stage.file.servers.get(name).is_some_and(|s| s.kind == ServerKind::Turn);
        session.servers.push(Server {
            name: name.clone(),
            addresses: place.addresses.clone(),
            turn,
        });
    }
    for (name, section) in &stage.file.nat {
        let params = crate::topology::nat_params(section);
        let external = stage.net.nat(name).map(|nat| stage.net.world().fabric().outside(nat));
        session.nats.push(Nat {
            name: name.clone(),
            words: nat_words(&params),
            external: external
                .map(|port| stage.net.world().fabric().addresses(port).to_vec())
                .unwrap_or_default(),
        });
    }
    session.links = stage.file.link.iter().map(|(name, link)| link_words(name, link)).collect();
    session
}

pub(super) fn nat_words(params: &rtcspec_net::nat::Params) -> String {
    let word = |word: &str| {
        word.replace("address-and-port-dependent", "address+port")
            .replace("-dependent", "")
            .replace("-independent", "")
    };
    format!("map={} filter={}", word(params.mapping.word()), word(params.filtering.word()))
}

/// `home: 20ms loss 5%`.
fn link_words(name: &str, link: &crate::scenario::Link) -> String {
    let mut words = vec![name.to_owned()];
    words.extend(link.delay.map(|delay| delay.to_string()));
    words.extend(link.jitter.map(|jitter| format!("jitter<={}", jitter.up_to)));
    words.extend(link.loss.as_ref().map(|loss| match loss {
        crate::scenario::Loss::Uniform(share) => format!("loss {share}"),
        crate::scenario::Loss::GilbertElliott { .. } => "loss gilbert-elliott".to_owned(),
        crate::scenario::Loss::Every(n) => format!("loses every {n}th"),
        crate::scenario::Loss::Packets(numbers) => format!("loses {numbers:?}"),
    }));
    words.extend(link.duplicate.map(|share| format!("duplicates {share}")));
    words.extend(
        link.reorder.map(|reorder| format!("reorders {} by {}", reorder.share, reorder.by)),
    );
    words.extend(link.corrupt.map(|share| format!("corrupts {share}")));
    words.extend(link.mtu.map(|mtu| format!("mtu {mtu}")));
    words.join(" ")
}

/// Boxes a peer is behind, innermost first.
pub(super) fn behind(file: &File, name: &str) -> Vec<String> {
    let mut boxes = Vec::new();
    if file.firewall.contains_key(name) {
        boxes.push(format!("firewall.{name}"));
    }
    let Some(peer) = file.peer.get(name) else { return boxes };
    let mut at = peer.on.get_ref().names().first().cloned().unwrap_or_default();
    for _ in 0..=file.nat.len() {
        let Some((nat, section)) = file.nat.iter().find(|(_, nat)| *nat.inside.get_ref() == at)
        else {
            break;
        };
        boxes.push(format!("nat.{nat}"));
        at.clone_from(section.outside.get_ref());
    }
    boxes
}

fn path(stage: &Stage<'_>) -> Option<(bool, CandidateType, CandidateType)> {
    stage.opened?;
    let last = |party| stage.watch.last_data(party, Duration::ZERO..Duration::MAX);
    let (a, b) = (last(Party::A)?, last(Party::B)?);
    Some((a.relayed || b.relayed, a.source, b.source))
}
