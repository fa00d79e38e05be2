//! What is said: replies and events, as whole lines in the order they were made.

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use webrtc::error::Error;

/// Why a request is not `ok`.
pub enum No {
    /// Name as W3C's, and a text.
    Error(&'static str, String),
    /// What is not there.
    Unsupported(String),
}

impl No {
    pub fn error(name: &'static str, message: impl Into<String>) -> Self {
        Self::Error(name, message.into())
    }
}

impl From<Error> for No {
    fn from(error: Error) -> Self {
        let name = match &error {
            Error::ErrConnectionClosed
            | Error::ErrDataChannelClosed
            | Error::ErrNoRemoteDescription
            | Error::ErrSignalingStateProposedTransitionInvalid(_)
            | Error::InvalidStateError => "InvalidStateError",
            Error::InvalidModificationError | Error::ErrModifyingCertificates => {
                "InvalidModificationError"
            }
            Error::ErrRetransmitsOrPacketLifeTime | Error::ErrProtocolTooLarge => "TypeError",
            _ => "OperationError",
        };
        Self::error(name, error.to_string())
    }
}

pub type Reply = Result<Value, No>;

/// Where lines go.
#[derive(Clone)]
pub struct Out(pub UnboundedSender<String>);

impl Out {
    fn line(&self, line: &Value) {
        // Nobody listens any more once this fails.
        let _ = self.0.send(line.to_string());
    }

    pub fn reply(&self, id: u64, reply: Reply) {
        self.line(&match reply {
            Ok(ok) => json!({"id": id, "ok": ok}),
            Err(No::Error(name, message)) => {
                json!({"id": id, "err": {"name": name, "message": message}})
            }
            Err(No::Unsupported(word)) => json!({"id": id, "unsupported": word}),
        });
    }

    pub fn event(&self, event: &str, mut members: Value) {
        members["ev"] = event.into();
        self.line(&members);
    }
}

/// A member that must be a string.
pub fn text<'a>(request: &'a Value, key: &str) -> Result<&'a str, No> {
    request[key].as_str().ok_or_else(|| No::error("TypeError", format!("{key}: no string")))
}
