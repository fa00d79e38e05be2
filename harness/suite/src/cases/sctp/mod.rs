//! SCTP: packets, chunks and parameters that are not as they should be.

mod broken;
mod chunks;
mod data;
mod init;
mod parameters;
mod partial;
mod tags;
mod window;

pub(super) use broken::{CAUSE_BEYOND_CHUNK, SACK_BEYOND_SENT, ZERO_CHUNK_LENGTH};
pub(super) use chunks::{
    UNKNOWN_CHUNK_SKIP, UNKNOWN_CHUNK_SKIP_REPORT, UNKNOWN_CHUNK_STOP, UNKNOWN_CHUNK_STOP_REPORT,
};
pub(super) use data::{DUPLICATE_DATA, HEARTBEAT_WITH_DATA};
pub(super) use init::{INIT_COLLISION, INIT_RETRANSMITTED, LATE_INIT};
pub(super) use parameters::{
    UNKNOWN_PARAMETER_SKIP, UNKNOWN_PARAMETER_SKIP_REPORT, UNKNOWN_PARAMETER_STOP,
    UNKNOWN_PARAMETER_STOP_REPORT,
};
pub(super) use partial::{LIMIT_ZERO, LIMIT_ZERO_LOSS};
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
