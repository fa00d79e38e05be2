//! What a side of a session offers and whom it trusts.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme, version::TLS13};

use crate::certificate::CERTIFICATE;
use crate::entropy::Lent;
use crate::key_exchange::SeededX25519;
use crate::signer::certified;

/// A server's certificate and settings; cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerConfig(pub(crate) Arc<rustls::ServerConfig>);

/// A client's settings; cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientConfig(pub(crate) Arc<rustls::ClientConfig>);

/// Which server certificate a client takes. Signatures are checked in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Only [`CERTIFICATE`], whatever name was asked for.
    Fixed,
    /// Only this one, in DER, whatever name was asked for.
    Pinned(Vec<u8>),
    /// Any.
    Any,
}

impl ServerConfig {
    /// A server with [`CERTIFICATE`].
    ///
    /// # Panics
    /// Never: suites, certificate and key are constants.
    #[must_use]
    pub fn fixed() -> Self {
        let mut config = rustls::ServerConfig::builder_with_details(provider(), Arc::new(NoTime))
            .with_protocol_versions(&[&TLS13])
            .expect("invariant: the provider's suites are of TLS 1.3")
            .with_no_client_auth()
            .with_cert_resolver(certified());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Self(Arc::new(config))
    }
}

impl ClientConfig {
    /// A client that takes these certificates.
    ///
    /// # Panics
    /// Never: the provider is a constant.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        let pinned = match trust {
            Trust::Fixed => Some(CERTIFICATE.to_vec()),
            Trust::Pinned(certificate) => Some(certificate),
            Trust::Any => None,
        };
        let provider = provider();
        let algorithms = provider.signature_verification_algorithms;
        let mut config = rustls::ClientConfig::builder_with_details(provider, Arc::new(NoTime))
            .with_protocol_versions(&[&TLS13])
            .expect("invariant: the provider's suites are of TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { pinned, algorithms }))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Self(Arc::new(config))
    }
}

/// The library's own primitives with our randomness and key exchange.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![&SeededX25519],
        secure_random: &Lent,
        ..ring::default_provider()
    })
}

/// Time stands still: nothing here expires.
#[derive(Debug)]
struct NoTime;

impl TimeProvider for NoTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::ZERO))
    }
}

#[derive(Debug)]
struct Verifier {
    pinned: Option<Vec<u8>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.pinned {
            Some(pinned) if end_entity.as_ref() != pinned => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not offered".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
