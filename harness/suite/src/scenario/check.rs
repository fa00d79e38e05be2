//! What the types cannot say: references, topology, verbs and times.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rtcspec_net::nat::presets;
use toml::Spanned;

use super::error::{Collector, did_you_mean};
use super::expect::Expect;
use super::file::{File, Role};
use super::labels;
use super::network::{ServerKind, Transport};
use super::step::Step;
use super::tamper::{TamperLayer, Tampering};
use super::when::{Anchor, When};
use crate::prediction::{Contradiction, contradictions};

/// Adds every problem of the file.
pub(super) fn check(file: &File, problems: &mut Collector) {
    let mut checker = Checker { file, segments: segments(file), sends: sends(file), problems };
    checker.schema();
    checker.peers();
    checker.boxes();
    checker.routes();
    checker.servers();
    checker.links();
    checker.steps();
    checker.hostility();
    checker.expectations();
    checker.oracle();
}

/// Names of all segments: `wan` and whatever a section mentions.
pub fn segments(file: &File) -> BTreeSet<String> {
    let mut all = BTreeSet::from(["wan".to_owned()]);
    all.extend(file.net.keys().cloned());
    for nat in file.nat.values() {
        all.extend([nat.inside.get_ref().clone(), nat.outside.get_ref().clone()]);
    }
    all
}

/// Names of the steps with `send`.
fn sends(file: &File) -> BTreeSet<&str> {
    let sending = file.steps.iter().map(Spanned::get_ref).filter(|step| step.send.is_some());
    sending.filter_map(|step| step.name.as_ref()).map(|name| name.get_ref().as_str()).collect()
}

struct Checker<'a> {
    file: &'a File,
    segments: BTreeSet<String>,
    /// Names of steps that send.
    sends: BTreeSet<&'a str>,
    problems: &'a mut Collector,
}

impl Checker<'_> {
    fn add(&mut self, message: String, span: Range<usize>, label: &str, help: Option<String>) {
        self.problems.add(message, Some(span), label, help);
    }

    /// Reports a thing of a section by its name there.
    fn named(&mut self, section: &str, name: &str, message: String, help: Option<String>) {
        let place = self.problems.place(section, name);
        self.problems.add(message, place, "named here", help);
    }

    /// Reports a name that is not among `known`.
    fn reference<'k>(
        &mut self,
        kind: &str,
        name: &Spanned<String>,
        known: impl IntoIterator<Item = &'k str>,
    ) -> bool {
        let known: Vec<&str> = known.into_iter().collect();
        let word = name.get_ref().as_str();
        if known.contains(&word) {
            return true;
        }
        let help = did_you_mean(word, known.iter().copied());
        self.add(format!("there is no {kind} `{word}`"), name.span(), "named here", help);
        false
    }

    fn schema(&mut self) {
        let schema = &self.file.schema;
        if *schema.get_ref() != 1 {
            let message = format!("schema {} is not known", schema.get_ref());
            let help = Some("this version reads schema 1".to_owned());
            self.add(message, schema.span(), "this version", help);
        }
    }

    fn peers(&mut self) {
        let file = self.file;
        if file.peer.len() != 2 {
            let message = format!("a scenario has two peers, this one has {}", file.peer.len());
            let help = Some("add `[peer.<name>]` sections until there are two".to_owned());
            self.problems.add(message, None, "", help);
        }
        let offerers = file.peer.values().filter(|peer| peer.role == Role::Offerer).count();
        if file.peer.len() == 2 && offerers != 1 {
            let help = Some("give exactly one of them `role = \"offerer\"`".to_owned());
            self.problems.add(format!("{offerers} of the two peers are offerers"), None, "", help);
        }
        for (name, peer) in &file.peer {
            let known = self.segments.clone();
            for segment in peer.on.get_ref().names() {
                if !known.contains(segment) {
                    let help = did_you_mean(segment, known.iter().map(String::as_str));
                    let message =
                        format!("peer `{name}` is on `{segment}`, a segment nothing else mentions");
                    self.add(message, peer.on.span(), "this segment", help);
                }
            }
            for server in &peer.ice.servers {
                self.server_reference(server);
            }
            if let Some(nat) = &peer.ice.announces {
                self.reference("NAT", nat, file.nat.keys().map(String::as_str));
            }
        }
    }

    /// `turn`, `turn?transport=tcp`, `turns?transport=tcp`.
    fn server_reference(&mut self, reference: &Spanned<String>) {
        let file = self.file;
        let Some((name, transport)) = server_reference(file, reference.get_ref()) else {
            let known: Vec<&str> = file.servers.keys().map(String::as_str).collect();
            let word = reference.get_ref();
            let help = did_you_mean(word, known.iter().copied());
            self.add(format!("there is no server `{word}`"), reference.span(), "named here", help);
            return;
        };
        let server = &file.servers[name];
        let offered = if server.transports.is_empty() {
            vec![Transport::Udp]
        } else {
            server.transports.clone()
        };
        if server.kind == ServerKind::Turn && !offered.contains(&transport) {
            let message = format!("server `{name}` is not reached over {transport:?}");
            let help = Some(format!("add the transport to `servers.{name}.transports`"));
            self.add(message.to_lowercase(), reference.span(), "asked for here", help);
        }
    }

    fn boxes(&mut self) {
        let mut exits: BTreeMap<String, String> = BTreeMap::new();
        let mut sides = Vec::new();
        for (name, nat) in &self.file.nat {
            if let Some(preset) = &nat.preset {
                self.reference("NAT preset", preset, presets::ALL.iter().map(|preset| preset.name));
            }
            if nat.addresses == Some(0) {
                let help = Some("leave `addresses` out for the usual one".to_owned());
                let message = format!("nat.{name} has no external address");
                self.add(message, nat.outside.span(), "none of these is its own", help);
            }
            sides.push((format!("nat.{name}"), nat.inside.clone(), nat.outside.clone()));
        }
        for (name, firewall) in &self.file.firewall {
            let owners = firewall_owners(self.file);
            if !owners.contains(&name.as_str()) {
                let message = format!("firewall `{name}` protects nothing of that name");
                let help = did_you_mean(name, owners.iter().copied());
                self.named("firewall", name, message, help);
            }
            if firewall.kill.iter().any(|kill| kill.packets.is_some() == kill.after.is_some()) {
                let message = format!("a kill rule of firewall `{name}` has no one point to begin");
                let help = Some("give it either `packets = 40` or `after = \"5s\"`".to_owned());
                self.named("firewall", name, message, help);
            }
            let rules = firewall.allow_out.iter().chain(&firewall.allow_in);
            for rule in rules.chain(&firewall.deny_out).chain(&firewall.deny_in) {
                if let Err(reason) = parse_rule(rule.get_ref()) {
                    let help = Some("write it like `udp`, `tcp/443` or `udp/3478`".to_owned());
                    self.add(reason, rule.span(), "this rule", help);
                }
            }
        }
        for (name, inside, outside) in sides {
            self.one_box(&name, &inside, &outside, &mut exits);
        }
    }

    fn one_box(
        &mut self,
        name: &str,
        inside: &Spanned<String>,
        outside: &Spanned<String>,
        exits: &mut BTreeMap<String, String>,
    ) {
        if inside.get_ref() == outside.get_ref() {
            let message = format!("{name} has `{}` on both sides", inside.get_ref());
            self.add(message, outside.span(), "also its inside", None);
        }
        if inside.get_ref() == "wan" {
            let help = Some("`wan` is the outermost segment".to_owned());
            self.add(format!("{name} has `wan` inside"), inside.span(), "cannot be inside", help);
        }
        if let Some(other) = exits.insert(inside.get_ref().clone(), name.to_owned()) {
            let message =
                format!("segment `{}` has two exits: {other} and {name}", inside.get_ref());
            let help = Some("a segment has one default route; nest the boxes instead".to_owned());
            self.add(message, inside.span(), "second exit", help);
        }
    }

    /// Every chain of boxes must end, not run in a circle.
    fn routes(&mut self) {
        let file = self.file;
        for (name, nat) in &file.nat {
            let mut at = nat.outside.get_ref();
            for _ in 0..=file.nat.len() + file.firewall.len() {
                let next = file
                    .nat
                    .values()
                    .map(|nat| (nat.inside.get_ref(), nat.outside.get_ref()))
                    .find(|(inside, _)| *inside == at);
                match next {
                    Some((_, outside)) => at = outside,
                    None => break,
                }
                if at == nat.outside.get_ref() {
                    let message = format!("the way out of nat.{name} runs in a circle");
                    let help = Some("let the outermost NAT have `outside = \"wan\"`".to_owned());
                    self.add(message, nat.outside.span(), "leads back here", help);
                    return;
                }
            }
        }
    }

    fn servers(&mut self) {
        let known = self.segments.clone();
        for server in self.file.servers.values() {
            self.reference("segment", &server.at, known.iter().map(String::as_str));
        }
    }

    fn links(&mut self) {
        let file = self.file;
        let known: Vec<&str> = link_owners(file);
        for name in file.link.keys() {
            if !known.contains(&name.as_str()) {
                let help = did_you_mean(name, known.iter().copied());
                let message = format!("link `{name}` is nobody's outer side");
                self.named("link", name, message, help);
            }
        }
    }

    fn steps(&mut self) {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for step in &self.file.steps {
            let span = step.span();
            let step = step.get_ref();
            match step.verbs().as_slice() {
                [_] => {}
                [] => {
                    let help = Some("give it one verb, such as `connect` or `send`".to_owned());
                    self.add("this step does nothing".to_owned(), span.clone(), "this step", help);
                }
                verbs => {
                    let message =
                        format!("this step has {} verbs: {}", verbs.len(), verbs.join(", "));
                    let help = Some("split it into one `[[do]]` each".to_owned());
                    self.add(message, span.clone(), "this step", help);
                }
            }
            if step.at.is_some() && step.after.is_some() {
                let help = Some("keep one of them".to_owned());
                self.add(
                    "a step has `at` or `after`, not both".to_owned(),
                    span.clone(),
                    "this step",
                    help,
                );
            }
            if let Some(after) = &step.after {
                self.when(after, &named);
            }
            self.pairs(step, &span);
            self.step_references(step);
            self.step_labels(step, &span);
            self.content(step, span);
            if let Some(name) = &step.name {
                named.insert(name.get_ref());
            }
        }
        if !self
            .file
            .steps
            .iter()
            .any(|step| step.get_ref().connect.is_some() || step.get_ref().glare.is_some())
        {
            let help =
                Some("add `[[do]]` with `connect = [\"<offerer>\", \"<answerer>\"]`".to_owned());
            self.problems.add("no step connects the peers", None, "", help);
        }
    }

    fn step_references(&mut self, step: &Step) {
        let file = self.file;
        let peers: Vec<&str> = file.peer.keys().map(String::as_str).collect();
        let mut named_peers: Vec<&Spanned<String>> = Vec::new();
        named_peers.extend(step.connect.iter().flatten().chain(step.glare.iter().flatten()));
        named_peers.extend(step.rollback.iter().chain(&step.restart).chain(&step.close));
        named_peers.extend(step.channel.iter().map(|channel| &channel.from));
        named_peers.extend(step.send.iter().map(|send| &send.from));
        named_peers.extend(step.stream.iter().map(|stream| &stream.from));
        named_peers.extend(step.close_channel.iter().map(|close| &close.from));
        named_peers.extend(step.moving.iter().map(|moving| &moving.peer));
        for peer in named_peers {
            self.reference("peer", peer, peers.iter().copied());
        }
        let nats: Vec<&str> = file.nat.keys().map(String::as_str).collect();
        let named_nats =
            step.renumber.iter().chain(&step.expire).chain(step.reboot.iter().map(|r| &r.nat));
        for nat in named_nats {
            self.reference("NAT", nat, nats.iter().copied());
        }
        if let Some(moving) = &step.moving {
            let known = self.segments.clone();
            self.reference("segment", &moving.to, known.iter().map(String::as_str));
        }
        if let Some(change) = &step.link {
            self.reference("link", &change.of, link_owners(file));
        }
        for block in step.block.iter().chain(&step.unblock) {
            let boxes = file.firewall.keys().map(String::as_str);
            self.reference("firewall", &block.at, boxes);
        }
    }

    /// Who connects are two.
    fn pairs(&mut self, step: &Step, span: &Range<usize>) {
        for (verb, peers) in [("connect", &step.connect), ("glare", &step.glare)] {
            let place = match peers.as_deref() {
                None => continue,
                Some([first, second]) if first.get_ref() != second.get_ref() => continue,
                Some([_, second]) => second.span(),
                Some(_) => span.clone(),
            };
            let help = Some(format!("write it like `{verb} = [\"<offerer>\", \"<answerer>\"]`"));
            self.add(format!("`{verb}` is for two peers"), place, "this is none", help);
        }
    }

    fn step_labels(&mut self, step: &Step, span: &Range<usize>) {
        let sent = step.send.iter().map(|send| &send.channel);
        for label in sent.chain(step.close_channel.iter().map(|close| &close.label)) {
            if !labels::is_opened(self.file, label) {
                self.unopened(label, span, "this step");
            }
        }
    }

    fn expected_labels(&mut self, expect: &Expect, span: &Range<usize>) {
        if let Some(delivered) = &expect.delivered
            && !labels::is_opened(self.file, &delivered.channel)
        {
            self.unopened(&delivered.channel, span, "in here");
        }
        if let Some(channel) = &expect.channel
            && !labels::is_opened_like(self.file, &channel.label)
        {
            self.unopened(&channel.label, span, "in here");
        }
    }

    /// Reports a label of a channel that nobody opens.
    fn unopened(&mut self, label: &str, span: &Range<usize>, place: &str) {
        let known = labels::known(self.file);
        let help = did_you_mean(label, known.iter().map(String::as_str));
        self.add(format!("there is no channel `{label}`"), span.clone(), place, help);
    }

    /// Who is hostile is one reference peer, and what it does can be done.
    fn hostility(&mut self) {
        let file = self.file;
        let mut meant = BTreeSet::new();
        for tamper in &file.tamper {
            let (span, tamper) = (tamper.span(), tamper.get_ref());
            self.one_hostile(&tamper.by);
            if !meant.insert((tamper.layer, tamper.nth)) {
                let message = format!("message {} is tampered with twice", tamper.nth);
                let help = Some("put all edits of a message into one `[[tamper]]`".to_owned());
                self.add(message, span.clone(), "the second", help);
            }
            self.tampering(tamper, span);
        }
        for step in &file.steps {
            let Some(inject) = &step.get_ref().inject else { continue };
            self.one_hostile(&inject.by);
            let stranger = inject.stranger && !is_datagram(inject.layer);
            for (wrong, message, help) in [
                (
                    inject.bytes.is_some() == inject.copy.is_some(),
                    "what is sent is said by one of `bytes` and `copy`",
                    "keep one of them",
                ),
                (
                    inject.copy == Some(0),
                    "messages are counted from 1",
                    "`copy = 1` is the first that was sent",
                ),
                (
                    !inject.layer.can_be_injected(),
                    "descriptions and candidates are not sent besides others",
                    "change one that is sent with `[[tamper]]`",
                ),
                (
                    inject.seal && !inject.layer.is_sealed(),
                    "nothing seals messages of this layer",
                    "`seal` is for stun and sctp",
                ),
                (stranger, "a stranger sends datagrams", "`stranger` is for stun and dtls"),
            ] {
                if wrong {
                    self.add(message.to_owned(), step.span(), "this step", Some(help.to_owned()));
                }
            }
        }
    }

    fn tampering(&mut self, tamper: &Tampering, span: Range<usize>) {
        let verbs = [tamper.drop, tamper.duplicate, tamper.delay.is_some(), tamper.edit.is_some()];
        let verbs = verbs.into_iter().filter(|is| *is).count();
        for (wrong, message, help) in [
            (
                verbs != 1,
                "one thing becomes of a message",
                "give it one of `drop`, `duplicate`, `delay` and `edit`",
            ),
            (tamper.nth == 0, "messages are counted from 1", "`nth = 1` is the first"),
            (
                tamper.repair && (tamper.edit.is_none() || !tamper.layer.is_sealed()),
                "there is nothing to repair",
                "`repair` is for edited messages of stun and sctp",
            ),
            (
                tamper.layer == TamperLayer::Sdp && tamper.edit.is_none(),
                "a description is signalled in any case",
                "`edit` it",
            ),
        ] {
            if wrong {
                self.add(message.to_owned(), span.clone(), "this one", Some(help.to_owned()));
            }
        }
    }

    /// A peer that tampers or injects.
    fn one_hostile(&mut self, name: &Spanned<String>) {
        let file = self.file;
        if !self.reference("peer", name, file.peer.keys().map(String::as_str)) {
            return;
        }
        let help = |text: &str| Some(text.to_owned());
        if file.peer[name.get_ref()].runs.get_ref() != crate::plan::REFERENCE {
            let message = format!("peer `{}` is not the reference peer", name.get_ref());
            self.add(message, name.span(), "named here", help("only that one can be hostile"));
        }
        if file.hostile() != Some(name.get_ref()) {
            let message = "both peers are hostile".to_owned();
            self.add(message, name.span(), "the second", help("let one of them do all of it"));
        }
    }

    fn when(&mut self, when: &Spanned<String>, named: &BTreeSet<&str>) {
        match When::parse(when.get_ref()) {
            Err(reason) => self.add(reason, when.span(), "this point in time", None),
            Ok(When { anchor: Anchor::Step(step) | Anchor::Delivered(step), .. })
                if !named.contains(step.as_str()) =>
            {
                let known = named.iter().copied().chain(["connected", "open", "start"]);
                let help = did_you_mean(&step, known.collect::<Vec<_>>());
                let message = format!("there is no earlier step `{step}`");
                self.add(message, when.span(), "this point in time", help);
            }
            Ok(When { anchor: Anchor::Delivered(step), .. })
                if !self.sends.contains(step.as_str()) =>
            {
                let message = format!("step `{step}` sends nothing that could be delivered");
                let help = Some("only a step with `send` has messages that arrive".to_owned());
                self.add(message, when.span(), "this point in time", help);
            }
            Ok(_) => {}
        }
    }

    /// What a message is made of is said once, and can be read.
    fn content(&mut self, step: &Step, span: Range<usize>) {
        let Some(send) = &step.send else { return };
        let given = [send.size > 0, send.text.is_some(), send.base64.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            let help = Some("keep one of `size`, `text` and `base64`".to_owned());
            self.add("a message has one content".to_owned(), span, "this step", help);
        } else if let Err(reason) = send.bytes() {
            let help = Some("base64 as RFC 4648 §4 has it, with padding".to_owned());
            self.add(format!("`base64` cannot be read: {reason}"), span, "this step", help);
        }
    }

    /// Expectations that the oracle rules out; only for files that are right otherwise.
    fn oracle(&mut self) {
        if self.file.oracle == super::file::Oracle::Off || !self.problems.is_empty() {
            return;
        }
        for Contradiction { span, what, why } in contradictions(self.file) {
            let help = format!("{why}\nif the file knows better, say so with `oracle = \"off\"`");
            self.add(format!("{what} contradicts the oracle"), span, "expected here", Some(help));
        }
    }

    fn expectations(&mut self) {
        let named: BTreeSet<&str> = self
            .file
            .steps
            .iter()
            .filter_map(|step| step.get_ref().name.as_ref())
            .map(|name| name.get_ref().as_str())
            .collect();
        for expect in &self.file.expect {
            if let Some(after) = &expect.get_ref().after {
                self.when(after, &named);
            }
            self.expect_references(expect.get_ref(), expect.span());
        }
    }

    fn expect_references(&mut self, expect: &Expect, span: Range<usize>) {
        let file = self.file;
        let peers: Vec<&str> = file.peer.keys().map(String::as_str).collect();
        let mut named: Vec<&Spanned<String>> = Vec::new();
        named.extend(expect.delivered.iter().map(|delivered| &delivered.to));
        named.extend(expect.consent_lost.iter().map(|lost| &lost.peer));
        named.extend(expect.state.iter().map(|state| &state.peer));
        named.extend(expect.channel.iter().map(|channel| &channel.peer));
        named.extend(expect.never.iter().map(|never| &never.from));
        for peer in named {
            self.reference("peer", peer, peers.iter().copied());
        }
        let legs = expect.relay.iter().flat_map(|relay| relay.legs.keys());
        let keys = expect.candidates.keys().chain(legs);
        for name in keys.filter(|name| !peers.contains(&name.as_str())) {
            let help = did_you_mean(name, peers.iter().copied());
            self.add(format!("there is no peer `{name}`"), span.clone(), "in here", help);
        }
        if let Some(relay) = &expect.relay {
            self.reference("server", &relay.via, file.servers.keys().map(String::as_str));
        }
        if let Some(never) = &expect.never {
            let boxes = file.nat.keys().chain(file.firewall.keys()).map(String::as_str);
            self.reference("NAT or firewall", &never.crossing, boxes);
        }
        let streams: Vec<&str> = file
            .steps
            .iter()
            .filter_map(|step| step.get_ref().stream.as_ref())
            .map(|stream| stream.name.as_str())
            .collect();
        if let Some(resumed) =
            expect.resumed.as_ref().filter(|r| !streams.contains(&r.stream.as_str()))
        {
            let help = did_you_mean(&resumed.stream, streams.iter().copied());
            self.add(
                format!("there is no stream `{}`", resumed.stream),
                span.clone(),
                "in here",
                help,
            );
        }
        self.expected_labels(expect, &span);
        self.counter_names(expect, span);
    }

    fn counter_names(&mut self, expect: &Expect, span: Range<usize>) {
        let file = self.file;
        let links = link_owners(file);
        let sections = [
            ("NAT", &expect.nat, file.nat.keys().map(String::as_str).collect::<Vec<_>>()),
            ("firewall", &expect.firewall, file.firewall.keys().map(String::as_str).collect()),
            ("link", &expect.link, links),
        ];
        for (kind, wanted, known) in sections {
            for name in wanted.keys().filter(|name| !known.contains(&name.as_str())) {
                let help = did_you_mean(name, known.iter().copied());
                self.add(format!("there is no {kind} `{name}`"), span.clone(), "in here", help);
            }
            for counter in wanted.values().flat_map(BTreeMap::keys) {
                if !crate::run::COUNTERS.contains(&counter.as_str()) {
                    let help = did_you_mean(counter, crate::run::COUNTERS.iter().copied());
                    self.add(
                        format!("there is no counter `{counter}`"),
                        span.clone(),
                        "in here",
                        help,
                    );
                }
            }
        }
    }
}

/// Whether messages of a layer are datagrams of their own.
fn is_datagram(layer: TamperLayer) -> bool {
    matches!(layer, TamperLayer::Stun | TamperLayer::Dtls)
}

/// Everything that can own a link: what has an outer side.
fn link_owners(file: &File) -> Vec<&str> {
    let owners = file.nat.keys().chain(file.peer.keys()).chain(file.servers.keys());
    owners.map(String::as_str).collect()
}

/// Everything a firewall can protect.
fn firewall_owners(file: &File) -> Vec<&str> {
    link_owners(file)
}

/// Splits a server reference of a peer into server and transport.
#[must_use]
pub fn server_reference<'f>(file: &'f File, reference: &str) -> Option<(&'f str, Transport)> {
    let (name, query) = reference.split_once('?').map_or((reference, None), |(n, q)| (n, Some(q)));
    let tcp = match query {
        None | Some("transport=udp") => false,
        Some("transport=tcp") => true,
        Some(_) => return None,
    };
    if let Some((name, _)) = file.servers.get_key_value(name) {
        return Some((name, if tcp { Transport::Tcp } else { Transport::Udp }));
    }
    // `turns` is the server `turn` over TLS, as in a `turns:` URI (RFC 7065 §3.1).
    let (name, _) = file.servers.get_key_value(name.strip_suffix('s')?)?;
    tcp.then_some((name, Transport::Tls))
}

/// A firewall rule: protocol and port.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_rule(rule: &str) -> Result<(super::BlockedProtocol, Option<u16>), String> {
    let (protocol, port) = rule.split_once('/').map_or((rule, None), |(p, port)| (p, Some(port)));
    let protocol = match protocol {
        "udp" => super::BlockedProtocol::Udp,
        "tcp" => super::BlockedProtocol::Tcp,
        other => return Err(format!("`{other}` is not a protocol a firewall knows")),
    };
    match port.map(str::parse) {
        None => Ok((protocol, None)),
        Some(Ok(port)) => Ok((protocol, Some(port))),
        Some(Err(_)) => Err(format!("`{rule}` has no port number behind the slash")),
    }
}
