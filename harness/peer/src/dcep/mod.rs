//! Data channels on top of SCTP: RFC 8831, and RFC 8832 to open them.
//!
//! [`Channels`] is a table of channels and the rules of their life. It owns no association: it
//! takes what SCTP delivered and gives what SCTP shall do as [`Output`]s, so that a tamper hook can
//! stand between. Limits and states are those of W3C `RTCDataChannel`.
//!
//! ```
//! use rtcspec_peer::dcep::{Channels, Event, Options, Output, Payload};
//! use rtcspec_peer::dtls::Role;
//! use rtcspec_wire::sctp::{Ppid, StreamId};
//!
//! let mut channels = Channels::new();
//! let chat = channels.create(Options { label: "chat".into(), ..Options::default() })?;
//! channels.connected(Role::Client, 65_535, 65_536);
//! // The DTLS client takes even streams, and says DATA_CHANNEL_OPEN on the first.
//! let Some(Output::Send(open)) = channels.poll_output() else { panic!() };
//! assert_eq!((open.stream, open.ppid), (StreamId(0), Ppid::DCEP));
//! channels.received(StreamId(0), Ppid::DCEP, &[2]);
//! assert_eq!(channels.poll_event(), Some(Event::Open(chat)));
//! channels.send(chat, Payload::Text("hello".into()))?;
//! # Ok::<(), rtcspec_peer::dcep::Error>(())
//! ```

mod channel;
mod channels;
mod error;
mod payload;
#[cfg(test)]
mod tests;

pub use channel::{Channel, ChannelId, Options, State};
pub use channels::{Channels, Event, Outgoing, Output};
pub use error::Error;
pub use payload::Payload;
