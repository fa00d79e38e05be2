//! Every frame with what the observer says of it: whose it is, and what it went through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{Event, Kind, Observer, Purpose, Stun, Unopeneds};
use rtcspec_wire::stun::{Class, Method};

use super::MOST;
use super::sightings::{Kept, Matcher, Sighting};
use crate::net::Frame;
use crate::{Capture, Found};

/// ufrags of one connection that are remembered.
const MAX_UFRAGS: usize = 64;

/// All that was read of a capture.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) frames: Vec<Kept>,
    /// The servers, and whether they relay.
    pub(super) servers: BTreeMap<SocketAddr, bool>,
    /// Addresses that servers relay at.
    pub(super) relayed: BTreeSet<SocketAddr>,
    /// ufrags by connection.
    pub(super) ufrags: BTreeMap<u32, BTreeSet<String>>,
    /// Frames that are nobody's.
    pub(super) others: u64,
    /// Connections of SCTP outside DTLS.
    pub(super) plain: BTreeSet<u32>,
    /// Datagrams that the capture cut.
    pub(super) cut: u64,
    /// The first frame that was not taken in, because too much was.
    pub(super) ended_at: Option<u64>,
    /// Streams that belong to nobody because they stay closed.
    pub(super) closed: Unopeneds,
    /// What finds the packet of a further sighting, if there are several views.
    pub(super) matcher: Option<Matcher>,
    held: usize,
}

/// Reads a capture to its end. Secrets in the file are added to its key log.
pub(super) fn collect(capture: &mut Capture) -> Collected {
    let mut observer = capture.observer();
    let matcher = capture.several_views.then(Matcher::default);
    let mut collected = Collected { matcher, ..Collected::default() };
    capture.each(&mut |found| {
        if let Found::Frame(frame) = found {
            collected.frame(&mut observer, &frame);
        }
    });
    collected.nobodys();
    collected
}

impl Collected {
    fn frame(&mut self, observer: &mut Observer, frame: &Frame<'_>) {
        self.cut += u64::from(frame.missing > 0);
        let Some(seen) = frame.whole() else { return };
        if self.held >= MOST {
            self.ended_at.get_or_insert(seen.number);
            return;
        }
        let known = self.matcher.as_mut().and_then(|matcher| matcher.find(&self.frames, frame));
        let mut kept = match known {
            Some(index) => self.frames[index].clone(),
            None => Kept::new(frame),
        };
        observer.seen(&seen, &mut |event| self.event(&mut kept, event));
        self.held += size_of::<Sighting>();
        if let Some(index) = known {
            kept.again(frame);
            self.frames[index] = kept;
            return;
        }
        match &mut self.matcher {
            // The next sighting may say whose it is.
            Some(matcher) => matcher.add(self.frames.len(), &kept),
            None if kept.is_nobodys() => {
                self.others += 1;
                return;
            }
            None => {}
        }
        self.held += seen.payload.len() + size_of::<Kept>();
        self.frames.push(kept);
    }

    fn nobodys(&mut self) {
        let before = self.frames.len();
        self.frames.retain(|kept| !kept.is_nobodys());
        self.others += (before - self.frames.len()) as u64;
    }

    fn event(&mut self, kept: &mut Kept, event: &Event<'_>) {
        if let Some(connection) = event.connection
            && kept.connection.is_none_or(|known| known == connection.0)
        {
            kept.connection = Some(connection.0);
            kept.from = event.from;
            if event.carrier == Carrier::Sctp {
                self.plain.insert(connection.0);
            }
        }
        if let Some(relay) = event.relay {
            self.servers.insert(relay.server, true);
            self.relayed.extend(relay.relayed);
            kept.server = Some(relay.server);
        }
        match &event.kind {
            Kind::Stun(stun) => self.stun(kept, event, stun),
            Kind::Opaque(_) if event.connection.is_none() => self.closed.hear(event),
            _ => {}
        }
    }

    fn stun(&mut self, kept: &mut Kept, event: &Event<'_>, stun: &Stun<'_>) {
        if let (Some(username), Some(connection)) = (stun.username, event.connection) {
            let known = self.ufrags.entry(connection.0).or_default();
            for ufrag in [username.receiver, username.sender] {
                if known.len() < MAX_UFRAGS {
                    known.insert(ufrag.to_owned());
                }
            }
        }
        let turn = stun.purpose == Purpose::Turn;
        if event.relay.is_some() || !(turn || stun.purpose == Purpose::Gather) {
            return;
        }
        let Some(kind) = stun.view.message_type() else { return };
        let from_client = match kind.class {
            Class::Request => true,
            Class::Indication => kind.method == Method::SEND,
            Class::SuccessResponse | Class::ErrorResponse => false,
        };
        let server = if from_client { event.outer.destination } else { event.outer.source };
        *self.servers.entry(server).or_default() |= turn;
        self.relayed.extend(stun.view.xor_relayed_address());
        kept.server = Some(server);
    }
}
