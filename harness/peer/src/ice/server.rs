//! STUN and TURN servers: URIs (RFC 7064, RFC 7065) and what they resolve to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::turn::Transport;

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Server-reflexive candidates by Binding requests.
    Stun,
    /// Relayed candidates, and server-reflexive ones when the leg is UDP.
    Turn(Transport),
}

/// Names and the addresses they mean; there is no name server in virtual time.
pub type Hosts = BTreeMap<String, Vec<IpAddr>>;

/// One server at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The URI it came from, for reports.
    pub url: String,
    /// What it is asked for.
    pub service: Service,
    /// Where it listens.
    pub address: SocketAddr,
    /// The host part of the URI, which a TLS certificate must bear.
    pub name: String,
    /// Long-term user name, for TURN.
    pub username: String,
    /// Long-term password, for TURN.
    pub password: String,
}

/// Why a URI names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Neither of the four schemes.
    #[error("use server {url:?}: scheme is not stun, stuns, turn or turns")]
    Scheme {
        /// The URI.
        url: String,
    },
    /// STUN over TLS, which no candidate can be gathered with.
    #[error("use server {url:?}: stuns gathers no candidates")]
    Stuns {
        /// The URI.
        url: String,
    },
    /// No host, or a port that is not a number.
    #[error("use server {url:?}: not host or host:port")]
    Authority {
        /// The URI.
        url: String,
    },
    /// A query other than `transport=udp` or `transport=tcp` where it is allowed.
    #[error("use server {url:?}: query {query:?} is not allowed")]
    Query {
        /// The URI.
        url: String,
        /// What follows the question mark.
        query: String,
    },
    /// A TURN server without both halves of the credentials.
    #[error("use server {url:?}: user name or credential missing")]
    Credentials {
        /// The URI.
        url: String,
    },
    /// A host name that means nothing here.
    #[error("use server {url:?}: host {host:?} is not in the table of hosts")]
    UnknownHost {
        /// The URI.
        url: String,
        /// The host.
        host: String,
    },
}

impl Server {
    /// The servers a URI means: one for every address of its host.
    ///
    /// # Errors
    /// The URI is malformed, its host unknown, or credentials are missing.
    pub fn resolve(
        url: &str,
        username: &str,
        password: &str,
        hosts: &Hosts,
    ) -> Result<Vec<Self>, ServerError> {
        let owned = || url.to_owned();
        let (scheme, rest) = url.split_once(':').ok_or(ServerError::Scheme { url: owned() })?;
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        let (service, default_port) = service(url, &scheme.to_ascii_lowercase(), query)?;
        if service != Service::Stun && (username.is_empty() || password.is_empty()) {
            return Err(ServerError::Credentials { url: owned() });
        }
        let (name, port) =
            authority_parts(authority).ok_or(ServerError::Authority { url: owned() })?;
        let addresses = addresses(name, hosts);
        if addresses.is_empty() {
            return Err(ServerError::UnknownHost { url: owned(), host: name.to_owned() });
        }
        let server = |ip| Self {
            url: owned(),
            service,
            address: SocketAddr::new(ip, port.unwrap_or(default_port)),
            name: name.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        };
        Ok(addresses.into_iter().map(server).collect())
    }
}

/// What scheme and query mean, and the default port (RFC 7064 §3.2, RFC 7065 §3.2).
fn service(url: &str, scheme: &str, query: Option<&str>) -> Result<(Service, u16), ServerError> {
    let tcp = match query.map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("transport=udp") => Some(false),
        Some("transport=tcp") => Some(true),
        Some(other) => {
            return Err(ServerError::Query { url: url.to_owned(), query: other.to_owned() });
        }
    };
    match (scheme, tcp) {
        ("stun", None) => Ok((Service::Stun, 3478)),
        ("stuns", None) => Err(ServerError::Stuns { url: url.to_owned() }),
        ("turn", None | Some(false)) => Ok((Service::Turn(Transport::Udp), 3478)),
        ("turn", Some(true)) => Ok((Service::Turn(Transport::Tcp), 3478)),
        // RFC 7065 §3.2: turns without a transport is TLS over TCP.
        ("turns", None | Some(true)) => Ok((Service::Turn(Transport::Tls), 5349)),
        ("stun" | "stuns" | "turns", Some(_)) => Err(ServerError::Query {
            url: url.to_owned(),
            query: query.unwrap_or_default().to_owned(),
        }),
        _ => Err(ServerError::Scheme { url: url.to_owned() }),
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn authority_parts(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']')?;
        (host, after.strip_prefix(':').or(if after.is_empty() { None } else { Some(after) }))
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let port = match port {
        Some(digits) => Some(digits.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// The addresses of a literal or a name.
fn addresses(host: &str, hosts: &Hosts) -> Vec<IpAddr> {
    match host.parse() {
        Ok(ip) => vec![ip],
        Err(_) => hosts.get(host).cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: &str) -> Result<Vec<Server>, ServerError> {
        let hosts = Hosts::from([("turn.test".to_owned(), vec![[192, 0, 2, 7].into()])]);
        Server::resolve(url, "user", "pass", &hosts)
    }

    fn service_at(url: &str) -> (Service, String) {
        let servers = resolve(url).unwrap();
        (servers[0].service, servers[0].address.to_string())
    }

    #[test]
    fn scheme_and_transport_choose_service_and_default_port() {
        use Transport::{Tcp, Tls, Udp};
        let at = |port| format!("192.0.2.7:{port}");
        assert_eq!(service_at("stun:192.0.2.7"), (Service::Stun, at(3478)));
        assert_eq!(service_at("turn:turn.test"), (Service::Turn(Udp), at(3478)));
        assert_eq!(service_at("turn:turn.test:80?transport=tcp"), (Service::Turn(Tcp), at(80)));
        assert_eq!(service_at("turns:turn.test?transport=tcp"), (Service::Turn(Tls), at(5349)));
        assert_eq!(service_at("STUN:[2001:db8::1]:99").1, "[2001:db8::1]:99");
    }

    #[test]
    fn bad_uris_say_what_is_wrong_with_them() {
        let url = |text: &str| text.to_owned();
        for bad in ["stun:", "stun:h:x", "stun:h:0", "stun:[::1]x", "stun:[::1"] {
            assert_eq!(resolve(bad), Err(ServerError::Authority { url: url(bad) }), "{bad}");
        }
        assert_eq!(resolve("http:x"), Err(ServerError::Scheme { url: url("http:x") }));
        assert!(matches!(resolve("stun:turn.test?transport=udp"), Err(ServerError::Query { .. })));
        assert!(matches!(resolve("turn:turn.test?x=1"), Err(ServerError::Query { .. })));
        assert!(matches!(resolve("turn:nowhere"), Err(ServerError::UnknownHost { .. })));
        let unnamed = Server::resolve("turn:192.0.2.7", "", "x", &Hosts::new());
        assert!(matches!(unnamed, Err(ServerError::Credentials { .. })));
    }
}
