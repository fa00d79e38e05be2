//! Secrets of a session as NSS key log lines, which Wireshark and pcapng take.
//!
//! The library has no key log. Every secret of DTLS passes through HMAC, either as its key (the
//! master secret of DTLS 1.2) or as its result (the traffic secrets of DTLS 1.3), next to the label
//! that names it; so a tap on the HMAC provider sees all of them.

use std::fmt::Write as _;

/// Length of `Random` in a hello (RFC 5246 §7.4.1.2).
const RANDOM_LEN: usize = 32;

/// Label under which DTLS 1.2 expands the master secret into keys (RFC 5246 §6.3).
const KEY_EXPANSION: &[u8] = b"key expansion";

/// Labels of RFC 8446 §7.1 with the prefix of RFC 9147 §5.9, and the NSS word of each.
const TRAFFIC_SECRETS: [(&[u8], &str); 5] = [
    (b"dtls13c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    (b"dtls13s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    (b"dtls13c ap traffic", "CLIENT_TRAFFIC_SECRET_0"),
    (b"dtls13s ap traffic", "SERVER_TRAFFIC_SECRET_0"),
    (b"dtls13exp master", "EXPORTER_SECRET"),
];

/// Collects the secrets of one session.
#[derive(Debug, Default)]
pub(super) struct KeyLog {
    client_random: Option<[u8; RANDOM_LEN]>,
    seen: Vec<&'static str>,
    lines: Vec<String>,
}

impl KeyLog {
    /// Lines since the last call.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Looks for the client's random in a datagram of the handshake, either way.
    pub(super) fn see_datagram(&mut self, datagram: &[u8]) {
        if self.client_random.is_none() {
            self.client_random = client_random(datagram);
        }
    }

    /// Looks at one call of HMAC.
    pub(super) fn see_hmac(&mut self, key: &[u8], data: &[u8], out: &[u8]) {
        if let Some(randoms) = data.strip_prefix(KEY_EXPANSION) {
            // RFC 5246 §6.3: the seed is the server's random, then the client's.
            if let Some(client_random) = randoms.get(RANDOM_LEN..2 * RANDOM_LEN) {
                let client_random = hex(client_random);
                self.log("CLIENT_RANDOM", &client_random, key);
            }
        } else if let Some(word) = traffic_secret(data)
            && let Some(client_random) = self.client_random
        {
            self.log(word, &hex(&client_random), out);
        }
    }

    fn log(&mut self, word: &'static str, client_random: &str, secret: &[u8]) {
        if self.seen.contains(&word) {
            return;
        }
        self.seen.push(word);
        self.lines.push(format!("{word} {client_random} {}", hex(secret)));
    }
}

/// The NSS word of the secret that an HKDF-Expand with this input makes.
fn traffic_secret(data: &[u8]) -> Option<&'static str> {
    // RFC 8446 §7.1: HkdfLabel is a length, a label and a context, each with its own length.
    let label_len = usize::from(*data.get(2)?);
    let label = data.get(3..3 + label_len)?;
    TRAFFIC_SECRETS.iter().find(|(name, _)| *name == label).map(|(_, word)| *word)
}

/// The random of a `ClientHello` at the start of a datagram.
fn client_random(datagram: &[u8]) -> Option<[u8; RANDOM_LEN]> {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    /// Record header (RFC 6347 §4.1) and handshake header (§4.2.2).
    const HEADERS: usize = 13 + 12;
    const FRAGMENT_OFFSET: std::ops::Range<usize> = 13 + 6..13 + 9;

    let is_client_hello = *datagram.first()? == HANDSHAKE && *datagram.get(13)? == CLIENT_HELLO;
    let is_first_fragment = datagram.get(FRAGMENT_OFFSET)? == [0, 0, 0];
    if !is_client_hello || !is_first_fragment {
        return None;
    }
    // The version stands before the random.
    datagram.get(HEADERS + 2..HEADERS + 2 + RANDOM_LEN)?.try_into().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
