//! pcapng files (draft-ietf-opsawg-pcapng), little-endian.

use std::time::Duration;

/// When a virtual run begins: 2000-01-01 00:00:00 UTC. Any fixed time would do; this one is round
/// and does not look like a real capture's.
pub const EPOCH: Duration = Duration::from_secs(946_684_800);

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Link type of packets that begin with an IP header of either version.
const LINKTYPE_RAW: u16 = 101;
/// Secrets in the format of NSS key logs.
const TLS_KEY_LOG: u32 = 0x544c_534b;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_RESOLUTION: u16 = 9;
const PACKET_FLAGS: u16 = 2;
const PACKET_ID: u16 = 5;

/// An interface of a file, by [`Writer::interface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface(u32);

/// Which way a packet crossed an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crossing {
    /// Into what the interface belongs to.
    Inbound,
    /// Out of it.
    Outbound,
}

/// A packet at an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where.
    pub interface: Interface,
    /// Time since the run began.
    pub at: Duration,
    /// Which way.
    pub crossing: Option<Crossing>,
    /// The packet, from its link layer's header on.
    pub bytes: &'a [u8],
    /// Bytes at its end that are not there.
    pub missing: u32,
    /// What there is to say about it.
    pub comment: Option<&'a str>,
    /// The packet's own number, the same at all interfaces (`epb_packetid`).
    pub id: Option<u64>,
}

/// Writes one file with one section.
///
/// Readers want secrets before the packets that they decrypt: write them first.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    epoch: Duration,
    interfaces: u32,
}

impl Writer {
    /// Begins a file written by `application`, whose packets' times count from `epoch` after 1970.
    pub fn new(application: &str, epoch: Duration) -> Self {
        let mut writer = Self { bytes: Vec::new(), epoch, interfaces: 0 };
        writer.block(SECTION_HEADER, |body| {
            body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
            // Version 1.0.
            body.extend([1, 0, 0, 0]);
            // The section's length is not given.
            body.extend([0xff; 8]);
            option(body, SECTION_APPLICATION, application.as_bytes());
            option(body, OPTION_END, &[]);
        });
        writer
    }

    /// Adds an interface whose packets begin with an IP header; its times have nanoseconds.
    pub fn interface(&mut self, name: &str) -> Interface {
        self.interface_of(name, LINKTYPE_RAW)
    }

    /// Adds an interface of a link type (<https://www.tcpdump.org/linktypes.html>); its times have
    /// nanoseconds. It has no name if that is empty.
    pub fn interface_of(&mut self, name: &str, link: u16) -> Interface {
        self.block(INTERFACE_DESCRIPTION, |body| {
            body.extend(link.to_le_bytes());
            // Reserved, then no limit to the length of packets.
            body.extend([0; 6]);
            if !name.is_empty() {
                option(body, INTERFACE_NAME, name.as_bytes());
            }
            option(body, INTERFACE_RESOLUTION, &[9]);
            option(body, OPTION_END, &[]);
        });
        self.interfaces += 1;
        Interface(self.interfaces - 1)
    }

    /// Adds TLS and DTLS secrets, as lines of an NSS key log. None at all add nothing.
    pub fn secrets(&mut self, key_log: &str) {
        if key_log.is_empty() {
            return;
        }
        self.block(DECRYPTION_SECRETS, |body| {
            body.extend(TLS_KEY_LOG.to_le_bytes());
            body.extend((key_log.len() as u32).to_le_bytes());
            body.extend_from_slice(key_log.as_bytes());
            pad(body);
        });
    }

    /// Adds a packet of the first interface that has no time.
    pub fn timeless(&mut self, packet: &[u8]) {
        self.block(SIMPLE_PACKET, |body| {
            body.extend((packet.len() as u32).to_le_bytes());
            body.extend_from_slice(packet);
            pad(body);
        });
    }

    /// Adds a packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let at = (self.epoch + packet.at).as_nanos() as u64;
        self.block(ENHANCED_PACKET, |body| {
            body.extend(packet.interface.0.to_le_bytes());
            body.extend(((at >> 32) as u32).to_le_bytes());
            body.extend((at as u32).to_le_bytes());
            let captured = packet.bytes.len() as u32;
            body.extend(captured.to_le_bytes());
            body.extend(captured.saturating_add(packet.missing).to_le_bytes());
            body.extend_from_slice(packet.bytes);
            pad(body);
            if let Some(comment) = packet.comment {
                option(body, OPTION_COMMENT, comment.as_bytes());
            }
            if let Some(crossing) = packet.crossing {
                let flags: u32 = match crossing {
                    Crossing::Inbound => 0b01,
                    Crossing::Outbound => 0b10,
                };
                option(body, PACKET_FLAGS, &flags.to_le_bytes());
            }
            if let Some(id) = packet.id {
                option(body, PACKET_ID, &id.to_le_bytes());
            }
            if packet.comment.is_some() || packet.crossing.is_some() || packet.id.is_some() {
                option(body, OPTION_END, &[]);
            }
        });
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn block(&mut self, kind: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend([0; 4]);
        write(&mut self.bytes);
        let length = ((self.bytes.len() - start + 4) as u32).to_le_bytes();
        self.bytes[start + 4..start + 8].copy_from_slice(&length);
        self.bytes.extend(length);
    }
}

/// Writes an option; text beyond what its 16-bit length can say is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let most = usize::from(u16::MAX - 3);
    let value = match std::str::from_utf8(value) {
        Ok(text) if text.len() > most => &value[..text.floor_char_boundary(most)],
        _ => &value[..value.len().min(most)],
    };
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

/// Fills up to 32 bits. Blocks begin at multiples of that, so the file's length tells.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
