//! SCTP packets: RFC 9260 with RFC 3758, RFC 6525, RFC 8260 and RFC 9653.
//!
//! [`PacketView`] walks any bytes and shows what is malformed in them; [`Packet`] and [`Chunk`]
//! hold what can be sent. Types of RFC 4895 and RFC 5061 are named and kept raw.
//!
//! ```
//! use rtcspec_wire::sctp::{Checksum, Chunk, Packet, PacketView, Sack, Tsn, VerificationTag};
//!
//! let sack = Sack { cumulative_tsn_ack: Tsn(7), a_rwnd: 65_536, gap_blocks: vec![], duplicates: vec![] };
//! let packet = Packet {
//!     source_port: 5000,
//!     destination_port: 5000,
//!     verification_tag: VerificationTag(0x1234_5678),
//!     chunks: vec![Chunk::Sack(sack)],
//! };
//! let bytes = packet.encode(Checksum::Crc32c)?;
//! let view = PacketView::new(&bytes)?;
//! assert!(view.checksum_state().is_correct());
//! assert_eq!(Packet::from_view(&view)?, packet);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod abort;
mod cause;
mod checksum;
mod chunk;
mod cookie_echo;
mod data;
mod error;
mod forward_tsn;
mod frame;
mod heartbeat;
mod i_data;
mod i_forward_tsn;
mod init;
mod number;
mod operation_error;
mod packet;
mod parameter;
mod re_config;
mod sack;
mod shutdown;
mod shutdown_complete;
#[cfg(test)]
mod tests;
mod unknown;

pub use abort::{Abort, AbortView};
pub use cause::{Cause, CauseCode, CauseView, Causes};
pub use checksum::{Checksum, ChecksumState, crc32c, set_checksum};
pub use chunk::{Body, Chunk, ChunkType, ChunkView, Chunks};
pub use cookie_echo::{CookieEcho, CookieEchoView};
pub use data::{Data, DataFlags, DataView};
pub use error::{EncodeError, Error, Fault};
pub use forward_tsn::{ForwardTsn, ForwardTsnView, SkippedStream};
pub use heartbeat::{Heartbeat, HeartbeatView};
pub use i_data::{FragmentPosition, IData, IDataView};
pub use i_forward_tsn::{IForwardTsn, IForwardTsnView, SkippedMessage};
pub use init::{Init, InitView};
pub use number::{Fsn, Mid, Ppid, RequestSequence, Ssn, StreamId, Tsn, VerificationTag};
pub use operation_error::{OperationError, OperationErrorView};
pub use packet::{HEADER_LENGTH, Packet, PacketView};
pub use parameter::{EDMID_DTLS, Parameter, ParameterType, ParameterView, Parameters};
pub use re_config::{
    AddStreams, IncomingSsnReset, OutgoingSsnReset, ReConfig, ReConfigView, ReconfigResponse,
    ReconfigResult,
};
pub use sack::{GapBlock, Sack, SackView};
pub use shutdown::{Shutdown, ShutdownView};
pub use shutdown_complete::ShutdownComplete;
pub use unknown::{UnknownAction, UnknownChunk};
