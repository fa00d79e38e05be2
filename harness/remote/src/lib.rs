//! Peers elsewhere: on machines the harness does not control and on networks it does not script.
//!
//! What it is: the way to a browser, a phone, an adapter that connects to us, or a service behind a
//! URL. Commands travel over a WebSocket, a TCP connection or HTTP; packets over real UDP sockets,
//! while the other peer stays in the engine, on a host that has this machine's addresses, so that
//! captures, transcripts, audits and hostile cases are what they are everywhere else.
//!
//! What it is not: a NAT. A scenario that needs one is UNSUPPORTED here.
//!
//! | file | what |
//! |---|---|
//! | `peer.rs` | [`Remote`]: a peer elsewhere as an implementation that can be cast |
//! | `bridge.rs` | [`Bridge`]: a server behind a URL, the same without a conversation |
//! | `exchange.rs` | an offer for an answer over HTTP: `POST /offer`, WHIP |
//! | `wire.rs` | datagrams of the engine in and out of real sockets |
//! | `passage.rs` | many runs over one conversation: handles and numbers of each |
//! | `conversation.rs` | lines to and from a peer, however they travel |
//! | `session.rs` | messages that survive a connection: numbered, acknowledged, sent again |
//! | `hub.rs` | the sessions there are, and who carries each |
//! | `websocket.rs` | one connection that carries a session |
//! | `http.rs` | pages, and the way to a WebSocket |
//! | `tcp.rs` | an adapter that connects by TCP and speaks plain lines |
//! | `client.rs` | the other end of `websocket.rs` and `tcp.rs`, for adapters in Rust |
//! | `address.rs` | at which addresses this machine is reached |

mod address;
mod bridge;
mod client;
mod conversation;
mod exchange;
mod http;
mod hub;
mod passage;
mod peer;
mod session;
mod tcp;
mod trust;
mod websocket;
mod wire;

pub use address::{reached_at, towards};
pub use bridge::{Bridge, BridgeError};
pub use client::{DialError, Lines, dial};
pub use conversation::Conversation;
pub use exchange::Contract;
pub use http::{Page, Server, ServerError};
pub use hub::{Guest, Hub};
pub use peer::{Remote, RemoteError};
pub use session::{Fault, Kind, Session};
pub use tcp::accept_lines;
pub use trust::{Trust, TrustError};
