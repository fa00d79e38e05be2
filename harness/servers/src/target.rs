//! Which server, by URL (RFC 7064, RFC 7065).

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers Binding requests.
    Stun,
    /// It relays as well.
    Turn,
}

/// What it is spoken to over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS.
    Tls,
}

impl Transport {
    /// The word in URLs and ids.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Long-term credentials (RFC 8489 §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Username.
    pub username: String,
    /// Password.
    pub password: String,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it should be.
    pub kind: Kind,
    /// What TLS asks for: a name, or an address.
    pub host: String,
    /// Where it is asked.
    pub address: SocketAddr,
    /// Where else its host is, in the order in which to try (RFC 6724 §2).
    pub others: Vec<SocketAddr>,
    /// Over what.
    pub transport: Transport,
    /// For a TURN server.
    pub credentials: Option<Credentials>,
    /// As it was written.
    pub url: String,
}

/// Why a URL names no server that can be tested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read server `{url}`: {reason}")]
pub struct UrlError {
    /// The URL.
    pub url: String,
    /// Why.
    pub reason: String,
}

impl Target {
    /// Reads `stun:HOST[:PORT]`, `stuns:...`, `turn:HOST[:PORT][?transport=udp|tcp]` or
    /// `turns:HOST[:PORT][?transport=tcp]` and looks the host up.
    ///
    /// # Errors
    /// [`UrlError`] if it is none of these, or if nobody knows the host.
    pub fn read(url: &str, credentials: Option<Credentials>) -> Result<Self, UrlError> {
        let wrong = |reason: &str| UrlError { url: url.to_owned(), reason: reason.to_owned() };
        let (scheme, rest) = url.split_once(':').ok_or_else(|| wrong("no scheme"))?;
        let (kind, tls) = match scheme {
            "stun" => (Kind::Stun, false),
            "turn" => (Kind::Turn, false),
            "stuns" => (Kind::Stun, true),
            "turns" => (Kind::Turn, true),
            _ => return Err(wrong("neither `stun:` nor `turn:`")),
        };
        let (host, query) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
        let transport = match (query, tls) {
            (None | Some("transport=tcp"), true) => Transport::Tls,
            (Some("transport=udp"), true) => return Err(wrong("DTLS is not spoken here")),
            (None | Some("transport=udp"), false) => Transport::Udp,
            (Some("transport=tcp"), false) => Transport::Tcp,
            (Some(_), _) => return Err(wrong("`?transport=` is `udp` or `tcp`")),
        };
        if kind == Kind::Turn && credentials.is_none() {
            return Err(wrong("a TURN server needs --turn-user and --turn-password"));
        }
        // RFC 7064 §3.2, RFC 7065 §3.2: 3478 unless said otherwise, 5349 with TLS.
        let port = if tls { 5349 } else { 3478 };
        let has_port = host.rsplit_once(':').is_some_and(|(before, port)| {
            port.parse::<u16>().is_ok() && (!before.contains(':') || before.ends_with(']'))
        });
        let place = if has_port { host.to_owned() } else { format!("{host}:{port}") };
        let mut others: Vec<SocketAddr> =
            place.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?.collect();
        if others.is_empty() {
            return Err(wrong("the host has no address"));
        }
        let address = others.remove(0);
        let name =
            if has_port { host.rsplit_once(':').map_or(host, |(name, _)| name) } else { host };
        let host = name.trim_matches(['[', ']']).to_owned();
        Ok(Self { kind, host, address, others, transport, credentials, url: url.to_owned() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, UrlError> {
        let (username, password) = ("u".to_owned(), "p".to_owned());
        Target::read(url, Some(Credentials { username, password }))
    }

    #[test]
    fn urls_have_defaults_and_both_families() {
        let plain = read("turn:127.0.0.1").unwrap();
        assert_eq!(plain.address.to_string(), "127.0.0.1:3478");
        assert_eq!(plain.transport, Transport::Udp);
        let full = read("turn:[::1]:5000?transport=tcp").unwrap();
        assert_eq!(full.address.to_string(), "[::1]:5000");
        assert_eq!(full.transport, Transport::Tcp);
        assert_eq!(read("stun:[::1]").unwrap().address.to_string(), "[::1]:3478");
        let secure = read("turns:[::1]").unwrap();
        assert_eq!((secure.transport, secure.host.as_str()), (Transport::Tls, "::1"));
        assert_eq!(secure.address.to_string(), "[::1]:5349");
        assert_eq!(read("turns:127.0.0.1:443?transport=tcp").unwrap().host, "127.0.0.1");
    }

    #[test]
    fn what_is_no_server_is_refused_with_the_reason() {
        for (url, reason) in [
            ("127.0.0.1", "no scheme"),
            ("http:127.0.0.1", "neither"),
            ("turns:127.0.0.1?transport=udp", "DTLS"),
            ("turn:127.0.0.1?transport=sctp", "transport"),
        ] {
            assert!(read(url).unwrap_err().reason.contains(reason), "{url}");
        }
        assert!(Target::read("turn:127.0.0.1", None).unwrap_err().reason.contains("--turn-user"));
        assert!(Target::read("stun:127.0.0.1", None).is_ok());
    }
}
