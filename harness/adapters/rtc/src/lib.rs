//! peerctl/1 for webrtc-rs `rtc` 0.21.1, in process and in virtual time.
//!
//! What it is: [`Rtc`], an [`Implementation`] whose peers drive the sans-IO `rtc` crate the way its
//! own examples do: the application owns the sockets, gives the stack its candidates and feeds it
//! datagrams and time.
//!
//! What it is not: it repairs nothing. `rtc` has no DTLS 1.3, no interleaving and no zero
//! checksum, so the features are not declared and their options answer `unsupported`.
//!
//! ```
//! use rtcspec_adapter_rtc::Rtc;
//! use rtcspec_control::{Feature, Implementation};
//!
//! let hello = Rtc::new().hello();
//! assert_eq!(hello.implementation, "rtc");
//! assert!(hello.has(Feature::Restart));
//! ```

mod capability;
mod connection;
mod crypto;
mod translate;

use std::sync::OnceLock;
use std::time::Instant;

use rtcspec_adapter_embed::{Embedded, Outcome, Stack};
use rtcspec_control::{
    Configuration, Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint,
};

use crate::connection::RtcConnection;

/// The implementation `rtc`.
#[derive(Clone, Debug)]
pub struct Rtc {
    hello: Hello,
}

impl Rtc {
    /// The implementation, ready to make peers.
    #[must_use]
    pub fn new() -> Self {
        Self { hello: capability::hello() }
    }
}

impl Default for Rtc {
    fn default() -> Self {
        Self::new()
    }
}

impl Implementation for Rtc {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn prepare_thread(&self, seed: u64) {
        rtcspec_adapter_entropy::prepare_thread(seed);
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        warm_up();
        let stack = RtcStack { hello: self.hello.clone() };
        Ok(Box::new(Embedded::new(stack, context)))
    }
}

/// Lets `rtc` and its libraries do what they do once per process: what of it draws entropy must not
/// take it from the peer that happens to be the first. A thread of its own keeps the generators of
/// the caller's thread untouched.
fn warm_up() {
    static DONE: OnceLock<bool> = OnceLock::new();
    DONE.get_or_init(|| {
        let once = || {
            drop(RtcConnection::new(rtcspec_adapter_entropy::base(), &Configuration::default()));
        };
        std::thread::spawn(once).join().is_ok()
    });
}

/// Makes the connections of one peer.
#[derive(Debug)]
struct RtcStack {
    hello: Hello,
}

impl Stack for RtcStack {
    type Connection = RtcConnection;

    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn connection(&mut self, now: Instant, config: &Configuration) -> Outcome<RtcConnection> {
        RtcConnection::new(now, config)
    }

    fn reconfigure(
        &mut self,
        connection: &mut RtcConnection,
        config: &Configuration,
    ) -> Outcome<()> {
        connection.reconfigure(config)
    }
}
