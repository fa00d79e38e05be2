//! RTP as other crates read it.

use bytes::Bytes;
use rtc_shared::marshal::Unmarshal as _;

use crate::account::{Account, Fields};
use crate::parser::Parser;

pub(super) const ALL: &[Parser] = &[
    Parser {
        name: "rtp-types",
        tells: &[
            "marker",
            "payload-type",
            "sequence",
            "timestamp",
            "ssrc",
            "csrc",
            "profile",
            "extension",
            "payload",
        ],
        read: rtp_types,
    },
    Parser {
        name: "rtc-rtp",
        tells: &[
            "marker",
            "payload-type",
            "sequence",
            "timestamp",
            "ssrc",
            "csrc",
            "profile",
            "element",
            "data",
            "payload",
        ],
        read: rtc_rtp,
    },
];

fn rtp_types(input: &[u8]) -> Account<'_> {
    let packet = match rtp_types::RtpPacket::parse(input) {
        Ok(packet) => packet,
        Err(error) => return Account::refused(error),
    };
    let mut fields = Fields::new();
    fields.put("marker", packet.marker_bit()).put("payload-type", packet.payload_type());
    fields.put("sequence", packet.sequence_number()).put("timestamp", packet.timestamp());
    fields.put("ssrc", packet.ssrc());
    for csrc in packet.csrc() {
        fields.put("csrc", csrc);
    }
    if let Some((profile, data)) = packet.extension() {
        fields.put("profile", profile).put("extension", data.to_vec());
    }
    fields.put("payload", packet.payload().to_vec());
    Account::Read(fields)
}

fn rtc_rtp(input: &[u8]) -> Account<'_> {
    let mut bytes = Bytes::copy_from_slice(input);
    let packet = match rtc_rtp::Packet::unmarshal(&mut bytes) {
        Ok(packet) => packet,
        Err(error) => return Account::refused(error),
    };
    let header = &packet.header;
    let mut fields = Fields::new();
    fields.put("marker", header.marker).put("payload-type", header.payload_type);
    fields.put("sequence", header.sequence_number).put("timestamp", header.timestamp);
    fields.put("ssrc", header.ssrc);
    for csrc in &header.csrc {
        fields.put("csrc", *csrc);
    }
    if header.extension {
        fields.put("profile", header.extension_profile);
        // Data of another profile is told as an element 0, which is none.
        for element in header.extensions.iter().filter(|element| element.id != 0) {
            fields.put("element", element.id).put("data", element.payload.to_vec());
        }
    }
    fields.put("payload", packet.payload.to_vec());
    Account::Read(fields)
}
