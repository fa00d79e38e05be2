//! SCTP: packets, chunks and parameters that are not as they should be.

mod broken;
mod chunks;
mod cookie;
mod data;
mod init;
mod malformed_init;
mod parameters;
mod partial;
mod tags;
mod window;

pub(super) use broken::{
    AUTH_CHUNK_SHORT, CAUSE_BEYOND_CHUNK, CHUNKS_WITHOUT_VALUE, PACKET_DROP_LENGTH,
    SACK_BEYOND_SENT, SACK_COUNTS, STRAY_INIT_ACK, ZERO_CHUNK_LENGTH, ZERO_PARAMETER_LENGTH,
};
pub(super) use chunks::{
    UNKNOWN_CHUNK_SKIP, UNKNOWN_CHUNK_SKIP_REPORT, UNKNOWN_CHUNK_STOP, UNKNOWN_CHUNK_STOP_REPORT,
};
pub(super) use cookie::{
    COOKIE_ALTERED, COOKIE_BEHIND_STOP, COOKIE_FOREIGN, COOKIE_TOO_LONG, COOKIE_TOO_SHORT,
};
pub(super) use data::{
    DUPLICATE_DATA, FORWARD_TSN_WITH_DATA, HEARTBEAT_ACK_WITH_DATA, HEARTBEAT_WITH_DATA,
    SACK_WITH_DATA,
};
pub(super) use init::{INIT_COLLISION, INIT_RETRANSMITTED, LATE_INIT};
pub(super) use malformed_init::{
    HMAC_LIST_ODD, LAST_PARAMETER_CUT, SHORT_INIT, SUPPORTED_ADDRESS_TYPES,
};
pub(super) use parameters::{
    UNKNOWN_PARAMETER_SKIP, UNKNOWN_PARAMETER_SKIP_REPORT, UNKNOWN_PARAMETER_STOP,
    UNKNOWN_PARAMETER_STOP_REPORT,
};
pub(super) use partial::{FORWARD_TSN_UNDER_LOSS, LIMIT_ZERO, LIMIT_ZERO_LOSS};
pub(super) use tags::{ABORT_WRONG_TAG, INIT_TAG};
pub(super) use window::ZERO_WINDOW;

use rtcspec_wire::sctp::{Body, Checksum, Packet, PacketView};

use super::log::Way;
use super::ruling::Seen;

/// A packet with something changed; `None` if it cannot be taken apart.
fn edited(packet: &[u8], edit: impl FnOnce(&mut Packet)) -> Option<Vec<u8>> {
    let mut packet = Packet::from_view(&PacketView::new(packet).ok()?).ok()?;
    edit(&mut packet);
    packet.encode(Checksum::Crc32c).ok()
}

/// Whether the peer ended the association after the strike.
fn aborted(seen: &Seen<'_>) -> bool {
    seen.bodies(Way::Received)
        .any(|(at, body)| at > seen.struck() && matches!(body, Body::Abort(_)))
}
