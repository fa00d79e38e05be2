//! The network of a scenario without its peers, at the pace of whoever is on it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use rtcspec_control::{IceServer, Receive, Transmit};
use rtcspec_net::fabric::TopologyError;
use rtcspec_trace::Party;

use super::net::Net;
use super::play::{behind, nat_words};
use crate::scenario::{Anchor, File, Move, Step, When};
use crate::topology::{build, nat_params};

/// A scenario's network: segments, NATs, firewalls, links, servers, and two hosts with nobody on
/// them.
///
/// Steps that change the network are carried out at their times. Those that wait for something only
/// peers can reach, such as a connection, wait for [`Terrain::go_on`]. A host that is moved has other
/// addresses, and whoever is on it is to be told ([`Terrain::moved`]).
#[derive(Debug)]
pub struct Terrain<'f> {
    file: &'f File,
    net: Net,
    /// What is due, and when.
    due: BTreeSet<(Duration, Due)>,
    /// Steps that wait for what does not happen by itself.
    waiting: Vec<(usize, When)>,
    moved: Vec<Party>,
    told: Vec<String>,
}

/// What is due, by index of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// Whom the step has moved has a network again.
    Arrival(usize),
    Step(usize),
}

impl<'f> Terrain<'f> {
    /// The network at its beginning; with `capture` everything on it is kept.
    ///
    /// # Errors
    /// [`TopologyError`] for what the checks of a file cannot see.
    pub fn new(file: &'f File, seed: u64, capture: bool) -> Result<Self, TopologyError> {
        let mut net = Net::new(file, build(file, None, seed)?, seed);
        if capture {
            net.begin_capture();
        }
        let (mut due, mut waiting) = (BTreeSet::new(), Vec::new());
        for (index, step) in file.steps.iter().enumerate() {
            let step = step.get_ref();
            if target(step).is_none() {
                continue;
            }
            let after = step.after.as_ref().and_then(|after| When::parse(after.get_ref()).ok());
            let at = || When::at(step.at.map_or(Duration::ZERO, |at| at.0));
            match after.unwrap_or_else(at) {
                When { anchor: Anchor::Start, offset } => {
                    due.insert((offset, Due::Step(index)));
                }
                when => waiting.push((index, when)),
            }
        }
        Ok(Self { file, net, due, waiting, moved: Vec::new(), told: Vec::new() })
    }

    /// The host of a peer, offerer first where no name is given.
    #[must_use]
    pub fn host(&self, name: Option<&str>) -> Option<Party> {
        let named = |party: &Party| name.is_none_or(|name| self.name(*party) == name);
        [Party::A, Party::B].into_iter().find(named)
    }

    /// Name of a host.
    #[must_use]
    pub fn name(&self, host: Party) -> &str {
        self.net.name(host)
    }

    /// A host has an IP stack of its own from now on; gives its addresses, interface by interface.
    pub fn occupy(&mut self, host: Party) -> Vec<Vec<IpAddr>> {
        self.net.make_bare(host);
        self.net.interfaces(host)
    }

    /// Every way to every STUN and TURN server from a host.
    #[must_use]
    pub fn servers(&self, host: Party) -> Vec<IceServer> {
        self.net.ice_servers(self.file, host)
    }

    /// Names of hosts and servers, with their addresses of the families hosts have.
    #[must_use]
    pub fn names(&self) -> Vec<(String, IpAddr)> {
        let hosts = [Party::A, Party::B].map(|host| (self.name(host), self.net.addresses(host)));
        let has = |v4| hosts.iter().flat_map(|(_, list)| list).any(|ip| ip.is_ipv4() == v4);
        let (has_v4, has_v6) = (has(true), has(false));
        let servers = self.net.servers().iter();
        let servers = servers.map(|(name, place)| (name.as_str(), place.addresses.clone()));
        let all = hosts.into_iter().chain(servers);
        all.flat_map(|(name, list)| list.into_iter().map(|ip| (name.to_owned(), ip)))
            .filter(|(_, ip)| if ip.is_ipv4() { has_v4 } else { has_v6 })
            .collect()
    }

    /// What a host is behind, innermost first: `nat.home (map=address+port filter=address+port)`.
    #[must_use]
    pub fn behind(&self, host: Party) -> Vec<String> {
        let words = |name: String| {
            let nat = name.strip_prefix("nat.").and_then(|nat| self.file.nat.get(nat));
            match nat {
                Some(nat) => format!("{name} ({})", nat_words(&nat_params(nat))),
                None => name,
            }
        };
        behind(self.file, self.name(host)).into_iter().map(words).collect()
    }

    /// Steps to come: what, and when or what it waits for.
    #[must_use]
    pub fn outlook(&self) -> Vec<String> {
        let words = |index: usize| target(self.file.steps[index].get_ref()).unwrap_or_default();
        let due = self.due.iter().map(|(at, due)| match due {
            Due::Step(index) => format!("{} at {at:?}", words(*index)),
            Due::Arrival(index) => format!("end of {} at {at:?}", words(*index)),
        });
        let waiting = self.waiting.iter().map(|(index, _)| {
            let after = self.file.steps[*index].get_ref().after.as_ref();
            format!("{} after {}", words(*index), after.map_or("", |after| after.get_ref()))
        });
        due.chain(waiting).collect()
    }

    /// Whether steps wait for [`go_on`](Self::go_on).
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When something happens next by itself.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let step = self.due.first().map(|(at, _)| *at);
        self.net.wake().into_iter().chain(step).min()
    }

    /// Time comes to `now`; gives the packets that have reached occupied hosts.
    pub fn advance(&mut self, now: Duration) -> Vec<(Party, Vec<u8>)> {
        while let Some((_, due)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            match due {
                Due::Step(index) => self.step(now, index),
                Due::Arrival(index) => self.arrive(index),
            }
        }
        let mut arrived = Vec::new();
        loop {
            self.net.advance(now);
            let before = arrived.len();
            while let Some((host, receive)) = self.net.receive() {
                if let Receive::Packet { data } = receive {
                    arrived.push((host, data));
                }
            }
            if arrived.len() == before {
                break;
            }
        }
        // Nobody watches.
        self.net.datagrams();
        arrived
    }

    /// A host sends a packet, now.
    pub fn send(&mut self, now: Duration, host: Party, packet: Vec<u8>) {
        self.net.transmit(now, host, Transmit::Packet { data: packet });
    }

    /// Carries out the first step that waits for what does not happen by itself; false if none does.
    pub fn go_on(&mut self, now: Duration) -> bool {
        let waits = !self.waiting.is_empty();
        if waits {
            let (index, _) = self.waiting.remove(0);
            self.step(now, index);
        }
        waits
    }

    fn step(&mut self, now: Duration, index: usize) {
        let step = self.file.steps[index].get_ref();
        self.told.extend(self.net.change(step));
        self.depart(now, index);
        let Some(name) = &step.name else { return };
        let done = Anchor::Step(name.get_ref().clone());
        let (reached, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, when)| when.anchor == done);
        self.waiting = waiting;
        self.due
            .extend(reached.into_iter().map(|(index, when)| (now + when.offset, Due::Step(index))));
    }

    fn depart(&mut self, now: Duration, index: usize) {
        let Some((host, moving)) = self.moving(index) else { return };
        let (words, gap) = self.net.depart(host, moving.peer.get_ref(), moving);
        self.told.push(words);
        self.moved.push(host);
        self.due.extend(gap.map(|gap| (now + gap, Due::Arrival(index))));
    }

    fn arrive(&mut self, index: usize) {
        let Some((host, moving)) = self.moving(index) else { return };
        let words = self.net.arrive(host, moving.peer.get_ref(), moving.to.get_ref());
        self.told.push(words);
        self.moved.push(host);
    }

    /// Whom a step moves, if it moves somebody.
    fn moving(&self, index: usize) -> Option<(Party, &'f Move)> {
        let moving = self.file.steps[index].get_ref().moving.as_ref()?;
        Some((self.host(Some(moving.peer.get_ref()))?, moving))
    }

    /// Hosts whose addresses have changed since the last call, with those they have now.
    pub fn moved(&mut self) -> Vec<(Party, Vec<IpAddr>)> {
        let moved: BTreeSet<Party> = std::mem::take(&mut self.moved).into_iter().collect();
        moved.into_iter().map(|host| (host, self.net.addresses(host))).collect()
    }

    /// What has been done to the network since the last call, in words.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// All that was on the network as pcapng with these lines of key logs; empty if nothing was
    /// kept.
    pub fn capture(&mut self, keys: &[String]) -> Vec<u8> {
        self.net.pcapng(keys)
    }
}

/// What a step changes about the network, in words; `None` if it is for peers.
fn target(step: &Step) -> Option<String> {
    let verb = *step.verbs().first()?;
    let nat = step.reboot.as_ref().map(|reboot| &reboot.nat);
    if let Some(name) = nat.or(step.renumber.as_ref()).or(step.expire.as_ref()) {
        return Some(format!("{verb} nat.{}", name.get_ref()));
    }
    if let Some(change) = &step.link {
        return Some(format!("change link.{}", change.of.get_ref()));
    }
    if let Some(block) = step.block.as_ref().or(step.unblock.as_ref()) {
        let protocol = format!("{:?}", block.protocol).to_lowercase();
        return Some(format!("{verb} {protocol} at {}", block.at.get_ref()));
    }
    let moving = step.moving.as_ref()?;
    Some(format!("move {} to {}", moving.peer.get_ref(), moving.to.get_ref()))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rtcspec_net::packet::{udp, udp_payload};

    use super::*;
    use crate::scenario::{Scenario, read};

    const PLACES: &str = r#"
        schema = 1
        name = "a terrain"
        tests = []
        limit = "60s"
        [nat.home]
        preset = "home"
        inside = "lan"
        outside = "wan"
        [peer.alice]
        on = "lan"
        runs = "reference"
        role = "offerer"
        [peer.bob]
        on = "wan"
        runs = "under-test"
        [[do]]
        connect = ["alice", "bob"]
        [[expect]]
        path = "direct"
        "#;

    fn scenario(steps: &str) -> Scenario {
        let read = read("test/terrain", &format!("{PLACES}{steps}"));
        read.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
    }

    const REBOOTS: &str = r#"
        [[do]]
        at = "5s"
        name = "first"
        reboot = { nat = "home" }
        [[do]]
        after = "first + 2s"
        expire = "home"
        [[do]]
        after = "connected"
        renumber = "home"
        "#;

    #[test]
    fn steps_have_their_times_or_wait_to_be_told() {
        let scenario = scenario(REBOOTS);
        let mut terrain = Terrain::new(&scenario.file, 1, false).unwrap();
        let outlook = terrain.outlook();
        let wanted = [
            "reboot nat.home at 5s",
            "expire nat.home after first + 2s",
            "renumber nat.home after connected",
        ];
        assert_eq!(outlook, wanted);
        assert_eq!(terrain.wake(), Some(Duration::from_secs(5)));
        terrain.advance(Duration::from_secs(6));
        assert_eq!(terrain.told(), ["reboot nat.home"]);
        assert_eq!(terrain.wake(), Some(Duration::from_secs(8)));
        assert!(terrain.go_on(Duration::from_secs(6)));
        assert_eq!(terrain.told(), ["renumber nat.home"]);
        assert!(!terrain.go_on(Duration::from_secs(6)));
        terrain.advance(Duration::from_secs(8));
        assert_eq!(terrain.told(), ["expire nat.home"]);
    }

    #[test]
    fn a_host_that_moves_is_nowhere_for_a_while_and_then_elsewhere() {
        let scenario = scenario(
            r#"
            [[do]]
            at = "5s"
            move = { peer = "alice", to = "wan", gap = "800ms" }
            "#,
        );
        let mut terrain = Terrain::new(&scenario.file, 1, false).unwrap();
        let alice = terrain.host(None).unwrap();
        let before = terrain.occupy(alice).concat();
        terrain.advance(Duration::from_secs(5));
        assert_eq!(terrain.told(), ["unplug alice"]);
        assert_eq!(terrain.moved(), [(alice, vec![])]);
        assert_eq!(terrain.wake(), Some(Duration::from_millis(5800)));
        terrain.advance(Duration::from_secs(6));
        assert_eq!(terrain.told(), ["move alice to wan"]);
        let [(_, now)] = &terrain.moved()[..] else { panic!("it moved once") };
        assert!(now.len() == 1 && *now != before, "{now:?}");
        assert!(terrain.names().contains(&("alice".to_owned(), now[0])));
        assert!(terrain.moved().is_empty() && terrain.wake().is_none());
    }

    #[test]
    fn what_a_host_sends_crosses_its_nat_and_what_is_filtered_does_not_arrive() {
        let scenario = scenario("");
        let mut terrain = Terrain::new(&scenario.file, 1, true).unwrap();
        let (alice, bob) = (terrain.host(None).unwrap(), terrain.host(Some("bob")).unwrap());
        let [here, there] = [alice, bob].map(|host| terrain.occupy(host)[0][0]);
        let now = Duration::from_millis(1);
        terrain.advance(now);
        let (here, there) = (SocketAddr::new(here, 5000), SocketAddr::new(there, 6000));
        for (host, from, to, text) in [(bob, there, here, "stray"), (alice, here, there, "hello")] {
            let mut packet = Vec::new();
            udp(&mut packet, from, to, text.as_bytes()).unwrap();
            terrain.send(now, host, packet);
        }
        let arrived = terrain.advance(Duration::from_secs(1));
        let payloads: Vec<_> =
            arrived.iter().map(|(host, packet)| (*host, udp_payload(packet))).collect();
        assert_eq!(payloads, [(bob, Some(&b"hello"[..]))]);
        assert!(!terrain.capture(&[]).is_empty());
    }
}
