//! Datagrams and stream bytes of a capture, in its order.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::Seen;

use super::fragments::{Fragments, Outcome};
use super::ip::{self, Packet};
use super::link::{Carried, carried, seen_at};
use super::summary::{Skipped, Summary};
use super::tcp::{Piece, Segment, Streams};
use crate::read::{Damage, Item, NotACapture, Problem, Problems, Record, Records};

/// Stand-ins for the addresses of SCTP packets from logs, which say none (RFC 5737): who logged, and
/// the other, for each of the associations that the log names.
fn logged(association: u32) -> [IpAddr; 2] {
    let first = 1 + 2 * (association % 126) as u8;
    [first, first + 1].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
}

/// One datagram, or bytes of a TCP stream, with what the capture says about it.
///
/// SCTP packets of logs have no addresses: 192.0.2.1 stands for who logged and 192.0.2.2 for the
/// other, in further associations of the log the numbers that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The bytes and where they were seen.
    pub seen: Seen<'a>,
    /// Bytes at the end of the datagram that the capture did not keep (its snap length).
    pub missing: usize,
    /// Where it was seen.
    pub interface: Interface,
    /// Whether it left there, if a cooked capture says so.
    pub outbound: Option<bool>,
    /// The packet's own number, if the file has one: what has the same number is the same packet,
    /// seen elsewhere.
    pub packet: Option<u64>,
    /// What somebody said about the packet in the file.
    pub comment: Option<&'a str>,
}

/// Tells apart where frames were seen: an interface of a pcapng file, and within a cooked capture
/// of all interfaces (`any`) the interface's index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface {
    of_file: u32,
    within: u32,
}

impl Interface {
    /// Where the file saw a frame of a link type.
    pub(crate) fn of(of_file: u32, link: u16, frame: &[u8]) -> Self {
        Self { of_file, within: seen_at(link, frame).0 }
    }
}

/// The packet that is read.
#[derive(Clone, Copy, Debug, Default)]
struct Here<'a> {
    number: u64,
    at: Duration,
    interface: Interface,
    outbound: Option<bool>,
    packet: Option<u64>,
    comment: Option<&'a str>,
}

impl<'a> Here<'a> {
    fn seen(
        &self,
        carrier: Carrier,
        (source, destination): (SocketAddr, SocketAddr),
        payload: &'a [u8],
    ) -> Seen<'a> {
        let Self { number, at, .. } = *self;
        Seen { number, at, carrier, source, destination, payload }
    }

    fn frame(&self, seen: Seen<'a>) -> Frame<'a> {
        let Self { interface, outbound, packet, comment, .. } = *self;
        Frame { seen, missing: 0, interface, outbound, packet, comment }
    }
}

impl<'a> Frame<'a> {
    /// What was seen, if all of it is there.
    #[must_use]
    pub fn whole(&self) -> Option<Seen<'a>> {
        (self.missing == 0).then_some(self.seen)
    }
}

/// What a step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet; it gave no frame, or one or more.
    Packet,
    /// Lines of an NSS key log that are in the file.
    Secrets(Vec<u8>),
    /// There is nothing more.
    End,
}

/// Reads a capture and gives what UDP and TCP carried.
///
/// Memory is bounded: that of [`Records`], 16 MiB of fragments, and 16 MiB of TCP that waits for
/// earlier bytes in 4096 connections.
#[derive(Debug)]
pub struct Frames<'r> {
    records: Records<'r>,
    network: Network,
    ended: bool,
}

#[derive(Debug, Default)]
struct Network {
    fragments: Fragments,
    streams: Streams,
    summary: Summary,
    first: Option<u64>,
    problems: Vec<(u64, u64, u64)>,
    last: Here<'static>,
}

impl<'r> Frames<'r> {
    /// Looks at the first bytes of a capture.
    ///
    /// # Errors
    /// It is none, or cannot be read.
    pub fn new(source: impl Read + 'r) -> Result<Self, NotACapture> {
        let records = Records::new(source)?;
        Ok(Self { records, network: Network::default(), ended: false })
    }

    /// Reads one packet or block and hands on what came of it.
    pub fn step(&mut self, sink: &mut impl FnMut(Frame<'_>)) -> Step {
        match self.records.next_item() {
            Some(Item::Packet(record)) => {
                let offset = record.offset;
                self.network.record(&record, sink);
                if !self.network.problems.is_empty() {
                    self.gaps(offset);
                }
                Step::Packet
            }
            Some(Item::Secrets(lines)) => Step::Secrets(lines.to_vec()),
            None => {
                self.finish(sink);
                Step::End
            }
        }
    }

    /// Reads all that is left. Secrets in the file are passed over.
    pub fn for_each(&mut self, mut sink: impl FnMut(Frame<'_>)) {
        while self.step(&mut sink) != Step::End {}
    }

    /// The file's format in words.
    #[must_use]
    pub fn format(&self) -> String {
        self.records.format()
    }

    /// Whether the format tells interfaces apart.
    pub(crate) fn may_have_several_views(&self) -> bool {
        self.records.tells_interfaces()
    }

    /// What an interface is called.
    #[must_use]
    pub fn interface_name(&self, interface: Interface) -> String {
        let name = self.records.interface_name(interface.of_file);
        match (name, interface.within) {
            ("", 0) => format!("interface {}", interface.of_file),
            ("", within) => format!("interface {within}"),
            (name, 0) => name.to_owned(),
            (name, within) => format!("{name} {within}"),
        }
    }

    /// How far the file was read; after decompression, if it is compressed.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.records.offset()
    }

    /// Time of the first packet, in nanoseconds since 1970, once it was read; in a log, since
    /// midnight.
    #[must_use]
    pub const fn began(&self) -> Option<u64> {
        self.network.first
    }

    /// What was wrong with the file so far.
    #[must_use]
    pub const fn problems(&self) -> &Problems {
        self.records.problems()
    }

    /// What there was so far.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.network.summary
    }

    fn finish(&mut self, sink: &mut impl FnMut(Frame<'_>)) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.network.finish(sink);
        self.gaps(self.records.offset());
        let incomplete = self.network.fragments.incomplete();
        if incomplete > 0 {
            self.network.summary.skipped.insert(Skipped::Incomplete, incomplete);
        }
    }

    fn gaps(&mut self, offset: u64) {
        for (frame, stream, bytes) in self.network.problems.drain(..) {
            let damage = Damage::Gap { stream, bytes };
            self.records.report(Problem { offset, frame, damage, skipped: Some(0) });
        }
    }
}

impl Network {
    #[inline]
    fn record(&mut self, record: &Record<'_>, sink: &mut impl FnMut(Frame<'_>)) {
        let first = *self.first.get_or_insert(record.nanos);
        self.summary.before_the_first += u64::from(record.nanos < first);
        self.summary.timeless += u64::from(!record.timed);
        let (within, outbound) = seen_at(record.link, record.bytes);
        let here = Here {
            number: record.number,
            at: Duration::from_nanos(record.nanos.saturating_sub(first)),
            interface: Interface { of_file: record.interface, within },
            outbound,
            packet: record.packet,
            comment: record.comment,
        };
        self.last = Here { packet: None, comment: None, ..here };
        self.summary.frames += 1;
        self.summary.bytes += record.bytes.len() as u64;
        self.summary.cut += u64::from(record.bytes.len() < record.length as usize);
        *self.summary.links.entry(record.link).or_default() += 1;
        match carried(record.link, record.bytes) {
            Carried::Ip(bytes) => match ip::packet(bytes) {
                Some(packet) if packet.fragment.is_none() => self.packet(here, &packet, sink),
                Some(fragment) => self.fragment(here, &fragment, record.nanos, sink),
                None => self.summary.skip(Skipped::Malformed),
            },
            Carried::Sctp(bytes) => self.sctp(here, record, bytes, sink),
            Carried::Other(kind) => self.summary.skip(Skipped::EtherType(kind)),
            Carried::UnknownLink => self.summary.skip(Skipped::LinkType(record.link)),
            Carried::Short => self.summary.skip(Skipped::Malformed),
        }
    }

    fn fragment(
        &mut self,
        here: Here<'_>,
        packet: &Packet<'_>,
        now: u64,
        sink: &mut impl FnMut(Frame<'_>),
    ) {
        match self.fragments.add(here.interface, packet, now) {
            Outcome::Held => {}
            Outcome::Whole(protocol, payload) => {
                self.summary.reassembled += 1;
                let whole = Packet { protocol, payload: &payload, fragment: None, ..*packet };
                match ip::beyond_fragments(whole) {
                    Some(whole) => self.packet(here, &whole, sink),
                    None => self.summary.skip(Skipped::Malformed),
                }
            }
            Outcome::Overlap => self.summary.skip(Skipped::Overlap),
            Outcome::Malformed => self.summary.skip(Skipped::BadFragment),
        }
    }

    #[inline]
    fn packet(&mut self, here: Here<'_>, packet: &Packet<'_>, sink: &mut impl FnMut(Frame<'_>)) {
        match packet.protocol {
            ip::UDP => self.udp(here, packet, sink),
            ip::TCP => self.tcp(here, packet, sink),
            ip::ICMP | ip::ICMP_V6 => self.summary.skip(Skipped::Icmp),
            other => self.summary.skip(Skipped::Protocol(other)),
        }
    }

    #[inline]
    fn udp(&mut self, here: Here<'_>, packet: &Packet<'_>, sink: &mut impl FnMut(Frame<'_>)) {
        let Some((head, rest)) = packet.payload.split_first_chunk::<8>() else {
            self.summary.skip(Skipped::Malformed);
            return;
        };
        let field = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let length = usize::from(field(4));
        // Zero: the length is that of the packet, for jumbograms and some offloads.
        let length = if length == 0 { 8 + rest.len() + packet.missing } else { length };
        let Some(length) =
            length.checked_sub(8).filter(|_| length <= 8 + rest.len() + packet.missing)
        else {
            self.summary.skip(Skipped::Malformed);
            return;
        };
        self.summary.datagrams += 1;
        let ends = (
            SocketAddr::new(packet.source, field(0)),
            SocketAddr::new(packet.destination, field(2)),
        );
        let seen = here.seen(Carrier::Udp, ends, &rest[..length.min(rest.len())]);
        sink(Frame { missing: length.saturating_sub(rest.len()), ..here.frame(seen) });
    }

    fn tcp(&mut self, here: Here<'_>, packet: &Packet<'_>, sink: &mut impl FnMut(Frame<'_>)) {
        let segment = Segment::parse(packet.source, packet.destination, packet.payload);
        let Some(segment) = segment else {
            self.summary.skip(Skipped::Malformed);
            return;
        };
        self.summary.segments += 1;
        let Self { streams, summary, problems, .. } = self;
        streams.add(here.interface, &segment, &mut |interface, piece| {
            hand_on(piece, Here { interface, ..here }, summary, problems, sink);
        });
    }

    fn finish(&mut self, sink: &mut impl FnMut(Frame<'_>)) {
        let Self { streams, summary, problems, last, .. } = self;
        streams.finish(&mut |interface, piece| {
            hand_on(piece, Here { interface, ..*last }, summary, problems, sink);
        });
    }

    fn sctp(
        &mut self,
        here: Here<'_>,
        record: &Record<'_>,
        bytes: &[u8],
        sink: &mut impl FnMut(Frame<'_>),
    ) {
        let Some(&[a, b, c, d]) = bytes.first_chunk::<4>() else {
            self.summary.skip(Skipped::Malformed);
            return;
        };
        self.summary.sctp += 1;
        let [own, other] = logged(record.interface);
        let (from, to) = if record.outbound == Some(false) { (other, own) } else { (own, other) };
        let ends = (
            SocketAddr::new(from, u16::from_be_bytes([a, b])),
            SocketAddr::new(to, u16::from_be_bytes([c, d])),
        );
        let missing = (record.length as usize).saturating_sub(record.bytes.len());
        let seen = here.seen(Carrier::Sctp, ends, bytes);
        sink(Frame { missing, ..here.frame(seen) });
    }
}

fn hand_on(
    piece: Piece<'_>,
    here: Here<'_>,
    summary: &mut Summary,
    problems: &mut Vec<(u64, u64, u64)>,
    sink: &mut impl FnMut(Frame<'_>),
) {
    match piece {
        Piece::Bytes { number: stream, source, destination, bytes, .. } => {
            sink(here.frame(here.seen(Carrier::Tcp(stream), (source, destination), bytes)));
        }
        Piece::Gap { number: stream, bytes } => {
            summary.lacking += bytes;
            problems.push((here.number, stream, bytes));
        }
    }
}
