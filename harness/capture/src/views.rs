//! Whether packets are in a capture several times, because several interfaces on their way saw them.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read;

use rtcspec_wire::demux::Protocol;

use crate::net::{Frame, Frames, Interface, Step};

/// Packets that are remembered: those between two sightings of one.
const REMEMBERED: usize = 1 << 16;
/// Shorter payloads are too alike: keep-alives of one byte, empty datagrams.
const TELLING: usize = 16;

/// A side of an interface.
pub(crate) type View = (Interface, Option<bool>);

/// Where a frame was seen.
pub(crate) const fn view(frame: &Frame<'_>) -> View {
    (frame.interface, frame.outbound)
}

/// What the sightings of one packet have in common, whoever rewrote its addresses: its bytes, if
/// they are of a protocol of WebRTC, whose packets differ from each other.
pub(crate) fn fingerprint(payload: &[u8]) -> Option<u64> {
    let telling = match Protocol::of(payload) {
        Protocol::Stun
        | Protocol::Dtls
        | Protocol::TurnChannel
        | Protocol::Rtp
        | Protocol::Rtcp => payload.len() >= TELLING,
        _ => false,
    };
    telling.then(|| {
        let mut hasher = DefaultHasher::new();
        hasher.write(payload);
        hasher.finish()
    })
}

/// Whether one packet is seen at two interfaces; reads on until one is, or to the end.
pub(crate) fn several(source: impl Read + 'static) -> bool {
    let Ok(mut frames) = Frames::new(source) else { return false };
    if !frames.may_have_several_views() {
        return false;
    }
    let (mut past, mut found) = (Past::default(), false);
    while !found && frames.step(&mut |frame| found |= past.has_elsewhere(&frame)) != Step::End {}
    found
}

/// What was seen lately, and where first.
#[derive(Default)]
struct Past {
    places: BTreeMap<u64, View>,
    order: VecDeque<u64>,
}

impl Past {
    fn has_elsewhere(&mut self, frame: &Frame<'_>) -> bool {
        let Some(key) = fingerprint(frame.seen.payload) else { return false };
        if let Some(place) = self.places.get(&key) {
            return *place != view(frame);
        }
        self.places.insert(key, view(frame));
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
        false
    }
}
