//! Channels of an allocation (RFC 8656 §12).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::turn::ChannelNumber;

/// RFC 8656 §12: a binding lasts ten minutes; it is renewed a minute before.
const REFRESH_AFTER: Duration = Duration::from_secs(540);

#[derive(Clone, Copy, Debug)]
struct Channel {
    number: ChannelNumber,
    bound: bool,
    refresh_at: Option<Duration>,
}

/// All channels of one allocation. A number is never given out twice: RFC 8656 §12 forbids its
/// reuse for five minutes after the binding ends, and there are 4,096 of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    by_peer: BTreeMap<SocketAddr, Channel>,
    by_number: BTreeMap<ChannelNumber, SocketAddr>,
    given_out: u16,
}

impl Channels {
    /// A number for a peer; `None` if it has one already or none is left.
    pub(super) fn open(&mut self, peer: SocketAddr) -> Option<ChannelNumber> {
        if self.by_peer.contains_key(&peer) {
            return None;
        }
        let number = ChannelNumber::new(ChannelNumber::MIN.number().checked_add(self.given_out)?)?;
        self.given_out += 1;
        self.by_peer.insert(peer, Channel { number, bound: false, refresh_at: None });
        self.by_number.insert(number, peer);
        Some(number)
    }

    /// The server has confirmed the binding.
    pub(super) fn bound(&mut self, peer: SocketAddr, now: Duration) {
        if let Some(channel) = self.by_peer.get_mut(&peer) {
            channel.bound = true;
            channel.refresh_at = Some(now + REFRESH_AFTER);
        }
    }

    /// The server has refused the binding or let it go.
    pub(super) fn lost(&mut self, peer: SocketAddr) {
        if let Some(channel) = self.by_peer.get_mut(&peer) {
            channel.bound = false;
            channel.refresh_at = None;
        }
    }

    /// The channel data for a peer may use.
    pub(super) fn number(&self, peer: SocketAddr) -> Option<ChannelNumber> {
        self.by_peer.get(&peer).filter(|channel| channel.bound).map(|channel| channel.number)
    }

    /// Whose data a channel carries. RFC 8656 §12.6: data may overtake the answer to the
    /// `ChannelBind` request, so a binding that is asked for counts.
    pub(super) fn peer(&self, number: ChannelNumber) -> Option<SocketAddr> {
        self.by_number.get(&number).copied()
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        self.by_peer.values().filter_map(|channel| channel.refresh_at).min()
    }

    /// Those to be renewed now; each is named once.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(SocketAddr, ChannelNumber)> {
        let mut due = Vec::new();
        for (peer, channel) in &mut self.by_peer {
            if channel.refresh_at.is_some_and(|at| at <= now) {
                channel.refresh_at = None;
                due.push((*peer, channel.number));
            }
        }
        due
    }

    /// Stops renewing the channels to everyone else.
    pub(super) fn retain(&mut self, keep: &[SocketAddr]) {
        for (peer, channel) in &mut self.by_peer {
            if !keep.contains(peer) {
                channel.refresh_at = None;
            }
        }
    }

    /// Forgets all, with the allocation they belonged to.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn channel_carries_data_once_bound_and_is_renewed_within_ten_minutes() {
        let mut channels = Channels::default();
        let number = channels.open(peer(1)).unwrap();
        assert_eq!(channels.number(peer(1)), None);
        assert_eq!(channels.peer(number), Some(peer(1)));
        channels.bound(peer(1), Duration::ZERO);
        assert_eq!(channels.number(peer(1)), Some(number));
        let wake = channels.wake().unwrap();
        assert!(wake < Duration::from_secs(600));
        assert_eq!(channels.due(wake), [(peer(1), number)]);
    }

    #[test]
    fn numbers_are_never_reused_and_run_out_quietly() {
        let mut channels = Channels::default();
        let numbers: Vec<_> = (1..=4097).map(|port| channels.open(peer(port))).collect();
        assert_eq!(numbers[0], Some(ChannelNumber::MIN));
        assert_eq!(numbers[4095], Some(ChannelNumber::MAX));
        assert_eq!(numbers[4096], None);
    }
}
