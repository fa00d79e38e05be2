//! Scenarios that fixtures are made in, beside the plain one.

use std::time::Duration;

use rtcspec_trace::Session;

/// From here on ICE is done and only consent is checked.
pub(super) const LATER: Duration = Duration::from_secs(2);

/// As `PLAIN`, over DTLS 1.2, which alone has renegotiation.
pub(super) const OLDER_DTLS: &str = r#"
limit = "3s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
dtls = { versions = ["1.2"] }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
dtls = { versions = ["1.2"] }
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 20 }
[[expect]]
path = "none"
"#;

/// A relay at A's side.
pub(super) const RELAY: &str = r#"
limit = "7s"
oracle = "off"
[servers.turn]
at   = "wan"
kind = "turn"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
ice  = { servers = ["turn"], policy = "relay" }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 20 }
[[expect]]
path = "none"
"#;

/// A stream of small messages for a minute.
pub(super) const LONG: &str = r#"
limit = "45s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 40, size = 8, every = "1s" }
[[expect]]
path = "none"
"#;

/// A symmetric NAT before A, and a STUN server.
pub(super) const SYMMETRIC: &str = r#"
limit = "3s"
oracle = "off"
[servers.stun]
at   = "wan"
kind = "stun"
[nat.home]
preset  = "symmetric"
inside  = "lan-a"
outside = "wan"
[link.home]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "lan-a"
runs = "reference"
role = "offerer"
ice  = { servers = ["stun"] }
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[expect]]
path = "none"
"#;

/// A closes the channel after a second.
pub(super) const CLOSING: &str = r#"
limit = "9s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
channel = { from = "a", label = "second" }
[[do]]
after = "open + 1s"
close-channel = { from = "a", label = "second" }
[[expect]]
path = "none"
"#;

/// One longer message.
pub(super) const LONGER_MESSAGE: &str = r#"
limit = "2s"
oracle = "off"
[link.a]
delay = "20ms"
[link.b]
delay = "15ms"
[peer.a]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.b]
on   = "wan"
runs = "reference"
role = "answerer"
[[do]]
connect = ["a", "b"]
[[do]]
after = "open"
send  = { from = "a", messages = 1, size = 2000 }
[[expect]]
path = "none"
"#;

/// The first twenty seconds.
pub(super) fn cut(session: &mut Session) {
    session.datagrams.retain(|datagram| datagram.sent < Duration::from_secs(22));
}
