//! What an adapter implements for its stack.

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use rtcspec_control::{
    ChannelInit, Configuration, Description, Hello, Payload, SelectedPair, StateKind, StateReport,
};

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The stack, or the W3C rules around it, refused.
    Error {
        /// W3C `DOMException` name.
        name: &'static str,
        /// For people, the stack's own words where it has some.
        message: String,
    },
    /// The stack has no such thing: the command, option or configuration key it lacks.
    Unsupported(String),
}

impl Refusal {
    /// An error of the stack under a W3C name.
    pub fn error(name: &'static str, message: impl fmt::Display) -> Self {
        Self::Error { name, message: message.to_string() }
    }

    /// The connection is not in a state that allows this.
    pub fn state(message: impl fmt::Display) -> Self {
        Self::error("InvalidStateError", message)
    }

    /// The stack lacks this.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// Result of a command.
pub type Outcome<T> = Result<T, Refusal>;

/// The name a stack gives a data channel, unique within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelKey(pub usize);

/// A local candidate the application found for the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A local UDP address.
    Host {
        /// The address.
        address: SocketAddr,
    },
    /// What a STUN server saw (RFC 8445 §5.1.1.1).
    Reflexive {
        /// The mapped address.
        address: SocketAddr,
        /// The host address behind it.
        base: SocketAddr,
    },
    /// An allocation at a TURN server (RFC 8656).
    Relayed {
        /// The relayed address, which is also the base.
        address: SocketAddr,
        /// The address to signal as related (RFC 8839 §5.1).
        related: SocketAddr,
    },
}

/// What the stack made of a candidate it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// To be signalled: the `candidate:` attribute value in the stack's own words.
    Signal(String),
    /// The stack did not want it (redundant, policy).
    Declined,
}

/// Something the stack did, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A datagram to send.
    Datagram {
        /// Local address, a base the stack was given or a relayed address.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// A state changed.
    State {
        /// Which.
        which: StateKind,
        /// Its W3C word.
        value: String,
    },
    /// `negotiationneeded`.
    NegotiationNeeded,
    /// Data is sent on another pair from now on.
    SelectedPair(SelectedPair),
    /// The other side opened a channel; [`Happening::Open`] follows when it can carry data.
    Channel {
        /// Its key.
        key: ChannelKey,
        /// Label.
        label: String,
        /// Subprotocol and reliability as the stack tells them.
        init: ChannelInit,
    },
    /// A channel can carry data.
    Open {
        /// Its key.
        key: ChannelKey,
        /// Stream id, where the stack tells.
        sid: Option<u16>,
    },
    /// A message arrived.
    Message {
        /// On which channel.
        key: ChannelKey,
        /// What it says.
        payload: Payload,
    },
    /// A channel is closed; its key is not used again.
    Closed {
        /// Its key.
        key: ChannelKey,
    },
    /// The stack reported an error nobody asked for.
    Error {
        /// The channel it belongs to, or the connection.
        key: Option<ChannelKey>,
        /// W3C error name.
        name: &'static str,
        /// The stack's words.
        message: String,
    },
    /// A line for the log.
    Log(String),
}

/// One peer connection of a stack.
///
/// Every call may panic: [`crate::Embedded`] turns that into an event and never calls again.
pub trait Connection {
    /// `createOffer`.
    ///
    /// # Errors
    /// What the stack refuses or lacks; so for every command below.
    fn offer(&mut self, now: Instant, ice_restart: bool) -> Outcome<String>;
    /// `createAnswer`.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn answer(&mut self, now: Instant) -> Outcome<String>;
    /// `setLocalDescription`.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn local(&mut self, now: Instant, description: &Description) -> Outcome<()>;
    /// `localDescription`: the text with the candidates known so far.
    fn local_description(&self) -> Option<String>;
    /// `setRemoteDescription`.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn remote(&mut self, now: Instant, description: &Description) -> Outcome<()>;
    /// `addIceCandidate`; `None` or an empty string ends the candidates.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn remote_candidate(
        &mut self,
        now: Instant,
        candidate: Option<&rtcspec_control::Candidate>,
    ) -> Outcome<()>;
    /// Gives the stack a local candidate of the current generation.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn local_candidate(&mut self, now: Instant, found: Found) -> Outcome<Gathered>;
    /// All local candidates of this generation were given.
    fn end_of_local_candidates(&mut self, now: Instant);
    /// A base is gone, with every candidate on it: its interface, its allocation, or its socket
    /// after a restart.
    fn forget_local_address(&mut self, now: Instant, base: SocketAddr);
    /// `createDataChannel`.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn channel(&mut self, now: Instant, label: &str, init: &ChannelInit) -> Outcome<ChannelKey>;
    /// Sends one message.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn send(&mut self, now: Instant, key: ChannelKey, payload: &Payload) -> Outcome<()>;
    /// Closes a channel.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn close_channel(&mut self, now: Instant, key: ChannelKey) -> Outcome<()>;
    /// Closes the connection.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn close(&mut self, now: Instant) -> Outcome<()>;
    /// The four states and the selected pair.
    fn state(&self) -> StateReport;
    /// `restartIce`.
    ///
    /// # Errors
    /// See [`Connection::offer`].
    fn restart_ice(&mut self, now: Instant) -> Outcome<()>;
    /// A datagram came in.
    fn receive(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr, data: &[u8]);
    /// Time has come to `now`.
    fn advance(&mut self, now: Instant);
    /// When [`Connection::advance`] is wanted next.
    fn wake(&mut self) -> Option<Instant>;
    /// NSS key log lines since the last call.
    fn secrets(&mut self) -> Vec<String>;
    /// The next thing the stack did; called until it returns `None` after every other call.
    fn poll(&mut self, now: Instant) -> Option<Happening>;
}

/// A stack: what makes its connections.
pub trait Stack {
    /// Its peer connections.
    type Connection: Connection;

    /// What it says it is and can do.
    fn hello(&self) -> &Hello;
    /// The stack is about to run on this thread: what its libraries keep in the thread becomes
    /// this peer's.
    fn resume(&mut self) {}
    /// The stack has run; takes back what [`Stack::resume`] lent.
    fn suspend(&mut self) {}
    /// Makes a connection.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] with the configuration key it lacks, or the stack's error.
    fn connection(&mut self, now: Instant, config: &Configuration) -> Outcome<Self::Connection>;
    /// Which key of a changed configuration the stack cannot follow, if any.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] with the key.
    fn reconfigure(
        &mut self,
        connection: &mut Self::Connection,
        config: &Configuration,
    ) -> Outcome<()>;
}
