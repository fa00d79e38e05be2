//! A host's interfaces: TUN devices with addresses, and routes that lead everything to them.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
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
pub(crate) fn make(interfaces: &[Vec<IpAddr>]) -> io::Result<Vec<SyncDevice>> {
    let mut kernel = Kernel::new().map_err(during("talk with the kernel"))?;
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
        for v4 in [true, false] {
            if addresses.iter().any(|address| address.is_ipv4() == v4) {
                // The first interface's route is the one the kernel takes.
                let metric = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
                kernel.default_route(index, v4, metric).map_err(during("add a route"))?;
            }
        }
        devices.push(device);
    }
    Ok(devices)
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

/// A conversation with the kernel about interfaces.
struct Kernel(Socket);

impl Kernel {
    fn new() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    fn up(&mut self, index: u32) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.ask(RouteNetlinkMessage::SetLink(link), 0)
    }

    fn address(&mut self, index: u32, address: IpAddr) -> io::Result<()> {
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
        self.ask(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    fn default_route(&mut self, index: u32, v4: bool, metric: u32) -> io::Result<()> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(v4);
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = if v4 { RouteScope::Link } else { RouteScope::Universe };
        message.header.kind = RouteType::Unicast;
        message.attributes.push(RouteAttribute::Oif(index));
        message.attributes.push(RouteAttribute::Priority(metric));
        self.ask(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE)
    }

    fn ask(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.0.send(&bytes, 0)?;
        let mut answer = Vec::with_capacity(ANSWER);
        self.0.recv(&mut answer, 0)?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
            .map_err(|error| io::Error::other(error.to_string()))?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            _ => Ok(()),
        }
    }
}

fn family(v4: bool) -> AddressFamily {
    if v4 { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
