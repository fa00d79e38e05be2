//! RTCP (RFC 3550 §6, RFC 4585, RFC 5104, RFC 3611, REMB, transport-wide feedback).
//!
//! [`packets`] splits a datagram into [`PacketView`]s, which borrow, allocate nothing and keep
//! unknown types; a [`Packet`] is an owned value that can be written. No value is larger than
//! the bytes it was read from by more than a constant factor, whatever counts they claim.
//!
//! ```
//! use rtcspec_wire::rtcp::{Packet, PacketType, packets};
//! let datagram = b"\x80\xc9\x00\x01\x00\x00\x00\x07\x81\xcb\x00\x01\x00\x00\x00\x07";
//! let kinds: Vec<PacketType> = packets(datagram).flatten().map(|packet| packet.packet_type()).collect();
//! assert_eq!(kinds, [PacketType::RECEIVER_REPORT, PacketType::BYE]);
//! assert_eq!(Packet::parse_compound(datagram)?.len(), 2);
//! # Ok::<(), rtcspec_wire::rtcp::RtcpError>(())
//! ```

mod error;
mod feedback;
mod packet;
mod packet_type;
mod report;
mod sdes;
mod twcc;
mod view;
mod write;
mod xr;

pub use error::RtcpError;
pub use feedback::{Feedback, FeedbackMessage, FirEntry, Nack, Remb};
pub use packet::Packet;
pub use packet_type::PacketType;
pub use report::{ReceiverReport, ReportBlock, SenderReport};
pub use sdes::{App, Bye, SdesChunk, SdesItem, SdesType};
pub use twcc::{Delta, PacketStatus, Status, StatusChunk, Twcc};
pub use view::{PacketView, Packets, check_compound, packets};
pub use xr::{ExtendedReport, XrBlock};
