//! Protection profiles: RFC 5764 §4.1.2 and RFC 7714 §14.2.

/// A protection profile of DTLS-SRTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    Aes128CmSha1_80,
    /// `SRTP_AES128_CM_HMAC_SHA1_32`: the short tag is for SRTP only.
    Aes128CmSha1_32,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

/// A master key with its salt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Master<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The salt.
    pub salt: &'a [u8],
}

/// Never shows the key.
impl std::fmt::Debug for Master<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Master({} bytes, salt {} bytes)", self.key.len(), self.salt.len())
    }
}

impl Profile {
    /// The profile with a registered number, if it is one of these.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Aes128CmSha1_80),
            2 => Some(Self::Aes128CmSha1_32),
            7 => Some(Self::AeadAes128Gcm),
            8 => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// The registered number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Aes128CmSha1_80 => 1,
            Self::Aes128CmSha1_32 => 2,
            Self::AeadAes128Gcm => 7,
            Self::AeadAes256Gcm => 8,
        }
    }

    /// Bytes of a master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        if matches!(self, Self::AeadAes256Gcm) { 32 } else { 16 }
    }

    /// Bytes of a master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Bytes of a tag on SRTP.
    pub(crate) const fn rtp_tag_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::Aes128CmSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes of a tag on SRTCP.
    pub(crate) const fn rtcp_tag_len(self) -> usize {
        match self {
            // RFC 5764 §4.1.2: 80 bits on SRTCP with either profile.
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes to take from the exporter with the label `EXTRACTOR-dtls_srtp` (RFC 5764 §4.2).
    #[must_use]
    pub const fn exported_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// What a client and what a server sends with, from exported keying material; `None` if it is
    /// shorter than [`exported_len`](Self::exported_len).
    #[must_use]
    pub fn split(self, exported: &[u8]) -> Option<[Master<'_>; 2]> {
        // RFC 5764 §4.2: client's key, server's key, client's salt, server's salt.
        let (client_key, rest) = exported.split_at_checked(self.key_len())?;
        let (server_key, rest) = rest.split_at_checked(self.key_len())?;
        let (client_salt, rest) = rest.split_at_checked(self.salt_len())?;
        let server_salt = rest.get(..self.salt_len())?;
        Some([
            Master { key: client_key, salt: client_salt },
            Master { key: server_key, salt: server_salt },
        ])
    }
}
