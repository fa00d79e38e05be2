//! peerctl/1 for str0m 0.25.0, in process and in virtual time.
//!
//! What it is: [`Str0m`], an [`Implementation`] whose peers drive `str0m::Rtc` through its SDP API
//! the way its documentation asks: the application owns the sockets, gives the stack its
//! candidates, mutates one thing at a time and drains the output after each.
//!
//! What it is not: it repairs nothing. str0m has no provisional answers, no mDNS and no statistics
//! in W3C form, and it is always the DTLS server of an `actpass` offer; the features are not
//! declared and their options answer `unsupported`.
//!
//! ```
//! use rtcspec_adapter_str0m::Str0m;
//! use rtcspec_control::{Feature, Implementation};
//!
//! let hello = Str0m::new().hello();
//! assert_eq!(hello.implementation, "str0m");
//! assert!(hello.has(Feature::Dtls13));
//! ```

mod capability;
mod channels;
mod connection;
mod description;
mod dtls;
mod negotiation;

use std::sync::OnceLock;
use std::time::Instant;

use rtcspec_adapter_embed::{Embedded, Outcome, Refusal, Stack};
use rtcspec_control::{
    Configuration, Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint,
};
use rtcspec_peer::dtls::Identity;
use str0m::config::DtlsCert;

use crate::connection::Str0mConnection;

/// The implementation `str0m`.
#[derive(Clone, Debug)]
pub struct Str0m {
    hello: Hello,
}

impl Str0m {
    /// The implementation, ready to make peers.
    #[must_use]
    pub fn new() -> Self {
        Self { hello: capability::hello() }
    }
}

impl Default for Str0m {
    fn default() -> Self {
        Self::new()
    }
}

impl Implementation for Str0m {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn prepare_thread(&self, seed: u64) {
        rtcspec_adapter_entropy::prepare_thread(seed);
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        warm_up();
        let stack = Str0mStack {
            hello: self.hello.clone(),
            generator: context.seed,
            certificate: certificate(context.seed),
        };
        Ok(Box::new(Embedded::new(stack, context)))
    }
}

/// The certificate a seed stands for; aws-lc cannot make one from a seed.
fn certificate(seed: u64) -> DtlsCert {
    let identity = Identity::from_seed(seed);
    DtlsCert { certificate: identity.certificate().to_vec(), private_key: identity.private_key() }
}

/// Lets str0m and its libraries do what they do once per process: some of it draws entropy, which
/// must not come from the peer that happens to be the first. A thread of its own keeps the
/// generators of the caller's thread untouched.
fn warm_up() {
    static DONE: OnceLock<bool> = OnceLock::new();
    DONE.get_or_init(|| {
        let once = || {
            if let Ok(settings) = capability::settings(&Configuration::default()) {
                drop(settings.set_dtls_cert(certificate(0)).build(rtcspec_adapter_entropy::base()));
            }
        };
        std::thread::spawn(once).join().is_ok()
    });
}

/// Makes the connections of one peer.
#[derive(Debug)]
struct Str0mStack {
    hello: Hello,
    /// State of the generator behind str0m's identifiers while another peer has the thread.
    generator: u64,
    certificate: DtlsCert,
}

impl Stack for Str0mStack {
    type Connection = Str0mConnection;

    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn resume(&mut self) {
        fastrand::seed(self.generator);
    }

    fn suspend(&mut self) {
        self.generator = fastrand::get_seed();
    }

    fn connection(&mut self, now: Instant, config: &Configuration) -> Outcome<Str0mConnection> {
        let settings = capability::settings(config)?.set_dtls_cert(self.certificate.clone());
        let rtc = settings.build(now);
        let log = dtls::log_of_last_built().unwrap_or_default();
        Ok(Str0mConnection::new(rtc, log, now))
    }

    fn reconfigure(
        &mut self,
        _connection: &mut Str0mConnection,
        config: &Configuration,
    ) -> Outcome<()> {
        let fixed = [
            ("x-iceLite", config.ice_lite),
            ("x-mdns", config.mdns),
            ("x-dtlsVersions", !config.dtls_versions.is_empty()),
            ("x-dtlsRole", !config.dtls_role.is_empty()),
            ("x-sctp", !config.sctp.is_empty()),
        ];
        match fixed.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(Refusal::unsupported(*key)),
            None => Ok(()),
        }
    }
}
