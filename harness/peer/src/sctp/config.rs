//! What an association can be told.

use std::time::Duration;

use rtcspec_wire::sctp::Tsn;

/// Options of an [`Association`](super::Association). The defaults are those of RFC 9260 §16 and
/// RFC 8831; where WebRTC stacks commonly differ, the field says how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Local SCTP port.
    pub local_port: u16,
    /// The peer's SCTP port.
    pub remote_port: u16,
    /// The longest packet, in bytes of DTLS payload. RFC 8261 §5 leaves the path MTU to the layers
    /// below; 1200 fits any path with room for UDP, IPv6, TURN and DTLS.
    pub max_packet: usize,
    /// Receive window in bytes. Chromium offers 5 MiB, Firefox 16 MiB, others 1 MiB. Messages are
    /// delivered whole, so one that does not fit beside those begun on other streams never arrives.
    pub a_rwnd: u32,
    /// Streams to ask for in each direction (RFC 8831 §6.2).
    pub streams: u16,
    /// The longest message `send` takes, in bytes.
    pub max_message_size: usize,
    /// Bytes `send` queues before it refuses more.
    pub send_buffer: usize,
    /// `RTO.Initial`. dcSCTP starts with 500 ms.
    pub rto_initial: Duration,
    /// `RTO.Min`. dcSCTP uses 400 ms, usrsctp in browsers 1 s.
    pub rto_min: Duration,
    /// `RTO.Max`.
    pub rto_max: Duration,
    /// `Max.Init.Retransmits`.
    pub max_init_retransmits: u32,
    /// `Association.Max.Retrans`.
    pub max_retransmits: u32,
    /// `Valid.Cookie.Life`.
    pub cookie_life: Duration,
    /// `HB.interval`; zero sends no HEARTBEAT.
    pub heartbeat_interval: Duration,
    /// How long an acknowledgement may wait (RFC 9260 §6.2: at most 500 ms).
    pub sack_delay: Duration,
    /// `Max.Burst`, in packets.
    pub max_burst: u32,
    /// Offer I-DATA (RFC 8260). Firefox does, Chromium does not.
    pub interleaving: bool,
    /// Declare a zero checksum acceptable and use it where the peer does (RFC 9653).
    pub zero_checksum: bool,
    /// Understand FORWARD TSN (RFC 3758).
    pub partial_reliability: bool,
    /// Understand RE-CONFIG (RFC 6525).
    pub stream_reset: bool,
    /// The first TSN; drawn from the seed if absent. For tests of wrap.
    pub initial_tsn: Option<Tsn>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            local_port: 5000,
            remote_port: 5000,
            max_packet: 1200,
            a_rwnd: 1 << 20,
            streams: 65_535,
            max_message_size: 256 * 1024,
            send_buffer: 16 << 20,
            rto_initial: Duration::from_secs(1),
            rto_min: Duration::from_secs(1),
            rto_max: Duration::from_secs(60),
            max_init_retransmits: 8,
            max_retransmits: 10,
            cookie_life: Duration::from_secs(60),
            heartbeat_interval: Duration::from_secs(30),
            sack_delay: Duration::from_millis(200),
            max_burst: 4,
            interleaving: true,
            zero_checksum: true,
            partial_reliability: true,
            stream_reset: true,
            initial_tsn: None,
        }
    }
}
