//! Descriptions and candidates with something in them that should not be there, or without
//! something that should.

mod candidates;
mod edits;
mod malformed;

pub(super) use candidates::{CANDIDATE_ODD_EXTENSION, CANDIDATE_PORT_WRAPS};
pub(super) use edits::{
    MANY_LINES, NO_CONNECTION, PACKET_TIME_OVERFLOWS, PAYLOAD_TYPE_OVER_127, PAYLOAD_TYPE_WRAPS,
    UNPROTECTED_MEDIA,
};
pub(super) use malformed::{NO_TIMING, NUL_IN_ATTRIBUTE, PORT_FROM_TEXT, SECOND_VERSION};

/// A description with a section of media behind its own.
fn with_section(sdp: &mut String, section: &str) {
    sdp.push_str(section);
}
