//! Steps that change the network: reboots, moves, links, blocks.

use std::fmt::Display;
use std::time::Duration;

use rtcspec_control::Command;
use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action, NatId, Protocol};
use rtcspec_net::link::Direction;
use rtcspec_trace::{Action as Told, Party};
use toml::Spanned;

use super::actor::Then;
use super::net::Net;
use super::script::Act;
use super::stage::{Due, Stage};
use crate::scenario::{Block, BlockedProtocol, LinkChange, Move, Step};
use crate::topology::link_params;

impl Net {
    /// Carries out a step that concerns boxes and links; gives what was done, in words. What is
    /// refused is the harness's own fault and stands among them, for all to see.
    pub(super) fn change(&mut self, step: &Step) -> Vec<String> {
        if let Some(reboot) = &step.reboot {
            let down = Ns::from(reboot.down.0);
            self.change_nat(&reboot.nat, "reboot", |nat| Action::Reboot { nat, down })
        } else if let Some(name) = &step.renumber {
            let addresses = Vec::new();
            self.change_nat(name, "renumber", |nat| Action::Renumber { nat, addresses })
        } else if let Some(name) = &step.expire {
            self.change_nat(name, "expire", |nat| Action::Expire { nat })
        } else if let Some(change) = &step.link {
            self.change_link(change)
        } else if let Some(block) = &step.block {
            self.block(block, true)
        } else if let Some(block) = &step.unblock {
            self.block(block, false)
        } else {
            Vec::new()
        }
    }

    fn change_nat(
        &mut self,
        name: &Spanned<String>,
        verb: &str,
        action: impl FnOnce(NatId) -> Action,
    ) -> Vec<String> {
        let name = name.get_ref();
        let Some(nat) = self.nat(name) else { return Vec::new() };
        vec![self.act(action(nat), format!("{verb} nat.{name}"))]
    }

    fn act(&mut self, action: Action, words: String) -> String {
        told(self.apply(action), words)
    }

    /// A peer, called `who`, leaves for another segment: at once, or it is on none for a while, which
    /// is given beside what was done.
    pub(super) fn depart(
        &mut self,
        peer: Party,
        who: impl Display,
        moving: &Move,
    ) -> (String, Option<Duration>) {
        let gap = Some(moving.gap.0).filter(|gap| !gap.is_zero());
        let words = match gap {
            Some(_) => told(self.move_peer(peer, None), format!("unplug {who}")),
            None => self.arrive(peer, who, moving.to.get_ref()),
        };
        (words, gap)
    }

    /// A peer joins another segment; gives what was done.
    pub(super) fn arrive(&mut self, peer: Party, who: impl Display, segment: &str) -> String {
        told(self.move_peer(peer, Some(segment)), format!("move {who} to {segment}"))
    }

    fn change_link(&mut self, change: &LinkChange) -> Vec<String> {
        let name = change.of.get_ref();
        let Some((link, params)) = self.link(name) else { return Vec::new() };
        *params = link_params(&change.to, params.clone());
        let (link, params) = (*link, params.clone());
        let ways = [Direction::Out, Direction::In].into_iter().zip(params);
        ways.map(|(direction, params)| {
            let action = Action::Link { link, direction, params };
            self.act(action, format!("change link.{name} {}", direction.word()))
        })
        .collect()
    }

    fn block(&mut self, block: &Block, on: bool) -> Vec<String> {
        let name = block.at.get_ref();
        let Some(firewall) = self.firewall(name) else { return Vec::new() };
        let (protocol, word) = match block.protocol {
            BlockedProtocol::Udp => (Protocol::Udp, "udp"),
            BlockedProtocol::Tcp => (Protocol::Tcp, "tcp"),
        };
        let (element, protocol) = (firewall.element(), Some(protocol));
        vec![match on {
            true => {
                self.act(Action::Block { element, protocol }, format!("block {word} at {name}"))
            }
            false => {
                self.act(Action::Unblock { element, protocol }, format!("unblock {word} at {name}"))
            }
        }]
    }
}

fn told(outcome: Result<(), String>, words: String) -> String {
    match outcome {
        Ok(()) => words,
        Err(error) => format!("{words}: failed to {error}"),
    }
}

impl Stage<'_> {
    /// Carries out a step that concerns the network.
    pub(super) fn network_step(&mut self, step: &Step) {
        for words in self.net.change(step) {
            self.tell(words);
        }
        if let Some(moving) = &step.moving {
            self.depart(moving);
        }
    }

    pub(super) fn tell(&mut self, words: String) {
        self.actions.push(Told { at: self.now, words });
    }

    fn depart(&mut self, moving: &Move) {
        let Some(peer) = self.party(moving.peer.get_ref()) else { return };
        let (words, gap) = self.net.depart(peer, peer.letter(), moving);
        self.tell(words);
        self.announce_interfaces(peer);
        if let Some(gap) = gap {
            let segment = moving.to.get_ref().clone();
            self.at(self.now + gap, Due::Act(Act::Arrive { peer, segment }));
        }
    }

    /// A peer that moved has a network again.
    pub(super) fn arrive(&mut self, peer: Party, segment: &str) {
        let words = self.net.arrive(peer, peer.letter(), segment);
        self.tell(words);
        self.announce_interfaces(peer);
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
