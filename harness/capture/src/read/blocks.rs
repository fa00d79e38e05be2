//! pcapng: sections of blocks (draft-ietf-opsawg-pcapng).

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use pcap_parser::pcapng::{
    parse_decryptionsecretsblock_be, parse_decryptionsecretsblock_le, parse_enhancedpacketblock_be,
    parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_sectionheaderblock, parse_simplepacketblock_be,
    parse_simplepacketblock_le,
};
use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{InterfaceDescriptionBlock, OptionCode, PcapNGOption, SecretsType};

use super::clock::Clock;
use super::problem::Damage;
use super::records::{Raw, Step, begins_file};
use super::window::Window;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// Kinds a search for the next block accepts: those above, names, statistics, journal, custom.
const KNOWN: [u32; 11] = [SECTION_HEADER, 1, 2, 3, 4, 5, 6, 9, 10, 0xbad, 0x4000_0bad];

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Kind, length, and length again.
const FRAME: usize = 12;
/// The longest block that is read. Wireshark has the same limit.
const MAX_BLOCK: u32 = 16 << 20;
/// The longest block a search accepts, so that it looks at a bounded stretch.
const MAX_FOUND: u32 = 1 << 18;
/// Interfaces of a section beyond this number are not described to anybody.
const MAX_INTERFACES: usize = 1 << 14;
/// Characters of an interface's name that are kept.
const MAX_NAME: usize = 256;
/// `epb_packetid`.
const PACKET_ID: OptionCode = OptionCode(5);
const PACKET_FLAGS: OptionCode = OptionCode(2);
/// Bytes searched before they are let go of.
const STRIDE: usize = 1 << 16;

/// The state of reading one section.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Names of the interfaces of all sections, by their numbers.
    names: Vec<String>,
    numbers: BTreeMap<Identity, u32>,
}

/// What tells interfaces of a file apart: a name, or else the place in a section.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Name(String),
    Place(usize),
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    number: u32,
    link: u16,
    snap_length: u32,
    clock: Clock,
}

impl Section {
    /// The format in words.
    pub(super) fn words(&self) -> String {
        format!("pcapng, {}", if self.big_endian { "big-endian" } else { "little-endian" })
    }

    /// The next block.
    #[inline]
    pub(super) fn step(&mut self, window: &mut Window<'_>) -> Step {
        if !window.want(FRAME) {
            return Step::end("block header", window.bytes().len(), FRAME);
        }
        let bytes = window.bytes();
        if is_section(bytes) {
            self.big_endian = bytes[8..12] == BYTE_ORDER.to_be_bytes();
        } else if begins_file(bytes) {
            return Step::NewFile;
        }
        let (kind, length) = (self.number(bytes, 0), self.number(bytes, 4));
        if !(FRAME as u32..=MAX_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return self.search(window, Damage::BadLength { what: "block", length: length.into() });
        }
        let whole = length as usize;
        if !window.want(whole) {
            let have = window.bytes().len() as u64;
            return self
                .search(window, Damage::CutShort { what: "block", have, need: whole as u64 });
        }
        let last = self.number(window.bytes(), whole - 4);
        if last != length {
            return self.search(window, Damage::LengthsDiffer { first: length, last });
        }
        let block = &window.bytes()[..whole];
        self.block(kind, block).unwrap_or_else(|damage| Step::Bad(damage, whole, is_packet(kind)))
    }

    fn block(&mut self, kind: u32, block: &[u8]) -> Result<Step, Damage> {
        match kind {
            ENHANCED_PACKET => self.enhanced(block),
            SIMPLE_PACKET => self.simple(block),
            OBSOLETE_PACKET => self.obsolete(block),
            SECTION_HEADER => {
                parse_sectionheaderblock(block)
                    .map_err(|_| Damage::Malformed { what: "section header" })?;
                self.interfaces.clear();
                Ok(Step::Skip(block.len()))
            }
            INTERFACE_DESCRIPTION => self.interface(block),
            DECRYPTION_SECRETS => self.secrets(block),
            _ => Ok(Step::Skip(block.len())),
        }
    }

    fn interface(&mut self, block: &[u8]) -> Result<Step, Damage> {
        let parse = match self.big_endian {
            true => parse_interfacedescriptionblock_be,
            false => parse_interfacedescriptionblock_le,
        };
        let malformed = Damage::Malformed { what: "interface description" };
        let (_, found) = parse(block).map_err(|_| malformed)?;
        if self.interfaces.len() < MAX_INTERFACES {
            let clock = self.clock(&found);
            let link = found.linktype.0 as u16;
            let name = option(&found.options, OptionCode::IfName).unwrap_or_default();
            let name: String = String::from_utf8_lossy(name).chars().take(MAX_NAME).collect();
            let number = self.numbered(name.trim_end_matches('\0'));
            self.interfaces.push(Interface { number, link, snap_length: found.snaplen, clock });
        }
        Ok(Step::Skip(block.len()))
    }

    /// Sections that were written one after the other have the same interfaces again.
    fn numbered(&mut self, name: &str) -> u32 {
        let identity = match name {
            "" => Identity::Place(self.interfaces.len()),
            name => Identity::Name(name.to_owned()),
        };
        if self.names.len() >= MAX_INTERFACES {
            return self.numbers.get(&identity).copied().unwrap_or_default();
        }
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(identity).or_insert(next);
        if number == next {
            self.names.push(name.to_owned());
        }
        number
    }

    /// The name of an interface; empty if it has none.
    pub(super) fn interface_name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    fn clock(&self, found: &InterfaceDescriptionBlock<'_>) -> Clock {
        let value = |code| option(&found.options, code);
        let offset = value(OptionCode::IfTsoffset).and_then(|bytes| bytes.try_into().ok());
        let offset = offset.map_or(0, |bytes| match self.big_endian {
            true => i64::from_be_bytes(bytes),
            false => i64::from_le_bytes(bytes),
        });
        let resolution = value(OptionCode::IfTsresol).and_then(|bytes| bytes.first().copied());
        Clock::new(resolution.unwrap_or(6), offset)
    }

    fn secrets(&self, block: &[u8]) -> Result<Step, Damage> {
        let parse = match self.big_endian {
            true => parse_decryptionsecretsblock_be,
            false => parse_decryptionsecretsblock_le,
        };
        let malformed = Damage::Malformed { what: "decryption secrets block" };
        let (_, found) = parse(block).map_err(|_| malformed)?;
        if found.secrets_type != SecretsType::TlsKeyLog {
            return Ok(Step::Skip(block.len()));
        }
        let start = FRAME - 4 + 8;
        Ok(Step::Secrets(start..start + found.secrets_len as usize, block.len()))
    }

    fn enhanced(&self, block: &[u8]) -> Result<Step, Damage> {
        let parse = match self.big_endian {
            true => parse_enhancedpacketblock_be,
            false => parse_enhancedpacketblock_le,
        };
        let malformed = Damage::Malformed { what: "packet block" };
        let (_, found) = parse(block).map_err(|_| malformed)?;
        let ticks = u64::from(found.ts_high) << 32 | u64::from(found.ts_low);
        let (captured, length) = (found.caplen, found.origlen);
        let packet = Packet { start: 28, captured, length, ticks, id: None };
        let packet = Packet { id: self.packet_id(&found.options), ..packet };
        let comment = comment(block, &found.options);
        let outbound = self.outbound(&found.options);
        match self.packet(found.if_id, &packet, comment, block.len())? {
            Step::Packet(raw, damage) => Ok(Step::Packet(Raw { outbound, ..raw }, damage)),
            other => Ok(other),
        }
    }

    /// The predecessor of the enhanced packet block: a 16-bit interface and a count of drops.
    fn obsolete(&self, block: &[u8]) -> Result<Step, Damage> {
        if block.len() < 28 + 4 {
            return Err(Damage::Malformed { what: "packet block" });
        }
        let head = self.number(block, 8);
        let interface = if self.big_endian { head >> 16 } else { head & 0xffff };
        let ticks = u64::from(self.number(block, 12)) << 32 | u64::from(self.number(block, 16));
        let (captured, length) = (self.number(block, 20), self.number(block, 24));
        if captured as usize > block.len() - 32 {
            return Err(Damage::Malformed { what: "packet block" });
        }
        let packet = Packet { start: 28, captured, length, ticks, id: None };
        self.packet(interface, &packet, 0..0, block.len())
    }

    /// A packet of the first interface without a time.
    fn simple(&self, block: &[u8]) -> Result<Step, Damage> {
        let parse =
            if self.big_endian { parse_simplepacketblock_be } else { parse_simplepacketblock_le };
        let malformed = Damage::Malformed { what: "simple packet block" };
        let (_, found) = parse(block).map_err(|_| malformed)?;
        let limit = self.interfaces.first().map_or(0, |interface| interface.snap_length);
        let limit = if limit == 0 { u32::MAX } else { limit };
        let captured = (found.packet_data().len() as u32).min(limit);
        let packet = Packet { start: 12, captured, length: found.origlen, ticks: 0, id: None };
        match self.packet(0, &packet, 0..0, block.len())? {
            Step::Packet(raw, damage) => Ok(Step::Packet(Raw { nanos: None, ..raw }, damage)),
            other => Ok(other),
        }
    }

    fn packet(
        &self,
        interface: u32,
        packet: &Packet,
        comment: Range<usize>,
        used: usize,
    ) -> Result<Step, Damage> {
        let known = self.interfaces.len();
        let described = self.interfaces.get(interface as usize);
        let described = described.ok_or(Damage::UnknownInterface { interface, known })?;
        let bytes = packet.start..packet.start + packet.captured as usize;
        let raw = Raw {
            bytes,
            nanos: Some(described.clock.nanos(packet.ticks)),
            link: described.link,
            length: packet.length.max(packet.captured),
            comment,
            interface: described.number,
            packet: packet.id,
            outbound: None,
            used,
        };
        Ok(Step::Packet(raw, None))
    }

    /// The two lowest bits of `epb_flags`: 1 is inbound, 2 is outbound.
    fn outbound(&self, options: &[PcapNGOption<'_>]) -> Option<bool> {
        match self.number(option(options, PACKET_FLAGS)?, 0) & 3 {
            1 => Some(false),
            2 => Some(true),
            _ => None,
        }
    }

    fn packet_id(&self, options: &[PcapNGOption<'_>]) -> Option<u64> {
        let bytes = option(options, PACKET_ID)?.first_chunk::<8>()?;
        Some(if self.big_endian { u64::from_be_bytes(*bytes) } else { u64::from_le_bytes(*bytes) })
    }

    fn number(&self, bytes: &[u8], at: usize) -> u32 {
        let field = bytes.get(at..at + 4).and_then(|field| field.try_into().ok());
        let field = field.unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    /// Looks for the next block of a known kind whose two lengths agree.
    fn search(&self, window: &mut Window<'_>, damage: Damage) -> Step {
        let mut skipped = 1;
        window.consume(1);
        loop {
            if !window.want(FRAME) {
                return Step::Damaged(damage, None);
            }
            let found = self.search_stride(window);
            let (ControlFlow::Break(at) | ControlFlow::Continue(at)) = found;
            window.consume(at);
            skipped += at as u64;
            if found.is_break() {
                return Step::Damaged(damage, Some(skipped));
            }
        }
    }

    fn search_stride(&self, window: &mut Window<'_>) -> ControlFlow<usize, usize> {
        let last = (window.bytes().len() - FRAME).min(STRIDE);
        for at in 0..=last {
            let bytes = &window.bytes()[at..];
            if is_section(bytes) || begins_file(bytes) {
                return ControlFlow::Break(at);
            }
            if !KNOWN.contains(&self.number(bytes, 0)) {
                continue;
            }
            let length = self.number(bytes, 4);
            let fits = (FRAME as u32..=MAX_FOUND).contains(&length) && length.is_multiple_of(4);
            let end = at + length as usize;
            if fits && window.want(end) && self.number(window.bytes(), end - 4) == length {
                return ControlFlow::Break(at);
            }
        }
        ControlFlow::Continue(last + 1)
    }
}

/// What the packet blocks have in common.
struct Packet {
    start: usize,
    captured: u32,
    length: u32,
    ticks: u64,
    id: Option<u64>,
}

/// Whether a pcapng section begins here.
pub(super) fn is_section(bytes: &[u8]) -> bool {
    let order = bytes.get(8..12);
    bytes.starts_with(&SECTION_HEADER.to_be_bytes())
        && (order == Some(&BYTE_ORDER.to_be_bytes()) || order == Some(&BYTE_ORDER.to_le_bytes()))
}

const fn is_packet(kind: u32) -> bool {
    matches!(kind, OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
}

fn option<'a>(options: &'a [PcapNGOption<'_>], code: OptionCode) -> Option<&'a [u8]> {
    options.iter().find(|option| option.code == code).and_then(|option| option.as_bytes().ok())
}

/// Where in the block its comment is.
fn comment(block: &[u8], options: &[PcapNGOption<'_>]) -> Range<usize> {
    let Some(text) = option(options, OptionCode::Comment) else { return 0..0 };
    // The option borrows from the block, so its place is the distance between the two.
    let at = text.as_ptr().addr().wrapping_sub(block.as_ptr().addr());
    if at <= block.len() && text.len() <= block.len() - at { at..at + text.len() } else { 0..0 }
}
