//! STUN and TURN servers of a scenario, as applications on their hosts.

use std::net::{IpAddr, SocketAddr};

use rtcspec_net::Ns;
use rtcspec_net::services::{stun, turn};
use rtcspec_net::world::World;
use rtcspec_wire::stun::Method;

use super::net::CREDENTIALS;
use crate::scenario::{Fault, FaultKind, File, ServerKind, Transport, TurnMethod};
use crate::topology::ServerPlace;

/// Realm of every TURN server.
const REALM: &str = "rtcspec";

/// Puts a server's service on its host.
pub(super) fn install(world: &mut World, file: &File, name: &str, place: &ServerPlace, seed: u64) {
    let section = &file.servers[name];
    match section.kind {
        ServerKind::Stun => world.install(place.host, Box::new(stun_server(place))),
        ServerKind::Turn => {
            let mut config = turn_config(place);
            config.faults = section.faults.iter().flat_map(faults).collect();
            // The name keeps servers of one run apart.
            let own = name.bytes().fold(seed, |sum, byte| sum.rotate_left(5) ^ u64::from(byte));
            world.install(place.host, Box::new(turn::Server::new(config, own)));
        }
    }
}

/// Addresses of one family.
fn family(place: &ServerPlace, v4: bool) -> impl Iterator<Item = IpAddr> + '_ {
    place.addresses.iter().copied().filter(move |address| address.is_ipv4() == v4)
}

fn stun_server(place: &ServerPlace) -> stun::Server {
    let port = place.ports.get(&Transport::Udp).copied().unwrap_or(3478);
    let mut config = stun::Config { faces: Vec::new(), software: None, silent: false };
    for v4 in [true, false] {
        let mut addresses = family(place, v4);
        let Some(first) = addresses.next() else { continue };
        let primary = SocketAddr::new(first, port);
        // RFC 5780 §6: another address and another port.
        let alternate = addresses.next().map(|second| SocketAddr::new(second, port + 1));
        config.faces.push(stun::Face { primary, alternate });
    }
    stun::Server::new(config)
}

fn turn_config(place: &ServerPlace) -> turn::Config {
    let first = place.addresses.first().copied().unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let (user, password) = CREDENTIALS;
    let mut config = turn::Config::new(SocketAddr::new(first, 0), REALM).user(user, password);
    config.listeners.clear();
    config.relays.clear();
    for v4 in [true, false] {
        let Some(address) = family(place, v4).next() else { continue };
        config = config.relay(address);
        for (transport, port) in &place.ports {
            let leg = match transport {
                Transport::Udp => turn::Leg::Udp,
                Transport::Tcp => turn::Leg::Tcp,
                Transport::Tls => turn::Leg::Tls,
            };
            config = config.listen(SocketAddr::new(address, *port), leg);
        }
    }
    config
}

fn faults(fault: &Fault) -> Vec<turn::Fault> {
    let at = fault.at.map_or(Ns::ZERO, |at| Ns::from(at.0));
    let method = match fault.method {
        None | Some(TurnMethod::Allocate) => Method::ALLOCATE,
        Some(TurnMethod::Refresh) => Method::REFRESH,
        Some(TurnMethod::CreatePermission) => Method::CREATE_PERMISSION,
        Some(TurnMethod::ChannelBind) => Method::CHANNEL_BIND,
    };
    let each = fault.nth..fault.nth.saturating_add(fault.times);
    match fault.kind {
        FaultKind::StaleNonce => each.map(|nth| turn::Fault::StaleNonce { method, nth }).collect(),
        FaultKind::AllocationMismatch => {
            each.map(|nth| turn::Fault::Refuse { method, nth, code: 437 }).collect()
        }
        FaultKind::LoseAllocations => vec![turn::Fault::LoseAllocations { at }],
        FaultKind::Silent => vec![turn::Fault::Silent { from: at, until: Ns::NEVER }],
    }
}
