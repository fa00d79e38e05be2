//! INITs whose lengths lie, for an association that is up: one would answer them with INIT ACK.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Checksum, Chunk, Packet, Parameter, VerificationTag, set_checksum};

use super::broken::{SURVIVE, survived};
use super::cookie::PEER_IS_SERVER;
use super::{aborted, edited};
use crate::cases::log::Log;
use crate::cases::ruling::{Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case = Case { layer: Layer::Sctp, ..Case::USUAL };

pub(in crate::cases) const LAST_PARAMETER_CUT: Case = Case {
    id: "sctp/last-parameter-cut",
    title: "An INIT whose last parameter claims 8 bytes where 6 are left: no harm",
    about: "One part of usrsctp let such a parameter pass, another read all of it (CVE-2019-20503). \
            Answering the INIT without it is fine, ABORT is allowed.",
    tests: &["RFC 9260 §3.2.1", "RFC 9260 §5.2.2"],
    make: || Box::new(RawInit { length: 26, more: &[0xc0, 0, 0, 8, 0xaa, 0xbb, 0, 0] }),
    ..FAMILY
};

pub(in crate::cases) const HMAC_LIST_ODD: Case = Case {
    id: "sctp/hmac-list-odd",
    title: "An INIT whose list of HMAC identifiers has three bytes: no harm",
    about: "Identifiers have two bytes each. usrsctp read the second one past the end (858d2f73, \
            CVE-2020-6831); to who has no AUTH the parameter is unknown and skipped.",
    tests: &["RFC 4895 §3.3", "RFC 9260 §3.2.1"],
    make: || Box::new(RawInit { length: 27, more: &[0x80, 4, 0, 7, 0, 3, 0, 0] }),
    ..FAMILY
};

pub(in crate::cases) const SHORT_INIT: Case = Case {
    id: "sctp/short-init",
    title: "An INIT of 12 bytes, where its fixed fields take 20: no harm",
    about: "Linux read fields behind the chunk (CVE-2021-3655). Ignoring it is best, ABORT is \
            allowed.",
    tests: &["RFC 9260 §3.3.2"],
    make: || Box::new(RawInit { length: 12, more: &[] }),
    ..FAMILY
};

/// Strikes with an INIT of this length, with these bytes behind its fixed fields.
struct RawInit {
    length: u8,
    more: &'static [u8],
}

impl Tamper for RawInit {}

impl Hostile for RawInit {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(packet) = log.packet(Vec::new()) else { return Vec::new() };
        let packet = Packet { verification_tag: VerificationTag::ZERO, ..packet };
        let mut bytes = packet.encode(Checksum::Crc32c).unwrap_or_default();
        let fixed = [0x1a, 0x7e, 0x1a, 0x7e, 0, 2, 0, 0, 0, 10, 0, 10, 0, 0, 0, 7];
        bytes.extend([1, 0, 0, self.length]);
        bytes.extend(&fixed[..fixed.len().min(usize::from(self.length) - 4)]);
        bytes.extend(self.more);
        set_checksum(&mut bytes, Checksum::Crc32c);
        vec![Injection::Sctp(bytes)]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        survived(seen)
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        aborted(seen)
    }
}

pub(in crate::cases) const SUPPORTED_ADDRESS_TYPES: Case = Case {
    id: "sctp/supported-address-types",
    title: "An INIT that lists the address types its sender supports: the association comes up",
    about: "Parameter 12 is of RFC 9260 itself, and means nothing over DTLS. rtc-sctp refused the \
            INIT for it.",
    tests: &["RFC 9260 §3.3.2.1.5", "RFC 8261 §6.1"],
    roles: crate::cases::Roles::Offerer,
    play: PEER_IS_SERVER,
    make: || Box::new(Types { added: false }),
    ..FAMILY
};

struct Types {
    added: bool,
}

impl Tamper for Types {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let mut found = false;
        let changed = edited(packet, |packet| {
            for chunk in &mut packet.chunks {
                if let Chunk::Init(init) = chunk {
                    init.parameters.insert(0, Parameter::SupportedAddressTypes(vec![5, 6]));
                    found = true;
                }
            }
        });
        self.added |= found;
        changed.filter(|_| found).map_or(Action::Pass, Action::replace)
    }
}

impl Hostile for Types {
    fn judge(&self, _: &Seen<'_>) -> Vec<Ruling> {
        // What matters is the probe: the association has to come up with this INIT.
        if self.added { Vec::new() } else { vec![SURVIVE.info("this side sent no INIT")] }
    }
}
