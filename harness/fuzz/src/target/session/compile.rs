//! From a program to a scenario file, with what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rtcspec_control::{Feature, Hello};
use rtcspec_suite::scenario::TamperLayer;

use super::ground::{Ground, link_value};
use super::program::{Program, Setup, Step, Who};

/// Milliseconds of run time that a step's time counts in.
const UNIT: u32 = 25;
/// When, in that unit, the first descriptions have been exchanged.
const SIGNALLED: u8 = 4;
/// Bytes that one program sends, in all.
const BYTES: u32 = 300_000;
/// Changes to the hostile peer's messages that honest peers may need as well: the network loses,
/// doubles and delays no less.
const HARMLESS: usize = 6;

/// A session to be played.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Everything but `[[tamper]]`, the injections' edits, and expectations.
    pub(super) head: String,
    /// What is done to messages, in the file's order.
    pub(super) tampers: Vec<Tamper>,
    /// Steps, in the file's order.
    pub(super) steps: Vec<Do>,
    /// What must come of it if there is a way between the two.
    pub(super) expectations: Vec<String>,
    /// Nothing in it goes beyond what a network may do.
    pub(super) harmless: bool,
    /// The peers connect anew.
    pub(super) renegotiates: bool,
    /// What makes it more than two hosts on a good network, in words without numbers.
    pub(super) ingredients: Vec<String>,
    /// Where there are expectations, what it depends on whether the peers can connect: nothing that
    /// happens makes another network of it.
    pub(super) terrain: String,
}

/// `[[tamper]]` without its edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tamper {
    pub(super) layer: TamperLayer,
    pub(super) nth: u32,
    pub(super) verb: Verb,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Drop,
    Duplicate,
    Delay {
        millis: u32,
    },
    /// It is changed as a mutator does with this seed, and then repaired or not.
    Mutate {
        seed: u16,
        repair: bool,
    },
}

/// `[[do]]`.
#[derive(Clone, Debug)]
pub(super) struct Do {
    /// When, in milliseconds.
    pub(super) at: u32,
    /// What, but for an injection.
    pub(super) verb: String,
    /// An injection.
    pub(super) inject: Option<Inject>,
}

/// `inject` without its edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inject {
    pub(super) layer: TamperLayer,
    /// Which message is copied; `None` for one from the corpus of the layer's target.
    pub(super) copy: Option<u32>,
    pub(super) seal: bool,
    pub(super) stranger: bool,
    pub(super) stream: u16,
    pub(super) ppid: u32,
    pub(super) seed: u16,
}

/// What a channel carries.
#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    reliable: bool,
    ordered: bool,
    sent: [u32; 2],
    closed: bool,
}

/// Makes the plan of a program for a peer with these features, which may be the reference peer.
pub(super) fn compile(program: &Program, tested: &Hello, is_ours: bool) -> Plan {
    let mut compiler = Compiler::new(program.setup, tested, is_ours);
    for step in &program.steps {
        compiler.step(step);
    }
    compiler.finish()
}

struct Compiler<'a> {
    setup: Setup,
    tested: &'a Hello,
    is_ours: bool,
    ground: Ground<'a>,
    steps: Vec<Do>,
    tampers: Vec<Tamper>,
    channels: BTreeMap<u8, Channel>,
    bytes: u32,
    /// A message was changed, a packet injected by who is trusted, or more was lost than is harmless.
    hostile: bool,
    faults: usize,
    /// Something happened to the network, or a peer left.
    broken: bool,
    /// When the peers connect anew, in milliseconds.
    restarts: Vec<u32>,
}

impl<'a> Compiler<'a> {
    fn new(setup: Setup, tested: &'a Hello, is_ours: bool) -> Self {
        let main = Channel { reliable: true, ordered: true, ..Channel::default() };
        let peers = match setup.tested_offers() {
            true => "[\"tested\", \"hostile\"]",
            false => "[\"hostile\", \"tested\"]",
        };
        let glares = setup.glares() && tested.has(Feature::Rollback);
        let verb = if glares { "glare" } else { "connect" };
        Self {
            setup,
            tested,
            is_ours,
            ground: Ground::new(setup, tested),
            steps: vec![Do { at: 0, verb: format!("{verb} = {peers}"), inject: None }],
            tampers: Vec::new(),
            channels: BTreeMap::from([(0, main)]),
            bytes: 0,
            hostile: false,
            faults: 0,
            broken: false,
            restarts: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Link { of, kind, amount } => self.ground.link(of, kind, amount),
            Step::Ground { of, kind, which, amount } => self.ground.step(of, kind, which, amount),
            Step::Send { from, channel, at, count, size } => {
                self.send(from, channel, at, count, size);
            }
            Step::Channel { from, number, at, options } => self.channel(from, number, at, options),
            Step::Restart { of, at } if self.tested.has(Feature::Restart) => {
                // An application offers again once its first offer is on its way.
                let at = at.max(SIGNALLED);
                self.restarts.push(u32::from(at) * UNIT);
                self.at(at, format!("restart = {:?}", of.name()));
            }
            Step::Rollback { of, at } if self.tested.has(Feature::Rollback) => {
                self.at(at.max(SIGNALLED), format!("rollback = {:?}", of.name()));
            }
            Step::Restart { .. } | Step::Rollback { .. } => {}
            Step::CloseChannel { from, number, at } => {
                let label = label(number);
                if let Some(channel) = self.channels.get_mut(&(number % 4)) {
                    channel.closed = true;
                    // Who closes the first channel may do so before it is open.
                    self.broken |= number.is_multiple_of(4);
                    let from = from.name();
                    self.at(
                        at,
                        format!("close-channel = {{ from = {from:?}, label = {label:?} }}"),
                    );
                }
            }
            Step::Close { of, at } => {
                self.broken = true;
                self.at(at, format!("close = {:?}", of.name()));
            }
            Step::Network { kind, of, at, amount } => self.network(kind, of, at, amount),
            Step::Tamper { layer, nth, verb, amount, seed } => {
                self.tamper(layer, nth, verb, amount, seed);
            }
            Step::Inject { layer, at, options, copy, seed } => {
                self.inject(layer, at, options, copy, seed);
            }
        }
    }

    fn at(&mut self, at: u8, verb: String) {
        self.steps.push(Do { at: u32::from(at) * UNIT, verb, inject: None });
    }

    fn send(&mut self, from: Who, number: u8, at: u8, count: u8, size: u16) {
        let number = number % 4;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let (count, size) = (u32::from(count % 8) + 1, u32::from(size) % 40_000);
        if self.bytes + count * size > BYTES {
            return;
        }
        self.bytes += count * size;
        channel.sent[from as usize] += count;
        let (from, label) = (from.name(), label(number));
        self.at(
            at,
            format!(
                "send = {{ from = {from:?}, channel = {label:?}, messages = {count}, size = {size} }}"
            ),
        );
    }

    fn channel(&mut self, from: Who, number: u8, at: u8, options: u8) {
        let number = number % 4;
        let (unordered, limit) = (options & 1 != 0, options >> 1 & 3);
        let lacks = unordered && !self.tested.has(Feature::Unordered)
            || limit != 0 && !self.tested.has(Feature::PrSctp);
        if number == 0 || lacks || self.channels.contains_key(&number) {
            return;
        }
        let ordered = !unordered;
        let channel = Channel { reliable: limit == 0, ordered, ..Channel::default() };
        self.channels.insert(number, channel);
        let limit = match limit {
            0 => String::new(),
            1 => format!(", max-packet-life-time = {}", u16::from(options >> 3) * 20),
            _ => format!(", max-retransmits = {}", options >> 3 & 3),
        };
        let (from, label) = (from.name(), label(number));
        self.at(
            at,
            format!(
                "channel = {{ from = {from:?}, label = {label:?}, ordered = {ordered}{limit} }}"
            ),
        );
    }

    /// A NAT, a firewall, a link or an interface in the middle of it.
    fn network(&mut self, kind: u8, of: Who, at: u8, amount: u8) {
        let protocol = if amount & 1 == 0 { "udp" } else { "tcp" };
        let verb = match (kind % 8, self.ground.nat_of(of)) {
            (0, Some(nat)) => format!("reboot = {{ nat = {nat:?}, down = \"{amount}ms\" }}"),
            (1, Some(nat)) => format!("renumber = {nat:?}"),
            (2, Some(nat)) => format!("expire = {nat:?}"),
            (kind @ (4 | 5), _) => {
                let verb = if kind == 4 { "block" } else { "unblock" };
                let at = self.ground.walled(of);
                format!("{verb} = {{ at = {at:?}, protocol = {protocol:?} }}")
            }
            (6, _) if of == Who::Hostile || self.tested.has(Feature::NetworkChange) => {
                let (of, to) = (of.name(), self.ground.elsewhere(of));
                format!("move = {{ peer = {of:?}, to = {to:?}, gap = \"{amount}ms\" }}")
            }
            _ => {
                let (key, value) = link_value(amount & 7, amount);
                self.ground.harms(key);
                let of = of.name();
                self.at(at, format!("link = {{ of = {of:?}, to = {{ {key} = {value} }} }}"));
                return;
            }
        };
        self.broken = true;
        self.at(at, verb);
    }

    fn tamper(&mut self, layer: u8, nth: u8, verb: u8, amount: u8, seed: u16) {
        let layer = TamperLayer::ALL[usize::from(layer) % TamperLayer::ALL.len()];
        let nth = u32::from(nth % 64) + 1;
        if self.tampers.iter().any(|known| known.layer == layer && known.nth == nth) {
            return;
        }
        let verb = match verb % 8 {
            0 if layer != TamperLayer::Sdp => Verb::Drop,
            1 if layer != TamperLayer::Sdp => Verb::Duplicate,
            2 if layer != TamperLayer::Sdp => Verb::Delay { millis: u32::from(amount) * 4 + 1 },
            verb => Verb::Mutate { seed, repair: verb != 3 && layer.is_sealed() },
        };
        let network = matches!(layer, TamperLayer::Stun | TamperLayer::Dtls | TamperLayer::Sctp);
        self.faults += 1;
        self.hostile |= matches!(verb, Verb::Mutate { .. }) || !network || self.faults > HARMLESS;
        self.ground.loses |= verb == Verb::Drop;
        self.tampers.push(Tamper { layer, nth, verb });
    }

    fn inject(&mut self, layer: u8, at: u8, options: u8, copy: u8, seed: u16) {
        let layers =
            [TamperLayer::Stun, TamperLayer::Dtls, TamperLayer::Sctp, TamperLayer::Message];
        let layer = layers[usize::from(layer) % layers.len()];
        let datagram = matches!(layer, TamperLayer::Stun | TamperLayer::Dtls);
        let stranger = datagram && options & 1 != 0;
        // Who signs with the right key is no stranger.
        let seal = layer.is_sealed() && !stranger && options & 2 != 0;
        self.hostile |= !stranger;
        const PPIDS: [u32; 8] = [50, 50, 50, 51, 53, 56, 57, u32::MAX];
        let inject = Inject {
            layer,
            copy: (options & 4 != 0).then_some(u32::from(copy % 64) + 1),
            seal,
            stranger,
            stream: u16::from(options >> 3 & 7),
            ppid: PPIDS[usize::from(copy) % PPIDS.len()],
            seed,
        };
        let at = u32::from(at) * UNIT;
        self.steps.push(Do { at, verb: String::new(), inject: Some(inject) });
    }

    fn finish(mut self) -> Plan {
        // Somebody says something after all else, so that what was broken before shows.
        let last = self.steps.iter().map(|step| step.at).max().unwrap_or_default();
        if let Some(main) = self.channels.get_mut(&0) {
            main.sent = main.sent.map(|sent| sent + 1);
        }
        for from in [Who::Hostile, Who::Tested] {
            let verb = format!("send = {{ from = {:?}, size = 20 }}", from.name());
            self.steps.push(Do { at: last + 1500, verb, inject: None });
        }
        // A bit of a handshake that nothing protects makes two peers disagree about it.
        let harmless = !self.hostile && !self.ground.damages;
        self.broken |= collide(&self.restarts);
        let expectations = if harmless { self.expectations() } else { Vec::new() };
        Plan {
            head: self.head(),
            terrain: if expectations.is_empty() { String::new() } else { self.terrain() },
            expectations,
            harmless,
            renegotiates: !self.restarts.is_empty(),
            ingredients: self.ingredients(),
            tampers: self.tampers,
            steps: self.steps,
        }
    }

    /// What has to come of a session that only the network disturbs.
    fn expectations(&self) -> Vec<String> {
        // Who waits for candidates of a server behind a wall answers after 39.5 s (RFC 8489 §6.2.1); rtc
        // and str0m do not connect so late.
        let waits =
            !matches!(order(self.setup.order), "trickle" | "before-description" | "duplicated");
        let gives_up = waits && self.ground.has_walls() || self.ground.stalls();
        if self.broken || self.ground.unsteady || gives_up {
            return Vec::new();
        }
        // Timers double: of six packets in a row that are lost the last comes a minute late.
        let within = if self.ground.loses { 250 } else { 30 };
        let mut all = vec![format!("connected = {{ within = \"{within}s\" }}")];
        for (number, channel) in self.channels.iter().filter(|(_, channel)| !channel.closed) {
            for from in [Who::Hostile, Who::Tested] {
                let sent = channel.sent[from as usize];
                let messages = match channel.reliable {
                    true => sent.to_string(),
                    false => format!("{{ min = 0, max = {sent} }}"),
                };
                let order = if channel.ordered && channel.reliable { "kept" } else { "any" };
                let (to, label) = (from.other().name(), label(*number));
                all.push(format!(
                    "delivered = {{ to = {to:?}, channel = {label:?}, messages = {messages}, order = {order:?} }}"
                ));
            }
        }
        all
    }

    /// What makes it more than two hosts on a good network, in words without numbers.
    fn ingredients(&self) -> Vec<String> {
        let mut all = BTreeSet::new();
        let mut add = |words: String| {
            all.insert(words);
        };
        self.ground.ingredients().into_iter().for_each(&mut add);
        if order(self.setup.order) != order(0) {
            add(format!("candidates {}", order(self.setup.order)));
        }
        let options = sctp(self.setup.options);
        if options != sctp(0) {
            add(options
                .split(", ")
                .filter(|word| !word.ends_with("false"))
                .collect::<Vec<_>>()
                .join(" "));
        }
        for step in &self.steps {
            match (&step.inject, step.verb.split_once(" = ")) {
                (Some(inject), _) => add(format!("inject {}", inject.layer.word())),
                // These are in every session.
                (None, Some((verb, _))) if !matches!(verb, "send" | "connect") => {
                    add(verb.to_owned());
                }
                _ => {}
            }
        }
        for tamper in &self.tampers {
            let verb = match tamper.verb {
                Verb::Drop => "drop",
                Verb::Duplicate => "double",
                Verb::Delay { .. } => "delay",
                Verb::Mutate { .. } => "change",
            };
            add(format!("{verb} {}", tamper.layer.word()));
        }
        all.into_iter().collect()
    }

    /// What stands between the peers, where they are and what they look for.
    fn terrain(&self) -> String {
        let mut text = self.ground.boxes_and_servers();
        for who in [Who::Hostile, Who::Tested] {
            self.ground.peer(who, &mut text);
        }
        text.push_str(if self.setup.tested_offers() { "offers" } else { "answers" });
        text
    }

    /// Everything before steps and expectations.
    fn head(&self) -> String {
        let seed = u64::from(self.setup.seed) + 1;
        let mut text = format!(
            "schema = 1\nname   = \"A session that a fuzzer made up.\"\ntests  = []\nseed   = {seed}\n\
             limit  = \"300s\"\noracle = \"off\"\nabout  = \"\"\"\nWritten by `rtcspec fuzz session`.\"\"\"\n",
        );
        let _ = writeln!(text, "\n[signalling]\ncandidates = {:?}", order(self.setup.order));
        text.push_str(&self.ground.sections());
        self.peers(&mut text);
        text
    }

    fn peers(&self, text: &mut String) {
        for who in [Who::Hostile, Who::Tested] {
            let name = who.name();
            let offers = (who == Who::Tested) == self.setup.tested_offers();
            let role = if offers { "offerer" } else { "answerer" };
            let runs = if who == Who::Hostile { "reference" } else { "under-test" };
            let _ = writeln!(text, "\n[peer.{name}]\nruns = {runs:?}\nrole = {role:?}");
            self.ground.peer(who, text);
            if self.is_ours {
                // Curves are a third of the time of a session that only connects, and nobody here is after them.
                text.push_str("dtls = { cryptography = \"symmetric\" }\n");
            }
            if who == Who::Hostile {
                let _ = writeln!(text, "sctp = {{ {} }}", sctp(self.setup.options));
            }
        }
    }
}

/// Whether peers connect anew before they have connected, or twice at a time.
fn collide(restarts: &[u32]) -> bool {
    const APART: u32 = 2000;
    let mut restarts = restarts.to_vec();
    restarts.sort_unstable();
    restarts.first().is_some_and(|first| *first < APART)
        || restarts.windows(2).any(|pair| pair[1] - pair[0] < APART)
}

fn label(number: u8) -> String {
    match number % 4 {
        0 => "main".to_owned(),
        number => format!("channel-{number}"),
    }
}

fn order(number: u8) -> &'static str {
    const ORDERS: [&str; 7] = [
        "trickle",
        "reversed",
        "before-description",
        "after-gathering",
        "half-trickle",
        "in-description",
        "duplicated",
    ];
    ORDERS[usize::from(number) % ORDERS.len()]
}

fn sctp(options: u8) -> String {
    let on = |bit: u8| options & bit != 0;
    let mut words = vec![format!("interleaving = {}", on(1)), format!("zero-checksum = {}", on(2))];
    if on(4) {
        words.push(format!("initial-tsn = {}", u32::MAX - u32::from(options >> 4)));
    }
    if on(8) {
        words.push("rwnd = 65536".to_owned());
    }
    words.join(", ")
}
