//! Session descriptions as other crates read them.

use std::io::Cursor;

use crate::account::{Account, Fields};
use crate::parser::Parser;

pub(super) fn all() -> Vec<Parser> {
    vec![
        Parser { name: "sdp-types", tells: super::FIELDS, read: sdp_types },
        Parser { name: "rtc-sdp", tells: super::FIELDS, read: rtc_sdp },
        #[cfg(any(test, feature = "webrtc-sdp"))]
        Parser {
            name: "webrtc-sdp",
            tells: &["user", "session-id", "session-version", "media", "port"],
            read: webrtc_sdp,
        },
    ]
}

/// Without the line that it is about.
#[cfg(any(test, feature = "webrtc-sdp"))]
fn reason(words: &str) -> &str {
    match words.strip_prefix("Sequence error") {
        Some(rest) => rest.split_once("): ").map_or(rest, |(_, reason)| reason),
        None => words.split(" in line(").next().unwrap_or(words),
    }
}

/// What is told of an error that quotes the input: the first of these phrases that is in it.
fn phrase(words: &str, phrases: &[&'static str]) -> String {
    let found = phrases.iter().find(|phrase| words.contains(**phrase));
    found.map_or_else(|| words.to_owned(), |phrase| (*phrase).to_owned())
}

/// A number of any length as others write it.
fn without_zeros(number: &str) -> String {
    let short = number.trim_start_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

const SDP_TYPES: &[&str] = &[
    "Repeat",
    "TimeZone",
    "Invalid version",
    "Time ",
    "Origin",
    "Connection",
    "Bandwidth",
    "Media",
    "Multiple",
    "Unexpected line",
    "Invalid line",
    "encoding",
    "Attribute",
    "Key",
];

const RTC_SDP: &[&str] = &[
    "SdpInvalidSyntax: ",
    "SdpInvalidValue",
    "SdpInvalidPortValue",
    "SdpEmptyTimeDescription",
    "url parse",
    "parse int",
];

#[cfg(any(test, feature = "webrtc-sdp"))]
const WEBRTC_SDP: &[&str] = &[
    "too short to be valid",
    "unsupported type",
    "nettype must be IN",
    "value is empty",
    "address type must be",
    "second line needs",
    "third line needs",
    "Without connection",
    "not allowed",
    "key exchange",
    "fmtp",
    "Integer parsing",
    "IP address parsing",
    "Domain name parsing",
    "andidate",
    "ctpmap",
    "imulcast",
    "id p",
    "xtmap",
    "rtcp-mux-only",
    "required to have a value",
    "already exists",
    "three tokens",
    // A typed parser has as many reasons as attributes have parts.
    "",
];

fn sdp_types(input: &[u8]) -> Account<'_> {
    let session = match sdp_types::Session::parse(input) {
        Ok(session) => session,
        Err(error) => return Account::refused(phrase(&error.to_string(), SDP_TYPES)),
    };
    let mut fields = Fields::new();
    let origin = session.origin;
    fields.put("user", origin.username.unwrap_or_else(|| "-".to_owned()));
    fields
        .put("session-id", without_zeros(&origin.sess_id))
        .put("session-version", origin.sess_version);
    fields.put("origin-address", origin.unicast_address).put("name", session.session_name);
    let tell = |fields: &mut Fields<'_>, attributes: Vec<sdp_types::Attribute>| {
        for attribute in attributes {
            fields.put("attribute", attribute.attribute);
            fields.put("value", attribute.value.unwrap_or_default());
        }
    };
    tell(&mut fields, session.attributes);
    for media in session.medias {
        fields.put("media", media.media).put("port", media.port);
        fields.put("ports", media.num_ports.unwrap_or(1)).put("protocol", media.proto);
        for format in media.fmt.split(' ').filter(|format| !format.is_empty()) {
            fields.put("format", format.to_owned());
        }
        tell(&mut fields, media.attributes);
    }
    Account::Read(fields)
}

fn rtc_sdp(input: &[u8]) -> Account<'_> {
    let session = match rtc_sdp::SessionDescription::unmarshal(&mut Cursor::new(input)) {
        Ok(session) => session,
        Err(error) => return Account::refused(phrase(&error.to_string(), RTC_SDP)),
    };
    let mut fields = Fields::new();
    let origin = session.origin;
    fields.put("user", origin.username).put("session-id", origin.session_id.to_string());
    fields.put("session-version", origin.session_version);
    fields.put("origin-address", origin.unicast_address).put("name", session.session_name);
    let tell = |fields: &mut Fields<'_>,
                attributes: Vec<rtc_sdp::description::common::Attribute>| {
        for attribute in attributes {
            fields.put("attribute", attribute.key);
            fields.put("value", attribute.value.unwrap_or_default());
        }
    };
    tell(&mut fields, session.attributes);
    for media in session.media_descriptions {
        let name = media.media_name;
        fields.put("media", name.media);
        fields.put("port", u64::try_from(name.port.value).unwrap_or(u64::MAX));
        let ports = name.port.range.map_or(Ok(1), u64::try_from);
        fields.put("ports", ports.unwrap_or(u64::MAX)).put("protocol", name.protos.join("/"));
        for format in name.formats {
            fields.put("format", format);
        }
        tell(&mut fields, media.attributes);
    }
    Account::Read(fields)
}

#[cfg(any(test, feature = "webrtc-sdp"))]
fn webrtc_sdp(input: &[u8]) -> Account<'_> {
    let Ok(text) = std::str::from_utf8(input) else {
        // It takes text; what is none does not come to it.
        return Account::refused("not UTF-8");
    };
    let session = match webrtc_sdp::parse_sdp(text, false) {
        Ok(session) => session,
        Err(error) => return Account::refused(phrase(reason(&error.to_string()), WEBRTC_SDP)),
    };
    let mut fields = Fields::new();
    fields.put("user", session.origin.username.clone());
    fields.put("session-id", session.origin.session_id.to_string());
    fields.put("session-version", session.origin.session_version);
    for media in &session.media {
        fields.put("media", media.get_type().to_string()).put("port", media.get_port());
    }
    Account::Read(fields)
}
