//! HEARTBEAT and HEARTBEAT ACK, RFC 9260 §3.3.5 and §3.3.6.
//!
//! ```txt
//! |  Type = 4/5   |  Chunk Flags  |        Heartbeat Length       |
//! |            Heartbeat Information TLV (Variable-Length)        |
//! ```

use super::error::{EncodeError, Error};
use super::frame::write_item;
use super::{ChunkType, ParameterType, Parameters};

/// A HEARTBEAT or HEARTBEAT ACK as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatView<'a> {
    value: &'a [u8],
}

impl<'a> HeartbeatView<'a> {
    pub(super) const fn read(value: &'a [u8]) -> Self {
        Self { value }
    }

    /// The parameters in order, malformed ones included; by the rules one Heartbeat Info.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.value)
    }

    /// What the sender put into the Heartbeat Info parameter.
    #[must_use]
    pub fn info(&self) -> Option<&'a [u8]> {
        let first = self.parameters().next()?;
        let usable = first.parameter_type() == ParameterType::HEARTBEAT_INFO
            && first.fatal_fault().is_none();
        usable.then(|| first.value())
    }
}

/// A HEARTBEAT or HEARTBEAT ACK to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// What the acknowledgement must bring back.
    pub info: Vec<u8>,
}

impl Heartbeat {
    pub(super) fn from_view(
        chunk_type: ChunkType,
        view: &HeartbeatView<'_>,
    ) -> Result<Self, Error> {
        let parameter_type = ParameterType::HEARTBEAT_INFO;
        let info = view.info().ok_or(Error::MissingParameter { chunk_type, parameter_type })?;
        Ok(Self { info: info.to_vec() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write_item(out, ParameterType::HEARTBEAT_INFO.0, |out| {
            out.extend_from_slice(&self.info);
            Ok(())
        })
    }
}
