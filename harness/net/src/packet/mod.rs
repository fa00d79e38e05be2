//! IP packets: what elements read of them once and change in place.

mod build;
mod checksum;
mod head;
mod quote;
mod rewrite;

pub use build::{UdpTooLong, host_unreachable, udp, udp_payload};
pub(crate) use build::{Unreachable, tcp_reset, unreachable_error};
pub(crate) use checksum::{sum, transport_checksum_is_right};
pub use head::{Head, Malformed};
pub(crate) use head::{Transport, address, ip, v4_address};
pub(crate) use quote::{Fault, quoted_flow};
pub(crate) use rewrite::{Side, cut_segment, decrement_ttl, repair, set_endpoint};

/// The longest packet elements carry; room for jumbo frames, far below IP's own limit.
pub const MAX_PACKET: usize = 9_216;
