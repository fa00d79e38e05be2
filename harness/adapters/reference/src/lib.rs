//! peerctl/1 for the reference peer.
//!
//! What it is: a translation between [`rtcspec_control`] and [`rtcspec_peer::connection`], in both
//! directions and nothing more; handles are kept here, everything else is the peer's. Besides the
//! contract, Rust code may put a [`Tamper`](rtcspec_peer::tamper::Tamper) into a connection and
//! inject messages at any layer: that is how the suite's hostile cases are written.
//!
//! What it is not: a place for behaviour.
//!
//! ```
//! use rtcspec_adapter_reference::Reference;
//! use rtcspec_control::{Feature, Implementation};
//!
//! assert!(Reference.hello().has(Feature::Exact));
//! ```

mod capability;
mod endpoint;
mod translate;

pub use endpoint::ReferenceEndpoint;

use rtcspec_control::{Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint};

/// The reference peer as an implementation under test.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Implementation for Reference {
    fn hello(&self) -> Hello {
        capability::hello()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        Ok(Box::new(ReferenceEndpoint::new(context)))
    }
}
