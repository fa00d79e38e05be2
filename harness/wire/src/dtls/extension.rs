//! Extensions of a hello, RFC 8446 §4.2, and the ones a transcript names.

use super::cursor::Cursor;
use super::{ExtensionType, NamedGroup, ProtocolVersion, SignatureScheme, SrtpProfile};

/// One extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionView<'a> {
    /// Its type.
    pub extension_type: ExtensionType,
    /// Its content.
    pub value: &'a [u8],
}

/// The extensions of a hello in order; the walk ends at the first that is not all there.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Extensions<'a> {
    /// Walks the content of an extensions vector.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor(bytes) }
    }

    /// The first extension of a type.
    #[must_use]
    pub fn get(mut self, wanted: ExtensionType) -> Option<ExtensionView<'a>> {
        self.find(|found| found.extension_type == wanted)
    }

    /// Bytes that were not walked yet; after the walk, those that are no extension.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.cursor.0
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = ExtensionView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = self.cursor;
        let extension_type = ExtensionType(cursor.u16()?);
        let value = cursor.vector16()?;
        self.cursor = cursor;
        Some(ExtensionView { extension_type, value })
    }
}

/// A list of 16-bit numbers; an odd last byte is left out.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl Iterator for Words<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let (word, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*word))
    }
}

/// One entry of a `key_share` extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShareEntry<'a> {
    /// Its group.
    pub group: NamedGroup,
    /// The public value; empty in a `HelloRetryRequest`.
    pub key_exchange: &'a [u8],
}

/// The entries of a client's `key_share` extension.
#[derive(Clone, Copy, Debug)]
pub struct KeyShares<'a>(Cursor<'a>);

impl<'a> Iterator for KeyShares<'a> {
    type Item = KeyShareEntry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = NamedGroup(self.0.u16()?);
        Some(KeyShareEntry { group, key_exchange: self.0.vector16()? })
    }
}

/// A `use_srtp` extension, RFC 5764 §4.1.1.
#[derive(Clone, Copy, Debug)]
pub struct UseSrtp<'a> {
    profiles: &'a [u8],
    /// The master key identifier, empty as a rule.
    pub mki: &'a [u8],
}

impl<'a> UseSrtp<'a> {
    /// The profiles in order of preference; one in a `ServerHello`.
    pub fn profiles(&self) -> impl Iterator<Item = SrtpProfile> + use<'a> {
        Words(self.profiles).map(SrtpProfile)
    }
}

impl<'a> ExtensionView<'a> {
    fn words16(&self) -> Option<Words<'a>> {
        Cursor(self.value).vector16().map(Words)
    }

    /// The groups of a `supported_groups` extension.
    pub fn supported_groups(&self) -> impl Iterator<Item = NamedGroup> + use<'a> {
        let fits = self.extension_type == ExtensionType::SUPPORTED_GROUPS;
        self.words16().filter(|_| fits).into_iter().flatten().map(NamedGroup)
    }

    /// The schemes of a `signature_algorithms` extension.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = SignatureScheme> + use<'a> {
        let fits = self.extension_type == ExtensionType::SIGNATURE_ALGORITHMS;
        self.words16().filter(|_| fits).into_iter().flatten().map(SignatureScheme)
    }

    /// The versions a client offers in `supported_versions`.
    pub fn offered_versions(&self) -> impl Iterator<Item = ProtocolVersion> + use<'a> {
        let fits = self.extension_type == ExtensionType::SUPPORTED_VERSIONS;
        let list = Cursor(self.value).vector8().filter(|_| fits);
        list.map(Words).into_iter().flatten().map(ProtocolVersion)
    }

    /// The version a server selects in `supported_versions`.
    #[must_use]
    pub fn selected_version(&self) -> Option<ProtocolVersion> {
        let fits =
            self.extension_type == ExtensionType::SUPPORTED_VERSIONS && self.value.len() == 2;
        Cursor(self.value).u16().filter(|_| fits).map(ProtocolVersion)
    }

    /// The key shares a client offers.
    pub fn offered_key_shares(&self) -> impl Iterator<Item = KeyShareEntry<'a>> + use<'a> {
        let fits = self.extension_type == ExtensionType::KEY_SHARE;
        let list = Cursor(self.value).vector16().filter(|_| fits);
        list.map(|list| KeyShares(Cursor(list))).into_iter().flatten()
    }

    /// The key share a server selects; without key in a `HelloRetryRequest`.
    #[must_use]
    pub fn selected_key_share(&self) -> Option<KeyShareEntry<'a>> {
        let mut cursor = Cursor(self.value);
        let group = NamedGroup(cursor.u16()?);
        let key_exchange = if cursor.0.is_empty() { &[] } else { cursor.vector16()? };
        let fits = self.extension_type == ExtensionType::KEY_SHARE;
        fits.then_some(KeyShareEntry { group, key_exchange })
    }

    /// The profiles of a `use_srtp` extension.
    #[must_use]
    pub fn use_srtp(&self) -> Option<UseSrtp<'a>> {
        let mut cursor = Cursor(self.value);
        let profiles = cursor.vector16()?;
        let mki = cursor.vector8()?;
        let fits = self.extension_type == ExtensionType::USE_SRTP;
        fits.then_some(UseSrtp { profiles, mki })
    }

    /// The cookie of a DTLS 1.3 `cookie` extension.
    #[must_use]
    pub fn cookie(&self) -> Option<&'a [u8]> {
        let fits = self.extension_type == ExtensionType::COOKIE;
        Cursor(self.value).vector16().filter(|_| fits)
    }

    /// The connection id of a `connection_id` extension, RFC 9146 §3.
    #[must_use]
    pub fn connection_id(&self) -> Option<&'a [u8]> {
        let fits = self.extension_type == ExtensionType::CONNECTION_ID;
        Cursor(self.value).vector8().filter(|_| fits)
    }
}
