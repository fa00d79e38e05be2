//! TURN: the server, not the peer, is hostile.
//!
//! Scenarios of `ice/turn-stale-nonce-*` have each request refused once on its own; these have the
//! refresh of a long session refused, and every kind of request twice in a row.

use rtcspec_control::Feature;

use super::Case;
use super::hostile::Harmless;
use crate::verdict::Layer;

pub(super) const STALE_NONCE_REFRESH: Case = Case {
    id: "turn/stale-nonce-refresh",
    title: "438 on Refresh, twice in a row: the allocation is kept",
    about: "The nonce of a long call always expires, and it is a Refresh that learns of it. A \
            client that does not repeat it with the new nonce loses its relay ten minutes into the \
            call (pion/turn#102, aioice#28, webrtc-rs#542). Data still flows after 15 minutes.",
    tests: &["RFC 8656 §8.1", "RFC 8489 §9.2.5"],
    layer: Layer::Turn,
    needs: &[Feature::Turn, Feature::RelayPolicy],
    limit: "1200s",
    play: r#"
[servers.turn]
at     = "wan"
kind   = "turn"
faults = [{ kind = "stale-nonce", method = "refresh", nth = 1, times = 2 }]

[peer.tested.ice]
servers = ["turn"]
policy  = "relay"

[[do]]
after = "open + 900s"
send  = { from = "hostile", messages = 3, size = 100 }

[[do]]
after = "open + 900s"
send  = { from = "tested", messages = 3, size = 100 }

[[expect]]
connected = { within = "10s" }
path      = "relay"

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#,
    make: || Box::new(Harmless),
    ..Case::USUAL
};

pub(super) const STALE_NONCE_EVERYWHERE: Case = Case {
    id: "turn/stale-nonce-everywhere",
    title: "438 twice in a row on Allocate, CreatePermission and ChannelBind: the relay works",
    about: "A server that changes its nonce faster than the client can use it, for a moment, on \
            every kind of request (pion/turn#481 recovered from all but ChannelBind).",
    tests: &["RFC 8656 §5", "RFC 8489 §9.2.5"],
    layer: Layer::Turn,
    needs: &[Feature::Turn, Feature::RelayPolicy],
    play: r#"
[servers.turn]
at     = "wan"
kind   = "turn"
faults = [
  { kind = "stale-nonce", method = "allocate", nth = 2, times = 2 },
  { kind = "stale-nonce", method = "create-permission", nth = 1, times = 2 },
  { kind = "stale-nonce", method = "channel-bind", nth = 1, times = 2 },
]

[peer.tested.ice]
servers = ["turn"]
policy  = "relay"

[[do]]
after = "open + 1s"
send  = { from = "hostile", messages = 3, size = 100, every = "20ms" }

[[do]]
after = "open + 2s"
send  = { from = "tested", messages = 3, size = 100, every = "20ms" }

[[expect]]
connected = { within = "15s" }
path      = "relay"

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#,
    make: || Box::new(Harmless),
    ..Case::USUAL
};
