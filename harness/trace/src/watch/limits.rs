//! How much an observer remembers, whatever it is fed. Together under 150 MB, with every limit
//! reached at once; a capture of one session takes under 1 MB.

use std::time::Duration;

/// Flows; the quarter that was silent longest is forgotten when there are more.
pub const FLOWS: usize = 4096;
/// Connections; the quarter that was silent longest is forgotten when there are more.
pub const CONNECTIONS: usize = 1024;
/// Ufrag pairs of one connection: its newest ICE generations.
pub const GENERATIONS: usize = 16;
/// STUN transactions; the oldest is forgotten when there are more.
pub const TRANSACTIONS: usize = 8192;
/// TURN allocations, and ten times as many channels.
pub const ALLOCATIONS: usize = 1024;
/// Addresses known from connectivity checks.
pub const ADDRESSES: usize = 8192;
/// TCP streams; the one that was silent longest is given up when there are more.
pub const STREAMS: usize = 64;
/// TURN in TURN that is followed.
pub const NESTING: u8 = 3;
/// How long a 5-tuple belongs to a connection after its last datagram, for a check with new
/// ufrags to be an ICE restart: as long as consent lasts (RFC 7675 §5.1).
pub const RESTART: Duration = Duration::from_secs(30);
/// Bytes of a user message that are kept; of longer ones only the length is known.
pub const MESSAGE: usize = 256 * 1024;
/// DTLS associations of one connection: the one in use and those before it.
pub const ASSOCIATIONS: usize = 4;
/// Handshake fragments of one side whose retransmission is recognised.
pub const FRAGMENTS: usize = 512;
/// Gaps in the TSNs of one side; the oldest counts as filled when there are more.
pub const GAPS: usize = 1024;
/// Verification tags of one side that others replaced.
pub const TAGS: usize = 4;
/// Bytes of unfinished handshake messages, user messages and fragments in all connections; all of
/// them are forgotten when there are more.
pub const HELD: usize = 32 * 1024 * 1024;
