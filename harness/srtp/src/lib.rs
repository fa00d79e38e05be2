//! SRTP and SRTCP: RFC 3711 and RFC 7714, with the profiles of DTLS-SRTP (RFC 5764) that WebRTC
//! negotiates.
//!
//! ```
//! use rtcspec_srtp::{Context, Profile};
//!
//! let profile = Profile::AeadAes128Gcm;
//! let exported = vec![7; profile.exported_len()];
//! let [client, _server] = profile.split(&exported).expect("as long as it has to be");
//! let mut sender = Context::new(profile, client)?;
//! let mut receiver = Context::new(profile, client)?;
//!
//! let packet = *b"\x80\x6f\x00\x07\x00\x00\x03\xc0\x12\x34\x56\x78opus";
//! let mut protected = packet.to_vec();
//! sender.protect_rtp(&mut protected)?;
//! let opened = receiver.open_rtp(&mut protected)?;
//! assert_eq!(protected[..opened.len], packet);
//! # Ok::<(), rtcspec_srtp::SrtpError>(())
//! ```

mod context;
mod derivation;
mod error;
mod index;
mod profile;
mod transform;

pub use context::{Context, OpenedRtcp, OpenedRtp};
pub use error::SrtpError;
pub use profile::{Master, Profile};
