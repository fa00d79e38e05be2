//! What `rtc` is and can do.

use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::{
    SctpMaxMessageSize, SettingEngine, SettingEngineBuilder,
};
use rtc::peer_connection::configuration::{
    RTCConfiguration, RTCConfigurationBuilder, RTCIceTransportPolicy,
};
use rtc::peer_connection::transport::{RTCDtlsRole, RTCIceServer};
use rtcspec_adapter_embed::{Outcome, Refusal};
use rtcspec_control::{Configuration, Feature, Hello, IceServer, Limits, TransportPolicy};

use crate::crypto::{SharedLog, Tapped};

/// Version this adapter is written for; the manifest pins it.
const VERSION: &str = "0.21.1";

pub(crate) fn hello() -> Hello {
    let mut hello = declared();
    if rtcspec_adapter_entropy::available() {
        hello.features.insert(Feature::Exact);
    }
    hello
}

fn declared() -> Hello {
    Hello {
        adapter: 1,
        implementation: "rtc".to_owned(),
        version: VERSION.to_owned(),
        commit: None,
        features: [
            Feature::Trickle,
            Feature::Restart,
            Feature::Rollback,
            Feature::Pranswer,
            Feature::IceLite,
            Feature::Stun,
            Feature::Turn,
            Feature::TurnTcp,
            Feature::TurnTls,
            Feature::RelayPolicy,
            Feature::Ipv6,
            Feature::MultiInterface,
            Feature::NetworkChange,
            Feature::DataChannel,
            Feature::Unordered,
            Feature::PrSctp,
            Feature::Negotiated,
            Feature::StreamReset,
            Feature::Dtls12,
            Feature::KeyLog,
            Feature::Virtual,
        ]
        .into(),
        limits: Limits {
            max_message_size: Some(u64::from(SctpMaxMessageSize::DEFAULT_MESSAGE_SIZE)),
            max_channels: None,
        },
    }
}

/// The W3C part of a configuration. `rtc` gathers nothing itself: it checks the servers' URIs, and
/// with the policy `relay` it takes no other local candidates.
pub(crate) fn configuration(config: &Configuration) -> RTCConfiguration {
    let server = |server: &IceServer| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    };
    RTCConfigurationBuilder::new()
        .with_ice_servers(config.ice_servers.iter().map(server).collect())
        .with_ice_transport_policy(match config.ice_transport_policy {
            TransportPolicy::All => RTCIceTransportPolicy::All,
            TransportPolicy::Relay => RTCIceTransportPolicy::Relay,
        })
        .build()
}

/// The stack's settings for a configuration, or the first key it cannot follow.
pub(crate) fn settings(config: &Configuration, log: &SharedLog) -> Outcome<SettingEngine> {
    if config.dtls_versions.iter().any(|version| version != "1.2") {
        return Err(Refusal::unsupported("x-dtlsVersions"));
    }
    if !config.dtls_cryptography.is_empty() {
        return Err(Refusal::unsupported("x-dtlsCryptography"));
    }
    if config.mdns {
        return Err(Refusal::unsupported("x-mdns"));
    }
    let mut settings = SettingEngineBuilder::new()
        .with_crypto_provider(Arc::new(Tapped::new(log)))
        // It would ask from a socket of its own: names of the other side are ignored.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        // Candidates of addresses that are gone would be checked forever after a restart; an
        // application that follows its network sets this and adds the live ones again.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_lite(config.ice_lite);
    settings = match config.dtls_role.as_str() {
        "" => settings,
        "active" => settings.with_answering_dtls_role(RTCDtlsRole::Client),
        "passive" => settings.with_answering_dtls_role(RTCDtlsRole::Server),
        _ => return Err(Refusal::unsupported("x-dtlsRole")),
    };
    for (option, value) in &config.sctp {
        let number = u32::try_from(*value).map_err(|_| Refusal::unsupported("x-sctp"))?;
        settings = match option.as_str() {
            "maxMessageSize" => {
                settings.with_sctp_max_message_size(SctpMaxMessageSize::Bounded(number))
            }
            "rwnd" => settings.with_sctp_max_receive_buffer_size(number),
            other => return Err(Refusal::unsupported(format!("x-sctp.{other}"))),
        };
    }
    Ok(settings.build())
}
