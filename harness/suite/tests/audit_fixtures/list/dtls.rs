//! Fixtures of the rules about DTLS.

use rtcspec_peer::tamper::{Action, Injection};
use rtcspec_trace::{Datagram, Party, Session};

use super::USUAL;
use super::scenes::OLDER_DTLS;
use crate::edit::Edit;
use crate::lab::Fixture;
use crate::media;
use crate::secret;

pub(super) fn dtls() -> Vec<Fixture> {
    vec![
        Fixture { name: "dtls.role.holds", ..USUAL },
        Fixture {
            name: "dtls.role.breaks",
            b: || Edit::default().sdp(|sdp| *sdp = sdp.replace("setup:active", "setup:passive")),
            a: || {
                Edit::default()
                    .received_sdp(|sdp| *sdp = sdp.replace("setup:passive", "setup:active"))
            },
            ..USUAL
        },
        Fixture { name: "dtls.fingerprint.holds", ..USUAL },
        Fixture {
            name: "dtls.fingerprint.breaks",
            a: || Edit::default().sdp(|sdp| *sdp = other_fingerprint(sdp)),
            b: || Edit::default().received_sdp(|sdp| *sdp = other_fingerprint(sdp)),
            ..USUAL
        },
        Fixture { name: "dtls.use-srtp.holds", edit: media::agree_on_audio, ..USUAL },
        Fixture { name: "dtls.use-srtp.breaks", edit: media::audio_without_srtp, ..USUAL },
        Fixture {
            name: "dtls.renegotiation.holds",
            scene: OLDER_DTLS,
            edit: secret::refused_handshake,
            ..USUAL
        },
        Fixture {
            name: "dtls.renegotiation.breaks",
            scene: OLDER_DTLS,
            edit: secret::ignored_handshake,
            ..USUAL
        },
        Fixture {
            name: "dtls.retransmit.holds",
            at: Party::B,
            a: || {
                let mut lost = false;
                Edit::default().received_dtls(move |_, _| {
                    if std::mem::replace(&mut lost, true) { Action::Pass } else { Action::Drop }
                })
            },
            edit: new_record_number,
            ..USUAL
        },
        Fixture {
            name: "dtls.retransmit.breaks",
            at: Party::B,
            b: || Edit::default().at(3000, |seen| vec![Injection::Transport(seen.dtls[0].clone())]),
            ..USUAL
        },
    ]
}

/// Changes a digit of the fingerprint, and changes it back.
fn other_fingerprint(sdp: &str) -> String {
    let flip = |line: &str| match line.strip_prefix("a=fingerprint:sha-256 ") {
        Some(hex) => {
            let digit = u8::from_str_radix(&hex[..1], 16).unwrap() ^ 1;
            format!("a=fingerprint:sha-256 {digit:X}{}\r\n", &hex[1..])
        }
        None => format!("{line}\r\n"),
    };
    sdp.lines().map(flip).collect()
}

/// The ClientHello that is sent again goes in a new record, which the reference peer's library
/// does not give it.
fn new_record_number(session: &mut Session) {
    let hello = |datagram: &&mut Datagram| {
        datagram.payload.first() == Some(&22) && datagram.payload.get(13) == Some(&1)
    };
    let again = session.datagrams.iter_mut().filter(hello).nth(1);
    again.expect("the ClientHello is sent again").payload[10] += 50;
}
