//! The certificate is not the one that was signalled.

use std::time::Duration;

use rtcspec_peer::tamper::Tamper;

use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const WRONG_FINGERPRINT: Case = Case {
    id: "dtls/wrong-fingerprint",
    title: "The signalled fingerprint is not the certificate's: no session, no data",
    about: "One digit of a=fingerprint is changed on its way. The peer must see that somebody else \
            is at the other end, and must not send or take a byte of data (CVE-2021-28681 of \
            pion, libpeer#281).",
    tests: &["RFC 8122 §5.1", "RFC 8122 §6.2", "RFC 5763 §5"],
    layer: Layer::Dtls,
    limit: "20s",
    to_the_limit: true,
    play: "\n[[expect]]\nnot-connected = true\n",
    make: || Box::new(Forge),
    ..Case::USUAL
};

struct Forge;

impl Tamper for Forge {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        const ATTRIBUTE: &str = "a=fingerprint:sha-256 ";
        if let Some(at) = sdp.find(ATTRIBUTE).map(|at| at + ATTRIBUTE.len()) {
            let digit = if sdp[at..].starts_with('0') { "1" } else { "0" };
            sdp.replace_range(at..=at, digit);
        }
    }
}

const REFUSE: Duty = Duty {
    text: "RFC 8122 §6.2: a certificate that matches no signalled fingerprint ends the session",
    expected: "a handshake, and no SCTP packet after it",
};

impl Hostile for Forge {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let datagrams = seen.dtls(Way::Received).count();
        let packets = seen.packets(Way::Received).count();
        vec![match (datagrams, packets) {
            (0, _) => REFUSE.fail("no DTLS at all came from the peer"),
            (some, 0) => REFUSE.pass(format!("{some} DTLS datagrams, no SCTP packet")),
            (_, packets) => REFUSE.fail(format!("{packets} SCTP packets")),
        }]
    }
}
