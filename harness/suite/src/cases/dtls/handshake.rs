//! Handshakes that lack something, or come too early.

use std::time::Duration;

use rtcspec_control::Feature;
use rtcspec_peer::tamper::{Action, Stun, Tamper};
use rtcspec_wire::dtls::{ContentType, HandshakeFragment, HandshakeType};
use rtcspec_wire::stun::{Class, View};

use super::fragments::{PATIENCE, alerted, first_record, is_up, without};
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile, Roles};
use crate::verdict::Layer;

const FAMILY: Case = Case { layer: Layer::Dtls, ..Case::USUAL };

pub(in crate::cases) const NO_CERTIFICATE_VERIFY: Case = Case {
    id: "dtls/no-certificate-verify",
    title: "The client shows a certificate and does not prove that its key is its own: no session",
    about: "CertificateVerify is taken out of the client's flight. Anyone can send somebody else's \
            certificate, and the fingerprint fits; pion/dtls was content with that \
            (CVE-2022-29222).",
    tests: &["RFC 5246 §7.4.8", "RFC 8122 §6.2"],
    needs: &[Feature::Dtls12],
    roles: Roles::Offerer,
    limit: "20s",
    to_the_limit: true,
    play: "\n[peer.hostile.dtls]\nrole = \"active\"\nversions = [\"1.2\"]\n\n\
           [[expect]]\nnot-connected = true\n",
    make: || Box::new(Unproved { taken: false }),
    ..FAMILY
};

struct Unproved {
    taken: bool,
}

impl Tamper for Unproved {
    fn dtls(&mut self, _: Duration, datagram: &[u8]) -> Action {
        match without(datagram, HandshakeType::CERTIFICATE_VERIFY) {
            Some(changed) => {
                self.taken = true;
                if changed.is_empty() { Action::Drop } else { Action::replace(changed) }
            }
            None => Action::Pass,
        }
    }
}

const PROVE: Duty = Duty {
    text: "RFC 5246 §7.4.8: a client proves by CertificateVerify that it has the key of its \
           certificate",
    expected: "no SCTP packet",
};

impl Hostile for Unproved {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        if !self.taken {
            return vec![PROVE.info("this side sent no CertificateVerify")];
        }
        let packets = seen.packets(Way::Received).count();
        vec![PROVE.met(packets == 0, format!("{packets} SCTP packets"))]
    }
}

pub(in crate::cases) const PSK_KEY_EXCHANGE: Case = Case {
    id: "dtls/psk-key-exchange",
    title: "A ServerHello with a suite nobody offered, and a key exchange of three bytes: no harm",
    about: "ECDHE_PSK, and a hint that ends 64 KiB behind the message (pion/dtls CVE-2026-54908 \
            panicked on it). Dropping it, so that the true flight counts when it comes again, is \
            best; an alert is allowed.",
    tests: &["RFC 5246 §7.4.1.3", "RFC 6347 §4.1.2.7"],
    needs: &[Feature::Dtls12],
    roles: Roles::Answerer,
    play: PEER_IS_CLIENT,
    make: || Box::new(Psk { sent: false }),
    ..FAMILY
};

const PEER_IS_CLIENT: &str = r#"
[peer.hostile.dtls]
role     = "passive"
versions = ["1.2"]

[[do]]
after = "open + 1s"
send  = { from = "hostile", messages = 3, size = 100 }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", messages = 3 }
"#;

struct Psk {
    sent: bool,
}

/// `TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256` (RFC 5489 §3.2), and a key exchange that ends early.
fn psk_flight() -> Vec<u8> {
    let mut hello = vec![0xfe, 0xfd];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x37, 0]);
    let key_exchange = [0xff, 0xff, 3];
    let mut content = Vec::new();
    let messages: [(HandshakeType, u16, &[u8]); 2] = [
        (HandshakeType::SERVER_HELLO, 0, &hello),
        (HandshakeType::SERVER_KEY_EXCHANGE, 1, &key_exchange),
    ];
    for (msg_type, message_seq, body) in messages {
        let length = u32::try_from(body.len()).unwrap_or_default();
        HandshakeFragment { msg_type, length, message_seq, fragment_offset: 0, body }
            .write(&mut content);
    }
    first_record(ContentType::HANDSHAKE, &content)
}

impl Tamper for Psk {
    fn dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        if std::mem::replace(&mut self.sent, true) {
            Action::Pass
        } else {
            Action::replace(psk_flight())
        }
    }
}

const REFUSE_SUITE: Duty = Duty {
    text: "RFC 5246 §7.4.1.3: a server selects a suite that the client offered; what is no answer \
           is discarded, or ends the handshake with an alert (RFC 6347 §4.1.2.7)",
    expected: "the session comes up by the true flight, or an alert",
};

impl Hostile for Psk {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        vec![match (is_up(seen), alerted(seen)) {
            (true, _) => REFUSE_SUITE.pass("SCTP is up"),
            (false, true) => REFUSE_SUITE.pass("an alert"),
            (false, false) if seen.end() > PATIENCE => {
                REFUSE_SUITE.nonstrict("no SCTP, and no alert")
            }
            (false, false) => REFUSE_SUITE.fail("no SCTP, and no alert"),
        }]
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        !is_up(seen) && (alerted(seen) || seen.end() > PATIENCE)
    }
}

pub(in crate::cases) const BEFORE_SELECTED_PAIR: Case = Case {
    id: "dtls/before-selected-pair",
    title: "No check of the peer is answered: it sends no DTLS",
    about: "The hostile side's own checks go on and are answered. But the peer never learns that \
            it may send there, so it must not, a ClientHello neither (SRS, libpeer, 2026-08).",
    tests: &["RFC 7675 §5.1", "RFC 8445 §12.1"],
    limit: "10s",
    to_the_limit: true,
    play: "\n[[expect]]\nnot-connected = true\n",
    make: || Box::new(NoAnswers),
    ..FAMILY
};

struct NoAnswers;

impl Tamper for NoAnswers {
    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        let kind = View::new(message.bytes).message_type();
        let answers = kind.is_some_and(|kind| kind.class == Class::SuccessResponse);
        if answers { Action::Drop } else { Action::Pass }
    }
}

const NO_CONSENT: Duty = Duty {
    text: "RFC 7675 §5.1: consent to send is given by the answer to a check; before it nothing but \
           checks is sent",
    expected: "no DTLS datagram",
};

impl Hostile for NoAnswers {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let count = seen.dtls(Way::Received).count();
        vec![NO_CONSENT.met(count == 0, format!("{count} DTLS datagrams"))]
    }
}
