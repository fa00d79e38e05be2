//! SCTP packets.

mod ours;
#[cfg(feature = "foreign")]
mod theirs;

use rtcspec_wire::sctp::{
    Body, Checksum, ChunkType, ChunkView, PacketView, ParameterType, set_checksum,
};

use crate::format::{Condition, Format};
use crate::parser::Parser;

/// The header, each chunk with its fields, and parameters and causes in them.
const FIELDS: &[&str] = &[
    "source-port",
    "destination-port",
    "tag",
    "chunk",
    "flags",
    "initiate-tag",
    "window",
    "outbound",
    "inbound",
    "tsn",
    "stream",
    "ssn",
    "ppid",
    "data",
    "parameter",
    "parameter-value",
    "cause",
    "cause-value",
    "gap",
    "duplicate",
    "value",
];

/// Packets of RFC 9260 and its extensions.
pub(crate) const FORMAT: Format = Format {
    name: "sctp",
    target: "sctp_parse",
    is_text: false,
    fields: FIELDS,
    ours: Parser { name: "rtcspec", tells: FIELDS, read: ours::read },
    theirs,
    conditions: CONDITIONS,
    repair: |input| set_checksum(input, Checksum::Crc32c),
};

fn theirs() -> Vec<Parser> {
    #[cfg(feature = "foreign")]
    return theirs::ALL.to_vec();
    #[cfg(not(feature = "foreign"))]
    Vec::new()
}

/// Whether a chunk is so.
fn any(input: &[u8], mut is: impl FnMut(&ChunkView<'_>) -> bool) -> bool {
    PacketView::new(input).is_ok_and(|view| view.chunks().any(|chunk| is(&chunk)))
}

fn kind(input: &[u8], kind: ChunkType) -> bool {
    any(input, |chunk| chunk.chunk_type() == kind)
}

/// Whether a chunk has a parameter that is so.
fn any_parameter(input: &[u8], is: impl Fn(ParameterType) -> bool) -> bool {
    any(input, |chunk| {
        let parameters = match chunk.body() {
            Ok(Body::Init(init) | Body::InitAck(init)) => init.parameters(),
            Ok(Body::ReConfig(config)) => config.parameters(),
            Ok(Body::Heartbeat(beat) | Body::HeartbeatAck(beat)) => beat.parameters(),
            _ => return false,
        };
        parameters.into_iter().any(|parameter| is(parameter.parameter_type()))
    })
}

/// Whether a chunk that has nothing, or a single number, after its header has more.
fn is_longer(chunk: &ChunkView<'_>) -> bool {
    let wanted = match chunk.chunk_type() {
        ChunkType::COOKIE_ACK | ChunkType::SHUTDOWN_ACK | ChunkType::SHUTDOWN_COMPLETE => 0,
        ChunkType::SHUTDOWN => 4,
        _ => return false,
    };
    chunk.value().len() > wanted
}

/// Whether a parameter or cause, other than the last, has padding.
fn has_inner_padding(chunk: &ChunkView<'_>) -> bool {
    let lengths: Vec<u16> = match chunk.body() {
        Ok(Body::Abort(abort)) => abort.causes().into_iter().filter_map(|it| it.length()).collect(),
        Ok(Body::Error(error)) => error.causes().into_iter().filter_map(|it| it.length()).collect(),
        Ok(Body::ReConfig(config)) => {
            config.parameters().into_iter().filter_map(|it| it.length()).collect()
        }
        Ok(Body::Heartbeat(beat)) => {
            beat.parameters().into_iter().filter_map(|it| it.length()).collect()
        }
        Ok(Body::Init(init) | Body::InitAck(init)) => {
            init.parameters().into_iter().filter_map(|it| it.length()).collect()
        }
        _ => return false,
    };
    lengths.split_last().is_some_and(|(_, others)| others.iter().any(|length| length % 4 != 0))
}

/// Parameters that those who read few know.
fn is_rare(parameter: ParameterType) -> bool {
    parameter.name().is_none()
        || !matches!(parameter.0, 1 | 7 | 13 | 16 | 0x8002..=0x8004 | 0x8008 | 0xc000)
}

const CONDITIONS: &[Condition] = &[
    // RFC 9260 §3.2: the chunk length says where the next chunk is.
    Condition { name: "fixed-chunk-longer", holds: |input| any(input, is_longer) },
    // RFC 9260 §3.3.4: the counts of a SACK say where its lists end.
    Condition {
        name: "sack-longer",
        holds: |input| {
            any(
                input,
                |chunk| matches!(chunk.body(), Ok(Body::Sack(sack)) if !sack.trailing.is_empty()),
            )
        },
    },
    // RFC 9260 §3.2.1: parameters and causes are padded to whole words, but for the last.
    Condition { name: "inner-padding", holds: |input| any(input, has_inner_padding) },
    // RFC 9260 §3.3.5: a HEARTBEAT has its information; what follows is skipped with the chunk.
    Condition {
        name: "heartbeat-longer",
        holds: |input| {
            any(
                input,
                |chunk| matches!(chunk.body(), Ok(Body::Heartbeat(beat)) if beat.parameters().count() > 1),
            )
        },
    },
    // RFC 4895 §3.3: the list of HMAC identifiers has two bytes for each.
    Condition {
        name: "hmac-identifiers",
        holds: |input| any_parameter(input, |parameter| parameter.0 == 0x8004),
    },
    // RFC 6525 §4.4: result codes beyond those defined.
    Condition { name: "reconfig-response", holds: |input| any_parameter(input, |it| it.0 == 16) },
    // RFC 9260 §3.3.2: parameters of INIT are within its chunk length.
    Condition {
        name: "init-parameter",
        holds: |input| {
            any(input, |chunk| {
                matches!(chunk.body(), Ok(Body::Init(init) | Body::InitAck(init))
                    if init.parameters().next().is_some())
            })
        },
    },
    // RFC 9260 §3.2: flags that a chunk type does not define are ignored on receipt.
    Condition {
        name: "init-flags",
        holds: |input| {
            any(input, |chunk| {
                matches!(chunk.chunk_type(), ChunkType::INIT | ChunkType::INIT_ACK)
                    && chunk.flags() != 0
            })
        },
    },
    // RFC 9260 §3.2: padding is ignored on receipt.
    Condition {
        name: "padding-not-zero",
        holds: |input| any(input, |chunk| chunk.padding().iter().any(|byte| *byte != 0)),
    },
    // RFC 9260 §3.3.6: a HEARTBEAT ACK is a chunk of the base protocol.
    Condition { name: "heartbeat-ack", holds: |input| kind(input, ChunkType::HEARTBEAT_ACK) },
    // RFC 9260 §3.2: the two high bits of an unknown type say what to do, which needs it read.
    Condition {
        name: "unknown-chunk",
        holds: |input| {
            any(input, |chunk| {
                matches!(chunk.body(), Ok(Body::Unknown | Body::IData(_) | Body::IForwardTsn(_)))
            })
        },
    },
    // RFC 9260 §3.2.1: the same of parameters.
    Condition { name: "unknown-parameter", holds: |input| any_parameter(input, is_rare) },
    // RFC 9260 §3.2: PPIDs are opaque to SCTP.
    Condition {
        name: "other-ppid",
        holds: |input| {
            any(
                input,
                |chunk| matches!(chunk.body(), Ok(Body::Data(data)) if !matches!(data.ppid.0, 50 | 51 | 53 | 56 | 57)),
            )
        },
    },
    // RFC 9260 §3.3.7, §3.3.13: the T bit says whose tag it is.
    Condition {
        name: "t-bit",
        holds: |input| {
            any(input, |chunk| {
                matches!(chunk.chunk_type(), ChunkType::ABORT | ChunkType::SHUTDOWN_COMPLETE)
                    && chunk.flags() & 1 != 0
            })
        },
    },
    // RFC 9260 §3: a packet has one chunk or more.
    Condition { name: "no-chunk", holds: |input| !any(input, |_| true) },
];
