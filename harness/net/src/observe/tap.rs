use super::record::PacketId;
use crate::Ns;

/// Which way a frame crossed an interface, seen from the element it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crossing {
    /// Into the element.
    Inbound,
    /// Out of it.
    Outbound,
}

/// Every packet at the sides of the elements that are tapped, with its bytes.
#[derive(Clone, Debug, Default)]
pub struct Tap {
    interfaces: Vec<String>,
    frames: Vec<Meta>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Meta {
    at: Ns,
    interface: u32,
    crossing: Crossing,
    packet: PacketId,
    start: usize,
    end: usize,
    comment: Option<String>,
}

/// One packet at one side of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When.
    pub at: Ns,
    /// Which side: an index into [`Tap::interfaces`].
    pub interface: usize,
    /// Which way.
    pub crossing: Crossing,
    /// Which packet.
    pub packet: PacketId,
    /// The IP packet.
    pub bytes: &'a [u8],
    /// What became of it, if it did not simply pass:
    /// `nat.home: filtered, APDF, 203.0.113.2:6160 never contacted`.
    pub comment: Option<&'a str>,
}

impl Tap {
    /// The sides that are tapped: `nat.home inside`, `link.home near`, `alice`.
    pub fn interfaces(&self) -> &[String] {
        &self.interfaces
    }

    /// What crossed them, in the order it happened.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(|meta| Frame {
            at: meta.at,
            interface: meta.interface as usize,
            crossing: meta.crossing,
            packet: meta.packet,
            bytes: &self.bytes[meta.start..meta.end],
            comment: meta.comment.as_deref(),
        })
    }

    /// The same sides, without frames.
    pub(crate) fn emptied(&self) -> Self {
        Self { interfaces: self.interfaces.clone(), ..Self::default() }
    }

    pub(crate) fn add_interface(&mut self, name: String) -> u32 {
        self.interfaces.push(name);
        self.interfaces.len() as u32 - 1
    }

    /// Writes a packet down and returns its number, for a comment.
    pub(crate) fn add(
        &mut self,
        at: Ns,
        interface: u32,
        crossing: Crossing,
        packet: PacketId,
        bytes: &[u8],
    ) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len();
        self.frames.push(Meta { at, interface, crossing, packet, start, end, comment: None });
        self.frames.len() - 1
    }

    pub(crate) fn comment(&mut self, frame: usize, comment: String) {
        if let Some(meta) = self.frames.get_mut(frame) {
            meta.comment = Some(comment);
        }
    }
}
