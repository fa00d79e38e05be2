//! What the reader hands on.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::Carrier;

/// One datagram, or bytes of a TCP stream in stream order, as one observation point saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Number of the frame, from 1.
    pub number: u64,
    /// When it was seen, since the first frame.
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
