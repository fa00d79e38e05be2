//! The `use_srtp` extension.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_trace::watch::{Event, FlowId, Handshake, Kind, Stun};
use rtcspec_wire::dtls::{
    ClientHelloView, ExtensionType, Extensions, HandshakeType, ServerHelloView, SrtpProfile,
};

use crate::book::{Book, Media};
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Flows with checks that are remembered.
const MOST_FLOWS: usize = 64;
/// ufrags of one flow that are remembered.
const MOST_UFRAGS: usize = 32;
/// Associations whose offer is remembered.
const MOST_OFFERS: usize = 8;

static ABOUT: About = About {
    id: "dtls.use-srtp",
    level: Level::Violation,
    cites: &[cite(5764, "4.1"), cite(5764, "4.1.1"), cite(5764, "4.1.3")],
    needs: &[Need::Signalling],
    summary: "with media, the ClientHello offers SRTP profiles and the server chooses one of them",
    doc: "Fires when both sides agreed on an RTP section and the ClientHello of its transport has no \
          use_srtp, when the server answers with a profile that was not offered or with several, \
          or with a non-empty MKI other than the one offered. Transports of data channels alone \
          need none; which sections a transport has, the ufrags of the checks on it and BUNDLE \
          tell, and where they do not, its ClientHello is not judged. In DTLS 1.3 the answer is in \
          EncryptedExtensions, which takes keys to read. (The MKI is §4.1.3's; the design note had \
          §4.1.2.)",
    advice: "offer use_srtp with profiles in order of preference and an empty MKI",
    holds: "profiles 7 and 1 are offered, 7 is chosen",
    breaks: "an audio section, and a ClientHello without use_srtp",
    silent: "no media was agreed on, and no use_srtp was seen",
    hears: &[Hears::Handshake, Hears::Stun],
    scope: Scope::Connection,
};

declare!(UseSrtpRule, State);

#[derive(Debug, Default)]
struct State {
    /// ufrags of the checks on each flow.
    ufrags: BTreeMap<FlowId, BTreeSet<String>>,
    /// By association.
    offered: BTreeMap<u32, Offer>,
}

/// The `use_srtp` of a ClientHello.
#[derive(Debug)]
struct Offer {
    profiles: Vec<SrtpProfile>,
    mki: Vec<u8>,
    frame: u64,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Stun(stun) => self.checked(event.flow, stun),
            Kind::Handshake(handshake) => self.handshake(scene, event, handshake, tally),
            _ => {}
        }
    }
}

impl State {
    fn checked(&mut self, flow: FlowId, stun: &Stun<'_>) {
        let Some(name) = stun.username else { return };
        if self.ufrags.len() >= MOST_FLOWS && !self.ufrags.contains_key(&flow) {
            self.ufrags.pop_first();
        }
        let known = self.ufrags.entry(flow).or_default();
        for ufrag in [name.receiver, name.sender] {
            if known.len() < MOST_UFRAGS && !known.contains(ufrag) {
                known.insert(ufrag.to_owned());
            }
        }
    }

    fn handshake(
        &mut self,
        scene: &Scene<'_>,
        event: &Event<'_>,
        handshake: &Handshake<'_>,
        tally: &mut Tally,
    ) {
        let Some(body) = handshake.message.filter(|_| !handshake.retransmission) else { return };
        let answer = match handshake.msg_type {
            HandshakeType::CLIENT_HELLO => {
                return self.offer(scene.book, event, handshake.association, body, tally);
            }
            HandshakeType::SERVER_HELLO => {
                let Ok(hello) = ServerHelloView::read(body) else { return };
                hello.extensions()
            }
            HandshakeType::ENCRYPTED_EXTENSIONS => {
                Extensions::new(body.get(2..).unwrap_or_default())
            }
            _ => return,
        };
        if let Some(offer) = self.offered.get(&handshake.association) {
            answered(event, offer, answer, tally);
        }
    }

    fn offer(
        &mut self,
        book: &Book,
        event: &Event<'_>,
        association: u32,
        body: &[u8],
        tally: &mut Tally,
    ) {
        let Ok(hello) = ClientHelloView::read(body) else { return };
        let found = hello.extensions().get(ExtensionType::USE_SRTP);
        if let Some(srtp) = found.and_then(|extension| extension.use_srtp()) {
            let (profiles, mki) = (srtp.profiles().take(32).collect(), srtp.mki.to_vec());
            if self.offered.len() >= MOST_OFFERS && !self.offered.contains_key(&association) {
                self.offered.pop_first();
            }
            self.offered.insert(association, Offer { profiles, mki, frame: event.number });
            return tally.hold();
        }
        self.offered.remove(&association);
        let ufrags = self.ufrags.get(&event.flow);
        if ufrags.is_some_and(|ufrags| media_agreed(book, ufrags)) {
            let frames = [event.number];
            let seen = "a ClientHello without use_srtp, and an RTP section";
            tally.find(Spot::of(event, &frames), "use_srtp in the ClientHello", seen);
        }
    }
}

fn answered(event: &Event<'_>, offer: &Offer, answer: Extensions<'_>, tally: &mut Tally) {
    let Some(chosen) = answer.get(ExtensionType::USE_SRTP) else { return };
    let Some(chosen) = chosen.use_srtp() else { return };
    let frames = [offer.frame, event.number];
    let spot = Spot::of(event, &frames);
    let mut list = chosen.profiles();
    let (first, more) = (list.next(), list.next());
    if more.is_some() || first.is_none_or(|profile| !offer.profiles.contains(&profile)) {
        let more = if more.is_some() { " and more" } else { "" };
        let seen =
            first.map_or_else(|| "no profile".to_owned(), |profile| format!("{profile}{more}"));
        tally.find_as(Level::Violation, ABOUT.cites[1], spot, "one of those offered", seen);
    } else if !chosen.mki.is_empty() && chosen.mki != offer.mki {
        let (cite, expected) = (ABOUT.cites[2], "an empty MKI, or the one offered");
        tally.find_as(Level::Violation, cite, spot, expected, "another");
    } else {
        tally.hold();
    }
}

/// Whether the last answer that knows a transport, by the ufrags of its checks, accepts an RTP
/// section there.
fn media_agreed(book: &Book, ufrags: &BTreeSet<String>) -> bool {
    let answers = book.descriptions.iter().rev().filter(|description| !description.offer);
    let mut known = answers.map(|answer| answer.transport(ufrags));
    known
        .find(|sections| !sections.is_empty())
        .is_some_and(|sections| sections.into_iter().any(Media::is_rtp))
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Party;

    use crate::trial::{Trial, a, b, check, client_hello, handshake, server_hello};

    const ID: &str = "dtls.use-srtp";

    /// Data and audio; A's ufrags are aaaa and cccc, B's bbbb and dddd.
    fn trial(group: &str) -> Trial {
        let mut trial = Trial::default();
        for (from, kind, [data, audio]) in
            [(Party::A, "offer", ["aaaa", "cccc"]), (Party::B, "answer", ["bbbb", "dddd"])]
        {
            let tail = |ufrag: &str| format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{ufrag}\r\n");
            let sdp = format!(
                "{group}m=application 9 UDP/DTLS/SCTP x\r\na=mid:0\r\n{}\
                 m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n{}",
                tail(data),
                tail(audio)
            );
            trial.signal(from, kind, &sdp);
        }
        trial.stun(0, (a(5000), b(6000)), &check(1, "bbbb:aaaa", true, 1));
        trial.stun(50, (a(5002), b(6002)), &check(2, "dddd:cccc", true, 1));
        trial
    }

    #[test]
    fn a_transport_of_data_alone_needs_none() {
        let mut trial = trial("");
        let srtp = [0, 14, 0, 5, 0, 2, 0, 1, 0];
        trial.udp(200, (b(6000), a(5000)), &handshake(0, 1, &client_hello(1, &[])));
        trial.udp(250, (a(5000), b(6000)), &handshake(0, 2, &server_hello(9)));
        trial.udp(300, (b(6002), a(5002)), &handshake(0, 1, &client_hello(2, &srtp)));
        assert_eq!(trial.of(ID), (Vec::new(), 1));
    }

    #[test]
    fn a_transport_with_media_needs_it_bundled_or_not() {
        for (group, port) in [("a=group:BUNDLE 0 1\r\n", 0), ("", 2)] {
            let mut trial = trial(group);
            let hello = handshake(0, 1, &client_hello(1, &[]));
            trial.udp(200, (b(6000 + port), a(5000 + port)), &hello);
            let seen = "a ClientHello without use_srtp, and an RTP section".to_owned();
            assert_eq!(trial.seen_by(ID), [(seen, vec![3])], "{group}");
        }
    }
}
