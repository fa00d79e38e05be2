//! What suites protect records with.

use rtcspec_wire::dtls::CipherSuite;

use super::expand::Hash;

/// How records are encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Aes128Gcm,
    Aes256Gcm,
    /// Whether the tag is short.
    Aes128Ccm(bool),
    Aes256Ccm(bool),
    ChaCha20,
    /// Bytes of the key.
    Cbc(usize, CbcMac),
}

/// The HMAC of a CBC suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CbcMac {
    Sha1,
    Sha256,
    Sha384,
}

impl CbcMac {
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

impl Mode {
    /// The mode and the hash of a suite that can be opened.
    pub(super) fn of(suite: CipherSuite) -> Option<(Self, Hash)> {
        use CipherSuite as S;
        Some(match suite {
            S::AES_128_GCM_SHA256
            | S::RSA_AES_128_GCM_SHA256
            | S::DHE_RSA_AES_128_GCM_SHA256
            | S::ECDHE_ECDSA_AES_128_GCM_SHA256
            | S::ECDHE_RSA_AES_128_GCM_SHA256 => (Self::Aes128Gcm, Hash::Sha256),
            S::AES_256_GCM_SHA384
            | S::RSA_AES_256_GCM_SHA384
            | S::DHE_RSA_AES_256_GCM_SHA384
            | S::ECDHE_ECDSA_AES_256_GCM_SHA384
            | S::ECDHE_RSA_AES_256_GCM_SHA384 => (Self::Aes256Gcm, Hash::Sha384),
            S::CHACHA20_POLY1305_SHA256
            | S::DHE_RSA_CHACHA20_POLY1305
            | S::ECDHE_ECDSA_CHACHA20_POLY1305
            | S::ECDHE_RSA_CHACHA20_POLY1305 => (Self::ChaCha20, Hash::Sha256),
            _ => return Self::of_older(suite),
        })
    }

    /// RFC 6655 and RFC 7251 for CCM, RFC 5246 and RFC 5289 for CBC.
    fn of_older(suite: CipherSuite) -> Option<(Self, Hash)> {
        use CipherSuite as S;
        Some(match suite {
            S::AES_128_CCM_SHA256
            | S::RSA_AES_128_CCM
            | S::DHE_RSA_AES_128_CCM
            | S::ECDHE_ECDSA_AES_128_CCM => (Self::Aes128Ccm(false), Hash::Sha256),
            S::AES_128_CCM_8_SHA256
            | S::RSA_AES_128_CCM_8
            | S::DHE_RSA_AES_128_CCM_8
            | S::ECDHE_ECDSA_AES_128_CCM_8 => (Self::Aes128Ccm(true), Hash::Sha256),
            S::RSA_AES_256_CCM | S::DHE_RSA_AES_256_CCM | S::ECDHE_ECDSA_AES_256_CCM => {
                (Self::Aes256Ccm(false), Hash::Sha256)
            }
            S::RSA_AES_256_CCM_8 | S::DHE_RSA_AES_256_CCM_8 | S::ECDHE_ECDSA_AES_256_CCM_8 => {
                (Self::Aes256Ccm(true), Hash::Sha256)
            }
            S::RSA_AES_128_CBC_SHA
            | S::DHE_RSA_AES_128_CBC_SHA
            | S::ECDHE_ECDSA_AES_128_CBC_SHA
            | S::ECDHE_RSA_AES_128_CBC_SHA => (Self::Cbc(16, CbcMac::Sha1), Hash::Sha256),
            S::RSA_AES_256_CBC_SHA
            | S::DHE_RSA_AES_256_CBC_SHA
            | S::ECDHE_ECDSA_AES_256_CBC_SHA
            | S::ECDHE_RSA_AES_256_CBC_SHA => (Self::Cbc(32, CbcMac::Sha1), Hash::Sha256),
            S::RSA_AES_128_CBC_SHA256
            | S::DHE_RSA_AES_128_CBC_SHA256
            | S::ECDHE_ECDSA_AES_128_CBC_SHA256
            | S::ECDHE_RSA_AES_128_CBC_SHA256 => (Self::Cbc(16, CbcMac::Sha256), Hash::Sha256),
            S::RSA_AES_256_CBC_SHA256 | S::DHE_RSA_AES_256_CBC_SHA256 => {
                (Self::Cbc(32, CbcMac::Sha256), Hash::Sha256)
            }
            S::ECDHE_ECDSA_AES_256_CBC_SHA384 | S::ECDHE_RSA_AES_256_CBC_SHA384 => {
                (Self::Cbc(32, CbcMac::Sha384), Hash::Sha384)
            }
            _ => return None,
        })
    }

    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm(_) => 16,
            Self::Aes256Gcm | Self::Aes256Ccm(_) | Self::ChaCha20 => 32,
            Self::Cbc(len, _) => len,
        }
    }

    /// Bytes of the nonce that come from the key block and of those in the record.
    pub(super) const fn nonce_lens(self) -> (usize, usize) {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::Aes128Ccm(_) | Self::Aes256Ccm(_) => (4, 8),
            Self::ChaCha20 => (12, 0),
            Self::Cbc(..) => (0, 16),
        }
    }

    /// Bytes of MAC key from the key block.
    pub(super) const fn mac_len(self) -> usize {
        match self {
            Self::Cbc(_, mac) => mac.len(),
            _ => 0,
        }
    }

    /// Bytes of an AEAD's tag.
    pub(super) const fn tag_len(self) -> usize {
        match self {
            Self::Aes128Ccm(true) | Self::Aes256Ccm(true) => 8,
            _ => 16,
        }
    }
}
