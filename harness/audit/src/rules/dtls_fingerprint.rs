//! Certificates and `a=fingerprint`.

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Announced, Event, Kind};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dtls.fingerprint",
    level: Level::Violation,
    cites: &[cite(8827, "6.5"), cite(8122, "5")],
    needs: &[Need::Signalling],
    summary: "an association comes up only with certificates that the signalling announced",
    doc: "Fires when a certificate's hash is none of the a=fingerprint lines of its sender, and \
          the association comes up all the same: the other side did not verify it. Several lines \
          are fine, one has to fit. DTLS 1.3 hides certificates, its keys are needed.",
    advice: "hash the certificate with the function the line names, and close on a mismatch",
    holds: "the certificate's SHA-256 is the one in the description",
    breaks: "a changed a=fingerprint, and data flows",
    silent: "no certificate could be compared with a description",
    hears: &[Hears::Certificate, Hears::DtlsReady],
    scope: Scope::Connection,
};

declare!(CertificateFingerprint, State);

#[derive(Debug, Default)]
struct State(Vec<(Party, u64, u32)>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Certificate(certificate) if certificate.index == 0 => {
                let association = certificate.association;
                match (certificate.announced, event.from.party()) {
                    (Announced::Match, _) => tally.hold(),
                    (Announced::Mismatch, Some(party)) if self.0.len() < 8 => {
                        self.0.push((party, event.number, association));
                    }
                    _ => {}
                }
            }
            Kind::DtlsReady(ready) => {
                let due = self.0.iter().filter(|(_, _, known)| *known == ready.association);
                for (party, frame, _) in due {
                    let frames = [*frame, event.number];
                    let who = Some(party.other());
                    let seen = format!(
                        "{} accepts a certificate of {} that was not announced",
                        party.other().letter(),
                        party.letter()
                    );
                    let spot = Spot { at: event.at, who, frames: &frames };
                    tally.find(spot, "no association", seen);
                }
                self.0.clear();
            }
            _ => {}
        }
    }
}
