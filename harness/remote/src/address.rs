//! At which addresses this machine is reached, and others are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use if_addrs::Interface;

/// The addresses at which somebody reaches this machine who has connected to `at`: that one, and
/// one of the other family on the same interface. Who is on this machine too, or may be, is given
/// those of the interface that leads out: implementations leave their loopback out
/// (RFC 8445 §5.1.1.1).
#[must_use]
pub fn reached_at(at: IpAddr) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let at = at.to_canonical();
    if at.is_loopback() || at.is_unspecified() {
        return leading_out().or_else(|| first(&interfaces)).map_or_else(
            || vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            |address| with_neighbours(address, &interfaces),
        );
    }
    with_neighbours(at, &interfaces)
}

/// The addresses from which this machine reaches a service.
#[must_use]
pub fn towards(service: SocketAddr) -> Vec<IpAddr> {
    reached_at(source(service).unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
}

/// Connects to `host:port`, at the first of its addresses where somebody listens; each may take so long.
///
/// # Errors
/// What the system says of the last one.
pub(crate) fn reach(host: &str, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::NotFound.into();
    // RFC 6724 §2: not to give up with the first address that a name has.
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The address from which the system would send there. Nothing is sent.
fn source(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The address of the interface that leads to the internet, if one does.
fn leading_out() -> Option<IpAddr> {
    // An address for documentation (RFC 5737): nobody's, behind every default route.
    let somebody = SocketAddr::from(([198, 51, 100, 1], 9));
    source(somebody).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

fn first(interfaces: &[Interface]) -> Option<IpAddr> {
    let addresses = interfaces.iter().map(Interface::ip);
    addresses.filter(|address| address.is_ipv4() && !address.is_loopback()).find(usable)
}

fn usable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

/// An address, and the first usable one of the other family on its interface; IPv4 first.
fn with_neighbours(address: IpAddr, interfaces: &[Interface]) -> Vec<IpAddr> {
    let own = interfaces.iter().find(|interface| interface.ip() == address);
    let other = own.and_then(|own| {
        let same = interfaces.iter().filter(|interface| interface.name == own.name);
        let mut addresses = same.map(Interface::ip).filter(usable);
        addresses.find(|other| other.is_ipv4() != address.is_ipv4())
    });
    let mut found: Vec<IpAddr> = [Some(address), other].into_iter().flatten().collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_from_this_machine_is_given_an_address_that_is_there() {
        let interfaces = if_addrs::get_if_addrs().unwrap();
        let found = reached_at(Ipv4Addr::LOCALHOST.into());
        assert!(!found.is_empty());
        assert!(found.iter().all(|address| interfaces.iter().any(|i| i.ip() == *address)));
        assert_eq!(towards(SocketAddr::from(([127, 0, 0, 1], 80))), found);
    }

    #[test]
    fn a_name_is_reached_at_whichever_address_somebody_listens() {
        let patience = Duration::from_secs(5);
        let own = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let servers = own.into_iter().filter_map(|own| std::net::TcpListener::bind((own, 0)).ok());
        for server in servers {
            let at = server.local_addr().unwrap();
            let named = "localhost:0".to_socket_addrs().unwrap();
            if named.into_iter().all(|named| named.ip() != at.ip()) {
                eprintln!("not tested: localhost is not {} here", at.ip());
                continue;
            }
            let stream = reach(&format!("localhost:{}", at.port()), patience).unwrap();
            assert_eq!(stream.peer_addr().unwrap(), at);
            drop(server);
            let error = reach(&at.to_string(), patience).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[test]
    fn an_address_that_is_mapped_is_the_one_that_is_meant() {
        let mapped = "::ffff:192.0.2.77".parse().unwrap();
        assert_eq!(reached_at(mapped), ["192.0.2.77".parse::<IpAddr>().unwrap()]);
    }
}
