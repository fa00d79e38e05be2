//! Certificate, RFC 5246 §7.4.2 and RFC 8446 §4.4.2.

use super::HandshakeType;
use super::cursor::Cursor;
use super::error::Error;

/// A Certificate message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateView<'a> {
    /// The request it answers; empty before 1.3 and in a server's message.
    pub request_context: &'a [u8],
    list: &'a [u8],
    with_extensions: bool,
}

impl<'a> CertificateView<'a> {
    /// Reads a whole message's body in the form of 1.0 and 1.2.
    ///
    /// # Errors
    /// If it ends inside a field.
    pub fn read(body: &'a [u8]) -> Result<Self, Error> {
        let error =
            Error::Truncated { message: HandshakeType::CERTIFICATE, field: "certificate_list" };
        let list = Cursor(body).vector24().ok_or(error)?;
        Ok(Self { request_context: &[], list, with_extensions: false })
    }

    /// Reads a whole message's body in the form of 1.3.
    ///
    /// # Errors
    /// If it ends inside a field.
    pub fn read_1_3(body: &'a [u8]) -> Result<Self, Error> {
        let error = |field| Error::Truncated { message: HandshakeType::CERTIFICATE, field };
        let mut cursor = Cursor(body);
        let request_context = cursor.vector8().ok_or(error("certificate_request_context"))?;
        let list = cursor.vector24().ok_or(error("certificate_list"))?;
        Ok(Self { request_context, list, with_extensions: true })
    }

    /// The certificates as DER, the sender's own first.
    #[must_use]
    pub const fn certificates(&self) -> Certificates<'a> {
        Certificates { cursor: Cursor(self.list), with_extensions: self.with_extensions }
    }
}

/// The certificates of a message in order; the walk ends at the first that is not all there.
#[derive(Clone, Copy, Debug)]
pub struct Certificates<'a> {
    cursor: Cursor<'a>,
    with_extensions: bool,
}

impl<'a> Iterator for Certificates<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let certificate = self.cursor.vector24()?;
        if self.with_extensions {
            self.cursor.vector16()?;
        }
        Some(certificate)
    }
}
