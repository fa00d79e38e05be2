//! The known-bad table: bugs that WebRTC stacks had, each with an input that shows it and with the
//! one account of that input which is right.
//!
//! What it is: rows for people to read (`KNOWN_BAD.md` is printed from them) and for
//! `cargo test --test known_bad` to execute. A check runs our own code on the input and compares
//! what it says with [`Known::right`], within a budget of memory and time. So that none of them
//! passes whatever happens, each can also be run with [`Code::Theirs`]: the code with the bug built
//! in where there is a copy of it, or a course of events that only the bug would lead to. That run
//! must fail.
//!
//! What it is not: a fuzz target. Inputs are written by hand, and nothing is changed in them.
//! How other stacks take them is what [`Others`] says: cases of the suite, or parsers in process.

mod agent;
mod budget;
mod dcep;
mod dtls;
mod ice;
mod link;
mod page;
mod pair;
mod rtcp;
mod rtp;
mod sctp;
mod sdp;
mod srtp;
mod stun;
mod turn;

pub use page::{Said, Verdicts, page};

use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};

/// A bug that somebody's code had.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// `layer/whose-what`.
    pub id: &'static str,
    /// Row of the table it comes from; `None` for what was found since, or is known from elsewhere.
    pub row: Option<u8>,
    /// Product and number of the report, the commit or the CVE.
    pub source: &'static str,
    /// What went wrong, in a line.
    pub cause: &'static str,
    /// What is read, or what happens.
    pub input: Input,
    /// What our code says of it, which is right: refused with which words, answered with what.
    pub right: &'static str,
    /// How others are asked the same.
    pub others: Others,
    /// What it may cost.
    pub budget: Budget,
    /// Our code, or the other, on the input: what it says.
    pub play: fn(Code, &[u8]) -> String,
}

/// What is read, or what happens.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// Bytes of the wire.
    Bytes(&'static [u8]),
    /// Text of signalling.
    Text(&'static str),
    /// Events of a state machine: in words, the program is in `play`.
    Events(&'static str),
}

/// Whose code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Ours as it is.
    Ours,
    /// With the bug, or in a situation which only the bug would bring about.
    Theirs,
}

/// How other stacks are asked.
#[derive(Clone, Copy, Debug)]
pub enum Others {
    /// A case or a scenario of this id plays it; verdicts are in `scenarios/expect`.
    Run(&'static str),
    /// Only their parsers of this format read it, in process.
    Parsers(&'static str),
    /// They are not, and why.
    Nobody(&'static str),
}

impl Input {
    /// The bytes of it; none of events.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
            Self::Events(_) => &[],
        }
    }
}

impl Code {
    /// One of two.
    fn pick<T>(self, ours: T, theirs: T) -> T {
        match self {
            Self::Ours => ours,
            Self::Theirs => theirs,
        }
    }

    /// True for the code with the bug.
    fn is_theirs(self) -> bool {
        self == Self::Theirs
    }
}

impl Known {
    /// What most rows share; the rest is filled in with `..Known::USUAL`.
    const USUAL: Self = Self {
        id: "",
        row: None,
        source: "",
        cause: "",
        input: Input::Bytes(&[]),
        right: "",
        others: Others::Nobody(""),
        budget: Budget::DATAGRAM,
        play: |_, _| String::new(),
    };

    /// Its layer.
    #[must_use]
    pub fn layer(&self) -> &'static str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Runs the input and holds the account against what is right.
    ///
    /// # Errors
    /// The account is another, or the code panicked, or took more than its budget.
    pub fn check(&self, code: Code) -> Verdict {
        let input = self.input.bytes();
        let seen =
            Case::new(input).within(self.budget, input.len(), || (self.play)(code, input))?;
        hold(Oracle::Model, seen == self.right, || format!("{seen:?}, not {:?}", self.right))
    }
}

/// All rows, by layer.
pub fn all() -> impl Iterator<Item = &'static Known> {
    [
        sctp::PACKETS,
        sctp::ASSOCIATIONS,
        dcep::ALL,
        dtls::ALL,
        stun::ALL,
        ice::ALL,
        turn::ALL,
        sdp::ALL,
        rtp::ALL,
        rtcp::ALL,
        srtp::ALL,
    ]
    .into_iter()
    .flatten()
}

/// Rows of the table, or parts of them, that nothing here plays, and why.
pub const OUTSIDE: &[(u8, &str)] = &[
    (14, "several panics of sctp-proto when it reads: their bytes are not given"),
    (
        46,
        "titles only (gortsplib PR 170, livekit/sip PR 162, freeswitch PR 411, opensips PR 51): what \
         they were about is not said",
    ),
    (
        47,
        "rtcp-mux forced although the answer lacks it (SIPSorcery C21): no case negotiates media yet",
    ),
    (48, "a descriptor of VP8: media are outside of the project for now"),
    (51, "depacketisers of AV1 and H.265: media are outside of the project for now"),
    (52, "a depacketiser of H.264: media are outside of the project for now"),
    (53, "FEC and decoders of libwebrtc: media are outside of the project for now"),
    (54, "packetisers of VP9 and H.264: media are outside of the project for now"),
];
