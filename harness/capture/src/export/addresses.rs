//! Addresses in the place of others, of the same block (private, shared, link-local, public, ...),
//! with the same neighbours: what shared a /24 or a /64 still does, and their order stays.
//!
//! The first reading of a capture collects them, so that none is replaced by one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use super::noise::{Noise, Stream};

/// A network, /24 or /64, and a host in it.
type Parts = (u64, u64);
/// Networks that stand for one another.
type Block = RangeInclusive<u64>;

/// What replaces what.
#[derive(Debug)]
pub(super) struct Addresses {
    noise: Noise,
    seen: BTreeSet<IpAddr>,
    given: Option<BTreeMap<IpAddr, IpAddr>>,
}

impl Addresses {
    pub(super) fn new(noise: Noise) -> Self {
        Self { noise, seen: BTreeSet::new(), given: None }
    }

    /// What replaces an address; while they are collected, itself.
    pub(super) fn get(&mut self, address: IpAddr) -> IpAddr {
        if let IpAddr::V6(outer) = address
            && let Some((inner, at)) = embedded(outer)
        {
            let IpAddr::V4(inner) = self.get(inner.into()) else { return address };
            return self.embed(outer, inner, at).into();
        }
        match &self.given {
            None => {
                self.seen.insert(address);
                address
            }
            // Everything is read twice, so that all of them were seen.
            Some(given) => given.get(&address).copied().unwrap_or(match address {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            }),
        }
    }

    /// How many are replaced by others.
    pub(super) fn replaced(&self) -> u64 {
        let given = self.given.iter().flatten();
        given.filter(|(before, after)| before != after).count() as u64
    }

    /// Draws what replaces those that were collected.
    pub(super) fn assign(&mut self) {
        let mut given = BTreeMap::new();
        let mut blocks: BTreeMap<(bool, u64, u64), BTreeMap<u64, BTreeSet<u64>>> = BTreeMap::new();
        for address in &self.seen {
            let (net, host) = parts(*address);
            let block = match address {
                IpAddr::V4(_) => block_v4(net),
                IpAddr::V6(v6) => match solicited(&self.noise, *v6) {
                    Some(other) => {
                        given.insert(*address, other.into());
                        continue;
                    }
                    None => block_v6(net, host),
                },
            };
            let Some(block) = block else {
                given.insert(*address, *address);
                continue;
            };
            let key = (address.is_ipv6(), *block.start(), *block.end());
            blocks.entry(key).or_default().entry(net).or_default().insert(host);
        }
        for ((is_v6, start, end), nets) in blocks {
            let mut stream = self.noise.stream("networks", &start.to_be_bytes());
            let known: BTreeSet<u64> = nets.keys().copied().collect();
            let others = distinct(&known, &(start..=end), &mut stream);
            for ((net, hosts), other) in nets.into_iter().zip(others) {
                for (host, other_host) in self.hosts(is_v6, net, hosts) {
                    given.insert(address(is_v6, net, host), address(is_v6, other, other_host));
                }
            }
        }
        self.given = Some(given);
    }

    /// Hosts of a network, and those in their place. Those that mean the network stay.
    fn hosts(&self, is_v6: bool, net: u64, hosts: BTreeSet<u64>) -> Vec<(u64, u64)> {
        let range = if is_v6 { 1..=u64::MAX } else { 1..=254 };
        let (known, kept): (BTreeSet<u64>, BTreeSet<u64>) =
            hosts.into_iter().partition(|host| range.contains(host));
        let mut stream = self.noise.stream("hosts", &net.to_be_bytes());
        let others = distinct(&known, &range, &mut stream);
        known.into_iter().zip(others).chain(kept.into_iter().map(|host| (host, host))).collect()
    }

    /// An IPv6 address with another IPv4 address in it.
    fn embed(&self, outer: Ipv6Addr, inner: Ipv4Addr, at: usize) -> Ipv6Addr {
        let mut octets = outer.octets();
        octets[at..at + 4].copy_from_slice(&inner.octets());
        // RFC 3056 §2: what follows in 2002::/16 are a network and a host.
        let rest = self.noise.bytes("6to4", &outer.octets()[at + 4..]);
        octets[at + 4..].copy_from_slice(&rest);
        octets.into()
    }
}

fn parts(address: IpAddr) -> Parts {
    match address {
        IpAddr::V4(v4) => (u64::from(v4.to_bits() >> 8), u64::from(v4.to_bits() & 0xff)),
        IpAddr::V6(v6) => ((v6.to_bits() >> 64) as u64, v6.to_bits() as u64),
    }
}

fn address(is_v6: bool, net: u64, host: u64) -> IpAddr {
    match is_v6 {
        true => Ipv6Addr::from_bits(u128::from(net) << 64 | u128::from(host)).into(),
        false => Ipv4Addr::from_bits((net << 8 | host) as u32).into(),
    }
}

/// Blocks of IPv4 that are none of the public (the IANA registry of special-purpose addresses), by
/// first and last /24, in order; and whether their addresses say nothing about anybody.
const SPECIAL: [(u64, u64, bool); 13] = [
    (net24(0, 0, 0), net24(0, 255, 255), true),
    (net24(10, 0, 0), net24(10, 255, 255), false),
    (net24(100, 64, 0), net24(100, 127, 255), false),
    (net24(127, 0, 0), net24(127, 255, 255), true),
    (net24(169, 254, 0), net24(169, 254, 255), false),
    (net24(172, 16, 0), net24(172, 31, 255), false),
    (net24(192, 0, 0), net24(192, 0, 0), true),
    (net24(192, 0, 2), net24(192, 0, 2), true),
    (net24(192, 168, 0), net24(192, 168, 255), false),
    (net24(198, 18, 0), net24(198, 19, 255), false),
    (net24(198, 51, 100), net24(198, 51, 100), true),
    (net24(203, 0, 113), net24(203, 0, 113), true),
    (net24(224, 0, 0), net24(255, 255, 255), true),
];

const fn net24(a: u64, b: u64, c: u64) -> u64 {
    a << 16 | b << 8 | c
}

/// The block of a /24; `None` if its addresses stay. Public ones stay between the same special
/// blocks.
fn block_v4(net: u64) -> Option<Block> {
    let at = SPECIAL.partition_point(|(_, last, _)| *last < net);
    let (first, last, stays) = *SPECIAL.get(at)?;
    if first <= net {
        return (!stays).then_some(first..=last);
    }
    let after = at.checked_sub(1).and_then(|before| SPECIAL.get(before));
    let between = after.map_or(0, |(_, last, _)| last + 1)..=first - 1;
    let few = between.end() - between.start() < 256;
    Some(if few { net24(128, 0, 0)..=net24(169, 253, 255) } else { between })
}

/// The block of a /64; `None` if this address stays.
fn block_v6(net: u64, host: u64) -> Option<Block> {
    let all_of = |first: u64, bits: u32| first..=first | (u64::MAX >> bits);
    match net >> 48 {
        // Unspecified and loopback; IPv4 in IPv6 is replaced elsewhere.
        0 if net == 0 && host <= 1 => None,
        0x2001 if net >> 32 == 0x2001_0db8 => None,
        // Teredo (RFC 4380 §4): there are two IPv4 addresses in it.
        0x2001 if net >> 32 == 0x2001_0000 => Some(all_of(net & !0xffff_ffff, 32)),
        0x2000..=0x3fff => Some(0x2003 << 48..=(0x3fff << 48) - 1),
        0xfc00..=0xfdff => Some(all_of(net & (0xff00 << 48), 8)),
        0xfe80 if net == 0xfe80 << 48 => Some(net..=net),
        0xfe80..=0xfebf => Some((0xfe80 << 48) + 1..=(0xfec0 << 48) - 1),
        0xff00..=0xffff => None,
        _ => Some(all_of(net & (0xffff << 48), 16)),
    }
}

/// RFC 4291 §2.7.1: a solicited-node address ends with the last 24 bits of a unicast address.
fn solicited(noise: &Noise, v6: Ipv6Addr) -> Option<Ipv6Addr> {
    let bits = v6.to_bits();
    let prefix = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).to_bits();
    if bits >> 24 != prefix >> 24 {
        return None;
    }
    let [a, b, c] =
        noise.array("solicited-node", [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
    let low = u32::from_be_bytes([0, a, b, c]);
    Some(Ipv6Addr::from_bits(bits & !0xff_ffff | u128::from(low)))
}

/// An IPv4 address in an IPv6 address, and where: IPv4-mapped and -compatible (RFC 4291 §2.5.5), of
/// NAT64 (RFC 6052 §2.1) and of 6to4 (RFC 3056 §2).
fn embedded(v6: Ipv6Addr) -> Option<(Ipv4Addr, usize)> {
    let bits = v6.to_bits();
    let low = Ipv4Addr::from_bits(bits as u32);
    match bits >> 32 {
        0 if bits > 1 => Some((low, 12)),
        0xffff | 0x0064_ff9b_0000_0000_0000_0000 => Some((low, 12)),
        _ if bits >> 112 == 0x2002 => Some((Ipv4Addr::from_bits((bits >> 80) as u32), 2)),
        _ => None,
    }
}

/// As many numbers of a range as are known, in order, none of them known unless the range is too
/// small for that.
fn distinct(known: &BTreeSet<u64>, range: &RangeInclusive<u64>, stream: &mut Stream) -> Vec<u64> {
    let size = u128::from(range.end() - range.start()) + 1;
    let count = known.len() as u128;
    let mut chosen = BTreeSet::new();
    if count * 4 > size {
        let mut pool: Vec<u64> = range.clone().filter(|number| !known.contains(number)).collect();
        if pool.len() < known.len() {
            pool = range.clone().collect();
        }
        while chosen.len() < known.len() && !pool.is_empty() {
            chosen.insert(pool.swap_remove(stream.below(pool.len() as u64) as usize));
        }
    } else {
        // At least half of the range is free.
        while chosen.len() < known.len() {
            let span = u64::try_from(size).unwrap_or(u64::MAX);
            let number = range.start() + stream.below(span);
            if !known.contains(&number) {
                chosen.insert(number);
            }
        }
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(addresses: &[&str]) -> Vec<IpAddr> {
        let mut all = Addresses::new(Noise::new([5; 32], 0));
        let of = |text: &&str| text.parse::<IpAddr>().expect("an address");
        for address in addresses {
            let _ = all.get(of(address));
        }
        all.assign();
        addresses.iter().map(|address| all.get(of(address))).collect()
    }

    fn block(address: IpAddr) -> Option<Block> {
        match address {
            IpAddr::V4(_) => block_v4(parts(address).0),
            IpAddr::V6(_) => block_v6(parts(address).0, parts(address).1),
        }
    }

    #[test]
    fn an_address_stays_in_its_block_and_beside_its_neighbours() {
        let addresses = [
            "10.1.2.3",
            "10.1.2.77",
            "10.1.3.3",
            "100.64.0.9",
            "100.127.255.1",
            "169.254.7.7",
            "172.16.0.1",
            "172.31.255.254",
            "192.168.1.1",
            "192.168.1.20",
            "198.18.0.1",
            "8.8.8.8",
            "8.8.4.4",
            "93.184.216.34",
            "203.0.112.5",
            "223.255.255.1",
            "192.0.1.9",
            "2a00:1450:4001:810::200e",
            "2a00:1450:4001:810::2",
            "2a00:1450:4001:811::2",
            "fd12:3456:789a:1::1",
            "fe80::1ff:fe23:4567:890a",
            "fe80::1",
            "2001:0:5ef5::1",
            "fec0::7",
        ];
        let others = replaced(&addresses);
        let before: Vec<IpAddr> = addresses.iter().map(|text| text.parse().expect("one")).collect();
        for (a, b) in before.iter().zip(&others) {
            assert!(!before.contains(b), "{a} became {b}, which is there");
            if *a != "192.0.1.9".parse::<IpAddr>().expect("one") {
                assert_eq!(block(*a), block(*b), "{a} became {b}");
            }
        }
        let near = |a: IpAddr, b: IpAddr| parts(a).0 == parts(b).0;
        for i in 0..before.len() {
            for j in 0..before.len() {
                assert_eq!(near(before[i], before[j]), near(others[i], others[j]));
                assert_eq!(before[i] == before[j], others[i] == others[j]);
                let alike = block(before[i]) == block(before[j]);
                assert!(!alike || (before[i] < before[j]) == (others[i] < others[j]));
            }
        }
    }

    #[test]
    fn addresses_of_nobody_stay() {
        let nobody = [
            "0.0.0.0",
            "127.0.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.2",
            "224.0.0.251",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8::7",
            "ff02::fb",
        ];
        for (before, after) in nobody.iter().zip(replaced(&nobody)) {
            assert_eq!(*before, after.to_string());
        }
        assert!(replaced(&["10.9.8.0", "10.9.8.255"])[1].to_string().ends_with(".255"));
    }

    #[test]
    fn ipv4_in_ipv6_is_the_same_as_alone() {
        let others = replaced(&[
            "100.70.1.2",
            "::ffff:100.70.1.2",
            "64:ff9b::100.70.1.2",
            "2002:6446:102:1::5",
            "ff02::1:ff12:3456",
        ]);
        let IpAddr::V4(v4) = others[0] else { panic!("IPv4") };
        assert_eq!(others[1], IpAddr::V6(v4.to_ipv6_mapped()));
        assert_eq!(
            others[2].to_string(),
            format!("64:ff9b::{:x}:{:x}", v4.to_bits() >> 16, v4.to_bits() & 0xffff)
        );
        let IpAddr::V6(v6) = others[3] else { panic!("IPv6") };
        assert_eq!(v6.octets()[2..6], v4.octets());
        assert_ne!(v6.octets()[15], 5);
        let text = others[4].to_string();
        assert!(text.starts_with("ff02::1:ff") && text != "ff02::1:ff12:3456", "{text}");
    }

    #[test]
    fn a_crowded_network_is_shuffled() {
        let all: Vec<String> = (0..=255).map(|host| format!("192.168.7.{host}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let others: BTreeSet<IpAddr> = replaced(&all).into_iter().collect();
        assert_eq!(others.len(), 256);
        let mut nets: Vec<String> = (0..=255).map(|net| format!("192.168.{net}.1")).collect();
        nets.dedup();
        let nets: Vec<&str> = nets.iter().map(String::as_str).collect();
        assert_eq!(replaced(&nets).into_iter().collect::<BTreeSet<_>>().len(), 256);
    }
}
