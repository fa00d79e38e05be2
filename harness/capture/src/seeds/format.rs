//! The formats that seeds are cut for.

/// A wire format with fuzz targets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A STUN or TURN message.
    Stun,
    /// A TURN `ChannelData` message.
    ChannelData,
    /// A DTLS record as on the wire.
    DtlsRecord,
    /// A DTLS handshake message with its header, put together from its fragments.
    DtlsHandshake,
    /// An SCTP packet out of DTLS, or from a log.
    Sctp,
    /// A DCEP message.
    Dcep,
    /// An RTP packet: opened, or with a readable header if there are no keys.
    Rtp,
    /// An RTCP compound, opened.
    Rtcp,
    /// A session description.
    Sdp,
    /// A candidate attribute's value.
    Candidate,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Stun,
        Self::ChannelData,
        Self::DtlsRecord,
        Self::DtlsHandshake,
        Self::Sctp,
        Self::Dcep,
        Self::Rtp,
        Self::Rtcp,
        Self::Sdp,
        Self::Candidate,
    ];

    /// Name of its folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::ChannelData => "turn-channel-data",
            Self::DtlsRecord => "dtls-record",
            Self::DtlsHandshake => "dtls-handshake",
            Self::Sctp => "sctp",
            Self::Dcep => "dcep",
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
            Self::Sdp => "sdp",
            Self::Candidate => "candidate",
        }
    }

    /// How the names of its files end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Sdp => "sdp",
            Self::Candidate => "txt",
            _ => "bin",
        }
    }
}
