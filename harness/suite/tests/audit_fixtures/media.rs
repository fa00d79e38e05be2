//! Media, which the reference peer does not send yet: crafted packets and sections.

use std::time::Duration;

use rtcspec_trace::{Datagram, Party, Place, Session, SignalBody};
use rtcspec_wire::rtp::{Header, PayloadType, Ssrc};

use crate::lab::end;

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\n\
                     a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=sendrecv\r\n";

/// Both descriptions have an audio section, bundled with the data channels.
pub(crate) fn agree_on_audio(session: &mut Session) {
    for signal in &mut session.signals {
        if let SignalBody::Description { sdp, .. } = &mut signal.body {
            let group = "a=group:BUNDLE 0";
            *sdp = sdp.replace(&format!("{group}\r\n"), &format!("{group} 9\r\n"));
            sdp.push_str(AUDIO);
        }
    }
}

/// They do, and the ClientHello offers nothing for it.
pub(crate) fn audio_without_srtp(session: &mut Session) {
    agree_on_audio(session);
    let mut changed = 0;
    for datagram in &mut session.datagrams {
        // A record of a handshake at epoch 0, and in it a ClientHello.
        if datagram.payload.first() == Some(&22) && datagram.payload.get(13) == Some(&1) {
            let at = datagram.payload.windows(6).position(|six| {
                six[..2] == [0, 14]
                    && six[2] == 0
                    && six[4] == 0
                    && six[5] == six[3].wrapping_sub(3)
            });
            let at = at.expect("the reference peer offers use_srtp");
            // An extension type that nobody has registered.
            datagram.payload[at] = 0xfa;
            changed += 1;
        }
    }
    assert!(changed > 0, "there is a ClientHello");
}

/// Ten packets of payload type 111.
pub(crate) fn opus(session: &mut Session) {
    stream(session, 111);
}

/// Ten packets of payload type 77.
pub(crate) fn type_77(session: &mut Session) {
    stream(session, 77);
}

fn stream(session: &mut Session, payload_type: u8) {
    let last = last_between_peers(session, Party::A);
    let began = end(session);
    for index in 0..10_u16 {
        let mut header =
            Header::new(PayloadType::new(payload_type).expect("below 128"), Ssrc(0x1234_5678));
        header.sequence_number.0 = index;
        header.timestamp = u32::from(index) * 960;
        let payload = header.packet(&[0xa5; 40], 0);
        append(session, &last, began + Duration::from_millis(20 * u64::from(index)), payload);
    }
}

/// The last datagram of DTLS that a side sent.
pub(crate) fn last_between_peers(session: &Session, from: Party) -> Datagram {
    let own = |datagram: &&Datagram| {
        datagram.from == Some(Place::Peer(from))
            && datagram.to == Some(Place::Peer(from.other()))
            && datagram.lost.is_none()
            && matches!(datagram.payload.first(), Some(23 | 32..=63))
    };
    session.datagrams.iter().rev().find(own).expect("it sends application data").clone()
}

/// One more datagram on the way of another.
pub(crate) fn append(session: &mut Session, like: &Datagram, at: Duration, payload: Vec<u8>) {
    let number = session.datagrams.iter().map(|datagram| datagram.number).max().unwrap_or(0) + 1;
    let took = like.arrived.unwrap_or(like.sent) - like.sent;
    session.datagrams.push(Datagram {
        number,
        sent: at,
        arrived: Some(at + took),
        copies: 0,
        payload,
        ..like.clone()
    });
}
