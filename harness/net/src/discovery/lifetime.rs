//! How long a UDP mapping lives, and what keeps it alive (RFC 4787 §4.3, RFC 5780 §4.6).

use super::ground::{Ground, Inside};
use crate::Ns;
use crate::fabric::TopologyError;
use crate::nat::{Params, Refresh};

/// Nobody waits longer than a day to see a mapping end.
const LONGEST: u64 = 86_400;

/// After how many whole seconds without packets a host that was answered is no longer reached;
/// `None`: it still is after a day, or never was.
pub(super) fn replied(params: &Params) -> Result<Option<Ns>, TopologyError> {
    span(params, true)
}

/// The same of a host that has had no answer.
pub(super) fn unreplied(params: &Params) -> Result<Option<Ns>, TopologyError> {
    span(params, false)
}

fn span(params: &Params, answered: bool) -> Result<Option<Ns>, TopologyError> {
    let alive = |seconds| alive_after(params, answered, seconds);
    let (mut alive_at, mut dead_at) = (0, 1);
    while alive(dead_at)? {
        if dead_at >= LONGEST {
            return Ok(None);
        }
        (alive_at, dead_at) = (dead_at, (dead_at * 2).min(LONGEST));
    }
    while dead_at - alive_at > 1 {
        let middle = alive_at + (dead_at - alive_at) / 2;
        if alive(middle)? {
            alive_at = middle;
        } else {
            dead_at = middle;
        }
    }
    Ok((reached(params)?).then_some(Ns::secs(dead_at)))
}

/// Whether anything gets out at all.
fn reached(params: &Params) -> Result<bool, TopologyError> {
    Ok(Ground::new(params)?.reach_silent().is_some())
}

fn alive_after(params: &Params, answered: bool, seconds: u64) -> Result<bool, TopologyError> {
    let mut ground = Ground::new(params)?;
    let Some(mapped) = ground.reach_silent() else { return Ok(false) };
    if answered {
        ground.silent_reaches(mapped);
    }
    ground.wait(Ns::secs(seconds));
    Ok(ground.silent_reaches(mapped))
}

/// Which packets restart the timer, seen by sending one of each kind well before it would run out.
pub(super) fn refresh(params: &Params, lifetime: Ns) -> Result<Refresh, TopologyError> {
    let before = Ns(lifetime.0 / 5 * 3);
    let by = |outbound: bool| -> Result<bool, TopologyError> {
        let mut ground = Ground::new(params)?;
        let Some(mapped) = ground.reach_silent() else { return Ok(false) };
        ground.silent_reaches(mapped);
        ground.wait(before);
        if outbound {
            ground.reach_silent();
        } else {
            ground.silent_reaches(mapped);
        }
        ground.heard(Inside::Probe);
        ground.wait(before);
        Ok(ground.silent_reaches(mapped))
    };
    Ok(match (by(true)?, by(false)?) {
        (true, true) => Refresh::Both,
        (true, false) => Refresh::Outbound,
        (false, true) => Refresh::Inbound,
        (false, false) => Refresh::None,
    })
}
