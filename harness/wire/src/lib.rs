//! Bytes to views and values for every WebRTC wire format.
//!
//! What it is: codecs. Most formats have two types: a lossless *view* over any bytes, which borrows,
//! never panics and names each defect, and a strict *value*, which is read from valid bytes only
//! and writes itself. Auditors read views, stacks speak values.
//!
//! What it is not: it holds no connection, knows no time, decrypts nothing and judges nobody.
//!
//! - [x] [`stun`]: RFC 8489, RFC 8445 §16, RFC 8656 §18, RFC 5780 §7
//! - [x] [`turn`], [`framing`]: RFC 8656 §12 (`ChannelData`, streams), RFC 4571
//! - [x] [`candidate`]: RFC 8839 §5.1, RFC 6544 §4.5, RFC 8445 §5.1
//! - [x] [`demux`]: RFC 7983, RFC 9443, RFC 5761
//! - [x] [`dtls`]: RFC 6347, RFC 9147, RFC 9146, as far as it shows without keys
//! - [x] [`sctp`], [`dcep`]: RFC 9260, RFC 3758, RFC 6525, RFC 8260, RFC 9653; RFC 8832
//! - [x] [`dns`]: RFC 1035 §4 and RFC 6762, questions for addresses and their answers
//! - [x] [`rtp`], [`rtcp`]: RFC 3550, RFC 8285, RFC 4585, RFC 5104, RFC 3611
//! - [x] [`sdp`]: RFC 8866 and the attributes of RFC 8829
//!
//! ```
//! use rtcspec_wire::demux::Protocol;
//! use rtcspec_wire::stun::{Method, View};
//!
//! let packet = b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction id";
//! assert_eq!(Protocol::of(packet), Protocol::Stun);
//! let view = View::new(packet);
//! assert_eq!(view.message_type().map(|ty| ty.method), Some(Method::BINDING));
//! assert_eq!(view.check().map_err(|defect| defect.to_string()), Err(
//!     "parse a STUN message of declared length 0 with 2 bytes following".to_owned()
//! ));
//! ```

pub mod candidate;
pub mod dcep;
mod decimal;
pub mod demux;
pub mod dns;
pub mod dtls;
pub mod framing;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod stun;
pub mod turn;
