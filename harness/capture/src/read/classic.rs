//! Classic pcap: a file header, then records (draft-ietf-opsawg-pcap).

use std::ops::ControlFlow;

use pcap_parser::{LegacyPcapBlock, PcapHeader};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified};

use super::problem::Damage;
use super::records::{Raw, Step, begins_file};
use super::window::Window;

/// The longest packet. Wireshark and libpcap have the same limit.
const MAX_PACKET: u32 = 1 << 18;
/// How far apart two neighbouring packets may be for a record found by search, in seconds.
const NEIGHBOURS: u32 = 30 * 24 * 3600;
/// Bytes searched before they are let go of.
const STRIDE: usize = 1 << 16;

/// The state of reading one file.
#[derive(Clone, Debug)]
pub(super) struct Classic {
    big_endian: bool,
    modified: bool,
    nanoseconds: bool,
    link: u16,
    last: Option<u32>,
}

impl Classic {
    /// Length of the file header.
    pub(super) const HEADER: usize = 24;

    /// Reads a file header.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let (_, header) = pcap_parser::parse_pcap_header(bytes).ok()?;
        Some(Self::of(&header))
    }

    fn of(header: &PcapHeader) -> Self {
        Self {
            big_endian: header.is_bigendian(),
            modified: header.is_modified_format(),
            nanoseconds: header.is_nanosecond_precision(),
            // The upper half says how long the frame check sequence is.
            link: (header.network.0 & 0xffff) as u16,
            last: None,
        }
    }

    /// The link type of all packets.
    pub(super) const fn link(&self) -> u16 {
        self.link
    }

    /// The format in words.
    pub(super) fn words(&self) -> String {
        let unit = if self.nanoseconds { "nanoseconds" } else { "microseconds" };
        let order = if self.big_endian { "big-endian" } else { "little-endian" };
        let modified = if self.modified { ", modified" } else { "" };
        format!("pcap, {unit}, {order}{modified}")
    }

    /// The next record.
    #[inline]
    pub(super) fn step(&mut self, window: &mut Window<'_>) -> Step {
        let head = self.record_header();
        if !window.want(head) {
            return Step::end("record header", window.bytes().len(), head);
        }
        if begins_file(window.bytes()) {
            return Step::NewFile;
        }
        let length = self.captured_length(window.bytes());
        let whole = head + length as usize;
        if length > MAX_PACKET {
            return self
                .search(window, Damage::BadLength { what: "packet", length: length.into() });
        }
        if !window.want(whole) {
            let have = window.bytes().len() as u64;
            let damage = Damage::CutShort { what: "packet", have, need: whole as u64 };
            return self.search(window, damage);
        }
        let Some(block) = self.parse(window.bytes()) else {
            return self.search(window, Damage::Malformed { what: "record" });
        };
        if block.ts_sec == 0 && block.ts_usec == 0 && block.caplen == 0 && block.origlen == 0 {
            return self.search(window, Damage::Malformed { what: "record" });
        }
        let fraction = (block.ts_usec >= self.fractions()).then_some(block.ts_usec);
        let unit = if self.nanoseconds { 1 } else { 1000 };
        let part = if fraction.is_some() { 0 } else { u64::from(block.ts_usec) * unit };
        self.last = Some(block.ts_sec);
        let nanos = u64::from(block.ts_sec) * 1_000_000_000 + part;
        let raw = Raw {
            bytes: head..whole,
            nanos: Some(nanos),
            link: self.link,
            length: block.origlen.max(length),
            comment: 0..0,
            interface: 0,
            packet: None,
            outbound: None,
            used: whole,
        };
        Step::Packet(raw, fraction.map(|fraction| Damage::BadTime { fraction }))
    }

    const fn record_header(&self) -> usize {
        if self.modified { 24 } else { 16 }
    }

    const fn fractions(&self) -> u32 {
        if self.nanoseconds { 1_000_000_000 } else { 1_000_000 }
    }

    /// The record's claim, for which its packet need not have come yet.
    fn captured_length(&self, bytes: &[u8]) -> u32 {
        let field = bytes.get(8..12).and_then(|field| field.try_into().ok()).unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Option<LegacyPcapBlock<'a>> {
        let parse = match (self.modified, self.big_endian) {
            (true, _) => parse_pcap_frame_modified,
            (false, true) => parse_pcap_frame_be,
            (false, false) => parse_pcap_frame,
        };
        parse(bytes).ok().map(|(_, block)| block)
    }

    /// Looks for the next record that makes sense and is followed by another, or by the end.
    fn search(&self, window: &mut Window<'_>, damage: Damage) -> Step {
        let mut skipped = 1;
        window.consume(1);
        loop {
            if !window.want(self.record_header()) {
                return Step::Damaged(damage, None);
            }
            match self.search_stride(window) {
                ControlFlow::Break(at) => {
                    window.consume(at);
                    return Step::Damaged(damage, Some(skipped + at as u64));
                }
                ControlFlow::Continue(at) => {
                    window.consume(at);
                    skipped += at as u64;
                }
            }
        }
    }

    fn search_stride(&self, window: &mut Window<'_>) -> ControlFlow<usize, usize> {
        let head = self.record_header();
        let last = (window.bytes().len() - head).min(STRIDE);
        for at in 0..=last {
            let bytes = &window.bytes()[at..];
            if begins_file(bytes) {
                return ControlFlow::Break(at);
            }
            let Some(end) = self.likely(bytes).map(|length| at + head + length) else { continue };
            let follows = match window.want(end + head) {
                true => self.likely(&window.bytes()[end..]).is_some(),
                false => window.bytes().len() == end,
            };
            if follows {
                return ControlFlow::Break(at);
            }
        }
        ControlFlow::Continue(last + 1)
    }

    /// The packet's length, if this looks like a record header.
    fn likely(&self, bytes: &[u8]) -> Option<usize> {
        let field = |at: usize| {
            let field = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(if self.big_endian {
                u32::from_be_bytes(field)
            } else {
                u32::from_le_bytes(field)
            })
        };
        let (seconds, fraction, captured, length) = (field(0)?, field(4)?, field(8)?, field(12)?);
        let near = self.last.is_none_or(|last| last.abs_diff(seconds) < NEIGHBOURS);
        let fits =
            (1..=MAX_PACKET).contains(&captured) && (captured..=MAX_PACKET).contains(&length);
        (near && fits && fraction < self.fractions()).then_some(captured as usize)
    }
}
