//! NSS key logs: a label, the client's random, a secret, on each line.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-05.html> says the labels of TLS and
//! DTLS 1.3; 1.2 has `CLIENT_RANDOM`.

use std::fmt;

/// Bytes of a client's random.
const RANDOM: usize = 32;
/// Bytes of the longest secret: that of SHA-512.
const MAX_SECRET: usize = 64;
/// Bytes of a DTLS 1.2 master secret (RFC 5246 §8.1).
const MASTER: usize = 48;

/// Labels whose lines are secrets of TLS or DTLS that nothing here needs.
const OTHERS: [&str; 4] = ["RSA", "PMS_CLIENT_RANDOM", "ECH_SECRET", "ECH_CONFIG"];
const LABELS_13: [&str; 5] = [
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "EARLY_EXPORTER_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "EXPORTER_SECRET",
];

/// Lines that hold secrets, and lines that should.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyLog {
    lines: Vec<String>,
    problems: Vec<KeyProblem>,
}

/// A line that holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProblem {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// It is not three words.
    #[error("{0} words; a label, a client random and a secret are three")]
    Words(usize),
    /// A label nobody knows.
    #[error("unknown label {0:?}")]
    Label(String),
    /// More secrets than are kept.
    #[error("more than {} secrets", KeyLog::MAX_LINES)]
    TooMany,
    /// What should be hexadecimal is not.
    #[error("the {0} is not hexadecimal")]
    NotHex(&'static str),
    /// A random or secret of an impossible length.
    #[error("the {what} has {length} bytes; {expected}")]
    Length {
        /// What.
        what: &'static str,
        /// Its length.
        length: usize,
        /// What it should have.
        expected: &'static str,
    },
}

/// How many there are, and none of them.
impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lines, problems) = (self.lines.len(), &self.problems);
        f.debug_struct("KeyLog").field("lines", &lines).field("problems", problems).finish()
    }
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

impl KeyLog {
    /// Problems that are kept.
    pub const MAX_PROBLEMS: usize = 100;
    /// Secrets that are kept; each is at most 230 bytes long.
    pub const MAX_LINES: usize = 1 << 16;

    /// Reads a file or a decryption secrets block. Comments and empty lines are nothing wrong.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut log = Self::default();
        log.add(bytes);
        log
    }

    /// Reads more.
    pub fn add(&mut self, bytes: &[u8]) {
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line.trim_ascii());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match check(&line) {
                Ok(true) if self.lines.len() < Self::MAX_LINES => {
                    self.lines.push(line.into_owned());
                }
                Ok(true) => self.problem(index + 1, KeyFault::TooMany),
                Ok(false) => {}
                Err(fault) => self.problem(index + 1, fault),
            }
        }
    }

    fn problem(&mut self, line: usize, fault: KeyFault) {
        if self.problems.len() < Self::MAX_PROBLEMS {
            self.problems.push(KeyProblem { line, fault });
        }
    }

    /// The lines that hold secrets of DTLS.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The first lines that hold none, though they should.
    #[must_use]
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }

    /// All lines as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// Whether a line holds a secret of DTLS.
fn check(line: &str) -> Result<bool, KeyFault> {
    let words: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
    let &[label, random, secret] = words.as_slice() else {
        return Err(KeyFault::Words(line.split_ascii_whitespace().count()));
    };
    if OTHERS.contains(&label) {
        return Ok(false);
    }
    let master = label == "CLIENT_RANDOM";
    if !master && !is_13(label) {
        return Err(KeyFault::Label(label.chars().take(40).collect()));
    }
    let random = length(random).ok_or(KeyFault::NotHex("client random"))?;
    if random != RANDOM {
        let (what, expected) = ("client random", "it must have 32");
        return Err(KeyFault::Length { what, length: random, expected });
    }
    let secret = length(secret).ok_or(KeyFault::NotHex("secret"))?;
    let (fits, expected) = match master {
        true => (secret == MASTER, "a master secret has 48"),
        false => ((32..=MAX_SECRET).contains(&secret), "it must have 32 to 64"),
    };
    let (what, length) = ("secret", secret);
    if fits { Ok(true) } else { Err(KeyFault::Length { what, length, expected }) }
}

fn is_13(label: &str) -> bool {
    let numbered = ["CLIENT_TRAFFIC_SECRET_", "SERVER_TRAFFIC_SECRET_"];
    let number = numbered.iter().find_map(|start| label.strip_prefix(start));
    LABELS_13.contains(&label) || number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// How many bytes hexadecimal digits are.
fn length(hex: &str) -> Option<usize> {
    let digits = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (digits && hex.len().is_multiple_of(2)).then_some(hex.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_log_shows_no_secret() {
        let line = format!("CLIENT_RANDOM {} {}\n", "ab".repeat(32), "cd".repeat(48));
        let shown = format!("{:?}", KeyLog::read(line.as_bytes()));
        assert!(shown.contains("lines: 1") && !shown.contains("cdcd"), "{shown}");
    }

    fn line(label: &str, random: usize, secret: usize) -> String {
        format!("{label} {} {}", "0a".repeat(random), "bC".repeat(secret))
    }

    #[test]
    fn every_label_of_dtls_is_read() {
        let mut labels = LABELS_13.to_vec();
        labels.extend(["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_7"]);
        for label in labels {
            let log = KeyLog::read(line(label, 32, 48).as_bytes());
            assert_eq!((log.lines().len(), log.problems()), (1, &[][..]), "{label}");
        }
        let text = format!(
            "# a comment\r\n\r\n{}\r\n{}\n",
            line("CLIENT_RANDOM", 32, 48),
            line("RSA", 8, 48)
        );
        let log = KeyLog::read(text.as_bytes());
        assert_eq!(log.text(), format!("{}\n", line("CLIENT_RANDOM", 32, 48)));
        assert_eq!(log.problems(), []);
    }

    #[test]
    fn faults_are_said_with_their_line() {
        let text = [
            line("CLIENT_RANDOM", 32, 48),
            line("CLIENT_RANDOM", 32, 47),
            line("CLIENT_RANDOM", 31, 48),
            line("CLIENT_TRAFFIC_SECRET_", 32, 32),
            "CLIENT_RANDOM 00".to_owned(),
            line("EXPORTER_SECRET", 32, 20),
            format!("CLIENT_RANDOM {} xyz", "00".repeat(32)),
        ];
        let log = KeyLog::read(text.join("\n").as_bytes());
        let said: Vec<String> = log.problems().iter().map(KeyProblem::to_string).collect();
        assert_eq!(
            said,
            [
                "line 2: the secret has 47 bytes; a master secret has 48",
                "line 3: the client random has 31 bytes; it must have 32",
                "line 4: unknown label \"CLIENT_TRAFFIC_SECRET_\"",
                "line 5: 2 words; a label, a client random and a secret are three",
                "line 6: the secret has 20 bytes; it must have 32 to 64",
                "line 7: the secret is not hexadecimal",
            ]
        );
        assert_eq!(log.lines().len(), 1);
    }

    #[test]
    fn problems_and_secrets_are_bounded() {
        let log = KeyLog::read(&b"x\n".repeat(5000));
        assert_eq!(log.problems().len(), KeyLog::MAX_PROBLEMS);
        let text = format!("{}\n", line("CLIENT_RANDOM", 32, 48)).repeat(KeyLog::MAX_LINES + 1);
        let log = KeyLog::read(text.as_bytes());
        assert_eq!((log.lines().len(), log.problems().len()), (KeyLog::MAX_LINES, 1));
    }
}
