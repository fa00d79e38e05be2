//! `ClientHello`, `ServerHello` and `HelloVerifyRequest`: RFC 6347 §4.2.1, RFC 9147 §5.3 and §5.4.

use super::cursor::Cursor;
use super::error::Error;
use super::extension::{Extensions, Words};
use super::{CipherSuite, ExtensionType, HandshakeType, ProtocolVersion};

/// The random of a `ServerHello` that is a `HelloRetryRequest` (RFC 8446 §4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Gives the error of a message that ends inside a field.
fn ends_in(message: HandshakeType) -> impl Fn(&'static str) -> Error + Copy {
    move |field| Error::Truncated { message, field }
}

/// The extensions at the end of a hello; none at all is allowed (RFC 5246 §7.4.1.2).
fn extensions<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if cursor.0.is_empty() { Some(&[]) } else { cursor.vector16() }
}

/// A `ClientHello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHelloView<'a> {
    /// The version field; 1.3 is offered in an extension.
    pub legacy_version: ProtocolVersion,
    /// The client's random.
    pub random: &'a [u8; 32],
    /// Session id.
    pub session_id: &'a [u8],
    /// The cookie of a `HelloVerifyRequest`, brought back.
    pub cookie: &'a [u8],
    cipher_suites: &'a [u8],
    /// Compression methods.
    pub compression_methods: &'a [u8],
    extensions: &'a [u8],
    /// Bytes after the extensions, none by the rules.
    pub trailing: &'a [u8],
}

impl<'a> ClientHelloView<'a> {
    /// Reads a whole message's body.
    ///
    /// # Errors
    /// If it ends inside a field.
    pub fn read(body: &'a [u8]) -> Result<Self, Error> {
        let error = ends_in(HandshakeType::CLIENT_HELLO);
        let mut cursor = Cursor(body);
        Ok(Self {
            legacy_version: ProtocolVersion(cursor.u16().ok_or(error("client_version"))?),
            random: cursor.array().ok_or(error("random"))?,
            session_id: cursor.vector8().ok_or(error("session_id"))?,
            cookie: cursor.vector8().ok_or(error("cookie"))?,
            cipher_suites: cursor.vector16().ok_or(error("cipher_suites"))?,
            compression_methods: cursor.vector8().ok_or(error("compression_methods"))?,
            extensions: extensions(&mut cursor).ok_or(error("extensions"))?,
            trailing: cursor.0,
        })
    }

    /// The suites in order of preference.
    pub fn cipher_suites(&self) -> impl Iterator<Item = CipherSuite> + use<'a> {
        Words::new(self.cipher_suites).map(CipherSuite)
    }

    /// The extensions in order.
    #[must_use]
    pub const fn extensions(&self) -> Extensions<'a> {
        Extensions::new(self.extensions)
    }
}

/// A `ServerHello` or `HelloRetryRequest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHelloView<'a> {
    /// The version field; 1.3 is selected in an extension.
    pub legacy_version: ProtocolVersion,
    /// The server's random.
    pub random: &'a [u8; 32],
    /// Session id.
    pub session_id: &'a [u8],
    /// The chosen suite.
    pub cipher_suite: CipherSuite,
    /// The chosen compression method.
    pub compression_method: u8,
    extensions: &'a [u8],
    /// Bytes after the extensions, none by the rules.
    pub trailing: &'a [u8],
}

impl<'a> ServerHelloView<'a> {
    /// Reads a whole message's body.
    ///
    /// # Errors
    /// If it ends inside a field.
    pub fn read(body: &'a [u8]) -> Result<Self, Error> {
        let error = ends_in(HandshakeType::SERVER_HELLO);
        let mut cursor = Cursor(body);
        Ok(Self {
            legacy_version: ProtocolVersion(cursor.u16().ok_or(error("server_version"))?),
            random: cursor.array().ok_or(error("random"))?,
            session_id: cursor.vector8().ok_or(error("session_id"))?,
            cipher_suite: CipherSuite(cursor.u16().ok_or(error("cipher_suite"))?),
            compression_method: cursor.u8().ok_or(error("compression_method"))?,
            extensions: extensions(&mut cursor).ok_or(error("extensions"))?,
            trailing: cursor.0,
        })
    }

    /// The extensions in order.
    #[must_use]
    pub const fn extensions(&self) -> Extensions<'a> {
        Extensions::new(self.extensions)
    }

    /// Whether this is a `HelloRetryRequest`.
    #[must_use]
    pub fn is_hello_retry_request(&self) -> bool {
        *self.random == HELLO_RETRY_REQUEST
    }

    /// The version the server chose, wherever it says so.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.extensions()
            .get(ExtensionType::SUPPORTED_VERSIONS)
            .and_then(|extension| extension.selected_version())
            .unwrap_or(self.legacy_version)
    }
}

/// A `HelloVerifyRequest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequestView<'a> {
    /// The version field.
    pub server_version: ProtocolVersion,
    /// The cookie the next `ClientHello` must bring.
    pub cookie: &'a [u8],
    /// Bytes after the cookie, none by the rules.
    pub trailing: &'a [u8],
}

impl<'a> HelloVerifyRequestView<'a> {
    /// Reads a whole message's body.
    ///
    /// # Errors
    /// If it ends inside a field.
    pub fn read(body: &'a [u8]) -> Result<Self, Error> {
        let error = ends_in(HandshakeType::HELLO_VERIFY_REQUEST);
        let mut cursor = Cursor(body);
        Ok(Self {
            server_version: ProtocolVersion(cursor.u16().ok_or(error("server_version"))?),
            cookie: cursor.vector8().ok_or(error("cookie"))?,
            trailing: cursor.0,
        })
    }
}
