//! DNS messages (RFC 1035 §4) as far as multicast DNS needs them to find the address behind a name
//! (RFC 6762): questions, and records with addresses.
//!
//! A [`View`] shows whatever bytes there are, records of every type and section among them. A
//! [`Message`] is a question for addresses or an answer with some, and nothing else.
//!
//! ```text
//!   0  1  2  3  4  5  6  7  8  9  0  1  2  3  4  5
//! +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//! |                      ID                       |
//! |QR|   Opcode  |AA|TC|RD|RA|   Z    |   RCODE   |
//! |                    QDCOUNT                    |
//! |                    ANCOUNT                    |
//! |                    NSCOUNT                    |
//! |                    ARCOUNT                    |
//! +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//! ```
//!
//! ```
//! use rtcspec_wire::dns::{Message, Name, Question, RecordType, View};
//! let name: Name = "3f3ef1c1-7de2-4a43-8a0a-6ff0ff9e9f1e.local".parse()?;
//! let question = Question { name: name.clone(), kind: RecordType::A, unicast: true };
//! let bytes = Message::query(7, vec![question]).to_bytes()?;
//! let asked = View::new(&bytes).questions().next().expect("one")?;
//! assert_eq!(asked.name.to_name()?, name);
//! # Ok::<(), rtcspec_wire::dns::DnsError>(())
//! ```

mod error;
mod message;
mod name;
mod view;

pub use error::DnsError;
pub use message::{Data, Message, Question, Record};
pub use name::{Name, NameView};
pub use view::{QuestionView, RecordView, Section, View};

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::demux::Protocol;

/// RFC 6762 §3: the port of multicast DNS.
pub const PORT: u16 = 5353;
/// RFC 6762 §3: the group that questions over IPv4 are sent to.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// RFC 6762 §3: the group that questions over IPv6 are sent to.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// Bytes of the header (RFC 1035 §4.1.1).
pub const HEADER: usize = 12;
/// Class IN (RFC 1035 §3.2.4).
pub const IN: u16 = 1;
/// RFC 6762 §5.4 and §10.2: the top bit of a class asks for a unicast response in a question, and
/// for older records to be forgotten in a record.
pub const TOP_BIT: u16 = 0x8000;
/// RFC 6762 §17: the longest message, with room for the headers of IPv6 and UDP in 9,000 bytes.
pub const LONGEST: usize = 9_000 - 40 - 8;

/// Whether a datagram is one of multicast DNS: by its ports, and because it would else be STUN (RFC
/// 7983; its number is zero, RFC 6762 §18.1), but has not STUN's magic cookie. It need not be
/// well-formed.
#[must_use]
pub fn is_multicast_dns(source: SocketAddr, destination: SocketAddr, bytes: &[u8]) -> bool {
    const COOKIE: [u8; 4] = crate::stun::MAGIC_COOKIE.to_be_bytes();
    [source.port(), destination.port()].contains(&PORT)
        && Protocol::of(bytes) == Protocol::Stun
        && bytes.get(4..8) != Some(&COOKIE)
}

/// A type of records (RFC 1035 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

impl RecordType {
    /// An IPv4 address (RFC 1035 §3.4.1).
    pub const A: Self = Self(1);
    /// An IPv6 address (RFC 3596 §2.1).
    pub const AAAA: Self = Self(28);
    /// Of a question: every type (RFC 1035 §3.2.3).
    pub const ANY: Self = Self(255);
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::A => f.write_str("A"),
            Self::AAAA => f.write_str("AAAA"),
            Self::ANY => f.write_str("ANY"),
            // RFC 3597 §5: how a type without a name is written.
            Self(number) => write!(f, "TYPE{number}"),
        }
    }
}
