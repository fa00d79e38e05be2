//! What str0m is and can do.

use std::sync::Arc;

use rtcspec_adapter_embed::{Outcome, Refusal};
use rtcspec_control::{Configuration, Feature, Hello, Limits};
use str0m::config::DtlsVersion;
use str0m::{Rtc, RtcConfig};

use crate::dtls::crypto_provider;

/// Version this adapter is written for; the manifest pins it.
const VERSION: &str = "0.25.0";
/// What str0m can send at most, and announces as what it takes.
const MAX_MESSAGE: u32 = 256 * 1024;
/// str0m never accepts a message larger than its send buffer, and the buffer's default is half of
/// the largest message: an application that sends such messages has to raise it.
const SEND_BUFFER: usize = 1024 * 1024;

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
        implementation: "str0m".to_owned(),
        version: VERSION.to_owned(),
        commit: None,
        features: [
            Feature::Trickle,
            Feature::Restart,
            Feature::Rollback,
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
            Feature::Dtls13,
            Feature::KeyLog,
            Feature::Virtual,
        ]
        .into(),
        limits: Limits { max_message_size: Some(u64::from(MAX_MESSAGE)), max_channels: None },
    }
}

/// The stack's settings for a configuration, or the first key it cannot follow.
pub(crate) fn settings(config: &Configuration) -> Outcome<RtcConfig> {
    let mut settings = Rtc::builder()
        .set_crypto_provider(Arc::new(crypto_provider()))
        .set_ice_lite(config.ice_lite)
        .set_dtls_version(dtls_version(&config.dtls_versions)?)
        .set_sctp_max_buffered_amount(SEND_BUFFER);
    // RFC 5763 §5 lets the answerer choose; str0m always chooses to be the server.
    if !matches!(config.dtls_role.as_str(), "" | "passive") {
        return Err(Refusal::unsupported("x-dtlsRole"));
    }
    if !config.dtls_cryptography.is_empty() {
        return Err(Refusal::unsupported("x-dtlsCryptography"));
    }
    if config.mdns {
        return Err(Refusal::unsupported("x-mdns"));
    }
    for (option, value) in &config.sctp {
        let number = u32::try_from(*value).map_err(|_| Refusal::unsupported("x-sctp"))?;
        settings = match option.as_str() {
            "maxMessageSize" => settings.set_sctp_max_message_size(number),
            other => return Err(Refusal::unsupported(format!("x-sctp.{other}"))),
        };
    }
    Ok(settings)
}

fn dtls_version(wanted: &[String]) -> Outcome<DtlsVersion> {
    let has = |version: &str| wanted.iter().any(|wanted| wanted == version);
    match (wanted.len(), has("1.2"), has("1.3")) {
        (0, ..) | (1, true, false) => Ok(DtlsVersion::Dtls12),
        (1, false, true) => Ok(DtlsVersion::Dtls13),
        (2, true, true) => Ok(DtlsVersion::Auto),
        _ => Err(Refusal::unsupported("x-dtlsVersions")),
    }
}
