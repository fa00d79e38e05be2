//! `[[tamper]]` and `inject`: what a reference peer does against the rules.
//!
//! A scenario with either has one hostile peer. What it does to its own messages is in `[[tamper]]`;
//! what it sends besides is a step of the script.

use rtcspec_wire::sctp::Ppid;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::quantity::Time;

/// Something that becomes of one message of the hostile peer: exactly one of `drop`, `duplicate`,
/// `delay` and `edit`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tampering {
    /// Who does it, a reference peer.
    #[schemars(with = "String")]
    pub by: Spanned<String>,
    /// Which of its messages: those of a layer.
    pub layer: TamperLayer,
    /// And of those the nth it sends, counted from 1.
    #[schemars(range(min = 1))]
    pub nth: u32,
    /// It is not sent.
    #[serde(default)]
    pub drop: bool,
    /// It is sent twice.
    #[serde(default)]
    pub duplicate: bool,
    /// It is sent so much later.
    #[serde(default)]
    pub delay: Option<Time>,
    /// It is sent changed: these edits, one after the other.
    #[serde(default)]
    pub edit: Option<Vec<Edit>>,
    /// What protects an edited message is made right again: length, MESSAGE-INTEGRITY and
    /// FINGERPRINT of STUN (RFC 8489 §14), the checksum of SCTP (RFC 9260 §6.8).
    #[serde(default)]
    pub repair: bool,
}

/// A layer at which messages can be tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TamperLayer {
    /// Session descriptions, before they are signalled.
    Sdp,
    /// Candidates, before they are signalled.
    Candidate,
    /// STUN messages to the other peer and to servers.
    Stun,
    /// Datagrams of DTLS records.
    Dtls,
    /// SCTP packets, before DTLS encrypts them.
    Sctp,
    /// Messages on streams, those of DCEP among them, before SCTP has them.
    Message,
}

impl TamperLayer {
    /// All, from the application down to the network and up again.
    pub const ALL: [Self; 6] =
        [Self::Sdp, Self::Candidate, Self::Stun, Self::Dtls, Self::Sctp, Self::Message];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sdp => "sdp",
            Self::Candidate => "candidate",
            Self::Stun => "stun",
            Self::Dtls => "dtls",
            Self::Sctp => "sctp",
            Self::Message => "message",
        }
    }

    /// Whether something protects messages of this layer that can be made right again.
    #[must_use]
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::Stun | Self::Sctp)
    }

    /// Whether a message of this layer can be sent besides the others.
    #[must_use]
    pub const fn can_be_injected(self) -> bool {
        !matches!(self, Self::Sdp | Self::Candidate)
    }
}

/// A change of bytes: at a place, some are cut out and others put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Edit {
    /// Place, counted from 0; beyond the end it is the end.
    pub at: u32,
    /// Bytes cut out, at most those there are.
    pub cut: u32,
    /// Bytes put in, in hexadecimal.
    pub put: Hex,
    /// Text put in, after `put`.
    pub text: String,
}

impl Edit {
    /// Makes the change.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let at = (self.at as usize).min(bytes.len());
        let end = at.saturating_add(self.cut as usize).min(bytes.len());
        bytes.splice(at..end, self.put.0.iter().copied().chain(self.text.bytes()));
    }
}

/// Bytes in hexadecimal: two digits each, spaces between them for the eye.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Hex(#[schemars(with = "String", regex(pattern = r"^([0-9a-fA-F]{2} *)*$"))] pub Vec<u8>);

impl Hex {
    /// Reads digits.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: Vec<char> = text.chars().filter(|char| *char != ' ').collect();
        if !digits.len().is_multiple_of(2) {
            return Err(format!("{} hexadecimal digits are no whole bytes", digits.len()));
        }
        let value = |char: &char| {
            let digit = char.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit.ok_or_else(|| format!("`{char}` is not a hexadecimal digit"))
        };
        let byte = |pair: &[char]| Ok(value(&pair[0])? << 4 | value(&pair[1])?);
        digits.chunks_exact(2).map(byte).collect::<Result<_, String>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Owned: a matrix fills values in that are not borrowed from any text.
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Something the hostile peer sends that nothing asked for: `bytes`, or a `copy` of what it sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Inject {
    /// Who sends it, a reference peer.
    #[schemars(with = "String")]
    pub by: Spanned<String>,
    /// What it is: `stun` and `dtls` are datagrams, `sctp` a packet within DTLS, `message` one on a
    /// stream.
    pub layer: TamperLayer,
    /// Its bytes; of an SCTP packet all, the common header too.
    #[serde(default)]
    pub bytes: Option<Hex>,
    /// Or the nth of the layer that was sent so far, counted from 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub copy: Option<u32>,
    /// Changes to it, one after the other.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// What only the session knows is put in: key and user name of a STUN message; ports, tag,
    /// numbers and checksum of an SCTP packet, whose TSNs count from the next one then.
    #[serde(default)]
    pub seal: bool,
    /// A datagram comes from a port of the peer's host that no candidate has, as from a stranger
    /// who knows both addresses.
    #[serde(default)]
    pub stranger: bool,
    /// Stream of a message.
    #[serde(default)]
    pub stream: u16,
    /// Payload protocol identifier of a message, DCEP unless said otherwise (RFC 8831 §8).
    #[serde(default = "dcep")]
    pub ppid: u32,
}

fn dcep() -> u32 {
    Ppid::DCEP.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_keeps_to_what_is_there() {
        let edit = |at, cut, put: &[u8]| Edit { at, cut, put: Hex(put.into()), ..Edit::default() };
        for (edit, wanted) in [
            (edit(1, 2, b"XYZ"), &b"aXYZd"[..]),
            (edit(0, 0, b"X"), b"Xabcd"),
            (edit(4, 0, b"X"), b"abcdX"),
            (edit(99, 99, b"X"), b"abcdX"),
            (edit(2, u32::MAX, b""), b"ab"),
        ] {
            let mut bytes = b"abcd".to_vec();
            edit.apply(&mut bytes);
            assert_eq!(bytes, wanted, "{edit:?}");
        }
        let mut bytes = b"abcd".to_vec();
        Edit { at: 4, text: "!".into(), ..Edit::default() }.apply(&mut bytes);
        assert_eq!(bytes, b"abcd!");
    }

    #[test]
    fn digits_come_in_pairs() {
        assert_eq!(Hex::parse("00 ff7F"), Ok(Hex(vec![0, 255, 127])));
        assert_eq!(Hex::parse(""), Ok(Hex(Vec::new())));
        assert_eq!(Hex::parse("0"), Err("1 hexadecimal digits are no whole bytes".to_owned()));
        assert_eq!(Hex::parse("0g"), Err("`g` is not a hexadecimal digit".to_owned()));
    }
}
