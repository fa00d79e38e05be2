//! What an export is a function of.

use rtcspec_capture::export::Exported;
use rtcspec_capture::net::Frames;

use super::corpus;

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_others() {
    for name in ["chromium-aiortc.pcap", "firefox-aiortc-av.pcap", "ice.pacing.holds.pcapng"] {
        let path = corpus::all().into_iter().find(|path| corpus::name(path) == name);
        let path = path.expect("it is there");
        let [one, again, other] = [1, 1, 2].map(|seed| corpus::exported(&path, seed));
        assert_eq!(one, again, "{name}");
        assert_eq!((one.file.len(), &one.told), (other.file.len(), &other.told), "{name}");
        let payload = |exported: &Exported| {
            let mut frames = Frames::new(exported.file.as_slice()).expect("a capture");
            let mut all = Vec::new();
            frames.for_each(|frame| all.push(frame.seen.payload.to_vec()));
            all
        };
        for (one, other) in payload(&one).iter().zip(payload(&other)) {
            assert_ne!(*one, other, "{name}");
        }
        assert_ne!(one.signalling, other.signalling, "{name}");
    }
}
