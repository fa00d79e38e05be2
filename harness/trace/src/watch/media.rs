//! RTP and RTCP, opened with keys from the DTLS association.

use rtcspec_srtp::{Context, OpenedRtcp, OpenedRtp, Profile, SrtpError};
use rtcspec_wire::rtp::View;

use super::association::{Association, Associations};
use super::event::{Kind, Protection, Rtcp, Rtp};
use super::frame::{Scene, Sink};
use super::totals::{Opened, Totals};
use crate::secrets::KeyLog;

/// SRTP of both ends.
#[derive(Debug, Default)]
pub(super) struct Media {
    /// By sender.
    contexts: Option<Box<[Context; 2]>>,
}

impl Media {
    pub(super) fn flip(&mut self) {
        if let Some(contexts) = &mut self.contexts {
            contexts.swap(0, 1);
        }
    }
}

impl Association {
    /// What opens an end's packets, made when they are first needed.
    fn srtp(&mut self, keys: &KeyLog, end: usize) -> Option<&mut Context> {
        if self.media.contexts.is_none() {
            let profile = Profile::from_number(self.dtls.srtp?.0)?;
            let exported = self.dtls.export(keys, profile)?;
            let client = self.dtls.client?;
            let [by_client, by_server] = profile.split(&exported)?;
            let mut contexts =
                [Context::new(profile, by_client).ok()?, Context::new(profile, by_server).ok()?];
            contexts.rotate_left(client);
            self.media.contexts = Some(Box::new(contexts));
        }
        self.media.contexts.as_mut().map(|contexts| &mut contexts[end])
    }
}

/// What a packet is read with.
pub(super) struct Reading<'r> {
    pub(super) keys: &'r KeyLog,
    /// The sender: 0 for A, 1 for B.
    pub(super) end: usize,
    /// The association its flow belongs to.
    pub(super) bound: u32,
    pub(super) totals: &'r mut Totals,
}

/// Reads an RTP packet of a connection, or of none.
pub(super) fn rtp(
    reading: &mut Reading<'_>,
    associations: Option<&mut Associations>,
    scene: &Scene,
    wire: &[u8],
    scratch: &mut Vec<u8>,
    sink: Sink<'_>,
) {
    let opened = open(reading, associations, wire, scratch, Context::open_rtp);
    count(&mut reading.totals.protected.rtp, opened.protection);
    let bytes = match opened.done {
        Some(OpenedRtp { len, .. }) => scratch.get(..len).unwrap_or_default(),
        None => wire,
    };
    let protection = match opened.done {
        Some(OpenedRtp { index, replayed, .. }) => Protection::Authenticated { index, replayed },
        None => opened.protection,
    };
    let view = View::new(bytes);
    let profile = opened.profile;
    scene.say(sink, Kind::Rtp(Rtp { view, packet: view.check(), wire, protection, profile }));
}

/// Reads an RTCP packet of a connection, or of none.
pub(super) fn rtcp(
    reading: &mut Reading<'_>,
    associations: Option<&mut Associations>,
    scene: &Scene,
    wire: &[u8],
    scratch: &mut Vec<u8>,
    sink: Sink<'_>,
) {
    let opened = open(reading, associations, wire, scratch, Context::open_rtcp);
    count(&mut reading.totals.protected.rtcp, opened.protection);
    let profile = opened.profile;
    let (bytes, encrypted, protection) = match opened.done {
        Some(OpenedRtcp { len, index, encrypted, replayed }) => {
            let protection = Protection::Authenticated { index: index.into(), replayed };
            (scratch.get(..len).unwrap_or_default(), Some(encrypted), protection)
        }
        None => (wire.get(..8).unwrap_or(wire), None, opened.protection),
    };
    scene.say(sink, Kind::Rtcp(Rtcp { bytes, wire, encrypted, protection, profile }));
}

/// What became of a packet.
struct Tried<T> {
    done: Option<T>,
    /// Of one that was opened, that it was.
    protection: Protection,
    profile: Option<rtcspec_wire::dtls::SrtpProfile>,
}

fn open<T>(
    reading: &Reading<'_>,
    associations: Option<&mut Associations>,
    wire: &[u8],
    scratch: &mut Vec<u8>,
    with: impl Fn(&mut Context, &mut [u8]) -> Result<T, SrtpError>,
) -> Tried<T> {
    let mut tried = Tried { done: None, protection: Protection::NoHandshake, profile: None };
    let Some(associations) = associations else { return tried };
    for at in associations.order(reading.bound) {
        let Some(association) = associations.at(at) else { continue };
        let profile = association.dtls.srtp;
        let Some(context) = association.srtp(reading.keys, reading.end) else {
            if tried.protection == Protection::NoHandshake {
                (tried.protection, tried.profile) = (Protection::NoKeys, profile);
            }
            continue;
        };
        scratch.clear();
        scratch.extend_from_slice(wire);
        match with(context, scratch) {
            Ok(done) => {
                let protection = Protection::Authenticated { index: 0, replayed: false };
                return Tried { done: Some(done), protection, profile };
            }
            Err(_) => (tried.protection, tried.profile) = (Protection::Failed, profile),
        }
    }
    tried
}

fn count(totals: &mut Opened, protection: Protection) {
    match protection {
        Protection::Authenticated { .. } => totals.opened += 1,
        Protection::Failed => totals.failed += 1,
        _ => totals.without_key += 1,
    }
}
