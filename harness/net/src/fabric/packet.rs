use crate::observe::PacketId;
use crate::packet::{Head, Transport};

/// A packet under way.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) head: Head,
    pub(crate) id: PacketId,
    /// Its checksum was wrong from the start, or a link damaged it and repaired nothing: it must be
    /// read again before it is believed.
    pub(crate) suspect: bool,
}

impl Packet {
    /// Where what the transport header is followed by begins.
    pub(crate) fn payload_start(&self) -> usize {
        payload_start(&self.bytes, &self.head)
    }
}

/// Where what the transport header is followed by begins.
pub(super) fn payload_start(bytes: &[u8], head: &Head) -> usize {
    let transport = usize::from(head.transport);
    let header = match head.kind() {
        _ if head.fragment => 0,
        Transport::Udp | Transport::Icmp4 | Transport::Icmp6 => 8,
        Transport::Tcp => {
            let offset = bytes.get(transport + 12).copied().unwrap_or(0x50);
            usize::from(offset >> 4).max(5) * 4
        }
        Transport::Other => 0,
    };
    (transport + header).min(bytes.len())
}
