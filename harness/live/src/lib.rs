//! Peers made for virtual time, over real sockets and in wall-clock time.
//!
//! What it is: [`serve`] takes a [`VirtualEndpoint`](rtcspec_control::VirtualEndpoint), gives it the
//! machine's addresses, sockets and clock, and speaks peerctl/1 for it in lines of JSON. So each
//! embedded stack is a process like any foreign one.
//!
//! What it is not: a network. Nothing is delayed, lost or written down here.
//!
//! | file | what |
//! |---|---|
//! | `serve.rs` | the loop: lines, sockets and timers in, lines and packets out |
//! | `sockets.rs` | UDP sockets and TCP connections, each read in a thread of its own |
//! | `surroundings.rs` | the machine's addresses, and what host names mean |

mod serve;
mod sockets;
mod surroundings;

pub use serve::{ServeError, serve};
