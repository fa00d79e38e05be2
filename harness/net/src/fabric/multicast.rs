//! Multicast of the local link: to whoever has joined the group on the sender's segment, and no
//! further. It costs a copy for each of them but one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::element::{HostId, PortId, SegmentId};
use super::packet::Packet;
use super::route::{Stage, Toward};
use super::topology::{Fabric, Owner};
use crate::Ns;
use crate::observe::Drop;
use crate::packet::ip;

/// What a host hears besides what is sent to its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// Everything on its segments; its IP stack is elsewhere, and chooses.
    All,
    /// What is sent to these.
    Joined(BTreeSet<IpAddr>),
}

impl Default for Groups {
    fn default() -> Self {
        Self::Joined(BTreeSet::new())
    }
}

impl Fabric {
    /// A host hears what others on its segments send to a multicast group of the local link.
    pub fn join(&mut self, host: HostId, group: IpAddr) {
        if let Groups::Joined(groups) = &mut self.groups[host.index()] {
            groups.insert(group);
        }
    }

    /// A host hears what others on its segments send to any multicast group of the local link.
    pub fn join_all(&mut self, host: HostId) {
        self.groups[host.index()] = Groups::All;
    }

    pub(super) fn has_joined(&self, host: HostId, group: IpAddr) -> bool {
        match &self.groups[host.index()] {
            Groups::All => is_of_the_link(group),
            Groups::Joined(groups) => groups.contains(&group),
        }
    }

    /// Sends a packet to all that have joined its group but one, for which its way is given.
    pub(super) fn spread(
        &mut self,
        now: Ns,
        packet: &Packet,
        id: SegmentId,
        from: PortId,
    ) -> Result<PortId, Drop> {
        let members = self.members(ip(packet.head.dst), id, from)?;
        let (first, others) = members.split_first().ok_or(Drop::NoMember)?;
        for port in others {
            let mut bytes = self.buffer();
            bytes.extend_from_slice(&packet.bytes);
            let copy = Packet { bytes, ..*packet };
            self.watch_copied(now, id.element, &copy);
            self.runtime.spawned.push_back((copy, self.entry(*port)));
        }
        Ok(*first)
    }

    /// Where a packet is that comes to a port from its segment.
    pub(super) fn entry(&self, port: PortId) -> Stage {
        Stage::Wire { port, next: self.ports[port.index()].wire.len(), toward: Toward::Owner }
    }

    /// Whom a packet to a group goes to, by the names of the hosts and the order of their interfaces.
    /// Who stands for everybody elsewhere is on no link with the others.
    fn members(&self, group: IpAddr, id: SegmentId, from: PortId) -> Result<Vec<PortId>, Drop> {
        let segment = &self.segments[id.index()];
        if segment.params.isolation {
            return Err(Drop::Isolated);
        }
        let mut members = Vec::new();
        for (index, port) in self.ports.iter().enumerate() {
            let at = PortId(index as u32);
            let Owner::Host(host) = port.owner else { continue };
            let here = port.segment == Some(id) && at != from && segment.elsewhere != Some(at);
            if here && self.has_joined(host, group) {
                members.push((self.element_name(host), at));
            }
        }
        let cut = |port| segment.apart.contains(&port);
        let any = !members.is_empty();
        members.retain(|(_, port)| cut(*port) == cut(from));
        if any && members.is_empty() {
            return Err(Drop::Partitioned);
        }
        members.sort_unstable();
        Ok(members.into_iter().map(|(_, port)| port).collect())
    }
}

/// Whether routers leave what is sent to a group on the link it was sent on.
pub(super) fn is_of_the_link(group: IpAddr) -> bool {
    match group {
        // RFC 5771 §4: the local network control block is not forwarded off the link.
        IpAddr::V4(v4) => matches!(v4.octets(), [224, 0, 0, _]),
        // RFC 4291 §2.7: routers forward nothing beyond its scope; 2 is that of the link.
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}
