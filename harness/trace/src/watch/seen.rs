//! What an observer is fed.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Carrier;

/// One datagram, or bytes of a TCP stream in stream order, as one observation point saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Number of the frame, from 1.
    pub number: u64,
    /// When it was seen, since the beginning of the capture or run.
    pub at: Duration,
    /// UDP, or which TCP stream.
    pub carrier: Carrier,
    /// Source as it was seen.
    pub source: SocketAddr,
    /// Destination as it was seen.
    pub destination: SocketAddr,
    /// The datagram, or the stream's bytes.
    pub payload: &'a [u8],
}
