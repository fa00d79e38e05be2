use super::core::{Binding, Core, Pair, Refusal, TCP, UDP, masked, outer_key};
use super::event::{Change, Ended};
use super::filters::{Contact, Memory};
use super::params::{
    Filtering, Hairpin, Mapping as MappingBehavior, OnFiltered, Refresh, ReplyBinding, Translation,
    Unsolicited,
};
use crate::Ns;
use crate::observe::{Drop, Limit};
use crate::packet::{Head, Side, Transport, Unreachable, set_endpoint};
use crate::table::Key;

/// What a NAT did with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Translated: it goes on.
    Pass { new_mapping: bool },
    /// Translated: it goes back inside.
    Hairpin { new_mapping: bool },
    /// It ends here.
    Drop(Drop),
    /// It ends here and its sender hears of it.
    Reject(Drop, Answer),
}

/// How a refused sender hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Unreachable(Unreachable),
    /// For TCP: a reset; else port unreachable.
    Closed,
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal.answer {
            None => Self::Drop(refusal.why),
            Some(answer) => Self::Reject(refusal.why, Answer::Unreachable(answer)),
        }
    }
}

impl Core {
    /// Translates a packet from inside.
    pub(crate) fn outbound(&mut self, now: Ns, packet: &mut [u8], head: &mut Head) -> Outcome {
        if let Err(why) = self.ready(now, head) {
            return Outcome::Drop(why);
        }
        match (head.kind(), self.is_external(head.dst)) {
            (Transport::Icmp4, true) => return self.error_hairpin(packet, head),
            (Transport::Icmp4, false) => return self.error_outbound(packet, head),
            (_, true) => return self.hairpin(now, packet, head),
            (_, false) => {}
        }
        match self.leave_by_mapping(now, packet, head) {
            Ok(new_mapping) => Outcome::Pass { new_mapping },
            Err(refusal) => refusal.into(),
        }
    }

    /// Translates a packet from outside.
    pub(crate) fn inbound(&mut self, now: Ns, packet: &mut [u8], head: &mut Head) -> Outcome {
        if let Err(why) = self.ready(now, head) {
            return Outcome::Drop(why);
        }
        if head.kind() == Transport::Icmp4 {
            return self.error_inbound(packet, head);
        }
        self.enter(now, packet, head)
    }

    fn ready(&mut self, now: Ns, head: &Head) -> Result<(), Drop> {
        self.reclaim(now);
        match head.kind() {
            _ if self.is_down(now) => Err(Drop::Down),
            _ if head.fragment => Err(Drop::Fragment),
            Transport::Udp | Transport::Tcp | Transport::Icmp4 => Ok(()),
            Transport::Icmp6 | Transport::Other => Err(Drop::Untranslatable),
        }
    }

    /// Gives a packet its mapping's external source.
    fn leave_by_mapping(
        &mut self,
        now: Ns,
        packet: &mut [u8],
        head: &mut Head,
    ) -> Result<bool, Refusal> {
        let pair = Pair {
            protocol: head.protocol,
            internal: (head.src, head.src_port),
            remote: (head.dst, head.dst_port),
        };
        let (id, new) = match self.outbound_mapping(now, pair) {
            Some(id) => (id, false),
            None => (self.create(now, pair, false)?, true),
        };
        let (id, new) = self.avoid_clash(now, pair, id, new)?;
        self.refresh_outbound(now, id);
        self.remember(now, id, pair)?;
        self.follow(now, id, pair, head.tcp_flags, true);
        set_endpoint(packet, head, Side::Source, self.external_endpoint(id));
        Ok(new)
    }

    /// The mapping a packet leaves by, if there is one.
    fn outbound_mapping(&mut self, now: Ns, pair: Pair) -> Option<u32> {
        if let Some(id) = self.forward_from(pair.protocol, pair.internal) {
            return Some(id);
        }
        if !self.bindings.is_empty()
            && let Some(id) = self.bound(now, &pair.key())
        {
            return Some(id);
        }
        let behavior = self.behavior(pair.protocol).0;
        let exact = self.has_splits().then(|| self.find(&pair.key())).flatten();
        exact.or_else(|| {
            let remote = masked(behavior, pair.remote);
            self.find(&Pair { remote, ..pair }.key())
        })
    }

    /// The mapping two endpoints are bound to, if it and the binding are still alive.
    fn bound(&mut self, now: Ns, key: &Key) -> Option<u32> {
        let binding = *self.bindings.get(key)?;
        let mapping = self.mapping(binding.mapping);
        let alive = mapping.generation == binding.generation
            && self.find(&mapping.key) == Some(binding.mapping)
            && now < binding.used + self.lifetime(mapping);
        if !alive {
            self.bindings.remove(key);
            return None;
        }
        if let Some(binding) = self.bindings.get_mut(key) {
            binding.used = now;
        }
        Some(binding.mapping)
    }

    /// If an unsolicited packet has taken the mapping's external endpoint together with this
    /// remote, the pair gets a mapping of its own.
    fn avoid_clash(
        &mut self,
        now: Ns,
        pair: Pair,
        id: u32,
        new: bool,
    ) -> Result<(u32, bool), Refusal> {
        let mapping = self.mapping(id);
        let external = (mapping.external, mapping.port);
        let clash = self.params.unsolicited == Unsolicited::Reserve
            && !mapping.permanent
            && self.is_reserved(now, external, pair);
        match clash {
            true => Ok((self.create(now, pair, true)?, true)),
            false => Ok((id, new)),
        }
    }

    fn refresh_outbound(&mut self, now: Ns, id: u32) {
        if matches!(self.params.refresh, Refresh::Outbound | Refresh::Both) {
            self.refresh(now, id);
        }
    }

    fn refresh(&mut self, now: Ns, id: u32) {
        self.mapping_mut(id).refreshed = now;
        if self.log_refresh {
            let key = self.mapping(id).key;
            let external = self.external_endpoint(id);
            self.note(now, key.protocol, (key.local, key.local_port), external, Change::Refreshed);
        }
    }

    /// Writes down whom was sent to, for the filter and for reply binding.
    fn remember(&mut self, now: Ns, id: u32, pair: Pair) -> Result<(), Refusal> {
        let full = |_| Refusal::from(Drop::Limit(Limit::Memory));
        if self.behavior(pair.protocol).1 != Filtering::EndpointIndependent {
            let key = self.filter_key(id, pair.remote);
            let established = self.mapping(id).established > 0;
            let (lifetimes, refresh) = (&self.params.lifetimes, self.params.refresh);
            let memory = Memory { lifetimes, refresh, established };
            self.filters.sent(now, key, memory).map_err(full)?;
        }
        if self.params.reply_binding == ReplyBinding::First {
            self.bind(now, id, pair);
        }
        Ok(())
    }

    fn bind(&mut self, now: Ns, id: u32, pair: Pair) {
        let longest = self.params.lifetimes.udp.max(self.params.lifetimes.tcp);
        self.bindings.reclaim(|_, binding| now < binding.used + longest);
        let binding = Binding { mapping: id, generation: self.mapping(id).generation, used: now };
        // Without room the mapping behaviour decides, as it does without reply binding.
        let _ = self.bindings.set(pair.key(), binding);
    }

    /// Lets a packet in, or not, and gives it its mapping's internal destination.
    fn enter(&mut self, now: Ns, packet: &mut [u8], head: &mut Head) -> Outcome {
        let Some(external) = self.externals.iter().position(|&own| own == head.dst) else {
            return Outcome::Drop(Drop::NoRoute);
        };
        let remote = (head.src, head.src_port);
        if self.params.on_filtered == OnFiltered::BlockSource
            && self.blocked.get(&source_key(remote.0)).is_some()
        {
            return Outcome::Drop(Drop::SourceBlocked);
        }
        let place = (external, head.dst_port);
        if self.params.unsolicited == Unsolicited::Reserve
            && self.is_taken(now, place, head.protocol, remote)
        {
            self.reserve(now, place, head.protocol, remote);
            return Outcome::Drop(Drop::Reserved);
        }
        let found = self.find_external(external, head.protocol, head.dst_port, remote);
        let (id, new) = match found {
            Some(id) => (id, false),
            None => match self.implicit(now, external, head) {
                Ok(id) => (id, true),
                Err(why) => return self.unsolicited(now, place, head, why),
            },
        };
        if let Err(why) = self.admit(now, id, remote) {
            return self.refuse(now, id, head, why);
        }
        self.accept(now, id, remote, head.tcp_flags);
        let key = self.mapping(id).key;
        set_endpoint(packet, head, Side::Destination, (key.local, key.local_port));
        Outcome::Pass { new_mapping: new }
    }

    /// A 1:1 NAT that filters nothing lets packets in before the host behind has sent any.
    fn implicit(&mut self, now: Ns, external: usize, head: &Head) -> Result<u32, Drop> {
        let open = self.params.translation == Translation::OneToOne
            && self.behavior(head.protocol).1 == Filtering::EndpointIndependent;
        let internal = open.then(|| self.owner_of(external)).flatten().ok_or(Drop::NoMapping)?;
        let pair = Pair {
            protocol: head.protocol,
            internal: (internal, head.dst_port),
            remote: (head.src, head.src_port),
        };
        self.create(now, pair, false).map_err(|refusal| refusal.why)
    }

    fn admit(&self, now: Ns, id: u32, remote: (u128, u16)) -> Result<(), Drop> {
        let mapping = self.mapping(id);
        let filtering = self.behavior(mapping.key.protocol).1;
        if mapping.permanent || filtering == Filtering::EndpointIndependent {
            return Ok(());
        }
        let memory = self.memory(id);
        let contact = self.filters.contact(now, &self.filter_key(id, remote), memory);
        let expired = match contact {
            Contact::Lately => return Ok(()),
            Contact::TooLongAgo => true,
            Contact::Never => false,
        };
        Err(Drop::Filtered { filtering, scope: self.params.filter_scope, expired })
    }

    fn memory(&self, id: u32) -> Memory<'_> {
        Memory {
            lifetimes: &self.params.lifetimes,
            refresh: self.params.refresh,
            established: self.mapping(id).established > 0,
        }
    }

    fn accept(&mut self, now: Ns, id: u32, remote: (u128, u16), tcp_flags: u8) {
        let key = self.mapping(id).key;
        let pair = Pair { protocol: key.protocol, internal: (key.local, key.local_port), remote };
        if self.behavior(key.protocol).1 != Filtering::EndpointIndependent {
            let filter = self.filter_key(id, remote);
            self.filters.received(now, &filter, self.params.refresh);
        }
        self.mapping_mut(id).replied = true;
        if matches!(self.params.refresh, Refresh::Inbound | Refresh::Both) {
            self.refresh(now, id);
        }
        self.arm(now, id);
        self.follow(now, id, pair, tcp_flags, false);
        self.bind_reply(now, id, pair);
    }

    fn bind_reply(&mut self, now: Ns, id: u32, pair: Pair) {
        let only_one = self.behavior(pair.protocol).0 == MappingBehavior::EndpointIndependent
            && !self.has_splits();
        match self.params.reply_binding {
            ReplyBinding::None => {}
            _ if only_one => {}
            ReplyBinding::First => {
                if self.bound(now, &pair.key()).is_none() {
                    self.bind(now, id, pair);
                }
            }
            ReplyBinding::Latest => self.bind(now, id, pair),
        }
    }

    /// A packet to a mapping whose filter says no.
    fn refuse(&mut self, now: Ns, id: u32, head: &Head, why: Drop) -> Outcome {
        let place = (self.mapping(id).external, self.mapping(id).port);
        let inbound = matches!(self.params.refresh, Refresh::Inbound | Refresh::Both);
        if self.params.refresh_by_filtered && inbound {
            self.refresh(now, id);
        }
        match self.params.on_filtered {
            OnFiltered::Nothing => {}
            OnFiltered::KillMapping => self.end(now, id, Ended::Killed),
            OnFiltered::BlockSource => {
                // A table that is full forgets to block, as boxes do.
                let _ = self.blocked.set(source_key(head.src), ());
            }
        }
        self.unsolicited(now, place, head, why)
    }

    /// A packet that nothing lets in.
    fn unsolicited(&mut self, now: Ns, place: (usize, u16), head: &Head, why: Drop) -> Outcome {
        match self.params.unsolicited {
            Unsolicited::Drop => Outcome::Drop(why),
            Unsolicited::Reject => Outcome::Reject(why, Answer::Closed),
            Unsolicited::Reserve => {
                self.reserve(now, place, head.protocol, (head.src, head.src_port));
                Outcome::Drop(why)
            }
        }
    }

    fn is_taken(&self, now: Ns, place: (usize, u16), protocol: u8, remote: (u128, u16)) -> bool {
        let pair = Pair { protocol, internal: (0, 0), remote };
        self.is_reserved(now, place, pair)
    }

    fn reserve(&mut self, now: Ns, place: (usize, u16), protocol: u8, remote: (u128, u16)) {
        let lifetime = self.reservation_lifetime();
        self.reservations.reclaim(|_, &at| now < at + lifetime);
        let key = outer_key(place.0, protocol, place.1, Some(remote));
        // Without room there is no clash, as with a full connection table.
        let _ = self.reservations.set(key, now);
    }

    /// A packet from inside to an external address (RFC 4787 §6).
    fn hairpin(&mut self, now: Ns, packet: &mut [u8], head: &mut Head) -> Outcome {
        let sender = (head.src, head.src_port);
        let new = match self.params.hairpin {
            Hairpin::None => return Outcome::Drop(Drop::HairpinOff),
            Hairpin::Internal => false,
            Hairpin::External => match self.leave_by_mapping(now, packet, head) {
                Ok(new) => new,
                Err(refusal) => return refusal.into(),
            },
        };
        match self.enter(now, packet, head) {
            Outcome::Pass { new_mapping } => Outcome::Hairpin { new_mapping: new || new_mapping },
            // The refusal is for who sent it, who is inside.
            Outcome::Reject(why, answer) => {
                set_endpoint(packet, head, Side::Source, sender);
                Outcome::Reject(why, answer)
            }
            other => other,
        }
    }

    pub(super) fn quoted_mapping_inbound(
        &self,
        protocol: u8,
        external: (u128, u16),
        remote: (u128, u16),
    ) -> Option<u32> {
        let index = self.externals.iter().position(|&own| own == external.0)?;
        matches!(protocol, UDP | TCP)
            .then(|| self.find_external(index, protocol, external.1, remote))
            .flatten()
    }

    pub(super) fn quoted_mapping_outbound(&self, pair: Pair) -> Option<u32> {
        if let Some(id) = self.forward_from(pair.protocol, pair.internal) {
            return Some(id);
        }
        if let Some(binding) = self.bindings.get(&pair.key())
            && self.mapping(binding.mapping).generation == binding.generation
        {
            return Some(binding.mapping);
        }
        let remote = masked(self.behavior(pair.protocol).0, pair.remote);
        self.find(&pair.key()).or_else(|| self.find(&Pair { remote, ..pair }.key()))
    }
}

fn source_key(remote: u128) -> Key {
    Key { remote, ..Key::default() }
}
