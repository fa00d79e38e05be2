//! Every captured offer is answered, and every captured answer would be understood.

use std::path::Path;

use rtcspec_peer::jsep::{Description, SdpType, SignalingState};
use rtcspec_wire::sdp::{Session, Setup};

use super::side::Side;

fn captured(part: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures/sdp");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(part))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_captured_offer_is_answered() {
    let offers = captured(".offer-");
    assert!(offers.len() > 40);
    for (name, sdp) in offers {
        let offer: Session = sdp.parse().unwrap();
        let mut side = Side::new('x');
        side.set_remote(&Description::new(SdpType::Offer, sdp))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let answer: Session = side.local_answer().sdp.parse().unwrap();
        assert_eq!(side.jsep.state(), SignalingState::Stable);
        assert_eq!(answer.media.len(), offer.media.len(), "{name}");
        for (offered, answered) in offer.media.iter().zip(&answer.media) {
            assert_eq!(answered.mid(), offered.mid(), "{name}");
            assert_eq!(answered.line.protocol, offered.line.protocol, "{name}");
            assert_eq!(answered.line.port == 0, !offered.is_data_channel(), "{name}");
        }
        let data = answer.media.iter().find(|media| media.is_data_channel()).unwrap();
        assert_eq!(data.attributes.setup(), Some(Setup::Active), "{name}");
        let mids: Vec<_> = answer.bundle_groups().flat_map(|group| &group.mids).collect();
        assert_eq!(mids, data.mid().into_iter().collect::<Vec<_>>(), "{name}");
        let transport = side.transport();
        assert_eq!(transport.sctp.remote_port, 5000, "{name}");
        let offered = offer.media.iter().flat_map(|media| media.attributes.candidates());
        let usable = offered.filter(|candidate| candidate.component.number() == 1).count();
        assert_eq!(side.candidates.len(), usable, "{name}");
    }
}

#[test]
fn every_captured_answer_of_data_alone_is_taken_for_an_offer_of_ours() {
    let mut taken = 0;
    for (name, sdp) in captured(".answer-") {
        let answer: Session = sdp.parse().unwrap();
        let [data] = answer.media.as_slice() else { continue };
        let mut side = Side::new('x');
        side.jsep.want_data();
        side.local_offer(false);
        // Our mid is 0 as theirs mostly is; gst names it otherwise.
        let mid = data.mid().map(ToString::to_string).unwrap();
        let sdp = sdp.replace(&format!("a=mid:{mid}\r\n"), "a=mid:0\r\n");
        let sdp = sdp.replace(&format!("BUNDLE {mid}\r\n"), "BUNDLE 0\r\n");
        side.set_remote(&Description::new(SdpType::Answer, sdp))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(side.jsep.state(), SignalingState::Stable);
        assert!(side.transport().controlling);
        taken += 1;
    }
    assert!(taken > 40, "{taken}");
}
