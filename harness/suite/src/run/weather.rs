//! Steps that change the network: reboots, moves, links, blocks.

use std::time::Duration;

use rtcspec_control::Command;
use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action, Protocol};
use rtcspec_net::link::Direction;
use rtcspec_trace::{Action as Told, Party};

use super::actor::Then;
use super::script::Act;
use super::stage::{Due, Stage};
use crate::scenario::{Block, BlockedProtocol, LinkChange, Move, Step};
use crate::topology::link_params;

impl Stage<'_> {
    /// Carries out a step that concerns the network. What is refused is the harness's own fault
    /// and stands among the actions, for all to see.
    pub(super) fn network_step(&mut self, step: &Step) {
        if let Some(reboot) = &step.reboot {
            let name = reboot.nat.get_ref();
            if let Some(nat) = self.net.nat(name) {
                let down = Ns::from(reboot.down.0);
                self.apply(Action::Reboot { nat, down }, format!("reboot nat.{name}"));
            }
        } else if let Some(name) = &step.renumber {
            if let Some(nat) = self.net.nat(name.get_ref()) {
                let action = Action::Renumber { nat, addresses: Vec::new() };
                self.apply(action, format!("renumber nat.{}", name.get_ref()));
            }
        } else if let Some(name) = &step.expire {
            if let Some(nat) = self.net.nat(name.get_ref()) {
                self.apply(Action::Expire { nat }, format!("expire nat.{}", name.get_ref()));
            }
        } else if let Some(change) = &step.link {
            self.change_link(change);
        } else if let Some(block) = &step.block {
            self.block(block, true);
        } else if let Some(block) = &step.unblock {
            self.block(block, false);
        } else if let Some(moving) = &step.moving {
            self.depart(moving);
        }
    }

    fn apply(&mut self, action: Action, words: String) {
        let words = match self.net.apply(action) {
            Ok(()) => words,
            Err(error) => format!("{words}: failed to {error}"),
        };
        self.tell(words);
    }

    fn tell(&mut self, words: String) {
        self.actions.push(Told { at: self.now, words });
    }

    fn change_link(&mut self, change: &LinkChange) {
        let name = change.of.get_ref();
        let Some((link, params)) = self.net.link(name) else { return };
        *params = link_params(&change.to, params.clone());
        let (link, params) = (*link, params.clone());
        for (direction, params) in [Direction::Out, Direction::In].into_iter().zip(params) {
            let action = Action::Link { link, direction, params };
            self.apply(action, format!("change link.{name} {}", direction.word()));
        }
    }

    fn block(&mut self, block: &Block, on: bool) {
        let name = block.at.get_ref();
        let Some(firewall) = self.net.firewall(name) else { return };
        let (protocol, word) = match block.protocol {
            BlockedProtocol::Udp => (Protocol::Udp, "udp"),
            BlockedProtocol::Tcp => (Protocol::Tcp, "tcp"),
        };
        let (element, protocol) = (firewall.element(), Some(protocol));
        if on {
            self.apply(Action::Block { element, protocol }, format!("block {word} at {name}"));
        } else {
            self.apply(Action::Unblock { element, protocol }, format!("unblock {word} at {name}"));
        }
    }

    fn depart(&mut self, moving: &Move) {
        let Some(peer) = self.party(moving.peer.get_ref()) else { return };
        let segment = moving.to.get_ref().clone();
        if moving.gap.0 == Duration::ZERO {
            self.arrive(peer, &segment);
            return;
        }
        let outcome = self.net.move_peer(peer, None);
        self.told(outcome, format!("unplug {}", peer.letter()));
        self.announce_interfaces(peer);
        let when = self.now + moving.gap.0;
        self.at(when, Due::Act(Act::Arrive { peer, segment }));
    }

    /// A peer that moved has a network again.
    pub(super) fn arrive(&mut self, peer: Party, segment: &str) {
        let outcome = self.net.move_peer(peer, Some(segment));
        self.told(outcome, format!("move {} to {segment}", peer.letter()));
        self.announce_interfaces(peer);
    }

    fn told(&mut self, outcome: Result<(), String>, words: String) {
        match outcome {
            Ok(()) => self.tell(words),
            Err(error) => self.tell(format!("{words}: failed to {error}")),
        }
    }

    fn announce_interfaces(&mut self, peer: Party) {
        let addresses = self.net.addresses(peer);
        for address in &addresses {
            self.watch.own_address(peer, *address);
        }
        let now = self.now;
        let actor = self.actor(peer);
        let pc = actor.pc.clone();
        actor.submit(now, Command::Interfaces { pc, addresses }, Then::Nothing);
    }
}
