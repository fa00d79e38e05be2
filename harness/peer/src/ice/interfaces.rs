//! Which addresses of the machine become host candidates, and in which order
//! (RFC 8445 §5.1.1.1, RFC 8421).

use std::net::{IpAddr, Ipv6Addr};

/// The addresses to gather from, most preferred first.
#[must_use]
pub(super) fn ordered(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut usable: Vec<IpAddr> = Vec::new();
    for ip in addresses {
        if may_be_candidate(*ip) && !usable.contains(ip) {
            usable.push(*ip);
        }
    }
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = usable.into_iter().partition(IpAddr::is_ipv6);
    interleave(&v6, &v4)
}

/// RFC 8421 §4: with N6 and N4 addresses, every Hi-th place goes to an IPv4 address, where
/// Hi = (N4 + N6) / N4, rounded up. Thus a broken family cannot hold back the other for long.
fn interleave(v6: &[IpAddr], v4: &[IpAddr]) -> Vec<IpAddr> {
    if v4.is_empty() {
        return v6.to_vec();
    }
    let stride = (v4.len() + v6.len()).div_ceil(v4.len());
    let (mut six, mut four) = (v6.iter(), v4.iter());
    let mut order = Vec::with_capacity(v4.len() + v6.len());
    for place in 1..=v4.len() + v6.len() {
        let turn_of_four = place % stride == 0;
        let next = if turn_of_four {
            four.next().or_else(|| six.next())
        } else {
            six.next().or_else(|| four.next())
        };
        order.extend(next.copied());
    }
    order
}

/// RFC 8445 §5.1.1.1: what must not or should not be a host candidate.
fn may_be_candidate(ip: IpAddr) -> bool {
    if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    match ip {
        IpAddr::V4(v4) => !v4.is_broadcast(),
        IpAddr::V6(v6) => v6.to_ipv4().is_none() && !is_site_local(v6),
    }
}

/// RFC 3879: `fec0::/10`.
fn is_site_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfec0
}

/// `fe80::/10`.
pub(super) fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn loopback_mapped_compatible_and_site_local_addresses_are_left_out() {
        let all = ips(&["127.0.0.1", "::1", "::ffff:10.0.0.1", "::10.0.0.1", "fec0::1", "0.0.0.0"]);
        assert!(ordered(&all).is_empty());
    }

    #[test]
    fn ipv6_goes_first_and_ipv4_gets_every_second_place_of_a_dual_stack() {
        let all = ips(&["10.0.0.1", "10.0.1.1", "2001:db8::1", "2001:db8::2"]);
        let expected = ips(&["2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.1.1"]);
        assert_eq!(ordered(&all), expected);
    }

    #[test]
    fn many_ipv6_addresses_do_not_push_ipv4_to_the_end_of_the_list_out_of_proportion() {
        let all = ips(&["10.0.0.1", "2001:db8::1", "2001:db8::2", "2001:db8::3", "10.0.1.1"]);
        let expected = ips(&["2001:db8::1", "2001:db8::2", "10.0.0.1", "2001:db8::3", "10.0.1.1"]);
        assert_eq!(ordered(&all), expected);
    }

    #[test]
    fn duplicates_are_gathered_once() {
        assert_eq!(ordered(&ips(&["10.0.0.1", "10.0.0.1"])).len(), 1);
    }
}
