//! A fuzz target: what it runs, with what, and how it is itself tested.

use crate::case::Case;
use crate::finding::Verdict;
use crate::mutate::Mutate;

/// A [`Plant`] at the edge of a state machine of ours: `body`, where this is written, gives it the edge.
macro_rules! plant {
    ($name:literal, $source:literal, $edge:ty) => {
        Plant {
            name: $name,
            source: $source,
            body: |case| body(case, || Box::new(<$edge>::default())),
        }
    };
}

mod account;
pub mod candidate;
pub mod dcep;
pub mod demux;
pub mod dns;
pub mod dtls;
pub mod ice;
pub mod jsep;
pub mod pcapng;
pub mod relay;
pub mod rtcp;
pub mod rtp;
pub mod scenario;
pub mod sctp;
pub mod sdp;
pub mod session;
pub mod srtp;
pub mod stun;
pub mod transcript;
pub mod turn;

/// What is executed for one input.
pub type Body = fn(&mut Case<'_>) -> Verdict;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also of its folder in `corpus/`.
    pub name: &'static str,
    /// What it holds, in a line.
    pub about: &'static str,
    /// Folders of `corpus/seeds` its campaigns begin with.
    pub seeds: &'static [&'static str],
    /// Tokens of the format, as they are on the wire.
    pub dictionary: fn() -> Vec<Vec<u8>>,
    /// Changes an input by its structure.
    pub mutate: Mutate,
    /// Runs one input through code under test and oracles.
    pub body: Body,
    /// Situations its corpus must reach.
    pub situations: &'static [&'static str],
    /// Bugs to be found.
    pub plants: &'static [Plant],
}

/// A bug that somebody's code had, built into a copy of ours: the body of the target runs with it
/// instead. A target that does not find it would not have found the real one.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// Its name.
    pub name: &'static str,
    /// Whose bug it was, as in `PLANTS.md`.
    pub source: &'static str,
    /// The body with the bug.
    pub body: Body,
}

/// All targets, in the order of the layers.
pub const ALL: &[Target] = &[
    stun::PARSE,
    stun::AUTH,
    turn::FRAMING,
    relay::SERVER,
    ice::PAIR,
    dtls::RECORD,
    dtls::HANDSHAKE,
    sctp::PARSE,
    sctp::ASSOC,
    sctp::PAIR,
    dcep::PARSE,
    candidate::LINE,
    dns::MESSAGE,
    sdp::PARSE,
    jsep::OFFER_ANSWER,
    demux::PACKET,
    rtp::HEADER,
    rtcp::COMPOUND,
    srtp::PACKETS,
    session::FULL,
    pcapng::FILE,
    transcript::TEXT,
    scenario::FILE,
];

/// The target of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}
