//! The engine's network of a scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rtcspec_net::fabric::{
    Fabric, FirewallId, HostId, LinkId, NatId, PortId, SegmentId, TopologyError,
};
use rtcspec_net::prefix::Prefix;
use rtcspec_net::{link, segment};

use super::Elsewhere;
use super::boxes::{firewall_params, link_params, nat_params};
use crate::scenario::{Family, File, Server, ServerKind, Transport, segments};

/// A network, and where everything of the scenario is in it.
#[derive(Debug)]
pub struct Built {
    /// The network.
    pub fabric: Fabric,
    /// Segments by name.
    pub segments: BTreeMap<String, SegmentId>,
    /// NATs by name.
    pub nats: BTreeMap<String, NatId>,
    /// Firewalls by name.
    pub firewalls: BTreeMap<String, FirewallId>,
    /// Links by name, with what they are now.
    pub links: BTreeMap<String, (LinkId, [link::Params; 2])>,
    /// Peers by name.
    pub peers: BTreeMap<String, PeerPlace>,
    /// Servers by name.
    pub servers: BTreeMap<String, ServerPlace>,
}

/// Where a peer is.
#[derive(Clone, Debug)]
pub struct PeerPlace {
    /// Its host.
    pub host: HostId,
    /// Its interfaces.
    pub ports: Vec<PortId>,
    /// Its addresses, of the families it uses.
    pub addresses: Vec<IpAddr>,
    /// The families it uses.
    pub families: BTreeSet<Family>,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct ServerPlace {
    /// Its host.
    pub host: HostId,
    /// Its addresses: two of IPv4, then two of IPv6 where its segment has it.
    pub addresses: Vec<IpAddr>,
    /// Port of each transport it serves.
    pub ports: BTreeMap<Transport, u16>,
}

/// Builds the network of a file that was checked, with one peer elsewhere, if it is.
///
/// # Errors
/// [`TopologyError`] for what the checks of the file cannot see, such as a full prefix.
pub fn build(
    file: &File,
    elsewhere: Option<&Elsewhere>,
    seed: u64,
) -> Result<Built, TopologyError> {
    let mut fabric = Fabric::new(seed);
    let mut built = Built {
        segments: add_segments(file, elsewhere, &mut fabric)?,
        fabric,
        nats: BTreeMap::new(),
        firewalls: BTreeMap::new(),
        links: BTreeMap::new(),
        peers: BTreeMap::new(),
        servers: BTreeMap::new(),
    };
    built.add_servers(file)?;
    built.add_nats(file)?;
    built.add_peers(file, elsewhere)?;
    built.add_wires(file)?;
    Ok(built)
}

/// Whether any peer uses IPv6.
fn has_v6(file: &File) -> bool {
    file.peer.values().any(|peer| peer.families.contains(&Family::Ipv6))
}

fn add_segments(
    file: &File,
    elsewhere: Option<&Elsewhere>,
    fabric: &mut Fabric,
) -> Result<BTreeMap<String, SegmentId>, TopologyError> {
    let mut ids = BTreeMap::new();
    for (index, name) in (1..).zip(segments(file)) {
        // A real network has whatever addresses it has.
        let params = match elsewhere {
            Some(_) => segment::Params::internet(),
            None => segment_params(file, &name, index),
        };
        ids.insert(name.clone(), fabric.segment(&name, params)?);
    }
    Ok(ids)
}

/// `wan` is the internet; other segments get `10.<n>.0.0/24` and `2001:db8:<n>::/64` unless the
/// file gives them prefixes.
fn segment_params(file: &File, name: &str, index: u8) -> segment::Params {
    if name == "wan" {
        return segment::Params::internet();
    }
    let section = file.net.get(name);
    let given = |text: &Option<String>| text.as_deref().and_then(parse_prefix);
    let v4 = section.and_then(|net| given(&net.prefix));
    let v6 = section.and_then(|net| given(&net.prefix6)).or_else(|| {
        let own = Ipv6Addr::new(0x2001, 0xdb8, u16::from(index), 0, 0, 0, 0, 0);
        has_v6(file).then(|| Prefix::v6(own, 64))
    });
    segment::Params {
        v4: Some(v4.unwrap_or_else(|| Prefix::v4([10, index, 0, 0], 24))),
        v6,
        isolation: section.is_some_and(|net| net.isolation),
        ..segment::Params::default()
    }
}

/// `100.64.0.0/16` or `2001:db8::/64`.
pub(crate) fn parse_prefix(text: &str) -> Option<Prefix> {
    let (address, length) = text.split_once('/')?;
    Prefix::new(address.parse().ok()?, length.parse().ok()?).ok()
}

impl Built {
    fn add_servers(&mut self, file: &File) -> Result<(), TopologyError> {
        for (index, (name, server)) in (1..).zip(&file.servers) {
            let host = self.fabric.host(name)?;
            let segment = self.segments[server.at.get_ref()];
            let on_wan = server.at.get_ref() == "wan";
            let wanted = if on_wan { wan_addresses(index) } else { Vec::new() };
            let port = self.fabric.interface(host, segment, &wanted)?;
            let addresses = self.fabric.addresses(port).to_vec();
            let ports = server_ports(server);
            self.servers.insert(name.clone(), ServerPlace { host, addresses, ports });
        }
        Ok(())
    }

    /// Outer boxes first, so that every address is taken from a segment that knows its routes.
    fn add_nats(&mut self, file: &File) -> Result<(), TopologyError> {
        let mut waiting: Vec<_> = file.nat.iter().collect();
        let mut reached = BTreeSet::from(["wan"]);
        let insides: BTreeSet<&str> =
            file.nat.values().map(|nat| nat.inside.get_ref().as_str()).collect();
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|(_, nat)| {
                let outside = nat.outside.get_ref().as_str();
                reached.contains(outside) || !insides.contains(outside)
            });
            let Some(ready) = ready else { break };
            let (name, nat) = waiting.remove(ready);
            let inside = self.segments[nat.inside.get_ref()];
            let outside = self.segments[nat.outside.get_ref()];
            let id = self.fabric.nat(name, nat_params(nat), inside, outside)?;
            self.nats.insert(name.clone(), id);
            reached.insert(nat.inside.get_ref());
        }
        Ok(())
    }

    fn add_peers(
        &mut self,
        file: &File,
        elsewhere: Option<&Elsewhere>,
    ) -> Result<(), TopologyError> {
        for (name, peer) in &file.peer {
            let host = self.fabric.host(name)?;
            let families: BTreeSet<Family> = if peer.families.is_empty() {
                BTreeSet::from([Family::Ipv4])
            } else {
                peer.families.iter().copied().collect()
            };
            let (mut ports, mut addresses) = (Vec::new(), Vec::new());
            for segment in peer.on.get_ref().names() {
                let segment = self.segments[segment];
                let port = match elsewhere {
                    None => self.fabric.interface(host, segment, &[])?,
                    Some(elsewhere) if elsewhere.peer == *name => {
                        self.fabric.elsewhere(host, segment)?
                    }
                    Some(elsewhere) => self.fabric.interface(host, segment, &elsewhere.local)?,
                };
                addresses.extend(self.usable(port, &families));
                ports.push(port);
            }
            self.peers.insert(name.clone(), PeerPlace { host, ports, addresses, families });
        }
        Ok(())
    }

    /// Addresses of an interface that belong to the families a peer uses.
    #[must_use]
    pub fn usable(&self, port: PortId, families: &BTreeSet<Family>) -> Vec<IpAddr> {
        let family = |address: &IpAddr| if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        let all = self.fabric.addresses(port).iter().copied();
        all.filter(|address| families.contains(&family(address))).collect()
    }

    /// Firewalls first, then links: a link is the outer side of what it is named after.
    fn add_wires(&mut self, file: &File) -> Result<(), TopologyError> {
        for (name, section) in &file.firewall {
            if let Some(port) = self.protected_port(name) {
                let id = self.fabric.firewall(name, firewall_params(section), port)?;
                self.firewalls.insert(name.clone(), id);
            }
        }
        for (name, section) in &file.link {
            if let Some(port) = self.outer_port(name) {
                let params =
                    link_params(section, [link::Params::default(), link::Params::default()]);
                let id = self.fabric.link(name, params.clone(), port)?;
                self.links.insert(name.clone(), (id, params));
            }
        }
        Ok(())
    }

    fn protected_port(&self, name: &str) -> Option<PortId> {
        self.nats.get(name).map(|nat| self.fabric.inside(*nat)).or_else(|| self.host_port(name))
    }

    fn outer_port(&self, name: &str) -> Option<PortId> {
        self.nats.get(name).map(|nat| self.fabric.outside(*nat)).or_else(|| self.host_port(name))
    }

    fn host_port(&self, name: &str) -> Option<PortId> {
        if let Some(peer) = self.peers.get(name) {
            return peer.ports.first().copied();
        }
        let host = self.servers.get(name)?.host;
        self.fabric.interfaces(host).first().copied()
    }
}

/// Two addresses of each family for a server on the internet, away from those of NATs, so that
/// adding a NAT renames no server.
fn wan_addresses(index: u8) -> Vec<IpAddr> {
    let v4 = |low: u8| IpAddr::V4(Ipv4Addr::new(198, 51, 100, low));
    let v6 = |low: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 1, 0, 0, low));
    let first = index.saturating_mul(2);
    let wide = u16::from(first);
    vec![v4(first), v4(first + 1), v6(wide), v6(wide + 1)]
}

fn server_ports(server: &Server) -> BTreeMap<Transport, u16> {
    let transports = if server.transports.is_empty() || server.kind == ServerKind::Stun {
        vec![Transport::Udp]
    } else {
        server.transports.clone()
    };
    let port = |transport| server.ports.get(&transport).copied().unwrap_or(default_port(transport));
    transports.into_iter().map(|transport| (transport, port(transport))).collect()
}

/// Default ports of RFC 8656 §3 (`turn` and `turns`).
#[must_use]
pub fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 3478,
        Transport::Tls => 5349,
    }
}
