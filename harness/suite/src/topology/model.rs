//! The oracle's view of a scenario, and whether the file contradicts it.

use std::collections::BTreeMap;

use rtcspec_net::oracle::{
    self, Base, Family as ModelFamily, Implementation, Middlebox, Options, Outcome, SegmentId,
    ServerId, Side, Topology, Turn,
};

use super::boxes::{firewall_params, nat_params};
use crate::scenario::{Family, File, Peer, Policy, Role, ServerKind, Transport, server_reference};

/// What the oracle says of a scenario: the offerer is side 0.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Verdict, types and the reasons.
    pub outcome: Outcome,
    /// Names of the sides.
    pub sides: [String; 2],
}

/// Asks the oracle.
///
/// # Errors
/// A message when the scenario's topology is beyond the model.
pub fn predict(file: &File, options: &Options) -> Result<Prediction, String> {
    let (topology, sides) = topology(file)?;
    let outcome = oracle::predict(&topology, options).map_err(|error| error.to_string())?;
    Ok(Prediction { outcome, sides })
}

fn topology(file: &File) -> Result<(Topology, [String; 2]), String> {
    let mut topology = Topology::internet();
    let mut segments = BTreeMap::from([("wan".to_owned(), SegmentId::INTERNET)]);
    add_segments(file, &mut topology, &mut segments);
    let mut peers: Vec<(&String, &Peer)> = file.peer.iter().collect();
    peers.sort_by_key(|(_, peer)| peer.role != Role::Offerer);
    let [(offerer, first), (answerer, second)] = peers[..] else {
        return Err("the oracle needs two peers".to_owned());
    };
    for segment in places(first).iter().chain(places(second)) {
        // A segment without a way out: for its members it is as good as any other.
        if !segments.contains_key(segment) {
            let id = topology.add_island(segment.clone());
            topology.segments[id.0].isolated =
                file.net.get(segment).is_some_and(|net| net.isolation);
            segments.insert(segment.clone(), id);
        }
    }
    topology.sides =
        [side(file, offerer, first, &segments)?, side(file, answerer, second, &segments)?];
    // A firewall of a peer puts the peer on a routed segment of its own.
    for (index, (name, peer)) in [(offerer, first), (answerer, second)].into_iter().enumerate() {
        if let Some(section) = file.firewall.get(name) {
            for (base, segment) in topology.sides[index].bases.clone().iter().zip(places(peer)) {
                let outside = segments[segment];
                let wall =
                    Middlebox::firewall(format!("firewall.{name}"), firewall_params(section));
                let own = topology.add(format!("{name}'s wire"), vec![wall], outside);
                for other in
                    topology.sides[index].bases.iter_mut().filter(|b| b.segment == base.segment)
                {
                    other.segment = own;
                }
            }
        }
    }
    Ok((topology, [offerer.clone(), answerer.clone()]))
}

fn places(peer: &Peer) -> &[String] {
    peer.on.get_ref().names()
}

/// Adds segments from the outside inwards; each NAT with the firewall of its name.
fn add_segments(file: &File, topology: &mut Topology, ids: &mut BTreeMap<String, SegmentId>) {
    let mut waiting: Vec<_> = file.nat.iter().collect();
    while let Some(ready) =
        waiting.iter().position(|(_, nat)| ids.contains_key(nat.outside.get_ref()))
    {
        let (name, nat) = waiting.remove(ready);
        let mut boxes = Vec::new();
        if let Some(section) = file.firewall.get(name) {
            boxes.push(Middlebox::firewall(format!("firewall.{name}"), firewall_params(section)));
        }
        boxes.push(Middlebox::nat(format!("nat.{name}"), nat_params(nat)));
        let inside = nat.inside.get_ref();
        let id = topology.add(inside.clone(), boxes, ids[nat.outside.get_ref()]);
        topology.segments[id.0].isolated = file.net.get(inside).is_some_and(|net| net.isolation);
        ids.insert(inside.clone(), id);
    }
}

fn side(
    file: &File,
    name: &str,
    peer: &Peer,
    ids: &BTreeMap<String, SegmentId>,
) -> Result<Side, String> {
    let mut bases = Vec::new();
    for segment in places(peer) {
        let segment = ids[segment];
        let families = if peer.families.is_empty() { &[Family::Ipv4][..] } else { &peer.families };
        bases.extend(families.iter().map(|family| Base {
            segment,
            family: match family {
                Family::Ipv4 => ModelFamily::V4,
                Family::Ipv6 => ModelFamily::V6,
            },
        }));
    }
    // RFC 8421 §4: IPv6 first.
    bases.sort_by_key(|base| base.family == ModelFamily::V4);
    let implementation = if peer.ice.lite { Implementation::Lite } else { Implementation::Full };
    let relay_only = peer.ice.policy == Policy::Relay;
    // A name of multicast DNS is resolved on a segment that both are on (RFC 6762 §11), by who has
    // more than relays: those are not paired with what is behind a name.
    let others = file.peer.iter().filter(|(other, _)| *other != name);
    let met = |other: &Peer| {
        other.ice.policy != Policy::Relay
            && places(other).iter().any(|segment| places(peer).contains(segment))
    };
    let announces_hosts = !peer.ice.mdns || others.into_iter().all(|(_, other)| met(other));
    let side = Side::on(name, SegmentId::INTERNET);
    let mut side = Side { bases, implementation, relay_only, announces_hosts, ..side };
    // Whose deployment knows its outer address has as good as asked for it.
    side.stun = peer.ice.announces.as_ref().map(|_| ServerId(u8::MAX));
    // RFC 8445 §5.2: a lite agent has host candidates only.
    for reference in peer.ice.servers.iter().filter(|_| !peer.ice.lite) {
        let Some((server, transport)) = server_reference(file, reference.get_ref()) else {
            continue;
        };
        use_server(file, &mut side, server, transport)?;
    }
    Ok(side)
}

fn use_server(
    file: &File,
    side: &mut Side,
    name: &str,
    transport: Transport,
) -> Result<(), String> {
    let server = &file.servers[name];
    let index = file.servers.keys().position(|other| other == name).unwrap_or(0);
    let id = ServerId(u8::try_from(index).map_err(|_| "more servers than the oracle takes")?);
    if server.kind == ServerKind::Stun {
        side.stun = Some(id);
        return Ok(());
    }
    let port = server.ports.get(&transport).copied().unwrap_or(super::default_port(transport));
    let v6 = side.bases.iter().any(|base| base.family == ModelFamily::V6);
    let turn = side.turn.get_or_insert(Turn { udp: None, v6, ..Turn::udp(id) });
    match transport {
        Transport::Udp => {
            turn.udp = Some(port);
            // A TURN server over UDP tells the mapped address too (RFC 8656 §7.2).
            side.stun = side.stun.or(Some(id));
        }
        Transport::Tcp => turn.tcp = Some(port),
        Transport::Tls => turn.tls = Some(port),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rtcspec_net::oracle::Verdict;

    use crate::prediction::outlook;
    use crate::scenario::read;

    fn verdict(on: [&str; 2], ice: [&str; 2]) -> Verdict {
        with_families(on, ["ipv4"; 2].map(|family| vec![family]), ice)
    }

    fn with_families(on: [&str; 2], families: [Vec<&str>; 2], ice: [&str; 2]) -> Verdict {
        let [alice, bob] = on;
        let [his, hers] = families;
        let [first, second] = ice;
        let text = format!(
            r#"schema = 1
name   = "two peers and a relay"
tests  = []
limit  = "5s"

[servers.stun]
at   = "wan"
kind = "stun"

[servers.turn]
at   = "wan"
kind = "turn"

[nat.home]
preset  = "restricted-cone"
inside  = "lan"
outside = "wan"

[peer.alice]
on   = "{alice}"
runs = "reference"
role = "offerer"
families = {his:?}
ice  = {{ {first} }}

[peer.bob]
on   = "{bob}"
runs = "reference"
families = {hers:?}
ice  = {{ {second} }}

[[do]]
connect = ["alice", "bob"]
"#
        );
        let file = read("test/ways", &text).expect("a scenario").file;
        outlook(&file)[0].outcome.as_ref().expect("the oracle knows").verdict
    }

    /// Found by the fuzz target `full_session`.
    #[test]
    fn names_of_multicast_dns_tell_addresses_to_the_same_segment_only() {
        let names = ["mdns = true"; 2];
        assert_eq!(verdict(["lan", "lan"], names), Verdict::Direct);
        assert_eq!(verdict(["lan", "wan"], names), Verdict::Nothing);
    }

    /// Found by the fuzz target `full_session`.
    #[test]
    fn relays_are_not_paired_with_names() {
        let lite = "lite = true, mdns = true";
        let relayed = "servers = [\"turn\"], policy = \"relay\"";
        assert_eq!(verdict(["wan", "wan"], [lite, relayed]), Verdict::Nothing);
        assert_eq!(verdict(["wan", "wan"], ["lite = true", relayed]), Verdict::Relay);
    }

    /// Found by the fuzz target `full_session`: the NAT lets no IPv6 through.
    #[test]
    fn a_relay_has_the_families_in_which_its_server_is_reached() {
        let verdict = |at: &str| {
            let families = [vec!["ipv4", "ipv6"], vec!["ipv6"]];
            with_families([at, "wan"], families, ["servers = [\"turn\"]", "lite = true"])
        };
        assert_eq!(verdict("lan"), Verdict::Nothing);
        assert_eq!(verdict("wan"), Verdict::Direct);
    }

    /// Found by the fuzz target `full_session`.
    #[test]
    fn a_lite_agent_has_no_more_than_its_host_candidates() {
        let servers = "servers = [\"stun\", \"turn\"]";
        let lite = format!("{servers}, lite = true");
        assert_eq!(verdict(["lan", "wan"], [servers, servers]), Verdict::Direct);
        assert_eq!(verdict(["lan", "wan"], [&lite, servers]), Verdict::Nothing);
        assert_eq!(verdict(["wan", "lan"], [&lite, servers]), Verdict::Direct);
    }
}
