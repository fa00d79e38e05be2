//! What a peer of virtual time has to be told about the machine it runs on.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs as _};

use rtcspec_control::Configuration;

/// Puts in what the configuration leaves to the machine: addresses of interfaces, and what the host
/// names of servers mean.
pub(crate) fn complete(config: &mut Configuration) {
    if config.interfaces.is_empty() {
        config.interfaces = addresses();
    }
    let urls: Vec<&String> = config.ice_servers.iter().flat_map(|server| &server.urls).collect();
    let mut found = BTreeMap::new();
    for name in urls.into_iter().filter_map(|url| host_of(url)) {
        if name.parse::<IpAddr>().is_err() && !config.hosts.contains_key(name) {
            let addresses = (name, 0).to_socket_addrs().into_iter().flatten();
            found.insert(name.to_owned(), addresses.map(|address| address.ip()).collect());
        }
    }
    config.hosts.extend(found);
}

/// The machine's addresses a peer may use: none of a loopback interface, none that mean something
/// on one link only (RFC 8445 §5.1.1.1), sorted; a machine without a network has its loopback.
fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = interfaces.iter().filter(|interface| !interface.is_loopback());
    let mut found: Vec<IpAddr> = usable
        .map(if_addrs::Interface::ip)
        .filter(|address| match address {
            IpAddr::V4(address) => !address.is_link_local(),
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { found }
}

/// The host of a `stun:`, `turn:` or `turns:` URI (RFC 7064 §3.1, RFC 7065 §3.1).
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once(':')?;
    let rest = rest.split('?').next()?;
    match rest.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => rest.split(':').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_uris() {
        assert_eq!(host_of("stun:example.org"), Some("example.org"));
        assert_eq!(host_of("turn:example.org:3478?transport=tcp"), Some("example.org"));
        assert_eq!(host_of("turns:[2001:db8::1]:5349"), Some("2001:db8::1"));
        assert_eq!(host_of("nothing"), None);
    }

    #[test]
    fn names_are_looked_up_and_addresses_are_there() {
        let server = rtcspec_control::IceServer {
            urls: vec!["stun:localhost:1".into(), "stun:192.0.2.1".into()],
            ..Default::default()
        };
        let mut config = Configuration { ice_servers: vec![server], ..Configuration::default() };
        complete(&mut config);
        assert!(!config.interfaces.is_empty());
        assert_eq!(config.hosts.keys().collect::<Vec<_>>(), ["localhost"]);
        assert!(config.hosts["localhost"].iter().all(IpAddr::is_loopback));
    }
}
