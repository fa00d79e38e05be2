//! The last flight of the handshake gets lost.

use std::time::Duration;

use rtcspec_control::Feature;
use rtcspec_peer::tamper::{Action, Tamper};
use rtcspec_wire::dtls::{ContentType, Record, Records};

use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const LOST_LAST_FLIGHT: Case = Case {
    id: "dtls/lost-last-flight",
    title: "The server's Finished is lost: the client repeats its flight, the server its own",
    about: "In DTLS 1.2 the server speaks last, so nothing tells it that its Finished never came, \
            but the client's flight coming again. As server the peer must then repeat its last \
            flight (pion/dtls#479, rtpengine#1310, webrtc-rs/rtc#243); as client it must repeat \
            its own when the timer fires.",
    tests: &["RFC 6347 §4.2.4"],
    layer: Layer::Dtls,
    needs: &[Feature::Dtls12],
    play: r#"
[peer.hostile.dtls]
versions = ["1.2"]

[[do]]
after = "open + 1s"
send  = { from = "hostile", messages = 3, size = 100 }

[[do]]
after = "open + 2s"
send  = { from = "tested", messages = 3, size = 100 }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#,
    make: || Box::new(LoseFinished { lost: None }),
    ..Case::USUAL
};

/// Loses every datagram with the server's `ChangeCipherSpec` for a moment.
struct LoseFinished {
    lost: Option<(Duration, Way)>,
}

/// Whether a datagram holds a `ChangeCipherSpec` and no key exchange: the server's last flight.
fn is_last_flight(datagram: &[u8]) -> bool {
    let records: Vec<Record<'_>> = Records::new(datagram).collect();
    let of = |wanted: ContentType| {
        records.iter().any(|record| {
            matches!(record, Record::Plaintext(plain)
                if plain.content_type == wanted && !plain.is_encrypted())
        })
    };
    let alone = records.iter().all(|record| {
        !matches!(record, Record::Plaintext(plain) if plain.handshake().any(|part| {
            // A NewSessionTicket (RFC 5077 §3.3) is the only other message of the last flight.
            part.is_ok_and(|part| part.msg_type.0 != 4)
        }))
    });
    of(ContentType::CHANGE_CIPHER_SPEC) && alone
}

impl LoseFinished {
    fn lose(&mut self, now: Duration, datagram: &[u8], way: Way) -> Action {
        // All datagrams of that one flight, not only its first.
        let first = self.lost.is_none() && is_last_flight(datagram);
        if first {
            self.lost = Some((now, way));
        }
        let same = self.lost == Some((now, way));
        if same { Action::Drop } else { Action::Pass }
    }
}

impl Tamper for LoseFinished {
    fn dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.lose(now, datagram, Way::Sent)
    }

    fn received_dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.lose(now, datagram, Way::Received)
    }
}

const REPEAT: Duty = Duty {
    text: "RFC 6347 §4.2.4: a lost last flight is made good: the client repeats its flight, and \
           the server answers that with its own again",
    expected: "the handshake ends",
};

impl Hostile for LoseFinished {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some((at, way)) = self.lost else {
            return vec![REPEAT.fail("no last flight of a server was seen")];
        };
        let who = if way == Way::Sent { "client" } else { "server" };
        let later = seen.dtls(Way::Received).filter(|(when, _)| *when > at).count();
        let up = seen.packets(Way::Received).next().is_some();
        let actual = format!("as {who}: {later} datagrams after the loss, SCTP up: {up}");
        vec![REPEAT.met(up, actual)]
    }
}
