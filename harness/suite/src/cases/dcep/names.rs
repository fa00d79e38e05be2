//! Labels and protocols outside ASCII.

use rtcspec_peer::tamper::Tamper;
use rtcspec_wire::dcep::View;

use super::DCEP;
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// Characters of two, three and four bytes.
const LABEL: &str = "ñ€😀";
const PROTOCOL: &str = "прото";

pub(in crate::cases) const NAMES_IN_BYTES: Case = Case {
    id: "dcep/names-in-bytes",
    title: "A label and a protocol of 2-, 3- and 4-byte characters: lengths in bytes",
    about: "The peer opens the channel. Its OPEN counts the bytes of the UTF-8, not characters and \
            not UTF-16 units; aiortc and werift counted wrongly, so that the label was cut and the \
            protocol began in its middle.",
    tests: &["RFC 8832 §5.1"],
    layer: Layer::Channel,
    play: r#"
[[do]]
after   = "open"
channel = { from = "tested", label = "ñ€😀", protocol = "прото" }

[[do]]
after = "open + 1s"
send  = { from = "tested", channel = "ñ€😀", messages = 3, size = 100 }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "hostile", channel = "ñ€😀", messages = 3 }
"#,
    make: || Box::new(Names),
    ..Case::USUAL
};

struct Names;

impl Tamper for Names {}

const IN_BYTES: Duty = Duty {
    text: "RFC 8832 §5.1: label length and protocol length are those of the UTF-8, in bytes",
    expected: "9 bytes of label and 10 of protocol, and nothing behind them",
};

impl Hostile for Names {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let opens =
            seen.messages(Way::Received, DCEP).filter_map(|(_, _, data)| match View::parse(data) {
                View::Open(open) if open.label() != Some(b"main") => Some(open),
                _ => None,
            });
        let Some(open) = opens.last() else {
            return vec![IN_BYTES.fail("no OPEN beside that of `main`")];
        };
        let right = open.label() == Some(LABEL.as_bytes())
            && open.protocol() == Some(PROTOCOL.as_bytes())
            && open.trailing().is_none_or(<[u8]>::is_empty);
        let number = |length: Option<u16>| length.map_or("none".to_owned(), |n| n.to_string());
        let actual = format!(
            "label length {}, protocol length {}, message of {} bytes",
            number(open.label_length()),
            number(open.protocol_length()),
            open.bytes().len()
        );
        vec![IN_BYTES.met(right, actual)]
    }
}
