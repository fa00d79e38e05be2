//! A host's interfaces: TUN devices with addresses, and routes that lead everything to them.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::inside::during;

/// `lo` is the first interface of every network namespace.
const LOOPBACK: u32 = 1;
/// Room for an answer of the kernel.
const ANSWER: usize = 8192;

/// Makes `eth0` and so on. Some implementations pass over interfaces whose names begin with `tun`.
///
/// # Errors
/// What was tried and what the system says.
pub(crate) fn make(interfaces: &[Vec<IpAddr>]) -> io::Result<(Kernel, Vec<SyncDevice>)> {
    let kernel = Kernel::new().map_err(during("talk with the kernel"))?;
    kernel.up(LOOPBACK).map_err(during("bring lo up"))?;
    quiet_v6(interfaces);
    let mut devices = Vec::new();
    for (number, addresses) in interfaces.iter().enumerate() {
        let device = DeviceBuilder::new()
            .name(format!("eth{number}"))
            .layer(Layer::L3)
            .packet_information(false)
            .offload(false)
            .build_sync()
            .map_err(during("make a TUN device"))?;
        let index = device.if_index().map_err(during("find the TUN device"))?;
        kernel.up(index).map_err(during("bring the TUN device up"))?;
        for address in addresses {
            kernel.address(index, *address).map_err(during("give an address"))?;
        }
        kernel.routes(index, number, addresses)?;
        devices.push(device);
    }
    Ok((kernel, devices))
}

/// What becomes of the interfaces of a host that has moved, interface by interface: those that keep an
/// address are as they were, and the others share what is new, the first of them all of it.
#[must_use]
pub(crate) fn moved(interfaces: &[Vec<IpAddr>], addresses: &[IpAddr]) -> Vec<Vec<IpAddr>> {
    let has = |interface: &[IpAddr]| interface.iter().any(|address| addresses.contains(address));
    let known = |address: &IpAddr| interfaces.iter().any(|interface| interface.contains(address));
    let mut fresh: Vec<IpAddr> = addresses.iter().copied().filter(|a| !known(a)).collect();
    let gone = interfaces.iter().position(|interface| !has(interface)).unwrap_or_default();
    let each = interfaces.iter().enumerate().map(|(number, interface)| {
        let kept = interface.iter().copied().filter(|address| addresses.contains(address));
        let new = if number == gone { std::mem::take(&mut fresh) } else { Vec::new() };
        kept.chain(new).collect()
    });
    each.collect()
}

/// A host without IPv6 in the scenario has none, not even an address of the link.
fn quiet_v6(interfaces: &[Vec<IpAddr>]) {
    let wanted = interfaces.iter().flatten().any(IpAddr::is_ipv6);
    let settings = "/proc/sys/net/ipv6/conf";
    for place in ["all", "default"] {
        // A kernel without IPv6 has no such file, and needs none.
        let _ = std::fs::write(
            format!("{settings}/{place}/disable_ipv6"),
            if wanted { "0" } else { "1" },
        );
        let _ = std::fs::write(format!("{settings}/{place}/router_solicitations"), "0");
        let _ = std::fs::write(format!("{settings}/{place}/addr_gen_mode"), "1");
    }
}

/// A conversation with the kernel about the interfaces of the network namespace it was begun in,
/// wherever it goes on.
#[derive(Debug)]
pub(crate) struct Kernel(OwnedFd);

impl From<OwnedFd> for Kernel {
    fn from(begun: OwnedFd) -> Self {
        Self(begun)
    }
}

impl Kernel {
    fn new() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket.as_fd().try_clone_to_owned()?))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// An interface `ethN` has other addresses from now on.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn readdress(
        &self,
        number: usize,
        before: &[IpAddr],
        after: &[IpAddr],
    ) -> io::Result<()> {
        let index = self.index(&format!("eth{number}"))?;
        for address in before.iter().filter(|address| !after.contains(address)) {
            self.no_address(index, *address)?;
        }
        for address in after.iter().filter(|address| !before.contains(address)) {
            self.address(index, *address)?;
        }
        self.routes(index, number, after)
    }

    /// Whatever the host has an address for leads to its interfaces, to the first of them first. An
    /// interface without addresses has lost its routes.
    fn routes(&self, index: u32, number: usize, addresses: &[IpAddr]) -> io::Result<()> {
        let metric = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        for v4 in [true, false] {
            if addresses.iter().any(|address| address.is_ipv4() == v4) {
                self.default_route(index, v4, metric).map_err(during("add a route"))?;
            }
        }
        Ok(())
    }

    fn index(&self, name: &str) -> io::Result<u32> {
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        match self.exchange(RouteNetlinkMessage::GetLink(link), 0)? {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => {
                Ok(link.header.index)
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn up(&self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    fn address(&self, index: u32, address: IpAddr) -> io::Result<()> {
        let message = address_message(index, address);
        self.ask(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    fn no_address(&self, index: u32, address: IpAddr) -> io::Result<()> {
        self.ask(RouteNetlinkMessage::DelAddress(address_message(index, address)), 0)
    }

    fn default_route(&self, index: u32, v4: bool, metric: u32) -> io::Result<()> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(v4);
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = if v4 { RouteScope::Link } else { RouteScope::Universe };
        message.header.kind = RouteType::Unicast;
        message.attributes.push(RouteAttribute::Oif(index));
        message.attributes.push(RouteAttribute::Priority(metric));
        self.ask(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    fn ask(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.exchange(message, NLM_F_ACK | flags).map(drop)
    }

    fn exchange(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Answer> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        send(&self.0, &bytes, SendFlags::empty())?;
        let mut answer = vec![0; ANSWER];
        let (length, _) = recv(&self.0, &mut answer[..], RecvFlags::empty())?;
        let answer = answer.get(..length).unwrap_or_default();
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(answer)
            .map_err(|error| io::Error::other(error.to_string()))?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            payload => Ok(payload),
        }
    }
}

type Answer = NetlinkPayload<RouteNetlinkMessage>;

fn address_message(index: u32, address: IpAddr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.family = family(address.is_ipv4());
    // The wire has no neighbours: how long the prefix is means nothing.
    message.header.prefix_len = if address.is_ipv4() { 24 } else { 64 };
    message.header.flags = AddressHeaderFlags::Nodad;
    message.attributes.push(AddressAttribute::Address(address));
    if address.is_ipv4() {
        message.attributes.push(AddressAttribute::Local(address));
    }
    message
}

fn family(v4: bool) -> AddressFamily {
    if v4 { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_moves_keeps_what_it_keeps_and_has_the_rest_where_something_went() {
        let address = |last: u8| IpAddr::from([10, 0, 0, last]);
        let two = [vec![address(1)], vec![address(2), address(3)]];
        assert_eq!(moved(&two, &[address(1), address(9)]), [vec![address(1)], vec![address(9)]]);
        assert_eq!(moved(&two, &[address(9), address(3)]), [vec![address(9)], vec![address(3)]]);
        assert_eq!(moved(&two, &[]), [vec![], Vec::<IpAddr>::new()]);
        assert_eq!(moved(&[vec![]], &[address(7)]), [[address(7)]]);
    }
}
