//! Facts about SCTP and data channels.

use rtcspec_wire::dcep;
use rtcspec_wire::sctp::{Body, ChecksumState, ChunkView, Error, PacketView, Ppid, StreamId};

use super::DtlsRole;

/// An SCTP packet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SctpPacket<'a> {
    /// The packet.
    pub view: PacketView<'a>,
    /// What its checksum field says.
    pub checksum: ChecksumState,
    /// Whether its receiver declared a zero checksum acceptable over DTLS (RFC 9653 §5.1).
    pub zero_checksum_accepted: bool,
    /// Whose its verification tag is.
    pub tag: Tag,
    /// The sender's DTLS role.
    pub role: Option<DtlsRole>,
}

/// What a verification tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// Zero.
    Zero,
    /// The one its receiver chose.
    Receiver,
    /// The one its sender chose: reflected, as the T bit says.
    Sender,
    /// One its receiver chose before, in an INIT or INIT ACK that a later one replaced.
    Former,
    /// None of these.
    Other,
    /// Its receiver's INIT or INIT ACK was not seen.
    Unknown,
}

/// A chunk.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Chunk<'a> {
    /// Its place in the packet, from 0.
    pub index: usize,
    /// The chunk.
    pub view: ChunkView<'a>,
    /// Its fields, or what is wrong with it.
    pub body: Result<Body<'a>, Error>,
    /// Of DATA and I-DATA, whether its TSN was seen before from this side.
    pub again: bool,
    /// Of DATA and I-DATA, its TSN counted from the sender's initial one, if that was seen.
    pub tsn_offset: Option<u32>,
    /// The sender's DTLS role.
    pub role: Option<DtlsRole>,
}

/// A whole user message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// Its payload protocol identifier.
    pub ppid: Ppid,
    /// Whether it may overtake others.
    pub unordered: bool,
    /// Whether I-DATA carried it.
    pub interleaved: bool,
    /// Its SSN, or its MID if I-DATA carried it.
    pub sequence: u32,
    /// Its first bytes: all, up to [`limits::MESSAGE`](crate::watch::limits::MESSAGE).
    pub bytes: &'a [u8],
    /// How long it is.
    pub length: u64,
    /// How many fragments it had.
    pub fragments: u32,
    /// Frame of its first fragment.
    pub first_number: u64,
    /// The sender's DTLS role.
    pub role: Option<DtlsRole>,
}

impl Message<'_> {
    /// Whether `bytes` is all of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.bytes.len()) == Ok(self.length)
    }
}

/// A DCEP message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Dcep<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// Whether it was sent unordered.
    pub unordered: bool,
    /// The message.
    pub view: dcep::View<'a>,
    /// The sender's DTLS role.
    pub role: Option<DtlsRole>,
}
