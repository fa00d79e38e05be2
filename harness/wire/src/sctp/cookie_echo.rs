//! COOKIE ECHO, RFC 9260 §3.3.11.
//!
//! ```txt
//! |   Type = 10   |  Chunk Flags  |            Length             |
//! |                            Cookie                             |
//! ```

/// A COOKIE ECHO as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieEchoView<'a> {
    /// The state cookie.
    pub cookie: &'a [u8],
}

/// A COOKIE ECHO to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieEcho {
    /// The state cookie, as the INIT ACK brought it.
    pub cookie: Vec<u8>,
}
