//! Operation Error (ERROR), RFC 9260 §3.3.10.
//!
//! ```txt
//! |   Type = 9    |  Chunk Flags  |            Length             |
//! |                    one or more Error Causes                   |
//! ```

use super::error::{EncodeError, Error};
use super::{Cause, Causes};

/// An ERROR as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationErrorView<'a> {
    causes: &'a [u8],
}

impl<'a> OperationErrorView<'a> {
    pub(super) const fn read(value: &'a [u8]) -> Self {
        Self { causes: value }
    }

    /// The error causes in order, malformed ones included.
    #[must_use]
    pub fn causes(&self) -> Causes<'a> {
        Causes::new(self.causes)
    }
}

/// An ERROR to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationError {
    /// What is reported.
    pub causes: Vec<Cause>,
}

impl OperationError {
    pub(super) fn from_view(view: &OperationErrorView<'_>) -> Result<Self, Error> {
        let causes =
            view.causes().map(|found| Cause::from_view(&found)).collect::<Result<_, _>>()?;
        Ok(Self { causes })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.causes.iter().try_for_each(|cause| cause.write(out))
    }
}
