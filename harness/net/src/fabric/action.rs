use std::net::IpAddr;

use super::element::{ElementId, FirewallId, LinkId, NatId, PortId, Protocol, SegmentId};
use super::topology::{Fabric, Family, Owner, TopologyError};
use crate::nat::Ended;
use crate::{Ns, firewall, link};

/// Something that happens to the network while it runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// A NAT loses its mappings and forwards nothing for a while.
    Reboot {
        /// Which.
        nat: NatId,
        /// For how long.
        down: Ns,
    },
    /// A NAT gets other external addresses and loses its mappings.
    Renumber {
        /// Which.
        nat: NatId,
        /// The addresses; none: as many as it had, the next that are free.
        addresses: Vec<IpAddr>,
    },
    /// A NAT's mappings end, static forwards apart, and its filters forget.
    Expire {
        /// Which.
        nat: NatId,
    },
    /// A host's interface is joined to another segment, or to none.
    Move {
        /// The interface.
        port: PortId,
        /// Where to; none: it is unplugged.
        to: Option<SegmentId>,
        /// Its addresses there; none: the next that are free.
        addresses: Vec<IpAddr>,
    },
    /// One direction of a link changes. Packets under way arrive as they would have.
    Link {
        /// Which.
        link: LinkId,
        /// Which way.
        direction: link::Direction,
        /// What it is from now on.
        params: link::Params,
    },
    /// A link goes down or comes up, both ways.
    LinkUp {
        /// Which.
        link: LinkId,
        /// Up or down.
        up: bool,
    },
    /// A firewall gets other rules. What it remembers of who was sent to stays.
    Firewall {
        /// Which.
        firewall: FirewallId,
        /// The rules.
        params: firewall::Params,
    },
    /// A firewall or NAT drops a protocol, or everything, both ways.
    Block {
        /// Which.
        element: ElementId,
        /// What; none: everything.
        protocol: Option<Protocol>,
    },
    /// The end of a block.
    Unblock {
        /// Which.
        element: ElementId,
        /// What; none: everything.
        protocol: Option<Protocol>,
    },
    /// Some of a segment's ports reach only each other, and so do the rest.
    Partition {
        /// The segment.
        segment: SegmentId,
        /// The ports cut off.
        apart: Vec<PortId>,
    },
    /// The end of a partition.
    Heal {
        /// The segment.
        segment: SegmentId,
    },
}

/// An action that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// An address cannot be had.
    #[error(transparent)]
    Address(#[from] TopologyError),
    /// A port that is no host's interface was to move.
    #[error("move {owner}: not a host")]
    NotAHost {
        /// Who has it.
        owner: String,
    },
    /// Something was to be blocked where nothing can be.
    #[error("block at {element}: neither firewall nor NAT")]
    CannotBlock {
        /// Where.
        element: String,
    },
}

impl Fabric {
    /// Makes something happen now. Time comes to `now` first.
    ///
    /// # Errors
    /// [`ActionError`] if it cannot happen; then nothing did.
    pub fn apply(&mut self, now: Ns, action: Action) -> Result<(), ActionError> {
        self.advance(now);
        let now = self.now();
        match action {
            Action::Reboot { nat: id, down } => {
                let nat = &mut self.nats[id.index()];
                nat.core.reboot(now, down);
                nat.v6_gate.forget();
                self.learn_inside(id);
            }
            Action::Renumber { nat, addresses } => self.renumber(now, nat, &addresses)?,
            Action::Expire { nat } => {
                let nat = &mut self.nats[nat.index()];
                nat.core.forget(now, Ended::Ordered);
                nat.v6_gate.forget();
            }
            Action::Move { port, to, addresses } => self.relocate(port, to, &addresses)?,
            Action::Link { link, direction, params } => {
                let way = usize::from(direction == link::Direction::In);
                self.links[link.index()].wires[way].params = params;
            }
            Action::LinkUp { link, up } => {
                self.links[link.index()].wires.iter_mut().for_each(|wire| wire.params.up = up);
            }
            Action::Firewall { firewall, params } => {
                self.firewalls[firewall.index()].gate.replace(params);
            }
            Action::Block { element, protocol } => self.block(element, protocol, true)?,
            Action::Unblock { element, protocol } => self.block(element, protocol, false)?,
            Action::Partition { segment, apart } => self.segments[segment.index()].apart = apart,
            Action::Heal { segment } => self.segments[segment.index()].apart.clear(),
        }
        Ok(())
    }

    fn renumber(&mut self, now: Ns, nat: NatId, addresses: &[IpAddr]) -> Result<(), ActionError> {
        let port = self.nats[nat.index()].outside;
        let Some(segment) = self.ports[port.index()].segment else { return Ok(()) };
        let addresses = match addresses {
            [] => {
                let count = self.ports[port.index()].addresses.len();
                self.free_addresses(segment, Family::V4, count)?
            }
            given => given.to_vec(),
        };
        self.resettle(port, segment, addresses)?;
        let addresses = self.ports[port.index()].addresses.clone();
        self.nats[nat.index()].core.renumber(now, &addresses);
        self.learn_inside(nat);
        Ok(())
    }

    /// Tells a NAT that has forgotten everything who is inside: a 1:1 NAT's addresses are given out
    /// by its configuration, not by who sends first.
    fn learn_inside(&mut self, nat: NatId) {
        let inside = self.nats[nat.index()].inside;
        if let Some(inner) = self.ports[inside.index()].segment {
            self.learn_again(inner, inside);
        }
    }

    fn relocate(
        &mut self,
        port: PortId,
        to: Option<SegmentId>,
        addresses: &[IpAddr],
    ) -> Result<(), ActionError> {
        if !matches!(self.ports[port.index()].owner, Owner::Host(_)) {
            let owner = self.element_name(self.owner(port)).to_owned();
            return Err(ActionError::NotAHost { owner });
        }
        let Some(segment) = to else {
            self.unsettle(port);
            self.ports[port.index()].segment = None;
            return Ok(());
        };
        let addresses = self.addresses_or_free(segment, addresses)?;
        self.resettle(port, segment, addresses)?;
        self.teach_gateway(segment, port);
        Ok(())
    }

    /// Gives a port other addresses, perhaps on another segment, or leaves it as it was.
    fn resettle(
        &mut self,
        port: PortId,
        segment: SegmentId,
        addresses: Vec<IpAddr>,
    ) -> Result<(), TopologyError> {
        let old_segment = self.ports[port.index()].segment;
        let old = self.ports[port.index()].addresses.clone();
        self.unsettle(port);
        let settled = self.settle(port, segment, &addresses);
        let (segment, addresses) = match (&settled, old_segment) {
            (Ok(()), _) => (Some(segment), addresses),
            (Err(_), Some(before)) => {
                self.settle(port, before, &old)?;
                (Some(before), old)
            }
            (Err(_), None) => (None, old),
        };
        self.ports[port.index()].segment = segment;
        self.ports[port.index()].addresses = addresses;
        settled
    }

    fn block(
        &mut self,
        element: ElementId,
        protocol: Option<Protocol>,
        on: bool,
    ) -> Result<(), ActionError> {
        if let Some(nat) = self.nats.iter().position(|nat| self.owner(nat.inside) == element) {
            self.nats[nat].blocks.set(protocol, on);
            return Ok(());
        }
        match self.firewall_of(element) {
            Some(id) => self.firewalls[id.index()].gate.blocks.set(protocol, on),
            None => {
                let element = self.element_name(element).to_owned();
                return Err(ActionError::CannotBlock { element });
            }
        }
        Ok(())
    }
}
