//! A peer on a real network, as the network of a run has it.

use std::net::IpAddr;

use crate::scenario::{Family, File};

/// A peer whose host stands for everybody the engine does not know: what is sent to addresses the
/// other peer was told of leaves by it, for the real network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Name of the peer in the scenario.
    pub peer: String,
    /// Addresses of this machine, which the other peer's host has.
    pub local: Vec<IpAddr>,
}

impl Elsewhere {
    /// What a scenario has and a real network does not, in words: that is what it is. Links and
    /// firewalls of hosts are the engine's, on this machine.
    #[must_use]
    pub fn missing(&self, file: &File) -> Vec<String> {
        let mut missing: Vec<String> = file.nat.keys().map(|name| format!("nat.{name}")).collect();
        missing.extend(file.servers.keys().map(|name| format!("server `{name}`")));
        let mut segments: Vec<&String> =
            file.peer.values().flat_map(|peer| peer.on.get_ref().names()).collect();
        segments.sort_unstable();
        segments.dedup();
        let own_interfaces = file.peer.values().any(|peer| peer.on.get_ref().names().len() > 1);
        if segments.len() > 1 || own_interfaces {
            missing.push("several segments".to_owned());
        }
        if segments.iter().any(|name| file.net.get(*name).is_some_and(|net| net.isolation)) {
            missing.push("a segment whose hosts are kept apart".to_owned());
        }
        if file.steps.iter().any(|step| step.get_ref().moving.is_some()) {
            missing.push("a network to move to".to_owned());
        }
        if file.peer.values().any(|peer| peer.ice.mdns) {
            missing.push("multicast".to_owned());
        }
        let wants = |family| file.peer.values().any(|peer| peer.families.contains(&family));
        if wants(Family::Ipv6) && !self.local.iter().any(IpAddr::is_ipv6) {
            missing.push("an IPv6 address of this machine".to_owned());
        }
        let only_v6 = file.peer.values().all(|peer| peer.families == [Family::Ipv6]);
        if !only_v6 && !self.local.iter().any(IpAddr::is_ipv4) {
            missing.push("an IPv4 address of this machine".to_owned());
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    const HEAD: &str = "schema = 1\nname = \"x\"\ntests = [\"RFC 8445\"]\nlimit = \"10s\"\n\
        oracle = \"off\"\n";

    fn missing(rest: &str, local: &[&str]) -> Vec<String> {
        let scenario = read("x/y", &format!("{HEAD}{rest}")).unwrap();
        let local = local.iter().map(|address| address.parse().unwrap()).collect();
        Elsewhere { peer: "bob".to_owned(), local }.missing(&scenario.file)
    }

    #[test]
    fn a_direct_network_is_had_and_a_nat_or_a_missing_family_is_not() {
        let peers = |families: &str, on: &str| {
            format!(
                "[peer.alice]\nruns = \"reference\"\non = \"wan\"\nrole = \"offerer\"\n{families}\
                 [peer.bob]\nruns = \"under-test\"\non = \"{on}\"\nrole = \"answerer\"\n{families}\
                 [[do]]\nat = \"0s\"\nconnect = [\"alice\", \"bob\"]\n\
                 [[expect]]\nconnected = {{ within = \"5s\" }}\n"
            )
        };
        let v4 = ["192.168.1.7"];
        assert!(missing(&peers("", "wan"), &v4).is_empty());
        let v6 = "families = [\"ipv6\"]\n";
        assert_eq!(missing(&peers(v6, "wan"), &v4), ["an IPv6 address of this machine"]);
        assert!(missing(&peers(v6, "wan"), &["fd00::7"]).is_empty());
        let nat = "[nat.home]\npreset = \"home\"\ninside = \"lan\"\noutside = \"wan\"\n";
        let behind = missing(&format!("{nat}{}", peers("", "lan")), &v4);
        assert_eq!(behind, ["nat.home", "several segments"]);
    }
}
