//! Every frame with what the observer says of it: whose it is, and what it went through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{Event, Kind, Observer, Purpose, Seen, Side, Stun};
use rtcspec_wire::stun::{Class, Method};

use super::MOST;
use crate::net::Frame;
use crate::{Capture, Found};

/// ufrags of one connection that are remembered.
const MAX_UFRAGS: usize = 64;

/// A frame that belongs to some connection, or may.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) carrier: Carrier,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) payload: Vec<u8>,
    pub(super) connection: Option<u32>,
    /// Who sent it, or what is inside.
    pub(super) from: Side,
    /// The STUN or TURN server at one end of it.
    pub(super) server: Option<SocketAddr>,
}

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
    /// SCTP packets outside DTLS.
    pub(super) plain_sctp: u64,
    /// Datagrams that the capture cut.
    pub(super) cut: u64,
    /// The first frame that was not taken in, because too much was.
    pub(super) ended_at: Option<u64>,
    held: usize,
}

/// Reads a capture to its end. Secrets in the file are added to its key log.
pub(super) fn collect(capture: &mut Capture) -> Collected {
    let mut observer = capture.observer();
    let mut collected = Collected::default();
    capture.each(&mut |found| {
        if let Found::Frame(frame) = found {
            collected.frame(&mut observer, &frame);
        }
    });
    collected
}

impl Collected {
    fn frame(&mut self, observer: &mut Observer, frame: &Frame<'_>) {
        self.plain_sctp += u64::from(frame.plain_sctp);
        self.cut += u64::from(frame.missing > 0);
        let Some(seen) = frame.whole() else { return };
        if self.held >= MOST {
            self.ended_at.get_or_insert(seen.number);
            return;
        }
        let mut kept = kept(&seen);
        observer.seen(&seen, &mut |event| self.event(&mut kept, event));
        if kept.connection.is_none() && kept.server.is_none() && kept.from == Side::Unknown {
            self.others += 1;
            return;
        }
        self.held += seen.payload.len();
        kept.payload = seen.payload.to_vec();
        self.frames.push(kept);
    }

    fn event(&mut self, kept: &mut Kept, event: &Event<'_>) {
        if let Some(connection) = event.connection {
            kept.connection = Some(connection.0);
            kept.from = event.from;
        }
        if let Some(relay) = event.relay {
            self.servers.insert(relay.server, true);
            self.relayed.extend(relay.relayed);
            kept.server = Some(relay.server);
        }
        if let Kind::Stun(stun) = &event.kind {
            self.stun(kept, event, stun);
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

fn kept(seen: &Seen<'_>) -> Kept {
    Kept {
        number: seen.number,
        at: seen.at,
        carrier: seen.carrier,
        source: seen.source,
        destination: seen.destination,
        payload: Vec::new(),
        connection: None,
        from: Side::Unknown,
        server: None,
    }
}
