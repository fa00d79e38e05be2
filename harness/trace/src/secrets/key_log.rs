//! NSS key log lines: a word, the client's random, a secret.

use std::collections::BTreeMap;

/// Which secret a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// DTLS 1.2 master secret.
    Master,
    /// DTLS 1.3, epoch 2 of the client.
    ClientHandshake,
    /// DTLS 1.3, epoch 2 of the server.
    ServerHandshake,
    /// DTLS 1.3, epoch 3 of the client.
    ClientTraffic,
    /// DTLS 1.3, epoch 3 of the server.
    ServerTraffic,
    /// DTLS 1.3, what keying material is exported from.
    Exporter,
}

/// Secrets of DTLS by the client randoms of their connections.
#[derive(Default)]
pub struct KeyLog {
    secrets: BTreeMap<([u8; 32], Word), Vec<u8>>,
}

impl std::fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyLog({} secrets)", self.secrets.len())
    }
}

impl KeyLog {
    /// Reads lines; what is not understood is left out.
    #[must_use]
    pub fn new(lines: &[String]) -> Self {
        let mut log = Self::default();
        lines.iter().for_each(|text| log.add(text));
        log
    }

    /// Reads more lines.
    pub fn add(&mut self, text: &str) {
        self.secrets.extend(text.lines().filter_map(read));
    }

    /// A secret of the connection that began with this random.
    pub(crate) fn get(&self, client_random: &[u8; 32], word: Word) -> Option<&[u8]> {
        self.secrets.get(&(*client_random, word)).map(Vec::as_slice)
    }
}

/// Random and word, and the secret they name.
type Secret = (([u8; 32], Word), Vec<u8>);

fn read(line: &str) -> Option<Secret> {
    let mut fields = line.split_ascii_whitespace();
    let word = match fields.next()? {
        "CLIENT_RANDOM" => Word::Master,
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Word::ClientHandshake,
        "SERVER_HANDSHAKE_TRAFFIC_SECRET" => Word::ServerHandshake,
        "CLIENT_TRAFFIC_SECRET_0" => Word::ClientTraffic,
        "SERVER_TRAFFIC_SECRET_0" => Word::ServerTraffic,
        "EXPORTER_SECRET" => Word::Exporter,
        _ => return None,
    };
    let random = bytes(fields.next()?)?.try_into().ok()?;
    let secret = bytes(fields.next()?)?;
    (secret.len() <= 64).then_some(((random, word), secret))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = hex.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
