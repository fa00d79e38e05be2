//! One direction of SRTP and SRTCP.

use std::collections::BTreeMap;

use crate::derivation::{Purpose, SessionKeys, derive};
use crate::index::Window;
use crate::transform::{Place, Transform};
use crate::{Master, Profile, SrtpError};

/// Sources one context keeps apart; the lowest is forgotten when there are more. Only a packet
/// that authenticates makes one.
const SOURCES: usize = 256;
/// Bytes of an RTP header without sources and extension.
const RTP_HEADER: usize = 12;
/// Bytes of an RTCP packet that SRTCP leaves readable.
const RTCP_HEADER: usize = 8;
/// Bytes of the E bit and the index.
const TRAILER: usize = 4;
/// The E bit (RFC 3711 §3.4).
const ENCRYPTED: u32 = 0x8000_0000;

/// Protects packets, or opens them, with the keys of one direction.
#[derive(Debug)]
pub struct Context {
    profile: Profile,
    rtp: Transform,
    rtcp: Transform,
    rtp_sources: BTreeMap<u32, Window>,
    rtcp_sources: BTreeMap<u32, Window>,
}

/// An SRTP packet that was opened in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRtp {
    /// Bytes of the RTP packet, at the beginning.
    pub len: usize,
    /// Its index: rollover counter and sequence number, 48 bits.
    pub index: u64,
    /// Whether a packet of this index was opened before, as far back as 64.
    pub replayed: bool,
}

/// An SRTCP packet that was opened in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRtcp {
    /// Bytes of the RTCP compound, at the beginning.
    pub len: usize,
    /// Its index, 31 bits.
    pub index: u32,
    /// The E bit.
    pub encrypted: bool,
    /// Whether a packet of this index was opened before, as far back as 64.
    pub replayed: bool,
}

impl Context {
    /// Derives the session keys.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: Profile, master: Master<'_>) -> Result<Self, SrtpError> {
        let rtp = derive(profile, master, Purpose::Rtp)?;
        Self::with(profile, &rtp, &derive(profile, master, Purpose::Rtcp)?)
    }

    fn with(profile: Profile, rtp: &SessionKeys, rtcp: &SessionKeys) -> Result<Self, SrtpError> {
        Ok(Self {
            profile,
            rtp: Transform::new(profile, rtp)?,
            rtcp: Transform::new(profile, rtcp)?,
            rtp_sources: BTreeMap::new(),
            rtcp_sources: BTreeMap::new(),
        })
    }

    /// Its profile.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Makes an SRTP packet of an RTP packet; gives its index. Its source's packets are numbered
    /// by their sequence numbers, as a receiver would.
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Exhausted`].
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<u64, SrtpError> {
        let header = rtp_header(packet)?;
        let window = source(&mut self.rtp_sources, header.ssrc);
        let index = window.estimate(header.sequence);
        self.seal_rtp(packet, index)?;
        remember(&mut self.rtp_sources, header.ssrc, index);
        Ok(index)
    }

    /// Makes an SRTP packet of an RTP packet, with the index that [`Context::open_rtp`] gave for the
    /// one in whose place it comes. Nothing is remembered.
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Exhausted`].
    pub fn seal_rtp(&self, packet: &mut Vec<u8>, index: u64) -> Result<(), SrtpError> {
        let header = rtp_header(packet)?;
        if index >> 48 != 0 {
            return Err(SrtpError::Exhausted { bits: 48 });
        }
        let place = Place { ssrc: header.ssrc, index };
        let (head, body) = packet.split_at_mut(header.len);
        let tag = self.rtp.seal(place, head, body, self.roc(index).as_slice());
        packet.extend_from_slice(&tag[..self.profile.rtp_tag_len()]);
        Ok(())
    }

    /// Opens an SRTP packet in place.
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Short`], [`SrtpError::Authentication`].
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<OpenedRtp, SrtpError> {
        let header = rtp_header(packet)?;
        let short = SrtpError::Short { len: packet.len() };
        let len = packet.len().checked_sub(self.profile.rtp_tag_len()).ok_or(short)?;
        let index = source(&mut self.rtp_sources, header.ssrc).estimate(header.sequence);
        let place = Place { ssrc: header.ssrc, index };
        let (sealed, tag) = packet.split_at_mut(len);
        let (head, body) = sealed.split_at_mut_checked(header.len).ok_or(short)?;
        self.rtp.open(place, head, body, self.roc(index).as_slice(), tag)?;
        let replayed = remember(&mut self.rtp_sources, header.ssrc, index);
        Ok(OpenedRtp { len, index, replayed })
    }

    /// RFC 3711 §4.2: the rollover counter is authenticated after the packet; RFC 7714 §8.2 has it
    /// in the nonce only.
    fn roc(&self, index: u64) -> Roc {
        let counter = matches!(self.rtp, Transform::Counter { .. });
        let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
        Roc { bytes: [a, b, c, d], used: counter }
    }

    /// Makes an SRTCP packet of an RTCP compound; gives its index. The packets of a source are
    /// counted from 0 (RFC 3711 §3.4).
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Exhausted`].
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>, encrypt: bool) -> Result<u32, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        let last = source(&mut self.rtcp_sources, ssrc).highest();
        let index = u32::try_from(last.map_or(0, |last| last + 1)).unwrap_or(u32::MAX);
        self.seal_rtcp(packet, index, encrypt)?;
        remember(&mut self.rtcp_sources, ssrc, u64::from(index));
        Ok(index)
    }

    /// Makes an SRTCP packet of an RTCP compound, with the index that [`Context::open_rtcp`] gave for
    /// the one in whose place it comes. Nothing is remembered.
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Exhausted`].
    pub fn seal_rtcp(
        &self,
        packet: &mut Vec<u8>,
        index: u32,
        encrypt: bool,
    ) -> Result<(), SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        if index & ENCRYPTED != 0 {
            return Err(SrtpError::Exhausted { bits: 31 });
        }
        let trailer = (if encrypt { index | ENCRYPTED } else { index }).to_be_bytes();
        let place = Place { ssrc, index: u64::from(index) };
        let tag = if encrypt {
            let (head, body) = packet.split_at_mut(RTCP_HEADER);
            self.rtcp.seal(place, head, body, &trailer)
        } else {
            self.rtcp.tag_only(place, packet, &trailer)
        };
        let tag = &tag[..self.profile.rtcp_tag_len()];
        // RFC 3711 §3.4 has the tag last, RFC 7714 §9.2 the index.
        let [first, second]: [&[u8]; 2] =
            if self.tag_is_last() { [&trailer, tag] } else { [tag, &trailer] };
        packet.extend_from_slice(first);
        packet.extend_from_slice(second);
        Ok(())
    }

    /// Opens an SRTCP packet in place.
    ///
    /// # Errors
    /// [`SrtpError::Header`], [`SrtpError::Short`], [`SrtpError::Authentication`].
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<OpenedRtcp, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        let short = SrtpError::Short { len: packet.len() };
        let tag_len = self.profile.rtcp_tag_len();
        let len = packet.len().checked_sub(tag_len + TRAILER).filter(|len| *len >= RTCP_HEADER);
        let len = len.ok_or(short)?;
        let (sealed, end) = packet.split_at_mut(len);
        let (trailer, tag) = if self.tag_is_last() {
            end.split_at(TRAILER)
        } else {
            let (tag, trailer) = end.split_at(tag_len);
            (trailer, tag)
        };
        let word = u32::from_be_bytes(trailer.try_into().map_err(|_| short)?);
        let (index, encrypted) = (word & !ENCRYPTED, word & ENCRYPTED != 0);
        let place = Place { ssrc, index: u64::from(index) };
        if encrypted {
            let (head, body) = sealed.split_at_mut(RTCP_HEADER);
            self.rtcp.open(place, head, body, trailer, tag)?;
        } else {
            self.rtcp.open(place, sealed, &mut [], trailer, tag)?;
        }
        let replayed = remember(&mut self.rtcp_sources, ssrc, u64::from(index));
        Ok(OpenedRtcp { len, index, encrypted, replayed })
    }

    const fn tag_is_last(&self) -> bool {
        matches!(self.rtcp, Transform::Counter { .. })
    }
}

/// The rollover counter where it is authenticated.
struct Roc {
    bytes: [u8; 4],
    used: bool,
}

impl Roc {
    fn as_slice(&self) -> &[u8] {
        if self.used { &self.bytes } else { &[] }
    }
}

/// A copy of what is known of a source.
fn source(sources: &mut BTreeMap<u32, Window>, ssrc: u32) -> Window {
    sources.get(&ssrc).copied().unwrap_or_default()
}

fn remember(sources: &mut BTreeMap<u32, Window>, ssrc: u32, index: u64) -> bool {
    if sources.len() >= SOURCES && !sources.contains_key(&ssrc) {
        sources.pop_first();
    }
    sources.entry(ssrc).or_default().insert(index)
}

struct RtpHeader {
    len: usize,
    sequence: u16,
    ssrc: u32,
}

/// RFC 3550 §5.1: what stays readable in SRTP.
fn rtp_header(packet: &[u8]) -> Result<RtpHeader, SrtpError> {
    let wrong = SrtpError::Header { len: packet.len() };
    let (&[first, _, s0, s1, _, _, _, _, a, b, c, d], rest) =
        packet.split_first_chunk::<RTP_HEADER>().ok_or(wrong)?;
    if first >> 6 != 2 {
        return Err(wrong);
    }
    let mut len = RTP_HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let at = len - RTP_HEADER + 2;
        let &[high, low] = rest.get(at..).and_then(|rest| rest.first_chunk()).ok_or(wrong)?;
        len += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    if len > packet.len() {
        return Err(wrong);
    }
    let (sequence, ssrc) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([a, b, c, d]));
    Ok(RtpHeader { len, sequence, ssrc })
}

fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    match packet {
        [first, _, _, _, a, b, c, d, ..] if first >> 6 == 2 => {
            Ok(u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => Err(SrtpError::Header { len: packet.len() }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .map(|digit| u8::try_from(digit).expect("below sixteen"))
            .collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// With session keys given directly, as RFC 7714 §16 has them.
    fn session(profile: Profile) -> Context {
        let cipher: Vec<u8> = (0..32).take(profile.key_len()).collect();
        let salt = b"Quid pro quo".to_vec();
        let keys = SessionKeys { cipher, auth: Vec::new(), salt };
        Context::with(profile, &keys, &keys).expect("lengths fit")
    }

    #[test]
    fn packets_are_those_of_rfc_7714_section_16() {
        let packet =
            [&hex("8040f17b8041f8d35501a0b2")[..], b"Gallia est omnis divisa in partes tres"];
        let packet = packet.concat();
        let expected = [
            (
                Profile::AeadAes128Gcm,
                "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a\
                 51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                Profile::AeadAes256Gcm,
                "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a02\
                 76ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ];
        for (profile, expected) in expected {
            let mut bytes = packet.clone();
            assert_eq!(session(profile).protect_rtp(&mut bytes), Ok(0xf17b));
            assert_eq!(bytes, hex(expected));
            let opened = session(profile).open_rtp(&mut bytes).expect("authentic");
            assert_eq!((&bytes[..opened.len], opened.index), (&packet[..], 0xf17b));
            bytes.truncate(opened.len);
            assert_eq!(session(profile).seal_rtp(&mut bytes, opened.index), Ok(()));
            assert_eq!(bytes, hex(expected), "sealed again in its place");
        }
    }

    #[test]
    fn compounds_are_those_of_rfc_7714_section_17() {
        let compound =
            hex("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeef\
             deadbeefdeadbeefdeadbeef");
        let expected = [
            (
                Profile::AeadAes128Gcm,
                true,
                "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda\
                 4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
            ),
            (
                Profile::AeadAes256Gcm,
                true,
                "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be\
                 8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
            ),
            (
                Profile::AeadAes128Gcm,
                false,
                "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeef\
                 deadbeefdeadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4",
            ),
        ];
        for (profile, encrypted, expected) in expected {
            let mut bytes = compound.clone();
            let mut sender = session(profile);
            remember(&mut sender.rtcp_sources, 0x4d61_7273, 0x5d3);
            assert_eq!(sender.protect_rtcp(&mut bytes, encrypted), Ok(0x5d4));
            assert_eq!(bytes, hex(expected));
            let opened = session(profile).open_rtcp(&mut bytes).expect("authentic");
            assert_eq!(&bytes[..opened.len], &compound);
            assert_eq!((opened.index, opened.encrypted), (0x5d4, encrypted));
            bytes.truncate(opened.len);
            assert_eq!(session(profile).seal_rtcp(&mut bytes, opened.index, encrypted), Ok(()));
            assert_eq!(bytes, hex(expected), "sealed again in its place");
        }
    }

    #[test]
    fn packets_from_master_keys_are_those_of_libsrtp() {
        let salt = "0ec675ad498afeebb6960b3aabe6";
        let (key, salt) = (hex("e1f97a0d3e018be0d64fa32c06de4139"), hex(salt));
        let master = Master { key: &key, salt: &salt };
        let profile = Profile::Aes128CmSha1_80;
        let mut sender = Context::new(profile, master).expect("lengths fit");
        let mut rtp = hex("800f1234decafbadcafebabeabababababababababababababababab");
        sender.protect_rtp(&mut rtp).expect("a header");
        let expected =
            "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
        assert_eq!(rtp, hex(expected));
        let mut rtcp = hex("81c8000bcafebabeabababababababababababababababab");
        // libsrtp counts from 1.
        assert_eq!(sender.protect_rtcp(&mut rtcp.clone(), true), Ok(0));
        assert_eq!(sender.protect_rtcp(&mut rtcp, true), Ok(1));
        let expected =
            "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798";
        assert_eq!(rtcp, hex(expected));

        let (key, salt) =
            (hex("000102030405060708090a0b0c0d0e0f"), hex("a0a1a2a3a4a5a6a7a8a9aaab"));
        let master = Master { key: &key, salt: &salt };
        let mut sender = Context::new(Profile::AeadAes128Gcm, master).expect("lengths fit");
        let mut rtp = hex("800f1234decafbadcafebabeabababababababababababababababab");
        sender.protect_rtp(&mut rtp).expect("a header");
        let expected = "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df31\
                        31a127e8a392";
        assert_eq!(rtp, hex(expected));
    }

    fn pair(profile: Profile) -> [Context; 2] {
        let exported: Vec<u8> = (0..=255).take(profile.exported_len()).collect();
        let [client, _] = profile.split(&exported).expect("long enough");
        [0, 1].map(|_| Context::new(profile, client).expect("lengths fit"))
    }

    const PROFILES: [Profile; 4] = [
        Profile::Aes128CmSha1_80,
        Profile::Aes128CmSha1_32,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];

    #[test]
    fn sequence_numbers_turn_over_and_replays_are_told() {
        for profile in PROFILES {
            let [mut sender, mut receiver] = pair(profile);
            let mut last = Vec::new();
            for step in 0..200_000_u64 {
                if step % 997 != 0 && !(65_500..65_600).contains(&step) {
                    continue;
                }
                let sequence = step.to_be_bytes();
                let mut packet = hex("80600000000000000000000161");
                packet[2..4].copy_from_slice(&sequence[6..]);
                assert_eq!(sender.protect_rtp(&mut packet), Ok(step));
                last.clone_from(&packet);
                let opened = receiver.open_rtp(&mut packet).expect("authentic");
                assert_eq!((opened.index, opened.replayed), (step, false));
            }
            let again = receiver.open_rtp(&mut last).expect("authentic");
            assert!(again.replayed);
        }
    }

    proptest! {
        #[test]
        fn what_was_protected_opens_and_what_was_changed_does_not(
            which in 0..4_usize,
            csrcs in 0..4_u8,
            extension in proptest::option::of(0..3_u8),
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            flip in any::<prop::sample::Index>(),
        ) {
            let [mut sender, mut receiver] = pair(PROFILES[which]);
            let mut packet = vec![0x80 | csrcs, 96, 0, 7, 0, 0, 0, 9, 1, 2, 3, 4];
            packet.resize(12 + 4 * usize::from(csrcs), 5);
            if let Some(words) = extension {
                packet[0] |= 0x10;
                packet.extend([0xbe, 0xde, 0, words]);
                packet.resize(packet.len() + 4 * usize::from(words), 0);
            }
            packet.extend(&payload);
            let mut protected = packet.clone();
            sender.protect_rtp(&mut protected).expect("a header");
            let mut changed = protected.clone();
            let at = flip.index(changed.len() * 8);
            changed[at / 8] ^= 1 << (at % 8);
            prop_assert!(receiver.open_rtp(&mut changed).is_err());
            let opened = receiver.open_rtp(&mut protected).expect("authentic");
            prop_assert_eq!(&protected[..opened.len], &packet[..]);
        }

        #[test]
        fn any_bytes_are_refused_without_panic(
            which in 0..4_usize,
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let [mut one, _] = pair(PROFILES[which]);
            prop_assert!(one.open_rtp(&mut bytes.clone()).is_err());
            prop_assert!(one.open_rtcp(&mut bytes.clone()).is_err());
        }
    }
}
