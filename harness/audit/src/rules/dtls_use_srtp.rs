//! The `use_srtp` extension.

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::dtls::{
    ClientHelloView, ExtensionType, Extensions, HandshakeType, ServerHelloView, SrtpProfile,
};

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dtls.use-srtp",
    level: Level::Violation,
    cites: &[cite(5764, "4.1"), cite(5764, "4.1.1"), cite(5764, "4.1.3")],
    needs: &[Need::Signalling],
    summary: "with media, the ClientHello offers SRTP profiles and the server chooses one of them",
    doc: "Fires when both sides agreed on an RTP section and the ClientHello has no use_srtp, when \
          the server answers with a profile that was not offered or with several, or with a \
          non-empty MKI other than the one offered. Sessions with data channels alone need none. \
          In DTLS 1.3 the answer is in EncryptedExtensions, which takes keys to read. (The MKI is \
          §4.1.3's; the design note had §4.1.2.)",
    advice: "offer use_srtp with profiles in order of preference and an empty MKI",
    holds: "profiles 7 and 1 are offered, 7 is chosen",
    breaks: "an audio section, and a ClientHello without use_srtp",
    silent: "no media was agreed on, and no use_srtp was seen",
    hears: &[Hears::Handshake],
    scope: Scope::Connection,
};

declare!(UseSrtpRule, State);

#[derive(Debug, Default)]
struct State {
    offered: Option<(Vec<SrtpProfile>, Vec<u8>, u64)>,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Handshake(handshake) = &event.kind else { return };
        let Some(body) = handshake.message.filter(|_| !handshake.retransmission) else { return };
        match handshake.msg_type {
            HandshakeType::CLIENT_HELLO => self.offer(scene.book, event, body, tally),
            HandshakeType::SERVER_HELLO => {
                if let Ok(hello) = ServerHelloView::read(body) {
                    self.answer(event, hello.extensions(), tally);
                }
            }
            HandshakeType::ENCRYPTED_EXTENSIONS => {
                self.answer(event, Extensions::new(body.get(2..).unwrap_or_default()), tally);
            }
            _ => {}
        }
    }
}

impl State {
    fn offer(&mut self, book: &Book, event: &Event<'_>, body: &[u8], tally: &mut Tally) {
        let Ok(hello) = ClientHelloView::read(body) else { return };
        let found = hello.extensions().get(ExtensionType::USE_SRTP);
        self.offered = found
            .and_then(|extension| extension.use_srtp())
            .map(|srtp| (srtp.profiles().take(32).collect(), srtp.mki.to_vec(), event.number));
        if self.offered.is_some() {
            tally.hold();
        } else if media_agreed(book) {
            let frames = [event.number];
            let seen = "a ClientHello without use_srtp, and an RTP section";
            tally.find(Spot::of(event, &frames), "use_srtp in the ClientHello", seen);
        }
    }

    fn answer(&self, event: &Event<'_>, extensions: Extensions<'_>, tally: &mut Tally) {
        let Some(chosen) = extensions.get(ExtensionType::USE_SRTP) else { return };
        let Some(chosen) = chosen.use_srtp() else { return };
        let Some((profiles, mki, frame)) = &self.offered else { return };
        let frames = [*frame, event.number];
        let spot = Spot::of(event, &frames);
        let mut list = chosen.profiles();
        let (first, more) = (list.next(), list.next());
        if more.is_some() || first.is_none_or(|profile| !profiles.contains(&profile)) {
            let seen = match first {
                Some(profile) => {
                    format!("{profile}{}", if more.is_some() { " and more" } else { "" })
                }
                None => "no profile".to_owned(),
            };
            tally.find_as(Level::Violation, ABOUT.cites[1], spot, "one of those offered", seen);
        } else if !chosen.mki.is_empty() && chosen.mki != mki {
            let cite = ABOUT.cites[2];
            tally.find_as(
                Level::Violation,
                cite,
                spot,
                "an empty MKI, or the one offered",
                "another",
            );
        } else {
            tally.hold();
        }
    }
}

/// Whether the last answer accepts an RTP section.
fn media_agreed(book: &Book) -> bool {
    let answer = book.descriptions.iter().rev().find(|description| !description.offer);
    answer.is_some_and(|answer| answer.media.iter().any(|media| media.is_rtp() && !media.rejected))
}
