//! What a peer says it is and can do, before anything is asked of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A thing a peer can do that not every peer can.
///
/// A case names the least it needs; a peer that does not declare it is reported UNSUPPORTED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feature {
    /// Candidates may be signalled one by one (RFC 8838).
    Trickle,
    /// ICE restart (RFC 8445 §9).
    Restart,
    /// Rollback of a description (RFC 9429 §4.1.10.2).
    Rollback,
    /// Provisional answers (RFC 9429 §4.1.10.1).
    Pranswer,
    /// Asks STUN servers for server-reflexive candidates (RFC 8445 §5.1.1.1).
    Stun,
    /// Allocates relayed candidates from TURN servers over UDP (RFC 8656).
    Turn,
    /// Reaches TURN servers over TCP.
    TurnTcp,
    /// Reaches TURN servers over TLS.
    TurnTls,
    /// ICE over TCP (RFC 6544).
    IceTcp,
    /// ICE-lite (RFC 8445 §2.5).
    IceLite,
    /// `iceTransportPolicy: "relay"`.
    RelayPolicy,
    /// Obfuscates or resolves mDNS candidates.
    Mdns,
    /// IPv6 candidates.
    Ipv6,
    /// More than one local interface.
    MultiInterface,
    /// Follows a change of its interfaces while connected.
    NetworkChange,
    /// Data channels at all.
    DataChannel,
    /// Unordered data channels.
    Unordered,
    /// `maxRetransmits` and `maxPacketLifeTime` (RFC 3758).
    PrSctp,
    /// Channels negotiated out of band, with a chosen id.
    Negotiated,
    /// Closes a channel by stream reset and reuses its id (RFC 6525).
    StreamReset,
    /// Messages that interleave on the wire (RFC 8260).
    Interleaving,
    /// Zero checksum (RFC 9653).
    ZeroChecksum,
    /// DTLS 1.2.
    Dtls12,
    /// DTLS 1.3.
    Dtls13,
    /// Hands out its DTLS secrets as NSS key log lines.
    KeyLog,
    /// W3C statistics.
    Stats,
    /// Media sections and RTP.
    Media,
    /// It only answers an offer: it takes no other command that shows on the wire and tells nothing, so
    /// what it does is read there.
    WireOnly,
    /// Sends every string it receives back on the channel it came on.
    Echo,
    /// Sends all bytes it receives back on the channel they came on.
    EchoBytes,
    /// Runs in virtual time inside the harness.
    Virtual,
    /// Same seed, same bytes: the exact transcript profile applies.
    Exact,
}

impl Feature {
    /// The word used in JSON and in reports.
    #[must_use]
    pub fn word(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            _ => format!("{self:?}"),
        }
    }
}

/// Numbers a peer declares so that a case does not ask for more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Largest message it can send, in bytes.
    pub max_message_size: Option<u64>,
    /// Most data channels open at a time.
    pub max_channels: Option<u32>,
}

/// The answer to [`crate::Command::Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// Version of the contract: 1.
    pub adapter: u32,
    /// Name of the implementation, as expectations and reports call it.
    #[serde(rename = "impl")]
    pub implementation: String,
    /// Its version.
    pub version: String,
    /// Commit, where the version does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What it can do.
    pub features: BTreeSet<Feature>,
    /// How much of it.
    #[serde(default)]
    pub limits: Limits,
}

impl Hello {
    /// Whether the feature is declared.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}
