//! Correct by default, hostile on request: hooks at every layer of the peer.
//!
//! A [`Tamper`] sees each outgoing message before the next layer protects it and says what becomes
//! of it: an SDP text before it is signalled, a STUN message with the key that signs it, a DTLS
//! datagram, an SCTP packet before DTLS encrypts it, a data channel message before SCTP fragments
//! it. The `received_` hooks see the same layers in the other direction, after verification and
//! decryption. Every method passes by default, so that a conformance case is a few lines:
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_peer::tamper::{Action, Tamper};
//!
//! /// Swallows the first SCTP packet, the INIT, so that T1 has to send it again.
//! struct LoseInit(bool);
//!
//! impl Tamper for LoseInit {
//!     fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
//!         if std::mem::replace(&mut self.0, true) { Action::Pass } else { Action::Drop }
//!     }
//! }
//! ```
//!
//! Hooks get bytes, not typed values, because a case has to be able to say what no valid value can:
//! it parses with the views of `rtcspec_wire` and answers with whatever bytes it likes. Whoever
//! replaces a STUN message or an SCTP packet also owns its integrity, fingerprint and checksum.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// What becomes of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Action<T = Vec<u8>> {
    /// It goes on as it is.
    #[default]
    Pass,
    /// It is never seen again.
    Drop,
    /// It goes on twice.
    Duplicate,
    /// It goes on after this long; later messages may overtake it.
    Delay(Duration),
    /// These go on in its place, in order.
    Replace(Vec<T>),
}

impl<T> Action<T> {
    /// Replaces the message by one other.
    #[must_use]
    pub fn replace(message: T) -> Self {
        Self::Replace(vec![message])
    }
}

/// A STUN message on its way from or to an ICE or TURN peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stun<'a> {
    /// Address of ours it leaves from or came to.
    pub local: SocketAddr,
    /// Address of the other side.
    pub remote: SocketAddr,
    /// The complete message.
    pub bytes: &'a [u8],
    /// Key of its MESSAGE-INTEGRITY, where this peer knows it (RFC 8445 §7.2.2: the password of
    /// the side that answers), to sign a replacement with.
    pub key: Option<&'a [u8]>,
}

/// A message on a stream: a DCEP message or a data channel message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamMessage {
    /// SCTP stream identifier.
    pub stream: u16,
    /// Payload protocol identifier (RFC 8831 §8): 50 is DCEP.
    pub ppid: u32,
    /// The message.
    pub data: Vec<u8>,
}

/// Something to be sent that no layer of the peer asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// A UDP datagram from any socket of the peer to anyone.
    Datagram {
        /// Which of the peer's addresses it leaves from.
        local: SocketAddr,
        /// Where to.
        remote: SocketAddr,
        /// Payload.
        data: Vec<u8>,
    },
    /// Bytes on the selected pair, where DTLS and SRTP datagrams go.
    Transport(Vec<u8>),
    /// A plain SCTP packet, checksum included, to be encrypted by DTLS.
    Sctp(Vec<u8>),
    /// A message handed to SCTP as if the layer above had sent it, reliable and ordered.
    Message(StreamMessage),
}

/// Hooks at every layer. All of them pass unless overridden.
///
/// `now` is the time since the run's start. A replaced or delayed message does not come back to
/// the hook.
pub trait Tamper {
    /// A description about to be signalled; edits to it are signalled, and are not seen by the
    /// peer's own stack.
    fn sdp(&mut self, now: Duration, sdp: &mut String) {
        let _ = (now, sdp);
    }

    /// A local candidate about to be signalled, `candidate:...`.
    fn candidate(&mut self, now: Duration, candidate: &str) -> Action<String> {
        let _ = (now, candidate);
        Action::Pass
    }

    /// A STUN message about to be sent to an ICE peer or a server.
    fn stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        let _ = (now, message);
        Action::Pass
    }

    /// A datagram of DTLS records about to be sent on the selected pair.
    fn dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        let _ = (now, datagram);
        Action::Pass
    }

    /// An SCTP packet about to be encrypted.
    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        let _ = (now, packet);
        Action::Pass
    }

    /// A DCEP or data channel message about to be given to SCTP. A delayed one that is overtaken
    /// on its stream really is out of order: its stream sequence number is given out later.
    fn message(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let _ = (now, message);
        Action::Pass
    }

    /// A description from the other side before the peer's stack reads it.
    fn received_sdp(&mut self, now: Duration, sdp: &mut String) {
        let _ = (now, sdp);
    }

    /// A STUN message from the network.
    fn received_stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        let _ = (now, message);
        Action::Pass
    }

    /// A datagram of DTLS records from the network.
    fn received_dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        let _ = (now, datagram);
        Action::Pass
    }

    /// A decrypted SCTP packet.
    fn received_sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        let _ = (now, packet);
        Action::Pass
    }

    /// A DCEP or data channel message that SCTP delivered.
    fn received_message(
        &mut self,
        now: Duration,
        message: &StreamMessage,
    ) -> Action<StreamMessage> {
        let _ = (now, message);
        Action::Pass
    }

    /// What to send besides; asked after every input and whenever [`Tamper::wake`] is due.
    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        let _ = now;
        Vec::new()
    }

    /// When [`Tamper::inject`] wants to be asked next; a time not after the last call is ignored.
    fn wake(&self) -> Option<Duration> {
        None
    }
}

/// The peer as its RFCs want it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Tamper for Honest {}

/// A tamper that its case keeps a hand on, to read what it has seen.
impl<T: Tamper> Tamper for Rc<RefCell<T>> {
    fn sdp(&mut self, now: Duration, sdp: &mut String) {
        self.borrow_mut().sdp(now, sdp);
    }

    fn candidate(&mut self, now: Duration, candidate: &str) -> Action<String> {
        self.borrow_mut().candidate(now, candidate)
    }

    fn stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        self.borrow_mut().stun(now, message)
    }

    fn dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.borrow_mut().dtls(now, datagram)
    }

    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        self.borrow_mut().sctp(now, packet)
    }

    fn message(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        self.borrow_mut().message(now, message)
    }

    fn received_sdp(&mut self, now: Duration, sdp: &mut String) {
        self.borrow_mut().received_sdp(now, sdp);
    }

    fn received_stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        self.borrow_mut().received_stun(now, message)
    }

    fn received_dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.borrow_mut().received_dtls(now, datagram)
    }

    fn received_sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        self.borrow_mut().received_sctp(now, packet)
    }

    fn received_message(
        &mut self,
        now: Duration,
        message: &StreamMessage,
    ) -> Action<StreamMessage> {
        self.borrow_mut().received_message(now, message)
    }

    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        self.borrow_mut().inject(now)
    }

    fn wake(&self) -> Option<Duration> {
        self.borrow().wake()
    }
}
