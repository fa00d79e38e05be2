//! Session descriptions.

mod ours;
#[cfg(feature = "foreign")]
mod theirs;

use rtcspec_wire::sdp::{Reason, View};

use crate::format::{Condition, Format};
use crate::parser::Parser;

/// Origin and name, the attributes of the session, then each medium with its attributes.
const FIELDS: &[&str] = &[
    "user",
    "session-id",
    "session-version",
    "origin-address",
    "name",
    "attribute",
    "value",
    "media",
    "port",
    "ports",
    "protocol",
    "format",
];

/// Descriptions of RFC 8866 with the attributes of WebRTC.
pub(crate) const FORMAT: Format = Format {
    name: "sdp",
    target: "sdp_parse",
    is_text: true,
    fields: FIELDS,
    ours: Parser { name: "rtcspec", tells: FIELDS, read: ours::read },
    theirs,
    conditions: CONDITIONS,
    repair: |_| {},
};

fn theirs() -> Vec<Parser> {
    #[cfg(feature = "foreign")]
    return theirs::all();
    #[cfg(not(feature = "foreign"))]
    Vec::new()
}

/// Whether a fault that we tolerate is there.
fn fault(input: &[u8], is: impl Fn(Reason) -> bool) -> bool {
    View::parse(input).faults().iter().any(|fault| is(fault.reason))
}

/// Whether a line of one of these types is so, by its words.
fn line(input: &[u8], kinds: &[u8], is: impl Fn(&[&str]) -> bool) -> bool {
    View::parse(input).lines().iter().any(|line| {
        let value = line.kind().filter(|kind| kinds.contains(kind)).and(line.value());
        value.and_then(|value| std::str::from_utf8(value).ok()).is_some_and(|value| {
            let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
            is(&words)
        })
    })
}

/// Whether white space stands where the grammar has none, or is of another kind.
fn has_spaces(input: &[u8]) -> bool {
    View::parse(input).lines().iter().any(|line| {
        let text = String::from_utf8_lossy(line.value().unwrap_or_default());
        let attribute = line.attribute().and_then(|(_, value)| value).unwrap_or_default();
        text.starts_with(char::is_whitespace)
            || text.ends_with(char::is_whitespace)
            || attribute.starts_with(b" ")
            || text.contains("  ")
            || text
                .contains(|char: char| char != ' ' && (char.is_whitespace() || char.is_control()))
    })
}

/// The words of `o=` or `c=` from the type of network on.
fn network<'w>(words: &'w [&'w str]) -> &'w [&'w str] {
    if words.len() >= 6 { &words[3..] } else { words }
}

const CONDITIONS: &[Condition] = &[
    // RFC 8866 §5: nothing is said of how long a description must be.
    Condition { name: "short-description", holds: |input| input.len() < 51 },
    // RFC 8866 §5.1: the version is a number.
    Condition {
        name: "version-zeros",
        holds: |input| line(input, b"v", |words| words.first().is_none_or(|word| *word != "0")),
    },
    // RFC 8866 §5: lines in their order.
    Condition {
        name: "order",
        holds: |input| fault(input, |reason| matches!(reason, Reason::OutOfOrder(_))),
    },
    // RFC 8866 §9: one space between words, and no other white space.
    Condition { name: "spaces", holds: has_spaces },
    // RFC 8866 §5.10, §5.11: repeat times and time zones.
    Condition { name: "repeat-line", holds: |input| line(input, b"r", |_| true) },
    Condition { name: "zone-line", holds: |input| line(input, b"z", |_| true) },
    // RFC 8866 §5.12: keys, obsolete.
    Condition { name: "key-line", holds: |input| line(input, b"k", |_| true) },
    // RFC 8866 §5.5, §5.6: where to ask.
    Condition { name: "contact-line", holds: |input| line(input, b"uep", |_| true) },
    // RFC 8866 §5.4: what it is about.
    Condition { name: "information-line", holds: |input| line(input, b"i", |_| true) },
    // RFC 8866 §5.8: bandwidth.
    Condition { name: "bandwidth-line", holds: |input| line(input, b"b", |_| true) },
    // RFC 8866 §5.9: more than one time.
    Condition { name: "time-line", holds: |input| line(input, b"t", |words| *words != ["0", "0"]) },
    // RFC 8866 §8.2.6, §8.2.7: networks and addresses of other types may be registered.
    Condition {
        name: "other-network",
        holds: |input| {
            line(input, b"oc", |words| !matches!(network(words), ["IN", "IP4" | "IP6", ..]))
        },
    },
    // RFC 8866 §9: an address may be a name.
    Condition {
        name: "address-name",
        holds: |input| {
            line(input, b"oc", |words| match network(words) {
                [_, "IP4", address, ..] => address.parse::<std::net::Ipv4Addr>().is_err(),
                [_, "IP6", address, ..] => address.parse::<std::net::Ipv6Addr>().is_err(),
                _ => true,
            })
        },
    },
    // RFC 8866 §9: numbers of any length.
    Condition {
        name: "long-number",
        holds: |input| {
            line(input, b"o", |words| {
                words.iter().skip(1).take(2).any(|word| word.parse::<u64>().is_err())
            })
        },
    },
    // RFC 8866 §8.2.2: media types may be registered.
    Condition {
        name: "other-media",
        holds: |input| {
            line(input, b"m", |words| {
                let kinds = ["audio", "video", "text", "application", "message"];
                words.first().is_none_or(|word| !kinds.contains(word))
            })
        },
    },
    // RFC 8866 §5.14: several ports.
    Condition {
        name: "ports",
        holds: |input| line(input, b"m", |words| words.get(1).is_some_and(|it| it.contains('/'))),
    },
    // RFC 8866 §8.2.3: transport protocols may be registered.
    Condition { name: "media-line", holds: |input| line(input, b"m", |_| true) },
    Condition {
        name: "leading-zeros",
        holds: |input| fault(input, |reason| matches!(reason, Reason::LeadingZeros(_))),
    },
    Condition {
        name: "empty-name",
        holds: |input| fault(input, |reason| reason == Reason::EmptyName),
    },
    Condition {
        name: "blank-line",
        holds: |input| fault(input, |reason| reason == Reason::BlankLine),
    },
    Condition {
        name: "line-end",
        holds: |input| {
            fault(input, |reason| matches!(reason, Reason::MissingLineEnd | Reason::BareLineFeed))
        },
    },
    // RFC 8866 §5.13: attributes, whose values are a matter of those who know them.
    Condition { name: "attribute", holds: |input| line(input, b"a", |_| true) },
];
