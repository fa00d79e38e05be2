//! What the peers stand on: NATs and how they differ from their presets, firewalls, servers and how
//! they are reached, families of addresses, and what becomes of links.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use rtcspec_control::{Feature, Hello};
use rtcspec_net::nat::presets;

use super::program::{Setup, Who};

/// Keys of a section and their values, as they are written in a scenario file.
type Section = BTreeMap<&'static str, String>;

/// Everything below the peers.
pub(super) struct Ground<'a> {
    setup: Setup,
    tested: &'a Hello,
    /// What a peer's NAT has that its preset has not.
    nats: [Section; 2],
    /// Preset of the carrier's NAT that a peer's NAT is behind.
    carriers: [Option<&'static str>; 2],
    firewalls: [Option<Section>; 2],
    /// Firewall rules, by peer and key.
    rules: [BTreeMap<&'static str, BTreeSet<&'static str>>; 2],
    links: [Section; 2],
    /// Faults of the TURN server.
    faults: Vec<String>,
    /// Both are behind the hostile peer's NAT; its segment keeps them apart, or does not.
    shared: Option<bool>,
    /// There may be no way between the peers although the network's oracle sees one, or it ends.
    pub(super) unsteady: bool,
    /// Bits change under way that nothing protects.
    pub(super) damages: bool,
    /// Packets are lost.
    pub(super) loses: bool,
}

/// How a TURN server is reached besides UDP: the bit of [`Setup::servers`], what a client must be
/// able to do, how its section and a peer's name it.
const STREAMS: [(u8, Feature, &str, &str); 2] = [
    (4, Feature::TurnTcp, "tcp", "turn?transport=tcp"),
    (8, Feature::TurnTls, "tls", "turns?transport=tcp"),
];
/// Not by UDP, if there is another way.
const STREAMS_ONLY: u8 = 16;
/// Names of multicast DNS in place of addresses.
const NAMES: u8 = 32;
/// The hostile peer uses relayed candidates only; the bit after it, the tested one.
const RELAY_ONLY: u8 = 64;

/// What may leave or come in, or not.
const RULES: [&str; 6] = ["udp", "tcp", "udp/3478", "tcp/3478", "tcp/443", "tcp/5349"];

impl<'a> Ground<'a> {
    pub(super) fn new(setup: Setup, tested: &'a Hello) -> Self {
        Self {
            setup,
            tested,
            nats: Default::default(),
            carriers: [None; 2],
            firewalls: Default::default(),
            rules: Default::default(),
            links: Default::default(),
            faults: Vec::new(),
            shared: None,
            unsteady: false,
            damages: false,
            loses: false,
        }
    }

    /// A step of a program that is about what the peers stand on.
    pub(super) fn step(&mut self, of: Who, kind: u8, which: u8, amount: u8) {
        match kind % 6 {
            0 => self.nat(of, which, amount),
            1 => self.firewall(of, which, amount),
            2 => self.fault(which, amount),
            3 => self.carriers[of as usize] = nat_name(which),
            4 => self.shared = Some(amount & 1 != 0),
            _ => self.rare_link(of, which, amount),
        }
    }

    /// One parameter of a NAT.
    fn nat(&mut self, of: Who, which: u8, amount: u8) {
        let (key, value, unsteady) = nat_value(which, amount);
        self.unsteady |= unsteady;
        self.nats[of as usize].insert(key, value);
    }

    fn firewall(&mut self, of: Who, which: u8, amount: u8) {
        let section = self.firewalls[of as usize].get_or_insert_default();
        let number = usize::from(amount);
        let (key, value) = match which % 9 {
            0 => ("default-out", pick(&["drop", "reject", "allow"], number)),
            1 => ("default-in", pick(&["drop", "reject", "allow"], number)),
            2 => ("filtering", pick(&BEHAVIOURS, number)),
            3 => ("kill-after", format!("\"{amount}s\"")),
            4 if number.is_multiple_of(2) => ("kill", format!("[{{ packets = {} }}]", amount / 4)),
            4 => ("kill", format!("[{{ protocol = \"udp\", after = \"{}s\" }}]", amount / 16)),
            rule => {
                let key = ["allow-out", "allow-in", "deny-out", "deny-in"][usize::from(rule - 5)];
                let rules = self.rules[of as usize].entry(key).or_default();
                rules.insert(RULES[number % RULES.len()]);
                return;
            }
        };
        self.unsteady |= key.starts_with("kill");
        section.insert(key, value);
    }

    /// Of the TURN server.
    fn fault(&mut self, which: u8, amount: u8) {
        const KINDS: [&str; 4] =
            ["stale-nonce", "allocation-mismatch", "lose-allocations", "silent"];
        const METHODS: [&str; 4] = ["allocate", "refresh", "create-permission", "channel-bind"];
        let kind = KINDS[usize::from(which) % 4];
        let method = METHODS[usize::from(which / 4) % 4];
        let (nth, times) = (amount % 8 + 1, amount / 8 % 4 + 1);
        // A client comes over one stale nonce (RFC 8489 §9.2.5); what else there is may end it.
        self.unsteady |= kind != "stale-nonce" || times > 1;
        let when = if kind == "lose-allocations" {
            format!("at = \"{}ms\"", u32::from(amount) * 100)
        } else {
            format!("method = {method:?}, nth = {nth}, times = {times}")
        };
        self.faults.push(format!("{{ kind = {kind:?}, {when} }}"));
    }

    /// Conditions of a link from the beginning.
    pub(super) fn link(&mut self, of: Who, kind: u8, amount: u8) {
        let (key, value) = link_value(kind, amount);
        self.harms(key);
        self.links[of as usize].insert(key, value);
    }

    /// A link has, or gets, this condition.
    pub(super) fn harms(&mut self, key: &str) {
        self.damages |= key == "corrupt";
        self.loses |= key == "loss";
    }

    /// Conditions that links seldom have.
    fn rare_link(&mut self, of: Who, which: u8, amount: u8) {
        let number = u32::from(amount);
        let (key, value) = match which % 6 {
            0 => {
                let rate = number * 4 + 256;
                let rate = format!("up = \"{rate}kbit/s\", down = \"{rate}kbit/s\"");
                ("rate", format!("{{ {rate}, queue = \"{}ms\" }}", number + 100))
            }
            1 => ("mtu", (number * 4 + 576).to_string()),
            2 => ("mtu-icmp", (number & 1 == 0).to_string()),
            3 => {
                let chances = "good-to-bad = \"1%\", bad-to-good = \"30%\"";
                let share = number % 60;
                (
                    "loss",
                    format!("{{ model = \"gilbert-elliott\", {chances}, in-bad = \"{share}%\" }}"),
                )
            }
            4 => ("loss", format!("{{ every = {} }}", number % 32 + 8)),
            _ => ("corruption", pick(&["bit", "byte", "truncate"], usize::from(amount))),
        };
        // Nobody promises to find out what a path carries, nor to get through a loss that keeps step
        // with retransmissions.
        self.unsteady |= matches!(which % 6, 1 | 4);
        self.harms(key);
        self.links[of as usize].insert(key, value);
    }

    /// The firewall of a peer; it is there from now on.
    pub(super) fn walled(&mut self, of: Who) -> &'static str {
        self.firewalls[of as usize].get_or_insert_default();
        of.name()
    }

    /// Whether a peer may hear nothing for so long that its consent expires: behind a stream that
    /// waits for what was lost.
    pub(super) fn stalls(&self) -> bool {
        self.loses && self.turn() && STREAMS.iter().any(|stream| self.has(stream.0, stream.1))
    }

    /// Whether there are firewalls.
    pub(super) fn has_walls(&self) -> bool {
        self.firewalls.iter().any(Option::is_some)
            || self.rules.iter().any(|rules| !rules.is_empty())
    }

    /// The NAT of a peer, if it has one.
    pub(super) fn nat_of(&self, of: Who) -> Option<String> {
        nat_name(self.setup.nats[of as usize]).map(|_| format!("before-{}", of.name()))
    }

    /// Where a peer may move to.
    pub(super) fn elsewhere(&self, of: Who) -> String {
        match nat_name(self.setup.nats[of.other() as usize]) {
            Some(_) => format!("{}-home", of.other().name()),
            None => "wan".to_owned(),
        }
    }

    /// Where a peer is.
    fn segment(&self, of: Who) -> String {
        let host = if self.shared.is_some() { Who::Hostile } else { of };
        match nat_name(self.setup.nats[host as usize]) {
            Some(_) => format!("{}-home", host.name()),
            None => "wan".to_owned(),
        }
    }

    /// Where a peer has interfaces: as a telephone at home and by the carrier, or in the other's home too.
    fn segments(&self, of: Who) -> Vec<String> {
        let mut all = vec![self.segment(of)];
        if self.setup.has_two_interfaces(of) && self.tested.has(Feature::MultiInterface) {
            all.push(if all[0] == "wan" { self.elsewhere(of) } else { "wan".to_owned() });
        }
        all.dedup();
        all
    }

    /// A bit of [`Setup::servers`] that asks something of the tested peer.
    fn has(&self, bit: u8, feature: Feature) -> bool {
        self.setup.servers & bit != 0 && self.tested.has(feature)
    }

    fn turn(&self) -> bool {
        self.has(2, Feature::Turn)
    }

    /// Servers, NATs, firewalls and links.
    pub(super) fn sections(&self) -> String {
        let mut text = self.boxes_and_servers();
        for (who, link) in [Who::Hostile, Who::Tested].into_iter().zip(&self.links) {
            let _ = writeln!(text, "\n[link.{}]", who.name());
            if !link.contains_key("delay") {
                text.push_str("delay = \"15ms\"\n");
            }
            keys(&mut text, link);
        }
        text
    }

    /// The same without links.
    pub(super) fn boxes_and_servers(&self) -> String {
        let mut text = self.servers();
        for who in [Who::Hostile, Who::Tested] {
            self.boxes(who, &mut text);
        }
        if self.shared == Some(true) && self.segment(Who::Tested) != "wan" {
            text.push_str("\n[net.hostile-home]\nisolation = true\n");
        }
        text
    }

    fn servers(&self) -> String {
        let mut text = String::new();
        if self.has(1, Feature::Stun) {
            text.push_str("\n[servers.stun]\nkind = \"stun\"\nat   = \"wan\"\n");
        }
        if self.turn() {
            text.push_str("\n[servers.turn]\nkind = \"turn\"\nat   = \"wan\"\n");
            let streams = STREAMS.iter().filter(|stream| self.has(stream.0, stream.1));
            let transports: Vec<&str> =
                std::iter::once("udp").chain(streams.map(|stream| stream.2)).collect();
            if transports.len() > 1 {
                let _ = writeln!(text, "transports = {transports:?}");
            }
            if !self.faults.is_empty() {
                let _ = writeln!(text, "faults = [{}]", self.faults.join(", "));
            }
        }
        text
    }

    /// A peer's NAT with the carrier's, and its firewall.
    fn boxes(&self, who: Who, text: &mut String) {
        let (name, index) = (who.name(), who as usize);
        if let Some(preset) = nat_name(self.setup.nats[index]) {
            let carrier = self.carriers[index];
            let outside = carrier.map_or("wan".to_owned(), |_| format!("{name}-isp"));
            let _ = writeln!(
                text,
                "\n[nat.before-{name}]\npreset  = {preset:?}\ninside  = \"{name}-home\"\noutside = {outside:?}"
            );
            keys(text, &self.nats[index]);
            if let Some(preset) = carrier {
                let _ = writeln!(
                    text,
                    "\n[nat.carrier-of-{name}]\npreset  = {preset:?}\ninside  = {outside:?}\noutside = \"wan\""
                );
            }
        }
        if self.firewalls[index].is_some() || !self.rules[index].is_empty() {
            let _ = writeln!(text, "\n[firewall.{name}]");
            keys(text, self.firewalls[index].as_ref().unwrap_or(&Section::new()));
            for (key, rules) in &self.rules[index] {
                let _ = writeln!(text, "{key} = {:?}", rules.iter().collect::<Vec<_>>());
            }
        }
    }

    /// What a peer's section says of the network.
    pub(super) fn peer(&self, who: Who, text: &mut String) {
        let _ = writeln!(text, "on   = {:?}", self.segments(who));
        let families = self.setup.families >> (2 * who as u8) & 3;
        if families != 0 && self.tested.has(Feature::Ipv6) {
            let families =
                ["ipv4", "ipv6"].iter().zip([1, 2]).filter(|(_, bit)| families & bit != 0);
            let families: Vec<&str> = families.map(|(family, _)| *family).collect();
            let _ = writeln!(text, "families = {families:?}");
        }
        // RFC 8445 §5.2: a lite agent needs no servers, and some refuse to be told of any.
        let lite = self.lite(who);
        let servers = if lite { Vec::new() } else { self.reached() };
        let mut ice = vec![format!("servers = {servers:?}")];
        let (bit, feature) = (RELAY_ONLY << who as u8, Feature::RelayPolicy);
        if self.turn()
            && !lite
            && (self.setup.servers & bit != 0 && who == Who::Hostile || self.has(bit, feature))
        {
            ice.push("policy = \"relay\"".to_owned());
        }
        if self.has(NAMES, Feature::Mdns) {
            ice.push("mdns = true".to_owned());
        }
        if lite {
            ice.push("lite = true".to_owned());
        }
        let _ = writeln!(text, "ice  = {{ {} }}", ice.join(", "));
    }

    /// A lite agent; two of them would wait for each other's checks for ever.
    fn lite(&self, who: Who) -> bool {
        let lite = self.setup.is_lite(who) && self.tested.has(Feature::IceLite);
        lite && (who == Who::Hostile || !self.setup.is_lite(Who::Hostile))
    }

    /// Servers, as peers are told of them.
    fn reached(&self) -> Vec<&'static str> {
        let mut all = Vec::new();
        if self.has(1, Feature::Stun) {
            all.push("stun");
        }
        if self.turn() {
            let streams = STREAMS.iter().filter(|stream| self.has(stream.0, stream.1));
            let streams: Vec<&str> = streams.map(|stream| stream.3).collect();
            if streams.is_empty() || self.setup.servers & STREAMS_ONLY == 0 {
                all.push("turn");
            }
            all.extend(streams);
        }
        all
    }

    /// What makes it more than two hosts on a good network, in words without numbers.
    pub(super) fn ingredients(&self) -> Vec<String> {
        let mut all = Vec::new();
        for who in [Who::Hostile, Who::Tested] {
            let (name, index) = (who.name(), who as usize);
            if let Some(preset) = nat_name(self.setup.nats[index]) {
                all.push(format!("{name} behind {preset}"));
                all.extend(self.nats[index].keys().map(|key| format!("{key} of NAT of {name}")));
                all.extend(self.carriers[index].map(|_| format!("{name} behind a carrier")));
            }
            let firewall = self.firewalls[index].iter().flat_map(Section::keys);
            let firewall = firewall.chain(self.rules[index].keys());
            all.extend(firewall.map(|key| format!("firewall {key} of {name}")));
            all.extend(self.links[index].keys().map(|key| format!("{key} at {name}")));
            if self.setup.families >> (2 * index) & 3 > 1 {
                all.push(format!("IPv6 of {name}"));
            }
            all.extend(self.lite(who).then(|| format!("{name} is lite")));
            all.extend((self.segments(who).len() > 1).then(|| format!("{name} on two")));
        }
        if self.turn() {
            let streams = STREAMS.iter().filter(|stream| self.has(stream.0, stream.1));
            all.extend(streams.map(|stream| format!("TURN over {}", stream.2)));
            all.extend(self.faults.first().map(|_| "faulty TURN".to_owned()));
        }
        all.extend(self.has(NAMES, Feature::Mdns).then(|| "multicast DNS".to_owned()));
        all.extend(self.shared.map(|_| "one home".to_owned()));
        all
    }
}

fn keys(text: &mut String, section: &Section) {
    for (key, value) in section {
        let _ = writeln!(text, "{key} = {value}");
    }
}

/// One of these words, as a value.
fn pick(words: &[&str], number: usize) -> String {
    format!("{:?}", words[number % words.len()])
}

const BEHAVIOURS: [&str; 3] =
    ["endpoint-independent", "address-dependent", "address-and-port-dependent"];

/// A parameter of a NAT; whether what works with it may stop working.
fn nat_value(which: u8, amount: u8) -> (&'static str, String, bool) {
    let number = usize::from(amount);
    let flag = (amount & 1 != 0).to_string();
    match which % 20 {
        0 => ("mapping", pick(&BEHAVIOURS, number), false),
        1 => ("filtering", pick(&BEHAVIOURS, number), false),
        2 => ("filter-scope", pick(&["mapping", "endpoint"], number), false),
        3 => ("reply-binding", pick(&["none", "first", "latest"], number), false),
        4 => ports(amount),
        5 => ("addresses", (amount % 4 + 1).to_string(), false),
        6 => ("pooling", pick(&["paired", "arbitrary", "round-robin"], number), false),
        7 => ("hairpin", pick(&["none", "internal", "external"], number), false),
        8 => {
            let key = ["udp", "unreplied", "filter", "tcp", "tcp-transitory"][number % 5];
            ("lifetime", format!("{{ {key} = \"{}s\" }}", amount / 5 + 1), true)
        }
        9 => ("refresh", pick(&["outbound", "inbound", "both", "none"], number), true),
        10 => ("refresh-by-filtered", flag, false),
        11 => ("unsolicited", pick(&["drop", "reject", "reserve"], number), number % 3 == 2),
        12 => {
            let words = ["nothing", "kill-mapping", "block-source"];
            ("on-filtered", pick(&words, number), !number.is_multiple_of(3))
        }
        13 => ("subscriber-limit", (amount % 16 + 1).to_string(), true),
        14 => ("mapping-limit", (amount % 16 + 1).to_string(), true),
        15 => ("new-per-second", (amount % 16 + 1).to_string(), true),
        16 => ("exhaustion", pick(&["drop", "reject", "evict-oldest"], number), false),
        17 => ("changes-on-conflict", flag, false),
        18 => {
            let (mapping, filtering) = (pick(&BEHAVIOURS, number), pick(&BEHAVIOURS, number / 3));
            ("tcp", format!("{{ mapping = {mapping}, filtering = {filtering} }}"), false)
        }
        _ => {
            let words = ["drop", "forward", BEHAVIOURS[0], BEHAVIOURS[1], BEHAVIOURS[2]];
            ("ipv6", pick(&words, number), false)
        }
    }
}

/// How external ports are chosen.
fn ports(amount: u8) -> (&'static str, String, bool) {
    let table = |words: &str| format!("{{ {words} }}");
    let (value, unsteady) = match amount % 11 {
        0 => ("\"preserve\"".to_owned(), false),
        1 => ("\"preserve-or-drop\"".to_owned(), true),
        2 => ("\"preserve-overload\"".to_owned(), true),
        3 => ("\"preserve-override\"".to_owned(), true),
        4 => ("\"sequential\"".to_owned(), false),
        5 => ("\"random\"".to_owned(), false),
        6 => (table(&format!("policy = \"block\", block = {}", amount / 11 + 1)), true),
        7 => (table(&format!("policy = \"sequential\", step = {}", amount / 11 + 1)), false),
        8 => (
            table(&format!("policy = \"random\", range = \"5000-{}\"", 5000 + u16::from(amount))),
            true,
        ),
        9 => (table("policy = \"random\", parity = true"), false),
        _ => (table("policy = \"preserve\", hold-down = \"20s\""), false),
    };
    ("ports", value, unsteady)
}

/// A preset of the network engine; none for zero, and for one in three besides.
pub(super) fn nat_name(number: u8) -> Option<&'static str> {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let names = presets::ALL.iter().map(|preset| preset.name);
        names.filter(|name| !name.contains("v6")).collect()
    });
    if number.is_multiple_of(3) { None } else { Some(NAMES[usize::from(number) % NAMES.len()]) }
}

/// A condition of a link, never so bad that nothing would come of a session.
pub(super) fn link_value(kind: u8, amount: u8) -> (&'static str, String) {
    let share = |most: u32| format!("\"{}%\"", u32::from(amount) % most);
    match kind % 6 {
        0 => ("delay", format!("\"{}ms\"", u32::from(amount) + 1)),
        1 => ("jitter", format!("{{ up-to = \"{}ms\" }}", amount % 64 + 1)),
        2 => ("loss", share(10)),
        3 => ("duplicate", share(31)),
        4 => ("reorder", format!("{{ share = {}, by = \"{}ms\" }}", share(31), amount % 100 + 1)),
        _ => ("corrupt", share(6)),
    }
}
