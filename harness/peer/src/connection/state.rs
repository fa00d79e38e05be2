//! The W3C states of a peer connection (webrtc-pc §4.3).

/// `iceConnectionState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IceConnectionState {
    /// No remote candidates to check yet.
    #[default]
    New,
    /// Checks are under way and none has succeeded.
    Checking,
    /// There is a usable pair.
    Connected,
    /// There is a usable pair and nothing more to come.
    Completed,
    /// Consent is shaky: answers have been missing for a while.
    Disconnected,
    /// No pair works, or consent has expired.
    Failed,
    /// The connection is closed.
    Closed,
}

/// `iceGatheringState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IceGatheringState {
    /// Not begun.
    #[default]
    New,
    /// Under way.
    Gathering,
    /// All candidates of this generation are known.
    Complete,
}

/// The state of the DTLS transport (webrtc-pc §5.5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DtlsState {
    /// Not begun.
    #[default]
    New,
    /// In the handshake.
    Connecting,
    /// Handshake complete and certificate checked.
    Connected,
    /// Ended by `close_notify` or by us.
    Closed,
    /// Ended by an error.
    Failed,
}

/// `connectionState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Nothing has begun.
    #[default]
    New,
    /// ICE or DTLS is under way.
    Connecting,
    /// ICE and DTLS are connected.
    Connected,
    /// Both were connected; ICE is disconnected.
    Disconnected,
    /// ICE or DTLS has failed.
    Failed,
    /// Closed.
    Closed,
}

impl IceConnectionState {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

impl IceGatheringState {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gathering => "gathering",
            Self::Complete => "complete",
        }
    }
}

impl ConnectionState {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }

    /// The state of a connection with one transport (webrtc-pc §4.3.3, read from the top).
    #[must_use]
    pub fn of(ice: IceConnectionState, dtls: DtlsState) -> Self {
        use IceConnectionState as Ice;
        match (ice, dtls) {
            (Ice::Closed, _) => Self::Closed,
            (Ice::Failed, _) | (_, DtlsState::Failed) => Self::Failed,
            (Ice::Disconnected, _) => Self::Disconnected,
            (Ice::New, DtlsState::New | DtlsState::Closed) => Self::New,
            (Ice::Connected | Ice::Completed, DtlsState::Connected | DtlsState::Closed) => {
                Self::Connected
            }
            _ => Self::Connecting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IceConnectionState as Ice;

    #[test]
    fn connection_state_follows_the_table_of_w3c() {
        for (ice, dtls, expected) in [
            (Ice::New, DtlsState::New, ConnectionState::New),
            (Ice::Checking, DtlsState::New, ConnectionState::Connecting),
            (Ice::Connected, DtlsState::New, ConnectionState::Connecting),
            (Ice::Connected, DtlsState::Connecting, ConnectionState::Connecting),
            (Ice::Connected, DtlsState::Connected, ConnectionState::Connected),
            (Ice::Completed, DtlsState::Closed, ConnectionState::Connected),
            (Ice::Checking, DtlsState::Connected, ConnectionState::Connecting),
            (Ice::Disconnected, DtlsState::Connected, ConnectionState::Disconnected),
            (Ice::Disconnected, DtlsState::Failed, ConnectionState::Failed),
            (Ice::Failed, DtlsState::Connected, ConnectionState::Failed),
            (Ice::Closed, DtlsState::Failed, ConnectionState::Closed),
        ] {
            assert_eq!(ConnectionState::of(ice, dtls), expected, "{ice:?} {dtls:?}");
        }
    }
}
