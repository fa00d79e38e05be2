//! Multicast DNS (RFC 6762) as far as ICE needs it (draft-ietf-rtcweb-mdns-ice-candidates-04): a
//! [`Resolver`] finds the addresses behind the other side's names, [`Names`] hides our own behind
//! names and answers for them.
//!
//! - [x] one-shot queries (§5.1), repeated at growing intervals (§5.2), and their end
//! - [x] answers by multicast and unicast (§6, §5.4), to simple queriers too (§6.7)
//! - [x] announcements (§8.3) and goodbyes (§10.1)
//! - [ ] probing (§8.1) and conflicts (§9): a random name has none
//! - [ ] negative answers (§6.1), known answers (§7.1), a cache (§10)

mod names;
mod resolver;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::dns::{GROUP_V4, GROUP_V6, Message, PORT};

pub(crate) use names::Names;
pub(crate) use resolver::Resolver;

use crate::io::Transmit;

/// The group that hosts of this address's family listen to.
fn group(own: IpAddr) -> SocketAddr {
    let ip: IpAddr = match own {
        IpAddr::V4(_) => GROUP_V4.into(),
        IpAddr::V6(_) => GROUP_V6.into(),
    };
    SocketAddr::new(ip, PORT)
}

/// The message on its way; nothing for one that is too long for the wire, which none of ours is.
fn datagram(local: SocketAddr, remote: SocketAddr, message: &Message) -> Option<Transmit> {
    let data = message.to_bytes().ok()?;
    Some(Transmit::Udp { local, remote, data })
}

/// RFC 6762 §18.3, §18.11: messages with another opcode or a response code are ignored.
fn is_plain(flags: u16) -> bool {
    flags & 0x780f == 0
}
