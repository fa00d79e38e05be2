//! Descriptions that are odd, and can be lived with.

use std::time::Duration;

use rtcspec_peer::tamper::Tamper;

use super::with_section;
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile, Roles};
use crate::verdict::Layer;

const FAMILY: Case =
    Case { layer: Layer::Signalling, limit: "15s", to_the_limit: true, ..Case::USUAL };

pub(in crate::cases) const MANY_LINES: Case = Case {
    id: "sdp/many-lines",
    title: "A description with two thousand attributes that nobody knows: the session comes up",
    about: "Unknown attributes are ignored, and there may be many. Who goes through all that were \
            before for each line is late (Janus#2776).",
    tests: &["RFC 8866 §5.13"],
    make: || Box::new(Edited::new(|sdp| sdp.push_str(&"a=x-unknown:1\r\n".repeat(2000)))),
    ..FAMILY
};

pub(in crate::cases) const NO_CONNECTION: Case = Case {
    id: "sdp/no-connection",
    title: "A description without any `c=`: taken or refused, no harm",
    about: "RFC 8866 wants the line for the session or for each medium; WebRTC makes nothing of \
            its value. rtpengine followed a null pointer (rtpengine#30).",
    tests: &["RFC 8866 §5.7", "RFC 9429 §5.8.1"],
    make: || Box::new(Edited::new(without_connection)),
    ..FAMILY
};

pub(in crate::cases) const PACKET_TIME_OVERFLOWS: Case = Case {
    id: "sdp/packet-time-overflows",
    title: "A section of media whose packets are 4294967295 ms long: taken or refused, no harm",
    about: "Scaled to samples it overflows 32 bits (pjsip CVE-2026-41416). Rejecting the section, \
            or the description, is fine; the channel is offered beside it.",
    tests: &["RFC 8866 §6.4"],
    roles: Roles::Answerer,
    make: || Box::new(Edited::new(|sdp| with_section(sdp, LONG_PACKETS))),
    ..FAMILY
};

pub(in crate::cases) const UNPROTECTED_MEDIA: Case = Case {
    id: "sdp/unprotected-media",
    title: "A section of media by plain RTP/AVP: rejected, or the whole description refused",
    about: "Media of WebRTC are protected, always. SRS accepted such a section, and sent in the \
            clear (2026-08).",
    tests: &["RFC 8827 §6.5", "RFC 9429 §5.3.1"],
    roles: Roles::Answerer,
    make: || Box::new(Edited::rejected(|sdp| with_section(sdp, PLAIN), REJECT_PLAIN)),
    ..FAMILY
};

pub(in crate::cases) const PAYLOAD_TYPE_WRAPS: Case = Case {
    id: "sdp/payload-type-wraps",
    title: "A section of media of payload type 4294967296: rejected, or the description refused",
    about: "Payload types have seven bits. In 32 bits this one is 0, PCMU, which nobody offered \
            (pjsip#2093).",
    tests: &["RFC 8866 §5.14", "RFC 3550 §5.1"],
    roles: Roles::Answerer,
    make: || Box::new(Edited::rejected(|sdp| with_section(sdp, WRAPS), REJECT_NO_TYPE)),
    ..FAMILY
};

pub(in crate::cases) const PAYLOAD_TYPE_OVER_127: Case = Case {
    id: "sdp/payload-type-over-127",
    title: "A section of media of payload type 128: rejected, or the description refused",
    about: "Payload types have seven bits. str0m panicked on more (str0m#983).",
    tests: &["RFC 8866 §5.14", "RFC 3550 §5.1"],
    roles: Roles::Answerer,
    make: || Box::new(Edited::rejected(|sdp| with_section(sdp, OVER_127), REJECT_NO_TYPE)),
    ..FAMILY
};

const WRAPS: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 4294967296\r\nc=IN IP4 0.0.0.0\r\na=mid:extra\r\n\
                     a=rtcp-mux\r\na=sendrecv\r\na=rtpmap:4294967296 PCMU/8000\r\n";

const OVER_127: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\nc=IN IP4 0.0.0.0\r\na=mid:extra\r\n\
                        a=rtcp-mux\r\na=sendrecv\r\na=rtpmap:128 opus/48000/2\r\n";

const LONG_PACKETS: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:extra\r\n\
                            a=rtcp-mux\r\na=sendrecv\r\na=ptime:4294967295\r\n";

const PLAIN: &str = "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:extra\r\na=sendrecv\r\n";

/// The `mid` of the sections above.
const EXTRA: &str = "extra";

fn without_connection(sdp: &mut String) {
    *sdp = sdp.split_inclusive('\n').filter(|line| !line.starts_with("c=")).collect();
}

/// Edits what this side describes; a section that it added is taken out of the answer again, for
/// this side's own stack never offered it.
struct Edited {
    edit: fn(&mut String),
    /// Why the section that was added is to be rejected, if it is.
    rejects: Option<Duty>,
    /// The media line that answered it.
    answered: Option<String>,
}

impl Edited {
    fn new(edit: fn(&mut String)) -> Self {
        Self { edit, rejects: None, answered: None }
    }

    fn rejected(edit: fn(&mut String), why: Duty) -> Self {
        Self { rejects: Some(why), ..Self::new(edit) }
    }
}

impl Tamper for Edited {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        (self.edit)(sdp);
    }

    fn received_sdp(&mut self, _: Duration, sdp: &mut String) {
        // It was added last, so nothing is behind it.
        if let Some(at) = sdp.find("m=audio ") {
            let section = sdp.split_off(at);
            self.answered = section.lines().next().map(str::to_owned);
            *sdp = without_member(sdp, EXTRA);
        }
    }
}

/// A description whose groups do not name a section (RFC 5888 §5), which is not there any more.
fn without_member(sdp: &str, mid: &str) -> String {
    let line = |line: &str| match line.strip_prefix("a=group:") {
        Some(group) => {
            let kept: Vec<&str> = group.split_whitespace().filter(|word| *word != mid).collect();
            format!("a=group:{}\r\n", kept.join(" "))
        }
        None => line.to_owned(),
    };
    sdp.split_inclusive('\n').map(line).collect()
}

const TAKE_OR_REFUSE: Duty = Duty {
    text: "RFC 9429 §5.8: a description is taken, or refused as a whole",
    expected: "a session, or no check at all",
};

const REJECT_PLAIN: Duty = Duty {
    text: "RFC 8827 §6.5: media without protection are not negotiated",
    expected: "port 0 for the section, or the description refused",
};

const REJECT_NO_TYPE: Duty = Duty {
    text: "RFC 3550 §5.1: a payload type is from 0 to 127, so nothing can be agreed on here",
    expected: "port 0 for the section, or the description refused",
};

impl Hostile for Edited {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let checks = seen.checks(Way::Received).count();
        let up = seen.packets(Way::Received).next().is_some();
        let mut rulings = vec![match (up, checks) {
            (true, _) => TAKE_OR_REFUSE.pass("SCTP is up"),
            (false, 0) => TAKE_OR_REFUSE.pass("refused: no check"),
            (false, checks) => TAKE_OR_REFUSE.fail(format!("{checks} checks, and no session")),
        }];
        if let (Some(duty), Some(line)) = (self.rejects, &self.answered) {
            let port = line.split(' ').nth(1).unwrap_or_default();
            rulings.push(duty.met(port == "0", format!("port {port}")));
        }
        rulings
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        seen.checks(Way::Received).next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_loses_the_section_that_was_added_and_its_place_in_the_groups() {
        let mut answer = format!("v=0\r\na=group:BUNDLE 0 extra\r\nm=application 9\r\n{PLAIN}");
        let mut case = Edited::rejected(|_| {}, REJECT_PLAIN);
        case.received_sdp(Duration::ZERO, &mut answer);
        assert_eq!(answer, "v=0\r\na=group:BUNDLE 0\r\nm=application 9\r\n");
        assert_eq!(case.answered.as_deref(), Some("m=audio 9 RTP/AVP 0"));
    }
}
