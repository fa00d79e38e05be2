//! Whom `https://` URLs are believed.

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Certificates that vouch for servers.
#[derive(Clone, Debug)]
pub struct Trust(RootCerts);

/// Why nobody can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// It is no PEM (RFC 7468).
    #[error("{0}")]
    Pem(String),
    /// Keys, perhaps, or nothing.
    #[error("no certificate in it")]
    Nothing,
}

impl Trust {
    /// The authorities that browsers know, as the `webpki-roots` crate has them.
    #[must_use]
    pub const fn public() -> Self {
        Self(RootCerts::WebPki)
    }

    /// The certificates of a PEM file and no others: those of authorities, or of the servers
    /// themselves.
    ///
    /// # Errors
    /// [`TrustError`] if it is no PEM, or has no certificate.
    pub fn pem(bytes: &[u8]) -> Result<Self, TrustError> {
        let mut certificates: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(bytes) {
            let item = item.map_err(|error| TrustError::Pem(error.to_string()))?;
            if let PemItem::Certificate(certificate) = item {
                certificates.push(certificate);
            }
        }
        match certificates.is_empty() {
            true => Err(TrustError::Nothing),
            false => Ok(Self(certificates.into())),
        }
    }

    pub(crate) fn tls(self) -> TlsConfig {
        TlsConfig::builder().root_certs(self.0).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert_eq!(Trust::pem(b"").unwrap_err(), TrustError::Nothing);
        assert_eq!(Trust::pem(b"nothing of PEM").unwrap_err(), TrustError::Nothing);
        let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        assert!(matches!(Trust::pem(broken), Err(TrustError::Pem(_))));
    }
}
