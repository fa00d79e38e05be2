//! The sockets that a description or a candidate tells of.

use std::net::SocketAddr;

use super::{Candidate, CandidateKind, ConnectionAddress, Transport};

/// Addresses of the UDP host candidates (RFC 8445 §5.1.1.1) in a session description, or of a
/// candidate alone: where whoever is told of them may send from then on. Names are left out.
///
/// ```
/// use rtcspec_wire::candidate::udp_sockets;
/// let sdp = "v=0\r\na=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host\r\na=mid:0\r\n";
/// assert_eq!(udp_sockets(sdp), ["192.0.2.7:50000".parse()?]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn udp_sockets(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().map(|line| line.strip_prefix("a=").unwrap_or(line));
    let candidates = lines.filter_map(|line| line.parse::<Candidate>().ok());
    let udp = candidates.filter(|candidate| {
        candidate.kind == CandidateKind::Host && candidate.transport == Transport::Udp
    });
    udp.filter_map(|candidate| match candidate.address {
        ConnectionAddress::Ip(address) => Some(SocketAddr::new(address, candidate.port)),
        ConnectionAddress::Name(_) => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_hosts_over_udp_are_sockets() {
        let host = "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host";
        let others = [
            "candidate:2 1 udp 1 192.0.2.7 1 typ srflx raddr 192.0.2.7 rport 50000",
            "candidate:3 1 tcp 1 192.0.2.7 9 typ host tcptype active",
            "candidate:4 1 udp 1 a.local 50001 typ host",
        ];
        let address: SocketAddr = "192.0.2.7:50000".parse().unwrap();
        assert_eq!(udp_sockets(host), [address]);
        for other in others {
            assert!(other.parse::<Candidate>().is_ok(), "{other}");
            assert!(udp_sockets(other).is_empty(), "{other}");
        }
        let sdp = format!("v=0\r\na={host}\r\na={}\r\na=mid:0\r\n", others[0]);
        assert_eq!(udp_sockets(&sdp), [address]);
        assert!(udp_sockets("").is_empty());
    }
}
