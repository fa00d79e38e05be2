//! ABORT, RFC 9260 §3.3.7.
//!
//! ```txt
//! |   Type = 6    |  Reserved   |T|            Length             |
//! |                   zero or more Error Causes                   |
//! ```

use super::error::{EncodeError, Error};
use super::{Cause, Causes};

/// An ABORT as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortView<'a> {
    /// T: the verification tag is the receiver's own, reflected (RFC 9260 §8.5.1).
    pub reflected_tag: bool,
    causes: &'a [u8],
}

impl<'a> AbortView<'a> {
    pub(super) const fn read(flags: u8, value: &'a [u8]) -> Self {
        Self { reflected_tag: flags & 1 != 0, causes: value }
    }

    /// The error causes in order, malformed ones included.
    #[must_use]
    pub fn causes(&self) -> Causes<'a> {
        Causes::new(self.causes)
    }
}

/// An ABORT to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abort {
    /// T: the verification tag is the receiver's own, reflected (RFC 9260 §8.5.1).
    pub reflected_tag: bool,
    /// Why.
    pub causes: Vec<Cause>,
}

impl Abort {
    pub(super) fn from_view(view: &AbortView<'_>) -> Result<Self, Error> {
        let causes =
            view.causes().map(|found| Cause::from_view(&found)).collect::<Result<_, _>>()?;
        Ok(Self { reflected_tag: view.reflected_tag, causes })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.causes.iter().try_for_each(|cause| cause.write(out))
    }
}
