//! What the reference peer declares.

use rtcspec_control::{Feature, Hello, Limits};

const FEATURES: [Feature; 26] = [
    Feature::Trickle,
    Feature::Restart,
    Feature::Rollback,
    Feature::Pranswer,
    Feature::Stun,
    Feature::Turn,
    Feature::TurnTcp,
    Feature::TurnTls,
    Feature::IceLite,
    Feature::RelayPolicy,
    Feature::Mdns,
    Feature::Ipv6,
    Feature::MultiInterface,
    Feature::NetworkChange,
    Feature::DataChannel,
    Feature::Unordered,
    Feature::PrSctp,
    Feature::Negotiated,
    Feature::StreamReset,
    Feature::Interleaving,
    Feature::ZeroChecksum,
    Feature::Dtls12,
    Feature::Dtls13,
    Feature::KeyLog,
    Feature::Virtual,
    Feature::Exact,
];

pub(crate) fn hello() -> Hello {
    Hello {
        adapter: 1,
        implementation: "reference".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: None,
        features: FEATURES.into_iter().collect(),
        limits: Limits { max_message_size: Some(256 * 1024), max_channels: Some(1024) },
    }
}
