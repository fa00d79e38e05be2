//! What an observer has of a session: who, where, what was signalled, what was sent, and secrets.
//!
//! The simulator, a live run and a capture file all end up as a [`Session`]; nothing in it comes
//! from inside a peer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Everything an outsider saw of two peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// What it is called: a scenario's id, a file's name.
    pub title: String,
    /// The seed, in a simulation.
    pub seed: Option<u64>,
    /// How it is to be written.
    pub profile: Profile,
    /// The peers; A offered first.
    pub peers: Vec<Peer>,
    /// STUN and TURN servers.
    pub servers: Vec<Server>,
    /// NATs, where the observer knows them.
    pub nats: Vec<Nat>,
    /// Links in words: `A-S 20ms`.
    pub links: Vec<String>,
    /// Offers, answers, candidates, in the order they were sent.
    pub signals: Vec<Signal>,
    /// Datagrams and stream bytes, in the order they were sent.
    pub datagrams: Vec<Datagram>,
    /// NSS key log lines.
    pub secrets: Vec<String>,
    /// What was done to the network, in order.
    pub actions: Vec<Action>,
}

/// How a transcript is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Byte for byte the same for the same seed.
    Exact,
    /// Only what does not vary between runs of one implementation.
    #[default]
    Loose,
}

/// A or B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The one that offered first.
    A,
    /// The other.
    B,
}

impl Party {
    /// `A` or `B`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A peer as its header line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// A or B.
    pub party: Party,
    /// What runs there, with its version where that is known.
    pub implementation: String,
    /// Its interfaces' addresses; later ones are those it moved to.
    pub addresses: Vec<IpAddr>,
    /// Names of the NATs and firewalls it is behind, innermost first.
    pub behind: Vec<String>,
}

/// A STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name: `stun`, `turn`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it relays.
    pub turn: bool,
}

/// A NAT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nat {
    /// Its name without a prefix: `home`.
    pub name: String,
    /// Its behaviour in words: `map=endpoint filter=address+port`.
    pub words: String,
    /// Its external addresses; later ones are those it was renumbered to.
    pub external: Vec<IpAddr>,
}

/// A message of the signalling channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When it was sent.
    pub sent: Duration,
    /// When it arrived; `None` if it did not.
    pub arrived: Option<Duration>,
    /// Who sent it.
    pub from: Party,
    /// What it says.
    pub body: SignalBody,
    /// W3C error name with which the receiver refused it.
    pub refused: Option<String>,
}

/// What a message of the signalling channel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalBody {
    /// An offer, answer or provisional answer.
    Description {
        /// `offer`, `answer`, `pranswer` or `rollback` (local only, never sent).
        kind: String,
        /// The text.
        sdp: String,
    },
    /// A candidate; empty text ends a generation.
    Candidate {
        /// The `candidate:` value.
        candidate: String,
        /// `mid` it belongs to.
        mid: Option<String>,
        /// ufrag of the generation it belongs to.
        ufrag: Option<String>,
    },
}

/// Where a datagram comes from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A peer.
    Peer(Party),
    /// A server, by its index in [`Session::servers`].
    Server(usize),
}

/// What carried the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// One UDP datagram.
    Udp,
    /// Some bytes of a TCP stream, in stream order; the number tells streams apart.
    Tcp(u64),
    /// One SCTP packet outside DTLS, as stacks log it before sealing and after opening it.
    Sctp,
}

/// Bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Number of the frame in a capture, or of the packet in a run, from 1.
    pub number: u64,
    /// When they left; in a capture taken at the receiver, when they arrived.
    pub sent: Duration,
    /// When they arrived; `None` if they did not, or if nobody knows.
    pub arrived: Option<Duration>,
    /// Who sent them; `None` if nobody knows, as of an injected datagram.
    pub from: Option<Place>,
    /// Whom they reached, or would have reached.
    pub to: Option<Place>,
    /// UDP or TCP.
    pub carrier: Carrier,
    /// Source as sent.
    pub source: SocketAddr,
    /// Destination as sent.
    pub destination: SocketAddr,
    /// Source as it arrived.
    pub seen_source: SocketAddr,
    /// Destination as it arrived.
    pub seen_destination: SocketAddr,
    /// NATs it crossed, in order.
    pub crossings: Vec<Crossing>,
    /// Where and why it was lost.
    pub lost: Option<Lost>,
    /// How many times it arrived beyond the first.
    pub copies: u32,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A NAT on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Its name without a prefix.
    pub nat: String,
    /// Whether it made a mapping for this datagram.
    pub new: bool,
    /// Whether it sent it back inside.
    pub hairpin: bool,
    /// Source behind it.
    pub source: SocketAddr,
    /// Destination behind it.
    pub destination: SocketAddr,
}

/// The end of a datagram that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Element, with its kind: `nat.home`, `link.office`, `net.wan`.
    pub at: String,
    /// Why, as one word for a transcript: `filter`, `no-mapping`, `no-route`, `loss`, `down`.
    pub word: String,
    /// Why, for people.
    pub reason: String,
}

/// Something done to the network or to a peer's place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// When.
    pub at: Duration,
    /// What, in words: `reboot nat.home`, `move A to cell`.
    pub words: String,
}
