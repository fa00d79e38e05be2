//! INIT and INIT ACK, RFC 9260 §3.3.2 and §3.3.3.
//!
//! ```txt
//! |   Type = 1/2  |  Chunk Flags  |      Chunk Length             |
//! |                         Initiate Tag                          |
//! |           Advertised Receiver Window Credit (a_rwnd)          |
//! |  Number of Outbound Streams   |   Number of Inbound Streams   |
//! |                          Initial TSN                          |
//! |              Optional/Variable-Length Parameters              |
//! ```

use super::error::{EncodeError, Error};
use super::number::{be16, be32};
use super::{ChunkType, Parameter, ParameterType, Parameters, Tsn, VerificationTag};

/// An INIT or INIT ACK as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitView<'a> {
    /// The tag the peer wants in packets to it.
    pub initiate_tag: VerificationTag,
    /// Its receive window in bytes.
    pub a_rwnd: u32,
    /// Streams it wants to send on.
    pub outbound_streams: u16,
    /// Streams it can receive on.
    pub inbound_streams: u16,
    /// Its first TSN.
    pub initial_tsn: Tsn,
    parameters: &'a [u8],
}

impl<'a> InitView<'a> {
    pub(super) fn read(chunk_type: ChunkType, value: &'a [u8]) -> Result<Self, Error> {
        let Some((fixed, parameters)) = value.split_first_chunk::<16>() else {
            return Err(Error::ChunkTooShort { chunk_type, needed: 16, available: value.len() });
        };
        Ok(Self {
            initiate_tag: VerificationTag(be32(fixed, 0).unwrap_or_default()),
            a_rwnd: be32(fixed, 4).unwrap_or_default(),
            outbound_streams: be16(fixed, 8).unwrap_or_default(),
            inbound_streams: be16(fixed, 10).unwrap_or_default(),
            initial_tsn: Tsn(be32(fixed, 12).unwrap_or_default()),
            parameters,
        })
    }

    /// The parameters in order, malformed ones included.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.parameters)
    }

    /// The value of the first parameter of this type whose framing holds.
    #[must_use]
    pub fn parameter(&self, wanted: ParameterType) -> Option<&'a [u8]> {
        self.parameters()
            .find(|found| found.parameter_type() == wanted && found.fatal_fault().is_none())
            .map(|found| found.value())
    }

    /// The chunk types of the Supported Extensions parameter (RFC 5061 §4.2.7).
    #[must_use]
    pub fn supported_extensions(&self) -> &'a [u8] {
        self.parameter(ParameterType::SUPPORTED_EXTENSIONS).unwrap_or_default()
    }
}

/// An INIT or INIT ACK to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// The tag the sender wants in packets to it; never zero by the rules.
    pub initiate_tag: VerificationTag,
    /// Its receive window in bytes.
    pub a_rwnd: u32,
    /// Streams it wants to send on.
    pub outbound_streams: u16,
    /// Streams it can receive on.
    pub inbound_streams: u16,
    /// Its first TSN.
    pub initial_tsn: Tsn,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
}

impl Init {
    pub(super) fn from_view(view: &InitView<'_>) -> Result<Self, Error> {
        Ok(Self {
            initiate_tag: view.initiate_tag,
            a_rwnd: view.a_rwnd,
            outbound_streams: view.outbound_streams,
            inbound_streams: view.inbound_streams,
            initial_tsn: view.initial_tsn,
            parameters: view
                .parameters()
                .map(|found| Parameter::from_view(&found))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.initiate_tag.0.to_be_bytes());
        out.extend_from_slice(&self.a_rwnd.to_be_bytes());
        out.extend_from_slice(&self.outbound_streams.to_be_bytes());
        out.extend_from_slice(&self.inbound_streams.to_be_bytes());
        out.extend_from_slice(&self.initial_tsn.0.to_be_bytes());
        self.parameters.iter().try_for_each(|parameter| parameter.write(out))
    }
}
