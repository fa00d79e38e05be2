//! Channels of an allocation (RFC 8656 §12).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rtcspec_wire::turn::ChannelNumber;

use crate::Ns;

/// Bindings of numbers to peers, each way unique.
#[derive(Debug, Default)]
pub(super) struct Channels {
    by_number: BTreeMap<ChannelNumber, (SocketAddr, Ns)>,
    by_peer: BTreeMap<SocketAddr, ChannelNumber>,
}

/// Why a channel cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unbound {
    /// The number belongs to another peer, or the peer has another number.
    Taken,
    /// There are too many.
    TooMany,
}

impl Channels {
    /// Binds a channel or refreshes it.
    pub(super) fn bind(
        &mut self,
        now: Ns,
        until: Ns,
        binding: (ChannelNumber, SocketAddr),
        most: usize,
    ) -> Result<(), Unbound> {
        self.forget_expired(now);
        let (number, peer) = binding;
        let other_peer = self.by_number.get(&number).is_some_and(|(bound, _)| *bound != peer);
        let other_number = self.by_peer.get(&peer).is_some_and(|bound| *bound != number);
        if other_peer || other_number {
            return Err(Unbound::Taken);
        }
        if self.by_number.len() >= most && !self.by_number.contains_key(&number) {
            return Err(Unbound::TooMany);
        }
        self.by_number.insert(number, (peer, until));
        self.by_peer.insert(peer, number);
        Ok(())
    }

    /// The peer a channel is bound to.
    pub(super) fn peer(&self, now: Ns, number: ChannelNumber) -> Option<SocketAddr> {
        self.by_number.get(&number).filter(|(_, until)| now < *until).map(|(peer, _)| *peer)
    }

    /// The channel of a peer.
    pub(super) fn number(&self, now: Ns, peer: SocketAddr) -> Option<ChannelNumber> {
        let number = *self.by_peer.get(&peer)?;
        self.peer(now, number).map(|_| number)
    }

    fn forget_expired(&mut self, now: Ns) {
        let by_peer = &mut self.by_peer;
        self.by_number.retain(|_, (peer, until)| {
            let kept = now < *until;
            if !kept {
                by_peer.remove(peer);
            }
            kept
        });
    }
}
