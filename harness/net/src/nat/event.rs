use std::fmt;
use std::net::SocketAddr;

use crate::Ns;
use crate::fabric::Protocol;
use crate::observe::Drop;

/// Why a mapping ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// Its time was up.
    Expired,
    /// The NAT restarted.
    Reboot,
    /// The NAT got other addresses.
    Renumbered,
    /// An action ended it.
    Ordered,
    /// It made room for another.
    Evicted,
    /// Another took its port.
    Overridden,
    /// A packet the filter refused ended it.
    Killed,
}

/// What happened to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made, for a packet to this remote endpoint.
    Created {
        /// Where to.
        remote: SocketAddr,
    },
    /// Its timer was started again. Logged only if asked for.
    Refreshed,
    /// It ended.
    Ended(Ended),
    /// None was made, for this reason; `external` has port 0.
    Refused(Drop),
    /// Its endpoint's port was taken, so its other remotes get mappings of their own
    /// (RFC 4787 REQ-11 violated), or an unsolicited packet had taken its endpoints.
    Split {
        /// For which remote.
        remote: SocketAddr,
    },
}

/// One line of a NAT's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When: for mappings that expired the very time, not when it was noticed.
    pub at: Ns,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The endpoint inside.
    pub internal: SocketAddr,
    /// Its external address and port.
    pub external: SocketAddr,
    /// What happened.
    pub change: Change,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} = {} ", self.at, self.protocol, self.internal, self.external)?;
        match self.change {
            Change::Created { remote } => write!(f, "created for {remote}"),
            Change::Refreshed => f.write_str("refreshed"),
            Change::Ended(ended) => write!(f, "ended, {}", ended.words()),
            Change::Refused(why) => write!(f, "refused, {why:?}"),
            Change::Split { remote } => write!(f, "split for {remote}"),
        }
    }
}

impl Ended {
    fn words(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Reboot => "reboot",
            Self::Renumbered => "renumbered",
            Self::Ordered => "ordered",
            Self::Evicted => "evicted",
            Self::Overridden => "port taken by another",
            Self::Killed => "killed by a filtered packet",
        }
    }
}
