//! What an agent is made from.

use std::time::Duration;

use super::checklist::MAX_PAIRS;
use super::gather::GatherConfig;

/// Configuration of an [`Agent`](super::Agent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Interfaces, servers, policy, ports and Ta.
    pub gather: GatherConfig,
    /// RFC 8445 §2.5: only host candidates, only answers.
    pub lite: bool,
    /// RFC 8445 §6.1.2.5: most pairs on a checklist.
    pub max_pairs: usize,
    /// Most peer-reflexive remote candidates that are learned at one base. A NAT that gives every
    /// answer a new port would otherwise yield new ones for ever.
    pub max_peer_reflexive: usize,
    /// RFC 8445 §8.1.1 leaves the stopping criterion open. A valid direct pair is nominated when
    /// no better direct pair is open, or this long after the first one became valid.
    pub direct_patience: Duration,
    /// A valid relayed pair is nominated this long after it became valid if a direct pair might
    /// still come about: more than the RTO, so that a direct pair may lose its first check.
    pub relay_patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            gather: GatherConfig::default(),
            lite: false,
            max_pairs: MAX_PAIRS,
            max_peer_reflexive: 16,
            direct_patience: Duration::from_millis(200),
            relay_patience: Duration::from_millis(1000),
        }
    }
}
