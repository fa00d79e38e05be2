//! str0m's DTLS (`dimpl`) with a provider that can be observed and repeated.
//!
//! The protocol is the one str0m ships: same library, same cipher suites and key exchange groups in
//! the same order. What differs from `str0m-aws-lc-rs` is where entropy comes from (aws-lc cannot be
//! seeded, so key exchange, signatures and random bytes are `RustCrypto`'s, with RFC 6979 nonces),
//! that one configuration serves all connections (its self-test costs more than a handshake), and
//! that HMAC is tapped for the key log.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dimpl::crypto::{HashAlgorithm, HmacProvider, rust_crypto};
use dimpl::{Config, Dtls};
use rtcspec_peer::dtls::KeyLog;
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};

/// The key log of one connection, shared with its DTLS instance.
pub(crate) type SharedLog = Arc<Mutex<KeyLog>>;

thread_local! {
    /// Log of the instance this thread is calling into.
    static TAPPED: RefCell<Option<SharedLog>> = const { RefCell::new(None) };
    /// Log of the instance made last on this thread.
    static MADE: RefCell<Option<SharedLog>> = const { RefCell::new(None) };
}

/// str0m's provider with the DTLS of this module.
pub(crate) fn crypto_provider() -> CryptoProvider {
    CryptoProvider { dtls_provider: &Provider, ..from_feature_flags() }
}

/// The key log of the connection str0m just built on this thread.
pub(crate) fn log_of_last_built() -> Option<SharedLog> {
    MADE.take()
}

/// Lines of a key log since the last call.
pub(crate) fn take_lines(log: &SharedLog) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[derive(Debug)]
struct Provider;

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        // Every connection is given its certificate.
        None
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let config = config(mtu)?;
        let dtls = match version {
            DtlsVersion::Dtls12 => Dtls::new_12(config, cert.clone(), now),
            DtlsVersion::Dtls13 => Dtls::new_13(config, cert.clone(), now),
            DtlsVersion::Auto => Dtls::new_auto(config, cert.clone(), now),
            other => return Err(CryptoError::Other(format!("no DTLS version {other}"))),
        };
        let log = SharedLog::default();
        MADE.set(Some(Arc::clone(&log)));
        Ok(Box::new(Instance { dtls, log }))
    }
}

/// One configuration per MTU for the whole process.
fn config(mtu: Option<usize>) -> Result<Arc<Config>, CryptoError> {
    static CONFIGS: Mutex<BTreeMap<Option<usize>, Arc<Config>>> = Mutex::new(BTreeMap::new());
    let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = configs.get(&mtu) {
        return Ok(Arc::clone(config));
    }
    // As str0m does: ICE has proven the peer's address, so a server needs no cookie.
    let mut settings =
        Config::builder().use_server_cookie(false).with_crypto_provider(dtls_crypto());
    if let Some(mtu) = mtu {
        settings = settings.mtu(mtu);
    }
    let config = settings.build().map_err(|error| CryptoError::Other(error.to_string()))?;
    Ok(Arc::clone(configs.entry(mtu).or_insert(Arc::new(config))))
}

fn dtls_crypto() -> dimpl::crypto::CryptoProvider {
    let repeatable = rust_crypto::default_provider();
    dimpl::crypto::CryptoProvider {
        kx_groups: repeatable.kx_groups,
        key_provider: repeatable.key_provider,
        secure_random: repeatable.secure_random,
        hmac_provider: &TappedHmac,
        ..dimpl::crypto::aws_lc_rs::default_provider()
    }
}

#[derive(Debug)]
struct TappedHmac;

impl HmacProvider for TappedHmac {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, dimpl::CryptoError> {
        let stock = dimpl::crypto::aws_lc_rs::default_provider().hmac_provider;
        let len = stock.hmac(hash, key, data, out)?;
        TAPPED.with_borrow(|log| {
            if let (Some(log), Some(result)) = (log, out.get(..len)) {
                log.lock().unwrap_or_else(PoisonError::into_inner).see_hmac(key, data, result);
            }
        });
        Ok(len)
    }
}

/// A DTLS association whose secrets land in its log.
struct Instance {
    dtls: Dtls,
    log: SharedLog,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

impl Instance {
    fn tapped<R>(&mut self, call: impl FnOnce(&mut Dtls) -> R) -> R {
        TAPPED.set(Some(Arc::clone(&self.log)));
        let result = call(&mut self.dtls);
        TAPPED.set(None);
        result
    }

    fn see(&self, datagram: &[u8]) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).see_datagram(datagram);
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.tapped(|dtls| dtls.set_active(active));
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.see(packet);
        self.tapped(|dtls| dtls.handle_packet(packet))
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        TAPPED.set(Some(Arc::clone(&self.log)));
        let output = self.dtls.poll_output(buf);
        TAPPED.set(None);
        if let DtlsOutput::Packet(packet) = &output {
            self.see(packet);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.tapped(|dtls| dtls.handle_timeout(now))
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.tapped(|dtls| dtls.send_application_data(data))
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.tapped(Dtls::close)
    }
}
