//! SCTP attributes: `sctpmap` of the drafts before RFC 8841, `sctp-init` of SNAP.

use std::fmt::{self, Write};

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display, number};
use super::text::Token;

/// A legacy `sctpmap` attribute (draft-ietf-mmusic-sctp-sdp-05 §5), sent beside `DTLS/SCTP 5000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sctpmap {
    /// SCTP port, the format of the m-line.
    pub port: u16,
    /// `webrtc-datachannel`.
    pub protocol: Token,
    /// Streams wished for.
    pub streams: Option<u32>,
}

impl Parse for Sctpmap {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let port = cursor.u16("SCTP port")?;
        cursor.space("a space and the protocol")?;
        let protocol = Token::read(cursor, "a protocol")?;
        let streams = if cursor.more() { Some(cursor.u32("stream count")?) } else { None };
        Ok(Self { port, protocol, streams })
    }
}

impl Print for Sctpmap {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, self.port)?;
        out.write_char(' ')?;
        self.protocol.print(out)?;
        self.streams.iter().try_for_each(|streams| {
            out.write_char(' ')?;
            number(out, *streams)
        })
    }
}

/// An `sctp-init` attribute: an INIT chunk in base64 (draft-hancke-tsvwg-snap).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpInit(Box<[u8]>);

impl SctpInit {
    /// Takes the bytes of an INIT chunk; what is in them is for the SCTP codec to judge.
    #[must_use]
    pub fn new(chunk: Vec<u8>) -> Self {
        Self(chunk.into())
    }

    /// The chunk's bytes.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        &self.0
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

// RFC 4648 §4, with the padding and zero bits §3.5 asks for.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for quad in digits.as_bytes().chunks(4) {
        let missing = 4 - quad.len();
        let bits = quad.iter().try_fold(0u32, |bits, byte| Some(bits << 6 | sextet(*byte)?))?;
        let [_, octets @ ..] = (bits << (6 * missing)).to_be_bytes();
        let (kept, dropped) = octets.split_at_checked(3 - missing)?;
        if dropped.iter().any(|octet| *octet != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

impl Parse for SctpInit {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let start = cursor.at();
        let text = cursor.word("base64")?;
        let chunk = decode(text).ok_or(cursor.fault_at(start, Reason::Expected("base64")))?;
        Ok(Self(chunk.into()))
    }
}

impl Print for SctpInit {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        for triple in self.0.chunks(3) {
            let octets = [0, 1, 2].map(|at| triple.get(at).copied().unwrap_or(0));
            let bits = u32::from_be_bytes([0, octets[0], octets[1], octets[2]]);
            for digit in 0..4 {
                let index = (bits >> (18 - 6 * digit)) & 0x3f;
                let known = digit <= triple.len();
                out.write_char(if known { char::from(ALPHABET[index as usize]) } else { '=' })?;
            }
        }
        Ok(())
    }
}

display!(Sctpmap, SctpInit);
from_str!(Sctpmap, SctpInit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sctpmap_with_and_without_streams_round_trips() {
        for text in ["5000 webrtc-datachannel 1024", "5000 webrtc-datachannel"] {
            assert_eq!(text.parse::<Sctpmap>().unwrap().to_string(), text);
        }
        assert!("65536 webrtc-datachannel".parse::<Sctpmap>().is_err());
    }

    // RFC 4648 §10.
    #[test]
    fn base64_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let value: SctpInit = text.parse().unwrap();
            assert_eq!(value.chunk(), bytes.as_bytes());
            assert_eq!(SctpInit::new(bytes.into()).to_string(), text);
        }
    }

    #[test]
    fn loose_base64_is_refused() {
        for bad in ["Zg", "Zg=", "Zh==", "Zm9v=", "Z===", "Zm 9", "Zm9-"] {
            assert!(bad.parse::<SctpInit>().is_err(), "{bad}");
        }
    }
}
