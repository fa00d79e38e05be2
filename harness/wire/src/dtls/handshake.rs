//! Handshake fragments, RFC 6347 §4.2.2 and RFC 9147 §5.2.
//!
//! ```txt
//! msg_type 1 | length 3 | message_seq 2 | fragment_offset 3 | fragment_length 3 | body
//! ```

use super::cursor::Cursor;
use super::error::Error;
use super::number::registry;

registry! {
    /// Which handshake message.
    HandshakeType(u8), "handshake message {}", {
        HELLO_REQUEST = 0, "HelloRequest";
        CLIENT_HELLO = 1, "ClientHello";
        SERVER_HELLO = 2, "ServerHello";
        HELLO_VERIFY_REQUEST = 3, "HelloVerifyRequest";
        NEW_SESSION_TICKET = 4, "NewSessionTicket";
        END_OF_EARLY_DATA = 5, "EndOfEarlyData";
        ENCRYPTED_EXTENSIONS = 8, "EncryptedExtensions";
        REQUEST_CONNECTION_ID = 9, "RequestConnectionId";
        NEW_CONNECTION_ID = 10, "NewConnectionId";
        CERTIFICATE = 11, "Certificate";
        SERVER_KEY_EXCHANGE = 12, "ServerKeyExchange";
        CERTIFICATE_REQUEST = 13, "CertificateRequest";
        SERVER_HELLO_DONE = 14, "ServerHelloDone";
        CERTIFICATE_VERIFY = 15, "CertificateVerify";
        CLIENT_KEY_EXCHANGE = 16, "ClientKeyExchange";
        FINISHED = 20, "Finished";
        CERTIFICATE_STATUS = 22, "CertificateStatus";
        KEY_UPDATE = 24, "KeyUpdate";
    }
}

/// A fragment of a handshake message; often all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeFragment<'a> {
    /// Which message.
    pub msg_type: HandshakeType,
    /// Length of the whole message, 24 bits.
    pub length: u32,
    /// Number of the message.
    pub message_seq: u16,
    /// Where the fragment begins in the message, 24 bits.
    pub fragment_offset: u32,
    /// The fragment.
    pub body: &'a [u8],
}

impl<'a> HandshakeFragment<'a> {
    /// Bytes of the header.
    pub const HEADER_LENGTH: usize = 12;

    /// Whether the fragment is all of its message.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.fragment_offset == 0 && usize::try_from(self.length) == Ok(self.body.len())
    }

    /// Reads the fragment at the start of `bytes`; gives also what follows it.
    ///
    /// # Errors
    /// If it is not all there, or reaches past the end of its message.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let mut cursor = Cursor(bytes);
        let available = bytes.len();
        let short = Error::Fragment { needed: Self::HEADER_LENGTH, available };
        let msg_type = HandshakeType(cursor.u8().ok_or(short)?);
        let length = cursor.u24().ok_or(short)?;
        let message_seq = cursor.u16().ok_or(short)?;
        let fragment_offset = cursor.u24().ok_or(short)?;
        let fragment_length = cursor.u24().ok_or(short)?;
        let end = fragment_offset + fragment_length;
        if end > length {
            return Err(Error::FragmentRange { end, length });
        }
        let needed = fragment_length as usize;
        let body = cursor
            .take(needed)
            .ok_or(Error::Fragment { needed: Self::HEADER_LENGTH + needed, available })?;
        Ok((Self { msg_type, length, message_seq, fragment_offset, body }, cursor.0))
    }

    /// Appends header and body.
    pub fn write(&self, out: &mut Vec<u8>) {
        let fragment_length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        out.push(self.msg_type.0);
        out.extend_from_slice(&self.length.to_be_bytes()[1..]);
        out.extend_from_slice(&self.message_seq.to_be_bytes());
        out.extend_from_slice(&self.fragment_offset.to_be_bytes()[1..]);
        out.extend_from_slice(&fragment_length.to_be_bytes()[1..]);
        out.extend_from_slice(self.body);
    }
}

/// The handshake fragments of a record in order; a malformed one ends the walk. A fragment of
/// length zero takes its header, so the walk always ends.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeFragments<'a> {
    rest: &'a [u8],
}

impl<'a> HandshakeFragments<'a> {
    /// Walks the content of a handshake record.
    #[must_use]
    pub const fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }
}

impl<'a> Iterator for HandshakeFragments<'a> {
    type Item = Result<HandshakeFragment<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match HandshakeFragment::read(self.rest) {
            Ok((fragment, rest)) => {
                self.rest = rest;
                Some(Ok(fragment))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}
