//! SCTP as our parser reads it.

use rtcspec_wire::sctp::{
    Body, Causes, ChecksumState, Error, Fault, InitView, Packet, PacketView, Parameters,
};

use crate::account::{Account, Fields};

pub(super) fn read(input: &[u8]) -> Account<'_> {
    let view = match PacketView::new(input) {
        Ok(view) => view,
        Err(error) => return Account::because(cause(&error), error),
    };
    match view.checksum_state() {
        ChecksumState::Wrong { .. } => {
            return Account::because("checksum", "the checksum is wrong");
        }
        state if !state.is_correct() => {
            return Account::because("checksum-zero", "the checksum is zero");
        }
        _ => {}
    }
    match Packet::from_view(&view) {
        Ok(_) => Account::Read(fields(&view)),
        Err(error) => Account::because(cause(&error), error),
    }
}

/// What a packet says, chunk by chunk.
pub(super) fn fields<'a>(view: &PacketView<'a>) -> Fields<'a> {
    let mut fields = Fields::new();
    fields.put("source-port", view.source_port());
    fields.put("destination-port", view.destination_port());
    fields.put("tag", view.verification_tag().0);
    for chunk in view.chunks() {
        fields.put("chunk", chunk.chunk_type().0);
        let Ok(body) = chunk.body() else { continue };
        if !matches!(body, Body::Unknown) {
            tell(&body, chunk.flags(), &mut fields);
        } else {
            fields.put("value", chunk.value());
        }
    }
    fields
}

fn tell<'a>(body: &Body<'a>, flags: u8, fields: &mut Fields<'a>) {
    match body {
        Body::Data(data) => {
            // RFC 9260 §3.3.1, RFC 7053: the bits U, B, E and I; the others are reserved.
            fields.put("flags", flags & 0x0f).put("tsn", data.tsn.0);
            fields.put("stream", data.stream.0).put("ssn", data.ssn.0);
            fields.put("ppid", data.ppid.0).put("data", data.payload);
        }
        Body::Init(init) | Body::InitAck(init) => tell_init(init, fields),
        Body::Sack(sack) => {
            fields.put("tsn", sack.cumulative_tsn_ack.0).put("window", sack.a_rwnd);
            for block in sack.gap_blocks() {
                fields.put("gap", u32::from(block.start) << 16 | u32::from(block.end));
            }
            for duplicate in sack.duplicates() {
                fields.put("duplicate", duplicate.0);
            }
        }
        Body::Heartbeat(beat) | Body::HeartbeatAck(beat) => parameters(beat.parameters(), fields),
        Body::Abort(abort) => {
            fields.put("flags", flags & 1);
            causes(abort.causes(), fields);
        }
        Body::Error(error) => causes(error.causes(), fields),
        Body::Shutdown(shutdown) => {
            fields.put("tsn", shutdown.cumulative_tsn_ack.0);
        }
        Body::ShutdownComplete(_) => {
            fields.put("flags", flags & 1);
        }
        Body::CookieEcho(echo) => {
            fields.put("value", echo.cookie);
        }
        Body::ForwardTsn(forward) => {
            fields.put("tsn", forward.new_cumulative_tsn.0);
            for skipped in forward.streams() {
                fields.put("stream", skipped.stream.0).put("ssn", skipped.ssn.0);
            }
        }
        Body::ReConfig(config) => parameters(config.parameters(), fields),
        _ => {}
    }
}

fn tell_init<'a>(init: &InitView<'a>, fields: &mut Fields<'a>) {
    fields.put("initiate-tag", init.initiate_tag.0).put("window", init.a_rwnd);
    fields.put("outbound", init.outbound_streams).put("inbound", init.inbound_streams);
    fields.put("tsn", init.initial_tsn.0);
    parameters(init.parameters(), fields);
}

fn parameters<'a>(parameters: Parameters<'a>, fields: &mut Fields<'a>) {
    for parameter in parameters {
        fields.put("parameter", parameter.parameter_type().0);
        fields.put("parameter-value", parameter.value());
    }
}

fn causes<'a>(causes: Causes<'a>, fields: &mut Fields<'a>) {
    for cause in causes {
        fields.put("cause", cause.code().0).put("cause-value", cause.value());
    }
}

const fn cause(error: &Error) -> &'static str {
    match error {
        Error::PacketTooShort { .. } => "short",
        Error::Chunk(fault) => match fault {
            Fault::HeaderTruncated { .. } => "chunk-header",
            Fault::LengthTooSmall { .. } => "chunk-length-below-4",
            Fault::Overrun { .. } => "chunk-overrun",
            _ => "chunk-padding",
        },
        Error::Parameter(fault) => match fault {
            Fault::HeaderTruncated { .. } => "parameter-header",
            Fault::LengthTooSmall { .. } => "parameter-length-below-4",
            Fault::Overrun { .. } => "parameter-overrun",
            _ => "parameter-padding",
        },
        Error::Cause(fault) => match fault {
            Fault::HeaderTruncated { .. } => "cause-header",
            Fault::LengthTooSmall { .. } => "cause-length-below-4",
            Fault::Overrun { .. } => "cause-overrun",
            _ => "cause-padding",
        },
        Error::ChunkTooShort { .. } => "chunk-too-short",
        Error::ParameterLength { .. } => "parameter-length",
        Error::CauseLength { .. } => "cause-length",
        Error::ListLength { .. } => "list-length",
        Error::NoUserData { .. } => "no-user-data",
        Error::ReConfigParameters { .. } => "reconfig-parameters",
        Error::MissingParameter { .. } => "parameter-missing",
        _ => "other",
    }
}
