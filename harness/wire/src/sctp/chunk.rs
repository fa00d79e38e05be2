//! Chunks, RFC 9260 §3.2.
//!
//! ```txt
//! |   Chunk Type  |  Chunk Flags  |         Chunk Length          |
//! |                          Chunk Value                          |
//! ```

use std::fmt;

use super::error::{EncodeError, Error, Fault};
use super::frame::{self, Frame};
use super::{
    Abort, AbortView, CookieEcho, CookieEchoView, Data, DataView, ForwardTsn, ForwardTsnView,
    Heartbeat, HeartbeatView, IData, IDataView, IForwardTsn, IForwardTsnView, Init, InitView,
    OperationError, OperationErrorView, ReConfig, ReConfigView, Sack, SackView, Shutdown,
    ShutdownComplete, ShutdownView, UnknownAction, UnknownChunk,
};

/// A chunk type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkType(pub u8);

/// Declares the known types with their names.
macro_rules! chunk_types {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl ChunkType {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// The name of a known type.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

chunk_types! {
    /// RFC 9260 §3.3.1.
    DATA = 0, "DATA";
    /// RFC 9260 §3.3.2.
    INIT = 1, "INIT";
    /// RFC 9260 §3.3.3.
    INIT_ACK = 2, "INIT-ACK";
    /// RFC 9260 §3.3.4.
    SACK = 3, "SACK";
    /// RFC 9260 §3.3.5.
    HEARTBEAT = 4, "HEARTBEAT";
    /// RFC 9260 §3.3.6.
    HEARTBEAT_ACK = 5, "HEARTBEAT-ACK";
    /// RFC 9260 §3.3.7.
    ABORT = 6, "ABORT";
    /// RFC 9260 §3.3.8.
    SHUTDOWN = 7, "SHUTDOWN";
    /// RFC 9260 §3.3.9.
    SHUTDOWN_ACK = 8, "SHUTDOWN-ACK";
    /// RFC 9260 §3.3.10.
    ERROR = 9, "ERROR";
    /// RFC 9260 §3.3.11.
    COOKIE_ECHO = 10, "COOKIE-ECHO";
    /// RFC 9260 §3.3.12.
    COOKIE_ACK = 11, "COOKIE-ACK";
    /// Reserved for explicit congestion notification.
    ECNE = 12, "ECNE";
    /// Reserved for congestion window reduced.
    CWR = 13, "CWR";
    /// RFC 9260 §3.3.13.
    SHUTDOWN_COMPLETE = 14, "SHUTDOWN-COMPLETE";
    /// RFC 4895 §4.1; kept raw.
    AUTH = 15, "AUTH";
    /// RFC 8260 §2.1.
    I_DATA = 64, "I-DATA";
    /// RFC 5061 §4.1.2; kept raw.
    ASCONF_ACK = 128, "ASCONF-ACK";
    /// RFC 6525 §3.1.
    RE_CONFIG = 130, "RE-CONFIG";
    /// RFC 4820 §3; kept raw.
    PAD = 132, "PAD";
    /// RFC 3758 §3.2.
    FORWARD_TSN = 192, "FORWARD-TSN";
    /// RFC 5061 §4.1.1; kept raw.
    ASCONF = 193, "ASCONF";
    /// RFC 8260 §2.3.1.
    I_FORWARD_TSN = 194, "I-FORWARD-TSN";
}

impl ChunkType {
    /// What a receiver that does not know this type must do (RFC 9260 §3.2).
    #[must_use]
    pub const fn unknown_action(self) -> UnknownAction {
        UnknownAction::from_high_bits(self.0 >> 6)
    }
}

impl fmt::Display for ChunkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "chunk {}", self.0),
        }
    }
}

impl fmt::Debug for ChunkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One chunk as received, however wrong its length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkView<'a> {
    frame: Frame<'a>,
}

impl<'a> ChunkView<'a> {
    /// Its type.
    #[must_use]
    #[inline]
    pub fn chunk_type(&self) -> ChunkType {
        ChunkType(self.frame.head()[0])
    }

    /// Its flags; missing counts as zero.
    #[must_use]
    #[inline]
    pub fn flags(&self) -> u8 {
        self.frame.head()[1]
    }

    /// Its length field, if there is one.
    #[must_use]
    pub fn length(&self) -> Option<u16> {
        self.frame.length()
    }

    /// Its value, as far as it is there.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.frame.value()
    }

    /// The padding after its value.
    #[must_use]
    pub fn padding(&self) -> &'a [u8] {
        self.frame.padding()
    }

    /// Header, value and padding.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.frame.bytes()
    }

    /// Header and value.
    #[must_use]
    pub fn unpadded(&self) -> &'a [u8] {
        self.frame.unpadded()
    }

    /// What is wrong with its framing, the worst first.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.frame.fault()
    }

    /// Its fields by type.
    ///
    /// # Errors
    /// If its framing is broken or its fixed fields are not all there.
    #[inline]
    pub fn body(&self) -> Result<Body<'a>, Error> {
        if let Some(fault) = self.frame.fatal_fault() {
            return Err(Error::Chunk(fault));
        }
        let value = self.frame.value();
        Ok(match self.chunk_type() {
            ChunkType::DATA => Body::Data(DataView::read(self.flags(), value)?),
            ChunkType::SACK => Body::Sack(SackView::read(value)?),
            _ => return self.rarer_body(value),
        })
    }

    fn rarer_body(&self, value: &'a [u8]) -> Result<Body<'a>, Error> {
        let chunk_type = self.chunk_type();
        let flags = self.flags();
        Ok(match chunk_type {
            ChunkType::INIT => Body::Init(InitView::read(chunk_type, value)?),
            ChunkType::INIT_ACK => Body::InitAck(InitView::read(chunk_type, value)?),
            ChunkType::HEARTBEAT => Body::Heartbeat(HeartbeatView::read(value)),
            ChunkType::HEARTBEAT_ACK => Body::HeartbeatAck(HeartbeatView::read(value)),
            ChunkType::ABORT => Body::Abort(AbortView::read(flags, value)),
            ChunkType::SHUTDOWN => Body::Shutdown(ShutdownView::read(value)?),
            ChunkType::SHUTDOWN_ACK => Body::ShutdownAck,
            ChunkType::ERROR => Body::Error(OperationErrorView::read(value)),
            ChunkType::COOKIE_ECHO => Body::CookieEcho(CookieEchoView { cookie: value }),
            ChunkType::COOKIE_ACK => Body::CookieAck,
            ChunkType::SHUTDOWN_COMPLETE => {
                Body::ShutdownComplete(ShutdownComplete { reflected_tag: flags & 1 != 0 })
            }
            ChunkType::I_DATA => Body::IData(IDataView::read(flags, value)?),
            ChunkType::RE_CONFIG => Body::ReConfig(ReConfigView::read(value)),
            ChunkType::FORWARD_TSN => Body::ForwardTsn(ForwardTsnView::read(value)?),
            ChunkType::I_FORWARD_TSN => Body::IForwardTsn(IForwardTsnView::read(value)?),
            _ => Body::Unknown,
        })
    }
}

/// The fields of a received chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the chunk it is named after")]
pub enum Body<'a> {
    Data(DataView<'a>),
    Init(InitView<'a>),
    InitAck(InitView<'a>),
    Sack(SackView<'a>),
    Heartbeat(HeartbeatView<'a>),
    HeartbeatAck(HeartbeatView<'a>),
    Abort(AbortView<'a>),
    Shutdown(ShutdownView),
    ShutdownAck,
    Error(OperationErrorView<'a>),
    CookieEcho(CookieEchoView<'a>),
    CookieAck,
    ShutdownComplete(ShutdownComplete),
    IData(IDataView<'a>),
    ReConfig(ReConfigView<'a>),
    ForwardTsn(ForwardTsnView<'a>),
    IForwardTsn(IForwardTsnView<'a>),
    /// A type that is unknown, or known and kept raw: see [`ChunkView::value`].
    Unknown,
}

/// The chunks of a packet in order; a broken one is shown and ends the walk.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Walks bytes that hold chunks, for instance the value of an error cause.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ChunkView<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (frame, rest) = Frame::split(self.rest)?;
        self.rest = rest;
        Some(ChunkView { frame })
    }
}

/// A chunk to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the chunk it is named after")]
pub enum Chunk {
    Data(Data),
    Init(Init),
    InitAck(Init),
    Sack(Sack),
    Heartbeat(Heartbeat),
    HeartbeatAck(Heartbeat),
    Abort(Abort),
    Shutdown(Shutdown),
    ShutdownAck,
    Error(OperationError),
    CookieEcho(CookieEcho),
    CookieAck,
    ShutdownComplete(ShutdownComplete),
    IData(IData),
    ReConfig(ReConfig),
    ForwardTsn(ForwardTsn),
    IForwardTsn(IForwardTsn),
    /// A type that is unknown, or known and kept raw.
    Unknown(UnknownChunk),
}

impl Chunk {
    /// Its type.
    #[must_use]
    pub const fn chunk_type(&self) -> ChunkType {
        match self {
            Self::Data(_) => ChunkType::DATA,
            Self::Init(_) => ChunkType::INIT,
            Self::InitAck(_) => ChunkType::INIT_ACK,
            Self::Sack(_) => ChunkType::SACK,
            Self::Heartbeat(_) => ChunkType::HEARTBEAT,
            Self::HeartbeatAck(_) => ChunkType::HEARTBEAT_ACK,
            Self::Abort(_) => ChunkType::ABORT,
            Self::Shutdown(_) => ChunkType::SHUTDOWN,
            Self::ShutdownAck => ChunkType::SHUTDOWN_ACK,
            Self::Error(_) => ChunkType::ERROR,
            Self::CookieEcho(_) => ChunkType::COOKIE_ECHO,
            Self::CookieAck => ChunkType::COOKIE_ACK,
            Self::ShutdownComplete(_) => ChunkType::SHUTDOWN_COMPLETE,
            Self::IData(_) => ChunkType::I_DATA,
            Self::ReConfig(_) => ChunkType::RE_CONFIG,
            Self::ForwardTsn(_) => ChunkType::FORWARD_TSN,
            Self::IForwardTsn(_) => ChunkType::I_FORWARD_TSN,
            Self::Unknown(unknown) => unknown.chunk_type,
        }
    }

    /// Takes a received chunk apart. Not kept are flags that its type does not have, padding, and
    /// what stands behind all that its type has: behind the fixed fields of a SHUTDOWN, the lists of
    /// a SACK, the parameter of a HEARTBEAT, and in chunks that are a header and no more.
    ///
    /// # Errors
    /// If its fields or lists are not whole, or one of its parameters or error causes is malformed.
    pub fn from_view(view: &ChunkView<'_>) -> Result<Self, Error> {
        Ok(match view.body()? {
            Body::Data(body) => Self::Data(Data::from_view(&body)?),
            Body::Init(body) => Self::Init(Init::from_view(&body)?),
            Body::InitAck(body) => Self::InitAck(Init::from_view(&body)?),
            Body::Sack(body) => Self::Sack(Sack::from_view(&body)),
            Body::Heartbeat(body) => {
                Self::Heartbeat(Heartbeat::from_view(ChunkType::HEARTBEAT, &body)?)
            }
            Body::HeartbeatAck(body) => {
                Self::HeartbeatAck(Heartbeat::from_view(ChunkType::HEARTBEAT_ACK, &body)?)
            }
            Body::Abort(body) => Self::Abort(Abort::from_view(&body)?),
            Body::Shutdown(body) => {
                Self::Shutdown(Shutdown { cumulative_tsn_ack: body.cumulative_tsn_ack })
            }
            Body::ShutdownAck => Self::ShutdownAck,
            Body::Error(body) => Self::Error(OperationError::from_view(&body)?),
            Body::CookieEcho(body) => Self::CookieEcho(CookieEcho { cookie: body.cookie.to_vec() }),
            Body::CookieAck => Self::CookieAck,
            Body::ShutdownComplete(body) => Self::ShutdownComplete(body),
            Body::IData(body) => Self::IData(IData::from_view(&body)?),
            Body::ReConfig(body) => Self::ReConfig(ReConfig::from_view(&body)?),
            Body::ForwardTsn(body) => Self::ForwardTsn(ForwardTsn::from_view(&body)),
            Body::IForwardTsn(body) => Self::IForwardTsn(IForwardTsn::from_view(&body)),
            Body::Unknown => Self::Unknown(UnknownChunk {
                chunk_type: view.chunk_type(),
                flags: view.flags(),
                value: view.value().to_vec(),
            }),
        })
    }

    fn flags(&self) -> u8 {
        match self {
            Self::Data(data) => data.flags.bits(),
            Self::IData(data) => data.flags().bits(),
            Self::Abort(abort) => u8::from(abort.reflected_tag),
            Self::ShutdownComplete(complete) => u8::from(complete.reflected_tag),
            Self::Unknown(unknown) => unknown.flags,
            _ => 0,
        }
    }

    /// Appends it, padded.
    ///
    /// # Errors
    /// If it or a part of it does not fit its length field; `out` then holds a part of it.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend_from_slice(&[self.chunk_type().0, self.flags(), 0, 0]);
        self.write_value(out)?;
        let length = self.unpadded_length(out, start);
        out.truncate(start + length);
        let chunk_type = self.chunk_type();
        frame::close(out, start).ok_or(EncodeError::ChunkTooLong { chunk_type, length })
    }

    /// Header and value, without the padding of a last parameter or cause.
    ///
    /// RFC 9260 §3.2: the padding of the last variable-length parameter does not count.
    fn unpadded_length(&self, out: &[u8], start: usize) -> usize {
        let end = out.len();
        let items = match self {
            Self::Init(_) | Self::InitAck(_) => start + 20,
            Self::Heartbeat(_)
            | Self::HeartbeatAck(_)
            | Self::Abort(_)
            | Self::Error(_)
            | Self::ReConfig(_) => start + 4,
            _ => return end - start,
        };
        let mut rest = out.get(items..).unwrap_or_default();
        let mut padding = 0;
        while let Some((item, next)) = Frame::split(rest) {
            padding = item.padding().len();
            rest = next;
        }
        end - start - padding
    }

    fn write_value(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Data(data) => data.write(out),
            Self::Init(init) | Self::InitAck(init) => return init.write(out),
            Self::Sack(sack) => sack.write(out),
            Self::Heartbeat(beat) | Self::HeartbeatAck(beat) => return beat.write(out),
            Self::Abort(abort) => return abort.write(out),
            Self::Shutdown(shutdown) => shutdown.write(out),
            Self::Error(error) => return error.write(out),
            Self::CookieEcho(echo) => out.extend_from_slice(&echo.cookie),
            Self::IData(data) => data.write(out),
            Self::ReConfig(re_config) => return re_config.write(out),
            Self::ForwardTsn(forward) => forward.write(out),
            Self::IForwardTsn(forward) => forward.write(out),
            Self::Unknown(unknown) => out.extend_from_slice(&unknown.value),
            Self::ShutdownAck | Self::CookieAck | Self::ShutdownComplete(_) => {}
        }
        Ok(())
    }
}
