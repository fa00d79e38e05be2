//! Between the words of peerctl/1 and those of the peer.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_control as control;
use rtcspec_peer::connection::{
    ChannelInit, Config, IceCandidate, IceServer, Message, SctpOptions, TransportPolicy,
};
use rtcspec_peer::dtls::{Cryptography, Role, Versions};
use rtcspec_peer::io;

/// A configuration of the peer.
///
/// # Errors
/// The name of the first key or value the peer does not know.
pub(crate) fn config(given: control::Configuration) -> Result<Config, String> {
    if let Some(key) = given.unknown.keys().next() {
        return Err(key.clone());
    }
    let mut config = Config {
        ice_servers: given.ice_servers.into_iter().map(ice_server).collect(),
        policy: policy(given.ice_transport_policy),
        interfaces: given.interfaces,
        hosts: given.hosts,
        ice_lite: given.ice_lite,
        mdns: given.mdns,
        dtls_role: dtls_role(&given.dtls_role)?,
        sctp: sctp(&given.sctp)?,
        ..Config::default()
    };
    config.dtls.versions = dtls_versions(&given.dtls_versions)?;
    config.dtls.cryptography = dtls_cryptography(&given.dtls_cryptography)?;
    Ok(config)
}

pub(crate) fn ice_server(given: control::IceServer) -> IceServer {
    IceServer { urls: given.urls, username: given.username, credential: given.credential }
}

pub(crate) fn policy(given: control::TransportPolicy) -> TransportPolicy {
    match given {
        control::TransportPolicy::All => TransportPolicy::All,
        control::TransportPolicy::Relay => TransportPolicy::Relay,
    }
}

fn dtls_role(word: &str) -> Result<Option<Role>, String> {
    match word {
        "" => Ok(None),
        "active" => Ok(Some(Role::Client)),
        "passive" => Ok(Some(Role::Server)),
        _ => Err(format!("x-dtlsRole {word}")),
    }
}

fn dtls_versions(words: &[String]) -> Result<Versions, String> {
    let has = |version: &str| words.iter().any(|word| word == version);
    if let Some(unknown) = words.iter().find(|word| *word != "1.2" && *word != "1.3") {
        return Err(format!("x-dtlsVersions {unknown}"));
    }
    Ok(match (has("1.2"), has("1.3")) {
        (true, false) => Versions::Only12,
        (false, true) => Versions::Only13,
        _ => Versions::Auto,
    })
}

fn dtls_cryptography(word: &str) -> Result<Cryptography, String> {
    match word {
        "" => Ok(Cryptography::Full),
        "symmetric" => Ok(Cryptography::Symmetric),
        _ => Err(format!("x-dtlsCryptography {word}")),
    }
}

fn sctp(given: &BTreeMap<String, u64>) -> Result<SctpOptions, String> {
    let mut options = SctpOptions::default();
    for (key, &value) in given {
        let bits32 = || u32::try_from(value).map_err(|_| format!("x-sctp {key} {value}"));
        match key.as_str() {
            "maxMessageSize" => options.max_message_size = Some(value),
            "rwnd" => options.rwnd = Some(bits32()?),
            "streams" => {
                let streams = u16::try_from(value).map_err(|_| format!("x-sctp {key} {value}"))?;
                options.streams = Some(streams);
            }
            "zeroChecksum" => options.zero_checksum = Some(value != 0),
            "interleaving" => options.interleaving = Some(value != 0),
            "readAfterMs" => options.read_after = Some(Duration::from_millis(value)),
            "initialTsn" => options.initial_tsn = Some(bits32()?),
            _ => return Err(format!("x-sctp {key}")),
        }
    }
    Ok(options)
}

pub(crate) fn candidate_in(given: control::Candidate) -> IceCandidate {
    IceCandidate {
        candidate: given.candidate,
        sdp_mid: given.sdp_mid,
        sdp_m_line_index: given.sdp_m_line_index,
        username_fragment: given.username_fragment,
    }
}

pub(crate) fn candidate_out(ours: IceCandidate) -> control::Candidate {
    control::Candidate {
        candidate: ours.candidate,
        sdp_mid: ours.sdp_mid,
        sdp_m_line_index: ours.sdp_m_line_index,
        username_fragment: ours.username_fragment,
    }
}

pub(crate) fn channel_init(label: String, given: control::ChannelInit) -> ChannelInit {
    ChannelInit {
        label,
        ordered: given.ordered,
        max_retransmits: given.max_retransmits,
        max_packet_life_time: given.max_packet_life_time,
        protocol: given.protocol,
        negotiated: given.negotiated,
        id: given.id,
    }
}

pub(crate) fn message_in(payload: control::Payload) -> Message {
    match payload {
        control::Payload::Text(text) => Message::Text(text),
        control::Payload::Binary(bytes) => Message::Binary(bytes),
    }
}

pub(crate) fn message_out(message: Message) -> control::Payload {
    match message {
        Message::Text(text) => control::Payload::Text(text),
        Message::Binary(bytes) => control::Payload::Binary(bytes),
    }
}

/// Connections number their streams alike; on the endpoint the number of the connection stands in
/// front.
fn conn_out(connection: u32, conn: io::ConnId) -> control::ConnId {
    control::ConnId((u64::from(connection) << 32) | conn.0)
}

/// The connection a stream belongs to, and the stream's name there.
fn conn_in(conn: control::ConnId) -> (Option<u32>, io::ConnId) {
    (u32::try_from(conn.0 >> 32).ok(), io::ConnId(conn.0 & u64::from(u32::MAX)))
}

pub(crate) fn transmit(connection: u32, ours: io::Transmit) -> control::Transmit {
    let name = |conn| conn_out(connection, conn);
    match ours {
        io::Transmit::Udp { local, remote, data } => control::Transmit::Udp { local, remote, data },
        io::Transmit::TcpConnect { conn, local, remote } => {
            control::Transmit::TcpConnect { conn: name(conn), local, remote }
        }
        io::Transmit::TcpSend { conn, data } => {
            control::Transmit::TcpSend { conn: name(conn), data }
        }
        io::Transmit::TcpClose { conn } => control::Transmit::TcpClose { conn: name(conn) },
    }
}

/// The input in the peer's words, and which connection it is for if a stream tells.
pub(crate) fn receive(given: control::Receive) -> Option<(Option<u32>, io::Receive)> {
    Some(match given {
        control::Receive::Udp { local, remote, data } => {
            (None, io::Receive::Udp { local, remote, data })
        }
        control::Receive::TcpConnected { conn, local } => {
            let (connection, conn) = conn_in(conn);
            (connection, io::Receive::TcpConnected { conn, local })
        }
        control::Receive::TcpData { conn, data } => {
            let (connection, conn) = conn_in(conn);
            (connection, io::Receive::TcpData { conn, data })
        }
        control::Receive::TcpClosed { conn } => {
            let (connection, conn) = conn_in(conn);
            (connection, io::Receive::TcpClosed { conn })
        }
        control::Receive::Unreachable { local, remote } => {
            (None, io::Receive::Unreachable { local, remote })
        }
        // It has sockets, no IP stack.
        control::Receive::Packet { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(json: &str) -> control::Configuration {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn keys_and_values_nobody_knows_are_named() {
        for (json, named) in [
            (r#"{"bundlePolicy":"max-compat"}"#, "bundlePolicy"),
            (r#"{"x-dtlsRole":"both"}"#, "x-dtlsRole both"),
            (r#"{"x-dtlsVersions":["1.0"]}"#, "x-dtlsVersions 1.0"),
            (r#"{"x-dtlsCryptography":"none"}"#, "x-dtlsCryptography none"),
            (r#"{"x-sctp":{"mtu":9000}}"#, "x-sctp mtu"),
            (r#"{"x-sctp":{"rwnd":4294967296}}"#, "x-sctp rwnd 4294967296"),
        ] {
            assert_eq!(config(given(json)), Err(named.to_owned()));
        }
    }

    #[test]
    fn every_key_of_the_contract_reaches_the_peer() {
        let json = r#"{"iceServers":[{"urls":["turn:h"],"username":"u","credential":"c"}],
            "iceTransportPolicy":"relay","x-interfaces":["10.0.0.1"],"x-iceLite":true,"x-mdns":true,
            "x-dtlsVersions":["1.2"],"x-dtlsRole":"passive",
            "x-dtlsCryptography":"symmetric","x-hosts":{"h":["10.0.0.2"]},
            "x-sctp":{"maxMessageSize":1,"rwnd":2,"zeroChecksum":1,"interleaving":0,
            "initialTsn":3,"streams":4,"readAfterMs":5}}"#;
        let config = config(given(json)).unwrap();
        assert_eq!(config.ice_servers[0].credential, "c");
        assert_eq!(config.policy, TransportPolicy::Relay);
        assert_eq!(config.interfaces.len(), 1);
        assert!(config.ice_lite && config.mdns);
        assert_eq!(config.dtls.versions, Versions::Only12);
        assert_eq!(config.dtls_role, Some(Role::Server));
        assert_eq!(config.dtls.cryptography, Cryptography::Symmetric);
        assert!(config.hosts.contains_key("h"));
        let sctp = SctpOptions {
            max_message_size: Some(1),
            rwnd: Some(2),
            zero_checksum: Some(true),
            interleaving: Some(false),
            initial_tsn: Some(3),
            streams: Some(4),
            read_after: Some(Duration::from_millis(5)),
        };
        assert_eq!(config.sctp, sctp);
    }
}
