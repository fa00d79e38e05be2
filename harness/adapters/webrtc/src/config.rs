//! `config`: W3C's part, and what goes beyond it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::peer_connection::transport::RTCDtlsRole;
use serde_json::Value;
use webrtc::peer_connection::{
    RTCConfiguration, RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy, SettingEngine,
    SettingEngineBuilder,
};

use crate::reply::No;

/// What `new` is told.
pub struct Config {
    pub w3c: RTCConfiguration,
    pub settings: SettingEngine,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// What host names mean.
    pub hosts: HashMap<String, Vec<IpAddr>>,
}

impl Config {
    pub fn read(config: &Value) -> Result<Self, No> {
        let mut w3c = RTCConfigurationBuilder::new();
        // Its mDNS joins an IPv4 group, and where there is no IPv4 that ends the connection.
        let mut settings =
            SettingEngineBuilder::new().with_multicast_dns_mode(MulticastDnsMode::Disabled);
        let mut addresses = vec!["0.0.0.0:0".to_owned(), "[::]:0".to_owned()];
        let mut hosts = HashMap::new();
        for (key, value) in config.as_object().into_iter().flatten() {
            match key.as_str() {
                "iceServers" => w3c = w3c.with_ice_servers(servers(value)?),
                "iceTransportPolicy" => w3c = w3c.with_ice_transport_policy(policy(value)?),
                "x-interfaces" => addresses = listening(value)?,
                "x-iceLite" => settings = settings.with_lite(value.as_bool().unwrap_or(false)),
                // There is DTLS 1.2 and no other.
                "x-dtlsVersions" if *value == serde_json::json!(["1.2"]) => {}
                "x-dtlsRole" => settings = settings.with_answering_dtls_role(role(value)?),
                "x-hosts" => hosts = names(value),
                "x-sctp" => settings = sctp(settings, value)?,
                _ => return Err(No::Unsupported(key.clone())),
            }
        }
        Ok(Self { w3c: w3c.build(), settings: settings.build(), addresses, hosts })
    }
}

fn wrong(what: &str) -> No {
    No::error("TypeError", what)
}

fn servers(list: &Value) -> Result<Vec<RTCIceServer>, No> {
    let mut servers = Vec::new();
    for server in list.as_array().into_iter().flatten() {
        let urls = match &server["urls"] {
            Value::String(url) => vec![url.clone()],
            Value::Array(urls) => {
                urls.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => return Err(wrong("iceServers: no urls")),
        };
        let text = |key: &str| server[key].as_str().unwrap_or_default().to_owned();
        servers.push(RTCIceServer {
            urls,
            username: text("username"),
            credential: text("credential"),
        });
    }
    Ok(servers)
}

fn policy(value: &Value) -> Result<RTCIceTransportPolicy, No> {
    match value.as_str() {
        Some("all") => Ok(RTCIceTransportPolicy::All),
        Some("relay") => Ok(RTCIceTransportPolicy::Relay),
        _ => Err(wrong("iceTransportPolicy: neither `all` nor `relay`")),
    }
}

fn listening(value: &Value) -> Result<Vec<String>, No> {
    let list = value.as_array().ok_or_else(|| wrong("x-interfaces: no list"))?;
    let address = |ip: &Value| ip.as_str()?.parse().ok().map(|ip| SocketAddr::new(ip, 0));
    list.iter()
        .map(|ip| address(ip).map(|address| address.to_string()))
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("x-interfaces: no address"))
}

fn role(value: &Value) -> Result<RTCDtlsRole, No> {
    match value.as_str() {
        Some("active") => Ok(RTCDtlsRole::Client),
        Some("passive") => Ok(RTCDtlsRole::Server),
        _ => Err(wrong("x-dtlsRole: neither `active` nor `passive`")),
    }
}

fn names(value: &Value) -> HashMap<String, Vec<IpAddr>> {
    let ips = |list: &Value| {
        let ips = list.as_array().into_iter().flatten();
        ips.filter_map(|ip| ip.as_str()?.parse().ok()).collect()
    };
    let names = value.as_object().into_iter().flatten();
    names.map(|(name, list)| (name.clone(), ips(list))).collect()
}

fn sctp(mut settings: SettingEngineBuilder, value: &Value) -> Result<SettingEngineBuilder, No> {
    for (key, number) in value.as_object().into_iter().flatten() {
        let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
        settings = match (key.as_str(), number) {
            ("maxMessageSize", Some(size)) => {
                settings.with_sctp_max_message_size(SctpMaxMessageSize::Bounded(size))
            }
            ("rwnd", Some(size)) => settings.with_sctp_max_receive_buffer_size(size),
            _ => return Err(No::Unsupported(format!("x-sctp.{key}"))),
        };
    }
    Ok(settings)
}
