//! What the oracle says of each point of a scenario.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rtcspec_net::oracle::{Options, Outcome, Verdict};
use toml::Spanned;

use super::timeline::{Moment, of_expectation, of_step};
use crate::matrix::scenario_type;
use crate::scenario::{
    Block, BlockedProtocol, CandidateType, Expect, File, Firewall, LinkState, OneOrMore, Path,
    Policing, Step, server_reference,
};
use crate::topology::{Prediction, nat_params, predict};

/// What the oracle says of a point in time.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The point: empty at the start, else the expectation's `after`.
    pub when: String,
    /// What must come of connecting anew on the network of that time, or why that cannot be said.
    pub outcome: Result<Outcome, String>,
    /// Whether that is what must be: nothing has changed since the peers last negotiated.
    pub fresh: bool,
}

/// An expectation that the oracle rules out.
#[derive(Clone, Debug)]
pub(crate) struct Contradiction {
    /// Where it stands.
    pub(crate) span: Range<usize>,
    /// What it says.
    pub(crate) what: String,
    /// Why it cannot be.
    pub(crate) why: String,
}

/// What the oracle says of the start and of every other point that an expectation names.
#[must_use]
pub fn outlook(file: &File) -> Vec<Outlook> {
    let mut oracle = Oracle::new(file);
    let afters: BTreeSet<&str> = file
        .expect
        .iter()
        .filter_map(|expect| expect.get_ref().after.as_ref())
        .map(|after| after.get_ref().as_str())
        .collect();
    std::iter::once(None)
        .chain(afters.into_iter().map(Some))
        .map(|after| match oracle.view(after) {
            Ok(view) => Outlook {
                when: after.unwrap_or_default().to_owned(),
                outcome: Ok(view.now.outcome),
                fresh: view.fresh,
            },
            Err(why) => {
                let when = after.unwrap_or_default().to_owned();
                Outlook { when, outcome: Err(why), fresh: false }
            }
        })
        .collect()
}

/// What must come of connecting on the network of the start; `None` where that cannot be said. It is what
/// [`outlook`] says first, without the reasons, which take as long to find.
#[must_use]
pub fn verdict(file: &File) -> Option<Verdict> {
    let options = Options { explain: false, stop_early: true, ..Options::default() };
    let mut oracle = Oracle { options, ..Oracle::new(file) };
    oracle.view(None).ok().map(|view| view.now.outcome.verdict)
}

/// Every expectation of a file that the oracle rules out. What depends on the matrix is looked at
/// with its values filled in.
pub(crate) fn contradictions(file: &File) -> Vec<Contradiction> {
    let mut oracle = Oracle::new(file);
    let mut all = Vec::new();
    for expect in file.expect.iter().filter(|expect| expect.get_ref().condition.is_empty()) {
        let (span, expect) = (expect.span(), expect.get_ref());
        let asks = expect.path.is_some()
            || expect.connected.is_some()
            || expect.not_connected == Some(true)
            || expect.relay.is_some()
            || !expect.candidates.is_empty();
        let after = expect.after.as_ref().map(|after| after.get_ref().as_str());
        let Some(view) = asks.then(|| oracle.view(after).ok()).flatten() else { continue };
        for (what, why) in view.contradicts(expect) {
            let when = after.map_or(String::new(), |after| format!(" after `{after}`"));
            all.push(Contradiction { span: span.clone(), what: format!("{what}{when}"), why });
        }
    }
    all
}

/// The oracle, asked once for each network a file's steps make.
struct Oracle<'f> {
    file: &'f File,
    options: Options,
    /// By the steps that have changed the network.
    asked: BTreeMap<Vec<usize>, Result<Prediction, String>>,
}

/// What is known of an expectation's time.
struct View {
    /// Connecting anew on the network of that time.
    now: Prediction,
    /// The peers have negotiated since the network last changed.
    fresh: bool,
    /// The same on the networks before and after it, up to the next negotiation.
    others: Vec<Outcome>,
}

impl<'f> Oracle<'f> {
    fn new(file: &'f File) -> Self {
        Self { file, options: Options::default(), asked: BTreeMap::new() }
    }

    fn view(&mut self, after: Option<&str>) -> Result<View, String> {
        beyond_the_model(self.file)?;
        let at = of_expectation(self.file, after).ok_or("its time is not known")?;
        let steps = self.steps()?;
        let mut before: Vec<usize> = Vec::new();
        let (mut fresh, mut others) = (true, Vec::new());
        let mut until: Option<Moment> = None;
        let negotiations = steps.iter().filter(|(_, _, kind)| *kind == Kind::Negotiates);
        // The first makes the session; those after it end what was before.
        for (index, moment, _) in negotiations.skip(1) {
            if order(self.file, *index, *moment, at)? == Ordering::Greater
                && until.is_none_or(|until| moment.against(until) == Some(Ordering::Less))
            {
                until = Some(*moment);
            }
        }
        for (index, moment, kind) in steps {
            match (kind, order(self.file, index, moment, at)?) {
                (Kind::Negotiates, Ordering::Greater) => {}
                (Kind::Negotiates, _) => {
                    fresh = true;
                    others.clear();
                }
                (_, Ordering::Greater) => {
                    let later =
                        until.is_some_and(|until| moment.against(until) != Some(Ordering::Less));
                    if !later {
                        // It may be this network that the expectation is judged on.
                        let mut then = before.clone();
                        then.push(index);
                        others.push(then);
                    }
                }
                (_, _) => {
                    others.push(before.clone());
                    before.push(index);
                    fresh = false;
                }
            }
        }
        let now = self.ask(&before)?;
        let others = others
            .into_iter()
            .map(|changes| self.ask(&changes).map(|prediction| prediction.outcome))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(View { now, fresh, others })
    }

    /// Steps that matter here, in their order.
    fn steps(&self) -> Result<Vec<(usize, Moment, Kind)>, String> {
        let mut steps = Vec::new();
        for (index, step) in self.file.steps.iter().enumerate() {
            if let Some(kind) = kind(step.get_ref()) {
                let moment = of_step(self.file, index).ok_or("the time of a step is not known")?;
                steps.push((index, moment, kind));
            }
        }
        for (place, (index, moment, _)) in steps.iter().enumerate() {
            for (other, against, _) in &steps[place + 1..] {
                if moment.against(*against).is_none() {
                    return Err(unordered(self.file, *index, &name(self.file, *other)));
                }
            }
        }
        steps.sort_by(|a, b| a.1.against(b.1).unwrap_or(Ordering::Equal));
        Ok(steps)
    }

    fn ask(&mut self, changes: &[usize]) -> Result<Prediction, String> {
        // A box that forgets is the same box.
        let changes: Vec<usize> = changes
            .iter()
            .copied()
            .filter(|index| !forgets(self.file.steps[*index].get_ref()))
            .collect();
        if let Some(known) = self.asked.get(&changes) {
            return known.clone();
        }
        let (file, down) = changed(self.file, &changes);
        let mut prediction = predict(&file, &self.options);
        if let Ok(prediction) = &mut prediction {
            // A link that is down is to the model a wall.
            for name in &down {
                let wall = format!("firewall.{name} (firewall): UDP does not pass");
                let link = format!("link.{name}, which is down");
                prediction.outcome.why = prediction.outcome.why.replace(&wall, &link);
            }
        }
        self.asked.insert(changes, prediction.clone());
        prediction
    }
}

/// What a step means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The peers connect, or connect anew.
    Negotiates,
    /// The network becomes another one, or forgets.
    Changes,
}

fn kind(step: &Step) -> Option<Kind> {
    let negotiates = step.connect.is_some() || step.glare.is_some() || step.restart.is_some();
    let link = step.link.as_ref().is_some_and(|change| change.to.state.is_some());
    let changes = step.moving.is_some() || step.block.is_some() || step.unblock.is_some();
    if negotiates {
        return Some(Kind::Negotiates);
    }
    (link || changes || forgets(step)).then_some(Kind::Changes)
}

fn forgets(step: &Step) -> bool {
    step.reboot.is_some() || step.renumber.is_some() || step.expire.is_some()
}

fn order(file: &File, index: usize, step: Moment, at: Moment) -> Result<Ordering, String> {
    step.against(at).ok_or_else(|| unordered(file, index, "the expectation"))
}

fn unordered(file: &File, index: usize, other: &str) -> String {
    format!("{} may come before or after {other}", name(file, index))
}

fn name(file: &File, index: usize) -> String {
    let step = file.steps[index].get_ref();
    match &step.name {
        Some(name) => format!("step `{}`", name.get_ref()),
        None => format!("step {} ({})", index + 1, step.verbs().join(", ")),
    }
}

/// What the oracle leaves out of account: see the module `rtcspec_net::oracle`.
fn beyond_the_model(file: &File) -> Result<(), String> {
    const MANY: u32 = 32;
    for (name, firewall) in &file.firewall {
        if firewall.kill_after.is_some() || !firewall.kill.is_empty() {
            return Err(format!("firewall.{name} has kill rules"));
        }
    }
    for (name, section) in &file.nat {
        let params = nat_params(section);
        let limits = [params.limits.per_subscriber, params.limits.new_per_second];
        let all = limits.into_iter().chain([params.limits.mappings]).flatten();
        if all.min().is_some_and(|least| least < MANY) {
            return Err(format!("nat.{name} has limits that are soon reached"));
        }
    }
    Ok(())
}

/// The file with the network that some of its steps make, and the links that are down in it.
fn changed(file: &File, changes: &[usize]) -> (File, BTreeSet<String>) {
    let mut file = file.clone();
    let mut down: BTreeSet<String> = file
        .link
        .iter()
        .filter(|(_, link)| link.state == Some(LinkState::Down))
        .map(|(name, _)| name.clone())
        .collect();
    for index in changes {
        let step = file.steps[*index].get_ref().clone();
        if let Some(moving) = &step.moving
            && let Some(peer) = file.peer.get_mut(moving.peer.get_ref())
        {
            // A peer's first interface moves.
            let mut names = peer.on.get_ref().names().to_vec();
            if let Some(first) = names.first_mut() {
                first.clone_from(moving.to.get_ref());
            }
            peer.on = Spanned::new(peer.on.span(), OneOrMore::More(names));
        }
        if let Some(change) = &step.link {
            match change.to.state {
                Some(LinkState::Down) => _ = down.insert(change.of.get_ref().clone()),
                Some(LinkState::Up) => _ = down.remove(change.of.get_ref()),
                None => {}
            }
        }
        for (block, on) in [(&step.block, true), (&step.unblock, false)] {
            if let Some(block) = block {
                set_block(&mut file, block, on);
            }
        }
    }
    down.iter().for_each(|name| cut_off(&mut file, name));
    (file, down)
}

fn set_block(file: &mut File, block: &Block, on: bool) {
    let Some(firewall) = file.firewall.get_mut(block.at.get_ref()) else { return };
    let word = match block.protocol {
        BlockedProtocol::Udp => "udp",
        BlockedProtocol::Tcp => "tcp",
    };
    for rules in [&mut firewall.deny_out, &mut firewall.deny_in] {
        rules.retain(|rule| rule.get_ref() != word);
        if on {
            rules.push(Spanned::new(block.at.span(), word.to_owned()));
        }
    }
}

/// The link of something is down: nothing gets to it or through it.
fn cut_off(file: &mut File, name: &str) {
    if file.servers.contains_key(name) {
        let lost = |file: &File, reference: &str| {
            server_reference(file, reference).is_some_and(|(server, _)| server == name)
        };
        let whole = file.clone();
        for peer in file.peer.values_mut() {
            peer.ice.servers.retain(|reference| !lost(&whole, reference.get_ref()));
        }
        return;
    }
    let wall = Firewall {
        default_out: Some(Policing::Drop),
        default_in: Some(Policing::Drop),
        ..Firewall::default()
    };
    file.firewall.insert(name.to_owned(), wall);
}

impl View {
    /// What an expectation says that cannot be, and why.
    fn contradicts(&self, expect: &Expect) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if let Some(path) = expect.path.filter(|path| !self.allows(*path)) {
            all.push(format!("path `{path:?}`").to_lowercase());
        }
        let outcome = &self.now.outcome;
        let certain = self.fresh && self.others.is_empty();
        if expect.connected.is_some() && self.fresh && outcome.verdict == Verdict::Nothing {
            all.push("`connected`".to_owned());
        }
        if expect.not_connected == Some(true) && certain && outcome.orders.nothing == 0 {
            all.push("`not-connected`".to_owned());
        }
        if expect.relay.is_some() && certain && outcome.orders.relay == 0 {
            all.push("`relay`".to_owned());
        }
        if certain && outcome.verdict != Verdict::Nothing {
            all.extend(self.impossible_types(expect));
        }
        all.into_iter().map(|what| (what, self.why())).collect()
    }

    /// Whether data can take that path. The seed fixes an order that is open: any outcome that
    /// some order has may be what this run gives.
    fn allows(&self, path: Path) -> bool {
        let here = std::iter::once(&self.now.outcome).chain(&self.others);
        let mut possible: BTreeSet<Path> = BTreeSet::new();
        for outcome in here {
            let orders = outcome.orders;
            possible.extend((orders.direct > 0).then_some(Path::Direct));
            possible.extend((orders.relay > 0).then_some(Path::Relay));
            possible.extend((orders.nothing > 0).then_some(Path::None));
        }
        if !self.fresh || !self.others.is_empty() {
            possible.insert(Path::None);
        }
        match path {
            Path::Either => possible.contains(&Path::Direct) || possible.contains(&Path::Relay),
            path => possible.contains(&path),
        }
    }

    fn impossible_types(&self, expect: &Expect) -> Vec<String> {
        let mut all = Vec::new();
        for (side, types) in self.now.sides.iter().zip(&self.now.outcome.types) {
            let Some(wanted) = expect.candidates.get(side) else { continue };
            let local: BTreeSet<_> = types.iter().map(|pair| scenario_type(pair.local)).collect();
            let remote: BTreeSet<_> = types.iter().map(|pair| scenario_type(pair.remote)).collect();
            for (word, wanted, seen) in
                [("local", &wanted.local, local), ("remote", &wanted.remote, remote)]
            {
                if !wanted.is_empty() && !wanted.iter().any(|kind| may_be(*kind, &seen)) {
                    let seen: Vec<String> =
                        seen.iter().map(|kind| format!("`{kind:?}`").to_lowercase()).collect();
                    let seen = seen.join(" or ");
                    all.push(format!("candidates.{side}.{word}, which can be {seen},"));
                }
            }
        }
        all
    }

    fn why(&self) -> String {
        let outcome = &self.now.outcome;
        let earlier = match self.fresh {
            true => "",
            false => " for peers that connect anew, and these have not even done that",
        };
        let verdict = match outcome.verdict {
            Verdict::Nothing => "that they cannot connect".to_owned(),
            verdict => verdict.to_string(),
        };
        format!("the oracle says {verdict}{earlier}:\n{}", outcome.why.trim_end())
    }
}

/// A check that overtakes the candidate it comes from shows it as peer-reflexive.
fn may_be(kind: CandidateType, seen: &BTreeSet<CandidateType>) -> bool {
    let reflexive = [CandidateType::Srflx, CandidateType::Prflx];
    seen.contains(&kind)
        || reflexive.contains(&kind) && reflexive.iter().any(|other| seen.contains(other))
}
