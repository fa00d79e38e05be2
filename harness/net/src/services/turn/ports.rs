//! Ports of relays (RFC 8656 §7.2).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use crate::Ns;
use crate::services::draws::Draws;

/// RFC 8656 §7.2: a reserved port is kept for 30 seconds.
const RESERVATION: Ns = Ns::secs(30);
/// Most reservations at once: who is refused one gets 508.
const MOST_RESERVATIONS: usize = 256;

/// Which port an allocation wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Any,
    Even,
    /// An even port, and the next one kept for later.
    Pair,
}

/// The ports in use and those reserved.
#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    in_use: BTreeSet<SocketAddr>,
    reserved: BTreeMap<[u8; 8], (SocketAddr, Ns)>,
    draws: Draws,
}

impl Ports {
    pub(super) const fn new(range: RangeInclusive<u16>, seed: u64) -> Self {
        let draws = Draws::new(seed);
        Self { range, in_use: BTreeSet::new(), reserved: BTreeMap::new(), draws }
    }

    /// Takes a port of an address, with the token of a reservation if one was wished for.
    pub(super) fn take(
        &mut self,
        now: Ns,
        ip: IpAddr,
        wish: Wish,
    ) -> Option<(SocketAddr, Option<[u8; 8]>)> {
        self.forget_reservations(now);
        if wish == Wish::Pair && self.reserved.len() >= MOST_RESERVATIONS {
            return None;
        }
        let port = self.find(ip, wish)?;
        let address = SocketAddr::new(ip, port);
        self.in_use.insert(address);
        if wish != Wish::Pair {
            return Some((address, None));
        }
        let next = SocketAddr::new(ip, port.checked_add(1)?);
        let token = self.draws.bits().to_be_bytes();
        self.in_use.insert(next);
        self.reserved.insert(token, (next, now + RESERVATION));
        Some((address, Some(token)))
    }

    /// Takes the port a token was given for.
    pub(super) fn redeem(&mut self, now: Ns, token: [u8; 8]) -> Option<SocketAddr> {
        self.forget_reservations(now);
        self.reserved.remove(&token).map(|(address, _)| address)
    }

    /// Gives a port back.
    pub(super) fn release(&mut self, address: SocketAddr) {
        self.in_use.remove(&address);
    }

    /// A free port: the first from a random place on, all round.
    fn find(&mut self, ip: IpAddr, wish: Wish) -> Option<u16> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let count = u64::from(last.checked_sub(first)?) + 1;
        let start = self.draws.bits() % count;
        let is_free = |port: u16| !self.in_use.contains(&SocketAddr::new(ip, port));
        let suits = |port: u16| match wish {
            Wish::Any => is_free(port),
            Wish::Even => port.is_multiple_of(2) && is_free(port),
            Wish::Pair => {
                port.is_multiple_of(2) && port < last && is_free(port) && is_free(port + 1)
            }
        };
        let nth = |n: u64| first + ((start + n) % count) as u16;
        (0..count).map(nth).find(|&port| suits(port))
    }

    fn forget_reservations(&mut self, now: Ns) {
        let in_use = &mut self.in_use;
        self.reserved.retain(|_, (address, until)| {
            let kept = now < *until;
            if !kept {
                in_use.remove(address);
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn every_port_is_given_once_and_then_none() {
        let mut ports = Ports::new(50000..=50009, 1);
        let mut take = || ports.take(Ns::ZERO, IP, Wish::Any).map(|(address, _)| address.port());
        let mut taken: Vec<_> = (0..10).filter_map(|_| take()).collect();
        assert_eq!(take(), None);
        taken.sort_unstable();
        assert_eq!(taken, (50000..=50009).collect::<Vec<_>>());
    }

    #[test]
    fn a_pair_is_even_and_its_token_gives_the_next_port_once_within_thirty_seconds() {
        let mut ports = Ports::new(50001..=50004, 2);
        let (address, token) = ports.take(Ns::ZERO, IP, Wish::Pair).expect("50002 and 50003");
        let token = token.expect("a pair has one");
        assert_eq!(address.port(), 50002);
        assert_eq!(ports.redeem(Ns::secs(29), token).map(|next| next.port()), Some(50003));
        assert_eq!(ports.redeem(Ns::secs(29), token), None);
    }

    #[test]
    fn a_reservation_that_is_not_redeemed_lapses() {
        let mut ports = Ports::new(50000..=50001, 3);
        let (_, token) = ports.take(Ns::ZERO, IP, Wish::Pair).expect("free");
        assert_eq!(ports.take(Ns::secs(29), IP, Wish::Any), None);
        let (address, _) = ports.take(Ns::secs(30), IP, Wish::Any).expect("lapsed");
        assert_eq!(address.port(), 50001);
        assert_eq!(ports.redeem(Ns::secs(30), token.expect("a pair has one")), None);
    }
}
