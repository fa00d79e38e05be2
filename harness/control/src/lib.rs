//! peerctl/1: the one control contract between the harness and any WebRTC implementation.
//!
//! What it is: the commands the harness gives, the events and replies a peer gives back, the
//! features a peer declares, and two traits. [`Endpoint`] is the control plane and is the same for
//! the reference peer, an embedded Rust stack, a child process and a browser page.
//! [`VirtualEndpoint`] adds the data plane of a peer that lives in virtual time: its datagrams and
//! streams cross the network engine and nothing else.
//!
//! [`process`] starts a peer as a child process and talks to it in lines of JSON ([`mod@line`]);
//! `PEERCTL.md` beside this crate says how to write one in any language.
//!
//! What it is not: it never interprets SDP and never judges. Verdicts come from the wire.
//!
//! ```
//! use rtcspec_control::{Command, Request};
//!
//! let line = r#"{"id":7,"op":"offer","pc":"a","iceRestart":true}"#;
//! let request: Request = serde_json::from_str(line).unwrap();
//! assert_eq!(request.command, Command::Offer { pc: "a".into(), ice_restart: true });
//! ```

mod capability;
mod command;
mod config;
mod endpoint;
mod event;
pub mod line;
pub mod outside;
pub mod process;
pub mod wall;

pub use capability::{Feature, Hello, Limits};
pub use command::{
    Answer, Candidate, ChannelInit, Command, Description, Payload, Reply, ReplyBody, Request,
    RequestId, SdpType, SelectedPair, StateReport,
};
pub use config::{Configuration, IceServer, TransportPolicy};
pub use endpoint::{
    ConnId, Endpoint, Implementation, Message, Origin, Receive, Site, SpawnContext, SpawnError,
    Transmit, VirtualEndpoint,
};
pub use event::{Event, StateKind};
