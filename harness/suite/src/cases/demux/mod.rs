//! What shares the UDP port with STUN and DTLS (RFC 7983).

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Tamper};

use super::log::Log;
use super::{Case, Hostile};
use crate::verdict::Layer;

pub(super) const UNKNOWN_FIRST_BYTE: Case = Case {
    id: "demux/unknown-first-byte",
    title: "Datagrams of no known protocol: dropped",
    about: "One datagram for each end of every range of first bytes that is neither STUN nor DTLS: \
            unassigned, ZRTP, TURN channels, QUIC, RTP without media. licode#1672 and KVS-SDK#208 \
            got such bounds wrong. What must come of it is nothing: the probe.",
    tests: &["RFC 7983 §7", "RFC 9443 §3"],
    layer: Layer::Ice,
    make: || Box::new(Noise(NOISE)),
    ..Case::USUAL
};

const NOISE: &[&[u8]] = &[
    &[4; 20],
    &[15; 20],
    &[16; 20],
    &[19; 20],
    &[64, 1, 0, 4, 1, 2, 3, 4],
    &[79; 20],
    &[80; 20],
    &[127; 20],
    &[128, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4],
    &[129, 201, 0, 1, 0, 0, 0, 1],
    &[191; 20],
    &[192; 20],
    &[255; 20],
];

pub(super) const EMPTY_DATAGRAM: Case = Case {
    id: "demux/empty-datagram",
    title: "A datagram without a byte, and one with a single byte of each kind: dropped",
    about: "UDP carries empty datagrams, and nobody who looks at the first byte may trust that \
            there is one. What must come of it is nothing: the probe.",
    tests: &["RFC 7983 §7", "RFC 768"],
    layer: Layer::Ice,
    make: || Box::new(Noise(&[&[], &[0], &[22], &[64], &[128], &[255]])),
    ..Case::USUAL
};

pub(super) const SHORT_RTP: Case = Case {
    id: "demux/short-rtp",
    title: "Beginnings of RTP and RTCP packets, without media: dropped",
    about: "Headers of one to eleven bytes, and one that counts sources and padding it does not \
            have. pion/rtp#254 sliced past the end of `81 81 94`. What must come of it is nothing: \
            the probe.",
    tests: &["RFC 7983 §7", "RFC 3550 §5.1"],
    layer: Layer::Ice,
    make: || Box::new(Noise(SHORT)),
    ..Case::USUAL
};

const SHORT: &[&[u8]] = &[
    &[0x81, 0x81, 0x94],
    &[0x80, 96, 0, 1],
    &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    &[0x8f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
    &[0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff],
    &[0xa0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff],
    &[0x80, 200],
    &[0x80, 200, 0xff, 0xff],
    &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 16, b'a', b'b'],
];

/// Strikes with datagrams on the selected pair.
struct Noise(&'static [&'static [u8]]);

impl Tamper for Noise {}

impl Hostile for Noise {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(check) = log.last_check() else { return Vec::new() };
        self.0.iter().map(|datagram| check.inject(datagram.to_vec())).collect()
    }
}
