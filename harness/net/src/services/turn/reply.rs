//! Answers to requests.

use rtcspec_wire::stun::{Attribute, ErrorCode};

/// Why a request is not served, as its error response says it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) attributes: Vec<Attribute>,
    /// Whether the response carries integrity, which those about credentials do not.
    pub(super) signed: bool,
}

impl Refusal {
    /// A refusal of an authenticated request.
    pub(super) const fn new(code: u16) -> Self {
        Self { code, attributes: Vec::new(), signed: true }
    }

    /// A refusal for want of credentials.
    pub(super) const fn unsigned(code: u16) -> Self {
        Self { code, attributes: Vec::new(), signed: false }
    }

    pub(super) fn with(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    pub(super) const fn bad_request() -> Self {
        Self::new(ErrorCode::BAD_REQUEST)
    }
}

/// Attributes of a success response, or a refusal.
pub(super) type Outcome = Result<Vec<Attribute>, Refusal>;
