//! What TURN adds to STUN on the wire: `ChannelData` and the framing of TCP and TLS legs (RFC 8656).

mod channel_data;

pub use channel_data::{ChannelData, ChannelDataError, ChannelDataView, ChannelNumber};
