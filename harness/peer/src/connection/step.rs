//! A message on its way between two layers, past its tamper hook.

use crate::ice::Datagram;
use crate::jsep::IceCandidate;
use crate::stun::Outgoing;
use crate::tamper::StreamMessage;

use super::data::Outbound;

/// What is to be done with a message that a hook has let through.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Tell signalling about a local candidate.
    Signal(IceCandidate),
    /// Send a STUN message.
    SendStun(Outgoing),
    /// Send a datagram of DTLS records.
    SendDtls(Vec<u8>),
    /// Encrypt and send an SCTP packet.
    SendSctp(Vec<u8>),
    /// Give a message to SCTP.
    SendMessage(Outbound),
    /// Read a STUN message.
    TakeStun(Datagram),
    /// Read a datagram of DTLS records.
    TakeDtls(Vec<u8>),
    /// Read a decrypted SCTP packet.
    TakeSctp(Vec<u8>),
    /// Read a message that SCTP delivered.
    TakeMessage(StreamMessage),
}

impl Step {
    /// The same step with other bytes, for a hook that replaced them.
    pub(super) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        match self {
            Self::SendStun(outgoing) => Self::SendStun(Outgoing { bytes, ..outgoing.clone() }),
            Self::TakeStun(datagram) => Self::TakeStun(Datagram { data: bytes, ..*datagram }),
            Self::SendDtls(_) => Self::SendDtls(bytes),
            Self::SendSctp(_) => Self::SendSctp(bytes),
            Self::TakeDtls(_) => Self::TakeDtls(bytes),
            Self::TakeSctp(_) => Self::TakeSctp(bytes),
            Self::Signal(_) | Self::SendMessage(_) | Self::TakeMessage(_) => self.clone(),
        }
    }

    /// The same step with another message.
    pub(super) fn with_message(&self, message: StreamMessage) -> Self {
        match self {
            Self::SendMessage(outbound) => {
                Self::SendMessage(Outbound { message, ..outbound.clone() })
            }
            Self::TakeMessage(_) => Self::TakeMessage(message),
            other => other.clone(),
        }
    }
}
