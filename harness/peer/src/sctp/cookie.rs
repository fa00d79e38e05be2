//! The state cookie, RFC 9260 §5.1.3: everything of a future association, so that an INIT costs
//! its receiver no memory.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rtcspec_wire::sctp::{Tsn, VerificationTag};
use sha2::Sha256;

/// What both sides declared in INIT and INIT ACK, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// FORWARD TSN (RFC 3758).
    pub(super) forward_tsn: bool,
    /// RE-CONFIG (RFC 6525).
    pub(super) re_config: bool,
    /// I-DATA (RFC 8260).
    pub(super) interleaving: bool,
    /// The peer takes a zero checksum (RFC 9653).
    pub(super) zero_checksum: bool,
}

impl Features {
    fn bits(self) -> u8 {
        u8::from(self.forward_tsn)
            | u8::from(self.re_config) << 1
            | u8::from(self.interleaving) << 2
            | u8::from(self.zero_checksum) << 3
    }

    fn from_bits(bits: u8) -> Self {
        Self {
            forward_tsn: bits & 1 != 0,
            re_config: bits & 2 != 0,
            interleaving: bits & 4 != 0,
            zero_checksum: bits & 8 != 0,
        }
    }
}

/// One side of an association as its INIT or INIT ACK describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) tag: VerificationTag,
    pub(super) initial_tsn: Tsn,
    pub(super) a_rwnd: u32,
    pub(super) outbound_streams: u16,
    pub(super) inbound_streams: u16,
}

/// The content of a state cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) created: Duration,
    pub(super) local: Side,
    pub(super) peer: Side,
    pub(super) features: Features,
    /// Tags of the association there was when the INIT came; zero for none (RFC 9260 §5.2.2).
    pub(super) tie_local: VerificationTag,
    pub(super) tie_peer: VerificationTag,
}

const SIDE_LENGTH: usize = 16;
const BODY_LENGTH: usize = 8 + 2 * SIDE_LENGTH + 1 + 8;
const MAC_LENGTH: usize = 32;

/// The key cookies are signed with; it never leaves the association that made it.
#[derive(Clone)]
pub(super) struct CookieKey(pub(super) [u8; 32]);

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey")
    }
}

impl CookieKey {
    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("invariant: HMAC takes a key of any length");
        mac.update(body);
        mac
    }

    pub(super) fn seal(&self, cookie: &Cookie) -> Vec<u8> {
        let mut out = Vec::with_capacity(BODY_LENGTH + MAC_LENGTH);
        let created = u64::try_from(cookie.created.as_nanos()).unwrap_or(u64::MAX);
        out.extend_from_slice(&created.to_be_bytes());
        for side in [&cookie.local, &cookie.peer] {
            out.extend_from_slice(&side.tag.0.to_be_bytes());
            out.extend_from_slice(&side.initial_tsn.0.to_be_bytes());
            out.extend_from_slice(&side.a_rwnd.to_be_bytes());
            out.extend_from_slice(&side.outbound_streams.to_be_bytes());
            out.extend_from_slice(&side.inbound_streams.to_be_bytes());
        }
        out.push(cookie.features.bits());
        out.extend_from_slice(&cookie.tie_local.0.to_be_bytes());
        out.extend_from_slice(&cookie.tie_peer.0.to_be_bytes());
        let mac = self.mac(&out).finalize().into_bytes();
        out.extend_from_slice(&mac);
        out
    }

    /// Opens a cookie this key has sealed; `None` for any other bytes.
    pub(super) fn open(&self, bytes: &[u8]) -> Option<Cookie> {
        let (body, mac) = bytes.split_first_chunk::<BODY_LENGTH>()?;
        self.mac(body).verify_slice(mac).ok()?;
        let (created, rest) = body.split_first_chunk::<8>()?;
        let (local, rest) = rest.split_first_chunk::<SIDE_LENGTH>()?;
        let (peer, rest) = rest.split_first_chunk::<SIDE_LENGTH>()?;
        let [features, a, b, c, d, e, f, g, h] = *rest.first_chunk::<9>()?;
        Some(Cookie {
            created: Duration::from_nanos(u64::from_be_bytes(*created)),
            local: side(*local),
            peer: side(*peer),
            features: Features::from_bits(features),
            tie_local: VerificationTag(u32::from_be_bytes([a, b, c, d])),
            tie_peer: VerificationTag(u32::from_be_bytes([e, f, g, h])),
        })
    }
}

fn side(bytes: [u8; SIDE_LENGTH]) -> Side {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes;
    Side {
        tag: VerificationTag(u32::from_be_bytes([a, b, c, d])),
        initial_tsn: Tsn(u32::from_be_bytes([e, f, g, h])),
        a_rwnd: u32::from_be_bytes([i, j, k, l]),
        outbound_streams: u16::from_be_bytes([m, n]),
        inbound_streams: u16::from_be_bytes([o, p]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie() -> Cookie {
        let side = |n| Side {
            tag: VerificationTag(n),
            initial_tsn: Tsn(n + 1),
            a_rwnd: n + 2,
            outbound_streams: 3,
            inbound_streams: 4,
        };
        Cookie {
            created: Duration::from_nanos(77),
            local: side(10),
            peer: side(20),
            features: Features { forward_tsn: true, interleaving: true, ..Features::default() },
            tie_local: VerificationTag(5),
            tie_peer: VerificationTag(6),
        }
    }

    #[test]
    fn sealed_cookie_opens_with_its_key_only_and_only_unchanged() {
        let key = CookieKey([7; 32]);
        let sealed = key.seal(&cookie());
        assert_eq!(key.open(&sealed), Some(cookie()));
        assert_eq!(CookieKey([8; 32]).open(&sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&changed), None);
            assert_eq!(key.open(&sealed[..at]), None);
        }
    }
}
