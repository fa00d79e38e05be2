//! RTP packets.

#[cfg(feature = "foreign")]
mod theirs;

use rtcspec_wire::rtp::{Form, Packet, RtpError, View};

use crate::account::{Account, Fields};
use crate::format::{Condition, Format};
use crate::parser::Parser;

/// The header's fields, sources, extension with its elements, and the payload.
const FIELDS: &[&str] = &[
    "marker",
    "payload-type",
    "sequence",
    "timestamp",
    "ssrc",
    "csrc",
    "profile",
    "extension",
    "element",
    "data",
    "payload",
];

/// Packets of RFC 3550 with extensions of RFC 8285.
pub(crate) const FORMAT: Format = Format {
    name: "rtp",
    target: "rtp_header",
    is_text: false,
    fields: FIELDS,
    ours: Parser { name: "rtcspec", tells: FIELDS, read },
    theirs,
    conditions: CONDITIONS,
    repair: |_| {},
};

fn theirs() -> Vec<Parser> {
    #[cfg(feature = "foreign")]
    return theirs::ALL.to_vec();
    #[cfg(not(feature = "foreign"))]
    Vec::new()
}

fn read(input: &[u8]) -> Account<'_> {
    let packet = match Packet::parse(input) {
        Ok(packet) => packet,
        Err(error) => return Account::because(cause(error), error),
    };
    let mut fields = Fields::new();
    fields.put("marker", packet.marker()).put("payload-type", packet.payload_type().get());
    fields.put("sequence", packet.sequence_number().0).put("timestamp", packet.timestamp());
    fields.put("ssrc", packet.ssrc().0);
    for csrc in packet.csrcs() {
        fields.put("csrc", csrc.0);
    }
    if let Some(extension) = packet.extension() {
        fields.put("profile", extension.form().profile()).put("extension", extension.data());
        for element in extension.elements().map_while(Result::ok) {
            fields.put("element", element.id).put("data", element.data);
        }
    }
    fields.put("payload", packet.payload());
    Account::Read(fields)
}

const fn cause(error: RtpError) -> &'static str {
    match error {
        RtpError::Short(_) => "short",
        RtpError::Version(_) => "version",
        RtpError::Csrcs(_) => "sources-beyond",
        RtpError::Extension => "extension-beyond",
        RtpError::Padding { padding: 0, .. } => "padding-of-nothing",
        RtpError::Padding { .. } => "padding-beyond",
        _ => "other",
    }
}

const CONDITIONS: &[Condition] = &[
    // RFC 8285 §4.2, §4.3: an element must not go beyond the extension.
    Condition {
        name: "element-beyond",
        holds: |input| {
            let extension = View::new(input).extension();
            extension.is_some_and(|extension| extension.elements().any(|element| element.is_err()))
        },
    },
    // RFC 8285 §4.2: the id 15 ends processing.
    Condition {
        name: "element-15",
        holds: |input| {
            let extension = View::new(input).extension();
            extension.is_some_and(|extension| {
                let stops = elements_of(extension.data()).any(|id| id == 15);
                extension.form() == Form::OneByte && stops
            })
        },
    },
    // RFC 8285 §4.2: an element of id 0 is padding; its length is to be ignored.
    Condition {
        name: "element-0-with-length",
        holds: |input| {
            let extension = View::new(input).extension();
            extension.is_some_and(|extension| {
                let zero = extension.data().iter().any(|byte| (1..16).contains(byte));
                extension.form() == Form::OneByte && zero
            })
        },
    },
    // RFC 8285 §4.3: the four low bits of the profile are for the application.
    Condition {
        name: "two-byte-appbits",
        holds: |input| {
            let form = View::new(input).extension().map(|extension| extension.form());
            matches!(form, Some(Form::TwoByte { appbits: 1.. }))
        },
    },
    // RFC 3550 §5.3.1: extensions of other profiles.
    Condition {
        name: "other-profile",
        holds: |input| {
            let form = View::new(input).extension().map(|extension| extension.form());
            matches!(form, Some(Form::Other(_)))
        },
    },
    Condition { name: "elements", holds: |input| View::new(input).extension().is_some() },
];

/// The ids of one-byte elements, walked without regard for what ends them.
fn elements_of(mut data: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let start = data.iter().position(|byte| *byte != 0)?;
        let head = data[start];
        data = data.get(start + 2 + usize::from(head & 0x0f)..).unwrap_or_default();
        Some(head >> 4)
    })
}
