//! What RTP header extensions mean (RFC 8285 §5), as the descriptions say.

use std::collections::BTreeMap;

/// Extensions whose values are numbers about the media and the network.
const NUMBERS: [&str; 16] = [
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "urn:ietf:params:rtp-hdrext:csrc-audio-level",
    "urn:ietf:params:rtp-hdrext:toffset",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:framemarking",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    "http://www.webrtc.org/experiments/rtp-hdrext/corruption-detection",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
];
/// Extensions whose values are names that descriptions have, too.
const NAMES: [&str; 3] = [
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
];

/// What the value of an extension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Number,
    Name,
    Unknown,
}

/// Meanings by id.
#[derive(Debug, Default)]
pub(super) struct Extensions(BTreeMap<u8, Meaning>);

impl Extensions {
    /// Notes an `a=extmap`: an id, perhaps a direction, and a URI. An id with two meanings has none.
    pub(super) fn learn(&mut self, extmap: &str) {
        let mut words = extmap.split_ascii_whitespace();
        let id = words.next().and_then(|id| id.split('/').next()?.parse().ok());
        let (Some(id), Some(uri)) = (id, words.next()) else { return };
        let meaning = meaning(uri);
        let known = self.0.entry(id).or_insert(meaning);
        if *known != meaning {
            *known = Meaning::Unknown;
        }
    }

    pub(super) fn of(&self, id: u8) -> Meaning {
        self.0.get(&id).copied().unwrap_or(Meaning::Unknown)
    }
}

/// Whether a URI is one that many use.
pub(super) fn is_known(uri: &str) -> bool {
    meaning(uri) != Meaning::Unknown || uri.starts_with("urn:ietf:params:rtp-hdrext:")
}

fn meaning(uri: &str) -> Meaning {
    if NUMBERS.contains(&uri) {
        Meaning::Number
    } else if NAMES.contains(&uri) {
        Meaning::Name
    } else {
        Meaning::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_what_all_descriptions_say() {
        let mut extensions = Extensions::default();
        extensions.learn("4 urn:ietf:params:rtp-hdrext:sdes:mid");
        extensions.learn("1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level");
        extensions.learn("2 urn:ietf:params:rtp-hdrext:toffset");
        extensions.learn("2 urn:ietf:params:rtp-hdrext:sdes:mid");
        extensions.learn("x");
        let of = |id| extensions.of(id);
        assert_eq!(
            [of(4), of(1), of(2), of(9)],
            [Meaning::Name, Meaning::Number, Meaning::Unknown, Meaning::Unknown]
        );
    }
}
