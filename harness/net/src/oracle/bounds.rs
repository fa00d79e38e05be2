//! How long connecting may take.

use std::time::Duration;

use super::InvalidTopology;
use super::predict::{Outcome, Transit, Verdict};
use super::run::Run;
use super::topology::Topology;

/// What connecting times depend on beside the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the moment both sides have gathered until both know all of the other's candidates.
    pub signalling: Duration,
    /// The longest round trip between the sides, through the slower of their relays.
    pub rtt: Duration,
    /// Between two checks of one agent (RFC 8445 §14.2).
    pub ta: Duration,
    /// Until a check is sent again; none: what RFC 8445 §14.3 computes for the most pairs.
    pub rto: Option<Duration>,
    /// From the start until a relayed candidate is there: round trips to the TURN server, two for
    /// an allocation with a long-term credential, one more over TCP, two more over TLS.
    pub allocation: Duration,
}

impl Timing {
    /// Default timers of RFC 8445 §14 and the usual fixed RTO of 500 ms, for a round trip.
    /// Signalling takes one, an allocation five.
    pub fn of_rtt(rtt: Duration) -> Self {
        Self {
            signalling: rtt,
            rtt,
            ta: Duration::from_millis(50),
            rto: Some(SHORTEST_RTO),
            allocation: rtt * 5,
        }
    }
}

/// RFC 8445 §14.3: no RTO is shorter.
const SHORTEST_RTO: Duration = Duration::from_millis(500);

/// RFC 8863 §4: failure takes at least as long as a check with all its retransmissions, 39.5 s by
/// the default timers of RFC 8489 §6.2.1.
const PATIENCE: Duration = Duration::from_millis(39_500);

/// Between the first answer that counts and the end: checks that lead to a pair's being valid at
/// both sides (a check, its answer, the check it triggers, that one's answer, twice where the
/// first pair that both see is not symmetric), and the nomination (RFC 8445 §8.1.1).
const ROUND_TRIPS: u32 = 4;

/// When something must have happened, counted from the moment both sides have gathered all but
/// their relayed candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The latest time of being connected; none if that may not happen.
    pub connected: Option<Duration>,
    /// The earliest time at which an agent may say it failed; none if it must connect.
    pub failed: Option<Duration>,
}

/// How long connecting may take: signalling, a slot of Ta for every pair, one retransmission, as
/// the first checks of the earlier side may meet filters that the later side has not opened yet,
/// and the round trips of what follows; for a relay, its allocation too.
///
/// Assumes that nothing is lost, that agents start to check when they have candidates, and that
/// the controlling agent nominates as soon as it can. It says nothing about DTLS.
///
/// # Errors
/// [`InvalidTopology`] as [`super::predict`].
pub fn bounds(
    topology: &Topology,
    outcome: &Outcome,
    timing: &Timing,
) -> Result<Bounds, InvalidTopology> {
    let relays = outcome.verdict != Verdict::Direct;
    let mut run = Run::new(topology, Transit::Random)?;
    run.play(0, 0, relays);
    // A lite agent has none: at least the full one's learned pair.
    let pairs = u32::try_from(run.most_pairs()).unwrap_or(u32::MAX).max(1);
    let rto = timing.rto.unwrap_or_else(|| {
        // RFC 8445 §14.3: the number of checks times those under way or waiting; at most all.
        timing.ta.saturating_mul(pairs.saturating_mul(pairs))
    });
    let checks = timing.signalling
        + timing.ta.saturating_mul(pairs)
        + rto.max(SHORTEST_RTO)
        + timing.rtt * ROUND_TRIPS;
    let connected = match outcome.verdict {
        Verdict::Direct => Some(checks),
        Verdict::Relay => Some(checks + timing.allocation),
        Verdict::Depends if outcome.orders.nothing == 0 => Some(checks + timing.allocation),
        Verdict::Depends | Verdict::Nothing => None,
    };
    let failed = connected.is_none().then_some(PATIENCE);
    Ok(Bounds { connected, failed })
}
