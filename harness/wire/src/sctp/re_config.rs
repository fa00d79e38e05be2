//! RE-CONFIG and its parameters, RFC 6525 §3.1 and §4.
//!
//! ```txt
//! |  Type = 130   |  Chunk Flags  |      Chunk Length             |
//! |                  Re-configuration Parameter                   |
//! |             Re-configuration Parameter (optional)             |
//! ```

use std::fmt;

use super::error::{EncodeError, Error};
use super::number::{be16, be32};
use super::{Parameter, Parameters, RequestSequence, StreamId, Tsn};

/// A RE-CONFIG as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReConfigView<'a> {
    value: &'a [u8],
}

impl<'a> ReConfigView<'a> {
    pub(super) const fn read(value: &'a [u8]) -> Self {
        Self { value }
    }

    /// The parameters in order, malformed ones included; by the rules one or two.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.value)
    }
}

/// A RE-CONFIG to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReConfig {
    /// One or two parameters in a combination RFC 6525 §3.1 lists.
    pub parameters: Vec<Parameter>,
}

impl ReConfig {
    pub(super) fn from_view(view: &ReConfigView<'_>) -> Result<Self, Error> {
        let parameters = view
            .parameters()
            .map(|found| Parameter::from_view(&found))
            .collect::<Result<Vec<_>, _>>()?;
        let count = parameters.len();
        if fits(count) { Ok(Self { parameters }) } else { Err(Error::ReConfigParameters { count }) }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let count = self.parameters.len();
        if !fits(count) {
            return Err(EncodeError::ReConfigParameters { count });
        }
        self.parameters.iter().try_for_each(|parameter| parameter.write(out))
    }
}

/// RFC 6525 §3.1: a RE-CONFIG holds one parameter or two.
fn fits(parameters: usize) -> bool {
    (1..=2).contains(&parameters)
}

/// Outgoing SSN Reset Request, RFC 6525 §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingSsnReset {
    /// Its number.
    pub request: RequestSequence,
    /// The incoming reset request this answers; else the last request seen.
    pub response: RequestSequence,
    /// The last TSN the sender assigned before the reset.
    pub last_tsn: Tsn,
    /// The streams; none means all.
    pub streams: Vec<StreamId>,
}

impl OutgoingSsnReset {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (fixed, streams) = value.split_first_chunk::<12>()?;
        Some(Self {
            request: RequestSequence(be32(fixed, 0)?),
            response: RequestSequence(be32(fixed, 4)?),
            last_tsn: Tsn(be32(fixed, 8)?),
            streams: read_streams(streams)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request.0.to_be_bytes());
        out.extend_from_slice(&self.response.0.to_be_bytes());
        out.extend_from_slice(&self.last_tsn.0.to_be_bytes());
        write_streams(&self.streams, out);
    }
}

/// Incoming SSN Reset Request, RFC 6525 §4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingSsnReset {
    /// Its number.
    pub request: RequestSequence,
    /// The streams; none means all.
    pub streams: Vec<StreamId>,
}

impl IncomingSsnReset {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (fixed, streams) = value.split_first_chunk::<4>()?;
        Some(Self {
            request: RequestSequence(u32::from_be_bytes(*fixed)),
            streams: read_streams(streams)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request.0.to_be_bytes());
        write_streams(&self.streams, out);
    }
}

fn read_streams(bytes: &[u8]) -> Option<Vec<StreamId>> {
    let whole = bytes.len().is_multiple_of(2);
    whole.then(|| bytes.chunks_exact(2).filter_map(|two| be16(two, 0)).map(StreamId).collect())
}

fn write_streams(streams: &[StreamId], out: &mut Vec<u8>) {
    for stream in streams {
        out.extend_from_slice(&stream.0.to_be_bytes());
    }
}

/// What became of a request, RFC 6525 §4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReconfigResult(pub u32);

impl ReconfigResult {
    /// Nothing to do.
    pub const NOTHING_TO_DO: Self = Self(0);
    /// Done.
    pub const PERFORMED: Self = Self(1);
    /// Refused.
    pub const DENIED: Self = Self(2);
    /// Wrong SSN.
    pub const WRONG_SSN: Self = Self(3);
    /// Another request is under way.
    pub const REQUEST_IN_PROGRESS: Self = Self(4);
    /// Bad sequence number.
    pub const BAD_SEQUENCE_NUMBER: Self = Self(5);
    /// Not yet: ask again with the same number.
    pub const IN_PROGRESS: Self = Self(6);
}

impl fmt::Display for ReconfigResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NOTHING_TO_DO => f.write_str("nothing-to-do"),
            Self::PERFORMED => f.write_str("performed"),
            Self::DENIED => f.write_str("denied"),
            Self::WRONG_SSN => f.write_str("wrong-ssn"),
            Self::REQUEST_IN_PROGRESS => f.write_str("request-in-progress"),
            Self::BAD_SEQUENCE_NUMBER => f.write_str("bad-sequence-number"),
            Self::IN_PROGRESS => f.write_str("in-progress"),
            Self(number) => write!(f, "result-{number}"),
        }
    }
}

/// Re-configuration Response, RFC 6525 §4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconfigResponse {
    /// The request this answers.
    pub response: RequestSequence,
    /// What became of it.
    pub result: ReconfigResult,
    /// The responder's and the requester's next TSN; only in the answer to an SSN/TSN reset.
    pub next_tsns: Option<(Tsn, Tsn)>,
}

impl ReconfigResponse {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let next_tsns = match value.len() {
            8 => None,
            16 => Some((Tsn(be32(value, 8)?), Tsn(be32(value, 12)?))),
            _ => return None,
        };
        Some(Self {
            response: RequestSequence(be32(value, 0)?),
            result: ReconfigResult(be32(value, 4)?),
            next_tsns,
        })
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.response.0.to_be_bytes());
        out.extend_from_slice(&self.result.0.to_be_bytes());
        if let Some((sender, receiver)) = self.next_tsns {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&receiver.0.to_be_bytes());
        }
    }
}

/// Add Outgoing or Incoming Streams Request, RFC 6525 §4.5 and §4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddStreams {
    /// Its number.
    pub request: RequestSequence,
    /// How many more.
    pub count: u16,
}

impl AddStreams {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let fixed: &[u8; 8] = value.try_into().ok()?;
        Some(Self { request: RequestSequence(be32(fixed, 0)?), count: be16(fixed, 4)? })
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request.0.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
    }
}
