//! Datagrams, told apart by their first bytes (RFC 7983), and what TURN carries.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dns::is_multicast_dns;
use rtcspec_wire::turn::ChannelDataView;

use super::book::Book;
use super::draft::Draft;
use super::dtls::Dtls;

/// TURN in TURN that is followed, as far as an observer does.
const NESTING: u8 = rtcspec_trace::watch::limits::NESTING;

/// Where a datagram goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// The relays it is in, the outermost first.
    via: Vec<Via>,
}

/// Who is at the other end of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Via {
    Peer(SocketAddr),
    Channel(u16),
}

/// Both directions of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    low: SocketAddr,
    high: SocketAddr,
    via: Vec<Via>,
}

impl Path {
    pub(super) const fn new(source: SocketAddr, destination: SocketAddr) -> Self {
        Self { source, destination, via: Vec::new() }
    }

    /// The flow, and whether this is the direction from its lower address.
    pub(super) fn flow(&self) -> (Flow, bool) {
        let upwards = self.source <= self.destination;
        let ends = (self.source, self.destination);
        let (low, high) = if upwards { ends } else { (ends.1, ends.0) };
        (Flow { low, high, via: self.via.clone() }, upwards)
    }
}

/// Rewrites datagrams one after the other.
#[derive(Debug)]
pub(super) struct Rewriter {
    pub(super) book: Book,
    pub(super) dtls: Dtls,
    /// Flows with connectivity checks.
    pub(super) checked: BTreeSet<Flow>,
}

impl Rewriter {
    pub(super) fn new(book: Book, dtls: Dtls) -> Self {
        Self { book, dtls, checked: BTreeSet::new() }
    }

    /// After the first reading: draws what has to be drawn at once, and begins anew.
    pub(super) fn again(&mut self) {
        self.book.assign();
        self.dtls.again();
        self.checked.clear();
    }

    /// Whether a path is one of a connection, by its checks or its DTLS.
    pub(super) fn is_connection(&self, path: &Path) -> bool {
        let (flow, _) = path.flow();
        self.checked.contains(&flow) || self.dtls.has(&flow)
    }

    /// A datagram in the place of another.
    pub(super) fn datagram(&mut self, path: &Path, bytes: &[u8], depth: u8) -> Vec<u8> {
        // Names and addresses of a home, of which a session needs none.
        if is_multicast_dns(path.source, path.destination, bytes) {
            let mut draft = Draft::new(&self.book.noise, bytes);
            draft.keep_first(1);
            return draft.finish();
        }
        match Protocol::of(bytes) {
            Protocol::Stun => self.stun(path, bytes, depth),
            Protocol::TurnChannel => self.channel(path, bytes, depth),
            Protocol::Dtls => self.dtls(path, bytes),
            Protocol::Rtp => self.rtp(path, bytes),
            Protocol::Rtcp => self.rtcp(path, bytes),
            Protocol::Empty | Protocol::Unassigned | Protocol::Zrtp | Protocol::Quic => {
                let mut draft = Draft::new(&self.book.noise, bytes);
                draft.keep_first(1);
                draft.finish()
            }
        }
    }

    /// What a relay carries; too deep inside relays it is noise but for what tells its protocol.
    pub(super) fn inner(&mut self, path: &Path, via: Via, data: &[u8], depth: u8) -> Vec<u8> {
        if depth >= NESTING {
            let mut draft = Draft::new(&self.book.noise, data);
            draft.keep_first(1);
            return draft.finish();
        }
        let mut inner = path.clone();
        inner.via.push(via);
        self.datagram(&inner, data, depth + 1)
    }

    fn channel(&mut self, path: &Path, bytes: &[u8], depth: u8) -> Vec<u8> {
        let view = ChannelDataView::new(bytes);
        let mut draft = Draft::new(&self.book.noise, bytes);
        draft.keep_first(4);
        let via = Via::Channel(view.number().unwrap_or_default());
        let other = self.inner(path, via, view.data(), depth);
        draft.put(view.data(), &other);
        draft.keep_zeros(view.trailing());
        draft.finish()
    }
}
