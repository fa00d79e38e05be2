//! What a run leaves behind for the judge and the observer.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_control::{Payload, StateKind};

/// Length and fingerprint of a message: enough to compare, little enough to keep thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest {
    /// Whether it is a string.
    pub(super) text: bool,
    /// Bytes.
    pub(super) length: usize,
    /// FNV-1a over the bytes.
    pub(super) hash: u64,
}

impl Digest {
    /// Of a message.
    #[must_use]
    pub(super) fn of(payload: &Payload) -> Self {
        let bytes = payload.bytes();
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { text: matches!(payload, Payload::Text(_)), length: bytes.len(), hash }
    }
}

/// A message that was handed to a peer to send, or that a peer handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    /// When.
    pub(super) at: Duration,
    /// What.
    pub(super) digest: Digest,
}

/// A data channel as a peer told of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelLog {
    /// Subprotocol.
    pub(super) protocol: String,
    /// In-order delivery.
    pub(super) ordered: bool,
    /// Most retransmissions.
    pub(super) max_retransmits: Option<u16>,
    /// Lifetime in milliseconds.
    pub(super) max_packet_life_time: Option<u16>,
    /// When it opened.
    pub(super) opened: Option<Duration>,
    /// When it closed.
    pub(super) closed: Option<Duration>,
    /// What the harness gave this peer to send on it.
    pub(super) sent: Vec<Carried>,
    /// What this peer received on it.
    pub(super) received: Vec<Carried>,
}

/// An error a peer reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerError {
    /// When.
    pub(super) at: Duration,
    /// The command it answers, or `event`.
    pub(super) during: String,
    /// W3C error name.
    pub(super) name: String,
    /// Free text.
    pub(super) message: String,
}

/// What one peer told.
#[derive(Clone, Debug, Default)]
pub(super) struct PeerLog {
    /// State changes, oldest first.
    pub(super) states: Vec<(Duration, StateKind, String)>,
    /// Channels by label; labels are unique within a scenario, or numbered in order of creation.
    pub(super) channels: BTreeMap<String, Vec<ChannelLog>>,
    /// Errors.
    pub(super) errors: Vec<PeerError>,
    /// A command or feature it said it does not support.
    pub(super) unsupported: Option<String>,
    /// It died.
    pub(super) crashed: Option<String>,
}

impl PeerLog {
    /// The value of a state at a point in time.
    #[must_use]
    pub(super) fn state_at(&self, kind: StateKind, at: Duration) -> Option<&str> {
        let mut until =
            self.states.iter().rev().filter(|(when, which, _)| *when <= at && *which == kind);
        until.next().map(|(_, _, value)| value.as_str())
    }

    /// When a state first had one of these values, at or after a point in time.
    #[must_use]
    pub(super) fn state_since(
        &self,
        kind: StateKind,
        values: &[&str],
        since: Duration,
    ) -> Option<Duration> {
        if self.state_at(kind, since).is_some_and(|value| values.contains(&value)) {
            return Some(since);
        }
        let later = self.states.iter().filter(|(when, which, _)| *when > since && *which == kind);
        later.clone().find(|(_, _, value)| values.contains(&value.as_str())).map(|(at, _, _)| *at)
    }
}
