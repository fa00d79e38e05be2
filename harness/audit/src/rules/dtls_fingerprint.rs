//! Certificates and `a=fingerprint`.

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Announced, Event, Kind};
use rtcspec_wire::dtls::ContentType;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dtls.fingerprint",
    level: Level::Violation,
    cites: &[cite(8827, "6.5"), cite(8122, "5")],
    needs: &[Need::Signalling],
    summary: "data flows only between certificates that the signalling announced",
    doc: "Fires when a certificate's hash is none of the a=fingerprint lines of its sender, and \
          the other side sends application data all the same: it did not verify it. Several lines \
          are fine, one has to fit. DTLS 1.3 hides certificates, its keys are needed.",
    advice: "hash the certificate with the function the line names, and close on a mismatch",
    holds: "the certificate's SHA-256 is the one in the description",
    breaks: "a changed a=fingerprint, and data flows",
    silent: "no certificate could be compared with a description",
    hears: &[Hears::Certificate, Hears::Record],
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
            Kind::Record(record) if record.content_type == Some(ContentType::APPLICATION_DATA) => {
                let due = self.0.iter().position(|(party, _, association)| {
                    *association == record.association && event.from.party() == Some(party.other())
                });
                let Some(due) = due else { return };
                let (party, frame, _) = self.0.remove(due);
                let frames = [frame, event.number];
                let (who, of) = (party.other().letter(), party.letter());
                let seen = format!("{who} accepts a certificate of {of} that was not announced");
                tally.find(Spot::of(event, &frames), "no data", seen);
            }
            _ => {}
        }
    }
}
