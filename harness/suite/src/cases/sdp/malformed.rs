//! Descriptions that are none: they must be refused.

use std::time::Duration;

use rtcspec_peer::tamper::Tamper;

use super::with_section;
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile, Roles};
use crate::verdict::Layer;

/// Who refuses the description has nobody to send checks to.
const FAMILY: Case = Case {
    tests: &["RFC 9429 §5.8", "RFC 8866 §9"],
    layer: Layer::Signalling,
    limit: "10s",
    to_the_limit: true,
    play: "\n[[expect]]\nnot-connected = true\n",
    ..Case::USUAL
};

pub(in crate::cases) const SECOND_VERSION: Case = Case {
    id: "sdp/second-version",
    title: "A description with two `v=` lines: refused",
    about: "The line stands once, and first. rtpengine took the second for a session within the \
            session, and crashed (rtpengine#1958).",
    make: || Box::new(Malformed(|sdp| sdp.insert_str(0, "v=0\r\n"))),
    ..FAMILY
};

pub(in crate::cases) const NO_TIMING: Case = Case {
    id: "sdp/no-timing",
    title: "A description without `t=`: refused",
    about: "The line has to be there, although WebRTC makes nothing of it. sdp-types does not miss \
            it, and writes one that nobody had written.",
    tests: &["RFC 9429 §5.8", "RFC 8866 §5.9"],
    make: || Box::new(Malformed(|sdp| *sdp = sdp.replacen("t=0 0\r\n", "", 1))),
    ..FAMILY
};

pub(in crate::cases) const NUL_IN_ATTRIBUTE: Case = Case {
    id: "sdp/nul-in-attribute",
    title: "An attribute with a NUL in its value: refused",
    about: "A line is any bytes but NUL, CR and LF. For one reader it ends at the NUL, for another \
            it does not, so that they read two descriptions (pjsip#2092).",
    make: || Box::new(Malformed(|sdp| sdp.push_str("a=x-parameter:mode\0=20\r\n"))),
    ..FAMILY
};

pub(in crate::cases) const PORT_FROM_TEXT: Case = Case {
    id: "sdp/port-from-text",
    title: "A media line without a port, and with digits in its media type: refused",
    about: "`m=auÿÿÿ34718 RTP/AVP 0`, of which pjsip made port 34718 (PR 3382).",
    roles: Roles::Answerer,
    make: || Box::new(Malformed(|sdp| with_section(sdp, "m=auÿÿÿ34718 RTP/AVP 0\r\n"))),
    ..FAMILY
};

struct Malformed(fn(&mut String));

impl Tamper for Malformed {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        (self.0)(sdp);
    }
}

const REFUSE: Duty = Duty {
    text: "RFC 9429 §5.8: a description with a line that is not well formed is refused as a whole",
    expected: "no check for a session that was never agreed on",
};

impl Hostile for Malformed {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let checks = seen.checks(Way::Received).count();
        vec![REFUSE.met(checks == 0, format!("{checks} checks"))]
    }
}
