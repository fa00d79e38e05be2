//! The judge: what was expected, what came, and whom to blame.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_control::StateKind;
use rtcspec_trace::Party;

use super::blame::blame;
use super::log::{Carried, ChannelLog, PeerError};
use super::stage::{Stage, index};
use super::watch::Sighting;
use crate::scenario::{
    Anchor, CandidateType, CandidateTypes, ChannelSeen, Connected, ConsentLost, Delivered,
    DeliveryOrder, DtlsContinuity, Expect, Never, Path, Range, Relay, Resumed, State, Transport,
    Variant, When,
};
use crate::verdict::{Finding, Layer, Verdict};

/// A judgement in the making.
struct Judge<'s, 'f> {
    stage: &'s Stage<'f>,
    /// What the times of the current expectation count from; `None` when it was never reached.
    since: Option<Duration>,
    findings: Vec<Finding>,
}

/// Every expectation of a run that was and was not met.
pub(super) fn judge(stage: &Stage<'_>, variant: &Variant) -> Vec<Finding> {
    let mut judge = Judge { stage, since: None, findings: Vec::new() };
    judge.peers_behaved();
    for expect in &variant.file.expect {
        judge.expectation(expect.get_ref());
    }
    judge.reported();
    judge.findings
}

impl Judge<'_, '_> {
    fn add(
        &mut self,
        met: bool,
        layer: Layer,
        requirement: &str,
        expected: String,
        actual: String,
    ) {
        let verdict = if met { Verdict::Pass } else { Verdict::Fail };
        let requirement = requirement.to_owned();
        let lines = Vec::new();
        self.findings.push(Finding { verdict, requirement, expected, actual, layer, lines });
    }

    /// No peer died, hung or broke the control contract.
    fn peers_behaved(&mut self) {
        if let Some(who) = &self.stage.spinning {
            let actual = format!("{who} acts without end at {}", ms(self.stage.now));
            self.note(Verdict::Hang, "a peer comes to rest", "rest", actual);
        }
        for actor in &self.stage.actors {
            if let Some(message) = &actor.log.crashed {
                let actual = format!("{} died: {message}", actor.name);
                self.note(Verdict::Crash, "a peer survives whatever it is sent", "life", actual);
            }
            if let Some(pending) = actor.overdue(self.stage.now, super::stage::PATIENCE) {
                let actual = format!("{} never answered `{}`", actor.name, pending.op);
                self.note(Verdict::Hang, "a peer answers every command", "an answer", actual);
            }
            for error in actor.log.errors.iter().filter(|error| error.name == "Hang") {
                let actual = format!("{} at {}: {}", actor.name, ms(error.at), error.message);
                self.note(Verdict::Hang, "a peer comes to rest", "rest", actual);
            }
            // Beside a hostile peer, an error may be the right thing to report.
            if self.stage.hostile.is_some() {
                continue;
            }
            for error in &actor.log.errors {
                // W3C addIceCandidate refuses candidates that come before the description.
                let early = error.during == "candidate" && error.name == "InvalidStateError";
                if !early
                    && !self.is_farewell(error)
                    && !["Crash", "Hang"].contains(&error.name.as_str())
                {
                    let actual = format!(
                        "{} at {}: {}: {}: {}",
                        actor.name,
                        ms(error.at),
                        error.during,
                        error.name,
                        error.message
                    );
                    self.note(Verdict::Fail, "a peer reports no error", "no error", actual);
                }
            }
        }
    }

    /// At the end a channel may tell as an error that its other side went away: Chromium does.
    fn is_farewell(&self, error: &PeerError) -> bool {
        error.during == "event" && error.at >= self.stage.ended
    }

    /// Beside a hostile peer errors are no failure; where something else is, they may say why.
    fn reported(&mut self) {
        let stage = self.stage;
        if stage.hostile.is_none() {
            return;
        }
        let errors = stage.actors.iter().flat_map(|actor| {
            actor.log.errors.iter().map(move |error| (actor.name.as_str(), error))
        });
        let first =
            errors.filter(|(_, error)| !self.is_farewell(error)).min_by_key(|(_, error)| error.at);
        let failed = self.findings.iter_mut().find(|finding| finding.verdict == Verdict::Fail);
        if let (Some((who, error)), Some(failed)) = (first, failed) {
            let told = format!("; {who} at {}: {}: {}", ms(error.at), error.name, error.message);
            failed.actual.push_str(&told);
        }
    }

    fn note(&mut self, verdict: Verdict, requirement: &str, expected: &str, actual: String) {
        self.findings.push(Finding {
            verdict,
            requirement: requirement.to_owned(),
            expected: expected.to_owned(),
            actual,
            layer: Layer::Control,
            lines: Vec::new(),
        });
    }

    fn expectation(&mut self, expect: &Expect) {
        let when = match &expect.after {
            None => When::at(Duration::ZERO),
            Some(after) => {
                When::parse(after.get_ref()).unwrap_or_else(|_| When::at(Duration::ZERO))
            }
        };
        let reached = match &when.anchor {
            Anchor::Start => Some(Duration::ZERO),
            Anchor::Connected => self.stage.connected,
            Anchor::Open => self.stage.opened,
            Anchor::Step(name) => self.stage.script.done.get(name).copied(),
            Anchor::Delivered(name) => self.stage.script.delivered.get(name).copied(),
        };
        self.since = reached.map(|at| at + when.offset);
        let Some(since) = self.since else {
            let layer = blame(self.stage);
            let expected = format!("{:?} is reached", when.anchor).to_lowercase();
            let actual = "it never was".to_owned();
            self.add(false, layer, "the run comes as far as this expectation", expected, actual);
            return;
        };
        self.connection(expect, since);
        self.traffic(expect, since);
        if let Some(consent) = &expect.consent_lost {
            self.consent_lost(consent, since);
        }
        if let Some(state) = &expect.state {
            self.state(state, since);
        }
        if let Some(channel) = &expect.channel {
            self.channel(channel);
        }
        if let Some(never) = &expect.never {
            self.never(never);
        }
        self.counters(expect);
    }

    fn connection(&mut self, expect: &Expect, since: Duration) {
        if let Some(connected) = &expect.connected {
            self.connected(connected, since);
        }
        if expect.not_connected == Some(true) {
            let met = self.stage.opened.is_none();
            let actual =
                self.stage.opened.map_or("never".to_owned(), |at| format!("open at {}", ms(at)));
            self.add(met, Layer::Ice, "the peers do not connect", "never".into(), actual);
        }
        if let Some(path) = expect.path {
            self.path(path, since);
        }
        for (peer, types) in &expect.candidates {
            self.candidates(peer, types, since);
        }
        if let Some(relay) = &expect.relay {
            self.relay(relay, since);
        }
        if let Some(transport) = expect.transport {
            self.transport(transport);
        }
    }

    fn traffic(&mut self, expect: &Expect, since: Duration) {
        if let Some(delivered) = &expect.delivered {
            self.delivered(delivered, since);
        }
        if let Some(resumed) = &expect.resumed {
            self.resumed(resumed, since);
        }
    }

    fn connected(&mut self, connected: &Connected, since: Duration) {
        let at = if since == Duration::ZERO { self.stage.opened } else { self.reconnected(since) };
        let within = connected.within.0;
        let met = at.is_some_and(|at| at <= since + within);
        let actual =
            at.map_or("never".to_owned(), |at| format!("after {}", ms(at.saturating_sub(since))));
        let layer = blame(self.stage);
        let requirement = "both peers connect and the channel is open";
        self.add(met, layer, requirement, format!("within {}", connected.within), actual);
        if let Some(continuity) = connected.dtls {
            self.dtls(continuity, since);
        }
    }

    /// After a restart: a nominating check of a later generation was answered, and data of both
    /// sides arrived after it.
    fn reconnected(&self, since: Duration) -> Option<Duration> {
        let known: BTreeSet<&str> = self
            .stage
            .watch
            .checks
            .iter()
            .filter(|check| check.arrived < since)
            .map(|check| check.username.as_str())
            .collect();
        let fresh = |username: &str| !known.contains(username);
        let mut checks = self.stage.watch.checks.iter().filter(|check| check.arrived >= since);
        let nominated =
            checks.find(|check| check.nominates && check.answered && fresh(&check.username));
        nominated.map(|check| check.arrived)
    }

    fn dtls(&mut self, continuity: DtlsContinuity, since: Duration) {
        let hellos = self.stage.watch.client_hellos.iter().filter(|(at, _)| *at >= since).count();
        let (met, expected) = match continuity {
            DtlsContinuity::Kept => (hellos == 0, "no new handshake"),
            DtlsContinuity::New => (hellos > 0, "a new handshake"),
        };
        let actual = format!("{hellos} ClientHello after {}", ms(since));
        let requirement = "an ICE restart keeps the DTLS association (RFC 8842 §5.5)";
        self.add(met, Layer::Dtls, requirement, expected.to_owned(), actual);
    }

    /// The last data of each side before the peers connect anew, or none.
    fn last_data(&self, from: Party, since: Duration) -> Option<&Sighting> {
        // Gathering speaks with servers too: without an open channel that is no data.
        let opened = self.stage.opened?;
        let anew = since.max(opened);
        let later = self.stage.script.negotiated.iter().filter(|at| **at > anew);
        let until = later.min().copied().unwrap_or(Duration::MAX);
        self.stage.watch.last_data(from, since..until)
    }

    fn path(&mut self, wanted: Path, since: Duration) {
        let seen = self.path_seen(since);
        let met = match wanted {
            Path::Either => matches!(seen, Path::Direct | Path::Relay),
            wanted => seen == wanted,
        };
        let layer = if met { Layer::Ice } else { blame(self.stage) };
        let requirement = "application data takes the path the topology allows (RFC 8445 §8)";
        self.add(met, layer, requirement, word(wanted).to_owned(), word(seen).to_owned());
    }

    fn path_seen(&self, since: Duration) -> Path {
        match (self.last_data(Party::A, since), self.last_data(Party::B, since)) {
            (Some(a), Some(b)) if a.relayed || b.relayed => Path::Relay,
            (Some(_), Some(_)) => Path::Direct,
            _ => Path::None,
        }
    }

    fn candidates(&mut self, peer: &str, types: &CandidateTypes, since: Duration) {
        let Some(party) = self.stage.party(peer) else { return };
        let sides = [("local", party, &types.local), ("remote", party.other(), &types.remote)];
        for (side, whose, allowed) in sides {
            if allowed.is_empty() {
                continue;
            }
            let seen = self.last_data(whose, since).map(|sighting| sighting.source);
            let met = seen.is_some_and(|seen| allowed.contains(&seen));
            let expected =
                allowed.iter().map(|kind| kind_word(*kind)).collect::<Vec<_>>().join(" or ");
            let actual = seen.map_or("no data seen", kind_word).to_owned();
            let requirement =
                format!("{peer}'s {side} candidate in use (RFC 8445 §5.1.1, §7.2.5.3.1)");
            self.add(met, Layer::Ice, &requirement, expected, actual);
        }
    }

    fn relay(&mut self, relay: &Relay, since: Duration) {
        let server = [Party::A, Party::B]
            .into_iter()
            .filter_map(|party| self.last_data(party, since))
            .find_map(|sighting| sighting.server)
            .map(|index| self.stage.net.server_name(index).to_owned());
        let met = server.as_deref() == Some(relay.via.get_ref().as_str());
        let actual = server.unwrap_or_else(|| "no relay".to_owned());
        let requirement = "the relay in use";
        self.add(met, Layer::Turn, requirement, relay.via.get_ref().clone(), actual);
        for (peer, transport) in &relay.legs {
            let Some(party) = self.stage.party(peer) else { continue };
            let seen = self.stage.net.leg(party);
            let actual = seen.map_or("none".to_owned(), |leg| format!("{leg:?}").to_lowercase());
            let expected = format!("{transport:?}").to_lowercase();
            let requirement = format!("{peer} reaches the relay over (RFC 8656 §3.1)");
            self.add(seen == Some(*transport), Layer::Turn, &requirement, expected, actual);
        }
    }

    fn transport(&mut self, wanted: Transport) {
        let legs: BTreeSet<Transport> = [Party::A, Party::B]
            .into_iter()
            .map(|party| self.stage.net.leg(party).unwrap_or(Transport::Udp))
            .collect();
        let met = legs.contains(&wanted);
        let words: Vec<String> = legs.iter().map(|leg| format!("{leg:?}").to_lowercase()).collect();
        let expected = format!("{wanted:?}").to_lowercase();
        self.add(met, Layer::Ice, "transport of the path", expected, words.join(", "));
    }

    fn delivered(&mut self, delivered: &Delivered, since: Duration) {
        let Some(to) = self.stage.party(delivered.to.get_ref()) else { return };
        let empty = Vec::new();
        let of = |party: Party| {
            let channels = &self.stage.actors[index(party)].log.channels;
            channels.get(&delivered.channel).unwrap_or(&empty)
        };
        let sent: Vec<Carried> =
            of(to.other()).iter().flat_map(|c| c.sent.iter().copied()).collect();
        let received = of(to).iter().flat_map(|c| c.received.iter().copied());
        let received: Vec<Carried> = match self.stage.has_echo() {
            // What is given back of other messages is none of these.
            true => answers(&sent, received.collect()),
            false => received.collect(),
        };
        let in_time: Vec<Carried> = match delivered.within {
            Some(within) => received.iter().filter(|m| m.at <= since + within.0).copied().collect(),
            None => received,
        };
        let count = in_time.len() as u64;
        let met = delivered.messages.holds(count);
        let layer = if met || count > 0 { Layer::Sctp } else { blame(self.stage) };
        let requirement =
            format!("messages of `{}` arrive at {}", delivered.channel, delivered.to.get_ref());
        let actual = format!("{count} of {} sent", sent.len());
        self.add(met, layer, &requirement, delivered.messages.to_string(), actual);
        let (requirement, expected) = match delivered.order {
            DeliveryOrder::Kept => ("they arrive as sent, in order (RFC 9260 §6.6)", "as sent"),
            DeliveryOrder::Any => {
                ("they arrive as sent, each at most once", "a subset of those sent")
            }
        };
        let wrong = match delivered.order {
            DeliveryOrder::Kept => out_of_order(&sent, &in_time),
            DeliveryOrder::Any => never_sent(&sent, &in_time),
        };
        let actual = wrong.clone().unwrap_or_else(|| expected.to_owned());
        self.add(wrong.is_none(), Layer::Sctp, requirement, expected.to_owned(), actual);
    }

    fn resumed(&mut self, resumed: &Resumed, since: Duration) {
        let first = [Party::A, Party::B].into_iter().find_map(|party| {
            let channels = |p: Party| self.stage.actors[index(p)].log.channels.get(&resumed.stream);
            let sent: BTreeSet<_> = channels(party)?
                .iter()
                .flat_map(|channel| &channel.sent)
                .filter(|message| message.at >= since)
                .map(|message| message.digest)
                .collect();
            let mut received =
                channels(party.other())?.iter().flat_map(|channel| &channel.received);
            received.find(|message| sent.contains(&message.digest)).map(|message| message.at)
        });
        let met = first.is_some_and(|at| at <= since + resumed.within.0);
        let actual = first.map_or("never".to_owned(), |at| format!("after {}", ms(at - since)));
        let requirement = format!("stream `{}` goes on", resumed.stream);
        self.add(
            met,
            blame(self.stage),
            &requirement,
            format!("within {}", resumed.within),
            actual,
        );
    }

    fn consent_lost(&mut self, lost: &ConsentLost, since: Duration) {
        let Some(party) = self.stage.party(lost.peer.get_ref()) else { return };
        let log = &self.stage.actors[index(party)].log;
        let words = ["disconnected", "failed", "closed"];
        let at = log.state_since(StateKind::IceConnection, &words, since);
        let met = at.is_some_and(|at| at <= since + lost.within.0);
        let actual = at.map_or("never".to_owned(), |at| format!("after {}", ms(at - since)));
        let requirement =
            format!("{} notices that consent is gone (RFC 7675 §5.1)", lost.peer.get_ref());
        self.add(met, Layer::Consent, &requirement, format!("within {}", lost.within), actual);
    }

    fn state(&mut self, state: &State, since: Duration) {
        let Some(party) = self.stage.party(state.peer.get_ref()) else { return };
        let log = &self.stage.actors[index(party)].log;
        let kinds = [
            (StateKind::Connection, "connectionState", &state.connection),
            (StateKind::IceConnection, "iceConnectionState", &state.ice_connection),
        ];
        let mut met_all = Vec::new();
        for (kind, name, wanted) in kinds {
            let Some(wanted) = wanted else { continue };
            let at = log.state_since(kind, &[wanted.as_str()], since);
            let early =
                state.not_before.is_some_and(|floor| at.is_some_and(|at| at < since + floor.0));
            let met = at.is_some_and(|at| at <= since + state.within.0) && !early;
            let actual = at.map_or("never".to_owned(), |at| format!("after {}", ms(at - since)));
            let floor =
                state.not_before.map_or(String::new(), |floor| format!(", not before {floor}"));
            met_all.push((
                met,
                format!("{}'s {name} becomes {wanted}", state.peer.get_ref()),
                format!("within {}{floor}", state.within),
                actual,
            ));
        }
        for (met, requirement, expected, actual) in met_all {
            self.add(met, Layer::Ice, &requirement, expected, actual);
        }
    }

    fn channel(&mut self, seen: &ChannelSeen) {
        let Some(party) = self.stage.party(seen.peer.get_ref()) else { return };
        let log = &self.stage.actors[index(party)].log;
        let matches = |label: &str| match seen.label.strip_suffix('*') {
            Some(head) => label.starts_with(head),
            None => label == seen.label,
        };
        let channels: Vec<ChannelLog> = log
            .channels
            .iter()
            .filter(|(label, _)| matches(label))
            .flat_map(|(_, list)| list.iter().cloned())
            .collect();
        let who = format!("`{}` at {}", seen.label, seen.peer.get_ref());
        // What closes because the run is over does not count.
        let ended = self.stage.ended;
        let number = |time: fn(&ChannelLog) -> Option<Duration>| {
            channels.iter().filter_map(time).filter(|at| *at < ended).count() as u64
        };
        let opened = (seen.opened, "opens", number(|channel| channel.opened));
        let closed = (seen.closed, "closes", number(|channel| channel.closed));
        for (wanted, verb, number) in [opened, closed] {
            let Some(wanted) = wanted else { continue };
            let requirement = format!("channel {who} {verb} (RFC 8831 §6.7, RFC 8832 §6)");
            self.range(Layer::Channel, &requirement, wanted, number);
        }
        self.channel_options(seen, &who, channels.last());
    }

    fn channel_options(&mut self, seen: &ChannelSeen, who: &str, channel: Option<&ChannelLog>) {
        let mut compare = |what: &str, wanted: Option<String>, got: Option<String>| {
            if let Some(wanted) = wanted {
                let got = got.unwrap_or_else(|| "none".to_owned());
                let requirement = format!("{what} of channel {who} (RFC 8832 §5.1)");
                self.add(wanted == got, Layer::Channel, &requirement, wanted, got);
            }
        };
        compare("protocol", seen.protocol.clone(), channel.map(|c| c.protocol.clone()));
        let text = |value: bool| value.to_string();
        compare("order", seen.ordered.map(text), channel.map(|c| text(c.ordered)));
        let number = |value: u16| value.to_string();
        let retransmits = channel.and_then(|c| c.max_retransmits).map(number);
        compare("maxRetransmits", seen.max_retransmits.map(number), retransmits);
        let lifetime = channel.and_then(|c| c.max_packet_life_time).map(number);
        compare("maxPacketLifeTime", seen.max_packet_life_time.map(number), lifetime);
    }

    fn never(&mut self, never: &Never) {
        let Some(party) = self.stage.party(never.from.get_ref()) else { return };
        let tcp = never.packet != Transport::Udp;
        let crossed = self.stage.net.crossed(party, never.crossing.get_ref(), tcp);
        let requirement = format!(
            "no {} packet of {} crosses {}",
            if tcp { "TCP" } else { "UDP" },
            never.from.get_ref(),
            never.crossing.get_ref()
        );
        self.add(crossed == 0, Layer::Network, &requirement, "0".to_owned(), crossed.to_string());
    }

    fn counters(&mut self, expect: &Expect) {
        let sections =
            [("nat", &expect.nat), ("firewall", &expect.firewall), ("link", &expect.link)];
        for (kind, section) in sections {
            for (name, counters) in section {
                for (counter, wanted) in counters {
                    let number = self.stage.net.counter(kind, name, counter);
                    let requirement = format!("counter `{counter}` of {kind}.{name}");
                    self.range(Layer::Network, &requirement, *wanted, number);
                }
            }
        }
    }

    fn range(&mut self, layer: Layer, requirement: &str, wanted: Range, number: u64) {
        self.add(wanted.holds(number), layer, requirement, wanted.to_string(), number.to_string());
    }
}

/// Of what was received, the first that can be each of those sent; what cannot be is left out.
fn answers(sent: &[Carried], received: Vec<Carried>) -> Vec<Carried> {
    let mut open: Vec<&Carried> = sent.iter().collect();
    let mut mine = received;
    mine.retain(|got| {
        let same = |one: &&Carried| one.digest == got.digest && one.at <= got.at;
        let found = open.iter().position(same);
        found.map(|place| open.remove(place)).is_some()
    });
    mine
}

/// The first message that is not the next one sent, if any; messages may be missing only at the
/// end, or anywhere on a channel that may lose them, as long as none overtakes another.
fn out_of_order(sent: &[Carried], received: &[Carried]) -> Option<String> {
    let mut rest = sent.iter();
    for (number, message) in received.iter().enumerate() {
        if !rest.any(|candidate| candidate.digest == message.digest) {
            let known = sent.iter().any(|candidate| candidate.digest == message.digest);
            let what = if known { "overtook another or came twice" } else { "was never sent" };
            let length = message.digest.length;
            return Some(format!("message {} ({length} bytes) {what}", number + 1));
        }
    }
    None
}

/// The first message that was never sent, or that came more often than it was sent.
fn never_sent(sent: &[Carried], received: &[Carried]) -> Option<String> {
    let mut left: BTreeMap<_, u32> = BTreeMap::new();
    for message in sent {
        *left.entry(message.digest).or_default() += 1;
    }
    for (number, message) in received.iter().enumerate() {
        match left.get_mut(&message.digest).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => {
                let length = message.digest.length;
                return Some(format!(
                    "message {} ({length} bytes) was not sent, or came twice",
                    number + 1
                ));
            }
        }
    }
    None
}

/// A time for people: milliseconds with at most three decimals.
pub(super) fn ms(time: Duration) -> String {
    let micros = time.as_micros();
    if micros.is_multiple_of(1000) {
        format!("{}ms", micros / 1000)
    } else {
        format!("{}.{:03}ms", micros / 1000, micros % 1000)
    }
}

fn word(path: Path) -> &'static str {
    match path {
        Path::Direct => "direct",
        Path::Relay => "relay",
        Path::Either => "direct or relay",
        Path::None => "none",
    }
}

fn kind_word(kind: CandidateType) -> &'static str {
    match kind {
        CandidateType::Host => "host",
        CandidateType::Srflx => "srflx",
        CandidateType::Prflx => "prflx",
        CandidateType::Relay => "relay",
    }
}
