//! SHUTDOWN COMPLETE, RFC 9260 §3.3.13.
//!
//! ```txt
//! |   Type = 14   |  Reserved   |T|          Length = 4           |
//! ```

/// A SHUTDOWN COMPLETE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownComplete {
    /// T: the verification tag is the receiver's own, reflected (RFC 9260 §8.5.1).
    pub reflected_tag: bool,
}
