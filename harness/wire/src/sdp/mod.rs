//! Session descriptions (RFC 8866) with everything a WebRTC offer or answer carries.
//!
//! Two types, as everywhere in this crate: a [`View`] keeps every line with its exact bytes and
//! lists what is malformed; a [`Session`] is a typed value. A session description that some stack
//! sends and every other accepts in spite of a small deviation still becomes a [`Session`]; the view
//! reports the deviation as a tolerated [`Fault`].
//!
//! No text in a value can end its line or word. Lists that must not be empty, and what attributes
//! ask of each other, are checked when a description is read; who builds one sees to them.

mod attribute;
mod attributes;
mod build;
mod cursor;
mod extmap;
mod fault;
mod fingerprint;
mod group;
mod media;
mod origin;
mod packet_time;
mod print;
mod rtpmap;
mod sctp;
mod session;
mod simulcast;
mod ssrc;
mod text;
mod view;

pub use attribute::{Attribute, RtcpPort};
pub use attributes::Attributes;
pub use extmap::{Direction, ExtensionId, Extmap};
pub use fault::{Fault, Reason};
pub use fingerprint::{Fingerprint, HashFunction, Setup};
pub use group::{Group, IceOptions, Msid, MsidSemantic};
pub use media::{Formats, Media, MediaKind, MediaLine, Protocol};
pub use origin::{Address, AddressKind, Bandwidth, Origin, Timing};
pub use packet_time::PacketTime;
pub use rtpmap::{Fmtp, RtcpFeedback, Rtpmap};
pub use sctp::{SctpInit, Sctpmap};
pub use session::Session;
pub use simulcast::{
    Alternatives, Restriction, Rid, RidId, Simulcast, SimulcastStream, StreamDirection,
};
pub use ssrc::{SsrcAttribute, SsrcGroup};
pub use text::{IcePwd, IceUfrag, ProtocolName, RestrictionValue, Text, TlsId, Token, Word};
pub use view::{Line, LineEnd, Section, View};
